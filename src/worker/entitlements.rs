//! Brings entitlements in line with their claims: lease, read claims, plan, commit the intent, call, commit the answer.
//! The only place that changes a provider; it decides nothing that `plan` has not decided.

mod entries;
mod leftover;
mod news;
mod window;

use std::{future::Future, sync::Arc, time::Duration};

use tokio::sync::SemaphorePermit;

use self::window::Window;
pub(super) use self::window::{Due, handle_due, orphaned};

use super::{Deps, Stop, lifeline::Lifeline};
use crate::{
    domain::{
        command::Actor,
        entitlement::{Claim, EntitlementKey, Order},
        event::{Effect, Outcome, Verb},
        news::News,
        plan::{
            Next, Traits, Why, furthest_end, holds, is_starting, is_untouched,
            learn::{self, Brought, Pause},
            plan,
        },
        request::RequestId,
        time::{Instant, Span},
    },
    faults,
    provider::{Fault, FaultKind, Provider, Seen, Step},
    store::{Commit, CommitError, EntitlementWrite, Fence, Leased, NewEntry},
};

/// Steps on one entitlement before others get their turn.
const STEPS: usize = 24;
/// The target's own expiry comes this much after ours.
const SECOND_LINE: Span = Span::from_seconds(2);
/// Until a grant that may not be made just now is looked at again.
const NOT_NOW: Span = Span::from_seconds(5);
/// Until one that others kept changing is looked at again.
const FASTER: Span = Span::from_seconds(1);
/// Until one is looked at again of which something cannot be written.
const REFUSED: Span = Span::from_seconds(5);

type Done<T> = Result<T, Stop>;

/// Everything about one leased entitlement.
struct Job<'a> {
    deps: &'a Deps,
    lifeline: &'a Lifeline,
    window: &'a Window,
    provider: Arc<dyn Provider>,
    leased: Leased,
    claims: Vec<Claim>,
    traits: Traits,
    deadline: Span,
    /// The permission to make its call.
    turn: Option<SemaphorePermit<'a>>,
    /// The end's first call is made, and others wait for theirs: what is left to do comes after them.
    gives_way: bool,
}

impl<'a> Job<'a> {
    /// Runs it with its lease noted, so that neither a store that goes away, nor an answer that cannot be written, nor a stop
    /// that cannot wait leaves it leased.
    async fn hold(self, last: Instant) -> Done<()> {
        let (key, fence) = (self.leased.row.key.clone(), self.leased.fence);
        let (deps, lifeline) = (self.deps, self.lifeline);
        lifeline.leased(&key, fence);
        let done = self.run(last).await;
        lifeline.released(&key, fence);
        let after = match &done {
            Ok(()) | Err(Stop::Fenced) => return done,
            Err(Stop::Unavailable(_)) => Span::ZERO,
            Err(Stop::Stale) => FASTER,
            Err(Stop::Refused(why)) => {
                tracing::error!(entitlement = %key.0, "what was learnt cannot be written down, and is tried again: {why}");
                REFUSED
            }
        };
        deps.store.owe_free(key, Some(fence), deps.bot.now() + after);
        if matches!(done, Err(Stop::Unavailable(_))) {
            return done;
        }
        deps.store.pay().await.map_err(Stop::from)
    }

    /// Steps until there is nothing to do now; gives the lease back with the next due time. No call starts after `last`.
    async fn run(mut self, last: Instant) -> Done<()> {
        for step in 0..STEPS {
            // Read after the lease for the first step; everybody else's changes since are seen by the next one.
            let early = faults::is_planted("claims_in_the_lease") && !self.claims.is_empty();
            if step > 0 && !early {
                self.claims = self.deps.store.claims(std::slice::from_ref(&self.leased.row.key)).await.map_err(Stop::read)?;
            }
            let untold = self.leased.row.progress.unwritten.is_none();
            if let Some(taken) = self.lifeline.taken(&self.leased.row.key).filter(|_| untold) {
                learn::taken(&mut self.leased.row, &self.claims, taken.at, &taken.grants, &taken.residue);
            }
            self.forget_settled().await?;
            let now = self.deps.bot.now();
            if now > last || self.deps.is_stopping() {
                return self.release(Some(now)).await;
            }
            match plan(&self.leased.row, &self.claims, self.traits, now) {
                Next::Wait { until } => return self.release(Some(until)).await,
                Next::Idle { due } => return self.release(due).await,
                Next::Drop => return self.discard().await,
                Next::Tell { news } => self.tell(news).await?,
                Next::Observe { why } => self.observe(why).await?,
                Next::Poll { verb, op } => self.poll(verb, &op).await?,
                Next::Call { verb } => self.call(verb).await?,
            }
            if self.gives_way {
                return Ok(());
            }
        }
        let soon = self.deps.bot.now() + Span::from_seconds(1);
        self.release(Some(soon)).await
    }

