//! What a door hands in and gets back. Plain data: it lies in the inbox as JSON until it is handled.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::{limits, policy::Platform, refusal::Refusal, request::Request};

/// A verified command of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incoming {
    pub platform: Platform,
    /// The platform's id of the user; the only thing that identifies them.
    pub user: String,
    /// The platform's id of this interaction; unique per platform.
    pub interaction: String,
    pub body: Body,
}

/// Version of what lies in the inbox. A test loads one of every version ever written.
pub const INBOX_VERSION: u32 = 1;

/// Why what lies in the inbox is not a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// A newer hallpass received it, and one will handle it.
    #[error("it is of version {0}, and this hallpass reads versions 1 to {INBOX_VERSION}")]
    Newer(u32),
    #[error("{0}")]
    Broken(String),
}

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    /// The first ones were written without.
    #[serde(default = "first")]
    v: u32,
    #[serde(flatten)]
    incoming: T,
}

const fn first() -> u32 {
    1
}

impl Incoming {
    /// As it lies in the inbox.
    pub fn to_stored(&self) -> Result<String, String> {
        serde_json::to_string(&Stored { v: INBOX_VERSION, incoming: self }).map_err(|error| error.to_string())
    }

    /// From the inbox.
    pub fn from_stored(text: &str) -> Result<Self, Unread> {
        let broken = |error: serde_json::Error| Unread::Broken(error.to_string());
        let Stored::<serde_json::Value> { v, .. } = serde_json::from_str(text).map_err(broken)?;
        if v == 0 || v > INBOX_VERSION {
            return Err(Unread::Newer(v));
        }
        serde_json::from_str(text).map(|stored: Stored<Self>| stored.incoming).map_err(broken)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// A typed command.
    Line { text: String },
    /// A pressed button, with the words of the form that it opened, if any.
    Press { action: String, request: String, words: Option<String> },
    /// A filled form. Decided before it is acknowledged: what is wrong is shown in the form.
    Form(Filled),
}

/// The fields of a form, as they were typed or chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filled {
    pub resource: String,
    /// Empty where the resource has only one.
    pub role: String,
    /// `1h`, `until 18:00`; empty: the policy's default.
    pub length: String,
    /// `22:00`; empty: at once.
    pub start: String,
    /// `@cleo` or the platform's mention; empty: the asker.
    pub subject: String,
    pub reason: String,
    pub ticket: String,
    /// A link to the message that it is about, made by the platform; empty: none.
    #[serde(default)]
    pub about: String,
}

impl Incoming {
    /// Does it fetch a credential? That is for whoever waits for the answer, and it grants nothing.
    pub(super) fn fetches(&self) -> bool {
        match &self.body {
            Body::Press { action, .. } => action == "credential",
            Body::Line { text } => {
                let mut words = text.split_whitespace().map(str::to_lowercase).skip_while(|word| matches!(word.as_str(), "/jit" | "jit"));
                words.next().is_some_and(|word| word == "credential")
            }
            Body::Form(_) => false,
        }
    }

    /// The same with everything in it bounded: what is too long stays too long, by little, and is refused as that; an id that
    /// no platform makes belongs to nobody. Done twice it is as done once.
    pub(super) fn bounded(&self) -> Self {
        let cut = |text: &str, most: usize| text.chars().take(most + 1).collect::<String>();
        let odd = |id: &str| id.len() > limits::ID || id.chars().any(char::is_control);
        let interaction =
            if odd(&self.interaction) { format!("{:x}", Sha256::digest(&self.interaction)) } else { self.interaction.clone() };
        let body = match &self.body {
            Body::Line { text } => Body::Line { text: cut(text, limits::LINE) },
            Body::Press { action, request, words } => Body::Press {
                action: cut(action, limits::ID),
                request: cut(request, limits::ID),
                words: words.as_deref().map(|words| cut(words, limits::LINE)),
            },
            Body::Form(filled) => {
                let mut filled = filled.clone();
                let Filled { resource, role, length, start, subject, reason, ticket, about } = &mut filled;
                for field in [resource, role, length, start, subject, reason, ticket, about] {
                    *field = cut(field, limits::LINE);
                }
                Body::Form(filled)
            }
        };
        let user = if odd(&self.user) { String::new() } else { self.user.clone() };
        Self { platform: self.platform, user, interaction, body }
    }
}

/// What the presser is told, privately.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Refused(Refusal),
    /// A template's name and its data.
    Said {
        name: &'static str,
        data: serde_json::Value,
    },
    /// For whoever asked for it, shown once: it is kept nowhere.
    Handed(Handed),
}

/// A credential on its way to its holder, and what is said with it. Neither printed nor compared by what it is.
#[derive(Clone)]
pub struct Handed {
    pub request: Box<Request>,
    pub secret: SecretString,
}

impl fmt::Debug for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handed").field("request", &self.request.id).finish_non_exhaustive()
    }
}

/// No two are the same: each is made when it is fetched.
impl PartialEq for Handed {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Answer {
    pub(super) fn said(name: &'static str, data: serde_json::Value) -> Self {
        Self::Said { name, data }
    }
}
