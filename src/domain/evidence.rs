//! How access was used, from sessions that were seen open now and then: what can be said of them, and how well it was looked.
//! Text from targets is made inert and short here.

use std::collections::BTreeSet;

use super::{
    event::Used,
    time::{Instant, Span},
};

/// It is looked this often.
pub const EVERY: Span = Span::from_seconds(30);
/// A look this much late is still in time.
const SLACK: Span = Span::from_seconds(15);
/// Addresses that are kept, and the longest text of a target, in characters.
const FROM_MAX: usize = 20;
const TEXT_MAX: usize = 64;

/// A session as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The target's name for it.
    pub id: String,
    pub first: Instant,
    pub last: Instant,
    pub from: Option<String>,
    pub about: Option<String>,
}

/// What was seen of one entitlement's sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampled {
    /// The first look and the last.
    pub first: Instant,
    pub last: Instant,
    /// The longest time between two looks.
    pub longest: Span,
    pub sessions: Vec<Session>,
}

impl Session {
    /// As the target told of it at `now`: no session began later than it was seen.
    pub fn new(id: &str, since: Instant, now: Instant, from: Option<&str>, about: Option<&str>) -> Self {
        let text = |text: &str| inert(text, TEXT_MAX);
        Self { id: text(id), first: since.min(now), last: now, from: from.map(text), about: about.map(text) }
    }
}

/// Without what moves the cursor, turns the direction of writing or is not seen; no longer than `most`.
pub fn inert(text: &str, most: usize) -> String {
    let unseen = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let shown: String = text.chars().filter(|c| !c.is_control() && !unseen(*c)).collect();
    if shown.chars().count() <= most {
        return shown;
    }
    shown.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

impl Sampled {
    /// How access that worked from `since` to `until` was used; None: it was never looked.
    pub fn used(&self, since: Instant, until: Instant) -> Option<Used> {
        if self.last < since || until < self.first {
            return None;
        }
        let here: Vec<&Session> = self.sessions.iter().filter(|session| since <= session.last && session.first <= until).collect();
        let from: BTreeSet<&str> = here.iter().filter_map(|session| session.from.as_deref()).collect();
        let from: Vec<&str> = from.into_iter().collect();
        Some(Used {
            sessions: u32::try_from(here.len()).unwrap_or(u32::MAX),
            first: here.iter().map(|session| session.first.max(since)).min(),
            last: here.iter().map(|session| session.last.min(until)).max(),
            from: listed(&from),
            sampled_every: Some(self.pause(since, until)),
        })
    }

    /// The longest time in which nobody looked.
    fn pause(&self, since: Instant, until: Instant) -> Span {
        let (before, after) = (self.first.since(since), until.since(self.last));
        let longest = self.longest.max(before).max(after);
        if longest <= EVERY + SLACK { EVERY } else { longest }
    }
}

fn listed(from: &[&str]) -> Vec<String> {
    let more = from.len().saturating_sub(FROM_MAX);
    let shown = from.iter().take(FROM_MAX).map(|address| (*address).to_owned());
    shown.chain((more > 0).then(|| format!("and {more} more"))).collect()
}

/// What the target itself kept count of, with what was seen: the count is the target's, and nothing was missed.
pub fn merged(counted: Option<Used>, seen: Option<Used>) -> Option<Used> {
    let (counted, seen) = match (counted, seen) {
        (Some(counted), Some(seen)) => (counted, seen),
        (counted, seen) => return counted.or(seen),
    };
    let more: Vec<String> = seen.from.into_iter().filter(|address| !counted.from.contains(address)).collect();
    Some(Used {
        sessions: counted.sessions.max(seen.sessions),
        first: counted.first.into_iter().chain(seen.first).min(),
        last: counted.last.max(seen.last),
        from: counted.from.into_iter().chain(more).collect(),
        sampled_every: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn session(first: i64, last: i64, from: &str) -> Session {
        Session::new("7", at(first), at(last), Some(from), None)
    }

    fn sampled(sessions: Vec<Session>) -> Sampled {
        Sampled { first: at(110), last: at(3_690), longest: Span::from_seconds(31), sessions }
    }

    #[test]
    fn what_was_seen_is_told_with_how_often_it_was_looked() {
        let used = sampled(vec![session(200, 230, "10.0.0.7"), session(50, 400, "10.0.0.8")]).used(at(100), at(3_700)).unwrap();
        let from = vec!["10.0.0.7".to_owned(), "10.0.0.8".to_owned()];
        let expected = Used { sessions: 2, first: Some(at(100)), last: Some(at(400)), from, sampled_every: Some(EVERY) };
        assert_eq!(used, expected, "nothing before the access worked counts");
    }

    #[test]
    fn a_gap_between_looks_is_told_as_it_was() {
        let looked = |longest| Sampled { longest: Span::from_seconds(longest), ..sampled(Vec::new()) };
        let every = |sampled: Sampled, until| sampled.used(at(100), at(until)).unwrap().sampled_every.unwrap().seconds();
        assert_eq!(every(looked(45), 3_700), 30);
        assert_eq!(every(looked(900), 3_700), 900);
        assert_eq!(every(looked(30), 4_700), 1_010, "nobody looked at the end");
        assert_eq!(sampled(Vec::new()).used(at(4_000), at(5_000)), None, "nobody looked at all");
    }

    #[test]
    fn the_count_of_the_target_itself_is_exact() {
        let counted = Used { sessions: 5, first: Some(at(120)), last: Some(at(150)), from: vec!["10.0.0.7".into()], sampled_every: None };
        let seen = sampled(vec![session(200, 230, "10.0.0.7"), session(300, 400, "10.0.0.8")]).used(at(100), at(3_700));
        let both = merged(Some(counted.clone()), seen.clone()).unwrap();
        assert_eq!((both.sessions, both.first, both.last, both.from.len(), both.sampled_every), (5, Some(at(120)), Some(at(400)), 2, None));
        assert_eq!(merged(None, seen.clone()), seen);
        assert_eq!(merged(Some(counted.clone()), None), Some(counted));
    }

    #[test]
    fn text_of_a_target_moves_nothing_and_is_short() {
        assert_eq!(inert("a\u{202e}b\nc\u{200b}d\u{2028}", 64), "abcd");
        assert_eq!(inert(&"x".repeat(100), 10).chars().count(), 10);
    }
}
