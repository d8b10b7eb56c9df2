//! `[people]` and `[groups]`: who there is, and how other parts of the file name them.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::{
    ids::{self, Kind},
    node::Table,
    notes::{At, Log, TEXT_MAX, TITLE_MAX, clean, near, short},
};
use crate::domain::{
    ids::{GroupId, PersonId},
    members::Rules,
    policy::{Group, Person, Platform, Who},
};

/// Longest id on a platform, and longest address, in characters.
const IDENTITY_MAX: usize = 64;
const EMAIL_MAX: usize = 254;
/// Platforms that this build can ask who their members are.
const SAY_WHO_THEY_ARE: [Platform; 1] = [Platform::Slack];
/// How people come from a chat that does not say who its members are.
const HOW_OTHERWISE: &str = "lists its members only to bots with a privileged right, which this one does without: leave people.from out; \
    an account there is joined to a person by /jit link, or written as discord = \"..\" under [people.NAME]";

/// Every name that a policy may use, whether or not what stands under it is right.
pub(super) struct Names {
    people: Vec<String>,
    groups: Vec<String>,
}

impl Names {
    pub(super) fn of(file: &Table<'_>) -> Self {
        let keys = |section: &str| -> Vec<String> {
            let table = file.raw().get(section).and_then(|value| value.get_ref().as_table());
            table
                .into_iter()
                .flat_map(|table| table.keys())
                .map(|key| key.get_ref().to_string())
                .filter(|key| !SETTINGS.contains(&key.as_str()))
                .collect()
        };
        Self { people: keys("people"), groups: keys("groups") }
    }

    fn who(&self, log: &Log, name: &At<String>) -> Option<Who> {
        let bare = name.value.trim_start_matches('@');
        if bare == "everyone" {
            return Some(Who::Everyone);
        }
        if self.people.iter().any(|person| person == bare) {
            return bare.parse().ok().map(Who::Person);
        }
        if self.groups.iter().any(|group| group == bare) {
            return bare.parse().ok().map(Who::Group);
        }
        let hint = near(bare, self.people.iter().chain(&self.groups).map(String::as_str));
        log.refuse(name.at, format!("\"{}\" is neither a person nor a group{hint}", short(&name.value)));
        None
    }

    /// Everybody named here; the same one twice, as `ben` and `@ben`, is refused.
    pub(super) fn whos(&self, log: &Log, names: &[At<String>]) -> Vec<Who> {
        let mut all = Vec::new();
        for name in names {
            match self.who(log, name) {
                Some(who) if all.contains(&who) => {
                    log.refuse(name.at, format!("\"{}\" stands here twice: once is enough", short(&name.value)));
                }
                Some(who) => all.push(who),
                None => {}
            }
        }
        all
    }

    /// Who may read what everybody did is named too.
    pub(super) fn readers(&self, log: &Log, names: &[At<String>]) -> Vec<Who> {
        let (everyone, names): (Vec<_>, Vec<_>) = names.iter().cloned().partition(|name| name.value.trim_start_matches('@') == "everyone");
        for name in everyone {
            log.refuse(name.at, "the digest tells what everybody did: name the people or groups who may read it");
        }
        self.whos(log, &names)
    }

    /// People who decide are named: "everyone" is for asking.
    pub(super) fn deciders(&self, log: &Log, names: &[At<String>]) -> Vec<Who> {
        let (everyone, names): (Vec<_>, Vec<_>) = names.iter().cloned().partition(|name| name.value.trim_start_matches('@') == "everyone");
        for name in everyone {
            log.refuse(name.at, "\"everyone\" may ask, never decide: name people or groups");
        }
        self.whos(log, &names)
    }
}

/// Keys of `[people]` that are no person.
const FROM: &str = "from";
const MATCH_EMAIL: &str = "match_email";
const SETTINGS: [&str; 2] = [FROM, MATCH_EMAIL];

/// Which chats' members count, and as whom.
pub(super) fn members(file: &Table<'_>) -> Rules {
    Rules { people_from: people_from(file), match_email: match_email(file) }
}

