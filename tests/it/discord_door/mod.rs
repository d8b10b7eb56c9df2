//! Everything that comes from Discord, by both ways in: the real client and door against the fake Discord.

mod acting;
mod attacks;
mod forms;
mod gateway;
mod late;
mod passing;
mod slow;
mod typing;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hallpass::{
    bot::{Bot, Parts},
    chat::{
        Chat,
        directory::Directory,
        discord::{Discord as Client, Door, Gateway, Http, Settings, serve},
        render::Templates,
        show::Voice,
    },
    clock::ManualClock,
    domain::{
        entitlement::Ownership,
        policy::{Catalogue, Channel, Platform},
        request::Request,
        time::Span,
    },
    provider::{Provider, pretend::Pretend},
    store::{Filter, Store},
    worker::{Deps, Workers},
};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::{
    fakes::discord::{APP_ID, Discord, GUILD, Reply, Stamp, reading::text_of},
    world::{self, START},
};

/// Where cards go, and where people type.
const CARDS: &str = "500000000000000001";
const TALK: &str = "500000000000000002";
const ANA: &str = "800000000000000001";
const BEN: &str = "800000000000000002";
const CLEO: &str = "800000000000000003";
const DORA: &str = "800000000000000004";
const EVE: &str = "800000000000000005";
const FINN: &str = "800000000000000006";
const PEOPLE: [(&str, &str, &str); 6] = [
    ("ana", ANA, "Ana Reyes"),
    ("ben", BEN, "Ben Okafor"),
    ("cleo", CLEO, "Cleo Marsh"),
    ("dora", DORA, "Dora Lind"),
    ("eve", EVE, "Eve Stone"),
    ("finn", FINN, "Finn Ward"),
];
/// A whole ask.
const ASK: [(&str, &str); 4] = [("resource", "prod-db"), ("role", "write"), ("length", "1h"), ("reason", "Unblock the stuck import")];

/// How people reach the bot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Http,
    Gateway,
}

const BOTH: [Way; 2] = [Way::Http, Way::Gateway];

/// A company with a bot in its Discord.
struct House {
    discord: Discord,
    client: Arc<Client>,
    bot: Arc<Bot>,
    workers: Arc<Workers>,
    clock: Arc<ManualClock>,
    pretend: Arc<Pretend>,
    door: Arc<Door>,
    store: Store,
    /// Open as long as the house stands.
    gateway: Option<Gateway>,
    folder: tempfile::TempDir,
}

fn rules() -> Catalogue {
    let mut rules = world::catalogue();
    for (id, account, _) in PEOPLE {
        rules.people.get_mut(&id.parse().unwrap()).unwrap().identities = [(Platform::Discord, account.to_owned())].into();
    }
    for (id, role) in [("db-leads", "310000000000000001"), ("security", "310000000000000002"), ("oncall", "310000000000000003")] {
        let known = rules.groups.get_mut(&id.parse().unwrap()).unwrap();
        known.members.clear();
        known.chats = [(Platform::Discord, role.to_owned())].into();
    }
    for resource in rules.resources.values_mut() {
        resource.channels = vec![Channel { platform: Platform::Discord, id: CARDS.into() }];
    }
    rules
}

async fn guild() -> Discord {
    let discord = Discord::start().await;
    for (_, account, name) in PEOPLE {
        discord.person(account, name);
    }
    discord.channel(CARDS, "approvals").channel(TALK, "general");
    discord.role("310000000000000001", "db-leads", &[BEN, DORA]);
    discord.role("310000000000000002", "security", &[CLEO, DORA]);
    discord.role("310000000000000003", "oncall", &[EVE]);
    discord.stamp_with(Stamp::Own);
    discord
}

impl House {
    async fn new(way: Way) -> Self {
        let (discord, folder) = (guild().await, tempfile::tempdir().unwrap());
        let store = Store::open(&format!("sqlite:{}", folder.path().join("hallpass.db").display())).await.unwrap();
        let (clock, pretend) = (Arc::new(ManualClock::new(START)), Arc::new(Pretend::new(Ownership::Shared)));
        let client = Arc::new(Client::new(settings(&discord), clock.clone()));
        let chats: BTreeMap<Platform, Arc<dyn Chat>> = BTreeMap::from([(Platform::Discord, client.clone() as Arc<dyn Chat>)]);
        let provider: Arc<dyn Provider> = pretend.clone();
        let parts = Parts {
            store: store.clone(),
            clock: clock.clone(),
            catalogue: rules(),
            providers: BTreeMap::from([("pretended".parse().unwrap(), provider)]),
            facts: Arc::new(Directory::new(chats.clone(), clock.clone())),
            seed: 7,
        };
        let bot = Arc::new(Bot::new(parts).await.unwrap());
        let voice = Arc::new(Voice { bot: bot.clone(), templates: Arc::new(Templates::load(None).unwrap()) });
        let workers = Arc::new(Workers::new(Deps {
            store: store.clone(),
            bot: bot.clone(),
            clock: clock.clone(),
            chats,
            shows: voice.clone(),
            ops: Vec::new(),
            alarm_run: Vec::new(),
            jitter: Box::new(|| 0),
            pace: 1,
            at_once: 16,
            heartbeat: Box::new(|| {}),
            stopping: false.into(),
        }));
        let door = Door::new(bot.clone(), voice, client.clone());
        assert!(client.register().await.unwrap(), "the guild had no commands");
        let mut house = Self { discord, client, bot, workers, clock, pretend, door, store, gateway: None, folder };
        house.open(way).await;
        house
    }

