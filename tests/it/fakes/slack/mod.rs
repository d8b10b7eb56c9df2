//! A Slack with memory: its Web API, its two ways of delivering what people do, and the people who do it. A test builds a
//! workspace, lets people act, and reads what they would see. It knows nothing of Hallpass.
//! An act that no person could do (a button that is not there, a choice that was not offered) panics and says why; a call
//! that Slack would refuse is refused with Slack's error, and the reason stands in `refusals`.

mod acts;
mod api;
pub(crate) mod blocks;
mod deliver;
mod faults;
mod fields;
mod forge;
mod forms;
mod hooks;
mod look;
mod modals;
mod payloads;
pub(crate) mod reading;
mod server;
mod sockets;
mod state;
mod tests;
mod world;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{net::TcpListener, sync::Notify};

pub(crate) use deliver::{Ack, Kind, Stamp};
pub(crate) use faults::Fault;
pub(crate) use forge::Forgery;
use state::State;

pub(crate) const APP_ID: &str = "A0HALLPASS";
pub(crate) const TEAM: &str = "T0HOME";
pub(crate) const BOT_USER: &str = "U0BOT";
const BOT_ID: &str = "B0BOT";
const BOT_TOKEN: &str = "xoxb-fake-bot-token";
const APP_TOKEN: &str = "xapp-1-A0HALLPASS-fake-app-token";
const SIGNING_SECRET: &str = "fake-signing-secret";

/// When its clock starts: 2026-11-24T14:00:00Z, unless the test says otherwise.
const START_SECONDS: i64 = 1_795_528_800;

/// One workspace (or organisation) with one app installed. Clones are handles to the same one.
#[derive(Clone)]
pub(crate) struct Slack(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// Told whenever a socket comes or goes.
    sockets_changed: Notify,
}

impl Slack {
    /// On a free port of 127.0.0.1; lives as long as the test's runtime.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Mutex::new(State::new(format!("http://127.0.0.1:{port}"), START_SECONDS));
        let slack = Self(Arc::new(Inner { state, sockets_changed: Notify::new() }));
        tokio::spawn(server::serve(slack.clone(), listener));
        slack
    }

    /// What the product takes as `slack.api_url`.
    pub(crate) fn api_url(&self) -> String {
        format!("{}/api", self.state().origin)
    }

    /// Lets time pass: triggers and response URLs expire, limits refill, later messages have later `ts`.
    pub(crate) fn advance(&self, by: Duration) {
        self.state().now_micros += i64::try_from(by.as_micros()).unwrap();
    }

    /// Sets the clock, in seconds since 1970.
    pub(crate) fn set_time(&self, seconds: i64) {
        self.state().now_micros = seconds * 1_000_000;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::unused_self, reason = "they read as what belongs to this Slack")]
impl Slack {
    pub(crate) fn bot_token(&self) -> &'static str {
        BOT_TOKEN
    }

    pub(crate) fn app_token(&self) -> &'static str {
        APP_TOKEN
    }

    pub(crate) fn signing_secret(&self) -> &'static str {
        SIGNING_SECRET
    }

    pub(crate) fn app_id(&self) -> &'static str {
        APP_ID
    }

    pub(crate) fn team(&self) -> &'static str {
        TEAM
    }

    pub(crate) fn bot_user(&self) -> &'static str {
        BOT_USER
    }
}
