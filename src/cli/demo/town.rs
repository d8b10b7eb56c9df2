//! Who lives in the demo, and what they may ask for: a catalogue made by hand, small enough to be read at a glance.

use std::collections::BTreeMap;

use crate::{
    domain::{
        ids::PersonId,
        members::Rules,
        policy::{Catalogue, Channel, Group, Person, Platform, Policy, ReasonRule, Resource, Role, Rung, Stage, Who},
        time::Span,
    },
    provider::ssh::PUBLIC_KEY,
};

/// Id and name of everybody.
pub(super) const PEOPLE: [(&str, &str); 6] = [
    ("ana", "Ana Reyes"),
    ("ben", "Ben Okafor"),
    ("cleo", "Cleo Marsh"),
    ("dora", "Dora Lind"),
    ("eve", "Eve Stone"),
    ("finn", "Finn Ward"),
];

pub(super) fn knows(person: &str) -> bool {
    PEOPLE.iter().any(|(id, _)| *id == person)
}

/// Everybody's id, as one types it.
pub(super) fn names() -> String {
    PEOPLE.map(|(id, _)| id).join(", ")
}

fn who(name: &str) -> Option<Who> {
    match name.strip_prefix('@') {
        Some(group) => group.parse().ok().map(Who::Group),
        None => name.parse().ok().map(Who::Person),
    }
}

fn stage(approvers: &str, ladder: &[(i64, &str)]) -> Stage {
    Stage {
        approvers: who(approvers).into_iter().collect(),
        needed: 1,
        notify: who(approvers).into_iter().collect(),
        direct: Vec::new(),
        remind_every: None,
        ladder: ladder.iter().map(|(after, to)| Rung { after: Span::from_minutes(*after), to: who(to).into_iter().collect() }).collect(),
    }
}

fn policy(name: &str, stages: Vec<Stage>) -> Option<Policy> {
    Some(Policy {
        name: name.parse().ok()?,
        cap: Span::from_minutes(240),
        default: Span::from_minutes(30),
        extend_to: Some(Span::from_minutes(60)),
        grace: Span::ZERO,
        grant_within: Span::from_minutes(15),
        patience: Span::from_minutes(15),
        warn: Some(Span::from_minutes(5)),
        reason: ReasonRule { min_chars: 4 },
        ticket: None,
        may_ask: vec![Who::Everyone],
        on_behalf_of: who("eve").into_iter().collect(),
        at_once_up_to: None,
        stages,
    })
}

/// The catalogue, with everybody's public key.
pub(super) fn catalogue(keys: &BTreeMap<String, String>) -> Catalogue {
    let people = PEOPLE.iter().filter_map(|(id, name)| {
        let id: PersonId = id.parse().ok()?;
        let person = Person {
            id: id.clone(),
            name: (*name).to_owned(),
            email: None,
            time_zone: None,
            active: true,
            identities: BTreeMap::from([(Platform::Console, id.to_string())]),
            logins: BTreeMap::from([(PUBLIC_KEY.to_owned(), keys.get(id.as_str()).cloned().unwrap_or_default())]),
        };
        Some((id, person))
    });
    let group = |id: &str, members: &[&str]| {
        let id: crate::domain::ids::GroupId = id.parse().ok()?;
        Some((id.clone(), Group { id, members: members.iter().filter_map(|m| m.parse().ok()).collect(), chats: BTreeMap::new() }))
    };
    let groups = [group("host-leads", &["ben", "dora"]), group("security", &["cleo", "dora"]), group("oncall", &["eve"])];
    let policies = [
        policy("hosts", vec![stage("@host-leads", &[(3, "@oncall")])]),
        policy("roots", vec![stage("@host-leads", &[]), stage("@security", &[])]),
    ];
    let role = |name: &str, title: &str, policy: &str| {
        let target = serde_json::json!({ "principals": [format!("bastion:{name}")], "login": name });
        Some(Role { name: name.parse().ok()?, title: title.into(), policy: policy.parse().ok()?, target })
    };
    let roles = [role("login", "an ordinary login", "hosts"), role("root", "root", "roots")];
    let bastion = || {
        Some(Resource {
            id: "bastion".parse().ok()?,
            title: "the bastion host".into(),
            description: "Way into the production network".into(),
            tags: Vec::new(),
            owner: who("dora"),
            provider: "hosts".parse().ok()?,
            channels: vec![Channel { platform: Platform::Console, id: "#host-approvers".into() }],
            roles: roles.into_iter().flatten().collect(),
        })
    };
    Catalogue {
        people: people.collect(),
        groups: groups.into_iter().flatten().collect(),
        resources: bastion().map(|r| (r.id.clone(), r)).into_iter().collect(),
        policies: policies.into_iter().flatten().map(|p| (p.name.clone(), p)).collect(),
        members: Rules::default(),
        administrators: who("eve").into_iter().collect(),
        auditors: Vec::new(),
        digests: None,
        digest: "sha256:demo".into(),
        frozen: false,
        time_zone: chrono_tz::UTC,
    }
}
