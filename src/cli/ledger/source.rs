//! Where the ledger lies and whom to trust: from bot.toml, or from what is given instead of it.

use std::{
    path::{Path, PathBuf},
    sync::Once,
};

use anyhow::{Context as _, anyhow};
use clap::Args;
use ed25519_dalek::VerifyingKey;
use secrecy::ExposeSecret as _;

use crate::{
    config::{self, Config, LedgerKey},
    ledger::{
        checkpoint::parse_verifier_key,
        key::{Key, Mark, MarkFile},
    },
};

/// The ledger's name where no configuration gives another.
const ORIGIN: &str = "hallpass.local/ledger";

/// That another file is gone by is said once, however often it is read.
static SAID: Once = Once::new();

/// What says where the ledger is.
#[derive(Debug, Clone, Args)]
pub struct Source {
    /// The bot's configuration: names store, key and origin [default: bot.toml, unless --store is given]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The store itself: `sqlite:FILE` or `postgres://..`
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// A verifier key (NAME+HEX+BASE64), a file that holds one, or the ledger's key file
    #[arg(long, value_name = "VERIFIER|FILE")]
    key: Option<String>,
    /// The ledger's name in its checkpoints; a verifier key brings it along
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
}

/// Who signed, as far as the caller says.
#[derive(Debug, Clone)]
pub(super) struct Trusted {
    pub origin: String,
    pub key: VerifyingKey,
    /// What was signed last; None: no mark is there. An error: it could not be read.
    pub mark: Result<Option<Mark>, String>,
}

impl Source {
    /// The store's URL.
    pub(super) fn store(&self) -> anyhow::Result<String> {
        if let Some(url) = &self.store {
            return Ok(url.clone());
        }
        let url = self.config()?.store.open_with().map_err(|why| anyhow!("the store's password: {why}"))?;
        Ok(url.expose_secret().to_owned())
    }

    fn config(&self) -> anyhow::Result<Config> {
        let path = self.config.as_deref().unwrap_or(Path::new("bot.toml"));
        let kept = config::last_good(path);
        if self.config.is_none() && !path.exists() && !kept.exists() {
            return Err(anyhow!("there is no bot.toml here: give --config FILE, or --store URL with --key VERIFIER|FILE"));
        }
        // Nothing is asked of what it refers to: the ledger is read without the secrets of adapters.
        config::load_kept(path).or_else(|problems| {
            let refused = || anyhow!("{problems}").context(format!("{} is refused", path.display()));
            let found = config::load_kept(&kept).map_err(|_| refused())?;
            SAID.call_once(|| eprintln!("{:#}\nthe last file that loaded says where the ledger is: {}", refused(), kept.display()));
            Ok(found)
        })
    }

    /// A configuration, where one was named or nothing else says where the store is.
    fn config_if_any(&self) -> anyhow::Result<Option<Config>> {
        if self.config.is_some() || (self.store.is_none() && self.key.is_none()) { self.config().map(Some) } else { Ok(None) }
    }

    /// The key, its name and its mark.
    pub(super) fn trusted(&self) -> anyhow::Result<Trusted> {
        let config = self.config_if_any()?;
        let origin = self.origin.clone().or_else(|| config.as_ref().map(|config| config.ledger_origin.clone()));
        let beside = config.as_ref().map(|config| MarkFile::beside(&config.ledger_key.file));
        let Some(given) = &self.key else {
            let config = config.ok_or_else(|| anyhow!("give --key VERIFIER|FILE, or --config FILE"))?;
            return of_config(&config.ledger_key, origin.unwrap_or_else(|| ORIGIN.into()));
        };
        let path = Path::new(given);
        if !path.exists() {
            return of_verifier(given, origin.as_deref(), beside.as_ref()).with_context(|| format!("{given} is neither a file nor a key"));
        }
        let text = std::fs::read_to_string(path).with_context(|| format!("{given} cannot be read"))?;
        if text.contains('+') && parse_verifier_key(&text).is_ok() {
            return of_verifier(&text, origin.as_deref(), beside.as_ref());
        }
        of_file(path, origin.unwrap_or_else(|| ORIGIN.into()))
    }
}

/// As the bot has it: given as a secret, or in its own file.
fn of_config(key: &LedgerKey, origin: String) -> anyhow::Result<Trusted> {
    let Some(given) = &key.given else { return of_file(&key.file, origin) };
    let text = given.read().map_err(|why| anyhow!("the ledger's key: {why}"))?;
    let key = Key::given(text.expose_secret(), MarkFile::beside(&key.file)).map_err(|why| anyhow!("the ledger's key {why}"))?;
    Ok(Trusted { origin, key: key.signing.verifying_key(), mark: key.mark().read() })
}

/// The key's own file, which only the bot can read, and the mark beside it.
fn of_file(path: &Path, origin: String) -> anyhow::Result<Trusted> {
    if !path.exists() {
        return Err(anyhow!("{} does not exist: give --key VERIFIER, as `hallpass ledger key` prints it", path.display()));
    }
    let key = Key::open(path, || [0; 32]).map_err(|why| anyhow!(why))?;
    Ok(Trusted { origin, key: key.signing.verifying_key(), mark: key.mark().read() })
}

fn of_verifier(text: &str, origin: Option<&str>, beside: Option<&MarkFile>) -> anyhow::Result<Trusted> {
    let (name, key) = parse_verifier_key(text).map_err(|why| anyhow!(why))?;
    if let Some(origin) = origin.filter(|origin| *origin != name) {
        return Err(anyhow!("the verifier key is of {name}, and the ledger's name is {origin}"));
    }
    Ok(Trusted { origin: name, key, mark: beside.map_or(Ok(None), MarkFile::read) })
}
