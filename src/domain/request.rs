//! A request and its lifecycle: one aggregate from the first ask to the ending, and the one match that moves it.
//! Must not judge rights or read policy: that is `decide`.

use serde::{Deserialize, Serialize};

pub use super::request_id::{GrantId, RequestId};
use super::{
    command::{Length, Less},
    entitlement::EntitlementKey,
    event::{AlarmKind, ExtensionEnd, Used},
    ids::{PersonId, PolicyName, ResourceId, RoleName},
    time::{Instant, Span},
    words::WordId,
};

/// Version of the stored document. A test loads one of every version ever written.
pub const DOCUMENT_VERSION: u32 = 1;

/// The whole story. Stored as one JSON document; equal to the fold of its ledger stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub v: u32,
    pub id: RequestId,
    pub requester: PersonId,
    pub subject: PersonId,
    /// The first ask, accepted offers and extensions, in order.
    pub asks: Vec<Ask>,
    pub state: State,
    pub opened_at: Instant,
    /// Of the newest event; instants within a stream never go back.
    pub last_at: Instant,
    /// Number of events folded; the next one's number in the stream, and the version for optimistic locking.
    pub n: u64,
    /// Alarms that are raised and not cleared.
    pub alarms: Vec<AlarmKind>,
}

/// One ask: the first, an accepted offer, or an extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    pub kind: AskKind,
    pub by: PersonId,
    pub subject: PersonId,
    pub resource: ResourceId,
    pub role: RoleName,
    /// For an extension: how much more.
    pub length: Length,
    pub start: Option<Instant>,
    pub reason: Option<WordId>,
    pub ticket: Option<String>,
    /// A link to the message that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Its policy sent the card to people directly when it was asked: their copies are kept in line.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub direct: bool,
    pub at: Instant,
    /// The policy that judged it when asked, for the story; the one in force decides.
    pub policy: PolicyName,
    /// What the adapter said it would touch, for approvers.
    pub preview: Preview,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskKind {
    First,
    Offer,
    Extension,
}

/// Plain words from the adapter about what will be given and how to take it away by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    pub gets: String,
    pub by_hand: String,
    /// As resolved when asked; used when the provider cannot be asked again at the grant.
    #[serde(default)]
    pub order: Option<(super::entitlement::Order, super::entitlement::Ownership)>,
}

/// Where a request stands. States carry their data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    Pending {
        round: Round,
    },
    Scheduled {
        round: Round,
        start: Instant,
    },
    Granting {
        grant: Grant,
    },
    Active {
        grant: Grant,
        work: Work,
        extension: Option<Extension>,
    },
    Revoking {
        grant: Grant,
        work: Option<Work>,
        cause: Ending,
        since: Instant,
    },
    Closed {
        ending: Ending,
        at: Instant,
        held: Option<Held>,
        /// Of what was never granted; a grant keeps its own.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        votes: Vec<Vote>,
    },
}

/// The deciding of one ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Index of the ask being decided.
    pub ask: usize,
    pub opened_at: Instant,
    /// Index of the stage that is open.
    pub stage: u32,
    pub stage_since: Instant,
    /// Rungs of the open stage's ladder that have opened.
    pub rung: u32,
    pub votes: Vec<Vote>,
    /// People asked by "pass on"; they had the right already.
    pub passed_to: Vec<PersonId>,
    pub looking: Option<Look>,
    /// Time added to the ladder by looking.
    pub paused: Span,
    pub reminded_at: Option<Instant>,
    pub offer: Option<Offer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    pub person: PersonId,
    pub stage: u32,
    pub rung: u32,
    pub at: Instant,
    pub comment: Option<WordId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    pub person: PersonId,
    pub since: Instant,
    pub until: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub person: PersonId,
    pub less: Less,
    pub comment: Option<WordId>,
    pub at: Instant,
}

