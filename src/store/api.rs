//! The store's reads and leases, one method each.

use std::collections::BTreeMap;

use super::{Alarm, Commit, CommitError, Entry, InboxRow, Post, StoreError, Task, TaskEnd};
use crate::domain::{
    entitlement::{Claim, Entitlement, EntitlementKey},
    ids::{PersonId, ProviderName, ResourceId},
    policy::Platform,
    request::{Request, RequestId},
    time::Instant,
    words::{Texts, WordId},
};

/// SQLite or PostgreSQL; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {}

/// An entitlement leased by this process.
#[derive(Debug, Clone)]
pub struct Leased {
    pub row: Entitlement,
    /// As it was when leased.
    pub generation: i64,
    pub fence: i64,
}

/// Which requests to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// As requester or subject.
    pub person: Option<PersonId>,
    pub resource: Option<ResourceId>,
    /// Only open ones, only closed ones, or both.
    pub open: Option<bool>,
    pub since: Option<Instant>,
    pub limit: u32,
}

/// What became of an inbox row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    New,
    /// Seen before: acknowledge, do nothing.
    Duplicate,
}

/// A sealed place in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Leaf index, from zero, without gaps.
    pub index: u64,
    pub entry: i64,
    pub leaf: [u8; 32],
}

/// A signed tree head, as text (C2SP signed note).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    pub size: u64,
    pub root: [u8; 32],
    pub note: String,
    pub at: Instant,
}

impl Store {
    /// `sqlite:PATH` or `postgres://..`. Takes the lock (SQLite), migrates, refuses a newer schema.
    pub async fn open(_url: &str) -> Result<Self, StoreError> {
        unimplemented!()
    }
    /// Writes all of it or nothing. Answered after COMMIT.
    pub async fn commit(&self, _commit: Commit) -> Result<(), CommitError> {
        unimplemented!()
    }
    pub async fn request(&self, _id: &RequestId) -> Result<Option<Request>, StoreError> {
        unimplemented!()
    }
    /// Requests whose `wake_at` has come, earliest first.
    pub async fn due_requests(&self, _now: Instant, _limit: u32) -> Result<Vec<RequestId>, StoreError> {
        unimplemented!()
    }
    pub async fn requests(&self, _filter: &Filter) -> Result<Vec<Request>, StoreError> {
        unimplemented!()
    }
    /// Earliest due time of anything: requests, entitlements, tasks.
    pub async fn next_due(&self) -> Result<Option<Instant>, StoreError> {
        unimplemented!()
    }
    /// Entries of one stream from number `from` on.
    pub async fn entries(&self, _stream: &str, _from: u64, _limit: u32) -> Result<Vec<Entry>, StoreError> {
        unimplemented!()
    }
    /// Entries of all streams in append order, `id > after`.
    pub async fn all_entries(&self, _after: i64, _limit: u32) -> Result<Vec<Entry>, StoreError> {
        unimplemented!()
    }
    /// The texts of these ids; erased ones are absent.
    pub async fn texts(&self, _ids: &[WordId]) -> Result<Texts, StoreError> {
        unimplemented!()
    }
    /// Makes a verified command durable.
    pub async fn receive(&self, _row: InboxRow) -> Result<Received, CommitError> {
        unimplemented!()
    }
    /// Commands that were received and not handled, oldest first.
    pub async fn inbox_open(&self, _limit: u32) -> Result<Vec<InboxRow>, StoreError> {
        unimplemented!()
    }
    /// Leases due tasks until `until`, earliest first, at most one per queue, none of `skip` (queues busy here).
    pub async fn lease_tasks(&self, _now: Instant, _until: Instant, _skip: &[String], _limit: u32) -> Result<Vec<Task>, StoreError> {
        unimplemented!()
    }
    /// Ends a lease. `Done` only if `wanted` is still what it was, else due at once. Fenced: another process has it.
    pub async fn finish_task(&self, _task: &Task, _end: TaskEnd) -> Result<(), CommitError> {
        unimplemented!()
    }
    /// Leases due entitlements of one provider until `until`; urgent ones (ends) first, then by due time.
    pub async fn lease_entitlements(
        &self,
        _provider: &ProviderName,
        _now: Instant,
        _until: Instant,
        _limit: u32,
    ) -> Result<Vec<Leased>, StoreError> {
        unimplemented!()
    }
    /// Providers with entitlements that are due and not leased.
    pub async fn due_providers(&self, _now: Instant) -> Result<Vec<ProviderName>, StoreError> {
        unimplemented!()
    }
    /// A read of its own, after the lease was taken.
    pub async fn claims(&self, _keys: &[EntitlementKey]) -> Result<Vec<Claim>, StoreError> {
        unimplemented!()
    }
    pub async fn entitlement(&self, _key: &EntitlementKey) -> Result<Option<Entitlement>, StoreError> {
        unimplemented!()
    }
    /// Entitlements with any claim that ends (or is no longer wanted) before `before`, with all their claims.
    pub async fn ending_before(&self, _before: Instant, _limit: u32) -> Result<Vec<(Entitlement, Vec<Claim>)>, StoreError> {
        unimplemented!()
    }
    pub async fn posts(&self, _request: &RequestId) -> Result<Vec<Post>, StoreError> {
        unimplemented!()
    }
    /// Open alarms, oldest first.
    pub async fn open_alarms(&self) -> Result<Vec<Alarm>, StoreError> {
        unimplemented!()
    }
    pub async fn alarm(&self, _id: &str) -> Result<Option<Alarm>, StoreError> {
        unimplemented!()
    }
    /// What a person gave once (`InputWrite`), by key.
    pub async fn inputs(&self, _person: &PersonId) -> Result<BTreeMap<String, String>, StoreError> {
        unimplemented!()
    }
    /// Platform identities joined with `/jit link` and similar are kept as inputs `identity.<platform>`.
    pub async fn person_linked(&self, _platform: Platform, _user: &str) -> Result<Option<PersonId>, StoreError> {
        unimplemented!()
    }
    /// The clock's high-water mark.
    pub async fn highest_now(&self) -> Result<Option<Instant>, StoreError> {
        unimplemented!()
    }
    /// Entries without a seal, in the order in which they are to be sealed.
    pub async fn unsealed(&self, _limit: u32) -> Result<Vec<Entry>, StoreError> {
        unimplemented!()
    }
    /// Appends seals and their checkpoint in one transaction. Stale: another process sealed first.
    pub async fn seal(&self, _seals: Vec<Seal>, _checkpoint: StoredCheckpoint) -> Result<(), CommitError> {
        unimplemented!()
    }
    /// Seals with their entries' bytes, from leaf `from` on.
    pub async fn sealed(&self, _from: u64, _limit: u32) -> Result<Vec<(Seal, Entry)>, StoreError> {
        unimplemented!()
    }
    pub async fn last_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        unimplemented!()
    }
    pub async fn checkpoints(&self) -> Result<Vec<StoredCheckpoint>, StoreError> {
        unimplemented!()
    }
}
