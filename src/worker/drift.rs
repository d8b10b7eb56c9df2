//! Drift: reads every few minutes who holds each role of each provider that can say so, and tells what differs from what was
//! given. Takes nothing away but what we gave, and that through its entitlement. Must not decide whose something is.

mod ours;
mod read;

use std::collections::BTreeSet;

use super::{
    Deps, Stop,
    looks::{Looks, Turn},
};
use crate::{
    bot::Drifted,
    domain::{
        drift::{Compared, DriftKind, Finding, Tracked, compare},
        entitlement::{EntitlementKey, Ownership},
        ids::ProviderName,
        time::{Instant, Span},
    },
    faults,
    store::{Commit, CommitError, DriftWrite},
};

/// Between two looks, and a bit of chance on top.
pub(super) const EVERY: Span = Span::from_minutes(5);
const CHANCE: i64 = 60;
/// Until the second look at what was seen only once.
const AGAIN: Span = Span::from_seconds(20);
/// So many differences are told at a time, and so many new ones noted; the others with the next looks.
const MOST: usize = 500;
const MOST_NEW: usize = 2_000;
/// Who holds what may be unread for this long.
const UNREAD: Span = Span::from_minutes(60);
/// The alarm about that, before the provider's name.
const UNREAD_ALARM: &str = "drift_unread/";

/// Providers of which something differs, or could not be read, and that nobody looks at any more; looked for now and then.
pub(super) async fn abandoned(deps: &Deps, looks: &Looks) -> Result<Vec<ProviderName>, Stop> {
    let now = deps.bot.now();
    if !looks.turn_to_abandoned(now, now + EVERY) {
        return Ok(Vec::new());
    }
    let known = deps.bot.providers();
    // One that is only away is looked at when it is back.
    let is_read = |name: &ProviderName| known.get(name).is_some_and(|it| it.describe().verbs.holders || !it.is_known());
    let alarms = deps.store.open_alarms().await.map_err(Stop::read)?;
    let unread = alarms.iter().filter_map(|alarm| alarm.id.strip_prefix(UNREAD_ALARM)?.parse().ok());
    let mut left: BTreeSet<ProviderName> = deps.store.drifting().await.map_err(Stop::read)?.into_iter().chain(unread).collect();
    left.retain(|name| !is_read(name));
    Ok(left.into_iter().collect())
}

/// One look at a provider. Returns when the next one is due.
pub(super) async fn look(turn: &Turn<'_>, name: &ProviderName) -> Result<Instant, Stop> {
    let deps = turn.deps;
    let read = read::everything(deps, name).await?;
    let now = deps.bot.now();
    let compared = if read.is_stranger {
        Compared::default()
    } else {
        let tracked = deps.store.tracked(name).await.map_err(Stop::read)?;
        compare(name, tracked, &read.findings, &read.unread, &read.places, now)
    };
    let unsure = compared.is_unsure();
    let told = tell(turn, name, compared, &read, now).await?;
    let pause = if unsure || told.waits { AGAIN } else { EVERY + Span::from_seconds(i64::from((deps.jitter)()) * CHANCE / 256) };
    let due_at = now + pause;
    let write = turn.done(due_at, read.why.is_none().then_some(now));
    let commit = Commit { looks: vec![write], drift: told.writes, ..Commit::default() };
    faults::point("drift.deciding");
    match deps.bot.drifted(&told.drifted, commit).await {
        Ok(()) => {}
        // It took longer than its turn: another look counts.
        Err(CommitError::Stale) => return Ok(now + AGAIN),
        Err(error) => return Err(error.into()),
    }
    faults::point("drift.decided");
    unread(turn, name, read.why.as_deref(), now).await?;
    Ok(due_at)
}

/// What is to be committed of a look.
#[derive(Default)]
struct Telling {
    writes: Vec<DriftWrite>,
    drifted: Drifted,
    /// Something could not be told yet.
    waits: bool,
}

