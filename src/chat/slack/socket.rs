//! Socket Mode: sockets that Slack sends what people do through. The crate opens and keeps them; when to open one again is said
//! here, with a pause that grows while Slack drops them. Must not decide.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Value, json};
use slack_morphism::{
    SlackClient, SlackClientSocketModeConfig, SlackSocketModeClientListener, SlackSocketModeWssClientId,
    clients_manager::{SlackSocketModeClientsManager, SlackSocketModeClientsManagerFactory as _},
    listener::SlackClientEventsListenerEnvironment,
};
use tokio::sync::watch;

use super::{
    api::{connector, token},
    door::{Ack, Door},
    payload,
};

/// Pause before a socket that was dropped is opened again: the first, doubled at each drop in a row, at most the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// A socket that lived so long was no failure, in monotonic microseconds.
const LIVED: i64 = 60 * 1_000_000;

/// Why no socket is open and none will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// Socket Mode was turned off for the app.
    LinkDisabled,
}

/// The open sockets.
pub struct Socket {
    hears: Arc<Hears>,
    manager: Arc<dyn SlackSocketModeClientsManager + Send + Sync>,
}

/// Hears every frame of every socket.
struct Hears {
    door: Arc<Door>,
    manager: OnceLock<Arc<dyn SlackSocketModeClientsManager + Send + Sync>>,
    /// Drops in a row, and when the last socket said hello.
    drops: AtomicU32,
    hello_at: Mutex<Option<i64>>,
    stopping: AtomicBool,
    stopped: watch::Sender<Option<Stopped>>,
}

impl Socket {
    /// Opens so many sockets, and keeps them open.
    /// # Errors
    /// The machine has no certificates to trust.
    pub async fn open(door: Arc<Door>, app_token: &SecretString, connections: u32) -> Result<Self, String> {
        let client = Arc::new(SlackClient::new(connector(&door.slack.settings.api_url)?));
        let environment = Arc::new(SlackClientEventsListenerEnvironment::new(client.clone()));
        let manager = client.http_api.connector.new_clients_manager(environment);
        let hears = Arc::new(Hears {
            door,
            manager: OnceLock::new(),
            drops: AtomicU32::new(0),
            hello_at: Mutex::default(),
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

    /// Closes them.
    pub async fn close(&self) {
        self.hears.stopping.store(true, Ordering::Relaxed);
        self.manager.shutdown().await;
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

    fn pause(&self) -> Duration {
        let now = self.door.slack.now();
        let hello_at = self.hello_at.lock().unwrap_or_else(PoisonError::into_inner).take();
        if hello_at.is_some_and(|at| now - at >= LIVED) {
            self.drops.store(0, Ordering::Relaxed);
        }
        let drops = self.drops.fetch_add(1, Ordering::Relaxed).min(16);
        (PAUSES.0 * 2_u32.pow(drops)).min(PAUSES.1)
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
        self.again(id, Duration::ZERO);
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
        let ack = match heard {
            Some(heard) => self.door.hear(heard).await,
            None => {
                tracing::debug!("a payload that this bot does not know was let go");
                Ack::Empty
            }
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
                *self.0.hello_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.0.door.slack.now());
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
        self.0.again(id, self.0.pause());
    }
}