/// What was approved, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub id: GrantId,
    pub entitlement: EntitlementKey,
    pub resource: ResourceId,
    pub role: RoleName,
    pub policy: PolicyName,
    pub duration: Span,
    /// An absolute end that was asked for; never exceeded.
    pub end: Option<Instant>,
    /// Longest total length that was approved with it (`extend_to`).
    pub ceiling: Span,
    pub cap: Span,
    pub grace: Span,
    pub warning: Span,
    pub decided_at: Instant,
    /// What does not work by then is undone.
    pub give_up_at: Instant,
    /// No access may exist later than this: `give_up_at + duration`, or the end asked for.
    pub latest: Instant,
    pub votes: Vec<Vote>,
}

impl Grant {
    /// How much more may be asked for under a policy with this cap: nothing where an absolute end was asked for (R8).
    pub fn room(&self, work: &Work, cap: Span) -> Span {
        let most = self.cap.min(cap).seconds() - work.approved_until().since(work.since).seconds();
        if self.end.is_some() { Span::ZERO } else { Span::from_seconds(most) }
    }
}

/// Access that works.
#[expect(clippy::struct_excessive_bools, reason = "four independent facts of a stored document")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    pub since: Instant,
    pub until: Instant,
    /// The target's own expiry, where it has one.
    pub native_expiry: Option<Instant>,
    /// The person had it already: nothing was given, nothing will be taken.
    pub had_before: bool,
    /// For the holder; no secret.
    pub how_to_connect: Option<String>,
    pub warned: bool,
    pub grace_used: bool,
    /// The end that was approved, where grace went beyond it; an extension that is approved puts its own in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graced_from: Option<Instant>,
    /// Somebody removed it at the target.
    pub found_absent: bool,
    /// How it came to last longer than what was granted first, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extended: Vec<Extended>,
    /// Asks for more time that brought none and that nobody took back, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmet: Vec<Unmet>,
}

/// An ask for more time that brought none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmet {
    pub how: ExtensionEnd,
    /// Who denied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    pub asked_at: Instant,
    pub at: Instant,
}

/// More time that was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extended {
    /// The approved end before.
    pub from: Instant,
    pub until: Instant,
    /// Since when it holds.
    pub at: Instant,
    /// Who approved it; none where that was not needed.
    pub votes: Vec<Vote>,
}

impl Work {
    /// The end that was approved. Only grace goes beyond it, and more time is counted from it.
    pub fn approved_until(&self) -> Instant {
        self.graced_from.unwrap_or(self.until)
    }
}

#[expect(clippy::large_enum_variant, reason = "one per request, and most are asked")]
/// More time, being decided or being told to the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Extension {
    Asked {
        round: Round,
    },
    /// Approved; the target's own expiry is being moved.
    Moving {
        until: Instant,
        /// Who approved it; none where that was not needed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        votes: Vec<Vote>,
    },
}

/// How a request closed, or what began its revoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Ending {
    Denied {
        by: PersonId,
        reason: WordId,
    },
    Cancelled {
        by: Option<PersonId>,
        reason: Option<WordId>,
    },
    Unanswered,
    Failed {
        why: String,
    },
    Expired,
    Returned {
        by: PersonId,
    },
    Revoked {
        by: Option<PersonId>,
        reason: Option<WordId>,
    },
    /// The person became inactive (R18).
    Left,
    Settled {
        by: PersonId,
        reason: WordId,
    },
}

/// What a closed grant was, for the summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub grant: Grant,
    pub work: Option<Work>,
    pub ended_at: Instant,
    pub gone_at: Option<Instant>,
    pub remains: Remains,
    pub sessions_closed: Option<u32>,
    /// As it stands now: read afresh until nothing remains.
    pub residue: Vec<String>,
    pub used: Option<Used>,
    /// It was found at its target again then, after it had been said to be gone; None: it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_at: Option<Instant>,
    /// What remains is no longer our business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settlement>,
}

/// Somebody took over what remains after an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    pub by: PersonId,
    pub reason: WordId,
    pub at: Instant,
}

/// What the read-back showed besides this grant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remains {
    #[default]
    Nothing,
    /// Still there through another live grant.
    Through { request: RequestId },
    /// As it was before the first grant.
    Before,
    /// Settled by a person: nobody read it back.
    Unknown,
}
