//! Who holds what at adapters that are away, that say themselves what a role is, or whose target is no more.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use hallpass::{
    domain::{
        drift::{DriftKind, DriftRow},
        entitlement::{Handle, Order, Ownership},
        policy::{Catalogue, Person, Role},
        time::{Instant, Span},
    },
    provider::{
        Description, Fault, FaultKind, Holder, Provider, Resolved, Seen, Step,
        broken::Broken,
        pretend::{Pretend, Temper},
    },
};
use serde_json::Value;

use crate::{
    outage::{entries, granted, is_sound},
    world::World,
};

/// The pretended system behind an adapter of another kind.
struct Behind {
    system: Arc<Pretend>,
    stranger: Pretend,
    /// It was reached, and said what it is.
    met: OnceLock<()>,
    is_up: AtomicBool,
    resolves: bool,
    deleted: Mutex<Option<String>>,
}

impl Behind {
    fn of(world: &World) -> Self {
        let stranger = Pretend::new(Ownership::Shared);
        let (met, is_up, deleted) = (OnceLock::from(()), AtomicBool::new(true), Mutex::default());
        Self { system: world.pretend.clone(), stranger, met, is_up, resolves: false, deleted }
    }
}

#[async_trait]
impl Provider for Behind {
    fn describe(&self) -> &Description {
        if self.is_known() { self.system.describe() } else { self.stranger.describe() }
    }

    fn is_known(&self) -> bool {
        self.met.get().is_some()
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        self.system.resolve(who, what).await
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        self.system.observe(order, handle).await
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        self.system.grant(order, handle, until, left).await
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault> {
        self.system.revoke(order, handle, left).await
    }

    fn target_of(&self, role: &Role) -> Option<Value> {
        self.system.target_of(role).filter(|_| !self.resolves)
    }

    async fn holders(&self, target: &Value) -> Result<Vec<Holder>, Fault> {
        if self.deleted.lock().unwrap().as_deref().is_some_and(|deleted| target["name"] == deleted) {
            return Err(Fault::new(FaultKind::NoSuchTarget, "there is no such role"));
        }
        self.system.holders(target).await
    }

    async fn health(&self) -> Result<String, Fault> {
        if !self.is_up.load(Ordering::Relaxed) {
            return Err(Fault::new(FaultKind::Transient, "connection refused"));
        }
        self.met.get_or_init(|| ());
        Err(Fault::unsupported("health"))
    }
}

async fn world(ownership: Ownership) -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (World::with_provider(&crate::store_suite::file(&folder), Pretend::new(ownership).telling()).await, folder)
}

async fn by(world: &World, rules: Catalogue, provider: Option<Arc<dyn Provider>>) {
    let all: BTreeMap<_, _> = provider.into_iter().map(|provider| ("pretended".parse().unwrap(), provider)).collect();
    world.bot.reload(rules, all).await.unwrap();
}

async fn looks(world: &World) {
    for _ in 0..2 {
        world.advance(Span::from_minutes(6)).await;
        world.advance(Span::from_seconds(20)).await;
    }
}

async fn hours(world: &World, hours: usize) {
    for _ in 0..hours * 10 {
        world.advance(Span::from_minutes(6)).await;
    }
}

async fn rows(world: &World) -> Vec<DriftRow> {
    world.store.drift(Instant::from_micros(0)).await.unwrap()
}

async fn open(world: &World, kind: &str) -> usize {
    world.store.open_alarms().await.unwrap().iter().filter(|alarm| alarm.id.starts_with(kind)).count()
}

async fn unwatched(world: &World) -> usize {
    entries(world).await.iter().filter(|(_, value)| value["event"]["type"] == "drift_unwatched").count()
}

#[tokio::test]
async fn an_adapter_that_is_only_away_is_asked_again_and_what_it_told_counts_until_then() {
    let (world, _folder) = world(Ownership::Shared).await;
    world.pretend.set("write", "gus", true);
    looks(&world).await;
    let away = Arc::new(Behind { met: OnceLock::new(), is_up: false.into(), ..Behind::of(&world) });
    by(&world, crate::world::catalogue(), Some(away.clone())).await;
    looks(&world).await;
    assert_eq!((unwatched(&world).await, open(&world, "drift/").await, open(&world, "drift_unread/").await), (0, 1, 0));
    hours(&world, 2).await;
    assert_eq!((unwatched(&world).await, open(&world, "drift/").await, open(&world, "drift_unread/").await), (0, 1, 1));
    let alarms = world.store.open_alarms().await.unwrap();
    assert!(alarms.iter().any(|alarm| alarm.what.ends_with(": connection refused")), "{alarms:?}");
    away.is_up.store(true, Ordering::Relaxed);
    world.pretend.set("write", "gus", false);
    looks(&world).await;
    assert!(away.is_known(), "no request was needed for that");
    assert_eq!((open(&world, "drift").await, rows(&world).await[0].gone_at.is_some()), (0, true));
    is_sound(&world).await;
}

