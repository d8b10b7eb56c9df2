//! Discord as far as the figures need it, on loopback: answers every call at once, keeps the cards that were posted, and notes
//! when the private answer to each press came.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::bail;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::Method,
    routing::any,
};
use hallpass::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const APPLICATION: &str = "100000000000000001";
pub(crate) const GUILD: &str = "100000000000000002";
/// The role of whoever may approve, and the one who has it.
pub(crate) const LEADS: &str = "100000000000000003";
pub(crate) const BOSS: &str = "100000000000000004";
/// When Discord's time begins, in milliseconds since 1970: a message's id tells when it was sent.
const EPOCH: i64 = 1_420_070_400_000;
/// Longest wait for what the bot sends by itself.
const GIVE_UP: Duration = Duration::from_mins(2);
/// No answer for so long: there is none to come. Longer than the bot waits for Discord's word about somebody.
const QUIET: Duration = Duration::from_secs(5);

/// Who asks for the resource of this number.
pub(crate) fn asker(n: usize) -> String {
    format!("2000000000000{n:05}")
}

/// Where its cards go.
pub(crate) fn channel(n: usize) -> String {
    format!("3000000000000{n:05}")
}

/// A running one; shared.
#[derive(Clone)]
pub(crate) struct Guild {
    host: String,
    noted: Arc<Noted>,
}

#[derive(Default)]
struct Noted {
    made: AtomicI64,
    cards: Mutex<Vec<Value>>,
    commands: Mutex<Value>,
    /// When each press was answered, by its token.
    answered: Mutex<HashMap<u64, Instant>>,
    /// How many of them are to be pressed again.
    put_off: AtomicU64,
}

impl Guild {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let guild = Self { host: listener.local_addr()?.to_string(), noted: Arc::default() };
        let router = Router::new().route("/api/v10/{*path}", any(call)).with_state(guild.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(guild)
    }

    pub(crate) fn api(&self) -> String {
        format!("http://{}", self.host)
    }

    /// The cards that were posted, once there are so many.
    pub(crate) async fn cards(&self, count: usize) -> anyhow::Result<Vec<Value>> {
        self.until("cards", || {
            let cards = self.noted.cards.lock().unwrap_or_else(PoisonError::into_inner);
            if cards.len() >= count { Ok(cards.clone()) } else { Err(cards.len()) }
        })
        .await
    }

    /// When each press was answered, once so many were. Forgets them.
    pub(crate) async fn answers(&self, count: usize) -> anyhow::Result<HashMap<u64, Instant>> {
        self.until("answers", || {
            let mut answered = self.noted.answered.lock().unwrap_or_else(PoisonError::into_inner);
            if answered.len() >= count { Ok(std::mem::take(&mut *answered)) } else { Err(answered.len()) }
        })
        .await
    }

    /// Waits until no press is answered any more: how many were, and how many of those with the word to press again, for want of
    /// Discord's own about somebody. Forgets them.
    pub(crate) async fn drained(&self) -> (usize, u64) {
        let mut before = usize::MAX;
        loop {
            let answered = self.noted.answered.lock().unwrap_or_else(PoisonError::into_inner).len();
            if answered == before {
                break;
            }
            before = answered;
            tokio::time::sleep(QUIET).await;
        }
        self.noted.answered.lock().unwrap_or_else(PoisonError::into_inner).clear();
        (before, self.noted.put_off.swap(0, Ordering::Relaxed))
    }

