//! Who may look at what others have, had and asked for. By resource, whatever the role: who may know that there is somebody at a
//! thing may know who. What is not for somebody and what is not there at all are the same "no".

use std::collections::BTreeSet;

use super::{Facts, PersonId, Policy, Refusal, Who};
use crate::domain::{
    ids::ResourceId,
    policy::{Catalogue, Resource},
    request::Request,
};

/// What somebody may look at, besides what is their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sees {
    /// Everything, also what is no longer in bot.toml.
    All,
    These(BTreeSet<ResourceId>),
}

impl Sees {
    pub fn has(&self, resource: &ResourceId) -> bool {
        match self {
            Self::All => true,
            Self::These(these) => these.contains(resource),
        }
    }
}

/// Everybody who may look at this resource: whoever may ask for something of it, for themselves or for others, or approve it, its
/// owner, auditors and administrators; the last two alone where it is not in bot.toml.
pub fn lookers(resource: &ResourceId, catalogue: &Catalogue) -> Vec<Who> {
    let own = catalogue.resources.get(resource).into_iter().flat_map(|resource| of(resource, catalogue));
    distinct(own.chain(overseers(catalogue)))
}

/// Everybody who may look at anything.
pub fn all_lookers(catalogue: &Catalogue) -> Vec<Who> {
    distinct(catalogue.resources.values().flat_map(|resource| of(resource, catalogue)).chain(overseers(catalogue)))
}

/// May this person look at this resource?
/// # Errors
/// They may not, they may do nothing at all now, or a chat that must say so does not.
pub fn may_look(resource: &ResourceId, person: &PersonId, facts: &Facts<'_>) -> Result<(), Refusal> {
    facts.check_may_act(person)?;
    if facts.includes(&lookers(resource, facts.catalogue), person)? {
        Ok(())
    } else {
        Err(Refusal::NothingToSee { name: resource.to_string() })
    }
}

/// All that this person may look at.
/// # Errors
/// They may do nothing at all now, or a chat does not say whether they may see more than is sure.
pub fn sees(person: &PersonId, facts: &Facts<'_>) -> Result<Sees, Refusal> {
    facts.check_may_act(person)?;
    let catalogue = facts.catalogue;
    match facts.includes(overseers(catalogue), person) {
        Ok(true) => return Ok(Sees::All),
        Ok(false) => {}
        Err(refusal) => return Err(refusal),
    }
    let mut these = BTreeSet::new();
    for resource in catalogue.resources.values() {
        if facts.includes(of(resource, catalogue), person)? {
            these.insert(resource.id.clone());
        }
    }
    Ok(Sees::These(these))
}

/// Why this person sees nothing of what they named. The same whether there is such a thing or not: where a chat is silent about any
/// group at all, that is the reason, since they may be in it.
pub fn nothing_to_see(name: &str, person: &PersonId, facts: &Facts<'_>) -> Refusal {
    let nothing = Refusal::NothingToSee { name: name.to_owned() };
    let silent = all_lookers(facts.catalogue).iter().find_map(|who| facts.includes([who], person).err());
    facts.check_may_act(person).err().or(silent).unwrap_or(nothing)
}

/// Their own: asked by them, or for them.
pub fn is_own(request: &Request, person: &PersonId) -> bool {
    request.requester == *person || request.subject == *person
}

fn overseers(catalogue: &Catalogue) -> impl Iterator<Item = &Who> {
    catalogue.auditors.iter().chain(&catalogue.administrators)
}

fn of<'c>(resource: &'c Resource, catalogue: &'c Catalogue) -> impl Iterator<Item = &'c Who> {
    let policies = resource.roles.iter().filter_map(|role| catalogue.policies.get(&role.policy));
    policies.flat_map(concerned).chain(&resource.owner)
}

fn concerned(policy: &Policy) -> impl Iterator<Item = &Who> {
    let approvers = policy.stages.iter().flat_map(|stage| stage.approvers_at(u32::MAX));
    policy.may_ask.iter().chain(&policy.on_behalf_of).chain(approvers)
}

fn distinct<'w>(whos: impl Iterator<Item = &'w Who>) -> Vec<Who> {
    whos.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}
