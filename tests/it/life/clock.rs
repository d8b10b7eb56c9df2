//! A clock that is not believed and a policy that is not in force: nothing is granted, ends go on.

use hallpass::domain::{refusal::Refusal, time::Span};

use super::ASK;
use crate::world::World;

#[tokio::test]
async fn a_clock_that_jumps_grants_nothing_and_ends_what_is_due() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let held = world.newest().await;
    world.press("ben", "approve", &held, None).await;
    world.advance(Span::from_seconds(1)).await;
    world.say("finn", ASK).await;
    let asked = world.newest().await;
    world.clock.jump(world.now() + Span::from_minutes(120));
    world.workers.drain().await.unwrap();
    assert!(!world.holds("ana", "write"), "what is due ends");
    world.press("ben", "approve", &asked, None).await;
    assert!(!world.holds("finn", "write"), "nothing is granted");
    assert!(world.store.open_alarms().await.unwrap().iter().any(|alarm| alarm.id == "clock"));
    world.bot.confirm_clock(None).await.unwrap();
    let said = world.press("ben", "approve", &asked, None).await;
    assert!(world.holds("finn", "write"), "{said}\n{:?}", world.state(&asked).await);
    assert!(world.store.open_alarms().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_frozen_policy_grants_nothing_and_goes_on_ending() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let held = world.newest().await;
    world.press("ben", "approve", &held, None).await;
    let frozen = hallpass::domain::policy::Catalogue { frozen: true, ..crate::world::catalogue() };
    world.bot.reload(frozen, (*world.bot.providers()).clone()).await.unwrap();
    world.say("finn", ASK).await;
    assert_eq!(world.newest().await, held, "nothing new is opened");
    world.advance(Span::from_minutes(60)).await;
    assert!(!world.holds("ana", "write"));
}

#[tokio::test]
async fn an_administrator_sees_and_confirms_the_clock_nobody_else() {
    let world = World::new().await;
    assert_eq!(world.no("ana", "/jit clock").await, Refusal::NotAdministrator);
    assert!(world.say("eve", "/jit clock").await.contains("nothing is wrong"));
    world.clock.jump(world.now() + Span::from_minutes(120));
    world.workers.drain().await.unwrap();
    assert_eq!(world.no("ana", "/jit clock confirm").await, Refusal::NotAdministrator);
    assert_eq!(world.no("ana", ASK).await, Refusal::Frozen);
    assert!(world.say("eve", "/jit clock").await.contains("/jit clock confirm"));
    assert!(world.say("eve", "/jit clock confirm").await.starts_with("Confirmed"));
    world.done("ana", ASK).await;
    assert!(world.store.open_alarms().await.unwrap().is_empty());
    let entries = world.store.entries("bot", 0, 1000).await.unwrap();
    let confirmed = entries.iter().map(|e| String::from_utf8_lossy(&e.bytes).into_owned()).find(|e| e.contains("clock_confirmed")).unwrap();
    assert!(confirmed.contains("\"by\":\"eve\""), "{confirmed}");
}
