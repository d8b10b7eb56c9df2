//! The terminal as a chat: channels, threads, direct messages and numbered buttons in memory. For `demo` and tests.
//! Keeps what was sent, decides nothing.

mod moods;
mod room;
mod wrap;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::broadcast;

pub use moods::Now;
pub use wrap::wrap;

use self::{
    moods::Moods,
    room::{Room, Shown},
};

use super::{
    Button, Chat, ChatFault, Message, Once, Posted, Profile, Sending, marks::Marks, render::Folder, typing::Typing, words::one_line,
};
use crate::domain::{
    members::Presence,
    policy::{Channel, Platform},
    time::Span,
};

/// The console's words.
pub(super) const FOLDER: Folder = Folder {
    platform: Platform::Console,
    escape: one_line,
    marks: |_| Marks::Plain,
    typing: Typing::Line,
    room: 20_000,
    // Where a part of a template says nothing, nothing stands.
    finish: |text, _| Ok(text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")),
    files: &[
        ("card.hbs", include_str!("../../../templates/console/card.hbs")),
        ("reply.hbs", include_str!("../../../templates/console/reply.hbs")),
        ("direct.hbs", include_str!("../../../templates/console/direct.hbs")),
        ("alarm.hbs", include_str!("../../../templates/console/alarm.hbs")),
        ("digest.hbs", include_str!("../../../templates/console/digest.hbs")),
        ("refusal.hbs", include_str!("../../../templates/console/refusal.hbs")),
        ("answer.hbs", include_str!("../../../templates/console/answer.hbs")),
        ("help.hbs", include_str!("../../../templates/console/help.hbs")),
        ("past.hbs", include_str!("../../../templates/console/past.hbs")),
    ],
    // Numbered under the text; one without a label cannot be seen.
    actions: |message| message.buttons.iter().filter(|b| !b.label.trim().is_empty()).map(|b| b.action.clone()).collect(),
    sorry: str::to_owned,
};

/// A chat in memory. Shared by all who send to it and by the screen that shows it.
#[derive(Debug)]
pub struct Console {
    inner: Mutex<Inner>,
    screen: broadcast::Sender<Output>,
    /// Begins every message id, so that those of an earlier run mean nothing here.
    run: String,
}

/// Something new on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// A channel, or `@user` for what only they see.
    pub place: String,
    pub kind: Kind,
    /// Id of the card that it is, or stands under.
    pub message: String,
    /// First line of the card that it is, or stands under, as it was before this.
    pub card: String,
    /// For a change: the lines that were not there before, and the buttons.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Posted,
    Changed,
    Replied,
}

