//! Mistakes on purpose: each story is lived once as it should be, and the checker is silent; once with the mistake, and the
//! checker says so. A mistake that is not found is a failed test.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use hallpass::{
    clock::{Clock as _, ManualClock},
    domain::{
        entitlement::{Handle, Order, Ownership},
        policy::{Person, Role},
        time::{Instant, Span},
    },
    faults::{self, Gate},
    provider::{
        Description, Fault, FaultKind, Holder, Provider, Resolved, Seen, Sighting, Step,
        pretend::{Pretend, Temper},
    },
};

use crate::{
    checker::{Change, Evidence, Look, Object, check},
    world::{World, catalogue},
};

/// A provider that keeps a record, around the one that pretends.
struct Recorded {
    inner: Arc<Pretend>,
    clock: Arc<ManualClock>,
    record: Mutex<(Vec<Change>, Vec<Look>)>,
}

impl Recorded {
    fn held(&self) -> BTreeSet<(String, String)> {
        self.inner.held()
    }

    fn object(order: &Order) -> Object {
        let target = order.target.to_string();
        Object { provider: "pretended".into(), target, principal: order.principal.clone(), grant: String::new() }
    }

    /// What a call really changed.
    fn note(&self, order: &Order, before: &BTreeSet<(String, String)>) {
        let after = self.held();
        if after.len() != before.len() {
            let change = Change { at: self.clock.now(), object: Self::object(order), on: after.len() > before.len(), by_hand: false };
            self.record.lock().unwrap().0.push(change);
        }
    }
}

#[async_trait]
impl Provider for Recorded {
    fn describe(&self) -> &Description {
        self.inner.describe()
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        self.inner.resolve(who, what).await
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        faults::held("observe").await;
        let seen = self.inner.observe(order, handle).await?;
        let present = matches!(seen, Seen::Present { .. });
        self.record.lock().unwrap().1.push(Look { at: self.clock.now(), object: Self::object(order), present });
        Ok(seen)
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        let before = self.held();
        let step = self.inner.grant(order, handle, until, left).await;
        self.note(order, &before);
        step
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault> {
        let before = self.held();
        let step = self.inner.revoke(order, handle, left).await;
        self.note(order, &before);
        step
    }

    fn target_of(&self, role: &Role) -> Option<serde_json::Value> {
        self.inner.target_of(role)
    }

    async fn holders(&self, target: &serde_json::Value) -> Result<Vec<Holder>, Fault> {
        self.inner.holders(target).await
    }

    async fn sightings(&self, orders: &[Order]) -> Result<Vec<Vec<Sighting>>, Fault> {
        self.inner.sightings(orders).await
    }
}

/// A world whose provider keeps a record, with a mistake in it or without.
struct Trial {
    world: World,
    recorded: Arc<Recorded>,
}

impl Trial {
    async fn new(mistake: Option<&str>) -> Self {
        Self::over(mistake, World::with(Ownership::Shared).await).await
    }

    async fn over(mistake: Option<&str>, world: World) -> Self {
        if let Some(mistake) = mistake {
            faults::plant(mistake);
        }
        let recorded = Arc::new(Recorded { inner: world.pretend.clone(), clock: world.clock.clone(), record: Mutex::default() });
        let provider: Arc<dyn Provider> = recorded.clone();
        world.bot.reload(catalogue(), [("pretended".parse().unwrap(), provider)].into()).await.unwrap();
        Self { world, recorded }
    }

    async fn asked(&self, length: &str) -> String {
        self.world.say("ana", &format!("/jit request prod-db write {length} Unblock the stuck import")).await;
        self.world.newest().await
    }

    async fn granted(&self, length: &str) -> String {
        let id = self.asked(length).await;
        self.world.press("ben", "approve", &id, None).await;
        id
    }

    /// Minutes pass, ten seconds at a time.
    async fn pass(&self, minutes: i64) {
        for _ in 0..minutes * 6 {
            self.world.advance(Span::from_seconds(10)).await;
        }
    }

    async fn findings(&self) -> String {
        let record = self.recorded.record.lock().unwrap();
        let (changes, looks) = (record.0.clone(), record.1.clone());
        drop(record);
        let evidence = Evidence {
            policies: catalogue().policies,
            changes,
            looks: Some(looks),
            now: Some(self.world.now()),
            settled: true,
            ..Evidence::of(&self.world.store).await
        };
        check(&evidence).join("\n")
    }
}

/// Lives the story both ways.
async fn is_found<F: Future<Output = String>>(mistake: &'static str, rule: &str, story: impl Fn(Option<&'static str>) -> F) {
    assert_eq!(story(None).await, "", "without the mistake");
    let findings = story(Some(mistake)).await;
    assert!(findings.lines().any(|line| line.starts_with(rule)), "{mistake} breaks {rule}, and was not found: {findings}");
}

