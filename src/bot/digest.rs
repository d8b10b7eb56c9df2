//! The daily digest, computed from what the store knows. Changes nothing, words nothing.

use super::Bot;
use crate::{
    domain::digest::{Digest, Thresholds, Window},
    store::StoreError,
};

impl Bot {
    /// What a digest over this window says now. What is open is open now; the rest happened in the window, which should be
    /// over for `digest::AFTER`.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn digest(&self, window: Window, thresholds: &Thresholds) -> Result<Digest, StoreError> {
        let _ = (window, thresholds);
        Err(StoreError::Unavailable("a digest cannot be made yet".into()))
    }
}
