//! A whole bot in one test: a real store, the console as the chat, a provider with a memory, and a clock moved by hand.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use hallpass::{
    bot::{Body, Bot, Incoming, Parts},
    chat::{Chat, Posted, console::Console, directory::Directory, render::Templates, show::Voice},
    clock::{Clock, ManualClock},
    domain::{
        entitlement::Ownership,
        ids::PersonId,
        policy::{Catalogue, Channel, Group, Person, Platform, Policy, ReasonRule, Resource, Role, Rung, Stage, TicketRule, Who},
        time::{Instant, Span},
    },
    provider::{Provider, pretend::Pretend},
    store::Store,
    worker::{Deps, Workers},
};

/// 2026-11-24 14:00 UTC.
pub(crate) const START: Instant = Instant::from_micros(1_795_528_800_000_000);

pub(crate) struct World {
    pub bot: Arc<Bot>,
    pub workers: Arc<Workers>,
    pub console: Arc<Console>,
    pub clock: Arc<ManualClock>,
    pub pretend: Arc<Pretend>,
    pub store: Store,
    voice: Arc<Voice>,
    /// How often the heartbeat was given.
    pub beats: Arc<AtomicU64>,
    interactions: AtomicU64,
    /// Held so that it lives as long as the world.
    folder: Option<tempfile::TempDir>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Ownership::Shared).await
    }

    pub(crate) async fn with(ownership: Ownership) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("hallpass.db").display());
        let mut world = Self::on(&url, ownership).await;
        world.folder = Some(folder);
        world
    }

    pub(crate) async fn on(url: &str, ownership: Ownership) -> Self {
        let store = Store::open(url).await.unwrap();
        Self::built(store, Arc::new(ManualClock::new(START)), Arc::new(Pretend::new(ownership)), Arc::new(Console::new())).await
    }

    /// As `on`, with a clock that starts at `at`.
    pub(crate) async fn on_at(url: &str, at: Instant) -> Self {
        let store = Store::open(url).await.unwrap();
        Self::built(store, Arc::new(ManualClock::new(at)), Arc::new(Pretend::new(Ownership::PerGrant)), Arc::new(Console::new())).await
    }

    /// As `on`, with this provider.
    pub(crate) async fn with_provider(url: &str, pretend: Pretend) -> Self {
        let store = Store::open(url).await.unwrap();
        Self::built(store, Arc::new(ManualClock::new(START)), Arc::new(pretend), Arc::new(Console::new())).await
    }

    /// As `on`, by these rules.
    pub(crate) async fn by(url: &str, rules: Catalogue) -> Self {
        let store = Store::open(url).await.unwrap();
        let (clock, pretend) = (Arc::new(ManualClock::new(START)), Arc::new(Pretend::new(Ownership::Shared)));
        Self::assembled(store, clock, pretend, Arc::new(Console::new()), None, rules).await
    }

    /// Another bot process by these rules over this store, with this one's clock, provider and chat.
    pub(crate) async fn next(&self, store: Store, rules: Catalogue) -> Self {
        Self::assembled(store, self.clock.clone(), self.pretend.clone(), self.console.clone(), None, rules).await
    }

    /// A second bot process over the same store, clock, provider and chat.
    pub(crate) async fn replica(&self, store: Store) -> Self {
        Self::built(store, self.clock.clone(), self.pretend.clone(), self.console.clone()).await
    }

    /// With another chat beside the console, by these rules, over a store that another bot may share.
    pub(crate) async fn beside(
        store: Store,
        clock: Arc<ManualClock>,
        pretend: Arc<Pretend>,
        chat: Arc<dyn Chat>,
        rules: Catalogue,
    ) -> Self {
        Self::assembled(store, clock, pretend, Arc::new(Console::new()), Some(chat), rules).await
    }

    async fn built(store: Store, clock: Arc<ManualClock>, pretend: Arc<Pretend>, console: Arc<Console>) -> Self {
        Self::assembled(store, clock, pretend, console, None, catalogue()).await
    }

    async fn assembled(
        store: Store,
        clock: Arc<ManualClock>,
        pretend: Arc<Pretend>,
        console: Arc<Console>,
        other: Option<Arc<dyn Chat>>,
        rules: Catalogue,
    ) -> Self {
        static SEED: AtomicU64 = AtomicU64::new(1);
        let beats = Arc::new(AtomicU64::new(0));
        for name in ["ana", "ben", "cleo", "dora", "eve", "finn"] {
            console.set_profile(name, name, true);
        }
        let chats = [console.clone() as Arc<dyn Chat>].into_iter().chain(other).map(|chat| (chat.platform(), chat)).collect();
        let provider: Arc<dyn Provider> = pretend.clone();
        let bot = Bot::new(Parts {
            store: store.clone(),
            clock: clock.clone(),
            catalogue: rules,
            providers: BTreeMap::from([("pretended".parse().unwrap(), provider)]),
            facts: Arc::new(Directory::new(chats, clock.clone())),
            seed: SEED.fetch_add(1, Ordering::Relaxed),
        });
        let bot = Arc::new(bot.await.unwrap());
        let voice = Arc::new(Voice { bot: bot.clone(), templates: Arc::new(Templates::load(None).unwrap()) });
        let workers = Arc::new(Workers::new(deps(&bot, &clock, &console, &voice, &beats, Vec::new())));
        Self { bot, workers, console, clock, pretend, store, voice, beats, interactions: AtomicU64::new(0), folder: None }
    }

    /// Its alarms go to this program too.
    pub(crate) fn alarms_run(mut self, program: &[&str]) -> Self {
        let program = program.iter().map(|word| (*word).to_owned()).collect();
        self.workers = Arc::new(Workers::new(deps(&self.bot, &self.clock, &self.console, &self.voice, &self.beats, program)));
        self
    }

    /// Its alarms go to these channels.
    pub(crate) fn ops(mut self, channels: &[&str]) -> Self {
        let channel = |id: &&str| Channel { platform: Platform::Console, id: (*id).to_owned() };
        let deps = deps(&self.bot, &self.clock, &self.console, &self.voice, &self.beats, Vec::new());
        self.workers = Arc::new(Workers::new(Deps { ops: channels.iter().map(channel).collect(), ..deps }));
        self
    }

    pub(crate) fn voice(&self) -> &Voice {
        &self.voice
    }

    /// Stops this bot and closes its store; what lives outside of it goes on.
    pub(crate) async fn without_store(self) -> Outside {
        let Self { clock, pretend, console, store, .. } = self;
        store.close().await;
        Outside { clock, pretend, console }
    }

    /// Somebody types a line; what they read as the answer. Everything that follows from it is done.
    pub(crate) async fn say(&self, user: &str, line: &str) -> String {
        self.incoming(Platform::Console, user, Body::Line { text: line.into() }).await
    }

    /// The same in another chat, by the account's id there.
    pub(crate) async fn say_on(&self, platform: Platform, account: &str, line: &str) -> String {
        self.incoming(platform, account, Body::Line { text: line.into() }).await
    }

    /// Somebody presses a button of a request's card.
    pub(crate) async fn press(&self, user: &str, action: &str, request: &str, words: Option<&str>) -> String {
        let body = Body::Press { action: action.into(), request: request.into(), words: words.map(Into::into) };
        self.incoming(Platform::Console, user, body).await
    }

    /// How an ask would go, as the form shows it before sending.
    pub(crate) fn before(&self, outlook: &hallpass::domain::explain::Outlook) -> String {
        self.voice.before(Platform::Console, outlook)
    }

    async fn incoming(&self, platform: Platform, user: &str, body: Body) -> String {
        let n = self.interactions.fetch_add(1, Ordering::Relaxed);
        let interaction = format!("{self:p}-{n}");
        let incoming = Incoming { platform, user: user.into(), interaction, body };
        let answer = self.bot.take(&incoming).await.unwrap().unwrap();
        let person: Option<PersonId> = user.parse().ok();
        let said = self.voice.answer(Platform::Console, person.as_ref(), &answer).await.unwrap();
        self.workers.drain().await.unwrap();
        said
    }

    /// What a person reads of an answer.
    pub(crate) async fn say_of(&self, answer: &hallpass::bot::Answer) -> String {
        self.voice.answer(Platform::Console, None, answer).await.unwrap()
    }

    /// Time passes in one step, and all that is due is done.
    pub(crate) async fn advance(&self, by: Span) {
        self.clock.advance(by);
        // Far steps look like a clock that jumped only when no time passed; here it did.
        self.workers.drain().await.unwrap();
    }

    /// The id of the newest request. Two of the same moment have no order: the clock must move between them.
    pub(crate) async fn newest(&self) -> String {
        let filter = hallpass::store::Filter { limit: 2, ..hallpass::store::Filter::default() };
        let newest = self.store.requests(&filter).await.unwrap();
        assert!(newest.get(1).is_none_or(|other| other.opened_at < newest[0].opened_at), "which one is the newest?");
        newest[0].id.to_string()
    }

    pub(crate) async fn state(&self, id: &str) -> hallpass::domain::request::Request {
        self.store.request(&id.parse().unwrap()).await.unwrap().unwrap()
    }

    /// Does the provider have it switched on?
    pub(crate) fn holds(&self, person: &str, role: &str) -> bool {
        self.pretend.held().iter().any(|(target, who)| target == role && who.split(' ').next() == Some(person))
    }

    pub(crate) fn card(&self) -> Posted {
        self.console.cards("#db-approvers").last().unwrap().clone()
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }
}

