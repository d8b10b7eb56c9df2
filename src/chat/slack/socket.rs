//! Socket Mode: sockets that Slack sends what people do through. The crate opens and keeps them; when to open one again is said
//! here, with a pause that grows while Slack drops them. Must not decide.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Value, json};
use slack_morphism::{
    SlackClientSocketModeConfig, SlackSocketModeClientListener, SlackSocketModeWssClientId,
    clients_manager::{SlackSocketModeClientsManager, SlackSocketModeClientsManagerFactory as _},
    listener::SlackClientEventsListenerEnvironment,
};
use tokio::sync::watch;

use super::{
    Slack,
    api::{Api, token},
    door::{Ack, Door},
    payload,
};

/// Pause before a socket that went is opened again: the first, doubled at each time in a row, at most the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_mins(1));
/// A socket that lived so long was no failure, in monotonic microseconds.
const LIVED: i64 = 60 * 1_000_000;

/// Why no socket is open and none will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// Socket Mode was turned off for the app.
    LinkDisabled,
}

/// The open sockets; closed when it is dropped.
pub struct Socket {
    hears: Arc<Hears>,
    manager: Arc<dyn SlackSocketModeClientsManager + Send + Sync>,
}

/// Hears every frame of every socket.
struct Hears {
    door: Arc<Door>,
    manager: OnceLock<Arc<dyn SlackSocketModeClientsManager + Send + Sync>>,
    sockets: Mutex<Sockets>,
    /// How many said hello and have not gone.
    live: watch::Sender<usize>,
    stopping: AtomicBool,
    stopped: watch::Sender<Option<Stopped>>,
}

/// Which sockets there are. A socket that is opened again has another name and the same number.
#[derive(Default)]
struct Sockets {
    /// By name: when it said hello, in monotonic microseconds.
    hello_at: HashMap<String, i64>,
    /// By name: opened again already, so that its end is no news.
    left: HashSet<String>,
    /// By number: drops in a row.
    drops: HashMap<u32, u32>,
}

impl Sockets {
    /// This one is gone: had it lived, and how long to wait before it is opened again. None: that was known.
    fn gone(&mut self, id: &SlackSocketModeWssClientId, now: i64, left: bool) -> Option<(bool, Duration)> {
        let name = id.to_string();
        if left {
            self.left.insert(name.clone());
        } else if self.left.remove(&name) {
            return None;
        }
        let lived = self.hello_at.remove(&name).is_some_and(|at| now - at >= LIVED);
        let drops = self.drops.entry(id.initial_index).or_default();
        *drops = if lived { 0 } else { *drops + 1 };
        let pause = (PAUSES.0 * 2_u32.pow(drops.saturating_sub(1).min(16))).min(PAUSES.1);
        Some((lived, pause))
    }
}

impl Socket {
    /// Opens so many sockets, and keeps them open.
    /// # Errors
    /// The machine has no certificates to trust.
    pub async fn open(door: Arc<Door>, app_token: &SecretString, connections: u32) -> Result<Self, String> {
        let client = door.slack.api.way.client().await.map_err(|trouble| trouble.to_string())?;
        let environment = Arc::new(SlackClientEventsListenerEnvironment::new(client.clone()));
        let manager = client.http_api.connector.new_clients_manager(environment);
        let hears = Arc::new(Hears {
            door,
            manager: OnceLock::new(),
            sockets: Mutex::default(),
            live: watch::Sender::new(0),
            stopping: AtomicBool::new(false),
            stopped: watch::Sender::new(None),
        });
        drop(hears.manager.set(manager.clone()));
        let config = SlackClientSocketModeConfig {
            max_connections_count: connections,
            // Sockets are opened one after the other.
            initial_backoff_in_seconds: 1,
            reconnect_timeout_in_seconds: 5,
            ..SlackClientSocketModeConfig::new()
        };
        manager
            .register_new_token(&config, token(app_token), Arc::new(Listener(hears.clone())))
            .await
            .map_err(|error| error.to_string())?;
        manager.start().await;
        Ok(Self { hears, manager })
    }

    /// How many sockets are open and greeted, as that changes.
    pub fn live(&self) -> watch::Receiver<usize> {
        self.hears.live.subscribe()
    }

    /// Why no socket comes up, as Slack answers when it is asked for one.
    pub async fn why_deaf(slack: &Slack, app_token: &SecretString) -> String {
        let api = Api::new(slack.api.way.clone(), app_token, slack.settings.patience);
        let asked = api.post("apps.connections.open", &json!({})).await;
        asked.map_or_else(
            |why| why.to_string(),
            |_| "Slack offers a socket, and none comes up: is there a way out to its port 443?".to_owned(),
        )
    }

