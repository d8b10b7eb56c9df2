//! Delivering what people do to the application: down its gateway, or in signed requests to its interactions endpoint.

use std::{fmt::Write as _, time::Duration};

use ed25519_dalek::{Signer as _, SigningKey};
use hallpass::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{
    APP_ID, Discord, SIGNING_SEED,
    api::interactions,
    records::{Interaction, Original},
};
use crate::fakes::http::post;

/// How long an answer may take before the test goes on without. Discord itself waits three seconds; a test looks at `took`.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long people see "thinking" before Discord says that the application did not respond.
pub(crate) const IN_TIME: Duration = Duration::from_secs(3);

/// What came back for something that somebody did.
#[derive(Clone, Debug)]
#[must_use]
pub(crate) struct Reply {
    /// Of HTTP; 200 when it was delivered by the gateway and answered. 0: no answer came.
    pub(crate) status: u16,
    /// The first answer (`type`, `data`), however it came; of an endpoint that answered something else: that.
    pub(crate) answer: Option<Value>,
    pub(crate) took: Duration,
}

impl Reply {
    /// Was it answered, in time?
    pub(crate) fn is_ok(&self) -> bool {
        matches!(self.status, 200 | 202 | 204) && self.answer.is_some() && self.took < IN_TIME
    }

    /// The kind of the answer: 4 says something, 5 thinks, 6 later, 7 changes, 8 offers, 9 opens a form.
    pub(crate) fn kind(&self) -> Option<u64> {
        self.answer.as_ref()?["type"].as_u64()
    }

    /// What is offered to somebody who types: what is shown, and what it stands for.
    pub(crate) fn choices(&self) -> Vec<(String, String)> {
        let choices = self.answer.as_ref().and_then(|a| a["data"]["choices"].as_array()).cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        choices.iter().map(|choice| (text(&choice["name"]), text(&choice["value"]))).collect()
    }
}

/// Which clock signs requests.
#[derive(Clone, Copy)]
pub(crate) enum Stamp {
    Machine,
    /// This Discord's own.
    Own,
    /// Seconds since 1970.
    At(i64),
}

pub(super) enum Transport {
    Gateway,
    /// The address of the interactions endpoint.
    Http(String),
}

impl Transport {
    pub(super) fn url(&self) -> Option<&str> {
        match self {
            Self::Gateway => None,
            Self::Http(url) => Some(url),
        }
    }
}

/// What was delivered last.
#[derive(Clone)]
pub(super) struct Sent {
    payload: Value,
    raw: Raw,
}

