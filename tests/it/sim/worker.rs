//! A worker as a pure model that can be stopped between any two of its steps. Follows `worker/entitlements.rs`.

use hallpass::domain::{
    entitlement::{Claim, Entitlement},
    event::Verb,
    news::News,
    plan::{
        Next, Why, furthest_end, is_starting, is_untouched,
        learn::{self, Brought},
        plan,
    },
    request::RequestId,
};

use super::{
    house::{DEADLINE, House, PAUSE, Save, at, essence, second},
    target::{Heard, How},
};

const MARGIN: i64 = 30;
const STEPS: u32 = 24;

/// What one worker has in memory: lost in a crash.
#[derive(Debug, Clone, Default)]
pub(crate) struct Worker {
    held: Option<Held>,
}

#[derive(Debug, Clone)]
struct Held {
    row: Entitlement,
    generation: i64,
    fence: i64,
    last: i64,
    steps: u32,
    claims: Vec<Claim>,
    phase: Phase,
}

#[derive(Debug, Clone)]
enum Phase {
    /// Claims are to be read, the next step to be planned.
    Ready,
    /// To be committed before the call.
    Intent(Verb),
    /// The intent is committed, the call is to be made.
    Calling(Verb),
    Looking(Why),
    Polling(Verb, String),
    /// To be committed after the call.
    Answered(Vec<(RequestId, News)>),
}

type Outcome = Result<(), String>;

impl Worker {
    /// The process is killed.
    pub(crate) fn crash(&mut self) {
        self.held = None;
    }

    pub(crate) const fn is_busy(&self) -> bool {
        self.held.is_some()
    }

    /// Would a step now be one whose going depends on the target?
    pub(crate) fn asks_target(&self) -> bool {
        self.held.as_ref().is_some_and(|h| matches!(h.phase, Phase::Calling(_) | Phase::Looking(_) | Phase::Polling(..)))
    }

    /// Neither asking the target nor holding its answer.
    pub(crate) fn is_between(&self) -> bool {
        self.held.as_ref().is_some_and(|h| matches!(h.phase, Phase::Ready | Phase::Intent(_)))
    }

    pub(crate) fn is_calling(&self) -> bool {
        self.held.as_ref().is_some_and(|h| matches!(h.phase, Phase::Calling(_)))
    }

    /// Its read is not written down yet.
    pub(crate) fn has_seen_it_absent(&self) -> bool {
        self.held.as_ref().is_some_and(|h| h.row.progress.seen.is_some_and(|(seen, _)| !seen))
    }

    /// One step; `how` the target behaves, if it is asked.
    pub(crate) fn step(&mut self, house: &mut House, how: How) -> Outcome {
        let Some(mut held) = self.held.take() else {
            self.held = lease(house);
            return Ok(());
        };
        if held.step(house, how)? {
            self.held = Some(held);
        }
        Ok(())
    }

    pub(crate) fn essence(&self) -> String {
        let held = self.held.as_ref().map(|h| (essence(&h.row), h.generation, h.fence, h.last, &h.claims, &h.phase));
        format!("{held:?}")
    }
}

fn lease(house: &mut House) -> Option<Held> {
    let now = house.now;
    let stored = house.stored.as_mut()?;
    if stored.due.is_none_or(|due| now < due) || stored.leased_until > now {
        return None;
    }
    stored.leased_until = now + 2 * DEADLINE + MARGIN;
    stored.fence += 1;
    let (row, generation, fence) = (stored.row.clone(), stored.generation, stored.fence);
    Some(Held { row, generation, fence, last: now + DEADLINE + MARGIN, steps: 0, claims: Vec::new(), phase: Phase::Ready })
}

impl Held {
    /// False: the lease was given back, or lost.
    fn step(&mut self, house: &mut House, how: How) -> Result<bool, String> {
        match self.phase.clone() {
            Phase::Ready => self.plan(house),
            Phase::Intent(verb) => {
                learn::begin(&mut self.row, verb, &self.claims, house.traits, at(house.now), at(house.now + DEADLINE));
                self.phase = Phase::Calling(verb);
                self.save(house, &[])
            }
            Phase::Calling(verb) => self.call(house, verb, how),
            Phase::Looking(why) => {
                self.look(house, why, how);
                Ok(true)
            }
            Phase::Polling(verb, op) => {
                self.poll(house, verb, &op, how);
                Ok(true)
            }
            Phase::Answered(news) => {
                self.phase = Phase::Ready;
                self.save(house, &news)
            }
        }
    }

