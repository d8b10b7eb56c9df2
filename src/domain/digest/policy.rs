//! What changed between two files, in the file's own keys: for the ledger when a file is put in force, and for the digest.
//! Addresses, display names and targets are said to have changed, never what they are. What a file says of providers,
//! channels of alarms and the like is not part of the catalogue and is not compared; what it says of digests is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Rules;
use crate::domain::{
    ids::{GroupId, PersonId, PolicyName, ResourceId, RoleName},
    policy::{Catalogue, Channel, Group, Person, Policy, Resource, Role, Stage, Who},
    spans,
    time::Span,
};

/// Changes that are recorded one by one; the rest is counted.
const MOST: usize = 50;
/// Characters of a value; longer ones are cut.
const VALUE_MAX: usize = 160;

/// What a change is about. The order is that of importance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "about", content = "name", rename_all = "snake_case")]
pub enum About {
    Policy(PolicyName),
    /// Keys of the file itself, such as `administrators`.
    File,
    Group(GroupId),
    Resource(ResourceId),
    Role {
        resource: ResourceId,
        role: RoleName,
    },
    Person(PersonId),
}

/// One change between two files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum PolicyChange {
    Added {
        #[serde(flatten)]
        about: About,
    },
    Removed {
        #[serde(flatten)]
        about: About,
    },
    /// Of what is there in both: a key, and what it was and is. None: it was not there, or is not to be shown.
    Changed {
        #[serde(flatten)]
        about: About,
        key: String,
        before: Option<String>,
        after: Option<String>,
    },
}

/// A key's value, to be compared and perhaps shown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Value {
    text: String,
    shown: bool,
}

type Keys = BTreeMap<String, Value>;

/// What changed, the most important first, at most fifty; and how many more there are.
pub fn changes(before: &Catalogue, after: &Catalogue) -> (Vec<PolicyChange>, u32) {
    let (old, new) = (things(before), things(after));
    let mut found = Vec::new();
    for about in old.keys().chain(new.keys().filter(|about| !old.contains_key(*about))) {
        match (old.get(about), new.get(about)) {
            (Some(old), Some(new)) => found.extend(keys(about, old, new)),
            (Some(_), None) => found.push(PolicyChange::Removed { about: about.clone() }),
            (None, _) => found.push(PolicyChange::Added { about: about.clone() }),
        }
    }
    found.sort_by(|one, other| one.about().cmp(other.about()));
    let more = found.len().saturating_sub(MOST);
    found.truncate(MOST);
    (found, u32::try_from(more).unwrap_or(u32::MAX))
}

impl PolicyChange {
    pub const fn about(&self) -> &About {
        match self {
            Self::Added { about } | Self::Removed { about } | Self::Changed { about, .. } => about,
        }
    }
}

fn keys<'a>(about: &'a About, old: &'a Keys, new: &'a Keys) -> impl Iterator<Item = PolicyChange> + 'a {
    let all = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
    all.filter(|key| old.get(*key) != new.get(*key)).map(|key| {
        let shown = |keys: &Keys| keys.get(key).filter(|value| value.shown).map(|value| cut(&value.text));
        PolicyChange::Changed { about: about.clone(), key: key.clone(), before: shown(old), after: shown(new) }
    })
}

