//! What can start work. Doors translate people's words and presses into these; they never decide.

use serde::{Deserialize, Serialize};

use super::{
    ids::{PersonId, ResourceId, RoleName},
    policy::Platform,
    time::{Instant, Span},
    words::Words,
};

/// Who does something, and through which door. `by` was resolved from ids by the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// None: the bot itself (clock, worker).
    pub person: Option<PersonId>,
    pub door: Option<Door>,
}

impl Actor {
    /// The bot itself: the clock, a worker.
    pub const BOT: Self = Self { person: None, door: None };
}

/// Where a command came in, for the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    pub platform: Platform,
    /// The platform's id of the user.
    pub user: String,
    /// The platform's id of the interaction; unique per platform.
    pub interaction: String,
}

/// How long access is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    For(Span),
    /// Kept as an end, whenever it begins.
    Until(Instant),
}

/// An ask with every piece in place, as `parse` or a form made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAsk {
    pub resource: ResourceId,
    pub role: RoleName,
    /// None: the policy's default.
    pub length: Option<Length>,
    pub start: Option<Instant>,
    /// None: the asker.
    pub subject: Option<PersonId>,
    pub reason: Words,
    pub ticket: Option<String>,
    /// A link to the message that it is about, as the platform made it.
    pub about: Option<String>,
}

/// What an approver offers instead; at least one is less than asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Less {
    pub role: Option<RoleName>,
    pub duration: Option<Span>,
}

/// An act of a person on one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Approve {
        comment: Option<Words>,
    },
    TakeBack,
    Deny {
        reason: Words,
    },
    Offer {
        less: Less,
        comment: Option<Words>,
    },
    AcceptOffer,
    DeclineOffer,
    Looking,
    PassOn {
        to: PersonId,
    },
    Cancel {
        reason: Option<Words>,
    },
    Return,
    /// More time; None: as much as the policy's default.
    Extend {
        by: Option<Span>,
        reason: Option<Words>,
    },
    Revoke {
        reason: Words,
    },
    Settle {
        reason: Words,
    },
}