    async fn until<T>(&self, what: &str, look: impl Fn() -> Result<T, usize>) -> anyhow::Result<T> {
        let start = Instant::now();
        loop {
            match look() {
                Ok(found) => return Ok(found),
                Err(so_far) if start.elapsed() > GIVE_UP => bail!("only {so_far} {what} came"),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    fn posted(&self, channel: &str, mut message: Value) -> Value {
        let mut cards = self.noted.cards.lock().unwrap_or_else(PoisonError::into_inner);
        let again = |card: &&Value| card["channel_id"] == channel && card["nonce"] == message["nonce"];
        if let Some(card) = cards.iter().find(again) {
            return card.clone();
        }
        let millis = SystemClock.now().micros() / 1_000 - EPOCH;
        message["id"] = json!(((millis << 22) | self.noted.made.fetch_add(1, Ordering::Relaxed)).to_string());
        message["type"] = json!(0);
        message["channel_id"] = json!(channel);
        message["author"] = json!({ "id": APPLICATION, "username": "hallpass", "discriminator": "0000", "bot": true });
        if approve(&message).is_some() {
            cards.push(message.clone());
        }
        message
    }

    fn standing(&self, channel: &str) -> Value {
        let cards = self.noted.cards.lock().unwrap_or_else(PoisonError::into_inner);
        cards.iter().filter(|card| card["channel_id"] == channel).cloned().collect()
    }

    fn answered(&self, token: &str, said: &Value) {
        if said["content"].as_str().is_some_and(|said| said.contains("Press again")) {
            self.noted.put_off.fetch_add(1, Ordering::Relaxed);
        }
        if let Ok(press) = token.parse() {
            self.noted.answered.lock().unwrap_or_else(PoisonError::into_inner).insert(press, Instant::now());
        }
    }
}

async fn call(State(guild): State<Guild>, method: Method, Path(path): Path<String>, body: Bytes) -> Json<Value> {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let pieces: Vec<&str> = path.split('/').collect();
    let me = || json!({ "id": APPLICATION, "username": "hallpass", "discriminator": "0000", "bot": true });
    Json(match (method.as_str(), pieces.as_slice()) {
        (_, ["applications" | "oauth2", .., "@me"]) => json!({ "id": APPLICATION, "name": "hallpass", "flags": 0, "bot": me() }),
        (_, ["users", "@me"]) => me(),
        (_, ["users", "@me", "channels"]) => json!({ "id": body["recipient_id"], "type": 1 }),
        ("PUT", ["applications", _, "guilds", _, "commands"]) => {
            guild.noted.commands.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&body);
            body
        }
        ("GET", ["applications", _, "guilds", _, "commands"]) => {
            let known = guild.noted.commands.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if known.is_null() { json!([]) } else { known }
        }
        (_, ["guilds", _, "roles", "member-counts"]) => json!({ LEADS: 1 }),
        (_, ["guilds", _, "members", user]) => json!({
            "user": { "id": user, "username": "somebody", "discriminator": "0", "bot": false },
            "roles": if *user == BOSS { json!([LEADS]) } else { json!([]) }, "pending": false, "flags": 0, "deaf": false, "mute": false,
            "joined_at": "2026-01-01T00:00:00+00:00",
        }),
        (_, ["guilds", id]) => json!({ "id": id, "name": "Bench" }),
        ("POST", ["channels", channel, "messages"]) => guild.posted(channel, body),
        // Looked through for a card whose sending was not certain.
        ("GET", ["channels", channel, "messages"]) => guild.standing(channel),
        ("PATCH", ["channels", channel, "messages", id]) => json!({ "id": id, "channel_id": channel }),
        ("POST", ["channels", channel, "messages", id, "threads"]) => json!({ "id": id, "parent_id": channel, "type": 11 }),
        ("POST", ["webhooks", _, token]) | ("PATCH", ["webhooks", _, token, ..]) => {
            guild.answered(token, &body);
            json!({ "id": "400000000000000000", "channel_id": GUILD })
        }
        _ => json!({}),
    })
}

/// The custom_id of a message's Approve button, if it has one.
pub(crate) fn approve(message: &Value) -> Option<&str> {
    let rows = message["components"].as_array()?.iter().filter_map(|row| row["components"].as_array()).flatten();
    rows.filter_map(|button| button["custom_id"].as_str()).find(|id| id.starts_with("approve "))
}
