//! The store: requests, entitlements, claims, tasks, inbox, posts, words, alarms and the ledger's entries,
//! in SQLite or PostgreSQL, behind one type. Everything that changes goes through `commit`, one transaction.
//! Must not decide anything.

mod api;
mod apply;
mod audit;
mod db;
mod digests;
pub mod document;
mod drift;
mod entries;
pub mod entry;
mod held;
mod history;
mod holders;
mod jobs;
mod leases;
mod ledger;
mod links;
mod listing;
mod members;
mod open;
mod owed;
mod posts;
mod questions;
mod sightings;
mod snapshot;
mod tx;
mod verified;
mod writer;

pub use api::{Leased, Received, Seal, Store, StoredCheckpoint};
pub use audit::{Counts, StoredLeaf, StoredWords};
pub use digests::{DigestPost, DigestWrite};
pub use drift::{DriftWrite, Look, LookWrite};
pub use held::Holding;
pub use history::{Cursor, HELD_MAX, HeldThen, Page, Search, Troubled};
pub use links::LinkWrite;
pub use listing::Filter;
pub use members::MemberWrite;
pub use sightings::SightingWrite;
pub use snapshot::Snapshot;
pub use verified::{Audits, Checked, CheckedWrite};

use serde::{Deserialize, Serialize};

use crate::domain::{
    command::Actor,
    entitlement::{Claim, Entitlement, EntitlementKey},
    ids::PersonId,
    request::{Request, RequestId},
    time::Instant,
    words::Words,
};

/// A transaction's worth of changes, applied in lock order: inbox, requests, entitlements, claims, tasks, ledger.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// Inbox row that this answers; it must still be open, else the commit is `Stale`.
    pub inbox_done: Option<InboxId>,
    pub requests: Vec<RequestWrite>,
    pub entitlements: Vec<EntitlementWrite>,
    pub claims: Vec<ClaimWrite>,
    pub tasks: Vec<TaskWant>,
    pub posts: Vec<PostWrite>,
    pub alarms: Vec<AlarmWrite>,
    /// What was told of alarms, by their id: only who tells them writes it.
    pub alarms_told: Vec<(String, String)>,
    pub inputs: Vec<InputWrite>,
    pub links: Vec<LinkWrite>,
    pub members: Vec<MemberWrite>,
    pub drift: Vec<DriftWrite>,
    pub looks: Vec<LookWrite>,
    pub sightings: Vec<SightingWrite>,
    pub digests: Vec<DigestWrite>,
    pub words: Vec<Words>,
    pub entries: Vec<NewEntry>,
    /// Checked last; not held any more means `Fenced` and nothing is written.
    pub fence: Option<Fence>,
    /// The clock's high-water mark moves up to this (R17).
    pub now: Option<Instant>,
}

/// A request's new document. `expected` is the stored `n`; None inserts.
#[derive(Debug, Clone)]
pub struct RequestWrite {
    pub request: Request,
    pub expected: Option<u64>,
    /// When it must be looked at again; None: never.
    pub wake_at: Option<Instant>,
}

#[derive(Debug, Clone)]
pub enum EntitlementWrite {
    /// Makes the row if there is none; raises `gen` and brings `due_at` forward in any case. Needs no lease.
    Want { row: Entitlement, due_at: Instant, urgent: bool },
    /// Raises `gen`, brings `due_at` forward. Needs no lease.
    Raise { key: EntitlementKey, due_at: Instant, urgent: bool },
    /// The lease holder's: replaces the document. Goes with `Commit::fence`.
    /// `due_at` None: not due again unless `gen` was raised meanwhile; `release`: gives the lease back.
    Save { row: Entitlement, due_at: Option<Instant>, urgent: bool, seen_gen: i64, release: bool },
    /// Takes the lease from whoever has it (or only from the holder of `fence`, if it still is the holder); due at `at`, and
    /// nobody can lease it before. No row: nothing to do.
    Free { key: EntitlementKey, fence: Option<i64>, at: Instant },
    /// The lease holder's: removes the row if `gen` is still `seen_gen` and no claim is left; otherwise only releases.
    /// `past`: it is kept aside then.
    Drop { key: EntitlementKey, seen_gen: i64, past: Option<Past> },
}

/// How an entitlement that is over is found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The name by which the object carries it: the order's `grant`.
    pub object: String,
    pub at: Instant,
}

#[derive(Debug, Clone)]
pub enum ClaimWrite {
    /// Insert or replace the row of this entitlement and grant.
    Put(Claim),
    Remove {
        entitlement: EntitlementKey,
        grant: crate::domain::request::GrantId,
    },
}

/// Holding an entitlement's lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    pub key: EntitlementKey,
    pub fence: i64,
}

