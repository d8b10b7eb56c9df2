//! Discord's buckets: which calls share one it says in a header, and how much is left of each, per channel or guild. Calls of
//! which nothing is known yet are let through.

use std::collections::HashMap;

use super::{Heard, Key, SECOND, micros};

/// Buckets that are remembered before those that are full again are forgotten.
const BUCKETS: usize = 4_096;
/// Two answers that name a moment this close speak of the same window.
const SAME: i64 = SECOND / 4;

#[derive(Default)]
pub(super) struct Buckets {
    /// By kind of call, the bucket that Discord named.
    names: HashMap<String, String>,
    /// By bucket, or kind of call as long as none was named, and what it is about.
    left: HashMap<(String, String), Left>,
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
}

impl Buckets {
    fn of(&self, key: &Key) -> (String, String) {
        (self.names.get(&key.kind).unwrap_or(&key.kind).clone(), key.top.clone())
    }

    /// In microseconds; none at or below 0.
    pub(super) fn wait(&self, key: &Key, now: i64) -> i64 {
        self.left.get(&self.of(key)).map_or(0, |left| left.wait(now))
    }

    /// A call goes out.
    pub(super) fn leave(&mut self, key: &Key, now: i64) {
        if self.left.len() > BUCKETS {
            self.left.retain(|_, left| !left.is_idle(now));
        }
        self.left.entry(self.of(key)).or_default().flying += 1;
    }

    /// It is back, or given up.
    pub(super) fn land(&mut self, key: &Key) {
        let bucket = self.of(key);
        if let Some(left) = self.left.get_mut(&bucket) {
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
        let moved: Vec<_> = self.left.keys().filter(|(name, _)| *name == before).cloned().collect();
        // Others may still be in the bucket that this kind was in.
        if self.names.values().any(|name| *name == before) {
            return;
        }
        for (name, top) in moved {
            let Some(was) = self.left.remove(&(name, top.clone())) else { continue };
            let left = self.left.entry((bucket.to_owned(), top)).or_default();
            left.flying += was.flying;
            left.not_before = left.not_before.max(was.not_before);
        }
    }
}