#[tokio::test]
async fn gone_without_reading_back_is_found() {
    is_found("no_read_back", "R4", async |mistake| {
        let trial = Trial::new(mistake).await;
        trial.granted("5m").await;
        trial.pass(8).await;
        trial.findings().await
    })
    .await;
}

#[tokio::test]
async fn giving_up_after_six_tries_is_found() {
    is_found("six_tries", "R3", async |mistake| {
        let trial = Trial::new(mistake).await;
        trial.granted("5m").await;
        let down = Temper { fails: Some((FaultKind::Transient, "it is being mended".into())), ..Temper::default() };
        trial.world.pretend.set_temper(down);
        trial.pass(8).await;
        trial.world.pretend.set_temper(Temper::default());
        trial.pass(5).await;
        trial.findings().await
    })
    .await;
}

/// One worker looks for what was there before, and is held; its lease runs out, another one grants; then it looks.
#[tokio::test]
async fn a_write_without_its_fence_is_found() {
    is_found("unfenced", "R4", async |mistake| {
        let trial = Trial::new(mistake).await;
        let other = trial.world.replica(trial.world.store.clone()).await;
        other.bot.reload(catalogue(), (*trial.world.bot.providers()).clone()).await.unwrap();
        let gate = Gate::across("observe");
        let id = trial.asked("5m").await;
        let slow = trial.world.press("ben", "approve", &id, None);
        let fast = async {
            gate.came().await;
            other.advance(Span::from_seconds(60)).await;
            gate.open();
        };
        tokio::join!(slow, fast);
        trial.pass(8).await;
        trial.findings().await
    })
    .await;
}

#[tokio::test]
async fn a_deny_that_loses_to_an_approval_is_found() {
    is_found("deny_loses", "R12", async |mistake| {
        let trial = Trial::new(mistake).await;
        let id = trial.asked("5m").await;
        tokio::join!(trial.world.press("ben", "deny", &id, Some("use the read replica")), trial.world.press("dora", "approve", &id, None),);
        trial.pass(8).await;
        trial.findings().await
    })
    .await;
}

/// The grant takes effect and its answer is lost: the look that resolves it is not a look at what was there before.
#[tokio::test]
async fn what_was_there_before_asked_at_the_repeat_is_found() {
    is_found("had_before_at_the_repeat", "R4", async |mistake| {
        let trial = Trial::new(mistake).await;
        trial.world.pretend.set_temper(Temper { cut_after_effect: true, ..Temper::default() });
        trial.granted("5m").await;
        trial.world.pretend.set_temper(Temper::default());
        trial.pass(8).await;
        trial.findings().await
    })
    .await;
}

/// Claims as they were when the lease was asked for: what was returned in that moment is never looked at again in time.
#[tokio::test]
async fn claims_read_inside_the_lease_are_found() {
    is_found("claims_in_the_lease", "R3", async |mistake| {
        let trial = Trial::new(mistake).await;
        let id = trial.granted("1h").await;
        // Ten minutes later the worker looks whether it is still there.
        trial.world.clock.advance(Span::from_minutes(10));
        let gate = Gate::across("claims");
        let worker = async { trial.world.workers.drain().await.unwrap() };
        let person = async {
            if mistake.is_some() {
                gate.came().await;
            }
            let body = hallpass::bot::Body::Press { action: "return".into(), request: id.clone(), words: None };
            let (platform, user, interaction) = (hallpass::domain::policy::Platform::Console, "ana".to_owned(), "returned".to_owned());
            trial.world.bot.take(&hallpass::bot::Incoming { platform, user, interaction, body }).await.unwrap();
            gate.open();
        };
        tokio::join!(worker, person);
        trial.pass(5).await;
        trial.findings().await
    })
    .await;
}

/// Somebody else has given it to Gus: that is told, and nothing else.
#[tokio::test]
async fn taking_away_what_somebody_else_gave_is_found() {
    is_found("drift_takes_strangers", "R6", async |mistake| {
        let folder = tempfile::tempdir().unwrap();
        let pretend = Pretend::new(Ownership::Shared).telling();
        let trial = Trial::over(mistake, World::with_provider(&crate::store_suite::file(&folder), pretend).await).await;
        trial.granted("5m").await;
        trial.world.pretend.set("write", "gus", true);
        let (provider, target, principal) = ("pretended".into(), r#"{"name":"write"}"#.into(), "gus".into());
        let object = Object { provider, target, principal, grant: String::new() };
        let change = Change { at: trial.world.now(), object, on: true, by_hand: true };
        trial.recorded.record.lock().unwrap().0.push(change);
        trial.pass(12).await;
        trial.findings().await
    })
    .await;
}
