//! The suite must find what is wrong: for each of its rules, an adapter with one flaw that breaks it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use hallpass::{
    cli::adapter::{self, Report},
    domain::{
        entitlement::{Handle, Order, Ownership},
        policy::{Person, Role},
        time::{Instant, Span},
    },
    provider::{
        Delivery, Description, Done, Fault, FaultKind, Holder, NativeExpiry, Provider, Resolved, Seen, Sessions, Settling, Sighting, Step,
        Verbs,
        conformance::{self, Fixture, Verdict},
        exec::Settings,
    },
};
use serde_json::{Value, json};

use super::{fixture, made, person, role};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    NoReads,
    ForgetfulResolve,
    TakesAnybody,
    TakesAnything,
    RevokeDoesNothing,
    EachGrantIsAnother,
    RevokeNeedsAHandle,
    RevokeOfNothingFails,
    RevokeCutsEverybody,
    RevokeCutsThePerson,
    ForgetsWithoutAHandle,
    ExtendDoesNothing,
    SameSecret,
    ListsNobody,
    SeesOneOrder,
    TripsOverNames,
    SilentHealth,
    GrantTwiceFails,
}

/// A system in memory, in which each grant is an object, behind an adapter with one flaw.
struct System {
    flaw: Flaw,
    description: Description,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<u64, Object>,
    counter: u64,
    is_down: bool,
}

struct Object {
    principal: String,
    grant: String,
    until: Instant,
}

impl System {
    fn new(flaw: Flaw) -> Self {
        let reads = u32::from(flaw != Flaw::NoReads);
        let verbs = Verbs { extend: true, credential: true, holders: true, sightings: true, health: true, ..Verbs::default() };
        let description = Description {
            name: "system".into(),
            version: "1".into(),
            ownership: Ownership::PerGrant,
            native: Some(NativeExpiry { grain: Span::from_seconds(1), extendable: true }),
            sessions: Sessions::Cut,
            delivery: Delivery::Secret,
            evidence: false,
            settling: Settling { reads, apart: Span::ZERO },
            inputs: Vec::new(),
            deadline: Span::from_seconds(10),
            verbs,
        };
        Self { flaw, description, state: Mutex::default() }
    }

    fn state(&self) -> Result<std::sync::MutexGuard<'_, State>, Fault> {
        let state = self.state.lock().unwrap();
        if state.is_down { Err(Fault::new(FaultKind::Transient, "it is down")) } else { Ok(state) }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }
}

fn id_of(handle: Option<&Handle>) -> Option<u64> {
    handle?.0["id"].as_u64()
}

#[async_trait]
impl Provider for System {
    fn describe(&self) -> &Description {
        &self.description
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        let principal = who.logins.get("system").cloned().unwrap_or_default();
        let mut state = self.state()?;
        state.counter += 1;
        if self.has(Flaw::TripsOverNames) && !principal.chars().all(char::is_alphanumeric) {
            state.is_down = true;
        }
        if !["ana", "ben"].contains(&principal.as_str()) && !self.has(Flaw::TakesAnybody) {
            return Err(Fault::new(FaultKind::NoSuchPrincipal, "there is no such user"));
        }
        if what.target["name"] != "door" && !self.has(Flaw::TakesAnything) {
            return Err(Fault::new(FaultKind::NoSuchTarget, "there is no such thing"));
        }
        let number = if self.has(Flaw::ForgetfulResolve) { state.counter } else { 0 };
        Ok(Resolved {
            target: what.target.clone(),
            principal,
            inputs: BTreeMap::new(),
            preview: format!("a key, number {number}"),
            by_hand: "change the lock".into(),
        })
    }

