//! The bot in Slack: the real client and door against the fake Slack, by both ways in, with a provider that has a memory.

mod attacks;
mod cards;
mod credentials;
mod deciding;
mod forms;
mod hostile;
mod life;
mod odd;
mod outsiders;
mod people;
mod program;
mod sending;
mod slow;
mod sockets;
mod told;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hallpass::{
    bot::{Bot, Parts},
    chat::{
        Chat,
        directory::Directory,
        render::Templates,
        show::Voice,
        slack::{Door, Http, Settings, Slack as Client, Socket, serve},
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
    fakes::slack::{Slack, reading::text_of},
    world::{self, START},
};

/// Where cards go, and where alarms do.
pub(crate) const CARDS: &str = "C0CARDS";
pub(crate) const OPS: &str = "C0OPS";
/// Where people type.
pub(crate) const TALK: &str = "C0TALK";
/// Everybody of the small company, by their id in Slack.
const PEOPLE: [(&str, &str, &str); 6] = [
    ("ana", "U0ANA", "Ana Reyes"),
    ("ben", "U0BEN", "Ben Okafor"),
    ("cleo", "U0CLEO", "Cleo Marsh"),
    ("dora", "U0DORA", "Dora Lind"),
    ("eve", "U0EVE", "Eve Stone"),
    ("finn", "U0FINN", "Finn Ward"),
];

/// How people reach the bot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Http,
    Sockets,
}

/// A company with a bot in its Slack.
pub(crate) struct House {
    pub slack: Slack,
    pub bot: Arc<Bot>,
    pub workers: Arc<Workers>,
    pub clock: Arc<ManualClock>,
    pub pretend: Arc<Pretend>,
    pub door: Arc<Door>,
    pub store: Store,
    /// Open as long as the house stands.
    socket: Option<Socket>,
    /// Where its own address is, when it is reached over HTTP.
    url: Option<String>,
    folder: Option<Arc<tempfile::TempDir>>,
}

/// The company of the other tests, with everybody in Slack and the groups asked there.
pub(crate) fn rules() -> Catalogue {
    let mut rules = world::catalogue();
    for (id, account, _) in PEOPLE {
        let person = rules.people.get_mut(&id.parse().unwrap()).unwrap();
        person.identities = [(Platform::Slack, account.to_owned())].into();
    }
    for (id, group) in [("db-leads", "S0LEADS"), ("security", "S0SECURITY"), ("oncall", "S0ONCALL")] {
        let known = rules.groups.get_mut(&id.parse().unwrap()).unwrap();
        known.members.clear();
        known.chats = [(Platform::Slack, group.to_owned())].into();
    }
    for resource in rules.resources.values_mut() {
        resource.channels = vec![Channel { platform: Platform::Slack, id: CARDS.into() }];
    }
    rules
}

/// The same company's workspace.
pub(crate) async fn workspace() -> Slack {
    let slack = Slack::start().await;
    for (_, account, name) in PEOPLE {
        slack.person(account, name);
    }
    let everybody: Vec<&str> = PEOPLE.iter().map(|(_, account, _)| *account).collect();
    for (id, name) in [(CARDS, "approvals"), (OPS, "ops"), (TALK, "general")] {
        slack.channel(id, name, &everybody);
    }
    slack.group("S0LEADS", "db-leads", &["U0BEN", "U0DORA"]);
    slack.group("S0SECURITY", "security", &["U0CLEO", "U0DORA"]);
    slack.group("S0ONCALL", "oncall", &["U0EVE"]);
    slack
}

impl House {
    pub(crate) async fn new(way: Way) -> Self {
        Self::with(way, workspace().await, rules()).await
    }

    pub(crate) async fn with(way: Way, slack: Slack, rules: Catalogue) -> Self {
        Self::in_tenants(way, slack, rules, &[]).await
    }

