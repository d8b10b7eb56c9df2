//! What is committed of a call to a provider: the row under its fence, and the ledger's entries, which are the intent before
//! it, each change of the answer, and the outcome (R2).

use super::{
    Commit, CommitError, Done, Effect, EntitlementWrite, Fence, Instant, Job, NewEntry, News, Order, Outcome, RequestId, Stop, Verb, entry,
    faults, holds,
};

/// Tries before a stale commit is given up and the lease with it.
const TRIES: usize = 20;

impl Job<'_> {
    pub(super) fn answered(&mut self, verb: Verb, answer: String) -> Vec<NewEntry> {
        if self.leased.row.last_answer.as_deref() == Some(answer.as_str()) {
            return Vec::new();
        }
        self.leased.row.last_answer = Some(answer.clone());
        vec![self.entry(&Effect::Answer { verb, answer })]
    }

    pub(super) fn outcome(&self, verb: Verb, outcome: Outcome, tries: u32, detail: String) -> NewEntry {
        self.entry(&Effect::Outcome { verb, outcome, tries, detail })
    }

    pub(super) fn intent(&self, verb: Verb, deadline: Instant) -> NewEntry {
        let row = &self.leased.row;
        let Order { provider, target, principal, .. } = &row.order;
        self.entry(&Effect::Intent {
            verb,
            deadline,
            had_before: row.had_before,
            grants: self.claims.iter().map(|c| c.grant.to_string()).collect(),
            provider: provider.to_string(),
            target: target.to_string(),
            principal: principal.clone(),
        })
    }

    pub(super) fn entry(&self, effect: &Effect) -> NewEntry {
        entry(self.deps, &self.leased.row.key, effect)
    }

    pub(super) async fn save(&self, news: Vec<(RequestId, News)>, entries: Vec<NewEntry>) -> Done<()> {
        let now = self.deps.bot.now();
        let write = EntitlementWrite::Save {
            row: self.leased.row.clone(),
            due_at: Some(self.leased.row.call.as_ref().map_or(now, |c| c.deadline)),
            urgent: self.is_ending(now),
            seen_gen: self.leased.generation,
            release: self.gives_way,
        };
        self.commit(news, write, entries).await
    }

    pub(super) async fn release(&self, due_at: Option<Instant>) -> Done<()> {
        let urgent = self.is_ending(self.deps.bot.now());
        let (row, seen_gen) = (self.leased.row.clone(), self.leased.generation);
        self.commit(Vec::new(), EntitlementWrite::Save { row, due_at, urgent, seen_gen, release: true }, Vec::new()).await
    }

    pub(super) fn is_ending(&self, now: Instant) -> bool {
        self.claims.iter().any(|c| !holds(c, now))
    }

    pub(super) async fn commit(&self, news: Vec<(RequestId, News)>, write: EntitlementWrite, entries: Vec<NewEntry>) -> Done<()> {
        let fence = Some(Fence { key: self.leased.row.key.clone(), fence: self.leased.fence });
        let commit = Commit { entitlements: vec![write], entries, fence, ..Commit::default() };
        if news.is_empty() {
            return self.again(commit).await;
        }
        faults::point("news.deciding");
        self.deps.bot.report(news, commit).await?;
        faults::point("news.decided");
        Ok(())
    }

    /// Commits what depends on nothing but the lease: when a deadlock stops it, it is written again as it is.
    async fn again(&self, commit: Commit) -> Done<()> {
        for _ in 0..TRIES {
            match self.deps.store.commit(commit.clone()).await {
                Err(CommitError::Stale) => {}
                done => return done.map_err(Stop::from),
            }
        }
        Err(Stop::Stale)
    }
}
