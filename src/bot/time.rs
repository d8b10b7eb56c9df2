//! `now` for everything that decides (R17): never backwards, and a jump ahead is not believed at first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    clock::Clock,
    domain::time::{Instant, Span},
};

/// A jump ahead of more than this is suspicious.
const JUMP: Span = Span::from_minutes(10);
/// A bot that was down for longer than this gives nothing either until the clock was looked at a second time: a machine that
/// comes up with a wrong clock is set right in the first minute, and a far time once believed would stay for ever.
const LONG_DOWN: Span = Span::from_seconds(86_400);
/// The clock is looked at a second time after this much steady time.
const SECOND_LOOK: Span = Span::from_seconds(60);

/// Microseconds by which a clock that runs rightly may differ from steady time between two looks.
const DRIFT: u64 = 2_000_000;

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
    /// It was said that the clock is behind.
    behind: bool,
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
    /// A second look agrees with the first.
    Confirmed,
    /// The clock was set right again.
    SetRight,
    /// It is behind the time that was reached already: time goes on from there.
    Behind { highest: Instant, clock: Instant },
}

impl Guard {
    /// `highest` is the store's high-water mark: a restart after hours is not a jump, unless one was in doubt before it.
    pub(super) fn new(clock: Arc<dyn Clock>, highest: Option<Instant>, in_doubt: bool) -> Self {
        let (wall, steady) = (clock.now(), clock.monotonic());
        let mark = highest.unwrap_or(wall);
        let far = wall > mark + LONG_DOWN || (in_doubt && wall > mark + JUMP);
        let jump = far.then_some(Jump { from: mark, to: wall, steady });
        let notice = jump.map(|jump| Notice::Jumped { from: jump.from, to: jump.to });
        let highest = if far { mark } else { mark.max(wall) };
        Self { clock, state: Mutex::new(State { highest, steady, jump, notice, behind: false }) }
    }

    /// What is to be told about the clock: the same until `told`.
    pub(super) fn notice(&self) -> Option<Notice> {
        self.now();
        self.state().notice
    }

