//! Loads, asks facts, decides, commits, and tries again when stale. The only way in for anything that starts work.
//! Changes nothing outside the store: that is the workers' business.

mod acts;
mod again;
mod alarms;
mod answers;
mod around;
mod asks;
mod changes;
mod command;
mod copies;
mod could;
mod credentials;
mod digest;
mod digest_answer;
mod drift;
mod facts;
mod form;
mod handle;
mod home;
mod in_force;
mod keys;
mod leavers;
mod lines;
mod links;
mod past;
mod quiet;
mod reports;
mod roster;
mod starts;
mod ticks;
mod time;
mod typing;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
};

use rand::{RngCore, SeedableRng, rngs::StdRng};

pub use around::{Around, Last, Past, Stuck, Told, ToldTo};
pub use command::{Answer, Body, Filled, Handed, INBOX_VERSION, Incoming, Unread};
pub use credentials::{Fetch, Fetched, Hands};
pub use drift::Drifted;
pub use facts::{Facts, Fresh};
pub use form::{Chosen, Form, Needs, Pick, Ticket};
pub use handle::NotRecorded;
pub use home::{Home, Listed};
pub use past::{Did, FoundPage, Had, Rates, RatesPage, ThenPage};
pub use starts::Start;

use self::in_force::InForce;

use crate::{
    clock::Clock,
    domain::{command::Actor, digest::changes, event::Operation, ids::ProviderName, policy::Catalogue, time::Instant},
    provider::Provider,
    store::{Audits, Commit, CommitError, NewEntry, Store, StoreError},
};

/// The adapters by configured name.
pub type Providers = BTreeMap<ProviderName, Arc<dyn Provider>>;

/// The bot: shared by all doors and workers.
pub struct Bot {
    store: Store,
    guard: time::Guard,
    policy: RwLock<InForce>,
    providers: RwLock<Arc<Providers>>,
    facts: Arc<dyn Facts>,
    hands: RwLock<Option<Arc<dyn Hands>>>,
    audits: RwLock<Option<Arc<dyn Audits>>>,
    chance: Mutex<StdRng>,
    /// Since when it can act again after it could not, in microseconds.
    resumed: AtomicI64,
    starts: starts::Starts,
    looks: leavers::Looks,
    /// Rung when the members of chats are to be read before their time: others may count now.
    roster_bell: tokio::sync::Notify,
    /// Shared by decisions that may grant something, from what they look up to their commit.
    decisions: tokio::sync::RwLock<()>,
    /// Rung whenever something may have become due sooner than the loop thinks.
    pub wake: tokio::sync::Notify,
}

/// What `main` hands over.
pub struct Parts {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub catalogue: Catalogue,
    pub providers: Providers,
    pub facts: Arc<dyn Facts>,
    /// Seeds all chance: ids, salts.
    pub seed: u64,
}

impl Bot {
    /// Reads the time's high-water mark and is ready.
    pub async fn new(parts: Parts) -> Result<Self, StoreError> {
        let highest = parts.store.highest_now().await?;
        let in_doubt = parts.store.alarm("clock").await?.is_some_and(|alarm| alarm.cleared_at.is_none());
        let links = parts.store.links().await?;
        let guard = time::Guard::new(parts.clock, highest, in_doubt);
        let started = guard.now();
        let roster = parts.store.members(parts.catalogue.members.platforms()).await?;
        let policy = RwLock::new(InForce::new(parts.catalogue, links, roster, started));
        Ok(Self {
            store: parts.store,
            guard,
            policy,
            providers: RwLock::new(Arc::new(parts.providers)),
            facts: parts.facts,
            hands: RwLock::default(),
            audits: RwLock::default(),
            chance: Mutex::new(StdRng::seed_from_u64(parts.seed)),
            resumed: AtomicI64::new(started.micros()),
            starts: starts::Starts::default(),
            looks: leavers::Looks::default(),
            roster_bell: tokio::sync::Notify::new(),
            decisions: tokio::sync::RwLock::default(),
            wake: tokio::sync::Notify::new(),
        })
    }

    /// The guarded time: never behind the highest seen (R17).
    pub fn now(&self) -> Instant {
        self.guard.now()
    }

    /// From now on it can act again after it could not: what it could not notice before is late from now on only.
    pub fn resumes(&self) {
        self.resumed.fetch_max(self.now().micros(), Ordering::Relaxed);
    }

