//! The demo's whole bot: people, catalogue, an SSH authority in a folder, the console, the workers in the background.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};
use ssh_key::{Certificate, LineEnding, PrivateKey, rand_core::OsRng};
use tokio::{sync::oneshot, task::JoinHandle};

use super::town::{PEOPLE, catalogue};
use crate::{
    bot::{Answer, Body, Bot, Filled, Incoming, NotRecorded, Parts},
    chat::{Chat, console::Console, directory::Directory, render::Templates, show::Voice},
    clock::Clock,
    domain::{
        ids::PersonId,
        policy::{Channel, Platform},
        refusal::Refusal,
        request::{Request, State},
    },
    ledger::{
        key::Key,
        seal::Sealer,
        verify::onward::{Onward, Step},
    },
    provider::{
        Provider,
        ssh::{Settings, Ssh},
    },
    store::{Commit, Filter, PostWrite, Store, TaskKind, TaskWant},
    worker::{Deps, Workers},
};

/// Longest that one waits for everything to be done that a line brought about.
const QUIET_WITHIN: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The running demo.
pub(super) struct House {
    pub bot: Arc<Bot>,
    pub console: Arc<Console>,
    pub ssh: Arc<Ssh>,
    /// What sshd's `RevokedKeys` would read.
    pub revocation_list: PathBuf,
    /// Everybody's key pair, and the certificates that were saved.
    pub keys: PathBuf,
    pub voice: Arc<Voice>,
    count: AtomicU64,
    stop: oneshot::Sender<()>,
    working: JoinHandle<()>,
    sealing: JoinHandle<()>,
}

impl House {
    /// Opens or makes the store at `file`; keys and lists lie beside it, so that all of it can be opened again.
    pub(super) async fn open(file: &Path, clock: Arc<dyn Clock>, pace: u32) -> anyhow::Result<Self> {
        let store = Store::open(&format!("sqlite:{}", file.display())).await?;
        let mut chance = StdRng::from_os_rng();
        let console = Arc::new(Console::of_run(format!("{:016x}", chance.next_u64())));
        for (id, name) in PEOPLE {
            console.set_profile(id, name, true);
        }
        let chats: BTreeMap<Platform, Arc<dyn Chat>> = BTreeMap::from([(Platform::Console, console.clone() as Arc<dyn Chat>)]);
        let keys = beside(file, ".keys");
        let public = public_keys(&keys)?;
        let revocation_list = beside(file, ".krl");
        let settings =
            Settings { ca_key_file: beside(file, ".ca"), revocation_list: revocation_list.clone(), host: Some("bastion".into()) };
        let ssh = Arc::new(Ssh::open(settings, clock.clone()).map_err(|why| anyhow!(why))?);
        let bot = Bot::new(Parts {
            store: store.clone(),
            clock: clock.clone(),
            catalogue: catalogue(&public),
            providers: BTreeMap::from([("hosts".parse()?, ssh.clone() as Arc<dyn Provider>)]),
            facts: Arc::new(Directory::new(chats.clone(), clock.clone())),
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
        let key = Key::open(&beside(file, ".ledger-key"), || seed).map_err(|why| anyhow!(why))?;
        let origin = "hallpass.local/ledger";
        let check = Arc::new(Onward::new(store.clone(), key.signing.clone(), origin.into()));
        bot.is_audited_by(check.clone());
        let sealing = tokio::spawn(seal(Sealer::new(store, key, origin.into()), check, bot.clone()));
        Ok(Self { bot, console, ssh, revocation_list, keys, voice, count: AtomicU64::new(0), stop, working, sealing })
    }

    /// Stops the workers after what they have begun.
    pub(super) async fn close(self) {
        let _already_stopped = self.stop.send(());
        self.sealing.abort();
        drop(self.working.await);
    }

    /// This terminal is a new one: cards of an earlier run that are still open are posted again.
    pub(super) async fn show_again(&self) -> anyhow::Result<()> {
        let (store, due_at) = (self.bot.store(), self.bot.now());
        for request in store.requests(&Filter { open: Some(true), limit: 100, ..Filter::default() }).await? {
            let posts = store.posts(&request.id).await?.into_iter().filter(|post| post.posted.is_some());
            let posts: Vec<_> = posts.map(|post| crate::store::Post { posted: None, shown: None, ..post }).collect();
            let card = |post: &crate::store::Post| {
                let place = format!("{}/{}", post.platform.name(), post.place);
                TaskWant { kind: TaskKind::Card, key: format!("{}/{place}", request.id), queue: place, due_at }
            };
            let tasks = posts.iter().map(card).collect();
            let posts = posts.into_iter().map(PostWrite::Card).collect();
            store.commit(Commit { tasks, posts, ..Commit::default() }).await?;
        }
        self.bot.wake.notify_waiters();
        Ok(())
    }

    /// Waits until nothing is due any more: all that the last line brought about was done and told.
    pub(super) async fn settled(&self) -> anyhow::Result<()> {
        let quiet = async {
            while self.bot.store().next_due().await?.is_some_and(|at| at <= self.bot.now()) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok(())
        };
        tokio::time::timeout(QUIET_WITHIN, quiet).await.unwrap_or(Ok(()))
    }

    /// Writes the newest certificate of a person beside their key, where `ssh` looks for it.
    pub(super) async fn save_certificate(&self, person: &str) -> anyhow::Result<String> {
        let filter = Filter { person: Some(person.parse()?), open: Some(true), limit: 100, ..Filter::default() };
        let open = self.bot.store().requests(&filter).await?;
        let Some(certificate) = open.iter().filter(|r| r.subject.as_str() == person).find_map(certificate) else {
            return Ok(format!("{person} holds no certificate now. Ask for one: /jit request bastion login 15m why"));
        };
        let path = self.keys.join(format!("{person}_ed25519-cert.pub"));
        std::fs::write(&path, certificate.to_openssh()? + "\n")?;
        Ok(format!(
            "Look at it:  ssh-keygen -L -f {}\nIts private key:  {}\nWhat an sshd would trust:  {}",
            path.display(),
            self.keys.join(format!("{person}_ed25519")).display(),
            self.ssh.authority().trim_end()
        ))
    }

    /// A typed line; the private answer.
    pub(super) async fn say(&self, person: &str, line: &str) -> anyhow::Result<String> {
        self.take(person, Body::Line { text: line.to_owned() }).await
    }

    /// A pressed button, with the words of its form.
    pub(super) async fn act(&self, person: &str, action: &str, request: &str, words: Option<&str>) -> anyhow::Result<String> {
        let body = Body::Press { action: action.to_owned(), request: request.to_owned(), words: words.map(str::to_owned) };
        self.take(person, body).await
    }

    /// A filled form; a refusal of it is for the form to say.
    pub(super) async fn send(&self, person: &str, filled: Filled) -> anyhow::Result<Result<String, Refusal>> {
        match self.taken(person, Body::Form(filled)).await? {
            Some(Answer::Refused(refusal)) => Ok(Err(refusal)),
            answer => self.said(person, answer).await.map(Ok),
        }
    }

    async fn take(&self, person: &str, body: Body) -> anyhow::Result<String> {
        let answer = self.taken(person, body).await?;
        self.said(person, answer).await
    }

    /// None: it was seen before.
    async fn taken(&self, person: &str, body: Body) -> anyhow::Result<Option<Answer>> {
        let n = self.count.fetch_add(1, Ordering::Relaxed);
        let interaction = format!("{}-{n}", self.bot.now().micros());
        let incoming = Incoming { platform: Platform::Console, user: person.to_owned(), interaction, body };
        Ok(self.bot.take(&incoming).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a command was not recorded");
            Some(NotRecorded::answer())
        }))
    }

