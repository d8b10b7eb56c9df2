//! Discord's interactions over HTTP: the raw body is bounded and its signature checked before anything in it is looked at; a
//! signature counts once, and only for a while. Must not decide, and must not say why it refuses.

use std::{future, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use serenity::interactions_endpoint::Verifier;
use tokio::net::TcpListener;

use super::{door::Door, payload};
use crate::chat::seen::{self, Seen};

/// Largest body, in bytes: a press brings its whole message along, and a modal five fields of 4,000 characters.
const BODY: usize = 512 * 1024;
/// How far a signature's time may be from now, in seconds.
const WINDOW: i64 = 5 * 60;
/// What comes after the first answer is of no use before Discord has that one, which is on its way in this response.
const HEAD_START: Duration = Duration::from_millis(150);
const SIGNATURE: &str = "x-signature-ed25519";
const TIMESTAMP: &str = "x-signature-timestamp";

/// What requests are checked with, and who hears them.
pub struct Http {
    door: Arc<Door>,
    verifier: Verifier,
    seen: Seen,
}

impl Http {
    /// # Errors
    /// It is no public key.
    pub fn new(door: Arc<Door>, public_key: [u8; 32]) -> Result<Arc<Self>, String> {
        let verifier = Verifier::try_new(public_key).map_err(|error| error.to_string())?;
        Ok(Arc::new(Self { door, verifier, seen: Seen::new(WINDOW) }))
    }

    /// Where Discord is told to send what people do.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new().route("/discord/interactions", post(interactions)).layer(DefaultBodyLimit::max(BODY)).with_state(self)
    }

    /// Did Discord sign it just now, and was it not used before?
    fn is_verified(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let (signature, stamp) = (said(headers, SIGNATURE), said(headers, TIMESTAMP));
        let at = stamp.parse::<i64>().ok().filter(|_| stamp.bytes().all(|b| b.is_ascii_digit()));
        // Not the bot's own time, which never runs back: a clock that ran ahead for a moment would keep everybody out.
        let now = self.door.discord.outside().seconds();
        let is_now = at.is_some_and(|at| now.abs_diff(at) <= WINDOW.unsigned_abs());
        let Some(used) = seen::used(signature).filter(|_| is_now && self.verifier.verify(signature, stamp, body).is_ok()) else {
            // Discord itself sends some, to see whether they are refused.
            tracing::info!("an interaction without a good signature was refused");
            return false;
        };
        let is_first = self.seen.first(used, self.door.discord.now());
        if !is_first {
            tracing::warn!("an interaction was refused that was made before");
        }
        is_first
    }

    async fn answer(&self, payload: &Value) -> Response {
        if payload::is_ping(payload) {
            return json_of(&json!({ "type": 1 }));
        }
        let _entered = self.door.enter();
        let Some(heard) = payload::interaction(payload) else {
            tracing::info!("an interaction that this bot does not know was refused");
            return StatusCode::BAD_REQUEST.into_response();
        };
        match self.door.hear(heard).await {
            Some(ack) => {
                let response = json_of(&ack.body);
                tokio::spawn(async move {
                    tokio::time::sleep(HEAD_START).await;
                    drop(ack);
                });
                response
            }
            None => StatusCode::FORBIDDEN.into_response(),
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

fn json_of(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn interactions(State(http): State<Arc<Http>>, headers: HeaderMap, body: Bytes) -> Response {
    if !http.is_verified(&headers, &body) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match serde_json::from_slice(&body) {
        Ok(payload) => http.answer(&payload).await,
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
