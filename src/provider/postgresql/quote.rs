//! Texts as parts of what a server, a shell or `psql` is told: whatever a name says, it stays a name.
//! The only place where SQL is put together with what somebody else has chosen.

use std::fmt;

/// A name in SQL: `"o""brien"`. Compared byte for byte, never folded.
pub(super) struct Ident<'a>(pub(super) &'a str);

impl fmt::Display for Ident<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

/// A text in SQL: `'o''brien'`. Means the same whatever `standard_conforming_strings` is.
pub(super) struct Literal<'a>(pub(super) &'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = self.0.replace('\'', "''");
        if quoted.contains('\\') { write!(f, " E'{}'", quoted.replace('\\', "\\\\")) } else { write!(f, "'{quoted}'") }
    }
}

/// A list of texts, as an array: `ARRAY['a','b']::pg_catalog.text[]`.
pub(super) struct Texts<'a>(pub(super) &'a [String]);

impl fmt::Display for Texts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(|text| Literal(text).to_string()).collect();
        write!(f, "ARRAY[{}]::pg_catalog.text[]", texts.join(","))
    }
}

/// A value in a line of `key=value` for libpq.
pub(super) struct Value<'a>(pub(super) &'a str);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:/".contains(c);
        if !self.0.is_empty() && self.0.chars().all(plain) {
            return f.write_str(self.0);
        }
        write!(f, "'{}'", self.0.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

/// One word for a shell.
pub(super) struct Word<'a>(pub(super) &'a str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(['\'', '!', '\\', '$', '`']) {
            write!(f, "'{}'", self.0.replace('\'', "'\\''"))
        } else {
            write!(f, "\"{}\"", self.0.replace('"', "\\\""))
        }
    }
}

/// A part of a URL: everything but letters, digits and `_.-` is written as `%41`.
pub(super) fn percent(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Longest name that is shown, in characters.
const SHOWN_MAX: usize = 80;

/// A name out of a database, for people: on one line, without what nobody sees, and not too long.
pub(super) fn shown(name: &str) -> String {
    let seen = |c: char| if c == ' ' || c.is_ascii_graphic() || (!c.is_ascii() && c.is_alphanumeric()) { c } else { '\u{fffd}' };
    let mut shown: String = name.chars().map(seen).take(SHOWN_MAX).collect();
    if name.chars().nth(SHOWN_MAX).is_some() {
        shown.push_str("..");
    }
    shown
}
