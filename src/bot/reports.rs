//! What time and the workers bring: due requests, providers' answers, the clock itself.

use super::{
    Bot,
    changes::Step,
    facts::{Fresh, Whom},
    time::Notice,
};
use crate::{
    domain::{
        command::Actor,
        due,
        event::{Event, Operation},
        facts::{Facts, Groups},
        ids::PersonId,
        intent::{self, Intent},
        news::News,
        request::{Request, RequestId, State},
    },
    store::{Commit, CommitError, Fence, StoreError},
};

/// Tries before a stale commit is left to the next tick.
pub(super) const TRIES: usize = 20;

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl Bot {
    /// A worker's report: decides what the news means for each request and commits that together with `commit`
    /// (entitlement, claims, fence, ledger entries). Stale is retried inside; Fenced and Unavailable come out.
    pub async fn report(&self, news: Vec<(RequestId, News)>, commit: Commit) -> Result<(), CommitError> {
        for _ in 0..TRIES {
            let (catalogue, groups, now) = (self.catalogue(), Groups::default(), self.now());
            let mut whole = commit.clone();
            let mut steps = Vec::new();
            for (id, news) in &news {
                let Some(before) = self.store.request(id).await? else { continue };
                let events = due::news(&before, news, now);
                if !events.is_empty() {
                    steps.push((before, events));
                }
            }
            steps.sort_by(|a, b| a.0.id.cmp(&b.0.id));
            for (before, events) in &steps {
                let Some(after) = fold(before, events, now) else { continue };
                let step = Step { before: Some(before), after: &after, events, actor: &Actor::BOT, order: None };
                self.changes(&mut whole, step, &catalogue, &groups, now).await?;
            }
            match self.store.commit(whole).await {
                Err(CommitError::Stale) => {}
                done => {
                    self.wake.notify_waiters();
                    return done;
                }
            }
        }
        Err(CommitError::Stale)
    }

    /// At a claim's grant intent: do the votes still suffice under the policy in force (R16, R17, R15)? `untouched`: no call
    /// was ever begun for it; then what no longer suffices is asked again, else it is undone. `fence`: of the entitlement's
    /// lease, which what is written here depends on.
    /// False: not now, or the request has been moved on (its claim is no longer wanted); do not call.
    pub async fn may_grant(&self, id: &RequestId, untouched: bool, fence: &Fence) -> Result<bool, CommitError> {
        for _ in 0..TRIES {
            if self.is_frozen() {
                return Ok(false);
            }
            let Some(request) = self.store.request(id).await? else { return Ok(false) };
            let State::Granting { grant } = &request.state else { return Ok(matches!(request.state, State::Active { .. })) };
            let voters: Vec<&PersonId> = grant.votes.iter().map(|v| &v.person).chain([&request.subject]).collect();
            let catalogue = self.catalogue_knowing(voters.iter().copied()).await?;
            let groups = self.gather(&catalogue, Some(&request), Whom { others: &voters, ..Whom::default() }, Fresh::InTurn).await;
            let facts = Facts { catalogue: &catalogue, groups: &groups };
            let (events, granted) = match intent::judge(&request, untouched, &facts, self.now()) {
                Intent::Stands => return Ok(true),
                Intent::CannotTell => return Ok(false),
                Intent::Shorter(events) => (events, true),
                Intent::Falls(events) => (events, false),
            };
            let commit = Commit { fence: Some(fence.clone()), ..Commit::default() };
            match self.commit_step(&request, &events, &groups, commit).await {
                Err(CommitError::Stale) => {}
                done => return done.map(|()| granted),
            }
        }
        Ok(false)
    }

    /// Commits events of one request, decided here.
    pub(super) async fn commit_step(
        &self,
        before: &Request,
        events: &[Event],
        groups: &Groups,
        mut commit: Commit,
    ) -> Result<(), CommitError> {
        let (catalogue, now) = (self.catalogue(), self.now());
        let Some(after) = fold(before, events, now) else { return Ok(()) };
        let step = Step { before: Some(before), after: &after, events, actor: &Actor::BOT, order: None };
        self.changes(&mut commit, step, &catalogue, groups, now).await?;
        let done = self.store.commit(commit).await;
        self.wake.notify_waiters();
        done
    }

    pub(super) async fn watch_clock(&self) -> Result<(), CommitError> {
        let Some(notice) = self.guard.notice() else { return Ok(()) };
        match notice {
            Notice::Jumped { from, to } => {
                let what = format!("the clock jumped from {from} to {to}: what is due ends, nothing is granted until it is confirmed");
                self.raise("clock", what, Operation::ClockJumped { from, to }).await?;
                self.resumes();
            }
            Notice::Behind { highest, clock } => {
                let what =
                    format!("the clock says {clock}, and {highest} was reached already: time goes on from there; set the clock right");
                self.raise("clock_behind", what, None).await?;
            }
            Notice::Confirmed => self.confirm_clock(None).await?,
            Notice::SetRight => {
                self.clear("clock").await?;
                self.clear("clock_behind").await?;
            }
        }
        // Only what is recorded has been told.
        self.guard.told(notice);
        Ok(())
    }
}

/// The document after these events; an impossible one is a bug that is logged, not a panic.
pub(super) fn fold(before: &Request, events: &[Event], now: crate::domain::time::Instant) -> Option<Request> {
    match events.iter().try_fold(before.clone(), |request, event| request.apply(event, now)) {
        Ok(after) => Some(after),
        Err(illegal) => {
            tracing::error!(request.id = %before.id, "{illegal}");
            None
        }
    }
}
