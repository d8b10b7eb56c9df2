//! The store and the bot as a pure model: real requests, the one entitlement row with its lease and fence, and the events
//! that people and time bring. Follows `store/apply.rs` and `bot/reports.rs` step by step.

use hallpass::domain::{
    command::Length,
    decide, due,
    entitlement::{Claim, Entitlement, EntitlementKey, Order, Ownership},
    event::Event,
    news::News,
    plan::{Traits, learn},
    request::{Ask, AskKind, Ending, Grant, GrantId, Preview, Remains, Request, RequestId, State},
    time::{Instant, Span},
    words::WordId,
};

use super::target::Target;
use crate::world::START;

pub(crate) const DEADLINE: i64 = 10;
pub(crate) const GRANT_WITHIN: i64 = 90;
pub(crate) const DURATION: i64 = 60;

pub(crate) fn at(second: i64) -> Instant {
    Instant::from_micros(START.micros() + second * 1_000_000)
}

pub(crate) fn second(at: Instant) -> i64 {
    at.seconds() - START.seconds()
}

/// The stored row with its columns.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub row: Entitlement,
    pub generation: i64,
    pub due: Option<i64>,
    pub leased_until: i64,
    pub fence: i64,
}

/// Everything outside the workers.
#[derive(Debug, Clone)]
pub(crate) struct House {
    pub now: i64,
    pub target: Target,
    pub traits: Traits,
    pub requests: Vec<Request>,
    /// The approvals of these no longer suffice.
    pub fallen: Vec<RequestId>,
    pub stored: Option<Stored>,
    key: EntitlementKey,
    fences: i64,
}

impl House {
    pub(crate) fn new(target: Target, traits: Traits) -> Self {
        let key = EntitlementKey("the one".into());
        Self { now: 0, target, traits, requests: Vec::new(), fallen: Vec::new(), stored: None, key, fences: 0 }
    }

    pub(crate) fn claims(&self) -> Vec<Claim> {
        self.requests.iter().filter_map(due::claim).collect()
    }

    /// Somebody holds it rightly until then.
    pub(crate) fn protected(&self, now: i64) -> Option<i64> {
        protected(&self.requests, now)
    }

    /// Approved: the request is in `Granting`, its claim is written, the row wanted.
    pub(crate) fn open(&mut self) {
        let n = self.requests.len();
        let grant = GrantId::from_stored(format!("grant{n}"));
        let (order, ownership) = (order(), self.target.ownership);
        let request = Request::open(RequestId::new(u64::try_from(n).unwrap() + 1), ask(), at(self.now));
        let give_up_at = at(self.now + GRANT_WITHIN);
        let duration = Span::from_seconds(DURATION);
        let grant = Grant {
            id: grant,
            entitlement: self.key.clone(),
            resource: "prod-db".parse().unwrap(),
            role: "write".parse().unwrap(),
            policy: "prod-data".parse().unwrap(),
            duration,
            end: None,
            ceiling: Span::from_seconds(10 * DURATION),
            cap: Span::from_seconds(10 * DURATION),
            grace: Span::ZERO,
            warning: Span::ZERO,
            decided_at: at(self.now),
            give_up_at,
            latest: give_up_at + duration,
            votes: Vec::new(),
        };
        let request = request.apply(&Event::Granting { grant }, at(self.now)).unwrap();
        self.requests.push(request);
        let now = self.now;
        let fresh = Entitlement::new(self.key.clone(), ownership, order);
        self.fences += 1;
        // A row that was dropped and made anew fences whoever still holds the old one.
        let (generation, fence) = (self.fences * 1_000, self.fences * 1_000);
        self.stored.get_or_insert(Stored { row: fresh, generation, due: None, leased_until: 0, fence });
        self.raise(now);
    }

    fn raise(&mut self, now: i64) {
        if let Some(stored) = &mut self.stored {
            stored.generation += 1;
            stored.due = Some(stored.due.map_or(now, |due| due.min(now)));
        }
    }

    /// Applies a request's events and writes its claim.
    pub(crate) fn apply(&mut self, index: usize, events: &[Event]) -> Result<(), String> {
        let before = self.requests[index].clone();
        let after = events.iter().try_fold(before.clone(), |r, e| r.apply(e, at(self.now))).map_err(|e| e.to_string())?;
        self.judge(&before, &after)?;
        let settled = events.iter().any(|event| matches!(event, Event::Settled { .. }));
        let changed = settled || due::claim(&before) != due::claim(&after);
        self.requests[index] = after;
        if changed {
            self.raise(self.now);
        }
        Ok(())
    }

