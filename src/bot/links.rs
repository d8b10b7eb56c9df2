//! Joining accounts of other platforms to people by a one-time code, and parting them. The joined accounts count wherever
//! identities do: they are part of every catalogue that the bot hands out.

use serde_json::json;

use super::{
    Answer, Bot, Incoming,
    facts::{Fresh, Whom, in_time},
    handle::{Caller, Decided, door, inbox_id},
};
use crate::{
    domain::{
        command::Actor,
        event::Operation,
        facts::Facts,
        ids::PersonId,
        linking::{self, Code, Counted, Link, Offered},
        members::Presence,
        parse::{self, Parsed},
        policy::{Catalogue, Platform},
        refusal::Refusal,
        time::{Instant, Span},
    },
    store::{Commit, LinkWrite, StoreError, TaskKind, TaskWant},
};

/// What other replicas joined or parted is seen after this long; who acts is looked up at every press.
const LOOK_EVERY: Span = Span::from_seconds(60);

impl Bot {
    /// Reads the joined accounts again, if that was long ago.
    pub(super) async fn look_at_links(&self) -> Result<(), StoreError> {
        let now = self.now();
        let looked_at = self.in_force(|policy| policy.looked_at);
        if looked_at + LOOK_EVERY <= now { self.refresh_links().await } else { Ok(()) }
    }

    /// Puts the joined accounts in force as the store has them now.
    pub async fn refresh_links(&self) -> Result<(), StoreError> {
        let (links, now) = (self.store.links().await?, self.now());
        self.change_in_force(|policy| policy.put_links(links, now));
        Ok(())
    }

    /// Whose account this is: by bot.toml, by a code as the store has it at this moment, by its address, or as a member of the
    /// chat, which is asked when nobody knows the account yet. The policy in force has that person from now on.
    pub(super) async fn person_behind(&self, platform: Platform, user: &str) -> Result<Result<Option<PersonId>, Refusal>, StoreError> {
        if self.in_force(|policy| policy.configured.person_at(platform, user).is_none()) {
            let link = self.store.link_at(platform, user).await?.map(|link| link.person);
            if self.in_force(|policy| policy.joined_to(platform, user) != link.as_ref()) {
                self.refresh_links().await?;
            }
        }
        if self.in_force(|policy| policy.may_be_a_member(platform, user))
            && let Err(refusal) = self.look_up(platform, user).await.map_err(|error| StoreError::Unavailable(error.to_string()))?
        {
            return Ok(Err(refusal));
        }
        Ok(Ok(self.in_force(|policy| policy.person_at(platform, user))))
    }

    /// The same for what only somebody may see: an account that is nobody's is refused.
    pub(super) async fn somebody(&self, platform: Platform, user: &str) -> Result<Result<PersonId, Refusal>, StoreError> {
        Ok(self.person_behind(platform, user).await?.and_then(|person| person.ok_or(Refusal::NotLinked)))
    }

