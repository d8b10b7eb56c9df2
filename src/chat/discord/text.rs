//! A text in a place where Discord reads markdown: what a template wrote stays markup and whole, what was put in is inert, and
//! what is too long is cut where it was put in, so that no markup is left open. Must not know what a message says.

use super::markdown::{MARK, Times, as_code, cut_at, length, shown, target};
use crate::chat::{
    marks::Marks,
    sealed::{self, Part},
};

/// A text, line by line; a block of code is one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text {
    lines: Vec<Vec<Chunk>>,
    /// Nothing of it may be cut.
    whole: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Chunk {
    /// The template's, and links: never cut.
    Own(String),
    Value {
        text: String,
        /// Within code, where nothing is escaped.
        code: bool,
    },
}

impl Text {
    /// What a template made, with its values sealed.
    /// # Errors
    /// A link that is none, or code that is never closed: what stands in it would be escaped wrongly.
    pub(super) fn of(made: &str, marks: Marks, times: Times) -> Result<Self, String> {
        Self::read(made, marks, times, false)
    }

    /// The same, of which nothing is cut, and code stands as it is.
    /// # Errors
    /// As `of`; and a value in code that would end it.
    pub(super) fn whole(made: &str, marks: Marks, times: Times) -> Result<Self, String> {
        let text = Self::read(made, marks, times, true)?;
        let own = text.lines.iter().flatten().filter(|chunk| matches!(chunk, Chunk::Own(_))).map(Chunk::text);
        if own.flat_map(fences).eq(fences(&text.shown())) { Ok(text) } else { Err("code that would end too early".to_owned()) }
    }

    fn read(made: &str, marks: Marks, times: Times, whole: bool) -> Result<Self, String> {
        let mut reading = Reading { lines: vec![Vec::new()], code: 0, whole };
        for part in sealed::parts(made)? {
            match part {
                Part::Own(own) => reading.own(own),
                Part::Value(value) => reading.value(&value, marks, times)?,
            }
        }
        if reading.code > 0 {
            return Err("code that is never closed".to_owned());
        }
        let mut text = Self { lines: reading.lines, whole };
        text.trim();
        Ok(text)
    }

