//! The catalogue and the policies in force, as loaded and checked from bot.toml.
//! Plain values: how they are read is `config`'s business, what follows from them is `decide`'s.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    digest::Rules as DigestRules,
    ids::{GroupId, PersonId, PolicyName, ProviderName, ResourceId, RoleName},
    members::Rules,
    time::Span,
};

/// Where a person can be seen, and where commands come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    Console,
    Slack,
    Discord,
}

impl Platform {
    pub const ALL: [Self; 3] = [Self::Console, Self::Slack, Self::Discord];

    /// Its name in keys, columns and configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Slack => "slack",
            Self::Discord => "discord",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.name() == name)
    }
}

/// Everything bot.toml says about who, what and how. Immutable; a reload makes a new one.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    pub people: BTreeMap<PersonId, Person>,
    /// Which chats' members are people too, or are found among them.
    pub members: Rules,
    pub groups: BTreeMap<GroupId, Group>,
    pub resources: BTreeMap<ResourceId, Resource>,
    pub policies: BTreeMap<PolicyName, Policy>,
    /// May settle, revoke anything, confirm the clock. Never a way around an approval.
    pub administrators: Vec<Who>,
    /// May look at everything, change nothing.
    pub auditors: Vec<Who>,
    /// How digests are made; None: none is.
    pub digests: Option<DigestRules>,
    /// `sha256:` and 64 hexadecimal digits over the file's bytes. Every ledger entry of a decision names it.
    pub digest: String,
    /// True while the file at start or reload was broken: nothing is granted, ends go on (R15).
    pub frozen: bool,
    /// Time zone for people who have none of their own.
    pub time_zone: chrono_tz::Tz,
}

/// A human or a service.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: PersonId,
    /// Shown to people; never compared.
    pub name: String,
    pub email: Option<String>,
    pub time_zone: Option<chrono_tz::Tz>,
    /// False for somebody who left: cannot ask or decide, loses what they hold (R18).
    pub active: bool,
    /// Id on each platform: `U024BE7LH`, a Discord snowflake, a console name.
    pub identities: BTreeMap<Platform, String>,
    /// Names and inputs that adapters need, such as `postgresql` = "ana.reyes" or `ssh_public_key`.
    pub logins: BTreeMap<String, String>,
}

/// A set of people.
#[derive(Debug, Clone)]
pub struct Group {
    pub id: GroupId,
    /// Listed in bot.toml.
    pub members: Vec<PersonId>,
    /// Asked of the chats, in addition: the group's id on each. Whoever is in one of them is a member.
    pub chats: BTreeMap<Platform, String>,
}

/// Somebody, in a policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    Everyone,
    Person(PersonId),
    Group(GroupId),
}

/// A channel of a platform, by the platform's own id (`C0123`, a snowflake, a console channel's name).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Channel {
    pub platform: Platform,
    pub id: String,
}

/// What can be asked for.
#[derive(Debug, Clone)]
pub struct Resource {
    pub id: ResourceId,
    pub title: String,
    pub description: String,
    pub tags: Vec<String>,
    /// May revoke, and is told of alarms.
    pub owner: Option<Who>,
    pub provider: ProviderName,
    /// Where its cards go; never empty.
    pub channels: Vec<Channel>,
    /// Least first; an approver may offer an earlier one.
    pub roles: Vec<Role>,
}

/// One kind of access to a resource.
#[derive(Debug, Clone)]
pub struct Role {
    pub name: RoleName,
    pub title: String,
    /// The role's own, or its resource's.
    pub policy: PolicyName,
    /// What the adapter is told: its own keys, checked by it at load.
    pub target: serde_json::Value,
}

