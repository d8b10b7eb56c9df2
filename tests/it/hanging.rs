//! Scheduled starts at a provider that never answers keep no end's alarm waiting (R3), and start when it answers again.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
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
    provider::{
        Description, Fault, FaultKind, Provider, Resolved, Seen, Step,
        pretend::{Pretend, Temper},
    },
};
use tokio::{task::yield_now, time::timeout};

use crate::{
    outage::granted,
    world::{START, World},
};

/// The pretended provider, which can be made not to answer when it is asked about a role.
struct Hangs {
    inner: Arc<Pretend>,
    hangs: AtomicBool,
}

#[async_trait]
impl Provider for Hangs {
    fn describe(&self) -> &Description {
        self.inner.describe()
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.inner.resolve(who, what).await
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        self.inner.observe(order, handle).await
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        self.inner.grant(order, handle, until, left).await
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault> {
        self.inner.revoke(order, handle, left).await
    }
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    // Eight starts would take sixteen seconds, one after the other.
    let waited = timeout(Duration::from_secs(8), async {
        while !done().await {
            yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

/// Approved, and begins at 15:00.
async fn scheduled(world: &World, person: &str, role: &str, approver: &str) -> String {
    world.clock.advance(Span::from_seconds(1));
    let said = world.say(person, &format!("/jit request prod-db {role} 1h Look at the import --at 15:00")).await;
    let id = world.newest().await;
    world.press(approver, "approve", &id, None).await;
    assert!(matches!(world.state(&id).await.state, State::Scheduled { .. }), "{said}");
    id
}

#[tokio::test]
async fn many_starts_at_a_provider_that_never_answers_keep_no_alarm_waiting() {
    let world = World::new().await;
    let hangs = Arc::new(Hangs { inner: world.pretend.clone(), hangs: false.into() });
    let provider: Arc<dyn Provider> = hangs.clone();
    world.bot.reload(crate::world::catalogue(), BTreeMap::from([("pretended".parse().unwrap(), provider)])).await.unwrap();
    let held = granted(&world).await;
    let mut waiting = Vec::new();
    for (person, approver) in [("finn", "ben"), ("cleo", "ben"), ("eve", "ben"), ("ben", "dora")] {
        for role in ["read", "write"] {
            waiting.push(scheduled(&world, person, role, approver).await);
        }
    }
    hangs.hangs.store(true, Ordering::Relaxed);
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "connection refused".into())), ..Temper::default() });
    world.clock.advance((START + Span::from_seconds(3_605)).since(world.now()));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(world.workers.clone().run(async { drop(stopped.await) }));
    until("it is to end", async || matches!(world.state(&held).await.state, State::Revoking { .. })).await;
    world.clock.advance(Span::from_seconds(25));
    let alarm = format!("still_open/{held}");
    until("the alarm is raised", async || world.store.alarm(&alarm).await.unwrap().is_some()).await;
    for id in &waiting {
        assert!(matches!(world.state(id).await.state, State::Scheduled { .. }), "it starts when the provider answers");
    }
    hangs.hangs.store(false, Ordering::Relaxed);
    world.pretend.set_temper(Temper::default());
    // Those that still wait for an answer are given up after two seconds, and looked at again ten later.
    let all_started = async || {
        world.clock.advance(Span::from_seconds(1));
        let mut active = 0;
        for id in &waiting {
            active += usize::from(matches!(world.state(id).await.state, State::Active { .. }));
        }
        active == waiting.len()
    };
    until("all of them start", all_started).await;
    drop(stop);
    running.await.unwrap();
}

#[tokio::test]
async fn a_scheduled_start_happens_once_though_two_ticks_find_it() {
    let world = World::new().await;
    let id = scheduled(&world, "finn", "read", "ben").await;
    world.clock.advance((START + Span::from_minutes(60)).since(world.now()));
    world.bot.tick().await.unwrap();
    world.clock.advance(Span::from_seconds(10));
    world.bot.tick().await.unwrap();
    let starts = world.bot.take_starts();
    assert_eq!(starts.len(), 1, "{starts:?}");
    tokio::try_join!(world.bot.start(&starts[0].request), world.bot.start(&starts[0].request)).unwrap();
    world.workers.drain().await.unwrap();
    assert!(matches!(world.state(&id).await.state, State::Active { .. }));
    assert_eq!(world.pretend.take_made().len(), 1);
}
