//! Slack's Web API through its crate: every call bounded in time, every fault sorted into what is worth another try, what a human
//! must mend, and what is gone. Must not retry: that is the workers' business.

use std::{sync::Arc, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use slack_morphism::{
    SlackApiToken, SlackApiTokenValue, SlackClient, SlackClientApiCallContext, SlackClientHttpConnector as _, errors::SlackClientError,
    hyper_tokio::SlackClientHyperHttpsConnector,
};
use tokio::sync::OnceCell;

use crate::{chat::ChatFault, domain::time::Span};

/// Longest that one call may take, unless it is set otherwise. Slack itself gives up on us after three seconds; the other way
/// round it may be slower.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Answers of Slack that mean: later.
const LATER: [&str; 9] = [
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
    "ratelimited",
    "rate_limited",
    "message_limit_exceeded",
    "external_channel_migrating",
];
/// Answers that mean: the message is not there any more.
const GONE: [&str; 3] = ["message_not_found", "thread_not_found", "cant_update_message"];

/// The client of one token.
pub(super) struct Api {
    pub(super) way: Arc<Way>,
    token: SlackApiToken,
    /// Longest that one call may take.
    patience: Duration,
}

/// Why Slack did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Its own code, such as `channel_not_found`, with what it says about it.
    Said { code: String, details: String },
    /// Too much at once: not before this.
    Limited(Option<Duration>),
    /// No answer, or none that means anything: it may have happened or not.
    Unanswered(String),
}

impl Trouble {
    pub(super) fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Said { code, .. } if code == wanted)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Said { code, details } if details.is_empty() => write!(f, "Slack says {code}"),
            Self::Said { code, details } => write!(f, "Slack says {code} ({details})"),
            Self::Limited(_) => f.write_str("Slack asks for a pause"),
            Self::Unanswered(why) => write!(f, "Slack does not answer: {why}"),
        }
    }
}

impl From<Trouble> for ChatFault {
    fn from(trouble: Trouble) -> Self {
        let why = trouble.to_string();
        match trouble {
            Trouble::Limited(after) => Self::Transient { why, retry_after: after.and_then(whole_seconds) },
            Trouble::Unanswered(_) => Self::Transient { why, retry_after: None },
            Trouble::Said { code, .. } if GONE.contains(&code.as_str()) => Self::Gone,
            Trouble::Said { code, .. } if LATER.contains(&code.as_str()) => Self::Transient { why, retry_after: None },
            Trouble::Said { .. } => Self::Permanent { why },
        }
    }
}

fn whole_seconds(after: Duration) -> Option<Span> {
    i64::try_from(after.as_secs()).ok().map(Span::from_seconds)
}

/// The way to Slack's methods, made when it is first needed: reading the machine's certificates takes longer than a start may wait
/// before it ends what is due.
pub(super) struct Way {
    api_url: String,
    made: OnceCell<Arc<SlackClient<SlackClientHyperHttpsConnector>>>,
}

impl Way {
    pub(super) fn new(api_url: &str) -> Arc<Self> {
        Arc::new(Self { api_url: api_url.to_owned(), made: OnceCell::new() })
    }

    pub(super) async fn client(&self) -> Result<Arc<SlackClient<SlackClientHyperHttpsConnector>>, Trouble> {
        let make = || async {
            let api_url = self.api_url.clone();
            let made = tokio::task::spawn_blocking(move || connector(&api_url)).await.map_err(|error| error.to_string());
            made.flatten().map(|connector| Arc::new(SlackClient::new(connector))).map_err(Trouble::Unanswered)
        };
        self.made.get_or_try_init(make).await.cloned()
    }
}

/// The connector of the crate with this base: https everywhere but on this machine, which the configuration sees to.
fn connector(api_url: &str) -> Result<SlackClientHyperHttpsConnector, String> {
    let roots =
        hyper_rustls::HttpsConnectorBuilder::new().with_native_roots().map_err(|error| format!("the system's certificates: {error}"))?;
    // Of HTTP/1 only: there a call that is given up closes its connection, while a dead one of HTTP/2 would be used on and on.
    let https = roots.https_or_http().enable_http1().build();
    Ok(SlackClientHyperHttpsConnector::from(https).with_slack_api_url(api_url))
}

pub(super) fn token(secret: &SecretString) -> SlackApiToken {
    SlackApiToken::new(SlackApiTokenValue(secret.expose_secret().to_owned()))
}

impl Api {
    pub(super) fn new(way: Arc<Way>, secret: &SecretString, patience: Duration) -> Self {
        Self { way, token: token(secret), patience }
    }

    /// A method that changes something, or takes JSON.
    pub(super) async fn post(&self, method: &str, body: &Value) -> Result<Value, Trouble> {
        let client = self.way.client().await?;
        let session = client.open_session(&self.token);
        self.timed(session.http_session_api.http_post::<_, Value>(method, body, None)).await
    }

    /// A method that reads; most of these take no JSON.
    pub(super) async fn get(&self, method: &str, params: &[(&str, String)]) -> Result<Value, Trouble> {
        let client = self.way.client().await?;
        let session = client.open_session(&self.token);
        let params: Vec<(&str, Option<&String>)> = params.iter().map(|(key, value)| (*key, Some(value))).collect();
        self.timed(session.http_session_api.http_get::<Value, _, _>(method, &params, None)).await
    }

    async fn timed(&self, call: impl Future<Output = Result<Value, SlackClientError>>) -> Result<Value, Trouble> {
        match tokio::time::timeout(self.patience, call).await {
            Err(_) => Err(Trouble::Unanswered(format!("nothing within {} s", self.patience.as_secs()))),
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(sorted(error)),
        }
    }

    /// An answer to a press or a command, at the place that came with it. The caller has checked the host.
    pub(super) async fn respond(&self, url: &str, body: &Value) -> Result<(), Trouble> {
        let url = url.parse().map_err(|_| Trouble::Unanswered("the place for answers is no URL".to_owned()))?;
        let (rate_control_params, tracing_span) = (None, &tracing::Span::none());
        let context = SlackClientApiCallContext { rate_control_params, token: None, tracing_span, is_sensitive_url: true };
        let client = self.way.client().await?;
        self.timed(client.http_api.connector.http_post_uri::<_, Value>(url, body, context)).await.map(drop)
    }
}

/// Never quotes a body: it may hold what people wrote.
fn sorted(error: SlackClientError) -> Trouble {
    match error {
        SlackClientError::ApiError(error) => {
            let details = error.errors.into_iter().flatten().chain(error.warnings.into_iter().flatten()).collect::<Vec<_>>().join("; ");
            Trouble::Said { code: error.code, details: details.chars().take(200).collect() }
        }
        SlackClientError::RateLimitError(error) => Trouble::Limited(error.retry_after),
        SlackClientError::HttpError(error) => Trouble::Unanswered(format!("status {}", error.status_code.as_u16())),
        SlackClientError::ProtocolError(_) => Trouble::Unanswered("an answer that is no JSON of Slack's".to_owned()),
        _ => Trouble::Unanswered("the connection failed".to_owned()),
    }
}
