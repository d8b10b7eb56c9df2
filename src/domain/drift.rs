//! Who holds a role at its target, against what was given: what is ours and gone, what is there and not ours, what is ours
//! after its end. Must not decide whose something is by anything but the records and the object itself.

use serde::{Deserialize, Serialize};

use super::{
    ids::{ProviderName, ResourceId, RoleName},
    request::RequestId,
    time::Instant,
};

/// How a holder differs from what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// Somebody holds it whom we did not give it. Told, and never taken away.
    NotOurs,
    /// A live grant whose access is not there. Told, and never given again.
    OursAndGone,
    /// What we gave is there, and its end was said. Taken away again.
    OursAfterEnd,
}

impl DriftKind {
    pub const ALL: [Self; 3] = [Self::NotOurs, Self::OursAndGone, Self::OursAfterEnd];

    /// Its name in the store and in templates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotOurs => "not_ours",
            Self::OursAndGone => "ours_and_gone",
            Self::OursAfterEnd => "ours_after_end",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One difference, from when it was first seen until it was gone; kept afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftRow {
    pub provider: ProviderName,
    /// As the adapter resolved it: canonical JSON.
    pub target: String,
    /// As the target names who holds it. Text of others: shown as it is, and cut.
    pub principal: String,
    /// Our grant id, where the object carries it.
    pub grant: Option<String>,
    pub kind: DriftKind,
    pub first_seen: Instant,
    pub last_seen: Instant,
    /// Seen twice, and told then; what was seen only once is not told and not kept.
    pub found_at: Option<Instant>,
    pub gone_at: Option<Instant>,
    /// What bot.toml called this target when it was seen: resource and role, in the same order.
    pub resources: Vec<ResourceId>,
    pub roles: Vec<RoleName>,
    /// Whose access it is or was, where it is ours.
    pub request: Option<RequestId>,
}
