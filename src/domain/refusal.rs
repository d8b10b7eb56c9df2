//! A "no" for a person: each variant says why, and its template says what to do next. Not an error.

use serde::{Deserialize, Serialize};

use super::{
    ids::{PersonId, ResourceId, RoleName},
    members::Bar,
    parse::{Missing, Piece},
    policy::Platform,
    request::RequestId,
    time::{Instant, Span},
};

/// Rendered by the template section `refusal/<variant in snake_case>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
#[error("{self:?}")]
pub enum Refusal {
    // -- who
    /// The platform id belongs to nobody we know.
    NotLinked,
    /// The actor is inactive.
    Inactive,
    /// The actor is timed out on this platform: for now they can neither ask nor decide.
    TimedOut {
        platform: Platform,
    },
    /// The actor has not agreed to the rules of the server on this platform yet.
    RulesUnread {
        platform: Platform,
    },
    /// A chat that must say who is in a group does not answer; nothing was recorded.
    CannotAskGroup {
        group: String,
        /// The one that does not; None: it was not asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        platform: Option<Platform>,
        why: String,
    },
    /// The chat cannot say whether the presser is still a member.
    CannotAskProfile {
        why: String,
    },
    NotAdministrator,
    NotAuditor,
    /// They may not read what everybody did.
    NotDigestReader,
    /// They may not look at what others have or had there; or there is no such thing, which is not said.
    NothingToSee {
        name: String,
    },
    /// Our own records cannot be written: nothing happened, and it is to be done again (R12).
    NotRecorded,
    /// What would come of it can never be written into the ledger as it is: nothing happened, and an operator must look.
    Unwritable,
    // -- words of a command
    /// The text is not a command: what was expected, where, and the nearest word.
    Grammar {
        expected: String,
        found: String,
        near: Vec<String>,
    },
    NoSuchResource {
        name: String,
        near: Vec<ResourceId>,
    },
    NoSuchRole {
        resource: ResourceId,
        name: String,
        near: Vec<RoleName>,
        roles: Vec<RoleName>,
    },
    NoSuchPerson {
        name: String,
        near: Vec<PersonId>,
    },
    NoSuchRequest {
        text: String,
    },
    /// Not a duration: why, and examples.
    BadDuration {
        text: String,
        why: String,
    },
    BadTime {
        text: String,
        why: String,
    },
    /// Not a moment that has been: why, and examples.
    BadPast {
        text: String,
        why: String,
    },
    /// The text has characters that cannot be shown or kept (NUL), or is too long.
    BadText {
        what: String,
        why: String,
    },
    // -- asking
    /// Pieces of an ask are missing; the typed ones stand in the line, ready to be completed.
    Missing {
        pieces: Vec<Missing>,
        line: String,
    },
    Frozen,
    MayNotAsk {
        resource: ResourceId,
        role: RoleName,
        others: Vec<RoleName>,
    },
    MayNotAskFor {
        subject: PersonId,
    },
    SubjectInactive {
        subject: PersonId,
    },
    OverCap {
        asked: Span,
        cap: Span,
    },
    EndInPast {
        end: Instant,
    },
    /// The end lies ahead, and before the start.
    EndBeforeStart {
        end: Instant,
        start: Instant,
    },
    StartInPast {
        start: Instant,
    },
    StartTooFar {
        start: Instant,
        latest: Instant,
    },
    ReasonMissing {
        min_chars: usize,
    },
    TicketMissing {
        projects: Vec<String>,
    },
    TicketWrong {
        ticket: String,
        projects: Vec<String>,
    },
    /// The same access is asked for already, for the same time, and does not work yet.
    AlreadyOpen {
        request: RequestId,
        /// For whom, where that is somebody else than the asker.
        subject: Option<PersonId>,
        /// The asker may look at it and call it off.
        yours: bool,
    },
    /// Nobody who may approve is left once requester and subject are taken out.
    NobodyCanApprove {
        resource: ResourceId,
        role: RoleName,
    },
    /// The adapter needs something of the person first, such as a public key.
    InputMissing {
        input: String,
        how: String,
    },
    /// The adapter says this person or thing does not exist there.
    ProviderRefuses {
        why: String,
    },
    ProviderUnreachable {
        why: String,
    },
    // -- deciding
    OwnRequest,
    /// In no stage's set. `waiting_for` is shown; `next` is true when a later stage has them.
    NotApprover {
        waiting_for: Vec<String>,
        later: Option<String>,
    },
    /// Their approval counts; `stage` is where.
    AlreadyVoted {
        request: RequestId,
        stage: u32,
    },
    /// No vote of theirs to take back.
    NoVote,
    NotLess,
    /// More time is asked for: a lower role is no answer to that.
    OnlyLessTime {
        request: RequestId,
    },
    NoOffer,
    /// The button was shown for an ask that another one has replaced; `more`: more time is what is asked now.
    AskReplaced {
        request: RequestId,
        more: bool,
    },
    /// The button was shown for an end that is later now.
    ExtendedAlready {
        request: RequestId,
        until: Instant,
    },
    /// The button was shown for an offer that this person's has replaced.
    OfferReplaced {
        request: RequestId,
        person: PersonId,
    },
    /// An offer is answered by whoever asked.
    NotRequester,
    /// "Pass on" only goes to somebody who may approve.
    CannotPassTo {
        to: PersonId,
    },
    AlreadyLooking {
        /// None: the presser.
        person: Option<PersonId>,
    },
    ReasonNeeded,
    // -- holding and ending
    NotHolder,
    /// A credential is for whom the access is, and for nobody else.
    NotSubject,
    /// The target hands out none, or nothing of ours is there.
    NoCredential,
    /// None came. `unknown`: it may have been made, so that the one before no longer works.
    CredentialFailed {
        why: String,
        unknown: bool,
    },
    MayNotRevoke,
    /// Requester or subject cannot settle their own.
    OwnSettle,
    NothingToExtend,
    ExtensionOpen,
    OverCeiling {
        most: Span,
    },
    NoTimeLeft,
    /// It ends later than that already.
    EndsLater {
        until: Instant,
    },
    /// An end that was asked for as such stays.
    EndFixed {
        end: Instant,
    },
    // -- joining accounts
    /// Wrong, used or over: which of these is not said.
    LinkCode,
    /// Too many wrong codes from this account.
    LinkLocked {
        at: Instant,
    },
    /// Too many codes made.
    LinkTooMany {
        at: Instant,
    },
    /// This account belongs to a person already.
    LinkedAlready,
    /// The person has another account there already.
    PlatformTaken {
        platform: Platform,
    },
    /// No account of theirs there was joined with a code.
    NotJoined {
        person: PersonId,
        platform: Platform,
    },
    // -- too late or too early: how it stands
    /// Somebody was faster; who and when.
    AlreadyDecided {
        by: Option<PersonId>,
        at: Instant,
        how: Standing,
    },
    NotOpen {
        how: Standing,
        at: Instant,
    },
}

