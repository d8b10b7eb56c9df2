//! How it went, in numbers: of resources, never of people.

use chrono::Timelike as _;
use serde_json::{Value, json};

use super::{PastPage, Row, Say, lasted, typed, zone};
use crate::{
    bot::{Rates, RatesPage},
    chat::{view::Reader, words::thousands},
    domain::time::Instant,
};

/// Hours of the day that are named.
const BUSIEST: usize = 3;

pub(super) fn page(page: &RatesPage, r: &Reader<'_>, say: Say<'_>) -> PastPage {
    let is_empty = page.whole.as_ref().is_none_or(Rates::is_empty) && page.each.is_empty();
    let first = json!({
        "resource": page.resource, "all": page.is_all, "since": r.exact(page.since), "nothing": is_empty,
    });
    let mut rows: Vec<Row> = Vec::new();
    if let Some(whole) = page.whole.as_ref().filter(|whole| !whole.is_empty()) {
        rows.extend(["counted", "decided", "held", "unused"].map(|name| say(name, &numbers(whole))).into_iter().map(Row::alone));
    }
    rows.extend(busiest(&page.quarters, r).map(|hours| Row::alone(say("busiest", &json!({ "hours": hours, "zone": r.tz.name() })))));
    rows.extend(page.each.iter().map(|one| Row::alone(say("of_resource", &numbers(one)))));
    rows.extend((page.more > 0).then(|| Row::alone(say("more_resources", &json!({ "count": page.more })))));
    rows.retain(|row| !row.words.trim().is_empty());
    let look = page.each.first().and_then(|one| one.stats.resource.as_ref());
    let notes = [
        (!page.is_all && page.resource.is_none()).then(|| say("only_seen", &Value::Null)),
        zone(r, say),
        look.map(|resource| say("more_rates", &json!({ "resource": resource, "since": typed(page.since, r) }))),
    ];
    PastPage { first: say("rates", &first), rows, notes: notes.into_iter().flatten().collect() }
}

fn numbers(rates: &Rates) -> Value {
    let (stats, day) = (&rates.stats, &rates.stats.day);
    let some = |n: u64| (n > 0).then(|| thousands(n));
    let unused = &day.unused;
    let known = unused.never + unused.used;
    json!({
        "resource": stats.resource, "asked": thousands(day.asked), "granted": thousands(day.granted), "less": some(day.offered_less),
        "denied": some(day.denied), "unanswered": some(day.unanswered), "cancelled": some(day.cancelled), "failed": some(day.failed),
        "decided": some(day.decided), "median": day.median_decision.map(lasted), "slow": rates.slow.map(lasted),
        "median_held": stats.median_held.map(lasted), "held_now": some(day.open.held), "waiting": some(day.open.waiting),
        "known": some(known), "never": thousands(unused.never), "percent": (known > 0).then(|| unused.never.saturating_mul(100) / known.max(1)),
        "unknown": some(unused.unknown),
    })
}

/// The hours of the day in which most is asked for, in the reader's zone: `14:00 (12)`.
fn busiest(quarters: &[(Instant, u64)], r: &Reader<'_>) -> Option<String> {
    let mut hours = [0_u64; 24];
    for (quarter, count) in quarters {
        let hour = usize::try_from(quarter.utc().with_timezone(&r.tz).hour()).unwrap_or_default() % hours.len();
        hours[hour] += count;
    }
    let mut named: Vec<(usize, u64)> = hours.into_iter().enumerate().filter(|(_, count)| *count > 0).collect();
    named.sort_by_key(|(hour, count)| (std::cmp::Reverse(*count), *hour));
    named.truncate(BUSIEST);
    let said: Vec<String> = named.iter().map(|(hour, count)| format!("{hour:02}:00 ({})", thousands(*count))).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::marks::Marks,
        domain::{
            policy::{Catalogue, Platform},
            words::Texts,
        },
    };

    fn at(text: &str) -> Instant {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&chrono::Utc).into()
    }

    fn busy(tz: chrono_tz::Tz, quarters: &[(&str, u64)]) -> Option<String> {
        let (catalogue, texts) = (Catalogue::default(), Texts::new());
        let now = at("2026-11-24T14:00:00Z");
        let reader = Reader { catalogue: &catalogue, texts: &texts, now, tz, platform: Platform::Console, marks: Marks::Plain };
        busiest(&quarters.iter().map(|(time, count)| (at(time), *count)).collect::<Vec<_>>(), &reader)
    }

    #[test]
    fn the_busiest_hours_are_the_readers_over_a_change_of_the_clocks_and_in_zones_of_half_hours() {
        let both = [("2026-10-24T12:45:00Z", 2), ("2026-10-26T13:15:00Z", 3), ("2026-10-26T20:00:00Z", 1)];
        assert_eq!(busy(chrono_tz::Europe::Berlin, &both).unwrap(), "14:00 (5), 21:00 (1)", "summer's and winter's two o'clock are one");
        assert_eq!(busy(chrono_tz::Asia::Kolkata, &both).unwrap(), "18:00 (5), 01:00 (1)");
        assert_eq!(busy(chrono_tz::UTC, &both).unwrap(), "13:00 (3), 12:00 (2), 20:00 (1)");
        assert_eq!(busy(chrono_tz::UTC, &[]), None);
    }
}
