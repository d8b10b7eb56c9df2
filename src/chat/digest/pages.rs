//! Lines into messages: none is cut in two, and what all messages together cannot hold is counted. Knows no platform: what a line
//! takes is reckoned at its worst.

use std::ops::Range;

use super::Row;
use crate::domain::digest::Kind;

/// Lines that belong together; what is too much is left out at its end, and said there.
pub(super) struct Part {
    pub rows: Vec<Row>,
    /// What stands out, of this kind.
    pub kind: Option<Kind>,
    /// So many more there are, and are not even among the rows.
    pub beyond: u64,
}

/// What stands already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub lines: usize,
    pub messages: usize,
}

/// What a part says of what it lost.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lost {
    /// So many more of this kind; None: lines.
    More(Option<Kind>, u64),
    /// Where all that stands out is found, once behind the kinds that lost some.
    Elsewhere,
}

/// Each part but the kinds takes so much of everything at most: an eighth; the kinds are sure of the other half.
const SHARE: usize = 8;
/// What stands around a line and its links.
const AROUND: usize = 12;
/// Lines of one message: nobody reads more of them in one piece.
const LINES: usize = 40;

/// How many rows of each part are shown, of what so many messages of this room hold. Each kind of what stands out is sure of an even
/// part of half of it, so that none hides another; what the others leave goes to the first kinds.
pub(super) fn kept(
    parts: &[Part],
    (room, most): (usize, usize),
    plain: &impl Fn(&str) -> String,
    say: &impl Fn(Lost) -> Row,
) -> Vec<usize> {
    let least = room.div_ceil(LINES);
    let cost = |row: &Row| cost(row, plain).max(least);
    // Messages are never full to the last character, and where the rest is found is said in some of it.
    let room = (room * most * 3 / 4).saturating_sub(cost(&say(Lost::Elsewhere)));
    let given = given(parts, room, |part| {
        let beyond = if part.beyond > 0 { cost(&say(Lost::More(part.kind, part.beyond))) } else { 0 };
        part.rows.iter().map(cost).sum::<usize>() + beyond
    });
    parts.iter().zip(given).map(|(part, given)| fitting(part, given, &cost, &say)).collect()
}

/// The rows of all parts, so many of each; what a part lost is said in its place.
pub(super) fn shown(parts: Vec<Part>, kept: &[usize], say: impl Fn(Lost) -> Row) -> Vec<Row> {
    let last_kind = parts.iter().rposition(|part| part.kind.is_some());
    let (mut rows, mut has_lost) = (Vec::new(), false);
    for (n, (part, kept)) in parts.into_iter().zip(kept).enumerate() {
        let lost = part.beyond + u64::try_from(part.rows.len().saturating_sub(*kept)).unwrap_or(u64::MAX);
        has_lost |= part.kind.is_some() && lost > 0;
        rows.extend(part.rows.into_iter().take(*kept));
        rows.extend((lost > 0).then(|| say(Lost::More(part.kind, lost))));
        rows.extend((has_lost && last_kind == Some(n)).then(|| say(Lost::Elsewhere)));
    }
    rows
}

/// How much of the room each part may take.
fn given(parts: &[Part], room: usize, wanted: impl Fn(&Part) -> usize) -> Vec<usize> {
    let kinds = parts.iter().filter(|part| part.kind.is_some()).count().max(1);
    let sure = |part: &Part| if part.kind.is_some() { room / 2 / kinds } else { room / SHARE };
    let wanted: Vec<usize> = parts.iter().map(wanted).collect();
    let mut given: Vec<usize> = parts.iter().zip(&wanted).map(|(part, wanted)| sure(part).min(*wanted)).collect();
    let mut left = room.saturating_sub(given.iter().sum());
    for (n, _) in parts.iter().enumerate().filter(|(_, part)| part.kind.is_some()) {
        let more = (wanted[n] - given[n]).min(left);
        (given[n], left) = (given[n] + more, left - more);
    }
    given
}

