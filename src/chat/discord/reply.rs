//! How one interaction is answered: once at first, within the time that Discord waits, and once more when it is known what came of
//! it. Seen by one person only, and pings nobody. Must not decide what is said.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};

use super::{
    Trouble,
    door::{DISCORD, Door},
    payload::EPHEMERAL,
};
use crate::{
    bot::Answer,
    chat::{Chat as _, Message, Once},
};

/// Codes of an answer that came before the first one was taken: it is tried again.
const NOT_YET: [u32; 3] = [10008, 10015, 10062];
/// Between the times that an answer is tried.
const PAUSES: [Duration; 4] = [Duration::from_millis(200), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// What the first answer is when it cannot wait any longer for its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Late {
    /// The answer comes, in a message that says so.
    Deferred,
    /// The answer comes, beside a message that stays as it is.
    Untouched,
    NoChoices,
    /// Nothing comes any more: a modal can only be a first answer. How to do the same without one.
    Line(String),
}

/// One interaction that waits for its answer.
pub(super) struct Reply {
    pub interaction: String,
    pub user: String,
    token: String,
    late: Late,
    first: Mutex<First>,
    /// Closed when the first answer is out.
    out: watch::Receiver<()>,
}

/// The first answer: still to be given, or whether it was a message that waits to be filled.
enum First {
    Awaited(oneshot::Sender<Value>),
    Given { is_owed: bool },
}

impl Reply {
    pub(super) fn new(
        (interaction, token, user): (String, String, String),
        late: Late,
        first: oneshot::Sender<Value>,
        out: watch::Receiver<()>,
    ) -> Self {
        Self { interaction, user, token, late, first: Mutex::new(First::Awaited(first)), out }
    }

    /// The first answer; false: another one went out because this took too long.
    pub(super) fn first(&self, body: Value) -> bool {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let is_deferred = body["type"] == DEFERRED;
        let late = First::Given { is_owed: self.late == Late::Deferred };
        match std::mem::replace(&mut *first, late) {
            First::Awaited(sender) => {
                let is_sent = sender.send(body).is_ok();
                if is_sent {
                    *first = First::Given { is_owed: is_deferred };
                }
                is_sent
            }
            given @ First::Given { .. } => {
                *first = given;
                false
            }
        }
    }

    /// Is a message open that waits to be filled?
    pub(super) fn is_owed(&self) -> bool {
        match *self.first.lock().unwrap_or_else(PoisonError::into_inner) {
            First::Given { is_owed } => is_owed,
            First::Awaited(_) => self.late == Late::Deferred,
        }
    }
}

/// For what has no times in it.
const NOBODY: &str = "";

/// The type of a first answer that is filled later.
const DEFERRED: u64 = 5;

pub(super) fn deferred() -> Value {
    json!({ "type": DEFERRED, "data": { "flags": EPHEMERAL } })
}

pub(super) fn untouched() -> Value {
    json!({ "type": 6 })
}

pub(super) fn choices(found: &[Value]) -> Value {
    json!({ "type": 8, "data": { "choices": found } })
}

/// A page that asks for something: a modal, or a message of what can be chosen. None: nothing can be done with it.
pub(super) fn page(page: &Value) -> Option<Value> {
    if page["custom_id"].is_string() {
        let data = json!({ "custom_id": page["custom_id"], "title": page["title"], "components": page["components"] });
        return Some(json!({ "type": 9, "data": data }));
    }
    page["components"].as_array().is_some_and(|rows| !rows.is_empty()).then(|| message(page))
}

fn message(body: &Value) -> Value {
    json!({ "type": 4, "data": for_one(body) })
}

/// What a template made, without what is not for an answer.
fn made(body: &str) -> Value {
    let body: Value = serde_json::from_str(body).unwrap_or_else(|_| json!({ "content": "…" }));
    let mut private = json!({ "allowed_mentions": { "parse": [] } });
    for key in ["content", "embeds", "components", "flags"] {
        if !body[key].is_null() {
            private[key] = body[key].clone();
        }
    }
    private
}

/// Seen by one person only.
fn for_one(body: &Value) -> Value {
    let mut body = body.clone();
    body["flags"] = json!(body["flags"].as_u64().unwrap_or_default() | EPHEMERAL);
    body
}

impl Door {
    /// What goes out when nothing else can wait.
    pub(super) async fn too_late(&self, late: &Late) -> Value {
        match late {
            Late::Deferred => deferred(),
            Late::Untouched => untouched(),
            Late::NoChoices => choices(&[]),
            Late::Line(line) => self.said(&unopened(line)).await,
        }
    }

    /// An answer as the first one, with nothing after it.
    pub(super) async fn said(&self, answer: &Answer) -> Value {
        message(&self.private(NOBODY, answer).await)
    }

    /// An answer that needs nothing looked up first; in time or not.
    pub(super) async fn tell(&self, reply: &Reply, answer: &Answer) {
        let body = self.private(&reply.user, answer).await;
        if !reply.first(message(&body)) {
            self.finish(reply, &body, &body).await;
        }
    }

    /// For one person alone.
    pub(super) async fn private(&self, user: &str, answer: &Answer) -> Value {
        self.privately(user, answer).await.0
    }

    /// For one person alone, in their zone: the first message, and those that follow it.
    pub(super) async fn privately(&self, user: &str, answer: &Answer) -> (Value, Vec<Value>) {
        let catalogue = self.bot.catalogue();
        let person = catalogue.person_at(DISCORD, user).map(|person| &person.id);
        let bodies = self.voice.answers(DISCORD, person, answer).await.unwrap_or_default();
        let mut bodies = bodies.iter().map(|body| made(body));
        (bodies.next().unwrap_or_else(|| made("")), bodies.collect())
    }

    /// The rest of an answer that takes several messages, after its first.
    pub(super) async fn follow(&self, reply: &Reply, rest: &[Value]) {
        for body in rest {
            if let Err(trouble) = self.discord.follow_up(&reply.token, &for_one(body)).await {
                tracing::warn!(%trouble, "the rest of an answer could not be sent");
                return;
            }
        }
    }

    /// What came of it, where they did it; else as a direct message, which stays, and so may say something else.
    pub(super) async fn finish(&self, reply: &Reply, body: &Value, directly: &Value) {
        // It fails as soon as the first answer is out, which is what is waited for.
        drop(reply.out.clone().changed().await);
        for pause in PAUSES {
            match self.sent(reply, body).await {
                Ok(()) => return,
                Err(trouble) if trouble.is_one_of(&NOT_YET) || matches!(trouble, Trouble::Unanswered(_) | Trouble::Limited { .. }) => {
                    tracing::debug!(%trouble, "an answer is tried again");
                    tokio::time::sleep(pause).await;
                }
                Err(trouble) => {
                    tracing::warn!(%trouble, "an answer could not be sent where it was asked for");
                    break;
                }
            }
        }
        let message = Message { body: directly.to_string(), buttons: Vec::new(), notify: Vec::new() };
        let once = Once { nonce: &reply.interaction, may_stand: false, since: self.bot.now() };
        if let Err(error) = self.discord.direct(&reply.user, &message, once).await {
            tracing::warn!(%error, "an answer could not be sent");
        }
    }

    async fn sent(&self, reply: &Reply, body: &Value) -> Result<(), Trouble> {
        if reply.is_owed() {
            return self.discord.edit_answer(&reply.token, body).await;
        }
        self.discord.follow_up(&reply.token, &for_one(body)).await
    }
}

/// A page did not open in time.
pub(super) fn unopened(line: &str) -> Answer {
    Answer::Said { name: "unopened", data: json!({ "line": line }) }
}
