//! The trait that every adapter implements, and what passes through it.
//! An adapter only translates: time, approval, retries, claims, ownership of older access and the ledger are the core's.

pub mod broken;
pub mod build;
pub mod conformance;
pub mod exec;
mod krl;
pub mod postgresql;
pub mod pretend;
mod protocol;
mod revoked;
pub mod ssh;
pub mod webhook;

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::{
    entitlement::{Handle, Order, Ownership},
    event::Used,
    policy::{Person, Role},
    time::{Instant, Span},
};

/// What an adapter is and can do, for one form of access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The adapter's kind, such as `ssh`.
    pub name: String,
    pub version: String,
    pub ownership: Ownership,
    /// The target can end access by itself.
    pub native: Option<NativeExpiry>,
    pub sessions: Sessions,
    pub delivery: Delivery,
    pub evidence: bool,
    pub settling: Settling,
    /// Keys of `Person::logins` that must be there before somebody can hold a role.
    pub inputs: Vec<Input>,
    /// Longest that one call may take before it is given up as unknown.
    pub deadline: Span,
    pub verbs: Verbs,
}

impl Description {
    /// Does its holder get a secret, made when it is fetched?
    pub fn hands_over(&self) -> bool {
        self.delivery == Delivery::Secret && self.verbs.credential
    }
}

/// The target's own end of access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NativeExpiry {
    /// Its precision; ends are rounded up to it.
    pub grain: Span,
    /// `extend` moves it.
    pub extendable: bool,
}

/// What revoke does to sessions that are open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sessions {
    Cut,
    /// They end at their next request.
    NextRequest,
    /// They live on; how long at most, if known.
    LiveOn {
        at_most: Option<Span>,
    },
}

/// What the holder is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    None,
    /// Not secret; may be sent to the holder.
    Public,
    /// Made when fetched, shown once (`credential`).
    Secret,
}

/// How many agreeing reads, and this far apart, before "you have it" or "it is gone" may be said. At least one read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settling {
    pub reads: u32,
    pub apart: Span,
}

/// Something an adapter needs of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Key in `Person::logins`.
    pub key: String,
    /// How the person gives it, in a sentence.
    pub how: String,
}

/// Optional verbs that the adapter answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of capabilities, one per verb of the protocol")]
pub struct Verbs {
    pub poll: bool,
    pub extend: bool,
    pub credential: bool,
    pub holders: bool,
    pub uses: bool,
    /// Which sessions are open just now, asked again and again while access is live.
    pub sightings: bool,
    pub health: bool,
}

/// What an adapter made of a person and a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    pub target: serde_json::Value,
    pub principal: String,
    pub inputs: BTreeMap<String, String>,
    /// For approvers: what will be touched, in a sentence.
    pub preview: String,
    /// How an operator takes it away without us.
    pub by_hand: String,
}

/// What a look at the provider showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Absent,
    Present {
        native_expiry: Option<Instant>,
        detail: Option<String>,
    },
    /// The provider is still working on it.
    Pending {
        why: String,
    },
    /// It could not look. Never means absent.
    Unknown {
        why: String,
    },
}

/// What a changing call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Done(Done),
    /// Ask again with `poll`.
    Wait {
        op: String,
        handle: Option<Handle>,
        again_in: Span,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    pub handle: Option<Handle>,
    /// For the holder; no secret.
    pub how_to_connect: Option<String>,
    pub native_expiry: Option<Instant>,
    pub sessions_closed: Option<u32>,
    /// What remains and cannot be cleaned up, one line each.
    pub residue: Vec<String>,
}

/// Why a call did not work. `message` is safe to show: no secret, no text from people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    pub kind: FaultKind,
    pub message: String,
    pub retry_after: Option<Span>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Nothing was changed; worth another try.
    Transient,
    RateLimited,
    Conflict,
    /// Sent, no answer or one without meaning: observe before repeating.
    Ambiguous,
    NoSuchPrincipal,
    NoSuchTarget,
    /// Synchronised from elsewhere; not ours to change.
    Unmanaged,
    /// The bot's own rights do not suffice.
    Denied,
    Invalid,
    Unsupported,
}

impl FaultKind {
    /// Trying again without a human changes nothing.
    pub const fn is_permanent(self) -> bool {
        matches!(self, Self::NoSuchPrincipal | Self::NoSuchTarget | Self::Unmanaged | Self::Denied | Self::Invalid | Self::Unsupported)
    }
}

impl Fault {
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }

    /// The adapter was asked for a verb that it does not have.
    pub fn unsupported(verb: &str) -> Self {
        Self::new(FaultKind::Unsupported, format!("this adapter has no {verb}"))
    }
}

/// Somebody who holds a target, for drift.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// As in an order's `principal`, where it is the person's own; else as the target names it.
    pub principal: String,
    /// The order's `grant`, where the object carries it: then it is ours.
    pub grant: Option<String>,
    /// The object says by other means that it is ours, such as by who gave it. Without that and without `grant`, the core
    /// knows by its own records alone whose it is.
    pub ours: bool,
    /// The other target by which they hold this one, such as a role that is in this role; the nearest to them. None: they hold
    /// it themselves.
    pub through: Option<serde_json::Value>,
}

