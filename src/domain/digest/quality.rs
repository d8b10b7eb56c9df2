//! How approvals went: given in a moment, all by one person, or to and fro between two.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Thresholds;
use crate::domain::{ids::PersonId, request::RequestId, time::Span};

/// Requests that a line names.
pub const NAMED: usize = 20;

/// Something about approvals that is worth a look. `requests`: some of them, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "quality", rename_all = "snake_case")]
pub enum Quality {
    /// So many of this person's approvals came sooner than `under` after they could be given.
    Fast { person: PersonId, count: u64, of: u64, under: Span, requests: Vec<RequestId> },
    /// This person gave so many of all approvals of the window.
    Most { person: PersonId, count: u64, of: u64, percent: u64, requests: Vec<RequestId> },
    /// These two approved each other's access, so often the first the second's and the other way round, within so many days.
    Pair { people: [PersonId; 2], counts: [u64; 2], days: u32, requests: Vec<RequestId> },
}

/// Approvals that one person gave to another's access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals {
    pub by: PersonId,
    /// Whose access it was.
    pub subject: PersonId,
    pub count: u64,
    /// Of these: sooner than the threshold.
    pub fast: u64,
}

/// What stands out among the approvals `given` in the window, and among those of the `pair_days` up to its end. Which
/// requests each line is about is for the store to say.
pub fn quality(given: &[Approvals], lately: &[Approvals], thresholds: &Thresholds) -> Vec<Quality> {
    let mut people: BTreeMap<&PersonId, (u64, u64)> = BTreeMap::new();
    for approvals in given {
        let (count, fast) = people.entry(&approvals.by).or_default();
        *count += approvals.count;
        *fast += approvals.fast;
    }
    let of: u64 = people.values().map(|(count, _)| count).sum();
    let under = thresholds.fast;
    let fast = people.iter().filter(|(_, (_, fast))| *fast > 0).map(|(person, (count, fast))| Quality::Fast {
        person: (*person).clone(),
        count: *fast,
        of: *count,
        under,
        requests: Vec::new(),
    });
    let percent = |count: u64| count * 100 / of.max(1);
    let is_most = |count: u64| of >= u64::from(thresholds.most_of) && percent(count) >= u64::from(thresholds.most_percent);
    let most = people.iter().filter(|(_, (count, _))| is_most(*count)).map(|(person, (count, _))| Quality::Most {
        person: (*person).clone(),
        count: *count,
        of,
        percent: percent(*count),
        requests: Vec::new(),
    });
    let mut lines: Vec<Quality> = fast.chain(most).collect();
    lines.extend(pairs(lately, given, thresholds));
    lines.sort_by_key(|line| (line.rank(), std::cmp::Reverse(line.count())));
    lines
}

/// Only those of whom one approved the other within the window: what was told before is not told again every day.
fn pairs(lately: &[Approvals], given: &[Approvals], thresholds: &Thresholds) -> Vec<Quality> {
    let mut counts: BTreeMap<(&PersonId, &PersonId), u64> = BTreeMap::new();
    for approvals in lately {
        *counts.entry((&approvals.by, &approvals.subject)).or_default() += approvals.count;
    }
    let is_of = |one: &Approvals, by: &PersonId, subject: &PersonId| one.count > 0 && one.by == *by && one.subject == *subject;
    let is_new = |one: &PersonId, other: &PersonId| given.iter().any(|now| is_of(now, one, other) || is_of(now, other, one));
    let mutual = counts.iter().filter(|((by, subject), _)| by < subject).filter_map(|((by, subject), there)| {
        let back = counts.get(&(*subject, *by))?;
        (there + back >= u64::from(thresholds.pairs.max(2)) && is_new(by, subject)).then(|| Quality::Pair {
            people: [(*by).clone(), (*subject).clone()],
            counts: [*there, *back],
            days: thresholds.pair_days,
            requests: Vec::new(),
        })
    });
    mutual.collect()
}

impl Quality {
    const fn rank(&self) -> u8 {
        match self {
            Self::Fast { .. } => 0,
            Self::Most { .. } => 1,
            Self::Pair { .. } => 2,
        }
    }

