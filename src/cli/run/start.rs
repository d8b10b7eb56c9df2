//! What `hallpass run` starts with: the file, or the last one that loaded (R15), its adapters, the store, the key.
//! Must not run anything.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use anyhow::anyhow;
use secrecy::ExposeSecret as _;

use super::{super::check, copy, reload};
use crate::{
    bot::Providers,
    clock::Clock,
    config::{self, Config, LedgerKey, StoreConfig},
    domain::{ids::ProviderName, policy::Catalogue},
    ledger::key::{Key, MarkFile},
    provider::{self, Provider, broken::Broken},
    store::{Holding, Store, StoreError},
};

/// What a start goes by.
pub(super) struct Start {
    pub config: Config,
    pub providers: Providers,
    pub store: Store,
    /// The digest of the file, if it is not what is in force.
    pub refused: Option<String>,
    /// A copy of what is in force lies beside the file.
    pub is_kept: bool,
    /// Adapters that could not be made and are stood in for.
    pub broken: Vec<ProviderName>,
    /// What was in force before, if the file is another one now.
    pub before: Option<Catalogue>,
}

/// The file; or, when it is broken or would lose what is held, the last one that loaded, frozen, with the reason.
pub(super) async fn load(path: &Path, clock: &Arc<dyn Clock>) -> anyhow::Result<Start> {
    let kept = config::last_good(path);
    let before = config::load_kept(&kept).map_err(|problems| {
        if kept.exists() {
            tracing::error!("the last file that loaded cannot be read: {problems}");
        }
    });
    let before = before.ok();
    let text = std::fs::read_to_string(path).map_err(|error| anyhow!("{}: {error}", path.display()));
    let digest = text.as_ref().map_or_else(|_| "unreadable".to_owned(), |text| reload::digest(text));
    let loaded = match text {
        Ok(text) => whole(&text, path, clock).await,
        Err(error) => Err(error),
    };
    let (config, providers) = match (loaded, before.as_ref()) {
        (Ok(loaded), _) => loaded,
        (Err(problems), None) => return Err(problems),
        (Err(problems), Some(before)) => {
            let store = open(&before.store).await?;
            return Ok(frozen(before.clone(), store, clock, (digest, &problems)).await);
        }
    };
    let store = open(before.as_ref().map_or(&config.store, |before| &before.store)).await?;
    if let Err(problems) = still_reaches(&store, before.as_ref(), &config).await {
        return Ok(frozen(before.unwrap_or(config), store, clock, (digest, &problems)).await);
    }
    let changed = before.as_ref().filter(|before| before.text != config.text).map(|before| before.catalogue.clone());
    let is_kept = match (copy::keep(path, &config), before) {
        (Ok(()), _) => true,
        (Err(error), Some(before)) if !copy::may_stay(&before, &config) => {
            let problems = anyhow!("{}: {error}: it cannot be kept, and the one that is there is for other systems", kept.display());
            return Ok(frozen(before, store, clock, (digest, &problems)).await);
        }
        (Err(_), _) => false,
    };
    Ok(Start { config, providers, store, refused: None, is_kept, broken: Vec::new(), before: changed })
}

async fn frozen(mut config: Config, store: Store, clock: &Arc<dyn Clock>, refused: (String, &anyhow::Error)) -> Start {
    let (digest, problems) = refused;
    tracing::error!("{problems:#}");
    config.catalogue.frozen = true;
    let (providers, broken) = providers_or_stand_ins(&config, &store, clock).await;
    Start { config, providers, store, refused: Some(digest), is_kept: true, broken, before: None }
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
async fn whole(text: &str, path: &Path, clock: &Arc<dyn Clock>) -> anyhow::Result<(Config, Providers)> {
    let config = config::parse(text, &path.display().to_string())?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    check::templates_in_use(&config)?;
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
    match needed(store).await {
        Ok(needed) => {
            for name in needed {
                let unknown = || stand_in(&name, "unknown", "the configuration does not name it".into());
                providers.entry(name.clone()).or_insert_with(unknown);
            }
        }
        Err(error) => tracing::error!(%error, "what is held cannot be read"),
    }
    (providers, broken)
}

/// Providers without which something could not be taken away.
async fn needed(store: &Store) -> Result<BTreeSet<ProviderName>, StoreError> {
    let held = store.held().await?.into_keys().map(|Holding { provider, .. }| provider);
    Ok(held.chain(store.cleaned_up().await?.into_keys()).collect())
}

/// Refuses a file with which access that is held now, or that ends left, could not be taken away where it was given: its provider gone or
/// reaching another system, its role gone, the store that knows of it another one. `before` is the file that it was given by, if
/// that is known.
pub async fn still_reaches(store: &Store, before: impl Into<Option<&Config>>, after: &Config) -> anyhow::Result<()> {
    let before = before.into();
    if before.is_some_and(|before| before.store.url != after.store.url) {
        return Err(anyhow!(
            "the store is another one: move what the old one holds, then remove the .last-good file beside the configuration"
        ));
    }
    let find = |config: &Config, name: &ProviderName| config.providers.iter().find(|p| p.name == *name).cloned();
    // What would be done to the provider; None: it stays what it is.
    let change = |name: &ProviderName| match (before.and_then(|before| find(before, name)), find(after, name)) {
        (_, None) => Some("removing the provider"),
        (Some(was), Some(now)) if was.kind != now.kind || was.settings != now.settings => Some("changing the provider's settings"),
        _ => None,
    };
    for (Holding { provider: name, resource, role }, request) in store.held().await? {
        if let Some(change) = change(&name) {
            return Err(anyhow!("provider {name} still holds {request}: end it before {change}"));
        }
        if after.catalogue.role(&resource, &role).is_none() {
            return Err(anyhow!("{role} on {resource} is still held by {request}: end it first"));
        }
    }
    // Elsewhere it would be read as gone, and its alarm would end.
    for (name, request) in store.cleaned_up().await? {
        if let Some(change) = change(&name) {
            return Err(anyhow!("provider {name} still has to clean up after {request}: let it, or settle that, before {change}"));
        }
    }
    Ok(())
}
