//! The only place that reads a clock. Everything else is handed `now`.

use std::sync::Mutex;

use chrono::Utc;

use crate::domain::time::{Instant, Span};

/// Where `now` comes from.
pub trait Clock: Send + Sync {
    /// As this clock has it; may jump (`bot` guards against that).
    fn now(&self) -> Instant;

    /// Microseconds that only ever go forward, at the rate of this clock; for telling a jump from time passing.
    fn monotonic(&self) -> i64;

    /// The real moment that `at` stands for, for what the outside world judges by its own clocks (certificates).
    fn real(&self, at: Instant) -> Instant {
        at
    }

    /// What this clock shows at the real moment `at`: the way back from `real`.
    fn ours(&self, at: Instant) -> Instant {
        at
    }
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

/// Microseconds since the machine came up, with the time that it slept: a sleep is time that passed, and no jump.
#[cfg(target_os = "linux")]
fn steady() -> i64 {
    let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    since.tv_sec.saturating_mul(1_000_000).saturating_add(since.tv_nsec / 1_000)
}

/// Microseconds since this process first asked.
#[cfg(not(target_os = "linux"))]
fn steady() -> i64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    i64::try_from(START.get_or_init(std::time::Instant::now).elapsed().as_micros()).unwrap_or(i64::MAX)
}

impl Clock for SystemClock {
    fn monotonic(&self) -> i64 {
        steady()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    fn now(&self) -> Instant {
        Utc::now().into()
    }
}

/// A clock that tests move by hand.
#[derive(Debug)]
pub struct ManualClock(Mutex<(Instant, i64)>);

impl ManualClock {
    pub const fn new(at: Instant) -> Self {
        Self(Mutex::new((at, 0)))
    }

    /// Time passes.
    pub fn advance(&self, by: Span) {
        let mut state = self.lock();
        *state = (state.0 + by, state.1 + by.seconds() * 1_000_000);
    }

    /// Somebody sets the wall clock; no time passes.
    pub fn jump(&self, to: Instant) {
        self.lock().0 = to;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Instant, i64)> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.lock().0
    }

    fn monotonic(&self) -> i64 {
        self.lock().1
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
        Self::since(SystemClock.now(), factor)
    }

    /// As if it had been started at this moment.
    pub fn since(start: Instant, factor: i64) -> Self {
        Self { start, factor: factor.max(1) }
    }
}

impl Clock for FastClock {
    fn monotonic(&self) -> i64 {
        steady().saturating_mul(self.factor)
    }

    fn now(&self) -> Instant {
        let real = SystemClock.now().micros().saturating_sub(self.start.micros());
        Instant::from_micros(self.start.micros().saturating_add(real.saturating_mul(self.factor)))
    }

    fn real(&self, at: Instant) -> Instant {
        let ahead = at.micros().saturating_sub(self.start.micros()) / self.factor;
        Instant::from_micros(self.start.micros().saturating_add(ahead))
    }

    fn ours(&self, at: Instant) -> Instant {
        let ahead = at.micros().saturating_sub(self.start.micros()).saturating_mul(self.factor);
        Instant::from_micros(self.start.micros().saturating_add(ahead))
    }
}
