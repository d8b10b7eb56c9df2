//! Where spans of time lie so that all that hold an instant are found by index, however many there are and however they lie:
//! a tree over the seconds, of which only the numbers exist. A span lies at the highest node within it; an instant is in
//! spans of no other nodes than those on its way down, one for each level.

use crate::domain::time::Instant;

/// Levels above the single seconds: enough until the year 2242.
const LEVELS: u32 = 33;
/// Nodes on the way down to a second.
pub(super) const WAY: usize = 34;
/// A node at which nothing lies.
const NOWHERE: i64 = -1;

/// A second that the tree covers.
pub(super) fn second(at: Instant) -> i64 {
    at.seconds().clamp(0, (1 << LEVELS) - 1)
}

/// Where a span lies.
pub(super) fn node(from: Instant, to: Instant) -> i64 {
    let (from, to) = (second(from), second(to).max(second(from)));
    match (from ^ to).checked_ilog2() {
        None => from,
        Some(level) => to >> level << level,
    }
}

/// The nodes whose spans may hold this instant: those behind it, where a span must have begun by then, and those at or before
/// it, where it must not have ended. Both lists are filled up, so that their length is always the same.
pub(super) fn nodes(at: Instant) -> ([i64; WAY], [i64; WAY]) {
    let at = second(at);
    let (mut behind, mut before) = ([NOWHERE; WAY], [NOWHERE; WAY]);
    let way = (0..LEVELS).map(|level| (at >> (level + 1) << (level + 1)) | (1 << level)).chain([at]);
    for (place, node) in way.enumerate() {
        let side = if node > at { &mut behind } else { &mut before };
        side[place] = node;
    }
    (behind, before)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn micros() -> impl Strategy<Value = i64> {
        let small = -5_000_000..40_000_000_i64;
        let now = 1_795_521_600_000_000..1_795_621_600_000_000_i64;
        prop_oneof![small, now, 0..9_000_000_000_000_000_i64, Just(i64::MAX)]
    }

    proptest! {
        #[test]
        fn a_span_is_found_from_every_instant_in_it_and_the_side_says_what_is_left_to_check(
            (a, b, at) in (micros(), micros(), micros())
        ) {
            let (from, to) = (Instant::from_micros(a.min(b)), Instant::from_micros(a.max(b)));
            for at in [Instant::from_micros(at), from, to, Instant::from_micros(a.midpoint(b))] {
                let node = node(from, to);
                let (behind, before) = nodes(at);
                let holds = from <= at && at <= to;
                let (is_behind, is_before) = (behind.contains(&node), before.contains(&node));
                let found = is_behind && from <= at || is_before && to >= at && (node < second(at) || from <= at);
                prop_assert_eq!(found, holds, "{} in {} to {}", at, from, to);
            }
        }

        #[test]
        fn a_way_has_one_node_for_each_level(at in micros()) {
            let (behind, before) = nodes(Instant::from_micros(at));
            let there = behind.iter().chain(&before).filter(|node| **node != NOWHERE).count();
            prop_assert_eq!(there, WAY);
        }
    }
}
