//! What bot.toml says of digests: where and when, what stands out, and who may read them. Plain values, and the one right there is.

use chrono::NaiveTime;

use super::{Schedule, Thresholds};
use crate::domain::{
    facts::Facts,
    ids::PersonId,
    policy::{Catalogue, Channel, Who},
    refusal::Refusal,
};

/// How digests are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Where each is posted; empty: nowhere, and none is made by itself.
    pub channels: Vec<Channel>,
    pub schedule: Schedule,
    pub thresholds: Thresholds,
    /// Who may read it at any time, besides administrators and auditors.
    pub may_read: Vec<Who>,
}

impl Default for Rules {
    fn default() -> Self {
        let at = NaiveTime::from_hms_opt(9, 0, 0).unwrap_or_default();
        let schedule = Schedule { at, zone: chrono_tz::UTC, weekdays_only: false };
        Self { channels: Vec::new(), schedule, thresholds: Thresholds::default(), may_read: Vec::new() }
    }
}

/// Everybody who may read digests: whom a chat is asked about, if it is about groups.
pub fn readers(catalogue: &Catalogue) -> impl Iterator<Item = &Who> {
    let named = catalogue.digests.iter().flat_map(|rules| &rules.may_read);
    catalogue.administrators.iter().chain(&catalogue.auditors).chain(named)
}

/// May this person read what everybody did? Administrators, auditors and whom bot.toml names.
/// # Errors
/// They may not, or no chat said whether they may.
pub fn may_read(person: &PersonId, facts: &Facts<'_>) -> Result<(), Refusal> {
    facts.check_may_act(person)?;
    if facts.includes(readers(facts.catalogue), person)? { Ok(()) } else { Err(Refusal::NotDigestReader) }
}
