//! One question to Slack's Web API at a time, with its answer's scopes: those stand in a header, which the library that the
//! bot speaks through does not show. Each question has a deadline; a limit of rate is waited for, twice at most.

use std::{collections::BTreeSet, time::Duration};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header},
};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::super::words::causes;

/// Longest that an answer is waited for.
const DEADLINE: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes.
const ANSWER_MAX: usize = 16 << 20;
/// Longest that a limit of rate is waited for, and how often.
const PAUSE_MAX: Duration = Duration::from_mins(1);
const PAUSES: usize = 2;

/// Who asks, and where.
pub(super) struct Asks {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    api_url: String,
}

/// What Slack says.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Value,
    /// What the token may do, where Slack says so.
    pub(super) scopes: Option<BTreeSet<String>>,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Slack's error, and the scope that is missing, if it is that.
    Refused {
        error: String,
        needed: Option<String>,
    },
    Unreachable(String),
}

/// What came of one try.
enum Tried {
    Answered(Answer),
    Wait(Duration),
    Failed(Fault),
}

impl Asks {
    /// # Errors
    /// The certificates of the system cannot be read.
    pub(super) fn new(api_url: &str) -> std::io::Result<Self> {
        // In clear only where the configuration allows it: to this machine.
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), api_url: api_url.to_owned() })
    }

    pub(super) async fn ask(&self, token: &SecretString, method: &str, fields: &[(&str, &str)]) -> Result<Answer, Fault> {
        for paused in 0..=PAUSES {
            match self.once(token, method, fields).await {
                Tried::Answered(answer) => return Ok(answer),
                Tried::Failed(fault) => return Err(fault),
                Tried::Wait(pause) if paused < PAUSES => tokio::time::sleep(pause.min(PAUSE_MAX)).await,
                Tried::Wait(_) => {}
            }
        }
        Err(Fault::Refused { error: "ratelimited".to_owned(), needed: None })
    }

    async fn once(&self, token: &SecretString, method: &str, fields: &[(&str, &str)]) -> Tried {
        let unreachable = |why: String| Tried::Failed(Fault::Unreachable(format!("{} does not answer: {why}", self.api_url)));
        let request = match self.request(token, method, fields) {
            Ok(request) => request,
            Err(why) => return unreachable(why),
        };
        let asked = async {
            let (head, body) = self.client.request(request).await.map_err(|error| causes(&error))?.into_parts();
            let body = to_bytes(Body::new(body), ANSWER_MAX).await.map_err(|error| causes(&error))?;
            Ok::<_, String>((head.status, head.headers, body))
        };
        match tokio::time::timeout(DEADLINE, asked).await {
            Err(_) => unreachable(format!("no answer within {} s", DEADLINE.as_secs())),
            Ok(Err(why)) => unreachable(why),
            Ok(Ok((status, headers, body))) => {
                read(status, &headers, &body).unwrap_or_else(|| unreachable(format!("HTTP status {status}")))
            }
        }
    }

    fn request(&self, token: &SecretString, method: &str, fields: &[(&str, &str)]) -> Result<Request<Body>, String> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
            .map_err(|_| "the token has characters that no token has".to_owned())?;
        bearer.set_sensitive(true);
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::builder().method(Method::POST).uri(format!("{}/{method}", self.api_url));
        let request = request.header(header::AUTHORIZATION, bearer).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.body(Body::from(form)).map_err(|error| error.to_string())
    }
}

/// None: no answer of Slack's.
fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Tried> {
    if status == StatusCode::TOO_MANY_REQUESTS {
        let seconds = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        return Some(Tried::Wait(Duration::from_secs(seconds.unwrap_or(1))));
    }
    let body: Value = serde_json::from_slice(body).ok().filter(|_| status.is_success())?;
    if body["ok"] == true {
        let scopes = headers.get("x-oauth-scopes").and_then(|value| value.to_str().ok());
        let scopes = scopes.map(|list| list.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect());
        return Some(Tried::Answered(Answer { body, scopes }));
    }
    let needed = body["needed"].as_str().map(str::to_owned);
    Some(Tried::Failed(Fault::Refused { error: body["error"].as_str()?.to_owned(), needed }))
}
