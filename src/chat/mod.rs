//! The trait that every chat implements, and what passes through it. Doors translate; they never decide.

mod alarms;
mod answers;
pub mod console;
mod digest;
pub mod directory;
pub mod discord;
pub mod home;
pub mod marks;
mod past;
pub mod render;
pub mod replies;
mod sealed;
mod seen;
pub mod show;
pub mod slack;
pub mod typing;
pub mod view;
pub mod words;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::{
    members::{Member, Presence},
    policy::{Channel, Platform, Who},
    time::{Instant, Span},
};

pub use crate::store::Posted;

/// A message as the platform's template made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Block Kit or Discord JSON; plain text on the console.
    pub body: String,
    /// Buttons in order. On platforms whose body carries them this is for tests and the console only.
    pub buttons: Vec<Button>,
    /// Whom the platform is to mention, and nobody else: names inside the body are never mentions.
    pub notify: Vec<Who>,
}

/// Somebody whom a message mentions, by the platform's own id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mention {
    User(String),
    Group(String),
}

/// A button: what it says, and the action it stands for. The action carries ids only, never authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// Such as `approve`; see `chat::view`.
    pub action: String,
    pub label: String,
    /// The request it acts on.
    pub value: String,
    pub style: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    Primary,
    Plain,
    Danger,
}

/// What a chat says of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// A full member now? Gone are deactivated accounts, guests, bots, and accounts of another organisation that policy
    /// does not name.
    pub presence: Presence,
    pub name: String,
}

/// Why a chat did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatFault {
    /// Worth another try, after this many seconds if said.
    #[error("{why}")]
    Transient { why: String, retry_after: Option<Span> },
    /// The message is gone: post it again.
    #[error("the message is gone")]
    Gone,
    /// This person takes no private messages, which is theirs to decide: no try will help, and no operator has to mend it.
    #[error("{why}")]
    Closed { why: String },
    /// No try will help until a human mends it (unknown channel, revoked token).
    #[error("{why}")]
    Permanent { why: String },
}

/// What makes a repeated post recognisable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once<'a> {
    /// The message's own, the same at each try.
    pub nonce: &'a str,
    /// It may have been sent before: the platform is searched for it first.
    pub may_stand: bool,
    /// What it tells was not so before this: whatever was sent earlier is another message, though it may read the same.
    pub since: Instant,
}

/// What a place is asked to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sending {
    /// A new message: a card, a reply, a direct one.
    Post,
    /// A change of a message that stands there.
    Update,
}

/// A chat platform. Sends, and answers questions about its people.
#[async_trait]
pub trait Chat: Send + Sync {
    fn platform(&self) -> Platform;

    /// How much longer until this place takes another message, so that the platform need not refuse it; None: now. The place
    /// is a channel's id, or `@` and a user's id for direct messages. Asking uses nothing up: only what is sent counts.
    fn wait(&self, _place: &str, _what: Sending) -> Option<Span> {
        None
    }

    /// The same for a reply under this card. Where threads have no pace of their own, they keep the channel's.
    fn wait_under(&self, card: &Posted) -> Option<Span> {
        self.wait(&card.channel, Sending::Post)
    }

    /// Does the platform recognise a repeated nonce by itself? A repeated post is then brought in line with the message, and
    /// answered with where it stands. Where it does not, the worker writes down what it is about to send, and says of what it
    /// may have sent before that it may stand.
    fn recognises(&self) -> bool {
        true
    }

    async fn post(&self, channel: &Channel, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault>;

    async fn update(&self, at: &Posted, message: &Message) -> Result<(), ChatFault>;

    /// In the thread under a card. `Gone`: the card is.
    async fn reply(&self, under: &Posted, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault>;

    /// A message to one person only, by their platform id.
    async fn direct(&self, user: &str, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault>;

    /// Can the platform list a group's members? Where it cannot, `is_member` answers for one account at a time.
    fn lists_members(&self) -> bool {
        true
    }

    /// A web address that opens a message where it stands; None: it has none, or the platform did not say.
    async fn link(&self, at: &Posted) -> Option<String> {
        let _ = at;
        None
    }

    /// Platform ids of a group's members, now. Only where they can be listed.
    async fn members(&self, group: &str) -> Result<Vec<String>, ChatFault>;

    /// Is this account in the group now?
    async fn is_member(&self, group: &str, user: &str) -> Result<bool, ChatFault> {
        Ok(self.members(group).await?.iter().any(|member| member == user))
    }

    /// Is there room for a question about this account that can wait? What decides comes first.
    fn has_room(&self, user: &str) -> bool {
        let _ = user;
        true
    }

    /// How many are in the group now, whoever they are.
    async fn member_count(&self, group: &str) -> Result<u64, ChatFault> {
        Ok(u64::try_from(self.members(group).await?.len()).unwrap_or(u64::MAX))
    }

    /// Everything there is to tell under this card was told, and nothing more is expected: its thread may be put away. A reply
    /// brings it back. Safe to repeat.
    async fn put_away(&self, under: &Posted) -> Result<(), ChatFault> {
        let _ = under;
        Ok(())
    }

    async fn profile(&self, user: &str) -> Result<Profile, ChatFault>;

    /// Everybody whom the workspace has as a full member now. Guests, bots, deactivated accounts and strangers are left out.
    /// May take minutes where there are many.
    async fn roster(&self) -> Result<Vec<Member>, ChatFault> {
        Ok(Vec::new())
    }

    /// One account, if it is a full member now.
    async fn member(&self, user: &str) -> Result<Option<Member>, ChatFault> {
        let _ = user;
        Ok(None)
    }
}
