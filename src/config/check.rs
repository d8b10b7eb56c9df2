//! From the shape of bot.toml to a catalogue that can work: names resolved, impossible policies refused (R15).
//! All problems of a file are found at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    str::FromStr,
};

use super::{Config, ProviderConfig, raw};
use crate::domain::{
    ids::{GroupId, PersonId},
    policy::{Catalogue, Channel, Group, Person, Platform, Policy, ReasonRule, Resource, Role, Rung, Stage, TicketRule, Who},
    rounds,
    time::Span,
};

/// A table's name and what is wrong with it.
type Problem = (String, String);

/// Longest grace that a policy may approve.
const GRACE_MAX: Span = Span::from_minutes(10);

struct Checker {
    problems: Vec<Problem>,
    people: Vec<String>,
    groups: Vec<String>,
}

impl Checker {
    fn say(&mut self, table: &str, why: impl Into<String>) {
        self.problems.push((table.to_owned(), why.into()));
    }

    fn name<T: FromStr>(&mut self, table: &str, text: &str) -> Option<T>
    where
        T::Err: Display,
    {
        match text.parse() {
            Ok(id) => Some(id),
            Err(error) => {
                self.say(table, format!("\"{text}\" is not a name: {error}"));
                None
            }
        }
    }

    fn who(&mut self, table: &str, text: &str) -> Option<Who> {
        let bare = text.trim_start_matches('@');
        if bare == "everyone" {
            return Some(Who::Everyone);
        }
        if self.people.iter().any(|p| p == bare) {
            return bare.parse().ok().map(Who::Person);
        }
        if self.groups.iter().any(|g| g == bare) {
            return bare.parse().ok().map(Who::Group);
        }
        let known = self.people.iter().chain(&self.groups);
        let near = known.map(|name| (strsim::jaro_winkler(bare, name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = near.filter(|(score, _)| *score > 0.75).map_or_else(String::new, |(_, name)| format!("; did you mean \"{name}\"?"));
        self.say(table, format!("\"{text}\" is neither a person nor a group{hint}"));
        None
    }

    fn whos(&mut self, table: &str, texts: &[String]) -> Vec<Who> {
        texts.iter().filter_map(|text| self.who(table, text)).collect()
    }

    /// People who decide are named: "everyone" is for asking.
    fn deciders(&mut self, table: &str, texts: &[String]) -> Vec<Who> {
        let whos = self.whos(table, texts);
        if whos.contains(&Who::Everyone) {
            self.say(table, "\"everyone\" may ask, never decide: name people or groups");
        }
        whos
    }

    fn channel(&mut self, table: &str, text: &str) -> Option<Channel> {
        let found = text.split_once(':').and_then(|(platform, id)| Some((Platform::named(platform)?, id))).filter(|(_, id)| !id.is_empty());
        if found.is_none() {
            self.say(table, format!("\"{text}\" is not a channel: write console:#name, slack:C0123 or discord:123"));
        }
        found.map(|(platform, id)| Channel { platform, id: id.to_owned() })
    }

    fn zone(&mut self, table: &str, text: Option<&str>) -> Option<chrono_tz::Tz> {
        let text = text?;
        let zone = text.parse().ok();
        if zone.is_none() {
            self.say(table, format!("\"{text}\" is not a time zone such as Europe/Berlin"));
        }
        zone
    }
}

pub(super) fn check(file: raw::File, digest: String) -> Result<Config, Vec<Problem>> {
    let mut c =
        Checker { problems: Vec::new(), people: file.people.keys().cloned().collect(), groups: file.groups.keys().cloned().collect() };
    let people = people(&mut c, &file.people);
    let groups = groups(&mut c, &file.groups);
    let mut policies = BTreeMap::new();
    for (name, raw) in &file.policies {
        if let Some(policy) = policy(&mut c, name, raw, &groups, &people) {
            policies.insert(policy.name.clone(), policy);
        }
    }
    let mut resources = BTreeMap::new();
    for (name, raw) in file.resources {
        if let Some(resource) = resource(&mut c, &name, raw, &file.policies, &file.providers) {
            resources.insert(resource.id.clone(), resource);
        }
    }
    let providers = providers(&mut c, file.providers);
    let administrators = c.deciders("administrators", &file.administrators);
    let auditors = c.deciders("auditors", &file.auditors);
    let time_zone = c.zone("time_zone", file.time_zone.as_deref()).unwrap_or(chrono_tz::UTC);
    let alarm_channels = file.alarm.channels.iter().filter_map(|text| c.channel("alarm", text)).collect();
    if !c.problems.is_empty() {
        return Err(c.problems);
    }
    let catalogue = Catalogue { people, groups, resources, policies, administrators, auditors, digest, frozen: false, time_zone };
    Ok(Config {
        catalogue,
        store: file.store.url,
        providers,
        ledger_key: file.ledger.key_file.unwrap_or_else(|| "hallpass.ledger-key".into()).into(),
        ledger_origin: file.ledger.origin.unwrap_or_else(|| "hallpass.local/ledger".into()),
        alarm_channels,
        alarm_run: file.alarm.run,
        heartbeat: file.alarm.heartbeat.map(Into::into),
    })
}

fn people(c: &mut Checker, raw: &BTreeMap<String, raw::Person>) -> BTreeMap<PersonId, Person> {
    let mut seen: BTreeMap<(Platform, String), String> = BTreeMap::new();
    let mut people = BTreeMap::new();
    for (name, raw) in raw {
        let table = format!("people.{name}");
        let Some(id) = c.name::<PersonId>(&table, name) else { continue };
        let given = [(Platform::Console, &raw.console), (Platform::Slack, &raw.slack), (Platform::Discord, &raw.discord)];
        let identities: BTreeMap<Platform, String> = given.into_iter().filter_map(|(p, id)| Some((p, id.clone()?))).collect();
        for (platform, user) in &identities {
            if let Some(other) = seen.insert((*platform, user.clone()), name.clone()) {
                c.say(&table, format!("{} id \"{user}\" belongs to {other} already: one person, one id", platform.name()));
            }
        }
        let time_zone = c.zone(&table, raw.time_zone.as_deref());
        let (email, logins) = (raw.email.clone(), raw.logins.clone());
        people.insert(id.clone(), Person { id, name: raw.name.clone(), email, time_zone, active: raw.active, identities, logins });
    }
    people
}

fn groups(c: &mut Checker, raw: &BTreeMap<String, raw::Group>) -> BTreeMap<GroupId, Group> {
    let mut groups = BTreeMap::new();
    for (name, raw) in raw {
        let table = format!("groups.{name}");
        if c.people.contains(name) || name == "everyone" {
            c.say(&table, format!("\"{name}\" is taken: people and groups share their names"));
        }
        let Some(id) = c.name::<GroupId>(&table, name) else { continue };
        let mut members = Vec::new();
        for who in c.whos(&table, &raw.members) {
            match who {
                Who::Person(person) => members.push(person),
                Who::Group(_) | Who::Everyone => c.say(&table, "members are people, not groups"),
            }
        }
        let slack = raw.slack.clone().map(|id| (Platform::Slack, id));
        let chat = slack.or_else(|| raw.discord.clone().map(|id| (Platform::Discord, id)));
        if members.is_empty() && chat.is_none() {
            c.say(&table, "nobody is in it: give members, or the group's id on a chat");
        }
        groups.insert(id.clone(), Group { id, members, chat });
    }
    groups
}

fn policy(
    c: &mut Checker,
    name: &str,
    raw: &raw::Policy,
    groups: &BTreeMap<GroupId, Group>,
    people: &BTreeMap<PersonId, Person>,
) -> Option<Policy> {
    let table = format!("policies.{name}");
    let (cap, default) = (raw.cap.0, raw.default.0);
    let span = |length: Option<raw::Length>| length.map(|l| l.0);
    let zero = [("cap", Some(cap)), ("default", Some(default)), ("grant_within", span(raw.grant_within)), ("patience", span(raw.patience))];
    let reminders = raw.stages.iter().map(|stage| ("remind_every", span(stage.remind_every)));
    for (key, _) in zero.into_iter().chain(reminders).filter(|(_, value)| *value == Some(Span::ZERO)) {
        c.say(&table, format!("{key} cannot be zero"));
    }
    let too_long = [("default", Some(default)), ("extend_to", span(raw.extend_to)), ("at_once_up_to", span(raw.at_once_up_to))];
    for (key, value) in too_long {
        if value.is_some_and(|value| value > cap) {
            c.say(&table, format!("{key} is longer than the cap"));
        }
    }
    let grace = span(raw.grace).unwrap_or(Span::ZERO);
    if grace > GRACE_MAX {
        c.say(&table, "grace is at most 10m");
    }
    let stages: Vec<Stage> = raw.stages.iter().map(|raw| stage(c, &table, raw)).collect();
    if stages.is_empty() && span(raw.at_once_up_to) != Some(cap) {
        c.say(&table, "nobody would approve: give stages, or at_once_up_to equal to the cap");
    }
    if !can_be_climbed(&stages, groups, people) {
        c.say(&table, "there are too few different people for all its stages together");
    }
    if let Some(link) = raw.ticket.as_ref().and_then(|t| t.link.as_ref())
        && !link.contains("{ticket}")
    {
        c.say(&table, "ticket.link needs {ticket} where the ticket's name goes");
    }
    Some(Policy {
        name: c.name(&table, name)?,
        cap,
        default,
        extend_to: span(raw.extend_to),
        grace,
        grant_within: span(raw.grant_within).unwrap_or(Span::from_minutes(15)),
        patience: span(raw.patience).unwrap_or(Span::from_minutes(240)),
        warn: span(raw.warn),
        reason: ReasonRule { min_chars: raw.reason_min_chars },
        ticket: raw.ticket.as_ref().map(|t| TicketRule { required: t.required, projects: t.projects.clone(), link: t.link.clone() }),
        may_ask: c.whos(&table, &raw.may_ask),
        on_behalf_of: c.whos(&table, &raw.on_behalf_of),
        at_once_up_to: span(raw.at_once_up_to),
        stages,
    })
}

fn stage(c: &mut Checker, table: &str, raw: &raw::Stage) -> Stage {
    let approvers = c.deciders(table, &raw.approvers);
    if raw.approvers.is_empty() || raw.needed == 0 {
        c.say(table, "a stage has approvers, and needs at least one of them");
    }
    let mut last = Span::ZERO;
    let mut ladder = Vec::new();
    for rung in &raw.ladder {
        if rung.after.0 <= last {
            c.say(table, "a ladder's rungs come later and later");
        }
        last = rung.after.0;
        ladder.push(Rung { after: last, to: c.deciders(table, &rung.to) });
    }
    let notify = raw.notify.as_ref().map_or_else(|| approvers.clone(), |whos| c.whos(table, whos));
    Stage { approvers, needed: raw.needed, notify, remind_every: raw.remind_every.map(|l| l.0), ladder }
}

/// Are there enough different configured people? Groups of a chat count as enough: only it knows.
fn can_be_climbed(stages: &[Stage], groups: &BTreeMap<GroupId, Group>, people: &BTreeMap<PersonId, Person>) -> bool {
    let mut sets = Vec::new();
    for stage in stages {
        let mut here: BTreeSet<PersonId> = BTreeSet::new();
        let mut unbounded = false;
        for who in stage.approvers_at(u32::MAX) {
            match who {
                Who::Everyone => unbounded = true,
                Who::Person(person) => drop(here.insert(person.clone())),
                Who::Group(id) => {
                    let Some(group) = groups.get(id) else { continue };
                    unbounded |= group.chat.is_some();
                    here.extend(group.members.iter().cloned());
                }
            }
        }
        if !unbounded {
            here.retain(|person| people.get(person).is_some_and(|p| p.active));
            sets.push((here, stage.needed));
        }
    }
    rounds::can_be_seated(&sets)
}

fn resource(
    c: &mut Checker,
    name: &str,
    raw: raw::Resource,
    policies: &BTreeMap<String, raw::Policy>,
    providers: &BTreeMap<String, toml::Table>,
) -> Option<Resource> {
    let table = format!("resources.{name}");
    if !providers.contains_key(&raw.provider) {
        c.say(&table, format!("there is no provider \"{}\"", raw.provider));
    }
    let channels: Vec<Channel> = raw.channels.iter().filter_map(|text| c.channel(&table, text)).collect();
    if channels.is_empty() || raw.roles.is_empty() {
        c.say(&table, "a resource has at least one channel and one role");
    }
    let mut roles: Vec<Role> = Vec::new();
    for role in raw.roles {
        let policy = role.policy.unwrap_or_else(|| raw.policy.clone());
        if !policies.contains_key(&policy) {
            c.say(&table, format!("there is no policy \"{policy}\""));
        }
        if roles.iter().any(|other| other.name.as_str() == role.name) {
            c.say(&table, format!("role \"{}\" is there twice", role.name));
        }
        let target = serde_json::to_value(role.target).unwrap_or_default();
        let title = role.title.unwrap_or_else(|| role.name.clone());
        if let (Some(name), Some(policy)) = (c.name(&table, &role.name), c.name(&table, &policy)) {
            roles.push(Role { name, title, policy, target });
        }
    }
    Some(Resource {
        id: c.name(&table, name)?,
        title: raw.title.unwrap_or_else(|| name.to_owned()),
        description: raw.description,
        tags: raw.tags,
        owner: raw.owner.and_then(|owner| c.deciders(&table, &[owner]).pop()),
        provider: c.name(&table, &raw.provider)?,
        channels,
        roles,
    })
}

fn providers(c: &mut Checker, raw: BTreeMap<String, toml::Table>) -> Vec<ProviderConfig> {
    let mut providers = Vec::new();
    for (name, mut settings) in raw {
        let table = format!("providers.{name}");
        let Some(toml::Value::String(kind)) = settings.remove("kind") else {
            c.say(&table, "kind is missing: ssh, exec or pretend");
            continue;
        };
        if let Some(name) = c.name(&table, &name) {
            providers.push(ProviderConfig { name, kind, settings });
        }
    }
    providers
}
