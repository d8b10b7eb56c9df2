//! The gateway: sessions, their connections, heartbeats, and events with their numbers.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    extract::{
        Query, State as Shared,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{APP_ID, BOT, BOT_TOKEN, Discord, starts::Starts, state::State};
use crate::fakes::http::cut;

/// How often a client says that it is there, unless the test wants otherwise.
const HEARTBEAT: Duration = Duration::from_millis(41_250);

/// The intents that need leave, and all that there are.
const PRIVILEGED: u64 = 1 << 1 | 1 << 8 | 1 << 15;
const KNOWN: u64 = 0x1_ffff | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25;

const DISPATCH: u64 = 0;
const BEAT: u64 = 1;
const IDENTIFY: u64 = 2;
const PRESENCE: u64 = 3;
const RESUME: u64 = 6;
pub(super) const RECONNECT: u64 = 7;
pub(super) const INVALID: u64 = 9;
const HELLO: u64 = 10;
const BEAT_ACK: u64 = 11;

/// What is sent down a connection.
pub(super) enum Frame {
    Text(String),
    /// It is closed with this code.
    Close(u16),
    /// It breaks.
    Cut,
}

pub(super) struct Session {
    id: String,
    /// Every event, in order; its number is its place, from 1.
    events: Vec<Value>,
    /// The connection that it has now.
    link: Option<u32>,
}

pub(super) struct Sessions {
    pub(super) all: Vec<Session>,
    pub(super) links: BTreeMap<u32, mpsc::UnboundedSender<Frame>>,
    pub(super) next: u32,
    pub(super) identified: usize,
    pub(super) resumed: usize,
    pub(super) beats: usize,
    pub(super) heartbeat: Duration,
    pub(super) acknowledges: bool,
    pub(super) lacking: Vec<String>,
    pub(super) twice: usize,
    pub(super) drop_on_delivery: usize,
    pub(super) starts: Starts,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            links: BTreeMap::new(),
            next: 0,
            identified: 0,
            resumed: 0,
            beats: 0,
            heartbeat: HEARTBEAT,
            acknowledges: true,
            lacking: Vec::new(),
            twice: 0,
            drop_on_delivery: 0,
            starts: Starts::default(),
        }
    }
}

impl Sessions {
    pub(super) fn connected(&self) -> usize {
        self.all.iter().filter(|s| s.link.is_some_and(|link| self.links.contains_key(&link))).count()
    }

    fn send(&self, link: u32, frame: Frame) {
        if let Some(out) = self.links.get(&link) {
            let _ = out.send(frame);
        }
    }

    /// An event for every session; those without a connection get it when they resume.
    pub(super) fn dispatch(&mut self, name: &str, data: &Value) {
        for session in &mut self.all {
            let event = json!({"op": DISPATCH, "t": name, "s": session.events.len() + 1, "d": data});
            session.events.push(event.clone());
            if let Some(out) = session.link.and_then(|link| self.links.get(&link)) {
                let _ = out.send(Frame::Text(event.to_string()));
            }
        }
    }
}

pub(super) async fn link(
    Shared(discord): Shared<Discord>,
    Query(query): Query<BTreeMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if discord.state().down {
        return cut();
    }
    discord.speaks().await;
    let wants = |name: &str| query.get(name).map(String::as_str);
    if wants("v") != Some("10") || wants("encoding").is_some_and(|e| e != "json") || wants("compress").is_some() {
        discord.state().refuse(format!("gateway: this fake speaks version 10 in plain JSON, not {query:?}"));
        return StatusCode::BAD_REQUEST.into_response();
    }
    upgrade.on_upgrade(move |socket| connected(discord, socket))
}

async fn connected(discord: Discord, mut socket: WebSocket) {
    let (out, mut frames) = mpsc::unbounded_channel();
    let (number, hello) = {
        let sessions = &mut discord.state().sessions;
        sessions.next += 1;
        sessions.links.insert(sessions.next, out);
        let every = u64::try_from(sessions.heartbeat.as_millis()).unwrap();
        (sessions.next, json!({"op": HELLO, "t": null, "s": null, "d": {"heartbeat_interval": every, "_trace": []}}))
    };
    if socket.send(Message::text(hello.to_string())).await.is_ok() {
        loop {
            tokio::select! {
                frame = frames.recv() => match frame {
                    Some(Frame::Text(text)) => if socket.send(Message::text(text)).await.is_err() { break },
                    Some(Frame::Close(code)) => {
                        let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await;
                        break;
                    }
                    Some(Frame::Cut) | None => break,
                },
                message = socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => discord.heard(number, &text),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                    Some(Ok(_)) => {}
                },
            }
        }
    }
    discord.state().sessions.links.remove(&number);
    discord.tell();
}

