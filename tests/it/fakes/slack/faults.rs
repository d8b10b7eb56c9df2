//! What can go wrong on the way to Slack, and Slack's own limits of rate.

use std::collections::BTreeMap;

use super::{Slack, api::Refusal};

/// How a call fails.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// `ok: false` with this error.
    Error(&'static str),
    /// A bare HTTP status with a page of text.
    Status(u16),
    RateLimited {
        after_seconds: u64,
    },
    /// No answer, ever.
    Hang,
    /// It took effect, and the connection closed before the answer.
    CutAfterEffect,
    /// The connection closed before anything was done.
    CutBefore,
}

pub(super) struct Planned {
    method: String,
    fault: Fault,
    times: usize,
}

/// Messages that a channel takes at once before it takes one a second.
const BURST: f64 = 4.0;

/// Calls of chat.update a minute (tier 3).
const UPDATES_A_MINUTE: usize = 50;

const MINUTE_MICROS: i64 = 60_000_000;

#[derive(Default)]
pub(super) struct Limits {
    /// What is left in each channel's bucket, and when it was looked at.
    buckets: BTreeMap<String, (f64, i64)>,
    updates: Vec<i64>,
}

/// A refusal by rate, with the seconds to wait.
pub(super) struct TooMany(pub(super) u64);

impl Limits {
    pub(super) fn check(&mut self, method: &str, channel: &str, now_micros: i64) -> Result<(), TooMany> {
        match method {
            "chat.postMessage" => self.post(channel, now_micros),
            "chat.update" => self.update(now_micros),
            _ => Ok(()),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds between two calls of a test")]
    fn post(&mut self, channel: &str, now_micros: i64) -> Result<(), TooMany> {
        let (left, seen) = self.buckets.entry(channel.to_owned()).or_insert((BURST, now_micros));
        *left = (*left + (now_micros - *seen) as f64 / 1e6).min(BURST);
        *seen = now_micros;
        if *left < 1.0 {
            return Err(TooMany(1));
        }
        *left -= 1.0;
        Ok(())
    }

    fn update(&mut self, now_micros: i64) -> Result<(), TooMany> {
        self.updates.retain(|at| now_micros - at < MINUTE_MICROS);
        if self.updates.len() >= UPDATES_A_MINUTE {
            let wait_micros = MINUTE_MICROS - (now_micros - self.updates[0]);
            return Err(TooMany(u64::try_from(wait_micros / 1_000_000).unwrap_or(1).max(1)));
        }
        self.updates.push(now_micros);
        Ok(())
    }
}

impl super::state::State {
    /// The fault that this call meets, if one is planned.
    pub(super) fn fault(&mut self, method: &str) -> Option<Fault> {
        let planned = self.planned.iter_mut().find(|p| p.times > 0 && (p.method == method || p.method == "*"))?;
        planned.times -= 1;
        Some(planned.fault.clone())
    }

    pub(super) fn within_limits(&mut self, method: &str, channel: &str) -> Result<(), TooMany> {
        let now_micros = self.now_micros;
        self.limits.as_mut().map_or(Ok(()), |limits| limits.check(method, channel, now_micros))
    }
}

impl From<&'static str> for Refusal {
    fn from(error: &'static str) -> Self {
        Self::new(error)
    }
}

impl Slack {
    /// The next `times` calls of `method` (`*`: of any) fail so.
    pub(crate) fn fail(&self, method: &str, fault: Fault, times: usize) -> &Self {
        self.state().planned.push(Planned { method: method.to_owned(), fault, times });
        self
    }

    /// What was planned by `fail` is forgotten.
    pub(crate) fn heal(&self) -> &Self {
        self.state().planned.clear();
        self
    }

    /// While down, every call meets a closed connection, and there are no sockets.
    pub(crate) fn down(&self, down: bool) -> &Self {
        self.state().down = down;
        if down {
            self.drop_sockets();
        }
        self
    }

    /// Slack's limits: a message a second in a channel with a burst of four, fifty updates a minute; by its own clock.
    pub(crate) fn enforce_limits(&self, on: bool) -> &Self {
        self.state().limits = on.then(Limits::default);
        self
    }
}