    async fn observe(&self, order: &Order, _handle: Option<&Handle>) -> Result<Seen, Fault> {
        let state = self.state()?;
        let found = state.objects.values().find(|object| object.grant == order.grant);
        Ok(found.map_or(Seen::Absent, |object| Seen::Present { native_expiry: Some(object.until), detail: None }))
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, _left: Duration) -> Result<Step, Fault> {
        let mut state = self.state()?;
        let there = state.objects.iter().find(|(_, object)| object.grant == order.grant).map(|(id, _)| *id);
        if there.is_some() && self.has(Flaw::GrantTwiceFails) {
            return Err(Fault::new(FaultKind::Invalid, "it is there already"));
        }
        let forgets = self.has(Flaw::EachGrantIsAnother) || (self.has(Flaw::ForgetsWithoutAHandle) && handle.is_none());
        let id = there.filter(|_| !forgets).unwrap_or_else(|| {
            state.counter += 1;
            state.counter
        });
        state.objects.insert(id, Object { principal: order.principal.clone(), grant: order.grant.clone(), until });
        let handle = Some(Handle(json!({ "id": id })));
        Ok(Step::Done(Done { handle, native_expiry: Some(until), ..Done::default() }))
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, _left: Duration) -> Result<Step, Fault> {
        let mut state = self.state()?;
        let before = state.objects.len();
        let by_id = matches!(self.flaw, Flaw::EachGrantIsAnother | Flaw::ForgetsWithoutAHandle | Flaw::RevokeNeedsAHandle);
        let needs_it = self.has(Flaw::RevokeNeedsAHandle);
        state.objects.retain(|id, object| match (self.flaw, id_of(handle)) {
            (Flaw::RevokeDoesNothing, _) => true,
            (Flaw::RevokeCutsEverybody, _) => false,
            (Flaw::RevokeCutsThePerson, _) => object.principal != order.principal,
            (_, Some(given)) if by_id => *id != given,
            (_, None) if needs_it => true,
            _ => object.grant != order.grant,
        });
        if before == state.objects.len() && self.has(Flaw::RevokeOfNothingFails) {
            return Err(Fault::new(FaultKind::Invalid, "there is nothing to take away"));
        }
        Ok(Step::Done(Done::default()))
    }

    async fn extend(&self, order: &Order, handle: Option<&Handle>, until: Instant, _left: Duration) -> Result<Step, Fault> {
        let until = if self.has(Flaw::ExtendDoesNothing) { until - Span::from_minutes(60) } else { until };
        self.grant(order, handle, until, Duration::MAX).await
    }

    async fn credential(&self, _order: &Order, _handle: Option<&Handle>) -> Result<secrecy::SecretString, Fault> {
        let mut state = self.state()?;
        state.counter += 1;
        let number = if self.has(Flaw::SameSecret) { 0 } else { state.counter };
        Ok(format!("secret {number}").into())
    }

    async fn holders(&self, _target: &Value) -> Result<Vec<Holder>, Fault> {
        let state = self.state()?;
        let shown = state.objects.values().filter(|_| !self.has(Flaw::ListsNobody));
        Ok(shown
            .map(|object| Holder { principal: object.principal.clone(), grant: Some(object.grant.clone()), ours: true, through: None })
            .collect())
    }

    async fn sightings(&self, orders: &[Order]) -> Result<Vec<Vec<Sighting>>, Fault> {
        let answered = if self.has(Flaw::SeesOneOrder) { 1 } else { orders.len() };
        Ok(vec![Vec::new(); answered])
    }

    async fn health(&self) -> Result<String, Fault> {
        Ok(if self.has(Flaw::SilentHealth) { String::new() } else { "well".into() })
    }
}

fn door() -> Fixture {
    let mut fixture = fixture("system", ["ana", "ben"], json!({ "name": "door" }));
    fixture.unknown_person = Some(person("eve", ("system", "eve")));
    fixture.unknown_role = Some(role(json!({ "name": "window" })));
    fixture
}

async fn tried(flaw: Flaw) -> (Report, Arc<System>) {
    let system = Arc::new(System::new(flaw));
    let provider: Arc<dyn Provider> = system.clone();
    (adapter::test(&provider, None, &door(), None).await, system)
}

fn broken(report: &Report) -> Vec<&'static str> {
    report.checks.iter().filter(|check| matches!(check.verdict, Verdict::Failed(_))).map(|check| check.rule).collect()
}

#[tokio::test]
async fn an_adapter_with_every_verb_and_no_flaw_passes_and_nothing_is_left() {
    let (report, system) = tried(Flaw::None).await;
    assert!(report.is_passed(), "{report}");
    let skipped: Vec<_> =
        report.checks.iter().filter(|check| matches!(check.verdict, Verdict::Skipped(_))).map(|check| check.rule).collect();
    assert_eq!(skipped.len(), 5, "only what is for programs is skipped: {skipped:?}");
    let listed: Vec<_> = ALONE.iter().chain(&UNDER_THE_CORE).map(|(rule, _)| *rule).chain(skipped).collect();
    assert_eq!(report.checks.iter().map(|check| check.rule).collect::<Vec<_>>(), listed, "each rule has an adapter below that breaks it");
    assert!(system.state.lock().unwrap().objects.is_empty());
}

