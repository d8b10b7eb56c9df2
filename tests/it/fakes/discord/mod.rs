//! A Discord with memory: its REST API, its gateway, its way of calling an interactions endpoint, and the people who use it. A test
//! builds a server ("guild"), lets people act, and reads what they would see. It knows nothing of Hallpass.
//! An act that no person could do (a button that is not there, a command that nobody registered) panics and says why; a call that
//! Discord would refuse is refused with Discord's error, and the reason stands in `refusals`.

mod acts;
mod api;
mod check;
mod deliver;
mod faults;
mod forge;
mod forms;
mod gateway;
mod limits;
mod look;
mod payloads;
pub(crate) mod permissions;
pub(crate) mod reading;
mod records;
mod server;
mod starts;
mod state;
mod switches;
mod tests;
mod world;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use ed25519_dalek::SigningKey;
use tokio::{net::TcpListener, sync::Notify, time::timeout};

pub(crate) use deliver::{Reply, Stamp};
pub(crate) use faults::{Fault, Scope};
pub(crate) use forge::Forgery;
pub(crate) use look::pings;
pub(crate) use server::Request;
use state::State;

/// The application, whose bot has the same id.
pub(crate) const APP_ID: &str = "900000000000000001";
pub(crate) const BOT: &str = APP_ID;
pub(crate) const GUILD: &str = "700000000000000001";
/// The role that Discord makes for the bot itself.
pub(crate) const BOT_ROLE: &str = "710000000000000001";
const BOT_TOKEN: &str = "OTAw.fake.bot-token";
/// The seed of the key that signs what is sent to the interactions endpoint.
const SIGNING_SEED: [u8; 32] = [7; 32];

/// When its clock starts: 2026-11-24T14:00:00Z, unless the test says otherwise.
const START_SECONDS: i64 = 1_795_528_800;

/// How long a test waits for what must happen before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// One Discord with one application in one guild. Clones are handles to the same one. When the last one that a test holds goes, it
/// panics if anything came that nobody may ever send, and the test did not take it.
#[derive(Clone)]
pub(crate) struct Discord(Arc<Inner>, #[expect(dead_code, reason = "it acts when it is dropped")] Option<Arc<Watch>>);

struct Inner {
    state: Mutex<State>,
    /// Told whenever a connection comes or goes, a request was answered, or an interaction.
    changed: Notify,
}

/// Looks, when a test lets go of its Discord, whether all that came was as Discord takes it.
struct Watch(Discord);

impl Drop for Watch {
    fn drop(&mut self) {
        let unfit = self.0.take_unfit();
        assert!(thread::panicking() || unfit.is_empty(), "what no application may send was sent: {unfit:#?}");
    }
}

impl Discord {
    /// On a free port of 127.0.0.1; lives as long as the test's runtime.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let inner = Arc::new(Inner { state: Mutex::new(State::new(host, START_SECONDS)), changed: Notify::new() });
        tokio::spawn(server::serve(Self(inner.clone(), None), listener));
        let watch = Watch(Self(inner.clone(), None));
        Self(inner, Some(Arc::new(watch)))
    }

    /// What the product takes as `discord.api_url`.
    pub(crate) fn api_url(&self) -> String {
        format!("http://{}", self.state().host)
    }

    /// What `GET /gateway` answers.
    pub(crate) fn gateway_url(&self) -> String {
        self.state().gateway_url()
    }

    /// Lets time pass: interactions and their tokens run out, limits refill, later messages have later ids.
    pub(crate) fn advance(&self, by: Duration) {
        self.state().now_micros += i64::try_from(by.as_micros()).unwrap();
    }

    /// Waits until it is so, and panics with `what` when it does not come.
    async fn until(&self, what: &str, so: impl Fn(&State) -> bool) {
        let waited = timeout(PATIENCE, async {
            loop {
                let changed = self.0.changed.notified();
                if so(&self.state()) {
                    return;
                }
                changed.await;
            }
        });
        assert!(waited.await.is_ok(), "it did not come to {what}: {:?}", self.refusals());
    }

    fn tell(&self) {
        self.0.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::unused_self, reason = "they read as what belongs to this Discord")]
impl Discord {
    pub(crate) fn bot_token(&self) -> &'static str {
        BOT_TOKEN
    }

    /// What the interactions endpoint checks signatures with.
    pub(crate) fn public_key(&self) -> [u8; 32] {
        SigningKey::from_bytes(&SIGNING_SEED).verifying_key().to_bytes()
    }

    /// The same as Discord shows it.
    pub(crate) fn public_key_hex(&self) -> String {
        deliver::hex(&self.public_key())
    }
}
