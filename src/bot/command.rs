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
