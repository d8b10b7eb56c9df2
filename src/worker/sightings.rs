//! Evidence by sampling: while access is live, its provider is asked now and then which of its sessions are open. Needs no
//! lease, for it changes nothing of an entitlement. Must not decide what that says of the access's use.

use tokio::time::timeout;

use super::{Deps, Stop, looks::Turn};
use crate::{
    domain::{
        entitlement::{Entitlement, EntitlementKey},
        evidence::{EVERY, Session},
        ids::ProviderName,
        time::{Instant, Span},
    },
    store::{Commit, CommitError, SightingWrite},
};

/// Orders in one question.
const BATCH: u32 = 200;
/// Sessions that are kept of one order and one look.
const SESSIONS: usize = 200;
/// What nobody claims any more is kept this long after the last look.
const KEPT: Span = Span::from_minutes(24 * 60);

/// One look at the open sessions of everything that is live. Returns when the next one is due.
pub(super) async fn look(turn: &Turn<'_>, name: &ProviderName) -> Result<Instant, Stop> {
    let deps = turn.deps;
    let begun = deps.bot.now();
    let mut sightings = vec![SightingWrite::Forget { before: begun - KEPT }];
    let mut last = Some(EntitlementKey(String::new()));
    let mut whole = true;
    while let Some(after) = last.take() {
        let live = deps.store.live_entitlements(name, begun, &after, BATCH).await.map_err(Stop::read)?;
        if live.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX) {
            last = live.last().map(|(row, _)| row.key.clone());
        }
        match ask(deps, name, live).await {
            Ok(seen) => sightings.extend(seen),
            Err(why) => {
                tracing::warn!(provider.name = %name, "open sessions could not be seen: {why}");
                (last, whole) = (None, false);
            }
        }
    }
    let due_at = begun + EVERY;
    let looks = vec![turn.done(due_at, whole.then_some(begun))];
    match deps.store.commit(Commit { looks, sightings, ..Commit::default() }).await {
        Ok(()) | Err(CommitError::Stale) => Ok(due_at),
        Err(error) => Err(error.into()),
    }
}

/// What is open of each of these; why nobody could say.
async fn ask(deps: &Deps, name: &ProviderName, live: Vec<(Entitlement, Instant)>) -> Result<Vec<SightingWrite>, String> {
    let Some(provider) = deps.bot.providers().get(name).filter(|_| !live.is_empty()).cloned() else { return Ok(Vec::new()) };
    let (live, orders): (Vec<_>, Vec<_>) = live.into_iter().map(|(row, since)| ((row.key, since), row.order)).unzip();
    let seen = match timeout(provider.describe().deadline.std(), provider.sightings(&orders)).await {
        Ok(Ok(seen)) if seen.len() == live.len() => seen,
        Ok(Ok(seen)) => return Err(format!("{} answers to {} questions", seen.len(), live.len())),
        Ok(Err(fault)) => return Err(fault.message),
        Err(_) => return Err("no answer in time".to_owned()),
    };
    let at = deps.bot.now();
    let looked = live.into_iter().zip(seen).map(|((entitlement, since), seen)| {
        let session = seen
            .into_iter()
            .take(SESSIONS)
            .map(|s| Session::new(&s.session, deps.clock.ours(s.since), at, s.from.as_deref(), s.about.as_deref()));
        SightingWrite::Looked { entitlement, since, at, sessions: session.collect() }
    });
    Ok(looked.collect())
}
