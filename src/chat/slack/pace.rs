//! How fast each place may be written to: Slack takes one message a second per channel with short bursts, and some fifty changes
//! of messages a minute in all. Says how long to wait; must not wait itself.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{chat::Sending, domain::time::Span};

/// A message a second, and so many at once before that.
const POSTS: Rate = Rate { every: 1_000_000, burst: 4 };
/// Of one place: a change is shown at once, and those that follow in the next second together.
const UPDATES: Rate = Rate { every: 1_000_000, burst: 1 };
/// Of all places: a little under fifty a minute, with a burst that a busy minute may use up.
const ALL_UPDATES: Rate = Rate { every: 1_250_000, burst: 25 };
/// Places that are remembered before those that may be written to anyway are forgotten.
const PLACES: usize = 4_096;

/// One each `every` microseconds on average, `burst` at once at most.
struct Rate {
    every: i64,
    burst: i64,
}

/// What was sent lately. Times are the clock's monotonic microseconds.
#[derive(Default)]
pub(super) struct Pace(Mutex<HashMap<(Sending, String), Sent>>);

#[derive(Clone, Copy, Default)]
struct Sent {
    /// When the rate would be used up exactly (the generic cell rate algorithm's theoretical arrival time).
    full_at: i64,
    /// Slack asked for a pause until then.
    not_before: i64,
}

impl Pace {
    /// How much longer until `place` takes another one; None: now.
    pub(super) fn wait(&self, place: &str, what: Sending, now: i64) -> Option<Span> {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |place: &str, rate: &Rate| {
            let sent = sent.get(&(what, place.to_owned())).copied().unwrap_or_default();
            let free_at = sent.full_at - rate.every * (rate.burst - 1);
            free_at.max(sent.not_before) - now
        };
        let micros = match what {
            Sending::Post => of(place, &POSTS).max(of("", &POSTS_ANYWHERE)),
            Sending::Update => of(place, &UPDATES).max(of("", &ALL_UPDATES)),
        };
        (micros > 0).then(|| Span::from_seconds((micros + 999_999) / 1_000_000))
    }

    /// One is being sent.
    pub(super) fn sent(&self, place: &str, what: Sending, now: i64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() > PLACES {
            all.retain(|_, sent| sent.full_at > now || sent.not_before > now);
        }
        let mut count = |place: &str, rate: &Rate| {
            let sent = all.entry((what, place.to_owned())).or_default();
            sent.full_at = sent.full_at.max(now) + rate.every;
        };
        match what {
            Sending::Post => count(place, &POSTS),
            Sending::Update => {
                count(place, &UPDATES);
                count("", &ALL_UPDATES);
            }
        }
    }

    /// Slack answered that it was too much. Changes of messages share one limit, posts have one per channel.
    pub(super) fn pause(&self, place: &str, what: Sending, now: i64, seconds: i64) {
        let place = if what == Sending::Update { "" } else { place };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = all.entry((what, place.to_owned())).or_default();
        sent.not_before = sent.not_before.max(now + seconds.saturating_mul(1_000_000));
    }
}

/// Posts have no limit in all that we count.
const POSTS_ANYWHERE: Rate = Rate { every: 0, burst: 1 };

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_burst_goes_at_once_and_then_one_a_second_in_each_channel() {
        let pace = Pace::default();
        for n in 0..4 {
            assert_eq!(pace.wait("C1", Sending::Post, 0), None, "{n}");
            pace.sent("C1", Sending::Post, 0);
        }
        assert_eq!(pace.wait("C1", Sending::Post, 0), Some(Span::from_seconds(1)));
        assert_eq!(pace.wait("C2", Sending::Post, 0), None, "another channel waits for nobody");
        assert_eq!(pace.wait("C1", Sending::Post, SECOND), None);
    }

    #[test]
    fn a_change_goes_at_once_and_the_next_after_a_second() {
        let pace = Pace::default();
        assert_eq!(pace.wait("C1", Sending::Update, 0), None);
        pace.sent("C1", Sending::Update, 0);
        assert_eq!(pace.wait("C1", Sending::Update, 1), Some(Span::from_seconds(1)));
        assert_eq!(pace.wait("C1", Sending::Post, 1), None, "a thread's line is no change");
        assert_eq!(pace.wait("C1", Sending::Update, SECOND), None);
    }

    #[test]
    fn all_changes_together_stay_under_fifty_a_minute_once_the_burst_is_used() {
        let pace = Pace::default();
        let sent = (0..120).filter(|second| {
            let free = pace.wait(&format!("C{second}"), Sending::Update, second * SECOND).is_none();
            if free {
                pace.sent(&format!("C{second}"), Sending::Update, second * SECOND);
            }
            free && *second >= 60
        });
        assert!((45..=60).contains(&sent.count()));
    }

    #[test]
    fn a_pause_that_slack_asks_for_is_kept() {
        let pace = Pace::default();
        pace.pause("C1", Sending::Post, 0, 7);
        assert_eq!(pace.wait("C1", Sending::Post, 3 * SECOND), Some(Span::from_seconds(4)));
        assert_eq!(pace.wait("C2", Sending::Post, 3 * SECOND), None);
        pace.pause("C1", Sending::Update, 0, 7);
        assert_eq!(pace.wait("C2", Sending::Update, 0), Some(Span::from_seconds(7)), "changes share one limit");
    }
}
