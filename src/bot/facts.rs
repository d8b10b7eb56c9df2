//! Asking, just now, who is in which group and who has left. Asks; changes nothing.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt as _, future, stream};

use super::Bot;
use crate::domain::{
    entitlement::{Order, Ownership},
    facts::{Asked, Groups},
    ids::{GroupId, PersonId, ResourceId, RoleName},
    members::Member,
    policy::{Catalogue, Group, Person, Platform, Who},
    refusal::Refusal,
    request::{Preview, Request},
};

/// Longest that a press waits for a chat or a provider to answer a question.
const PATIENCE: Duration = Duration::from_secs(2);
/// Questions that wait beside each other: more than a decision has, fewer than a chat would take for a flood.
const SIDE_BY_SIDE: usize = 32;

/// How old an answer of a chat may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    /// It is asked: for whatever decides.
    Now,
    /// What it said within the last minute will do: for what is only shown.
    Lately,
}

/// What only the chats know. Handed in by `main`.
#[async_trait]
pub trait Facts: Send + Sync {
    /// Members of a platform's group now, by its id there, as people of the catalogue; or why the chat cannot say.
    async fn members(&self, platform: Platform, group: &str, catalogue: &Catalogue, fresh: Fresh) -> Result<BTreeSet<PersonId>, String>;

    /// Is this person a full member now on every chat that knows them?
    async fn is_active(&self, person: &Person, fresh: Fresh) -> Result<bool, String>;

    /// Everybody whom the platform has as a full member now.
    async fn roster(&self, platform: Platform) -> Result<Vec<Member>, String>;

    /// One account of the platform, if it is a full member now.
    async fn member(&self, platform: Platform, user: &str) -> Result<Option<Member>, String>;
}

/// The answer, or why there is none, if not within the time that a press waits.
pub(super) async fn in_time<T>(question: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::time::timeout(PATIENCE, question).await.unwrap_or_else(|_| Err("it did not answer in time".into()))
}

async fn side_by_side<F: Future>(questions: Vec<F>) -> Vec<F::Output> {
    stream::iter(questions).buffer_unordered(SIDE_BY_SIDE).collect().await
}

impl Bot {
    /// Groups and leavers that decisions on these requests may depend on. Each group and person is asked once, all of them
    /// side by side: a decision waits as long as the slowest of them, not as long as all together.
    pub(super) async fn gather<'r>(
        &self,
        catalogue: &Catalogue,
        requests: impl IntoIterator<Item = &'r Request>,
        more: &[&PersonId],
        whos: &[Who],
        fresh: Fresh,
    ) -> Groups {
        let (wanted, mut people) = concerned(catalogue, requests, whos);
        people.extend(more.iter().map(|person| (*person).clone()));
        let (mut of_groups, mut of_people) = (Vec::new(), Vec::new());
        for group in wanted.iter().filter_map(|id| catalogue.groups.get(id)).filter(|group| !group.chats.is_empty()) {
            of_groups.push(self.who_is_in(group, catalogue, fresh));
        }
        for person in people.iter().filter_map(|id| catalogue.people.get(id)).filter(|person| person.active) {
            of_people.push(self.is_there(person, fresh));
        }
        let mut groups = Groups::default();
        if self.in_force(super::in_force::InForce::is_unread) {
            let strangers = people.iter().filter(|id| !catalogue.people.contains_key(*id));
            groups.unknown.extend(strangers.map(|id| (id.clone(), "nobody has said yet who its members are".to_owned())));
        }
        let (asked, there) = future::join(side_by_side(of_groups), side_by_side(of_people)).await;
        groups.asked = asked.into_iter().collect();
        for (id, answer) in there {
            match answer {
                Ok(true) => {}
                Ok(false) => drop(groups.inactive.insert(id)),
                Err(why) => drop(groups.unknown.insert(id, why)),
            }
        }
        groups
    }

    async fn is_there(&self, person: &Person, fresh: Fresh) -> (PersonId, Result<bool, String>) {
        (person.id.clone(), in_time(self.facts.is_active(person, fresh)).await)
    }

    /// One chat that is silent does not hide the members whom another one knows.
    async fn who_is_in(&self, group: &Group, catalogue: &Catalogue, fresh: Fresh) -> (GroupId, Asked) {
        let mut questions = Vec::new();
        for (platform, id) in &group.chats {
            questions.push(in_time(self.facts.members(*platform, id, catalogue, fresh)));
        }
        let mut asked = Asked::default();
        for answer in future::join_all(questions).await {
            match answer {
                Ok(members) => asked.members.extend(members),
                Err(why) => asked.unanswered = Some(why),
            }
        }
        (group.id.clone(), asked)
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

/// Groups and people of whom the chats must be asked before these requests, and what these whos may do, can be judged.
fn concerned<'r>(
    catalogue: &Catalogue,
    requests: impl IntoIterator<Item = &'r Request>,
    whos: &[Who],
) -> (BTreeSet<GroupId>, BTreeSet<PersonId>) {
    let (mut groups, mut people) = (BTreeSet::new(), BTreeSet::new());
    let mut note = |who: &Who| {
        if let Who::Group(id) = who {
            groups.insert(id.clone());
        }
    };
    whos.iter().chain(&catalogue.administrators).for_each(&mut note);
    for request in requests {
        let ask = request.main_ask();
        // Of its own role alone: chats answer so many of these questions in a minute and no more.
        if let Some((resource, _, policy)) = catalogue.role(&ask.resource, &ask.role) {
            resource.owner.iter().for_each(&mut note);
            policy.stages.iter().for_each(|stage| stage.approvers_at(u32::MAX).for_each(&mut note));
        }
        people.extend(request.round().into_iter().flat_map(|r| r.votes.iter().map(|v| v.person.clone())));
    }
    (groups, people)
}
