//! When a digest is due and which time it covers: windows that meet, whatever is done to clocks and to bot.toml, and however long
//! nobody was there. Pure.

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Weekday};
use chrono_tz::Tz;

use super::Window;
use crate::domain::time::{Instant, Span};

/// A gap of summer time is shorter; a zone that crosses the date line leaves out a whole day.
const LONGEST_GAP_MINUTES: i64 = 2 * 24 * 60;
/// What the first digest of all looks back on, at most.
const FIRST: Span = Span::from_seconds(86_400);

/// The time of day at which digests are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    pub at: NaiveTime,
    pub zone: Tz,
    /// Not on Saturdays and Sundays, of which Monday's digest tells.
    pub weekdays_only: bool,
}

/// What went before a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Where the last one ended.
    Digest { to: Instant },
    /// There was none yet. `began`: when they were first asked for; `started`: when the bot first ran.
    Nothing { began: Instant, started: Instant },
}

impl Before {
    const fn reached(self) -> Instant {
        match self {
            Self::Digest { to } => to,
            Self::Nothing { began, .. } => began,
        }
    }
}

impl Schedule {
    /// The first moment after this one at which a digest is due.
    pub fn next(&self, after: Instant) -> Instant {
        let yesterday = self.day_of(after).pred_opt().unwrap_or(NaiveDate::MIN);
        yesterday.iter_days().filter(|day| self.is_on(*day)).map(|day| self.moment(day)).find(|at| *at > after).unwrap_or(after)
    }

    /// The last moment up to this one at which a digest was due.
    fn last(&self, now: Instant) -> Instant {
        let tomorrow = self.day_of(now).checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        let back = std::iter::successors(Some(tomorrow), NaiveDate::pred_opt);
        back.filter(|day| self.is_on(*day)).map(|day| self.moment(day)).find(|at| *at <= now).unwrap_or(now)
    }

    /// When the next digest is due after what went before.
    pub fn due_at(&self, before: Before) -> Instant {
        self.next(before.reached())
    }

    /// The window of the digest that is due now, if one is: from where the last one ended up to the last moment at which one was
    /// due, so that a whole gap is one digest.
    pub fn due(&self, before: Before, now: Instant) -> Option<Window> {
        if self.due_at(before) > now {
            return None;
        }
        let to = self.last(now);
        let from = match before {
            Before::Digest { to } => to,
            Before::Nothing { began, started } => began.min(to - FIRST).max(started.min(to)),
        };
        Some(self.window(from, to))
    }

    /// The time between these, with its days there.
    pub fn window(&self, from: Instant, to: Instant) -> Window {
        Window { from, to, days: self.days(from, to) }
    }

    /// The window that ended on this day, for a day of which no digest was made; None: it ends later than now.
    pub fn ended_on(&self, day: NaiveDate, now: Instant) -> Option<Window> {
        let to = self.moment(day);
        let from = self.last(to - Span::from_seconds(1));
        (to <= now).then(|| self.window(from, to))
    }

    /// The day on which it is read, there.
    pub fn day_of(&self, at: Instant) -> NaiveDate {
        at.utc().with_timezone(&self.zone).date_naive()
    }

    /// The first moment of a day there.
    pub fn begin_of(&self, day: NaiveDate) -> Instant {
        Self { at: NaiveTime::MIN, ..*self }.moment(day)
    }

    /// Days from one date to the other; a piece of a day is one.
    fn days(&self, from: Instant, to: Instant) -> u32 {
        let days = self.day_of(to).signed_duration_since(self.day_of(from)).num_days();
        u32::try_from(days).unwrap_or(0).max(1)
    }

    fn is_on(&self, day: NaiveDate) -> bool {
        !self.weekdays_only || !matches!(chrono::Datelike::weekday(&day), Weekday::Sat | Weekday::Sun)
    }