/// A session that is open just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Names the session as long as it lives, and no other one.
    pub session: String,
    /// When it began, as the target says; else now. On the target's clock.
    pub since: Instant,
    /// An address.
    pub from: Option<String>,
    /// What it says of itself. Text of others: shown as it is, and cut.
    pub about: Option<String>,
}

/// One thing that the bot's own account at a system should be able to do, or should not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// What it is about, in a few words: `create logins`, `give orders_write`.
    pub what: String,
    pub state: RightState,
    /// Why it is needed or too much, in a sentence.
    pub why: String,
    /// What mends it, for an administrator of that system to run, line by line. Empty where nothing is wrong.
    pub mend: Vec<String>,
}

/// Whether it is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RightState {
    Fine,
    /// It has it, and does not need it.
    TooMuch,
    /// Without it something does not work.
    Lacks,
}

/// A real system. Every verb is safe to repeat, and an adapter never removes what it did not make.
#[async_trait]
pub trait Provider: Send + Sync {
    fn describe(&self) -> &Description;

    /// Is that what it says of itself? False while it was never reached: then nobody knows which verbs it has, and a call that
    /// reaches it, such as `health`, may change that.
    fn is_known(&self) -> bool {
        true
    }

    /// The same, of what is given on this target: a role's as configured, or an order's as resolved. Differs where an adapter
    /// has several forms of access, or one that depends on the version of its system, which may be known only after `resolve`.
    /// An order's ownership is fixed with its entitlement; name, version and deadline are the same for every target.
    fn describe_for(&self, _target: &serde_json::Value) -> &Description {
        self.describe()
    }

    /// How many entitlements may be worked on at the same time; None: the bot's usual number.
    fn at_once(&self) -> Option<u32> {
        None
    }

    /// Looks up person and role; changes nothing.
    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault>;

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault>;

    /// Gives the access; `until` is when the target's own expiry may end it (a little after our own end).
    ///
    /// `left`, here and in what else changes something: real time until the deadline that was committed for this call.
    /// Nothing of the call may take effect later, also when nobody waits for its answer any more: then it is told
    /// whether the access is there. An adapter whose effects end with the future has nothing to do for that.
    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault>;

    /// Takes it away, sessions too where that is possible. Succeeds when nothing is there; works without a handle.
    /// Not called when the access was there before.
    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault>;

    /// What became of an operation that answered `Wait`.
    async fn poll(&self, _order: &Order, _op: &str) -> Result<Step, Fault> {
        Err(Fault::unsupported("poll"))
    }

    /// Moves the target's own expiry; never earlier than it was.
    async fn extend(&self, _order: &Order, _handle: Option<&Handle>, _until: Instant, _left: Duration) -> Result<Step, Fault> {
        Err(Fault::unsupported("extend"))
    }

    /// Sets a fresh credential at the target and hands it over; the one before stops working.
    async fn credential(&self, _order: &Order, _handle: Option<&Handle>) -> Result<secrecy::SecretString, Fault> {
        Err(Fault::unsupported("credential"))
    }

    /// What an order's `target` is for this role, whoever asks for it; None: that depends on who asks, and only what is held,
    /// differs already, or was held not long ago is looked at for drift.
    fn target_of(&self, role: &Role) -> Option<serde_json::Value> {
        Some(role.target.clone())
    }

    /// The part of a target that says who holds it: targets with the same part have the same holders, whatever else differs.
    fn held_part(&self, target: &serde_json::Value) -> serde_json::Value {
        target.clone()
    }

    /// Everybody who holds the target now: as an order's `target`, or as `target_of` has it.
    async fn holders(&self, _target: &serde_json::Value) -> Result<Vec<Holder>, Fault> {
        Err(Fault::unsupported("holders"))
    }

    /// Whether and how it was used since `since`.
    async fn uses(&self, _order: &Order, _handle: Option<&Handle>, _since: Instant) -> Result<Used, Fault> {
        Err(Fault::unsupported("uses"))
    }

    /// What the bot's own account lacks or has too much of, to give roles with these targets, as they are configured.
    /// Fine ones are in the list too. Changes nothing.
    async fn rights(&self, _targets: &[serde_json::Value]) -> Result<Vec<Right>, Fault> {
        Err(Fault::unsupported("rights"))
    }

    /// The sessions that are open just now, for each of these orders in their order. Changes nothing.
    async fn sightings(&self, _orders: &[Order]) -> Result<Vec<Vec<Sighting>>, Fault> {
        Err(Fault::unsupported("sightings"))
    }

    /// Do the credentials work, do the rights suffice? Changes nothing. One line for the operator.
    async fn health(&self) -> Result<String, Fault> {
        Err(Fault::unsupported("health"))
    }
}
