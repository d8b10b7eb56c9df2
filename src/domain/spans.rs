//! Lengths of time and times of day as people write and read them. `now` and the zone are arguments.

use chrono::{LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};

use super::time::{Instant, Span};

/// Nothing longer makes sense for access that is meant to be short.
const LONGEST: i64 = 366 * 86_400;

/// Reads `30m`, `1h30m`, `2d`, `1 h 30 min`, `90 min`. Says what is wrong otherwise.
pub fn parse(text: &str) -> Result<Span, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("empty".into());
    }
    if text.starts_with('-') {
        return Err("a length is never negative".into());
    }
    let (mut total, mut rest, mut last) = (0i64, text, i64::MAX);
    while !rest.is_empty() {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if digits.is_empty() {
            return Err(format!("a number is missing before \"{}\"", rest.chars().take(12).collect::<String>()));
        }
        rest = rest[digits.len()..].trim_start();
        let unit: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
        rest = rest[unit.len()..].trim_start();
        let seconds = unit_seconds(&unit).ok_or_else(|| format!("\"{unit}\" is not a unit: m, h, d or w"))?;
        if seconds >= last {
            return Err("larger units come first, each once".into());
        }
        last = seconds;
        let number: i64 = digits.parse().map_err(|_| "the number is too large".to_owned())?;
        total = number.checked_mul(seconds).and_then(|s| total.checked_add(s)).ok_or("the number is too large")?;
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

fn unit_seconds(unit: &str) -> Option<i64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        _ => return None,
    })
}

/// `1 h 30 min`, `2 days`, `45 s`; the two largest units that are not zero.
pub fn words(span: Span) -> String {
    let seconds = span.seconds();
    let parts = [(seconds / 86_400, "day"), (seconds % 86_400 / 3_600, "h"), (seconds % 3_600 / 60, "min"), (seconds % 60, "s")];
    let shown: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .take(2)
        .map(|(number, unit)| if *unit == "day" && *number > 1 { format!("{number} days") } else { format!("{number} {unit}") })
        .collect();
    if shown.is_empty() { "0 s".into() } else { shown.join(" ") }
}

/// Reads `18:00`, `2026-11-25 18:00` or `2026-11-25T18:00` in a zone; a bare time is its next occurrence.
pub fn time_of_day(text: &str, now: Instant, zone: chrono_tz::Tz) -> Result<Instant, String> {
    let text = text.trim();
    let here = now.utc().with_timezone(&zone);
    let (date, clock) = match text.split_once([' ', 'T']) {
        Some((date, clock)) => {
            (Some(NaiveDate::parse_from_str(date, "%Y-%m-%d").map_err(|_| "a date looks like 2026-11-25")?), clock.trim())
        }
        None => (None, text),
    };
    if clock.len() != 5 && clock.len() != 4 {
        return Err("a time looks like 18:00".into());
    }
    let clock = NaiveTime::parse_from_str(clock, "%H:%M").map_err(|_| "a time looks like 18:00")?;
    if let Some(date) = date {
        return at(date.and_time(clock), zone);
    }
    let today = at(here.date_naive().and_time(clock), zone)?;
    if today > now { Ok(today) } else { at((here.date_naive() + TimeDelta::days(1)).and_time(clock), zone) }
}

/// A clock that is set forward skips times: those are refused. One that is set back shows times twice: the earlier is meant.
fn at(local: NaiveDateTime, zone: chrono_tz::Tz) -> Result<Instant, String> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Ok(time.to_utc().into()),
        LocalResult::None => Err("the clocks are set forward then: that time does not exist".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for text in ["", "0m", "-1h", "5", "h", "1h1h", "30m1h", "400d", "99999999999999999999d", "١h", "30s", "1.5h", "1h!"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_refused_and_one_shown_twice_is_the_earlier() {
        let zone = chrono_tz::Europe::Berlin;
        let now = Instant::from_micros(1_700_000_000_000_000);
        assert!(time_of_day("2026-03-29 02:30", now, zone).is_err());
        let fold = time_of_day("2026-10-25 02:30", now, zone).unwrap();
        assert_eq!(fold.to_string(), "2026-10-25T00:30:00.000000Z");
    }

    proptest::proptest! {
        #[test]
        fn a_shown_length_reads_back_as_itself(minutes in 1i64..100_000) {
            let span = Span::from_minutes(minutes);
            // Two units are shown, so only lengths of two units read back exactly.
            let shown = words(span);
            let again = parse(&shown).unwrap();
            proptest::prop_assert!(again <= span && span.seconds() - again.seconds() < 3_600);
        }

        #[test]
        fn reading_never_panics(text in ".*") {
            drop(parse(&text));
        }
    }
}
