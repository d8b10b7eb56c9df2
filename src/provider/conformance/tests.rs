//! The suite must pass what is right, and must find what is wrong: adapters with one flaw each.

use std::collections::BTreeMap;

use super::*;
use crate::{
    domain::{entitlement::Ownership, time::Span},
    provider::{Description, pretend::Pretend},
};

fn person(id: &str) -> Person {
    Person {
        id: id.parse().unwrap(),
        name: id.to_owned(),
        email: None,
        time_zone: None,
        active: true,
        identities: BTreeMap::new(),
        logins: BTreeMap::new(),
    }
}

fn fixture() -> Fixture {
    let until = Instant::from_micros(1_800_000_000_000_000);
    let role = Role {
        name: "write".parse().unwrap(),
        title: "Write".into(),
        policy: "usual".parse().unwrap(),
        target: serde_json::json!({ "name": "door" }),
    };
    Fixture {
        provider: "door".parse().unwrap(),
        person: person("ana"),
        other: person("ben"),
        role,
        unknown_person: None,
        unknown_role: None,
        until,
        later: until + Span::from_minutes(10),
        run: "1".into(),
    }
}

fn failures(checks: &[Check]) -> Vec<&'static str> {
    checks.iter().filter(|c| matches!(c.verdict, Verdict::Failed(_))).map(|c| c.rule).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    RevokeDoesNothing,
    RevokeNeedsAHandle,
    RevokeCutsEverybody,
    LooksAreAlwaysAbsent,
}

/// A pretended system behind an adapter with a flaw.
struct Flawed(Pretend, Flaw);

#[async_trait]
impl Provider for Flawed {
    fn describe(&self) -> &Description {
        self.0.describe()
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        self.0.resolve(who, what).await
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        if self.1 == Flaw::LooksAreAlwaysAbsent { Ok(Seen::Absent) } else { self.0.observe(order, handle).await }
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        self.0.grant(order, handle, until, left).await?;
        let handle = Some(Handle(serde_json::json!({ "id": 1 })));
        Ok(Step::Done(Done { handle, ..Done::default() }))
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault> {
        let nothing = Ok(Step::Done(Done::default()));
        match self.1 {
            Flaw::RevokeDoesNothing => nothing,
            Flaw::RevokeNeedsAHandle if handle.is_none() => nothing,
            Flaw::RevokeCutsEverybody => {
                for (target, holder) in self.0.held() {
                    self.0.set(&target, &holder, false);
                }
                nothing
            }
            _ => self.0.revoke(order, handle, left).await,
        }
    }
}

#[tokio::test]
async fn an_adapter_without_flaws_passes_whatever_its_ownership() {
    for ownership in [Ownership::PerGrant, Ownership::Ours, Ownership::Shared] {
        for provider in [Pretend::new(ownership), Pretend::with_credentials(ownership)] {
            let checks = run(&provider, &fixture(), None).await;
            assert_eq!(failures(&checks), Vec::<&str>::new());
            assert!(provider.held().is_empty(), "the suite leaves nothing behind");
        }
    }
}

#[tokio::test]
async fn each_flaw_is_found() {
    for (flaw, rule) in [
        (Flaw::RevokeDoesNothing, "granted is there, and gone after revoke"),
        (Flaw::RevokeNeedsAHandle, "revoking works without a handle"),
        (Flaw::RevokeCutsEverybody, "two people do not disturb each other"),
        (Flaw::LooksAreAlwaysAbsent, "granted is there, and gone after revoke"),
    ] {
        let checks = run(&Flawed(Pretend::new(Ownership::PerGrant), flaw), &fixture(), None).await;
        assert!(failures(&checks).contains(&rule), "{rule}: {checks:?}");
    }
}

#[test]
fn a_check_is_one_line() {
    let lines: Vec<String> = [Verdict::Passed, Verdict::Failed("it stays".into()), Verdict::Skipped("it cannot")]
        .map(|verdict| Check { rule: "what is revoked is gone", verdict }.to_string())
        .into();
    insta::assert_snapshot!(lines.join("\n"), @r"
    pass  what is revoked is gone
    FAIL  what is revoked is gone: it stays
    skip  what is revoked is gone: it cannot
    ");
}
