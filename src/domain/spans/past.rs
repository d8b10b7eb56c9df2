//! Moments that have been, as people write them about the past: to the second, in the reader's zone, in another one that is
//! named, or with an offset. What the clocks showed twice or never is said and not guessed, and what lies ahead is refused.

use std::fmt;

use chrono::{FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::{A_DATE, Instant};

const A_TIME: &str = "a time looks like 14:05 or 14:05:30";
const A_PAST_DATE: &str = "a date looks like 2026-11-20, today or yesterday";
/// No zone is further from UTC, in minutes.
const FURTHEST: i32 = 14 * 60;
/// What a keyboard makes of a minus.
const MINUS: [char; 3] = ['-', '−', '–'];

/// Reads `14:05`, `yesterday 14:05`, `2026-11-20 14:05:30`, `2 h ago`, `now`; with `Z`, an offset or a zone's name behind it, in
/// that zone instead of the reader's. A time without its day is when the clocks showed it last.
/// # Errors
/// It is none of these, it lies ahead, or the clocks showed it twice or never: which, and how it is written then.
pub fn past(text: &str, now: Instant, zone: Tz) -> Result<Instant, String> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let moment = match lower.strip_suffix("ago").map(str::trim_end) {
        Some(length) => now - super::parse(length)?,
        None if lower == "now" => now,
        None => match Place::of(text) {
            (local, Some(Place::Offset(offset))) => shown(local, now, &offset)?,
            (local, Some(Place::Named(named))) => shown(local, now, &named)?,
            (local, None) => shown(local, now, &zone)?,
        },
    };
    if moment > now { Err("that lies ahead, and only what has been can be looked up".into()) } else { Ok(moment) }
}

/// Reads since when: a length such as `7d`, a day, which counts from its first moment, or what [`past`] reads.
/// # Errors
/// As [`past`].
pub fn since(text: &str, now: Instant, zone: Tz) -> Result<Instant, String> {
    let text = text.trim();
    if text.contains(':') || text.eq_ignore_ascii_case("now") || text.to_ascii_lowercase().ends_with("ago") {
        return past(text, now, zone);
    }
    let today = now.utc().with_timezone(&zone).date_naive();
    match day(text, today) {
        Ok(day) if day > today => Err("that lies ahead, and only what has been can be looked up".into()),
        Ok(day) => Ok(first_moment(day, zone)),
        Err(_) => super::parse(text.strip_prefix("last ").unwrap_or(text)).map(|length| now - length),
    }
}

/// Reads a day that has begun: `yesterday`, `today`, `2026-11-20`.
/// # Errors
/// It is none, or it lies ahead.
pub fn past_day(text: &str, now: Instant, zone: Tz) -> Result<NaiveDate, String> {
    let today = now.utc().with_timezone(&zone).date_naive();
    let day = day(text.trim(), today)?;
    if day > today { Err("that day lies ahead".into()) } else { Ok(day) }
}

/// As one types it, to the second: `2026-11-20 14:05:30`; with its offset where the clocks show that time twice.
pub fn typed_exactly(moment: Instant, zone: Tz) -> String {
    let here = moment.utc().with_timezone(&zone);
    let twice = matches!(zone.from_local_datetime(&here.naive_local()), LocalResult::Ambiguous(..));
    here.format(if twice { "%Y-%m-%dT%H:%M:%S%:z" } else { "%Y-%m-%d %H:%M:%S" }).to_string()
}

/// As anybody may type it wherever they are, exactly: `2026-11-20T14:05:30+01:00`, and the fraction of a second where there is one.
pub fn typed_anywhere(moment: Instant, zone: Tz) -> String {
    let is_whole = moment.micros().rem_euclid(1_000_000) == 0;
    let here = moment.utc().with_timezone(&zone);
    here.format(if is_whole { "%Y-%m-%dT%H:%M:%S%:z" } else { "%Y-%m-%dT%H:%M:%S%.6f%:z" }).to_string()
}

