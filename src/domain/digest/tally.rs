//! What happened in a window, counted. The store counts moments by resource; what follows from the counts is here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Given;
use crate::domain::{
    ids::ResourceId,
    request::Ending,
    time::{Instant, Span},
};

/// Resources, long grants and unused ones that a digest names.
pub const TOP: usize = 10;

/// A moment of a request that is counted. Each happens at most once to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Asked,
    /// The access works.
    Granted,
    /// The same, of less than was asked for first: an approver's offer was taken.
    GrantedLess,
    Denied,
    Cancelled,
    Unanswered,
    Failed,
    Expired,
    Returned,
    Revoked,
    Left,
    Settled,
}

impl What {
    pub const ENDINGS: [Self; 9] = [
        Self::Denied,
        Self::Cancelled,
        Self::Unanswered,
        Self::Failed,
        Self::Expired,
        Self::Returned,
        Self::Revoked,
        Self::Left,
        Self::Settled,
    ];

    pub const fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Denied { .. } => Self::Denied,
            Ending::Cancelled { .. } => Self::Cancelled,
            Ending::Unanswered => Self::Unanswered,
            Ending::Failed { .. } => Self::Failed,
            Ending::Expired => Self::Expired,
            Ending::Returned { .. } => Self::Returned,
            Ending::Revoked { .. } => Self::Revoked,
            Ending::Left => Self::Left,
            Ending::Settled { .. } => Self::Settled,
        }
    }

    /// Its name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Granted => "granted",
            Self::GrantedLess => "granted_less",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::Unanswered => "unanswered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Returned => "returned",
            Self::Revoked => "revoked",
            Self::Left => "left",
            Self::Settled => "settled",
        }
    }

    /// An ending by its name in the store.
    pub fn ending(name: &str) -> Option<Self> {
        Self::ENDINGS.into_iter().find(|ending| ending.name() == name)
    }
}

/// So many times this happened at a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub resource: ResourceId,
    pub what: What,
    pub count: u64,
}

/// Everything that was counted of a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tallies {
    pub counts: Vec<Tally>,
    /// Asks that people decided, and the median time that it took, from the first ask.
    pub decided: u64,
    pub median_decision: Option<Span>,
}

impl Tallies {
    fn sum(&self, what: What) -> u64 {
        self.counts.iter().filter(|tally| tally.what == what).map(|tally| tally.count).sum()
    }

    /// By resource, most asked first.
    fn by_resource(&self) -> Vec<ByResource> {
        let mut all: BTreeMap<&ResourceId, ByResource> = BTreeMap::new();
        for Tally { resource, what, count } in &self.counts {
            let row = all.entry(resource).or_insert_with(|| ByResource {
                resource: resource.clone(),
                asked: 0,
                granted: 0,
                denied: 0,
                unanswered: 0,
            });
            match what {
                What::Asked => row.asked += count,
                What::Granted => row.granted += count,
                What::Denied => row.denied += count,
                What::Unanswered => row.unanswered += count,
                _ => {}
            }
        }
        let mut all: Vec<ByResource> = all.into_values().filter(|row| !row.is_empty()).collect();
        all.sort_by(|a, b| (b.asked, b.granted, &a.resource).cmp(&(a.asked, a.granted, &b.resource)));
        all
    }
}

/// What happened at one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByResource {
    pub resource: ResourceId,
    pub asked: u64,
    pub granted: u64,
    pub denied: u64,
    pub unanswered: u64,
}

impl ByResource {
    const fn is_empty(&self) -> bool {
        self.asked == 0 && self.granted == 0 && self.denied == 0 && self.unanswered == 0
    }
}

/// A grant that ended in the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongGrant {
    pub given: Given,
    pub from: Instant,
    pub to: Instant,
}

impl LongGrant {
    pub fn length(&self) -> Span {
        self.to.since(self.from)
    }
}

/// Grants that ended in the window, by what is known of their use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unused {
    /// Some of those that were never used, the longest first.
    pub grants: Vec<LongGrant>,
    pub never: u64,
    /// Of those never used: open sessions were looked at only now and then, and short ones may have been missed.
    pub sampled: u64,
    pub used: u64,
    /// Of these the target tells nothing: used or not, nobody knows.
    pub unknown: u64,
}

/// What is open when the digest is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenNow {
    /// Access is there, or is being given or taken away.
    pub held: u64,
    /// Asked and not decided, or decided and not begun.
    pub waiting: u64,
}

