//! What we gave, and differs: it is handed to its entitlement, whose worker reads it, tells it, or takes it away with an
//! intent like any other. Only whoever holds the entitlement's lease changes its row.

use std::collections::BTreeMap;

use super::{Deps, Stop, read::Read};
use crate::{
    domain::{
        drift::DriftRow,
        entitlement::{Entitlement, EntitlementKey, Order},
        news::News,
        plan::learn,
        request::RequestId,
        time::{Instant, Span},
    },
    faults,
    store::{Commit, EntitlementWrite, Fence, Leased},
};

/// A lease outlasts two statements.
const LEASE: Span = Span::from_seconds(30);

/// Live access that is not there: its own look is brought forward, and tells it. False: somebody is at work on it.
pub(super) async fn look_at(deps: &Deps, key: &EntitlementKey) -> Result<bool, Stop> {
    let now = deps.bot.now();
    let Some(mut leased) = lease(deps, key, now).await? else { return Ok(false) };
    leased.row.progress.looked_at = None;
    save(deps, leased, now, None).await?;
    Ok(true)
}

/// Access that is there after its end was said: raised as such, and taken away again. False: not now.
pub(super) async fn take_back(deps: &Deps, key: &EntitlementKey, request: Option<&RequestId>, read: &Read) -> Result<bool, Stop> {
    let Some(request) = request else { return Ok(false) };
    let now = deps.bot.now();
    if let Some(past) = read.past.get(key) {
        // If somebody wants it anew meanwhile, this changes nothing.
        let row = Entitlement { given: true, ..past.clone() };
        let want = EntitlementWrite::Want { row, due_at: now, urgent: false };
        deps.store.commit(Commit { entitlements: vec![want], ..Commit::default() }).await?;
        faults::point("drift.wanted");
    }
    let Some(mut leased) = lease(deps, key, now).await? else { return Ok(false) };
    let claims = deps.store.claims(std::slice::from_ref(key)).await.map_err(|error| give_back(deps, &leased, Stop::read(error)))?;
    if !claims.is_empty() {
        save(deps, leased, now, None).await?;
        return Ok(false);
    }
    learn::found(&mut leased.row, request, now);
    save(deps, leased, now, Some(request)).await?;
    faults::point("drift.taken");
    Ok(true)
}

async fn lease(deps: &Deps, key: &EntitlementKey, now: Instant) -> Result<Option<Leased>, Stop> {
    let until = now + Span::from_seconds(LEASE.seconds() * i64::from(deps.pace.max(1)));
    deps.store.lease_entitlement(key, now, until).await.map_err(Stop::read)
}

/// Gives it back, due at once; with the alarm that it is there after its end.
async fn save(deps: &Deps, leased: Leased, now: Instant, back: Option<&RequestId>) -> Result<(), Stop> {
    let fence = Fence { key: leased.row.key.clone(), fence: leased.fence };
    let (row, seen_gen) = (leased.row.clone(), leased.generation);
    let write = EntitlementWrite::Save { row, due_at: Some(now), urgent: back.is_some(), seen_gen, release: true };
    let commit = Commit { entitlements: vec![write], fence: Some(fence), ..Commit::default() };
    let news = back.map(|request| (request.clone(), News::Back)).into_iter().collect();
    deps.bot.report(news, commit).await.map_err(|error| give_back(deps, &leased, error.into()))
}

fn give_back(deps: &Deps, leased: &Leased, stop: Stop) -> Stop {
    deps.store.owe_free(leased.row.key.clone(), Some(leased.fence), deps.bot.now());
    stop
}

/// A planted mistake: whoever holds what we did not give loses it.
pub(super) async fn plant(deps: &Deps, row: &DriftRow) {
    let Some(provider) = deps.bot.providers().get(&row.provider).cloned() else { return };
    let Ok(person) = row.principal.parse() else { return };
    let order = Order {
        provider: row.provider.clone(),
        target: serde_json::from_str(&row.target).unwrap_or_default(),
        principal: row.principal.clone(),
        person,
        inputs: BTreeMap::new(),
        grant: String::new(),
        by_hand: String::new(),
    };
    drop(provider.revoke(&order, None, provider.describe().deadline.std()).await);
}
