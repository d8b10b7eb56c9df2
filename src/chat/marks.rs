//! Times and channels inside texts, for platforms that show them in each reader's own way: in their zone, as a link. A mark
//! is made with a number that never leaves the process, so nobody can type one. Pure; must not know a platform's markup.

use std::fmt::Write as _;

use crate::domain::time::Instant;

/// Characters of Unicode's private use, which stand around a mark.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';
/// Between a mark's parts.
const BAR: char = '\u{e002}';

/// Begins the mark of a channel.
const CHANNEL: char = 'c';

/// How times and channels are written into texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// As words: for platforms that show text as it is.
    Plain,
    /// As marks made with this number, for whoever lays out the message.
    Made(u64),
    /// The same on a platform that counts down to a time by itself, so that no text about it ever grows old.
    Counting(u64),
}

/// How a time is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Minute,
    /// To the second.
    Exact,
    /// How long until then, or ago: `in 58 min`.
    Counted,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'t> {
    Text(&'t str),
    /// `fallback` says the same in words.
    Time {
        at: Instant,
        shape: Shape,
        fallback: &'t str,
    },
    /// A channel of the platform on which it is read.
    Channel {
        id: &'t str,
        fallback: &'t str,
    },
}

impl Shape {
    const fn letter(self) -> char {
        match self {
            Self::Minute => 'm',
            Self::Exact => 'x',
            Self::Counted => 'r',
        }
    }
}

impl Marks {
    /// A time, which `words` says in the house's zone.
    pub fn time(self, at: Instant, shape: Shape, words: String) -> String {
        let Some(number) = self.number() else { return words };
        format!("{OPEN}{number:016x}{}{}{BAR}{words}{CLOSE}", shape.letter(), at.micros())
    }

    /// A channel of this platform, which `words` names; only an id can be one.
    pub fn channel(self, id: &str, words: &str) -> String {
        match self.number() {
            Some(number) if !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                format!("{OPEN}{number:016x}{CHANNEL}{id}{BAR}{words}{CLOSE}")
            }
            _ => words.to_owned(),
        }
    }

    const fn number(self) -> Option<u64> {
        match self {
            Self::Plain => None,
            Self::Made(number) | Self::Counting(number) => Some(number),
        }
    }

    /// A text's pieces in order; what only looks like a mark is text.
    pub fn pieces(self, text: &str) -> Vec<Piece<'_>> {
        let Some(number) = self.number() else { return vec![Piece::Text(text)] };
        let mut begin = String::new();
        let _infallible = write!(begin, "{OPEN}{number:016x}");
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find(&begin) {
            let inner = &rest[at + begin.len()..];
            let Some((piece, after)) = inner.find(CLOSE).and_then(|end| Some((piece(&inner[..end])?, &inner[end + CLOSE.len_utf8()..])))
            else {
                break;
            };
            if at > 0 {
                pieces.push(Piece::Text(&rest[..at]));
            }
            pieces.push(piece);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest));
        }
        pieces
    }

    /// The text with every mark in words.
    pub fn plain(self, text: &str) -> String {
        let words = |piece: &Piece<'_>| match piece {
            Piece::Text(text) => (*text).to_owned(),
            Piece::Time { fallback, .. } | Piece::Channel { fallback, .. } => (*fallback).to_owned(),
        };
        self.pieces(text).iter().map(words).collect()
    }
}

/// A text that was cut, without the mark that the cut went through.
pub fn without_torn(text: &str) -> &str {
    match (text.rfind(OPEN), text.rfind(CLOSE)) {
        (Some(open), close) if close.is_none_or(|close| close < open) => &text[..open],
        _ => text,
    }
}

fn piece(inner: &str) -> Option<Piece<'_>> {
    let (head, fallback) = inner.split_once(BAR)?;
    let (kind, what) = (head.chars().next()?, head.get(1..)?);
    if kind == CHANNEL {
        return Some(Piece::Channel { id: what, fallback });
    }
    let at = Instant::from_micros(what.parse().ok()?);
    let shape = [Shape::Minute, Shape::Exact, Shape::Counted].into_iter().find(|shape| shape.letter() == kind)?;
    Some(Piece::Time { at, shape, fallback })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Instant = Instant::from_micros(1_795_528_800_000_000);

    #[test]
    fn a_time_is_found_again_and_said_in_words() {
        let marks = Marks::Made(7);
        let text = format!("has it until {} today", marks.time(AT, Shape::Minute, "15:04 UTC".into()));
        let time = Piece::Time { at: AT, shape: Shape::Minute, fallback: "15:04 UTC" };
        assert_eq!(marks.pieces(&text), [Piece::Text("has it until "), time, Piece::Text(" today")]);
        assert_eq!(marks.plain(&text), "has it until 15:04 UTC today");
        assert_eq!(Marks::Plain.time(AT, Shape::Minute, "15:04".into()), "15:04");
    }

    #[test]
    fn a_channel_is_found_again_and_what_is_no_id_is_words() {
        let (marks, ops) = (Marks::Made(7), "500000000000000002");
        assert_eq!(marks.pieces(&marks.channel(ops, "ops")), [Piece::Channel { id: ops, fallback: "ops" }]);
        assert_eq!(marks.plain(&marks.channel(ops, "ops")), "ops");
        assert_eq!((marks.channel("#ops", "#ops"), Marks::Plain.channel(ops, ops)), ("#ops".to_owned(), ops.to_owned()));
    }

    #[test]
    fn a_mark_that_a_cut_went_through_is_gone_as_a_whole() {
        let text = format!("until {}!", Marks::Made(7).time(AT, Shape::Minute, "15:04 UTC".into()));
        for (at, _) in text.char_indices() {
            let cut = without_torn(&text[..at]);
            assert!(!Marks::Made(7).plain(cut).contains(OPEN), "{at}");
        }
        assert_eq!(without_torn(&text), text);
    }

    #[test]
    fn what_was_typed_is_never_a_mark() {
        let (ours, theirs) = (Marks::Made(7), Marks::Made(8));
        for text in [theirs.time(AT, Shape::Exact, "now".into()), format!("{OPEN}{:016x}x", 7), format!("{OPEN}{CLOSE}{BAR}")] {
            assert_eq!(ours.pieces(&text), [Piece::Text(&text)]);
        }
    }
}
