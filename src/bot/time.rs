//! `now` for everything that decides (R17): never backwards, and a jump ahead is not believed at first.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    clock::Clock,
    domain::time::{Instant, Span},
};

/// A jump ahead of more than this is suspicious.
const JUMP: Span = Span::from_minutes(10);
/// The clock is looked at a second time after this much steady time.
const SECOND_LOOK: Span = Span::from_seconds(60);

/// Guards `now`.
pub(super) struct Guard {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    /// What was last answered and believed.
    highest: Instant,
    /// Steady time of that answer.
    steady: i64,
    jump: Option<Jump>,
    /// What has not been told yet: whoever asks for the time first sees a jump, and only one of them can tell it.
    notice: Option<Notice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Jump {
    from: Instant,
    to: Instant,
    steady: i64,
}

/// What happened to the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// It has just jumped ahead: ends go on, nothing is granted.
    Jumped { from: Instant, to: Instant },
    /// A second look agrees with the first, or the clock was set right again.
    Over,
}

impl Guard {
    /// `highest` is the store's high-water mark: a restart after days is not a jump.
    pub(super) fn new(clock: Arc<dyn Clock>, highest: Option<Instant>) -> Self {
        let highest = highest.map_or_else(|| clock.now(), |h| h.max(clock.now()));
        let steady = clock.monotonic();
        Self { clock, state: Mutex::new(State { highest, steady, jump: None, notice: None }) }
    }

    /// What is to be told about the clock, once.
    pub(super) fn take_notice(&self) -> Option<Notice> {
        self.now();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).notice.take()
    }

    /// The time to decide by.
    pub(super) fn now(&self) -> Instant {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall, steady) = (self.clock.now(), self.clock.monotonic());
        let passed = Span::from_seconds((steady - state.steady).max(0) / 1_000_000);
        let expected = Instant::from_micros(state.highest.micros().saturating_add((steady - state.steady).max(0)));
        if wall <= expected + JUMP {
            if state.jump.take().is_some() {
                state.notice = Some(Notice::Over);
            }
            let now = if wall >= state.highest { wall } else { expected };
            (state.highest, state.steady) = (now, steady);
            return now;
        }
        let Some(jump) = state.jump else {
            state.jump = Some(Jump { from: expected, to: wall, steady });
            state.notice = Some(Notice::Jumped { from: expected, to: wall });
            return wall;
        };
        let agrees = wall.since(jump.to).seconds().abs_diff((steady - jump.steady) / 1_000_000) <= 2;
        if agrees && (steady - jump.steady) >= SECOND_LOOK.seconds() * 1_000_000 {
            tracing::warn!(clock.jump_s = wall.since(jump.from).seconds(), passed_s = passed.seconds(), "the clock's jump is confirmed");
            (state.highest, state.steady, state.jump) = (wall, steady, None);
            state.notice = Some(Notice::Over);
        }
        wall
    }

    /// An operator says the clock is right.
    pub(super) fn confirm(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.highest, state.steady, state.jump) = (self.clock.now().max(state.highest), self.clock.monotonic(), None);
    }

    /// While a jump is not confirmed nothing is granted.
    pub(super) fn is_trusted(&self) -> bool {
        // A jump that nobody has seen yet is one all the same.
        self.now();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).jump.is_none()
    }

    /// The mark to store: what is believed, never a jump.
    pub(super) fn highest(&self) -> Instant {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const NOON: Instant = Instant::from_micros(1_795_521_600_000_000);

    fn guard() -> (Arc<ManualClock>, Guard) {
        let clock = Arc::new(ManualClock::new(NOON));
        (clock.clone(), Guard::new(clock, None))
    }

    #[test]
    fn time_goes_on_steadily_when_the_wall_clock_is_set_back() {
        let (clock, guard) = guard();
        clock.jump(NOON - Span::from_minutes(60));
        assert_eq!(guard.now(), NOON);
        clock.advance(Span::from_seconds(90));
        assert_eq!(guard.now(), NOON + Span::from_seconds(90));
    }

    #[test]
    fn a_jump_ahead_is_seen_once_and_not_trusted_until_a_second_look() {
        let (clock, guard) = guard();
        let far = NOON + Span::from_minutes(120);
        clock.jump(far);
        assert_eq!(guard.now(), far);
        assert_eq!(guard.take_notice(), Some(Notice::Jumped { from: NOON, to: far }), "whoever looked first");
        assert_eq!(guard.take_notice(), None);
        assert!(!guard.is_trusted());
        assert_eq!(guard.highest(), NOON);
        clock.advance(Span::from_seconds(30));
        assert_eq!(guard.take_notice(), None);
        assert!(!guard.is_trusted());
        clock.advance(Span::from_seconds(31));
        assert_eq!(guard.take_notice(), Some(Notice::Over));
        assert!(guard.is_trusted());
    }

    #[test]
    fn a_jump_that_is_corrected_is_forgotten() {
        let (clock, guard) = guard();
        clock.jump(NOON + Span::from_minutes(120));
        guard.now();
        clock.jump(NOON);
        assert_eq!(guard.now(), NOON);
        assert!(guard.is_trusted());
    }
}
