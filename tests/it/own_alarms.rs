//! Alarms of the bot itself, its sign of life, and its clock across ends and restarts.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use hallpass::{
    domain::{
        entitlement::{Handle, Order},
        policy::{Person, Role},
        request::State,
        time::{Instant, Span},
    },
    provider::{Description, Fault, Provider, Resolved, Seen, Step, pretend::Pretend},
};

use crate::{
    outage::{entries, granted},
    world::World,
};

async fn open(world: &World) -> Vec<String> {
    world.store.open_alarms().await.unwrap().into_iter().map(|alarm| alarm.id).collect()
}

async fn count(world: &World, kind: &str) -> usize {
    entries(world).await.iter().filter(|(_, value)| value["event"]["type"] == kind).count()
}

#[tokio::test]
async fn an_alarm_of_the_bot_is_told_once_edited_and_cleared() {
    let world = World::new().await;
    for _ in 0..3 {
        world.bot.raise("ledger", "it cannot be sealed".into(), None).await.unwrap();
        world.workers.drain().await.unwrap();
    }
    let first = world.console.channel("#ops");
    assert_eq!(first.matches("it cannot be sealed").count(), 1, "{first}");
    world.bot.raise("ledger", "it was changed".into(), None).await.unwrap();
    world.workers.drain().await.unwrap();
    let second = world.console.channel("#ops");
    assert!(second.contains("it was changed") && !second.contains("it cannot be sealed"), "edited, not repeated: {second}");
    for _ in 0..2 {
        world.bot.clear("ledger").await.unwrap();
        world.workers.drain().await.unwrap();
    }
    assert_eq!(open(&world).await, Vec::<String>::new());
    assert_eq!((count(&world, "alarm_raised").await, count(&world, "alarm_cleared").await), (1, 1));
}

/// Dies of a bug when it is asked to take something away.
struct Dies(Arc<Pretend>);

#[async_trait]
impl Provider for Dies {
    fn describe(&self) -> &Description {
        self.0.describe()
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        self.0.resolve(who, what).await
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        self.0.observe(order, handle).await
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        self.0.grant(order, handle, until, left).await
    }

    async fn revoke(&self, _: &Order, _: Option<&Handle>, _: Duration) -> Result<Step, Fault> {
        panic!("a bug")
    }
}

#[tokio::test]
async fn a_worker_that_dies_is_an_alarm_and_the_others_go_on() {
    let world = World::new().await;
    let id = granted(&world).await;
    let dies: Arc<dyn Provider> = Arc::new(Dies(world.pretend.clone()));
    world.bot.reload(crate::world::catalogue(), BTreeMap::from([("pretended".parse().unwrap(), dies)])).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(world.workers.clone().run(async { drop(stopped.await) }));
    world.clock.advance(Span::from_minutes(60));
    let begun = std::time::Instant::now();
    while !open(&world).await.contains(&"worker".to_owned()) {
        assert!(begun.elapsed().as_secs() < 60, "no alarm");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    world.clock.advance(Span::from_seconds(31));
    while !open(&world).await.iter().any(|alarm| alarm.starts_with("still_open/")) {
        assert!(begun.elapsed().as_secs() < 60, "the request's own alarm is raised by the others");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(world.state(&id).await.is_open());
    drop(stop);
    running.await.unwrap();
}

#[tokio::test]
async fn the_heartbeat_is_given_once_a_minute() {
    let world = World::new().await;
    let before = world.beats.load(Ordering::Relaxed);
    for _ in 0..30 {
        world.advance(Span::from_seconds(10)).await;
    }
    assert_eq!(world.beats.load(Ordering::Relaxed) - before, 5);
}

#[tokio::test]
async fn the_heartbeat_is_kept_back_while_an_alarm_reaches_nobody() {
    let world = World::new().await;
    world.console.set_down(true);
    world.bot.raise("ledger", "it cannot be sealed".into(), None).await.unwrap();
    world.advance(Span::from_seconds(61)).await;
    let before = world.beats.load(Ordering::Relaxed);
    for _ in 0..3 {
        world.advance(Span::from_seconds(61)).await;
    }
    assert_eq!(world.beats.load(Ordering::Relaxed), before);
    world.console.set_down(false);
    world.advance(Span::from_seconds(61)).await;
    world.advance(Span::from_seconds(61)).await;
    assert!(world.beats.load(Ordering::Relaxed) > before, "told, if not mended");
}

#[tokio::test]
async fn a_clock_set_back_moves_no_end_and_is_told_until_it_is_set_right() {
    let world = World::new().await;
    let id = granted(&world).await;
    let State::Active { work, .. } = world.state(&id).await.state else { panic!() };
    world.advance(Span::from_minutes(30)).await;
    let right = world.now();
    world.clock.jump(right - Span::from_minutes(120));
    world.advance(Span::from_minutes(29)).await;
    assert!(world.holds("ana", "write"));
    assert_eq!(open(&world).await, ["clock_behind"]);
    world.advance(Span::from_seconds(61)).await;
    assert!(!world.holds("ana", "write"), "after the hour that was approved");
    let (_, held) = crate::outage::held(&world, &id).await;
    assert!(held.gone_at.unwrap() >= work.until);
    let now = world.bot.now();
    world.clock.jump(now);
    world.workers.drain().await.unwrap();
    assert_eq!(open(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_restart_does_not_make_a_jump_believed() {
    let world = World::new().await;
    granted(&world).await;
    world.advance(Span::from_seconds(1)).await;
    world.say("finn", "/jit request prod-db write 1h Look at the same import").await;
    let asked = world.newest().await;
    let before = world.now();
    world.clock.jump(before + Span::from_minutes(120));
    world.workers.drain().await.unwrap();
    assert!(!world.holds("ana", "write"), "what is due ends");
    let again = world.replica(world.store.clone()).await;
    assert!(again.bot.highest() <= before);
    again.press("ben", "approve", &asked, None).await;
    assert!(!again.holds("finn", "write"), "nothing is granted");
    assert!(world.store.highest_now().await.unwrap().unwrap() <= before, "nor is it the new highest");
    again.advance(Span::from_seconds(61)).await;
    again.press("ben", "approve", &asked, None).await;
    assert!(again.holds("finn", "write"), "a second look believes it");
    assert_eq!(open(&world).await, Vec::<String>::new());
}
