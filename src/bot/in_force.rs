//! The policy in force: what bot.toml says, and the whole that follows from it with the joined accounts and the members of
//! the chats. Holds and composes; reads nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::domain::{
    ids::PersonId,
    linking::Link,
    members::Matches,
    policy::{Catalogue, Platform},
    roster::{self, Known, Roster},
    time::Instant,
};

/// What every decision goes by.
pub(super) struct InForce {
    pub configured: Arc<Catalogue>,
    pub whole: Arc<Catalogue>,
    /// Which accounts count as somebody by their address.
    matches: Matches,
    /// Whose each account is, so that no press looks through everybody.
    accounts: BTreeMap<Platform, HashMap<String, PersonId>>,
    links: Vec<Link>,
    roster: Roster,
    /// People of whom it was said already that their address is not theirs alone.
    said: BTreeSet<PersonId>,
    /// When the joined accounts were read last.
    pub looked_at: Instant,
}

impl InForce {
    pub(super) fn new(configured: Catalogue, links: Vec<Link>, roster: Roster, now: Instant) -> Self {
        let (configured, said) = (Arc::new(configured), BTreeSet::new());
        let whole = configured.clone();
        let (matches, accounts) = (Matches::default(), BTreeMap::new());
        let mut policy = Self { configured, whole, matches, accounts, links, roster, said, looked_at: now };
        policy.compose();
        policy
    }

    fn compose(&mut self) {
        let (whole, matches) = roster::whole(&self.configured, &self.links, &self.roster);
        let of = |platform| whole.accounts_on(platform).map(|(account, person)| (account.to_owned(), person.id.clone())).collect();
        self.accounts = Platform::ALL.into_iter().map(|platform| (platform, of(platform))).collect();
        (self.whole, self.matches) = (Arc::new(whole), matches);
    }

    pub(super) fn put_links(&mut self, links: Vec<Link>, now: Instant) {
        self.looked_at = now;
        if self.links != links {
            self.links = links;
            self.compose();
        }
    }

    pub(super) fn put_roster(&mut self, roster: Roster) {
        if self.roster != roster {
            self.roster = roster;
            self.compose();
        }
    }

    pub(super) fn put_member(&mut self, platform: Platform, known: Known) {
        self.roster.entry(platform).or_default().insert(known.member.user.clone(), known);
        self.compose();
    }

    /// To whom a code joined this account.
    pub(super) fn joined_to(&self, platform: Platform, user: &str) -> Option<&PersonId> {
        self.links.iter().find(|link| link.platform == platform && link.account == user).map(|link| &link.person)
    }

    /// Whose account this is.
    pub(super) fn person_at(&self, platform: Platform, user: &str) -> Option<PersonId> {
        self.accounts.get(&platform)?.get(user).cloned()
    }

    /// People whose address is not theirs alone; each is named once.
    pub(super) fn take_ambiguous(&mut self) -> Vec<PersonId> {
        let new: Vec<PersonId> = self.matches.ambiguous.difference(&self.said).cloned().collect();
        self.said.clone_from(&self.matches.ambiguous);
        new
    }

    /// Would this account be somebody, or somebody again, if the chat has it as a member?
    pub(super) fn may_be_a_member(&self, platform: Platform, user: &str) -> bool {
        let known = || self.roster.get(&platform).and_then(|members| members.get(user));
        self.configured.members.counts(platform)
            && known().map_or_else(|| self.person_at(platform, user).is_none(), |known| known.left_at.is_some())
    }

    /// People come from a chat whose members were never read: nobody who is unknown can be said to have left.
    pub(super) fn is_unread(&self) -> bool {
        let read = |platform| self.roster.get(&platform).is_some_and(|members| !members.is_empty());
        self.configured.members.people_from.is_some_and(|platform| !read(platform))
    }

    /// Accounts that count as somebody else by their address than is recorded: the account, as whom it is recorded, as whom
    /// it counts.
    pub(super) fn unrecorded(&self) -> Vec<((Platform, String), Option<PersonId>, Option<PersonId>)> {
        let all = self.roster.iter().flat_map(|(platform, members)| members.values().map(|known| (*platform, known)));
        let found: &BTreeMap<_, _> = &self.matches.found;
        let pairs = all.map(|(platform, known)| {
            let account = (platform, known.member.user.clone());
            let now = found.get(&account).cloned();
            (account, known.matched.clone(), now)
        });
        pairs.filter(|(_, recorded, now)| recorded != now).collect()
    }
}
