//! What is wrong, one line each, and never so many that they fill the memory.

/// Lines that are kept; the rest is counted.
const MOST: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Findings {
    lines: Vec<String>,
    more: usize,
    /// Places whose entry is not there: leaf and the entry's id.
    lost_leaves: Vec<(u64, i64)>,
    /// Numbers that a stream lacks: first and last.
    lost_numbers: Vec<(String, u64, u64)>,
}

impl Findings {
    pub(super) fn say(&mut self, line: String) {
        if self.lines.len() < MOST { self.lines.push(line) } else { self.more += 1 }
    }

    pub(super) fn lost_leaf(&mut self, leaf: u64, entry: i64) {
        if self.lost_leaves.len() < MOST { self.lost_leaves.push((leaf, entry)) } else { self.more += 1 }
    }

    pub(super) fn lost_numbers(&mut self, stream: &str, first: u64, last: u64) {
        if self.lost_numbers.len() < MOST { self.lost_numbers.push((stream.to_owned(), first, last)) } else { self.more += 1 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.lost_leaves.is_empty() && self.lost_numbers.is_empty()
    }

    /// What is missing comes first. One entry that is missing once in its stream and once in the tree is one line.
    pub(super) fn lines(self) -> Vec<String> {
        let mut lines = Vec::new();
        match (self.lost_leaves.as_slice(), self.lost_numbers.as_slice()) {
            ([(leaf, id)], [(stream, first, last)]) if first == last => {
                lines.push(format!("{stream} number {first} (leaf {leaf}, entry {id}): missing"));
            }
            (leaves, numbers) => {
                lines.extend(numbers.iter().map(|(stream, first, last)| format!("{stream} {}: missing", range("number", *first, *last))));
                lines.extend(leaves.iter().map(|(leaf, id)| format!("leaf {leaf}: its entry {id} is missing")));
            }
        }
        lines.extend(self.lines);
        if self.more > 0 {
            lines.push(format!("and {} more", self.more));
        }
        lines
    }
}

/// `leaf 3`, or `leafs 3 to 5` with an s.
pub(super) fn range(what: &str, first: u64, last: u64) -> String {
    match (what, first == last) {
        (_, true) => format!("{what} {first}"),
        ("leaf", false) => format!("leaves {first} to {last}"),
        (_, false) => format!("{what}s {first} to {last}"),
    }
}
