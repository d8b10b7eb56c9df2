//! What scrolls by: cards, replies indented under them, private lines, answers. Wrapped to the screen's width.

use std::io::Write as _;

use crate::chat::console::{Kind, Output, wrap};

/// Most of a card's first line that is repeated to name it.
const NAMED: usize = 44;
/// Without a terminal, and nobody saying how wide it is.
const WIDE: usize = 100;

/// The screen of one person.
#[derive(Debug, Default)]
pub(super) struct Screen {
    /// The card that the last output was about: a reply right under it needs no heading.
    about: Option<String>,
}

impl Screen {
    /// An answer, or the demo's own words.
    pub(super) fn say(&mut self, text: &str) {
        self.about = None;
        print(&wrap(text, width()));
    }

    /// Something that was sent to a channel or a person.
    pub(super) fn show(&mut self, output: &Output) {
        let under = output.kind == Kind::Replied && self.about.as_ref() == Some(&output.message);
        let heading = if under { String::new() } else { format!("{}\n", heading(output)) };
        self.about = Some(output.message.clone());
        let indent = if output.kind == Kind::Replied || !output.place.starts_with('@') { "" } else { "    " };
        let text: Vec<String> = output.text.lines().map(|line| format!("{indent}{line}")).collect();
        let gap = if under { "" } else { "\n" };
        print(&format!("{gap}{}", wrap(&format!("{heading}{}", text.join("\n")), width())));
    }
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    // A reader that is gone is no reason to stop what was begun.
    let _gone = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Where it is, and which card it is about.
fn heading(output: &Output) -> String {
    let named: String = output.card.chars().take(NAMED).collect();
    let dots = if output.card.chars().count() > NAMED { "…" } else { "" };
    match (output.place.strip_prefix('@'), output.kind) {
        (Some(user), _) => format!("── to {user} only"),
        (None, Kind::Posted) => format!("── {}", output.place),
        (None, Kind::Replied) => format!("── {}, under: {named}{dots}", output.place),
        (None, Kind::Changed) => format!("── {}, changed: {named}{dots}", output.place),
    }
}

/// Columns of this screen: as somebody says, as the terminal is, or wide enough to read.
pub(super) fn width() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let seen = || rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col)).filter(|w| *w > 0);
    said.or_else(seen).unwrap_or(WIDE)
}