    /// What may not be said before it is true.
    fn judge(&self, before: &Request, after: &Request) -> Result<(), String> {
        if let (State::Granting { .. }, State::Active { work, .. }) = (&before.state, &after.state)
            && !self.target.was_on(second(work.since))
        {
            return Err(format!("{} was said to work since {} and did not", after.id, second(work.since)));
        }
        if before.leaves_something() && !after.leaves_something() && self.target.residue > 0 && !is_settled(after) {
            return Err(format!("{} was said to be cleaned up and is not", after.id));
        }
        let (State::Revoking { .. }, State::Closed { held: Some(held), .. }) = (&before.state, &after.state) else { return Ok(()) };
        let others = self.requests.iter().any(|r| r.id != after.id && due::claim(r).is_some_and(|c| c.wanted));
        let unknown = self.target.unanswered.iter().any(|deadline| self.now <= *deadline);
        let coming = self.target.may_still_come_on(self.now);
        // Whoever it is still there for answers for its end, even if that has just begun.
        let heirs = self.requests.iter().any(|r| r.id != after.id && due::claim(r).is_some());
        let wrong = match held.remains {
            Remains::Nothing => !others && (unknown || coming || (self.target.on && !self.target.by_hand)),
            Remains::Through { .. } => !heirs,
            Remains::Before | Remains::Unknown => unknown,
        };
        if wrong { Err(format!("{} was said to be gone too early: {held:?}", after.id)) } else { Ok(()) }
    }

    /// What time has brought.
    pub(crate) fn tick(&mut self) -> Result<(), String> {
        for index in 0..self.requests.len() {
            let events = match &self.requests[index].state {
                State::Granting { grant } if grant.give_up_at <= at(self.now) => {
                    vec![Event::GrantFailed { why: "it did not work in time".into(), permanent: false }]
                }
                State::Active { work, .. } if work.until <= at(self.now) => decide::ending(&self.requests[index], Ending::Expired),
                _ => continue,
            };
            self.apply(index, &events)?;
        }
        Ok(())
    }

    /// Whoever has it, or is getting it, gives it back.
    pub(crate) fn end(&mut self, index: usize) -> Result<(), String> {
        let Some(request) = self.requests.get(index) else { return Ok(()) };
        if !matches!(request.state, State::Granting { .. } | State::Active { .. }) {
            return Ok(());
        }
        let events = decide::ending(request, Ending::Returned { by: "ana".parse().unwrap() });
        self.apply(index, &events)
    }

    /// More time, below the ceiling.
    pub(crate) fn extend(&mut self, index: usize) -> Result<(), String> {
        let Some(State::Active { work, extension: None, .. }) = self.requests.get(index).map(|r| r.state.clone()) else { return Ok(()) };
        if work.until <= at(self.now) {
            return Ok(());
        }
        let events = decide::approved_extension(work.until + Span::from_seconds(30), work.native_expiry);
        self.apply(index, &events)
    }

    /// The policy changed under an approval.
    pub(crate) fn fall(&mut self, index: usize) {
        if let Some(request) = self.requests.get(index) {
            self.fallen.push(request.id.clone());
        }
    }

    /// Whose ends left something that still has to go.
    pub(crate) fn left(&self) -> Vec<RequestId> {
        self.requests.iter().filter(|request| request.leaves_something()).map(|request| request.id.clone()).collect()
    }

    /// An administrator takes over what remains.
    pub(crate) fn settle(&mut self, index: usize) -> Result<(), String> {
        let Some(request) = self.requests.get(index).filter(|request| request.leaves_something()) else { return Ok(()) };
        let cleared = request.alarms.iter().map(|alarm| Event::AlarmCleared { alarm: *alarm });
        let settled = Event::Settled { person: "eve".parse().unwrap(), reason: WordId::from_stored("w:".into()) };
        let events: Vec<Event> = cleared.chain([settled]).collect();
        self.apply(index, &events)
    }

    /// As `Bot::may_grant`, for a policy that no longer approves.
    pub(crate) fn may_grant(&mut self, claim: &Claim, untouched: bool, fence: i64) -> Result<bool, String> {
        if self.stored.as_ref().is_none_or(|s| s.fence != fence) || !self.fallen.contains(&claim.request) {
            return Ok(true);
        }
        let index = self.requests.iter().position(|r| r.id == claim.request).unwrap();
        if !matches!(self.requests[index].state, State::Granting { .. }) {
            return Ok(false);
        }
        let event = if untouched {
            Event::Reopened { stage: 0, dropped: Vec::new() }
        } else {
            Event::GrantFailed { why: "the approvals no longer suffice".into(), permanent: false }
        };
        self.apply(index, &[event])?;
        Ok(false)
    }

    /// As `EntitlementWrite::Save`, with the news of `Bot::report`. False: fenced.
    pub(crate) fn save(&mut self, row: &Entitlement, save: &Save, news: &[(RequestId, News)]) -> Result<bool, String> {
        let Some(stored) = self.stored.as_mut().filter(|s| s.fence == save.fence) else { return Ok(false) };
        stored.due = match (stored.generation == save.generation, stored.due, save.due) {
            (true, _, due) | (false, None, due) => due,
            (false, Some(old), Some(new)) => Some(old.min(new)),
            (false, old, None) => old,
        };
        stored.row = row.clone();
        if save.release {
            stored.leased_until = 0;
        }
        for (id, news) in news {
            let index = self.requests.iter().position(|r| r.id == *id).unwrap();
            let events = due::news(&self.requests[index], news, at(self.now));
            self.apply(index, &events)?;
        }
        Ok(true)
    }

