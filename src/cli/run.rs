//! `hallpass run`: the bot itself. Overdue ends first, then everything else; SIGHUP reloads, SIGTERM stops after what was
//! begun. A broken file at start grants nothing and goes on ending (R15).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};
use secrecy::ExposeSecret as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    bot::{Bot, Parts, Providers},
    chat::{directory::Directory, render::Templates, show::Voice},
    clock::{Clock, SystemClock},
    config::{self, Config, LedgerKey, StoreConfig},
    domain::{due, event::Operation},
    ledger::{
        key::{Key, MarkFile},
        seal::Sealer,
    },
    provider,
    store::{Filter, Store},
    worker::{Deps, Workers},
};

/// Where the last file that loaded is kept, beside the file itself.
fn last_good(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".last-good");
    name.into()
}

/// Runs until SIGTERM or interrupt.
pub async fn run(path: &Path) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let Start { config, providers, store, refused } = load(path, &clock).await?;
    let mut chance = StdRng::from_os_rng();
    let directory = Directory { chats: BTreeMap::new() };
    let bot = Bot::new(Parts {
        store: store.clone(),
        clock: clock.clone(),
        catalogue: config.catalogue.clone(),
        providers,
        facts: Arc::new(directory),
        seed: chance.next_u64(),
    });
    let bot = Arc::new(bot.await?);
    bot.record(Operation::Started { version: env!("CARGO_PKG_VERSION").into() }).await?;
    if let Some(why) = refused {
        let what = format!("{} is refused: running on the last file that loaded, granting nothing", path.display());
        bot.raise("policy", what, Operation::PolicyRefused { digest: config.catalogue.digest.clone(), why }).await?;
    }
    let voice =
        Arc::new(Voice { bot: bot.clone(), templates: Arc::new(Templates::load(config.templates.as_deref()).context("the templates")?) });
    let heartbeat = config.heartbeat.clone();
    let workers = Workers::new(Deps {
        store: store.clone(),
        bot: bot.clone(),
        clock,
        chats: BTreeMap::new(),
        shows: voice,
        ops: config.alarm_channels.clone(),
        alarm_run: config.alarm_run.clone(),
        jitter: Box::new(|| 128),
        pace: 1,
        at_once: 16,
        heartbeat: Box::new(move || touch(heartbeat.as_deref())),
        stopping: false.into(),
    });
    // What fell due while we were away ends before anything else is heard.
    workers.end_overdue().await?;
    bot.handle_left().await?;
    let mut seed = [0; 32];
    chance.fill_bytes(&mut seed);
    let key = signing_key(&config, || seed).map_err(|why| anyhow!(why))?;
    let sealing = tokio::spawn(every_second(Sealer::new(store, key, config.ledger_origin.clone()), bot.clone()));
    let reloading = tokio::spawn(reload_on_hangup(path.to_path_buf(), bot.clone()));
    let watching = tokio::spawn(watch_leavers(bot.clone()));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), policy = %config.catalogue.digest, "hallpass runs");
    let mut term = signal(SignalKind::terminate())?;
    Arc::new(workers)
        .run(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        })
        .await;
    reloading.abort();
    watching.abort();
    sealing.abort();
    bot.record(Operation::Stopped).await?;
    Ok(())
}

/// What a start goes by.
struct Start {
    config: Config,
    providers: Providers,
    store: Store,
    /// Why the file itself is not in force.
    refused: Option<String>,
}

/// The file; or, when it is broken or would lose what is held, the last one that loaded, frozen, with the reason.
async fn load(path: &Path, clock: &Arc<dyn Clock>) -> anyhow::Result<Start> {
    let before = config::load_kept(&last_good(path)).ok();
    let problems = match whole(path, clock).await {
        Err(problems) => problems,
        Ok((config, providers)) => {
            let store = open(before.as_ref().map_or(&config.store, |before| &before.store)).await?;
            let reaches = match &before {
                Some(before) => still_reaches(&store, before, &config).await,
                None => Ok(()),
            };
            if let (Err(problems), Some(before)) = (reaches, before) {
                return Ok(frozen(before, store, clock, &problems).await);
            }
            std::fs::copy(path, last_good(path)).with_context(|| format!("cannot keep a copy beside {}", path.display()))?;
            return Ok(Start { config, providers, store, refused: None });
        }
    };
    let Some(before) = before else { return Err(problems) };
    let store = open(&before.store).await?;
    Ok(frozen(before, store, clock, &problems).await)
}

async fn frozen(mut config: Config, store: Store, clock: &Arc<dyn Clock>, problems: &anyhow::Error) -> Start {
    tracing::error!("{problems:#}");
    config.catalogue.frozen = true;
    let providers = providers_or_stand_ins(&config, clock).await;
    // The ledger says that it was refused; the words are in the log, since they may quote the file.
    Start { config, providers, store, refused: Some("the file at start is refused".into()) }
}

