//! Delivering what people do to the app: signed requests to its addresses, or envelopes down its sockets.

use std::{fmt::Write as _, time::Duration};

use axum::body::{Body, to_bytes};
use hallpass::clock::{Clock as _, SystemClock};
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::{Request, Uri, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2_oracle::Sha256;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{SIGNING_SECRET, Slack};

/// How long an answer may take before the test goes on without. Slack itself waits three seconds; a test looks at `took`.
const PATIENCE: Duration = Duration::from_secs(15);

/// Bytes that an answer may have.
const ANSWER: usize = 1 << 20;

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

#[derive(Clone)]
pub(super) enum Transport {
    None,
    Http { commands: String, interactive: String, events: String },
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
        self.state().transport = Transport::Http {
            commands: format!("{url}/slack/commands"),
            interactive: format!("{url}/slack/interactive"),
            events: format!("{url}/slack/events"),
        };
        self
    }

    /// All to one address.
    pub(crate) fn over_one_url(&self, url: &str) -> &Self {
        self.state().transport = Transport::Http { commands: url.to_owned(), interactive: url.to_owned(), events: url.to_owned() };
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

    fn packed(&self, kind: Kind, payload: &Value, more: &[(&'static str, String)]) -> Raw {
        let transport = self.state().transport.clone();
        match transport {
            Transport::None => panic!("say over_http or over_sockets first"),
            Transport::Sockets => Raw::Envelope(self.envelope(kind, payload)),
            Transport::Http { commands, interactive, events } => {
                let url = match kind {
                    Kind::Command => commands,
                    Kind::Interactive => interactive,
                    Kind::Event => events,
                };
                let (content_type, body) = encode(kind, payload);
                let timestamp = self.timestamp().to_string();
                let mut headers = vec![
                    ("content-type", content_type.to_owned()),
                    ("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)".to_owned()),
                    ("x-slack-signature", signature(SIGNING_SECRET, &timestamp, &body)),
                    ("x-slack-request-timestamp", timestamp),
                ];
                headers.extend_from_slice(more);
                Raw::Http { url, headers, body }
            }
        }
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

/// One request on a connection of its own.
pub(super) async fn post(
    url: &str,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
) -> Result<(u16, Option<Value>), Box<dyn std::error::Error + Send + Sync>> {
    let uri: Uri = url.parse()?;
    let authority = uri.authority().ok_or("no host")?.to_string();
    let stream = TcpStream::connect(&authority).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    let mut request = Request::post(path).header(header::HOST, &authority);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let answer = sender.send_request(request.body(Body::from(body))?).await?;
    let status = answer.status().as_u16();
    let bytes = to_bytes(Body::new(answer.into_body()), ANSWER).await?;
    connection.abort();
    let text = String::from_utf8_lossy(&bytes);
    let body = serde_json::from_str(&text).ok().or_else(|| (!text.is_empty()).then(|| json!(text)));
    Ok((status, body))
}