    /// Lines that say nothing at either end.
    fn trim(&mut self) {
        while self.lines.last().is_some_and(|line| is_blank(line)) {
            self.lines.pop();
        }
        let blank = self.lines.iter().take_while(|line| is_blank(line)).count();
        self.lines.drain(..blank);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// In UTF-16 units.
    pub(super) fn length(&self) -> usize {
        self.lines.iter().flatten().map(|chunk| length(chunk.text())).sum::<usize>() + self.lines.len().saturating_sub(1)
    }

    pub(super) fn shown(&self) -> String {
        let line = |line: &Vec<Chunk>| line.iter().map(Chunk::text).collect::<String>();
        self.lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The lines in which somebody is mentioned by the template, and the others.
    pub(super) fn parted(self) -> (Self, Self) {
        let calls = |line: &Vec<Chunk>| line.iter().any(|chunk| matches!(chunk, Chunk::Own(own) if own.contains("<@")));
        let (calling, rest) = self.lines.into_iter().partition(calls);
        let part = |lines| Self { lines, whole: self.whole };
        (part(calling), part(rest))
    }

    /// Parted from its first line.
    pub(super) fn split_first(mut self) -> (Self, Self) {
        let rest = self.lines.split_off(self.lines.len().min(1));
        let rest = Self { lines: rest, whole: self.whole };
        (self, rest)
    }

    pub(super) fn then(mut self, other: Self) -> Self {
        self.lines.extend(other.lines);
        self
    }

    /// Brings it within `most`: first what was put in, then whole lines from the end. A list loses lines before the others lose
    /// all sense.
    /// # Errors
    /// What the template itself wrote is too long.
    pub(super) fn fit(&mut self, most: usize, is_list: bool) -> Result<(), String> {
        let floor = if is_list { 200 } else { 24 };
        if self.whole {
            return if self.length() <= most { Ok(()) } else { Err(format!("{} characters that nobody may cut", self.length())) };
        }
        if shrink(&mut [self], most, floor) || self.drop_lines(most) || shrink(&mut [self], most, 1) {
            return Ok(());
        }
        Err(format!("{} characters without what is put in, and {most} are allowed", self.length()))
    }

    /// Whole lines from the end, but never the first; a mark stands for them.
    fn drop_lines(&mut self, most: usize) -> bool {
        if self.lines.len() < 2 {
            return false;
        }
        self.lines.push(vec![Chunk::Own(MARK.to_string())]);
        while self.length() > most && self.lines.len() > 2 {
            self.lines.remove(self.lines.len() - 2);
        }
        self.length() <= most
    }

    /// What may be cut.
    fn values(&mut self) -> impl Iterator<Item = (&mut String, bool)> {
        let whole = self.whole;
        self.lines.iter_mut().flatten().filter_map(move |chunk| match chunk {
            Chunk::Value { text, code } if !whole => Some((text, *code)),
            Chunk::Own(_) | Chunk::Value { .. } => None,
        })
    }
}

/// Cuts what was put into these texts, the longest first and all to the same length, until they fit together; none below `floor`.
/// Do they fit now?
pub(super) fn shrink(texts: &mut [&mut Text], most: usize, floor: usize) -> bool {
    let all: usize = texts.iter().map(|text| text.length()).sum();
    if all <= most {
        return true;
    }
    let lengths: Vec<usize> = texts.iter_mut().flat_map(|text| text.values()).map(|(value, _)| length(value)).collect();
    let own = all - lengths.iter().sum::<usize>();
    let fits = |cap: usize| own + lengths.iter().map(|length| (*length).min(cap)).sum::<usize>() <= most;
    // The longest cap that fits lies between these.
    let (mut cap, mut over) = (floor, lengths.iter().copied().max().unwrap_or_default());
    while over > cap + 1 {
        let middle = cap.midpoint(over);
        if fits(middle) { cap = middle } else { over = middle }
    }
    for (value, code) in texts.iter_mut().flat_map(|text| text.values()) {
        cut_at(value, cap, code);
    }
    fits(cap)
}

/// A text that is being read: what the template writes may open code and close it.
struct Reading {
    lines: Vec<Vec<Chunk>>,
    /// The backticks that opened the code which is read; none: it is no code.
    code: usize,
    /// What stands in code stands there as it is.
    whole: bool,
}

impl Reading {
    fn line(&mut self) -> &mut Vec<Chunk> {
        if self.lines.is_empty() {
            self.lines.push(Vec::new());
        }
        let last = self.lines.len() - 1;
        &mut self.lines[last]
    }

    fn push(&mut self, text: &str) {
        match self.line().last_mut() {
            Some(Chunk::Own(own)) => own.push_str(text),
            _ => self.line().push(Chunk::Own(text.to_owned())),
        }
    }

    fn own(&mut self, own: &str) {
        let mut rest = own;
        while let Some(c) = rest.chars().next() {
            let taken = match c {
                '`' => self.ticks(rest),
                '\\' if self.code == 0 => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
                c => c.len_utf8(),
            };
            if c == '\n' && self.code == 0 {
                self.lines.push(Vec::new());
            } else {
                self.push(&rest[..taken]);
            }
            rest = &rest[taken..];
        }
    }

    /// Opens code or closes it; how many backticks stand here.
    fn ticks(&mut self, rest: &str) -> usize {
        let run = rest.bytes().take_while(|b| *b == b'`').count();
        match self.code {
            0 => self.code = run.min(3),
            3 if run >= 3 => self.code = 0,
            code if code == run => self.code = 0,
            _ => {}
        }
        run
    }

    fn value(&mut self, value: &str, marks: Marks, times: Times) -> Result<(), String> {
        if self.code > 0 {
            let plain = marks.plain(value);
            let text = if self.whole { plain } else { as_code(&plain, self.code) };
            self.line().push(Chunk::Value { text, code: true });
        } else if matches!(self.line().last(), Some(Chunk::Own(own)) if own.ends_with("](") || own.ends_with("](<")) {
            let link = target(value)?;
            self.push(&link);
        } else {
            let text = marks.pieces(value).iter().map(|piece| shown(piece, times)).collect();
            self.line().push(Chunk::Value { text, code: false });
        }
        Ok(())
    }
}

impl Chunk {
    fn text(&self) -> &str {
        match self {
            Self::Own(text) | Self::Value { text, .. } => text,
        }
    }
}

/// The runs of backticks that may open or end code, by how long they are.
fn fences(text: &str) -> impl Iterator<Item = usize> {
    text.split(|c| c != '`').map(str::len).filter(|run| *run >= 3)
}

fn is_blank(line: &[Chunk]) -> bool {
    line.iter().all(|chunk| chunk.text().trim().is_empty())
}
