//! A command that can never be written is refused and closed; a row of the inbox that fails keeps no other waiting, and is no
//! outage of the store.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use hallpass::{
    bot::{Body, Incoming},
    domain::{
        entitlement::{Handle, Order, Ownership},
        policy::{Person, Platform, Role},
        time::{Instant, Span},
    },
    provider::{Description, Fault, Provider, Resolved, Seen, Step, pretend::Pretend},
    store::Filter,
};
use serde_json::json;
use sqlx::{Connection, SqliteConnection};

use crate::{
    outage::{Broken, entries, granted, is_sound},
    store_suite::file,
    world::World,
};

/// The pretended provider; what it makes of the role `read` has a number that no ledger entry holds.
struct Halves(Arc<Pretend>);

#[async_trait]
impl Provider for Halves {
    fn describe(&self) -> &Description {
        self.0.describe()
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        let resolved = self.0.resolve(who, what).await?;
        Ok(if what.name.as_str() == "read" { Resolved { target: json!({ "ratio": 0.5 }), ..resolved } } else { resolved })
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        self.0.observe(order, handle).await
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        self.0.grant(order, handle, until, left).await
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault> {
        self.0.revoke(order, handle, left).await
    }
}

async fn halves(world: &World) {
    let provider: Arc<dyn Provider> = Arc::new(Halves(world.pretend.clone()));
    world.bot.reload(crate::world::catalogue(), BTreeMap::from([("pretended".parse().unwrap(), provider)])).await.unwrap();
}

/// Received, and not handled yet.
async fn receives(world: &World, user: &str, role: &str) {
    let body = Body::Line { text: format!("/jit request prod-db {role} 1h Look at the import") };
    let incoming = Incoming { platform: Platform::Console, user: user.into(), interaction: format!("{user} {role}"), body };
    world.bot.receive(&incoming).await.unwrap();
}

async fn asked_by(world: &World) -> Vec<String> {
    let all = world.store.requests(&Filter { limit: 10, ..Filter::default() }).await.unwrap();
    all.iter().map(|request| format!("{} {}", request.requester, request.main_ask().role)).collect()
}

#[tokio::test]
async fn a_command_that_can_never_be_written_is_refused_and_closed() {
    let world = World::new().await;
    halves(&world).await;
    let said = world.say("ana", "/jit request prod-db read 1h Look at the import").await;
    assert_eq!(
        said,
        "My records cannot hold what this would write, so nothing was done, and doing it again will not help. Tell an operator: my \
         log says what is wrong."
    );
    assert!(world.store.inbox_open(10).await.unwrap().is_empty());
    assert!(asked_by(&world).await.is_empty());
    is_sound(&world).await;
}

#[tokio::test]
async fn a_row_that_can_never_be_written_keeps_no_later_one_waiting() {
    let world = World::new().await;
    halves(&world).await;
    receives(&world, "ana", "read").await;
    receives(&world, "ana", "write").await;
    assert_eq!(world.bot.handle_left().await.unwrap(), 2);
    assert_eq!(asked_by(&world).await, ["ana write"]);
    assert!(world.store.inbox_open(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_row_that_others_keep_changing_is_left_for_later_and_keeps_no_later_one_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let url = file(&folder);
    let world = World::on(&url, Ownership::Shared).await;
    let stale = "CREATE TRIGGER stale BEFORE INSERT ON requests WHEN NEW.requester = 'ana' BEGIN SELECT RAISE(IGNORE); END";
    let mut conn = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query(stale).execute(&mut conn).await.unwrap();
    receives(&world, "ana", "write").await;
    receives(&world, "finn", "write").await;
    assert_eq!(world.bot.handle_left().await.unwrap(), 1);
    assert_eq!(asked_by(&world).await, ["finn write"]);
    sqlx::query("DROP TRIGGER stale").execute(&mut conn).await.unwrap();
    assert_eq!(world.bot.handle_left().await.unwrap(), 1);
    assert_eq!(asked_by(&world).await.len(), 2);
}

#[tokio::test]
async fn what_was_received_during_an_outage_and_cannot_be_handled_is_no_new_outage() {
    let mut broken = Broken::new(Ownership::Shared).await;
    halves(&broken.world).await;
    granted(&broken.world).await;
    broken.world.advance(Span::from_minutes(59)).await;
    broken.refuse().await;
    broken.world.clock.advance(Span::from_seconds(62));
    broken.world.workers.drain().await.unwrap_err();
    receives(&broken.world, "finn", "read").await;
    receives(&broken.world, "finn", "write").await;
    broken.mend().await;
    for _ in 0..5 {
        broken.world.workers.drain().await.unwrap();
    }
    assert_eq!(asked_by(&broken.world).await, ["finn write", "ana write"]);
    assert!(broken.world.store.inbox_open(10).await.unwrap().is_empty());
    let down = entries(&broken.world).await.iter().filter(|(_, value)| value["event"]["type"] == "store_was_down").count();
    assert_eq!(down, 1);
}
