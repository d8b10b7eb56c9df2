//! A whole bot for the suite: the real core over a store in a temporary folder, around the adapter under test. It can be
//! killed and opened again, and its clock can be moved ahead without waiting. Judges nothing.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    bot::{Answer, Body, Bot, Incoming, Parts},
    chat::{Chat, console::Console, directory::Directory, render::Templates, show::Voice},
    clock::{Clock, SystemClock},
    domain::{
        due,
        ids::{PolicyName, ResourceId},
        policy::{Catalogue, Channel, Person, Platform, Policy, ReasonRule, Resource, Role, Who},
        request::{Request, RequestId, State},
        time::{Instant, Span},
    },
    provider::{Done, Provider, conformance::Fixture},
    store::{Filter, Store, StoreError},
    worker::{Deps, Workers},
};

/// Looks before it is given up that something comes about.
const LOOKS: usize = 60;
/// Where the system settles or works on by itself, what is due sooner than this is waited for.
const SOON: Span = Span::from_seconds(2);
/// A real pause before the clock is moved to what is due.
const BREATH: Duration = Duration::from_millis(20);
/// How long a killed process may take to let go of its file.
const LET_GO: usize = 500;

/// The real time, and as much ahead of it as was skipped.
#[derive(Debug, Default)]
pub(super) struct Stepped {
    ahead: AtomicI64,
}

impl Stepped {
    pub(super) fn skip(&self, by: Span) {
        self.ahead.fetch_add(by.seconds() * 1_000_000, Ordering::Relaxed);
    }

    fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }
}

impl Clock for Stepped {
    fn now(&self) -> Instant {
        Instant::from_micros(SystemClock.now().micros() + self.ahead())
    }

    fn monotonic(&self) -> i64 {
        SystemClock.monotonic() + self.ahead()
    }

    fn real(&self, at: Instant) -> Instant {
        Instant::from_micros(at.micros() - self.ahead())
    }
}

/// Everything that outlives a kill.
pub(super) struct Rig<'a> {
    folder: tempfile::TempDir,
    pub(super) clock: Arc<Stepped>,
    console: Arc<Console>,
    /// As the bot sees it.
    provider: Arc<dyn Provider>,
    fixture: &'a Fixture,
    count: AtomicU64,
}

/// One life of the bot.
pub(super) struct House {
    bot: Arc<Bot>,
    workers: Workers,
    store: Store,
}

impl<'a> Rig<'a> {
    pub(super) fn new(provider: Arc<dyn Provider>, fixture: &'a Fixture) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        Ok(Self { folder, clock: Arc::default(), console: Arc::new(Console::new()), provider, fixture, count: AtomicU64::new(0) })
    }

    /// Starts the bot, as `run` does: what was left open is handled first.
    pub(super) async fn open(&self) -> Result<House, String> {
        let store = self.store().await?;
        let (id, name) = (self.fixture.person.id.as_str(), &self.fixture.person.name);
        self.console.set_profile(id, name, true);
        let chats: BTreeMap<Platform, Arc<dyn Chat>> = BTreeMap::from([(Platform::Console, self.console.clone() as Arc<dyn Chat>)]);
        let bot = Bot::new(Parts {
            store: store.clone(),
            clock: self.clock.clone(),
            catalogue: catalogue(self.fixture)?,
            providers: BTreeMap::from([(self.fixture.provider.clone(), self.provider.clone())]),
            facts: Arc::new(Directory::new(chats.clone(), self.clock.clone())),
            seed: self.clock.now().micros().unsigned_abs(),
        });
        let bot = Arc::new(bot.await.map_err(|error| error.to_string())?);
        let templates = Arc::new(Templates::load(None).map_err(|error| error.to_string())?);
        let workers = Workers::new(Deps {
            store: store.clone(),
            bot: bot.clone(),
            clock: self.clock.clone(),
            chats,
            shows: Arc::new(Voice { bot: bot.clone(), templates }),
            ops: Vec::new(),
            alarm_run: Vec::new(),
            jitter: Box::new(|| 0),
            pace: 1,
            at_once: 16,
            heartbeat: Box::new(|| {}),
            stopping: false.into(),
        });
        bot.handle_left().await.map_err(|error| error.to_string())?;
        Ok(House { bot, workers, store })
    }

