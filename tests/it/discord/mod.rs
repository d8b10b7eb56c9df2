//! The bot in Discord: the real client and door against the fake Discord, by both ways in, with a provider that has a memory.

mod acts;
mod credentials;
mod deciding;
pub(crate) mod hostile;
mod life;
mod linking;
mod offered;
mod outsiders;
mod people;
mod races;
mod sending;
mod stages;
mod steady;
mod threads;
mod told;

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

/// Where cards go, and where alarms do.
pub(crate) const CARDS: &str = "500000000000000001";
pub(crate) const OPS: &str = "500000000000000002";
/// Where people type.
pub(crate) const TALK: &str = "500000000000000003";
/// Everybody of the small company, by their id in Discord.
pub(crate) const ANA: &str = "100000000000000001";
pub(crate) const BEN: &str = "100000000000000002";
pub(crate) const CLEO: &str = "100000000000000003";
pub(crate) const DORA: &str = "100000000000000004";
pub(crate) const EVE: &str = "100000000000000005";
pub(crate) const FINN: &str = "100000000000000006";
const PEOPLE: [(&str, &str, &str); 6] = [
    ("ana", ANA, "Ana Reyes"),
    ("ben", BEN, "Ben Okafor"),
    ("cleo", CLEO, "Cleo Marsh"),
    ("dora", DORA, "Dora Lind"),
    ("eve", EVE, "Eve Stone"),
    ("finn", FINN, "Finn Ward"),
];
/// Who decides, as roles of the guild.
pub(crate) const LEADS: &str = "600000000000000001";
pub(crate) const SECURITY: &str = "600000000000000002";
pub(crate) const ONCALL: &str = "600000000000000003";

/// How people reach the bot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Gateway,
    Http,
}

pub(crate) const BOTH: [Way; 2] = [Way::Http, Way::Gateway];

/// A company with a bot in its Discord.
pub(crate) struct House {
    pub discord: Discord,
    pub client: Arc<Client>,
    pub bot: Arc<Bot>,
    pub workers: Arc<Workers>,
    pub clock: Arc<ManualClock>,
    pub pretend: Arc<Pretend>,
    pub door: Arc<Door>,
    pub store: Store,
    /// Open as long as the house stands.
    pub gateway: Option<Gateway>,
    folder: Option<Arc<tempfile::TempDir>>,
}

/// The company of the other tests, with everybody in Discord and the roles asked there.
pub(crate) fn rules() -> Catalogue {
    let mut rules = world::catalogue();
    for (id, account, _) in PEOPLE {
        let person = rules.people.get_mut(&id.parse().unwrap()).unwrap();
        person.identities = [(Platform::Discord, account.to_owned())].into();
    }
    for (id, role) in [("db-leads", LEADS), ("security", SECURITY), ("oncall", ONCALL)] {
        let known = rules.groups.get_mut(&id.parse().unwrap()).unwrap();
        known.members.clear();
        known.chats = [(Platform::Discord, role.to_owned())].into();
    }
    for resource in rules.resources.values_mut() {
        resource.channels = vec![Channel { platform: Platform::Discord, id: CARDS.into() }];
    }
    rules
}

/// The same company's guild.
pub(crate) async fn guild() -> Discord {
    let discord = Discord::start().await;
    for (_, account, name) in PEOPLE {
        discord.person(account, name);
    }
    for (id, name) in [(CARDS, "approvals"), (OPS, "ops"), (TALK, "general")] {
        discord.channel(id, name);
    }
    discord.role(LEADS, "db-leads", &[BEN, DORA]).role(SECURITY, "security", &[CLEO, DORA]).role(ONCALL, "oncall", &[EVE]);
    discord
}

impl House {
    pub(crate) async fn new(way: Way) -> Self {
        Self::with(way, guild().await, rules()).await
    }

    /// Where Ana has asked for write on prod-db.
    pub(crate) async fn asked(way: Way) -> Self {
        let house = Self::new(way).await;
        house.ask().await;
        house
    }

