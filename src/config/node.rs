//! bot.toml as a tree in which every value knows its place: types, limits and unknown keys are checked here, once, and
//! every problem is noted rather than returned, so that all of a file are found. Knows no key by name.

use std::{cell::RefCell, path::PathBuf};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::notes::{At, Reading, TEXT_MAX, clean, short, unknown};
use crate::{
    domain::{spans, time::Span},
    secret::{self, Secret},
};

/// Longest list.
const LIST_MAX: usize = 1_000;
/// A table, whose keys must all be asked for before it is dropped: those that were not are unknown.
pub(super) struct Table<'t> {
    /// Its own key, or the bracket of an inline table.
    pub(super) at: usize,
    entries: &'t DeTable<'t>,
    asked: RefCell<Vec<&'static str>>,
    /// Every key is welcome: a map.
    open: bool,
    pub(super) reading: &'t Reading,
}

impl Drop for Table<'_> {
    fn drop(&mut self) {
        let asked = self.asked.borrow();
        for key in self.entries.keys().filter(|key| !self.open && !asked.contains(&key.get_ref().as_ref())) {
            self.refuse(key.span().start, unknown(key.get_ref(), &asked));
        }
    }
}

impl<'t> Table<'t> {
    pub(super) fn new(entries: &'t DeTable<'t>, at: usize, reading: &'t Reading) -> Self {
        Self { at, entries, asked: RefCell::default(), open: false, reading }
    }

    pub(super) fn refuse(&self, at: usize, why: impl Into<String>) {
        self.reading.log.refuse(at, why);
    }

    pub(super) fn warn(&self, at: usize, why: impl Into<String>) {
        self.reading.log.warn(at, why);
    }

    pub(super) fn get(&self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.borrow_mut().push(key);
        self.entries.get(key)
    }

    /// Where this key's value stands, or the table if it is not there.
    pub(super) fn place(&self, key: &str) -> usize {
        self.entries.get(key).map_or(self.at, |value| value.span().start)
    }

    fn of_type<T>(&self, key: &'static str, what: &str, read: impl FnOnce(&'t DeValue<'t>) -> Option<T>) -> Option<At<T>> {
        let found = self.get(key)?;
        let read = read(found.get_ref()).map(|value| At { at: found.span().start, value });
        if read.is_none() {
            self.refuse(found.span().start, format!("{key} must be {what}"));
        }
        read
    }

    fn missing(&self, key: &str, how: &str) {
        self.refuse(self.at, format!("{key} is missing: write {key} = {how}"));
    }

    /// A text that people see or that is a name: one clean line.
    pub(super) fn text(&self, key: &'static str, longest: usize) -> Option<At<String>> {
        let text = self.of_type(key, "a text in quotes", |value| value.as_str().map(str::to_owned))?;
        match clean(&text.value, longest) {
            Ok(()) => Some(text),
            Err(why) => {
                self.refuse(text.at, format!("{key}: {why}"));
                None
            }
        }
    }

    /// A text that must be there; `how` is an example.
    pub(super) fn need_text(&self, key: &'static str, longest: usize, how: &str) -> Option<At<String>> {
        if self.entries.get(key).is_none() {
            self.asked.borrow_mut().push(key);
            self.missing(key, how);
            return None;
        }
        self.text(key, longest)
    }

    /// A list of different clean texts.
    pub(super) fn texts(&self, key: &'static str) -> Vec<At<String>> {
        let mut all: Vec<At<String>> = Vec::new();
        for item in self.list(key, "a list of texts, such as [\"a\", \"b\"]") {
            let at = item.span().start;
            match item.get_ref().as_str() {
                None => self.refuse(at, format!("{key} is a list of texts in quotes")),
                Some(text) => match clean(text, TEXT_MAX) {
                    Err(why) => self.refuse(at, format!("{key}: {why}")),
                    Ok(()) if all.iter().any(|other| other.value == text) => {
                        self.refuse(at, format!("\"{}\" stands here twice: once is enough", short(text)));
                    }
                    Ok(()) => all.push(At { at, value: text.to_owned() }),
                },
            }
        }
        all
    }

    /// A list of texts that may repeat and may be anything: a command line.
    pub(super) fn words(&self, key: &'static str) -> Vec<String> {
        let list = self.list(key, "a list of texts: the program and its arguments");
        let words = list.iter().filter_map(|item| {
            let word = item.get_ref().as_str().filter(|word| !word.contains('\0'));
            if word.is_none() {
                self.refuse(item.span().start, format!("{key} is a list of texts in quotes, without NUL"));
            }
            Some(word?.to_owned())
        });
        words.collect()
    }

    fn list(&self, key: &'static str, what: &str) -> &'t [Spanned<DeValue<'t>>] {
        let Some(list) = self.of_type(key, what, DeValue::as_array) else { return &[] };
        if list.value.len() > LIST_MAX {
            self.refuse(list.at, format!("{key} has more than {LIST_MAX} entries"));
            return &[];
        }
        list.value
    }

    pub(super) fn flag(&self, key: &'static str, otherwise: bool) -> bool {
        self.of_type(key, "true or false", DeValue::as_bool).map_or(otherwise, |flag| flag.value)
    }

    /// A number from `least` to `most`.
    pub(super) fn count(&self, key: &'static str, least: usize, most: usize) -> Option<At<usize>> {
        let number = self.of_type(key, &format!("a number from {least} to {most}"), |value| {
            let number = value.as_integer()?;
            usize::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| (least..=most).contains(number))
        })?;
        Some(number)
    }

