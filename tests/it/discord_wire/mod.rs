//! What the client does at Discord, call by call: the real client against the fake, without the bot around it.

mod errors;
mod home;
mod pacing;
mod people;
mod repeats;
mod sending;
mod threads;

use std::{sync::Arc, time::Duration};

use hallpass::{
    chat::{
        Chat as _, ChatFault, Message, Once, Posted,
        discord::{Discord as Client, Settings},
    },
    clock::{Clock as _, ManualClock},
    domain::{
        policy::{Channel, Platform},
        time::Span,
    },
};
use serde_json::{Value, json};

use crate::{
    fakes::discord::{APP_ID, Discord, GUILD},
    world::START,
};

const CARDS: &str = "800000000000000001";
const OTHER: &str = "800000000000000002";
const ANA: &str = "600000000000000001";
const BEN: &str = "600000000000000002";
const LEADS: &str = "720000000000000001";

/// A client at a Discord, with a clock that they share.
struct Line {
    discord: Discord,
    chat: Client,
    clock: Arc<ManualClock>,
}

fn settings(discord: &Discord) -> Settings {
    Settings {
        bot_token: discord.bot_token().into(),
        application: APP_ID.to_owned(),
        guild: GUILD.to_owned(),
        api_url: discord.api_url(),
        gateway_url: None,
        patience: Duration::from_secs(2),
    }
}

impl Line {
    async fn new() -> Self {
        let discord = Discord::start().await;
        discord.person(ANA, "Ana Reyes").person(BEN, "Ben Okafor").role(LEADS, "db-leads", &[BEN]);
        discord.channel(CARDS, "approvals").channel(OTHER, "other");
        let clock = Arc::new(ManualClock::new(START));
        Self { chat: Client::new(settings(&discord), clock.clone()), discord, clock }
    }

    /// The bot is started again: what it had in mind is gone.
    fn restart(&mut self) {
        self.chat = Client::new(settings(&self.discord), self.clock.clone());
    }

    fn advance(&self, seconds: u64) {
        self.discord.advance(Duration::from_secs(seconds));
        self.clock.advance(Span::from_seconds(seconds.cast_signed()));
    }

    /// Time passes, and this comes to its end.
    async fn meanwhile<T>(&self, done: impl Future<Output = T>) -> T {
        tokio::pin!(done);
        loop {
            match tokio::time::timeout(Duration::from_millis(100), &mut done).await {
                Ok(done) => return done,
                Err(_) => self.advance(1),
            }
        }
    }

    /// What happens now is told for the first time.
    fn once<'a>(&self, nonce: &'a str) -> Once<'a> {
        Once { nonce, may_stand: false, since: self.clock.now() }
    }

    async fn post(&self, channel: &str, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        self.chat.post(&Channel { platform: Platform::Discord, id: channel.to_owned() }, message, once).await
    }

    /// A card that stands, with its thread.
    async fn card(&self) -> Posted {
        self.post(CARDS, &card("Ana asks"), self.once("R-7K3QD2/discord/cards/card")).await.unwrap()
    }

    fn contents(&self, channel: &str) -> Vec<String> {
        self.discord.messages(channel).iter().map(|message| message["content"].as_str().unwrap().to_owned()).collect()
    }
}

fn made(body: &Value) -> Message {
    Message { body: body.to_string(), buttons: Vec::new(), notify: Vec::new() }
}

fn words(text: &str) -> Message {
    made(&json!({ "content": text, "allowed_mentions": { "parse": [] } }))
}

fn card(text: &str) -> Message {
    made(&json!({
        "thread": { "name": "R-7K3QD2 · prod-db · write" },
        "content": text,
        "embeds": [{ "description": "to mend the import", "footer": { "text": "R-7K3QD2" } }],
        "components": [{ "type": 1, "components": [{ "type": 2, "style": 3, "label": "Approve", "custom_id": "approve R-7K3QD2/0" }] }],
        "allowed_mentions": { "parse": [] },
    }))
}

/// The same in another state, without buttons.
fn decided(text: &str) -> Message {
    made(&json!({
        "thread": { "name": "R-7K3QD2 · prod-db · write" },
        "content": text,
        "embeds": [{ "description": "denied", "footer": { "text": "R-7K3QD2" } }],
        "allowed_mentions": { "parse": [] },
    }))
}

fn again(once: Once<'_>) -> Once<'_> {
    Once { may_stand: true, ..once }
}

fn why(fault: Result<impl std::fmt::Debug, ChatFault>) -> String {
    match fault.unwrap_err() {
        ChatFault::Permanent { why } => why,
        other => panic!("it is not for a human to mend: {other:?}"),
    }
}

fn is_transient(result: &Result<impl std::fmt::Debug, ChatFault>) -> bool {
    matches!(result, Err(ChatFault::Transient { .. }))
}
