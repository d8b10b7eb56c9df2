//! The listening side: which address is what, the order in which a call is judged, and what an answer carries.

use std::time::Duration;

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Path, Request as Incoming, State as Shared},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::timeout};

use super::{
    Discord,
    api::{self, Call},
    faults::{Fault, Scope},
    gateway,
    limits::{Standing, TooMany},
};
use crate::fakes::http::{self, cut};

/// What a request may weigh, in bytes.
const BODY_LIMIT: usize = 4 << 20;

/// A request as it arrived, and how it was answered.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// As Discord's API description names it; empty when there is no such call.
    pub(crate) operation: &'static str,
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// Null: none.
    pub(crate) body: Value,
    /// None: not answered, or not yet.
    pub(crate) status: Option<u16>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }
}

pub(super) async fn serve(discord: Discord, listener: TcpListener) {
    let router =
        Router::new().route("/", get(gateway::link)).route("/api/v10/{*path}", any(call)).fallback(elsewhere).with_state(discord.clone());
    http::serve(listener, router, move || discord.state().down).await;
}

async fn elsewhere(Shared(discord): Shared<Discord>, request: Incoming) -> Response {
    let what = format!("{} {}: there is nothing at this address", request.method(), request.uri());
    let mut state = discord.state();
    state.unfit.push(what.clone());
    state.refuse(what);
    drop(state);
    json_answer(404, &json!({"message": "404: Not Found", "code": 0}))
}

async fn call(Shared(discord): Shared<Discord>, Path(path): Path<String>, incoming: Incoming) -> Response {
    let (head, body) = incoming.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    if discord.state().down {
        return cut();
    }
    let found = api::find(&head.method, &path);
    let sent = read(&head.headers, &body);
    let operation = found.as_ref().map_or("", |(operation, _)| operation.name);
    let number = discord.note(Request {
        operation,
        method: head.method.to_string(),
        path: head.uri.to_string(),
        headers: head.headers.clone(),
        body: sent.clone().and_then(Result::ok).unwrap_or_default(),
        status: None,
    });
    let fault = discord.state().fault(operation);
    match &fault {
        Some(Fault::CutBefore) => return cut(),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Status(code)) => {
            discord.settle(number, *code, false);
            return (StatusCode::from_u16(*code).unwrap(), "upstream connect error or disconnect/reset before headers").into_response();
        }
        _ => {}
    }
    let (operation, ids) = match found {
        Ok(found) => found,
        Err(refusal) => {
            discord.state().note_unfit(&format!("{} {}", head.method, head.uri), &refusal);
            return discord.answered(number, "", Err(refusal), None);
        }
    };
    let (standing, too_many) = {
        let mut state = discord.state();
        let now_micros = state.now_micros;
        state.limits.take(operation.name, &operation.major(&ids), operation.is_about_an_interaction(), now_micros)
    };
    let too_many = too_many.map(|many| (if many.global { Scope::Global } else { Scope::Bucket }, many));
    let planned = match &fault {
        Some(Fault::Limited { after, scope }) => Some((*scope, TooMany { after: *after, global: *scope == Scope::Global })),
        _ => None,
    };
    if let Some((scope, many)) = planned.or(too_many) {
        return discord.limited(number, operation.name, scope, &many, &standing);
    }
    if let Some(Fault::Code(code)) = fault {
        return discord.answered(number, operation.name, Err(code.into()), Some(&standing));
    }
    let outcome = if is_named(&head.headers) {
        let call = Call { ids, query: query(head.uri.query().unwrap_or_default()), body: Value::Null };
        discord.let_the_answer_arrive(operation, &call).await;
        let authorization = head.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        operation.perform(&discord, authorization, sent, call)
    } else {
        Err(40001.into())
    };
    if let Err(refusal) = &outcome {
        discord.state().note_unfit(operation.name, refusal);
    }
    if matches!(fault, Some(Fault::CutAfterEffect)) {
        discord.tell();
        return cut();
    }
    discord.answered(number, operation.name, outcome, Some(&standing))
}

