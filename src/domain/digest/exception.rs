//! What a human should see before anything else: each with the requests that it is about, people by id, resource, role
//! and instants.

use serde::{Deserialize, Serialize};

use super::PolicyChange;
use crate::domain::{
    command::Length,
    drift::DriftKind,
    ids::{PersonId, ProviderName, ResourceId, RoleName},
    request::{Request, RequestId},
    time::{Instant, Span},
};

/// Whose access to what, through which request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    pub request: RequestId,
    /// Who has or would have it.
    pub person: PersonId,
    /// Who asked, if somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<PersonId>,
    pub resource: ResourceId,
    pub role: RoleName,
}

/// What a request is about, for a line.
pub fn about(request: &Request) -> Given {
    let ask = request.main_ask();
    let asked_by = (request.requester != request.subject).then(|| request.requester.clone());
    Given { request: request.id.clone(), person: request.subject.clone(), asked_by, resource: ask.resource.clone(), role: ask.role.clone() }
}

/// One thing that stands out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "exception", rename_all = "snake_case")]
pub enum Exception {
    /// Still open past its end, now.
    StillOpen {
        given: Given,
        end: Instant,
        past: Span,
    },
    /// Something is left at the target after the end, now; how many things.
    Residue {
        given: Given,
        since: Instant,
        things: u32,
    },
    /// Another alarm about a request that is open now: a grant that an operator must mend.
    GrantStuck {
        given: Given,
        since: Instant,
    },
    /// An alarm of the bot itself that is open now, such as `policy`, `clock`, `adapter/orders`.
    Alarm {
        alarm: String,
        since: Instant,
    },
    /// Holders of a role that are not as granted; `gone_at`: put right since; `unwatched_at`: not looked at any more since.
    Drift {
        provider: ProviderName,
        /// As the provider knows them: text from there, to be shown as data.
        principal: String,
        drift: DriftKind,
        resources: Vec<ResourceId>,
        roles: Vec<RoleName>,
        requests: Vec<RequestId>,
        first_seen: Instant,
        last_seen: Instant,
        gone_at: Option<Instant>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unwatched_at: Option<Instant>,
    },
    /// An alarm that was over within the window: of access that was open past its end, or of the bot itself.
    Over {
        alarm: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        given: Option<Given>,
        since: Instant,
        at: Instant,
    },
    /// Declared over by a person without a read-back, within the last seven days.
    Settled {
        given: Given,
        by: PersonId,
        at: Instant,
    },
    /// Nobody answered in time.
    Unanswered {
        given: Given,
        asked_at: Instant,
        at: Instant,
        /// So much more time was asked for; None: access.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        more: Option<Length>,
    },
    /// Approved, and could not be given.
    GrantFailed {
        given: Given,
        at: Instant,
    },
    /// The store took no writes (R12).
    StoreDown {
        since: Instant,
        lasted: Span,
    },
    /// A policy file was refused (R15): at a start, nothing was granted until another one loaded.
    PolicyRefused {
        at: Instant,
        digest: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        at_start: bool,
        /// When the next one loaded; None: not within the window.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Instant>,
    },
    /// The clock jumped ahead (R17): nothing was granted until it was confirmed.
    ClockJumped {
        at: Instant,
        from: Instant,
        to: Instant,
    },
    /// None: a second look confirmed it.
    ClockConfirmed {
        at: Instant,
        by: Option<PersonId>,
    },
    /// Another policy is in force.
    PolicyChanged {
        at: Instant,
        digest: String,
        before: Option<String>,
        /// What changed, in the file's own keys; empty where only words or comments did, or where it was not recorded.
        changes: Vec<PolicyChange>,
        /// Changes beyond those.
        more: u32,
        /// A file does not say who wrote it: none, until something else does.
        by: Option<PersonId>,
    },
    /// An account or a key was recorded as this person's.
    Linked {
        at: Instant,
        person: PersonId,
        what: String,
        by: Option<PersonId>,
    },
    Unlinked {
        at: Instant,
        person: PersonId,
        what: String,
        by: Option<PersonId>,
    },
    /// Became inactive, and lost what these requests gave or asked for.
    Left {
        at: Instant,
        person: PersonId,
        requests: Vec<RequestId>,
    },
}

/// The kinds of exceptions, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    StillOpen,
    Residue,
    GrantStuck,
    Alarm,
    Drift,
    Over,
    Settled,
    Unanswered,
    GrantFailed,
    StoreDown,
    PolicyRefused,
    ClockJumped,
    ClockConfirmed,
    PolicyChanged,
    Linked,
    Unlinked,
    Left,
}

impl Kind {
    /// Whether what is of this kind waits for somebody, as long as it is not put right.
    pub const fn needs_human(self) -> bool {
        matches!(self, Self::StillOpen | Self::Residue | Self::GrantStuck | Self::Alarm | Self::Drift)
    }
}

impl Exception {
    pub const fn kind(&self) -> Kind {
        match self {
            Self::StillOpen { .. } => Kind::StillOpen,
            Self::Residue { .. } => Kind::Residue,
            Self::GrantStuck { .. } => Kind::GrantStuck,
            Self::Alarm { .. } => Kind::Alarm,
            Self::Drift { .. } => Kind::Drift,
            Self::Over { .. } => Kind::Over,
            Self::Settled { .. } => Kind::Settled,
            Self::Unanswered { .. } => Kind::Unanswered,
            Self::GrantFailed { .. } => Kind::GrantFailed,
            Self::StoreDown { .. } => Kind::StoreDown,
            Self::PolicyRefused { .. } => Kind::PolicyRefused,
            Self::ClockJumped { .. } => Kind::ClockJumped,
            Self::ClockConfirmed { .. } => Kind::ClockConfirmed,
            Self::PolicyChanged { .. } => Kind::PolicyChanged,
            Self::Linked { .. } => Kind::Linked,
            Self::Unlinked { .. } => Kind::Unlinked,
            Self::Left { .. } => Kind::Left,
        }
    }

    /// Somebody must act on it still.
    pub const fn needs_human(&self) -> bool {
        self.kind().needs_human() && !matches!(self, Self::Drift { gone_at: Some(_), .. } | Self::Drift { unwatched_at: Some(_), .. })
    }

    /// The requests that it is about, for links to their threads.
    pub fn requests(&self) -> &[RequestId] {
        match self {
            Self::StillOpen { given, .. }
            | Self::Residue { given, .. }
            | Self::GrantStuck { given, .. }
            | Self::Settled { given, .. }
            | Self::Unanswered { given, .. }
            | Self::GrantFailed { given, .. } => std::slice::from_ref(&given.request),
            Self::Over { given, .. } => given.as_ref().map_or(&[], |given| std::slice::from_ref(&given.request)),
            Self::Drift { requests, .. } | Self::Left { requests, .. } => requests,
            Self::Alarm { .. }
            | Self::StoreDown { .. }
            | Self::PolicyRefused { .. }
            | Self::ClockJumped { .. }
            | Self::ClockConfirmed { .. }
            | Self::PolicyChanged { .. }
            | Self::Linked { .. }
            | Self::Unlinked { .. } => &[],
        }
    }
}