/// How many rows of a part what it was given holds, beside what is said of the others.
fn fitting(part: &Part, given: usize, cost: &impl Fn(&Row) -> usize, say: &impl Fn(Lost) -> Row) -> usize {
    let costs: Vec<usize> = part.rows.iter().map(cost).collect();
    if part.beyond == 0 && costs.iter().sum::<usize>() <= given {
        return part.rows.len();
    }
    let lost = part.beyond + u64::try_from(part.rows.len()).unwrap_or(u64::MAX);
    let mut left = given.saturating_sub(cost(&say(Lost::More(part.kind, lost))));
    let fits = |cost: &&usize| {
        let is_room = left >= **cost;
        left = left.saturating_sub(**cost);
        is_room
    };
    costs.iter().take_while(fits).count()
}

/// The rows of each message that is still to be told.
pub(super) fn cut(rows: &[Row], told: Told, room: usize, plain: &impl Fn(&str) -> String) -> Vec<Range<usize>> {
    let mut cut = Vec::new();
    let mut start = told.lines.min(rows.len());
    while start < rows.len() {
        let (mut end, mut left) = (start, room);
        while end < rows.len() && end - start < LINES {
            let cost = cost(&rows[end], plain);
            if end > start && cost > left {
                break;
            }
            left = left.saturating_sub(cost);
            end += 1;
        }
        cut.push(start..end);
        start = end;
    }
    cut
}

/// What a row takes: what may have to be escaped counts twice, and addresses are text on some platforms.
fn cost(row: &Row, plain: &impl Fn(&str) -> String) -> usize {
    let links = row.links.iter().map(|link| reckoned(&link.id) + link.url.as_ref().map_or(0, String::len) + AROUND);
    reckoned(&plain(&row.words)) + links.sum::<usize>() + AROUND
}

