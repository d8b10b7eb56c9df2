//! Discord's gateway, through serenity's client: heartbeats, resumes and identifying anew are the crate's; here is where it may
//! connect to, what it brings, and that people hear of it when it is closed for good. Must not decide.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use serenity::{
    Client, Error as Fault,
    all::{Event, GatewayIntents, Interaction, RawEventHandler},
    async_trait,
    client::{ClientBuilder, Context},
    gateway::{ConnectionStage, GatewayError},
    http::HttpBuilder,
};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, watch},
    task::JoinHandle,
};
use url::{Host, Url};

use super::{Discord, door::Door, payload};

/// Between two looks at how the connection stands, which the crate tells of in no order.
const LOOK: Duration = Duration::from_millis(500);
const CREATED: &str = "INTERACTION_CREATE";

/// Why the gateway closed the connection for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// 4004: it does not accept the token.
    Token,
    /// 4013, 4014: it does not let the bot have the events that it asks for, although it asks for none.
    Intents,
}

/// An open gateway; closed when it is dropped.
pub struct Gateway {
    /// The crate's tasks know no end: one that waits to connect goes on after a shutdown. In a runtime of their own they end
    /// with it.
    runtime: Option<Runtime>,
    hears: JoinHandle<()>,
    live: watch::Receiver<usize>,
    ended: watch::Receiver<Option<Ended>>,
}

impl Gateway {
    /// Connects, and stays connected.
    /// # Errors
    /// Discord does not say where its gateway is, or names a place where the token may not go.
    pub async fn open(door: Arc<Door>) -> Result<Self, String> {
        let discord = door.discord.clone();
        let url = discord.gateway_url().await.map_err(|trouble| trouble.to_string())?;
        may_connect(&url, &discord.settings.api_url)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("discord-gateway").enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let (heard, to_hear) = mpsc::unbounded_channel();
        let (is_live, live) = watch::channel(0);
        let (has_ended, ended) = watch::channel(None);
        runtime.spawn(connected(discord, url, Raw { heard, unread: AtomicU64::new(0) }, (is_live, has_ended)));
        Ok(Self { runtime: Some(runtime), hears: tokio::spawn(hear(door, to_hear)), live, ended })
    }

    /// One while people are heard, and none else, as that changes.
    pub fn live(&self) -> watch::Receiver<usize> {
        self.live.clone()
    }

    /// Resolves when the gateway is closed for good.
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
        match discord.gateway_url().await {
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
    let mut client = match client(&discord.settings.bot_token, &discord.settings.api_url, raw).await {
        Ok(client) => client,
        Err(why) => return tracing::error!(why, "the gateway's client could not be made"),
    };
    // Before it starts: where asking Discord failed, the crate has put the real gateway there.
    *client.ws_url.lock().await = url;
    let shards = client.shard_manager.clone();
    let looks = async {
        loop {
            let up = shards.runners.lock().await.values().filter(|shard| shard.stage == ConnectionStage::Connected).count();
            is_live.send_if_modified(|live| std::mem::replace(live, up) != up);
            tokio::time::sleep(LOOK).await;
        }
    };
    let ended = tokio::select! {
        ended = client.start() => ended,
        () = looks => Ok(()),
    };
    is_live.send_replace(0);
    has_ended.send_replace(match ended {
        Err(Fault::Gateway(GatewayError::InvalidAuthentication)) => Some(Ended::Token),
        Err(Fault::Gateway(GatewayError::InvalidGatewayIntents | GatewayError::DisallowedGatewayIntents)) => Some(Ended::Intents),
        // It is opened anew once nobody has been heard for a while.
        _ => None,
    });
    // As long as this is there, nobody takes it for a reason to end.
    has_ended.closed().await;
}

async fn client(token: &SecretString, api_url: &str, raw: Raw) -> Result<Client, &'static str> {
    let way = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    // The limiter is off because with it the crate would ask the real Discord, whatever it is told.
    let http = HttpBuilder::new(token.expose_secret()).client(way.map_err(|_| "no certificates to trust")?);
    let http = http.proxy(api_url).ratelimiter_disabled(true).build();
    let client = ClientBuilder::new_with_http(http, GatewayIntents::empty()).raw_event_handler(raw);
    client.await.map_err(|_| "the crate refuses")
}

