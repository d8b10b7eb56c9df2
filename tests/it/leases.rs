//! What stops a worker from writing down what it learnt keeps no entitlement leased, and no end open.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use hallpass::{
    domain::{
        entitlement::{Handle, Order, Ownership},
        event::Used,
        policy::{Person, Role},
        request::{Ending, State},
        time::{Instant, Span},
    },
    provider::{Description, Done, Fault, Provider, Resolved, Seen, Step, pretend::Pretend},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::{
    outage::{granted, held, is_sound},
    store_suite::{database, file},
    world::World,
};

/// How the target talks of use, residue and connecting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// So many addresses that no entry can hold them.
    UsedFromEverywhere,
    /// Never answers how it was used.
    SilentOfUse,
    /// So much residue that no entry can hold it.
    LeavesAll,
    /// So much to say about connecting that no entry can hold it.
    Longwinded,
    Brief,
}

/// The pretended provider with evidence.
struct Talks {
    inner: Arc<Pretend>,
    description: Description,
    manner: Mutex<Manner>,
}

impl Talks {
    async fn in_force(world: &World, manner: Manner) -> Arc<Self> {
        let inner = world.pretend.clone();
        let description = Description { evidence: true, ..inner.describe().clone() };
        let talks = Arc::new(Self { inner, description, manner: Mutex::new(manner) });
        let provider: Arc<dyn Provider> = talks.clone();
        let providers = BTreeMap::from([("pretended".parse().unwrap(), provider)]);
        world.bot.reload(crate::world::catalogue(), providers).await.unwrap();
        talks
    }

    fn manner(&self) -> Manner {
        *self.manner.lock().unwrap()
    }
}

#[async_trait]
impl Provider for Talks {
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
        let step = self.inner.grant(order, handle, until, left).await?;
        let long = Some("connect ".repeat(20_000));
        Ok(if self.manner() == Manner::Longwinded { Step::Done(Done { how_to_connect: long, ..Done::default() }) } else { step })
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault> {
        let step = self.inner.revoke(order, handle, left).await?;
        let residue = vec!["a file of theirs ".repeat(100); 100];
        Ok(if self.manner() == Manner::LeavesAll { Step::Done(Done { residue, ..Done::default() }) } else { step })
    }

    async fn uses(&self, _: &Order, _: Option<&Handle>, _: Instant) -> Result<Used, Fault> {
        if self.manner() == Manner::SilentOfUse {
            std::future::pending::<()>().await;
        }
        let from = if self.manner() == Manner::UsedFromEverywhere { 6_000 } else { 1 };
        let from = (0..from).map(|n| format!("192.0.2.{n} by way of nowhere")).collect();
        Ok(Used { sessions: 1, first: None, last: None, from, sampled_every: None })
    }
}

async fn ended(world: &World, manner: Manner) -> (Ending, hallpass::domain::request::Held) {
    Talks::in_force(world, manner).await;
    let id = granted(world).await;
    world.advance(Span::from_minutes(60)).await;
    assert!(!world.holds("ana", "write"));
    assert!(world.store.open_alarms().await.unwrap().iter().all(|alarm| !alarm.id.starts_with("still_open")));
    is_sound(world).await;
    held(world, &id).await
}

#[tokio::test]
async fn how_it_was_used_is_told_with_its_end() {
    let (ending, held) = ended(&World::new().await, Manner::Brief).await;
    assert_eq!((ending, held.used.unwrap().from.len()), (Ending::Expired, 1));
}

#[tokio::test]
async fn an_end_closes_however_long_the_list_of_its_use_is() {
    let (ending, held) = ended(&World::new().await, Manner::UsedFromEverywhere).await;
    assert_eq!((ending, held.used), (Ending::Expired, None));
}

#[tokio::test]
async fn an_end_closes_when_the_target_never_says_how_it_was_used() {
    let world = World::new().await;
    // The target's whole deadline of ten seconds is not waited for.
    let (ending, held) = tokio::time::timeout(Duration::from_secs(9), ended(&world, Manner::SilentOfUse)).await.unwrap();
    assert_eq!((ending, held.used), (Ending::Expired, None));
}

#[tokio::test]
async fn an_end_closes_however_much_remains_and_says_the_first_of_it() {
    let (ending, held) = ended(&World::new().await, Manner::LeavesAll).await;
    assert_eq!((ending, held.residue.len()), (Ending::Expired, 20));
}

#[tokio::test]
async fn what_can_never_be_written_keeps_no_lease() {
    let world = World::new().await;
    let talks = Talks::in_force(&world, Manner::Longwinded).await;
    let id = granted(&world).await;
    assert!(matches!(world.state(&id).await.state, State::Granting { .. }), "it could not be written that it works");
    *talks.manner.lock().unwrap() = Manner::Brief;
    world.press("ana", "cancel", &id, None).await;
    // A lease would last twice the deadline of ten seconds, and thirty.
    world.advance(Span::from_seconds(5)).await;
    assert!(!world.holds("ana", "write"), "its end waits for no lease");
}

/// Ana's access is over, and one second follows the other until her request is closed: how many.
async fn seconds_to_close(world: &World, id: &str) -> i64 {
    world.advance(Span::from_minutes(60)).await;
    for seconds in 0..40 {
        if !world.state(id).await.is_open() {
            return seconds;
        }
        world.advance(Span::from_seconds(1)).await;
    }
    panic!("it stays open: {:?}", world.state(id).await.state);
}

#[tokio::test]
async fn what_others_keep_changing_keeps_no_lease() {
    let folder = tempfile::tempdir().unwrap();
    let url = file(&folder);
    let world = World::on(&url, Ownership::Shared).await;
    let id = granted(&world).await;
    // Whoever writes that it is gone finds the request changed by somebody else.
    let stale = "CREATE TRIGGER stale BEFORE UPDATE ON requests WHEN NEW.open = 0 BEGIN SELECT RAISE(IGNORE); END";
    let mut conn = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query(stale).execute(&mut conn).await.unwrap();
    world.advance(Span::from_minutes(60)).await;
    assert!(world.state(&id).await.is_open());
    sqlx::query("DROP TRIGGER stale").execute(&mut conn).await.unwrap();
    world.advance(Span::from_seconds(1)).await;
    assert!(!world.state(&id).await.is_open(), "the lease was given back");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_deadlock_in_a_save_keeps_no_end_waiting() {
    let url = database().await;
    let world = World::on(&url, Ownership::Shared).await;
    let id = granted(&world).await;
    let mut conn = PgConnection::connect(&url).await.unwrap();
    let statements = [
        "CREATE SEQUENCE deadlocks",
        "CREATE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF NEW.document <> OLD.document AND nextval('deadlocks') <= 70 THEN \
         RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER deadlock BEFORE UPDATE ON entitlements FOR EACH ROW EXECUTE FUNCTION deadlock()",
    ];
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut conn).await.unwrap();
    }
    let seconds = seconds_to_close(&world, &id).await;
    assert!((1..=5).contains(&seconds), "{seconds} s: some tries fail, and none of them keeps the lease");
    let met: i64 = sqlx::query_scalar("SELECT last_value FROM deadlocks").fetch_one(&mut conn).await.unwrap();
    assert!(met > 70, "all deadlocks were met: {met}");
}
