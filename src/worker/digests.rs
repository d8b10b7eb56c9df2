//! Makes a digest when its time has come: once, by whoever comes first, in one transaction with the tasks that post it. Nothing is
//! made while the time is not believed (R17) or the store takes no writes. Must not compute or word what it tells.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Deps, Stop, Workers};
use crate::{
    domain::{
        digest::{AFTER, AWAY, Away, DOCUMENT_VERSION, Made, Rules, Schedule, Window},
        policy::Channel,
        time::{Instant, Span},
    },
    faults,
    store::{Commit, DigestWrite, TaskKind, TaskWant},
};

/// Between two looks at the store, and between two signs of life in it.
const LOOK: Span = Span::from_minutes(1);

/// What this process knows of digests.
#[derive(Debug, Default)]
pub(super) struct Digests(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// When this process first looked, by a clock that may not have been right.
    started: Option<Instant>,
    /// Whether it was looked whether nobody was there before it.
    looked_back: bool,
    /// By which it was looked last, and when it is to be looked again.
    next: Option<(Schedule, Instant)>,
    /// The last sign of life.
    alive: Option<Instant>,
}

impl Digests {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the digest that is due, if one is. Returns how many were made.
    pub(super) async fn make_due(&self, deps: &Deps) -> Result<usize, Stop> {
        let now = deps.bot.now();
        self.known().started.get_or_insert(now);
        if !deps.bot.believes_its_clock() {
            return Ok(0);
        }
        // Also while none is posted: a digest that is asked for, or made once bot.toml says so, tells when no bot ran.
        self.live(deps, now).await?;
        let catalogue = deps.bot.catalogue();
        let Some(rules) = catalogue.digests.as_ref().filter(|rules| !rules.channels.is_empty()) else { return Ok(0) };
        let (schedule, is_known) = (rules.schedule, |next: &(Schedule, Instant)| next.0 == rules.schedule && now < next.1);
        if self.known().next.as_ref().is_some_and(is_known) {
            return Ok(0);
        }
        // If it fails it is looked again as late.
        self.known().next = Some((schedule, now + LOOK));
        let Some((last, before)) = deps.store.last_digest().await.map_err(Stop::read)? else {
            let began = DigestWrite::Began { at: now };
            deps.store.commit(Commit { digests: vec![began], ..Commit::default() }).await?;
            return Ok(0);
        };
        // What happened just before the end of its window may still be on its way into the store.
        let Some(window) = schedule.due(before, now - AFTER) else {
            self.known().next = Some((schedule, (schedule.due_at(before) + AFTER).min(now + LOOK)));
            return Ok(0);
        };
        self.known().next = None;
        match make(deps, rules, last + 1, window).await {
            Ok(()) => Ok(1),
            // Another process was faster.
            Err(Stop::Stale) => Ok(0),
            Err(stop) => {
                self.known().next = Some((schedule, now + LOOK));
                Err(stop)
            }
        }
    }

    /// Leaves a sign of life once a minute; the first one of a process says since when there was none.
    async fn live(&self, deps: &Deps, now: Instant) -> Result<(), Stop> {
        let (started, looked_back) = {
            let known = self.known();
            if known.looked_back && known.alive.is_some_and(|alive| now < alive + LOOK) {
                return Ok(());
            }
            (known.started.unwrap_or(now).min(now), known.looked_back)
        };
        let mut digests = vec![DigestWrite::Alive { at: now }];
        if !looked_back && let Some(from) = deps.store.last_alive().await.map_err(Stop::read)?.filter(|last| started > *last + AWAY) {
            digests.push(DigestWrite::Away(Away { from, to: started }));
        }
        deps.store.commit(Commit { digests, ..Commit::default() }).await?;
        let mut known = self.known();
        (known.looked_back, known.alive) = (true, Some(now));
        Ok(())
    }
}

impl Workers {
    /// What keeps a digest from being made is no outage, and is tried again: it says nothing of whether ends can be written.
    pub(super) async fn make_digest(&self) -> usize {
        if self.lifeline.outage.is_on() {
            return 0;
        }
        self.digests.make_due(&self.deps).await.unwrap_or_else(|stop| {
            tracing::warn!(%stop, "a digest could not be made yet");
            0
        })
    }

    /// Beside everything else: what a digest is made of may take a while to read.
    pub(super) async fn run_digests(self: Arc<Self>) {
        while !self.deps.is_stopping() {
            self.make_digest().await;
            let a_while = Duration::from_secs(1) / self.deps.pace.max(1);
            drop(tokio::time::timeout(a_while, self.deps.bot.wake.notified()).await);
        }
    }
}

async fn make(deps: &Deps, rules: &Rules, n: u64, window: Window) -> Result<(), Stop> {
    let digest = deps.bot.digest(window, &rules.thresholds).await.map_err(Stop::read)?;
    let away = deps.store.absences(window.from, window.to).await.map_err(Stop::read)?;
    let zone = rules.schedule.zone.name().to_owned();
    let made = Made { v: DOCUMENT_VERSION, n: Some(n), zone, digest, away };
    let due_at = deps.bot.now();
    let tasks = rules.channels.iter().map(|channel| post(n, channel, due_at)).collect();
    // A bot that is gone a moment later was there until then: else it would seem to be gone since a time that was told already.
    let digests = vec![DigestWrite::Made(Box::new(made)), DigestWrite::Alive { at: window.to }];
    let commit = Commit { tasks, digests, ..Commit::default() };
    faults::point("digest.computed");
    deps.store.commit(commit).await?;
    faults::point("digest.made");
    deps.bot.wake.notify_waiters();
    Ok(())
}

/// Like the cards of the channel, in its turn.
fn post(n: u64, channel: &Channel, due_at: Instant) -> TaskWant {
    let queue = format!("{}/{}", channel.platform.name(), channel.id);
    TaskWant { kind: TaskKind::Digest, key: format!("{n}/{queue}"), queue, due_at }
}