/// What the crate hands every event to.
struct Raw {
    heard: mpsc::UnboundedSender<Value>,
    /// Events that the crate could not read and that are none of ours.
    unread: AtomicU64,
}

#[async_trait]
impl RawEventHandler for Raw {
    async fn raw_event(&self, _: Context, event: Event) {
        match event {
            Event::InteractionCreate(created) => self.hand_on(as_sent(&created.interaction)),
            // As sent, where the crate misses a field.
            Event::Unknown(event) if event.kind == CREATED => {
                tracing::debug!("an interaction that the crate could not read is read without it");
                self.hand_on(Some(event.value));
            }
            Event::Unknown(event) => {
                let unread = self.unread.fetch_add(1, Ordering::Relaxed) + 1;
                let kind: String = event.kind.chars().filter(|c| c.is_ascii_uppercase() || *c == '_').take(60).collect();
                tracing::info!(%kind, unread, "an event that the crate does not know was let go");
            }
            Event::Ready(_) => tracing::info!("Discord's gateway is open"),
            Event::Resumed(_) => tracing::info!("Discord's gateway is open again, with nothing lost"),
            _ => {}
        }
    }
}

impl Raw {
    fn hand_on(&self, payload: Option<Value>) {
        if payload.is_none_or(|payload| self.heard.send(payload).is_err()) {
            tracing::error!("an interaction was lost: it could not be handed on");
        }
    }
}

/// Back into JSON, with the type that the crate has in the variant.
fn as_sent(interaction: &Interaction) -> Option<Value> {
    let kind = match interaction {
        Interaction::Ping(_) => 1,
        Interaction::Command(_) => 2,
        Interaction::Component(_) => 3,
        Interaction::Autocomplete(_) => 4,
        Interaction::Modal(_) => 5,
        _ => return None,
    };
    let mut payload = serde_json::to_value(interaction).ok()?;
    payload["type"] = kind.into();
    Some(payload)
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
    use serde_json::json;

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

    /// As documented, with every field that the crate wants.
    fn sent(kind: u64, data: &Value) -> Value {
        let user = json!({ "id": "80", "username": "ana", "global_name": "Ana", "discriminator": "0", "avatar": null, "public_flags": 0 });
        let mut bot = user.clone();
        bot["id"] = json!("900");
        json!({
            "id": "1100000000000000001", "application_id": "900", "type": kind, "data": data, "token": "aW50ZXJhY3Rpb246MQ", "version": 1,
            "guild_id": "700", "channel_id": "500", "channel": { "id": "500", "type": 0 }, "app_permissions": "0", "locale": "en-US",
            "member": { "user": user, "nick": null, "avatar": null, "roles": ["31"], "joined_at": "2025-01-01T00:00:00+00:00", "deaf": false,
                "mute": false, "flags": 0, "pending": false, "permissions": "0", "communication_disabled_until": "2026-11-25T10:00:00+00:00" },
            "message": { "id": "600", "channel_id": "500", "author": bot, "content": "", "timestamp": "2026-11-25T09:00:00+00:00",
                "edited_timestamp": null, "tts": false, "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": [],
                "embeds": [], "pinned": false, "type": 0, "flags": 64, "components": [] },
            "entitlements": [], "authorizing_integration_owners": {}, "context": 0, "attachment_size_limit": 1,
        })
    }

    #[test]
    fn what_the_crate_read_is_put_back_as_it_was_sent() {
        let option = json!({ "name": "id", "type": 3, "value": "R", "focused": true });
        let person = json!({ "name": "person", "type": 6, "value": "81" });
        let command =
            |options: Value| json!({ "id": "1", "name": "jit", "type": 1, "options": [{ "name": "pass", "type": 1, "options": options }] });
        let row = json!({ "type": 1, "components": [{ "type": 4, "custom_id": "words", "value": "why" }] });
        for (kind, data) in [
            (2, command(json!([person]))),
            (4, command(json!([option]))),
            (3, json!({ "custom_id": "approve R-7K3QD2/0", "component_type": 2 })),
            (5, json!({ "custom_id": "deny R-7K3QD2/0", "components": [row] })),
        ] {
            let payload = sent(kind, &data);
            let read: Interaction = serde_json::from_value(payload.clone()).unwrap();
            let (back, direct) = (payload::interaction(&as_sent(&read).unwrap()), payload::interaction(&payload));
            assert!(direct.is_some(), "{payload}");
            assert_eq!(back, direct);
        }
    }
}
