//! Brings cards, threads, direct messages and alarms in line with what the store holds. Safe to repeat at any point.
//! Must not decide or word anything: what is shown comes from `Shows`.

mod alarms;
mod cards;
mod links;
mod threads;

use std::time::Duration;

use futures_util::{StreamExt as _, stream::FuturesUnordered};

use super::{
    Deps, Scene, Stop, WAY,
    lifeline::Lifeline,
    side::{Tally, beside},
};
use crate::{
    bot::Around,
    chat::{Chat, ChatFault, Message, Once, Posted},
    domain::{
        plan::learn::backoff,
        policy::{Channel, Platform},
        request::{Request, RequestId},
        time::{Instant, Span},
        words::{self, Texts},
    },
    store::{Commit, CommitError, Post, PostWrite, Task, TaskEnd, TaskKind},
};

const LEASE: Span = Span::from_minutes(2);
const AT_ONCE: usize = 32;
/// So many times that before the caller looks around again.
const TURN: usize = 32;
/// When nothing more was due while some are still being handled.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Tries before a stale end of a task is given up: its lease then lasts.
const TRIES: usize = 20;
/// Until a fault that only a human can mend is tried again.
const MENDING: Span = Span::from_minutes(10);

/// What ended the handling of a task early.
enum Trouble {
    Chat(ChatFault),
    Store(Stop),
}

impl From<ChatFault> for Trouble {
    fn from(fault: ChatFault) -> Self {
        Self::Chat(fault)
    }
}

impl From<crate::store::CommitError> for Trouble {
    fn from(error: crate::store::CommitError) -> Self {
        Self::Store(error.into())
    }
}

impl From<crate::store::StoreError> for Trouble {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Store(Stop::read(error))
    }
}

/// A task that was handled, and when it wants to be looked at again though nothing changes.
enum Handled {
    Done,
    Again(Span),
}

/// Leases and handles what is due in chats, one task per queue side by side: whoever is done makes room for the next, and one
/// that is slow holds up nobody. Returns how many were handled.
pub(super) async fn handle_due(deps: &Deps, lifeline: &Lifeline) -> Result<usize, Stop> {
    let lease = Span::from_seconds(LEASE.seconds() * i64::from(deps.pace.max(1)));
    let mut running = FuturesUnordered::new();
    let (mut begun, mut tally) = (0, Tally::default());
    let (mut nothing_before, mut patient_until) = (tokio::time::Instant::now(), tokio::time::Instant::now());
    loop {
        let free = AT_ONCE - running.len();
        let more = tally.stop.is_none() && begun < AT_ONCE * TURN && free > 0 && !deps.is_stopping();
        // A quarter of the window at a time, for each lease looks at the head of every queue; but room is used before long.
        let next_look = if free * 4 >= AT_ONCE { nothing_before } else { nothing_before.max(patient_until) };
        if more && tokio::time::Instant::now() >= next_look {
            patient_until = tokio::time::Instant::now() + LOOK_AGAIN;
            let now = deps.bot.now();
            let leasing = deps.store.lease_tasks(now, now + lease, &[], u32::try_from(free).unwrap_or(u32::MAX));
            match beside(leasing, &mut running, &mut tally).await {
                Ok(tasks) => {
                    // Alarms are told here too: slowly, but at once.
                    let pause = if lifeline.is_crowded() { WAY } else { LOOK_AGAIN };
                    if tasks.len() < free || pause == WAY {
                        nothing_before = tokio::time::Instant::now() + pause;
                    }
                    begun += tasks.len();
                    running.extend(tasks.into_iter().map(|task| Box::pin(async move { handle(deps, &task).await })));
                }
                Err(error) => tally.stop = Some(Stop::read(error)),
            }
        }
        tokio::select! {
            done = running.next() => match done {
                None => break,
                Some(done) => tally.note(done),
            },
            () = tokio::time::sleep_until(next_look), if more && !running.is_empty() => {}
        }
    }
    tally.end()
}

