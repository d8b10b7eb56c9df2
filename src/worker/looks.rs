//! Looks at providers that one process makes for all of them, each in its own time and beside everything else: one that is
//! slow or down delays nobody. Must not know what is looked at.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::task::JoinHandle;

use super::{Deps, Stop, Workers, drift, side::together, sightings};
use crate::{
    domain::{
        ids::ProviderName,
        time::{Instant, Span},
    },
    store::{Commit, CommitError, LookWrite},
};

/// Whoever has the turn has this long; then it is another's.
const TURN: Span = Span::from_minutes(2);
/// Until what came to nothing is tried again.
const AFTER_FAILURE: Span = Span::from_seconds(20);
/// Between two looks at what is due.
const PAUSE: Duration = Duration::from_secs(1);

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// Who holds what.
    Holders,
    /// Which sessions are open.
    Sessions,
}

/// One of them.
pub(super) type Subject = (What, ProviderName);

/// When each is due, as far as this process knows.
#[derive(Default)]
pub(super) struct Looks(Mutex<BTreeMap<Subject, Instant>>, Mutex<Option<Instant>>);

/// The right to look, and to say what came of it.
pub(super) struct Turn<'a> {
    pub deps: &'a Deps,
    pub name: String,
    pub n: i64,
    /// When all of it was last read; at first, when it was first to be.
    pub read_at: Instant,
}

impl Turn<'_> {
    /// Ends the turn with whatever else is committed. `read_at`: all of it could be read then.
    pub(super) fn done(&self, due_at: Instant, read_at: Option<Instant>) -> LookWrite {
        LookWrite::Done { name: self.name.clone(), n: self.n, due_at, read_at }
    }
}

impl Looks {
    fn is_due(&self, subject: &Subject, now: Instant) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(subject).is_none_or(|due| *due <= now)
    }

    /// Is it time to look for what nobody looks at any more? Then not again before `next`.
    pub(super) fn turn_to_abandoned(&self, now: Instant, next: Instant) -> bool {
        let mut at = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = at.is_none_or(|at| at <= now);
        if is_due {
            *at = Some(next);
        }
        is_due
    }

    pub(super) fn due(&self, subject: Subject, at: Instant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(subject, at);
    }
}

impl Workers {
    /// Everything that is due, side by side. Returns how many looks were made.
    pub(super) async fn look_at_all(&self) -> Result<usize, Stop> {
        let due = self.due_looks().await?;
        let made = together(due.iter().map(|subject| self.look_at(subject))).await;
        made.into_iter().sum()
    }

    pub(super) async fn run_looks(self: Arc<Self>) {
        let mut busy: BTreeMap<Subject, JoinHandle<()>> = BTreeMap::new();
        while !self.deps.is_stopping() {
            let over: Vec<Subject> = busy.iter().filter(|(_, task)| task.is_finished()).map(|(subject, _)| subject.clone()).collect();
            for subject in over {
                if let Some(Err(error)) = async { Some(busy.remove(&subject)?.await) }.await {
                    tracing::error!(provider.name = %subject.1, what = ?subject.0, %error, "a look died");
                    self.looks.due(subject, self.deps.bot.now() + drift::EVERY);
                    self.mourn("a look").await;
                }
            }
            for subject in self.due_looks().await.unwrap_or_default() {
                if let std::collections::btree_map::Entry::Vacant(free) = busy.entry(subject) {
                    let (this, subject) = (self.clone(), free.key().clone());
                    free.insert(tokio::spawn(async move { drop(this.noted(this.look_at(&subject).await)) }));
                }
            }
            tokio::time::sleep(PAUSE / self.deps.pace.clamp(1, 10)).await;
        }
        for task in busy.into_values() {
            task.abort();
        }
    }

    /// Nothing is looked at while the store is away.
    async fn due_looks(&self) -> Result<Vec<Subject>, Stop> {
        if self.lifeline.outage.is_on() {
            return Ok(Vec::new());
        }
        let now = self.deps.bot.now();
        let mut due = Vec::new();
        for (name, provider) in self.deps.bot.providers().iter() {
            let verbs = &provider.describe().verbs;
            // Whoever was never reached may have something to tell: the look asks what it is.
            due.extend((verbs.holders || !provider.is_known()).then(|| (What::Holders, name.clone())));
            due.extend(verbs.sightings.then(|| (What::Sessions, name.clone())));
        }
        due.extend(drift::abandoned(&self.deps, &self.looks).await?.into_iter().map(|name| (What::Holders, name)));
        due.retain(|subject| self.looks.is_due(subject, now));
        Ok(due)
    }

    async fn look_at(&self, subject: &Subject) -> Result<usize, Stop> {
        let deps = &*self.deps;
        let (what, provider) = subject;
        let name = format!("{}/{provider}", if *what == What::Holders { "drift" } else { "sightings" });
        let now = deps.bot.now();
        let known = deps.store.look(&name).await.map_err(Stop::read)?;
        if let Some(look) = known.as_ref().filter(|look| now < look.due_at) {
            self.looks.due(subject.clone(), look.due_at);
            return Ok(0);
        }
        let (n, read_at) = (known.as_ref().map(|look| look.n), known.as_ref().map_or(now, |look| look.read_at));
        let due_at = now + Span::from_seconds(TURN.seconds() * i64::from(deps.pace.max(1)));
        let take = LookWrite::Take { name: name.clone(), n, now, due_at };
        match deps.store.commit(Commit { looks: vec![take], ..Commit::default() }).await {
            Ok(()) => {}
            // Somebody else has the turn.
            Err(CommitError::Stale) => return Ok(0),
            Err(error) => return Err(error.into()),
        }
        let turn = Turn { deps, name, n: n.unwrap_or(0) + 1, read_at };
        let looked = match what {
            What::Holders => drift::look(&turn, provider).await,
            What::Sessions => sightings::look(&turn, provider).await,
        };
        if looked.is_err() {
            // Nobody waits for the end of a turn that came to nothing.
            let back = turn.done(deps.bot.now() + AFTER_FAILURE, None);
            drop(deps.store.commit(Commit { looks: vec![back], ..Commit::default() }).await);
        }
        self.looks.due(subject.clone(), *looked.as_ref().unwrap_or(&(deps.bot.now() + AFTER_FAILURE)));
        looked.map(|_| 1)
    }
}
