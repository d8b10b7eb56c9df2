//! What was found out, just now, about people and groups: handed to `decide`, which never asks anybody itself.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ids::{GroupId, PersonId},
    policy::{Catalogue, Rung, Stage, Who},
    refusal::Refusal,
};

/// Group members and leavers as gathered for one decision.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// What the chats say now of the groups that they know.
    pub asked: BTreeMap<GroupId, Asked>,
    /// People whom their chat says are gone.
    pub inactive: BTreeSet<PersonId>,
    /// People whose chat could not be asked.
    pub unknown: BTreeMap<PersonId, String>,
}

/// A group's members as its chats have them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Of all chats that answered.
    pub members: BTreeSet<PersonId>,
    /// Why one of its chats could not say; there may be more members then.
    pub unanswered: Option<String>,
}

/// The policy in force and the groups as they are now.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub catalogue: &'a Catalogue,
    pub groups: &'a Groups,
}

impl Facts<'_> {
    /// Known, and not left, by bot.toml and by the chats.
    pub fn is_active(&self, person: &PersonId) -> bool {
        self.catalogue.people.get(person).is_some_and(|p| p.active) && !self.groups.inactive.contains(person)
    }

    /// Is this person among these? An unanswered question is an answer only when nothing else says yes.
    pub fn includes<'w>(&self, whos: impl IntoIterator<Item = &'w Who>, person: &PersonId) -> Result<bool, Refusal> {
        let mut unanswered = None;
        for who in whos {
            match self.matches(who, person) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(refusal) => unanswered = Some(refusal),
            }
        }
        unanswered.map_or(Ok(false), Err)
    }

    fn matches(&self, who: &Who, person: &PersonId) -> Result<bool, Refusal> {
        let id = match who {
            Who::Everyone => return Ok(true),
            Who::Person(id) => return Ok(id == person),
            Who::Group(id) => id,
        };
        let Some(group) = self.catalogue.groups.get(id) else { return Ok(false) };
        if group.members.contains(person) {
            return Ok(true);
        }
        let cannot = |why: &str| Err(Refusal::CannotAskGroup { group: id.to_string(), why: why.to_owned() });
        match self.groups.asked.get(id) {
            Some(asked) if asked.members.contains(person) => Ok(true),
            Some(Asked { unanswered: Some(why), .. }) => cannot(why),
            None if !group.chats.is_empty() => cannot("it was not asked"),
            Some(_) | None => Ok(false),
        }
    }

    /// Everybody among these who is known and active; groups that did not answer add nobody.
    pub fn people<'w>(&self, whos: impl IntoIterator<Item = &'w Who>) -> BTreeSet<PersonId> {
        let mut people = BTreeSet::new();
        for who in whos {
            match who {
                Who::Everyone => people.extend(self.catalogue.people.keys().cloned()),
                Who::Person(id) => drop(people.insert(id.clone())),
                Who::Group(id) => {
                    people.extend(self.catalogue.groups.get(id).into_iter().flat_map(|g| g.members.iter().cloned()));
                    people.extend(self.groups.asked.get(id).into_iter().flat_map(|asked| asked.members.iter().cloned()));
                }
            }
        }
        people.retain(|person| self.is_active(person));
        people
    }
}

impl Stage {
    /// Who may approve once this many rungs of the ladder are open.
    pub fn approvers_at(&self, rung: u32) -> impl Iterator<Item = &Who> {
        let open = usize::try_from(rung).unwrap_or(usize::MAX).min(self.ladder.len());
        self.approvers.iter().chain(self.ladder[..open].iter().flat_map(|r: &Rung| r.to.iter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::{Group, Platform};

    #[test]
    fn a_group_on_two_chats_has_the_members_of_both_and_a_silent_one_hides_nobody_whom_the_other_knows() {
        let id: GroupId = "leads".parse().unwrap();
        let chats = BTreeMap::from([(Platform::Slack, "S1".to_owned()), (Platform::Discord, "7".to_owned())]);
        let group = Group { id: id.clone(), members: vec!["ana".parse().unwrap()], chats };
        let catalogue = Catalogue { groups: [(id.clone(), group)].into(), ..Catalogue::default() };
        let asked = Asked { members: ["ben".parse().unwrap()].into(), unanswered: Some("discord is away".into()) };
        let includes = |groups: &Groups, person: &str| {
            Facts { catalogue: &catalogue, groups }.includes([&Who::Group(id.clone())], &person.parse().unwrap())
        };
        let groups = Groups { asked: [(id.clone(), asked)].into(), ..Groups::default() };
        assert_eq!(includes(&groups, "ana"), Ok(true), "listed");
        assert_eq!(includes(&groups, "ben"), Ok(true), "known to the chat that answered");
        assert!(matches!(includes(&groups, "cleo"), Err(Refusal::CannotAskGroup { .. })), "perhaps known to the one that did not");
        assert!(matches!(includes(&Groups::default(), "ben"), Err(Refusal::CannotAskGroup { .. })), "nobody was asked");
        let both = Groups { asked: [(id.clone(), Asked { unanswered: None, ..groups.asked[&id].clone() })].into(), ..Groups::default() };
        assert_eq!(includes(&both, "cleo"), Ok(false));
    }
}
