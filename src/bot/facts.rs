//! Asking, just now, who is in which group and who has left. Asks; changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{StreamExt as _, future, stream};

use super::Bot;
use crate::domain::{
    entitlement::{Order, Ownership},
    facts::{Asked, Groups, Silent},
    ids::{GroupId, PersonId, ResourceId, RoleName},
    members::{Bar, Member, Presence},
    policy::{Catalogue, Group, Person, Platform, Who},
    refusal::Refusal,
    request::{Preview, Request},
};
use crate::store::Posted;

/// Longest that a press waits for a chat or a provider to answer a question.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest that what nobody waits for does: chats answer so many questions in a while, and no more.
const LONG: Duration = Duration::from_secs(10);
/// Questions that wait beside each other: more than a decision has, fewer than a chat would take for a flood.
const SIDE_BY_SIDE: usize = 32;

/// How old an answer of a chat may be, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    /// It is asked: for whatever decides while somebody waits.
    Now,
    /// It is asked: for what decides by itself, and gives nothing without an answer.
    InTurn,
    /// It is asked when it has room for that: for what is looked at again and again.
    Spare,
    /// What it said within the last minute will do, else it is asked when it has room for that: for what is only shown.
    Lately,
}

impl Fresh {
    const fn patience(self) -> Duration {
        match self {
            Self::Now | Self::Lately => PATIENCE,
            Self::InTurn | Self::Spare => LONG,
        }
    }

    /// Questions that decide come first.
    pub const fn can_wait(self) -> bool {
        matches!(self, Self::Spare | Self::Lately)
    }
}

/// What only the chats know. Handed in by `main`.
#[async_trait]
pub trait Facts: Send + Sync {
    /// Does this platform name a group's members? Where it does not, it is asked of one account at a time.
    fn lists_members(&self, platform: Platform) -> bool;

    /// Members of a platform's group now, by its id there, as people of the catalogue; or why the chat cannot say. Only where
    /// it names them.
    async fn members(&self, platform: Platform, group: &str, catalogue: &Catalogue, fresh: Fresh) -> Result<BTreeSet<PersonId>, String>;

    /// Is this account in a platform's group now?
    async fn is_member(&self, platform: Platform, group: &str, user: &str, fresh: Fresh) -> Result<bool, String>;

    /// How many accounts are in a platform's group now, whoever they are.
    async fn member_count(&self, platform: Platform, group: &str, fresh: Fresh) -> Result<usize, String>;

    /// Is this account a full member now, who may act? None: that chat is not connected, and says nothing of anybody.
    async fn presence(&self, platform: Platform, user: &str, fresh: Fresh) -> Result<Option<Presence>, String>;

    /// Everybody whom the platform has as a full member now.
    async fn roster(&self, platform: Platform) -> Result<Vec<Member>, String>;

    /// One account of the platform, if it is a full member now.
    async fn member(&self, platform: Platform, user: &str) -> Result<Option<Member>, String>;

    /// A web address that opens a message of ours where it stands.
    async fn link(&self, platform: Platform, at: &Posted) -> Option<String> {
        let _ = (platform, at);
        None
    }
}

/// Whom a decision is about, besides those who voted on its requests. Of whoever is not named here, a chat that names no
/// members of its groups is not asked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Whom<'a> {
    /// Who acts, and through which platform: that one must itself say that they are there.
    pub presser: Option<(&'a PersonId, Platform)>,
    pub others: &'a [&'a PersonId],
    /// Groups in which these people are looked for, besides those of the requests.
    pub among: &'a [Who],
    /// The same of a chain of which it is to be judged whether anybody can climb it: who is in them is counted, too.
    pub chain: &'a [Who],
    /// Who is called directly by that chain, and so looked for in it.
    pub called: &'a [&'a PersonId],
    /// The requests are only listed: who voted on them is not asked about.
    pub listed: bool,
}

/// What has to be known of a group.
#[derive(Debug, Default)]
struct Wanted {
    about: BTreeSet<PersonId>,
    counted: bool,
}

/// The answer, or why there is none, if not within the time that a press waits.
pub(super) async fn in_time<T>(question: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    within(PATIENCE, question).await
}

