//! The terminal as a chat: channels, threads, direct messages and numbered buttons in memory. For `demo` and tests.
//! Keeps what was sent, decides nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::broadcast;

use super::{Button, Chat, ChatFault, Message, Posted, Profile, render::Folder, words::one_line};
use crate::domain::policy::{Channel, Platform};

/// The console's words.
pub(super) const FOLDER: Folder = Folder {
    platform: Platform::Console,
    escape: one_line,
    files: &[
        ("card.hbs", include_str!("../../../templates/console/card.hbs")),
        ("reply.hbs", include_str!("../../../templates/console/reply.hbs")),
        ("direct.hbs", include_str!("../../../templates/console/direct.hbs")),
        ("alarm.hbs", include_str!("../../../templates/console/alarm.hbs")),
        ("refusal.hbs", include_str!("../../../templates/console/refusal.hbs")),
        ("answer.hbs", include_str!("../../../templates/console/answer.hbs")),
        ("help.hbs", include_str!("../../../templates/console/help.hbs")),
    ],
    // Numbered under the text; one without a label cannot be seen.
    actions: |message| message.buttons.iter().filter(|b| !b.label.trim().is_empty()).map(|b| b.action.clone()).collect(),
};

/// A chat in memory. Shared by all who send to it and by the screen that shows it.
#[derive(Debug)]
pub struct Console {
    inner: Mutex<Inner>,
    lines: broadcast::Sender<String>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By channel; direct messages under `@user`.
    channels: BTreeMap<String, Room>,
    /// What a nonce posted already.
    sent: BTreeMap<String, Posted>,
    groups: BTreeMap<String, Vec<String>>,
    deactivated: BTreeSet<String>,
    names: BTreeMap<String, String>,
    down: bool,
    next: u64,
}

#[derive(Debug, Default)]
struct Room {
    messages: Vec<Shown>,
    next_button: usize,
}

#[derive(Debug)]
struct Shown {
    id: String,
    /// The card it stands under.
    under: Option<String>,
    body: String,
    buttons: Vec<(usize, Button)>,
}

/// New output that a slow screen may fall behind by.
const BACKLOG: usize = 1024;

impl Default for Console {
    fn default() -> Self {
        Self::new()
    }
}

impl Console {
    pub fn new() -> Self {
        Self { inner: Mutex::default(), lines: broadcast::channel(BACKLOG).0 }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is in a group of this chat, by user id.
    pub fn set_group(&self, group: &str, members: &[&str]) {
        self.inner().groups.insert(group.to_owned(), members.iter().map(|m| (*m).to_owned()).collect());
    }

    /// What the chat says of a user.
    pub fn set_profile(&self, user: &str, name: &str, active: bool) {
        let mut inner = self.inner();
        inner.names.insert(user.to_owned(), name.to_owned());
        if active {
            inner.deactivated.remove(user);
        } else {
            inner.deactivated.insert(user.to_owned());
        }
    }

    /// While down, everything asked of it fails as a chat that does not answer.
    pub fn set_down(&self, down: bool) {
        self.inner().down = down;
    }

    /// New output as a person would see it scroll by.
    pub fn subscribe(&self) -> broadcast::Receiver<String> {
        self.lines.subscribe()
    }

    /// A channel as a person sees it: cards in order, replies indented under their card, buttons numbered.
    pub fn channel(&self, name: &str) -> String {
        self.inner().channels.get(name).map(Room::show).unwrap_or_default()
    }

    /// One card with its replies; empty when there is no such message.
    pub fn thread(&self, at: &Posted) -> String {
        self.inner().channels.get(&at.channel).map(|room| room.thread(&at.message)).unwrap_or_default()
    }

    /// What a user was told privately.
    pub fn directs(&self, user: &str) -> String {
        self.channel(&format!("@{user}"))
    }

    /// The cards of a channel, oldest first.
    pub fn cards(&self, name: &str) -> Vec<Posted> {
        let inner = self.inner();
        let messages = inner.channels.get(name).into_iter().flat_map(|room| &room.messages).filter(|m| m.under.is_none());
        messages.map(|m| Posted { channel: name.to_owned(), message: m.id.clone() }).collect()
    }

    /// The button of this number in a channel, or in a user's direct messages (`@user`). A number that was once
    /// shown never means another button.
    pub fn button(&self, channel: &str, number: usize) -> Option<Button> {
        let inner = self.inner();
        let room = inner.channels.get(channel)?;
        room.messages.iter().flat_map(|m| &m.buttons).find(|(n, _)| *n == number).map(|(_, button)| button.clone())
    }

    fn add(&self, channel: &str, under: Option<&str>, message: &Message, nonce: &str) -> Result<Posted, ChatFault> {
        let mut inner = self.up()?;
        if let Some(posted) = inner.sent.get(nonce) {
            return Ok(posted.clone());
        }
        inner.next += 1;
        let id = format!("m{}", inner.next);
        let room = inner.channels.entry(channel.to_owned()).or_default();
        if under.is_some_and(|card| !room.messages.iter().any(|m| m.id == card)) {
            return Err(ChatFault::Gone);
        }
        let mut shown = Shown { id: id.clone(), under: under.map(str::to_owned), body: String::new(), buttons: Vec::new() };
        room.put(&mut shown, message);
        let text = shown.text(if under.is_some() { "    " } else { "" });
        room.messages.push(shown);
        let posted = Posted { channel: channel.to_owned(), message: id };
        inner.sent.insert(nonce.to_owned(), posted.clone());
        drop(inner);
        self.tell(channel, &text);
        Ok(posted)
    }

    fn up(&self) -> Result<MutexGuard<'_, Inner>, ChatFault> {
        let inner = self.inner();
        if inner.down {
            return Err(ChatFault::Transient { why: "the console is down".to_owned(), retry_after: None });
        }
        Ok(inner)
    }