/// The chat whose accounts are joined to people by the address that it has confirmed.
fn match_email(file: &Table<'_>) -> Option<Platform> {
    let people = file.raw().get("people")?.get_ref().as_table()?;
    let value = people.get(MATCH_EMAIL)?;
    let at = value.span().start;
    let platform = value.get_ref().as_str().and_then(Platform::named).filter(|platform| SAY_WHO_THEY_ARE.contains(platform));
    let Some(platform) = platform else {
        let why =
            "people.match_email is the chat whose confirmed addresses count: write match_email = \"slack\". A person cannot have this name";
        file.refuse(at, why);
        return None;
    };
    must_be_there(file, platform, at, MATCH_EMAIL);
    let has_email = |person: &DeValue<'_>| person.as_table().is_some_and(|person| person.contains_key("email"));
    if !people.values().any(|person| has_email(person.get_ref())) {
        file.warn(at, "nobody in [people] has an email, so nobody is found by it");
    }
    Some(platform)
}

/// The chat whose full members become people.
fn people_from(file: &Table<'_>) -> Option<Platform> {
    let people = file.raw().get("people")?.get_ref().as_table()?;
    let (key, value) = people.get_key_value(FROM)?;
    let Some(name) = value.get_ref().as_str() else {
        let why = "people.from is the chat whose members become people: write from = \"slack\". A person cannot have this name";
        file.refuse(key.span().start, why);
        return None;
    };
    let at = value.span().start;
    match Platform::named(name).filter(|platform| *platform != Platform::Console) {
        None => file.refuse(at, format!("\"{}\" is not a chat whose members could become people: write from = \"slack\"", short(name))),
        Some(platform) if SAY_WHO_THEY_ARE.contains(&platform) => {
            must_be_there(file, platform, at, FROM);
            return Some(platform);
        }
        Some(platform) => file.refuse(at, format!("{} {HOW_OTHERWISE}", platform.name())),
    }
    None
}

/// Only a chat that is configured can be asked who its members are.
fn must_be_there(file: &Table<'_>, platform: Platform, at: usize, key: &str) {
    let name = platform.name();
    if file.raw().get(name).is_none() {
        file.refuse(at, format!("there is no [{name}], so nobody can come from there: write [{name}], or leave people.{key} out"));
    }
}

/// `rules`: whether a chat may know somebody who has no account here.
pub(super) fn people(file: &Table<'_>, rules: Rules) -> BTreeMap<PersonId, Person> {
    let Some(table) = file.table("people").map(Table::opened) else { return BTreeMap::new() };
    let mut seen: BTreeMap<(Platform, String), String> = BTreeMap::new();
    let mut people = BTreeMap::new();
    for (name, table) in table.entries_as_tables("people", &SETTINGS) {
        let id = id::<PersonId>(&table.reading.log, &name, "a person");
        let identities = identities(&table, &name.value, &mut seen);
        let shown = table.need_text("name", TITLE_MAX, "\"Ana Reyes\"");
        let email = table.text("email", EMAIL_MAX);
        if let Some(email) = email.as_ref().filter(|email| !email.value.contains('@')) {
            table.refuse(email.at, "email: an address has an @: write ana@example.org");
        }
        let time_zone = zone(&table);
        let (active, logins) = (table.flag("active", true), logins(&table));
        let is_found = email.is_some() && rules.match_email.is_some();
        if identities.is_empty() && active && !is_found {
            table.warn(
                name.at,
                format!("no chat knows {}: they can neither ask nor decide until they have console, slack or discord", name.value),
            );
        }
        if let (Some(id), Some(shown)) = (id, shown) {
            let person = Person { id: id.clone(), name: shown.value, email: email.map(|e| e.value), time_zone, active, identities, logins };
            people.insert(id, person);
        }
    }
    people
}

/// A name of the file's own as an id; other parts are told when it cannot be one.
pub(super) fn id<T: std::str::FromStr>(log: &Log, name: &At<String>, what: &str) -> Option<T>
where
    T::Err: std::fmt::Display,
{
    match name.value.parse() {
        Ok(id) => Some(id),
        Err(error) => {
            log.refuse(name.at, format!("\"{}\" cannot be the name of {what}: {error}", short(&name.value)));
            None
        }
    }
}

