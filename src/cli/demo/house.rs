//! The demo's whole bot: people, catalogue, an SSH authority in a folder, the console, the workers in the background.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, anyhow};
use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};
use ssh_key::{LineEnding, PrivateKey, rand_core::OsRng};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    bot::{Body, Bot, Incoming, NotRecorded, Parts},
    chat::{Chat, console::Console, directory::Directory, render::Templates, show::Voice},
    clock::Clock,
    domain::{
        ids::PersonId,
        policy::{Catalogue, Channel, Group, Person, Platform, Policy, ReasonRule, Resource, Role, Rung, Stage, Who},
        time::Span,
    },
    ledger::{key::Key, seal::Sealer},
    provider::{
        Provider,
        ssh::{PUBLIC_KEY, Settings, Ssh},
    },
    store::Store,
    worker::{Deps, Workers},
};

const PEOPLE: [(&str, &str); 6] = [
    ("ana", "Ana Reyes"),
    ("ben", "Ben Okafor"),
    ("cleo", "Cleo Marsh"),
    ("dora", "Dora Lind"),
    ("eve", "Eve Stone"),
    ("finn", "Finn Ward"),
];

/// The running demo.
pub(super) struct House {
    pub bot: Arc<Bot>,
    pub console: Arc<Console>,
    pub revocation_list: PathBuf,
    keys: BTreeMap<String, String>,
    voice: Arc<Voice>,
    count: AtomicU64,
    stop: oneshot::Sender<()>,
    working: JoinHandle<()>,
    sealing: JoinHandle<()>,
}

impl House {
    pub(super) async fn open(file: &Path, folder: &Path, clock: Arc<dyn Clock>, pace: u32) -> anyhow::Result<Self> {
        let store = Store::open(&format!("sqlite:{}", file.display())).await?;
        let console = Arc::new(Console::new());
        for (id, name) in PEOPLE {
            console.set_profile(id, name, true);
        }
        let chats: BTreeMap<Platform, Arc<dyn Chat>> = BTreeMap::from([(Platform::Console, console.clone() as Arc<dyn Chat>)]);
        let keys = keys(folder)?;
        let beside = |ending: &str| -> PathBuf {
            let mut name = file.as_os_str().to_owned();
            name.push(ending);
            name.into()
        };
        let revocation_list = beside(".krl");
        let settings = Settings { ca_key_file: beside(".ca"), revocation_list: revocation_list.clone(), host: Some("bastion".into()) };
        let ssh: Arc<dyn Provider> = Arc::new(Ssh::open(settings, clock.clone()).map_err(|why| anyhow!(why))?);
        let mut chance = StdRng::from_os_rng();
        let bot = Bot::new(Parts {
            store: store.clone(),
            clock: clock.clone(),
            catalogue: catalogue(&keys),
            providers: BTreeMap::from([("hosts".parse()?, ssh)]),
            facts: Arc::new(Directory { chats: chats.clone() }),
            seed: chance.next_u64(),
        });
        let bot = Arc::new(bot.await?);
        let voice = Arc::new(Voice { bot: bot.clone(), templates: Arc::new(Templates::load(None).context("our own templates")?) });
        let workers = Workers::new(Deps {
            store: store.clone(),
            bot: bot.clone(),
            clock,
            chats,
            shows: voice.clone(),
            ops: vec![Channel { platform: Platform::Console, id: "#ops".into() }],
            alarm_run: Vec::new(),
            jitter: Box::new(|| 128),
            pace,
            at_once: 16,
            heartbeat: Box::new(|| {}),
            stopping: false.into(),
        });
        bot.handle_left().await?;
        let (stop, stopped) = oneshot::channel();
        let working = tokio::spawn(Arc::new(workers).run(async move {
            drop(stopped.await);
        }));
        let mut seed = [0; 32];
        chance.fill_bytes(&mut seed);
        let key = Key::open(&beside(".ledger-key"), || seed).map_err(|why| anyhow!(why))?;
        let sealing = tokio::spawn(seal(Sealer::new(store, key, "hallpass.local/ledger".into()), bot.clone()));
        Ok(Self { bot, console, revocation_list, keys, voice, count: AtomicU64::new(0), stop, working, sealing })
    }

    /// Stops the workers after what they have begun.
    pub(super) async fn close(self) {
        let _already_stopped = self.stop.send(());
        self.sealing.abort();
        drop(self.working.await);
    }

    pub(super) fn knows(person: &str) -> bool {
        PEOPLE.iter().any(|(id, _)| *id == person)
    }

    pub(super) fn public_key(&self, person: &str) -> &str {
        self.keys.get(person).map_or("", String::as_str)
    }

    /// A typed line; the private answer.
    pub(super) async fn say(&self, person: &str, line: &str) -> anyhow::Result<String> {
        self.take(person, Body::Line { text: line.to_owned() }).await
    }

    /// `1 words`: a numbered button of the channel, and the words of its form.
    pub(super) async fn press(&self, person: &str, place: &str, what: &str) -> anyhow::Result<String> {
        let (number, words) = what.trim().split_once(' ').unwrap_or((what.trim(), ""));
        let button = number
            .parse()
            .ok()
            .and_then(|number| self.console.button(place, number).or_else(|| self.console.button(&format!("@{person}"), number)));
        let Some(button) = button else { return Ok(format!("There is no button {number} in {place}.")) };
        self.act(person, &button.action, &button.value, Some(words).filter(|words| !words.is_empty())).await
    }

