//! The entitlement aggregate under every order of events: `plan` and `learn` against a model of the target, with two workers
//! that may be stopped between any two steps, and requests that come, go and are prolonged meanwhile. No store, no clock.

mod explore;
mod house;
mod random;
mod target;
mod worker;

use hallpass::domain::{entitlement::Ownership, plan::Traits, time::Span};

use house::House;
use target::{How, Target};
use worker::Worker;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Deed {
    /// A worker takes its next step; the target, if asked, behaves like this.
    Step(usize, How),
    Crash(usize),
    Open,
    End(usize),
    Extend(usize),
    Fall(usize),
    Tick,
    Pass(i64),
    ByHand(bool),
    /// An administrator takes over what remains.
    Settle(usize),
}

/// What is being tried out: the target's nature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nature {
    pub ownership: Ownership,
    /// Somebody had it before.
    pub older: bool,
    /// The target ends access by itself, and can be asked to move that.
    pub expires: bool,
    /// Agreeing reads, and so stale reads.
    pub reads: u32,
    /// Something remains when access is taken away for the first time.
    pub leaves: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Sim {
    pub house: House,
    pub workers: [Worker; 2],
}

impl Sim {
    pub(crate) fn new(nature: Nature) -> Self {
        let apart = Span::from_seconds(if nature.reads > 1 { 3 } else { 0 });
        let stale = i64::from(nature.reads - 1) * apart.seconds();
        let traits = Traits { reads: nature.reads, apart, extendable: nature.expires };
        let mut target = Target::new(nature.ownership, nature.older, nature.expires, stale);
        target.leaves = nature.leaves;
        Self { house: House::new(target, traits), workers: [Worker::default(), Worker::default()] }
    }

    /// Does it. An error says which promise was broken.
    pub(crate) fn act(&mut self, deed: Deed) -> Result<(), String> {
        let house = &mut self.house;
        match deed {
            Deed::Step(worker, how) => self.workers[worker].step(house, how)?,
            Deed::Crash(worker) => self.workers[worker].crash(),
            // One object per grant means one claim per object.
            Deed::Open if house.target.ownership == Ownership::PerGrant && !house.requests.is_empty() => {}
            Deed::Open => house.open(),
            Deed::End(index) => house.end(index)?,
            Deed::Extend(index) => house.extend(index)?,
            Deed::Fall(index) => house.fall(index),
            Deed::Tick => house.tick()?,
            Deed::Pass(seconds) => house.pass(seconds)?,
            // Whoever has just read that it was not there takes what comes now for their own.
            Deed::ByHand(true) if self.workers.iter().any(Worker::has_seen_it_absent) => {}
            Deed::ByHand(on) => house.by_hand(on),
            Deed::Settle(index) => house.settle(index)?,
        }
        Ok(())
    }

    /// Everything goes well from here on, and time passes: every story ends, and nothing of ours is left.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        for round in 0..300 {
            self.house.tick()?;
            // What somebody has given by hand since keeps what remains from being cleaned up.
            if round > 200 && self.house.target.by_hand {
                (0..self.house.requests.len()).try_for_each(|index| self.act(Deed::Settle(index)))?;
            }
            for worker in 0..self.workers.len() {
                for _ in 0..200 {
                    // A worker that has nothing to do takes no lease.
                    self.act(Deed::Step(worker, How::Well))?;
                    if !self.workers[worker].is_busy() {
                        break;
                    }
                }
            }
            self.house.pass(if self.house.is_over() { 60 } else { self.house.until_due().clamp(1, 60) })?;
            if self.house.is_over() && self.house.stored.is_none() {
                return self.nothing_is_left();
            }
        }
        let states: Vec<_> = self.house.requests.iter().map(|r| r.state.name()).collect();
        Err(format!("it does not end: {states:?} {:?}", self.house.stored.as_ref().map(|s| (&s.row.progress, s.due, s.row.given))))
    }

    fn nothing_is_left(&self) -> Result<(), String> {
        let target = &self.house.target;
        if let Some(request) = self.house.left().first() {
            return Err(format!("{request} waits for ever for its clean-up"));
        }
        if target.on == target.by_hand { Ok(()) } else { Err(format!("left behind: on {}, by hand {}", target.on, target.by_hand)) }
    }
}
