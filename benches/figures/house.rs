//! A whole bot for the figures: real store, real decisions, real workers and sealer; a chat that answers at once, and a
//! provider that notes when each revoke begins.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use hallpass::{
    bot::{Bot, Facts, Fresh, Parts},
    chat::{Chat, ChatFault, Message, Once, Posted, Profile, render::Templates, show::Voice},
    clock::{Clock, SystemClock},
    domain::{
        entitlement::{Handle, Order, Ownership},
        members::{Member, Presence},
        policy::{Catalogue, Channel, Person, Platform, Policy, ReasonRule, Resource, Role, Stage, Who},
        time::{Instant, Span},
    },
    ledger::{key::Key, seal::Sealer},
    provider::{Delivery, Description, Done, Fault, Provider, Resolved, Seen, Sessions, Settling, Step, Verbs},
    store::Store,
    worker::{Deps, Workers},
};

use crate::place::Place;

pub(crate) const PEOPLE: usize = 1_000;
pub(crate) const RESOURCES: usize = 100;

/// The bot and everything around it.
pub(crate) struct House {
    pub(crate) bot: Arc<Bot>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) recorder: Arc<Recorder>,
    sealing: tokio::task::JoinHandle<()>,
}

impl House {
    /// `start`: what the bot's clock says now; None: the machine's time.
    pub(crate) async fn on(place: &Place, start: Option<Instant>, width: u32) -> anyhow::Result<Self> {
        Self::at(&place.url, place.folder.path(), start, width).await
    }

    /// `folder` is for the ledger's key.
    pub(crate) async fn at(url: &str, folder: &std::path::Path, start: Option<Instant>, width: u32) -> anyhow::Result<Self> {
        let clock = Arc::new(Shifted { base: start.unwrap_or_else(|| SystemClock.now()), since: std::time::Instant::now() });
        let recorder = Arc::new(Recorder { description: description(width), clock: clock.clone(), state: Mutex::default() });
        Self::around((url, folder), clock, width, recorder.clone(), (catalogue(), recorder)).await
    }

    /// On the machine's clock, before a real provider. `target`: what a role of it is.
    pub(crate) async fn giving(place: &Place, provider: Arc<dyn Provider>, target: serde_json::Value, width: u32) -> anyhow::Result<Self> {
        let clock = Arc::new(Shifted { base: SystemClock.now(), since: std::time::Instant::now() });
        let unused = Arc::new(Recorder { description: description(width), clock: clock.clone(), state: Mutex::default() });
        let mut catalogue = catalogue();
        let roles = catalogue.resources.values_mut().flat_map(|resource| resource.roles.iter_mut());
        roles.for_each(|role| role.target = target.clone());
        Self::around((&place.url, place.folder.path()), clock, width, unused, (catalogue, provider)).await
    }

    async fn around(
        (url, folder): (&str, &std::path::Path),
        clock: Arc<Shifted>,
        width: u32,
        recorder: Arc<Recorder>,
        (catalogue, provider): (Catalogue, Arc<dyn Provider>),
    ) -> anyhow::Result<Self> {
        let store = Store::open(url).await?;
        let bot = Arc::new(
            Bot::new(Parts {
                store: store.clone(),
                clock: clock.clone(),
                catalogue,
                providers: BTreeMap::from([("bench".parse()?, provider)]),
                facts: Arc::new(Nobody),
                seed: 7,
            })
            .await?,
        );
        let templates = Templates::load(None).map_err(|why| anyhow::anyhow!("{why}"))?;
        let workers = Arc::new(Workers::new(Deps {
            store: store.clone(),
            bot: bot.clone(),
            clock,
            chats: BTreeMap::from([(Platform::Console, Arc::new(Quick) as Arc<dyn Chat>)]),
            shows: Arc::new(Voice { bot: bot.clone(), templates: Arc::new(templates) }),
            ops: Vec::new(),
            alarm_run: Vec::new(),
            jitter: Box::new(|| 128),
            pace: 1,
            at_once: width,
            heartbeat: Box::new(|| {}),
            stopping: false.into(),
        }));
        let key = Key::open(&folder.join("ledger-key"), || [7; 32]).map_err(|why| anyhow::anyhow!(why))?;
        let mut sealer = Sealer::new(store, key, "bench".into());
        let timer = bot.clone();
        let sealing = tokio::spawn(async move {
            loop {
                if let Err(why) = sealer.seal_once(timer.now()).await {
                    eprintln!("sealing: {why}");
                }
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        });
        Ok(Self { bot, workers, recorder, sealing })
    }

    /// Lets go of the store.
    pub(crate) async fn close(self) {
        self.sealing.abort();
        drop(self.sealing.await);
    }
}

/// Runs at the real rate from a moment of our choosing, so that one filled store serves every round.
#[derive(Debug)]
struct Shifted {
    base: Instant,
    since: std::time::Instant,
}

impl Clock for Shifted {
    fn now(&self) -> Instant {
        Instant::from_micros(self.base.micros() + self.monotonic())
    }