    async fn said(&self, person: &str, answer: Option<Answer>) -> anyhow::Result<String> {
        let Some(answer) = answer else { return Ok("That was recorded already.".into()) };
        let id: Option<PersonId> = person.parse().ok();
        Ok(self.voice.answer(Platform::Console, id.as_ref(), &answer).await?)
    }
}

async fn seal(mut sealer: Sealer, check: Arc<Onward>, bot: Arc<Bot>) {
    loop {
        if let Err(why) = sealer.seal_once(bot.now()).await {
            tracing::error!(%why, "the ledger cannot be sealed");
        }
        if let Ok(Step::Wrong(why)) | Err(why) = check.step(bot.now()).await {
            tracing::error!(%why, "the ledger cannot be checked");
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

/// The certificate that a request's holder was given, if it holds one now.
pub(super) fn certificate(request: &Request) -> Option<Certificate> {
    let State::Active { work, .. } = &request.state else { return None };
    let lines = work.how_to_connect.iter().flat_map(|how| how.lines());
    lines.filter(|line| line.contains("-cert-v01@openssh.com")).find_map(|line| Certificate::from_openssh(line).ok())
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// An SSH key for everybody, made once; its private half lies in the folder too, so that a certificate can be tried.
fn public_keys(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    std::fs::create_dir_all(folder)?;
    PEOPLE
        .iter()
        .map(|(id, _)| {
            let path = folder.join(format!("{id}_ed25519"));
            let key = if path.exists() {
                PrivateKey::read_openssh_file(&path)?
            } else {
                let key = PrivateKey::random(&mut OsRng, ssh_key::Algorithm::Ed25519)?;
                key.write_openssh_file(&path, LineEnding::LF)?;
                key
            };
            Ok(((*id).to_owned(), key.public_key().to_openssh()?))
        })
        .collect()
}
