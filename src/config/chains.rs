//! Can the chains be climbed by the people that the file knows (R15)? One that never can is refused; one that only its
//! ladder saves, or only a chat can judge, is a warning. So is everything that is allowed and yet hardly meant.

use std::collections::{BTreeMap, BTreeSet};

use super::{node::Table, notes::Log, policies::Placed, settings};
use crate::domain::{
    decide::name_of,
    ids::{GroupId, PersonId, PolicyName, ResourceId},
    policy::{Group, Person, Platform, Policy, Resource, Stage, Who},
    rounds,
    spans::words,
};

/// Who there is.
pub(super) struct Company<'a> {
    pub(super) people: &'a BTreeMap<PersonId, Person>,
    pub(super) groups: &'a BTreeMap<GroupId, Group>,
    /// A chat has more people.
    pub(super) more: bool,
}

/// Active people, and whether a chat may know more.
#[derive(Default)]
struct Set {
    people: BTreeSet<PersonId>,
    open: bool,
}

impl Company<'_> {
    fn set<'w>(&self, whos: impl IntoIterator<Item = &'w Who>) -> Set {
        let mut set = Set::default();
        for who in whos {
            match who {
                Who::Everyone => {
                    set.open |= self.more;
                    set.people.extend(self.people.keys().cloned());
                }
                Who::Person(person) => drop(set.people.insert(person.clone())),
                Who::Group(id) => {
                    let Some(group) = self.groups.get(id) else { continue };
                    set.open |= !group.chats.is_empty();
                    set.people.extend(group.members.iter().cloned());
                }
            }
        }
        set.people.retain(|person| self.people.get(person).is_some_and(|p| p.active));
        set
    }

    /// Can these stages be climbed by different people, all but `without`, with so many rungs of each ladder open?
    fn climbable(&self, stages: &[Stage], rungs: u32, without: Option<&PersonId>) -> bool {
        let sets = stages.iter().map(|stage| (self.set(stage.approvers_at(rungs)), stage.needed)).filter(|(set, _)| !set.open);
        let sets: Vec<(BTreeSet<PersonId>, usize)> = sets
            .map(|(mut set, needed)| {
                set.people.retain(|person| Some(person) != without);
                (set.people, needed)
            })
            .collect();
        rounds::can_be_seated(&sets)
    }
}

/// Every policy's chain.
pub(super) fn judge(log: &Log, who: &Company<'_>, policies: &BTreeMap<PolicyName, Placed>) {
    for placed in policies.values() {
        let policy = &placed.policy;
        if policy.may_ask.is_empty() {
            log.warn(
                placed.may_ask,
                format!("nobody may ask by {}: write may_ask = [\"everyone\"], or name people and groups", policy.name),
            );
        }
        called_directly(log, who, placed);
        if !each_stage(log, who, placed) {
            continue;
        }
        if !who.climbable(&policy.stages, u32::MAX, None) {
            let at = placed.stages.first().copied().unwrap_or(placed.at);
            log.refuse(at, "there are too few different people for all stages together: each person counts once");
        } else if !who.climbable(&policy.stages, 0, None) {
            let at = placed.stages.first().copied().unwrap_or(placed.at);
            log.warn(at, "there are enough different people for all stages only once their ladders are open");
        } else {
            askers(log, who, placed);
        }
    }
}

/// Each stage by itself; false when one was refused or warned of.
fn each_stage(log: &Log, who: &Company<'_>, placed: &Placed) -> bool {
    let mut fine = true;
    for (stage, at) in placed.policy.stages.iter().zip(&placed.stages) {
        let named = stage.approvers_at(u32::MAX).filter_map(|who| if let Who::Person(person) = who { Some(person) } else { None });
        for left in named.filter(|person| who.people.get(*person).is_some_and(|p| !p.active)) {
            log.warn(*at, format!("{left} is not active and does not count here"));
        }
        let one = std::slice::from_ref(stage);
        let (now, later) = (who.climbable(one, 0, None), who.climbable(one, u32::MAX, None));
        if !later {
            let most = who.set(stage.approvers_at(u32::MAX)).people.len();
            log.refuse(
                *at,
                format!("{} needed here, and {most} there, even with the whole ladder: name more people, or ask for fewer", stage.needed),
            );
        } else if !now {
            let first = stage.ladder.first().map_or_else(String::new, |rung| format!(", after {} at the earliest", words(rung.after)));
            log.warn(*at, format!("only its ladder brings enough people for this stage{first}"));
        }
        fine &= now && later;
    }
    fine
}

