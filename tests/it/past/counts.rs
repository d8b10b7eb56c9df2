//! Counts and medians: of any cut of time into windows, each moment of each request is counted once; and what is counted is what
//! the events say.

use std::collections::BTreeMap;

use hallpass::{
    domain::{
        digest::{Day, OpenNow, Tallies, Unused},
        time::{Instant, Span},
    },
    store::Store,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{
    lived,
    lives::{BEGIN, Lives, OVER, second},
};
use crate::ledger::on_both;

on_both![
    every_moment_is_counted_in_exactly_one_of_any_windows_that_meet,
    what_is_counted_of_a_window_is_what_the_events_say,
    the_numbers_of_one_resource_are_its_own,
];

/// Counts by name.
type Counts = BTreeMap<&'static str, u64>;

fn counts(day: &Day) -> Counts {
    let pairs = [
        ("asked", day.asked),
        ("granted", day.granted),
        ("granted_less", day.offered_less),
        ("denied", day.denied),
        ("unanswered", day.unanswered),
        ("cancelled", day.cancelled),
        ("failed", day.failed),
        ("expired", day.expired),
        ("returned", day.returned),
        ("revoked", day.revoked),
        ("left", day.left),
        ("settled", day.settled),
        ("decided", day.decided),
    ];
    pairs.into_iter().filter(|(_, count)| *count > 0).collect()
}

fn wanted(lives: &Lives, from: Instant, to: Instant) -> Counts {
    let mut counts = Counts::new();
    for life in &lives.0 {
        let fact = life.fact();
        let mut count = |name, at: Option<Instant>| {
            if at.is_some_and(|at| from <= at && at < to) {
                *counts.entry(name).or_default() += 1;
            }
        };
        count("asked", fact.asked);
        count("granted", fact.works);
        count("granted_less", fact.works.filter(|_| fact.less));
        if let Some(ending) = fact.ending {
            count(ending, fact.over);
        }
        count("decided", fact.decided.map(|(at, _)| at));
    }
    counts
}

fn day(tallies: &Tallies) -> Day {
    Day::new(tallies, Vec::new(), Unused::default(), OpenNow::default())
}

async fn counted(store: &Store, from: Instant, to: Instant) -> Counts {
    counts(&day(&store.tallies(from, to, None).await.unwrap()))
}

async fn every_moment_is_counted_in_exactly_one_of_any_windows_that_meet(url: &str) {
    let (store, lives) = lived(url, 21, 340).await;
    let mut chance = StdRng::seed_from_u64(22);
    for _ in 0..3 {
        let mut cuts: Vec<Instant> = (0..12).map(|_| second(chance.random_range(0..OVER))).collect();
        // Cuts that fall on moments themselves.
        cuts.extend((0..12).map(|_| lives.0[chance.random_range(0..lives.0.len())].events.last().unwrap().1));
        cuts.extend([second(-1), second(OVER)]);
        cuts.sort_unstable();
        let mut sum = Counts::new();
        for window in cuts.windows(2) {
            for (name, count) in counted(&store, window[0], window[1]).await {
                *sum.entry(name).or_default() += count;
            }
        }
        assert_eq!(sum, counted(&store, second(-1), second(OVER)).await);
        assert_eq!(sum["asked"], 340);
    }
}

async fn what_is_counted_of_a_window_is_what_the_events_say(url: &str) {
    let (store, lives) = lived(url, 23, 340).await;
    let whole = (second(0), second(OVER));
    for (from, to) in [whole, (second(40_000), second(90_000)), (second(BEGIN), second(BEGIN + 86_400)), (second(OVER), second(OVER))] {
        // The second decision of what was asked again is another act: a request that was decided twice is left out of this number.
        let without = |mut counts: Counts| {
            counts.remove("decided");
            counts
        };
        assert_eq!(without(counted(&store, from, to).await), without(wanted(&lives, from, to)), "{from} to {to}");
        let stats = store.stats(None, from, to).await.unwrap();
        let ended: Vec<_> =
            lives.0.iter().map(super::lives::Life::fact).filter(|fact| fact.over.is_some_and(|at| from <= at && at < to)).collect();
        let given = || ended.iter().filter(|fact| fact.works.is_some());
        let mut lengths: Vec<i64> = given().map(|fact| fact.ended.unwrap().since(fact.works.unwrap()).seconds()).collect();
        lengths.sort_unstable();
        let middle = (!lengths.is_empty()).then(|| i64::midpoint(lengths[(lengths.len() - 1) / 2], lengths[lengths.len() / 2]));
        assert_eq!(stats.median_held.map(Span::seconds), middle, "{from} to {to}");
        let longest: Vec<i64> = stats.day.longest.iter().map(|grant| grant.length().seconds()).collect();
        assert_eq!(longest, lengths.iter().rev().take(10).copied().collect::<Vec<_>>());
        let unused = &stats.day.unused;
        let known = |test: &dyn Fn(Option<u32>) -> bool| u64::try_from(given().filter(|fact| test(fact.sessions)).count()).unwrap();
        assert_eq!(unused.never, known(&|sessions| sessions == Some(0)));
        assert_eq!(unused.used, known(&|sessions| sessions.is_some_and(|sessions| sessions > 0)));
        assert_eq!(unused.unknown, known(&|sessions| sessions.is_none()));
        assert_eq!(unused.grants.len(), usize::try_from(unused.never).unwrap().min(10));
    }
    let open = store.open_now(None).await.unwrap();
    let facts: Vec<_> = lives.0.iter().map(super::lives::Life::fact).collect();
    let held = facts.iter().filter(|fact| fact.begun.is_some() && fact.over.is_none()).count();
    let waiting = facts.iter().filter(|fact| fact.begun.is_none() && fact.over.is_none()).count();
    assert_eq!((open.held, open.waiting), (u64::try_from(held).unwrap(), u64::try_from(waiting).unwrap()));
    let mut waits: Vec<i64> = facts.iter().filter_map(|fact| Some(fact.decided?.1)).collect();
    waits.sort_unstable();
    let stats = store.stats(None, second(0), second(OVER)).await.unwrap();
    let median = stats.day.median_decision.unwrap().seconds();
    assert!(waits[waits.len() / 2 - 20] <= median && median <= waits[waits.len() / 2 + 20], "{median} in {waits:?}");
}

async fn the_numbers_of_one_resource_are_its_own(url: &str) {
    let (store, lives) = lived(url, 25, 170).await;
    let (from, to) = (second(0), second(OVER));
    let mut sum = Counts::new();
    for resource in ["prod-db", "bastion", "billing"] {
        let only = Lives(lives.0.iter().filter(|life| life.ask().resource.as_str() == resource).cloned().collect());
        let stats = store.stats(Some(&resource.parse().unwrap()), from, to).await.unwrap();
        let (mut found, mut wanted) = (counts(&stats.day), wanted(&only, from, to));
        for (name, count) in &found {
            *sum.entry(*name).or_default() += count;
        }
        found.remove("decided");
        wanted.remove("decided");
        assert_eq!(found, wanted, "{resource}");
        assert_eq!(stats.day.resources.len(), 1);
    }
    assert_eq!(sum, counted(&store, from, to).await);
}