    /// This notice is recorded, and not told again.
    pub(super) fn told(&self, notice: Notice) {
        let mut state = self.state();
        if state.notice == Some(notice) {
            state.notice = None;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time to decide by.
    pub(super) fn now(&self) -> Instant {
        let mut state = self.state();
        let (wall, steady) = (self.clock.now(), self.clock.monotonic());
        let expected = Instant::from_micros(state.highest.micros().saturating_add((steady - state.steady).max(0)));
        if wall <= expected + JUMP {
            let behind = wall + JUMP < expected;
            if state.jump.take().is_some() || (state.behind && !behind) {
                state.notice = Some(Notice::SetRight);
            }
            if behind && !state.behind {
                state.notice = Some(Notice::Behind { highest: expected, clock: wall });
            }
            state.behind = behind;
            let now = if wall >= state.highest { wall } else { expected };
            (state.highest, state.steady) = (now, steady);
            return now;
        }
        let Some(jump) = state.jump else {
            state.jump = Some(Jump { from: expected, to: wall, steady });
            state.notice = Some(Notice::Jumped { from: expected, to: wall });
            return wall;
        };
        let agrees = (wall.micros() - jump.to.micros()).abs_diff(steady - jump.steady) <= DRIFT;
        if !agrees {
            // It moved once more: the second look begins anew, lest nothing is ever granted again.
            state.jump = Some(Jump { to: wall, steady, ..jump });
            state.notice = Some(Notice::Jumped { from: jump.from, to: wall });
        } else if (steady - jump.steady) >= SECOND_LOOK.seconds() * 1_000_000 {
            tracing::warn!(clock.jump_s = wall.since(jump.from).seconds(), "the clock's jump is confirmed");
            (state.highest, state.steady, state.jump, state.behind) = (wall, steady, None, false);
            state.notice = Some(Notice::Confirmed);
        }
        wall
    }

    /// An operator says the clock is right.
    pub(super) fn confirm(&self) {
        let mut state = self.state();
        (state.highest, state.steady, state.jump) = (self.clock.now().max(state.highest), self.clock.monotonic(), None);
        state.notice = state.notice.filter(|notice| matches!(notice, Notice::Behind { .. }));
    }

    /// A jump that is not confirmed: from when to when.
    pub(super) fn jump(&self) -> Option<(Instant, Instant)> {
        self.now();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).jump.map(|jump| (jump.from, jump.to))
    }

    /// While a jump is not confirmed nothing is granted.
    pub(super) fn is_trusted(&self) -> bool {
        // A jump that nobody has seen yet is one all the same.
        self.now();
        self.state().jump.is_none()
    }

    /// The mark to store: what is believed, never a jump.
    pub(super) fn highest(&self) -> Instant {
        self.state().highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const NOON: Instant = Instant::from_micros(1_795_521_600_000_000);

    fn guard() -> (Arc<ManualClock>, Guard) {
        let clock = Arc::new(ManualClock::new(NOON));
        (clock.clone(), Guard::new(clock, None, false))
    }

    fn take(guard: &Guard) -> Option<Notice> {
        let notice = guard.notice()?;
        guard.told(notice);
        Some(notice)
    }

    #[test]
    fn time_goes_on_steadily_when_the_wall_clock_is_set_back_and_that_is_said_once() {
        let (clock, guard) = guard();
        clock.jump(NOON - Span::from_minutes(60));
        assert_eq!(guard.now(), NOON);
        clock.advance(Span::from_seconds(90));
        assert_eq!(guard.now(), NOON + Span::from_seconds(90));
        assert!(guard.is_trusted(), "nothing is in doubt: ends come rather too early than too late");
        assert_eq!(take(&guard), Some(Notice::Behind { highest: NOON, clock: NOON - Span::from_minutes(60) }));
        assert_eq!(take(&guard), None);
        clock.jump(guard.now());
        assert_eq!(take(&guard), Some(Notice::SetRight));
    }

    #[test]
    fn a_jump_ahead_is_not_trusted_until_a_second_look_and_stays_to_be_told_until_it_is() {
        let (clock, guard) = guard();
        let far = NOON + Span::from_minutes(120);
        clock.jump(far);
        assert_eq!(guard.now(), far);
        let jumped = Notice::Jumped { from: NOON, to: far };
        assert_eq!((guard.notice(), guard.notice()), (Some(jumped), Some(jumped)), "whoever looked first");
        guard.told(jumped);
        assert_eq!(guard.notice(), None);
        assert!(!guard.is_trusted());
        assert_eq!(guard.highest(), NOON);
        clock.advance(Span::from_seconds(30));
        assert_eq!(take(&guard), None);
        assert!(!guard.is_trusted());
        clock.advance(Span::from_seconds(31));
        assert_eq!(take(&guard), Some(Notice::Confirmed));
        assert!(guard.is_trusted());
        assert_eq!(guard.highest(), far + Span::from_seconds(61));
    }

    #[test]
    fn a_clock_that_jumps_twice_is_believed_after_a_minute_all_the_same() {
        for second in [90, 180] {
            let (clock, guard) = guard();
            clock.jump(NOON + Span::from_minutes(120));
            guard.now();
            clock.advance(Span::from_seconds(30));
            clock.jump(NOON + Span::from_minutes(second));
            guard.now();
            clock.advance(Span::from_seconds(40));
            guard.now();
            assert!(!guard.is_trusted(), "the second look begins anew");
            clock.advance(Span::from_seconds(21));
            guard.now();
            assert!(guard.is_trusted());
        }
    }

    #[test]
    fn a_jump_that_is_corrected_is_forgotten() {
        let (clock, guard) = guard();
        clock.jump(NOON + Span::from_minutes(120));
        guard.now();
        clock.jump(NOON);
        assert_eq!(guard.now(), NOON);
        assert!(guard.is_trusted());
        assert_eq!(take(&guard), Some(Notice::SetRight));
    }

    #[test]
    fn a_machine_that_slept_is_believed_at_once_when_its_steady_clock_counted_the_sleep_and_after_a_minute_when_not() {
        let (clock, guard) = guard();
        clock.advance(Span::from_minutes(480));
        assert_eq!(guard.now(), NOON + Span::from_minutes(480));
        assert!(guard.is_trusted());
        clock.jump(clock.now() + Span::from_minutes(480));
        guard.now();
        assert!(!guard.is_trusted());
        clock.advance(Span::from_seconds(61));
        guard.now();
        assert!(guard.is_trusted());
    }

    #[test]
    fn a_start_after_hours_is_no_jump_and_one_far_ahead_or_in_doubt_is() {
        let start = |hours: i64, in_doubt| {
            let clock = Arc::new(ManualClock::new(NOON + Span::from_minutes(60 * hours)));
            (clock.clone(), Guard::new(clock, Some(NOON), in_doubt))
        };
        assert!(start(20, false).1.is_trusted());
        assert!(!start(20, true).1.is_trusted(), "a restart does not make a jump believed");
        let (clock, far) = start(24 * 365, false);
        assert!(!far.is_trusted());
        assert_eq!(far.highest(), NOON);
        clock.jump(NOON + Span::from_minutes(5));
        assert_eq!(far.now(), NOON + Span::from_minutes(5), "set right in time, nothing of it stays");
        assert!(far.is_trusted());
    }
}
