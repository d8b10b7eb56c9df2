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
    /// Members of chat-backed groups now, or why the chat could not say.
    pub asked: BTreeMap<GroupId, Result<BTreeSet<PersonId>, String>>,
    /// People whom their chat says are gone.
    pub inactive: BTreeSet<PersonId>,
    /// People whose chat could not be asked.
    pub unknown: BTreeMap<PersonId, String>,
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
        match (self.groups.asked.get(id), &group.chat) {
            (Some(Ok(members)), _) => Ok(members.contains(person)),
            (Some(Err(why)), _) => Err(Refusal::CannotAskGroup { group: id.to_string(), why: why.clone() }),
            (None, None) => Ok(false),
            (None, Some(_)) => Err(Refusal::CannotAskGroup { group: id.to_string(), why: "it was not asked".into() }),
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
                    people.extend(self.groups.asked.get(id).into_iter().flatten().flatten().cloned());
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
