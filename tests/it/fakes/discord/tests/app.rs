//! An application's interactions endpoint, as small as can be: it answers everything the same way and keeps what it was sent.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde_json::{Value, json};
use serenity::interactions_endpoint::Verifier;
use tokio::net::TcpListener;

use super::super::Discord;

struct Inner {
    verifier: Verifier,
    answer: Option<Value>,
    heard: Mutex<Vec<Value>>,
}

#[derive(Clone)]
pub(super) struct App(Arc<Inner>);

impl App {
    /// Everything is delivered to it from now on. None: it accepts, and answers by a call.
    pub(super) async fn start(discord: &Discord, answer: Option<Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        discord.over_http(&format!("http://{}/", listener.local_addr().unwrap()));
        let app = Self(Arc::new(Inner { verifier: Verifier::try_new(discord.public_key()).unwrap(), answer, heard: Mutex::default() }));
        let router = Router::new().route("/", post(hear)).with_state(app.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        app
    }

    /// What was sent to it and rightly signed.
    pub(super) fn heard(&self) -> Vec<Value> {
        self.0.heard.lock().unwrap().clone()
    }
}

async fn hear(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let said = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    if app.0.verifier.verify(&said("x-signature-ed25519"), &said("x-signature-timestamp"), &body).is_err() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let payload: Value = serde_json::from_slice(&body).unwrap();
    app.0.heard.lock().unwrap().push(payload.clone());
    let answer = if payload["type"] == 1 { Some(json!({"type": 1})) } else { app.0.answer.clone() };
    match answer {
        Some(answer) => (StatusCode::OK, answer.to_string()).into_response(),
        None => StatusCode::ACCEPTED.into_response(),
    }
}
