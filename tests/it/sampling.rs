//! Which sessions were open while access was live: asked now and then, told at its end, with how often it was looked.

use hallpass::{
    domain::{entitlement::Ownership, event::Used, time::Span},
    provider::{
        Sighting,
        pretend::{Pretend, Temper},
    },
};

use crate::{ledger::on_both, outage::held, world::World};

on_both![
    what_was_seen_is_told_with_its_end_and_how_often_it_was_looked,
    what_was_seen_goes_a_day_after_its_end,
    the_time_between_two_grants_is_no_time_in_which_nobody_looked,
];

fn session(world: &World, name: &str, from: &str) -> Sighting {
    let about = Some("psql \u{202e}\n".to_owned() + &"x".repeat(200));
    Sighting { session: name.into(), since: world.now(), from: Some(from.into()), about }
}

/// Five minutes of access.
async fn granted(world: &World) -> String {
    world.clock.advance(Span::from_seconds(1));
    world.say("ana", "/jit request prod-db write 5m Look at the stuck import").await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    assert!(world.holds("ana", "write"));
    id
}

async fn passes(world: &World, times: i64) {
    for _ in 0..times {
        world.advance(Span::from_seconds(30)).await;
    }
}

async fn used(world: &World, id: &str) -> Option<Used> {
    held(world, id).await.1.used
}

async fn what_was_seen_is_told_with_its_end_and_how_often_it_was_looked(url: &str) {
    let world = World::with_provider(url, Pretend::new(Ownership::Shared).telling()).await;
    let id = granted(&world).await;
    passes(&world, 2).await;
    let began = world.now();
    world.pretend.set_sessions("write", "ana", vec![session(&world, "1", "10.0.0.7")]);
    passes(&world, 2).await;
    world.pretend.set_sessions("write", "ana", vec![session(&world, "2", "10.0.0.8\u{202e}")]);
    passes(&world, 1).await;
    let last = world.now();
    world.pretend.set_sessions("write", "ana", Vec::new());
    passes(&world, 6).await;
    let expected = Used {
        sessions: 2,
        first: Some(began),
        last: Some(last),
        from: vec!["10.0.0.7".into(), "10.0.0.8".into()],
        sampled_every: Some(Span::from_seconds(30)),
    };
    assert_eq!(used(&world, &id).await, Some(expected));
    let said = world.say("eve", &format!("/jit show {id}")).await;
    let line = said.lines().find(|line| line.contains("used:")).unwrap_or_default().trim().to_owned();
    insta::allow_duplicates! {
        insta::assert_snapshot!(line, @"Gone, confirmed at 14:05:01 · used: 2 sessions, first 14:01, last 14:02, from 10.0.0.7 and 10.0.0.8 (looked every 30 s: shorter sessions may have been missed)");
    }
}

async fn what_was_seen_goes_a_day_after_its_end(url: &str) {
    let world = World::with_provider(url, Pretend::new(Ownership::Shared).telling()).await;
    granted(&world).await;
    world.pretend.set_sessions("write", "ana", vec![session(&world, "1", "10.0.0.7")]);
    passes(&world, 2).await;
    let key = world.store.entitlements_of(&"pretended".parse().unwrap()).await.unwrap()[0].0.key.clone();
    let began = crate::world::START;
    let sampled = world.store.sampled(&key, began).await.unwrap().unwrap();
    assert_eq!(
        sampled.sessions[0].about.as_ref().map(|about| about.chars().count()),
        Some(64),
        "cut, and nothing in it that turns or moves"
    );
    passes(&world, 10).await;
    assert!(world.store.sampled(&key, began).await.unwrap().is_some(), "kept for whoever asks");
    world.advance(Span::from_minutes(23 * 60)).await;
    world.advance(Span::from_minutes(61)).await;
    world.advance(Span::from_minutes(1)).await;
    assert_eq!(world.store.sampled(&key, began).await.unwrap(), None);
}

async fn the_time_between_two_grants_is_no_time_in_which_nobody_looked(url: &str) {
    let world = World::with_provider(url, Pretend::new(Ownership::Shared).telling()).await;
    let every = async |id: &str| used(&world, id).await.unwrap().sampled_every.unwrap().seconds();
    for _ in 0..2 {
        let id = granted(&world).await;
        passes(&world, 11).await;
        assert_eq!(every(&id).await, 30);
        world.advance(Span::from_minutes(30)).await;
    }
    // Two at once, one beginning within the other: what was looked during the first is told of it.
    let first = granted(&world).await;
    passes(&world, 5).await;
    let second = granted(&world).await;
    passes(&world, 6).await;
    let overlap = every(&first).await;
    passes(&world, 5).await;
    assert_eq!((overlap, every(&second).await), (30, 30));
    // Nobody could look for the first two minutes.
    world.advance(Span::from_minutes(30)).await;
    world.pretend.set_temper(Temper { is_blind: Some("no such host".into()), ..Temper::default() });
    let late = granted(&world).await;
    passes(&world, 4).await;
    world.pretend.set_temper(Temper::default());
    passes(&world, 7).await;
    assert!((120..=150).contains(&every(&late).await), "{}", every(&late).await);
}

#[tokio::test]
async fn nobody_seen_is_not_nobody_there() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_provider(&crate::store_suite::file(&folder), Pretend::new(Ownership::Shared).telling()).await;
    let id = granted(&world).await;
    passes(&world, 11).await;
    let said = world.say("eve", &format!("/jit show {id}")).await;
    assert!(said.contains("used: never seen (looked every 30 s: shorter sessions may have been missed)"), "{said}");
    world.pretend.set_temper(Temper { is_blind: Some("no such host".into()), ..Temper::default() });
    let id = granted(&world).await;
    passes(&world, 11).await;
    assert_eq!(used(&world, &id).await, None, "nobody looked, and nothing is said");
}