/// The rules for asking, deciding and holding.
#[derive(Debug, Clone)]
pub struct Policy {
    pub name: PolicyName,
    /// Longest that one grant may last, extensions and grace included.
    pub cap: Span,
    /// Taken when the asker names no duration; at most `cap`.
    pub default: Span,
    /// Ceiling to which the person may extend without a new approval; None: what was approved.
    pub extend_to: Option<Span>,
    /// Access goes on this long while an extension is being decided; zero for none, at most ten minutes.
    pub grace: Span,
    /// What does not work this long after the decision is undone (R1).
    pub grant_within: Span,
    /// An ask that nobody answers for this long closes.
    pub patience: Span,
    /// Warning this long before the end; None: a tenth of the duration, between 2 and 15 minutes.
    pub warn: Option<Span>,
    pub reason: ReasonRule,
    pub ticket: Option<TicketRule>,
    /// Who may ask; empty means nobody.
    pub may_ask: Vec<Who>,
    /// Who may ask for somebody else; empty means nobody.
    pub on_behalf_of: Vec<Who>,
    /// Durations up to this need no approval; None: all do.
    pub at_once_up_to: Option<Span>,
    /// In order; each must be satisfied.
    pub stages: Vec<Stage>,
}

#[derive(Debug, Clone)]
pub struct ReasonRule {
    /// In characters, after trimming; zero makes the reason optional.
    pub min_chars: usize,
}

/// How a ticket must look.
#[derive(Debug, Clone)]
pub struct TicketRule {
    pub required: bool,
    /// Letters before the dash, as in `OPS-4512`; empty: any.
    pub projects: Vec<String>,
    /// Link to show, with `{ticket}` in it.
    pub link: Option<String>,
}

/// One rung of the approval chain.
#[derive(Debug, Clone)]
pub struct Stage {
    pub approvers: Vec<Who>,
    /// Distinct people needed; at least one.
    pub needed: usize,
    /// Told when the stage begins; may be fewer than may approve.
    pub notify: Vec<Who>,
    /// Of those who may approve, with the ladder's: who gets the card as a direct message as well.
    pub direct: Vec<Who>,
    /// Remind the notified this often; None: never.
    pub remind_every: Option<Span>,
    /// Escalations in order of `after`, each counted from the start of the stage. They add approvers.
    pub ladder: Vec<Rung>,
}

/// One escalation of a stage.
#[derive(Debug, Clone)]
pub struct Rung {
    pub after: Span,
    pub to: Vec<Who>,
}

impl Catalogue {
    /// The resource, role and policy that a pair of names means.
    pub fn role(&self, resource: &ResourceId, role: &RoleName) -> Option<(&Resource, &Role, &Policy)> {
        let resource = self.resources.get(resource)?;
        let role = resource.roles.iter().find(|r| r.name == *role)?;
        Some((resource, role, self.policies.get(&role.policy)?))
    }

    /// All accounts on this platform, and whose each is.
    pub fn accounts_on(&self, platform: Platform) -> impl Iterator<Item = (&str, &Person)> {
        self.people.values().filter_map(move |person| Some((person.identities.get(&platform)?.as_str(), person)))
    }

    /// Who has one of these ids on this platform: one look at everybody, however many ids there are.
    pub fn people_at(&self, platform: Platform, users: &BTreeSet<String>) -> BTreeSet<PersonId> {
        self.accounts_on(platform).filter(|(account, _)| users.contains(*account)).map(|(_, person)| person.id.clone()).collect()
    }

    /// Who has this id on this platform.
    pub fn person_at(&self, platform: Platform, user: &str) -> Option<&Person> {
        self.accounts_on(platform).find(|(account, _)| *account == user).map(|(_, person)| person)
    }
}

impl Policy {
    /// Does any stage send its card to people directly?
    pub fn sends_directly(&self) -> bool {
        self.stages.iter().any(|stage| !stage.direct.is_empty())
    }

    /// Whom its stages call directly by name: whether they may decide, a chat may have to say of each.
    pub fn called_by_name(&self) -> impl Iterator<Item = &PersonId> {
        self.stages.iter().flat_map(|stage| &stage.direct).filter_map(|who| match who {
            Who::Person(person) => Some(person),
            Who::Group(_) | Who::Everyone => None,
        })
    }

    /// How long before the end of a grant of this length its holder is warned.
    pub fn warning(&self, duration: Span) -> Span {
        let tenth = Span::from_seconds(duration.seconds() / 10);
        self.warn.unwrap_or_else(|| tenth.clamp(Span::from_minutes(2), Span::from_minutes(15)))
    }
}
