//! A real system as a pure model: one thing that is on or off, with late effects, lost answers, long operations, stale
//! reads, an expiry of its own, and people who change it by hand. Knows what was promised and says when it is broken.

use hallpass::domain::{entitlement::Ownership, event::Verb};

/// How a call goes; chosen by the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum How {
    Well,
    /// Answered: nothing was changed.
    Refused,
    /// Answered: never.
    Denied,
    /// No answer, no effect.
    CutBefore,
    /// It took effect, no answer.
    CutAfter,
    /// No answer; it takes effect this many seconds later, before the call's deadline.
    Late(i64),
    /// An operation that ends after so many seconds.
    Slow(i64),
    /// An operation that ends after so many seconds and came to nothing.
    SlowFailure(i64),
    /// A read that is as old as the target's settling allows.
    Stale,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Done,
    Wait(String, i64),
    Failed,
    Never,
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Operation {
    name: String,
    verb: Verb,
    until: i64,
    ends: i64,
    works: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Landing {
    at: i64,
    verb: Verb,
    until: i64,
}

/// Seconds are the model's time.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a target")]
pub(crate) struct Target {
    pub ownership: Ownership,
    pub on: bool,
    /// On without us.
    pub by_hand: bool,
    /// The target ends access by itself.
    pub expires: bool,
    /// Reads may be this old.
    pub stale: i64,
    /// What is given leaves something behind, which goes when it is taken away once more.
    pub leaves: bool,
    /// What it left that is still there.
    pub residue: usize,
    native: Option<i64>,
    landing: Vec<Landing>,
    operations: Vec<Operation>,
    /// Deadlines of calls that were never answered.
    pub unanswered: Vec<i64>,
    changes: Vec<(i64, bool)>,
    made: usize,
}

impl Target {
    pub(crate) fn new(ownership: Ownership, by_hand: bool, expires: bool, stale: i64) -> Self {
        let on = by_hand && ownership == Ownership::Shared;
        let (landing, operations, unanswered) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            ownership,
            on,
            by_hand: on,
            expires,
            stale,
            leaves: false,
            residue: 0,
            native: None,
            landing,
            operations,
            unanswered,
            changes: vec![(-1_000, on)],
            made: 0,
        }
    }

    /// A call that changes something begins. `protected`: somebody holds it rightly until then.
    pub(crate) fn call(
        &mut self,
        verb: Verb,
        until: i64,
        how: How,
        now: i64,
        deadline: i64,
        protected: Option<i64>,
    ) -> Result<Heard, String> {
        if let Some(other) = self.unanswered.iter().find(|other| now <= **other) {
            return Err(format!("{verb:?} at {now} while another call is unanswered until {other}"));
        }
        Ok(match how {
            How::Well | How::Stale => {
                self.effect(verb, until, now, protected)?;
                Heard::Done
            }
            How::Refused => Heard::Failed,
            How::Denied => Heard::Never,
            How::CutBefore => self.cut(deadline),
            How::CutAfter => {
                self.effect(verb, until, now, protected)?;
                self.cut(deadline)
            }
            How::Late(after) => {
                self.landing.push(Landing { at: (now + after).min(deadline), verb, until });
                self.cut(deadline)
            }
            How::Slow(after) | How::SlowFailure(after) => {
                self.made += 1;
                let name = format!("op{}", self.made);
                let works = matches!(how, How::Slow(_));
                self.operations.push(Operation { name: name.clone(), verb, until, ends: now + after, works });
                Heard::Wait(name, after.clamp(1, 5))
            }
        })
    }

    fn cut(&mut self, deadline: i64) -> Heard {
        self.unanswered.push(deadline);
        Heard::Nothing
    }

    /// What became of an operation.
    pub(crate) fn poll(&self, name: &str, how: How, now: i64) -> Heard {
        match (self.operations.iter().find(|o| o.name == name), how) {
            (_, How::Refused | How::CutBefore | How::CutAfter | How::Late(_)) => Heard::Failed,
            (Some(o), _) if now < o.ends => Heard::Wait(name.to_owned(), 1),
            (Some(o), _) if o.works => Heard::Done,
            _ => Heard::Never,
        }
    }

    /// What a read shows; None: it could not be read.
    pub(crate) fn read(&self, how: How, now: i64) -> Option<bool> {
        match how {
            How::Well | How::Slow(_) | How::SlowFailure(_) | How::Late(_) => Some(self.on),
            How::Stale => Some(self.at(now - self.stale)),
            How::Refused | How::Denied | How::CutBefore | How::CutAfter => None,
        }
    }

    /// The target is still working on something.
    pub(crate) fn is_busy(&self, now: i64) -> bool {
        self.operations.iter().any(|o| now < o.ends)
    }

    /// It is working on something whose name nobody remembers: `docs/adapters.md` demands that a look says so.
    pub(crate) fn is_busy_beside(&self, known: &[&String], now: i64) -> bool {
        self.operations.iter().any(|o| now < o.ends && !known.contains(&&o.name))
    }

    fn at(&self, when: i64) -> bool {
        self.changes.iter().rev().find(|(at, _)| *at <= when).is_some_and(|(_, on)| *on)
    }

    /// Was it on then, as far as anybody could have read?
    pub(crate) fn was_on(&self, when: i64) -> bool {
        let from = when - self.stale;
        let meanwhile = self.changes.iter().any(|(at, on)| *on && (from..=when).contains(at));
        self.at(from - 1) || meanwhile
    }

    /// Might something that was begun still switch it on?
    pub(crate) fn may_still_come_on(&self, now: i64) -> bool {
        let giving = |verb: Verb| verb != Verb::Revoke;
        self.landing.iter().any(|l| giving(l.verb)) || self.operations.iter().any(|o| now < o.ends && o.works && giving(o.verb))
    }

    /// Is something under way that takes it away, whenever it takes effect?
    pub(crate) fn is_being_taken(&self, now: i64) -> bool {
        let taking = |verb: Verb| verb == Verb::Revoke;
        self.landing.iter().any(|l| taking(l.verb)) || self.operations.iter().any(|o| now < o.ends && o.works && taking(o.verb))
    }

    /// Somebody changes it.
    pub(crate) fn set_by_hand(&mut self, on: bool, now: i64) {
        (self.on, self.by_hand) = (on, on);
        self.changes.push((now, on));
    }

    /// Time passes to `to`; what was begun lands when it is due. `protected` says until when somebody holds it at an instant.
    pub(crate) fn pass(&mut self, from: i64, to: i64, protected: &dyn Fn(i64) -> Option<i64>) -> Result<(), String> {
        for now in from + 1..=to {
            let due: Vec<_> = self.landing.iter().filter(|l| l.at <= now).cloned().collect();
            self.landing.retain(|l| l.at > now);
            let ended: Vec<_> = self.operations.iter().filter(|o| o.ends == now && o.works).cloned().collect();
            let effects = due.iter().map(|l| (l.verb, l.until)).chain(ended.iter().map(|o| (o.verb, o.until)));
            for (verb, until) in effects.collect::<Vec<_>>() {
                self.effect(verb, until, now, protected(now))?;
            }
            // Moved in time by a worker that is let run; the schedule may keep it from it.
            if self.on && !self.by_hand && self.native.is_some_and(|at| at <= now) {
                self.switch(false, now);
            }
        }
        Ok(())
    }

    fn effect(&mut self, verb: Verb, until: i64, now: i64, protected: Option<i64>) -> Result<(), String> {
        match verb {
            Verb::Grant => {
                self.switch(true, now);
                self.residue = if self.leaves { 2 } else { 0 };
                self.native = self.expires.then(|| self.native.unwrap_or(0).max(until));
            }
            Verb::Extend if self.on => self.native = self.expires.then(|| self.native.unwrap_or(0).max(until)),
            Verb::Revoke => {
                if self.by_hand && self.on {
                    return Err(format!("older access was cut at {now}"));
                }
                if let (true, Some(until)) = (self.on, protected) {
                    return Err(format!("access was cut at {now}, before {until}"));
                }
                self.native = None;
                self.residue = self.residue.saturating_sub(1);
                self.switch(false, now);
            }
            Verb::Extend | Verb::Observe | Verb::Credential => {}
        }
        Ok(())
    }

    fn switch(&mut self, on: bool, now: i64) {
        if self.on != on {
            self.changes.push((now, on));
        }
        self.on = on;
    }

    /// As the target tells it at a grant.
    pub(crate) fn native(&self) -> Option<i64> {
        self.native
    }

    /// What later behaviour depends on.
    pub(crate) fn essence(&self, now: i64) -> String {
        let recent: Vec<_> = self.changes.iter().filter(|(at, _)| now - at <= self.stale + 1).collect();
        let open: Vec<_> = self.unanswered.iter().filter(|at| now <= **at).collect();
        let Self { on, by_hand, residue, native, landing, operations, .. } = self;
        format!("{on} {by_hand} {residue} {native:?} {landing:?} {operations:?} {open:?} {recent:?}")
    }
}