/// One row per (kind, key); every enqueue raises `wanted`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskWant {
    pub kind: TaskKind,
    /// Such as `R-7K3QD2/console/#db-approvers`.
    pub key: String,
    /// Tasks of one queue are done in order of due time and share its pace and its failures: a channel, a person.
    pub queue: String,
    pub due_at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskKind {
    /// Bring a card in line.
    Card,
    /// Bring a thread, or a person's direct messages about a request, up to date from its cursor.
    Thread,
    /// Bring an alarm's post and program in line.
    Alarm,
    /// Tell a person that an account was joined to them, or parted from them.
    Link,
    /// Post a digest at a place, as far as it does not stand there yet.
    Digest,
}

impl TaskKind {
    const ALL: [Self; 5] = [Self::Card, Self::Thread, Self::Alarm, Self::Link, Self::Digest];

    /// Its name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Thread => "thread",
            Self::Alarm => "alarm",
            Self::Link => "link",
            Self::Digest => "digest",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A task that this process has leased.
#[derive(Debug, Clone)]
pub struct Task {
    pub kind: TaskKind,
    pub key: String,
    pub queue: String,
    /// As it was when leased: finishing is refused if it was raised since.
    pub wanted: i64,
    pub fence: i64,
    pub tries: u32,
}

/// What became of a leased task.
#[derive(Debug, Clone, Copy)]
pub enum TaskEnd {
    Done,
    /// Look again then; `failed` counts a try.
    Again {
        due_at: Instant,
        failed: bool,
    },
    /// It was not its turn: not before then, whatever is wanted of it meanwhile. Its tries stay as they are.
    Waits {
        due_at: Instant,
    },
}

/// Where a message stands, in the platform's own ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    pub channel: String,
    pub message: String,
}

/// Where a request's card stands in one place, and how far its story was told there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub request: RequestId,
    pub platform: crate::domain::policy::Platform,
    /// A channel's id, or `@` and a person's id for direct messages.
    pub place: String,
    pub posted: Option<Posted>,
    /// Digest of what was last shown.
    pub shown: Option<String>,
    /// Nonce of a card that may have been sent, on a chat that would not recognise it.
    pub sending: Option<String>,
    /// How many events of the request's stream have been told: the number of the next one.
    pub cursor: u64,
    /// Nonce of what tells the next event and may have been sent, on a chat that would not recognise it.
    pub telling: Option<String>,
}

/// One half of a post: whoever shows the card never writes over what was told meanwhile, nor the other way round.
#[derive(Debug, Clone)]
pub enum PostWrite {
    /// `posted`, `shown` and `sending`.
    Card(Post),
    /// `cursor`, which never goes back, and `telling`.
    Told(Post),
}

/// An open or closed alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Such as `still_open/R-7K3QD2` or `clock`.
    pub id: String,
    pub request: Option<RequestId>,
    pub raised_at: Instant,
    pub cleared_at: Option<Instant>,
    /// One line for humans; no text from people.
    pub what: String,
    /// Ops channel posts, edited rather than repeated: JSON.
    pub told: String,
}

/// Raises, changes or clears an alarm; `told` counts only for a new one.
#[derive(Debug, Clone)]
pub struct AlarmWrite(pub Alarm);

/// Something a person gave once and we keep: an SSH public key.
#[derive(Debug, Clone)]
pub struct InputWrite {
    pub person: PersonId,
    pub key: String,
    pub value: String,
    pub at: Instant,
}

/// A ledger entry to append. Its number in the stream is given by the store, in the transaction.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// `request/R-7K3QD2`, `entitlement/<key>`, `bot`.
    pub stream: String,
    pub at: Instant,
    pub actor: Actor,
    pub policy: String,
    /// The event's JSON.
    pub event: serde_json::Value,
}

/// A ledger entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Append order within this store; gaps are possible.
    pub id: i64,
    pub stream: String,
    pub n: u64,
    pub at: Instant,
    /// Canonical JSON: exactly what is hashed.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxId {
    pub platform: crate::domain::policy::Platform,
    pub interaction: String,
}

/// A verified command, durable before it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    pub id: InboxId,
    pub at: Instant,
    /// The door's own JSON.
    pub body: String,
}

/// Why a commit was not made. Nothing of it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Somebody else changed the same thing first: load and decide again.
    #[error("changed by somebody else meanwhile")]
    Stale,
    /// The lease is lost: stop.
    #[error("the lease is lost")]
    Fenced,
    /// The store refuses writes: nothing was recorded (R12).
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It can never be written as it is: a ledger entry too long, or with numbers that readers disagree about.
    #[error("the ledger cannot hold this: {0}")]
    Refused(String),
}

/// Why a read gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    #[error("the store holds what this version cannot read: {0}")]
    Corrupt(String),
    /// Another process has the file.
    #[error("{0}")]
    Locked(String),
}
