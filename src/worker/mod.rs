//! The workers: lease what is due, perform it, report. Nothing else in the bot changes the outside.
//! Must not decide: `plan` says what happens to an entitlement, the bot what it means for a request.

mod alarms;
mod chat;
mod credentials;
mod digests;
mod drift;
mod entitlements;
mod gates;
mod heartbeat;
mod lifeline;
mod looks;
mod outage;
mod shows;
mod side;
mod sightings;
mod starts;
mod stop;

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::task::{JoinHandle, JoinSet};

pub use shows::{Digested, Scene, Shows, Telling};
pub use stop::Stop;

use self::{
    chat::places::Places,
    credentials::Hand,
    digests::Digests,
    entitlements::Due,
    gates::Gates,
    heartbeat::Heartbeat,
    lifeline::Lifeline,
    looks::Looks,
    side::{AbortOnDrop, together},
};

use crate::{
    bot::Bot,
    chat::Chat,
    clock::Clock,
    domain::{
        ids::ProviderName,
        policy::{Channel, Platform},
    },
    faults,
    store::Store,
};

/// What the workers need. Everything is shared; `main` makes it.
pub struct Deps {
    pub store: Store,
    pub bot: Arc<Bot>,
    pub clock: Arc<dyn Clock>,
    pub chats: BTreeMap<Platform, Arc<dyn Chat>>,
    pub shows: Arc<dyn Shows>,
    /// Where alarms are posted.
    pub ops: Vec<Channel>,
    /// Program and arguments that get each alarm as JSON on standard input.
    pub alarm_run: Vec<String>,
    /// Chance for pauses, 0 to 255.
    pub jitter: Box<dyn Fn() -> u8 + Send + Sync>,
    /// How many times faster than the real one the bot's clock runs; 1 except in the demo. Real deadlines stay real.
    pub pace: u32,
    /// Entitlements handled at the same time at one provider.
    pub at_once: u32,
    /// Called once in each minute in which nothing overdue is unreported.
    pub heartbeat: Box<dyn Fn() + Send + Sync>,
    /// Set by `run` when it is told to stop: nothing new is begun.
    pub stopping: AtomicBool,
}

impl Deps {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// All workers of one process.
pub struct Workers {
    deps: Arc<Deps>,
    lifeline: Arc<Lifeline>,
    /// Of scheduled starts.
    gates: Gates,
    looks: Looks,
    heartbeat: Heartbeat,
    places: Places,
    digests: Digests,
    /// Steady microseconds of the last time that a worker died.
    died: Mutex<Option<i64>>,
}

/// Rounds of `drain` before it gives up calling it quiet.
const ROUNDS: usize = 1_000;
/// Between two looks of the lifeline, while the store is away and otherwise.
const LOOKS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(1));
/// Between two rounds of chats while ends wait for their turn.
const WAY: Duration = Duration::from_millis(500);
/// At a start, overdue ends come before what was received, but no longer than this.
const CATCH_UP: Duration = Duration::from_mins(1);
/// Until a worker that died is begun again.
const AFTER_DEATH: Duration = Duration::from_secs(1);
/// Steady microseconds without a death after which the alarm about it is over.
const ALIVE: i64 = 60_000_000;

impl Workers {
    pub fn new(deps: Deps) -> Self {
        let (lifeline, gates, heartbeat, places) = (Arc::<Lifeline>::default(), Gates::default(), Heartbeat::default(), Places::default());
        let deps = Arc::new(deps);
        deps.bot.is_served_by(Arc::new(Hand { deps: Arc::downgrade(&deps), lifeline: lifeline.clone() }));
        let (looks, digests) = (Looks::default(), Digests::default());
        Self { deps, lifeline, gates, looks, heartbeat, places, digests, died: Mutex::default() }
    }

    pub fn deps(&self) -> &Deps {
        &self.deps
    }

    /// Does all that is due at the bot's now, without background tasks. Returns how much was done.
    pub async fn drain(&self) -> Result<usize, Stop> {
        let mut all = 0;
        for _ in 0..ROUNDS {
            self.look().await;
            let done = match self.round().await {
                Ok(done) => done,
                Err(stop) => {
                    self.look().await;
                    return Err(stop);
                }
            };
            if done == 0 {
                break;
            }
            all += done;
        }
        self.heartbeat.beat(&self.deps, self.lifeline.outage.is_on()).await;
        Ok(all)
    }

    /// Ends what fell due while nobody was there.
    pub async fn end_overdue(&self) -> Result<(), Stop> {
        let ended = self.end_all(None).await;
        if ended.is_err() {
            self.look().await;
        }
        ended
    }

