//! Slack's requests over HTTP: the raw body is bounded and its signature checked before anything in it is looked at; a signature
//! counts once. Must not decide, and must not say why it refuses.

use std::{future, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use slack_morphism::{SlackSigningSecret, signature_verifier::SlackEventSignatureVerifier};
use tokio::net::TcpListener;
use url::form_urlencoded;

use super::{
    door::{Ack, Door},
    payload::{self, Heard},
};
use crate::chat::seen::{self, Seen, Used};

/// Largest body, in bytes. Slack's own are well below.
const BODY: usize = 256 * 1024;
/// As long as a signature is good, in seconds.
const WINDOW: i64 = SlackEventSignatureVerifier::MAX_TIMESTAMP_AGE_SECONDS;

/// What requests are checked with, and who hears them.
pub struct Http {
    door: Arc<Door>,
    verifier: SlackEventSignatureVerifier,
    seen: Seen,
}

impl Http {
    pub fn new(door: Arc<Door>, signing_secret: &SecretString) -> Arc<Self> {
        let secret = SlackSigningSecret::from(signing_secret.expose_secret().to_owned());
        Arc::new(Self { door, verifier: SlackEventSignatureVerifier::new(&secret), seen: Seen::new(WINDOW) })
    }

    /// Where Slack is told to send what people do.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/slack/commands", post(commands))
            .route("/slack/interactive", post(interactive))
            .route("/slack/events", post(events))
            .layer(DefaultBodyLimit::max(BODY))
            .with_state(self)
    }

    /// The body's text, if Slack signed it just now and it was not used before.
    fn verified<'b>(&self, headers: &HeaderMap, body: &'b [u8]) -> Result<&'b str, StatusCode> {
        let body = std::str::from_utf8(body).map_err(|_| StatusCode::UNAUTHORIZED)?;
        let signature = said(headers, SlackEventSignatureVerifier::SLACK_SIGNED_HASH_HEADER);
        let stamp = said(headers, SlackEventSignatureVerifier::SLACK_SIGNED_TIMESTAMP);
        if self.verifier.verify(signature, body, stamp).is_err() {
            tracing::warn!("a request without a good signature was refused");
            return Err(StatusCode::UNAUTHORIZED);
        }
        let used = used(signature).ok_or(StatusCode::UNAUTHORIZED)?;
        let now = self.door.slack.now();
        if !self.seen.first(used, now) {
            tracing::warn!("a request was refused that was made before");
            return Err(StatusCode::UNAUTHORIZED);
        }
        Ok(body)
    }

    async fn hear(&self, headers: &HeaderMap, heard: Option<Heard>) -> Response {
        let Some(heard) = heard else {
            tracing::debug!("a payload that this bot does not know was let go");
            return StatusCode::OK.into_response();
        };
        match self.door.hear(heard).await {
            Ack::Empty => StatusCode::OK.into_response(),
            Ack::With(body) => ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body.to_string()).into_response(),
            Ack::Forbidden => StatusCode::FORBIDDEN.into_response(),
            Ack::Unavailable => {
                // Nothing was done with it: the same may come again.
                if let Some(used) = used(said(headers, SlackEventSignatureVerifier::SLACK_SIGNED_HASH_HEADER)) {
                    self.seen.forget(used);
                }
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        }
    }
}

/// Serves until it is dropped; connections that are open then go on.
/// # Errors
/// The socket fails.
pub async fn serve(http: Arc<Http>, listener: TcpListener) -> std::io::Result<()> {
    serve_until(http, listener, future::pending()).await
}

/// Serves until it is told to end: then no request is taken any more, by open connections neither, and it returns when those that
/// were taken are answered.
/// # Errors
/// The socket fails.
pub async fn serve_until(http: Arc<Http>, listener: TcpListener, told: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    axum::serve(listener, http.router()).with_graceful_shutdown(told).await
}

fn said<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn used(signature: &str) -> Option<Used> {
    seen::used(signature.strip_prefix("v0=")?)
}

fn fields(body: &str) -> Value {
    form_urlencoded::parse(body.as_bytes()).map(|(key, value)| (key.into_owned(), Value::String(value.into_owned()))).collect()
}

/// Slack's look whether somebody is here, which it does not sign: answered, and nothing in it looked at.
fn is_ssl_check(body: &[u8]) -> bool {
    let keys: Vec<_> = form_urlencoded::parse(body).map(|(key, value)| (key == "ssl_check" && value == "1", key)).collect();
    keys.len() <= 2 && keys.iter().any(|(checks, _)| *checks) && keys.iter().all(|(checks, key)| *checks || key == "token")
}

async fn commands(State(http): State<Arc<Http>>, headers: HeaderMap, body: Bytes) -> Response {
    if is_ssl_check(&body) {
        return StatusCode::OK.into_response();
    }
    let body = match http.verified(&headers, &body) {
        Ok(body) => body,
        Err(status) => return status.into_response(),
    };
    http.hear(&headers, payload::command(&fields(body))).await
}

async fn interactive(State(http): State<Arc<Http>>, headers: HeaderMap, body: Bytes) -> Response {
    let body = match http.verified(&headers, &body) {
        Ok(body) => body,
        Err(status) => return status.into_response(),
    };
    let payload = form_urlencoded::parse(body.as_bytes()).find(|(key, _)| key == "payload").map(|(_, payload)| payload);
    match payload::interaction_in(&payload.unwrap_or_default()) {
        Ok(heard) => http.hear(&headers, heard).await,
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn events(State(http): State<Arc<Http>>, headers: HeaderMap, body: Bytes) -> Response {
    let body = match http.verified(&headers, &body) {
        Ok(body) => body,
        Err(status) => return status.into_response(),
    };
    let Ok(payload) = serde_json::from_str::<Value>(body) else { return StatusCode::BAD_REQUEST.into_response() };
    if payload["type"] == "url_verification" {
        let answer = json!({ "challenge": payload["challenge"] });
        return ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response();
    }
    http.hear(&headers, payload::event(&payload)).await
}
