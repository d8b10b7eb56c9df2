//! What a door hands in and gets back. Plain data: it lies in the inbox as JSON until it is handled.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::{limits, policy::Platform, refusal::Refusal};

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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// A typed command.
    Line { text: String },
    /// A pressed button, with the words of the form that it opened, if any.
    Press { action: String, request: String, words: Option<String> },
}

impl Incoming {
    /// The same with everything in it bounded: what is too long stays too long, by little, and is refused as that; an id that
    /// no platform makes belongs to nobody. Done twice it is as done once.
    pub(super) fn bounded(&self) -> Self {
        let cut = |text: &str, most: usize| text.chars().take(most + 1).collect::<String>();
        let odd = |id: &str| id.len() > limits::ID || id.chars().any(char::is_control);
        let interaction = match odd(&self.interaction) {
            true => format!("{:x}", Sha256::digest(&self.interaction)),
            false => self.interaction.clone(),
        };
        let body = match &self.body {
            Body::Line { text } => Body::Line { text: cut(text, limits::LINE) },
            Body::Press { action, request, words } => Body::Press {
                action: cut(action, limits::ID),
                request: cut(request, limits::ID),
                words: words.as_deref().map(|words| cut(words, limits::LINE)),
            },
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
}

impl Answer {
    pub(super) fn said(name: &'static str, data: serde_json::Value) -> Self {
        Self::Said { name, data }
    }
}