#[derive(Debug, Default)]
struct Inner {
    /// By channel; direct messages under `@user`.
    channels: BTreeMap<String, Room>,
    /// What a nonce posted already.
    sent: BTreeMap<String, Posted>,
    /// Threads that are put away, by their card's id.
    put_away: BTreeSet<String>,
    /// How often one was.
    times_put_away: usize,
    groups: BTreeMap<String, Vec<String>>,
    deactivated: BTreeSet<String>,
    names: BTreeMap<String, String>,
    moods: Moods,
    next: u64,
    next_button: usize,
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
        Self::of_run("")
    }

    /// A console beside a store that outlives it: `run` is never the same twice.
    pub fn of_run(run: impl Into<String>) -> Self {
        Self { inner: Mutex::default(), screen: broadcast::channel(BACKLOG).0, run: run.into() }
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

    /// New output as a person would see it scroll by.
    pub fn subscribe(&self) -> broadcast::Receiver<Output> {
        self.screen.subscribe()
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

    /// Is the thread under this card put away, until something is told in it again?
    pub fn is_put_away(&self, card: &Posted) -> bool {
        self.inner().put_away.contains(&card.message)
    }

    /// How often any thread was put away so far.
    pub fn times_put_away(&self) -> usize {
        self.inner().times_put_away
    }

    /// The buttons that this user can see now, by number: in channels, and in their own direct messages.
    pub fn buttons(&self, user: &str) -> Vec<(usize, Button)> {
        let inner = self.inner();
        let own = format!("@{user}");
        let rooms = inner.channels.iter().filter(|(name, _)| !name.starts_with('@') || **name == own);
        rooms.flat_map(|(_, room)| &room.messages).flat_map(|m| m.buttons.iter().cloned()).collect()
    }

    /// The button of this number, if this user can see it now.
    pub fn button(&self, user: &str, number: usize) -> Option<Button> {
        self.buttons(user).into_iter().find(|(n, _)| *n == number).map(|(_, button)| button)
    }

    fn add(&self, channel: &str, under: Option<&str>, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        let mut inner = self.inner();
        let inner = &mut *inner;
        inner.moods.takes(channel, message)?;
        if let Some(posted) = inner.sent.get(once.nonce).filter(|_| once.may_stand || !inner.moods.is_forgetful()).cloned() {
            if !inner.moods.is_forgetful() {
                self.change(inner, &posted, message)?;
            }
            return Ok(posted);
        }
        inner.next += 1;
        let id = format!("{}m{}", self.run, inner.next);
        let room = inner.channels.entry(channel.to_owned()).or_default();
        if under.is_some_and(|card| room.find(card).is_none()) {
            return Err(ChatFault::Gone);
        }
        let mut shown = Shown::new(id.clone(), under);
        shown.put(message, &mut inner.next_button);
        let (kind, indent) = if under.is_some() { (Kind::Replied, "    ") } else { (Kind::Posted, "") };
        let text = shown.text(indent);
        room.messages.push(shown);
        let message = under.unwrap_or(&id).to_owned();
        let card = room.first_line(&message);
        let posted = Posted { channel: channel.to_owned(), message: id };
        inner.sent.insert(once.nonce.to_owned(), posted.clone());
        if let Some(card) = under {
            inner.put_away.remove(card);
        }
        self.tell(Output { place: channel.to_owned(), kind, message, card, text });
        inner.moods.took(channel)?;
        Ok(posted)
    }

    /// A message says this from now on. One that says it already is left alone.
    fn change(&self, inner: &mut Inner, at: &Posted, message: &Message) -> Result<(), ChatFault> {
        let room = inner.channels.get_mut(&at.channel).ok_or(ChatFault::Gone)?;
        let card = room.first_line(&at.message);
        let shown = room.find(&at.message).ok_or(ChatFault::Gone)?;
        let before = shown.lines();
        shown.put(message, &mut inner.next_button);
        let lines = shown.lines();
        if lines == before {
            return Ok(());
        }
        let buttons = lines.len() - usize::from(!shown.buttons.is_empty());
        let new = lines.iter().enumerate().filter(|(n, line)| *n >= buttons || !before.contains(*line));
        let text = new.map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n");
        self.tell(Output { place: at.channel.clone(), kind: Kind::Changed, message: at.message.clone(), card, text });
        Ok(())
    }

    /// Nobody listening is no fault.
    fn tell(&self, output: Output) {
        let _ = self.screen.send(output);
    }
}

#[async_trait]
impl Chat for Console {
    fn platform(&self) -> Platform {
        Platform::Console
    }

    fn wait(&self, place: &str, _what: Sending) -> Option<Span> {
        self.inner().moods.wait(place)
    }

    fn recognises(&self) -> bool {
        !self.inner().moods.is_forgetful()
    }

    async fn post(&self, channel: &Channel, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        self.add(&channel.id, None, message, once)
    }

    async fn update(&self, at: &Posted, message: &Message) -> Result<(), ChatFault> {
        let mut inner = self.inner();
        inner.moods.takes(&at.channel, message)?;
        self.change(&mut inner, at, message)?;
        inner.moods.took(&at.channel)
    }

    async fn reply(&self, under: &Posted, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        self.add(&under.channel, Some(&under.message), message, once)
    }

    async fn direct(&self, user: &str, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        self.add(&format!("@{user}"), None, message, once)
    }

    async fn put_away(&self, under: &Posted) -> Result<(), ChatFault> {
        let mut inner = self.inner();
        inner.moods.answers()?;
        inner.moods.cannot_put_away.clone().map_or(Ok(()), Err)?;
        if inner.channels.get_mut(&under.channel).is_none_or(|room| room.find(&under.message).is_none()) {
            return Err(ChatFault::Gone);
        }
        inner.times_put_away += 1;
        inner.put_away.insert(under.message.clone());
        Ok(())
    }

    async fn members(&self, group: &str) -> Result<Vec<String>, ChatFault> {
        let inner = self.inner();
        inner.moods.answers()?;
        let members = inner.groups.get(group).cloned();
        members.ok_or_else(|| ChatFault::Permanent { why: format!("there is no group {group}") })
    }

    async fn profile(&self, user: &str) -> Result<Profile, ChatFault> {
        let inner = self.inner();
        inner.moods.answers()?;
        let name = inner.names.get(user).cloned().unwrap_or_else(|| user.to_owned());
        let presence = if inner.deactivated.contains(user) { Presence::Gone } else { Presence::There };
        Ok(Profile { presence, name })
    }
}
