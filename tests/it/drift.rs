//! Who holds a role at a provider, against what was given: told once, whoever looks, and never taken away unless it is ours.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hallpass::{
    domain::{
        digest::{Exception, Thresholds, Window},
        drift::{DriftKind, DriftRow},
        entitlement::Ownership,
        request::State,
        time::{Instant, Span},
    },
    provider::{
        FaultKind, Provider,
        pretend::{Pretend, Temper},
    },
    store::Store,
};
use tokio::{task::yield_now, time::timeout};

use crate::{
    ledger::on_both,
    outage::{entries, granted, held, is_sound},
    world::World,
};

on_both![
    what_was_not_given_here_is_told_once_and_never_taken_away,
    two_bots_tell_each_difference_once,
    what_is_ours_after_its_end_is_taken_away_again_with_an_alarm,
    what_is_put_back_again_and_again_is_taken_away_each_time,
    an_alarm_stays_while_somebody_whom_it_names_may_still_hold_it,
];

/// Until a difference is found, or gone: a look, and another one soon after it.
async fn two_looks(world: &World) {
    world.advance(Span::from_minutes(6)).await;
    world.advance(Span::from_seconds(20)).await;
}

async fn rows(world: &World) -> Vec<DriftRow> {
    world.store.drift(Instant::from_micros(0)).await.unwrap()
}

async fn open(world: &World) -> Vec<String> {
    world.store.open_alarms().await.unwrap().into_iter().map(|alarm| alarm.id).collect()
}

async fn count(world: &World, kind: &str) -> usize {
    entries(world).await.iter().filter(|(_, value)| value["event"]["type"] == kind).count()
}

fn telling(ownership: Ownership) -> Pretend {
    Pretend::new(ownership).telling()
}

async fn world(ownership: Ownership) -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (World::with_provider(&crate::store_suite::file(&folder), telling(ownership)).await, folder)
}

async fn what_was_not_given_here_is_told_once_and_never_taken_away(url: &str) {
    let world = World::with_provider(url, telling(Ownership::Shared)).await;
    world.pretend.set("write", "gus", true);
    world.advance(Span::from_minutes(6)).await;
    assert_eq!((rows(&world).await, open(&world).await), (Vec::new(), Vec::new()), "one look is not enough");
    world.advance(Span::from_seconds(20)).await;
    let [row] = &rows(&world).await[..] else { panic!("one is found") };
    assert_eq!(
        (row.kind, row.principal.as_str(), row.resources[0].as_str(), row.roles[0].as_str()),
        (DriftKind::NotOurs, "gus", "prod-db", "write")
    );
    for _ in 0..10 {
        world.advance(Span::from_minutes(30)).await;
    }
    assert!(world.holds("gus", "write"));
    let ops = world.console.channel("#ops");
    insta::allow_duplicates! {
        insta::assert_snapshot!(ops, @"
        HELD WITHOUT US since 14:06: gus has write on prod-db
        Nothing that was not given through this bot is ever taken away. If it is right, nothing has to be done; else take it away at the target.
        ");
    }
    assert_eq!((count(&world, "drift_found").await, open(&world).await.len()), (1, 1));
    world.pretend.set("write", "gus", false);
    two_looks(&world).await;
    assert_eq!((count(&world, "drift_gone").await, open(&world).await.len()), (1, 0));
    assert!(world.console.channel("#ops").contains("Over at"));
    assert!(rows(&world).await[0].gone_at.is_some(), "and it is kept");
    is_sound(&world).await;
}

async fn two_bots_tell_each_difference_once(url: &str) {
    // SQLite has one process at a time: two bots over one open store.
    let store = Store::open(url).await.unwrap();
    let (first, _folder) = world(Ownership::Shared).await;
    let one = first.replica(store.clone()).await;
    let two = first.replica(if url.starts_with("sqlite") { store } else { Store::open(url).await.unwrap() }).await;
    one.pretend.set("write", "gus", true);
    for _ in 0..3 {
        one.clock.advance(Span::from_minutes(6));
        let (a, b) = tokio::join!(one.workers.drain(), two.workers.drain());
        a.unwrap();
        b.unwrap();
        one.clock.advance(Span::from_seconds(20));
        let (a, b) = tokio::join!(two.workers.drain(), one.workers.drain());
        a.unwrap();
        b.unwrap();
    }
    assert_eq!((count(&one, "drift_found").await, count(&one, "alarm_raised").await, open(&one).await.len()), (1, 1, 1));
}

async fn what_is_ours_after_its_end_is_taken_away_again_with_an_alarm(url: &str) {
    let world = World::with_provider(url, telling(Ownership::PerGrant)).await;
    let id = granted(&world).await;
    let object = world.pretend.held().into_iter().next().unwrap().1;
    world.advance(Span::from_minutes(60)).await;
    assert!(!world.holds("ana", "write"));
    // Such as from a backup.
    world.pretend.set("write", &object, true);
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "no such host".into())), ..Temper::default() });
    two_looks(&world).await;
    assert_eq!(open(&world).await, [format!("still_open/{id}")]);
    assert!(held(&world, &id).await.1.back_at.is_some());
    let card = world.say("eve", &format!("/jit show {id}")).await;
    assert!(card.contains("STILL OPEN: Ana Reyes has write on prod-db again"), "{card}");
    world.pretend.set_temper(Temper::default());
    for _ in 0..4 {
        world.advance(Span::from_seconds(30)).await;
    }
    assert!(!world.holds("ana", "write"), "taken away again");
    assert_eq!((open(&world).await, held(&world, &id).await.1.back_at), (Vec::new(), None));
    two_looks(&world).await;
    let [row] = &rows(&world).await[..] else { panic!("one is found") };
    assert_eq!((row.kind, row.request.as_ref().map(ToString::to_string)), (DriftKind::OursAfterEnd, Some(id.clone())));
    assert!(row.gone_at.is_some());
    let thread = world.console.thread(&world.card());
    assert!(thread.contains("STILL OPEN") && thread.contains("No longer open"), "{thread}");
    is_sound(&world).await;
}