    pub(crate) async fn with(way: Way, discord: Discord, rules: Catalogue) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("hallpass.db").display())).await.unwrap();
        let (clock, pretend) = (Arc::new(ManualClock::new(START)), Arc::new(Pretend::new(Ownership::Shared)));
        let mut house = Self::over(way, discord, rules, store, clock, pretend).await;
        house.folder = Some(Arc::new(folder));
        house
    }

    /// Over a store, a clock and a provider that another process may share.
    pub(crate) async fn over(
        way: Way,
        discord: Discord,
        rules: Catalogue,
        store: Store,
        clock: Arc<ManualClock>,
        pretend: Arc<Pretend>,
    ) -> Self {
        let client = Arc::new(Client::new(settings(&discord), clock.clone()));
        let chats: BTreeMap<Platform, Arc<dyn Chat>> = BTreeMap::from([(Platform::Discord, client.clone() as Arc<dyn Chat>)]);
        let provider: Arc<dyn Provider> = pretend.clone();
        let parts = Parts {
            store: store.clone(),
            clock: clock.clone(),
            catalogue: rules,
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
            ops: vec![Channel { platform: Platform::Discord, id: OPS.into() }],
            alarm_run: Vec::new(),
            jitter: Box::new(|| 0),
            pace: 1,
            at_once: 16,
            heartbeat: Box::new(|| {}),
            stopping: false.into(),
        }));
        let door = Door::new(bot.clone(), voice, client.clone());
        let mut house = Self { discord, client, bot, workers, clock, pretend, door, store, gateway: None, folder: None };
        house.client.register().await.unwrap();
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
                self.discord.over_http(&url).stamp_with(Stamp::Own);
            }
            Way::Gateway => {
                self.gateway = Some(Gateway::open(self.door.clone()).await.unwrap());
                self.discord.over_gateway().connected(1).await;
            }
        }
    }

    /// Where its store lies, when it has one of its own.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.as_ref().expect("it has a store of its own").path()
    }

    /// Everything that follows is done, at the pace that Discord takes it.
    pub(crate) async fn settle(&self) {
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

    /// Time passes, everywhere.
    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(Span::from_seconds(seconds));
        self.discord.advance(Duration::from_secs(seconds.unsigned_abs()));
    }

    /// Time passes, and all that is due is done.
    pub(crate) async fn advance(&self, by: Span) {
        self.pass(by.seconds());
        self.settle().await;
    }

    /// Somebody types a subcommand and its options; what they alone read of the answer.
    pub(crate) async fn say(&self, user: &str, path: &str, options: &[(&str, &str)]) -> String {
        let before = self.discord.ephemerals(user).len();
        let reply = self.discord.slash(user, TALK, path, options).await;
        assert!(reply.is_ok(), "{path}: {reply:?}");
        self.settle().await;
        self.heard(user, before)
    }

    /// Ana asks for write on prod-db for an hour, and says why.
    pub(crate) async fn ask(&self) -> String {
        let options = [("resource", "prod-db"), ("role", "write"), ("length", "1h"), ("reason", "Unblock the stuck import")];
        self.say(ANA, "request", &options).await
    }

    /// Somebody presses a button of the newest card; what they alone read of the answer.
    pub(crate) async fn press(&self, user: &str, action: &str) -> String {
        self.press_on(user, self.card()["id"].as_str().unwrap(), action).await
    }

    pub(crate) async fn press_on(&self, user: &str, message: &str, action: &str) -> String {
        let before = self.discord.ephemerals(user).len();
        let reply = self.discord.press(user, message, action).await;
        assert!(reply.is_ok(), "{action}: {reply:?}");
        self.settle().await;
        self.heard(user, before)
    }

    /// Somebody fills in the form in front of them and sends it; what they alone read of the answer.
    pub(crate) async fn submit(&self, user: &str, typed: &[(&str, &str)]) -> String {
        let before = self.discord.ephemerals(user).len();
        let reply = self.discord.submit(user, typed).await;
        assert!(reply.is_ok(), "{typed:?}: {reply:?}");
        self.settle().await;
        self.heard(user, before)
    }

    /// Delivers a payload that a test has changed, and lets everything that follows be done.
    pub(crate) async fn deliver(&self, payload: Value) -> Reply {
        let reply = self.discord.deliver(payload).await;
        self.settle().await;
        reply
    }

    /// What they alone read, after so many other messages.
    fn heard(&self, user: &str, before: usize) -> String {
        self.discord.ephemerals(user)[before..].iter().map(text_of).collect::<Vec<_>>().join("\n")
    }

    /// The newest card as it stands.
    pub(crate) fn card(&self) -> Value {
        self.discord.messages(CARDS).last().cloned().unwrap_or_default()
    }

    /// What the newest card says.
    pub(crate) fn reads(&self) -> String {
        text_of(&self.card())
    }

    /// What stands in the thread of the newest card.
    pub(crate) fn thread(&self) -> String {
        let lines = self.discord.thread(self.card()["id"].as_str().unwrap());
        lines.iter().map(text_of).collect::<Vec<_>>().join("\n")
    }

    /// What somebody was told privately.
    pub(crate) fn directs(&self, user: &str) -> String {
        self.discord.directs(user).iter().map(text_of).collect::<Vec<_>>().join("\n")
    }

    pub(crate) async fn newest(&self) -> Request {
        let filter = Filter { limit: 1, ..Filter::default() };
        self.store.requests(&filter).await.unwrap().remove(0)
    }

    /// Does the provider have it switched on?
    pub(crate) fn holds(&self, person: &str, role: &str) -> bool {
        self.pretend.held().iter().any(|(target, who)| target == role && who.split(' ').next() == Some(person))
    }

    /// Nothing that the bot sent was refused.
    pub(crate) fn assert_nothing_refused(&self) {
        assert_eq!(self.discord.refusals(), Vec::<String>::new());
    }
}

pub(crate) fn settings(discord: &Discord) -> Settings {
    Settings {
        bot_token: discord.bot_token().to_owned().into(),
        application: APP_ID.to_owned(),
        guild: GUILD.to_owned(),
        api_url: discord.api_url(),
        gateway_url: None,
        patience: Duration::from_secs(5),
    }
}
