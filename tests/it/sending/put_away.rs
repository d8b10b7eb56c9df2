//! The thread of a closed request is put away once everything is told, and again after what is told late. Nothing waits for it.

use hallpass::{
    chat::ChatFault,
    domain::{
        command::Actor,
        event::{AlarmKind, Event},
        request::State,
        time::Span,
    },
    provider::{FaultKind, pretend::Temper},
    store::{Commit, NewEntry, Store, TaskKind, TaskWant},
};

use super::count;
use crate::{life::ASK, store_suite::file, world::World};

const MINUTE: Span = Span::from_minutes(1);

/// A request that is given back; its id.
async fn returned(world: &World) -> String {
    let id = world.granted("ana", ASK, "ben").await;
    assert_eq!(world.console.times_put_away(), 0, "while it works");
    world.done("ana", &format!("/jit return {id}")).await;
    assert!(matches!(world.state(&id).await.state, State::Closed { .. }));
    id
}

/// Something that is written down of it after its end, and whoever tells it looks again.
async fn happens_late(world: &World, id: &str, events: &[Event]) {
    let entry = |event| NewEntry {
        stream: format!("request/{id}"),
        at: world.bot.now(),
        actor: Actor::BOT,
        policy: String::new(),
        event: serde_json::to_value(event).unwrap(),
    };
    let (key, queue) = (format!("{id}/console/#db-approvers"), "console/#db-approvers".to_owned());
    let thread = TaskWant { kind: TaskKind::Thread, key, queue, due_at: world.bot.now() };
    world.store.commit(Commit { entries: events.iter().map(entry).collect(), tasks: vec![thread], ..Commit::default() }).await.unwrap();
    world.workers.drain().await.unwrap();
}

fn away(retry_after: Option<Span>) -> ChatFault {
    ChatFault::Transient { why: "try later".into(), retry_after }
}

#[tokio::test]
async fn a_thread_is_put_away_once_everything_is_told_and_then_left_alone() {
    let world = World::new().await;
    returned(&world).await;
    assert!(world.console.is_put_away(&world.card()));
    let thread = world.console.thread(&world.card());
    assert_eq!(count(&thread, "Returned early by Ana Reyes"), 2, "on the card and under it: {thread}");
    let times = world.console.times_put_away();
    for _ in 0..3 {
        world.advance(Span::from_minutes(240)).await;
    }
    assert_eq!(world.console.times_put_away(), times, "nothing is due any more");
}

#[tokio::test]
async fn what_is_told_late_brings_the_thread_back_and_it_is_put_away_again() {
    let world = World::new().await;
    let id = returned(&world).await;
    let (before, times) = (world.console.thread(&world.card()), world.console.times_put_away());
    happens_late(&world, &id, &[Event::AlarmRaised { alarm: AlarmKind::StillOpen }]).await;
    assert_eq!(world.console.times_put_away(), times, "an alarm is open");
    happens_late(&world, &id, &[Event::AlarmCleared { alarm: AlarmKind::StillOpen }]).await;
    assert_ne!(world.console.thread(&world.card()), before, "it is said that the alarm is over");
    assert_eq!((world.console.times_put_away(), world.console.is_put_away(&world.card())), (times + 1, true));
}

#[tokio::test]
async fn a_thread_that_is_put_away_twice_stays_as_it_is() {
    let world = World::new().await;
    let id = returned(&world).await;
    let (before, times) = (world.console.thread(&world.card()), world.console.times_put_away());
    happens_late(&world, &id, &[]).await;
    assert!(world.console.times_put_away() > times, "whoever looks again does it again");
    assert!(world.console.is_put_away(&world.card()));
    assert_eq!(world.console.thread(&world.card()), before);
}

#[tokio::test]
async fn a_thread_with_an_open_alarm_stays_until_it_is_over() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "connection refused".into())), ..Temper::default() });
    world.advance(Span::from_minutes(60)).await;
    world.advance(MINUTE).await;
    assert!(!world.console.is_put_away(&world.card()));
    world.pretend.set_temper(Temper::default());
    world.advance(MINUTE).await;
    world.advance(MINUTE).await;
    assert!(!world.state(&id).await.is_open());
    assert!(world.console.is_put_away(&world.card()));
}

#[tokio::test]
async fn a_chat_that_cannot_put_it_away_now_is_asked_again_after_a_minute_or_when_it_says_so() {
    let world = World::new().await;
    world.console.set_cannot_put_away(Some(away(None)));
    returned(&world).await;
    world.console.set_cannot_put_away(Some(away(Some(Span::from_minutes(10)))));
    world.advance(MINUTE).await;
    world.console.set_cannot_put_away(None);
    world.advance(Span::from_minutes(9)).await;
    assert_eq!(world.console.times_put_away(), 0, "not before the time that it named");
    world.advance(MINUTE).await;
    assert_eq!((world.console.times_put_away(), world.console.is_put_away(&world.card())), (1, true));
    world.advance(Span::from_minutes(60)).await;
    assert_eq!(world.console.times_put_away(), 1);
}

#[tokio::test]
async fn a_chat_that_will_never_put_it_away_is_no_alarm_and_is_not_asked_for_ever() {
    let world = World::new().await;
    world.console.set_cannot_put_away(Some(ChatFault::Permanent { why: "the bot may not".into() }));
    returned(&world).await;
    assert!(world.store.open_alarms().await.unwrap().is_empty());
    world.console.set_cannot_put_away(None);
    world.advance(Span::from_minutes(240)).await;
    assert_eq!(world.console.times_put_away(), 0);
}

#[tokio::test]
async fn a_chat_that_puts_nothing_away_for_an_hour_is_told_of_the_next_request_all_the_same() {
    let world = World::new().await;
    world.console.set_cannot_put_away(Some(away(Some(Span::from_minutes(60)))));
    returned(&world).await;
    let id = world.granted("ana", ASK, "ben").await;
    world.done("ana", &format!("/jit return {id}")).await;
    let thread = world.console.thread(&world.card());
    assert_eq!(count(&thread, "Returned early by Ana Reyes"), 2, "on the card and under it: {thread}");
}

/// Killed between the last word and the putting away: the next bot over the same store does it.
#[tokio::test]
async fn a_restart_puts_away_what_the_bot_before_could_not() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(&file(&folder), hallpass::domain::entitlement::Ownership::Shared).await;
    world.console.set_cannot_put_away(Some(away(None)));
    returned(&world).await;
    let outside = world.without_store().await;
    let world = outside.with_store(Store::open(&file(&folder)).await.unwrap()).await;
    world.console.set_cannot_put_away(None);
    world.advance(MINUTE).await;
    assert!(world.console.is_put_away(&world.card()));
}

#[tokio::test]
async fn a_card_that_somebody_deleted_has_no_thread_to_put_away() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    world.console.set_cannot_put_away(Some(away(None)));
    world.done("ana", &format!("/jit return {id}")).await;
    world.console.delete(&world.card());
    world.console.set_cannot_put_away(None);
    world.advance(MINUTE).await;
    assert!(world.console.cards("#db-approvers").is_empty(), "nothing is posted for it");
    assert_eq!(world.console.times_put_away(), 0);
}