    /// The moment of this day. A time that the clocks leave out is the first one after it, and of one that comes twice it is the
    /// first.
    fn moment(&self, day: NaiveDate) -> Instant {
        let wanted = day.and_time(self.at);
        let there = |minutes| {
            let later = wanted.checked_add_signed(TimeDelta::minutes(minutes))?;
            self.zone.from_local_datetime(&later).earliest()
        };
        (0..=LONGEST_GAP_MINUTES).find_map(there).map_or_else(|| wanted.and_utc().into(), |at| at.to_utc().into())
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use proptest::prelude::*;

    use super::*;

    const ZONES: [Tz; 6] = [
        chrono_tz::UTC,
        chrono_tz::Europe::Berlin,
        chrono_tz::America::New_York,
        chrono_tz::Australia::Lord_Howe,
        chrono_tz::Pacific::Apia,
        chrono_tz::America::Asuncion,
    ];

    fn at(text: &str) -> Instant {
        text.parse::<DateTime<Utc>>().unwrap().into()
    }

    fn schedule(time: &str, zone: Tz) -> Schedule {
        Schedule { at: time.parse().unwrap(), zone, weekdays_only: false }
    }

    fn shown(at: Instant, zone: Tz) -> String {
        at.utc().with_timezone(&zone).format("%a %d %b %H:%M %:z").to_string()
    }

    #[test]
    fn it_is_the_same_time_of_the_clock_on_both_sides_of_summer_time() {
        let berlin = chrono_tz::Europe::Berlin;
        let nine = schedule("09:00:00", berlin);
        let table = [
            ("2026-03-28T12:00:00Z", "Sun 29 Mar 09:00 +02:00"),
            ("2026-03-29T06:59:59Z", "Sun 29 Mar 09:00 +02:00"),
            ("2026-03-29T07:00:00Z", "Mon 30 Mar 09:00 +02:00"),
            ("2026-10-24T12:00:00Z", "Sun 25 Oct 09:00 +01:00"),
            ("2026-10-25T07:59:59Z", "Sun 25 Oct 09:00 +01:00"),
            ("2026-10-25T08:00:00Z", "Mon 26 Oct 09:00 +01:00"),
        ];
        for (after, next) in table {
            assert_eq!(shown(nine.next(at(after)), berlin), next, "after {after}");
        }
    }

    #[test]
    fn a_time_that_is_left_out_is_the_first_after_it_and_one_that_comes_twice_is_the_first() {
        let berlin = chrono_tz::Europe::Berlin;
        let half_past_two = schedule("02:30:00", berlin);
        assert_eq!(shown(half_past_two.next(at("2026-03-28T12:00:00Z")), berlin), "Sun 29 Mar 03:00 +02:00");
        assert_eq!(shown(half_past_two.next(at("2026-03-29T01:00:00Z")), berlin), "Mon 30 Mar 02:30 +02:00");
        assert_eq!(shown(half_past_two.next(at("2026-10-24T12:00:00Z")), berlin), "Sun 25 Oct 02:30 +02:00");
        assert_eq!(shown(half_past_two.next(at("2026-10-25T00:30:00Z")), berlin), "Mon 26 Oct 02:30 +01:00", "not again an hour later");
    }

    #[test]
    fn clocks_that_change_at_midnight_or_by_half_an_hour_leave_no_day_out() {
        let asuncion = chrono_tz::America::Asuncion;
        assert_eq!(shown(schedule("00:00:00", asuncion).next(at("2023-09-30T12:00:00Z")), asuncion), "Sun 01 Oct 01:00 -03:00");
        let lord_howe = chrono_tz::Australia::Lord_Howe;
        assert_eq!(shown(schedule("02:15:00", lord_howe).next(at("2026-10-03T12:00:00Z")), lord_howe), "Sun 04 Oct 02:30 +11:00");
    }

    fn digest(to: &str) -> Before {
        Before::Digest { to: at(to) }
    }

    fn window(from: &str, to: &str, days: u32) -> Window {
        Window { from: at(from), to: at(to), days }
    }

    #[test]
    fn mondays_digest_tells_of_the_weekend() {
        let weekdays = Schedule { weekdays_only: true, ..schedule("09:00:00", chrono_tz::UTC) };
        let friday = digest("2026-11-20T09:00:00Z");
        assert_eq!(weekdays.due(friday, at("2026-11-22T23:00:00Z")), None);
        assert_eq!(weekdays.due(friday, at("2026-11-23T09:00:00Z")), Some(window("2026-11-20T09:00:00Z", "2026-11-23T09:00:00Z", 3)));
    }

    #[test]
    fn after_a_gap_there_is_one_digest_of_all_of_it() {
        let nine = schedule("09:00:00", chrono_tz::UTC);
        let monday = digest("2026-11-23T09:00:00Z");
        assert_eq!(nine.due(monday, at("2026-11-26T11:20:00Z")), Some(window("2026-11-23T09:00:00Z", "2026-11-26T09:00:00Z", 3)));
        assert_eq!(
            nine.due(monday, at("2026-11-24T11:20:00Z")),
            Some(window("2026-11-23T09:00:00Z", "2026-11-24T09:00:00Z", 1)),
            "late, and whole"
        );
    }

    #[test]
    fn the_first_digest_of_all_tells_what_was_since_the_first_start_and_of_one_day_at_most() {
        let nine = schedule("09:00:00", chrono_tz::UTC);
        let began = |began, started| Before::Nothing { began: at(began), started: at(started) };
        let new = began("2026-11-24T15:00:00Z", "2026-11-24T14:59:00Z");
        assert_eq!(nine.due(new, at("2026-11-24T23:00:00Z")), None);
        assert_eq!(nine.due(new, at("2026-11-25T09:00:00Z")), Some(window("2026-11-24T14:59:00Z", "2026-11-25T09:00:00Z", 1)));
        let old = began("2026-11-24T15:00:00Z", "2026-01-01T00:00:00Z");
        assert_eq!(nine.due(old, at("2026-11-25T09:00:00Z")), Some(window("2026-11-24T09:00:00Z", "2026-11-25T09:00:00Z", 1)));
        let weekdays = Schedule { weekdays_only: true, ..nine };
        let friday = began("2026-11-20T15:00:00Z", "2026-11-20T15:00:00Z");
        assert_eq!(weekdays.due(friday, at("2026-11-23T09:00:00Z")), Some(window("2026-11-20T15:00:00Z", "2026-11-23T09:00:00Z", 3)));
    }

    #[test]
    fn another_time_or_zone_leaves_no_hole_and_tells_nothing_twice() {
        let monday = digest("2026-11-23T09:00:00Z");
        let later = schedule("17:00:00", chrono_tz::UTC);
        assert_eq!(later.due(monday, at("2026-11-23T17:00:00Z")), Some(window("2026-11-23T09:00:00Z", "2026-11-23T17:00:00Z", 1)));
        let evening = digest("2026-11-23T17:00:00Z");
        let earlier = schedule("09:00:00", chrono_tz::UTC);
        assert_eq!(earlier.due(evening, at("2026-11-24T12:00:00Z")), Some(window("2026-11-23T17:00:00Z", "2026-11-24T09:00:00Z", 1)));
        let away = schedule("09:00:00", chrono_tz::America::New_York);
        assert_eq!(away.due(monday, at("2026-11-23T14:00:00Z")), Some(window("2026-11-23T09:00:00Z", "2026-11-23T14:00:00Z", 1)));
    }

    #[test]
    fn the_window_of_a_day_ends_at_that_days_time() {
        let nine = schedule("09:00:00", chrono_tz::Europe::Berlin);
        let (day, now) = ("2026-10-25".parse().unwrap(), at("2026-11-24T12:00:00Z"));
        assert_eq!(nine.ended_on(day, now), Some(window("2026-10-24T07:00:00Z", "2026-10-25T08:00:00Z", 1)));
        assert_eq!(nine.ended_on("2026-11-25".parse().unwrap(), now), None);
    }

    fn schedules() -> impl Strategy<Value = Schedule> {
        (0..24_u32, 0..60_u32, prop::sample::select(ZONES.to_vec()), any::<bool>()).prop_map(|(hour, minute, zone, weekdays_only)| {
            Schedule { at: NaiveTime::from_hms_opt(hour, minute, 0).unwrap(), zone, weekdays_only }
        })
    }

    /// 1995 to 2035.
    fn instants() -> impl Strategy<Value = Instant> {
        (788_918_400_i64..2_051_222_400).prop_map(|seconds| Instant::from_micros(seconds * 1_000_000))
    }

    proptest! {
        #[test]
        fn the_next_one_is_later_and_nothing_lies_between(schedule in schedules(), after in instants()) {
            let next = schedule.next(after);
            prop_assert!(next > after);
            prop_assert!(next.since(after).seconds() <= 4 * 86_400 + 7_200);
            prop_assert_eq!(schedule.last(next), next);
            prop_assert!(schedule.last(next - Span::from_seconds(1)) <= after);
            let local = next.utc().with_timezone(&schedule.zone);
            let is_left_out = schedule.zone.from_local_datetime(&schedule.day_of(next).and_time(schedule.at)).earliest().is_none();
            prop_assert!(local.time() == schedule.at || is_left_out || local.time() < schedule.at, "{}", local);
        }

        #[test]
        fn windows_meet_whoever_looks_when_and_whatever_the_schedule_becomes(
            start in instants(),
            looks in prop::collection::vec((schedules(), 0..400_000_i64), 1..40),
        ) {
            let (mut now, mut before) = (start, Before::Nothing { began: start, started: start });
            let mut reached = start;
            for (schedule, pause) in looks {
                now = now + Span::from_seconds(pause);
                if let Some(window) = schedule.due(before, now) {
                    prop_assert_eq!(window.from, reached, "no hole, no overlap");
                    prop_assert!(window.from < window.to && window.to <= now && window.days >= 1);
                    prop_assert_eq!(schedule.due(Before::Digest { to: window.to }, now), None, "once");
                    (reached, before) = (window.to, Before::Digest { to: window.to });
                } else {
                    prop_assert!(schedule.due_at(before) > now);
                }
            }
        }
    }
}