    /// Until no end is due, or for so long: a provider that hangs keeps its own ends waiting, and nothing else.
    async fn end_all(&self, most: Option<Duration>) -> Result<(), Stop> {
        let begun = self.deps.clock.monotonic();
        let over = |most: Duration| u128::try_from(self.deps.clock.monotonic() - begun).is_ok_and(|spent| spent >= most.as_micros());
        loop {
            let (ticked, ended) = tokio::join!(self.tick(), self.provide(Due::Ends));
            let (ticked, ended) = (ticked?, self.noted(ended)?);
            // What the last but one tick raised may have come after that look at the providers.
            if self.deps.is_stopping()
                || most.is_some_and(over)
                || ticked == 0 && ended == 0 && self.noted(self.provide(Due::Ends).await)? == 0
            {
                return Ok(());
            }
        }
    }

    /// The lifeline's look, with everything that it begins.
    async fn look(&self) {
        let mut ends = JoinSet::new();
        self.lifeline.step(&self.deps, &mut ends).await;
        ends.join_all().await;
    }

    /// One batch of what time brings. What was late because the store was away is late from now on only.
    async fn tick(&self) -> Result<usize, Stop> {
        if self.lifeline.outage.is_on() {
            self.deps.bot.resumes();
        }
        self.noted(self.deps.bot.tick().await.map_err(Stop::from))
    }

    /// One round: due requests, then entitlements of every provider side by side, then chats.
    async fn round(&self) -> Result<usize, Stop> {
        let deps = &*self.deps;
        let done = self.tick().await? + self.make_starts().await?;
        let looked = self.noted(self.look_at_all().await)?;
        let ended = self.noted(self.provide(Due::All).await)?;
        let made = self.make_digest().await;
        let told = self.noted(chat::handle_due(deps, &self.lifeline, &self.places).await)?;
        Ok(done + looked + ended + made + told)
    }

    async fn provide(&self, what: Due) -> Result<usize, Stop> {
        let deps = &*self.deps;
        let due = deps.store.due_providers(deps.bot.now()).await.map_err(Stop::read)?;
        let handled = together(due.iter().map(|name| entitlements::handle_due(deps, &self.lifeline, name, what))).await;
        handled.into_iter().sum()
    }

    /// What failed because the store is away wakes the lifeline (R12).
    fn noted(&self, result: Result<usize, Stop>) -> Result<usize, Stop> {
        if let Err(Stop::Unavailable(why)) = &result {
            self.lifeline.outage.failed(why, self.deps.bot.now(), true);
        }
        result
    }

    /// As `run`, beginning with the ends that fell due while nobody worked, and then with what was received and not handled.
    /// Everything that ticks and tells runs beside that from the first moment (R3, R12).
    pub async fn run_all(self: Arc<Self>, shutdown: impl Future<Output = ()> + Send) {
        let mut work = self.begin();
        let this = self.clone();
        work.spawn(async move {
            this.clone().keep("start", Self::catch_up).await;
            this.keep("providers", Self::run_providers).await;
        });
        self.finish(work, shutdown).await;
    }

    /// Works until `shutdown` resolves, then finishes what was begun. Sleeps until the earliest due time, one second at most.
    /// A stop that cannot wait drops this future and calls `let_go`.
    pub async fn run(self: Arc<Self>, shutdown: impl Future<Output = ()> + Send) {
        let mut work = self.begin();
        work.spawn(self.clone().keep("providers", Self::run_providers));
        self.finish(work, shutdown).await;
    }

    async fn catch_up(self: Arc<Self>) {
        // Refused writes are noted there, and ends go on.
        let drained = self.end_all(Some(CATCH_UP)).await;
        faults::point("start.drained");
        if drained.is_ok()
            && let Err(error) = self.deps.bot.handle_left().await
        {
            tracing::error!(%error, "what was received before could not be handled yet");
        }
    }

    fn begin(self: &Arc<Self>) -> JoinSet<()> {
        let mut work = JoinSet::new();
        work.spawn(self.clone().keep("requests", Self::run_requests));
        work.spawn(self.clone().keep("starts", Self::run_starts));
        work.spawn(self.clone().keep("chats", Self::run_chats));
        work.spawn(self.clone().keep("looks", Self::run_looks));
        work.spawn(self.clone().keep("digests", Self::run_digests));
        work
    }

    async fn finish(self: Arc<Self>, work: JoinSet<()>, shutdown: impl Future<Output = ()> + Send) {
        let lifeline = AbortOnDrop(tokio::spawn(self.clone().keep("lifeline", Self::run_lifeline)));
        shutdown.await;
        self.deps.stopping.store(true, Ordering::Relaxed);
        self.deps.bot.wake.notify_waiters();
        work.join_all().await;
        drop(lifeline);
        if let Err(error) = self.deps.store.pay().await {
            tracing::error!(%error, "what was done while the store refused writes could not be written: only this log has it");
        }
    }

    /// Gives the leases back that `run` was still using when it was dropped.
    pub async fn let_go(&self) {
        self.lifeline.let_go(&self.deps).await;
    }

