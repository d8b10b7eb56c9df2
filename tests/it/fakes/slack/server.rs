//! The listening side: which address is what, and what an answer carries.

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Path, Request, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{any, get, post},
};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::{
    APP_TOKEN, BOT_TOKEN, Slack,
    api::{self, Refusal},
    faults::{Fault, TooMany},
    fields::Fields,
    hooks, sockets,
};
use crate::fakes::http::{self, cut};

/// What a request to the Web API may weigh, in bytes.
const BODY_LIMIT: usize = 4 << 20;

pub(super) async fn serve(slack: Slack, listener: TcpListener) {
    let router = Router::new()
        .route("/api/{method}", any(call))
        .route("/link/", get(sockets::link))
        .route("/hook/{id}", post(hooks::respond))
        .with_state(slack.clone());
    let down = slack.clone();
    http::serve(listener, router, move || down.state().down).await;
}

async fn call(Shared(slack): Shared<Slack>, Path(method): Path<String>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    if slack.state().down {
        return cut();
    }
    let sent = Sent::read(&head.headers, head.uri.query().unwrap_or_default(), &body);
    slack.state().calls.push((method.clone(), Value::Object(sent.fields.0.clone())));
    let fault = slack.state().fault(&method);
    match fault {
        Some(Fault::CutBefore) => return cut(),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Status(code)) => {
            return (StatusCode::from_u16(code).unwrap(), "upstream connect error or disconnect/reset before headers").into_response();
        }
        Some(Fault::RateLimited { after_seconds }) => return too_many(after_seconds),
        Some(Fault::Error(error)) => return answered(&slack, &method, &sent, Err(Refusal::new(error))),
        Some(Fault::CutAfterEffect) | None => {}
    }
    let limited = slack.state().within_limits(&method, sent.fields.text("channel").unwrap_or_default());
    if let Err(TooMany(after_seconds)) = limited {
        slack.state().refuse(format!("{method}: ratelimited, {after_seconds} s"));
        return too_many(after_seconds);
    }
    let outcome = api::perform(&slack, &method, &sent);
    if matches!(fault, Some(Fault::CutAfterEffect)) {
        return cut();
    }
    answered(&slack, &method, &sent, outcome)
}

fn too_many(after_seconds: u64) -> Response {
    let body = json!({"ok": false, "error": "ratelimited"}).to_string();
    let headers = [(header::RETRY_AFTER, after_seconds.to_string()), (header::CONTENT_TYPE, "application/json; charset=utf-8".to_owned())];
    (StatusCode::TOO_MANY_REQUESTS, headers, body).into_response()
}

fn answered(slack: &Slack, method: &str, sent: &Sent, outcome: Result<Map<String, Value>, Refusal>) -> Response {
    let mut state = slack.state();
    let body = match outcome {
        Ok(mut fields) => {
            fields.insert("ok".to_owned(), json!(true));
            fields
        }
        Err(refusal) => {
            state.refuse(format!("{method}: {refusal}"));
            refusal.into_answer()
        }
    };
    let mut response = (StatusCode::OK, Value::Object(body).to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    let scopes = match sent.token.as_deref() {
        Some(BOT_TOKEN) => state.scopes.iter().cloned().collect::<Vec<_>>().join(","),
        Some(APP_TOKEN) => "connections:write".to_owned(),
        _ => String::new(),
    };
    if !scopes.is_empty() {
        headers.insert("x-oauth-scopes", HeaderValue::from_str(&scopes).unwrap());
    }
    if let Some(needed) = api::scopes_of(method) {
        headers.insert("x-accepted-oauth-scopes", HeaderValue::from_str(needed).unwrap());
    }
    headers.insert("x-slack-req-id", HeaderValue::from_str(&format!("req{}", state.next())).unwrap());
    response
}

/// How the arguments came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Query or form.
    Fields,
    Json,
}

/// A call as it was sent.
pub(super) struct Sent {
    pub(super) manner: Manner,
    pub(super) token: Option<String>,
    pub(super) fields: Fields,
    /// Why the body could not be read.
    pub(super) unreadable: Option<&'static str>,
}

impl Sent {
    fn read(headers: &HeaderMap, query: &str, body: &Bytes) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let mut fields = Fields::of_form(query.as_bytes());
        let (mut manner, mut unreadable) = (Manner::Fields, None);
        if content_type.starts_with("application/json") {
            manner = Manner::Json;
            match serde_json::from_slice(body) {
                Ok(Value::Object(object)) => fields.0.extend(object),
                Ok(_) => unreadable = Some("json_not_object"),
                Err(_) => unreadable = Some("invalid_json"),
            }
        } else if content_type.starts_with("application/x-www-form-urlencoded") {
            fields.0.extend(Fields::of_form(body).0);
        } else if !body.is_empty() {
            unreadable = Some("invalid_post_type");
        }
        let bearer = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
        // In a JSON body a token is not looked for.
        let in_fields = fields.0.remove("token").filter(|_| manner == Manner::Fields).and_then(|v| v.as_str().map(str::to_owned));
        Self { manner, token: bearer.map(str::to_owned).or(in_fields), fields, unreadable }
    }
}