    pub(super) async fn act(&self, person: &str, action: &str, request: &str, words: Option<&str>) -> anyhow::Result<String> {
        let body = Body::Press { action: action.to_owned(), request: request.to_owned(), words: words.map(str::to_owned) };
        self.take(person, body).await
    }

    async fn take(&self, person: &str, body: Body) -> anyhow::Result<String> {
        let n = self.count.fetch_add(1, Ordering::Relaxed);
        let interaction = format!("{}-{n}", self.bot.now().micros());
        let incoming = Incoming { platform: Platform::Console, user: person.to_owned(), interaction, body };
        let answer = match self.bot.take(&incoming).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Ok("That was recorded already.".into()),
            Err(error) => {
                tracing::error!(%error, "a command was not recorded");
                NotRecorded::answer()
            }
        };
        let id: Option<PersonId> = person.parse().ok();
        Ok(self.voice.answer(Platform::Console, id.as_ref(), &answer).await?)
    }
}

async fn seal(mut sealer: Sealer, bot: Arc<Bot>) {
    loop {
        if let Err(why) = sealer.seal_once(bot.now()).await {
            tracing::error!(%why, "the ledger cannot be sealed");
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

/// An SSH key for everybody; its private half lies in the demo's folder, so that a certificate can be tried at once.
fn keys(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    PEOPLE
        .iter()
        .map(|(id, _)| {
            let key = PrivateKey::random(&mut OsRng, ssh_key::Algorithm::Ed25519)?;
            key.write_openssh_file(&folder.join(format!("{id}_ed25519")), LineEnding::LF)?;
            Ok(((*id).to_owned(), key.public_key().to_openssh()?))
        })
        .collect()
}

fn who(name: &str) -> Option<Who> {
    match name.strip_prefix('@') {
        Some(group) => group.parse().ok().map(Who::Group),
        None => name.parse().ok().map(Who::Person),
    }
}

fn stage(approvers: &str, ladder: &[(i64, &str)]) -> Stage {
    Stage {
        approvers: who(approvers).into_iter().collect(),
        needed: 1,
        notify: who(approvers).into_iter().collect(),
        remind_every: None,
        ladder: ladder.iter().map(|(after, to)| Rung { after: Span::from_minutes(*after), to: who(to).into_iter().collect() }).collect(),
    }
}

fn policy(name: &str, stages: Vec<Stage>) -> Option<Policy> {
    Some(Policy {
        name: name.parse().ok()?,
        cap: Span::from_minutes(240),
        default: Span::from_minutes(30),
        extend_to: Some(Span::from_minutes(60)),
        grace: Span::ZERO,
        grant_within: Span::from_minutes(15),
        patience: Span::from_minutes(15),
        warn: None,
        reason: ReasonRule { min_chars: 4 },
        ticket: None,
        may_ask: vec![Who::Everyone],
        on_behalf_of: Vec::new(),
        at_once_up_to: None,
        stages,
    })
}

fn catalogue(keys: &BTreeMap<String, String>) -> Catalogue {
    let people = PEOPLE.iter().filter_map(|(id, name)| {
        let id: PersonId = id.parse().ok()?;
        let person = Person {
            id: id.clone(),
            name: (*name).to_owned(),
            email: None,
            time_zone: None,
            active: true,
            identities: BTreeMap::from([(Platform::Console, id.to_string())]),
            logins: BTreeMap::from([(PUBLIC_KEY.to_owned(), keys.get(id.as_str()).cloned().unwrap_or_default())]),
        };
        Some((id, person))
    });
    let group = |id: &str, members: &[&str]| {
        let id: crate::domain::ids::GroupId = id.parse().ok()?;
        Some((id.clone(), Group { id, members: members.iter().filter_map(|m| m.parse().ok()).collect(), chats: BTreeMap::new() }))
    };
    let groups = [group("host-leads", &["ben", "dora"]), group("security", &["cleo", "dora"]), group("oncall", &["eve"])];
    let policies = [
        policy("hosts", vec![stage("@host-leads", &[(5, "@oncall")])]),
        policy("roots", vec![stage("@host-leads", &[]), stage("@security", &[])]),
    ];
    let role = |name: &str, title: &str, policy: &str| {
        let target = serde_json::json!({ "principals": [format!("bastion:{name}")], "login": name });
        Some(Role { name: name.parse().ok()?, title: title.into(), policy: policy.parse().ok()?, target })
    };
    let roles = [role("login", "an ordinary login", "hosts"), role("root", "root", "roots")];
    let bastion = || {
        Some(Resource {
            id: "bastion".parse().ok()?,
            title: "the bastion host".into(),
            description: "Way into the production network".into(),
            tags: Vec::new(),
            owner: who("dora"),
            provider: "hosts".parse().ok()?,
            channels: vec![Channel { platform: Platform::Console, id: "#host-approvers".into() }],
            roles: roles.into_iter().flatten().collect(),
        })
    };
    Catalogue {
        people: people.collect(),
        groups: groups.into_iter().flatten().collect(),
        resources: bastion().map(|r| (r.id.clone(), r)).into_iter().collect(),
        policies: policies.into_iter().flatten().map(|p| (p.name.clone(), p)).collect(),
        administrators: who("eve").into_iter().collect(),
        auditors: Vec::new(),
        digest: "sha256:demo".into(),
        frozen: false,
        time_zone: chrono_tz::UTC,
    }
}