/// Each rule that an adapter is tried by alone, and a flaw that breaks it.
const ALONE: [(&str, Flaw); 17] = [
    ("its description is sound", Flaw::NoReads),
    ("resolving changes nothing and answers the same twice", Flaw::ForgetfulResolve),
    ("a person who is not there is named as such", Flaw::TakesAnybody),
    ("a target that is not there is named as such", Flaw::TakesAnything),
    ("granted is there, and gone after revoke", Flaw::RevokeDoesNothing),
    ("granting twice is as granting once", Flaw::EachGrantIsAnother),
    ("revoking works without a handle", Flaw::RevokeNeedsAHandle),
    ("revoking what was never granted succeeds", Flaw::RevokeOfNothingFails),
    ("two people do not disturb each other", Flaw::RevokeCutsEverybody),
    ("two grants of one person do not cut each other", Flaw::RevokeCutsThePerson),
    ("what was granted again after a lost answer is gone after one revoke", Flaw::ForgetsWithoutAHandle),
    ("extending moves the native end", Flaw::ExtendDoesNothing),
    ("a credential is made when fetched", Flaw::SameSecret),
    ("holders are listed", Flaw::ListsNobody),
    ("open sessions are told for each order", Flaw::SeesOneOrder),
    ("hostile names are data", Flaw::TripsOverNames),
    ("health answers", Flaw::SilentHealth),
];

/// Each rule that needs the core, but for those for programs.
const UNDER_THE_CORE: [(&str, Flaw); 6] = [
    ("standing access survives a grant and its end", Flaw::RevokeCutsThePerson),
    ("two grants overlap, and both end", Flaw::RevokeCutsThePerson),
    ("killed after the call took effect, overlapped and ended: nothing is left", Flaw::GrantTwiceFails),
    ("cut answers leave nothing behind", Flaw::GrantTwiceFails),
    ("slow answers leave nothing behind", Flaw::GrantTwiceFails),
    ("garbage answers leave nothing behind", Flaw::GrantTwiceFails),
];

#[tokio::test]
async fn each_rule_is_broken_by_an_adapter_that_the_suite_finds() {
    for (rule, flaw) in ALONE {
        let checks = conformance::run(&System::new(flaw), &door(), None).await;
        let report = Report { adapter: format!("{flaw:?}"), checks };
        assert!(broken(&report).contains(&rule), "should break: {rule}\n{report}");
    }
    for flaw in [Flaw::RevokeCutsThePerson, Flaw::GrantTwiceFails] {
        let (report, _) = tried(flaw).await;
        for (rule, _) in UNDER_THE_CORE.iter().filter(|(_, breaks)| *breaks == flaw) {
            assert!(broken(&report).contains(rule), "{flaw:?} should break: {rule}\n{report}");
        }
    }
}

/// A program that refuses to grant what is there already, as none may.
const ONCE_ONLY: &str = r#"#!/bin/sh
request=$(cat)
cut() { printf '%s\n' "$request" | sed -n "s/.*\"$1\":\"\\([A-Za-z0-9._-]*\\)\".*/\\1/p"; }
file=held.$(cut grant)
case $(cut op) in
describe) echo '{"protocols":["hallpass-adapter/1"],"name":"once","ownership":"per_grant","sessions":"cut","deadline_s":1,"ops":["observe","grant","revoke"]}' ;;
observe) if [ -e "$file" ]; then echo '{"status":"active"}'; else echo '{"status":"absent"}'; fi ;;
grant) if [ -e "$file" ]; then echo '{"error":{"code":"invalid","message":"there already"}}'; exit 1; fi; : >"$file"; echo '{"status":"active"}' ;;
revoke) rm -f "$file"; echo '{"status":"absent"}' ;;
esac
"#;

#[tokio::test]
async fn each_rule_for_programs_is_broken_by_one_that_cannot_be_asked_twice() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("once");
    fs::write(&program, ONCE_ONLY).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let settings = format!("program = '{}'", program.display());
    let provider = made("exec", &settings).await;
    let exec: Settings = settings.parse::<toml::Table>().unwrap().try_into().unwrap();
    let report = adapter::test(&provider, Some(&exec), &fixture("x", ["ana", "ben"], json!({ "name": "door" })), None).await;
    for rule in [
        "garbage on standard output is not taken for an answer",
        "an exit code that means nothing is not taken for an answer",
        "an answer that is too long is not taken for one",
        "at the deadline the program's whole group is killed",
    ] {
        assert!(broken(&report).contains(&rule), "{rule}\n{report}");
    }
}