    /// A length such as `"30m"`; `"0"` where zero means none.
    pub(super) fn length(&self, key: &'static str, may_be_zero: bool) -> Option<At<Span>> {
        let text = self.of_type(key, "a length in quotes, such as \"30m\" or \"1h30m\"", |value| value.as_str().map(str::to_owned))?;
        if text.value == "0" {
            if may_be_zero {
                return Some(At { at: text.at, value: Span::ZERO });
            }
            self.refuse(text.at, format!("{key} cannot be zero: write a length such as \"30m\", or leave it out"));
            return None;
        }
        match spans::parse(&text.value) {
            Ok(value) => Some(At { at: text.at, value }),
            Err(why) => {
                self.refuse(text.at, format!("\"{}\" is not a length such as 30m or 1h30m: {why}", short(&text.value)));
                None
            }
        }
    }

    pub(super) fn need_length(&self, key: &'static str, how: &str) -> Option<At<Span>> {
        if self.entries.get(key).is_none() {
            self.asked.borrow_mut().push(key);
            self.missing(key, how);
            return None;
        }
        self.length(key, false)
    }

    /// A file or folder, made absolute; relative ones begin at the file's own folder.
    pub(super) fn path(&self, key: &'static str) -> Option<At<PathBuf>> {
        let text = self.text(key, TEXT_MAX)?;
        Some(At { at: text.at, value: self.reading.path(&text.value) })
    }

    /// A secret's reference. What stands there otherwise is never quoted.
    pub(super) fn secret(&self, key: &'static str) -> Option<At<Secret>> {
        let value = self.get(key)?;
        let secret = secret(value, key, self.reading)?;
        self.reading.must_be_there(&secret);
        Some(secret)
    }

    /// A table under this key.
    pub(super) fn table(&self, key: &'static str) -> Option<Self> {
        self.asked.borrow_mut().push(key);
        let (name, value) = self.entries.get_key_value(key)?;
        self.as_table(name.span().start, value, key)
    }

    /// The tables of a list.
    pub(super) fn tables(&self, key: &'static str) -> Vec<Self> {
        let list = self.list(key, "a list of tables, such as [{ .. }]");
        list.iter().filter_map(|item| self.as_table(item.span().start, item, key)).collect()
    }

    /// All entries under this key, each a table of its own: `[people.ana]`.
    pub(super) fn named(&self, key: &'static str) -> Vec<(At<String>, Self)> {
        let Some(mut map) = self.table(key) else { return Vec::new() };
        map.open = true;
        map.entries_as_tables(key, &[])
    }

    /// The entries of this table that are tables, but for these keys.
    pub(super) fn entries_as_tables(&self, what: &str, but: &[&str]) -> Vec<(At<String>, Self)> {
        let entries = self.entries.iter().filter(|(name, _)| !but.contains(&name.get_ref().as_ref()));
        let tables = entries.filter_map(|(name, value)| {
            let at = name.span().start;
            let table = self.as_table(at, value, &format!("{what}.{}", short(name.get_ref())))?;
            Some((At { at, value: name.get_ref().to_string() }, table))
        });
        tables.collect()
    }

    /// Every key of this table is welcome.
    pub(super) fn opened(mut self) -> Self {
        self.open = true;
        self
    }

    fn as_table(&self, at: usize, value: &'t Spanned<DeValue<'t>>, what: &str) -> Option<Self> {
        let entries = value.get_ref().as_table();
        if entries.is_none() {
            self.refuse(value.span().start, format!("{what} must be a table, such as {{ key = \"value\" }}"));
        }
        Some(Self::new(entries?, at, self.reading))
    }

    /// Entries as they are, with their places.
    pub(super) fn raw(&self) -> &'t DeTable<'t> {
        self.entries
    }
}

/// Reads `{ env = ".." }` or `{ file = ".." }`.
pub(super) fn secret<'t>(value: &'t Spanned<DeValue<'t>>, key: &str, reading: &Reading) -> Option<At<Secret>> {
    let at = value.span().start;
    if value.get_ref().is_str() {
        reading.log.refuse(at, format!("a secret never stands in the file: write {key} = {}", secret::HOW));
        return None;
    }
    let entries = value.get_ref().as_table().filter(|entries| entries.len() == 1);
    let one = entries
        .and_then(|entries| entries.iter().next())
        .and_then(|(name, value)| Some((name.get_ref().as_ref(), value.get_ref().as_str()?)));
    let found = match one {
        Some(("env", name)) if !name.is_empty() && !name.contains(['=', '\0']) => Secret::Env(name.to_owned()),
        Some(("file", path)) if !path.is_empty() && !path.contains('\0') => Secret::File(reading.path(path)),
        _ => {
            reading.log.refuse(at, format!("a secret is written {key} = {}", secret::HOW));
            return None;
        }
    };
    Some(At { at, value: found })
}
