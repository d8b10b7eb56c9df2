//! A window over what is due at one provider: leases so many entitlements at a time, and hands each to its job.
//! Must not decide anything about them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Done, Job};
use crate::{
    domain::{
        entitlement::{Claim, Entitlement, EntitlementKey},
        ids::ProviderName,
        plan::{Traits, holds},
        time::{Instant, Span},
    },
    faults,
    provider::{Description, Provider},
    store::{Leased, StoreError},
    worker::{
        Deps, Stop,
        lifeline::Lifeline,
        side::{Tally, beside},
    },
};

/// While ends wait, so many entitlements are under way for each call that may be: some at the provider, others being written
/// down. Otherwise one each, so that an end that comes due finds no line before it.
const CROWDED: usize = 4;
/// When nothing more was due while some are still being handled.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// A lease outlasts the longest call by this much.
const MARGIN: Span = Span::from_seconds(30);

/// What the jobs at one provider share.
pub(super) struct Window {
    /// Calls at the same time.
    calls: Semaphore,
    /// More ends are due than are under way: whoever has made an end's first call lets the next end begin.
    crowded: AtomicBool,
}

impl Window {
    /// The permission to call the provider, until it is dropped.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.calls.acquire().await.ok()
    }

    /// The same, if nobody is before it.
    pub(super) fn turn_at_once(&self) -> Option<SemaphorePermit<'_>> {
        self.calls.try_acquire().ok()
    }

    pub(super) fn is_crowded(&self) -> bool {
        self.crowded.load(Ordering::Relaxed)
    }
}

/// What a caller wants of a provider.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::worker) enum Due {
    All,
    /// Only while what is leased ends something, and not for long: the caller has other providers to look at.
    Ends,
}

/// So long at one provider, when the caller has others to look at.
const TURN: Duration = Duration::from_secs(20);

/// Leases and handles what is due at one provider, so many at a time: whoever is done makes room for the next, ends first,
/// and one that is slow holds up nobody. Returns how many entitlements were handled.
pub(in crate::worker) async fn handle_due(deps: &Deps, lifeline: &Lifeline, name: &ProviderName, what: Due) -> Done<usize> {
    let mut early = Vec::new();
    if faults::is_planted("claims_in_the_lease") {
        early = deps.store.ending_before(Instant::from_micros(i64::MAX), u32::MAX).await.map_err(Stop::read)?;
        faults::held("claims").await;
    }
    let Some(at_once) = deps.bot.providers().get(name).map(|provider| provider.at_once().unwrap_or(deps.at_once).max(1)) else {
        orphaned(deps, name).await;
        return Ok(0);
    };
    let calls = usize::try_from(at_once).unwrap_or(1);
    let window = Window { calls: Semaphore::new(calls), crowded: AtomicBool::new(false) };
    let mut running = FuturesUnordered::new();
    let mut tally = Tally::default();
    let (mut nothing_before, mut patient_until) = (tokio::time::Instant::now(), tokio::time::Instant::now());
    let (crowd, begun, mut ends_come) = (lifeline.crowd_at(name), tokio::time::Instant::now(), true);
    loop {
        let most = if window.is_crowded() { calls * CROWDED } else { calls };
        let free = most.saturating_sub(running.len());
        let turn = what == Due::All || ends_come && begun.elapsed() < TURN;
        let more = tally.stop.is_none() && !deps.is_stopping() && free > 0 && turn;
        // Half a window at a time, for leases are commits too; but room that is there is used before long.
        let next_lease = if free * 2 >= most { nothing_before } else { nothing_before.max(patient_until) };
        if more && tokio::time::Instant::now() >= next_lease {
            patient_until = tokio::time::Instant::now() + LOOK_AGAIN;
            match beside(lease(deps, name, free, &early), &mut running, &mut tally).await {
                Ok(leased) => {
                    let full = leased.len() >= free;
                    if !full {
                        nothing_before = patient_until;
                    }
                    ends_come = leased.iter().any(|start| start.is_ending(deps.bot.now()));
                    let crowded = full && leased.last().is_some_and(|last| last.is_ending(deps.bot.now()));
                    window.crowded.store(crowded, Ordering::Relaxed);
                    crowd.set(crowded);
                    for start in leased {
                        running.push(Box::pin(start.job(deps, lifeline, &window)));
                    }
                }
                Err(error) => tally.stop = Some(error),
            }
        }
        tokio::select! {
            done = running.next() => match done {
                None => break,
                Some(done) => tally.note(done),
            },
            () = tokio::time::sleep_until(next_lease), if more && !running.is_empty() => {}
        }
    }
    drop(crowd);
    tally.end()
}

