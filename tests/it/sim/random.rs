//! Long random schedules: what nobody would think of.

use hallpass::domain::entitlement::Ownership;
use proptest::prelude::*;

use super::{Deed, Nature, Sim, target::How};

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        12 => Just(How::Well),
        1 => Just(How::Refused),
        1 => Just(How::Denied),
        2 => Just(How::CutBefore),
        2 => Just(How::CutAfter),
        2 => (0i64..11).prop_map(How::Late),
        2 => (1i64..60).prop_map(How::Slow),
        1 => (1i64..60).prop_map(How::SlowFailure),
        3 => Just(How::Stale),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        40 => (prop_oneof![9 => Just(0usize), 1 => Just(1usize)], how()).prop_map(|(worker, how)| Deed::Step(worker, how)),
        2 => (0usize..2).prop_map(Deed::Crash),
        2 => Just(Deed::Open),
        3 => (0usize..4).prop_map(Deed::End),
        2 => (0usize..4).prop_map(Deed::Extend),
        1 => (0usize..4).prop_map(Deed::Fall),
        6 => Just(Deed::Tick),
        6 => (1i64..4).prop_map(Deed::Pass),
        3 => (4i64..70).prop_map(Deed::Pass),
        1 => any::<bool>().prop_map(Deed::ByHand),
        1 => (0usize..4).prop_map(Deed::Settle),
    ]
}

/// Printed on one line, as a story.
#[derive(Clone)]
struct Schedule(Vec<Deed>);

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|deed| write!(f, "{deed:?}; "))
    }
}

fn schedule() -> impl Strategy<Value = Schedule> {
    proptest::collection::vec(deed(), 1..250).prop_map(Schedule)
}

fn nature() -> impl Strategy<Value = Nature> {
    let ownership = prop_oneof![2 => Just(Ownership::Shared), 2 => Just(Ownership::Ours), 1 => Just(Ownership::PerGrant)];
    let reads = prop_oneof![Just(1u32), Just(3u32)];
    (ownership, any::<bool>(), any::<bool>(), reads, any::<bool>()).prop_map(|(ownership, older, expires, reads, leaves)| Nature {
        ownership,
        older,
        expires,
        reads,
        leaves,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_is_cut_and_nothing_is_left_behind(nature in nature(), deeds in schedule()) {
        let mut sim = Sim::new(nature);
        for deed in std::iter::once(Deed::Open).chain(deeds.0) {
            if let Err(why) = sim.act(deed) {
                return Err(TestCaseError::fail(format!("{why} (at {deed:?})")));
            }
        }
        if let Err(why) = sim.finish() {
            return Err(TestCaseError::fail(why));
        }
    }
}
