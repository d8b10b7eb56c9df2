//! How many sessions the bot may still begin on the gateway, and a gateway that falls silent: by switch.

use std::time::Duration;

use serde_json::{Value, json};

use super::Discord;

/// The sessions of a day.
const TOTAL: u64 = 1_000;

/// What Discord says of it.
pub(super) struct Starts {
    left: u64,
    renewed_in: Duration,
    /// New connections are taken and not answered.
    silent: bool,
}

impl Default for Starts {
    fn default() -> Self {
        Self { left: TOTAL, renewed_in: Duration::from_hours(4), silent: false }
    }
}

impl Starts {
    /// One is begun; false: that was one too many, and the token is taken away.
    pub(super) const fn take(&mut self) -> bool {
        let there = self.left > 0;
        self.left = self.left.saturating_sub(1);
        there
    }

    pub(super) fn json(&self) -> Value {
        let after = u64::try_from(self.renewed_in.as_millis()).unwrap();
        json!({"total": TOTAL, "remaining": self.left, "reset_after": after, "max_concurrency": 1})
    }
}

impl Discord {
    /// The bot may begin so many more sessions, and is given all of them again after this.
    pub(crate) fn starts_left(&self, left: u64, renewed_in: Duration) -> &Self {
        let starts = &mut self.state().sessions.starts;
        (starts.left, starts.renewed_in) = (left, renewed_in);
        self
    }

    /// How many heartbeats came.
    pub(crate) fn beats(&self) -> usize {
        self.state().sessions.beats
    }

    /// Whether connections of the gateway that come from now on are taken and not answered until it speaks again.
    pub(crate) fn fall_silent(&self, silent: bool) -> &Self {
        self.state().sessions.starts.silent = silent;
        self.tell();
        self
    }

    /// Resolves when it is not silent.
    pub(super) async fn speaks(&self) {
        loop {
            let changed = self.0.changed.notified();
            if !self.state().sessions.starts.silent {
                return;
            }
            changed.await;
        }
    }
}
