//! The way to Discord: one HTTP client, made when it is first needed, and what it brings back. Must not judge an answer.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, Request, Response, header::HeaderMap, redirect};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{super::pace::Heard, Trouble};

/// Largest answer that is read, in bytes: a hundred of the longest messages are well below.
const ANSWER: usize = 8 * 1024 * 1024;

/// The client. Reading the machine's certificates takes longer than a start may wait before it ends what is due, so that it is
/// made at the first call.
#[derive(Default)]
pub(super) struct Way(OnceCell<Client>);

impl Way {
    pub(super) async fn client(&self) -> Result<Client, Trouble> {
        let make = || async {
            let made = tokio::task::spawn_blocking(client).await.map_err(|error| error.to_string());
            made.and_then(|made| made.map_err(|error| error.to_string())).map_err(Trouble::Unanswered)
        };
        self.0.get_or_try_init(make).await.cloned()
    }
}

/// Goes nowhere but where it is told: no redirects, no proxy from the environment. Of HTTP/1 only: there a call that is given up
/// closes its connection.
fn client() -> reqwest::Result<Client> {
    Client::builder().no_proxy().redirect(redirect::Policy::none()).build()
}

/// What came back.
pub(super) struct Answer {
    pub heard: Heard,
    /// None: it is no JSON.
    pub body: Option<Value>,
}

pub(super) async fn send(client: &Client, request: Request) -> Result<Answer, Trouble> {
    // The error's own words may hold the URL.
    let failed = |error: reqwest::Error| {
        let error: Arc<dyn std::error::Error> = Arc::new(error.without_url());
        Trouble::Unanswered(words(&*error))
    };
    let mut response = client.execute(request).await.map_err(failed)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > ANSWER {
            return Err(Trouble::Unanswered("an answer that is too long".to_owned()));
        }
        bytes.extend_from_slice(&chunk);
    }
    let body = serde_json::from_slice(&bytes).ok();
    Ok(Answer { heard: heard(&response, body.as_ref()), body })
}

/// An error with what caused it.
fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn heard(response: &Response, body: Option<&Value>) -> Heard {
    let status = response.status().as_u16();
    // Without a body of Discord's it is said by what stands before it, of this address and whatever is called.
    let wholly = status == 429 && body.is_none();
    let (headers, body) = (response.headers(), body.unwrap_or(&Value::Null));
    let scope = text(headers, "x-ratelimit-scope");
    let said = body["retry_after"].as_f64().or_else(|| number(headers, "retry-after"));
    Heard {
        status,
        code: body["code"].as_u64().filter(|_| status >= 400).and_then(|code| code.try_into().ok()).unwrap_or_default(),
        bucket: text(headers, "x-ratelimit-bucket").map(str::to_owned),
        limit: text(headers, "x-ratelimit-limit").and_then(|limit| limit.parse().ok()),
        remaining: text(headers, "x-ratelimit-remaining").and_then(|remaining| remaining.parse().ok()),
        reset_after: number(headers, "x-ratelimit-reset-after").and_then(seconds),
        retry_after: said.and_then(seconds),
        global: wholly || scope == Some("global") || text(headers, "x-ratelimit-global").is_some() || body["global"] == true,
        shared: scope == Some("shared"),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    text(headers, name)?.parse().ok()
}

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}
