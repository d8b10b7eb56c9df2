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
        if !worker.is_busy() {
            choices.extend([1, 11, 55].map(|seconds| (Deed::Pass(seconds), false)));
        }
        choices
    }

    fn after(&self, deed: Deed) -> Result<Self, String> {
        let mut next = self.clone();
        next.path.push(deed);
        let done = next.sim.act(deed).and_then(|()| if matches!(deed, Deed::Pass(_)) { next.sim.act(Deed::Tick) } else { Ok(()) });
        done.map(|()| next).map_err(|why| format!("{why}\n{:?}", self.path.iter().chain([&deed]).collect::<Vec<_>>()))
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

/// All schedules of at most `depth` deeds; each is then brought to its end. Returns how many states there were.
fn explore(nature: Nature, events: &[Deed], faults: u32, depth: usize) -> Result<usize, String> {
    let root = Node { sim: Sim::new(nature), path: Vec::new(), faults, events: events.to_vec() }.after(Deed::Open)?;
    let mut seen = HashSet::from([root.essence()]);
    let mut layer = vec![root];
    for _ in 0..depth {
        let mut next_layer = Vec::new();
        for node in &layer {
            for next in node.nexts()? {
                if seen.insert(next.essence()) {
                    next.sim.clone().finish().map_err(|why| format!("{why}\n{:?}", next.path))?;
                    next_layer.push(next);
                }
            }
        }
        layer = next_layer;
    }
    Ok(seen.len())
}

#[test]
fn every_short_schedule_of_one_grant_keeps_every_promise() {
    for ownership in [Ownership::Shared, Ownership::Ours] {
        for (older, expires) in [(false, false), (true, false), (false, true)] {
            let nature = Nature { ownership, older, expires, reads: 1 };
            let states = explore(nature, &[Deed::End(0), Deed::Extend(0)], 2, 9);
            assert!(states.as_ref().is_ok_and(|n| *n > 100), "{nature:?}: {states:?}");
        }
    }
}

#[test]
fn every_short_schedule_of_two_grants_keeps_every_promise() {
    for older in [false, true] {
        let nature = Nature { ownership: Ownership::Shared, older, expires: false, reads: 1 };
        let states = explore(nature, &[Deed::Open, Deed::End(0), Deed::End(1)], 1, 10);
        assert!(states.as_ref().is_ok_and(|n| *n > 100), "{nature:?}: {states:?}");
    }
}

#[test]
fn every_short_schedule_with_stale_reads_keeps_every_promise() {
    let nature = Nature { ownership: Ownership::Shared, older: true, expires: false, reads: 2 };
    let states = explore(nature, &[Deed::End(0), Deed::Open], 2, 9);
    assert!(states.as_ref().is_ok_and(|n| *n > 100), "{states:?}");
}
