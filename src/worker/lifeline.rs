//! What must end soon, held in memory, so that it ends on time while the store refuses writes (R12).
//! Acts only then; everything it did is written first when the store is back.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Deps, Stop, entitlements::entry};
use crate::{
    domain::{
        entitlement::{Claim, Entitlement, EntitlementKey},
        event::{Effect, Outcome, Verb},
        plan::is_live,
        time::{Instant, Span},
    },
    store::{Commit, EntitlementWrite},
};

const AHEAD: Span = Span::from_minutes(15);
const EVERY: Span = Span::from_seconds(3);
const MOST: u32 = 10_000;

/// The memory.
#[derive(Default)]
pub(super) struct Lifeline(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    ending: Vec<(Entitlement, Vec<Claim>)>,
    refreshed: Option<Instant>,
    unwritten: Vec<(EntitlementKey, Effect)>,
    tried: Option<Instant>,
}

impl Lifeline {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what was done unwritten, then reads again what ends soon.
    pub(super) async fn refresh(&self, deps: &Deps) -> Result<(), Stop> {
        let now = deps.bot.now();
        let unwritten = self.memory().unwritten.clone();
        if !unwritten.is_empty() {
            let entries = unwritten.iter().map(|(key, effect)| entry(deps, key, effect)).collect();
            let raise = |key: &EntitlementKey| EntitlementWrite::Raise { key: key.clone(), due_at: now, urgent: true };
            let entitlements = unwritten.iter().map(|(key, _)| raise(key)).collect();
            deps.store.commit(Commit { entitlements, entries, ..Commit::default() }).await?;
            self.memory().unwritten.drain(..unwritten.len());
        }
        let fresh = self.memory().refreshed.is_some_and(|at| now < at + EVERY && at <= now);
        if !fresh {
            let ending = deps.store.ending_before(now + AHEAD, MOST).await.map_err(Stop::read)?;
            let mut memory = self.memory();
            memory.ending = ending;
            memory.refreshed = Some(now);
        }
        Ok(())
    }

    /// The store is away: takes away what is due and was given by us alone, without waiting for a commit.
    pub(super) async fn end_due(&self, deps: &Deps) {
        let now = deps.bot.now();
        let due: Vec<Entitlement> = {
            let mut memory = self.memory();
            if memory.tried.is_some_and(|at| now < at + Span::from_seconds(1) && at <= now) {
                return;
            }
            memory.tried = Some(now);
            memory.ending.iter().filter(|(row, claims)| is_due(row, claims, now)).map(|(row, _)| row.clone()).collect()
        };
        let done = super::together(due.iter().map(|row| end(deps, row))).await;
        let mut memory = self.memory();
        for (row, effect) in due.iter().zip(done) {
            let ok = matches!(effect, Effect::Unwritten { outcome: Outcome::Ok, .. });
            if ok {
                memory.ending.retain(|(other, _)| other.key != row.key);
                memory.unwritten.push((row.key.clone(), effect));
            }
        }
    }
}

/// Every claim is over, something of ours may be there, and nothing was there before.
fn is_due(row: &Entitlement, claims: &[Claim], now: Instant) -> bool {
    let given = row.given && !row.progress.revoked && row.had_before != Some(true);
    let unanswered = row.call.as_ref().is_some_and(|call| now <= call.deadline);
    given && !unanswered && !claims.is_empty() && !claims.iter().any(|c| is_live(c, now))
}

async fn end(deps: &Deps, row: &Entitlement) -> Effect {
    let provider = deps.bot.providers().get(&row.order.provider).cloned();
    let (outcome, detail) = match provider {
        None => (Outcome::Failed, "its provider is not configured".to_owned()),
        Some(provider) => {
            let call = provider.revoke(&row.order, row.handle.as_ref());
            match tokio::time::timeout(provider.describe().deadline.std(), call).await {
                Ok(Ok(_)) => (Outcome::Ok, String::new()),
                Ok(Err(fault)) => (Outcome::Failed, fault.message),
                Err(_) => (Outcome::Unknown, "no answer in time".to_owned()),
            }
        }
    };
    let (key, at) = (&row.key.0, deps.bot.now());
    tracing::error!(entitlement = %key, ?outcome, %detail, "revoked while the store refuses writes");
    Effect::Unwritten { verb: Verb::Revoke, outcome, at, detail }
}
