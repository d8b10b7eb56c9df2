//! Lines into messages: none is cut in two, and what all messages together cannot hold is counted. Knows no platform: what a line
//! takes is reckoned at its worst.

use std::ops::Range;

use super::Row;

/// Lines that belong together; what is too much is left out at its end.
pub(super) struct Part {
    pub rows: Vec<Row>,
}

/// What stands already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub lines: usize,
    pub messages: usize,
}

/// Which part may take whatever the others leave: what needs a human.
const FIRST: usize = 1;
/// Each other part takes so much of everything at most.
const SHARE: usize = 8;
/// What stands around a line and its links.
const AROUND: usize = 12;
/// Lines of one message: nobody reads more of them in one piece.
const LINES: usize = 40;

/// The rows of all parts within what so many messages of this room hold. What a part lost is said in its place by `more`.
pub(super) fn bounded(
    parts: Vec<Part>,
    (room, most): (usize, usize),
    plain: &impl Fn(&str) -> String,
    more: impl Fn(usize) -> Row,
) -> Vec<Row> {
    let least = room.div_ceil(LINES);
    // Messages are never full to the last character.
    let room = room * most * 3 / 4;
    let share = room / SHARE;
    let costs: Vec<Vec<usize>> = parts.iter().map(|part| part.rows.iter().map(|row| cost(row, plain).max(least)).collect()).collect();
    let others: usize =
        costs.iter().enumerate().filter(|(n, _)| *n != FIRST).map(|(_, costs)| costs.iter().sum::<usize>().min(share)).sum();
    let mut rows = Vec::new();
    for (n, (part, costs)) in parts.into_iter().zip(costs).enumerate() {
        let mut left = if n == FIRST { room.saturating_sub(others) } else { share };
        let fits = |cost: &&usize| {
            let is_room = left >= **cost;
            left = left.saturating_sub(**cost);
            is_room
        };
        let kept = costs.iter().take_while(fits).count();
        let lost = part.rows.len() - kept;
        rows.extend(part.rows.into_iter().take(kept));
        rows.extend((lost > 0).then(|| more(lost)));
    }
    rows
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

    fn more(count: usize) -> Row {
        row(&format!("{count} more"))
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
        let many = |what: &str, n: usize| Part { rows: (0..n).map(|i| row(&format!("{what} {i} {}", "x".repeat(80)))).collect() };
        let parts = || vec![many("covers", 1), many("exception", 10_000), many("day", 500), many("quality", 500), many("ledger", 1)];
        let rows = bounded(parts(), (3_600, 20), &plain, more);
        let of = |what: &str| rows.iter().filter(|row| row.words.starts_with(what)).count();
        let lost: usize = rows.iter().filter_map(|row| row.words.strip_suffix(" more")?.parse::<usize>().ok()).sum();
        assert_eq!(rows.len() - 3 + lost, 11_002, "three parts lost something, and nothing is lost without being counted");
        assert!(of("covers") == 1 && of("ledger") == 1 && of("day") > 50 && of("exception") > 250);
        assert!(cut(&rows, Told { lines: 0, messages: 0 }, 3_600, &plain).len() <= 20);
        assert_eq!(bounded(vec![many("exception", 3)], (3_600, 20), &plain, more).len(), 3);
    }

    #[test]
    fn what_may_be_escaped_and_what_it_leads_to_counts() {
        let link = Link { id: "R-1".into(), url: Some("https://discord.com/channels/1/2/3".into()) };
        assert!(cost(&row("****"), &plain) > cost(&row("aaaa"), &plain));
        assert!(cost(&Row { links: vec![link], ..row("a") }, &plain) > cost(&row("a"), &plain) + 34);
    }
}
