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

on_both![
    who_held_what_is_what_the_events_say,
    more_than_an_answer_holds_is_counted,
    whatever_overlaps_a_second_is_found_within_it,
    whoever_is_one_of_thousands_finds_themselves,
];

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
    assert!(!then.more);
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
    assert_eq!((then.grants.len(), then.more), (HELD_MAX, false));
    raw.run(&insert(7, 100_000)).await;
    let then = store.held_at(&crowded, second(5)).await.unwrap();
    assert_eq!((then.grants.len(), then.more), (HELD_MAX, true));
    assert!(store.held_at(&crowded, second(-1)).await.unwrap().grants.is_empty());
}

/// A row of the history: whose, and from when to when in milliseconds; `None`: it is open.
fn row(n: u64, (resource, subject): (&str, &str), (from, to): (i64, Option<i64>)) -> String {
    let at = |millis: i64| second(0).micros() + millis * 1_000;
    let (begun, over) = (at(from), to.map(at));
    let node = over.map(|over| {
        let (from, to) = (begun.div_euclid(1_000_000), over.div_euclid(1_000_000));
        (from ^ to).checked_ilog2().map_or(from, |level| to >> level << level)
    });
    let or_null = |number: Option<i64>| number.map_or_else(|| "NULL".to_owned(), |number| number.to_string());
    format!(
        "INSERT INTO history (request, stage, resource, role, requester, subject, opened_at, begun_at, held_from, had_before, ended_at, \
         gone_at, closed_at, ending, sampled, less, node) VALUES ('{id}', {stage}, '{resource}', 'write', '{subject}', '{subject}', {begun}, \
         {begun}, {begun}, FALSE, {over}, {over}, {over}, {ending}, FALSE, FALSE, {node})",
        id = RequestId::new(n),
        stage = if over.is_some() { 5 } else { 2 },
        ending = if over.is_some() { "'expired'" } else { "NULL" },
        over = or_null(over),
        node = or_null(node),
    )
}

async fn whatever_overlaps_a_second_is_found_within_it(url: &str) {
    let (store, _) = lived(url, 14, 3).await;
    let mut raw = Raw::open(url).await;
    let spans = [
        (5_200, Some(5_700)),
        (1_000, Some(5_300)),
        (5_999, Some(90_000)),
        (5_400, None),
        (1_000, Some(90_000)),
        (5_000, Some(6_000)),
        // Over before, begun after.
        (1_000, Some(5_000)),
        (6_000, Some(7_500)),
        (6_000, None),
    ];
    let ids: Vec<String> = (1_000..).take(spans.len()).map(|n| RequestId::new(n).to_string()).collect();
    let rows = (1_000..).zip(spans).map(|(n, span)| row(n, ("brief", "ana"), span));
    raw.run(&rows.collect::<Vec<_>>().join(";")).await;
    let back = |n: u64, from: i64, to: i64| {
        let (id, at) = (RequestId::new(n), |millis: i64| second(0).micros() + millis * 1_000);
        format!("INSERT INTO came_back (request, resource, from_at, to_at) VALUES ('{id}', 'brief', {}, {})", at(from), at(to))
    };
    raw.run(&[back(1_006, 5_100, 5_200), back(1_007, 4_000, 5_000)].join(";")).await;
    let brief = "brief".parse().unwrap();
    let within = (second(5), Instant::from_micros(second(6).micros() - 1));
    let found = store.held_within(&brief, within, None).await.unwrap();
    let mut found: Vec<String> = found.grants.iter().map(|grant| grant.request.to_string()).collect();
    found.sort();
    let mut wanted = ids[..7].to_vec();
    wanted.sort();
    assert_eq!(found, wanted, "the seventh came back within it");
    assert_eq!(store.held_at(&brief, second(5)).await.unwrap().grants.len(), 3, "at its first instant");
}

async fn whoever_is_one_of_thousands_finds_themselves(url: &str) {
    let (store, _) = lived(url, 15, 3).await;
    let mut raw = Raw::open(url).await;
    let crowd = (1_000..).take(HELD_MAX + 5).map(|n| row(n, ("crowded", "ana"), (0, None)));
    raw.run(&crowd.collect::<Vec<_>>().join(";")).await;
    raw.run(&[row(90_000, ("crowded", "zoe"), (1, None)), row(90_001, ("crowded", "zoe"), (1, Some(90_000)))].join(";")).await;
    // Three that came back, beside the others: what is left out is counted when all is together.
    for n in 95_000..95_003 {
        raw.run(&row(n, ("crowded", "ana"), (-9_000, Some(-8_000)))).await;
        let (id, at) = (RequestId::new(n), second(1).micros());
        raw.run(&format!("INSERT INTO came_back (request, resource, from_at, to_at) VALUES ('{id}', 'crowded', {at}, NULL)")).await;
    }
    let (crowded, at) = ("crowded".parse().unwrap(), (second(5), second(5)));
    let all = store.held_within(&crowded, at, None).await.unwrap();
    assert_eq!((all.grants.len(), all.more), (HELD_MAX, true));
    let hers = store.held_within(&crowded, at, Some(&super::lives::person("zoe"))).await.unwrap();
    assert_eq!((hers.grants.len(), hers.more), (2, false));
}
