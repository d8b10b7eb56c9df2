//! What SIGHUP does: bot.toml is read again and put in force whole, or refused with nothing changed. A refused file is an
//! alarm until one is taken. Must not decide anything about access.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use sha2::{Digest as _, Sha256};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};

use super::{
    super::check,
    copy,
    start::{providers, still_reaches},
    watch::{adapters, noted},
};
use crate::{
    bot::{Bot, Providers},
    clock::{Clock, SystemClock},
    config::{self, Config},
    domain::event::Operation,
    faults,
};

/// Decisions that are being made when a file is to be put in force have this long to end.
const DECISIONS: Duration = Duration::from_secs(10);
/// Until a copy that could not be kept is tried again.
const AGAIN: Duration = Duration::from_secs(30);
/// The alarm about that copy.
pub(super) const COPY: &str = "copy";

/// The file, and what of it is in force.
pub struct Reloads {
    pub path: PathBuf,
    /// What is in force, as far as a reload changes it.
    pub in_force: Config,
    /// A copy of it lies beside the file.
    pub is_kept: bool,
    /// The ledger's key could not be used: whatever is loaded grants nothing.
    pub is_unsealed: bool,
}

impl Reloads {
    /// Reloads on each SIGHUP, and keeps the copy as soon as it can be kept.
    pub(super) async fn on_hangup(mut self, bot: Arc<Bot>) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
        loop {
            tokio::select! {
                heard = hangup.recv() => match heard {
                    Some(()) => self.told(&bot).await,
                    None => return,
                },
                () = sleep(AGAIN), if !self.is_kept => self.keep(&bot).await,
            }
        }
    }

    /// Reads the file and puts it in force, or says to everybody who must know that it is refused.
    pub async fn told(&mut self, bot: &Bot) {
        let text = std::fs::read_to_string(&self.path);
        let digest = text.as_ref().map_or_else(|_| "unreadable".to_owned(), |text| digest(text));
        let read = text.with_context(|| self.path.display().to_string());
        let done = match read {
            Ok(text) => self.reload(&text, bot).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => tracing::info!(file = %self.path.display(), "reloaded"),
            Err(error) => {
                tracing::error!("reload refused, nothing was changed: {error:#}");
                // The words are in the log, since they may quote the file.
                let why = "a file to be reloaded is refused".to_owned();
                noted("the refused file", bot.record(Operation::PolicyRefused { digest, why, at_start: false }).await);
                noted("an alarm", bot.raise("policy", refused(&self.path, bot), None).await);
            }
        }
    }

    async fn reload(&mut self, text: &str, bot: &Bot) -> anyhow::Result<()> {
        let mut config = config::parse(text, &self.path.display().to_string())?;
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        check::templates_in_use(&config)?;
        still_reaches(bot.store(), &self.in_force, &config).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let made = providers(&config, &clock).await?;
        self.warn_of_the_rest(&config);
        config.catalogue.frozen = self.is_unsealed;
        faults::point("reload.read");
        self.put_in_force(config, made, bot).await?;
        adapters(bot, &[]).await;
        if self.is_kept {
            noted("the end of an alarm", bot.clear(COPY).await);
        } else {
            self.keep(bot).await;
        }
        Ok(())
    }

    /// While adapters were being made, something may have been granted: it is looked at again while nothing can be.
    async fn put_in_force(&mut self, config: Config, made: Providers, bot: &Bot) -> anyhow::Result<()> {
        let held = timeout(DECISIONS, bot.hold_grants()).await;
        let _held = held.map_err(|_| anyhow!("something is being decided that may grant access, and takes long: try again"))?;
        still_reaches(bot.store(), &self.in_force, &config).await?;
        let kept = copy::keep(&self.path, &config);
        if let Err(error) = &kept {
            let other = config::load_kept(&config::last_good(&self.path)).ok().filter(|copy| !copy::may_stay(copy, &config));
            if other.is_some() {
                return Err(anyhow!("{error}: {} cannot be kept, and the one that is there is for other systems", shown(&self.path)));
            }
        }
        faults::point("reload.kept");
        if let Err(error) = bot.reload(config.catalogue.clone(), made).await {
            if kept.is_ok()
                && let Err(error) = copy::keep(&self.path, &self.in_force)
            {
                tracing::error!(%error, "{} is of the file that was refused, and cannot be put back", shown(&self.path));
            }
            return Err(error.into());
        }
        faults::point("reload.done");
        (self.in_force, self.is_kept) = (config, kept.is_ok());
        Ok(())
    }

    fn warn_of_the_rest(&self, config: &Config) {
        let rest =
            |c: &Config| (c.alarm_channels.clone(), c.alarm_run.clone(), c.heartbeat.clone(), c.ledger_origin.clone(), c.templates.clone());
        let chats = |c: &Config| (c.slack.clone(), c.discord.clone());
        if rest(&self.in_force) != rest(config) || self.in_force.ledger_key != config.ledger_key || chats(&self.in_force) != chats(config) {
            tracing::warn!("[alarm], [ledger], [slack], [discord] and templates take effect at the next start");
        }
        if self.is_unsealed {
            tracing::warn!("the ledger's key could not be used at the start: nothing is granted before the next start");
        }
    }

    /// Keeps the copy of what is in force; while that cannot be done, an alarm says so.
    pub async fn keep(&mut self, bot: &Bot) {
        match copy::keep(&self.path, &self.in_force) {
            Ok(()) => {
                self.is_kept = true;
                noted("the end of an alarm", bot.clear(COPY).await);
            }
            Err(error) => {
                tracing::error!(%error, "{} cannot be kept", shown(&self.path));
                let what = format!("{} cannot be kept: a start with a broken file would not find what is in force now", shown(&self.path));
                noted("an alarm", bot.raise(COPY, what, None).await);
            }
        }
    }
}

fn shown(path: &Path) -> String {
    config::last_good(path).display().to_string()
}

pub(super) fn digest(text: &str) -> String {
    format!("sha256:{:x}", Sha256::digest(text))
}

/// What operators read while the file itself is not in force.
pub(super) fn refused(path: &Path, bot: &Bot) -> String {
    let file = path.display();
    if bot.catalogue().frozen {
        format!("{file} is refused: running on the last file that loaded, granting nothing")
    } else {
        format!("{file} is refused: what was in force before goes on; the log says why")
    }
}