    async fn open(&mut self, way: Way) {
        match way {
            Way::Http => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let url = format!("http://{}/discord/interactions", listener.local_addr().unwrap());
                let http = Http::new(self.door.clone(), self.discord.public_key()).unwrap();
                tokio::spawn(serve(http, listener));
                self.discord.over_http(&url);
            }
            Way::Gateway => {
                self.gateway = Some(Gateway::open(self.door.clone()).await.unwrap());
                self.discord.over_gateway();
                self.discord.connected(1).await;
            }
        }
    }

    /// Everything that follows is done, at the pace that Discord takes it.
    async fn settle(&self) {
        for _ in 0..60 {
            self.door.idle().await;
            self.workers.drain().await.unwrap();
            let soon = self.bot.now() + Span::from_seconds(2);
            if self.store.next_due().await.unwrap().is_none_or(|due| due > soon) {
                return;
            }
            self.pass(1);
        }
        panic!("it does not come to an end: {:?}", self.discord.refusals());
    }

    fn pass(&self, seconds: i64) {
        self.clock.advance(Span::from_seconds(seconds));
        self.discord.advance(Duration::from_secs(seconds.unsigned_abs()));
    }

    /// How many answers somebody has alone.
    fn told(&self, user: &str) -> usize {
        self.discord.ephemerals(user).len()
    }

    /// What somebody alone was told after so many answers.
    fn since(&self, user: &str, before: usize) -> String {
        self.discord.ephemerals(user)[before..].iter().map(text_of).collect::<Vec<_>>().join("\n")
    }

    /// Somebody types a command; what they alone read of the answer.
    async fn say(&self, user: &str, path: &str, options: &[(&str, &str)]) -> String {
        let before = self.told(user);
        let reply = self.discord.slash(user, TALK, path, options).await;
        assert!(reply.is_ok(), "{path} {options:?}: {reply:?}");
        self.settle().await;
        self.since(user, before)
    }

    /// Somebody presses a button of the newest card; what they alone read of the answer.
    async fn press(&self, user: &str, action: &str) -> String {
        let before = self.told(user);
        let reply = self.discord.press(user, &self.card_id(), action).await;
        assert!(reply.is_ok(), "{action}: {reply:?}");
        self.settle().await;
        self.since(user, before)
    }

    /// Delivers what a test made or changed; the kind of the first answer, and what they alone read.
    async fn delivers(&self, user: &str, payload: Value) -> (Option<u64>, String) {
        let before = self.told(user);
        let reply = self.discord.deliver(payload).await;
        self.settle().await;
        (reply.kind(), self.since(user, before))
    }

    /// Somebody sends the form in front of them; what they alone read of the answer.
    async fn submit(&self, user: &str, typed: &[(&str, &str)]) -> String {
        let before = self.told(user);
        let reply = self.discord.submit(user, typed).await;
        assert!(reply.is_ok() && reply.kind() == Some(5), "{typed:?}: {reply:?}");
        self.settle().await;
        self.since(user, before)
    }

    /// Presses and types what opens a form; the form.
    async fn opened(&self, user: &str, reply: Reply) -> Value {
        assert_eq!((reply.is_ok(), reply.kind()), (true, Some(9)), "{reply:?}");
        self.discord.modal(user).unwrap()
    }

    /// The newest card.
    fn card(&self) -> Value {
        self.discord.messages(CARDS).last().cloned().unwrap_or_default()
    }

    fn card_id(&self) -> String {
        self.card()["id"].as_str().unwrap().to_owned()
    }

    /// Ana asked, and her card stands.
    async fn asked(way: Way) -> Self {
        let house = Self::new(way).await;
        let said = house.say(ANA, "request", &ASK).await;
        assert!(said.starts_with("Asked. "), "{said}");
        house
    }

    async fn newest(&self) -> Request {
        self.store.requests(&Filter { limit: 1, ..Filter::default() }).await.unwrap().remove(0)
    }

    async fn count(&self) -> usize {
        self.store.requests(&Filter { limit: 100, ..Filter::default() }).await.unwrap().len()
    }

    /// Does the provider have it switched on?
    fn holds(&self, person: &str, role: &str) -> bool {
        self.pretend.held().iter().any(|(target, who)| target == role && who.split(' ').next() == Some(person))
    }

    /// Nothing that the bot sent was refused.
    fn assert_nothing_refused(&self) {
        assert_eq!(self.discord.refusals(), Vec::<String>::new());
    }
}

fn settings(discord: &Discord) -> Settings {
    Settings {
        bot_token: discord.bot_token().to_owned().into(),
        application: APP_ID.to_owned(),
        guild: GUILD.to_owned(),
        api_url: discord.api_url(),
        gateway_url: None,
        patience: Duration::from_secs(5),
    }
}

/// What a field of a form holds, and its hint.
fn field<'f>(form: &'f Value, name: &str) -> (&'f str, &'f str) {
    let rows = form["components"].as_array().unwrap().iter().map(|row| &row["components"][0]);
    let mut inputs = rows.filter(|input| input["custom_id"] == name);
    let input = inputs.next().unwrap_or_else(|| panic!("there is no {name} in {form}"));
    (input["value"].as_str().unwrap_or_default(), input["placeholder"].as_str().unwrap_or_default())
}
