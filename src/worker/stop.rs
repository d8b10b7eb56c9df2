//! Why a worker stops: what became of its lease and of what it wanted to write. Decides nothing.

use crate::store::{CommitError, StoreError};

/// Why a worker stopped what it was doing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// Another process has the lease: nothing was written, nothing is to be done.
    #[error("the lease is lost")]
    Fenced,
    /// Others were faster, again and again: nothing was written, and the lease is still ours, to be given back.
    #[error("changed by somebody else meanwhile")]
    Stale,
    /// What was learnt can never be written as it is: nothing was written, and the lease is still ours, to be given back.
    #[error("the ledger cannot hold this: {0}")]
    Refused(String),
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

impl Stop {
    #[expect(clippy::needless_pass_by_value, reason = "given to map_err")]
    pub(super) fn read(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<CommitError> for Stop {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Unavailable(why) => Self::Unavailable(why),
            CommitError::Fenced => Self::Fenced,
            CommitError::Stale => Self::Stale,
            CommitError::Refused(why) => Self::Refused(why),
        }
    }
}
