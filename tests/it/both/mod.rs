//! The bot in Slack and in Discord at once: the real clients and doors against both fakes, one store, one clock, one provider.

mod accounts;
mod chats;
mod outages;
mod processes;
mod states;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hallpass::{
    bot::{Bot, Parts},
    chat::{
        Chat,
        directory::Directory,
        discord::{self as on_discord, Discord as DiscordClient},
        render::Templates,
        show::Voice,
        slack::{self as on_slack, Slack as SlackClient},
    },
    clock::ManualClock,
    domain::{
        entitlement::Ownership,
        policy::{Catalogue, Platform},
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
    discord::{self, ANA},
    fakes::{
        discord::{Discord, Stamp, reading::text_of as read_on_discord},
        slack::{Slack, reading::text_of as read_on_slack},
    },
    slack,
    world::START,
};

const WRITE: &str = "request prod-db write 1h Unblock the stuck import";

/// How people reach the bot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// Both chats call it.
    Http,
    /// It holds a socket to Slack and the gateway to Discord.
    Dialled,
}

/// A company with one bot in its Slack and its Discord.
struct House {
    slack: Slack,
    discord: Discord,
    bot: Arc<Bot>,
    workers: Arc<Workers>,
    clock: Arc<ManualClock>,
    pretend: Arc<Pretend>,
    store: Store,
    slack_door: Arc<on_slack::Door>,
    discord_door: Arc<on_discord::Door>,
    /// Open as long as the house stands.
    socket: Option<on_slack::Socket>,
    gateway: Option<on_discord::Gateway>,
    /// Where each chat's requests arrive, Slack's first, when it is reached over HTTP.
    urls: Option<[String; 2]>,
    folder: Option<Arc<tempfile::TempDir>>,
}

/// Ana, Ben and Cleo have accounts on both; Dora and Finn on Slack alone; Eve on Discord alone. Every group is a group of Slack's
/// and a role of Discord's, and every card goes to a channel of each.
fn rules() -> Catalogue {
    let (mut rules, there) = (slack::rules(), discord::rules());
    for (id, person) in &mut rules.people {
        match id.as_str() {
            "dora" | "finn" => {}
            "eve" => person.identities = there.people[id].identities.clone(),
            _ => person.identities.extend(there.people[id].identities.clone()),
        }
    }
    for (id, group) in &mut rules.groups {
        group.chats.extend(there.groups[id].chats.clone());
    }
    for (id, resource) in &mut rules.resources {
        resource.channels.extend(there.resources[id].channels.clone());
    }
    rules
}

impl House {
    async fn new(way: Way) -> Self {
        Self::with(way, rules()).await
    }