/// A tool that means well does so as soon as it sees it gone, between two looks or after one of them.
async fn what_is_put_back_again_and_again_is_taken_away_each_time(url: &str) {
    let world = World::with_provider(url, telling(Ownership::PerGrant)).await;
    let id = granted(&world).await;
    let object = world.pretend.held().into_iter().next().unwrap().1;
    world.advance(Span::from_minutes(60)).await;
    for times in 1..=3 {
        world.pretend.set("write", &object, true);
        two_looks(&world).await;
        let raised = world.console.thread(&world.card()).matches("STILL OPEN").count();
        assert_eq!(raised, times, "told each time");
        world.advance(Span::from_seconds(2)).await;
        assert!(!world.holds("ana", "write"), "taken away for the {times}. time");
        assert_eq!((open(&world).await, held(&world, &id).await.1.back_at), (Vec::new(), None));
        if times == 2 {
            world.advance(Span::from_minutes(6)).await;
            assert!(rows(&world).await.last().unwrap().gone_at.is_none(), "missed by one look only");
        }
    }
    two_looks(&world).await;
    assert_eq!((count(&world, "drift_found").await, count(&world, "drift_gone").await), (3, 3));
    is_sound(&world).await;
}

async fn an_alarm_stays_while_somebody_whom_it_names_may_still_hold_it(url: &str) {
    let world = World::with_provider(url, telling(Ownership::Shared)).await;
    world.pretend.set("write", "gus", true);
    world.pretend.set("read", "mia", true);
    two_looks(&world).await;
    let before = open(&world).await;
    assert_eq!(before.len(), 1, "one alarm names both");
    world.pretend.set("read", "mia", false);
    let hides = vec!["write".to_owned()];
    world.pretend.set_temper(Temper { hides, ..Temper::default() });
    two_looks(&world).await;
    assert_eq!((open(&world).await, count(&world, "drift_gone").await), (before, 1), "nobody has seen gus go");
    let what = &world.store.open_alarms().await.unwrap()[0].what;
    assert_eq!(what, "gus has write on prod-db");
    world.pretend.set_temper(Temper::default());
    world.pretend.set("write", "gus", false);
    two_looks(&world).await;
    assert_eq!((open(&world).await.len(), count(&world, "drift_gone").await), (0, 2));
    is_sound(&world).await;
}

#[tokio::test]
async fn ours_after_its_end_is_known_by_its_mark_and_nothing_without_one_is_touched() {
    let (world, _folder) = world(Ownership::Ours).await;
    granted(&world).await;
    world.advance(Span::from_minutes(60)).await;
    world.pretend.set("write", "ana", true);
    two_looks(&world).await;
    assert!(world.holds("ana", "write"), "somebody else gave it to her");
    assert_eq!(rows(&world).await[0].kind, DriftKind::NotOurs);
}

#[tokio::test]
async fn what_was_there_before_a_grant_stays_whatever_is_looked_at() {
    let (world, _folder) = world(Ownership::Shared).await;
    world.pretend.set("write", "ana", true);
    two_looks(&world).await;
    granted(&world).await;
    for _ in 0..8 {
        world.advance(Span::from_minutes(15)).await;
        assert!(world.holds("ana", "write"));
    }
    assert_eq!((count(&world, "drift_found").await, count(&world, "drift_gone").await), (1, 0), "told once, through the grant and its end");
    is_sound(&world).await;
}

