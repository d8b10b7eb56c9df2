//! What `hallpass run` starts with: the file, or the last one that loaded (R15), its adapters, the store, the key.
//! Must not run anything.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use secrecy::ExposeSecret as _;

use super::super::check;
use crate::{
    bot::Providers,
    clock::Clock,
    config::{self, Config, LedgerKey, StoreConfig},
    domain::{due, entitlement::Entitlement, ids::ProviderName, request::Request},
    ledger::key::{Key, MarkFile},
    provider::{self, Provider, broken::Broken},
    store::{Filter, Store},
};

/// Where the last file that loaded is kept, beside the file itself.
pub(super) fn last_good(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".last-good");
    name.into()
}

/// What a start goes by.
pub(super) struct Start {
    pub config: Config,
    pub providers: Providers,
    pub store: Store,
    /// Why the file itself is not in force.
    pub refused: Option<String>,
    /// Adapters that could not be made and are stood in for.
    pub broken: Vec<ProviderName>,
}

/// The file; or, when it is broken or would lose what is held, the last one that loaded, frozen, with the reason.
pub(super) async fn load(path: &Path, clock: &Arc<dyn Clock>) -> anyhow::Result<Start> {
    let kept = last_good(path);
    let before = config::load_kept(&kept).map_err(|problems| {
        if kept.exists() {
            tracing::error!("the last file that loaded cannot be read: {problems}");
        }
    });
    let before = before.ok();
    let problems = match whole(path, clock).await {
        Err(problems) => problems,
        Ok((config, providers)) => {
            let store = open(before.as_ref().map_or(&config.store, |before| &before.store)).await?;
            if let Err(problems) = still_reaches(&store, before.as_ref(), &config).await {
                return Ok(frozen(before.unwrap_or(config), store, clock, &problems).await);
            }
            keep(path)?;
            return Ok(Start { config, providers, store, refused: None, broken: Vec::new() });
        }
    };
    let Some(before) = before else { return Err(problems) };
    let store = open(&before.store).await?;
    Ok(frozen(before, store, clock, &problems).await)
}

/// Keeps a copy of a file that loaded: whole or not at all, whenever the machine stops.
pub(super) fn keep(path: &Path) -> anyhow::Result<()> {
    let (kept, mut new) = (last_good(path), last_good(path).into_os_string());
    new.push(".new");
    let copy = || -> std::io::Result<()> {
        std::fs::copy(path, &new)?;
        std::fs::File::open(&new)?.sync_all()?;
        std::fs::rename(&new, &kept)
    };
    copy().with_context(|| format!("cannot keep a copy beside {}", path.display()))
}

async fn frozen(mut config: Config, store: Store, clock: &Arc<dyn Clock>, problems: &anyhow::Error) -> Start {
    tracing::error!("{problems:#}");
    config.catalogue.frozen = true;
    let (providers, broken) = providers_or_stand_ins(&config, &store, clock).await;
    // The ledger says that it was refused; the words are in the log, since they may quote the file.
    Start { config, providers, store, refused: Some("the file at start is refused".into()), broken }
}

async fn open(store: &StoreConfig) -> anyhow::Result<Store> {
    let url = store.open_with().map_err(|why| anyhow!("the store's password: {why}"))?;
    Ok(Store::open(url.expose_secret()).await?)
}

/// The ledger's key: given as a secret, or in a file that is made on the first start.
pub(super) fn signing_key(config: &Config, seed: impl FnOnce() -> [u8; 32]) -> Result<Key, String> {
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
    check::templates(&config)?;
    if config.ledger_key.given.is_some() {
        signing_key(&config, || [0; 32]).map_err(|why| anyhow!("ledger.key: {why}"))?;
    }
    let providers = providers(&config, clock).await?;
    Ok((config, providers))
}

pub(super) async fn providers(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Providers> {
    let mut providers = Providers::new();
    for provider in &config.providers {
        let made = provider::build::build(&provider.kind, &provider.settings, clock.clone()).await;
        providers.insert(provider.name.clone(), made.map_err(|why| anyhow!("provider {}: {why}", provider.name))?);
    }
    Ok(providers)
}

/// At a frozen start nothing may keep the others from ending: an adapter that cannot be made, or that the file does not
/// name any more, is stood in for.
async fn providers_or_stand_ins(config: &Config, store: &Store, clock: &Arc<dyn Clock>) -> (Providers, Vec<ProviderName>) {
    let (mut providers, mut broken) = (Providers::new(), Vec::new());
    let mut stand_in = |name: &ProviderName, kind: &str, why: String| -> Arc<dyn Provider> {
        tracing::error!(provider.name = %name, "this adapter cannot be started; what it holds stays and alarms: {why}");
        broken.push(name.clone());
        Arc::new(Broken::new(kind, why))
    };
    for provider in &config.providers {
        let made = provider::build::build(&provider.kind, &provider.settings, clock.clone()).await;
        let made = made.unwrap_or_else(|why| stand_in(&provider.name, &provider.kind, why));
        providers.insert(provider.name.clone(), made);
    }
    match held(store).await {
        Ok(rows) => {
            for (_, row) in rows {
                let name = row.order.provider;
                let unknown = || stand_in(&name, "unknown", "the configuration does not name it".into());
                providers.entry(name.clone()).or_insert_with(unknown);
            }
        }
        Err(error) => tracing::error!(%error, "what is held cannot be read"),
    }
    (providers, broken)
}

/// Every request that holds something at a provider, or may, with what it holds.
async fn held(store: &Store) -> anyhow::Result<Vec<(Request, Entitlement)>> {
    let open = Filter { open: Some(true), limit: u32::MAX, ..Filter::default() };
    let mut held = Vec::new();
    for request in store.requests(&open).await? {
        let Some(claim) = due::claim(&request) else { continue };
        if let Some(row) = store.entitlement(&claim.entitlement).await? {
            held.push((request, row));
        }
    }
    Ok(held)
}

/// Refuses a file with which access that is held now could not be taken away where it was given: its provider gone or
/// reaching another system, its role gone, the store that knows of it another one. `before` is the file that it was given by, if
/// that is known.
pub async fn still_reaches(store: &Store, before: impl Into<Option<&Config>>, after: &Config) -> anyhow::Result<()> {
    let before = before.into();
    if before.is_some_and(|before| before.store.url != after.store.url) {
        return Err(anyhow!(
            "the store is another one: move what the old one holds, then remove the .last-good file beside the configuration"
        ));
    }
    for (request, row) in held(store).await? {
        let (name, ask) = (&row.order.provider, request.main_ask());
        let find = |config: &Config| config.providers.iter().find(|p| p.name == *name).cloned();
        let Some(now) = find(after) else {
            return Err(anyhow!("provider {name} still holds {}: end it before removing the provider", request.id));
        };
        if before.and_then(find).is_some_and(|was| was.kind != now.kind || was.settings != now.settings) {
            return Err(anyhow!("provider {name} still holds {}: end it before changing the provider's settings", request.id));
        }
        if after.catalogue.role(&ask.resource, &ask.role).is_none() {
            return Err(anyhow!("{} on {} is still held by {}: end it first", ask.role, ask.resource, request.id));
        }
    }
    Ok(())
}
