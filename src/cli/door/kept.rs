//! A chat whose messages lie in a file, so that they outlive the bot as those of a real chat do. Knows nonces, as those do.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    chat::{Chat, ChatFault, Message, Once, Posted, Profile},
    clock::Clock,
    domain::{
        policy::{Channel, Platform},
        time::Instant,
    },
};

/// One line of the file.
#[derive(Serialize, Deserialize)]
struct Sent {
    at: Instant,
    /// `post`, `update`, `reply` or `direct`.
    what: String,
    channel: String,
    message: String,
    nonce: String,
    body: String,
}

pub(super) struct Kept {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

struct Inner {
    file: File,
    by_nonce: BTreeMap<String, Posted>,
    messages: BTreeSet<String>,
}

impl Kept {
    /// Reads what was sent before. A last line that was cut by a crash was never sent.
    pub(super) fn open(path: &Path, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let before = std::fs::read_to_string(path).unwrap_or_default();
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let mut inner = Inner { file, by_nonce: BTreeMap::new(), messages: BTreeSet::new() };
        for sent in before.lines().filter_map(|line| serde_json::from_str::<Sent>(line).ok()) {
            inner.remember(&sent);
        }
        Ok(Self { clock, inner: Mutex::new(inner) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, what: &str, channel: &str, message: &Message, nonce: &str) -> Result<Posted, ChatFault> {
        let mut inner = self.inner();
        if let Some(posted) = inner.by_nonce.get(nonce) {
            return Ok(posted.clone());
        }
        let id = format!("m{}", inner.messages.len() + 1);
        inner.write(Sent {
            at: self.clock.now(),
            what: what.into(),
            channel: channel.into(),
            message: id.clone(),
            nonce: nonce.into(),
            body: message.body.clone(),
        })?;
        Ok(Posted { channel: channel.into(), message: id })
    }
}

impl Inner {
    fn remember(&mut self, sent: &Sent) {
        self.messages.insert(sent.message.clone());
        if !sent.nonce.is_empty() {
            self.by_nonce.insert(sent.nonce.clone(), Posted { channel: sent.channel.clone(), message: sent.message.clone() });
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is sent away")]
    fn write(&mut self, sent: Sent) -> Result<(), ChatFault> {
        let transient = |error: String| ChatFault::Transient { why: error, retry_after: None };
        let mut line = serde_json::to_string(&sent).map_err(|error| transient(error.to_string()))?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(|error| transient(error.to_string()))?;
        self.remember(&sent);
        Ok(())
    }
}

#[async_trait]
impl Chat for Kept {
    fn platform(&self) -> Platform {
        Platform::Console
    }

    async fn post(&self, channel: &Channel, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        self.send("post", &channel.id, message, once.nonce)
    }

    async fn update(&self, at: &Posted, message: &Message) -> Result<(), ChatFault> {
        let mut inner = self.inner();
        if !inner.messages.contains(&at.message) {
            return Err(ChatFault::Gone);
        }
        let (now, nonce) = (self.clock.now(), String::new());
        let (channel, message, body) = (at.channel.clone(), at.message.clone(), message.body.clone());
        inner.write(Sent { at: now, what: "update".into(), channel, message, nonce, body })
    }

    async fn reply(&self, under: &Posted, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        self.send("reply", &under.channel, message, once.nonce)
    }

    async fn direct(&self, user: &str, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        self.send("direct", &format!("@{user}"), message, once.nonce)
    }

    async fn members(&self, group: &str) -> Result<Vec<String>, ChatFault> {
        Err(ChatFault::Permanent { why: format!("there is no group {group}") })
    }

    async fn profile(&self, user: &str) -> Result<Profile, ChatFault> {
        Ok(Profile { active: true, name: user.to_owned() })
    }
}
