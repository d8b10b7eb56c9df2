//! What must end soon, held in memory, so that it ends on time while the store refuses writes (R12).
//! Acts only then, and only on ends; what it did is owed to the store and written before anything else.

mod ends;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use self::ends::Try;
use super::{Deps, Stop, gates::Gates, outage::Outage};
use crate::{
    domain::{
        entitlement::{Claim, Entitlement, EntitlementKey},
        ids::ProviderName,
        plan::learn::end_of,
        request::GrantId,
        time::{Instant, Span},
    },
    store::{Commit, CommitError},
};

/// So far ahead ends are held.
const AHEAD: Span = Span::from_minutes(15);
/// Between two readings of what ends soon; longer when a reading takes long.
const EVERY: Span = Span::from_seconds(3);
/// A reading may take one part in so many of the time.
const SHARE: u32 = 20;
/// Held at most, the earliest ends: a bound on memory, about 2 KiB each.
const MOST: u32 = 20_000;
/// The time's mark is stored at least so often, and with it is seen whether the store takes writes.
const MARK: Span = Span::from_seconds(30);
/// An end is the ordinary workers' until it is late by this much.
const LATE: Span = Span::from_seconds(1);
/// Late by this much with nobody at work on it: is the store taking writes at all?
const DOUBTFUL: Span = Span::from_seconds(2);
/// Past the end by this much it is overdue (R3).
const OVERDUE: Span = Span::from_seconds(30);
/// The store has this long to answer a question of the lifeline.
const ANSWER: Duration = Duration::from_secs(2);

/// The memory, the calls under way in this process, and what is known of the store.
#[derive(Default)]
pub(super) struct Lifeline {
    pub(super) outage: Outage,
    memory: Mutex<Memory>,
    calls: Mutex<BTreeSet<EntitlementKey>>,
    /// What the ordinary workers have leased, by fence.
    leases: Mutex<BTreeMap<EntitlementKey, i64>>,
    gates: Gates,
    /// Providers with more due ends than are under way.
    crowded: Mutex<BTreeSet<ProviderName>>,
    /// A try to write that the outage is over; never given up half-way, lest it be written twice.
    back: tokio::sync::Mutex<Option<JoinHandle<Result<(), Stop>>>>,
}

#[derive(Default)]
struct Memory {
    ending: Vec<(Entitlement, Vec<Claim>)>,
    refreshed: Option<Instant>,
    cost: Duration,
    marked: Option<Instant>,
    tries: BTreeMap<EntitlementKey, Try>,
    /// Read as gone while the store was away: until a worker reads it back.
    taken: BTreeMap<EntitlementKey, Taken>,
}

/// What was taken away without the store.
#[derive(Clone)]
pub(super) struct Taken {
    /// When it was read as gone.
    pub at: Instant,
    /// The grants that it was for.
    pub grants: Vec<GrantId>,
    /// What remained of it, as the target said.
    pub residue: Vec<String>,
}

/// A call at a provider, by which no other starts on the same entitlement in this process.
pub(super) struct InCall<'a>(&'a Lifeline, EntitlementKey);

impl Drop for InCall<'_> {
    fn drop(&mut self) {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// Whether ends wait at a provider; they do not when nobody is at work on them any more.
pub(super) struct Crowd<'a>(&'a Lifeline, ProviderName);

impl Crowd<'_> {
    pub(super) fn set(&self, crowded: bool) {
        self.0.crowd(&self.1, crowded);
    }
}

impl Drop for Crowd<'_> {
    fn drop(&mut self) {
        self.0.crowd(&self.1, false);
    }
}