async fn open(store: &StoreConfig) -> anyhow::Result<Store> {
    let url = store.open_with().map_err(|why| anyhow!("the store's password: {why}"))?;
    Ok(Store::open(url.expose_secret()).await?)
}

/// The ledger's key: given as a secret, or in a file that is made on the first start.
fn signing_key(config: &Config, seed: impl FnOnce() -> [u8; 32]) -> Result<Key, String> {
    let LedgerKey { file, given } = &config.ledger_key;
    match given {
        Some(secret) => Key::given(secret.read()?.expose_secret(), MarkFile::beside(file)),
        None => Key::open(file, seed),
    }
}

/// A file counts as loaded only when its adapters could be made too.
async fn whole(path: &Path, clock: &Arc<dyn Clock>) -> anyhow::Result<(Config, Providers)> {
    let config = config::load(path)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let providers = providers(&config, clock).await?;
    Ok((config, providers))
}

async fn providers(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Providers> {
    let mut providers = Providers::new();
    for provider in &config.providers {
        let made = provider::build::build(&provider.kind, &provider.settings, clock.clone()).await;
        providers.insert(provider.name.clone(), made.map_err(|why| anyhow!("provider {}: {why}", provider.name))?);
    }
    Ok(providers)
}

/// At a frozen start nothing may keep the others from ending: an adapter that cannot be made is stood in for.
async fn providers_or_stand_ins(config: &Config, clock: &Arc<dyn Clock>) -> Providers {
    let mut providers = Providers::new();
    for provider in &config.providers {
        let made = provider::build::build(&provider.kind, &provider.settings, clock.clone()).await.unwrap_or_else(|why| {
            tracing::error!(provider.name = %provider.name, "this adapter cannot be started; what it holds stays and alarms: {why}");
            Arc::new(provider::broken::Broken::new(&provider.kind, why))
        });
        providers.insert(provider.name.clone(), made);
    }
    providers
}

fn touch(path: Option<&Path>) {
    if let Some(path) = path
        && let Err(error) = std::fs::write(path, b"alive\n")
    {
        tracing::error!(%error, file = %path.display(), "the heartbeat cannot be written");
    }
}

/// A broken file changes nothing and says so; so does one that would orphan live grants.
async fn reload_on_hangup(path: PathBuf, bot: Arc<Bot>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        match reload(&path, &bot).await {
            Ok(()) => tracing::info!(file = %path.display(), "reloaded"),
            Err(error) => tracing::error!("reload refused, nothing was changed: {error:#}"),
        }
    }
}

/// Refuses a file with which access that is held now could not be taken away where it was given: its provider gone or
/// reaching another system, its role gone, the store that knows of it another one.
pub async fn still_reaches(store: &Store, before: &Config, after: &Config) -> anyhow::Result<()> {
    if before.store.url != after.store.url {
        return Err(anyhow!(
            "the store is another one: move what the old one holds, then remove the .last-good file beside the configuration"
        ));
    }
    let open = Filter { open: Some(true), limit: u32::MAX, ..Filter::default() };
    for request in store.requests(&open).await? {
        let Some(claim) = due::claim(&request) else { continue };
        let Some(row) = store.entitlement(&claim.entitlement).await? else { continue };
        let (name, ask) = (&row.order.provider, request.main_ask());
        let find = |config: &Config| config.providers.iter().find(|p| p.name == *name).cloned();
        let Some(now) = find(after) else {
            return Err(anyhow!("provider {name} still holds {}: end it before removing the provider", request.id));
        };
        if find(before).is_some_and(|was| was.kind != now.kind || was.settings != now.settings) {
            return Err(anyhow!("provider {name} still holds {}: end it before changing the provider's settings", request.id));
        }
        if after.catalogue.role(&ask.resource, &ask.role).is_none() {
            return Err(anyhow!("{} on {} is still held by {}: end it first", ask.role, ask.resource, request.id));
        }
    }
    Ok(())
}

async fn reload(path: &Path, bot: &Bot) -> anyhow::Result<()> {
    let config = config::load(path)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let before = config::load_kept(&last_good(path))?;
    still_reaches(bot.store(), &before, &config).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let made = providers(&config, &clock).await?;
    std::fs::copy(path, last_good(path))?;
    bot.reload(config.catalogue, made).await?;
    Ok(())
}

/// Who left loses what they hold within minutes, not only when they press something (R18).
async fn watch_leavers(bot: Arc<Bot>) {
    loop {
        if let Err(error) = bot.leavers().await {
            tracing::error!(%error, "people could not be looked at");
        }
        tokio::time::sleep(std::time::Duration::from_mins(2)).await;
    }
}

async fn every_second(mut sealer: Sealer, bot: Arc<Bot>) {
    loop {
        if let Err(why) = sealer.seal_once(bot.now()).await {
            tracing::error!(%why, "the ledger cannot be sealed");
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}
