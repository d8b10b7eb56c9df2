//! How the ledger stands, for the digest's last line. What was not read is never called verified.

use serde::{Deserialize, Serialize};

use crate::domain::time::Instant;

/// The ledger when the digest was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerNow {
    /// Entries that are sealed into the tree.
    pub entries: u64,
    /// Written and not sealed yet.
    pub waiting: u64,
    /// The newest signed head: its size, and its whole root in base64.
    pub signed: Option<(u64, String)>,
    pub verified: Verified,
}

/// What the running check of the ledger came to. It reads each new entry once and holds it against its seal; that the older
/// ones were only added to is shown by the tree, from the remembered root to the signed one. Older entries are not read
/// again: a whole verification is `hallpass ledger verify`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verified", rename_all = "snake_case")]
pub enum Verified {
    /// Nothing was checked yet, or what was remembered of it is not to be believed.
    #[default]
    NotYet,
    /// The first `size` entries: up to `at`, each read once since `since`.
    Yes { size: u64, at: Instant, since: Instant },
    /// Something does not fit, among the entries after the first `size`.
    No { size: u64, at: Instant },
}

impl LedgerNow {
    /// Every sealed entry was read and fits.
    pub fn is_verified(&self) -> bool {
        matches!(self.verified, Verified::Yes { size, .. } if size >= self.entries)
    }

    /// Nothing of it is for a human: what was not checked yet will be.
    pub const fn is_fine(&self) -> bool {
        !matches!(self.verified, Verified::No { .. })
    }
}
