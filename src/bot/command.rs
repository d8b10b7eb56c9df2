//! What a door hands in and gets back. Plain data: it lies in the inbox as JSON until it is handled.

use serde::{Deserialize, Serialize};

use crate::domain::{policy::Platform, refusal::Refusal};

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