    /// Nobody listening is no fault.
    fn tell(&self, channel: &str, text: &str) {
        for line in text.lines() {
            let _ = self.lines.send(format!("{channel} | {line}"));
        }
    }
}

impl Room {
    /// Buttons keep their number as long as they stand on the message.
    fn put(&mut self, shown: &mut Shown, message: &Message) {
        shown.body.clone_from(&message.body);
        let before = std::mem::take(&mut shown.buttons);
        for button in &message.buttons {
            let kept = before.iter().find(|(_, b)| b.action == button.action && b.value == button.value).map(|(n, _)| *n);
            let number = kept.unwrap_or_else(|| {
                self.next_button += 1;
                self.next_button
            });
            shown.buttons.push((number, button.clone()));
        }
    }

    fn show(&self) -> String {
        let cards: Vec<_> = self.messages.iter().filter(|m| m.under.is_none()).map(|m| self.thread(&m.id)).collect();
        cards.join("\n\n")
    }

    fn thread(&self, id: &str) -> String {
        let card = self.messages.iter().filter(|m| m.id == id).map(|m| m.text(""));
        let replies = self.messages.iter().filter(|m| m.under.as_deref() == Some(id)).map(|m| m.text("    "));
        card.chain(replies).collect::<Vec<_>>().join("\n")
    }
}

impl Shown {
    fn text(&self, indent: &str) -> String {
        let mut lines: Vec<_> = self.body.lines().map(|line| format!("{indent}{line}")).collect();
        if !self.buttons.is_empty() {
            let buttons: Vec<_> = self.buttons.iter().map(|(n, b)| format!("[{n} {}]", b.label)).collect();
            lines.push(format!("{indent}{}", buttons.join("  ")));
        }
        lines.join("\n")
    }
}

#[async_trait]
impl Chat for Console {
    fn platform(&self) -> Platform {
        Platform::Console
    }

    async fn post(&self, channel: &Channel, message: &Message, nonce: &str) -> Result<Posted, ChatFault> {
        self.add(&channel.id, None, message, nonce)
    }

    async fn update(&self, at: &Posted, message: &Message) -> Result<(), ChatFault> {
        let mut inner = self.up()?;
        let room = inner.channels.get_mut(&at.channel).ok_or(ChatFault::Gone)?;
        let place = room.messages.iter().position(|m| m.id == at.message).ok_or(ChatFault::Gone)?;
        let mut shown = room.messages.remove(place);
        room.put(&mut shown, message);
        let text = shown.text("");
        room.messages.insert(place, shown);
        drop(inner);
        self.tell(&at.channel, &text);
        Ok(())
    }

    async fn reply(&self, under: &Posted, message: &Message, nonce: &str) -> Result<Posted, ChatFault> {
        self.add(&under.channel, Some(&under.message), message, nonce)
    }

    async fn direct(&self, user: &str, message: &Message, nonce: &str) -> Result<Posted, ChatFault> {
        self.add(&format!("@{user}"), None, message, nonce)
    }

    async fn members(&self, group: &str) -> Result<Vec<String>, ChatFault> {
        let members = self.up()?.groups.get(group).cloned();
        members.ok_or_else(|| ChatFault::Permanent { why: format!("there is no group {group}") })
    }

    async fn profile(&self, user: &str) -> Result<Profile, ChatFault> {
        let inner = self.up()?;
        let name = inner.names.get(user).cloned().unwrap_or_else(|| user.to_owned());
        Ok(Profile { active: !inner.deactivated.contains(user), name })
    }
}
