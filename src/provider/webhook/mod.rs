//! Adapters that are a service of their own: each call is one signed HTTPS request. Carries and bounds; what is said is for
//! `protocol`. Described in docs/webhook.md.

mod answer;
mod guard;
mod ids;
mod ranges;
mod settings;
mod sign;

#[cfg(test)]
mod tests;

use std::{error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{
    Client,
    dns::Resolve,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderValue},
    redirect,
};
use serde_json::Value;
use url::Url;

pub use self::settings::Settings;
use self::{
    guard::{Guard, Machine, Refused},
    ids::Ids,
    sign::Keys,
};
use super::{
    Fault, FaultKind,
    protocol::{Answer, Carrier, Outside, Secrets, compact, line},
};
use crate::{
    clock::Clock,
    domain::time::{Instant, Span},
};

/// How far a receiver's clock may be behind ours: it counts the time that a call has from the call's timestamp.
const SLACK: Span = Span::from_seconds(5);
/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);

/// An adapter that is a service.
pub type Webhook = Outside<Https>;

/// The way to a receiver.
pub struct Https {
    client: Client,
    url: Url,
    keys: Keys,
    ids: Ids,
    clock: Arc<dyn Clock>,
    secrets: Secrets,
}

/// What is wrong with what the settings refer to: the key, and why.
pub(super) fn look(settings: &Settings) -> Result<(), (&'static str, String)> {
    settings.read().map(drop)
}

impl Webhook {
    /// Asks the receiver what it is. One that cannot be reached is asked again when it is needed.
    /// # Errors
    /// The settings refer to something that is not there, or what it is cannot be used.
    pub async fn start(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        Self::start_with(settings, clock, Arc::new(Machine)).await
    }

    /// The same, with somebody else who knows the addresses of names.
    /// # Errors
    /// As for `start`.
    pub async fn start_with(settings: Settings, clock: Arc<dyn Clock>, names: Arc<dyn Resolve>) -> Result<Self, Fault> {
        let invalid = |why: String| Fault::new(FaultKind::Invalid, why);
        let read = settings.read().map_err(|(key, why)| invalid(format!("{key}: {why}")))?;
        let config = serde_json::to_value(&settings.config).map_err(|error| invalid(format!("config: {error}")))?;
        let mut headers = read.headers;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut client = Client::builder()
            .user_agent(concat!("hallpass/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .https_only(settings.url.scheme() == "https")
            .connect_timeout(CONNECT)
            // Each call has a connection of its own, whose address is judged.
            .pool_max_idle_per_host(0)
            .http1_only()
            .dns_resolver(Arc::new(Guard::new(settings.allow, names)));
        if let Some(authorities) = read.authorities {
            client = client.tls_certs_only(authorities);
        }
        let client = client.build().map_err(|error| invalid(format!("the client for {}: {}", host(&settings.url), root(&error))))?;
        let secrets = Secrets::new(read.untold);
        let (keys, ids) = (Keys::new(read.keys), Ids::default());
        let https = Https { client, url: settings.url, keys, ids, clock, secrets: secrets.clone() };
        Self::met_or_later("webhook", https, config, secrets).await
    }
}

#[async_trait]
impl Carrier for Https {
    const SLACK: Span = SLACK;
    const WELL: &'static str = "a status from 200 to 299";
    const LEAST: Duration = Duration::from_secs(1);
    /// A gateway's page of maintenance has a good status often enough.
    const MAY_BE_ANOTHERS: bool = true;

    /// Rounded down: only the receiver itself keeps its change from coming after them.
    fn seconds(limit: Duration) -> u64 {
        limit.as_secs()
    }

    async fn call(&self, op: &str, request: &Value, limit: Duration) -> Result<Answer, Fault> {
        let body = compact(request)?;
        let now = self.now();
        let id = self.ids.of(op, request, now);
        let signatures = self.keys.signatures(&id, now.seconds(), &body);
        let post = self
            .client
            .post(self.url.clone())
            .header("webhook-id", id)
            .header("webhook-timestamp", now.seconds())
            .header("webhook-signature", signatures)
            .body(body);
        let answer = async {
            let response = post.send().await.map_err(|error| self.lost(&error))?;
            answer::read(response, now).await
        };
        let late = |_| Fault::new(FaultKind::Ambiguous, format!("no answer within {} s", limit.as_secs_f32()));
        tokio::time::timeout(limit, answer).await.map_err(late)?
    }

    fn settled(&self, op: &str, request: &Value) {
        self.ids.settled(op, request);
    }
}

impl Https {
    /// As the receiver's clock has it.
    fn now(&self) -> Instant {
        self.clock.real(self.clock.now())
    }

    /// A connection that never stood changed nothing; any other end may come after the change.
    fn lost(&self, error: &reqwest::Error) -> Fault {
        let why = line(&self.secrets.out_of(&root(error)));
        let host = host(&self.url);
        if error.is_connect() {
            return Fault::new(FaultKind::Transient, format!("{host} cannot be connected to: {why}"));
        }
        Fault::new(FaultKind::Ambiguous, format!("{host} gave no answer: {why}"))
    }
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What is behind an error: the guard's own words, or the last cause.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &(dyn Error + 'static) = error;
    while let Some(behind) = cause.source().filter(|_| !cause.is::<Refused>()) {
        cause = behind;
    }
    cause.to_string()
}
