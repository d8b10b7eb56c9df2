//! Lengths of time and times of day as people write and read them. `now` and the zone are arguments.

mod past;

use chrono::{LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};

pub use past::{past, past_day, since, typed_anywhere, typed_exactly};

use super::time::{Instant, Span};

/// Nothing longer makes sense for access that is meant to be short.
const LONGEST: i64 = 366 * 86_400;
const A_TIME: &str = "a time looks like 18:00";
const A_DATE: &str = "a date looks like 2026-11-25, today or tomorrow";

/// Reads `30m`, `1h30m`, `2d`, `1 h 30 min`, `90 min`. Says what is wrong otherwise.
pub fn parse(text: &str) -> Result<Span, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("empty".into());
    }
    if text.starts_with(['-', '–', '—', '−']) {
        return Err("a length is never negative".into());
    }
    let (mut total, mut rest, mut last) = (0i64, text, i64::MAX);
    while !rest.is_empty() {
        let (number, unit, after) = piece(rest)?;
        rest = after;
        if unit >= last {
            return Err("larger units come first, each once".into());
        }
        last = unit;
        total = number.checked_mul(unit).and_then(|s| total.checked_add(s)).ok_or("the number is too large")?;
        if total > LONGEST {
            return Err("longer than a year".into());
        }
    }
    match total {
        0 => Err("zero".into()),
        1..60 => Err("shorter than a minute".into()),
        _ => Ok(Span::from_seconds(total)),
    }
}

/// A number, the seconds of its unit, and what comes after.
fn piece(text: &str) -> Result<(i64, i64, &str), String> {
    let start = |text: &str| text.chars().take(12).collect::<String>();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 {
        return Err(format!("a number is missing before \"{}\"", start(text)));
    }
    let (digits, rest) = text.split_at(digits);
    if rest.starts_with(['.', ',']) {
        return Err("fractions are not read: write 1h30m".into());
    }
    let rest = rest.trim_start();
    let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
    let (unit, rest) = rest.split_at(letters);
    if unit.is_empty() {
        return Err(format!("a unit is missing after {}: m, h, d or w", start(digits)));
    }
    let seconds = unit_seconds(unit).ok_or_else(|| format!("\"{}\" is not a unit: m, h, d or w", start(unit)))?;
    let number = digits.parse().map_err(|_| "the number is too large")?;
    Ok((number, seconds, rest.trim_start()))
}

fn unit_seconds(unit: &str) -> Option<i64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        _ => return None,
    })
}

/// `1 h 30 min`, `2 days`, `45 s`. Exact, and read back by `parse` as what it was.
pub fn words(span: Span) -> String {
    let seconds = span.seconds();
    let parts = [(seconds / 86_400, "day"), (seconds % 86_400 / 3_600, "h"), (seconds % 3_600 / 60, "min"), (seconds % 60, "s")];
    let plural = |number: i64, unit: &str| if unit == "day" && number > 1 { "s" } else { "" };
    let said = parts.iter().filter(|(number, _)| *number > 0).map(|(number, unit)| format!("{number} {unit}{}", plural(*number, unit)));
    let said: Vec<String> = said.collect();
    if said.is_empty() { "0 s".into() } else { said.join(" ") }
}

/// `30m`, `1h30m`, `2d`: as one types it.
pub fn short(span: Span) -> String {
    let seconds = span.seconds();
    let parts = [(seconds / 86_400, "d"), (seconds % 86_400 / 3_600, "h"), (seconds % 3_600 / 60, "m"), (seconds % 60, "s")];
    let said: Vec<String> = parts.iter().filter(|(number, _)| *number > 0).map(|(number, unit)| format!("{number}{unit}")).collect();
    if said.is_empty() { "0m".into() } else { said.concat() }
}

/// Does this word begin a time that goes on with the next word? `2026-11-25`, `today`, `tomorrow`.
pub fn is_day(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    matches!(word.as_str(), "today" | "tomorrow")
        || (word.contains('-') && !word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit()))
}

