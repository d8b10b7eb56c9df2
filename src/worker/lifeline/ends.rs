//! One end while the store is away: revoke, read back, and owe the store what came of it.

use tokio::time::timeout;

use super::{Lifeline, Taken};
use crate::{
    domain::{
        entitlement::{Entitlement, EntitlementKey},
        event::{Effect, Outcome, Verb},
        plan::learn::backoff,
        request::GrantId,
        time::{Instant, Span},
    },
    provider::{Fault, FaultKind, Provider, Seen, Step},
    worker::{Deps, entitlements::entry},
};

/// How far the end of one entitlement has come.
#[derive(Default)]
pub(super) struct Try {
    /// The grants that it ends.
    grants: Vec<GrantId>,
    tries: u32,
    pub(super) again: Option<Instant>,
    /// The revoke was answered.
    revoked: bool,
    /// Agreeing reads that showed it absent.
    reads: u32,
    pub(super) gone: Option<Instant>,
    /// What remains, by the newest answer to the revoke.
    residue: Vec<String>,
    /// What was last said of it: only changes are worth an entry.
    said: Option<(Verb, String)>,
}

impl Try {
    /// Another grant's end is another story.
    pub(super) fn begin_for(&mut self, grants: &[GrantId]) {
        if self.grants != grants {
            *self = Self { grants: grants.to_vec(), ..Self::default() };
        }
    }
}

/// What a call taught: its outcome, in words, and when to go on.
struct Lesson {
    verb: Verb,
    outcome: Outcome,
    said: String,
    pause: Option<Span>,
    /// Of a revoke that was answered.
    residue: Vec<String>,
}

impl Lesson {
    const fn plain(verb: Verb, outcome: Outcome, said: String, pause: Option<Span>) -> Self {
        Self { verb, outcome, said, pause, residue: Vec::new() }
    }
}

impl Lifeline {
    /// Goes on with this end: the revoke if it was not answered yet, then the reading. The store is told when this may be
    /// leased again before the call is made, so that no other process calls beside it once the store is back.
    pub(super) async fn end(&self, deps: &Deps, row: &Entitlement) {
        let Some(_here) = self.call(&row.key) else { return };
        let Some(provider) = deps.bot.providers().get(&row.order.provider).cloned() else {
            let said = "its provider is not configured".to_owned();
            self.learn(deps, &row.key, Lesson::plain(Verb::Revoke, Outcome::Failed, said, Some(Span::ZERO)));
            return;
        };
        let is_revoked = || self.memory().tries.get(&row.key).is_some_and(|known| known.revoked);
        if !is_revoked() {
            let deadline = Span::from_seconds(provider.describe().deadline.seconds().max(1) * i64::from(deps.pace.max(1)));
            deps.store.owe_free(row.key.clone(), None, deps.bot.now() + deadline + Span::from_seconds(1));
            let lesson = revoke(provider.as_ref(), row).await;
            if lesson.outcome != Outcome::Unknown {
                deps.store.owe_free(row.key.clone(), None, deps.bot.now());
            }
            self.learn(deps, &row.key, lesson);
            if !is_revoked() {
                return;
            }
        }
        let reads = self.memory().tries.get(&row.key).map_or(0, |known| known.reads);
        let lesson = read(provider.as_ref(), row, reads).await;
        self.learn(deps, &row.key, lesson);
    }

    /// Remembers it, owes an entry for what is new, and says it in the log.
    fn learn(&self, deps: &Deps, key: &EntitlementKey, lesson: Lesson) {
        let now = deps.bot.now();
        let Lesson { verb, outcome, said, pause, residue } = lesson;
        let mut memory = self.memory();
        let known = memory.tries.entry(key.clone()).or_default();
        let new = known.said.as_ref() != Some(&(verb, said.clone()));
        known.said = Some((verb, said.clone()));
        let failed = outcome != Outcome::Ok;
        match (verb, failed) {
            (Verb::Revoke, false) => (known.revoked, known.reads, known.residue) = (true, 0, residue),
            // Still there, or nobody knows: taken away once more.
            (Verb::Observe, true) => (known.revoked, known.reads) = (outcome == Outcome::Unknown, 0),
            (Verb::Observe, false) => known.reads += 1,
            _ => {}
        }
        known.tries = if failed { known.tries.saturating_add(1) } else { known.tries };
        known.again = match pause {
            Some(pause) if failed => Some(now + pause.max(backoff(known.tries, (deps.jitter)()))),
            Some(pause) => Some(now + pause),
            None => None,
        };
        if verb == Verb::Observe && !failed && pause.is_none() {
            known.gone = Some(now);
            let taken = Taken { at: now, grants: known.grants.clone(), residue: known.residue.clone() };
            memory.taken.insert(key.clone(), taken);
        }
        drop(memory);
        if new {
            tracing::error!(entitlement = %key.0, ?verb, ?outcome, detail = %said, "an end without the store");
            let at = now;
            deps.store.owe(entry(deps, key, &Effect::Unwritten { verb, outcome, at, detail: said }));
        }
    }
}

async fn revoke(provider: &dyn Provider, row: &Entitlement) -> Lesson {
    let left = provider.describe().deadline.std();
    let call = provider.revoke(&row.order, row.handle.as_ref(), left);
    let silent = || Err(Fault::new(FaultKind::Ambiguous, "no answer in time"));
    let (outcome, said, pause) = match timeout(left, call).await.unwrap_or_else(|_| silent()) {
        Ok(Step::Done(done)) => {
            return Lesson { residue: done.residue, ..Lesson::plain(Verb::Revoke, Outcome::Ok, String::new(), None) };
        }
        // Asked again: a call is safe to repeat, and that is how an operation is found again.
        Ok(Step::Wait { again_in, .. }) => (Outcome::Failed, "in progress".to_owned(), Some(again_in)),
        Err(fault) => {
            let outcome = if fault.kind == FaultKind::Ambiguous { Outcome::Unknown } else { Outcome::Failed };
            (outcome, fault.message, Some(fault.retry_after.unwrap_or(Span::ZERO)))
        }
    };
    Lesson::plain(Verb::Revoke, outcome, said, pause)
}

/// Absent counts when as many reads agree as the adapter says are needed; `before` did already.
async fn read(provider: &dyn Provider, row: &Entitlement, before: u32) -> Lesson {
    let about = provider.describe_for(&row.order.target);
    let settling = &about.settling;
    let look = timeout(about.deadline.std(), provider.observe(&row.order, row.handle.as_ref()));
    let (outcome, said, pause) = match look.await.unwrap_or_else(|_| Err(Fault::new(FaultKind::Transient, "no answer in time"))) {
        Ok(Seen::Absent) if before + 1 < settling.reads => (Outcome::Ok, "absent, to be read again".to_owned(), Some(settling.apart)),
        Ok(Seen::Absent) => (Outcome::Ok, "absent".to_owned(), None),
        Ok(Seen::Present { .. }) => (Outcome::Failed, "present".to_owned(), Some(Span::ZERO)),
        Ok(Seen::Pending { why }) => (Outcome::Unknown, format!("pending: {why}"), Some(settling.apart)),
        Ok(Seen::Unknown { why }) => (Outcome::Unknown, format!("unknown: {why}"), Some(Span::ZERO)),
        Err(fault) => (Outcome::Unknown, fault.message, Some(fault.retry_after.unwrap_or(Span::ZERO))),
    };
    Lesson::plain(Verb::Observe, outcome, said, pause)
}
