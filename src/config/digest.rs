//! `[digest]`: where and when the digest of what happened is posted, what stands out in it, and who may read it at any time.

use chrono::NaiveTime;
use chrono_tz::Tz;

use super::{
    node::Table,
    notes::{TITLE_MAX, short},
    people::{Names, zone},
    resources::channels,
};
use crate::domain::{
    digest::{Rules, Schedule, Thresholds},
    time::Span,
};

/// Most channels: each is posted to on its own.
const CHANNELS: usize = 20;
/// The longest that an approval can be called fast.
const SECONDS: i64 = 3_600;

/// None: the file has no such section, and no digest is made. `otherwise` is the file's time zone.
pub(super) fn digest(file: &Table<'_>, names: &Names, otherwise: Tz) -> Option<Rules> {
    let table = file.table("digest")?;
    let usual = Rules::default();
    let channels = channels(&table, "channels");
    if channels.is_empty() {
        let why = "no digest would be posted, only read with /jit digest: write channels = [\"console:#name\"], slack:C0123 or discord:123456789012345678";
        table.warn(table.place("channels"), why);
    }
    if channels.len() > CHANNELS {
        table.refuse(table.place("channels"), format!("the digest goes to {CHANNELS} channels at most"));
    }
    let at = time_of_day(&table).unwrap_or(usual.schedule.at);
    let zone = zone(&table).unwrap_or(otherwise);
    let schedule = Schedule { at, zone, weekdays_only: table.flag("weekdays_only", usual.schedule.weekdays_only) };
    let thresholds = table.table("thresholds").map_or(usual.thresholds, |table| thresholds(&table, usual.thresholds));
    let may_read = names.readers(&table.reading.log, &table.texts("may_read"));
    Some(Rules { channels, schedule, thresholds, may_read })
}

/// `at = "09:00"`.
fn time_of_day(table: &Table<'_>) -> Option<NaiveTime> {
    let text = table.text("at", TITLE_MAX)?;
    let time = NaiveTime::parse_from_str(&text.value, "%H:%M").ok();
    if time.is_none() {
        table.refuse(text.at, format!("\"{}\" is not a time of the day such as \"09:00\" or \"17:30\"", short(&text.value)));
    }
    time
}

/// `fast = "3s"`; `"0"`: nothing is.
fn seconds(table: &Table<'_>, key: &'static str) -> Option<Span> {
    let text = table.text(key, TITLE_MAX)?;
    let number = text.value.strip_suffix('s').unwrap_or(&text.value).parse().ok();
    let seconds = number.filter(|seconds| (0..=SECONDS).contains(seconds) && (text.value.ends_with('s') || *seconds == 0));
    if seconds.is_none() {
        table.refuse(text.at, format!("{key} is a number of seconds in quotes up to \"{SECONDS}s\", such as \"3s\""));
    }
    seconds.map(Span::from_seconds)
}

fn thresholds(table: &Table<'_>, usual: Thresholds) -> Thresholds {
    let number =
        |key, least, most, usual: u32| table.count(key, least, most).and_then(|number| u32::try_from(number.value).ok()).unwrap_or(usual);
    Thresholds {
        fast: seconds(table, "fast").unwrap_or(usual.fast),
        most_percent: number("most_percent", 1, 100, usual.most_percent),
        most_of: number("most_of", 1, 1_000_000, usual.most_of),
        pairs: number("pairs", 1, 1_000_000, usual.pairs),
        pair_days: number("pair_days", 1, 366, usual.pair_days),
    }
}
