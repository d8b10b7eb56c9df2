//! What is found while bot.toml is read: problems and warnings, each with its place, and the words for them.
//! Knows no key by name.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

use crate::secret::Secret;

/// Longest title, in characters.
pub(super) const TITLE_MAX: usize = 120;
/// Longest text of any other kind, in characters.
pub(super) const TEXT_MAX: usize = 2_000;

/// A value and where it stands, in bytes from the file's start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) at: usize,
    pub(super) value: T,
}

/// What is wrong, or only odd, and where.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) problems: RefCell<Vec<At<String>>>,
    pub(super) warnings: RefCell<Vec<At<String>>>,
}

impl Log {
    pub(super) fn refuse(&self, at: usize, why: impl Into<String>) {
        self.problems.borrow_mut().push(At { at, value: why.into() });
    }

    pub(super) fn warn(&self, at: usize, why: impl Into<String>) {
        self.warnings.borrow_mut().push(At { at, value: why.into() });
    }
}

/// What a file is read with.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) log: Log,
    /// Relative paths begin here.
    pub(super) folder: PathBuf,
    /// What the file refers to (secrets, programs) must be there.
    pub(super) strict: bool,
}

impl Reading {
    pub(super) fn path(&self, text: &str) -> PathBuf {
        let joined = self.folder.join(text);
        std::path::absolute(&joined).unwrap_or(joined)
    }

    /// Refuses a secret that cannot be read now.
    pub(super) fn must_be_there(&self, secret: &At<Secret>) {
        if let Some(why) = secret.value.read().err().filter(|_| self.strict) {
            self.log.refuse(secret.at, why);
        }
    }
}

/// `; did you mean "x"?`, or nothing.
pub(super) fn near<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    // The first is good at beginnings, the second at two letters that changed places in a short name.
    let score = |name: &str| strsim::jaro_winkler(text, name).max(strsim::normalized_damerau_levenshtein(text, name) + 0.1);
    let best = known.into_iter().map(|name| (score(name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| *score > 0.75).map_or_else(String::new, |(_, name)| format!("; did you mean \"{name}\"?"))
}

/// Shown to people as it is: one line, nothing invisible, nothing that turns the line around.
pub(super) fn clean(text: &str, longest: usize) -> Result<(), String> {
    let hidden =
        |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    if text.trim().is_empty() {
        return Err("it is empty: leave the key out, or write something".into());
    }
    if let Some(c) = text.chars().find(|c| hidden(*c)) {
        return Err(format!("it has the invisible character U+{:04X}: take it out", u32::from(c)));
    }
    if text.chars().count() > longest {
        return Err(format!("it is longer than {longest} characters"));
    }
    Ok(())
}

/// A key that is not one of these.
pub(super) fn unknown(key: &str, known: &[&str]) -> String {
    let hint = near(key, known.iter().copied());
    let all = if known.is_empty() { "; no key belongs here".to_owned() } else { format!("; known here: {}", known.join(", ")) };
    format!("unknown key \"{}\"{}", short(key), if hint.is_empty() { all } else { hint })
}

/// A name of the file's own, safe to print.
pub(super) fn short(text: &str) -> String {
    let shown: String = text.chars().take(40).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(40).is_some() { format!("{shown}...") } else { shown }
}

/// Line and column, from one.
pub(super) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The folder that a file's relative paths begin at.
pub(super) fn folder_of(file: &Path) -> PathBuf {
    file.parent().map(Path::to_path_buf).unwrap_or_default()
}
