//! What scrolls by: cards, replies indented under them, private lines, answers. Wrapped to the screen's width. With a
//! terminal on the other side, what happens meanwhile is printed above the line that is being typed.

use std::io::Write as _;

use rustyline::ExternalPrinter;

use crate::chat::console::{Kind, Output, wrap};

/// Most of a card's first line that is repeated to name it.
const NAMED: usize = 44;
/// Without a terminal, and nobody saying how wide it is.
const WIDE: usize = 100;

/// Prints above the line that is being typed.
pub(super) type Above = Box<dyn ExternalPrinter + Send>;

/// The screen of one person.
pub(super) struct Screen {
    above: Option<Above>,
    /// The card that the last output was about: a reply right under it needs no heading.
    about: Option<String>,
}

impl Screen {
    /// `above`: there is a terminal with an editor in it.
    pub(super) const fn new(above: Option<Above>) -> Self {
        Self { above, about: None }
    }

    /// An answer, or the demo's own words.
    pub(super) fn say(&mut self, text: &str) {
        self.about = None;
        self.print(&wrap(text, width()));
    }

    /// Something that was sent to a channel or a person.
    pub(super) fn show(&mut self, output: &Output) {
        let under = output.kind == Kind::Replied && self.about.as_ref() == Some(&output.message);
        let heading = if under { String::new() } else { format!("{}\n", heading(output)) };
        self.about = Some(output.message.clone());
        let indent = if output.kind == Kind::Replied || !output.place.starts_with('@') { "" } else { "    " };
        let text: Vec<String> = output.text.lines().map(|line| format!("{indent}{line}")).collect();
        let gap = if under { "" } else { "\n" };
        self.print(&format!("{gap}{}", wrap(&format!("{heading}{}", text.join("\n")), width())));
    }

    fn print(&mut self, text: &str) {
        let line = format!("{text}\n");
        let printed = match &mut self.above {
            Some(above) => above.print(line.clone()).is_ok(),
            None => false,
        };
        if !printed {
            let mut out = std::io::stdout().lock();
            // A reader that is gone is no reason to stop what was begun.
            let _gone = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        }
    }
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
fn width() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let seen = || rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col)).filter(|w| *w > 0);
    said.or_else(seen).unwrap_or(WIDE)
}
