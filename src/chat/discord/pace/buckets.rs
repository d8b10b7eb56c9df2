//! Discord's buckets: which calls share one it says in a header, and how much is left of each, per channel or guild. Of calls of
//! which nothing is known yet, a few are let through.

use std::collections::HashMap;

use super::{Heard, Key, SECOND, micros};

/// Buckets that are remembered before those that are full again are forgotten.
const BUCKETS: usize = 4_096;
/// Two answers that name a moment this close speak of the same window.
const SAME: i64 = SECOND / 4;
/// So many calls of a kind of which Discord has said nothing yet are on their way at once: no bucket is known to hold fewer.
const FIRST: u32 = 5;
/// Until it is looked again whether it has said something.
const SOON: i64 = SECOND / 10;

/// The bucket that Discord named, or the kind of call as long as it named none; and what it is about.
type Bucket = (String, String);

#[derive(Default)]
pub(super) struct Buckets {
    /// By kind of call, the bucket that Discord named.
    names: HashMap<String, String>,
    left: HashMap<Bucket, Left>,
    /// Calls on their way: of which kind, and where they are counted.
    flights: HashMap<u64, (String, Bucket)>,
    /// The number of the next one.
    next: u64,
}

/// What is left of one bucket.
#[derive(Debug, Clone, Copy, Default)]
struct Left {
    limit: Option<u32>,
    remaining: u32,
    /// When it is full again.
    reset_at: i64,
    /// Calls on their way, of which Discord may not have spoken yet.
    flying: u32,
    /// Discord asked for a pause until then.
    not_before: i64,
}

impl Left {
    fn is_idle(&self, now: i64) -> bool {
        self.flying == 0 && self.reset_at <= now && self.not_before <= now
    }

    fn wait(&self, now: i64) -> i64 {
        let used_up = match self.limit {
            None if self.flying >= FIRST => SOON,
            None => 0,
            Some(_) if now < self.reset_at => {
                if self.remaining > self.flying {
                    0
                } else {
                    self.reset_at - now
                }
            }
            Some(limit) => {
                if limit > self.flying {
                    0
                } else {
                    SECOND
                }
            }
        };
        used_up.max(self.not_before - now)
    }

    /// More than half of it is left.
    fn is_roomy(&self, now: i64) -> bool {
        let limit = self.limit.unwrap_or(FIRST);
        let left = if self.limit.is_some() && now < self.reset_at { self.remaining } else { limit };
        left.saturating_sub(self.flying) > limit / 2
    }
}

impl Buckets {
    fn of(&self, key: &Key) -> Bucket {
        (self.names.get(&key.kind).unwrap_or(&key.kind).clone(), key.top.clone())
    }

    /// In microseconds; none at or below 0.
    pub(super) fn wait(&self, key: &Key, now: i64) -> i64 {
        self.left.get(&self.of(key)).map_or(0, |left| left.wait(now))
    }

    /// Would one more leave half of it to others?
    pub(super) fn is_roomy(&self, key: &Key, now: i64) -> bool {
        self.left.get(&self.of(key)).is_none_or(|left| left.is_roomy(now))
    }

    /// A call goes out; its number.
    pub(super) fn leave(&mut self, key: &Key, now: i64) -> u64 {
        if self.left.len() > BUCKETS {
            self.left.retain(|_, left| !left.is_idle(now));
        }
        let bucket = self.of(key);
        self.left.entry(bucket.clone()).or_default().flying += 1;
        self.next += 1;
        self.flights.insert(self.next, (key.kind.clone(), bucket));
        self.next
    }

    /// It is back, or given up.
    pub(super) fn land(&mut self, flight: u64) {
        let bucket = self.flights.remove(&flight).map(|(_, bucket)| bucket);
        if let Some(left) = bucket.and_then(|bucket| self.left.get_mut(&bucket)) {
            left.flying = left.flying.saturating_sub(1);
        }
    }

    pub(super) fn heard(&mut self, key: &Key, heard: &Heard, now: i64) {
        if let Some(bucket) = &heard.bucket {
            self.name(key, bucket);
        }
        let (Some(limit), Some(remaining), Some(after)) = (heard.limit, heard.remaining, heard.reset_after) else { return };
        let (bucket, reset_at) = (self.of(key), now + micros(after));
        let left = self.left.entry(bucket).or_default();
        let same = left.limit.is_some() && now < left.reset_at && reset_at <= left.reset_at + SAME;
        // Answers may overtake each other: within one window what is left only shrinks.
        left.remaining = if same { left.remaining.min(remaining) } else { remaining };
        left.reset_at = left.reset_at.max(reset_at);
        left.limit = Some(limit);
    }

    pub(super) fn pause(&mut self, key: &Key, until: i64) {
        let left = self.left.entry(self.of(key)).or_default();
        left.not_before = left.not_before.max(until);
    }

    /// Calls of this kind are counted in that bucket from now on, those on their way too.
    fn name(&mut self, key: &Key, bucket: &str) {
        let before = self.names.insert(key.kind.clone(), bucket.to_owned()).unwrap_or_else(|| key.kind.clone());
        if before == bucket {
            return;
        }
        for (_, at) in self.flights.values_mut().filter(|(kind, at)| *kind == key.kind && at.0 == before) {
            if let Some(left) = self.left.get_mut(at) {
                left.flying = left.flying.saturating_sub(1);
            }
            bucket.clone_into(&mut at.0);
            self.left.entry(at.clone()).or_default().flying += 1;
        }
        // Others may still be in the bucket that this kind was in.
        if self.names.values().any(|name| *name == before) {
            return;
        }
        let left_behind: Vec<_> = self.left.keys().filter(|(name, _)| *name == before).cloned().collect();
        for (name, top) in left_behind {
            let Some(was) = self.left.remove(&(name, top.clone())) else { continue };
            let left = self.left.entry((bucket.to_owned(), top)).or_default();
            left.not_before = left.not_before.max(was.not_before);
        }
    }
}
