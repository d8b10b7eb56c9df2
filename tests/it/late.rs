//! An end that is noticed late: its alarm counts from the end, unless the bot could not notice it; the audit says the same.

use hallpass::{
    domain::{event::Operation, time::Span},
    provider::{FaultKind, pretend::Temper},
};

use crate::{
    outage::{audited, granted},
    world::World,
};

async fn is_alarmed(world: &World, id: &str) -> bool {
    world.store.open_alarms().await.unwrap().iter().any(|alarm| alarm.id == format!("still_open/{id}"))
}

fn fails(world: &World) {
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "connection refused".into())), ..Temper::default() });
}

async fn started(world: &World) {
    world.bot.record(Operation::Started { version: "0.0.1".into() }).await.unwrap();
}

#[tokio::test]
async fn an_end_that_was_noticed_late_without_a_restart_has_its_alarm_at_once() {
    let world = World::new().await;
    let id = granted(&world).await;
    fails(&world);
    world.clock.advance(Span::from_minutes(65));
    world.bot.tick().await.unwrap();
    assert!(is_alarmed(&world, &id).await, "with the very tick that notices it");
}

#[tokio::test]
async fn an_end_that_was_noticed_in_time_has_its_alarm_after_twenty_five_seconds() {
    let world = World::new().await;
    let id = granted(&world).await;
    fails(&world);
    world.advance(Span::from_seconds(3_610)).await;
    world.advance(Span::from_seconds(14)).await;
    assert!(!is_alarmed(&world, &id).await);
    world.advance(Span::from_seconds(1)).await;
    assert!(is_alarmed(&world, &id).await, "from its end, not from when it was noticed");
}

#[tokio::test]
async fn a_restart_after_an_end_was_noticed_does_not_move_its_alarm() {
    let world = World::new().await;
    let id = granted(&world).await;
    fails(&world);
    world.advance(Span::from_seconds(3_610)).await;
    world.advance(Span::from_seconds(4)).await;
    let next = world.replica(world.store.clone()).await;
    started(&next).await;
    next.workers.drain().await.unwrap();
    assert!(!is_alarmed(&next, &id).await);
    next.advance(Span::from_seconds(11)).await;
    assert!(is_alarmed(&next, &id).await, "from its end");
}

#[tokio::test]
async fn an_end_over_which_the_bot_was_down_has_its_alarm_twenty_five_seconds_after_the_start() {
    let world = World::new().await;
    let id = granted(&world).await;
    fails(&world);
    world.clock.advance(Span::from_minutes(65));
    let next = world.replica(world.store.clone()).await;
    started(&next).await;
    next.workers.drain().await.unwrap();
    next.advance(Span::from_seconds(24)).await;
    assert!(!is_alarmed(&next, &id).await);
    next.advance(Span::from_seconds(1)).await;
    assert!(is_alarmed(&next, &id).await);
    let once_more = next.replica(next.store.clone()).await;
    once_more.pretend.set_temper(Temper::default());
    once_more.advance(Span::from_seconds(60)).await;
    assert_eq!(audited(&once_more).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_restart_after_an_end_was_noticed_puts_its_alarm_off_no_further() {
    let world = World::new().await;
    let id = granted(&world).await;
    fails(&world);
    world.advance(Span::from_minutes(60)).await;
    world.clock.advance(Span::from_seconds(25));
    let next = world.replica(world.store.clone()).await;
    next.workers.drain().await.unwrap();
    assert!(is_alarmed(&next, &id).await);
}

#[tokio::test]
async fn the_audit_reports_an_end_that_was_noticed_late_without_a_restart() {
    let world = World::new().await;
    let id = granted(&world).await;
    world.advance(Span::from_minutes(65)).await;
    assert!(!world.state(&id).await.is_open());
    let found = audited(&world).await;
    assert!(found.len() == 1 && found[0].contains(&id) && found[0].contains("the first word of its being late"), "{found:?}");
}

#[tokio::test]
async fn the_audit_reports_access_past_its_end_that_nobody_noticed() {
    let world = World::new().await;
    let id = granted(&world).await;
    world.clock.advance(Span::from_minutes(61));
    // A restart in between, and half a minute in which nothing came of it.
    started(&world).await;
    assert_eq!(audited(&world).await, Vec::<String>::new());
    world.clock.advance(Span::from_seconds(31));
    world.bot.raise("disk", "it is full".into(), None).await.unwrap();
    let found = audited(&world).await;
    assert!(found.len() == 1 && found[0].contains(&id) && found[0].contains("no alarm in time"), "{found:?}");
}
