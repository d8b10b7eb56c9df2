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
/// again: a whole verification is `hallpass audit verify`.
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
    /// Every sealed entry was read once, and fitted.
    pub fn is_verified(&self) -> bool {
        matches!(self.verified, Verified::Yes { size, .. } if size == self.entries)
    }

    /// Fewer entries than were read or signed: its end was cut off, seen `now`.
    #[must_use]
    pub fn without_a_tail(self, now: Instant) -> Self {
        let read = if let Verified::Yes { size, .. } = self.verified { size } else { 0 };
        let signed = self.signed.as_ref().map_or(0, |(size, _)| *size);
        let is_cut = read.max(signed) > self.entries && self.is_fine();
        let verified = if is_cut { Verified::No { size: self.entries, at: now } } else { self.verified.clone() };
        Self { verified, ..self }
    }

    /// Nothing of it is for a human: what was not checked yet will be.
    pub const fn is_fine(&self) -> bool {
        !matches!(self.verified, Verified::No { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_micros(9_000_000);

    fn ledger(entries: u64, signed: u64, read: Option<u64>) -> LedgerNow {
        let at = Instant::from_micros(1_000_000);
        let verified = read.map_or(Verified::NotYet, |size| Verified::Yes { size, at, since: at });
        LedgerNow { entries, waiting: 0, signed: Some((signed, "root".into())), verified }.without_a_tail(NOW)
    }

    #[test]
    fn only_what_was_read_to_its_end_is_verified_and_a_cut_end_does_not_fit() {
        assert!(ledger(100, 100, Some(100)).is_verified());
        assert!(!ledger(120, 100, Some(100)).is_verified() && ledger(120, 100, Some(100)).is_fine());
        for cut in [ledger(90, 90, Some(100)), ledger(90, 100, Some(90)), ledger(90, 100, None), ledger(0, 100, Some(100))] {
            assert!(!cut.is_verified() && !cut.is_fine(), "{cut:?}");
            assert_eq!(cut.verified, Verified::No { size: cut.entries, at: NOW });
        }
        let known = LedgerNow { entries: 90, verified: Verified::No { size: 7, at: Instant::from_micros(5) }, ..ledger(100, 100, None) };
        assert_eq!(known.clone().without_a_tail(NOW), known, "since when it was seen stays");
    }
}
