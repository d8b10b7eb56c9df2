//! Socket Mode: tickets, connections, envelopes and their acknowledgements.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use axum::{
    extract::{
        Query, State as Shared,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{APP_ID, Slack, api::Refusal, state::State};

/// How long a test waits for connections before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connections that an app may have at once.
const MOST: usize = 10;

/// What is sent down a socket.
enum Frame {
    Text(String),
    /// The connection is closed, as Slack does after a `disconnect`.
    Close,
    /// It breaks.
    Cut,
}

struct Link {
    id: u32,
    out: mpsc::UnboundedSender<Frame>,
}

struct Waiting {
    link: u32,
    acknowledged: oneshot::Sender<Option<Value>>,
    takes_payload: bool,
}

#[derive(Default)]
pub(super) struct Sockets {
    tickets: BTreeSet<String>,
    links: Vec<Link>,
    turn: usize,
    waiting: BTreeMap<String, Waiting>,
    opened: usize,
    drop_after_hello: usize,
    drop_on_delivery: usize,
    refuse: Option<&'static str>,
}

impl State {
    /// # Errors
    /// What `refuse_connections` says; `too_many_websockets`.
    pub(super) fn open_connection(&mut self) -> Result<String, Refusal> {
        if let Some(error) = self.sockets.refuse {
            return Err(error.into());
        }
        if self.sockets.links.len() >= MOST {
            return Err("too_many_websockets".into());
        }
        let ticket = format!("ticket-{}", self.next());
        let url = format!("{}/link/?ticket={ticket}&app_id={APP_ID}", self.origin.replacen("http", "ws", 1));
        self.sockets.tickets.insert(ticket);
        Ok(url)
    }
}

pub(super) async fn link(
    Shared(slack): Shared<Slack>,
    Query(query): Query<BTreeMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let ticket = query.get("ticket").cloned().unwrap_or_default();
    if !slack.state().sockets.tickets.remove(&ticket) {
        slack.state().refuse("socket: the ticket is unknown or was used".to_owned());
        return StatusCode::UNAUTHORIZED.into_response();
    }
    upgrade.on_upgrade(move |socket| connected(slack, socket))
}

async fn connected(slack: Slack, mut socket: WebSocket) {
    let (out, mut frames) = mpsc::unbounded_channel();
    let (id, hello) = {
        let mut state = slack.state();
        let id = state.next();
        let count = state.sockets.links.len() + 1;
        state.sockets.opened += 1;
        let hello = json!({
            "type": "hello", "num_connections": count, "connection_info": {"app_id": APP_ID},
            "debug_info": {"host": "applink-fake", "build_number": 1, "approximate_connection_time": 18060},
        });
        (id, hello)
    };
    if socket.send(Message::text(hello.to_string())).await.is_err() {
        return;
    }
    if slack.drops_this_one() {
        slack.0.sockets_changed.notify_waiters();
        return;
    }
    slack.state().sockets.links.push(Link { id, out });
    slack.0.sockets_changed.notify_waiters();
    loop {
        tokio::select! {
            frame = frames.recv() => match frame {
                Some(Frame::Text(text)) => if socket.send(Message::text(text)).await.is_err() { break },
                Some(Frame::Close) => {
                    let _ = socket.send(Message::Close(None)).await;
                    break;
                }
                Some(Frame::Cut) | None => break,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => slack.acknowledged(id, &text),
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    {
        let mut state = slack.state();
        state.sockets.links.retain(|link| link.id != id);
        state.sockets.waiting.retain(|_, waiting| waiting.link != id); // dropped: whoever waits learns that it is lost
    }
    slack.0.sockets_changed.notify_waiters();
}

impl Slack {
    fn drops_this_one(&self) -> bool {
        let left = &mut self.state().sockets.drop_after_hello;
        let drop = *left > 0;
        *left = left.saturating_sub(1);
        drop
    }

    fn acknowledged(&self, link: u32, text: &str) {
        let mut state = self.state();
        let Ok(answer) = serde_json::from_str::<Value>(text) else {
            return state.refuse(format!("socket: no JSON: {text}"));
        };
        let envelope = answer["envelope_id"].as_str().unwrap_or_default();
        let Some(waiting) = state.sockets.waiting.remove(envelope) else {
            return state.refuse(format!("socket: nothing waits for an acknowledgement of {envelope:?}"));
        };
        if waiting.link != link {
            state.refuse(format!("socket: {envelope} was acknowledged on another connection"));
        }
        let payload = answer.get("payload").filter(|p| !p.is_null() && **p != json!({})).cloned();
        if payload.is_some() && !waiting.takes_payload {
            state.refuse(format!("socket: {envelope} takes no payload in its acknowledgement"));
        }
        let _ = waiting.acknowledged.send(payload);
    }

    /// Sends an envelope down any one connection; waits for one if there is none. Gives what arrives when it is
    /// acknowledged, or an error when that connection goes.
    pub(super) async fn send_envelope(&self, envelope: &Value) -> oneshot::Receiver<Option<Value>> {
        self.connected(1).await;
        let (acknowledged, answer) = oneshot::channel();
        let mut state = self.state();
        let sockets = &mut state.sockets;
        sockets.turn += 1;
        let count = sockets.links.len();
        // The last one may have gone since: then the answer is that it is lost.
        if let Some(link) = sockets.links.get(sockets.turn % count.max(1)) {
            let takes_payload = envelope["accepts_response_payload"] == true;
            let waiting = Waiting { link: link.id, acknowledged, takes_payload };
            sockets.waiting.insert(envelope["envelope_id"].as_str().unwrap().to_owned(), waiting);
            let _ = link.out.send(Frame::Text(envelope.to_string()));
            if sockets.drop_on_delivery > 0 {
                sockets.drop_on_delivery -= 1;
                let _ = link.out.send(Frame::Cut);
            }
        }
        answer
    }

    /// Waits until so many connections are open, or more.
    pub(crate) async fn connected(&self, count: usize) {
        self.sockets_until(|sockets| sockets.links.len() >= count, &format!("{count} connections")).await;
    }

    /// Waits until so many connections were ever opened, those dropped since as well.
    pub(crate) async fn connected_ever(&self, count: usize) {
        self.sockets_until(|sockets| sockets.opened >= count, &format!("{count} connections, ever")).await;
    }

    async fn sockets_until(&self, so: impl Fn(&Sockets) -> bool, what: &str) {
        let waited = timeout(PATIENCE, async {
            loop {
                let changed = self.0.sockets_changed.notified();
                if so(&self.state().sockets) {
                    return;
                }
                changed.await;
            }
        });
        assert!(waited.await.is_ok(), "the app did not come to {what} within {PATIENCE:?}: {:?}", self.refusals());
    }

    /// Connections that are open.
    pub(crate) fn connections(&self) -> usize {
        self.state().sockets.links.len()
    }

    /// Every connection breaks, without a word.
    pub(crate) fn drop_sockets(&self) {
        self.state().sockets.links.clear();
    }

    /// A `disconnect` (`warning`, `refresh_requested`, `link_disabled`) on every connection. After a warning they stay open;
    /// else Slack closes them.
    pub(crate) fn send_disconnect(&self, reason: &str) {
        let text = json!({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-fake"}}).to_string();
        for link in &self.state().sockets.links {
            let _ = link.out.send(Frame::Text(text.clone()));
            if reason != "warning" {
                let _ = link.out.send(Frame::Close);
            }
        }
    }

    /// The next `count` connections break right after `hello`.
    pub(crate) fn drop_after_hello(&self, count: usize) {
        self.state().sockets.drop_after_hello = count;
    }

    /// The connections of the next `count` envelopes break right after they were sent: the app has them, and cannot say so.
    pub(crate) fn drop_on_delivery(&self, count: usize) {
        self.state().sockets.drop_on_delivery = count;
    }

    /// `apps.connections.open` answers with this error, until `None`.
    pub(crate) fn refuse_connections(&self, error: Option<&'static str>) {
        self.state().sockets.refuse = error;
    }
}
