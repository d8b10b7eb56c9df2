//! The second aggregate: what a provider switches on and off, shared by every live grant that wants it on.
//! Plain rows: `plan` decides the next step from them.

use serde::{Deserialize, Serialize};

use super::{
    event::Verb,
    ids::{PersonId, ProviderName},
    request::{GrantId, RequestId},
    time::Instant,
};

/// Version of the stored document. A test loads one of every version ever written.
pub const DOCUMENT_VERSION: u32 = 1;

/// `sha256` over provider, target and principal (and the grant, where the object is per grant), 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntitlementKey(pub String);

/// Whose the object at the provider is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// The object carries our grant id.
    PerGrant,
    /// One object of the bot's for all its grants.
    Ours,
    /// One bit without an owner: what was there before must stay.
    Shared,
}

/// Everything an adapter needs, fixed with the intent; identical on every repeat, whatever bot.toml says since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub provider: ProviderName,
    /// The thing in the provider as the adapter resolved it.
    pub target: serde_json::Value,
    /// The person as the provider knows them.
    pub principal: String,
    pub person: PersonId,
    /// For instance the SSH public key.
    pub inputs: std::collections::BTreeMap<String, String>,
    /// Stable name for the object: the grant's id where per grant, else made from the key.
    pub grant: String,
    /// How to take it away by hand, for alarms.
    pub by_hand: String,
}

/// What an adapter remembers about its object; at most 8 KiB, no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handle(pub serde_json::Value);

/// The stored row. `gen`, `due_at`, `leased_until` and `fence` are columns of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    pub v: u32,
    pub key: EntitlementKey,
    pub ownership: Ownership,
    pub order: Order,
    /// Only for shared: was it there before the first claim; None until observed.
    pub had_before: Option<bool>,
    pub handle: Option<Handle>,
    /// A grant took effect, or may have: something of ours may be there.
    pub given: bool,
    pub native_expiry: Option<Instant>,
    /// A call whose answer is not known yet.
    pub call: Option<Call>,
    /// Latest deadline of any call whose answer was never known; "gone" needs a look later than this.
    pub unknown_until: Option<Instant>,
    /// Agreeing reads so far, towards the adapter's `settling`.
    pub reads: u32,
    /// Tries of the present verb, for the outcome and the backoff.
    pub tries: u32,
    pub last_answer: Option<String>,
    /// Collected by the revoke, for the summary.
    pub sessions_closed: Option<u32>,
    pub residue: Vec<String>,
    /// An operation that the provider is still working on; `progress.waiting_for` says which.
    pub waiting: Option<String>,
    /// How far the present verb has come: what `plan` remembers between two leases.
    #[serde(default)]
    pub progress: Progress,
    /// What ends left behind, until it is gone or settled; None: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leftover: Option<Leftover>,
    /// For whom it was given last, or whose end was said last: whose access it is if it is there again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<RequestId>,
}

/// What is left to do after an end was said. Worked on only while nobody claims the entitlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// Whose ends left it: their alarms are open until nothing remains, or somebody settles it.
    pub requests: Vec<RequestId>,
    /// What remained by the newest answer, one line each.
    pub residue: Vec<String>,
    /// The access itself was found there after its end was said: over only when it was read as absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
    /// Tries since something changed.
    pub tries: u32,
    /// Not again before then.
    pub next_at: Instant,
}

/// What the worker has learnt since the last change of direction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// The verb that is being tried, and when again.
    pub trying: Option<(Verb, Instant)>,
    /// Grants whose giving was answered, until they are read back.
    pub answered: Vec<GrantId>,
    /// For the holder; no secret.
    pub how_to_connect: Option<String>,
    /// A revoke was answered, and nothing given since.
    pub revoked: bool,
    /// What the newest reads agree on, and when the newest was made.
    pub seen: Option<(bool, Instant)>,
    /// Last look at access that is live.
    pub looked_at: Option<Instant>,
    /// Told that it is absent though live; never given again, not told twice.
    pub found_absent: bool,
    /// Grants for which a call was begun: what they approved may have taken effect.
    pub begun: Vec<GrantId>,
    /// The end that the call in flight asks the target's own expiry to cover.
    pub asking: Option<Instant>,
    /// The furthest end that the target was asked to cover and answered: it is not asked twice, also where it gave less.
    pub asked: Option<Instant>,
    /// What the operation in `waiting` was begun by.
    pub waiting_for: Option<Verb>,
    /// Operations that give access and had not ended when the access was taken away: they may still land,
    /// so "gone" is not said before each has been seen to end.
    pub overtaken: Vec<String>,
    /// Taken away and read as absent then, while the store refused writes (R12).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unwritten: Option<Instant>,
}

/// A call in flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub verb: Verb,
    pub started: Instant,
    pub deadline: Instant,
}

/// One row per grant that wants, or wanted, the entitlement on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub entitlement: EntitlementKey,
    pub request: RequestId,
    pub grant: GrantId,
    pub wanted: bool,
    /// None until it works.
    pub until: Option<Instant>,
    /// An approved extension that the target has not been told yet.
    pub extend_to: Option<Instant>,
    /// No access later than this while it does not work yet.
    pub latest: Instant,
    /// Try to grant until then.
    pub give_up_at: Instant,
    /// How long it is to last once it works.
    pub duration: super::time::Span,
}

impl Entitlement {
    /// Nothing is known and nothing was done yet.
    pub fn new(key: EntitlementKey, ownership: Ownership, order: Order) -> Self {
        Self {
            v: DOCUMENT_VERSION,
            key,
            ownership,
            order,
            had_before: None,
            handle: None,
            given: false,
            native_expiry: None,
            call: None,
            unknown_until: None,
            reads: 0,
            tries: 0,
            last_answer: None,
            sessions_closed: None,
            residue: Vec::new(),
            waiting: None,
            progress: Progress::default(),
            leftover: None,
            last: None,
        }
    }

    /// Something that is not the access itself is being cleaned up: that is in no hurry.
    pub fn is_cleaning(&self) -> bool {
        self.leftover.as_ref().is_some_and(|left| !left.found) && !self.given
    }
}

impl Leftover {
    /// Nothing is known of it yet; to be worked on at once.
    pub const fn new(now: Instant) -> Self {
        Self { requests: Vec::new(), residue: Vec::new(), found: false, tries: 0, next_at: now }
    }
}

impl EntitlementKey {
    /// Names what the adapter resolved; the grant belongs to it only where the object is per grant.
    pub fn of(order: &Order, ownership: Ownership, grant: &GrantId) -> Self {
        let grant = (ownership == Ownership::PerGrant).then(|| grant.as_str());
        Self::named(&order.provider, &order.target, &order.principal, grant)
    }

    /// Of one object for all grants of this person at this target.
    pub fn for_all(provider: &ProviderName, target: &serde_json::Value, principal: &str) -> Self {
        Self::named(provider, target, principal, None)
    }

    fn named(provider: &ProviderName, target: &serde_json::Value, principal: &str, grant: Option<&str>) -> Self {
        use sha2::{Digest, Sha256};
        let target = serde_json_canonicalizer::to_vec(target).unwrap_or_default();
        let mut hash = Sha256::new();
        for part in [provider.as_str().as_bytes(), &target, principal.as_bytes()] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        hash.update(grant.unwrap_or_default());
        Self(format!("{:x}", hash.finalize()))
    }
}
