//! Delivering what people do to the app: signed requests to its addresses, or envelopes down its sockets.

use std::{fmt::Write as _, time::Duration};

use hallpass::clock::{Clock as _, SystemClock};
use hmac_fakes::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2_oracle::Sha256;
use tokio::time::{Instant, timeout};

use super::{SIGNING_SECRET, Slack};
use crate::fakes::http::post;

/// How long an answer may take before the test goes on without. Slack itself waits three seconds; a test looks at `took`.
const PATIENCE: Duration = Duration::from_secs(15);

/// What sort of thing is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Command,
    Interactive,
    Event,
}

/// What the app answered.
#[derive(Clone, Debug)]
#[must_use]
pub(crate) struct Ack {
    /// Of HTTP; 200 when an envelope was acknowledged. 0: no answer came (the connection went, or it took too long).
    pub(crate) status: u16,
    /// Text that is no JSON stands as a string.
    pub(crate) body: Option<Value>,
    pub(crate) took: Duration,
}

impl Ack {
    pub(crate) fn is_ok(&self) -> bool {
        self.status == 200
    }

    /// The error that a form shows on one of its fields.
    pub(crate) fn error_on(&self, block: &str) -> Option<&str> {
        self.body.as_ref()?["errors"][block].as_str()
    }
}

/// Which clock signs requests.
#[derive(Clone, Copy)]
pub(crate) enum Stamp {
    Machine,
    /// This Slack's own.
    Own,
    /// Seconds since 1970.
    At(i64),
}

pub(super) enum Transport {
    None,
    /// The base of the three addresses.
    Http(String),
    OneUrl(String),
    Sockets,
}

/// What was delivered last, byte for byte.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) kind: Kind,
    pub(super) payload: Value,
    pub(super) raw: Raw,
}

#[derive(Clone)]
pub(super) enum Raw {
    Http { url: String, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    Envelope(Value),
}

/// Where each kind of thing goes, under the app's address.
fn path(kind: Kind) -> &'static str {
    match kind {
        Kind::Command => "/slack/commands",
        Kind::Interactive => "/slack/interactive",
        Kind::Event => "/slack/events",
    }
}

/// `v0=` and the HMAC-SHA256 of `v0:{timestamp}:{body}`.
pub(super) fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    for part in [b"v0:", timestamp.as_bytes(), b":", body] {
        mac.update(part);
    }
    let mut signature = "v0=".to_owned();
    for byte in mac.finalize().into_bytes() {
        write!(signature, "{byte:02x}").unwrap();
    }
    signature
}

pub(super) fn encode(kind: Kind, payload: &Value) -> (&'static str, Vec<u8>) {
    let form =
        |pairs: Vec<(String, String)>| url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes();
    match kind {
        Kind::Event => ("application/json", payload.to_string().into_bytes()),
        Kind::Interactive => ("application/x-www-form-urlencoded", form(vec![("payload".to_owned(), payload.to_string())])),
        Kind::Command => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let present = payload.as_object().unwrap().iter().filter(|(_, v)| !v.is_null());
            ("application/x-www-form-urlencoded", form(present.map(|(k, v)| (k.clone(), text(v))).collect()))
        }
    }
}

impl Slack {
    /// From now on things are delivered to `{url}/slack/commands`, `/slack/interactive` and `/slack/events`.
    pub(crate) fn over_http(&self, url: &str) -> &Self {
        self.state().transport = Transport::Http(url.to_owned());
        self
    }

    /// All to one address.
    pub(crate) fn over_one_url(&self, url: &str) -> &Self {
        self.state().transport = Transport::OneUrl(url.to_owned());
        self
    }

