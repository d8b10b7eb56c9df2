//! Who the members of the chats are: their lists read anew and kept, one account looked up when it presses something. A list
//! that is not to be believed changes nothing.

use std::{sync::Arc, time::Duration};

use super::{Bot, facts::in_time};
use crate::{
    domain::{
        command::Actor,
        event::Operation,
        ids::PersonId,
        policy::{Catalogue, Platform},
        refusal::Refusal,
        roster::{self, Changes, Doubt, Known, Roster},
    },
    store::{Commit, CommitError, MemberWrite, StoreError},
};

/// Longest that a list of all members may take: there may be many pages, and the chat may slow us down.
const LIST: Duration = Duration::from_mins(30);
/// Members that are written in one transaction, so that nobody waits long behind them.
const AT_ONCE: usize = 500;
/// The alarm while a list cannot be read, or is not believed.
const ALARM: &str = "roster";

impl Bot {
    /// Reads the members of every chat whose members count. What changed is kept and in force; who left loses what they hold
    /// (R18). A list that cannot be read or believed changes nothing and is an alarm for as long.
    pub async fn read_roster(&self) -> Result<(), CommitError> {
        let mut troubles = Vec::new();
        let mut left = false;
        for platform in self.catalogue().members.platforms() {
            match self.read_members(platform).await? {
                Ok(some_left) => left |= some_left,
                Err(trouble) => troubles.push(trouble),
            }
        }
        self.record_matches().await?;
        if left {
            self.leavers().await?;
        }
        if troubles.is_empty() { self.clear(ALARM).await } else { self.raise(ALARM, troubles.join("; "), None).await }
    }

    /// Waits until the members are to be read before their time.
    pub async fn roster_is_due(&self) {
        self.roster_bell.notified().await;
    }

    /// True when somebody left; the words are for operators, without what people or the chat said.
    async fn read_members(&self, platform: Platform) -> Result<Result<bool, String>, CommitError> {
        let name = platform.name();
        // From before the list is begun: who comes while it is being read is on neither.
        let known = self.store.members([platform]).await?.remove(&platform).unwrap_or_default();
        let listed = tokio::time::timeout(LIST, self.facts.roster(platform)).await;
        let listed = match listed.unwrap_or_else(|_| Err("it took too long".into())) {
            Ok(listed) => listed,
            Err(why) => {
                tracing::warn!(%why, "the members of {name} cannot be read");
                return Ok(Err(format!("the members of {name} cannot be read, and who comes or goes is noticed late; the log says why")));
            }
        };
        match roster::changes(&known, listed) {
            Ok(changes) => self.keep_members(platform, changes).await.map(Ok),
            Err(Doubt::Empty) => {
                Ok(Err(format!("{name} says that it has no members at all: that is not believed, and nothing was changed")))
            }
            Err(Doubt::Halved { lost, of }) => Ok(Err(format!(
                "{lost} of {of} members of {name} are gone at once: that is not believed, and nothing was changed; \
                 who was deactivated is refused all the same when they press something"
            ))),
        }
    }

