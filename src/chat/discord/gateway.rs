//! Discord's gateway, through serenity's client: heartbeats, resumes and identifying anew are the crate's; here is where it may
//! connect to, whether it is alive, and that people hear of it when it is closed for good. Must not decide.

mod life;
mod raw;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use serenity::{
    Client, Error as Fault,
    all::GatewayIntents,
    client::ClientBuilder,
    gateway::{ConnectionStage, GatewayError, ShardManager},
    http::HttpBuilder,
};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, watch},
    task::JoinHandle,
};
use url::{Host, Url};

use self::{
    life::{Life, Sign},
    raw::{Counts, Raw},
};
use super::{Discord, api::Starts, door::Door, payload};

/// Between two looks at how the connection stands, which the crate tells of in no order.
const LOOK: Duration = Duration::from_millis(500);
/// So few sessions may be left to begin that no gateway is opened any more: more than one that is closed at once, again and again,
/// begins before it is given up as deaf.
const RESERVE: u64 = 20;
/// Sessions that one gateway begins before Discord is asked again how many are left.
const BEGINNINGS: u64 = 20;

/// Why a gateway was not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unopened {
    Why(String),
    /// Discord counts the sessions that a bot begins, and takes its token away after the last one of a day: too few are left, until
    /// it gives new ones.
    Spent {
        renewed_in: Duration,
    },
}

/// Why a gateway has to be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// 4004: it does not accept the token.
    Token,
    /// 4013, 4014: it does not let the bot have the events that it asks for, although it asks for none.
    Intents,
    /// It was begun so often that Discord has to be asked how often it still may be, before it is opened again.
    Restless,
}

/// An open gateway; closed when it is dropped.
pub struct Gateway {
    /// The crate's tasks know no end: one that waits to connect goes on after a shutdown. In a runtime of their own they end
    /// with it.
    runtime: Option<Runtime>,
    hears: JoinHandle<()>,
    live: watch::Receiver<usize>,
    ended: watch::Receiver<Option<Ended>>,
    counts: Arc<Counts>,
    discord: Arc<Discord>,
    /// When it was opened, in monotonic microseconds.
    opened: i64,
}

