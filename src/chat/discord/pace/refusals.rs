//! Calls that Discord refuses: a place that does is tried ever more rarely, and all of them together are braked, since Discord
//! shuts out an address that is refused ten thousand times in ten minutes.

use std::collections::VecDeque;

use super::SECOND;

/// A place that refuses is left alone so long at first, and twice as long each time, but not longer than until a human's mending
/// is looked for.
const FIRST: i64 = 30 * SECOND;
const LAST: i64 = 480 * SECOND;
/// As long as Discord counts.
const WHILE: i64 = 600 * SECOND;
/// They are counted together so long.
const SLOT: i64 = 10 * SECOND;
/// So many are said in the log, and so many are the brake; Discord's own number is 10,000.
const MANY: u32 = 1_000;
const BRAKE: u32 = 4_000;

/// A place that refused what was sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Refused {
    pause: i64,
    pub until: i64,
}

impl Refused {
    pub(super) fn again(&mut self, now: i64) {
        self.pause = (self.pause * 2).clamp(FIRST, LAST);
        self.until = now + self.pause;
    }
}

/// How many were refused, by when a slot began.
#[derive(Default)]
pub(super) struct Invalid(VecDeque<(i64, u32)>);

impl Invalid {
    pub(super) fn count(&mut self, now: i64) {
        self.forget(now);
        match self.0.back_mut() {
            Some((at, count)) if now - *at < SLOT => *count += 1,
            _ => self.0.push_back((now, 1)),
        }
        match self.all() {
            MANY => tracing::warn!("Discord refused {MANY} calls in ten minutes"),
            BRAKE => {
                tracing::error!("Discord refused {BRAKE} calls in ten minutes: nothing but answers to interactions is sent for a while")
            }
            _ => {}
        }
    }

    /// Until enough of them are forgotten, in microseconds.
    pub(super) fn wait(&mut self, now: i64) -> i64 {
        self.forget(now);
        let mut left = self.all();
        let last = self.0.iter().take_while(|(_, count)| {
            let braked = left >= BRAKE;
            left = left.saturating_sub(*count);
            braked
        });
        last.last().map_or(0, |(at, _)| at + SLOT + WHILE - now)
    }

    fn all(&self) -> u32 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The last of a slot may be as much younger than its first.
    fn forget(&mut self, now: i64) {
        while self.0.front().is_some_and(|(at, _)| now - at >= SLOT + WHILE) {
            self.0.pop_front();
        }
    }
}