    async fn store(&self) -> Result<Store, String> {
        let url = format!("sqlite:{}", self.folder.path().join("hallpass.db").display());
        for _ in 0..LET_GO {
            match Store::open(&url).await {
                Err(StoreError::Locked(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
                opened => return opened.map_err(|error| error.to_string()),
            }
        }
        Err("the store is still locked".into())
    }

    /// The person asks, and it is approved at once.
    pub(super) async fn ask(&self, house: &House) -> Result<RequestId, String> {
        let role = &self.fixture.role.name;
        self.line(house, &format!("/jit request {RESOURCE} {role} 1h the suite tries this adapter")).await?;
        let newest = Filter { limit: 1, ..Filter::default() };
        let found = house.store.requests(&newest).await.map_err(|error| error.to_string())?;
        found.first().map(|request| request.id.clone()).ok_or_else(|| "nothing was asked".into())
    }

    /// The person gives it back.
    pub(super) async fn give_back(&self, house: &House, id: &RequestId) -> Result<(), String> {
        self.line(house, &format!("/jit return {id}")).await
    }

    async fn line(&self, house: &House, text: &str) -> Result<(), String> {
        let interaction = self.count.fetch_add(1, Ordering::Relaxed).to_string();
        let user = self.fixture.person.id.to_string();
        let incoming = Incoming { platform: Platform::Console, user, interaction, body: Body::Line { text: text.to_owned() } };
        match house.bot.take(&incoming).await {
            Ok(Some(Answer::Refused(refusal))) => Err(format!("the bot refuses: {refusal:?}")),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Works until the grant works; what it brought.
    pub(super) async fn until_active(&self, house: &House, id: &RequestId) -> Result<Held, String> {
        let request = self.until(house, id, |state| matches!(state, State::Active { .. }), "the access works").await?;
        let claim = due::claim(&request).ok_or("it has no claim")?;
        let row = house.store.entitlement(&claim.entitlement).await.map_err(|error| error.to_string())?.ok_or("its entitlement is gone")?;
        let how_to_connect = match request.state {
            State::Active { work, .. } => work.how_to_connect,
            _ => None,
        };
        Ok(Held { order: row.order, done: Done { handle: row.handle, how_to_connect, ..Done::default() } })
    }

    /// Works until the request is closed, which the bot does only when it read the access as gone.
    pub(super) async fn until_closed(&self, house: &House, id: &RequestId) -> Result<(), String> {
        self.until(house, id, |state| matches!(state, State::Closed { .. }), "the access is gone").await.map(drop)
    }

    async fn until(&self, house: &House, id: &RequestId, is_so: impl Fn(&State) -> bool, what: &str) -> Result<Request, String> {
        let mut last = String::new();
        for _ in 0..LOOKS {
            self.work(house).await?;
            let request = house.store.request(id).await.map_err(|error| error.to_string())?.ok_or("the request disappeared")?;
            if is_so(&request.state) {
                return Ok(request);
            }
            if let State::Closed { ending, .. } = &request.state {
                return Err(format!("never came to \"{what}\": it ended as {ending:?}"));
            }
            if let Some(claim) = due::claim(&request)
                && let Ok(Some(row)) = house.store.entitlement(&claim.entitlement).await
            {
                last = row.last_answer.unwrap_or_default();
            }
            self.wait(house).await?;
        }
        Err(format!("never came to \"{what}\"; the last answer: {last}"))
    }

    /// Does what is due.
    pub(super) async fn work(&self, house: &House) -> Result<(), String> {
        house.workers.drain().await.map(drop).map_err(|stop| stop.to_string())
    }

    /// Until something is due: really, where it may be the system that needs the time, else on the clock only.
    async fn wait(&self, house: &House) -> Result<(), String> {
        let due = house.store.next_due().await.map_err(|error| error.to_string())?;
        let micros = due.map_or(0, |at| at.micros() - self.clock.now().micros()).max(0);
        let about = self.provider.describe_for(&self.fixture.role.target);
        let patient = if about.settling.reads > 1 || about.verbs.poll { SOON.max(about.settling.apart) } else { Span::ZERO };
        let micros = micros.unsigned_abs();
        if micros <= patient.seconds().unsigned_abs() * 1_000_000 {
            tokio::time::sleep(Duration::from_micros(micros.max(2_000))).await;
            return Ok(());
        }
        let pause = Duration::from_micros(micros).min(BREATH);
        tokio::time::sleep(pause).await;
        self.clock.skip(Span::from_seconds(i64::try_from(Duration::from_micros(micros).saturating_sub(pause).as_secs()).unwrap_or(0) + 1));
        Ok(())
    }
}

/// What the bot holds for the person.
pub(super) struct Held {
    pub(super) order: crate::domain::entitlement::Order,
    pub(super) done: Done,
}

/// The only resource there is.
const RESOURCE: &str = "under-test";

fn catalogue(fixture: &Fixture) -> Result<Catalogue, String> {
    let id: ResourceId = RESOURCE.parse().map_err(|error| format!("{error}"))?;
    let name: PolicyName = RESOURCE.parse().map_err(|error| format!("{error}"))?;
    let hour = Span::from_minutes(60);
    let policy = Policy {
        name: name.clone(),
        cap: hour,
        default: hour,
        extend_to: None,
        grace: Span::ZERO,
        // The clock is moved by whole deadlines.
        grant_within: Span::from_minutes(24 * 60),
        patience: hour,
        warn: None,
        reason: ReasonRule { min_chars: 0 },
        ticket: None,
        may_ask: vec![Who::Everyone],
        on_behalf_of: Vec::new(),
        at_once_up_to: Some(hour),
        stages: Vec::new(),
    };
    let person = &fixture.person;
    let asker = Person { active: true, identities: [(Platform::Console, person.id.to_string())].into(), ..person.clone() };
    let resource = Resource {
        id: id.clone(),
        title: RESOURCE.into(),
        description: String::new(),
        tags: Vec::new(),
        owner: None,
        provider: fixture.provider.clone(),
        channels: vec![Channel { platform: Platform::Console, id: "#suite".into() }],
        roles: vec![Role { policy: name.clone(), ..fixture.role.clone() }],
    };
    Ok(Catalogue {
        people: [(asker.id.clone(), asker)].into(),
        resources: [(id, resource)].into(),
        policies: [(name, policy)].into(),
        digest: "sha256:suite".into(),
        ..Catalogue::default()
    })
}
