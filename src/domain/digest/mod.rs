//! The daily digest as plain data: what needs a human, what happened, how approvals went, how the ledger stands. It is
//! stored and shown later, so it holds ids, names, numbers and instants only: never a secret, never people's free words.
//! Must not word anything: that is the chats' business.

mod exception;
mod held;
mod ledger;
mod made;
mod moments;
mod policy;
mod quality;
mod rules;
mod schedule;
mod tally;

use serde::{Deserialize, Serialize};

pub use self::{
    exception::{Exception, Given, Kind, about},
    held::{HeldAt, Sure, meant},
    ledger::{LedgerNow, Verified},
    made::{AWAY, Away, DOCUMENT_VERSION, Made},
    moments::{Act, ActKind, Back, Moments, Stage, acts, acts_now, back, moments},
    policy::{About, PolicyChange, changes},
    quality::{Approvals, NAMED, Quality, quality},
    rules::{Rules, may_read, readers},
    schedule::{Before, Schedule},
    tally::{ByResource, Day, LongGrant, OpenNow, Stats, TOP, Tallies, Tally, Unused, What, median},
};
use super::time::{Instant, Span};

/// Version of a stored digest. Older ones are read, with what they lack empty.
pub const DIGEST_VERSION: u32 = 1;

/// Lines of one kind that a digest carries at most; the rest is counted. A renderer splits or links what it cannot show.
pub const LINES: u32 = 10_000;

/// How long after its end a window is left alone before it is looked at: what happened within it has been written by then.
/// An entry's instant is taken before its commit, and a store that does not answer is given up after fifteen seconds.
pub const AFTER: Span = Span::from_seconds(30);

/// From `from` to just before `to`: windows that meet neither overlap nor miss anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub from: Instant,
    pub to: Instant,
    /// Days that it covers in the time zone of whoever reads it; more than one after a gap.
    pub days: u32,
}

impl Window {
    pub fn contains(&self, at: Instant) -> bool {
        self.from <= at && at < self.to
    }
}

/// From when on approvals are worth a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thresholds {
    /// An approval sooner than this after it could be given was hardly read.
    pub fast: Span,
    /// One person who gave at least so many percent of the window's approvals stands out..
    pub most_percent: u32,
    /// ..if there were at least so many approvals.
    pub most_of: u32,
    /// Two people who approved each other so often, both counted together, stand out.
    pub pairs: u32,
    /// Days up to the window's end over which pairs are counted.
    pub pair_days: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { fast: Span::from_seconds(3), most_percent: 70, most_of: 10, pairs: 4, pair_days: 30 }
    }
}

/// One digest. Lists are in the order in which they are to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    pub v: u32,
    pub window: Window,
    /// When it was computed: what is open is open then, whatever the window.
    pub made_at: Instant,
    /// Most urgent first.
    pub exceptions: Vec<Exception>,
    /// Of these kinds there are so many more than `exceptions` has.
    #[serde(default)]
    pub more: Vec<(Kind, u64)>,
    pub day: Day,
    pub quality: Vec<Quality>,
    pub ledger: LedgerNow,
}

impl Digest {
    /// How many of the exceptions are still for somebody to act on.
    pub fn needs_human(&self) -> u64 {
        let shown = self.exceptions.iter().filter(|exception| exception.needs_human()).count();
        let more: u64 = self.more.iter().filter(|(kind, _)| kind.needs_human()).map(|(_, count)| count).sum();
        more + u64::try_from(shown).unwrap_or(u64::MAX)
    }

    /// Nothing happened and nothing is open: one line is enough.
    pub fn is_quiet(&self) -> bool {
        self.exceptions.is_empty() && self.quality.is_empty() && self.day.is_empty() && self.ledger.is_fine()
    }
}
