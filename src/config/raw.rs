//! The shape of bot.toml, as serde reads it. No rule is checked here beyond types and known keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::domain::{spans, time::Span};

/// A length such as `"30m"`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Length(pub Span);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text == "0" {
            return Ok(Self(Span::ZERO));
        }
        spans::parse(&text)
            .map(Self)
            .map_err(|why| serde::de::Error::custom(format!("\"{text}\" is not a length such as 30m or 1h30m: {why}")))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub store: Store,
    #[serde(default)]
    pub ledger: Ledger,
    #[serde(default)]
    pub alarm: Alarm,
    pub time_zone: Option<String>,
    #[serde(default)]
    pub administrators: Vec<String>,
    #[serde(default)]
    pub auditors: Vec<String>,
    #[serde(default)]
    pub people: BTreeMap<String, Person>,
    #[serde(default)]
    pub groups: BTreeMap<String, Group>,
    #[serde(default)]
    pub providers: BTreeMap<String, toml::Table>,
    #[serde(default)]
    pub policies: BTreeMap<String, Policy>,
    #[serde(default)]
    pub resources: BTreeMap<String, Resource>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    pub url: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ledger {
    pub origin: Option<String>,
    pub key_file: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alarm {
    #[serde(default)]
    pub channels: Vec<String>,
    #[serde(default)]
    pub run: Vec<String>,
    pub heartbeat: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub name: String,
    pub email: Option<String>,
    pub time_zone: Option<String>,
    #[serde(default = "yes")]
    pub active: bool,
    pub console: Option<String>,
    pub slack: Option<String>,
    pub discord: Option<String>,
    #[serde(default)]
    pub logins: BTreeMap<String, String>,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    #[serde(default)]
    pub members: Vec<String>,
    pub slack: Option<String>,
    pub discord: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub cap: Length,
    pub default: Length,
    pub extend_to: Option<Length>,
    pub grace: Option<Length>,
    pub grant_within: Option<Length>,
    pub patience: Option<Length>,
    pub warn: Option<Length>,
    #[serde(default)]
    pub reason_min_chars: usize,
    pub ticket: Option<Ticket>,
    #[serde(default)]
    pub may_ask: Vec<String>,
    #[serde(default)]
    pub on_behalf_of: Vec<String>,
    pub at_once_up_to: Option<Length>,
    #[serde(default)]
    pub stages: Vec<Stage>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ticket {
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub projects: Vec<String>,
    pub link: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stage {
    pub approvers: Vec<String>,
    #[serde(default = "one")]
    pub needed: usize,
    pub notify: Option<Vec<String>>,
    pub remind_every: Option<Length>,
    #[serde(default)]
    pub ladder: Vec<Rung>,
}

const fn one() -> usize {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rung {
    pub after: Length,
    pub to: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resource {
    pub title: Option<String>,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub tags: Vec<String>,
    pub owner: Option<String>,
    pub provider: String,
    pub channels: Vec<String>,
    pub policy: String,
    pub roles: Vec<Role>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Role {
    pub name: String,
    pub title: Option<String>,
    pub policy: Option<String>,
    #[serde(default)]
    pub target: toml::Table,
}