impl Gateway {
    /// Connects, and stays connected.
    /// # Errors
    /// Discord does not say where its gateway is, or names a place where the token may not go, or lets the bot begin too few more
    /// sessions.
    pub async fn open(door: Arc<Door>) -> Result<Self, Unopened> {
        let discord = door.discord.clone();
        let place = discord.gateway().await.map_err(|trouble| Unopened::Why(trouble.to_string()))?;
        may_connect(&place.url, &discord.settings.api_url).map_err(Unopened::Why)?;
        if let Some(Starts { left, renewed_in }) = place.starts.filter(|starts| starts.left < RESERVE) {
            tracing::warn!(left, "Discord lets the bot begin too few more sessions");
            return Err(Unopened::Spent { renewed_in });
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("discord-gateway").enable_all().build();
        let runtime = runtime.map_err(|error| Unopened::Why(error.to_string()))?;
        let (heard, to_hear) = mpsc::unbounded_channel();
        let (is_live, live) = watch::channel(0);
        let (has_ended, ended) = watch::channel(None);
        let counts = Arc::new(Counts::default());
        runtime.spawn(connected(discord.clone(), place.url, Raw { heard, counts: counts.clone() }, (is_live, has_ended)));
        let (hears, opened) = (tokio::spawn(hear(door, to_hear)), discord.now());
        Ok(Self { runtime: Some(runtime), hears, live, ended, counts, discord, opened })
    }

    /// How long ago it was opened.
    pub fn lived(&self) -> Duration {
        Duration::from_micros((self.discord.now() - self.opened).max(0).unsigned_abs())
    }

    /// How many events came that the crate could not read. Interactions among them were heard all the same.
    pub fn unread(&self) -> u64 {
        self.counts.unread.load(Ordering::Relaxed)
    }

    /// One while people are heard, and none else, as that changes.
    pub fn live(&self) -> watch::Receiver<usize> {
        self.live.clone()
    }

    /// Resolves when the gateway is closed for good, or has to be opened anew.
    pub async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        loop {
            if let Some(why) = *ended.borrow_and_update() {
                return why;
            }
            if ended.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Why nobody is heard, as Discord answers when it is asked for its gateway.
    pub async fn why_deaf(discord: &Discord) -> String {
        match discord.gateway().await {
            Ok(_) => "Discord names its gateway, and no connection comes up: is there a way out to its port 443?".to_owned(),
            Err(trouble) => trouble.to_string(),
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.hears.abort();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The token goes there: never away from this machine while the API is on it, and never in the clear else.
fn may_connect(gateway: &str, api: &str) -> Result<(), String> {
    let refused = || Err("the gateway that Discord names is none where the bot's token may go: look at discord.api_url".to_owned());
    let (Ok(gateway), Ok(api)) = (Url::parse(gateway), Url::parse(api)) else { return refused() };
    let may = if is_here(&api) { is_here(&gateway) && matches!(gateway.scheme(), "ws" | "wss") } else { gateway.scheme() == "wss" };
    if may { Ok(()) } else { refused() }
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Runs the crate's client until the gateway ends it.
async fn connected(
    discord: Arc<Discord>,
    url: String,
    raw: Raw,
    (is_live, has_ended): (watch::Sender<usize>, watch::Sender<Option<Ended>>),
) {
    let counts = raw.counts.clone();
    let mut client = match client(&discord.settings.bot_token, &discord.settings.api_url, raw).await {
        Ok(client) => client,
        Err(why) => return tracing::error!(why, "the gateway's client could not be made"),
    };
    // Before it starts: where asking Discord failed, the crate has put the real gateway there.
    *client.ws_url.lock().await = url;
    let (shards, clock) = (client.shard_manager.clone(), discord.clone());
    let looks = async {
        let mut life = Life::default();
        while counts.begun.load(Ordering::Relaxed) < BEGINNINGS {
            let up = life.live(sign(&shards, &counts).await, clock.now());
            is_live.send_if_modified(|live| std::mem::replace(live, up) != up);
            tokio::time::sleep(LOOK).await;
        }
    };
    let why = tokio::select! {
        ended = client.start() => match ended {
            Err(Fault::Gateway(GatewayError::InvalidAuthentication)) => Some(Ended::Token),
            Err(Fault::Gateway(GatewayError::InvalidGatewayIntents | GatewayError::DisallowedGatewayIntents)) => Some(Ended::Intents),
            // It is opened anew once nobody has been heard for a while.
            _ => None,
        },
        () = looks => Some(Ended::Restless),
    };
    is_live.send_replace(0);
    has_ended.send_replace(why);
    // As long as this is there, nobody takes it for a reason to end.
    has_ended.closed().await;
}

/// How the connections stand, as far as the crate knows, and what came of them.
async fn sign(shards: &ShardManager, counts: &Counts) -> Sign {
    let runners = shards.runners.lock().await;
    Sign {
        up: runners.values().filter(|shard| shard.stage == ConnectionStage::Connected).count(),
        events: counts.all.load(Ordering::Relaxed),
        latencies: runners.values().map(|shard| shard.latency).collect(),
    }
}

async fn client(token: &SecretString, api_url: &str, raw: Raw) -> Result<Client, &'static str> {
    let way = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    // The limiter is off because with it the crate would ask the real Discord, whatever it is told.
    let http = HttpBuilder::new(token.expose_secret()).client(way.map_err(|_| "no certificates to trust")?);
    let http = http.proxy(api_url).ratelimiter_disabled(true).build();
    let client = ClientBuilder::new_with_http(http, GatewayIntents::empty()).raw_event_handler(raw);
    client.await.map_err(|_| "the crate refuses")
}

/// Each one beside the others, and beside whatever becomes of the connection.
async fn hear(door: Arc<Door>, mut to_hear: mpsc::UnboundedReceiver<Value>) {
    while let Some(payload) = to_hear.recv().await {
        let Some(heard) = payload::interaction(&payload) else {
            tracing::info!("an interaction that this bot does not know was let go");
            continue;
        };
        door.beside(move |door| async move {
            let (id, token) = (heard.id.clone(), heard.token.clone());
            let Some(ack) = door.hear(heard).await else { return };
            match door.discord.respond(&id, &token, &ack.body).await {
                Ok(()) => {}
                // Another replica was faster, or Discord had given up waiting: what came of it is told by other means.
                Err(trouble) if trouble.is_one_of(&[10062, 40060]) => tracing::debug!(%trouble, "a first answer was not needed"),
                Err(trouble) => tracing::warn!(%trouble, "a first answer could not be given"),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_no_gateway_away_from_this_machine_while_the_api_is_on_it() {
        for (gateway, api) in [
            ("wss://gateway.discord.gg", "https://discord.com"),
            ("wss://gateway.discord.gg/?x=1", "https://discord.com"),
            ("ws://127.0.0.1:4001", "http://127.0.0.1:4000"),
            ("ws://[::1]:4001", "http://localhost:4000"),
            ("wss://localhost:4001", "http://127.0.0.2:4000"),
        ] {
            assert_eq!(may_connect(gateway, api), Ok(()), "{gateway} {api}");
        }
        for (gateway, api) in [
            ("wss://gateway.discord.gg", "http://127.0.0.1:4000"),
            ("ws://10.0.0.1", "http://127.0.0.1:4000"),
            ("ws://127.0.0.1.example.org", "http://127.0.0.1:4000"),
            ("ws://localhost.example.org", "http://localhost:4000"),
            ("http://127.0.0.1:4001", "http://127.0.0.1:4000"),
            ("ws://gateway.discord.gg", "https://discord.com"),
            ("https://gateway.discord.gg", "https://discord.com"),
            ("gateway.discord.gg", "https://discord.com"),
            ("", "https://discord.com"),
        ] {
            assert!(may_connect(gateway, api).is_err(), "{gateway} {api}");
        }
    }
}
