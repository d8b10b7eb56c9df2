//! What was found out, just now, about people and groups: handed to `decide`, which never asks anybody itself.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ids::{GroupId, PersonId},
    members::Bar,
    policy::{Catalogue, Platform, Rung, Stage, Who},
    refusal::Refusal,
};

/// Group members and leavers as gathered for one decision.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// What the chats say now of the groups that they know.
    pub asked: BTreeMap<GroupId, Asked>,
    /// People whom their chat says are gone.
    pub inactive: BTreeSet<PersonId>,
    /// People who are there and whom a chat keeps from acting for now: what they hold, they keep.
    pub barred: BTreeMap<PersonId, (Platform, Bar)>,
    /// People whose chat could not be asked.
    pub unknown: BTreeMap<PersonId, String>,
}

/// A group's members as its chats have them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Of all chats that answered.
    pub members: BTreeSet<PersonId>,
    /// How many more are in it of whom nobody asked, where a chat names no members; `usize::MAX`: nobody counted them.
    pub more: usize,
    /// Of whom such a chat was asked: they are in `members`, or not in the group.
    pub about: BTreeSet<PersonId>,
    /// One of its chats could not say; there may be more members then.
    pub unanswered: Option<Silent>,
}

/// A chat that did not say who is in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    pub platform: Platform,
    pub why: String,
}