/// The window in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    pub asked: u64,
    pub granted: u64,
    /// Of those granted: less than was asked for first.
    pub offered_less: u64,
    pub denied: u64,
    pub unanswered: u64,
    pub cancelled: u64,
    pub failed: u64,
    pub expired: u64,
    /// Given back before its end.
    pub returned: u64,
    pub revoked: u64,
    pub left: u64,
    pub settled: u64,
    /// Asks that people decided, and how long half of them took at most.
    pub decided: u64,
    pub median_decision: Option<Span>,
    /// Most asked first, and how many more resources there are.
    pub resources: Vec<ByResource>,
    pub more_resources: u64,
    /// Of the grants that ended, the longest.
    pub longest: Vec<LongGrant>,
    pub unused: Unused,
    pub open: OpenNow,
}

impl Day {
    /// The numbers that follow from the counts; the rest as given.
    pub fn new(tallies: &Tallies, longest: Vec<LongGrant>, unused: Unused, open: OpenNow) -> Self {
        let mut resources = tallies.by_resource();
        let more = resources.len().saturating_sub(TOP);
        resources.truncate(TOP);
        let sum = |what| tallies.sum(what);
        Self {
            asked: sum(What::Asked),
            granted: sum(What::Granted),
            offered_less: sum(What::GrantedLess),
            denied: sum(What::Denied),
            unanswered: sum(What::Unanswered),
            cancelled: sum(What::Cancelled),
            failed: sum(What::Failed),
            expired: sum(What::Expired),
            returned: sum(What::Returned),
            revoked: sum(What::Revoked),
            left: sum(What::Left),
            settled: sum(What::Settled),
            decided: tallies.decided,
            median_decision: tallies.median_decision,
            resources,
            more_resources: u64::try_from(more).unwrap_or(u64::MAX),
            longest,
            unused,
            open,
        }
    }

    /// Requests that closed in the window.
    pub const fn closed(&self) -> u64 {
        self.denied
            + self.cancelled
            + self.unanswered
            + self.failed
            + self.expired
            + self.returned
            + self.revoked
            + self.left
            + self.settled
    }

    /// Nothing happened, and nothing is open.
    pub const fn is_empty(&self) -> bool {
        self.asked == 0 && self.granted == 0 && self.closed() == 0 && self.open.held == 0 && self.open.waiting == 0
    }
}

/// Counts and medians over a span: of one resource, or of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    pub since: Instant,
    pub until: Instant,
    /// None: all resources together.
    pub resource: Option<ResourceId>,
    pub day: Day,
    /// How long half of the grants that ended were held at most.
    pub median_held: Option<Span>,
}

/// Between the middle two, or the middle one: what a sorted list's middle holds.
pub fn median(middle: &[i64]) -> Option<Span> {
    let count = i64::try_from(middle.len()).ok().filter(|count| *count > 0)?;
    Some(Span::from_seconds(middle.iter().sum::<i64>() / count))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tallies() -> impl Strategy<Value = Tallies> {
        let what =
            prop::sample::select([What::Asked, What::Granted, What::GrantedLess].into_iter().chain(What::ENDINGS).collect::<Vec<_>>());
        let tally = (0..20_u32, what, 1..1_000_u64).prop_map(|(n, what, count)| {
            let resource = format!("r{n}").parse().unwrap();
            Tally { resource, what, count }
        });
        prop::collection::vec(tally, 0..100).prop_map(|counts| Tallies { counts, ..Tallies::default() })
    }

    proptest! {
        #[test]
        fn counts_add_up(tallies in tallies()) {
            let day = Day::new(&tallies, Vec::new(), Unused::default(), OpenNow::default());
            let all: u64 = tallies.counts.iter().map(|tally| tally.count).sum();
            prop_assert_eq!(day.asked + day.granted + day.offered_less + day.closed(), all);
            prop_assert_eq!(day.is_empty(), day.asked + day.granted + day.closed() == 0);
            let whole = tallies.by_resource();
            prop_assert_eq!(whole.iter().map(|row| row.asked).sum::<u64>(), day.asked);
            prop_assert_eq!(whole.iter().map(|row| row.granted).sum::<u64>(), day.granted);
            prop_assert_eq!(whole.iter().map(|row| row.denied).sum::<u64>(), day.denied);
            prop_assert_eq!(whole.iter().map(|row| row.unanswered).sum::<u64>(), day.unanswered);
            prop_assert!(day.resources.len() <= TOP);
            prop_assert_eq!(u64::try_from(day.resources.len()).unwrap() + day.more_resources, u64::try_from(whole.len()).unwrap());
            prop_assert!(whole.windows(2).all(|two| two[0].asked >= two[1].asked), "most asked first");
        }
    }

    #[test]
    fn a_median_lies_between_the_middle_two() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[220]), Some(Span::from_seconds(220)));
        assert_eq!(median(&[200, 240]), Some(Span::from_seconds(220)));
    }

    #[test]
    fn every_ending_has_a_name_of_its_own() {
        for ending in What::ENDINGS {
            assert_eq!(What::ending(ending.name()), Some(ending));
        }
        assert_eq!(What::ending("asked"), None);
    }
}