fn reckoned(text: &str) -> usize {
    text.chars().map(|c| if c.is_alphanumeric() || c == ' ' { c.len_utf16() } else { 2 * c.len_utf16() }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::digest::{Link, Sign};

    fn plain(text: &str) -> String {
        text.to_owned()
    }

    fn row(words: &str) -> Row {
        Row { words: words.to_owned(), sign: Sign::Note, links: Vec::new(), more: None }
    }

    fn say(lost: Lost) -> Row {
        row(&match lost {
            Lost::More(kind, count) => format!("{kind:?}: {count} more"),
            Lost::Elsewhere => "elsewhere".to_owned(),
        })
    }

    fn part(kind: Option<Kind>, what: &str, n: usize) -> Part {
        Part { rows: (0..n).map(|i| row(&format!("{what} {i} {}", "x".repeat(80)))).collect(), kind, beyond: 0 }
    }

    fn bounded(parts: Vec<Part>, bounds: (usize, usize)) -> Vec<Row> {
        let kept = kept(&parts, bounds, &plain, &say);
        shown(parts, &kept, say)
    }

    fn of(rows: &[Row], what: &str) -> usize {
        rows.iter().filter(|row| row.words.starts_with(what)).count()
    }

    fn lost(rows: &[Row]) -> usize {
        rows.iter().filter_map(|row| row.words.strip_suffix(" more")?.rsplit(' ').next()?.parse::<usize>().ok()).sum()
    }

    #[test]
    fn every_line_is_in_one_message_in_its_order_wherever_it_goes_on() {
        let rows: Vec<Row> = (0..200).map(|n| row(&"x".repeat(n))).collect();
        for from in [0, 1, 77, 200] {
            let cut = cut(&rows, Told { lines: from, messages: 0 }, 500, &plain);
            assert_eq!(cut.iter().cloned().flatten().collect::<Vec<_>>(), (from..200).collect::<Vec<_>>());
            assert!(cut.iter().all(|range| rows[range.clone()].iter().map(|row| cost(row, &plain)).sum::<usize>() <= 500));
        }
    }

    #[test]
    fn a_line_longer_than_a_message_has_one_for_itself() {
        let rows = vec![row("a"), row(&"x".repeat(900)), row("b")];
        assert_eq!(cut(&rows, Told { lines: 0, messages: 0 }, 500, &plain), [0..1, 1..2, 2..3]);
    }

    #[test]
    fn what_all_messages_together_cannot_hold_is_counted_in_its_place_and_the_rest_is_there() {
        let open = || Part { beyond: 1_000, ..part(Some(Kind::StillOpen), "open", 10_000) };
        let parts = vec![part(None, "covers", 1), open(), part(None, "day", 500), part(None, "quality", 500), part(None, "ledger", 1)];
        let rows = bounded(parts, (3_600, 20));
        assert_eq!(rows.len() - 4 + lost(&rows), 12_002, "three parts lost something, and nothing is lost without being counted");
        assert!(of(&rows, "covers") == 1 && of(&rows, "ledger") == 1 && of(&rows, "day") > 50 && of(&rows, "open") > 250);
        assert_eq!(of(&rows, "elsewhere"), 1);
        assert!(cut(&rows, Told { lines: 0, messages: 0 }, 3_600, &plain).len() <= 20);
        assert_eq!(bounded(vec![part(Some(Kind::Drift), "drift", 3)], (3_600, 20)).len(), 3);
    }

    #[test]
    fn a_kind_that_is_many_hides_no_other_kind_and_each_says_what_it_lost() {
        let kinds = [Kind::StillOpen, Kind::Drift, Kind::Settled, Kind::Unanswered, Kind::StoreDown, Kind::Left];
        for (crowded, most) in [(Kind::Drift, 20), (Kind::StillOpen, 5), (Kind::Left, 5)] {
            let of_kind = |kind: Kind| part(Some(kind), &format!("{kind:?}"), if kind == crowded { 1_500 } else { 3 });
            let parts = kinds.into_iter().map(of_kind).chain([part(None, "ledger", 1)]).collect();
            let rows = bounded(parts, (3_600, most));
            for kind in kinds.into_iter().filter(|kind| *kind != crowded) {
                assert_eq!(of(&rows, &format!("{kind:?} ")), 3, "{kind:?} beside {crowded:?}");
            }
            let shown = of(&rows, &format!("{crowded:?} "));
            assert!(shown > 20, "{shown} of {crowded:?}");
            assert_eq!((of(&rows, &format!("Some({crowded:?}): ")), lost(&rows)), (1, 1_500 - shown));
            assert!(cut(&rows, Told { lines: 0, messages: 0 }, 3_600, &plain).len() <= most);
        }
        let all = kinds.into_iter().map(|kind| part(Some(kind), &format!("{kind:?}"), 1_500)).collect();
        let rows = bounded(all, (3_600, 5));
        assert!(kinds.into_iter().all(|kind| of(&rows, &format!("{kind:?} ")) >= 3), "all of them are many");
        assert_eq!(lost(&rows), 9_000 - (rows.len() - kinds.len() - 1));
    }

    #[test]
    fn what_is_only_counted_is_counted_where_lines_are_left_out_too() {
        let few = Part { beyond: 1_234, ..part(Some(Kind::Unanswered), "unanswered", 2) };
        let rows = bounded(vec![few], (3_600, 20));
        let words: Vec<&str> = rows[2..].iter().map(|row| row.words.as_str()).collect();
        assert_eq!(words, ["Some(Unanswered): 1234 more", "elsewhere"]);
    }

    #[test]
    fn what_may_be_escaped_and_what_it_leads_to_counts() {
        let link = Link { id: "R-1".into(), url: Some("https://discord.com/channels/1/2/3".into()) };
        assert!(cost(&row("****"), &plain) > cost(&row("aaaa"), &plain));
        assert!(cost(&Row { links: vec![link], ..row("a") }, &plain) > cost(&row("a"), &plain) + 34);
    }
}
