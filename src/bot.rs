//! Loads, asks facts, decides, commits, and tries again when stale. The only way in for anything that starts work.

use crate::{
    domain::{news::News, request::RequestId, time::Instant},
    store::{Commit, CommitError},
};

/// The bot: shared by all doors and workers.
#[derive(Debug)]
pub struct Bot {}

impl Bot {
    /// The guarded time: never behind the highest seen (R17).
    pub fn now(&self) -> Instant {
        unimplemented!()
    }

    /// A worker's report: decides what the news means for each request and commits that together with `commit`
    /// (entitlement, claims, fence, ledger entries). Stale is retried inside; Fenced and Unavailable come out.
    pub async fn report(&self, _news: Vec<(RequestId, News)>, _commit: Commit) -> Result<(), CommitError> {
        unimplemented!()
    }

    /// Before the first grant call of a claim: do the votes still suffice under the policy in force (R16, R17, R15)?
    /// False: the request has been moved on (its claim is no longer wanted); do not call.
    pub async fn may_grant(&self, _request: &RequestId) -> Result<bool, CommitError> {
        unimplemented!()
    }

    /// Whatever has come due in requests: one batch. Returns how many were handled.
    pub async fn tick(&self) -> Result<usize, CommitError> {
        unimplemented!()
    }
}