/// A time of day without its day, `18:00`.
pub fn is_bare(text: &str) -> bool {
    clock(text.trim()).is_ok()
}

/// Reads `18:00`, `tomorrow 09:30`, `2026-11-25 18:00`, `2026-11-25T18:00` or that with an offset in a zone; a bare time
/// is its next occurrence.
pub fn moment(text: &str, now: Instant, zone: chrono_tz::Tz) -> Result<Instant, String> {
    let text = text.trim();
    if let Ok(whole) = chrono::DateTime::parse_from_str(&text.replacen(' ', "T", 1), "%Y-%m-%dT%H:%M%:z") {
        return Ok(whole.with_timezone(&chrono::Utc).into());
    }
    match text.split_once([' ', 'T']) {
        Some((date, time)) => at(day(date, now, zone)?.and_time(clock(time.trim())?), zone),
        None => next(clock(text)?, now, zone),
    }
}

fn day(text: &str, now: Instant, zone: chrono_tz::Tz) -> Result<NaiveDate, String> {
    let today = now.utc().with_timezone(&zone).date_naive();
    match text.to_ascii_lowercase().as_str() {
        "today" => Ok(today),
        "tomorrow" => today.succ_opt().ok_or_else(|| A_DATE.to_owned()),
        date if date.is_ascii() && date.len() == 10 => NaiveDate::parse_from_str(date, "%Y-%m-%d").map_err(|_| A_DATE.to_owned()),
        _ => Err(A_DATE.into()),
    }
}

fn clock(text: &str) -> Result<NaiveTime, String> {
    let digits = |text: &str, least: usize| {
        let fits = (least..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if fits { text.parse::<u32>().ok() } else { None }
    };
    let time = text.split_once(':').and_then(|(hour, minute)| NaiveTime::from_hms_opt(digits(hour, 1)?, digits(minute, 2)?, 0));
    time.ok_or_else(|| A_TIME.to_owned())
}

/// The next time that the clocks show this. A clock set forward may skip it today: then it is refused while it lies ahead.
fn next(time: NaiveTime, now: Instant, zone: chrono_tz::Tz) -> Result<Instant, String> {
    let here = now.utc().with_timezone(&zone).naive_local();
    let today = here.date().and_time(time);
    let candidates = match zone.from_local_datetime(&today) {
        LocalResult::Single(one) => [Some(one), None],
        LocalResult::Ambiguous(one, two) => [Some(one), Some(two)],
        LocalResult::None if today > here => return Err(SKIPPED.into()),
        LocalResult::None => [None, None],
    };
    let ahead = candidates.into_iter().flatten().map(|time| Instant::from(time.to_utc())).find(|time| *time > now);
    ahead.map_or_else(|| at((here.date() + TimeDelta::days(1)).and_time(time), zone), Ok)
}

const SKIPPED: &str = "the clocks are set forward then: that time does not exist";

/// A clock that is set forward skips times: those are refused. One that is set back shows times twice: the earlier is meant.
fn at(local: NaiveDateTime, zone: chrono_tz::Tz) -> Result<Instant, String> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Ok(time.to_utc().into()),
        LocalResult::None => Err(SKIPPED.into()),
    }
}