impl Lifeline {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None: a call on this entitlement is under way.
    pub(super) fn call(&self, key: &EntitlementKey) -> Option<InCall<'_>> {
        let free = self.calls.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        free.then(|| InCall(self, key.clone()))
    }

    fn is_in_call(&self, key: &EntitlementKey) -> bool {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    pub(super) fn leased(&self, key: &EntitlementKey, fence: i64) {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), fence);
    }

    /// Only the lease of this fence: a later one is another job's.
    pub(super) fn released(&self, key: &EntitlementKey, fence: i64) {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        if leases.get(key) == Some(&fence) {
            leases.remove(key);
        }
    }

    /// Are more ends due at this provider than are under way? Until what is handed back is dropped.
    pub(super) fn crowd_at(&self, name: &ProviderName) -> Crowd<'_> {
        Crowd(self, name.clone())
    }

    fn crowd(&self, name: &ProviderName, crowded: bool) {
        let mut all = self.crowded.lock().unwrap_or_else(PoisonError::into_inner);
        if crowded {
            all.insert(name.clone());
        } else {
            all.remove(name);
        }
    }

    /// Ends wait somewhere: what can wait lets them go first.
    pub(super) fn is_crowded(&self) -> bool {
        !self.crowded.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Gives back what is still leased, for a stop that cannot wait for it: a call in flight stands in its row.
    pub(super) async fn let_go(&self, deps: &Deps) {
        let leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (key, fence) in leases {
            deps.store.owe_free(key, Some(fence), deps.bot.now());
        }
        if !matches!(timeout(ANSWER, deps.store.pay()).await, Ok(Ok(()))) {
            tracing::error!("what is leased could not be given back: a next start on PostgreSQL waits until the leases are over");
        }
    }

    /// What was done about it while the store was away, if it was read as gone.
    pub(super) fn taken(&self, key: &EntitlementKey) -> Option<Taken> {
        self.memory().taken.get(key).cloned()
    }

    /// A later reading showed it present: what was done without the store means nothing any more.
    pub(super) fn forget(&self, key: &EntitlementKey) {
        let mut memory = self.memory();
        memory.tries.remove(key);
        memory.taken.remove(key);
    }

    /// One look: reads what ends soon, and while the store is away begins what is due into `ends`, tells operators, and
    /// finds out whether it is back.
    pub(super) async fn step(self: &Arc<Self>, deps: &Arc<Deps>, ends: &mut JoinSet<()>) {
        self.refresh(deps).await;
        self.doubt(deps).await;
        if !self.outage.is_on() {
            return;
        }
        let fresh = self.outage.take_fresh();
        let over = self.is_back(deps).await;
        if over {
            // Whoever has to be asked for it keeps no end waiting.
            let (this, deps) = (self.clone(), deps.clone());
            ends.spawn(async move { this.handle_left(&deps).await });
        }
        if over && !fresh {
            return;
        }
        self.begin_due(deps, ends);
        let (this, deps) = (self.clone(), deps.clone());
        ends.spawn(async move { this.outage.tell(&deps).await });
    }

    /// Handles what was received meanwhile. Only a store that is away again is an outage.
    async fn handle_left(&self, deps: &Deps) {
        match deps.bot.handle_left().await {
            Ok(_) => {}
            Err(CommitError::Unavailable(why)) => self.outage.failed(&why, deps.bot.now(), true),
            Err(error) => tracing::error!(%error, "what was received before could not be handled yet"),
        }
    }

    /// Reads what ends soon, now and then; while the store is away every time, since it may still answer reads.
    async fn refresh(&self, deps: &Deps) {
        let now = deps.bot.now();
        let away = self.outage.is_on();
        {
            let memory = self.memory();
            let pause = EVERY.max(Span::from_seconds(i64::try_from((memory.cost * SHARE).as_secs()).unwrap_or(0)));
            if !away && memory.refreshed.is_some_and(|at| now < at + pause && at <= now) {
                return;
            }
        }
        let begun = std::time::Instant::now();
        let why = match timeout(ANSWER, deps.store.ending_before(now + AHEAD, MOST)).await {
            Ok(Ok(ending)) => {
                let mut memory = self.memory();
                let known: BTreeSet<&EntitlementKey> = ending.iter().map(|(row, _)| &row.key).collect();
                memory.tries.retain(|key, _| known.contains(key));
                memory.taken.retain(|key, _| known.contains(key));
                (memory.ending, memory.refreshed, memory.cost) = (ending, Some(now), begun.elapsed());
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it does not answer reads".to_owned(),
        };
        self.outage.failed(&why, now, false);
    }

    /// Writes the time's mark now and then; at once when an end is overdue that nobody is at work on, though nothing failed:
    /// a store that only keeps us waiting looks like that.
    async fn doubt(&self, deps: &Deps) {
        let now = deps.bot.now();
        let waiting = |(row, claims): &(Entitlement, Vec<Claim>)| {
            let resting = row.progress.trying.is_some_and(|(_, again)| now <= again + DOUBTFUL);
            is_due(row, claims, now, DOUBTFUL) && !resting && !self.is_in_call(&row.key)
        };
        let marked = self.memory().marked.is_some_and(|at| now < at + MARK && at <= now);
        if self.outage.is_on() || (marked && !self.memory().ending.iter().any(waiting)) {
            return;
        }
        let mark = Commit { now: Some(deps.bot.highest()), ..Commit::default() };
        let why = match timeout(ANSWER, deps.store.commit(mark)).await {
            Ok(Ok(())) => {
                self.memory().marked = Some(now);
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it does not take writes".to_owned(),
        };
        self.outage.failed(&why, now, false);
    }

    /// Tries to write that the outage is over; that is how it is found to be over.
    async fn is_back(self: &Arc<Self>, deps: &Arc<Deps>) -> bool {
        let mut back = self.back.lock().await;
        let task = back.get_or_insert_with(|| {
            let (this, deps) = (self.clone(), deps.clone());
            tokio::spawn(async move { this.outage.over(&deps).await })
        });
        let Ok(ended) = timeout(ANSWER, task).await else { return false };
        *back = None;
        drop(back);
        let why = match ended {
            Ok(Ok(())) => {
                // What was tried is kept: it may go away again before the workers have read it back.
                self.memory().refreshed = None;
                deps.bot.wake.notify_waiters();
                return true;
            }
            Ok(Err(stop)) => stop.to_string(),
            Err(error) => error.to_string(),
        };
        self.outage.failed(&why, deps.bot.now(), false);
        false
    }

    /// Begins every end that is due, each by itself: a provider that hangs keeps nobody else's waiting.
    fn begin_due(self: &Arc<Self>, deps: &Arc<Deps>, ends: &mut JoinSet<()>) {
        let now = deps.bot.now();
        let mut memory = self.memory();
        let Memory { ending, tries, .. } = &mut *memory;
        let (mut ended, mut stuck) = (0, 0);
        for (row, claims) in ending.iter().filter(|(row, claims)| is_due(row, claims, now, LATE)) {
            let grants: Vec<GrantId> = claims.iter().map(|claim| claim.grant.clone()).collect();
            let known = tries.entry(row.key.clone()).or_default();
            known.begin_for(&grants);
            if known.gone.is_some() {
                ended += 1;
                continue;
            }
            stuck += usize::from(is_due(row, claims, now, OVERDUE));
            if known.again.is_some_and(|again| now < again) || self.is_in_call(&row.key) {
                continue;
            }
            let gate = self.gates.of(&row.order.provider, deps.at_once);
            let (this, deps, row) = (self.clone(), deps.clone(), row.clone());
            ends.spawn(async move {
                let _one = gate.acquire_owned().await;
                this.end(&deps, &row).await;
            });
        }
        drop(memory);
        self.outage.count(ended, stuck);
    }
}

/// Every claim has been over for `late`, something of ours may be there, nothing was there before, and no call of the
/// ordinary workers may still be unanswered.
fn is_due(row: &Entitlement, claims: &[Claim], now: Instant, late: Span) -> bool {
    let ours = row.given && !row.progress.revoked && row.had_before != Some(true);
    let unanswered = row.call.as_ref().is_some_and(|call| now <= call.deadline);
    let over = |claim: &Claim| !claim.wanted || end_of(claim) + late <= now;
    ours && !unanswered && !claims.is_empty() && claims.iter().all(over)
}