    /// `/jit link`: a new code, shown once.
    pub(super) async fn offer_link(&self, caller: &Caller, catalogue: &Catalogue) -> Decided {
        if let Err(refusal) = self.is_here(caller.presser(), catalogue, Fresh::Now).await {
            return Ok(Err(refusal));
        }
        let (before, now) = (self.store.code_of(&caller.person).await?, self.now());
        let made = match linking::another_code(before.as_ref().map(|code| code.made), now) {
            Ok(made) => made,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let code = Code::new(u64::try_from(self.random() >> 64).unwrap_or_default());
        let salt = format!("{:032x}", self.random());
        let offered = Offered {
            person: caller.person.clone(),
            hash: code.hash(&salt),
            salt,
            expires_at: now + linking::CODE_LASTS,
            used: false,
            made,
            n: before.map_or(0, |code| code.n),
        };
        self.store
            .commit(Commit { inbox_done: Some(caller.inbox.clone()), links: vec![LinkWrite::Code(offered)], ..Commit::default() })
            .await?;
        let accounts: Vec<_> =
            catalogue.people.get(&caller.person).into_iter().flat_map(|p| p.identities.keys()).map(|platform| platform.name()).collect();
        Ok(Ok(Answer::said("link", json!({ "code": code.shown(), "minutes": linking::CODE_LASTS.seconds() / 60, "accounts": accounts }))))
    }

    /// What somebody without a person may say: a code, nothing else.
    pub(super) async fn stranger(&self, incoming: &Incoming, text: &str, catalogue: &Catalogue) -> Decided {
        let now = self.now();
        let context = parse::Context { now, time_zone: catalogue.time_zone, catalogue, platform: incoming.platform };
        let Ok(Parsed::Link(Some(typed))) = parse::parse(text, &context) else { return Ok(Err(Refusal::NotLinked)) };
        let tries = self.store.link_tries(incoming.platform, &incoming.user).await?;
        let (before, n) = tries.map_or((None, 0), |(counted, n)| (Some(counted), n));
        if let Err(refusal) = linking::another_try(before, now) {
            return Ok(Err(refusal));
        }
        let offered = match Code::typed(&typed) {
            Some(code) => self.store.live_codes(now).await?.into_iter().find(|offered| offered.is(&code, now)),
            None => None,
        };
        let Some(offered) = offered else {
            return self.wrong_code(incoming, linking::wrong(before, now), n).await;
        };
        self.join(incoming, &offered, catalogue, (n, now)).await
    }

    /// Counted, recorded, and told without saying what was wrong with it.
    async fn wrong_code(&self, incoming: &Incoming, wrong: Counted, n: u64) -> Decided {
        let tries = LinkWrite::Tries { platform: incoming.platform, account: incoming.user.clone(), wrong, n };
        let actor = Actor { person: None, door: Some(door(incoming)) };
        let refused = Operation::Refused { act: "link".into(), why: Refusal::LinkCode.name() };
        self.store
            .commit(Commit {
                inbox_done: Some(inbox_id(incoming)),
                links: vec![tries],
                entries: vec![self.entry("bot", actor, &refused)],
                ..Commit::default()
            })
            .await?;
        Ok(Ok(Answer::Refused(Refusal::LinkCode)))
    }

    async fn join(&self, incoming: &Incoming, offered: &Offered, catalogue: &Catalogue, (n, now): (u64, Instant)) -> Decided {
        let (platform, account, person) = (incoming.platform, incoming.user.clone(), offered.person.clone());
        if let Err(refusal) = self.is_here((&person, platform), catalogue, Fresh::Now).await {
            return Ok(Err(refusal));
        }
        if let Err(refusal) = self.may_act(platform, &account, &person, catalogue).await {
            return Ok(Err(refusal));
        }
        let taken = self.store.links().await?.iter().any(|link| link.person == person && link.platform == platform);
        if taken || catalogue.people.get(&person).is_some_and(|p| p.identities.contains_key(&platform)) {
            return Ok(Err(Refusal::PlatformTaken { platform }));
        }
        let actor = Actor { person: Some(person.clone()), door: Some(door(incoming)) };
        let linked = Operation::Linked { person: person.clone(), what: format!("{} {account}", platform.name()) };
        let none = Counted { count: 0, since: now };
        let links = vec![
            LinkWrite::Tries { platform, account: account.clone(), wrong: none, n },
            LinkWrite::Used { person: person.clone(), hash: offered.hash.clone(), now },
            LinkWrite::Join(Link { platform, account: account.clone(), person: person.clone(), at: now }),
        ];
        self.store
            .commit(Commit {
                inbox_done: Some(inbox_id(incoming)),
                links,
                tasks: self.tell_others(&person, platform, &account, catalogue),
                entries: vec![self.entry("bot", actor, &linked)],
                ..Commit::default()
            })
            .await?;
        self.refresh_links().await?;
        Ok(Ok(Answer::said("linked", json!({ "person": person, "platform": platform.name() }))))
    }

    /// By an administrator. What bot.toml says of a person is parted there, not here.
    pub(super) async fn unlink(&self, caller: &Caller, person: &PersonId, platform: Platform, catalogue: &Catalogue) -> Decided {
        if let Err(refusal) = self.is_administrator(caller, catalogue).await {
            return Ok(Err(refusal));
        }
        let link = self.store.links().await?.into_iter().find(|link| link.person == *person && link.platform == platform);
        let Some(link) = link else { return Ok(Err(Refusal::NotJoined { person: person.clone(), platform })) };
        let now = self.now();
        let unlinked = Operation::Unlinked { person: person.clone(), what: format!("{} {}", platform.name(), link.account) };
        let part = LinkWrite::Part { platform, account: link.account.clone(), person: person.clone(), at: now };
        self.store
            .commit(Commit {
                inbox_done: Some(caller.inbox.clone()),
                links: vec![part],
                tasks: self.tell_others(person, platform, &link.account, catalogue),
                entries: vec![self.entry("bot", caller.actor.clone(), &unlinked)],
                ..Commit::default()
            })
            .await?;
        self.refresh_links().await?;
        Ok(Ok(Answer::said("unlinked", json!({ "person": person, "platform": platform.name() }))))
    }

    /// The person is told on every other platform on which they can be reached.
    fn tell_others(&self, person: &PersonId, platform: Platform, account: &str, catalogue: &Catalogue) -> Vec<TaskWant> {
        let others = catalogue.people.get(person).into_iter().flat_map(|p| p.identities.keys()).filter(|other| **other != platform);
        let now = self.now();
        others
            .map(|to| TaskWant {
                kind: TaskKind::Link,
                key: format!("{}/{person}/{}/{account}", to.name(), platform.name()),
                queue: format!("{}/@{person}", to.name()),
                due_at: now,
            })
            .collect()
    }

    /// Known, active, and the chats say so now.
    pub(super) async fn is_here(&self, presser: (&PersonId, Platform), catalogue: &Catalogue, fresh: Fresh) -> Result<(), Refusal> {
        let groups = self.gather(catalogue, None, Whom { presser: Some(presser), ..Whom::default() }, fresh).await;
        Facts { catalogue, groups: &groups }.check_may_act(presser.0)
    }

    /// An account of a guest or of another organisation is not joined: its person could not act any more, anywhere.
    async fn may_act(&self, platform: Platform, account: &str, person: &PersonId, catalogue: &Catalogue) -> Result<(), Refusal> {
        if !catalogue.people.contains_key(person) {
            return Err(Refusal::Inactive);
        }
        match in_time(self.facts.presence(platform, account, Fresh::Now)).await {
            Ok(Some(Presence::Gone)) => Err(Refusal::Inactive),
            Ok(Some(Presence::Barred(bar))) => Err(Refusal::barred(platform, bar)),
            Ok(Some(Presence::There) | None) => Ok(()),
            Err(why) => Err(Refusal::CannotAskProfile { why }),
        }
    }

    /// An administrator, active, now.
    pub(super) async fn is_administrator(&self, caller: &Caller, catalogue: &Catalogue) -> Result<(), Refusal> {
        let groups = self.gather(catalogue, None, Whom { presser: Some(caller.presser()), ..Whom::default() }, Fresh::Now).await;
        let facts = Facts { catalogue, groups: &groups };
        facts.check_may_act(&caller.person)?;
        if facts.includes(&catalogue.administrators, &caller.person)? { Ok(()) } else { Err(Refusal::NotAdministrator) }
    }
}
