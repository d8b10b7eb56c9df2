//! Who held what at an instant: what the events of all lives say, at random instants and at every edge.

use std::collections::BTreeMap;

use hallpass::{
    domain::{digest::Sure, request::RequestId, time::Instant},
    store::{HELD_MAX, Store},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{
    lived,
    lives::{BEGIN, Fact, Lives, OVER, second},
};
use crate::ledger::{on_both, raw::Raw};

on_both![who_held_what_is_what_the_events_say, more_than_an_answer_holds_is_counted];

/// Of everything at a resource: perhaps or surely there.
fn said(lives: &Lives, resource: &str, at: Instant) -> BTreeMap<RequestId, Sure> {
    let of = lives.0.iter().filter(|life| life.ask().resource.as_str() == resource);
    of.filter_map(|life| Some((life.id.clone(), sure(&life.fact(), at)?))).collect()
}

fn sure(fact: &Fact, at: Instant) -> Option<Sure> {
    if fact.back.is_some_and(|(from, to)| from <= at && to.is_none_or(|to| to > at)) {
        return Some(Sure::CameBack);
    }
    let begun = fact.begun?;
    if at < begun || fact.over.is_some_and(|over| over <= at) {
        return None;
    }
    let Some(works) = fact.works else { return Some(if fact.ended.is_some() { Sure::NeverWorked } else { Sure::Starting }) };
    let is_after = |moment: Option<Instant>| moment.is_some_and(|moment| moment <= at);
    Some(match () {
        () if is_after(fact.ended) && fact.ending == Some("settled") => Sure::Settled,
        () if is_after(fact.ended) => Sure::Ending,
        () if at < works => Sure::Starting,
        () if is_after(fact.absent) => Sure::FoundAbsent,
        () => Sure::Held,
    })
}

async fn found(store: &Store, resource: &str, at: Instant) -> BTreeMap<RequestId, Sure> {
    let then = store.held_at(&resource.parse().unwrap(), at).await.unwrap();
    assert_eq!(then.more, 0);
    let count = then.grants.len();
    let found: BTreeMap<_, _> = then.grants.into_iter().map(|grant| (grant.request, grant.sure)).collect();
    assert_eq!(found.len(), count, "each once");
    found
}

async fn who_held_what_is_what_the_events_say(url: &str) {
    let (store, lives) = lived(url, 11, 360).await;
    let mut chance = StdRng::seed_from_u64(12);
    let mut instants: Vec<Instant> = (0..60).map(|_| second(chance.random_range(-10..OVER))).collect();
    for life in lives.0.iter().step_by(5) {
        let (_, at) = &life.events[chance.random_range(0..life.events.len())];
        instants.extend([-1, 0, 1].map(|micros| Instant::from_micros(at.micros() + micros)));
    }
    let mut seen = BTreeMap::new();
    for at in instants {
        for resource in ["prod-db", "bastion", "billing", "nothing-there"] {
            let wanted = said(&lives, resource, at);
            assert_eq!(found(&store, resource, at).await, wanted, "{resource} at {at}");
            for sure in wanted.into_values() {
                *seen.entry(sure).or_insert(0) += 1;
            }
        }
    }
    assert_eq!(seen.len(), 7, "every degree of sureness was met: {seen:?}");
    let during = store.held_at(&"prod-db".parse().unwrap(), second(BEGIN)).await.unwrap();
    assert!(during.grants.is_sorted_by_key(|grant| grant.not_before), "the earliest first");
}

async fn more_than_an_answer_holds_is_counted(url: &str) {
    let (store, _) = lived(url, 13, 17).await;
    let mut raw = Raw::open(url).await;
    // One that is over and one that is not, many times.
    let many = |id: &str, ends: &str, count: usize| {
        format!(
            "INSERT INTO history (request, stage, resource, role, requester, subject, opened_at, begun_at, held_from, had_before, ended_at, \
             gone_at, closed_at, ending, sampled, less, node) WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count}) \
             SELECT 'R-{id}', 2, 'crowded', 'write', 'ana', 'ana', {at}, {at}, {at}, FALSE, {ends}, FALSE, FALSE, {node} FROM n",
            at = second(0).micros(),
            node = if ends.starts_with("NULL") { "NULL".to_owned() } else { second(0).seconds().to_string() },
        )
    };
    let ids = |from: u64| (from..).map(|n| RequestId::new(n).to_string());
    // Ids that are real: a page is read back whole.
    let insert = |rows: usize, from: u64| -> String {
        ids(from).take(rows).map(|id| many(id.trim_start_matches("R-"), "NULL, NULL, NULL, NULL", 1)).collect::<Vec<_>>().join(";")
    };
    raw.run(&insert(HELD_MAX, 1_000)).await;
    let crowded = "crowded".parse().unwrap();
    let then = store.held_at(&crowded, second(5)).await.unwrap();
    assert_eq!((then.grants.len(), then.more), (HELD_MAX, 0));
    raw.run(&insert(7, 100_000)).await;
    let then = store.held_at(&crowded, second(5)).await.unwrap();
    assert_eq!((then.grants.len(), then.more), (HELD_MAX, 7));
    assert!(store.held_at(&crowded, second(-1)).await.unwrap().grants.is_empty());
}
