//! The workers: lease what is due, perform it, report. Nothing else in the bot changes the outside.
//! Must not decide: `plan` says what happens to an entitlement, the bot what it means for a request.

mod chat;
mod entitlements;
mod lifeline;

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub use chat::{Shows, Telling};

use crate::{
    bot::Bot,
    chat::Chat,
    clock::Clock,
    domain::policy::{Channel, Platform},
    store::{CommitError, Store, StoreError},
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
    /// Called once in each loop in which nothing overdue is unreported.
    pub heartbeat: Box<dyn Fn() + Send + Sync>,
    /// Set by `run` when it is told to stop: nothing new is begun.
    pub stopping: AtomicBool,
}

impl Deps {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// Why a worker stopped what it was doing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// Another process has the lease: nothing was written, nothing is to be done.
    #[error("the lease is lost")]
    Fenced,
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

impl Stop {
    #[expect(clippy::needless_pass_by_value, reason = "given to map_err")]
    fn read(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<CommitError> for Stop {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Unavailable(why) => Self::Unavailable(why),
            CommitError::Fenced | CommitError::Stale => Self::Fenced,
        }
    }
}

/// All workers of one process.
pub struct Workers {
    deps: Arc<Deps>,
    lifeline: lifeline::Lifeline,
}

/// Rounds of `drain` before it gives up calling it quiet.
const ROUNDS: usize = 1_000;

impl Workers {
    pub fn new(deps: Deps) -> Self {
        Self { deps: Arc::new(deps), lifeline: lifeline::Lifeline::default() }
    }

    pub fn deps(&self) -> &Deps {
        &self.deps
    }

    /// Does all that is due at the bot's now, without background tasks. Returns how much was done.
    pub async fn drain(&self) -> Result<usize, Stop> {
        let mut all = 0;
        for _ in 0..ROUNDS {
            let done = self.round().await?;
            if done == 0 {
                break;
            }
            all += done;
        }
        Ok(all)
    }

    /// For a start: ends what fell due while nobody was there. Chats are told of it later.
    pub async fn end_overdue(&self) -> Result<(), Stop> {
        loop {
            let (ticked, ended) = tokio::join!(self.deps.bot.tick(), self.provide());
            let ticked = self.guarded(ticked.map_err(Stop::from)).await?;
            self.guarded(ended).await?;
            if ticked == 0 {
                // What the last but one tick raised may have come after that look at the providers.
                return self.guarded(self.provide().await).await.map(|_| ());
            }
        }
    }

    /// One round: due requests, then entitlements of every provider side by side, then chats.
    async fn round(&self) -> Result<usize, Stop> {
        let deps = &*self.deps;
        let done = self.guarded(deps.bot.tick().await.map_err(Stop::from)).await?;
        let ended = self.guarded(self.provide().await).await?;
        let told = self.guarded(chat::handle_due(deps).await).await?;
        Ok(done + ended + told)
    }

    async fn provide(&self) -> Result<usize, Stop> {
        let deps = &*self.deps;
        self.lifeline.refresh(deps).await?;
        let due = deps.store.due_providers(deps.bot.now()).await.map_err(Stop::read)?;
        let handled = together(due.iter().map(|name| entitlements::handle_due(deps, name))).await;
        handled.into_iter().sum()
    }

    /// While the store refuses writes, what is remembered still ends on time (R12).
    async fn guarded(&self, result: Result<usize, Stop>) -> Result<usize, Stop> {
        if let Err(Stop::Unavailable(why)) = &result {
            tracing::error!(%why, "the store is unavailable");
            self.lifeline.end_due(&self.deps).await;
        }
        result
    }

    /// Works until `shutdown` resolves, then finishes what was begun. Sleeps until the earliest due time, one second at most.
    pub async fn run(self: Arc<Self>, shutdown: impl Future<Output = ()> + Send) {
        tokio::pin!(shutdown);
        let deps = self.deps.clone();
        let providers = tokio::spawn(self.clone().run_providers());
        let chats = tokio::spawn(self.clone().run_chats());
        loop {
            let result = self.guarded(deps.bot.tick().await.map_err(Stop::from)).await;
            if result.is_ok() {
                (deps.heartbeat)();
            }
            tokio::select! {
                () = &mut shutdown => break,
                () = self.pause(matches!(result, Ok(n) if n > 0)) => {}
            }
        }
        deps.stopping.store(true, Ordering::Relaxed);
        deps.bot.wake.notify_waiters();
        for task in [providers, chats] {
            if let Err(error) = task.await {
                tracing::error!(%error, "a worker ended badly");
            }
        }
    }

    /// Each provider has its own task while it has work, so that one that is slow delays no other.
    async fn run_providers(self: Arc<Self>) {
        let mut busy: BTreeMap<_, tokio::task::JoinHandle<()>> = BTreeMap::new();
        while !self.deps.is_stopping() {
            busy.retain(|_, task| !task.is_finished());
            let begun = self.guarded(self.begin_providers(&mut busy).await).await;
            self.pause(matches!(begun, Ok(n) if n > 0)).await;
        }
        for task in busy.into_values() {
            drop(task.await);
        }
    }

    async fn begin_providers(
        self: &Arc<Self>,
        busy: &mut BTreeMap<crate::domain::ids::ProviderName, tokio::task::JoinHandle<()>>,
    ) -> Result<usize, Stop> {
        self.lifeline.refresh(&self.deps).await?;
        let due = self.deps.store.due_providers(self.deps.bot.now()).await.map_err(Stop::read)?;
        let mut begun = 0;
        for name in due {
            if let std::collections::btree_map::Entry::Vacant(free) = busy.entry(name) {
                let (this, of) = (self.clone(), free.key().clone());
                let task = tokio::spawn(async move {
                    let result = entitlements::handle_due(&this.deps, &of).await;
                    drop(this.guarded(result).await);
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
            let done = self.guarded(chat::handle_due(&self.deps).await).await;
            self.pause(matches!(done, Ok(n) if n > 0)).await;
        }
    }

    async fn pause(&self, busy: bool) {
        if busy {
            return tokio::task::yield_now().await;
        }
        let due = self.deps.store.next_due().await.ok().flatten();
        let now = self.deps.bot.now();
        let micros = due.map_or(1_000_000, |at| at.micros().saturating_sub(now.micros()) / i64::from(self.deps.pace.max(1)));
        let wait = Duration::from_micros(u64::try_from(micros).unwrap_or(0).clamp(20_000, 1_000_000));
        drop(tokio::time::timeout(wait, self.deps.bot.wake.notified()).await);
    }
}

/// Runs futures side by side in this task and gives their results in order.
async fn together<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut open = false;
        for (future, result) in &mut running {
            if result.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(done) => *result = Some(done),
                    std::task::Poll::Pending => open = true,
                }
            }
        }
        if open { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, result)| result).collect()
}
