//! Discord's HTTP API: requests are serenity's, sent by a client of our own, since what Discord says of its limits is in headers
//! that serenity does not hand on. Every call is bounded in time, paced, and its fault sorted. Must not retry: that is the
//! workers' business. No URL or token ever stands in an error or the log: those of interactions are secrets.

mod interactions;
mod way;

use std::{sync::Arc, time::Duration};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use serenity::http::{LightMethod, Request, Route};
use tokio::sync::watch;

pub(super) use self::interactions::Starts;
use self::way::{Answer, Way};
use super::{
    Discord, Settings, Trouble,
    pace::{Flight, Heard, Key, Pace},
};
use crate::clock::Clock;

/// Longest that one call may take, unless it is set otherwise.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// What serenity's routes begin with, before the path that limits are counted by.
const VERSION: &str = "/api/v10";
/// As a token that Discord does not accept is hardly tried again: that would only get this address shut out.
const NO_TOKEN: &str =
    "Discord does not accept the bot's token: put a new one where discord.bot_token is read from, and start the bot again";
/// Until edits of old messages are tried again, where Discord does not say.
const OLD_EDITS_PAUSE: Duration = Duration::from_mins(5);
/// Until anything is tried again that was too much, where Discord does not say.
const PAUSE: Duration = Duration::from_mins(1);

/// The client of one token.
pub(super) struct Api {
    way: Way,
    token: SecretString,
    base: String,
    patience: Duration,
    pace: Pace,
    clock: Arc<dyn Clock>,
    /// The token was refused: nothing is called with it any more, but to see whether it is accepted again.
    refused: watch::Sender<bool>,
}

/// One call.
pub(super) struct Call<'a> {
    method: LightMethod,
    route: Route<'a>,
    params: Vec<(&'static str, String)>,
    body: Option<&'a Value>,
    /// Which place refuses, if it is refused, and is left alone for a while; None: the channel or guild that it is about; empty:
    /// nothing is left alone, since something else is tried then.
    place: Option<&'a str>,
    /// For the guild's audit log.
    reason: Option<&'a str>,
}

impl<'a> Call<'a> {
    pub(super) const fn new(method: LightMethod, route: Route<'a>) -> Self {
        Self { method, route, params: Vec::new(), body: None, place: None, reason: None }
    }

    pub(super) const fn body(mut self, body: &'a Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The values must need no encoding.
    pub(super) fn param(mut self, key: &'static str, value: &str) -> Self {
        self.params.push((key, value.to_owned()));
        self
    }

    pub(super) const fn at(mut self, place: &'a str) -> Self {
        self.place = Some(place);
        self
    }

    /// Of letters, digits, spaces and commas, at most 500.
    pub(super) const fn because(mut self, reason: &'a str) -> Self {
        self.reason = Some(reason);
        self
    }

    fn key(&self) -> Key {
        let path = self.route.path();
        let path = path.split_once(VERSION).map_or(path.as_ref(), |(_, path)| path);
        Key::new(self.method.reqwest_method().as_str(), path)
    }

    fn request(self) -> Request<'a> {
        let headers = self.reason.map(|reason| {
            let reason = HeaderValue::from_str(&reason.replace(' ', "%20").replace(',', "%2C"));
            reason.ok().map(|reason| (HeaderName::from_static("x-audit-log-reason"), reason)).into_iter().collect::<HeaderMap>()
        });
        let body = self.body.map(|body| body.to_string().into_bytes());
        Request::new(self.route, self.method).body(body).headers(headers).params((!self.params.is_empty()).then_some(self.params))
    }
}

impl Api {
    pub(super) fn new(settings: &Settings, clock: Arc<dyn Clock>) -> Self {
        Self {
            way: Way::default(),
            token: settings.bot_token.clone(),
            base: settings.api_url.clone(),
            patience: settings.patience,
            pace: Pace::default(),
            clock,
            refused: watch::Sender::new(false),
        }
    }

    /// How much longer until a call of this kind may be made; None: now.
    pub(super) fn wait(&self, method: &str, path: &str, place: &str) -> Option<Duration> {
        // With a token that is refused nothing waits: it is told so at once.
        if self.is_refused() { None } else { self.pace.wait(&Key::new(method, path), place, self.clock.monotonic()) }
    }