fn identities(table: &Table<'_>, person: &str, seen: &mut BTreeMap<(Platform, String), String>) -> BTreeMap<Platform, String> {
    let mut identities = BTreeMap::new();
    for platform in Platform::ALL {
        let Some(user) = table.text(platform.name(), IDENTITY_MAX) else { continue };
        if let Some(other) = seen.insert((platform, user.value.clone()), person.to_owned()) {
            table.refuse(user.at, format!("{} id \"{}\" belongs to {other} already: one person, one id", platform.name(), user.value));
        }
        ids::check(table, platform, Kind::Person, &user);
        identities.insert(platform, user.value);
    }
    identities
}

fn logins(table: &Table<'_>) -> BTreeMap<String, String> {
    let Some(logins) = table.table("logins").map(Table::opened) else { return BTreeMap::new() };
    let mut all = BTreeMap::new();
    for (name, value) in logins.raw() {
        match value.get_ref().as_str().map(|text| (text, clean(text, TEXT_MAX))) {
            Some((text, Ok(()))) => drop(all.insert(name.get_ref().to_string(), text.to_owned())),
            Some((_, Err(why))) => logins.refuse(value.span().start, format!("logins.{}: {why}", short(name.get_ref()))),
            None => logins.refuse(value.span().start, format!("logins.{} must be a text in quotes", short(name.get_ref()))),
        }
    }
    all
}

/// The time zone of the file, or of a person.
pub(super) fn zone(table: &Table<'_>) -> Option<chrono_tz::Tz> {
    let text = table.text("time_zone", TITLE_MAX)?;
    let zone = text.value.parse().ok();
    if zone.is_none() {
        let hint = near(&text.value, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
        table.refuse(text.at, format!("\"{}\" is not a time zone such as Europe/Berlin{hint}", short(&text.value)));
    }
    zone
}

pub(super) fn groups(file: &Table<'_>, names: &Names) -> BTreeMap<GroupId, Group> {
    let mut groups = BTreeMap::new();
    for (name, table) in file.named("groups") {
        let log = &table.reading.log;
        if names.people.contains(&name.value) || name.value == "everyone" {
            log.refuse(
                name.at,
                format!("\"{}\" is taken: people and groups share their names, and everyone is everybody", short(&name.value)),
            );
        }
        let listed = table.texts("members");
        let mut members = Vec::new();
        for (who, member) in
            listed.iter().flat_map(|member| names.whos(log, std::slice::from_ref(member)).into_iter().map(move |who| (who, member)))
        {
            match who {
                Who::Person(person) if members.contains(&person) => {
                    log.refuse(member.at, format!("{person} stands here twice: once is enough"));
                }
                Who::Person(person) => members.push(person),
                Who::Group(_) | Who::Everyone => {
                    log.refuse(member.at, format!("\"{}\" is a group: members are people", short(&member.value)));
                }
            }
        }
        let chats = chats(&table);
        if listed.is_empty() && chats.is_empty() {
            log.refuse(
                name.at,
                format!("nobody is in {}: write members = [\"..\"], or the group's id on a chat, slack = \"S0123\"", short(&name.value)),
            );
        }
        if members.is_empty() && !chats.is_empty() {
            let where_to = chats.keys().map(|platform| platform.name()).collect::<Vec<_>>().join(" and ");
            let know = if chats.len() == 1 { "knows" } else { "know" };
            log.warn(
                name.at,
                format!(
                    "only {where_to} {know} who is in {}: whether that is enough people is seen when somebody asks",
                    short(&name.value)
                ),
            );
        }
        if let Some(id) = id::<GroupId>(log, &name, "a group") {
            groups.insert(id.clone(), Group { id, members, chats });
        }
    }
    groups
}

/// The group's id on each chat.
fn chats(table: &Table<'_>) -> BTreeMap<Platform, String> {
    let mut chats = BTreeMap::new();
    for platform in [Platform::Slack, Platform::Discord] {
        let Some(group) = table.text(platform.name(), IDENTITY_MAX) else { continue };
        ids::check(table, platform, Kind::Group, &group);
        chats.insert(platform, group.value);
    }
    chats
}