/// The body as JSON; None: there is none.
fn read(headers: &HeaderMap, body: &Bytes) -> Option<Result<Value, ()>> {
    if body.is_empty() {
        return None;
    }
    let is_json = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    Some(if is_json { serde_json::from_slice(body).map_err(|_| ()) } else { Err(()) })
}

fn query(text: &str) -> std::collections::BTreeMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().filter(|(name, _)| !name.is_empty()).collect()
}

/// Without a client's name Discord's front closes the door.
fn is_named(headers: &HeaderMap) -> bool {
    headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).is_some_and(|name| name.starts_with("DiscordBot ("))
}

fn json_answer(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    let mut response = if body.is_null() { status.into_response() } else { (status, body.to_string()).into_response() };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Seconds with three places, as Discord writes them.
fn seconds(after: Duration) -> String {
    format!("{:.3}", after.as_secs_f64())
}

fn say(response: &mut Response, name: &'static str, value: &str) {
    response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
}

fn say_standing(response: &mut Response, standing: &Standing) {
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970, with three places")]
    let resets = standing.resets_micros as f64 / 1e6;
    say(response, "x-ratelimit-limit", &standing.limit.to_string());
    say(response, "x-ratelimit-remaining", &standing.remaining.to_string());
    say(response, "x-ratelimit-reset", &format!("{resets:.3}"));
    say(response, "x-ratelimit-reset-after", &seconds(standing.after));
    say(response, "x-ratelimit-bucket", &standing.bucket);
}

impl Discord {
    /// Notes a request; gives its number.
    fn note(&self, request: Request) -> usize {
        let mut state = self.state();
        state.requests.push(request);
        let number = state.requests.len() - 1;
        drop(state);
        self.tell();
        number
    }

    /// What the endpoint answered is on its way when what follows it is already sent: Discord reads the answer first.
    async fn let_the_answer_arrive(&self, operation: &api::Operation, call: &Call) {
        const ON_ITS_WAY: Duration = Duration::from_millis(250);
        if operation.follows_an_answer() && self.address().is_some() {
            let _ = timeout(ON_ITS_WAY, self.until_answered(call.token())).await;
        }
    }

    /// Notes how it was answered.
    fn settle(&self, number: usize, status: u16, shared: bool) {
        let mut state = self.state();
        state.requests[number].status = Some(status);
        let now_micros = state.now_micros;
        state.limits.count(status, shared, now_micros);
        drop(state);
        self.tell();
    }

    fn answered(&self, number: usize, operation: &str, outcome: api::Answer, standing: Option<&Standing>) -> Response {
        let (status, body) = outcome.unwrap_or_else(|refusal| {
            let mut state = self.state();
            let path = state.requests[number].path.clone();
            let what = if operation.is_empty() { &path } else { operation };
            state.refuse(format!("{what}: {refusal}"));
            (refusal.status, refusal.body())
        });
        self.settle(number, status, false);
        let mut response = json_answer(status, &body);
        if let Some(standing) = standing {
            say_standing(&mut response, standing);
        }
        response
    }

    fn limited(&self, number: usize, operation: &str, scope: Scope, many: &TooMany, standing: &Standing) -> Response {
        self.state().refuse(format!("{operation}: 429 for {} s, {scope:?}", seconds(many.after)));
        self.settle(number, 429, scope == Scope::Shared);
        let body = json!({"message": "You are being rate limited.", "retry_after": many.after.as_secs_f64(), "global": many.global});
        let mut response = json_answer(429, &body);
        let whole = many.after.as_secs() + u64::from(many.after.subsec_nanos() > 0);
        say(&mut response, "retry-after", &whole.to_string());
        if many.global {
            say(&mut response, "x-ratelimit-global", "true");
        } else {
            let standing = Standing { remaining: 0, after: many.after, bucket: standing.bucket.clone(), ..*standing };
            say_standing(&mut response, &standing);
        }
        say(
            &mut response,
            "x-ratelimit-scope",
            match scope {
                Scope::Bucket => "user",
                Scope::Shared => "shared",
                Scope::Global => "global",
            },
        );
        response
    }
}