/// Something is due at a provider that nobody knows any more: it is held, and nobody takes it away. The alarm is over when a
/// configuration with that provider is in force.
pub(in crate::worker) async fn orphaned(deps: &Deps, name: &ProviderName) {
    let what = format!("the adapter {name} is not configured: what is held through it cannot be taken away; put it back into bot.toml");
    if let Err(error) = deps.bot.raise(&format!("adapter/{name}"), what, None).await {
        tracing::error!(provider.name = %name, %error, "the alarm about an adapter that is not configured could not be raised");
    }
}

/// A leased entitlement with what its first step needs.
struct Start {
    provider: Arc<dyn Provider>,
    leased: Leased,
    claims: Vec<Claim>,
    /// No call starts after this.
    last: Instant,
}

impl Start {
    fn is_ending(&self, now: Instant) -> bool {
        self.claims.iter().any(|claim| !holds(claim, now))
    }

    async fn job(self, deps: &Deps, lifeline: &Lifeline, window: &Window) -> Done<()> {
        let Self { provider, leased, claims, last } = self;
        let description = provider.describe_for(&leased.row.order.target);
        let (traits, deadline) = (traits(description), deadline(deps, description));
        let job = Job { deps, lifeline, window, provider, leased, claims, traits, deadline, turn: None, gives_way: false };
        job.hold(last).await
    }
}

fn deadline(deps: &Deps, description: &Description) -> Span {
    Span::from_seconds(description.deadline.seconds().max(1) * i64::from(deps.pace.max(1)))
}

/// Leases so many, with the adapter that is in force now; then, after the leases, reads their claims.
async fn lease(deps: &Deps, name: &ProviderName, free: usize, early: &[(Entitlement, Vec<Claim>)]) -> Done<Vec<Start>> {
    let Some(provider) = deps.bot.providers().get(name).cloned() else { return Ok(Vec::new()) };
    let (now, deadline) = (deps.bot.now(), deadline(deps, provider.describe()));
    let limit = u32::try_from(free).unwrap_or(u32::MAX);
    let leased = deps.store.lease_entitlements(name, now, now + deadline + deadline + MARGIN, limit).await.map_err(Stop::read)?;
    if leased.is_empty() {
        return Ok(Vec::new());
    }
    faults::point("entitlement.leased");
    let keys: Vec<_> = leased.iter().map(|leased| leased.row.key.clone()).collect();
    let claims = if early.is_empty() { deps.store.claims(&keys).await } else { Ok(early.iter().flat_map(|(_, c)| c.clone()).collect()) };
    let mut claims_of: BTreeMap<EntitlementKey, Vec<Claim>> = BTreeMap::new();
    for claim in claims.map_err(|error| give_back(deps, &leased, error))? {
        claims_of.entry(claim.entitlement.clone()).or_default().push(claim);
    }
    let last = now + deadline + MARGIN;
    let start = |leased: Leased| {
        let claims = claims_of.remove(&leased.row.key).unwrap_or_default();
        Start { provider: provider.clone(), leased, claims, last }
    };
    Ok(leased.into_iter().map(start).collect())
}

/// A store that went away between the leases and their claims leaves nothing leased once it is back.
fn give_back(deps: &Deps, leased: &[Leased], error: StoreError) -> Stop {
    for leased in leased {
        deps.store.owe_free(leased.row.key.clone(), Some(leased.fence), deps.bot.now());
    }
    Stop::read(error)
}

fn traits(description: &Description) -> Traits {
    Traits {
        reads: description.settling.reads.max(1),
        apart: description.settling.apart,
        extendable: description.verbs.extend && description.native.as_ref().is_some_and(|native| native.extendable),
    }
}