    /// As `EntitlementWrite::Drop`.
    pub(crate) fn discard(&mut self, fence: i64, generation: i64) {
        let Some(stored) = self.stored.as_mut().filter(|s| s.fence == fence) else { return };
        stored.leased_until = 0;
        if stored.generation == generation && self.claims().is_empty() {
            self.stored = None;
        }
    }

    pub(crate) fn pass(&mut self, seconds: i64) -> Result<(), String> {
        let requests = self.requests.clone();
        self.target.pass(self.now, self.now + seconds, &|now| protected(&requests, now))?;
        self.now += seconds;
        Ok(())
    }

    /// Somebody changes the target by hand, where that cannot be mistaken for our own work.
    pub(crate) fn by_hand(&mut self, on: bool) {
        if self.target.ownership != Ownership::Shared && on {
            return;
        }
        let row = self.stored.as_ref().map(|s| &s.row);
        let looked = row.and_then(|r| r.progress.seen).is_some_and(|(seen, _)| !seen);
        let begun = row.is_some_and(|r| r.call.is_some() || r.waiting.is_some()) || self.target.is_being_taken(self.now);
        if on && (begun || self.target.on || row.is_some_and(|r| r.given || looked)) {
            return;
        }
        self.target.set_by_hand(on, self.now);
    }

    /// Is every story over?
    pub(crate) fn is_over(&self) -> bool {
        self.requests.iter().all(|r| matches!(r.state, State::Closed { .. } | State::Pending { .. }))
    }

    /// Seconds until something may happen by itself.
    pub(crate) fn until_due(&self) -> i64 {
        let ends = self.claims().into_iter().filter(|c| c.wanted).map(|c| second(c.until.unwrap_or(c.give_up_at)));
        let row = self.stored.as_ref().and_then(|s| s.due.map(|due| due.max(s.leased_until)));
        ends.chain(row).min().map_or(60, |due| due - self.now)
    }

    /// What later behaviour depends on, for telling states apart.
    pub(crate) fn essence(&self) -> String {
        let stories: Vec<_> = self.requests.iter().map(|r| (r.state.name(), due::claim(r), &r.alarms)).collect();
        let row = self.stored.as_ref().map(|s| (essence(&s.row), s.due, s.leased_until, s.generation, s.fence));
        format!("{} {} {stories:?} {row:?} {}", self.now, self.target.essence(self.now), self.fallen.len())
    }
}

/// A row without what never changes.
pub(crate) fn essence(row: &Entitlement) -> String {
    let Entitlement { had_before, given, native_expiry, call, unknown_until, reads, tries, waiting, progress, residue, leftover, .. } = row;
    let left = leftover.as_ref().map(|l| (l.requests.len(), l.residue.len(), l.found, l.tries, l.next_at));
    format!(
        "{had_before:?}{given}{native_expiry:?}{call:?}{unknown_until:?}{reads}{tries}{waiting:?}{progress:?}{} {left:?}",
        residue.len()
    )
}

/// How a row is saved.
#[derive(Debug, Clone)]
pub(crate) struct Save {
    pub fence: i64,
    pub generation: i64,
    pub due: Option<i64>,
    pub release: bool,
}

fn is_settled(request: &Request) -> bool {
    matches!(&request.state, State::Closed { held: Some(held), .. } if held.settled.is_some())
}

fn protected(requests: &[Request], now: i64) -> Option<i64> {
    let until = |r: &Request| match &r.state {
        State::Active { work, .. } => (at(now) < work.until && !work.had_before && !work.found_absent).then(|| second(work.until)),
        _ => None,
    };
    requests.iter().filter_map(until).max()
}

/// The pause that the model's workers take: no chance in it.
pub(crate) const PAUSE: learn::Pause = learn::Pause { jitter: 128, asked: None };

fn order() -> Order {
    Order {
        provider: "pretended".parse().unwrap(),
        target: serde_json::json!({ "name": "write" }),
        principal: "ana".into(),
        person: "ana".parse().unwrap(),
        inputs: std::collections::BTreeMap::new(),
        grant: "one".into(),
        by_hand: String::new(),
    }
}

fn ask() -> Ask {
    Ask {
        kind: AskKind::First,
        by: "ana".parse().unwrap(),
        subject: "ana".parse().unwrap(),
        resource: "prod-db".parse().unwrap(),
        role: "write".parse().unwrap(),
        length: Length::For(Span::from_seconds(DURATION)),
        start: None,
        reason: None,
        ticket: None,
        about: None,
        direct: false,
        at: START,
        policy: "prod-data".parse().unwrap(),
        preview: Preview::default(),
    }
}