impl Asked {
    /// With what another of its chats says.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.members.extend(other.members);
        self.about.extend(other.about);
        self.more = self.more.saturating_add(other.more);
        self.unanswered = other.unanswered.or(self.unanswered);
        self
    }
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

    /// May ask and decide now: active, and no chat keeps them from it for a while.
    pub fn may_act(&self, person: &PersonId) -> bool {
        self.is_active(person) && !self.groups.barred.contains_key(person)
    }

    /// Why this person, whom the chats were asked about, may not act now.
    /// # Errors
    /// They are gone, kept from it for a while, or no chat said how it is.
    pub fn check_may_act(&self, person: &PersonId) -> Result<(), Refusal> {
        self.check_active(person)?;
        self.groups.barred.get(person).map_or(Ok(()), |(platform, bar)| Err(Refusal::barred(*platform, *bar)))
    }

    /// The same of what gives up or looks after what somebody has, which whoever is kept from acting may do.
    /// # Errors
    /// They are gone, or no chat said how it is.
    pub fn check_active(&self, person: &PersonId) -> Result<(), Refusal> {
        match self.groups.unknown.get(person) {
            Some(why) => Err(Refusal::CannotAskProfile { why: why.clone() }),
            None if self.is_active(person) => Ok(()),
            None => Err(Refusal::Inactive),
        }
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
        let cannot = |platform, why: &str| Err(Refusal::CannotAskGroup { group: id.to_string(), platform, why: why.to_owned() });
        match self.groups.asked.get(id) {
            Some(asked) if asked.members.contains(person) => Ok(true),
            Some(Asked { unanswered: Some(silent), .. }) => cannot(Some(silent.platform), &silent.why),
            Some(asked) if asked.more > 0 && !asked.about.contains(person) => cannot(None, "it was not asked about this person"),
            None if !group.chats.is_empty() => cannot(None, "it was not asked"),
            Some(_) | None => Ok(false),
        }
    }

    /// Everybody among these who is known and active; groups that did not answer, or name nobody, add whom they are known to have.
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

    /// By group, at most how many there are in it besides those whom `people` names: accounts that a chat counts and does not
    /// name. `usize::MAX`: a chat did not say. Groups without any are left out.
    pub fn unnamed<'w>(&self, whos: impl IntoIterator<Item = &'w Who>) -> BTreeMap<&'w GroupId, usize> {
        let groups = whos.into_iter().filter_map(|who| match who {
            Who::Group(id) => Some((id, self.unnamed_in(id))),
            Who::Everyone | Who::Person(_) => None,
        });
        groups.filter(|(_, more)| *more > 0).collect()
    }

    fn unnamed_in(&self, id: &GroupId) -> usize {
        match self.groups.asked.get(id) {
            Some(Asked { unanswered: None, more, .. }) => *more,
            None if self.catalogue.groups.get(id).is_none_or(|group| group.chats.is_empty()) => 0,
            Some(_) | None => usize::MAX,
        }
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

    fn leads() -> GroupId {
        "leads".parse().unwrap()
    }

    fn catalogue(members: &[&str], chats: &[(Platform, &str)]) -> Catalogue {
        let members = members.iter().map(|id| id.parse().unwrap()).collect();
        let chats = chats.iter().map(|(platform, id)| (*platform, (*id).to_owned())).collect();
        Catalogue { groups: [(leads(), Group { id: leads(), members, chats })].into(), ..Catalogue::default() }
    }

    fn said(asked: Asked) -> Groups {
        Groups { asked: [(leads(), asked)].into(), ..Groups::default() }
    }

    fn includes(catalogue: &Catalogue, groups: &Groups, person: &str) -> Result<bool, Refusal> {
        Facts { catalogue, groups }.includes([&Who::Group(leads())], &person.parse().unwrap())
    }

    fn unnamed(catalogue: &Catalogue, groups: &Groups) -> usize {
        let whos = [Who::Group(leads()), Who::Everyone, Who::Group(leads())];
        Facts { catalogue, groups }.unnamed(&whos).into_values().sum()
    }

    #[test]
    fn a_group_on_two_chats_has_the_members_of_both_and_a_silent_one_hides_nobody_whom_the_other_knows() {
        let catalogue = catalogue(&["ana"], &[(Platform::Slack, "S1"), (Platform::Discord, "7")]);
        let asked = Asked { members: ["ben".parse().unwrap()].into(), ..Asked::default() };
        let silent = Silent { platform: Platform::Discord, why: "discord is away".into() };
        let groups = said(asked.clone().and(Asked { unanswered: Some(silent), ..Asked::default() }));
        assert_eq!(includes(&catalogue, &groups, "ana"), Ok(true), "listed");
        assert_eq!(includes(&catalogue, &groups, "ben"), Ok(true), "known to the chat that answered");
        let (group, why) = ("leads".into(), "discord is away".into());
        let away = Refusal::CannotAskGroup { group, platform: Some(Platform::Discord), why };
        assert_eq!(includes(&catalogue, &groups, "cleo"), Err(away), "perhaps known to the one that did not");
        assert_eq!(unnamed(&catalogue, &groups), usize::MAX);
        let nobody = Groups::default();
        assert!(matches!(includes(&catalogue, &nobody, "ben"), Err(Refusal::CannotAskGroup { .. })), "nobody was asked");
        assert_eq!(unnamed(&catalogue, &nobody), usize::MAX);
        assert_eq!((includes(&catalogue, &said(asked.clone()), "cleo"), unnamed(&catalogue, &said(asked))), (Ok(false), 0));
    }

    #[test]
    fn of_a_group_that_names_nobody_an_answer_holds_only_for_those_of_whom_it_was_asked() {
        let catalogue = catalogue(&[], &[(Platform::Discord, "7")]);
        let of = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<BTreeSet<PersonId>>();
        let groups = said(Asked { members: of(&["ben"]), more: 3, about: of(&["ana", "ben"]), unanswered: None });
        assert_eq!(includes(&catalogue, &groups, "ben"), Ok(true));
        assert_eq!(includes(&catalogue, &groups, "ana"), Ok(false));
        assert!(matches!(includes(&catalogue, &groups, "cleo"), Err(Refusal::CannotAskGroup { .. })), "nobody asked about her");
        assert_eq!(unnamed(&catalogue, &groups), 3, "counted once, however often it is named");
        let all = said(Asked { more: 0, ..groups.asked[&leads()].clone() });
        assert_eq!((includes(&catalogue, &all, "cleo"), unnamed(&catalogue, &all)), (Ok(false), 0), "whoever is in it is known");
    }

    #[test]
    fn what_two_chats_count_adds_up_and_never_overflows() {
        let part = |more| Asked { more, ..Asked::default() };
        assert_eq!(part(2).and(part(3)).more, 5);
        assert_eq!(part(2).and(part(usize::MAX)).more, usize::MAX);
    }
}
