//! Two small apps to deliver to: one with addresses, one with sockets. Both keep what came and answer what the test says.

use std::{
    collections::VecDeque,
    error::Error,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde_json::{Value, json};
use slack_morphism::{
    clients_manager::{SlackSocketModeClientsManager, SlackSocketModeClientsManagerFactory as _},
    listener::SlackClientEventsListenerEnvironment,
    prelude::*,
    signature_verifier::SlackEventSignatureVerifier,
};
use tokio::net::TcpListener;

use super::{super::Slack, client, token};

#[derive(Clone)]
pub(super) struct App(Arc<Kept>);

struct Kept {
    url: String,
    secret: SlackSigningSecret,
    /// Where it came, and the payload.
    seen: Mutex<Vec<(String, Value)>>,
    headers: Mutex<Vec<HeaderMap>>,
    answers: Mutex<VecDeque<Value>>,
}

impl App {
    fn new(slack: &Slack, url: String) -> Self {
        Self(Arc::new(Kept {
            url,
            secret: slack.signing_secret().to_owned().into(),
            seen: Mutex::default(),
            headers: Mutex::default(),
            answers: Mutex::default(),
        }))
    }

    /// An app with addresses, which refuses what Slack did not sign.
    pub(super) async fn over_http(slack: &Slack) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Self::new(slack, url);
        let router = Router::new().route("/slack/{what}", post(receive)).with_state(app.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        slack.over_http(app.url());
        app
    }

    /// An app with so many sockets, by the product's client.
    pub(super) async fn over_sockets(slack: &Slack, count: u32) -> Self {
        let app = Self::new(slack, String::new());
        let config = SlackClientSocketModeConfig::new()
            .with_max_connections_count(count)
            .with_initial_backoff_in_seconds(0)
            .with_reconnect_timeout_in_seconds(1);
        let client = Arc::new(client(slack));
        let environment = Arc::new(SlackClientEventsListenerEnvironment::new(client.clone()));
        let manager = client.http_api.connector.new_clients_manager(environment);
        let listener = Listener { app: app.clone(), manager: Mutex::new(Some(manager.clone())) };
        manager.register_new_token(&config, token(slack.app_token()), Arc::new(listener)).await.unwrap();
        manager.start().await;
        slack.over_sockets().connected(count as usize).await;
        app
    }

    pub(super) fn url(&self) -> &str {
        &self.0.url
    }

    /// The answer to the next thing that comes, and so on; empty when none is left.
    pub(super) fn answer(&self, body: Value) {
        self.0.answers.lock().unwrap().push_back(body);
    }

    pub(super) fn seen(&self) -> Vec<(String, Value)> {
        self.0.seen.lock().unwrap().clone()
    }

    pub(super) fn last(&self) -> Value {
        self.0.seen.lock().unwrap().last().expect("nothing came").1.clone()
    }

    pub(super) fn last_header(&self, name: &str) -> Option<String> {
        self.0.headers.lock().unwrap().last()?.get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    fn take(&self, place: &str, payload: Value) -> Option<Value> {
        self.0.seen.lock().unwrap().push((place.to_owned(), payload));
        self.0.answers.lock().unwrap().pop_front()
    }
}

async fn receive(State(app): State<App>, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let verifier = SlackEventSignatureVerifier::new(&app.0.secret);
    if verifier.verify(header("x-slack-signature"), &body, header("x-slack-request-timestamp")).is_err() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let fields = || url::form_urlencoded::parse(body.as_bytes()).map(|(k, v)| (k.into_owned(), Value::from(v.into_owned())));
    let payload = match uri.path() {
        "/slack/events" => serde_json::from_str(&body).unwrap(),
        "/slack/interactive" => serde_json::from_str(fields().next().unwrap().1.as_str().unwrap()).unwrap(),
        _ => Value::Object(fields().collect()),
    };
    app.0.headers.lock().unwrap().push(headers.clone());
    match app.take(uri.path(), payload) {
        Some(answer) => Json(answer).into_response(),
        None => StatusCode::OK.into_response(),
    }
}

struct Listener {
    app: App,
    manager: Mutex<Option<Arc<dyn SlackSocketModeClientsManager + Send + Sync>>>,
}

#[async_trait::async_trait]
impl SlackSocketModeClientListener for Listener {
    async fn on_message(&self, _: &SlackSocketModeWssClientId, body: String) -> Option<String> {
        let message: Value = serde_json::from_str(&body).unwrap();
        let envelope = message["envelope_id"].as_str()?;
        let answer = self.app.take(message["type"].as_str().unwrap(), message["payload"].clone());
        Some(
            answer
                .map_or_else(|| json!({"envelope_id": envelope}), |payload| json!({"envelope_id": envelope, "payload": payload}))
                .to_string(),
        )
    }

    async fn on_error(&self, _: Box<dyn Error + Send + Sync>) {}

    async fn on_disconnect(&self, id: &SlackSocketModeWssClientId) {
        let manager = self.manager.lock().unwrap().clone();
        if let Some(manager) = manager {
            manager.restart_client(id).await;
        }
    }
}
