//! What happened: the events of a request's stream and of the other streams, as the ledger keeps them.
//! Folding a request's events gives its document, so an event carries whatever its state needs. No secret, no free text.

use serde::{Deserialize, Serialize};

use super::{
    command::{Length, Less},
    digest::PolicyChange,
    drift::DriftKind,
    ids::{PersonId, PolicyName, ProviderName, ResourceId, RoleName},
    request::{Ask, Ending, Grant, Remains, Work},
    time::{Instant, Span},
    words::WordId,
};

/// An event in the life of one request. The wire form is `{"type": "...", ...}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    // -- asking and deciding
    Asked {
        ask: Ask,
    },
    Reminded,
    /// The ladder's next rung opened; `rung` counts from one within the stage.
    Escalated {
        rung: u32,
    },
    Looking {
        person: PersonId,
        until: Instant,
    },
    PassedOn {
        by: PersonId,
        to: PersonId,
    },
    Approved {
        person: PersonId,
        stage: u32,
        rung: u32,
        comment: Option<WordId>,
    },
    TakenBack {
        person: PersonId,
    },
    /// The stage that was open is satisfied and the next one begins.
    StageOpened {
        stage: u32,
    },
    Offered {
        person: PersonId,
        less: Less,
        comment: Option<WordId>,
    },
    OfferDeclined {
        person: PersonId,
    },
    /// The offer became the new ask.
    OfferAccepted {
        ask: Ask,
    },
    /// The policy in force changed under an open ask: votes that no longer count, where the chain goes on.
    Recounted {
        dropped: Vec<PersonId>,
        stage: u32,
        policy: PolicyName,
    },
    Denied {
        person: PersonId,
        reason: WordId,
    },
    Cancelled {
        person: Option<PersonId>,
        reason: Option<WordId>,
    },
    Unanswered,
    /// The person became inactive (R18) while it was not granted yet.
    Left {
        person: PersonId,
    },
    // -- granting
    Scheduled {
        start: Instant,
    },
    /// Decided, and not begun, when the policy or the people changed: asked again at the first unmet stage.
    Reopened {
        stage: u32,
        dropped: Vec<PersonId>,
    },
    Granting {
        grant: Grant,
    },
    /// The policy's cap became lower than what was approved: no longer than the cap.
    Shortened {
        duration: Span,
        latest: Instant,
        cap: Span,
    },
    Working {
        work: Work,
    },
    /// What does not work in time, or was refused by the target: undone.
    GrantFailed {
        why: String,
        permanent: bool,
    },
    // -- holding
    Warned,
    ExtensionAsked {
        ask: Ask,
    },
    ExtensionClosed {
        how: ExtensionEnd,
        person: Option<PersonId>,
        reason: Option<WordId>,
    },
    /// Approved; said only after the target's own expiry moved.
    ExtensionApproved {
        until: Instant,
    },
    Extended {
        until: Instant,
        native_expiry: Option<Instant>,
        /// New words for the holder where what they hold had to be made anew, such as a certificate; no secret.
        #[serde(default)]
        how_to_connect: Option<String>,
    },
    GraceBegan {
        until: Instant,
    },
    /// Somebody took the access away by hand at the target; it is not given again.
    FoundAbsent,
    // -- ending
    Revoking {
        cause: Ending,
    },
    /// The read-back that allows "gone" to be said.
    Gone {
        remains: Remains,
        sessions_closed: Option<u32>,
        residue: Vec<String>,
        used: Option<Used>,
        /// First read as gone then, while the store refused writes (R12); None: it was read and written at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unwritten: Option<Instant>,
    },
    /// Cleaning up after the end came to another answer: what remains now; nothing: all of it is gone.
    Leftover {
        residue: Vec<String>,
    },
    /// By an administrator: an end that nobody could read back, or what remains after one.
    Settled {
        person: PersonId,
        reason: WordId,
    },
    /// A fresh credential was made and handed to the person whose access it is; never what it is.
    CredentialShown {
        person: PersonId,
    },
    AlarmRaised {
        alarm: AlarmKind,
    },
    AlarmCleared {
        alarm: AlarmKind,
    },
    // -- a right refused; changes nothing
    Refused {
        act: String,
        why: String,
    },
}

