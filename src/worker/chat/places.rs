//! What this process knows of the places that it sends to: those that must wait for their turn, and those that refuse what is
//! sent until a human mends it, of which operators hear once. Must not decide what is sent.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Deps, Stop, place::account};
use crate::{
    chat::Sending,
    domain::{
        ids::PersonId,
        policy::Platform,
        time::{Instant, Span},
    },
    store::{Commit, CommitError, Task, TaskKind, TaskWant},
};

/// Begins the ids of alarms about places; the rest is `<platform>/<channel, or @ and a person>`.
const ALARM: &str = "chat/";
/// So much of what was refused is tried again at a start.
const AT_START: u32 = 1_000;
/// Between two turns at one place.
const STEP: Span = Span::from_seconds(1);

#[derive(Default)]
pub(in crate::worker) struct Places {
    /// Until when a chat asked not to be tried again.
    pauses: Mutex<BTreeMap<(TaskKind, String), Instant>>,
    /// By queue and what is sent, whose turn comes when.
    lines: Mutex<BTreeMap<(String, Sending), Turns>>,
    /// By open alarm, what was refused since the start; None: not looked up yet. Locked over a change, so that no alarm is raised
    /// twice.
    refusing: tokio::sync::Mutex<Option<BTreeMap<String, Tasks>>>,
}

/// When each task's turn comes.
type Turns = BTreeMap<(TaskKind, String), Instant>;
type Tasks = BTreeMap<(TaskKind, String), Refused>;

/// A task whose message was refused.
struct Refused {
    queue: String,
    /// It is being tried again because something else got through.
    hurried: bool,
}

impl Places {
    /// The chat asked for a pause: the task is not tried before then, whatever is wanted of it meanwhile.
    pub(super) fn pause(&self, task: &Task, until: Instant) {
        self.pauses().insert((task.kind, task.key.clone()), until);
    }

    /// Until when the task is paused, if it is.
    pub(super) fn paused(&self, task: &Task, now: Instant) -> Option<Instant> {
        let mut pauses = self.pauses();
        pauses.retain(|_, until| *until > now);
        pauses.get(&(task.kind, task.key.clone())).copied()
    }

    fn pauses(&self) -> MutexGuard<'_, BTreeMap<(TaskKind, String), Instant>> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the task, which must wait so long, has its turn: those of one place and kind one after the other, so that they do not
    /// all ask again at once. Whoever has a turn keeps it.
    pub(super) fn turn(&self, task: &Task, what: Sending, now: Instant, wait: Span) -> Instant {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_, line| line.values().any(|at| *at > now));
        let line = lines.entry((task.queue.clone(), what)).or_default();
        line.retain(|_, at| *at > now);
        let (soonest, key) = (now + wait, (task.kind, task.key.clone()));
        let behind = line.values().max().map_or(soonest, |last| *last + STEP);
        let at = line.get(&key).copied().unwrap_or(behind).max(soonest);
        line.insert(key, at);
        at
    }

    /// Once after a start: which places refused what was sent. What is not sent to any more has nothing to be mended.
    pub(super) async fn look_up(&self, deps: &Deps) -> Result<(), Stop> {
        let mut refusing = self.refusing.lock().await;
        if refusing.is_some() {
            return Ok(());
        }
        let mut known = BTreeMap::new();
        for alarm in deps.store.open_alarms().await.map_err(Stop::read)? {
            match alarm.id.strip_prefix(ALARM) {
                Some(place) if is_named(deps, place) => drop(known.insert(alarm.id, Tasks::new())),
                Some(_) => deps.bot.clear(&alarm.id).await?,
                None => {}
            }
        }
        // Whoever starts the bot again may have mended it.
        if !known.is_empty() {
            let tasks = deps.store.tried_tasks(deps.bot.now(), AT_START).await.map_err(Stop::read)?;
            deps.store.commit(Commit { tasks, ..Commit::default() }).await?;
        }
        *refusing = Some(known);
        Ok(())
    }

    /// This place refuses what the task would send: operators hear of it, and why. False: nothing is sent there any more, so
    /// there is nothing to mend.
    pub(super) async fn refused(&self, deps: &Deps, place: &str, task: &Task, why: &str) -> Result<bool, CommitError> {
        let (id, mut refusing) = (format!("{ALARM}{place}"), self.refusing.lock().await);
        let known = refusing.get_or_insert_default();
        if !is_named(deps, place) {
            deps.bot.clear(&id).await?;
            known.remove(&id);
            return Ok(false);
        }
        deps.bot.raise(&id, format!("{}: {why}", place.replacen('/', " ", 1)), None).await?;
        known.entry(id).or_default().insert((task.kind, task.key.clone()), Refused { queue: task.queue.clone(), hurried: false });
        Ok(true)
    }

    /// This place took what the task sends. Whatever else it refused is tried at once, and when that is through the alarm is
    /// over: one message that no place would take keeps it open.
    pub(super) async fn took(&self, deps: &Deps, place: &str, task: &Task) -> Result<(), CommitError> {
        let (id, mut refusing) = (format!("{ALARM}{place}"), self.refusing.lock().await);
        let known = refusing.get_or_insert_default();
        let Some(refused) = known.get_mut(&id) else {
            // Another process may have heard of a refusal.
            return if task.tries > 0 { deps.bot.clear(&id).await } else { Ok(()) };
        };
        refused.remove(&(task.kind, task.key.clone()));
        if refused.is_empty() {
            deps.bot.clear(&id).await?;
            known.remove(&id);
            return Ok(());
        }
        let (due_at, mut tasks) = (deps.bot.now(), Vec::new());
        for ((kind, key), other) in refused {
            if !std::mem::replace(&mut other.hurried, true) {
                tasks.push(TaskWant { kind: *kind, key: key.clone(), queue: other.queue.clone(), due_at });
            }
        }
        if tasks.is_empty() { Ok(()) } else { deps.store.commit(Commit { tasks, ..Commit::default() }).await }
    }

    /// The task has nothing to send any more: of what was refused, it was perhaps the last.
    pub(super) async fn is_over(&self, deps: &Deps, place: &str, task: &Task) -> Result<(), CommitError> {
        let (id, mut refusing) = (format!("{ALARM}{place}"), self.refusing.lock().await);
        let Some(known) = refusing.as_mut() else { return Ok(()) };
        let Some(refused) = known.get_mut(&id) else { return Ok(()) };
        if refused.remove(&(task.kind, task.key.clone())).is_some() && refused.is_empty() {
            deps.bot.clear(&id).await?;
            known.remove(&id);
        }
        Ok(())
    }
}

/// Is it a place that bot.toml names, or a person with an account there, on a platform that is connected?
fn is_named(deps: &Deps, place: &str) -> bool {
    let Some((platform, name)) = place.split_once('/').and_then(|(platform, name)| Some((Platform::named(platform)?, name))) else {
        return false;
    };
    if !deps.chats.contains_key(&platform) {
        return false;
    }
    let catalogue = deps.bot.catalogue();
    if let Some(person) = name.strip_prefix('@') {
        return person.parse().is_ok_and(|person: PersonId| account(deps, &person, platform).is_some());
    }
    let channels = catalogue.resources.values().flat_map(|resource| &resource.channels);
    let digests = catalogue.digests.iter().flat_map(|rules| &rules.channels);
    deps.ops.iter().chain(channels).chain(digests).any(|channel| channel.platform == platform && channel.id == name)
}