    /// Could a call of this kind be made now and leave others enough? For what can wait.
    pub(super) fn is_roomy(&self, method: &str, path: &str, place: &str) -> bool {
        self.is_refused() || self.pace.is_roomy(&Key::new(method, path), place, self.clock.monotonic())
    }

    fn is_refused(&self) -> bool {
        *self.refused.borrow()
    }

    /// Whether Discord refused the bot's token last.
    pub(super) fn refused(&self) -> watch::Receiver<bool> {
        self.refused.subscribe()
    }

    /// Calls Discord with the bot's token, if its pacing allows it now.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Value, Trouble> {
        if self.is_refused() { Err(Trouble::Stopped(NO_TOKEN.to_owned())) } else { self.try_token(call).await }
    }

    /// The same, though Discord refused the token: once in a while, to see whether it still does.
    pub(super) async fn try_token(&self, call: Call<'_>) -> Result<Value, Trouble> {
        let key = call.key();
        let place = call.place.map_or_else(|| key.top().to_owned(), str::to_owned);
        let flight: Flight<'_> =
            self.pace.take(&key, &place, self.clock.monotonic()).map_err(|after| Trouble::Limited { after, global: false })?;
        let answer = self.send(call.request(), true, self.patience).await?;
        self.pace.heard(&key, &place, &answer.heard, self.clock.monotonic());
        drop(flight);
        if answer.heard.status == 401 {
            if !self.refused.send_replace(true) {
                tracing::error!("{NO_TOKEN}");
            }
            return Err(Trouble::Stopped(NO_TOKEN.to_owned()));
        }
        if (200..300).contains(&answer.heard.status) && self.refused.send_if_modified(std::mem::take) {
            tracing::info!("Discord accepts the bot's token again");
        }
        sorted(answer)
    }

    /// An answer to an interaction: its own token says who it is, and nothing paces it.
    async fn answer(&self, call: Call<'_>, patience: Duration) -> Result<Value, Trouble> {
        let answer = self.send(call.request(), false, patience).await?;
        self.pace.count(&answer.heard, self.clock.monotonic());
        sorted(answer)
    }

    async fn send(&self, request: Request<'_>, with_token: bool, patience: Duration) -> Result<Answer, Trouble> {
        let sending = async {
            let client = self.way.client().await?;
            let token = format!("Bot {}", self.token.expose_secret());
            let built = request.build(&client, &token, Some(&self.base)).map(reqwest::RequestBuilder::build);
            let Ok(Ok(mut request)) = built else {
                return Err(Trouble::Stopped(
                    "a call could not be made: is discord.bot_token a token, and discord.api_url a URL?".to_owned(),
                ));
            };
            if with_token {
                request.headers_mut().get_mut(AUTHORIZATION).into_iter().for_each(|token| token.set_sensitive(true));
            } else {
                request.headers_mut().remove(AUTHORIZATION);
            }
            way::send(&client, request).await
        };
        let late = |_| Trouble::Unanswered(format!("nothing within {} s", patience.as_secs()));
        tokio::time::timeout(patience, sending).await.map_err(late)?
    }
}

/// What is good, and why it is not.
fn sorted(answer: Answer) -> Result<Value, Trouble> {
    let Answer { heard: Heard { status, code, retry_after, global, .. }, body } = answer;
    match status {
        204 => Ok(Value::Null),
        200..300 => body.ok_or_else(|| Trouble::Unanswered("an answer that is no JSON of Discord's".to_owned())),
        429 => {
            let unsaid = if code == super::pace::OLD_EDITS { OLD_EDITS_PAUSE } else { PAUSE };
            Err(Trouble::Limited { after: retry_after.unwrap_or(unsaid), global })
        }
        400..500 => match body {
            Some(body) if body["message"].is_string() => Err(Trouble::said(status, &body)),
            _ => Err(Trouble::Unanswered(format!("status {status}, and no word of Discord's"))),
        },
        _ => Err(Trouble::Unanswered(format!("status {status}"))),
    }
}

/// An id as Discord has them; `what` says whose it is.
pub(super) fn id<T: From<std::num::NonZeroU64>>(text: &str, what: &str) -> Result<T, Trouble> {
    let id = text.parse::<std::num::NonZeroU64>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    id.map(T::from).ok_or_else(|| Trouble::Stopped(format!("{text:?} is no id of a {what} at Discord: those are long numbers")))
}