#[tokio::test]
async fn what_an_adapter_told_counts_while_it_cannot_be_started_and_no_longer_than_it_is_in_the_file() {
    let (world, _folder) = world(Ownership::Shared).await;
    world.pretend.set("write", "gus", true);
    looks(&world).await;
    by(&world, crate::world::catalogue(), Some(Arc::new(Broken::new("pretend", "no key".into())))).await;
    hours(&world, 2).await;
    assert_eq!((unwatched(&world).await, open(&world, "drift/").await, open(&world, "drift_unread/").await), (0, 1, 1));
    by(&world, crate::world::catalogue(), None).await;
    looks(&world).await;
    assert_eq!((unwatched(&world).await, open(&world, "drift").await), (1, 0));
    by(&world, crate::world::catalogue(), Some(Arc::new(Broken::new("pretend", "no key".into())))).await;
    hours(&world, 2).await;
    assert_eq!(open(&world, "drift_unread/").await, 1);
    by(&world, crate::world::catalogue(), Some(Arc::new(Pretend::new(Ownership::Shared)))).await;
    looks(&world).await;
    assert_eq!(open(&world, "drift_unread/").await, 0, "it cannot say who holds what, and nobody waits for it");
    is_sound(&world).await;
}

#[tokio::test]
async fn what_differs_where_only_the_adapter_knows_what_a_role_is_is_looked_at_after_the_grant() {
    for ownership in [Ownership::Shared, Ownership::PerGrant] {
        let (world, _folder) = world(ownership).await;
        by(&world, crate::world::catalogue(), Some(Arc::new(Behind { resolves: true, ..Behind::of(&world) }))).await;
        granted(&world).await;
        world.pretend.set("write", "gus x1", true);
        looks(&world).await;
        assert_eq!(open(&world, "drift/").await, 1);
        // Until the end itself: a step across it would make it late.
        world.advance(Span::from_seconds(47 * 60 + 20)).await;
        hours(&world, 1).await;
        assert!(!world.holds("ana", "write"));
        assert_eq!((unwatched(&world).await, open(&world, "drift/").await), (0, 1), "{ownership:?}: he still has it");
        world.pretend.set("write", "gus x1", false);
        looks(&world).await;
        assert_eq!((open(&world, "drift/").await, rows(&world).await[0].gone_at.is_some()), (0, true), "{ownership:?}");
        is_sound(&world).await;
    }
}

#[tokio::test]
async fn what_is_ours_after_its_end_is_found_where_only_the_adapter_knows_what_a_role_is() {
    let (world, _folder) = world(Ownership::PerGrant).await;
    by(&world, crate::world::catalogue(), Some(Arc::new(Behind { resolves: true, ..Behind::of(&world) }))).await;
    granted(&world).await;
    let object = world.pretend.held().into_iter().next().unwrap().1;
    hours(&world, 2).await;
    world.pretend.set("write", &object, true);
    looks(&world).await;
    assert_eq!(rows(&world).await.first().map(|row| row.kind), Some(DriftKind::OursAfterEnd));
    assert!(!world.holds("ana", "write"), "taken away again");
    is_sound(&world).await;
}

#[tokio::test]
async fn a_target_that_is_no_more_is_unread_only_as_long_as_something_is_to_be_there() {
    let (world, _folder) = world(Ownership::Shared).await;
    let behind = Arc::new(Behind::of(&world));
    by(&world, crate::world::catalogue(), Some(behind.clone())).await;
    let id = granted(&world).await;
    *behind.deleted.lock().unwrap() = Some("write".into());
    world.pretend.set_temper(Temper { fails: Some((FaultKind::NoSuchTarget, "there is no such role".into())), ..Temper::default() });
    hours(&world, 3).await;
    assert_eq!(open(&world, "drift_unread/").await, 1, "held, and a role of bot.toml");
    world.done("eve", &format!("/jit settle {id} the role was deleted")).await;
    looks(&world).await;
    assert_eq!(open(&world, "drift_unread/").await, 1, "still a role of bot.toml");
    let mut rules = crate::world::catalogue();
    rules.resources.get_mut(&"prod-db".parse().unwrap()).unwrap().roles.retain(|role| role.name.as_str() != "write");
    by(&world, rules, Some(behind)).await;
    looks(&world).await;
    assert_eq!(open(&world, "drift_unread/").await, 0);
}