fn deps(
    bot: &Arc<Bot>,
    clock: &Arc<ManualClock>,
    console: &Arc<Console>,
    voice: &Arc<Voice>,
    beats: &Arc<AtomicU64>,
    alarm_run: Vec<String>,
) -> Deps {
    let beats = beats.clone();
    Deps {
        store: bot.store().clone(),
        bot: bot.clone(),
        clock: clock.clone(),
        chats: BTreeMap::from([(Platform::Console, console.clone() as Arc<dyn Chat>)]),
        shows: voice.clone(),
        ops: vec![Channel { platform: Platform::Console, id: "#ops".into() }],
        alarm_run,
        jitter: Box::new(|| 0),
        pace: 1,
        at_once: 16,
        heartbeat: Box::new(move || {
            beats.fetch_add(1, Ordering::Relaxed);
        }),
        stopping: false.into(),
    }
}

/// A world while its bot is down.
pub(crate) struct Outside {
    clock: Arc<ManualClock>,
    pretend: Arc<Pretend>,
    console: Arc<Console>,
}

impl Outside {
    /// The next start of the bot, by these rules.
    pub(crate) async fn by(self, store: Store, rules: Catalogue) -> World {
        World::assembled(store, self.clock, self.pretend, self.console, None, rules).await
    }