fn cut(text: &str) -> String {
    let mut cut: String = text.chars().take(VALUE_MAX).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

fn things(catalogue: &Catalogue) -> BTreeMap<About, Keys> {
    let mut things = BTreeMap::from([(About::File, file(catalogue))]);
    things.extend(catalogue.policies.values().map(|policy| (About::Policy(policy.name.clone()), of_policy(policy))));
    things.extend(catalogue.groups.values().map(|group| (About::Group(group.id.clone()), of_group(group))));
    things.extend(catalogue.people.values().map(|person| (About::Person(person.id.clone()), of_person(person))));
    for resource in catalogue.resources.values() {
        things.insert(About::Resource(resource.id.clone()), of_resource(resource));
        for role in &resource.roles {
            things.insert(About::Role { resource: resource.id.clone(), role: role.name.clone() }, of_role(role));
        }
    }
    things
}

/// Keys that have a value.
fn with(pairs: impl IntoIterator<Item = (&'static str, Option<String>)>) -> Keys {
    let key = |(key, text): (&'static str, Option<String>)| Some((key.to_owned(), Value { text: text?, shown: true }));
    pairs.into_iter().filter_map(key).collect()
}

fn hidden(keys: &mut Keys, key: &str, text: Option<String>) {
    if let Some(text) = text {
        keys.insert(key.to_owned(), Value { text, shown: false });
    }
}

fn file(catalogue: &Catalogue) -> Keys {
    let mut keys = with([
        ("administrators", whos(&catalogue.administrators)),
        ("auditors", whos(&catalogue.auditors)),
        ("time_zone", Some(catalogue.time_zone.to_string())),
        ("people.from", catalogue.members.people_from.map(|platform| platform.name().to_owned())),
        ("people.match_email", catalogue.members.match_email.map(|platform| platform.name().to_owned())),
    ]);
    keys.extend(catalogue.digests.iter().flat_map(of_digests));
    keys
}

/// Who may read what everybody did, and where it is posted, is as good as a right.
fn of_digests(Rules { channels, schedule, thresholds, may_read }: &Rules) -> Keys {
    with([
        ("digest.may_read", whos(may_read)),
        ("digest.channels", list(channels.iter().map(channel).collect())),
        ("digest.at", Some(schedule.at.format("%H:%M").to_string())),
        ("digest.time_zone", Some(schedule.zone.to_string())),
        ("digest.weekdays_only", Some(schedule.weekdays_only.to_string())),
        ("digest.thresholds.fast", Some(format!("{}s", thresholds.fast.seconds()))),
        ("digest.thresholds.most_percent", Some(thresholds.most_percent.to_string())),
        ("digest.thresholds.most_of", Some(thresholds.most_of.to_string())),
        ("digest.thresholds.pairs", Some(thresholds.pairs.to_string())),
        ("digest.thresholds.pair_days", Some(thresholds.pair_days.to_string())),
    ])
}

fn channel(channel: &Channel) -> String {
    format!("{} {}", channel.platform.name(), channel.id)
}

fn of_policy(policy: &Policy) -> Keys {
    let Policy { cap, default, extend_to, grace, grant_within, patience, warn, reason, ticket, may_ask, on_behalf_of, .. } = policy;
    let mut keys = with([
        ("cap", span(Some(*cap))),
        ("default", span(Some(*default))),
        ("extend_to", span(*extend_to)),
        ("grace", span(Some(*grace))),
        ("grant_within", span(Some(*grant_within))),
        ("patience", span(Some(*patience))),
        ("warn", span(*warn)),
        ("reason.min_chars", Some(reason.min_chars.to_string())),
        ("ticket.required", ticket.as_ref().map(|ticket| ticket.required.to_string())),
        ("ticket.projects", ticket.as_ref().map(|ticket| ticket.projects.join(", "))),
        ("may_ask", whos(may_ask)),
        ("on_behalf_of", whos(on_behalf_of)),
        ("at_once_up_to", span(policy.at_once_up_to)),
    ]);
    for (stage, n) in policy.stages.iter().zip(1..) {
        keys.extend(of_stage(stage).into_iter().map(|(key, value)| (format!("stage {n}: {key}"), value)));
    }
    keys
}

fn of_stage(stage: &Stage) -> Keys {
    let ladder: Vec<String> =
        stage.ladder.iter().map(|rung| format!("{} after {}", whos(&rung.to).unwrap_or_default(), spans::short(rung.after))).collect();
    with([
        ("approvers", whos(&stage.approvers)),
        ("needed", Some(stage.needed.to_string())),
        ("notify", whos(&stage.notify)),
        ("direct", whos(&stage.direct)),
        ("remind_every", span(stage.remind_every)),
        ("ladder", list(ladder)),
    ])
}

fn of_group(group: &Group) -> Keys {
    let chats = group.chats.iter().map(|(platform, id)| format!("{} {id}", platform.name())).collect();
    with([("members", list(group.members.iter().map(ToString::to_string).collect())), ("chats", list(chats))])
}

fn of_person(person: &Person) -> Keys {
    let identities = person.identities.iter().map(|(platform, id)| format!("{} {id}", platform.name())).collect();
    let mut keys = with([
        ("active", Some(person.active.to_string())),
        ("identities", list(identities)),
        ("time_zone", person.time_zone.map(|zone| zone.to_string())),
    ]);
    hidden(&mut keys, "name", Some(person.name.clone()));
    hidden(&mut keys, "email", person.email.clone());
    for (login, value) in &person.logins {
        hidden(&mut keys, login, Some(value.clone()));
    }
    keys
}

fn of_resource(resource: &Resource) -> Keys {
    let mut keys = with([
        ("owner", resource.owner.as_ref().map(who)),
        ("provider", Some(resource.provider.to_string())),
        ("channels", list(resource.channels.iter().map(channel).collect())),
        ("roles", list(resource.roles.iter().map(|role| role.name.to_string()).collect())),
        ("tags", list(resource.tags.clone())),
    ]);
    hidden(&mut keys, "title", Some(resource.title.clone()));
    hidden(&mut keys, "description", Some(resource.description.clone()));
    keys
}

fn of_role(role: &Role) -> Keys {
    let mut keys = with([("policy", Some(role.policy.to_string()))]);
    hidden(&mut keys, "title", Some(role.title.clone()));
    hidden(&mut keys, "target", Some(role.target.to_string()));
    keys
}

fn span(span: Option<Span>) -> Option<String> {
    span.map(spans::short)
}

/// None where there is nobody: the key is not there.
fn whos(whos: &[Who]) -> Option<String> {
    list(whos.iter().map(who).collect())
}

fn who(who: &Who) -> String {
    match who {
        Who::Everyone => "everyone".into(),
        Who::Person(id) => id.to_string(),
        Who::Group(id) => format!("@{id}"),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "made for it")]
fn list(parts: Vec<String>) -> Option<String> {
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::{ReasonRule, Rung};

    fn policy(cap: i64) -> Policy {
        let leads = vec![Who::Group("db-leads".parse().unwrap())];
        let rung = Rung { after: Span::from_minutes(10), to: vec![Who::Person("eve".parse().unwrap())] };
        let stage = Stage { approvers: leads, needed: 1, notify: Vec::new(), direct: Vec::new(), remind_every: None, ladder: vec![rung] };
        Policy {
            name: "prod-data".parse().unwrap(),
            cap: Span::from_minutes(cap),
            default: Span::from_minutes(60),
            extend_to: None,
            grace: Span::ZERO,
            grant_within: Span::from_minutes(15),
            patience: Span::from_minutes(240),
            warn: None,
            reason: ReasonRule { min_chars: 4 },
            ticket: None,
            may_ask: vec![Who::Everyone],
            on_behalf_of: Vec::new(),
            at_once_up_to: None,
            stages: vec![stage],
        }
    }

    fn person(id: &str) -> Person {
        Person {
            id: id.parse().unwrap(),
            name: format!("{id} of Springfield"),
            email: Some(format!("{id}@example.org")),
            time_zone: None,
            active: true,
            identities: BTreeMap::new(),
            logins: BTreeMap::from([("postgresql".to_owned(), format!("{id}.reyes"))]),
        }
    }

    fn catalogue(cap: i64, people: &[Person]) -> Catalogue {
        let policy = policy(cap);
        let people = people.iter().map(|person| (person.id.clone(), person.clone())).collect();
        Catalogue { policies: [(policy.name.clone(), policy)].into(), people, ..Catalogue::default() }
    }

    fn changed(about: About, key: &str, before: Option<&str>, after: Option<&str>) -> PolicyChange {
        PolicyChange::Changed { about, key: key.into(), before: before.map(str::to_owned), after: after.map(str::to_owned) }
    }

    #[test]
    fn the_same_file_changes_nothing_and_a_cap_that_moved_is_said_with_both_values() {
        let before = catalogue(120, &[person("ana")]);
        assert_eq!(changes(&before, &before), (Vec::new(), 0));
        let prod = || About::Policy("prod-data".parse().unwrap());
        let mut after = catalogue(240, &[person("ana")]);
        let policy = after.policies.get_mut(&"prod-data".parse().unwrap()).unwrap();
        policy.at_once_up_to = Some(Span::from_minutes(30));
        policy.stages[0].ladder.clear();
        let wanted = vec![
            changed(prod(), "cap", Some("2h"), Some("4h")),
            changed(prod(), "stage 1: ladder", Some("eve after 10m"), None),
            changed(prod(), "at_once_up_to", None, Some("30m")),
        ];
        assert_eq!(changes(&before, &after), (wanted, 0));
    }

    #[test]
    fn what_came_and_went_is_named_policies_before_people() {
        let (before, mut after) = (catalogue(120, &[person("ana")]), catalogue(120, &[person("ben")]));
        after.policies.clear();
        after.administrators = vec![Who::Person("ben".parse().unwrap())];
        let (found, more) = changes(&before, &after);
        let wanted = vec![
            PolicyChange::Removed { about: About::Policy("prod-data".parse().unwrap()) },
            changed(About::File, "administrators", None, Some("ben")),
            PolicyChange::Removed { about: About::Person("ana".parse().unwrap()) },
            PolicyChange::Added { about: About::Person("ben".parse().unwrap()) },
        ];
        assert_eq!((found, more), (wanted, 0));
    }

    #[test]
    fn who_may_read_every_digest_and_where_it_goes_is_said_with_both_values() {
        let file = |key, before, after| changed(About::File, key, before, after);
        let (mut before, mut after) = (catalogue(120, &[]), catalogue(120, &[]));
        let channels = vec![Channel { platform: crate::domain::policy::Platform::Slack, id: "C0OPS".into() }];
        before.digests = Some(Rules { may_read: vec![Who::Person("eve".parse().unwrap())], ..Rules::default() });
        let may_read = vec![Who::Person("eve".parse().unwrap()), Who::Group("security".parse().unwrap())];
        let mut rules = Rules { channels, may_read, ..Rules::default() };
        rules.schedule.weekdays_only = true;
        rules.thresholds.most_percent = 90;
        after.digests = Some(rules);
        let wanted = vec![
            file("digest.may_read", Some("eve"), Some("eve, @security")),
            file("digest.thresholds.most_percent", Some("70"), Some("90")),
            file("digest.weekdays_only", Some("false"), Some("true")),
            file("digest.channels", None, Some("slack C0OPS")),
        ];
        assert_eq!(changes(&before, &after), (wanted, 0));
        let (found, _) = changes(&catalogue(120, &[]), &before);
        assert!(found.contains(&file("digest.may_read", None, Some("eve"))), "a section that is new: {found:?}");
    }

    #[test]
    fn names_addresses_and_logins_are_said_to_have_changed_and_never_what_they_are() {
        let moved = Person { name: "Ana Reyes-Okafor".into(), email: None, logins: BTreeMap::new(), ..person("ana") };
        let (found, _) = changes(&catalogue(120, &[person("ana")]), &catalogue(120, &[moved]));
        let ana = || About::Person("ana".parse().unwrap());
        let wanted: Vec<_> = ["email", "name", "postgresql"].into_iter().map(|key| changed(ana(), key, None, None)).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn many_and_long_changes_fit_one_entry_of_the_ledger_and_read_back() {
        let crowd: Vec<Person> = (0..500).map(|n| person(&format!("p{n}"))).collect();
        let mut after = catalogue(240, &crowd);
        after.administrators = crowd.iter().map(|person| Who::Person(person.id.clone())).collect();
        let (found, more) = changes(&catalogue(120, &[]), &after);
        assert_eq!((found.len(), more), (50, 452));
        let text = serde_json::to_string(&found).unwrap();
        assert!(text.len() < 32 * 1024, "{} bytes", text.len());
        assert_eq!(serde_json::from_str::<Vec<PolicyChange>>(&text).unwrap(), found);
    }
}
