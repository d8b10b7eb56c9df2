//! How a command is typed: as a line of words, or with each piece in an option of its own. The one place that writes commands, so
//! that nobody is told to type what their platform does not take. Must not know what a command does.

/// What a platform takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// `/jit extend R-7K3QD2 30m`
    Line,
    /// `/jit extend id:R-7K3QD2 length:30m`, and only in the server that the commands belong to.
    Options,
}

/// Pieces that are flags in a line, wherever they stand.
const FLAGS: [&str; 5] = ["ticket", "at", "for", "since", "page"];
/// Commands that stand in a group where pieces are options, and the group.
pub(super) const GROUPED: [(&str, &str); 7] =
    [("who", "see"), ("find", "see"), ("stats", "see"), ("digest", "see"), ("settle", "admin"), ("unlink", "admin"), ("clock", "admin")];

impl Typing {
    /// A command with its pieces, each its option and what is typed there. What may be left out stands in brackets; a piece that is
    /// no option is said in a line only.
    pub fn command(self, name: &str, pieces: &[(&str, &str)]) -> String {
        let group = GROUPED.iter().find(|(grouped, _)| self == Self::Options && *grouped == name);
        let begin = group.map_or_else(|| "/jit".to_owned(), |(_, group)| format!("/jit {group}"));
        let pieces = pieces.iter().filter(|(option, _)| self == Self::Line || !option.is_empty());
        let said = std::iter::once(format!("{begin} {name}")).chain(pieces.map(|(option, text)| self.piece(option, text)));
        said.collect::<Vec<_>>().join(" ")
    }

    /// One piece: `--ticket OPS-1`, `ticket:OPS-1`. Several words behind a flag stand in quotes.
    pub fn piece(self, option: &str, text: &str) -> String {
        let optional = text.strip_prefix('[');
        let said = match (self, optional) {
            (Self::Options, Some(inner)) => format!("[{option}:{inner}"),
            (Self::Options, None) => format!("{option}:{text}"),
            (Self::Line, Some(inner)) if FLAGS.contains(&option) => format!("[--{option} {inner}"),
            (Self::Line, None) if FLAGS.contains(&option) && text.contains(' ') => format!("--{option} \"{text}\""),
            (Self::Line, None) if FLAGS.contains(&option) => format!("--{option} {text}"),
            (Self::Line, _) => text.to_owned(),
        };
        said.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_platform_reads_what_it_takes() {
        let more = [("id", "R-7K3QD2"), ("length", "30m")];
        assert_eq!(Typing::Line.command("extend", &more), "/jit extend R-7K3QD2 30m");
        assert_eq!(Typing::Options.command("extend", &more), "/jit extend id:R-7K3QD2 length:30m");
        let ask = [("resource", "RESOURCE"), ("role", "[ROLE]"), ("", "[options]"), ("reason", "WHY"), ("ticket", "OPS-1")];
        assert_eq!(Typing::Line.command("request", &ask), "/jit request RESOURCE [ROLE] [options] WHY --ticket OPS-1");
        assert_eq!(Typing::Options.command("request", &ask), "/jit request resource:RESOURCE [role:ROLE] reason:WHY ticket:OPS-1");
        assert_eq!((Typing::Line.piece("at", ""), Typing::Options.piece("at", "")), ("--at".to_owned(), "at:".to_owned()));
    }

    #[test]
    fn what_stands_in_a_group_is_written_with_it_where_pieces_are_options() {
        let settle = [("id", "R-7K3QD2"), ("why", "it is gone")];
        assert_eq!(Typing::Options.command("settle", &settle), "/jit admin settle id:R-7K3QD2 why:it is gone");
        assert_eq!(Typing::Line.command("settle", &settle), "/jit settle R-7K3QD2 it is gone");
        let who = [("resource", "prod-db"), ("at", "2026-11-20 14:05:30"), ("page", "2")];
        assert_eq!(Typing::Options.command("who", &who), "/jit see who resource:prod-db at:2026-11-20 14:05:30 page:2");
        assert_eq!(Typing::Line.command("who", &who), "/jit who prod-db --at \"2026-11-20 14:05:30\" --page 2");
        assert_eq!(Typing::Line.piece("since", "[7d]"), "[--since 7d]");
    }
}