    async fn observe(&mut self, why: Why) -> Done<()> {
        let (provider, order, handle) = (self.provider.clone(), self.leased.row.order.clone(), self.leased.row.handle.clone());
        let turn = self.any_turn().await;
        let answer = self.timed(self.whole(), provider.observe(&order, handle.as_ref())).await;
        drop(turn);
        faults::step(Verb::Observe, "answered");
        let now = self.deps.bot.now();
        let text = match answer {
            Ok(Seen::Present { native_expiry, .. }) => {
                self.expires(native_expiry);
                learn::read(&mut self.leased.row, why, true, &self.claims, self.traits, now);
                if faults::is_planted("had_before_at_the_repeat") && why == Why::AfterUnknown {
                    self.leased.row.had_before = Some(true);
                }
                if why == Why::ReadBack && !self.claims.iter().any(|c| holds(c, now)) {
                    self.lifeline.forget(&self.leased.row.key);
                }
                "present".to_owned()
            }
            Ok(Seen::Absent) => {
                learn::read(&mut self.leased.row, why, false, &self.claims, self.traits, now);
                "absent".to_owned()
            }
            Ok(Seen::Pending { why: what }) => {
                learn::pending(&mut self.leased.row, why, &self.claims, self.traits, now);
                format!("pending: {what}")
            }
            Ok(Seen::Unknown { why: what }) => {
                let pause = self.pause(None);
                learn::failed(&mut self.leased.row, Verb::Observe, now, pause);
                format!("unknown: {what}")
            }
            Err(fault) => {
                let pause = self.pause(fault.retry_after);
                learn::failed(&mut self.leased.row, Verb::Observe, now, pause);
                if why == Why::BeforeFirst && fault.kind.is_permanent() {
                    return self.refused(Verb::Observe, &fault).await;
                }
                fault.message
            }
        };
        let entries = self.answered(Verb::Observe, text);
        self.save(Vec::new(), entries).await?;
        faults::step(Verb::Observe, "written");
        Ok(())
    }

    /// The target's own expiry, as it stands on the bot's clock.
    fn expires(&mut self, real: Option<Instant>) {
        self.leased.row.native_expiry = real.map(|at| self.deps.clock.ours(at)).or(self.leased.row.native_expiry);
    }

    /// Waits for the permission to call, before anything is written down: what is written down is then made at once. False:
    /// it had to wait, so what was read before may be old, and the next step is to be planned again.
    async fn has_turn(&mut self) -> bool {
        if self.turn.is_none() {
            self.turn = self.window.turn_at_once();
            if self.turn.is_none() {
                self.turn = self.window.turn().await;
                return false;
            }
        }
        !self.deps.is_stopping()
    }