    /// From now on things are delivered down the app's sockets.
    pub(crate) fn over_sockets(&self) -> &Self {
        self.state().transport = Transport::Sockets;
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

    /// Delivers a payload as it is.
    pub(crate) async fn deliver_raw(&self, kind: Kind, payload: Value) -> Ack {
        let raw = self.packed(kind, &payload, &[]);
        self.state().last = Some(Sent { kind, payload, raw: raw.clone() });
        self.send(raw).await
    }

    /// Delivers a payload to the app at another address (a second process of it).
    pub(crate) async fn deliver_to(&self, url: &str, kind: Kind, payload: &Value) -> Ack {
        let (content_type, body) = encode(kind, payload);
        let raw = self.signed(format!("{url}{}", path(kind)), content_type, body);
        self.send(raw).await
    }

    /// Sends any bytes, rightly signed, where things of this kind go. Over HTTP only.
    pub(crate) async fn deliver_bytes(&self, kind: Kind, content_type: &str, body: Vec<u8>) -> Ack {
        let url = self.address(kind).expect("only over HTTP");
        let raw = self.signed(url, content_type, body);
        self.send(raw).await
    }

    /// The last delivery again, byte for byte: the same signature, the same envelope.
    pub(crate) async fn replay_last(&self) -> Ack {
        let last = self.last();
        self.send(last.raw).await
    }

    /// Slack's own repetition of an event that was not answered: signed anew, with its number.
    pub(crate) async fn redeliver_last(&self, number: u32) -> Ack {
        let last = self.last();
        assert!(last.kind == Kind::Event, "Slack repeats events only");
        let mut raw = self.packed(
            last.kind,
            &last.payload,
            &[("x-slack-retry-num", number.to_string()), ("x-slack-retry-reason", "http_timeout".to_owned())],
        );
        if let Raw::Envelope(envelope) = &mut raw {
            envelope["retry_attempt"] = json!(number);
            envelope["retry_reason"] = json!("timeout");
        }
        self.send(raw).await
    }

    pub(super) fn last(&self) -> Sent {
        self.state().last.clone().expect("nothing was delivered yet")
    }

    /// Where things of this kind go; nowhere over sockets.
    pub(super) fn address(&self, kind: Kind) -> Option<String> {
        match &self.state().transport {
            Transport::None => panic!("say over_http or over_sockets first"),
            Transport::Sockets => None,
            Transport::Http(url) => Some(format!("{url}{}", path(kind))),
            Transport::OneUrl(url) => Some(url.clone()),
        }
    }

    fn packed(&self, kind: Kind, payload: &Value, more: &[(&'static str, String)]) -> Raw {
        let Some(url) = self.address(kind) else { return Raw::Envelope(self.envelope(kind, payload)) };
        let (content_type, body) = encode(kind, payload);
        let mut raw = self.signed(url, content_type, body);
        if let Raw::Http { headers, .. } = &mut raw {
            headers.extend_from_slice(more);
        }
        raw
    }

    fn signed(&self, url: String, content_type: &str, body: Vec<u8>) -> Raw {
        let timestamp = self.timestamp().to_string();
        let headers = vec![
            ("content-type", content_type.to_owned()),
            ("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)".to_owned()),
            ("x-slack-signature", signature(SIGNING_SECRET, &timestamp, &body)),
            ("x-slack-request-timestamp", timestamp),
        ];
        Raw::Http { url, headers, body }
    }

    fn envelope(&self, kind: Kind, payload: &Value) -> Value {
        let (name, takes_payload) = match kind {
            Kind::Command => ("slash_commands", true),
            Kind::Interactive => ("interactive", matches!(payload["type"].as_str(), Some("view_submission" | "block_suggestion"))),
            Kind::Event => ("events_api", false),
        };
        let id = format!("envelope-{}", self.state().next());
        json!({"envelope_id": id, "type": name, "payload": payload, "accepts_response_payload": takes_payload})
    }

    pub(super) async fn send(&self, raw: Raw) -> Ack {
        let start = Instant::now();
        let answer = timeout(PATIENCE, async {
            match raw {
                Raw::Http { url, headers, body } => post(&url, &headers, body).await.ok(),
                Raw::Envelope(envelope) => self.send_envelope(&envelope).await.await.ok().map(|payload| (200, payload)),
            }
        });
        let answer = answer.await.ok().flatten();
        let took = start.elapsed();
        let (status, body) = answer.unwrap_or_else(|| {
            self.state().refuse(format!("no answer came in {took:?}"));
            (0, None)
        });
        Ack { status, body, took }
    }
}