/// Where a time is meant, when that stands behind it.
enum Place {
    Offset(FixedOffset),
    Named(Tz),
}

impl Place {
    /// The time without its place, and the place.
    fn of(text: &str) -> (&str, Option<Self>) {
        if let Some((local, name)) = text.rsplit_once(char::is_whitespace) {
            let known = || chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(name));
            if let Some(zone) = known().filter(|_| name.contains(|c: char| c.is_ascii_alphabetic())) {
                return (local.trim_end(), Some(Self::Named(*zone)));
            }
        }
        let Some(colon) = text.find(':') else { return (text, None) };
        if let Some(local) = text.strip_suffix(['Z', 'z']) {
            return (local.trim_end(), Some(Self::Named(Tz::UTC)));
        }
        let sign = text[colon..].rfind(|c| c == '+' || MINUS.contains(&c)).map(|at| at + colon);
        let offset = sign.and_then(|at| Some((at, offset(&text[at..])?)));
        offset.map_or((text, None), |(at, offset)| (text[..at].trim_end(), Some(Self::Offset(offset))))
    }
}

/// `+01:00`, `+0100`, `-5`.
fn offset(text: &str) -> Option<FixedOffset> {
    let east = text.starts_with('+');
    let digits = text.strip_prefix(|c| c == '+' || MINUS.contains(&c))?;
    let number = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i32>().ok()).flatten();
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some((hours, minutes)), 4..=5) if minutes.len() == 2 => (number(hours)?, number(minutes)?),
        (None, 4) => (number(digits.get(..2)?)?, number(digits.get(2..)?)?),
        (None, 1..=2) => (number(digits)?, 0),
        _ => return None,
    };
    let all = hours * 60 + minutes;
    let fits = minutes < 60 && all <= FURTHEST;
    fits.then(|| FixedOffset::east_opt(if east { all * 60 } else { -all * 60 })).flatten()
}

/// When the clocks there showed it.
fn shown<Z: TimeZone>(text: &str, now: Instant, zone: &Z) -> Result<Instant, String>
where
    Z::Offset: fmt::Display,
{
    let here = now.utc().with_timezone(zone).naive_local();
    match text.split_once(|c: char| c.is_whitespace() || c == 'T' || c == 't').filter(|(begin, _)| !begin.is_empty()) {
        // Of the words, "today" and "tomorrow" begin with the letter that parts date and time.
        _ if text.split_whitespace().count() == 2 => {
            let (date, time) = text.split_once(char::is_whitespace).unwrap_or_default();
            at(day(date, here.date())?.and_time(clock(time.trim())?), now, zone)
        }
        Some((date, time)) if date.len() == 10 => at(day(date, here.date())?.and_time(clock(time.trim())?), now, zone),
        _ if day(text, here.date()).is_ok() => Err(format!("the time of day is missing: {text} 14:05")),
        _ => {
            let time = clock(text)?;
            let today = here.date().and_time(time);
            let earlier = || here.date().pred_opt().map(|day| day.and_time(time)).ok_or_else(|| A_DATE.to_owned());
            if begins_ahead(today, now, zone) { at(earlier()?, now, zone) } else { at(today, now, zone) }
        }
    }
}

/// Does every moment at which the clocks show this lie ahead?
fn begins_ahead<Z: TimeZone>(local: NaiveDateTime, now: Instant, zone: &Z) -> bool {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(one) | LocalResult::Ambiguous(one, _) => Instant::from(one.to_utc()) > now,
        LocalResult::None => local > now.utc().with_timezone(zone).naive_local(),
    }
}

fn at<Z: TimeZone>(local: NaiveDateTime, now: Instant, zone: &Z) -> Result<Instant, String>
where
    Z::Offset: fmt::Display,
{
    match zone.from_local_datetime(&local) {
        LocalResult::Single(one) => Ok(one.to_utc().into()),
        // The second time has not come yet.
        LocalResult::Ambiguous(one, two) if Instant::from(two.to_utc()) > now => Ok(one.to_utc().into()),
        LocalResult::Ambiguous(one, two) => {
            let [one, two] = [one, two].map(|each| each.format("%Y-%m-%dT%H:%M:%S%:z").to_string());
            Err(format!("the clocks were set back and showed that twice: write {one} or {two}"))
        }
        LocalResult::None => Err("the clocks were set forward over that time: it never was".into()),
    }
}

