//! A digest that was made: from then on it tells the same, whoever reads it when. Plain values.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{Digest, Exception, Quality};
use crate::domain::{
    request::RequestId,
    time::{Instant, Span},
};

/// The version that is written.
pub const DOCUMENT_VERSION: u32 = 1;
/// A bot that is started again this soon was there.
pub const AWAY: Span = Span::from_minutes(5);

/// A digest and what is said around it. Ids, names of the catalogue, numbers and instants only: no text from people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Made {
    pub v: u32,
    /// They are counted from one; None: made for somebody who asked, and not kept.
    #[serde(default)]
    pub n: Option<u64>,
    /// By its name: of its days, and of times where no reader's own is shown.
    pub zone: String,
    pub digest: Digest,
    /// When no bot ran.
    #[serde(default)]
    pub away: Vec<Away>,
}

/// A time without a bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    pub from: Instant,
    pub to: Instant,
}

impl Made {
    /// The zone; UTC where this version does not know it any more.
    pub fn zone(&self) -> Tz {
        self.zone.parse().unwrap_or(chrono_tz::UTC)
    }

    /// Every request that a line is about, some more than once; those of the many lines last.
    pub fn requests(&self) -> impl Iterator<Item = &RequestId> {
        let Digest { exceptions, day, quality, .. } = &self.digest;
        let grants = day.longest.iter().chain(&day.unused.grants).map(|grant| &grant.given.request);
        let told = exceptions.iter().flat_map(Exception::requests);
        grants.chain(quality.iter().flat_map(Quality::requests)).chain(told)
    }
}