async fn handle(deps: &Deps, task: &Task) -> Result<(), Stop> {
    let result = match task.kind {
        TaskKind::Card => cards::bring_in_line(deps, &task.key).await,
        TaskKind::Thread => threads::bring_up_to_date(deps, &task.key).await,
        TaskKind::Alarm => alarms::bring_in_line(deps, &task.key).await,
        TaskKind::Link => links::tell(deps, task).await,
    };
    let now = deps.bot.now();
    let end = match result {
        Ok(Handled::Done) => TaskEnd::Done,
        Ok(Handled::Again(after)) => TaskEnd::Again { due_at: now + after, failed: false },
        Err(Trouble::Store(stop @ (Stop::Stale | Stop::Refused(_)))) => {
            tracing::error!(task = %task.key, "what was shown cannot be written down, and is tried again: {stop}");
            TaskEnd::Again { due_at: now + backoff(task.tries.saturating_add(1), (deps.jitter)()), failed: true }
        }
        Err(Trouble::Store(stop)) => return Err(stop),
        Err(Trouble::Chat(fault)) => TaskEnd::Again { due_at: now + pause(deps, task, &fault), failed: true },
    };
    finish(deps, task, end).await
}

/// Gives the lease back; when a deadlock stops that, once more.
async fn finish(deps: &Deps, task: &Task, end: TaskEnd) -> Result<(), Stop> {
    for _ in 0..TRIES {
        match deps.store.finish_task(task, end).await {
            Err(CommitError::Stale) => {}
            done => return done.map_err(Stop::from),
        }
    }
    Err(Stop::Stale)
}

fn pause(deps: &Deps, task: &Task, fault: &ChatFault) -> Span {
    let pause = backoff(task.tries.saturating_add(1), (deps.jitter)());
    match fault {
        ChatFault::Transient { retry_after, .. } => retry_after.map_or(pause, |asked| asked.max(pause)),
        ChatFault::Gone => pause,
        ChatFault::Permanent { why } => {
            if task.tries == 0 {
                tracing::error!(task = %task.key, %why, "a chat refuses; an operator must mend it");
            }
            MENDING
        }
    }
}

/// A task's key: `<request>/<platform>/<place>`.
fn parts<'a>(deps: &'a Deps, key: &'a str) -> Option<(RequestId, Platform, &'a str, &'a dyn Chat)> {
    let mut pieces = key.splitn(3, '/');
    let (id, platform, place) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let platform = Platform::named(platform)?;
    Some((id.parse().ok()?, platform, place, deps.chats.get(&platform)?.as_ref()))
}

/// Everything that showing a request needs; kept by the caller while a `Scene` is made of it.
struct Seen {
    request: Request,
    texts: Texts,
    around: Around,
    now: Instant,
}

impl Seen {
    /// None: there is no such request.
    async fn load(deps: &Deps, id: &RequestId) -> Result<Option<Self>, Trouble> {
        let Some(request) = deps.store.request(id).await? else { return Ok(None) };
        let texts = deps.store.texts(&words::of(&request)).await?;
        let around = deps.bot.around(&request).await?;
        Ok(Some(Self { request, texts, around, now: deps.bot.now() }))
    }

    const fn scene(&self) -> Scene<'_> {
        Scene { request: &self.request, texts: &self.texts, around: &self.around, now: self.now }
    }
}

async fn post_of(deps: &Deps, id: &RequestId, platform: Platform, place: &str) -> Result<Post, Trouble> {
    let known = deps.store.posts(id).await?.into_iter().find(|p| p.platform == platform && p.place == place);
    let none = || Post { request: id.clone(), platform, place: place.to_owned(), posted: None, shown: None, cursor: 0 };
    Ok(known.unwrap_or_else(none))
}

async fn save(deps: &Deps, post: &Post) -> Result<(), Trouble> {
    Ok(deps.store.commit(Commit { posts: vec![PostWrite(post.clone())], ..Commit::default() }).await?)
}

const fn new(nonce: &str) -> Once<'_> {
    Once { nonce, may_stand: false }
}

/// Updates the message, or posts it: for the first time, or again because it is gone.
pub(super) async fn bring(
    chat: &dyn Chat,
    at: Option<&Posted>,
    channel: &Channel,
    message: &Message,
    nonce: &str,
) -> Result<Posted, ChatFault> {
    match at {
        Some(at) => match chat.update(at, message).await {
            Ok(()) => Ok(at.clone()),
            Err(ChatFault::Gone) => chat.post(channel, message, new(&format!("{nonce}/{}", at.message))).await,
            Err(fault) => Err(fault),
        },
        None => chat.post(channel, message, new(nonce)).await,
    }
}