impl Refusal {
    /// Why somebody who is there may not act now.
    pub const fn barred(platform: Platform, bar: Bar) -> Self {
        match bar {
            Bar::TimedOut => Self::TimedOut { platform },
            Bar::RulesUnread => Self::RulesUnread { platform },
        }
    }

    /// The field of a form that this is about; None: the ask as a whole.
    pub const fn field(&self) -> Option<Piece> {
        Some(match self {
            Self::NoSuchResource { .. } => Piece::Resource,
            Self::NoSuchRole { .. } | Self::MayNotAsk { .. } | Self::NobodyCanApprove { .. } => Piece::Role,
            Self::BadDuration { .. } | Self::OverCap { .. } | Self::EndInPast { .. } | Self::EndBeforeStart { .. } => Piece::Length,
            Self::BadTime { .. } | Self::StartInPast { .. } | Self::StartTooFar { .. } => Piece::Start,
            Self::NoSuchPerson { .. } | Self::MayNotAskFor { .. } | Self::SubjectInactive { .. } => Piece::Subject,
            Self::ReasonMissing { .. } | Self::BadText { .. } => Piece::Reason,
            Self::TicketMissing { .. } | Self::TicketWrong { .. } => Piece::Ticket,
            _ => return None,
        })
    }

    /// Its name on the wire and in the templates.
    pub fn name(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("refusal").and_then(|name| name.as_str()).unwrap_or("refused").to_owned()
    }
}

/// How a request stands, in a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Pending,
    Scheduled,
    Granting,
    Active,
    Revoking,
    Denied,
    Cancelled,
    Unanswered,
    Failed,
    Ended,
}
