//! Times, lengths and lists in the words people use. Pure; must not know a platform's markup.

use chrono::{DateTime, NaiveTime};
use chrono_tz::Tz;

use crate::domain::time::{Instant, Span};

/// A length in words: `1 h 30 min`, `45 min`, `3 min 12 s`, `2 days`. Exact.
pub fn duration(span: Span) -> String {
    let s = span.seconds();
    let days = if s / 86_400 == 1 { "day" } else { "days" };
    let parts = [(s / 86_400, days), (s / 3600 % 24, "h"), (s / 60 % 60, "min"), (s % 60, "s")];
    let words: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}")).collect();
    if words.is_empty() { "0 s".to_owned() } else { words.join(" ") }
}

/// The same, rounded to what a glance needs: minutes from one minute on, hours from a day on, days from a week on.
pub fn rough(span: Span) -> String {
    let grain = match span.seconds() {
        ..60 => 1,
        60..86_400 => 60,
        86_400..604_800 => 3600,
        _ => 86_400,
    };
    duration(Span::from_seconds((span.seconds() + grain / 2) / grain * grain))
}

fn local(at: Instant, tz: Tz) -> DateTime<Tz> {
    at.utc().with_timezone(&tz)
}

/// `15:04`, with the day when it is not today: `tomorrow 15:04`, `yesterday 15:04`, `Tue 24 Nov 15:04`.
pub fn moment(at: Instant, now: Instant, tz: Tz) -> String {
    on_day(at, now, tz, "%H:%M")
}

/// `15:04:12`, with the day when it is not today.
pub fn exact(at: Instant, now: Instant, tz: Tz) -> String {
    on_day(at, now, tz, "%H:%M:%S")
}

fn on_day(at: Instant, now: Instant, tz: Tz, form: &str) -> String {
    let (at, now) = (local(at, tz), local(now, tz));
    let time = at.format(form);
    let days = at.date_naive().signed_duration_since(now.date_naive()).num_days();
    match days {
        0 => time.to_string(),
        1 => format!("tomorrow {time}"),
        -1 => format!("yesterday {time}"),
        -180..=180 => format!("{} {time}", at.format("%a %-d %b")),
        _ => format!("{} {time}", at.format("%-d %b %Y")),
    }
}

/// `in 58 min`, `4 s ago`, `now`.
pub fn relative(at: Instant, now: Instant) -> String {
    if at > now {
        format!("in {}", rough(at.since(now)))
    } else if now.since(at) == Span::ZERO {
        "now".to_owned()
    } else {
        format!("{} ago", rough(now.since(at)))
    }
}

/// `03:12` when it is the middle of the night there (22:00 to 06:00), else None.
pub fn night(at: Instant, tz: Tz) -> Option<String> {
    let time = local(at, tz).time();
    let edge = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
    (time < edge(6) || time >= edge(22)).then(|| time.format("%H:%M").to_string())
}

/// `Ben`, `Ben and Cleo`, `Ben, Cleo and Dora`.
pub fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// `48,213`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Text from people made inert for one line of plain text: no control, direction or zero-width characters;
/// line breaks become ` / `.
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split(['\n', '\r', '\u{2028}', '\u{2029}', '\u{85}', '\u{b}', '\u{c}']) {
        let clean: String = line.chars().filter(|c| !is_hidden(*c)).map(|c| if c == '\t' { ' ' } else { c }).collect();
        if clean.trim().is_empty() {
            if out.is_empty() {
                out.push_str(&clean);
            }
            continue;
        }
        if !out.trim().is_empty() {
            out.push_str(" / ");
        }
        out.push_str(&clean);
    }
    out
}

/// Characters that change how others are seen, or cannot be seen at all.
fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}' | '\u{61c}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse::<DateTime<chrono::Utc>>().unwrap().into()
    }

    #[test]
    fn lengths_are_said_in_units_people_use() {
        let said = |s| duration(Span::from_seconds(s));
        assert_eq!([said(5400), said(2700), said(192), said(172_800), said(0)], ["1 h 30 min", "45 min", "3 min 12 s", "2 days", "0 s"]);
        assert_eq!(rough(Span::from_seconds(3479)), "58 min");
    }

    #[test]
    fn times_are_in_the_readers_zone_and_name_the_day_when_it_is_another() {
        let (now, tz) = (at("2026-11-24T13:06:00Z"), chrono_tz::Europe::Berlin);
        assert_eq!(moment(at("2026-11-24T14:04:00Z"), now, tz), "15:04");
        assert_eq!(moment(at("2026-11-24T23:30:00Z"), now, tz), "tomorrow 00:30");
        assert_eq!(exact(at("2026-11-12T14:04:09Z"), now, tz), "Thu 12 Nov 15:04:09");
        assert_eq!(relative(at("2026-11-24T13:05:56Z"), now), "4 s ago");
    }

    #[test]
    fn hidden_and_line_breaking_characters_do_not_reach_a_line() {
        assert_eq!(one_line("a\u{202e}b\u{200b}c\u{7}\u{1b}[31m\nd\r\ne\u{feff}\tf"), "abc[31m / d / e f");
        assert_eq!(one_line("\n\n x"), " x");
    }
}