    async fn with(way: Way, rules: Catalogue) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("hallpass.db").display())).await.unwrap();
        let (clock, pretend) = (Arc::new(ManualClock::new(START)), Arc::new(Pretend::new(Ownership::Shared)));
        let chats = (slack::workspace().await, discord::guild().await);
        let mut house = Self::over(way, chats, rules, store, clock, pretend).await;
        house.folder = Some(Arc::new(folder));
        house
    }

    /// Where Ana has asked for write on prod-db, in Discord.
    async fn asked(way: Way) -> Self {
        let house = Self::new(way).await;
        house.ask("write").await;
        house
    }

    /// Where Ben approved that, in Slack.
    async fn granted(way: Way) -> Self {
        let house = Self::asked(way).await;
        house.slack_press("U0BEN", "approve").await;
        assert!(house.holds("ana", "write"));
        house
    }

    /// Over a store, a clock and a provider that another process may share.
    async fn over(
        way: Way,
        (slack, discord): (Slack, Discord),
        rules: Catalogue,
        store: Store,
        clock: Arc<ManualClock>,
        pretend: Arc<Pretend>,
    ) -> Self {
        let on_slack = Arc::new(SlackClient::new(slack::settings(&slack), clock.clone()));
        let on_discord = Arc::new(DiscordClient::new(discord::settings(&discord), clock.clone()));
        let chats: BTreeMap<Platform, Arc<dyn Chat>> =
            BTreeMap::from([(Platform::Slack, on_slack.clone() as Arc<dyn Chat>), (Platform::Discord, on_discord.clone())]);
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
        let workers = Arc::new(Workers::new(deps(&bot, &clock, chats, voice.clone())));
        let slack_door = on_slack::Door::new(bot.clone(), voice.clone(), on_slack);
        let discord_door = on_discord::Door::new(bot.clone(), voice, on_discord.clone());
        on_discord.register().await.unwrap();
        let (socket, gateway, urls, folder) = (None, None, None, None);
        let mut house =
            Self { slack, discord, bot, workers, clock, pretend, store, slack_door, discord_door, socket, gateway, urls, folder };
        house.open(way).await;
        house
    }

    async fn open(&mut self, way: Way) {
        match way {
            Way::Http => {
                let (for_slack, slacks) = listening("").await;
                let (for_discord, discords) = listening("/discord/interactions").await;
                tokio::spawn(on_slack::serve(
                    on_slack::Http::new(self.slack_door.clone(), &self.slack.signing_secret().to_owned().into()),
                    for_slack,
                ));
                let http = on_discord::Http::new(self.discord_door.clone(), self.discord.public_key()).unwrap();
                tokio::spawn(on_discord::serve(http, for_discord));
                self.slack.over_http(&slacks);
                self.discord.over_http(&discords).stamp_with(Stamp::Own);
                self.urls = Some([slacks, discords]);
            }
            Way::Dialled => {
                let token = self.slack.app_token().to_owned().into();
                self.socket = Some(on_slack::Socket::open(self.slack_door.clone(), &token, 2).await.unwrap());
                self.slack.over_sockets();
                self.slack.connected(1).await;
                self.gateway = Some(on_discord::Gateway::open(self.discord_door.clone()).await.unwrap());
                self.discord.connected(1).await;
            }
        }
    }

    /// What is due now is done, and no time passes.
    async fn work(&self) {
        self.slack_door.idle().await;
        self.discord_door.idle().await;
        self.workers.drain().await.unwrap();
    }

    /// Everything that follows is done, at the pace that both chats take it.
    async fn settle(&self) {
        for _ in 0..60 {
            self.work().await;
            let soon = self.bot.now() + Span::from_seconds(2);
            if self.store.next_due().await.unwrap().is_none_or(|due| due > soon) {
                return;
            }
            self.pass(1);
        }
        panic!("it does not come to an end: {:?} {:?}", self.slack.refusals(), self.discord.refusals());
    }

    /// Time passes, everywhere.
    fn pass(&self, seconds: i64) {
        self.clock.advance(Span::from_seconds(seconds));
        self.slack.advance(Duration::from_secs(seconds.unsigned_abs()));
        self.discord.advance(Duration::from_secs(seconds.unsigned_abs()));
    }

    /// Time passes, and all that is due is done.
    async fn advance(&self, by: Span) {
        self.pass(by.seconds());
        self.settle().await;
    }

    async fn newest(&self) -> Request {
        let filter = Filter { limit: 1, ..Filter::default() };
        self.store.requests(&filter).await.unwrap().remove(0)
    }

    /// Ana asks for a role of prod-db for an hour, in Discord.
    async fn ask(&self, role: &str) -> String {
        let options = [("resource", "prod-db"), ("role", role), ("length", "1h"), ("reason", "Unblock the stuck import")];
        self.discord_says(ANA, "request", &options).await
    }

    /// Does the provider have it switched on?
    fn holds(&self, person: &str, role: &str) -> bool {
        self.pretend.held().iter().any(|(target, who)| target == role && who.split(' ').next() == Some(person))
    }

    /// Every entry of the ledger, oldest first.
    async fn entries(&self) -> Vec<Value> {
        let all = self.store.all_entries(0, 10_000).await.unwrap();
        all.into_iter().map(|entry| serde_json::from_slice(&entry.bytes).unwrap()).collect()
    }

    /// How often something happened, to whatever request.
    async fn times(&self, kind: &str) -> usize {
        self.entries().await.iter().filter(|entry| entry["event"]["type"] == kind).count()
    }

    /// Nothing that the bot sent was refused.
    fn assert_nothing_refused(&self) {
        assert_eq!((self.slack.refusals(), self.discord.refusals()), (Vec::new(), Vec::new()));
    }
}

/// A free port, and its address with this path.
async fn listening(path: &str) -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{path}", listener.local_addr().unwrap());
    (listener, url)
}

fn deps(bot: &Arc<Bot>, clock: &Arc<ManualClock>, chats: BTreeMap<Platform, Arc<dyn Chat>>, shows: Arc<Voice>) -> Deps {
    let channel = |platform, id: &str| hallpass::domain::policy::Channel { platform, id: id.into() };
    Deps {
        store: bot.store().clone(),
        bot: bot.clone(),
        clock: clock.clone(),
        chats,
        shows,
        ops: vec![channel(Platform::Slack, slack::OPS), channel(Platform::Discord, discord::OPS)],
        alarm_run: Vec::new(),
        jitter: Box::new(|| 0),
        pace: 1,
        at_once: 16,
        heartbeat: Box::new(|| {}),
        stopping: false.into(),
    }
}