    async fn keep_members(&self, platform: Platform, changes: Changes) -> Result<bool, CommitError> {
        let (at, some_left) = (self.now(), !changes.left.is_empty());
        let is = changes.is.into_iter().map(|member| MemberWrite::Is { platform, member, at });
        let left = changes.left.into_iter().map(|account| MemberWrite::Left { platform, account, at });
        let writes: Vec<MemberWrite> = is.chain(left).collect();
        for members in writes.chunks(AT_ONCE) {
            match self.store.commit(Commit { members: members.to_vec(), ..Commit::default() }).await {
                // Another process noticed it too.
                Ok(()) | Err(CommitError::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        self.refresh_members().await?;
        Ok(some_left)
    }

    /// Puts the members in force as the store has them now.
    pub(super) async fn refresh_members(&self) -> Result<(), StoreError> {
        let roster = self.roster_of(&self.catalogue()).await?;
        self.change_in_force(|policy| policy.put_roster(roster));
        Ok(())
    }

    /// The members who count by this policy, as the store has them.
    pub(super) async fn roster_of(&self, catalogue: &Catalogue) -> Result<Roster, StoreError> {
        self.store.members(catalogue.members.platforms()).await
    }

    /// The policy in force, in which these people are known if anybody knows them: another process may have met them first.
    pub(super) async fn catalogue_knowing<'p>(
        &self,
        people: impl IntoIterator<Item = &'p PersonId> + Send,
    ) -> Result<Arc<Catalogue>, StoreError> {
        let catalogue = self.catalogue();
        let knows_all = people.into_iter().all(|person| catalogue.people.contains_key(person));
        if knows_all || catalogue.members.platforms().is_empty() {
            return Ok(catalogue);
        }
        self.refresh_members().await?;
        Ok(self.catalogue())
    }

    /// Stale, so that it is decided again, when one of these people is known by now and not in this catalogue.
    pub(super) async fn must_know<'p>(
        &self,
        people: impl IntoIterator<Item = &'p PersonId> + Send,
        catalogue: &Catalogue,
    ) -> Result<(), CommitError> {
        let strangers: Vec<&PersonId> = people.into_iter().filter(|person| !catalogue.people.contains_key(*person)).collect();
        let fresh = self.catalogue_knowing(strangers.iter().copied()).await?;
        if strangers.iter().any(|person| fresh.people.contains_key(*person)) { Err(CommitError::Stale) } else { Ok(()) }
    }

    /// Asks the chat for one account that nobody knows, or that had left: whoever came a minute ago does not wait for the
    /// next reading. A chat that does not answer is a refusal with that reason.
    pub(super) async fn look_up(&self, platform: Platform, user: &str) -> Result<Result<(), Refusal>, CommitError> {
        let member = match in_time(self.facts.member(platform, user)).await {
            Ok(member) => member.and_then(|member| member.cleaned()).filter(|member| member.user == user),
            Err(why) => return Ok(Err(Refusal::CannotAskProfile { why })),
        };
        let Some(member) = member else { return Ok(Ok(())) };
        let write = MemberWrite::Is { platform, member: member.clone(), at: self.now() };
        self.store.commit(Commit { members: vec![write], ..Commit::default() }).await?;
        self.change_in_force(|policy| policy.put_member(platform, Known::new(member)));
        self.record_matches().await?;
        Ok(Ok(()))
    }

    /// Records which accounts count as somebody by their address, and which no longer do.
    pub(super) async fn record_matches(&self) -> Result<(), CommitError> {
        let (mut unrecorded, mut ambiguous) = (Vec::new(), Vec::new());
        self.change_in_force(|policy| (unrecorded, ambiguous) = (policy.unrecorded(), policy.take_ambiguous()));
        for person in ambiguous {
            tracing::warn!(person.id = %person, "the address of this person is not theirs alone: no account is found by it");
        }
        if unrecorded.is_empty() {
            return Ok(());
        }
        for some in unrecorded.chunks(AT_ONCE) {
            match self.store.commit(self.matched(some)).await {
                Ok(()) | Err(CommitError::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.refresh_members().await?)
    }

    fn matched(&self, changes: &[((Platform, String), Option<PersonId>, Option<PersonId>)]) -> Commit {
        let mut commit = Commit::default();
        for ((platform, account), before, now) in changes {
            let what = format!("{} {account} by e-mail", platform.name());
            let unlinked = before.clone().map(|person| Operation::Unlinked { person, what: what.clone() });
            let linked = now.clone().map(|person| Operation::Linked { person, what });
            let operations = unlinked.into_iter().chain(linked);
            commit.entries.extend(operations.map(|operation| self.entry("bot", Actor::BOT, &operation)));
            let (before, now) = (before.clone(), now.clone());
            commit.members.push(MemberWrite::Matched { platform: *platform, account: account.clone(), before, now });
        }
        commit
    }
}
