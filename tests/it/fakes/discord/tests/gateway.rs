//! The gateway, seen through the client that the product uses.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use serenity::{
    Error as SerenityError,
    all::{Context, Event, EventHandler, GatewayIntents, RawEventHandler, Ready},
    async_trait,
    client::ClientBuilder,
    http::HttpBuilder,
};
use tokio::{sync::mpsc, task::JoinHandle};

use super::*;

/// Hands on what arrives.
struct Heard(mpsc::UnboundedSender<Event>);

#[async_trait]
impl RawEventHandler for Heard {
    async fn raw_event(&self, _: Context, event: Event) {
        let _ = self.0.send(event);
    }
}

struct Readies(mpsc::UnboundedSender<Ready>);

#[async_trait]
impl EventHandler for Readies {
    async fn ready(&self, _: Context, ready: Ready) {
        let _ = self.0.send(ready);
    }
}

/// serenity's client at this Discord, as it listens.
struct Bot {
    events: mpsc::UnboundedReceiver<Event>,
    readies: mpsc::UnboundedReceiver<Ready>,
    runs: JoinHandle<Result<(), SerenityError>>,
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.runs.abort();
    }
}

impl Bot {
    async fn start(discord: &Discord, token: &str, intents: GatewayIntents) -> Self {
        let ((heard, events), (ready, readies)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let http = HttpBuilder::new(token).proxy(discord.api_url()).ratelimiter_disabled(true).build();
        let client = ClientBuilder::new_with_http(http, intents);
        let mut client = client.raw_event_handler(Heard(heard)).event_handler_arc(Arc::new(Readies(ready))).await.unwrap();
        *client.ws_url.lock().await = discord.gateway_url();
        let runs = tokio::spawn(async move { client.start().await });
        Self { events, readies, runs }
    }

    async fn ours(discord: &Discord) -> Self {
        let bot = Self::start(discord, discord.bot_token(), GatewayIntents::empty()).await;
        discord.connected(1).await;
        bot
    }

    /// The next interaction that it could read, or what it could not.
    async fn next(&mut self) -> Result<Value, Value> {
        loop {
            match self.events.recv().await.expect("it listens") {
                Event::InteractionCreate(event) => return Ok(serde_json::to_value(&event.interaction).unwrap()),
                Event::Unknown(unknown) => return Err(unknown.value),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_press_reaches_the_bot_whole() {
    let (discord, card) = card().await;
    discord.role("600000000000000001", "db-leads", &[BEN]);
    let mut bot = Bot::ours(&discord).await;
    let ready = bot.readies.recv().await.unwrap();
    assert_eq!((ready.application.id.to_string(), ready.guilds.len()), (super::super::APP_ID.to_owned(), 1));
    let sent = discord.press_payload(BEN, &card, "approve");
    discord.deliver_only(sent.clone()).await;
    let heard = bot.next().await.unwrap();
    for pointer in ["/id", "/token", "/guild_id", "/channel_id", "/member/roles/0", "/member/user/id", "/data/custom_id", "/message/id"] {
        assert_eq!(heard.pointer(pointer), sent.pointer(pointer), "{pointer}");
    }
}

#[tokio::test]
async fn what_happens_while_the_connection_is_gone_comes_when_it_resumes() {
    let (discord, card) = card().await;
    let mut bot = Bot::ours(&discord).await;
    discord.deliver_twice(1).drop_on_delivery(1);
    let first = discord.press_payload(BEN, &card, "approve");
    discord.deliver_only(first.clone()).await;
    let missed = discord.press_payload(ANA, &card, "approve");
    discord.deliver_only(missed.clone()).await;
    for expected in [&first, &first, &missed] {
        assert_eq!(bot.next().await.unwrap()["id"], expected["id"]);
    }
    discord.resumed(1).await;
    discord.ask_to_reconnect();
    discord.resumed(2).await;
    assert_eq!(discord.sessions().1, 1, "it was never begun anew");
}

#[tokio::test]
async fn a_session_that_is_forgotten_is_begun_anew_and_what_happened_is_lost() {
    let (discord, card) = card().await;
    let mut bot = Bot::ours(&discord).await;
    let lost = discord.press_payload(BEN, &card, "approve");
    discord.drop_connections();
    discord.deliver_only(lost.clone()).await;
    discord.forget_sessions();
    discord.identified(2).await;
    let heard = discord.press_payload(ANA, &card, "approve");
    discord.deliver_only(heard.clone()).await;
    let mut seen = Vec::new();
    while seen.last() != Some(&heard["id"]) {
        seen.push(bot.next().await.unwrap()["id"].clone());
    }
    assert!(!seen.contains(&lost["id"]));
    discord.invalidate_sessions(false);
    discord.identified(3).await;
}

#[tokio::test]
async fn an_interaction_without_a_field_is_one_that_serenity_cannot_read() {
    let (discord, card) = card().await;
    let mut bot = Bot::ours(&discord).await;
    discord.leave_out(&["attachment_size_limit"]);
    let sent = discord.press_payload(BEN, &card, "approve");
    discord.deliver_only(sent.clone()).await;
    let unread = bot.next().await.unwrap_err();
    assert!(unread.to_string().contains(sent["token"].as_str().unwrap()), "{unread}");
}

#[tokio::test]
async fn heartbeats_are_acknowledged_and_without_that_the_bot_begins_anew() {
    let (discord, _) = card().await;
    discord.heartbeat_every(Duration::from_millis(300));
    let _bot = Bot::ours(&discord).await;
    discord.beaten(2).await;
    assert_eq!(discord.sessions(), (1, 1, 0));
    discord.acknowledge_heartbeats(false);
    discord.identified(2).await;
}

#[tokio::test]
async fn a_wrong_token_and_intents_that_need_leave_close_it_for_good() {
    let (discord, _) = guild().await;
    for (token, intents, code) in [
        ("OTAw.another.token", GatewayIntents::empty(), 4004),
        (discord.bot_token(), GatewayIntents::GUILD_MEMBERS, 4014),
        (discord.bot_token(), GatewayIntents::from_bits_retain(1 << 40), 4013),
    ] {
        let mut bot = Bot::start(&discord, token, intents).await;
        let ended = (&mut bot.runs).await.unwrap();
        assert!(matches!(ended, Err(SerenityError::Gateway(_))), "{code}: {ended:?}");
        assert!(discord.refusals().last().unwrap().contains(&code.to_string()), "{:?}", discord.refusals());
    }
    assert_eq!(discord.sessions(), (0, 0, 0));
}

#[tokio::test]
async fn a_closed_connection_is_opened_again() {
    let (discord, _) = guild().await;
    let _bot = Bot::ours(&discord).await;
    discord.close_connections(4000);
    discord.resumed(1).await;
    discord.close_connections(4009);
    discord.identified(2).await;
    discord.connected(1).await;
}