    fn resumed(&self) -> Instant {
        Instant::from_micros(self.resumed.load(Ordering::Relaxed))
    }

    /// The highest time that is believed: what is to be stored as its mark, never a jump.
    pub fn highest(&self) -> Instant {
        self.guard.highest()
    }

    /// The policy in force, with the members of chats who count and the accounts that were joined to people.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.in_force(|policy| policy.whole.clone())
    }

    fn in_force<T>(&self, read: impl FnOnce(&InForce) -> T) -> T {
        read(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change_in_force(&self, change: impl FnOnce(&mut InForce)) {
        change(&mut self.policy.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// All adapters in force.
    pub fn providers(&self) -> Arc<Providers> {
        self.providers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn provider(&self, name: &ProviderName) -> Option<Arc<dyn Provider>> {
        self.providers().get(name).cloned()
    }

    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Waits for decisions that are being made; until this is dropped none begins that may grant something. What is held
    /// can then only become less, so that a policy can be checked against it and put in force.
    pub async fn hold_grants(&self) -> tokio::sync::RwLockWriteGuard<'_, ()> {
        self.decisions.write().await
    }

    /// Records a checked policy and puts it in force with its adapters. What cannot be recorded is not put in force: after an
    /// error everything is as before.
    pub async fn reload(&self, catalogue: Catalogue, providers: Providers) -> Result<(), CommitError> {
        let (digest, before) = (catalogue.digest.clone(), self.catalogue().digest.clone());
        let (links, roster) = (self.store.links().await?, self.roster_of(&catalogue).await?);
        let (changes, more) = self.in_force(|policy| changes(&policy.configured, &catalogue));
        let before = (!before.is_empty()).then_some(before);
        self.record(Operation::PolicyLoaded { digest, before, changes, more, by: None }).await?;
        let fresh = InForce::new(catalogue, links, roster, self.now());
        self.change_in_force(|policy| *policy = fresh);
        *self.providers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(providers);
        if let Err(error) = self.clear("policy").await {
            tracing::error!(%error, "the policy is in force, and the end of the alarm about it could not be recorded");
        }
        self.wake.notify_waiters();
        self.roster_bell.notify_one();
        Ok(())
    }

    /// The policy in force is another one than before this start: says what changed.
    pub async fn policy_changed(&self, before: &Catalogue) -> Result<(), CommitError> {
        let (digest, (changes, more)) = self.in_force(|policy| (policy.configured.digest.clone(), changes(before, &policy.configured)));
        self.record(Operation::PolicyLoaded { digest, before: Some(before.digest.clone()), changes, more, by: None }).await
    }

    /// Appends to the bot's own stream.
    pub async fn record(&self, operation: Operation) -> Result<(), CommitError> {
        let entry = self.entry("bot", Actor::BOT, &operation);
        self.store.commit(Commit { entries: vec![entry], now: Some(self.guard.highest()), ..Commit::default() }).await
    }

    /// An operator says that the clock is right after a jump: granting goes on (R17).
    pub async fn confirm_clock(&self, by: Option<crate::domain::ids::PersonId>) -> Result<(), CommitError> {
        self.guard.confirm();
        self.clear("clock").await?;
        self.record(Operation::ClockConfirmed { by }).await
    }

    fn entry(&self, stream: &str, actor: Actor, event: &impl serde::Serialize) -> NewEntry {
        NewEntry {
            stream: stream.to_owned(),
            at: self.now(),
            actor,
            policy: self.catalogue().digest.clone(),
            event: serde_json::to_value(event).unwrap_or_default(),
        }
    }

    fn random(&self) -> u128 {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        (u128::from(chance.next_u64()) << 64) | u128::from(chance.next_u64())
    }

    /// A bit of chance, for pauses: 0 to 255.
    pub fn chance(&self) -> u8 {
        u8::try_from(self.random() & 0xff).unwrap_or_default()
    }

    /// Whether the time is believed: after a jump ahead it is not until it is confirmed (R17).
    pub fn believes_its_clock(&self) -> bool {
        self.guard.is_trusted()
    }

    /// True when nothing may be granted: broken policy file, or a clock that is not believed.
    fn is_frozen(&self) -> bool {
        self.catalogue().frozen || !self.guard.is_trusted()
    }
}
