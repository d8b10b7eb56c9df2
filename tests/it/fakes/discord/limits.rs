//! Discord's limits of rate by its own clock: one bucket for each kind of call on each channel, guild or webhook; fifty calls a second
//! over all; and the count of bad calls that gets an address banned.

use std::{collections::BTreeMap, time::Duration};

use super::Discord;

/// Calls a second over all.
const GLOBAL: usize = 50;

/// Refused calls (401, 403, 429) in this time that ban an address.
const BAD_WINDOW_MICROS: i64 = 600_000_000;

const SECOND_MICROS: i64 = 1_000_000;

#[derive(Default)]
pub(super) struct Limits {
    pub(super) enforced: bool,
    buckets: BTreeMap<String, Bucket>,
    recent: Vec<i64>,
    bad: Vec<i64>,
}

struct Bucket {
    used: u64,
    resets_micros: i64,
}

/// What the headers of an answer say of its bucket.
pub(super) struct Standing {
    pub(super) limit: u64,
    pub(super) remaining: u64,
    pub(super) resets_micros: i64,
    pub(super) after: Duration,
    /// One name for all places where the same kind of call is made.
    pub(super) bucket: String,
}

/// A refusal by rate.
pub(super) struct TooMany {
    pub(super) after: Duration,
    pub(super) global: bool,
}

/// How many calls of a kind in how many seconds. Without enforcement Discord says more than anybody needs.
fn size(operation: &str, enforced: bool) -> (u64, i64) {
    if !enforced {
        return (10_000, 1);
    }
    match operation {
        "create_message" | "update_message" | "execute_webhook" | "update_original_webhook_message" => (5, 5),
        "delete_message" => (5, 1),
        "create_thread_from_message" => (10, 20),
        "update_channel" => (5, 10),
        "bulk_set_guild_application_commands" | "bulk_set_application_commands" => (2, 60),
        "get_guild_member" => (5, 2),
        _ => (10, 10),
    }
}

/// A name that tells nobody anything, as Discord's do not.
fn bucket_name(operation: &str) -> String {
    let hash = operation.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

fn until(at_micros: i64, now_micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(at_micros - now_micros).unwrap_or_default())
}

impl Limits {
    /// Counts a call; `major`: the channel, guild or webhook that it is about. Calls about interactions are outside of the limit over all.
    pub(super) fn take(&mut self, operation: &str, major: &str, outside: bool, now_micros: i64) -> (Standing, Option<TooMany>) {
        let (limit, seconds) = size(operation, self.enforced);
        let fresh = Bucket { used: 0, resets_micros: now_micros + seconds * SECOND_MICROS };
        let key = format!("{} {major}", bucket_name(operation));
        let bucket = self.buckets.entry(key).or_insert(Bucket { used: 0, resets_micros: fresh.resets_micros });
        if now_micros >= bucket.resets_micros {
            *bucket = fresh;
        }
        let full = bucket.used >= limit;
        if !full {
            bucket.used += 1;
        }
        let after = until(bucket.resets_micros, now_micros);
        let standing =
            Standing { limit, remaining: limit - bucket.used, resets_micros: bucket.resets_micros, after, bucket: bucket_name(operation) };
        let global = if outside { None } else { self.over_all(now_micros) };
        let too_many = global.or(full.then_some(TooMany { after, global: false }));
        (standing, too_many.filter(|_| self.enforced))
    }

    fn over_all(&mut self, now_micros: i64) -> Option<TooMany> {
        self.recent.retain(|at| now_micros - at < SECOND_MICROS);
        if self.recent.len() >= GLOBAL {
            return Some(TooMany { after: until(self.recent[0] + SECOND_MICROS, now_micros), global: true });
        }
        self.recent.push(now_micros);
        None
    }

    /// Counts an answer that Discord holds against an address.
    pub(super) fn count(&mut self, status: u16, shared: bool, now_micros: i64) {
        if matches!(status, 401 | 403 | 429) && !shared {
            self.bad.push(now_micros);
        }
    }
}

impl Discord {
    /// Discord's limits, by its own clock. Without them it answers any number of calls.
    pub(crate) fn enforce_limits(&self, on: bool) -> &Self {
        self.state().limits.enforced = on;
        self.state().limits.buckets.clear();
        self
    }

    /// Answers of the last ten minutes that Discord holds against the bot's address; 10,000 ban it.
    pub(crate) fn held_against_us(&self) -> usize {
        let mut state = self.state();
        let now_micros = state.now_micros;
        state.limits.bad.retain(|at| now_micros - at < BAD_WINDOW_MICROS);
        state.limits.bad.len()
    }
}
