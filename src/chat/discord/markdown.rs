//! What Discord reads as markdown, and how a text stands in it that must do nothing: escaped, as code, as a link's target; and how
//! a text is cut, never within what is shown as one. Discord names code points as what it counts; we count UTF-16 units, which are
//! never fewer. Must not know a message.

use std::fmt::Write as _;

use url::Url;

use crate::chat::{
    marks::{Piece, Shape},
    sealed,
};

/// Ends every text that was cut.
pub(super) const MARK: char = '…';
/// What Discord may read as markup, a mention, an emoji or a link; a backslash before any of them is not shown.
const LIVE: &str = "\\`*_~|<>#[]()@:-+.!/";
/// Looks like a backtick and ends no code.
const TICK: &str = "\u{2cb}";
/// Longest link that stands behind a word; of a longer one only its site is linked.
const LINK: usize = 700;

/// How a text treats the times in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// Each reader's own clock shows them.
    Live,
    /// In words, where Discord shows none.
    Words,
}

pub(super) fn shown(piece: &Piece<'_>, times: Times) -> String {
    match piece {
        Piece::Text(text) => escaped(text),
        Piece::Time { fallback, .. } | Piece::Channel { fallback, .. } if times == Times::Words => escaped(fallback),
        Piece::Channel { id, .. } => format!("<#{id}>"),
        Piece::Time { at, shape, .. } => {
            let at = at.seconds();
            match shape {
                Shape::Minute => format!("<t:{at}:f>"),
                // Discord has no style with the date and seconds.
                Shape::Exact => format!("<t:{at}:d> <t:{at}:T>"),
                Shape::Counted => format!("<t:{at}:R>"),
            }
        }
    }
}

/// With a backslash before everything that Discord could read as more than a character.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        if LIVE.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// As it stands in code that `ticks` backticks opened: nothing but they could end it.
pub(super) fn as_code(text: &str, ticks: usize) -> String {
    if text.trim().is_empty() {
        return " ".to_owned();
    }
    let ends = ticks < 3 || text.contains("```") || text.starts_with('`') || text.ends_with('`');
    if ends { text.replace('`', TICK) } else { text.to_owned() }
}

/// A link as the target of a masked one, with nothing in it that could end it.
pub(super) fn target(value: &str) -> Result<String, String> {
    let link = sealed::link(&sealed::seal(value))?;
    let safe = encoded(&link);
    if length(&safe) <= LINK {
        return Ok(safe);
    }
    let site = Url::parse(&link).map_err(|_| "a link is no web address")?.origin().ascii_serialization();
    Ok(encoded(&site))
}

fn encoded(link: &str) -> String {
    let mut out = String::with_capacity(link.len());
    for byte in link.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&'*+,;=%".contains(&byte);
        if plain {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// In UTF-16 units.
pub(super) fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Cuts a text that is no markup, with the mark at its end.
pub(super) fn cut(text: &mut String, most: usize) {
    cut_at(text, most, true);
}

/// Cuts between two characters as they are shown: never within an escape, a time or a surrogate pair.
pub(super) fn cut_at(text: &mut String, most: usize, is_plain: bool) {
    if length(text) <= most {
        return;
    }
    let (mut kept, mut used) = (0, MARK.len_utf16());
    while let Some(glyph) = glyph(&text[kept..], is_plain) {
        used += length(glyph);
        if used > most {
            break;
        }
        kept += glyph.len();
    }
    text.truncate(kept);
    text.push(MARK);
}

/// What is shown first of this text, whole. In a value that was escaped only a time begins with a bare `<`.
fn glyph(text: &str, is_plain: bool) -> Option<&str> {
    let first = text.chars().next()?;
    let end = match first {
        '\\' if !is_plain => 1 + text[1..].chars().next().map_or(0, char::len_utf8),
        '<' if !is_plain => text.find('>').map_or(text.len(), |at| at + 1),
        first => first.len_utf8(),
    };
    Some(&text[..end])
}

#[cfg(test)]
pub(super) mod tests;
