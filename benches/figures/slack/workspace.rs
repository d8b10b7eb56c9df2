//! Slack as far as the figures need it, on loopback: answers every call at once, keeps the cards that were posted, and notes
//! when the private answer to each press came.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::bail;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    routing::{any, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const TEAM: &str = "T0BENCH";
pub(crate) const APP: &str = "A0BENCH";
/// The one who may approve.
pub(crate) const BOSS: &str = "U0BOSS";
pub(crate) const LEADS: &str = "S0LEADS";
/// Longest wait for what the bot sends by itself.
const GIVE_UP: Duration = Duration::from_mins(2);

/// A running one; shared.
#[derive(Clone)]
pub(crate) struct Workspace {
    /// `127.0.0.1:PORT`.
    pub(crate) host: String,
    noted: Arc<Noted>,
}

#[derive(Default)]
struct Noted {
    posted: AtomicU64,
    cards: Mutex<Vec<Value>>,
    /// When each press was answered, by the number in its response URL.
    answered: Mutex<HashMap<u64, Instant>>,
}

impl Workspace {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let workspace = Self { host: listener.local_addr()?.to_string(), noted: Arc::default() };
        let router = Router::new().route("/api/{method}", any(call)).route("/hook/{press}", post(hook)).with_state(workspace.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(workspace)
    }

    pub(crate) fn api(&self) -> String {
        format!("http://{}/api", self.host)
    }

    fn answered(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Instant>> {
        self.noted.answered.lock().unwrap_or_else(PoisonError::into_inner)
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
            let mut answered = self.answered();
            if answered.len() >= count { Ok(std::mem::take(&mut *answered)) } else { Err(answered.len()) }
        })
        .await
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
}

async fn hook(State(workspace): State<Workspace>, Path(press): Path<u64>) -> &'static str {
    workspace.answered().insert(press, Instant::now());
    "ok"
}

async fn call(
    State(workspace): State<Workspace>,
    Path(method): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    body: Bytes,
) -> Json<Value> {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let asked = |key: &str| query.get(key).map(String::as_str).or_else(|| body[key].as_str()).unwrap_or_default();
    Json(match method.as_str() {
        "auth.test" => json!({ "ok": true, "url": workspace.api(), "team": "Bench", "user": "hallpass", "team_id": TEAM,
            "user_id": "U0BOT", "bot_id": "B0BOT", "is_enterprise_install": false }),
        "users.info" => json!({ "ok": true, "user": { "id": asked("user"), "team_id": TEAM, "name": "somebody", "deleted": false,
            "is_bot": false, "profile": { "real_name": "Somebody" } } }),
        "usergroups.users.list" => json!({ "ok": true, "users": [BOSS] }),
        "conversations.open" => json!({ "ok": true, "channel": { "id": format!("D{}", &asked("users")[1..]) } }),
        "chat.postMessage" => workspace.posted(body),
        "chat.update" => json!({ "ok": true, "channel": body["channel"], "ts": body["ts"] }),
        _ => json!({ "ok": false, "error": "unknown_method" }),
    })
}

impl Workspace {
    fn posted(&self, mut message: Value) -> Value {
        let ts = format!("1795528800.{:06}", self.noted.posted.fetch_add(1, Ordering::Relaxed));
        let answer = json!({ "ok": true, "channel": message["channel"], "ts": ts });
        if approve(&message).is_some() {
            message["ts"] = json!(ts);
            self.noted.cards.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        }
        answer
    }
}

/// The Approve button of a message in a channel, if it has one.
pub(crate) fn approve(message: &Value) -> Option<&Value> {
    let blocks = message["channel"].as_str().filter(|channel| channel.starts_with('C')).and(message["blocks"].as_array())?;
    let elements = blocks.iter().filter_map(|block| block["elements"].as_array()).flatten();
    elements.into_iter().find(|element| element["action_id"] == "approve")
}