    const fn count(&self) -> u64 {
        match self {
            Self::Fast { count, .. } | Self::Most { count, .. } => *count,
            Self::Pair { counts: [there, back], .. } => *there + *back,
        }
    }

    /// The requests that it is about, for links to their threads.
    pub fn requests(&self) -> &[RequestId] {
        match self {
            Self::Fast { requests, .. } | Self::Most { requests, .. } | Self::Pair { requests, .. } => requests,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn approvals(by: &str, subject: &str, count: u64, fast: u64) -> Approvals {
        Approvals { by: by.parse().unwrap(), subject: subject.parse().unwrap(), count, fast }
    }

    fn person(id: &str) -> PersonId {
        id.parse().unwrap()
    }

    #[test]
    fn a_quick_thumb_is_named_with_how_many_of_how_many() {
        let given = [approvals("ben", "ana", 7, 2), approvals("ben", "cleo", 2, 0), approvals("dora", "ana", 3, 0)];
        let under = Span::from_seconds(3);
        let ben = Quality::Fast { person: person("ben"), count: 2, of: 9, under, requests: Vec::new() };
        let most = Quality::Most { person: person("ben"), count: 9, of: 12, percent: 75, requests: Vec::new() };
        assert_eq!(quality(&given, &[], &Thresholds::default()), [ben, most]);
    }

    #[test]
    fn few_approvals_say_nothing_about_who_gives_most() {
        assert_eq!(quality(&[approvals("ben", "ana", 9, 0)], &[], &Thresholds::default()), []);
        assert_eq!(quality(&[approvals("ben", "ana", 10, 0)], &[], &Thresholds::default()).len(), 1);
    }

    #[test]
    fn only_who_approved_each_other_is_a_pair() {
        let one_way = [approvals("ana", "ben", 40, 0), approvals("ben", "cleo", 40, 0)];
        assert_eq!(quality(&[approvals("ana", "ben", 4, 0)], &one_way, &Thresholds::default()), []);
        let both = [approvals("ben", "ana", 1, 0), approvals("ana", "ben", 3, 0)];
        let pair = Quality::Pair { people: [person("ana"), person("ben")], counts: [3, 1], days: 30, requests: Vec::new() };
        assert_eq!(quality(&both[..1], &both, &Thresholds::default()), std::slice::from_ref(&pair));
        assert_eq!(quality(&both[1..], &both, &Thresholds::default()), [pair]);
        assert_eq!(quality(&[approvals("ana", "cleo", 1, 0)], &both, &Thresholds::default()), [], "nothing of theirs is new");
        let stricter = Thresholds { pairs: 5, ..Thresholds::default() };
        assert_eq!(quality(&both, &both, &stricter), []);
    }

    proptest! {
        #[test]
        fn every_line_counts_what_was_given(list in prop::collection::vec((0..6_u8, 0..6_u8, 1..9_u64, 0..9_u64), 0..40)) {
            let list: Vec<Approvals> = list
                .into_iter()
                .filter(|(by, subject, ..)| by != subject)
                .map(|(by, subject, count, fast)| approvals(&format!("p{by}"), &format!("p{subject}"), count, fast.min(count)))
                .collect();
            let all: u64 = list.iter().map(|one| one.count).sum();
            for line in quality(&list, &list, &Thresholds::default()) {
                match line {
                    Quality::Fast { person, count, of, .. } => {
                        let own = || list.iter().filter(|one| one.by == person);
                        prop_assert_eq!((count, of), (own().map(|one| one.fast).sum(), own().map(|one| one.count).sum()));
                    }
                    Quality::Most { count, of, percent, .. } => {
                        prop_assert_eq!(of, all);
                        prop_assert!(count <= of && (70..=100).contains(&percent));
                    }
                    Quality::Pair { people: [one, other], counts: [there, back], .. } => {
                        prop_assert!(one < other && there > 0 && back > 0 && there + back >= 4);
                    }
                }
            }
        }
    }
}