async fn within<T>(patience: Duration, question: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::time::timeout(patience, question).await.unwrap_or_else(|_| Err("it did not answer in time".into()))
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
        whom: Whom<'_>,
        fresh: Fresh,
    ) -> Groups {
        let (wanted, people) = concerned(catalogue, requests, &whom);
        let (mut of_groups, mut of_people) = (Vec::new(), Vec::new());
        for (id, wanted) in &wanted {
            if let Some(group) = catalogue.groups.get(id).filter(|group| !group.chats.is_empty()) {
                of_groups.push(self.who_is_in(group, wanted, catalogue, fresh));
            }
        }
        for person in people.iter().filter_map(|id| catalogue.people.get(id)).filter(|person| person.active) {
            let through = whom.presser.filter(|(presser, _)| **presser == person.id).map(|(_, platform)| platform);
            of_people.push(self.is_there(person, through, fresh));
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
                Ok(There::Yes) => {}
                Ok(There::Barred(platform, bar)) => drop(groups.barred.insert(id, (platform, bar))),
                Ok(There::No) => drop(groups.inactive.insert(id)),
                Err(why) => drop(groups.unknown.insert(id, why)),
            }
        }
        groups
    }

    /// Every chat that knows this person is asked for itself, so that a silent one keeps no other's answer back.
    pub(super) async fn is_there(&self, person: &Person, through: Option<Platform>, fresh: Fresh) -> (PersonId, Result<There, String>) {
        let mut questions = Vec::new();
        for (platform, account) in &person.identities {
            let question = self.facts.presence(*platform, account, fresh);
            questions.push(async move { (*platform, within(fresh.patience(), question).await) });
        }
        (person.id.clone(), taken_together(&future::join_all(questions).await, through))
    }

    /// One chat that is silent does not hide the members whom another one knows.
    async fn who_is_in(&self, group: &Group, wanted: &Wanted, catalogue: &Catalogue, fresh: Fresh) -> (GroupId, Asked) {
        let mut questions = Vec::new();
        for (platform, id) in &group.chats {
            questions.push(async move {
                if self.facts.lists_members(*platform) {
                    self.named_by(*platform, id, catalogue, fresh).await
                } else {
                    self.said_of_each(*platform, id, wanted, catalogue, fresh).await
                }
            });
        }
        let answers = future::join_all(questions).await;
        (group.id.clone(), answers.into_iter().fold(Asked::default(), Asked::and))
    }

    async fn named_by(&self, platform: Platform, group: &str, catalogue: &Catalogue, fresh: Fresh) -> Asked {
        match within(fresh.patience(), self.facts.members(platform, group, catalogue, fresh)).await {
            Ok(members) => Asked { members, ..Asked::default() },
            Err(why) => Asked { unanswered: Some(Silent { platform, why }), ..Asked::default() },
        }
    }

    /// Who has no account there is not in it. A count that is not to be had refuses nobody: there may be more.
    async fn said_of_each(&self, platform: Platform, group: &str, wanted: &Wanted, catalogue: &Catalogue, fresh: Fresh) -> Asked {
        let mut questions = Vec::new();
        for person in wanted.about.iter().filter_map(|id| catalogue.people.get(id)) {
            if let Some(account) = person.identities.get(&platform) {
                let question = self.facts.is_member(platform, group, account, fresh);
                questions.push(async move { (&person.id, within(fresh.patience(), question).await) });
            }
        }
        let count = async {
            let question = self.facts.member_count(platform, group, fresh);
            if wanted.counted { within(fresh.patience(), question).await.ok() } else { None }
        };
        let (answers, count) = future::join(side_by_side(questions), count).await;
        let mut asked = Asked { about: wanted.about.clone(), ..Asked::default() };
        for (person, answer) in answers {
            match answer {
                Ok(true) => drop(asked.members.insert(person.clone())),
                Ok(false) => {}
                Err(why) => asked.unanswered = Some(Silent { platform, why }),
            }
        }
        asked.more = count.map_or(usize::MAX, |count| count.saturating_sub(asked.members.len()));
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
        for input in &provider.describe_for(&role.target).inputs {
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
        // Only now: an adapter may have learnt on the way what its system is.
        let ownership = provider.describe_for(&resolved.target).ownership;
        let order = Order {
            provider: resource.provider.clone(),
            target: resolved.target,
            principal: resolved.principal,
            person: subject.clone(),
            inputs: resolved.inputs,
            grant: String::new(),
            by_hand: resolved.by_hand.clone(),
        };
        let preview = Preview { gets: resolved.preview, by_hand: resolved.by_hand, order: Some((order.clone(), ownership)) };
        Ok((order, ownership, preview))
    }
}

/// What all chats of a person say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum There {
    Yes,
    /// This one keeps them from acting for now.
    Barred(Platform, Bar),
    No,
}

/// One chat that says that somebody is gone is enough. So is one that says that they are there, while another is silent; but
/// the one through which they act must say so itself. One that keeps them from acting does so everywhere.
fn taken_together(answers: &[(Platform, Result<Option<Presence>, String>)], through: Option<Platform>) -> Result<There, String> {
    let mut said = answers.iter().filter_map(|(platform, answer)| Some((*platform, answer.as_ref().ok().copied().flatten()?)));
    let mut silent = answers.iter().filter_map(|(platform, answer)| Some((*platform, answer.as_ref().err()?)));
    if said.clone().any(|(_, presence)| presence == Presence::Gone) {
        return Ok(There::No);
    }
    let somebody_says = said.clone().next().is_some();
    match silent.clone().find(|(platform, _)| Some(*platform) == through).or_else(|| silent.next().filter(|_| !somebody_says)) {
        Some((_, why)) => Err(why.clone()),
        None => Ok(said
            .find_map(|(platform, presence)| match presence {
                Presence::Barred(bar) => Some(There::Barred(platform, bar)),
                Presence::Gone | Presence::There => None,
            })
            .unwrap_or(There::Yes)),
    }
}