async fn tell(turn: &Turn<'_>, name: &ProviderName, compared: Compared, read: &read::Read, now: Instant) -> Result<Telling, Stop> {
    let mut telling = Telling::default();
    let alarm = format!("drift/{name}/{}", turn.n);
    // What could not be read stays named: nobody has said that it is gone.
    let mut rest: Vec<Tracked> = compared.seen.iter().chain(&compared.doubted).chain(&compared.unread).cloned().collect();
    let mut changed: Vec<String> = compared.gone.iter().chain(&compared.unwatched).filter_map(|it| it.alarm.clone()).collect();
    for (it, finding) in compared.confirmed {
        if faults::is_planted("drift_takes_strangers") && finding.kind == DriftKind::NotOurs {
            ours::plant(turn.deps, &it.row).await;
        }
        if telling.drifted.found.len() >= MOST || !is_followed(turn.deps, &finding, read).await? {
            telling.waits = true;
            continue;
        }
        let mut found = it;
        found.row.found_at = Some(now);
        if is_told_as_drift(&finding, read) {
            found.alarm = Some(alarm.clone());
            changed.push(alarm.clone());
        }
        rest.push(found.clone());
        telling.drifted.found.push(found);
    }
    changed.sort();
    changed.dedup();
    let left = |id: &String| rest.iter().filter(|it| it.alarm.as_ref() == Some(id)).cloned().collect();
    telling.drifted.alarms = changed.iter().map(|id| (id.clone(), left(id))).collect();
    (telling.drifted.gone, telling.drifted.unwatched) = (compared.gone, compared.unwatched);
    let is = compared.suspected.iter().take(MOST_NEW).chain(&compared.seen).chain(&compared.doubted).chain(&telling.drifted.found);
    telling.writes =
        is.chain(&telling.drifted.gone).chain(&telling.drifted.unwatched).cloned().map(|it| DriftWrite::Is(Box::new(it))).collect();
    telling.writes.extend(compared.forgotten.into_iter().map(|id| DriftWrite::Forget { id }));
    Ok(telling)
}

/// What we gave has its own alarm, its request's, and its own way to be taken away or looked at. False: not now.
async fn is_followed(deps: &Deps, finding: &Finding, read: &read::Read) -> Result<bool, Stop> {
    let Some(key) = &finding.entitlement else { return Ok(true) };
    match finding.kind {
        DriftKind::NotOurs => Ok(true),
        DriftKind::OursAndGone => ours::look_at(deps, key).await,
        DriftKind::OursAfterEnd if is_told_as_drift(finding, read) => Ok(true),
        DriftKind::OursAfterEnd => ours::take_back(deps, key, finding.request.as_ref(), read).await,
    }
}

/// Nobody's in particular, or nobody's that is known: told to operators, and never taken away.
fn is_told_as_drift(finding: &Finding, read: &read::Read) -> bool {
    let shared = |key: &EntitlementKey| read.ownership_of(key) == Some(Ownership::Shared);
    match finding.kind {
        DriftKind::NotOurs => true,
        DriftKind::OursAndGone => false,
        DriftKind::OursAfterEnd => finding.request.is_none() || finding.entitlement.as_ref().is_none_or(shared),
    }
}

/// A provider that cannot be read for long is an alarm of the bot itself.
async fn unread(turn: &Turn<'_>, name: &ProviderName, why: Option<&str>, now: Instant) -> Result<(), Stop> {
    let id = format!("{UNREAD_ALARM}{name}");
    match why {
        None => turn.deps.bot.clear(&id).await?,
        Some(why) if now.since(turn.read_at) >= UNREAD => {
            let what =
                format!("who holds what at {name} could not be read for an hour: what somebody was given without us is not seen: {why}");
            turn.deps.bot.raise(&id, what, None).await?;
        }
        Some(_) => {}
    }
    Ok(())
}
