//! `Show my credential`: who may have one is judged here, at the press. The target is asked by the workers, who alone change
//! one; what comes back is answered to whoever waits for it and kept nowhere.

use async_trait::async_trait;
use secrecy::SecretString;

use super::{
    Answer, Bot,
    changes::Step,
    command::Handed,
    facts::{Fresh, Whom},
    handle::{Caller, Decided},
    reports::{TRIES, fold},
};
use crate::{
    domain::{
        command::Actor,
        decide,
        event::Event,
        facts::{Facts, Groups},
        policy::Catalogue,
        refusal::Refusal,
        request::{GrantId, Request, RequestId, State},
    },
    store::{Commit, CommitError, InboxId},
};

/// What only workers may do for somebody who waits. They hand it in themselves.
#[async_trait]
pub trait Hands: Send + Sync {
    /// Has the target set a fresh credential for this grant, and brings it.
    /// # Errors
    /// Nothing was begun, and it is to be judged again (stale) or left. Once the target was asked, this is no error any more.
    async fn fetch(&self, fetch: &Fetch) -> Result<Fetched, CommitError>;
}

/// What is to be fetched, and for whom.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// As it was judged.
    pub request: Request,
    /// For the ledger: who, and through which door.
    pub actor: Actor,
    /// Closed with the intent, so that nobody asks for it a second time.
    pub inbox: InboxId,
}

/// What came of it.
#[derive(Debug, Clone)]
pub enum Fetched {
    /// Written down as shown, and to be shown once.
    Secret(SecretString),
    /// The target was not asked.
    NotBegun(Refusal),
    /// It was asked; its row of the inbox is closed.
    Failed(Refusal),
}

impl Bot {
    /// From now on, these fetch.
    pub fn is_served_by(&self, hands: std::sync::Arc<dyn Hands>) {
        *self.hands.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(hands);
    }

    /// A fresh credential for the subject of access that works; for nobody else.
    pub(super) async fn fetch(&self, caller: &Caller, id: &RequestId, catalogue: &Catalogue) -> Decided {
        let Some(request) = self.store.request(id).await? else {
            return Ok(Err(Refusal::NoSuchRequest { text: id.to_string() }));
        };
        let whom = Whom { presser: Some(caller.presser()), ..Whom::default() };
        let groups = self.gather(catalogue, None, whom, Fresh::Now).await;
        let facts = Facts { catalogue, groups: &groups };
        if let Err(refusal) = decide::may_fetch(&request, &caller.person, &facts, self.now()) {
            return Ok(Err(refusal));
        }
        let hands = self.hands.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let Some(hands) = hands.filter(|_| self.hands_over(&request)) else { return Ok(Err(Refusal::NoCredential)) };
        let fetch = Fetch { request: request.clone(), actor: caller.actor.clone(), inbox: caller.inbox.clone() };
        Ok(match hands.fetch(&fetch).await? {
            Fetched::Secret(secret) => Ok(Answer::Handed(Handed { request: Box::new(request), secret })),
            Fetched::NotBegun(refusal) => Err(refusal),
            Fetched::Failed(refusal) => Ok(Answer::Refused(refusal)),
        })
    }

    /// Can its holder fetch a credential now?
    pub(super) fn hands_over(&self, request: &Request) -> bool {
        let State::Active { work, .. } = &request.state else { return false };
        self.role_hands_over(request) && !work.had_before && !work.found_absent
    }

    /// Writes down, with `commit`, that the credential of this grant is shown. False: the access ended meanwhile, and it is not
    /// to be shown; `commit` is written all the same.
    pub async fn is_shown(&self, fetch: &Fetch, grant: &GrantId, commit: &Commit) -> Result<bool, CommitError> {
        for _ in 0..TRIES {
            let (catalogue, groups, now) = (self.catalogue(), Groups::default(), self.now());
            let mut whole = commit.clone();
            let before = self.store.request(&fetch.request.id).await?;
            let works =
                |request: &Request| matches!(&request.state, State::Active { grant: g, work, .. } if g.id == *grant && now < work.until);
            let before = before.filter(works);
            if let Some(before) = &before {
                let events = [Event::CredentialShown { person: before.subject.clone() }];
                let Some(after) = fold(before, &events, now) else { return Err(CommitError::Stale) };
                let step = Step { before: Some(before), after: &after, events: &events, actor: &fetch.actor, order: None };
                self.changes(&mut whole, step, &catalogue, &groups, now).await?;
            }
            match self.store.commit(whole).await {
                Err(CommitError::Stale) => {}
                done => return done.map(|()| before.is_some()),
            }
        }
        Err(CommitError::Stale)
    }
}