    /// The permission that it holds already, or another one.
    async fn any_turn(&mut self) -> Option<SemaphorePermit<'a>> {
        match self.turn.take() {
            Some(turn) => Some(turn),
            None => self.window.turn().await,
        }
    }

    async fn call(&mut self, verb: Verb) -> Done<()> {
        if verb == Verb::Grant && !self.may_grant().await? {
            return self.not_now().await;
        }
        if !self.has_turn().await {
            return Ok(());
        }
        // Held until the call is answered.
        let turn = self.turn.take();
        let (lifeline, window, key) = (self.lifeline, self.window, self.leased.row.key.clone());
        let now = self.deps.bot.now();
        let Some(_here) = lifeline.call(&key) else {
            self.leased.row.progress.trying = Some((verb, now + Span::from_seconds(1)));
            return self.save(Vec::new(), Vec::new()).await;
        };
        let first = self.leased.row.progress.trying.is_none_or(|(trying, _)| trying != verb);
        learn::begin(&mut self.leased.row, verb, &self.claims, self.traits, now, now + self.deadline);
        let intent = if first || verb == Verb::Grant { vec![self.intent(verb, now + self.deadline)] } else { Vec::new() };
        let too_early = if faults::is_planted("effect_first") { Some(self.perform(verb, self.whole(), now).await) } else { None };
        faults::step(verb, "begun");
        self.save(Vec::new(), intent).await?;
        faults::step(verb, "intended");
        // The call must be over by the deadline that was committed, however long the commit took.
        let spent = self.deps.bot.now().micros().saturating_sub(now.micros()).max(0) / i64::from(self.deps.pace.max(1));
        let left = self.whole().saturating_sub(Duration::from_micros(spent.unsigned_abs()));
        if left.is_zero() {
            return self.step(verb, Err(Fault::new(FaultKind::Transient, "the store was too slow: the call was not made"))).await;
        }
        let answer = match too_early {
            Some(answer) => answer,
            None => self.perform(verb, left, now).await,
        };
        drop(turn);
        faults::step(verb, "answered");
        // One that was not answered well goes on to its pause, and is tried again as the end that it is.
        self.gives_way = verb == Verb::Revoke && matches!(answer, Ok(Step::Done(_))) && window.is_crowded();
        self.step(verb, answer).await?;
        faults::step(verb, "written");
        Ok(())
    }

    async fn perform(&self, verb: Verb, left: Duration, now: Instant) -> Result<Step, Fault> {
        let (provider, order, handle) = (self.provider.clone(), self.leased.row.order.clone(), self.leased.row.handle.clone());
        let until = self.native_end(now);
        match verb {
            Verb::Grant => self.timed(left, provider.grant(&order, handle.as_ref(), until, left)).await,
            Verb::Extend => self.timed(left, provider.extend(&order, handle.as_ref(), until, left)).await,
            Verb::Revoke | Verb::Observe => self.timed(left, provider.revoke(&order, handle.as_ref(), left)).await,
            // Handed over by `credential`, to whoever waits for it, and by nobody else.
            Verb::Credential => Err(Fault::unsupported("credential")),
        }
    }

    /// Nothing may be given just now: looked at again after a moment.
    async fn not_now(&mut self) -> Done<()> {
        self.leased.row.progress.trying = Some((Verb::Grant, self.deps.bot.now() + NOT_NOW));
        self.save(Vec::new(), Vec::new()).await
    }

    async fn poll(&mut self, verb: Verb, op: &str) -> Done<()> {
        let (provider, order) = (self.provider.clone(), self.leased.row.order.clone());
        let turn = self.any_turn().await;
        let answer = self.timed(self.whole(), provider.poll(&order, op)).await;
        drop(turn);
        match answer {
            Err(fault) => {
                // Where it is not known how the operation went, it is asked again. Where it has ended, its call is made
                // again, which is safe; giving that was refused for good is told.
                let (now, pause) = (self.deps.bot.now(), self.pause(fault.retry_after));
                let ended = fault.kind.is_permanent() || fault.kind == FaultKind::Conflict;
                let overtaken = self.leased.row.waiting.is_none();
                learn::poll_failed(&mut self.leased.row, verb, ended, now, pause);
                if verb == Verb::Grant && fault.kind.is_permanent() && !overtaken {
                    return self.refused(verb, &fault).await;
                }
                let entries = self.answered(verb, fault.message);
                self.save(Vec::new(), entries).await
            }
            answer => self.step(verb, answer).await,
        }
    }

    /// Every starting claim must still be rightly approved. One that is not right holds back the others for a moment only.
    async fn may_grant(&self) -> Done<bool> {
        let fence = Fence { key: self.leased.row.key.clone(), fence: self.leased.fence };
        for claim in self.claims.iter().filter(|c| is_starting(c)) {
            let untouched = is_untouched(&self.leased.row, &self.claims, claim);
            if !self.deps.bot.may_grant(&claim.request, untouched, &fence).await.map_err(Stop::from)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn step(&mut self, verb: Verb, answer: Result<Step, Fault>) -> Done<()> {
        let now = self.deps.bot.now();
        match answer {
            Ok(Step::Done(done)) => {
                let brought = Brought {
                    handle: done.handle,
                    how_to_connect: done.how_to_connect,
                    native_expiry: done.native_expiry.map(|at| self.deps.clock.ours(at)),
                    sessions_closed: done.sessions_closed,
                    residue: done.residue,
                };
                let tries = self.leased.row.tries;
                learn::done(&mut self.leased.row, verb, &self.claims, brought);
                if faults::is_planted("no_read_back") && verb == Verb::Revoke {
                    (self.leased.row.progress.seen, self.leased.row.reads) = (Some((false, now)), self.traits.reads);
                }
                let entry = self.outcome(verb, Outcome::Ok, tries, String::new());
                self.save(Vec::new(), vec![entry]).await
            }
            Ok(Step::Wait { op, handle, again_in }) => {
                learn::working_on(&mut self.leased.row, verb, op, handle, now + again_in.max(Span::from_seconds(1)));
                let entries = self.answered(verb, "in progress".into());
                self.save(Vec::new(), entries).await
            }
            Err(fault) if fault.kind == FaultKind::Ambiguous => {
                learn::unknown(&mut self.leased.row);
                let entries = self.answered(verb, format!("unknown: {}", fault.message));
                self.save(Vec::new(), entries).await
            }
            Err(fault) => {
                let pause = self.pause(fault.retry_after);
                learn::failed(&mut self.leased.row, verb, now, pause);
                if faults::is_planted("six_tries") && self.leased.row.tries >= 6 {
                    self.leased.row.progress.trying = Some((verb, now + Span::from_minutes(1_000_000)));
                }
                if verb == Verb::Grant && fault.kind.is_permanent() {
                    return self.refused(verb, &fault).await;
                }
                let entries = self.answered(verb, fault.message);
                self.save(Vec::new(), entries).await
            }
        }
    }

    /// Giving failed for good: said to every claim that waits for it.
    async fn refused(&mut self, verb: Verb, fault: &Fault) -> Done<()> {
        let starting = self.claims.iter().filter(|c| is_starting(c));
        let why = || News::GrantFailed { why: fault.message.clone(), permanent: true };
        let news = starting.map(|c| (c.request.clone(), why())).collect();
        let entry = self.outcome(verb, Outcome::Failed, self.leased.row.tries, fault.message.clone());
        self.leased.row.last_answer = Some(fault.message.clone());
        self.save(news, vec![entry]).await
    }

    /// The latest end of all live claims, a little later, on the target's own grain.
    fn native_end(&self, now: Instant) -> Instant {
        let end = furthest_end(&self.claims, self.traits, now) + SECOND_LINE;
        let grain =
            self.provider.describe_for(&self.leased.row.order.target).native.as_ref().map_or(1, |n| n.grain.seconds()).max(1) * 1_000_000;
        let real = self.deps.clock.real(end).micros();
        Instant::from_micros(real.saturating_add(grain - 1).div_euclid(grain).saturating_mul(grain))
    }

    /// How long a call may take, in real time.
    fn whole(&self) -> Duration {
        self.provider.describe().deadline.std().max(Duration::from_secs(1))
    }

    async fn timed<T>(&self, most: Duration, call: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        match tokio::time::timeout(most, call).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::new(FaultKind::Ambiguous, "no answer in time")),
        }
    }

    fn pause(&self, asked: Option<Span>) -> Pause {
        Pause { jitter: (self.deps.jitter)(), asked }
    }
}

/// An entry of an entitlement's own stream.
pub(super) fn entry(deps: &Deps, key: &EntitlementKey, effect: &Effect) -> NewEntry {
    NewEntry {
        stream: format!("entitlement/{}", key.0),
        at: deps.bot.now(),
        actor: Actor::BOT,
        policy: deps.bot.catalogue().digest.clone(),
        event: serde_json::to_value(effect).unwrap_or_default(),
    }
}
