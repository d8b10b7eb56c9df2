//! A file is read again while people go on asking and approving: what is granted meanwhile is never left behind.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hallpass::{
    cli::run::Reloads,
    config::parse,
    domain::{
        entitlement::{Handle, Order},
        ids::ProviderName,
        policy::{Person, Role},
        request::State,
        time::{Instant, Span},
    },
    provider::{Description, Fault, Provider, Resolved, Seen, Step, pretend::Pretend},
};
use tokio::sync::Notify;

use crate::world::World;

/// Holds whoever asks what it would touch, until it is let on.
struct Slow {
    pretend: Arc<Pretend>,
    came: Notify,
    on: Notify,
}

#[async_trait]
impl Provider for Slow {
    fn describe(&self) -> &Description {
        self.pretend.describe()
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        self.came.notify_one();
        self.on.notified().await;
        self.pretend.resolve(who, what).await
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        self.pretend.observe(order, handle).await
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        self.pretend.grant(order, handle, until, left).await
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault> {
        self.pretend.revoke(order, handle, left).await
    }
}

fn text(provider: &str) -> String {
    format!(
        "[store]\nurl = 'sqlite:a'\n[people.ana]\nname = 'Ana'\nconsole = 'ana'\n[people.ben]\nname = 'Ben'\nconsole = 'ben'\n\
         [providers.{provider}]\nkind = 'pretend'\n[policies.p]\ncap = '4h'\ndefault = '1h'\nmay_ask = ['everyone']\n\
         stages = [{{ approvers = ['ben'] }}]\n[resources.prod-db]\nprovider = '{provider}'\nchannels = ['console:#a']\npolicy = 'p'\n\
         roles = [{{ name = 'write' }}]"
    )
}

/// A reload of a file that names another provider.
fn reloads(folder: &tempfile::TempDir) -> Reloads {
    let path = folder.path().join("bot.toml");
    std::fs::write(&path, text("other")).unwrap();
    let in_force = parse(&text("pretended"), &path.display().to_string()).unwrap();
    Reloads { path, in_force, is_kept: true, is_unsealed: false }
}

/// As long as what is not held back would take several times over.
async fn looks_on(world: &World) {
    for _ in 0..100 {
        world.store.held().await.unwrap();
    }
}

fn knows(world: &World, name: &str) -> bool {
    world.bot.providers().contains_key(&name.parse::<ProviderName>().unwrap())
}

async fn asked(world: &World) -> String {
    world.say("ana", "/jit request prod-db write 1h Unblock the stuck import").await;
    world.newest().await
}

async fn slow(world: &World) -> Arc<Slow> {
    let slow = Arc::new(Slow { pretend: world.pretend.clone(), came: Notify::new(), on: Notify::new() });
    let in_force = std::collections::BTreeMap::from([("pretended".parse().unwrap(), slow.clone() as Arc<dyn Provider>)]);
    world.bot.reload(crate::world::catalogue(), in_force).await.unwrap();
    slow
}

#[tokio::test]
async fn a_grant_that_is_being_decided_while_a_file_is_loaded_keeps_its_provider() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let mut reloads = reloads(&folder);
    let id = asked(&world).await;
    let slow = slow(&world).await;
    let press = async { world.press("ben", "approve", &id, None).await };
    let reload = async {
        slow.came.notified().await;
        // Nothing is held yet, so nothing but the decision itself is in the way.
        let bot = world.bot.clone();
        let told = tokio::spawn(async move {
            reloads.told(&bot).await;
            reloads
        });
        looks_on(&world).await;
        assert!(!told.is_finished(), "it waits for the decision");
        slow.on.notify_one();
        told.await.unwrap()
    };
    let (_, mut reloads) = tokio::join!(press, reload);
    assert!(knows(&world, "pretended") && !knows(&world, "other"), "refused: what was granted meanwhile could not be taken away");
    let State::Active { work, .. } = world.state(&id).await.state else { panic!("not granted") };
    assert!(world.store.open_alarms().await.unwrap().iter().any(|alarm| alarm.id == "policy"));
    assert!(!folder.path().join("bot.toml.last-good").exists(), "what is not in force is not kept");
    world.advance(Span::from_minutes(61)).await;
    assert!(world.bot.now() > work.until);
    assert!(!world.state(&id).await.is_open());
    reloads.told(&world.bot).await;
    assert!(knows(&world, "other") && !knows(&world, "pretended"));
    assert_eq!(std::fs::read_to_string(folder.path().join("bot.toml.last-good")).unwrap(), text("other"));
    assert!(world.store.open_alarms().await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_granted_while_a_file_is_put_in_force() {
    let world = Arc::new(World::new().await);
    let id = asked(&world).await;
    let held = world.bot.hold_grants().await;
    let (presser, pressed) = (world.clone(), id.clone());
    let press = tokio::spawn(async move { presser.press("ben", "approve", &pressed, None).await });
    looks_on(&world).await;
    assert!(!press.is_finished() && matches!(world.state(&id).await.state, State::Pending { .. }));
    drop(held);
    press.await.unwrap();
    assert!(matches!(world.state(&id).await.state, State::Active { .. }), "late, not lost");
}

#[tokio::test]
async fn a_scheduled_start_waits_too() {
    let world = Arc::new(World::new().await);
    world.say("ana", "/jit request prod-db write 1h Unblock the stuck import --at 22:00").await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    let held = world.bot.hold_grants().await;
    world.clock.advance(Span::from_minutes(24 * 60));
    let (starter, due) = (world.clone(), id.parse().unwrap());
    let start = tokio::spawn(async move { starter.bot.start(&due).await });
    looks_on(&world).await;
    assert!(!start.is_finished() && matches!(world.state(&id).await.state, State::Scheduled { .. }));
    drop(held);
    start.await.unwrap().unwrap();
    assert!(!matches!(world.state(&id).await.state, State::Scheduled { .. }), "late, not lost");
}

#[tokio::test]
async fn what_is_due_at_a_provider_that_nobody_knows_is_an_alarm() {
    let world = World::new().await;
    let id = asked(&world).await;
    world.press("ben", "approve", &id, None).await;
    world.bot.reload(crate::world::catalogue(), std::collections::BTreeMap::new()).await.unwrap();
    world.advance(Span::from_minutes(61)).await;
    let alarms = world.store.open_alarms().await.unwrap();
    let alarm = alarms.iter().find(|alarm| alarm.id == "adapter/pretended").expect("an alarm");
    insta::assert_snapshot!(
        alarm.what,
        @"the adapter pretended is not configured: what is held through it cannot be taken away; put it back into bot.toml"
    );
}
