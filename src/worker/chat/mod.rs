//! Brings cards, threads, direct messages and alarms in line with what the store holds. Safe to repeat at any point.
//! Must not decide or word anything: what is shown comes from `Shows`.

mod alarms;
mod cards;
mod digests;
mod links;
pub(super) mod place;
pub(super) mod places;
mod threads;

use std::time::Duration;

use futures_util::{StreamExt as _, stream::FuturesUnordered};

use self::places::Places;
use super::{
    Deps, Scene, Stop, WAY,
    lifeline::Lifeline,
    side::{Tally, beside},
};
use crate::{
    bot::Around,
    chat::{ChatFault, Sending},
    domain::{
        plan::learn::backoff,
        policy::Platform,
        request::{Request, RequestId},
        time::{Instant, Span},
        words::{self, Texts},
    },
    store::{CommitError, Task, TaskEnd, TaskKind},
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
/// Until an alarm that one of its places put off is told again, at most.
const ALARM_AGAIN: Span = Span::from_minutes(1);

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

/// A task that was handled.
enum Handled {
    Done,
    /// It wants to be looked at again then, though nothing changes.
    Again(Span),
    /// Its place takes nothing of that kind before then.
    Wait(Sending, Span),
}

/// A task that is being handled.
struct Turn<'a> {
    deps: &'a Deps,
    places: &'a Places,
    task: &'a Task,
}

impl Turn<'_> {
    /// The platform and place that it is for, such as `slack/C0123ABCD` or `slack/@ana`; None: there are several.
    fn place(&self) -> Option<String> {
        let (_, rest) = self.task.key.split_once('/')?;
        match self.task.kind {
            TaskKind::Card | TaskKind::Thread | TaskKind::Digest => Some(rest.to_owned()),
            TaskKind::Link => {
                let mut pieces = self.task.key.split('/');
                Some(format!("{}/@{}", pieces.next()?, pieces.next()?))
            }
            TaskKind::Alarm => None,
        }
    }

    /// Something was sent to its place.
    async fn took(&self) -> Result<(), CommitError> {
        match self.place() {
            Some(place) => self.places.took(self.deps, &place, self.task).await,
            None => Ok(()),
        }
    }
}

/// Leases and handles what is due in chats, one task per queue side by side: whoever is done makes room for the next, and one
/// that is slow holds up nobody. Returns how many were handled.
pub(super) async fn handle_due(deps: &Deps, lifeline: &Lifeline, places: &Places) -> Result<usize, Stop> {
    places.look_up(deps).await?;
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
                    running
                        .extend(tasks.into_iter().map(|task| Box::pin(async move { handle(&Turn { deps, places, task: &task }).await })));
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

async fn handle(turn: &Turn<'_>) -> Result<(), Stop> {
    let Turn { deps, places, task } = turn;
    if let Some(due_at) = places.paused(task, deps.bot.now()) {
        return finish(deps, task, TaskEnd::Waits { due_at }).await;
    }
    let result = match task.kind {
        TaskKind::Card => cards::bring_in_line(turn).await,
        TaskKind::Thread => threads::bring_up_to_date(turn).await,
        TaskKind::Alarm => alarms::bring_in_line(turn).await,
        TaskKind::Link => links::tell(turn).await,
        TaskKind::Digest => digests::post(turn).await,
    };
    if let (Ok(Handled::Done | Handled::Again(_)), Some(place)) = (&result, turn.place()) {
        places.is_over(deps, &place, task).await?;
    }
    let now = deps.bot.now();
    let end = match result {
        Ok(Handled::Done) => TaskEnd::Done,
        Ok(Handled::Again(after)) => TaskEnd::Again { due_at: now + after, failed: false },
        Ok(Handled::Wait(what, wait)) => TaskEnd::Waits { due_at: places.turn(task, what, now, wait) },
        Err(Trouble::Store(stop @ (Stop::Stale | Stop::Refused(_)))) => {
            tracing::error!(task = %task.key, "what was shown cannot be written down, and is tried again: {stop}");
            TaskEnd::Again { due_at: now + backoff(task.tries.saturating_add(1), (deps.jitter)()), failed: true }
        }
        Err(Trouble::Store(stop)) => return Err(stop),
        Err(Trouble::Chat(fault)) => failed(turn, fault).await?,
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

/// What becomes of a task that its chat did not do.
async fn failed(turn: &Turn<'_>, fault: ChatFault) -> Result<TaskEnd, Stop> {
    let Turn { deps, places, task } = turn;
    let (now, pause) = (deps.bot.now(), backoff(task.tries.saturating_add(1), (deps.jitter)()));
    let after = match fault {
        // An alarm is told in several places: one that asks for a pause keeps its news from none of the others, and its chat keeps
        // to the pause by itself.
        ChatFault::Transient { retry_after: Some(asked), .. } if task.kind == TaskKind::Alarm => asked.min(ALARM_AGAIN).max(pause),
        ChatFault::Transient { retry_after: Some(asked), .. } => {
            places.pause(task, now + asked);
            asked.max(pause)
        }
        ChatFault::Transient { retry_after: None, .. } | ChatFault::Gone => pause,
        ChatFault::Closed { why } => {
            tracing::info!(task = %task.key, %why, "what was to be told privately is not told");
            if let Some(place) = turn.place() {
                places.is_over(deps, &place, task).await?;
            }
            return Ok(TaskEnd::Done);
        }
        ChatFault::Permanent { why } => match turn.place() {
            Some(place) if !places.refused(deps, &place, task, &why).await? => {
                tracing::info!(task = %task.key, %why, "nothing is sent there any more, and this is given up");
                return Ok(TaskEnd::Done);
            }
            _ => MENDING,
        },
    };
    Ok(TaskEnd::Again { due_at: now + after, failed: true })
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