/// As one types it, to the minute: `2026-11-25 18:00`; with its offset where the clocks show that time twice.
pub fn typed(moment: Instant, zone: chrono_tz::Tz) -> String {
    let here = moment.utc().with_timezone(&zone);
    let twice = matches!(zone.from_local_datetime(&here.naive_local()), LocalResult::Ambiguous(..));
    here.format(if twice { "%Y-%m-%dT%H:%M%:z" } else { "%Y-%m-%d %H:%M" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: chrono_tz::Tz = chrono_tz::Europe::Berlin;

    fn instant(text: &str) -> Instant {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&chrono::Utc).into()
    }

    #[test]
    fn lengths_are_read_as_people_write_them() {
        for (text, seconds) in
            [("30m", 1800), ("1h30m", 5400), ("2d", 172_800), ("90 min", 5400), ("1 h 30 min", 5400), ("1w", 604_800), ("1m30s", 90)]
        {
            assert_eq!(parse(text), Ok(Span::from_seconds(seconds)), "{text}");
        }
    }

    #[test]
    fn nonsense_lengths_are_refused_with_a_reason() {
        let all = [
            "",
            "0m",
            "-1h",
            "–1h",
            "5",
            "h",
            "1h1h",
            "30m1h",
            "400d",
            "99999999999999999999d",
            "9223372036854775807w",
            "١h",
            "１h",
            "30s",
            "1.5h",
            "1,5h",
            "1h!",
            "1h 30",
            "1ｈ",
        ];
        for text in all {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("1.5h").unwrap_err(), "fractions are not read: write 1h30m");
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_refused_and_one_shown_twice_is_the_earlier() {
        let now = instant("2026-01-01T00:00:00Z");
        assert!(moment("2026-03-29 02:30", now, BERLIN).is_err());
        assert_eq!(moment("2026-10-25 02:30", now, BERLIN), Ok(instant("2026-10-25T00:30:00Z")));
        assert_eq!(moment("2026-10-25T02:30+01:00", now, BERLIN), Ok(instant("2026-10-25T01:30:00Z")));
    }

    #[test]
    fn a_bare_time_is_its_next_occurrence_over_both_changes_of_the_clocks() {
        let all = [
            // Set forward at 02:00 that night: before, 02:30 is refused; after, tomorrow's is meant.
            ("2026-03-29T00:30:00Z", "02:30", None),
            ("2026-03-29T01:30:00Z", "02:30", Some("2026-03-30T00:30:00Z")),
            ("2026-03-28T22:00:00Z", "03:00", Some("2026-03-29T01:00:00Z")),
            // Set back at 03:00: in the first 02:40 the second 02:30 is next, in the second one tomorrow's.
            ("2026-10-25T00:40:00Z", "02:30", Some("2026-10-25T01:30:00Z")),
            ("2026-10-25T01:40:00Z", "02:30", Some("2026-10-26T01:30:00Z")),
            ("2026-10-24T22:00:00Z", "18:00", Some("2026-10-25T17:00:00Z")),
            ("2026-10-24T22:00:00Z", "tomorrow 9:30", Some("2026-10-26T08:30:00Z")),
        ];
        for (now, text, expected) in all {
            assert_eq!(moment(text, instant(now), BERLIN).ok(), expected.map(instant), "{text} at {now}");
        }
    }

    #[test]
    fn nonsense_times_are_refused() {
        let all = [
            "",
            "25:00",
            "18:60",
            "18",
            "1800",
            "18:0",
            "018:00",
            "+1:00",
            "١٨:٠٠",
            "yesterday 18:00",
            "2026-02-30 10:00",
            "99999-01-01 10:00",
            "2026-11-25",
            "18:00:00",
            "today",
            "262143-12-31 23:59",
        ];
        for text in all {
            assert!(moment(text, instant("2026-11-24T14:00:00Z"), BERLIN).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_shown_length_reads_back_as_itself(seconds in 60i64..LONGEST) {
            let span = Span::from_seconds(seconds);
            proptest::prop_assert_eq!(parse(&words(span)), Ok(span));
            proptest::prop_assert_eq!(parse(&short(span)), Ok(span));
        }

        #[test]
        fn a_typed_moment_reads_back_as_itself(minute in 29_000_000i64..31_000_000) {
            let (at, now) = (Instant::from_micros(minute * 60_000_000), instant("2026-01-01T00:00:00Z"));
            for zone in [BERLIN, chrono_tz::UTC, chrono_tz::Australia::Lord_Howe, chrono_tz::America::St_Johns] {
                proptest::prop_assert_eq!(moment(&typed(at, zone), now, zone), Ok(at));
            }
        }

        #[test]
        fn reading_never_panics(text in ".*", now in 0i64..4_000_000_000_000_000) {
            drop(parse(&text));
            drop(moment(&text, Instant::from_micros(now), BERLIN));
        }
    }
}
