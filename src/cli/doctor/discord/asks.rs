//! One question to Discord's API at a time, each with a deadline. Nothing is asked twice: what is refused or limited is told.
//! The bot's own client paces and sorts what it sends; a person who looks wants to read what Discord says.

use std::time::Duration;

use reqwest::{
    Client, Response,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
    redirect,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::super::words::causes;

/// Longest that an answer is waited for.
const DEADLINE: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes.
const ANSWER_MAX: usize = 8 << 20;

/// Who asks, and where.
pub(super) struct Asks {
    client: Client,
    bearer: HeaderValue,
    api_url: String,
}

/// What Discord says.
pub(super) struct Answer {
    pub(super) body: Value,
    /// Before the next question of this kind, where this was the last one that is free.
    pub(super) pause: Option<Duration>,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// `code` is Discord's own, 0 where it gives none.
    Refused {
        status: u16,
        code: u64,
        message: String,
    },
    Limited(Duration),
    Unreachable(String),
}

impl Fault {
    pub(super) const fn code(&self) -> u64 {
        match self {
            Self::Refused { code, .. } => *code,
            Self::Limited(_) | Self::Unreachable(_) => 0,
        }
    }

    /// The token is none.
    pub(super) const fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused { status: 401, .. })
    }
}

impl Asks {
    /// # Errors
    /// The token cannot be sent, or the machine has no TLS.
    pub(super) fn new(api_url: &str, token: &SecretString) -> Result<Self, String> {
        let mut bearer = HeaderValue::from_str(&format!("Bot {}", token.expose_secret()))
            .map_err(|_| "the token has characters that no token has".to_owned())?;
        bearer.set_sensitive(true);
        // The token goes where bot.toml says and nowhere else.
        let client = Client::builder().no_proxy().redirect(redirect::Policy::none()).user_agent(serenity::constants::USER_AGENT);
        let client = client.build().map_err(|error| causes(&error))?;
        Ok(Self { client, bearer, api_url: api_url.to_owned() })
    }

    /// `path` begins behind the version: `/users/@me`.
    pub(super) async fn ask(&self, path: &str) -> Result<Answer, Fault> {
        let unreachable = |why: String| Fault::Unreachable(format!("{} does not answer: {why}", self.api_url));
        let asked = async {
            let request = self.client.get(format!("{}/api/v10{path}", self.api_url)).header(AUTHORIZATION, self.bearer.clone());
            let response = request.send().await?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok::<_, reqwest::Error>((status, headers, body(response).await?))
        };
        match tokio::time::timeout(DEADLINE, asked).await {
            Err(_) => Err(unreachable(format!("no answer within {} s", DEADLINE.as_secs()))),
            Ok(Err(error)) => Err(unreachable(causes(&error.without_url()))),
            Ok(Ok((status, headers, body))) => {
                read(status.as_u16(), &headers, &body).unwrap_or_else(|| Err(unreachable(format!("HTTP status {status}"))))
            }
        }
    }
}

/// As far as it is read: what is longer is no answer that is expected here.
async fn body(mut response: Response) -> reqwest::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > ANSWER_MAX {
            break;
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// None: no answer of Discord's.
fn read(status: u16, headers: &HeaderMap, body: &[u8]) -> Option<Result<Answer, Fault>> {
    let seconds = |name: &str| headers.get(name)?.to_str().ok()?.parse::<f64>().ok();
    let length = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
    let body: Option<Value> = serde_json::from_slice(body).ok();
    if status == 429 {
        let said = body.as_ref().and_then(|body| body["retry_after"].as_f64()).or_else(|| seconds("retry-after"));
        return Some(Err(Fault::Limited(said.and_then(length).unwrap_or(Duration::from_secs(1)))));
    }
    let body = body?;
    if (200..300).contains(&status) {
        let is_last = seconds("x-ratelimit-remaining").is_some_and(|left| left < 1.0);
        let pause = seconds("x-ratelimit-reset-after").filter(|_| is_last).and_then(length);
        return Some(Ok(Answer { body, pause }));
    }
    let message = body["message"].as_str()?.to_owned();
    Some(Err(Fault::Refused { status, code: body["code"].as_u64().unwrap_or_default(), message }))
}