#[derive(Clone)]
pub(super) enum Raw {
    Http { url: String, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    Event(Value),
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The public key as Discord shows it.
pub(super) fn verify_key() -> String {
    hex(&SigningKey::from_bytes(&SIGNING_SEED).verifying_key().to_bytes())
}

/// Ed25519 over the timestamp and the raw body.
pub(super) fn signature(seed: [u8; 32], timestamp: &str, body: &[u8]) -> String {
    hex(&SigningKey::from_bytes(&seed).sign(&[timestamp.as_bytes(), body].concat()).to_bytes())
}

impl Discord {
    /// From now on things are delivered to this address.
    pub(crate) fn over_http(&self, url: &str) -> &Self {
        self.state().transport = Transport::Http(url.to_owned());
        self
    }

    /// From now on things are delivered down the gateway (as at the start).
    pub(crate) fn over_gateway(&self) -> &Self {
        self.state().transport = Transport::Gateway;
        self
    }

    /// Which clock signs requests; the machine's, unless said otherwise.
    pub(crate) fn stamp_with(&self, stamp: Stamp) -> &Self {
        self.state().stamp = stamp;
        self
    }

    pub(super) fn timestamp(&self) -> i64 {
        let state = self.state();
        match state.stamp {
            Stamp::Machine => SystemClock.now().seconds(),
            Stamp::Own => state.now_seconds(),
            Stamp::At(seconds) => seconds,
        }
    }

    /// Delivers a payload as it is, and waits for the first answer.
    pub(crate) async fn deliver(&self, payload: Value) -> Reply {
        let raw = self.packed(&payload);
        self.remember(&payload);
        self.state().last = Some(Sent { payload: payload.clone(), raw: raw.clone() });
        self.send(&payload, raw).await
    }

    /// Delivers a payload and waits for nothing; gives the interaction's id. Down the gateway only.
    pub(crate) async fn deliver_only(&self, payload: Value) -> String {
        assert!(self.address().is_none(), "a request is answered");
        self.remember(&payload);
        self.state().last = Some(Sent { payload: payload.clone(), raw: Raw::Event(payload.clone()) });
        self.dispatch_when_connected("INTERACTION_CREATE", payload.clone()).await;
        payload["id"].as_str().unwrap().to_owned()
    }

    /// Delivers a payload to the application at another address (a second process of it).
    pub(crate) async fn deliver_to(&self, url: &str, payload: Value) -> Reply {
        self.remember(&payload);
        let raw = self.signed(url.to_owned(), payload.to_string().into_bytes());
        self.send(&payload, raw).await
    }

    /// The last delivery again: byte for byte with the same signature, or the same event.
    pub(crate) async fn replay_last(&self) -> Reply {
        let last = self.state().last.clone().expect("nothing was delivered yet");
        self.send(&last.payload, last.raw).await
    }

    /// The last delivery again, signed anew.
    pub(crate) async fn redeliver_last(&self) -> Reply {
        let payload = self.state().last.clone().expect("nothing was delivered yet").payload;
        let raw = self.packed(&payload);
        self.send(&payload, raw).await
    }

    /// Sends any bytes, rightly signed, to the endpoint.
    pub(crate) async fn deliver_bytes(&self, body: Vec<u8>) -> (u16, Option<Value>) {
        let raw = self.signed(self.address().expect("only over HTTP"), body);
        let Raw::Http { url, headers, body } = raw else { unreachable!("signed makes requests") };
        post(&url, &headers, body).await.unwrap_or((0, None))
    }

    /// Asks whether the endpoint is there, as Discord does.
    pub(crate) async fn ping(&self) -> (u16, Option<Value>) {
        let payload = {
            let mut state = self.state();
            let id = state.snowflake();
            json!({"id": id, "application_id": APP_ID, "type": interactions::PING, "token": format!("ping-{id}"), "version": 1})
        };
        self.deliver_bytes(payload.to_string().into_bytes()).await
    }

    /// The first answer to an interaction, if there is one.
    pub(crate) fn answer_to(&self, id: &str) -> Option<Value> {
        self.state().interactions.iter().find(|i| i.text("id") == id)?.answer.clone()
    }

    /// Waits until it is answered.
    pub(crate) async fn answered_to(&self, id: &str) -> Value {
        let there = |state: &super::state::State| state.interactions.iter().any(|i| i.text("id") == id && i.answer.is_some());
        self.until(&format!("an answer to {id}"), there).await;
        self.answer_to(id).unwrap()
    }

    /// Waits until the interaction of this token is answered, or is none.
    pub(super) async fn until_answered(&self, token: &str) {
        let waits = |state: &super::state::State| state.interactions.iter().any(|i| i.text("token") == token && i.answer.is_none());
        self.until("its answer", |state| !waits(state)).await;
    }

    pub(super) fn address(&self) -> Option<String> {
        self.state().transport.url().map(str::to_owned)
    }

    /// From now on it can be answered. What is delivered again is the same interaction.
    pub(super) fn remember(&self, payload: &Value) {
        let mut state = self.state();
        let at_micros = state.now_micros;
        if state.interactions.iter().any(|i| i.payload["id"] == payload["id"]) {
            return;
        }
        let user = if payload["member"].is_null() { &payload["user"]["id"] } else { &payload["member"]["user"]["id"] };
        let user = user.as_str().unwrap_or_default().to_owned();
        let (payload, original) = (payload.clone(), Original::None);
        state.interactions.push(Interaction { payload, user, at_micros, answer: None, original, deferred: false });
        drop(state);
        self.tell();
    }

    fn packed(&self, payload: &Value) -> Raw {
        match self.address() {
            None => Raw::Event(payload.clone()),
            Some(url) => self.signed(url, payload.to_string().into_bytes()),
        }
    }

    fn signed(&self, url: String, body: Vec<u8>) -> Raw {
        let timestamp = self.timestamp().to_string();
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", "Discord-Interactions/1.0 (+https://discord.com)".to_owned()),
            ("x-signature-ed25519", signature(SIGNING_SEED, &timestamp, &body)),
            ("x-signature-timestamp", timestamp),
        ];
        Raw::Http { url, headers, body }
    }

    pub(super) async fn send(&self, payload: &Value, raw: Raw) -> Reply {
        let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        let (id, start) = (text("id"), Instant::now());
        let (status, answer) = match raw {
            Raw::Http { url, headers, body } => {
                let came = timeout(PATIENCE, post(&url, &headers, body)).await;
                let (status, body) = came.ok().and_then(Result::ok).unwrap_or((0, None));
                self.take(&id, status, body).await
            }
            Raw::Event(event) => {
                self.dispatch_when_connected("INTERACTION_CREATE", event).await;
                let answer = timeout(PATIENCE, self.answered_to(&id)).await.ok();
                (if answer.is_some() { 200 } else { 0 }, answer)
            }
        };
        let took = start.elapsed();
        if status == 0 {
            self.state().refuse(format!("no answer came in {took:?}"));
        }
        Reply { status, answer, took }
    }

    /// Takes what the endpoint answered: the answer itself, or an acceptance after which a call brings it.
    async fn take(&self, id: &str, status: u16, body: Option<Value>) -> (u16, Option<Value>) {
        match (status, body) {
            (202 | 204, None) => (status, timeout(PATIENCE, self.answered_to(id)).await.ok()),
            (200, Some(body)) => {
                let mut state = self.state();
                if let Some(at) = state.interactions.iter().position(|i| i.text("id") == id)
                    && let Err(refusal) = state.answered(at, &body)
                {
                    state.note_unfit("the endpoint's answer", &refusal);
                    state.refuse(format!("the endpoint's answer: {refusal}"));
                }
                drop(state);
                self.tell();
                (status, Some(body))
            }
            other => other,
        }
    }
}
