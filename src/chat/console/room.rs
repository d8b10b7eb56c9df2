//! What stands in one channel of the terminal: cards in order, replies under them, numbered buttons. Plain text.

use crate::{
    chat::{Button, Message},
    domain::policy::Who,
};

/// A channel, or somebody's private messages.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub messages: Vec<Shown>,
}

/// A message as it stands now.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub id: String,
    /// The card it stands under.
    pub under: Option<String>,
    body: String,
    notify: Vec<Who>,
    pub buttons: Vec<(usize, Button)>,
}

impl Room {
    pub(super) fn show(&self) -> String {
        let cards: Vec<_> = self.messages.iter().filter(|m| m.under.is_none()).map(|m| self.thread(&m.id)).collect();
        cards.join("\n\n")
    }

    pub(super) fn thread(&self, id: &str) -> String {
        let card = self.messages.iter().filter(|m| m.id == id).map(|m| m.text(""));
        let replies = self.messages.iter().filter(|m| m.under.as_deref() == Some(id)).map(|m| m.text("    "));
        card.chain(replies).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn find(&mut self, id: &str) -> Option<&mut Shown> {
        self.messages.iter_mut().find(|m| m.id == id)
    }

    pub(super) fn first_line(&self, id: &str) -> String {
        self.messages.iter().find(|m| m.id == id).and_then(|m| m.body.lines().next()).unwrap_or_default().to_owned()
    }
}

impl Shown {
    pub(super) fn new(id: String, under: Option<&str>) -> Self {
        Self { id, under: under.map(str::to_owned), ..Self::default() }
    }

    /// Buttons keep their number as long as they stand on the message; a number never comes to mean another button.
    pub(super) fn put(&mut self, message: &Message, next_button: &mut usize) {
        self.body.clone_from(&message.body);
        self.notify.clone_from(&message.notify);
        let before = std::mem::take(&mut self.buttons);
        for button in &message.buttons {
            let kept = before.iter().find(|(_, b)| b.action == button.action && b.value == button.value).map(|(n, _)| *n);
            let number = kept.unwrap_or_else(|| {
                *next_button += 1;
                *next_button
            });
            self.buttons.push((number, button.clone()));
        }
    }

    pub(super) fn text(&self, indent: &str) -> String {
        self.lines().iter().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
    }

    /// The text, whom it calls, and the buttons: the last line, if there are any.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.body.lines().map(str::to_owned).collect();
        if !self.notify.is_empty() {
            lines.push(format!("To: {}", self.notify.iter().map(mention).collect::<Vec<_>>().join(" ")));
        }
        if !self.buttons.is_empty() {
            let buttons: Vec<_> = self.buttons.iter().map(|(n, b)| format!("[{n} {}]", b.label)).collect();
            lines.push(buttons.join("  "));
        }
        lines
    }
}

/// Rings somebody, on a platform; here it is only seen.
fn mention(who: &Who) -> String {
    match who {
        Who::Everyone => "@everyone".to_owned(),
        Who::Person(person) => format!("@{person}"),
        Who::Group(group) => format!("@{group}"),
    }
}