#[tokio::test]
async fn live_access_that_somebody_took_away_is_told_early_and_not_given_again() {
    let (world, _folder) = world(Ownership::Shared).await;
    let id = granted(&world).await;
    world.advance(Span::from_minutes(1)).await;
    world.pretend.set("write", "ana", false);
    let before = world.now();
    while !matches!(world.state(&id).await.state, State::Active { work, .. } if work.found_absent) {
        assert!(world.now().since(before) < Span::from_minutes(8), "its own look alone would come after ten minutes");
        world.advance(Span::from_seconds(20)).await;
    }
    world.advance(Span::from_minutes(20)).await;
    assert!(!world.holds("ana", "write"));
    assert_eq!(rows(&world).await[0].kind, DriftKind::OursAndGone);
    assert_eq!(open(&world).await, Vec::<String>::new(), "its request tells it");
}

#[tokio::test]
async fn what_is_given_and_taken_meanwhile_is_no_difference() {
    let (world, _folder) = world(Ownership::PerGrant).await;
    for _ in 0..4 {
        granted(&world).await;
        for _ in 0..16 {
            world.advance(Span::from_minutes(4)).await;
        }
    }
    assert_eq!(count(&world, "drift_found").await, 0);
}

#[tokio::test]
async fn a_provider_that_cannot_be_read_changes_nothing_and_is_an_alarm_after_an_hour() {
    let (world, _folder) = world(Ownership::Shared).await;
    world.pretend.set("write", "gus", true);
    two_looks(&world).await;
    world.pretend.set("write", "gus", false);
    world.pretend.set_temper(Temper { is_blind: Some("connection refused".into()), ..Temper::default() });
    for _ in 0..9 {
        world.advance(Span::from_minutes(6)).await;
    }
    assert_eq!(open(&world).await.len(), 1, "the one about gus");
    assert_eq!(count(&world, "drift_gone").await, 0);
    for _ in 0..3 {
        world.advance(Span::from_minutes(6)).await;
    }
    assert!(open(&world).await.contains(&"drift_unread/pretended".to_owned()), "{:?}", open(&world).await);
    world.pretend.set_temper(Temper::default());
    two_looks(&world).await;
    assert_eq!(open(&world).await, Vec::<String>::new());
}

/// bot.toml has the role no longer: neither as gone nor as there.
#[tokio::test]
async fn what_nobody_looks_at_any_more_is_over_and_not_said_to_be_gone() {
    let (world, _folder) = world(Ownership::Shared).await;
    world.pretend.set("write", "gus", true);
    two_looks(&world).await;
    assert_eq!(open(&world).await.len(), 1);
    let mut rules = crate::world::catalogue();
    rules.resources.get_mut(&"prod-db".parse().unwrap()).unwrap().roles.retain(|role| role.name.as_str() != "write");
    let provider: Arc<dyn Provider> = world.pretend.clone();
    world.bot.reload(rules, BTreeMap::from([("pretended".parse().unwrap(), provider)])).await.unwrap();
    two_looks(&world).await;
    is_unwatched(&world, 1).await;
    world
        .bot
        .reload(crate::world::catalogue(), BTreeMap::from([("pretended".parse().unwrap(), world.pretend.clone() as _)]))
        .await
        .unwrap();
    two_looks(&world).await;
    assert_eq!((rows(&world).await.len(), open(&world).await.len()), (2, 1), "looked at again, it is told again");
    world.bot.reload(crate::world::catalogue(), BTreeMap::new()).await.unwrap();
    two_looks(&world).await;
    is_unwatched(&world, 2).await;
    is_sound(&world).await;
}

async fn is_unwatched(world: &World, times: usize) {
    assert!(!open(world).await.iter().any(|id| id.starts_with("drift/")), "{:?}", open(world).await);
    assert_eq!((count(world, "drift_unwatched").await, count(world, "drift_gone").await), (times, 0));
    assert!(rows(world).await.iter().all(|row| row.unwatched_at.is_some() && row.gone_at.is_none()));
    let ops = world.console.channel("#ops");
    assert!(ops.contains("nobody knows whether it is still so: gus has write on prod-db"), "{ops}");
    let window = Window { from: crate::world::START, to: world.now(), days: 1 };
    let digest = world.bot.digest(window, &Thresholds::default()).await.unwrap();
    let drift: Vec<_> = digest.exceptions.iter().filter(|it| matches!(it, Exception::Drift { unwatched_at: Some(_), .. })).collect();
    assert!(drift.len() == times && !drift[0].needs_human(), "{drift:?}");
}

#[tokio::test]
async fn a_provider_that_never_says_who_holds_what_delays_no_end() {
    let (world, _folder) = world(Ownership::Shared).await;
    let id = granted(&world).await;
    world.pretend.set_temper(Temper { hides_holders: true, ..Temper::default() });
    world.clock.advance(Span::from_minutes(59));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(world.workers.clone().run(async { drop(stopped.await) }));
    world.clock.advance(Span::from_seconds(62));
    // A look waits for the provider's whole deadline of ten seconds.
    let ended = timeout(Duration::from_secs(8), async {
        while world.state(&id).await.is_open() {
            yield_now().await;
        }
    });
    assert!(ended.await.is_ok(), "its end waits for no look");
    assert!(!world.holds("ana", "write"));
    drop(stop);
    running.await.unwrap();
}