    /// Time passes without it.
    pub(crate) fn pass(&self, by: Span) {
        self.clock.advance(by);
    }

    /// The next start of the bot.
    pub(crate) async fn with_store(self, store: Store) -> World {
        World::built(store, self.clock, self.pretend, self.console).await
    }
}

fn who(name: &str) -> Who {
    name.strip_prefix('@').map_or_else(|| Who::Person(name.parse().unwrap()), |group| Who::Group(group.parse().unwrap()))
}

fn stage(approvers: &[&str], needed: usize, ladder: &[(i64, &str)]) -> Stage {
    Stage {
        approvers: approvers.iter().map(|n| who(n)).collect(),
        needed,
        notify: approvers.iter().map(|n| who(n)).collect(),
        direct: Vec::new(),
        remind_every: None,
        ladder: ladder.iter().map(|(minutes, to)| Rung { after: Span::from_minutes(*minutes), to: vec![who(to)] }).collect(),
    }
}

/// prod-db: read and write need a db-lead, admin also security. bastion: 30 min at once.
pub(crate) fn catalogue() -> Catalogue {
    let person = |id: &str, name: &str| Person {
        id: id.parse().unwrap(),
        name: name.into(),
        email: None,
        time_zone: None,
        active: true,
        identities: BTreeMap::from([(Platform::Console, id.to_owned())]),
        logins: BTreeMap::new(),
    };
    let people = [
        ("ana", "Ana Reyes"),
        ("ben", "Ben Okafor"),
        ("cleo", "Cleo Marsh"),
        ("dora", "Dora Lind"),
        ("eve", "Eve Stone"),
        ("finn", "Finn Ward"),
    ]
    .map(|(id, name)| (id.parse().unwrap(), person(id, name)));
    let group = |id: &str, members: &[&str]| Group {
        id: id.parse().unwrap(),
        members: members.iter().map(|m| m.parse().unwrap()).collect(),
        chats: BTreeMap::new(),
    };
    let groups = [("db-leads", &["ben", "dora"][..]), ("security", &["cleo", "dora"]), ("oncall", &["eve"])]
        .map(|(id, members)| (id.parse().unwrap(), group(id, members)));
    let policy = |name: &str, stages: Vec<Stage>, at_once: Option<i64>| Policy {
        name: name.parse().unwrap(),
        cap: Span::from_minutes(240),
        default: Span::from_minutes(60),
        extend_to: Some(Span::from_minutes(120)),
        grace: Span::ZERO,
        grant_within: Span::from_minutes(15),
        patience: Span::from_minutes(240),
        warn: None,
        reason: ReasonRule { min_chars: 4 },
        ticket: Some(TicketRule { required: false, projects: vec!["OPS".into()], link: None }),
        may_ask: vec![Who::Everyone],
        on_behalf_of: vec![who("ana")],
        at_once_up_to: at_once.map(Span::from_minutes),
        stages,
    };
    let policies = [
        policy("prod-data", vec![stage(&["@db-leads"], 1, &[(10, "@oncall")])], None),
        policy("prod-admin", vec![stage(&["@db-leads"], 1, &[]), stage(&["@security"], 1, &[])], None),
        policy("hosts", vec![stage(&["@security"], 1, &[])], Some(30)),
    ]
    .map(|p| (p.name.clone(), p));
    let role = |name: &str, policy: &str| Role {
        name: name.parse().unwrap(),
        title: name.into(),
        policy: policy.parse().unwrap(),
        target: serde_json::json!({ "name": name }),
    };
    let resource = |id: &str, title: &str, roles: Vec<Role>| Resource {
        id: id.parse().unwrap(),
        title: title.into(),
        description: String::new(),
        tags: Vec::new(),
        owner: Some(who("finn")),
        provider: "pretended".parse().unwrap(),
        channels: vec![Channel { platform: Platform::Console, id: "#db-approvers".into() }],
        roles,
    };
    let prod = vec![role("read", "prod-data"), role("write", "prod-data"), role("admin", "prod-admin")];
    let resources = [resource("prod-db", "Orders database", prod), resource("bastion", "Bastion host", vec![role("login", "hosts")])];
    Catalogue {
        people: people.into(),
        groups: groups.into(),
        resources: resources.map(|r| (r.id.clone(), r)).into(),
        policies: policies.into(),
        members: hallpass::domain::members::Rules::default(),
        administrators: vec![who("eve")],
        auditors: Vec::new(),
        digests: None,
        digest: "sha256:test".into(),
        frozen: false,
        time_zone: chrono_tz::UTC,
    }
}