/// Groups and people of whom the chats must be asked before these requests, and what these people may do, can be judged.
fn concerned<'r>(
    catalogue: &Catalogue,
    requests: impl IntoIterator<Item = &'r Request>,
    whom: &Whom<'_>,
) -> (BTreeMap<GroupId, Wanted>, BTreeSet<PersonId>) {
    let mut wanted = BTreeMap::<GroupId, Wanted>::new();
    let mut note = |who: &Who, about: &BTreeSet<PersonId>, counted: bool| {
        if let Who::Group(id) = who {
            let wanted = wanted.entry(id.clone()).or_default();
            wanted.about.extend(about.iter().cloned());
            wanted.counted |= counted;
        }
    };
    let presser: BTreeSet<PersonId> = whom.presser.iter().map(|(person, _)| (*person).clone()).collect();
    let named: BTreeSet<PersonId> = presser.iter().chain(whom.others.iter().copied()).cloned().collect();
    let mut people = named.clone();
    whom.among.iter().for_each(|who| note(who, &named, false));
    let called: BTreeSet<PersonId> = named.iter().chain(whom.called.iter().copied()).cloned().collect();
    whom.chain.iter().for_each(|who| note(who, &called, true));
    if !presser.is_empty() {
        catalogue.administrators.iter().for_each(|who| note(who, &presser, false));
    }
    for request in requests {
        let voters = request.round().filter(|_| !whom.listed).into_iter().flat_map(|r| r.votes.iter().map(|v| v.person.clone()));
        let about: BTreeSet<PersonId> = named.iter().cloned().chain(voters).collect();
        let ask = request.main_ask();
        // Of its own role alone: chats answer so many of these questions in a minute and no more.
        if let Some((resource, _, policy)) = catalogue.role(&ask.resource, &ask.role) {
            resource.owner.iter().for_each(|who| note(who, &presser, false));
            let called: BTreeSet<PersonId> = about.iter().chain(policy.called_by_name()).cloned().collect();
            policy.stages.iter().for_each(|stage| stage.approvers_at(u32::MAX).for_each(|who| note(who, &called, false)));
        }
        people.extend(about);
    }
    (wanted, people)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_chat_is_enough_for_gone_and_for_there_and_the_one_through_which_somebody_acts_must_answer() {
        let (there, gone, silent, apart) = (Ok(Some(Presence::There)), Ok(Some(Presence::Gone)), Err("it is away".to_owned()), Ok(None));
        let barred = Ok(Some(Presence::Barred(Bar::TimedOut)));
        let is_barred = Ok(There::Barred(Platform::Discord, Bar::TimedOut));
        let of = |slack: &Result<_, String>, discord: &Result<_, String>, through| {
            taken_together(&[(Platform::Slack, slack.clone()), (Platform::Discord, discord.clone())], through)
        };
        let away = Err("it is away".to_owned());
        let (slack, discord) = (Some(Platform::Slack), Some(Platform::Discord));
        for through in [None, slack, discord] {
            assert_eq!(of(&there, &there, through), Ok(There::Yes));
            assert_eq!(of(&there, &gone, through), Ok(There::No));
            assert_eq!(of(&silent, &gone, through), Ok(There::No), "gone is gone, whoever else is silent");
            assert_eq!(of(&silent, &silent, through), away, "nobody says anything");
            assert_eq!(of(&apart, &there, through), Ok(There::Yes));
            assert_eq!(of(&apart, &silent, through), away, "one that is not connected says nothing for anybody");
            assert_eq!(of(&apart, &apart, through), Ok(There::Yes), "bot.toml alone knows them");
            assert_eq!(taken_together(&[], through), Ok(There::Yes));
        }
        for through in [slack, discord] {
            assert_eq!(of(&there, &barred, through), is_barred, "kept from acting here is kept from acting there");
            assert_eq!(of(&gone, &barred, through), Ok(There::No));
        }
        assert_eq!(of(&silent, &barred, None), is_barred, "it says that they are there");
        assert_eq!(of(&there, &silent, slack), Ok(There::Yes), "the one that is silent is not asked to vouch");
        assert_eq!(of(&there, &silent, None), Ok(There::Yes));
        assert_eq!(of(&there, &silent, discord), away);
    }
}
