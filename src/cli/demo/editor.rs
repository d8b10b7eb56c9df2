//! A line being typed: letters, backspace, clear, the lines before by arrow up and down. One row; a long line shows its end.

use std::{collections::VecDeque, io::Write as _};

use super::screen::width;

/// What typing came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Line(String),
    /// Ctrl-C, or Ctrl-D on an empty line.
    End,
}

/// The line so far, and keys that were not looked at yet.
#[derive(Debug, Default)]
pub(super) struct Editor {
    keys: VecDeque<u8>,
    line: Vec<u8>,
    history: Vec<String>,
    /// How far back in the history one looks; zero: at what is being typed.
    back: usize,
}

impl Editor {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.keys.extend(bytes);
    }

    /// Takes keys up to the end of a line; None: it is not whole yet.
    pub(super) fn step(&mut self) -> Option<Typed> {
        while let Some(key) = self.keys.pop_front() {
            match key {
                b'\r' | b'\n' => return Some(self.enter()),
                0x03 => return Some(Typed::End),
                0x04 if self.line.is_empty() => return Some(Typed::End),
                0x7f | 0x08 => self.backspace(),
                0x15 => self.line.clear(),
                0x1b => self.escape(),
                0..0x20 => {}
                _ => self.line.push(key),
            }
        }
        None
    }

    fn enter(&mut self) -> Typed {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        self.back = 0;
        if !line.trim().is_empty() {
            self.history.push(line.clone());
        }
        println!();
        Typed::Line(line)
    }

    /// One character, which may be several bytes.
    fn backspace(&mut self) {
        while self.line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
    }

    /// Arrows up and down; every other sequence is taken and ignored.
    fn escape(&mut self) {
        if self.keys.front() != Some(&b'[') {
            return;
        }
        self.keys.pop_front();
        let last = loop {
            match self.keys.pop_front() {
                Some(key @ 0x40..=0x7e) => break key,
                Some(_) => {}
                None => return,
            }
        };
        self.back = match last {
            b'A' => (self.back + 1).min(self.history.len()),
            b'B' => self.back.saturating_sub(1),
            _ => return,
        };
        let earlier = self.back.checked_sub(1).and_then(|back| self.history.iter().rev().nth(back));
        self.line = earlier.map(|line| line.clone().into_bytes()).unwrap_or_default();
    }

    /// Draws the line where the cursor's row is.
    pub(super) fn draw(&self, prompt: &str) {
        let line = String::from_utf8_lossy(&self.line);
        let room = width().saturating_sub(prompt.chars().count() + 1);
        let shown: String = line.chars().skip(line.chars().count().saturating_sub(room)).collect();
        let mut out = std::io::stdout().lock();
        // A terminal that is gone shows nothing.
        let _gone = write!(out, "\r\x1b[J{prompt}{shown}").and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> Option<Typed> {
        let mut editor = Editor::default();
        editor.feed(b"earlier\n");
        assert_eq!(editor.step(), Some(Typed::Line("earlier".into())));
        editor.feed(keys);
        editor.step()
    }

    #[test]
    fn keys_make_a_line() {
        for (keys, line) in [
            (&b"as ben\r"[..], "as ben"),
            ("aß\u{7f}n\n".as_bytes(), "an"),
            (b"wrong\x15right\n", "right"),
            (b"\x1b[A\n", "earlier"),
            (b"\x1b[A\x1b[Bx\n", "x"),
            (b"a\x1b[3~\x1bb\x07c\n", "abc"),
        ] {
            assert_eq!(typed(keys), Some(Typed::Line(line.into())), "{keys:?}");
        }
        assert_eq!(typed(b"half"), None);
        assert_eq!(typed(b"half\x03"), Some(Typed::End));
        assert_eq!(typed(b"\x04"), Some(Typed::End));
    }
}