/// A day's beginning; where the clocks are set forward over midnight, the first moment after that.
fn first_moment(day: NaiveDate, zone: Tz) -> Instant {
    let midnight = day.and_time(NaiveTime::MIN);
    let first = (0..=12).find_map(|quarter| zone.from_local_datetime(&(midnight + TimeDelta::minutes(15 * quarter))).earliest());
    first.map_or_else(|| midnight.and_utc().into(), |first| first.to_utc().into())
}

fn day(text: &str, today: NaiveDate) -> Result<NaiveDate, String> {
    match text.to_ascii_lowercase().as_str() {
        "today" => Ok(today),
        "yesterday" => today.pred_opt().ok_or_else(|| A_PAST_DATE.to_owned()),
        date if date.is_ascii() && date.len() == 10 => NaiveDate::parse_from_str(date, "%Y-%m-%d").map_err(|_| A_PAST_DATE.to_owned()),
        _ => Err(A_PAST_DATE.into()),
    }
}

/// `14:05`, `14:05:30`, `14:05:30.123456`.
fn clock(text: &str) -> Result<NaiveTime, String> {
    let number = |digits: &str, least: usize, most: usize| {
        let fits = (least..=most).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| digits.parse::<u32>().ok()).flatten()
    };
    let read = || {
        let mut pieces = text.split(':');
        let (hour, minute) = (number(pieces.next()?, 1, 2)?, number(pieces.next()?, 2, 2)?);
        let Some(seconds) = pieces.next() else { return NaiveTime::from_hms_opt(hour, minute, 0) };
        let (whole, fraction) = seconds.split_once('.').map_or((seconds, None), |(whole, fraction)| (whole, Some(fraction)));
        let micros = match fraction {
            None => 0,
            Some(fraction) => number(fraction, 1, 6)? * 10u32.pow(6 - u32::try_from(fraction.len()).ok()?),
        };
        NaiveTime::from_hms_micro_opt(hour, minute, number(whole, 2, 2)?, micros).filter(|_| pieces.next().is_none())
    };
    read().ok_or_else(|| A_TIME.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: Tz = chrono_tz::Europe::Berlin;

    fn instant(text: &str) -> Instant {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&chrono::Utc).into()
    }

    fn read(text: &str, now: &str) -> Result<Instant, String> {
        past(text, instant(now), BERLIN)
    }

    #[test]
    fn the_past_is_read_as_people_write_it() {
        let now = "2026-11-24T14:00:00Z";
        let all = [
            ("2026-11-20 14:05:30", "2026-11-20T13:05:30Z"),
            ("2026-11-20 14:05", "2026-11-20T13:05:00Z"),
            ("2026-11-20T14:05:30", "2026-11-20T13:05:30Z"),
            ("2026-11-20t14:05", "2026-11-20T13:05:00Z"),
            ("2026-11-20 14:05:30.5", "2026-11-20T13:05:30.5Z"),
            ("2026-11-20T14:05:30Z", "2026-11-20T14:05:30Z"),
            ("2026-11-20T14:05:30.000001Z", "2026-11-20T14:05:30.000001Z"),
            ("2026-11-20 14:05:30 z", "2026-11-20T14:05:30Z"),
            ("2026-11-20T14:05:30+05:30", "2026-11-20T08:35:30Z"),
            ("2026-11-20 14:05 -0500", "2026-11-20T19:05:00Z"),
            ("2026-11-20 14:05 −05:00", "2026-11-20T19:05:00Z"),
            ("2026-11-20 14:05+1", "2026-11-20T13:05:00Z"),
            ("2026-11-20 14:05 UTC", "2026-11-20T14:05:00Z"),
            ("2026-11-20 14:05 america/new_york", "2026-11-20T19:05:00Z"),
            ("yesterday 14:05", "2026-11-23T13:05:00Z"),
            ("Yesterday 9:05:07", "2026-11-23T08:05:07Z"),
            ("today 14:05", "2026-11-24T13:05:00Z"),
            ("14:05", "2026-11-24T13:05:00Z"),
            ("15:00:00", "2026-11-24T14:00:00Z"),
            ("15:00:01", "2026-11-23T14:00:01Z"),
            ("23:30", "2026-11-23T22:30:00Z"),
            ("14:30 UTC", "2026-11-23T14:30:00Z"),
            ("2h ago", "2026-11-24T12:00:00Z"),
            ("1 h 30 min ago", "2026-11-24T12:30:00Z"),
            ("now", "2026-11-24T14:00:00Z"),
        ];
        for (text, expected) in all {
            assert_eq!(read(text, now), Ok(instant(expected)), "{text}");
        }
    }

    #[test]
    fn what_lies_ahead_and_what_is_no_moment_is_refused_with_the_reason() {
        let refused = |text: &str| read(text, "2026-11-24T14:00:00Z").unwrap_err();
        for text in ["today 15:01", "2026-11-24 15:00:01", "2026-11-25 10:00", "2026-11-24T14:00:01Z", "2027-01-01 00:00 UTC"] {
            assert!(refused(text).contains("lies ahead"), "{text}: {}", refused(text));
        }
        for text in ["yesterday", "2026-11-20", "today"] {
            assert!(refused(text).contains(&format!("the time of day is missing: {text} 14:05")), "{text}");
        }
        let nonsense = [
            "",
            "T",
            "Z",
            "25:00",
            "14:60",
            "14:05:60",
            "14",
            "1405",
            "14:5",
            "014:05",
            "+1:00",
            "١٤:٠٥",
            "tomorrow 14:05",
            "2026-02-30 10:00",
            "20.11.2026 14:05",
            "11/20/2026 14:05",
            "99999-01-01 10:00",
            "14:05:30.1234567",
            "14:05:30.",
            "14:05:30:10",
            "ago",
            "5 ago",
            "-2h ago",
            "2026-11-20 14:05 +15:00",
            "2026-11-20 14:05 +01:60",
            "2026-11-20 14:05 Mars/Base",
            "2026-11-20  ",
            "262143-12-31 23:59",
        ];
        for text in nonsense {
            assert!(read(text, "2026-11-24T14:00:00Z").is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_that_the_clocks_showed_twice_is_named_and_not_guessed() {
        let why = read("2026-10-25 02:30", "2026-11-24T14:00:00Z").unwrap_err();
        assert!(why.contains("2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00"), "{why}");
        for (text, expected) in
            [("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"), ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z")]
        {
            assert_eq!(read(text, "2026-11-24T14:00:00Z"), Ok(instant(expected)), "{text}");
        }
        // That night itself: in the first 02:40 the second 02:30 has not come, in the second one it has.
        assert_eq!(read("02:30", "2026-10-25T00:40:00Z"), Ok(instant("2026-10-25T00:30:00Z")));
        assert!(read("02:30", "2026-10-25T01:40:00Z").unwrap_err().contains("showed that twice"));
        assert_eq!(read("02:50", "2026-10-25T00:40:00Z"), Ok(instant("2026-10-24T00:50:00Z")));
    }

    #[test]
    fn a_time_that_the_clocks_skipped_is_named_and_not_guessed() {
        for (text, now) in
            [("2026-03-29 02:30", "2026-11-24T14:00:00Z"), ("02:30", "2026-03-29T10:00:00Z"), ("yesterday 02:30", "2026-03-30T10:00:00Z")]
        {
            assert!(read(text, now).unwrap_err().contains("set forward over that time"), "{text}");
        }
        assert_eq!(read("02:30", "2026-03-29T00:59:00Z"), Ok(instant("2026-03-28T01:30:00Z")), "it lies ahead still, so yesterday's");
        assert_eq!(read("01:59:59", "2026-03-29T10:00:00Z"), Ok(instant("2026-03-29T00:59:59Z")));
    }

    #[test]
    fn since_is_a_length_a_day_or_a_moment() {
        let read = |text: &str| since(text, instant("2026-11-24T14:00:00Z"), BERLIN);
        let all = [
            ("7d", "2026-11-17T14:00:00Z"),
            ("last 2 days", "2026-11-22T14:00:00Z"),
            ("1h30m", "2026-11-24T12:30:00Z"),
            ("yesterday", "2026-11-22T23:00:00Z"),
            ("2026-10-25", "2026-10-24T22:00:00Z"),
            ("2026-11-20 14:05:30", "2026-11-20T13:05:30Z"),
            ("2h ago", "2026-11-24T12:00:00Z"),
        ];
        for (text, expected) in all {
            assert_eq!(read(text), Ok(instant(expected)), "{text}");
        }
        for text in ["2026-11-25", "tomorrow", "", "7", "-7d", "always", "500d"] {
            assert!(read(text).is_err(), "{text}");
        }
        let beirut = since("2026-03-29", instant("2026-11-24T14:00:00Z"), chrono_tz::Asia::Beirut);
        assert_eq!(beirut, Ok(instant("2026-03-28T22:00:00Z")), "that day has no midnight and begins at 01:00");
    }

    #[test]
    fn a_day_of_the_past_is_one_that_has_begun() {
        let read = |text: &str| past_day(text, instant("2026-11-24T23:30:00Z"), BERLIN).map(|day| day.to_string());
        assert_eq!(read("yesterday").as_deref(), Ok("2026-11-24"), "it is past midnight in Berlin");
        assert_eq!(read("2026-11-20").as_deref(), Ok("2026-11-20"));
        assert!(read("2026-11-26").is_err() && read("monday").is_err() && read("7d").is_err());
    }

    proptest::proptest! {
        #[test]
        fn a_moment_that_was_printed_is_read_as_itself(second in 1_740_000_000i64..1_860_000_000) {
            let (at, now) = (Instant::from_micros(second * 1_000_000), instant("2030-01-01T00:00:00Z"));
            for zone in [BERLIN, Tz::UTC, chrono_tz::Australia::Lord_Howe, chrono_tz::America::St_Johns, chrono_tz::Asia::Kathmandu] {
                proptest::prop_assert_eq!(past(&typed_exactly(at, zone), now, zone), Ok(at));
                proptest::prop_assert_eq!(past(&at.to_string(), now, zone), Ok(at));
            }
        }

        #[test]
        fn a_moment_that_was_printed_for_one_reader_is_read_as_itself_by_another(micros in 1_740_000_000_000_000i64..1_860_000_000_000_000) {
            let now = instant("2030-01-01T00:00:00Z");
            for at in [Instant::from_micros(micros), Instant::from_micros(micros - micros % 1_000_000)] {
                for (printed, reader) in [(BERLIN, Tz::UTC), (Tz::UTC, chrono_tz::America::St_Johns), (chrono_tz::Asia::Kathmandu, BERLIN)] {
                    let typed = typed_anywhere(at, printed);
                    proptest::prop_assert_eq!(past(&typed, now, reader), Ok(at), "{}", typed);
                    proptest::prop_assert_eq!(since(&typed, now, reader), Ok(at), "{}", typed);
                }
            }
        }

        #[test]
        fn reading_never_panics_and_is_never_ahead(text in "\\PC*|[0-9:TtZz+ .−-]{0,30}", now in 0i64..4_000_000_000_000_000) {
            let now = Instant::from_micros(now);
            for read in [past(&text, now, BERLIN), since(&text, now, BERLIN)].into_iter().flatten() {
                proptest::prop_assert!(read <= now);
            }
            drop(past_day(&text, now, BERLIN));
        }
    }
}
