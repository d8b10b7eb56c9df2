//! Signatures of requests that were heard already, for at least as long as they are good: each counts once. Bounded; must not know
//! whose they are.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// Signatures remembered of one while; more are refused.
const MOST: usize = 1_000_000;

/// A good signature as it is remembered: half of its digits, which no two share.
pub(super) type Used = u128;

/// What was used. It is forgotten a whole while at a time.
pub(super) struct Seen {
    /// In monotonic microseconds.
    while_: i64,
    used: Mutex<Whiles>,
}

#[derive(Default)]
struct Whiles {
    now: HashSet<Used>,
    before: HashSet<Used>,
    /// When this while began, in monotonic microseconds.
    since: i64,
}

impl Seen {
    /// `window`: how far a signature's time may be from now, in seconds.
    pub(super) fn new(window: i64) -> Self {
        // Good for as long before its time as after it.
        Self { while_: 2 * window * 1_000_000, used: Mutex::default() }
    }

    /// False: it was used before, or more are used than are remembered. `now` is monotonic microseconds.
    pub(super) fn first(&self, used: Used, now: i64) -> bool {
        let mut whiles = self.whiles();
        if now - whiles.since >= self.while_ {
            whiles.before = std::mem::take(&mut whiles.now);
            whiles.since = now;
        }
        whiles.now.len() < MOST && !whiles.before.contains(&used) && whiles.now.insert(used)
    }

    /// Nothing was done with it: the same may come again.
    pub(super) fn forget(&self, used: Used) {
        self.whiles().now.remove(&used);
    }

    fn whiles(&self) -> std::sync::MutexGuard<'_, Whiles> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// From a signature's hexadecimal digits.
pub(super) fn used(digits: &str) -> Option<Used> {
    let digits = digits.get(..32).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    Used::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_signature_counts_once_for_as_long_as_it_could_be_good() {
        let seen = Seen::new(300);
        assert!(seen.first(7, SECOND) && !seen.first(7, 2 * SECOND) && seen.first(8, 2 * SECOND));
        assert!(!seen.first(7, 601 * SECOND), "at the turn of a while it is still known");
        assert!(!seen.first(8, 1_200 * SECOND));
        seen.forget(7);
        assert!(!seen.first(7, 1_200 * SECOND), "what an earlier while had stays used");
        assert!(seen.first(9, 1_200 * SECOND));
        seen.forget(9);
        assert!(seen.first(9, 1_200 * SECOND), "what was taken back may come again");
    }

    #[test]
    fn only_digits_are_a_signature() {
        assert_eq!(used(&"0A".repeat(64)), used(&"0a".repeat(64)), "however its letters are written");
        for odd in ["", "00", &"g0".repeat(64), &format!("+{}", "0".repeat(127))] {
            assert_eq!(used(odd), None, "{odd}");
        }
    }
}