    fn monotonic(&self) -> i64 {
        i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

/// Knows everybody, at once.
struct Nobody;

#[async_trait]
impl Facts for Nobody {
    async fn members(&self, _: Platform, _: &str, _: &Catalogue, _: Fresh) -> Result<BTreeSet<hallpass::domain::ids::PersonId>, String> {
        Ok(BTreeSet::new())
    }

    fn lists_members(&self, _: Platform) -> bool {
        true
    }

    async fn is_member(&self, _: Platform, _: &str, _: &str, _: Fresh) -> Result<bool, String> {
        Ok(false)
    }

    async fn member_count(&self, _: Platform, _: &str, _: Fresh) -> Result<usize, String> {
        Ok(0)
    }

    async fn presence(&self, _: Platform, _: &str, _: Fresh) -> Result<Option<Presence>, String> {
        Ok(Some(Presence::There))
    }

    async fn roster(&self, _: Platform) -> Result<Vec<Member>, String> {
        Ok(Vec::new())
    }

    async fn member(&self, _: Platform, _: &str) -> Result<Option<Member>, String> {
        Ok(None)
    }
}

/// Takes everything and keeps nothing.
struct Quick;

#[async_trait]
impl Chat for Quick {
    fn platform(&self) -> Platform {
        Platform::Console
    }

    async fn post(&self, channel: &Channel, _: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        Ok(Posted { channel: channel.id.clone(), message: once.nonce.to_owned() })
    }

    async fn update(&self, _: &Posted, _: &Message) -> Result<(), ChatFault> {
        Ok(())
    }

    async fn reply(&self, under: &Posted, _: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        Ok(Posted { channel: under.channel.clone(), message: once.nonce.to_owned() })
    }

    async fn direct(&self, user: &str, _: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        Ok(Posted { channel: user.to_owned(), message: once.nonce.to_owned() })
    }

    async fn members(&self, _: &str) -> Result<Vec<String>, ChatFault> {
        Ok(Vec::new())
    }

    async fn profile(&self, user: &str) -> Result<Profile, ChatFault> {
        Ok(Profile { presence: Presence::There, name: user.to_owned() })
    }
}

/// A provider that answers at once and notes how late after its end each grant's first revoke begins.
/// What it was not told to revoke is there.
pub(crate) struct Recorder {
    description: Description,
    clock: Arc<Shifted>,
    state: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    revoked: HashSet<String>,
    late_micros: Vec<i64>,
    last: Option<Instant>,
}

impl Recorder {
    fn noted(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Revokes that have begun.
    pub(crate) fn count(&self) -> usize {
        self.noted().late_micros.len()
    }

    /// Seconds after its end that the slowest and the middle revoke began.
    pub(crate) fn lateness(&self) -> (f64, f64) {
        let mut late = self.noted().late_micros.clone();
        late.sort_unstable();
        let seconds = |micros: Option<&i64>| micros.map_or(f64::NAN, |m| std::time::Duration::from_micros(m.unsigned_abs()).as_secs_f64());
        (seconds(late.last()), seconds(late.get(late.len() / 2)))
    }

    /// When the newest of them began.
    pub(crate) fn last(&self) -> Option<Instant> {
        self.noted().last
    }
}

fn description(_width: u32) -> Description {
    Description {
        name: "bench".into(),
        version: "1".into(),
        ownership: Ownership::Shared,
        native: None,
        sessions: Sessions::Cut,
        delivery: Delivery::None,
        evidence: false,
        settling: Settling { reads: 1, apart: Span::ZERO },
        inputs: Vec::new(),
        deadline: Span::from_seconds(10),
        verbs: Verbs::default(),
    }
}

/// What the fill and the provider agree on.
pub(crate) fn target(name: &str, until: Instant) -> serde_json::Value {
    serde_json::json!({ "name": name, "until": until.micros() })
}

fn object(order: &Order) -> String {
    format!("{} {}", order.principal, order.target)
}

#[async_trait]
impl Provider for Recorder {
    fn describe(&self) -> &Description {
        &self.description
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        Ok(Resolved {
            target: what.target.clone(),
            principal: who.id.to_string(),
            inputs: BTreeMap::new(),
            preview: format!("switches {} on", what.name.as_str()),
            by_hand: "switch it off".into(),
        })
    }

    async fn observe(&self, order: &Order, _: Option<&Handle>) -> Result<Seen, Fault> {
        let gone = self.noted().revoked.contains(&object(order));
        Ok(if gone { Seen::Absent } else { Seen::Present { native_expiry: None, detail: None } })
    }

    async fn grant(&self, order: &Order, _: Option<&Handle>, _: Instant, _left: Duration) -> Result<Step, Fault> {
        self.noted().revoked.remove(&object(order));
        Ok(Step::Done(Done::default()))
    }

    async fn revoke(&self, order: &Order, _: Option<&Handle>, _left: Duration) -> Result<Step, Fault> {
        let now = self.clock.now();
        let mut noted = self.noted();
        if noted.revoked.insert(object(order)) {
            let until = order.target.get("until").and_then(serde_json::Value::as_i64).unwrap_or_default();
            noted.late_micros.push(now.micros() - until);
            noted.last = Some(now);
        }
        Ok(Step::Done(Done::default()))
    }
}

/// So many people with a console account each, one stage of approvers, one channel.
pub(crate) fn catalogue() -> Catalogue {
    let names = (0..PEOPLE).map(|n| format!("p{n}")).chain(["boss".to_owned()]);
    let people = names.filter_map(|name| {
        let id: hallpass::domain::ids::PersonId = name.parse().ok()?;
        let person = Person {
            id: id.clone(),
            name: name.clone(),
            email: None,
            time_zone: None,
            active: true,
            identities: BTreeMap::from([(Platform::Console, name)]),
            logins: BTreeMap::new(),
        };
        Some((id, person))
    });
    let boss: Vec<Who> = "boss".parse().map(Who::Person).into_iter().collect();
    let stage = Stage { approvers: boss.clone(), needed: 1, notify: boss, remind_every: None, ladder: Vec::new(), direct: Vec::new() };
    let policy = "usual".parse().ok().map(|name: hallpass::domain::ids::PolicyName| {
        let policy = Policy {
            name: name.clone(),
            cap: Span::from_minutes(480),
            default: Span::from_minutes(60),
            extend_to: None,
            grace: Span::ZERO,
            grant_within: Span::from_minutes(15),
            patience: Span::from_minutes(240),
            warn: None,
            reason: ReasonRule { min_chars: 4 },
            ticket: None,
            may_ask: vec![Who::Everyone],
            on_behalf_of: Vec::new(),
            at_once_up_to: None,
            stages: vec![stage],
        };
        (name, policy)
    });
    let resources = (0..RESOURCES).filter_map(|n| {
        let id: hallpass::domain::ids::ResourceId = format!("r{n}").parse().ok()?;
        let role = Role {
            name: "use".parse().ok()?,
            title: "use".into(),
            policy: "usual".parse().ok()?,
            target: serde_json::json!({ "name": format!("r{n}") }),
        };
        let resource = Resource {
            id: id.clone(),
            title: format!("Resource {n}"),
            description: String::new(),
            tags: Vec::new(),
            owner: None,
            provider: "bench".parse().ok()?,
            channels: vec![Channel { platform: Platform::Console, id: "#approvers".into() }],
            roles: vec![role],
        };
        Some((id, resource))
    });
    Catalogue {
        people: people.collect(),
        groups: BTreeMap::new(),
        resources: resources.collect(),
        policies: policy.into_iter().collect(),
        members: hallpass::domain::members::Rules::default(),
        administrators: Vec::new(),
        auditors: Vec::new(),
        digest: "sha256:bench".into(),
        frozen: false,
        time_zone: chrono_tz::UTC,
        digests: None,
    }
}