    /// Where people of these other workspaces may act too.
    pub(crate) async fn in_tenants(way: Way, slack: Slack, rules: Catalogue, tenants: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("hallpass.db").display())).await.unwrap();
        let (clock, pretend) = (Arc::new(ManualClock::new(START)), Arc::new(Pretend::new(Ownership::Shared)));
        let settings = Settings { tenants: tenants.iter().map(|&team| team.to_owned()).collect(), ..settings(&slack) };
        let mut house = Self::assembled(way, slack, rules, (store, clock, pretend), settings).await;
        house.folder = Some(Arc::new(folder));
        house
    }

    /// Over a store, a clock and a provider that another process may share.
    pub(crate) async fn over(
        way: Way,
        slack: Slack,
        rules: Catalogue,
        store: Store,
        clock: Arc<ManualClock>,
        pretend: Arc<Pretend>,
    ) -> Self {
        let settings = settings(&slack);
        Self::assembled(way, slack, rules, (store, clock, pretend), settings).await
    }

    async fn assembled(
        way: Way,
        slack: Slack,
        rules: Catalogue,
        (store, clock, pretend): (Store, Arc<ManualClock>, Arc<Pretend>),
        settings: Settings,
    ) -> Self {
        let client = Arc::new(Client::new(settings, clock.clone()));
        let chats: BTreeMap<Platform, Arc<dyn Chat>> = BTreeMap::from([(Platform::Slack, client.clone() as Arc<dyn Chat>)]);
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
            ops: vec![Channel { platform: Platform::Slack, id: OPS.into() }],
            alarm_run: Vec::new(),
            jitter: Box::new(|| 0),
            pace: 1,
            at_once: 16,
            heartbeat: Box::new(|| {}),
            stopping: false.into(),
        }));
        let door = Door::new(bot.clone(), voice, client.clone());
        let mut house = Self { slack, bot, workers, clock, pretend, door, store, socket: None, url: None, folder: None };
        house.open(way).await;
        house
    }

    async fn open(&mut self, way: Way) {
        match way {
            Way::Http => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let url = format!("http://{}", listener.local_addr().unwrap());
                tokio::spawn(serve(Http::new(self.door.clone(), &self.slack.signing_secret().to_owned().into()), listener));
                self.slack.over_http(&url);
                self.url = Some(url);
            }
            Way::Sockets => {
                let token = self.slack.app_token().to_owned().into();
                self.socket = Some(Socket::open(self.door.clone(), &token, 2).await.unwrap());
                self.slack.over_sockets();
                self.slack.connected(1).await;
            }
        }
    }

    /// Its sockets.
    pub(crate) fn socket(&self) -> &Socket {
        self.socket.as_ref().expect("it is reached through sockets")
    }

    /// Where Slack's requests arrive.
    pub(crate) fn address(&self) -> &str {
        self.url.as_deref().expect("it is reached over HTTP")
    }

    /// Everything that follows is done, at the pace that Slack takes it.
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
        panic!("it does not come to an end: {:?}", self.slack.refusals());
    }

    /// Time passes, everywhere.
    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(Span::from_seconds(seconds));
        self.slack.advance(Duration::from_secs(seconds.unsigned_abs()));
    }

    /// Time passes, and all that is due is done.
    pub(crate) async fn advance(&self, by: Span) {
        self.pass(by.seconds());
        self.settle().await;
    }

    /// Somebody types a command; what they alone read of the answer.
    pub(crate) async fn say(&self, user: &str, text: &str) -> String {
        let before = self.slack.ephemerals(user).len();
        let ack = self.slack.slash(user, TALK, text).await;
        assert!(ack.is_ok(), "{text}: {ack:?}");
        self.settle().await;
        if let Some(body) = ack.body.filter(Value::is_object) {
            return text_of(&body);
        }
        self.slack.ephemerals(user)[before..].iter().map(text_of).collect::<Vec<_>>().join("\n")
    }

    /// Somebody presses a button of the newest card; what they alone read of the answer.
    pub(crate) async fn press(&self, user: &str, action: &str) -> String {
        let card = self.card();
        self.press_on(user, CARDS, card["ts"].as_str().unwrap(), action).await
    }

    pub(crate) async fn press_on(&self, user: &str, channel: &str, ts: &str, action: &str) -> String {
        let before = self.slack.ephemerals(user).len();
        let ack = self.slack.press(user, channel, ts, action).await;
        assert!(ack.is_ok(), "{action}: {ack:?}");
        self.settle().await;
        self.slack.ephemerals(user)[before..].iter().map(text_of).collect::<Vec<_>>().join("\n")
    }

    /// The newest card as it stands.
    pub(crate) fn card(&self) -> Value {
        self.slack.messages(CARDS).last().cloned().unwrap_or_default()
    }

    /// What the newest card says.
    pub(crate) fn reads(&self) -> String {
        text_of(&self.card())
    }

    /// What stands under the newest card.
    pub(crate) fn thread(&self) -> String {
        let lines = self.slack.thread(CARDS, self.card()["ts"].as_str().unwrap());
        lines.iter().map(text_of).collect::<Vec<_>>().join("\n")
    }

    /// What somebody was told privately.
    pub(crate) fn directs(&self, user: &str) -> String {
        self.slack.directs(user).iter().map(text_of).collect::<Vec<_>>().join("\n")
    }

    /// What the page in front of somebody says.
    pub(crate) fn page(&self, user: &str) -> String {
        self.slack.view(user).map(|view| text_of(&view)).unwrap_or_default()
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
        assert_eq!(self.slack.refusals(), Vec::<String>::new());
    }
}

pub(crate) fn settings(slack: &Slack) -> Settings {
    Settings {
        bot_token: slack.bot_token().to_owned().into(),
        app_id: None,
        workspace: None,
        tenants: Vec::new(),
        api_url: slack.api_url(),
        patience: Duration::from_secs(5),
        may_answer_at: Box::new(|url| url.starts_with("http://127.0.0.1:")),
    }
}
