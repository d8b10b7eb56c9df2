//! What time alone brings to requests, in batches: nobody outside is asked here, so that nobody keeps an alarm waiting (R3).
//! Scheduled starts, which must ask, are put down for `starts`.

use super::{Bot, changes::Step, reports::fold, starts::Start};
use crate::{
    domain::{
        command::Actor,
        copies,
        decide::Context,
        due,
        event::Event,
        facts::{Facts, Groups},
        request::{GrantId, Request, RequestId, State},
        time::Span,
    },
    faults,
    store::{Commit, CommitError, RequestWrite},
};

/// Due requests decided in one transaction.
const BATCH: u32 = 500;
/// Until a start that did not come about, or a request of which something cannot be written, is looked at again.
const LATER: Span = Span::from_seconds(10);

impl Bot {
    /// Whatever has come due in requests: one batch. Returns how many were handled.
    pub async fn tick(&self) -> Result<usize, CommitError> {
        self.watch_clock().await?;
        self.look_at_links().await?;
        let due = self.store.due_requests(self.now(), BATCH).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let (mut whole, mut starts) = (Commit::default(), Vec::new());
        for before in self.store.requests_by_id(&due).await? {
            starts.extend(self.tick_one(before, &mut whole).await?);
        }
        let (decides, alarms) = (!whole.entries.is_empty(), !whole.alarms.is_empty());
        if decides {
            faults::point("tick.deciding");
        }
        match self.store.commit(whole).await {
            // Somebody was faster on one of them, or one of them cannot be written.
            Err(CommitError::Stale | CommitError::Refused(_)) => self.tick_each(&due).await?,
            done => {
                done?;
                self.starts.add(starts);
            }
        }
        if decides {
            faults::point("tick.decided");
        }
        if alarms {
            faults::point("alarm.raised");
        }
        self.wake.notify_waiters();
        Ok(due.len())
    }

    /// Each by itself: one that cannot be written keeps no other waiting.
    async fn tick_each(&self, due: &[RequestId]) -> Result<(), CommitError> {
        for before in self.store.requests_by_id(due).await? {
            let mut one = Commit::default();
            let start = self.tick_one(before.clone(), &mut one).await?;
            match self.store.commit(one).await {
                Ok(()) => self.starts.add(start),
                Err(CommitError::Stale) => {}
                Err(CommitError::Refused(why)) => {
                    tracing::error!(request.id = %before.id, "what its time brings cannot be written down: {why}");
                    let mut later = Commit::default();
                    self.look_later(before, &mut later);
                    match self.store.commit(later).await {
                        Ok(()) | Err(CommitError::Stale) => {}
                        Err(error) => return Err(error),
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Adds what has come due in one request to the transaction; a start is only moved on, and handed back.
    async fn tick_one(&self, before: Request, commit: &mut Commit) -> Result<Option<Start>, CommitError> {
        let (catalogue, groups, now) = (self.catalogue(), Groups::default(), self.now());
        if let State::Scheduled { .. } = &before.state {
            let provider = catalogue.resources.get(&before.main_ask().resource).map(|resource| resource.provider.clone());
            let start = Start { request: before.id.clone(), provider };
            self.look_later(before, commit);
            return Ok((!self.is_frozen()).then_some(start));
        }
        let facts = Facts { catalogue: &catalogue, groups: &groups };
        let context = Context { facts, now, grant: GrantId::new(self.random()), order: None, preview: None };
        let events = due::tick(&before, &context, self.resumed());
        if only_calls(&events) && copies::depend_on_chats(&before, &facts, now) {
            let start = Start { request: before.id.clone(), provider: None };
            self.look_later(before, commit);
            return Ok(Some(start));
        }
        let Some(after) = fold(&before, &events, now) else {
            self.look_later(before, commit);
            return Ok(None);
        };
        let step = Step { before: Some(&before), after: &after, events: &events, actor: &Actor::BOT, order: None };
        self.changes(commit, step, &catalogue, &groups, now).await?;
        Ok(None)
    }

    /// It is due again a little later, and nothing else of it changes.
    fn look_later(&self, request: Request, commit: &mut Commit) {
        let expected = Some(request.n);
        commit.requests.push(RequestWrite { request, expected, wake_at: Some(self.now() + LATER) });
    }
}

/// A rung opens, and nothing is due that may not wait for a chat's answer.
fn only_calls(events: &[Event]) -> bool {
    let calls = |event: &Event| matches!(event, Event::Escalated { .. });
    events.iter().any(calls) && events.iter().all(|event| calls(event) || matches!(event, Event::Reminded))
}
