//! What goes on beside the workers: sealing, looking for leavers and for troubles of the bot itself, each of which is an
//! alarm while it lasts. Must not decide anything about access.

use std::{path::Path, sync::Arc, time::Duration};

use super::reload;
use crate::{
    bot::Bot,
    chat::render::Templates,
    domain::{event::Operation, ids::ProviderName},
    ledger::{
        seal::Sealer,
        verify::onward::{Onward, Step},
    },
    store::CommitError,
};

/// How often the other replicas are looked at.
const RELEASE_EVERY: Duration = Duration::from_secs(2);
/// How often the members of the chats are read.
const ROSTER_EVERY: Duration = Duration::from_mins(5);
/// How often the ledger's new entries are read, and the pause while there are many.
const CHECK_EVERY: Duration = Duration::from_mins(1);
const CHECK_ON: Duration = Duration::from_millis(20);
/// The alarm about what does not fit there.
const CHANGED: &str = "ledger_changed";
/// Failures in a row until sealing is in trouble: a store that blinks is another matter.
const FAILURES: u32 = 3;

/// Logs what could not be recorded: while the store refuses writes, ends must go on all the same (R12).
pub(super) fn noted(what: &str, result: Result<(), CommitError>) {
    if let Err(error) = result {
        tracing::error!(%error, "{what} could not be recorded");
    }
}

/// What a start shows to be over, and what it shows to be in trouble. `refused`: the digest of the file, if it is.
pub(super) async fn at_start(bot: &Bot, path: &Path, refused: Option<String>, broken: &[ProviderName]) {
    for id in ["worker", "template"] {
        noted("the end of an alarm", bot.clear(id).await);
    }
    match refused {
        Some(digest) => {
            // The ledger says that it was refused; the words are in the log, since they may quote the file.
            let refused = Operation::PolicyRefused { digest, why: "the file at start is refused".into(), at_start: true };
            noted("the refused file", bot.raise("policy", reload::refused(path, bot), refused).await);
        }
        None => noted("the end of an alarm", bot.clear("policy").await),
    }
    adapters(bot, broken).await;
}

/// An alarm for each adapter that is stood in for; over for all others.
pub(super) async fn adapters(bot: &Bot, broken: &[ProviderName]) {
    let open = bot.store().open_alarms().await.unwrap_or_default();
    for alarm in &open {
        let Some(name) = alarm.id.strip_prefix("adapter/") else { continue };
        if !broken.iter().any(|other| other.as_str() == name) {
            noted("the end of an alarm", bot.clear(&alarm.id).await);
        }
    }
    for name in broken {
        let what = format!("the adapter {name} could not be started: what is held through it cannot be taken away; the log says why");
        noted("an alarm", bot.raise(&format!("adapter/{name}"), what, None).await);
    }
}

/// What another replica was about to do when it died is free for us within seconds.
pub(super) async fn release_dead(bot: Arc<Bot>) {
    loop {
        tokio::time::sleep(RELEASE_EVERY).await;
        release(&bot).await;
    }
}

/// Takes over what processes that died had leased.
pub(super) async fn release(bot: &Bot) {
    match bot.store().release_dead().await {
        Ok(0) => {}
        Ok(dead) => {
            tracing::warn!(dead, "took over what processes that died had begun");
            bot.wake.notify_waiters();
        }
        Err(error) => tracing::error!(%error, "it cannot be seen who is alive"),
    }
}

/// Who left loses what they hold within minutes, not only when they press something (R18).
pub(super) async fn leavers(bot: Arc<Bot>) {
    loop {
        if let Err(error) = bot.leavers().await {
            tracing::error!(%error, "people could not be looked at");
        }
        tokio::time::sleep(Duration::from_mins(2)).await;
    }
}

/// Who came to the chats counts within minutes, and who left them does not any more. Also when a reload says that others count.
pub(super) async fn roster(bot: Arc<Bot>) {
    loop {
        if let Err(error) = bot.read_roster().await {
            tracing::error!(%error, "the members of the chats could not be kept");
        }
        // Either is right: it is time, or there is a reason.
        let _ = tokio::time::timeout(ROSTER_EVERY, bot.roster_is_due()).await;
    }
}

/// An override that does not render is an alarm until the next start; ours is used meanwhile.
pub(super) async fn templates(bot: Arc<Bot>, templates: Arc<Templates>) {
    loop {
        if !templates.take_troubles().is_empty() {
            // What it said may quote people: the log has it.
            let what = "a template does not render: the one that came with this program is used instead; the log says which".to_owned();
            noted("an alarm", bot.raise("template", what, None).await);
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// A start without its key: entries wait, nothing is granted, and an alarm says so, until the next start.
pub(super) async fn unsealed(why: String, bot: Arc<Bot>) {
    tracing::error!(%why, "the ledger is not sealed, and nothing is granted");
    let what = format!("the ledger cannot be sealed, and nothing is granted until a start with a key that works: {why}");
    while let Err(error) = bot.raise("ledger", what.clone(), None).await {
        tracing::error!(%error, "an alarm could not be recorded");
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// Seals every second. A ledger that cannot be sealed, or was changed, is an alarm until it can.
pub(super) async fn seal(sealer: Arc<tokio::sync::Mutex<Sealer>>, bot: Arc<Bot>) {
    let (mut failures, mut is_over) = (0, false);
    loop {
        let sealed = sealer.lock().await.seal_once(bot.now()).await;
        match sealed {
            Ok(_) if is_over => {}
            // Also what an earlier run raised.
            Ok(_) => match bot.clear("ledger").await {
                Ok(()) => (failures, is_over) = (0, true),
                Err(error) => tracing::error!(%error, "the end of an alarm could not be recorded"),
            },
            Err(why) => {
                (failures, is_over) = (failures + 1, false);
                if failures == 1 {
                    tracing::error!(%why, "the ledger cannot be sealed");
                }
                if failures >= FAILURES {
                    let what = format!("the ledger cannot be sealed: {why}");
                    if let Err(error) = bot.raise("ledger", what, None).await {
                        tracing::debug!(%error, "an alarm could not be recorded");
                    }
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Reads what was sealed, as it comes. What does not fit is an alarm until it does; the digest says how far it came.
pub(super) async fn check(check: Option<Arc<Onward>>, bot: Arc<Bot>) {
    let Some(check) = check else { return };
    loop {
        let pause = match check.step(bot.now()).await {
            // Nobody waits for it: whatever else there is to do comes first.
            Ok(Step::On) => CHECK_ON,
            Ok(Step::UpToDate) => {
                noted("the end of an alarm", bot.clear(CHANGED).await);
                CHECK_EVERY
            }
            Ok(Step::Wrong(why)) => {
                let what = format!("the ledger was changed: {why}; `hallpass audit verify` says all of it");
                noted("an alarm", bot.raise(CHANGED, what, None).await);
                CHECK_EVERY
            }
            Err(why) => {
                tracing::debug!(%why, "the ledger cannot be checked now");
                CHECK_EVERY
            }
        };
        tokio::time::sleep(pause).await;
    }
}
