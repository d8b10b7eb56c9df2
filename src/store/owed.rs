//! What happened while the store refused writes. It is written before anything else once the store is back (R12), by
//! whichever commit comes first. Lives in memory only: what a stop loses of it stands in the log.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Commit, CommitError, EntitlementWrite, NewEntry, Store};
use crate::domain::{entitlement::EntitlementKey, time::Instant};

/// Entries and freed leases that are still to be written.
#[derive(Default)]
pub(super) struct Owed {
    waiting: Mutex<Waiting>,
    paying: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Waiting {
    entries: Vec<NewEntry>,
    /// When each may be leased again, and of whom its lease is taken (None: of anybody).
    frees: BTreeMap<EntitlementKey, (Option<i64>, Instant)>,
}

impl Owed {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Keeps this entry for the first commit that succeeds.
    pub fn owe(&self, entry: NewEntry) {
        self.0.owed.waiting().entries.push(entry);
    }

    /// Keeps for the first commit that succeeds that this entitlement's lease ends at `at`; see `EntitlementWrite::Free`.
    pub fn owe_free(&self, key: EntitlementKey, fence: Option<i64>, at: Instant) {
        self.0.owed.waiting().frees.insert(key, (fence, at));
    }

    /// Writes what is owed, if anything is.
    pub async fn pay(&self) -> Result<(), CommitError> {
        if self.0.owed.waiting().is_empty() {
            return Ok(());
        }
        let _one_at_a_time = self.0.owed.paying.lock().await;
        let (entries, frees) = {
            let waiting = self.0.owed.waiting();
            if waiting.is_empty() {
                return Ok(());
            }
            (waiting.entries.clone(), waiting.frees.clone())
        };
        let paid = entries.len();
        let free = |(key, (fence, at)): (&EntitlementKey, &(Option<i64>, Instant))| EntitlementWrite::Free {
            key: key.clone(),
            fence: *fence,
            at: *at,
        };
        let entitlements = frees.iter().map(free).collect();
        self.commit_alone(Commit { entitlements, entries, ..Commit::default() }).await?;
        // What was added meanwhile is still owed.
        let mut waiting = self.0.owed.waiting();
        waiting.entries.drain(..paid);
        waiting.frees.retain(|key, free| frees.get(key) != Some(free));
        Ok(())
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.frees.is_empty()
    }
}
