//! `[resources]`: what can be asked for, with its roles, channels, provider and policies.

use std::collections::BTreeMap;

use super::{
    ids::{self, Kind},
    node::Table,
    notes::{At, Log, TEXT_MAX, TITLE_MAX, near, short},
    people::{Names, id},
    settings,
};
use crate::{
    domain::{
        ids::{PolicyName, ResourceId, RoleName},
        policy::{Channel, Platform, Resource, Role},
    },
    provider::build,
};

/// Longest tag, in characters.
const TAG_MAX: usize = 40;

/// What resources refer to: every policy's name, and every provider's with its kind.
pub(super) struct Known {
    pub(super) policies: Vec<String>,
    pub(super) providers: BTreeMap<String, Option<String>>,
}

impl Known {
    pub(super) fn of(file: &Table<'_>) -> Self {
        let tables =
            |section: &str| file.raw().get(section).and_then(|value| value.get_ref().as_table()).into_iter().flat_map(|t| t.iter());
        let kind = |value: &toml::de::DeValue<'_>| Some(value.as_table()?.get("kind")?.get_ref().as_str()?.to_owned());
        Self {
            policies: tables("policies").map(|(name, _)| name.get_ref().to_string()).collect(),
            providers: tables("providers").map(|(name, value)| (name.get_ref().to_string(), kind(value.get_ref()))).collect(),
        }
    }
}

pub(super) fn resources(file: &Table<'_>, names: &Names, known: &Known) -> BTreeMap<ResourceId, (usize, Resource)> {
    let placed = file.named("resources").into_iter().filter_map(|(name, table)| Some((name.at, resource(&name, &table, names, known)?)));
    placed.map(|(at, resource)| (resource.id.clone(), (at, resource))).collect()
}

fn resource(name: &At<String>, table: &Table<'_>, names: &Names, known: &Known) -> Option<Resource> {
    let log = &table.reading.log;
    let id = id::<ResourceId>(log, name, "a resource");
    let provider = table.need_text("provider", TITLE_MAX, "\"..\", a name under [providers]");
    let provider = provider.filter(|provider| exists(log, provider, "provider", known.providers.keys()));
    let policy = table.text("policy", TITLE_MAX).filter(|policy| exists(log, policy, "policy", &known.policies));
    let kind = provider.as_ref().and_then(|provider| known.providers.get(&provider.value)?.as_deref());
    let roles = roles(table, policy.as_ref(), kind, known);
    let channels = channels(table, "channels");
    if channels.is_empty() && table.raw().get("channels").is_none_or(|list| list.get_ref().as_array().is_none_or(|list| list.is_empty())) {
        log.refuse(
            table.place("channels"),
            "its cards need a place: write channels = [\"console:#name\"], slack:C0123 or discord:123456789012345678",
        );
    }
    let owner = table.text("owner", TITLE_MAX).map(|owner| names.deciders(log, &[owner]));
    let tags = table.texts("tags");
    for tag in tags.iter().filter(|tag| tag.value.chars().count() > TAG_MAX) {
        log.refuse(tag.at, format!("a tag is at most {TAG_MAX} characters long"));
    }
    let title = table.text("title", TITLE_MAX).map_or_else(|| name.value.clone(), |title| title.value);
    let description = table.text("description", TEXT_MAX).map_or_else(String::new, |description| description.value);
    Some(Resource {
        id: id?,
        title,
        description,
        tags: tags.into_iter().map(|tag| tag.value).collect(),
        owner: owner.and_then(|mut owner| owner.pop()),
        provider: provider?.value.parse().ok()?,
        channels,
        roles,
    })
}

fn exists<'k>(log: &Log, name: &At<String>, what: &str, known: impl IntoIterator<Item = &'k String>) -> bool {
    let known: Vec<&str> = known.into_iter().map(String::as_str).collect();
    let found = known.contains(&name.value.as_str());
    if !found {
        log.refuse(name.at, format!("there is no {what} \"{}\"{}", short(&name.value), near(&name.value, known)));
    }
    found
}

fn roles(table: &Table<'_>, usual: Option<&At<String>>, kind: Option<&str>, known: &Known) -> Vec<Role> {
    let log = &table.reading.log;
    let listed = table.tables("roles");
    if listed.is_empty() && !table.raw().get("roles").is_some_and(|list| list.get_ref().is_array()) {
        log.refuse(table.at, "roles is missing: write roles = [{ name = \"..\" }], the least one first");
    } else if listed.is_empty() {
        log.refuse(table.place("roles"), "a resource has at least one role: write roles = [{ name = \"..\" }]");
    }
    let mut roles: Vec<Role> = Vec::new();
    for role in listed {
        let name = role.need_text("name", TITLE_MAX, "\"read\"");
        let own = role.text("policy", TITLE_MAX);
        if own.is_none() && !role.raw().contains_key("policy") && !table.raw().contains_key("policy") {
            log.refuse(role.at, "no policy: write policy = \"..\" here or for the whole resource");
        }
        let own = own.filter(|policy| exists(log, policy, "policy", &known.policies));
        let title = role.text("title", TITLE_MAX);
        let target = settings::target(&role, kind);
        let Some(name) = name else { continue };
        if roles.iter().any(|other| other.name.as_str() == name.value) {
            log.refuse(name.at, format!("role \"{}\" is there twice: each has a name of its own", short(&name.value)));
        }
        let policy = own.as_ref().or(usual).and_then(|policy| policy.value.parse::<PolicyName>().ok());
        if let (Some(id), Some(policy)) = (id::<RoleName>(log, &name, "a role"), policy) {
            roles.push(Role { name: id, title: title.map_or(name.value, |title| title.value), policy, target });
        }
    }
    roles
}

/// `console:#name`, `slack:C0123`, `discord:123456789012345678`.
pub(super) fn channels(table: &Table<'_>, key: &'static str) -> Vec<Channel> {
    let mut channels = Vec::new();
    for text in table.texts(key) {
        let found =
            text.value.split_once(':').and_then(|(platform, id)| Some((Platform::named(platform)?, id))).filter(|(_, id)| !id.is_empty());
        match found {
            Some((platform, id)) => {
                ids::check(table, platform, Kind::Channel, &At { at: text.at, value: id.to_owned() });
                channels.push(Channel { platform, id: id.to_owned() });
            }
            None => table.refuse(
                text.at,
                format!("\"{}\" is not a channel: write console:#name, slack:C0123 or discord:123456789012345678", short(&text.value)),
            ),
        }
    }
    channels
}

/// Of what kind a provider may be, for refusals.
pub(super) fn kinds() -> String {
    build::KINDS.join(", ")
}
