//! Targets that keep a call waiting while the store is away: nobody else waits for them, and no later grant is cut by them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use hallpass::{
    domain::{
        entitlement::{Handle, Order, Ownership},
        policy::{Person, Role},
        time::{Instant, Span},
    },
    provider::{Description, Fault, Provider, Resolved, Seen, Step, pretend::Pretend},
};
use tokio::sync::Semaphore;

use super::{Broken, granted, is_sound};

/// The pretended provider, except that Ana's revokes wait for a permit; keeps the order in which calls began.
struct Slow {
    inner: Arc<Pretend>,
    description: Description,
    permits: Semaphore,
    calls: Mutex<Vec<String>>,
}

impl Slow {
    fn new(inner: Arc<Pretend>) -> Arc<Self> {
        let description = inner.describe().clone();
        Arc::new(Self { inner, description, permits: Semaphore::new(0), calls: Mutex::default() })
    }

    fn note(&self, verb: &str, order: &Order) {
        self.calls.lock().unwrap().push(format!("{verb} {}", order.principal));
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    async fn in_force(self: &Arc<Self>, broken: &Broken) {
        let provider: Arc<dyn Provider> = self.clone();
        let providers = BTreeMap::from([("pretended".parse().unwrap(), provider)]);
        broken.world.bot.reload(crate::world::catalogue(), providers).await.unwrap();
    }
}

#[async_trait]
impl Provider for Slow {
    fn describe(&self) -> &Description {
        &self.description
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        self.inner.resolve(who, what).await
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        self.inner.observe(order, handle).await
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        self.note("grant", order);
        self.inner.grant(order, handle, until, left).await
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault> {
        self.note("revoke", order);
        if order.principal == "ana" {
            self.permits.acquire().await.unwrap().forget();
        } else {
            self.permits.add_permits(1);
        }
        self.inner.revoke(order, handle, left).await
    }
}

#[tokio::test]
async fn a_target_that_keeps_one_end_waiting_keeps_no_other_waiting_without_the_store() {
    let mut broken = Broken::new(Ownership::PerGrant).await;
    let slow = Slow::new(broken.world.pretend.clone());
    slow.in_force(&broken).await;
    granted(&broken.world).await;
    broken.world.clock.advance(Span::from_seconds(1));
    broken.world.say("finn", "/jit request prod-db write 1h Look at the same import").await;
    let second = broken.world.newest().await;
    broken.world.press("ben", "approve", &second, None).await;
    broken.world.advance(Span::from_minutes(59)).await;
    broken.refuse().await;
    broken.world.clock.advance(Span::from_seconds(70));
    // Ana's revoke is answered only after Finn's was begun: one after the other this would not end before the deadline.
    broken.world.workers.drain().await.unwrap_err();
    assert!(!broken.world.holds("finn", "write"));
    assert!(!broken.world.holds("ana", "write"));
    assert_eq!(slow.calls().iter().filter(|call| call.starts_with("revoke")).count(), 2, "{:?}", slow.calls());
}

#[tokio::test]
async fn an_end_still_under_way_when_the_store_is_back_cuts_no_grant_made_since() {
    let mut broken = Broken::new(Ownership::Shared).await;
    let slow = Slow::new(broken.world.pretend.clone());
    slow.in_force(&broken).await;
    granted(&broken.world).await;
    broken.world.advance(Span::from_minutes(59)).await;
    // Another process of the same bot: it knows nothing of the calls that this one makes.
    let other = broken.world.replica(broken.world.store.clone()).await;
    other.bot.reload(crate::world::catalogue(), (*broken.world.bot.providers()).clone()).await.unwrap();
    broken.refuse().await;
    broken.world.clock.advance(Span::from_seconds(70));
    let Broken { world, mut conn, _folder } = broken;
    let away = world.workers.drain();
    let back = async {
        while !slow.calls().iter().any(|call| call.starts_with("revoke")) {
            tokio::task::yield_now().await;
        }
        sqlx::query("ALTER TABLE away RENAME TO entries").execute(&mut conn).await.unwrap();
        other.workers.drain().await.unwrap();
        let id = other.newest().await;
        other.say("ana", "/jit request prod-db write 1h Once more the import").await;
        let again = other.newest().await;
        assert_ne!(id, again);
        other.press("ben", "approve", &again, None).await;
        let begun = slow.calls();
        slow.permits.add_permits(10);
        (again, begun)
    };
    let (_, (again, begun)) = tokio::join!(away, back);
    assert_eq!(begun.last().map(String::as_str), Some("revoke ana"), "no grant while a revoke is unanswered: {begun:?}");
    for _ in 0..4 {
        world.clock.advance(Span::from_seconds(6));
        other.workers.drain().await.unwrap();
        world.workers.drain().await.unwrap();
    }
    assert!(world.holds("ana", "write"), "{:?} {:?}", slow.calls(), world.state(&again).await.state);
    is_sound(&world).await;
}
