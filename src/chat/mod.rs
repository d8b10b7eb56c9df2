//! The trait that every chat implements, and what passes through it. Doors translate; they never decide.

mod alarms;
mod answers;
pub mod console;
pub mod directory;
pub mod home;
pub mod render;
pub mod replies;
pub mod show;
pub mod view;
pub mod words;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::policy::{Channel, Platform, Who};

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
    pub active: bool,
    pub name: String,
}

/// Why a chat did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatFault {
    /// Worth another try, after this many seconds if said.
    #[error("{why}")]
    Transient { why: String, retry_after: Option<crate::domain::time::Span> },
    /// The message is gone: post it again.
    #[error("the message is gone")]
    Gone,
    /// No try will help until a human mends it (unknown channel, revoked token).
    #[error("{why}")]
    Permanent { why: String },
}

/// A chat platform. Sends, and answers questions about its people. `nonce` makes a repeated post recognisable.
#[async_trait]
pub trait Chat: Send + Sync {
    fn platform(&self) -> Platform;

    async fn post(&self, channel: &Channel, message: &Message, nonce: &str) -> Result<Posted, ChatFault>;

    async fn update(&self, at: &Posted, message: &Message) -> Result<(), ChatFault>;

    async fn reply(&self, under: &Posted, message: &Message, nonce: &str) -> Result<Posted, ChatFault>;

    /// A message to one person only, by their platform id.
    async fn direct(&self, user: &str, message: &Message, nonce: &str) -> Result<Posted, ChatFault>;

    /// Platform ids of a group's members, now.
    async fn members(&self, group: &str) -> Result<Vec<String>, ChatFault>;

    async fn profile(&self, user: &str) -> Result<Profile, ChatFault>;
}
