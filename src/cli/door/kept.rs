//! A chat whose messages lie in a file, so that they outlive the bot as those of a real chat do. Knows nonces as some of those
//! do, or only when it is asked to look, as others.

use std::{
    collections::BTreeMap,
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
        members::Presence,
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
    forgetful: bool,
    inner: Mutex<Inner>,
}

struct Inner {
    file: File,
    by_nonce: BTreeMap<String, Posted>,
    /// What each message says.
    messages: BTreeMap<String, String>,
}

impl Kept {
    /// Reads what was sent before. A last line that was cut by a crash was never sent.
    /// `forgetful`: a repeated message is a new one, unless it is looked for.
    pub(super) fn open(path: &Path, clock: Arc<dyn Clock>, forgetful: bool) -> std::io::Result<Self> {
        let before = std::fs::read_to_string(path).unwrap_or_default();
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let mut inner = Inner { file, by_nonce: BTreeMap::new(), messages: BTreeMap::new() };
        for sent in before.lines().filter_map(|line| serde_json::from_str::<Sent>(line).ok()) {
            inner.remember(&sent);
        }
        Ok(Self { clock, forgetful, inner: Mutex::new(inner) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, what: &str, channel: &str, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        let mut inner = self.inner();
        if let Some(posted) = inner.by_nonce.get(once.nonce).filter(|_| once.may_stand || !self.forgetful).cloned() {
            if !self.forgetful && inner.messages.get(&posted.message) != Some(&message.body) {
                inner.change(self.clock.now(), &posted, message)?;
            }
            return Ok(posted);
        }
        let id = format!("m{}", inner.messages.len() + 1);
        inner.write(Sent {
            at: self.clock.now(),
            what: what.into(),
            channel: channel.into(),
            message: id.clone(),
            nonce: once.nonce.into(),
            body: message.body.clone(),
        })?;
        Ok(Posted { channel: channel.into(), message: id })
    }
}

impl Inner {
    fn remember(&mut self, sent: &Sent) {
        self.messages.insert(sent.message.clone(), sent.body.clone());
        if !sent.nonce.is_empty() {
            self.by_nonce.insert(sent.nonce.clone(), Posted { channel: sent.channel.clone(), message: sent.message.clone() });
        }
    }

    fn change(&mut self, now: Instant, at: &Posted, message: &Message) -> Result<(), ChatFault> {
        let (channel, body) = (at.channel.clone(), message.body.clone());
        self.write(Sent { at: now, what: "update".into(), channel, message: at.message.clone(), nonce: String::new(), body })
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

    fn recognises(&self) -> bool {
        !self.forgetful
    }

    async fn post(&self, channel: &Channel, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        self.send("post", &channel.id, message, once)
    }

    async fn update(&self, at: &Posted, message: &Message) -> Result<(), ChatFault> {
        let mut inner = self.inner();
        if !inner.messages.contains_key(&at.message) {
            return Err(ChatFault::Gone);
        }
        inner.change(self.clock.now(), at, message)
    }

    async fn reply(&self, under: &Posted, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        self.send("reply", &under.channel, message, once)
    }

    async fn direct(&self, user: &str, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        self.send("direct", &format!("@{user}"), message, once)
    }

    async fn members(&self, group: &str) -> Result<Vec<String>, ChatFault> {
        Err(ChatFault::Permanent { why: format!("there is no group {group}") })
    }

    async fn profile(&self, user: &str) -> Result<Profile, ChatFault> {
        Ok(Profile { presence: Presence::There, name: user.to_owned() })
    }
}