/// How an extension's ask ended without more time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtensionEnd {
    Denied,
    Cancelled,
    Unanswered,
    /// The grant ended first.
    Overtaken,
}

/// What a human must see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// Access outlives its end (R3).
    StillOpen,
    /// The grant failed for a reason an operator must mend.
    GrantFailed,
    /// Something remains after the access is gone.
    Residue,
}

impl AlarmKind {
    pub const ALL: [Self; 3] = [Self::StillOpen, Self::GrantFailed, Self::Residue];

    /// Its name in the store and in templates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StillOpen => "still_open",
            Self::GrantFailed => "grant_failed",
            Self::Residue => "residue",
        }
    }

    /// The id of this alarm's row.
    pub fn id(self, request: &super::request::RequestId) -> String {
        format!("{}/{request}", self.name())
    }
}

/// Whether and how the access was used, as far as the target can tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    pub sessions: u32,
    pub first: Option<Instant>,
    pub last: Option<Instant>,
    pub from: Vec<String>,
    /// Open sessions were looked at this often, and what was shorter may have been missed; None: the target itself kept count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled_every: Option<Span>,
}

/// Events of an entitlement's stream: what we do to a provider and what came of it (R2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    /// Committed before the call is made.
    Intent {
        verb: Verb,
        deadline: Instant,
        had_before: Option<bool>,
        grants: Vec<String>,
        provider: String,
        target: String,
        principal: String,
    },
    /// The answer differs from the one before.
    Answer {
        verb: Verb,
        answer: String,
    },
    Outcome {
        verb: Verb,
        outcome: Outcome,
        tries: u32,
        detail: String,
    },
    /// Done while the store refused writes (R12); written first when it is back.
    Unwritten {
        verb: Verb,
        outcome: Outcome,
        at: Instant,
        detail: String,
    },
}

/// A verb that changes a provider, or reads it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Observe,
    Grant,
    Extend,
    Revoke,
    /// Sets a fresh credential; the one before stops working.
    Credential,
}

/// What came of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Ok,
    Failed,
    /// No answer, or one that means nothing: to be resolved by reading the provider.
    Unknown,
}

/// Events of the bot's own stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Operation {
    Started {
        version: String,
    },
    Stopped,
    /// Another file is in force.
    PolicyLoaded {
        digest: String,
        before: Option<String>,
        /// What changed, as far as the catalogue says it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changes: Vec<PolicyChange>,
        /// Changes beyond those.
        #[serde(default, skip_serializing_if = "is_zero")]
        more: u32,
        /// Who changed the file, where that can be known: a file alone does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<PersonId>,
    },
    PolicyRefused {
        digest: String,
        why: String,
        /// There was none in force that could go on: nothing new is granted until another file loads.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        at_start: bool,
    },
    ClockJumped {
        from: Instant,
        to: Instant,
    },
    ClockConfirmed {
        by: Option<PersonId>,
    },
    /// A person's key or identity was recorded.
    Linked {
        person: PersonId,
        what: String,
    },
    /// An account was parted from its person.
    Unlinked {
        person: PersonId,
        what: String,
    },
    /// A right refused where no request is concerned.
    Refused {
        act: String,
        why: String,
    },
    /// A refused or mistaken ask: nothing was opened.
    NotAsked {
        resource: Option<ResourceId>,
        role: Option<RoleName>,
        length: Option<Length>,
        why: String,
    },
    /// Somebody looked at what others hold.
    Looked {
        what: String,
    },
    Left {
        person: PersonId,
    },
    StoreWasDown {
        since: Instant,
        for_: Span,
    },
    /// An alarm of the bot itself, told to operators; what it says stands in the alarm.
    AlarmRaised {
        alarm: String,
    },
    AlarmCleared {
        alarm: String,
    },
    /// A provider's holders differ from what we gave.
    DriftFound {
        kind: DriftKind,
        provider: ProviderName,
        /// As the adapter resolved it: canonical JSON.
        target: String,
        principal: String,
        /// The object's own grant id, where it carries one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<String>,
    },
    /// What was found is over.
    DriftGone {
        kind: DriftKind,
        provider: ProviderName,
        target: String,
        principal: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<String>,
    },
    /// What was found is not looked at any more: nobody knows whether it is there.
    DriftUnwatched {
        kind: DriftKind,
        provider: ProviderName,
        target: String,
        principal: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<String>,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}
