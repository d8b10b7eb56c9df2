//! `hallpass run`: the bot itself. Overdue ends first, then everything else; SIGHUP reloads, SIGTERM stops after what was
//! begun. A broken file at start grants nothing and goes on ending (R15).

mod chats;
mod copy;
mod reload;
mod start;
mod watch;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use anyhow::anyhow;
use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{Mutex, oneshot},
};

pub use self::{reload::Reloads, start::still_reaches};

use self::{
    chats::Connected,
    start::{Start, load, signing_key},
    watch::noted,
};
use super::check;
use crate::{
    bot::{Bot, Parts},
    chat::{Chat, directory::Directory, show::Voice},
    domain::{event::Operation, policy::Platform},
    faults,
    ledger::{seal::Sealer, verify::onward::Onward},
    worker::{Deps, Workers},
};

/// What was begun has this long to end after SIGTERM.
const STOPPING: Duration = Duration::from_secs(30);
/// For the last words.
const LAST: Duration = Duration::from_secs(5);

/// The chats in force.
pub(super) type Chats = BTreeMap<Platform, Arc<dyn Chat>>;

/// Runs until SIGTERM or interrupt.
pub async fn run(path: &Path, mut chats: Chats) -> anyhow::Result<()> {
    faults::refuse_release().map_err(|why| anyhow!(why))?;
    let mut signals = Signals::listen()?;
    let (clock, pace) = faults::clock();
    let Start { mut config, providers, store, refused, is_kept, broken, before } = load(path, &clock).await?;
    let mut chance = StdRng::from_os_rng();
    let mut seed = [0; 32];
    chance.fill_bytes(&mut seed);
    let key = signing_key(&config, || seed);
    // What is to end must end, whether or not it is sealed at once; what is not sealed is not begun.
    config.catalogue.frozen |= key.is_err();
    let templates = Arc::new(check::templates_or_ours(&config)?);
    let connected = Connected::new(&config, &clock, &mut chats);
    let bot = Bot::new(Parts {
        store: store.clone(),
        clock: clock.clone(),
        catalogue: config.catalogue.clone(),
        providers,
        facts: Arc::new(Directory::new(chats.clone(), clock.clone())),
        seed: chance.next_u64(),
    });
    let bot = Arc::new(bot.await?);
    noted("the start", bot.record(Operation::Started { version: env!("CARGO_PKG_VERSION").into() }).await);
    if let Some(before) = before {
        noted("what changed in the file", bot.policy_changed(&before).await);
    }
    watch::at_start(&bot, path, refused, &broken).await;
    let mut reloads = Reloads { path: path.to_path_buf(), in_force: config.clone(), is_kept, is_unsealed: key.is_err() };
    if is_kept {
        noted("the end of an alarm", bot.clear(reload::COPY).await);
    } else {
        reloads.keep(&bot).await;
    }
    let (heartbeat, jitter) = (config.heartbeat.clone(), bot.clone());
    let voice = Arc::new(Voice { bot: bot.clone(), templates: templates.clone() });
    let workers = Arc::new(Workers::new(Deps {
        store: store.clone(),
        bot: bot.clone(),
        clock,
        chats,
        shows: voice.clone(),
        ops: config.alarm_channels.clone(),
        alarm_run: config.alarm_run.clone(),
        jitter: Box::new(move || jitter.chance()),
        pace,
        at_once: 16,
        heartbeat: Box::new(move || touch(heartbeat.as_deref())),
        stopping: false.into(),
    }));
    let check = key.as_ref().ok().map(|key| Arc::new(Onward::new(store.clone(), key.signing.clone(), config.ledger_origin.clone())));
    if let Some(check) = &check {
        bot.is_audited_by(check.clone());
    }
    let sealer = key.map(|key| Arc::new(Mutex::new(Sealer::new(store.clone(), key, config.ledger_origin.clone()))));
    // What a dead process was about to end is ours at once.
    watch::release(&bot).await;
    // What fell due while we were away ends before anything else is heard. A store that refuses writes keeps nothing from it.
    let (stop, stopped) = oneshot::channel::<()>();
    let running = workers.clone().run_all(async { drop(stopped.await) });
    tokio::pin!(running);
    let beside = [
        match sealer.clone() {
            Ok(sealer) => tokio::spawn(watch::seal(sealer, bot.clone())),
            Err(why) => tokio::spawn(watch::unsealed(why, bot.clone())),
        },
        tokio::spawn(watch::check(check, bot.clone())),
        tokio::spawn(reloads.on_hangup(bot.clone())),
        tokio::spawn(watch::leavers(bot.clone())),
        tokio::spawn(watch::roster(bot.clone())),
        tokio::spawn(watch::release_dead(bot.clone())),
        tokio::spawn(watch::templates(bot.clone(), templates)),
    ];
    #[cfg(feature = "faults")]
    super::door::listen(bot.clone());
    let hearing = connected.hear(&bot, &voice).await;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), policy = %config.catalogue.digest, "hallpass runs");
    let in_time = tokio::select! {
        () = &mut running => true,
        () = signals.told() => {
            tracing::info!("stopping after what was begun; a second signal stops at once");
            hearing.end().await;
            drop(stop);
            tokio::select! {
                () = &mut running => true,
                () = signals.told() => false,
                () = tokio::time::sleep(STOPPING) => false,
            }
        }
    };
    if !in_time {
        tracing::error!("stopping before everything that was begun has ended: a next start goes on with it");
        workers.let_go().await;
    }
    for task in beside {
        task.abort();
    }
    let last = async {
        noted("the stop", bot.record(Operation::Stopped).await);
        if let Ok(sealer) = &sealer
            && let Err(why) = sealer.lock().await.seal_once(bot.now()).await
        {
            tracing::error!(%why, "the last entries are not sealed: a next start does it");
        }
        store.close().await;
    };
    if tokio::time::timeout(LAST, last).await.is_err() {
        tracing::error!("the store does not answer: nothing more was written");
    }
    Ok(())
}

/// SIGTERM and the interrupt key.
struct Signals(Signal, Signal);

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self(signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

fn touch(path: Option<&Path>) {
    if let Some(path) = path
        && let Err(error) = std::fs::write(path, b"alive\n")
    {
        tracing::error!(%error, file = %path.display(), "the heartbeat cannot be written");
    }
}