    /// Resolves when Slack turned the sockets off for good.
    pub async fn stopped(&self) -> Stopped {
        let mut stopped = self.hears.stopped.subscribe();
        loop {
            if let Some(why) = stopped.borrow_and_update().clone() {
                return why;
            }
            if stopped.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.hears.stopping.store(true, Ordering::Relaxed);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let manager = self.manager.clone();
            runtime.spawn(async move { manager.shutdown().await });
        }
    }
}

impl Hears {
    /// Opens this one again: at once when Slack said that it would close it, after a growing pause when it just went.
    fn again(self: &Arc<Self>, id: &SlackSocketModeWssClientId, pause: Duration) {
        let (this, id) = (self.clone(), id.clone());
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            if !this.stopping.load(Ordering::Relaxed)
                && let Some(manager) = this.manager.get()
            {
                manager.restart_client(&id).await;
            }
        });
    }

    fn sockets(&self) -> std::sync::MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn greeted(&self, id: &SlackSocketModeWssClientId) {
        let now = self.door.slack.now();
        let mut sockets = self.sockets();
        sockets.hello_at.insert(id.to_string(), now);
        self.live.send_replace(sockets.hello_at.len());
    }

    fn gone(&self, id: &SlackSocketModeWssClientId, left: bool) -> Option<(bool, Duration)> {
        let now = self.door.slack.now();
        let mut sockets = self.sockets();
        let gone = sockets.gone(id, now, left);
        self.live.send_replace(sockets.hello_at.len());
        gone
    }

    async fn told_to_leave(self: &Arc<Self>, id: &SlackSocketModeWssClientId, reason: &str) {
        if reason == "link_disabled" {
            tracing::error!("Slack turned Socket Mode off for this app: nobody is heard until it is turned on and the bot started again");
            self.stopping.store(true, Ordering::Relaxed);
            self.stopped.send_replace(Some(Stopped::LinkDisabled));
            if let Some(manager) = self.manager.get() {
                manager.shutdown().await;
            }
            return;
        }
        let (lived, pause) = self.gone(id, true).unwrap_or((false, PAUSES.1));
        // Slack renews what has lived for hours. One that is sent away at once would be sent away again.
        let pause = match reason {
            "too_many_websockets" => {
                tracing::error!("Slack has too many sockets of this app: lower slack.connections, ten are allowed over all replicas");
                PAUSES.1
            }
            _ if lived => Duration::ZERO,
            _ => pause,
        };
        self.again(id, pause);
    }

    async fn envelope(&self, message: &Value) -> Option<String> {
        let envelope = message["envelope_id"].as_str()?;
        let payload = &message["payload"];
        let heard = match message["type"].as_str().unwrap_or_default() {
            "slash_commands" => payload::command(payload),
            "interactive" => payload::interaction(payload),
            "events_api" => payload::event(payload),
            _ => None,
        };
        let ack = if let Some(heard) = heard {
            self.door.hear(heard).await
        } else {
            tracing::debug!("a payload that this bot does not know was let go");
            Ack::Empty
        };
        match ack {
            Ack::With(body) if message["accepts_response_payload"] == true => {
                Some(json!({ "envelope_id": envelope, "payload": body }).to_string())
            }
            // Not taken: Slack sends it again, here or elsewhere.
            Ack::Unavailable => None,
            Ack::Empty | Ack::With(_) | Ack::Forbidden => Some(json!({ "envelope_id": envelope }).to_string()),
        }
    }
}

/// What the crate hands every frame to.
struct Listener(Arc<Hears>);

#[async_trait]
impl SlackSocketModeClientListener for Listener {
    async fn on_message(&self, id: &SlackSocketModeWssClientId, body: String) -> Option<String> {
        let message: Value = serde_json::from_str(&body).ok()?;
        match message["type"].as_str().unwrap_or_default() {
            "hello" => {
                self.0.greeted(id);
                None
            }
            "disconnect" => {
                self.0.told_to_leave(id, message["reason"].as_str().unwrap_or_default()).await;
                None
            }
            _ => self.0.envelope(&message).await,
        }
    }

    async fn on_error(&self, _error: Box<dyn std::error::Error + Send + Sync>) {
        // Its words may hold the ticket of a socket.
        tracing::warn!("a socket to Slack failed and is opened again");
    }

    async fn on_disconnect(&self, id: &SlackSocketModeWssClientId) {
        if let Some((_, pause)) = self.0.gone(id, false) {
            self.0.again(id, pause);
        }
    }
}
