//! The only place that reads a clock. Everything else is handed `now`.

use std::sync::Mutex;

use chrono::Utc;

use crate::domain::time::Instant;

/// Where `now` comes from.
pub trait Clock: Send + Sync {
    /// As this clock has it; may jump (`bot` guards against that).
    fn now(&self) -> Instant;

    /// The real moment that `at` stands for, for what the outside world judges by its own clocks (certificates).
    fn real(&self, at: Instant) -> Instant {
        at
    }
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    fn now(&self) -> Instant {
        Utc::now().into()
    }
}

/// A clock that tests move by hand.
#[derive(Debug)]
pub struct ManualClock(Mutex<Instant>);

impl ManualClock {
    pub const fn new(at: Instant) -> Self {
        Self(Mutex::new(at))
    }

    pub fn set(&self, at: Instant) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = at;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Runs faster than the machine's clock, for the demo. Starts at the real time.
#[derive(Debug)]
pub struct FastClock {
    start: Instant,
    factor: i64,
}

impl FastClock {
    /// `factor` seconds pass here in each real one.
    pub fn new(factor: i64) -> Self {
        Self { start: SystemClock.now(), factor: factor.max(1) }
    }
}

impl Clock for FastClock {
    fn now(&self) -> Instant {
        let real = SystemClock.now().micros().saturating_sub(self.start.micros());
        Instant::from_micros(self.start.micros().saturating_add(real.saturating_mul(self.factor)))
    }

    fn real(&self, at: Instant) -> Instant {
        let ahead = at.micros().saturating_sub(self.start.micros()) / self.factor;
        Instant::from_micros(self.start.micros().saturating_add(ahead))
    }
}
