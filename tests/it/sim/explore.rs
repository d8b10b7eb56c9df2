//! Every short schedule, in order: finds what chance misses.

use std::collections::HashSet;

use hallpass::domain::entitlement::Ownership;

use super::{Deed, Nature, Sim, target::How};

/// A state of the search and what may still go wrong in it.
#[derive(Clone)]
struct Node {
    sim: Sim,
    path: Vec<Deed>,
    /// Faults and crashes left.
    faults: u32,
    /// Events of people left, in any order.
    events: Vec<Deed>,
}

impl Node {
    fn essence(&self) -> String {
        let Sim { house, workers } = &self.sim;
        format!("{} {:?} {} {} {}", self.faults, self.events, house.essence(), workers[0].essence(), workers[1].essence())
    }

    /// Everything that may happen next.
    fn choices(&self) -> Vec<(Deed, bool)> {
        let worker = &self.sim.workers[0];
        let mut choices = vec![(Deed::Step(0, How::Well), false)];
        if self.faults > 0 {
            if worker.is_calling() {
                let faults = [How::CutBefore, How::CutAfter, How::Late(10), How::Refused, How::Slow(15)];
                choices.extend(faults.map(|how| (Deed::Step(0, how), true)));
            } else if worker.asks_target() {
                choices.extend([How::Refused, How::Stale].map(|how| (Deed::Step(0, how), true)));
            }
            if worker.is_busy() {
                choices.push((Deed::Crash(0), true));
            }
        }
        // Who works does not wait; what is late is late in the target.
        if !worker.is_busy() {
            choices.extend([1, 11, 55].map(|seconds| (Deed::Pass(seconds), false)));
        }
        choices
    }

    fn after(&self, deed: Deed) -> Result<Self, String> {
        let mut next = self.clone();
        next.path.push(deed);
        next.act(deed).map_err(|why| format!("{why}\n{:?}", next.path))?;
        Ok(next)
    }

    /// A step goes on until the target is asked, or its answer is to be committed: events between smaller ones are left to chance.
    fn act(&mut self, deed: Deed) -> Result<(), String> {
        self.sim.act(deed)?;
        match deed {
            Deed::Pass(_) => self.sim.act(Deed::Tick),
            Deed::Step(..) => {
                while self.sim.workers[0].is_between() {
                    self.sim.act(Deed::Step(0, How::Well))?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn nexts(&self) -> Result<Vec<Self>, String> {
        let mut nexts = Vec::new();
        for (deed, is_fault) in self.choices() {
            let mut next = self.after(deed)?;
            next.faults -= u32::from(is_fault);
            nexts.push(next);
        }
        for (index, deed) in self.events.iter().enumerate() {
            let mut next = self.after(*deed)?;
            next.events.remove(index);
            nexts.push(next);
        }
        Ok(nexts)
    }
}

/// Where a search begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    Approved,
    Works,
    /// It ended and left something, and the first clean-up is due within seconds.
    Left,
}

impl Node {
    fn begin(mut self, begin: Begin) -> Result<Self, String> {
        self = self.after(Deed::Open)?;
        if begin == Begin::Approved {
            return Ok(self);
        }
        self = self.worked()?;
        if begin == Begin::Works {
            return Ok(self);
        }
        self.after(Deed::End(0))?.worked()?.after(Deed::Pass(55))
    }

    /// The worker has done whatever is due.
    fn worked(mut self) -> Result<Self, String> {
        let from = self.path.len();
        while self.path.len() == from || self.sim.workers[0].is_busy() {
            self = self.after(Deed::Step(0, How::Well))?;
        }
        Ok(self)
    }
}

/// All schedules of at most `depth` deeds, from where it begins; each is then brought to its end. Returns how many states
/// there were.
fn explore(nature: Nature, begin: Begin, events: &[Deed], faults: u32, depth: usize) -> Result<usize, String> {
    let root = Node { sim: Sim::new(nature), path: Vec::new(), faults, events: events.to_vec() }.begin(begin)?;
    let mut seen = HashSet::from([root.essence()]);
    let mut layer = vec![root];
    for _ in 0..depth {
        let mut next_layer = Vec::new();
        for node in &layer {
            next_layer.extend(node.nexts()?.into_iter().filter(|next| seen.insert(next.essence())));
        }
        layer = next_layer;
    }
    for mut node in layer {
        node.sim.finish().map_err(|why| format!("{why}\n{:?}", node.path))?;
    }
    Ok(seen.len())
}

fn all_short_schedules(natures: impl IntoIterator<Item = Nature>, events: &[Deed], depth: usize) {
    for nature in natures {
        for begin in [Begin::Approved, Begin::Works] {
            let states = explore(nature, begin, events, 2, depth);
            assert!(states.as_ref().is_ok_and(|n| *n > 100), "{nature:?}, {begin:?}: {states:?}");
        }
    }
}

#[test]
fn every_short_schedule_of_one_grant_keeps_every_promise() {
    let natures = [Ownership::Shared, Ownership::Ours].into_iter().flat_map(|ownership| {
        [(false, false), (true, false), (false, true)].map(|(older, expires)| Nature { ownership, older, expires, reads: 1, leaves: false })
    });
    all_short_schedules(natures, &[Deed::End(0), Deed::Extend(0)], 6);
}

#[test]
fn every_short_schedule_of_two_grants_keeps_every_promise() {
    let natures = [false, true].map(|older| Nature { ownership: Ownership::Shared, older, expires: false, reads: 1, leaves: false });
    all_short_schedules(natures, &[Deed::Open, Deed::End(0), Deed::End(1)], 6);
}

#[test]
fn every_short_schedule_of_a_grant_that_loses_its_approval_keeps_every_promise() {
    let natures = [false, true].map(|older| Nature { ownership: Ownership::Ours, older, expires: false, reads: 1, leaves: false });
    all_short_schedules(natures, &[Deed::Open, Deed::Fall(1), Deed::End(0)], 6);
}

#[test]
fn every_short_schedule_with_stale_reads_keeps_every_promise() {
    let natures = [false, true].map(|older| Nature { ownership: Ownership::Shared, older, expires: false, reads: 2, leaves: false });
    all_short_schedules(natures, &[Deed::End(0), Deed::Open], 6);
}

#[test]
fn every_short_schedule_of_what_an_end_left_keeps_every_promise() {
    for ownership in [Ownership::Shared, Ownership::Ours] {
        let nature = Nature { ownership, older: false, expires: false, reads: 1, leaves: true };
        for events in [&[Deed::Open, Deed::End(1)][..], &[Deed::ByHand(true), Deed::Settle(0)], &[Deed::Open, Deed::Settle(0)]] {
            let states = explore(nature, Begin::Left, events, 2, 7);
            assert!(states.as_ref().is_ok_and(|n| *n > 100), "{nature:?}, {events:?}: {states:?}");
        }
    }
}
