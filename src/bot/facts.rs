//! Asking, just now, who is in which group and who has left. Asks; changes nothing.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;

use super::Bot;
use crate::domain::{
    entitlement::{Order, Ownership},
    facts::{Asked, Groups},
    ids::{GroupId, PersonId, ResourceId, RoleName},
    policy::{Catalogue, Group, Person, Platform, Who},
    refusal::Refusal,
    request::{Preview, Request},
};

/// Longest that a press waits for a chat or a provider to answer a question.
const PATIENCE: Duration = Duration::from_secs(2);

/// What only the chats know. Handed in by `main`.
#[async_trait]
pub trait Facts: Send + Sync {
    /// Members of a platform's group now, by its id there, as people of the catalogue; or why the chat cannot say.
    async fn members(&self, platform: Platform, group: &str, catalogue: &Catalogue) -> Result<BTreeSet<PersonId>, String>;

    /// Is this person still there on every chat that knows them?
    async fn is_active(&self, person: &Person) -> Result<bool, String>;
}

impl Bot {
    /// Groups and leavers that decisions on these requests may depend on. Each group and person is asked once.
    pub(super) async fn gather<'r>(
        &self,
        catalogue: &Catalogue,
        requests: impl IntoIterator<Item = &'r Request>,
        more: &[&PersonId],
        whos: &[Who],
    ) -> Groups {
        let mut groups = Groups::default();
        let mut wanted: BTreeSet<GroupId> = BTreeSet::new();
        let mut people: BTreeSet<PersonId> = more.iter().map(|p| (*p).clone()).collect();
        let mut note = |who: &Who| {
            if let Who::Group(id) = who {
                wanted.insert(id.clone());
            }
        };
        whos.iter().chain(&catalogue.administrators).for_each(&mut note);
        for request in requests {
            let ask = request.main_ask();
            if let Some((resource, _, _)) = catalogue.role(&ask.resource, &ask.role) {
                resource.owner.iter().for_each(&mut note);
                let policies = resource.roles.iter().filter_map(|role| catalogue.policies.get(&role.policy));
                policies.flat_map(|p| &p.stages).for_each(|stage| stage.approvers_at(u32::MAX).for_each(&mut note));
            }
            people.extend(request.round().into_iter().flat_map(|r| r.votes.iter().map(|v| v.person.clone())));
        }
        for id in wanted {
            let Some(group) = catalogue.groups.get(&id).filter(|g| !g.chats.is_empty()) else { continue };
            let asked = self.who_is_in(group, catalogue).await;
            groups.asked.insert(id, asked);
        }
        for id in people {
            let Some(person) = catalogue.people.get(&id).filter(|p| p.active) else { continue };
            match tokio::time::timeout(PATIENCE, self.facts.is_active(person)).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => drop(groups.inactive.insert(id)),
                Ok(Err(why)) => drop(groups.unknown.insert(id, why)),
                Err(_) => drop(groups.unknown.insert(id, "it did not answer in time".into())),
            }
        }
        groups
    }

    /// One chat that is silent does not hide the members whom another one knows.
    async fn who_is_in(&self, group: &Group, catalogue: &Catalogue) -> Asked {
        let mut asked = Asked::default();
        for (platform, id) in &group.chats {
            let members = tokio::time::timeout(PATIENCE, self.facts.members(*platform, id, catalogue)).await;
            match members.unwrap_or_else(|_| Err("it did not answer in time".into())) {
                Ok(members) => asked.members.extend(members),
                Err(why) => asked.unanswered = Some(why),
            }
        }
        asked
    }

    /// Asks the adapter what it would touch. Definite answers are refusals; no answer is `ProviderUnreachable`.
    pub(super) async fn resolve(
        &self,
        catalogue: &Catalogue,
        subject: &PersonId,
        resource: &ResourceId,
        role: &RoleName,
    ) -> Result<(Order, Ownership, Preview), Refusal> {
        let unreachable = |why: &str| Refusal::ProviderUnreachable { why: why.to_owned() };
        let Some((resource, role, _)) = catalogue.role(resource, role) else { return Err(unreachable("it is not in the catalogue")) };
        let provider = self.provider(&resource.provider).ok_or_else(|| unreachable("its provider is not configured"))?;
        let mut person = catalogue.people.get(subject).cloned().ok_or(Refusal::NotLinked)?;
        let kept = self.store.inputs(subject).await.map_err(|_| unreachable("our own store does not answer"))?;
        person.logins.extend(kept.into_iter().filter(|(key, _)| !key.starts_with(super::quiet::OWN)));
        let description = provider.describe();
        for input in &description.inputs {
            if !person.logins.contains_key(&input.key) {
                return Err(Refusal::InputMissing { input: input.key.clone(), how: input.how.clone() });
            }
        }
        let resolved = match tokio::time::timeout(PATIENCE, provider.resolve(&person, role)).await {
            Err(_) => return Err(unreachable("it did not answer in time")),
            Ok(Err(fault)) if fault.kind.is_permanent() => return Err(Refusal::ProviderRefuses { why: fault.message }),
            Ok(Err(fault)) => return Err(unreachable(&fault.message)),
            Ok(Ok(resolved)) => resolved,
        };
        let order = Order {
            provider: resource.provider.clone(),
            target: resolved.target,
            principal: resolved.principal,
            person: subject.clone(),
            inputs: resolved.inputs,
            grant: String::new(),
            by_hand: resolved.by_hand.clone(),
        };
        let preview = Preview { gets: resolved.preview, by_hand: resolved.by_hand, order: Some((order.clone(), description.ownership)) };
        Ok((order, description.ownership, preview))
    }
}