    fn plan(&mut self, house: &mut House) -> Result<bool, String> {
        self.claims = house.claims();
        self.steps += 1;
        if self.claims.is_empty() && self.row.leftover.is_some() {
            learn::settled(&mut self.row, &house.left());
        }
        if house.now > self.last || self.steps > STEPS {
            return self.release(house, Some(house.now + 1));
        }
        match plan(&self.row, &self.claims, house.traits, at(house.now)) {
            Next::Wait { until } => return self.release(house, Some(second(until))),
            Next::Idle { due } => return self.release(house, due.map(second)),
            Next::Drop => {
                house.discard(self.fence, self.generation);
                return Ok(false);
            }
            Next::Tell { news } => {
                let without_call = news.iter().any(|(_, n)| matches!(n, News::Working { had_before: true, .. }));
                if without_call && !self.may_grant(house)? {
                    self.not_now(house);
                    return Ok(true);
                }
                let ends = news.iter().filter(|(_, n)| matches!(n, News::Gone { .. })).count();
                learn::told(&mut self.row, &news, self.claims.len() - ends, at(house.now));
                self.phase = Phase::Answered(news);
            }
            Next::Observe { why } => self.phase = Phase::Looking(why),
            Next::Poll { verb, op } => self.phase = Phase::Polling(verb, op),
            Next::Call { verb } => {
                if verb == Verb::Grant && !self.claims.iter().any(is_starting) {
                    return Err("given without anybody who waits for it".into());
                }
                if verb == Verb::Grant && !self.may_grant(house)? {
                    self.not_now(house);
                } else {
                    self.phase = Phase::Intent(verb);
                }
            }
        }
        Ok(true)
    }

    fn may_grant(&self, house: &mut House) -> Result<bool, String> {
        for claim in self.claims.iter().filter(|c| is_starting(c)) {
            if !house.may_grant(claim, is_untouched(&self.row, &self.claims, claim), self.fence)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn not_now(&mut self, house: &House) {
        self.row.progress.trying = Some((Verb::Grant, at(house.now + 5)));
        self.phase = Phase::Answered(Vec::new());
    }

    fn call(&mut self, house: &mut House, verb: Verb, how: How) -> Result<bool, String> {
        let native_end = second(furthest_end(&self.claims, house.traits, at(house.now))) + 2;
        let (now, deadline) = (house.now, self.row.call.as_ref().map_or(0, |c| second(c.deadline)));
        let heard =
            if now >= deadline { Heard::Failed } else { house.target.call(verb, native_end, how, now, deadline, house.protected(now))? };
        self.heard(house, verb, heard);
        Ok(true)
    }

    fn heard(&mut self, house: &House, verb: Verb, heard: Heard) {
        let now = at(house.now);
        let mut news = Vec::new();
        match heard {
            Heard::Done => {
                let native_expiry = house.target.native().map(at);
                let residue = vec!["a table".to_owned(); house.target.residue];
                learn::done(&mut self.row, verb, &self.claims, Brought { native_expiry, residue, ..Brought::default() });
            }
            Heard::Wait(op, again) => learn::working_on(&mut self.row, verb, op, None, at(house.now + again)),
            Heard::Nothing => learn::unknown(&mut self.row),
            Heard::Failed => learn::failed(&mut self.row, verb, now, PAUSE),
            Heard::Never => {
                learn::failed(&mut self.row, verb, now, PAUSE);
                if verb == Verb::Grant {
                    news = self.refused();
                }
            }
        }
        self.phase = Phase::Answered(news);
    }

    fn refused(&self) -> Vec<(RequestId, News)> {
        let why = || News::GrantFailed { why: "denied".into(), permanent: true };
        self.claims.iter().filter(|c| is_starting(c)).map(|c| (c.request.clone(), why())).collect()
    }

    fn look(&mut self, house: &House, why: Why, how: How) {
        let now = at(house.now);
        let rows = [Some(&self.row), house.stored.as_ref().map(|s| &s.row)];
        let known: Vec<_> = rows.into_iter().flatten().flat_map(|row| row.waiting.iter().chain(&row.progress.overtaken)).collect();
        let says_so = house.target.is_busy(house.now) && matches!(how, How::Slow(_) | How::SlowFailure(_));
        if says_so || house.target.is_busy_beside(&known, house.now) {
            learn::pending(&mut self.row, why, &self.claims, house.traits, now);
        } else {
            match house.target.read(how, house.now) {
                Some(present) => learn::read(&mut self.row, why, present, &self.claims, house.traits, now),
                None => learn::failed(&mut self.row, Verb::Observe, now, PAUSE),
            }
        }
        self.phase = Phase::Answered(Vec::new());
    }

    fn poll(&mut self, house: &House, verb: Verb, op: &str, how: How) {
        match house.target.poll(op, how, house.now) {
            heard @ (Heard::Failed | Heard::Never | Heard::Nothing) => {
                let overtaken = self.row.waiting.is_none();
                learn::poll_failed(&mut self.row, verb, heard == Heard::Never, at(house.now), PAUSE);
                let refused = heard == Heard::Never && verb == Verb::Grant && !overtaken;
                self.phase = Phase::Answered(if refused { self.refused() } else { Vec::new() });
            }
            heard => self.heard(house, verb, heard),
        }
    }

    fn save(&self, house: &mut House, news: &[(RequestId, News)]) -> Result<bool, String> {
        let due = Some(self.row.call.as_ref().map_or(house.now, |c| second(c.deadline)));
        house.save(&self.row, &Save { fence: self.fence, generation: self.generation, due, release: false }, news)
    }

    fn release(&self, house: &mut House, due: Option<i64>) -> Result<bool, String> {
        house.save(&self.row, &Save { fence: self.fence, generation: self.generation, due, release: true }, &[])?;
        Ok(false)
    }
}
