//! What real chats do and a terminal does not, for tests: not to answer, to refuse, to lose an answer, to be in no hurry, to
//! forget what was sent before.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::Console;
use crate::{
    chat::{ChatFault, Message, Posted},
    domain::time::{Instant, Span},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mood {
    Down,
    Mute,
    Lossy,
    Forgetful,
}

/// How the console is disposed just now.
#[derive(Debug, Default)]
pub(super) struct Moods {
    now: BTreeSet<Mood>,
    /// By place, why.
    refused: BTreeMap<String, String>,
    /// A message with this text is refused everywhere.
    unfit: Option<String>,
    /// By place, how long it says to wait.
    busy: BTreeMap<String, Span>,
    /// What comes of putting a thread away.
    pub(super) cannot_put_away: Option<ChatFault>,
    /// Messages that were not taken, whyever.
    turned_away: usize,
    pace: Option<Pace>,
}

/// Tells the time that a pace is kept by.
pub type Now = Box<dyn Fn() -> Instant + Send>;

/// One message in so long at each place.
struct Pace {
    now: Now,
    gap: Span,
    last: BTreeMap<String, Instant>,
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").field("gap", &self.gap).field("last", &self.last).finish_non_exhaustive()
    }
}

fn transient(why: &str, retry_after: Option<Span>) -> ChatFault {
    ChatFault::Transient { why: why.to_owned(), retry_after }
}

impl Moods {
    fn set(&mut self, mood: Mood, on: bool) {
        self.now.retain(|other| *other != mood);
        self.now.extend(on.then_some(mood));
    }

    pub(super) fn is_forgetful(&self) -> bool {
        self.now.contains(&Mood::Forgetful)
    }

    /// Questions are answered.
    pub(super) fn answers(&self) -> Result<(), ChatFault> {
        if self.now.contains(&Mood::Down) { Err(transient("the console is down", None)) } else { Ok(()) }
    }

    /// This place takes a message now.
    pub(super) fn takes(&mut self, place: &str, message: &Message) -> Result<(), ChatFault> {
        let takes = self.would_take(place, message);
        self.turned_away += usize::from(takes.is_err());
        takes
    }

    fn would_take(&self, place: &str, message: &Message) -> Result<(), ChatFault> {
        self.answers()?;
        if self.now.contains(&Mood::Mute) {
            return Err(transient("the console is mute", None));
        }
        if let Some(why) = self.refused.get(place) {
            return Err(ChatFault::Permanent { why: why.clone() });
        }
        if self.unfit.as_ref().is_some_and(|text| message.body.contains(text)) {
            return Err(ChatFault::Permanent { why: "msg_too_long: shorten its template".to_owned() });
        }
        if let Some(after) = self.busy.get(place) {
            return Err(transient("too much at once", Some(*after)));
        }
        self.wait(place).map_or(Ok(()), |wait| Err(transient("too fast", Some(wait))))
    }

    /// It took one; whoever sent it may not hear of it.
    pub(super) fn took(&mut self, place: &str) -> Result<(), ChatFault> {
        if let Some(pace) = &mut self.pace {
            pace.last.insert(place.to_owned(), (pace.now)());
        }
        if self.now.contains(&Mood::Lossy) { Err(transient("the console's answer was lost", None)) } else { Ok(()) }
    }

    pub(super) fn wait(&self, place: &str) -> Option<Span> {
        let pace = self.pace.as_ref()?;
        let (next, now) = (*pace.last.get(place)? + pace.gap, (pace.now)());
        (next > now).then(|| next.since(now).max(Span::from_seconds(1)))
    }
}

impl Console {
    /// While down, everything asked of it fails as a chat that does not answer.
    pub fn set_down(&self, down: bool) {
        self.inner().moods.set(Mood::Down, down);
    }

    /// While mute, nothing can be sent, and questions are answered all the same.
    pub fn set_mute(&self, mute: bool) {
        self.inner().moods.set(Mood::Mute, mute);
    }

    /// While lossy, what is sent arrives, and whoever sent it does not hear of it.
    pub fn set_lossy(&self, lossy: bool) {
        self.inner().moods.set(Mood::Lossy, lossy);
    }

    /// A forgetful console takes a repeated message for a new one, unless it is asked to look for it first.
    pub fn set_forgetful(&self, forgetful: bool) {
        self.inner().moods.set(Mood::Forgetful, forgetful);
    }

    /// A place (a channel, or `@user`) refuses everything until somebody mends it; None: mended.
    pub fn set_refused(&self, place: &str, why: Option<&str>) {
        let refused = &mut self.inner().moods.refused;
        match why {
            Some(why) => drop(refused.insert(place.to_owned(), why.to_owned())),
            None => drop(refused.remove(place)),
        }
    }

    /// Messages with this text are refused wherever they are sent; None: none is.
    pub fn set_unfit(&self, text: Option<&str>) {
        self.inner().moods.unfit = text.map(str::to_owned);
    }

    /// A place turns away what comes, and says for how long; None: it does so no more.
    pub fn set_busy(&self, place: &str, retry_after: Option<Span>) {
        let busy = &mut self.inner().moods.busy;
        match retry_after {
            Some(after) => drop(busy.insert(place.to_owned(), after)),
            None => drop(busy.remove(place)),
        }
    }

    /// Threads cannot be put away, for this reason; None: they can.
    pub fn set_cannot_put_away(&self, fault: Option<ChatFault>) {
        self.inner().moods.cannot_put_away = fault;
    }

    /// How many messages were not taken so far.
    pub fn turned_away(&self) -> usize {
        self.inner().moods.turned_away
    }

    /// From now on each place takes one message in so long, and refuses what comes sooner.
    pub fn set_pace(&self, gap: Span, now: Now) {
        self.inner().moods.pace = Some(Pace { now, gap, last: BTreeMap::new() });
    }

    /// Somebody deletes a message, with the replies under it.
    pub fn delete(&self, at: &Posted) {
        let inner = &mut *self.inner();
        if let Some(room) = inner.channels.get_mut(&at.channel) {
            room.messages.retain(|m| m.id != at.message && m.under.as_deref() != Some(&at.message));
        }
        inner.sent.retain(|_, posted| posted != at);
    }
}
