//! Scheduled starts, and rungs whose people only a chat knows: each asks chats, a start also a provider, which may be slow, so
//! each is made apart from the clock's ticks and from the others. What does not come about is due again a little later.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::{
    Bot,
    changes::Step,
    facts::{Fresh, Whom},
    reports::{TRIES, fold},
};
use crate::{
    domain::{
        command::Actor,
        decide::Context,
        due,
        facts::Facts,
        ids::ProviderName,
        request::{GrantId, RequestId, State},
    },
    store::{Commit, CommitError},
};

/// A scheduled request whose time has come, or one of which a rung opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    pub request: RequestId,
    /// Whose answer it may have to wait for; None: nobody's but the chats'.
    pub provider: Option<ProviderName>,
}

/// What the ticks found and nobody has begun yet. Lives in memory only: the store has it due again a little later.
#[derive(Default)]
pub(super) struct Starts {
    due: Mutex<BTreeMap<RequestId, Option<ProviderName>>>,
    bell: tokio::sync::Notify,
}

impl Starts {
    pub(super) fn add(&self, starts: impl IntoIterator<Item = Start>) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.extend(starts.into_iter().map(|start| (start.request, start.provider)));
        if !due.is_empty() {
            self.bell.notify_one();
        }
    }
}

impl Bot {
    /// The starts that have come due since this was asked last; each is for `start`.
    pub fn take_starts(&self) -> Vec<Start> {
        let due = std::mem::take(&mut *self.starts.due.lock().unwrap_or_else(PoisonError::into_inner));
        due.into_iter().map(|(request, provider)| Start { request, provider }).collect()
    }

    /// Waits until there may be starts to take.
    pub async fn starts_are_due(&self) {
        self.starts.bell.notified().await;
    }

    /// Begins a scheduled request, if all of its approvals still stand and chats and provider answer; opens a rung, and calls
    /// those whom the chats say are on it.
    pub async fn start(&self, id: &RequestId) -> Result<(), CommitError> {
        for _ in 0..TRIES {
            let Some(before) = self.store.request(id).await? else { return Ok(()) };
            let scheduled = matches!(before.state, State::Scheduled { .. });
            if (scheduled && self.is_frozen()) || before.round().is_none() {
                return Ok(());
            }
            // A start is a decision that grants something.
            let _decision = self.decisions.read().await;
            let voters = before.round().into_iter().flat_map(|round| round.votes.iter().map(|vote| &vote.person));
            let catalogue = self.catalogue_knowing(voters.chain([&before.subject]).collect::<Vec<_>>()).await?;
            let groups =
                self.gather(&catalogue, Some(&before), Whom { others: &[&before.subject], ..Whom::default() }, Fresh::InTurn).await;
            let ask = before.main_ask();
            let order = if scheduled {
                self.resolve(&catalogue, &before.subject, &ask.resource, &ask.role).await.ok().map(|(o, w, _)| (o, w))
            } else {
                None
            };
            let (facts, now) = (Facts { catalogue: &catalogue, groups: &groups }, self.now());
            let context = Context { facts, now, grant: GrantId::new(self.random()), order: order.clone(), preview: None };
            let events = due::tick(&before, &context, self.resumed());
            let Some(after) = fold(&before, &events, now).filter(|_| !events.is_empty()) else { return Ok(()) };
            let mut commit = Commit::default();
            let step = Step { before: Some(&before), after: &after, events: &events, actor: &Actor::BOT, order };
            self.changes(&mut commit, step, &catalogue, &groups, now).await?;
            match self.store.commit(commit).await {
                Err(CommitError::Stale) => {}
                done => {
                    self.wake.notify_waiters();
                    return done;
                }
            }
        }
        Err(CommitError::Stale)
    }
}
