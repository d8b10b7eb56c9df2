//! Stored documents carry a version (R14): what an older hallpass wrote is read for ever, what a newer one wrote is
//! refused rather than misread.

use serde::{Deserialize, de::DeserializeOwned};

use super::StoreError;
use crate::domain::{
    entitlement::{self, Entitlement},
    request::{self, Request},
};

/// A document that the store keeps as JSON with a field `v`.
pub trait Versioned: DeserializeOwned {
    /// The version that is written.
    const VERSION: u32;
    /// What it is, for the refusal.
    const WHAT: &'static str;
}

impl Versioned for Request {
    const VERSION: u32 = request::DOCUMENT_VERSION;
    const WHAT: &'static str = "a request's document";
}

impl Versioned for Entitlement {
    const VERSION: u32 = entitlement::DOCUMENT_VERSION;
    const WHAT: &'static str = "an entitlement's document";
}

/// Reads a stored document of any version up to ours.
pub fn parsed<T: Versioned>(text: &str) -> Result<T, StoreError> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    let unreadable = |error: serde_json::Error| StoreError::Corrupt(format!("{}: {error}", T::WHAT));
    let Version { v } = serde_json::from_str(text).map_err(unreadable)?;
    if v == 0 || v > T::VERSION {
        let (what, ours) = (T::WHAT, T::VERSION);
        return Err(StoreError::Corrupt(format!("{what} is of version {v}, and this hallpass reads versions 1 to {ours}: upgrade it")));
    }
    serde_json::from_str(text).map_err(unreadable)
}