impl Discord {
    /// What a client said on a connection.
    fn heard(&self, link: u32, text: &str) {
        let mut state = self.state();
        let said = serde_json::from_str::<Value>(text).unwrap_or_default();
        let data = &said["d"];
        match said["op"].as_u64() {
            Some(BEAT) => {
                state.sessions.beats += 1;
                if state.sessions.acknowledges {
                    state.sessions.send(link, Frame::Text(json!({"op": BEAT_ACK, "t": null, "s": null, "d": null}).to_string()));
                }
            }
            Some(IDENTIFY) => state.identify(link, data),
            Some(RESUME) => state.resume(link, data),
            Some(PRESENCE) if state.session_of(link).is_some() => {}
            Some(PRESENCE) => state.close(link, 4003, "not identified"),
            Some(_) => state.close(link, 4001, "unknown opcode"),
            None => state.close(link, 4002, "not understood"),
        }
        drop(state);
        self.tell();
    }
}

/// With or without the word that its requests begin with: Discord takes both, and serenity sends it.
fn is_ours(data: &Value) -> bool {
    data["token"].as_str().is_some_and(|token| token.strip_prefix("Bot ").unwrap_or(token) == BOT_TOKEN)
}

impl State {
    fn session_of(&self, link: u32) -> Option<&Session> {
        self.sessions.all.iter().find(|s| s.link == Some(link))
    }

    fn close(&mut self, link: u32, code: u16, why: &str) {
        self.refuse(format!("gateway: closed with {code}: {why}"));
        self.sessions.send(link, Frame::Close(code));
    }

    fn identify(&mut self, link: u32, data: &Value) {
        if self.session_of(link).is_some() {
            return self.close(link, 4005, "identified already");
        }
        if !is_ours(data) {
            return self.close(link, 4004, "the token is wrong");
        }
        let Some(intents) = data["intents"].as_u64() else { return self.close(link, 4002, "no intents") };
        if intents & !KNOWN != 0 {
            return self.close(link, 4013, "there are no such intents");
        }
        if intents & PRIVILEGED != 0 {
            return self.close(link, 4014, "intents that need leave");
        }
        if !["os", "browser", "device"].iter().all(|name| data["properties"][name].is_string()) {
            return self.close(link, 4002, "no properties");
        }
        let shard = data.get("shard").cloned().unwrap_or(json!([0, 1]));
        if !shard.as_array().is_some_and(|s| s.len() == 2 && s[0].as_u64() < s[1].as_u64()) {
            return self.close(link, 4010, "no such shard");
        }
        if !self.sessions.starts.take() {
            return self.close(link, 4004, "more sessions were begun than a bot may begin, so its token is taken away");
        }
        let id = format!("session-{}", self.snowflake());
        let guilds: Vec<Value> =
            self.guilds.values().filter(|g| g.members.contains_key(BOT)).map(|g| json!({"id": g.id, "unavailable": true})).collect();
        let ready = json!({
            "v": 10, "user": self.known(BOT).json(), "guilds": guilds, "session_id": id, "resume_gateway_url": self.gateway_url(),
            "shard": shard, "application": {"id": APP_ID, "flags": 0}, "private_channels": [], "relationships": [],
            "user_settings": {}, "session_type": "normal", "geo_ordered_rtc_regions": [], "_trace": [],
        });
        let event = json!({"op": DISPATCH, "t": "READY", "s": 1, "d": ready});
        self.sessions.send(link, Frame::Text(event.to_string()));
        self.sessions.all.push(Session { id, events: vec![event], link: Some(link) });
        self.sessions.identified += 1;
    }

    fn resume(&mut self, link: u32, data: &Value) {
        if !is_ours(data) {
            return self.close(link, 4004, "the token is wrong");
        }
        let sessions = &mut self.sessions;
        let Some(at) = sessions.all.iter().position(|s| data["session_id"] == s.id.as_str()) else {
            let text = json!({"op": INVALID, "t": null, "s": null, "d": false}).to_string();
            return sessions.send(link, Frame::Text(text));
        };
        let session = &mut sessions.all[at];
        let seen = usize::try_from(data["seq"].as_u64().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        if seen > session.events.len() {
            return self.close(link, 4007, "no such number");
        }
        session.link = Some(link);
        let number = session.events.len() + 1;
        session.events.push(json!({"op": DISPATCH, "t": "RESUMED", "s": number, "d": {"_trace": []}}));
        let missed = session.events[seen..].to_vec();
        for event in missed {
            sessions.send(link, Frame::Text(event.to_string()));
        }
        sessions.resumed += 1;
    }
}