    /// Runs one of the loops; one that dies is an alarm, and begun again.
    async fn keep<F: Future<Output = ()> + Send + 'static>(self: Arc<Self>, name: &'static str, run: fn(Arc<Self>) -> F) {
        while let Err(error) = AbortOnDrop(tokio::spawn(run(self.clone()))).await {
            tracing::error!(worker = name, %error, "a worker died");
            self.mourn(name).await;
            tokio::time::sleep(AFTER_DEATH).await;
            if self.deps.is_stopping() {
                break;
            }
        }
    }

    async fn mourn(&self, name: &str) {
        *self.died.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.deps.clock.monotonic());
        let what = format!("a worker ({name}) died of a fault in this program and was begun again: the log says where; please report it");
        if let Err(error) = self.deps.bot.raise("worker", what, None).await {
            tracing::error!(%error, "the alarm about it could not be raised");
        }
    }

    /// Without a death for a while, the alarm about it is over.
    async fn comfort(&self) -> Result<(), Stop> {
        let long_ago = |at: i64| self.deps.clock.monotonic() >= at + ALIVE;
        let over = self.died.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(long_ago);
        if over {
            self.deps.bot.clear("worker").await?;
            *self.died.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Ok(())
    }

    async fn run_requests(self: Arc<Self>) {
        while !self.deps.is_stopping() {
            let result = self.tick().await;
            self.heartbeat.beat(&self.deps, self.lifeline.outage.is_on()).await;
            drop(self.noted(self.comfort().await.map(|()| 0)));
            self.pause(matches!(result, Ok(n) if n > 0)).await;
        }
    }

    /// Looks on its own, so that a worker that waits for a store without an answer keeps no end waiting.
    async fn run_lifeline(self: Arc<Self>) {
        let mut ends = JoinSet::new();
        loop {
            self.lifeline.step(&self.deps, &mut ends).await;
            while let Some(ended) = ends.try_join_next() {
                if let Err(error) = ended {
                    tracing::error!(%error, "an end died");
                }
            }
            let pause = if self.lifeline.outage.is_on() { LOOKS.0 } else { LOOKS.1 };
            tokio::time::sleep(pause / self.deps.pace.max(1)).await;
        }
    }

    /// Each provider has its own task while it has work, so that one that is slow delays no other.
    async fn run_providers(self: Arc<Self>) {
        let mut busy: BTreeMap<ProviderName, JoinHandle<()>> = BTreeMap::new();
        while !self.deps.is_stopping() {
            let ended: Vec<ProviderName> = busy.iter().filter(|(_, task)| task.is_finished()).map(|(name, _)| name.clone()).collect();
            for name in ended {
                if let Some(Err(error)) = async { Some(busy.remove(&name)?.await) }.await {
                    tracing::error!(provider.name = %name, %error, "a worker died");
                    self.mourn(name.as_str()).await;
                }
            }
            let begun = self.noted(self.begin_providers(&mut busy).await);
            self.pause(matches!(begun, Ok(n) if n > 0)).await;
        }
        for task in busy.into_values() {
            drop(task.await);
        }
    }

    async fn begin_providers(self: &Arc<Self>, busy: &mut BTreeMap<ProviderName, JoinHandle<()>>) -> Result<usize, Stop> {
        let due = self.deps.store.due_providers(self.deps.bot.now()).await.map_err(Stop::read)?;
        let mut begun = 0;
        let known = self.deps.bot.providers();
        for name in due {
            if !known.contains_key(&name) {
                entitlements::orphaned(&self.deps, &name).await;
                continue;
            }
            if let std::collections::btree_map::Entry::Vacant(free) = busy.entry(name) {
                let (this, of) = (self.clone(), free.key().clone());
                let task = tokio::spawn(async move {
                    let result = entitlements::handle_due(&this.deps, &this.lifeline, &of, Due::All).await;
                    drop(this.noted(result));
                    this.deps.bot.wake.notify_waiters();
                });
                free.insert(task);
                begun += 1;
            }
        }
        Ok(begun)
    }

    async fn run_chats(self: Arc<Self>) {
        while !self.deps.is_stopping() {
            let done = self.noted(chat::handle_due(&self.deps, &self.lifeline, &self.places).await);
            if self.lifeline.is_crowded() {
                tokio::time::sleep(WAY).await;
            }
            self.pause(matches!(done, Ok(n) if n > 0)).await;
        }
    }

    async fn pause(&self, busy: bool) {
        if busy {
            return tokio::task::yield_now().await;
        }
        // While the store is away everything is overdue: that is no reason to hurry.
        let away = self.lifeline.outage.is_on();
        let due = if away { None } else { self.deps.store.next_due().await.ok().flatten() };
        let now = self.deps.bot.now();
        let micros = due.map_or(1_000_000, |at| at.micros().saturating_sub(now.micros()) / i64::from(self.deps.pace.max(1)));
        let wait = Duration::from_micros(u64::try_from(micros).unwrap_or(0).clamp(20_000, 1_000_000));
        if away {
            return tokio::time::sleep(wait).await;
        }
        drop(tokio::time::timeout(wait, self.deps.bot.wake.notified()).await);
    }
}
