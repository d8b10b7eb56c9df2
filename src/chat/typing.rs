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
const FLAGS: [&str; 3] = ["ticket", "at", "for"];
/// Commands that have no subcommand of their own where pieces are options: they are one line of administrators.
pub(super) const ADMINISTRATORS: [&str; 3] = ["settle", "unlink", "clock"];

impl Typing {
    /// A command with its pieces, each its option and what is typed there. What may be left out stands in brackets; a piece that is
    /// no option is said in a line only.
    pub fn command(self, name: &str, pieces: &[(&str, &str)]) -> String {
        let in_a_line = self == Self::Options && ADMINISTRATORS.contains(&name);
        let (begin, as_typed) = if in_a_line { ("/jit admin line:", Self::Line) } else { ("/jit ", self) };
        let pieces = pieces.iter().filter(|(option, _)| as_typed == Self::Line || !option.is_empty());
        let said = std::iter::once(format!("{begin}{name}")).chain(pieces.map(|(option, text)| as_typed.piece(option, text)));
        said.collect::<Vec<_>>().join(" ")
    }

    /// One piece: `--ticket OPS-1`, `ticket:OPS-1`.
    pub fn piece(self, option: &str, text: &str) -> String {
        let said = match (self, text.strip_prefix('[')) {
            (Self::Options, Some(inner)) => format!("[{option}:{inner}"),
            (Self::Options, None) => format!("{option}:{text}"),
            (Self::Line, _) if FLAGS.contains(&option) => format!("--{option} {text}"),
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
    fn what_only_administrators_do_is_one_line_of_theirs() {
        let settle = [("id", "R-7K3QD2"), ("why", "it is gone")];
        assert_eq!(Typing::Options.command("settle", &settle), "/jit admin line:settle R-7K3QD2 it is gone");
        assert_eq!(Typing::Line.command("settle", &settle), "/jit settle R-7K3QD2 it is gone");
    }
}
