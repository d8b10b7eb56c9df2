//! Whether a connection is really alive: the crate says that it is open until it notices otherwise, and where the other side falls
//! silent it may never notice. Must not touch the connection.

use std::time::Duration;

/// Longest time without a sign of life from an open connection, in monotonic microseconds: two and a half times as long as Discord
/// lets pass between two heartbeats, each of which it answers.
const SILENCE: i64 = 105 * 1_000_000;

/// What becomes another one with everything that comes, be it an event or the answer to a heartbeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sign {
    /// Connections that the crate takes for open.
    pub up: usize,
    /// Events that came.
    pub events: u64,
    /// How long the last heartbeat of each connection waited for its answer: never twice as long to the nanosecond.
    pub latencies: Vec<Option<Duration>>,
}

/// The last sign, and when it came.
#[derive(Debug, Default)]
pub(super) struct Life {
    last: Sign,
    /// In monotonic microseconds.
    at: i64,
}

impl Life {
    /// How many connections are open and were not silent for too long.
    pub(super) fn live(&mut self, sign: Sign, now: i64) -> usize {
        if sign != self.last {
            (self.last, self.at) = (sign, now);
        }
        if now - self.at < SILENCE { self.last.up } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(up: usize, events: u64, latency: Option<u64>) -> Sign {
        Sign { up, events, latencies: vec![latency.map(Duration::from_millis)] }
    }

    #[test]
    fn an_open_connection_is_live_only_while_something_comes() {
        let mut life = Life::default();
        assert_eq!(life.live(sign(0, 0, None), 0), 0);
        assert_eq!(life.live(sign(1, 1, None), 5), 1);
        assert_eq!(life.live(sign(1, 1, None), SILENCE + 4), 1);
        assert_eq!(life.live(sign(1, 1, None), SILENCE + 5), 0, "the crate still calls it open");
        assert_eq!(life.live(sign(1, 1, Some(20)), SILENCE + 6), 1, "a heartbeat was answered");
        assert_eq!(life.live(sign(1, 1, Some(20)), 2 * SILENCE + 6), 0);
        assert_eq!(life.live(sign(1, 2, Some(20)), 2 * SILENCE + 7), 1, "an event came");
        assert_eq!(life.live(sign(0, 2, Some(20)), 2 * SILENCE + 8), 0, "it is closed, and that is known");
    }
}