/// Whoever gets a card directly is to decide it.
fn called_directly(log: &Log, who: &Company<'_>, placed: &Placed) {
    for (stage, at) in placed.policy.stages.iter().zip(&placed.direct) {
        unlisted(log, who, stage, *at);
        let deciders = who.set(stage.approvers_at(u32::MAX));
        for one in stage.direct.iter().filter(|one| stage.approvers_at(u32::MAX).all(|named| named != *one)) {
            let name = name_of(one);
            match one {
                Who::Person(person) if deciders.people.contains(person) => {}
                Who::Person(person) if who.people.get(person).is_some_and(|p| !p.active) => {
                    log.warn(*at, format!("{name} is not active and gets no card"));
                }
                Who::Person(_) if deciders.open => {
                    log.warn(*at, format!("only a chat knows whether {name} may decide here, and so gets the card"));
                }
                _ => log.refuse(*at, format!("direct names {name}, who may not decide here: name some of the approvers or of the ladder")),
            }
        }
    }
}

/// Discord says of one person at a time whether they have a role, and never who has it.
fn unlisted(log: &Log, who: &Company<'_>, stage: &Stage, at: usize) {
    for one in &stage.direct {
        let Who::Group(id) = one else { continue };
        let Some(group) = who.groups.get(id).filter(|group| group.members.is_empty()) else { continue };
        if group.chats.keys().eq([&Platform::Discord]) {
            log.warn(
                at,
                format!(
                    "direct reaches nobody of {}: who has a role, Discord does not list; write its people as members under [groups.{id}]",
                    name_of(one)
                ),
            );
        }
    }
}

/// Nobody decides what they ask for: whoever is needed for the chain can never be granted by it.
fn askers(log: &Log, who: &Company<'_>, placed: &Placed) {
    let policy = &placed.policy;
    let askers = who.set(&policy.may_ask).people;
    let never: Vec<&str> =
        askers.iter().filter(|asker| !who.climbable(&policy.stages, u32::MAX, Some(asker))).map(PersonId::as_str).collect();
    if never.is_empty() {
        return;
    }
    let asks = if never.len() == 1 { "asks" } else { "ask" };
    let above = policy.at_once_up_to.map_or_else(String::new, |most| format!(" for more than {}", words(most)));
    log.warn(
        placed.stages.first().copied().unwrap_or(placed.at),
        format!("what {} {asks}{above} could never be approved: nobody decides their own, and the others are too few", never.join(", ")),
    );
}

/// What is there and leads nowhere.
pub(super) fn look_round(
    file: &Table<'_>,
    who: &Company<'_>,
    policies: &BTreeMap<PolicyName, Placed>,
    resources: &BTreeMap<ResourceId, (usize, Resource)>,
    everywhere: &[Who],
    providers: &[super::ProviderConfig],
) {
    let log = &file.reading.log;
    let roles = || resources.values().flat_map(|(_, resource)| resource.roles.iter());
    for (name, placed) in policies.iter().filter(|(name, _)| !roles().any(|role| role.policy == **name)) {
        log.warn(placed.at, format!("no role uses the policy {name}"));
    }
    let used = resources.values().map(|(_, resource)| resource.provider.clone()).collect();
    settings::unused(file, providers, &used);
    for (at, resource) in resources.values() {
        let policies = resource.roles.iter().filter_map(|role| Some(&policies.get(&role.policy)?.policy));
        let askers = who.set(policies.flat_map(|policy| &policy.may_ask));
        if askers.people.is_empty() && !askers.open {
            log.warn(*at, format!("nobody may ask for {}", resource.id));
        }
        if let Some(owner) = resource.owner.as_ref().filter(|owner| empty(who, owner)) {
            log.warn(*at, format!("its owner {} is nobody who is active", name_of(owner)));
        }
    }
    let named: BTreeSet<&Who> = policies
        .values()
        .flat_map(|placed| everybody(&placed.policy))
        .chain(everywhere)
        .chain(resources.values().filter_map(|(_, r)| r.owner.as_ref()))
        .collect();
    let places = file.raw().get("groups").and_then(|value| value.get_ref().as_table());
    for id in who.groups.keys().filter(|id| !named.contains(&Who::Group((*id).clone()))) {
        let at = places.and_then(|table| table.get_key_value(id.as_str())).map_or(file.at, |(key, _)| key.span().start);
        log.warn(at, format!("nothing names the group {id}"));
    }
}

fn empty(who: &Company<'_>, one: &Who) -> bool {
    let set = who.set([one]);
    set.people.is_empty() && !set.open
}

fn everybody(policy: &Policy) -> impl Iterator<Item = &Who> {
    let stages = policy.stages.iter().flat_map(|stage| stage.approvers_at(u32::MAX).chain(&stage.notify));
    policy.may_ask.iter().chain(&policy.on_behalf_of).chain(stages)
}
