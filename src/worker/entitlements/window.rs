//! A window over what is due at one provider: leases so many entitlements at a time, and hands each to its job.
//! Must not decide anything about them.

use std::time::Duration;

use futures_util::{StreamExt as _, stream::FuturesUnordered};

use super::{Done, Job};
use crate::{
    domain::{
        ids::ProviderName,
        plan::Traits,
        time::{Instant, Span},
    },
    faults,
    provider::Description,
    worker::{Deps, Stop, lifeline::Lifeline},
};

/// So many windows full at one provider before the caller looks around again.
const TURN: usize = 64;
/// When nothing more was due while some are still being handled.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// A lease outlasts the longest call by this much.
const MARGIN: Span = Span::from_seconds(30);

/// Leases and handles what is due at one provider, so many at a time: whoever is done makes room for the next, ends first,
/// and one that is slow holds up nobody. Returns how many entitlements were handled.
pub(in crate::worker) async fn handle_due(deps: &Deps, lifeline: &Lifeline, name: &ProviderName) -> Done<usize> {
    let Some(provider) = deps.bot.providers().get(name).cloned() else {
        orphaned(deps, name).await;
        return Ok(0);
    };
    let description = provider.describe().clone();
    let deadline = Span::from_seconds(description.deadline.seconds().max(1) * i64::from(deps.pace.max(1)));
    let mut early = Vec::new();
    if faults::is_planted("claims_in_the_lease") {
        early = deps.store.ending_before(Instant::from_micros(i64::MAX), u32::MAX).await.map_err(Stop::read)?;
        faults::held("claims").await;
    }
    let most = usize::try_from(provider.at_once().unwrap_or(deps.at_once).max(1)).unwrap_or(1);
    let mut running = FuturesUnordered::new();
    let (mut begun, mut handled, mut stop) = (0, 0, None);
    let mut next_lease = tokio::time::Instant::now();
    loop {
        let free = most - running.len();
        let more = stop.is_none() && begun < most * TURN && !deps.is_stopping();
        // Half a window at a time: leases are commits too.
        if more && free * 2 >= most && tokio::time::Instant::now() >= next_lease {
            let now = deps.bot.now();
            let limit = u32::try_from(free).unwrap_or(u32::MAX);
            match deps.store.lease_entitlements(name, now, now + deadline + deadline + MARGIN, limit).await {
                Ok(leased) => {
                    if leased.len() < free {
                        next_lease = tokio::time::Instant::now() + LOOK_AGAIN;
                    }
                    if !leased.is_empty() {
                        faults::point("entitlement.leased");
                    }
                    begun += leased.len();
                    for leased in leased {
                        let claims = early.iter().find(|(row, _)| row.key == leased.row.key).map_or_else(Vec::new, |(_, c)| c.clone());
                        let (provider, traits) = (provider.clone(), traits(&description));
                        let job = Job { deps, lifeline, provider, leased, claims, traits, deadline };
                        running.push(Box::pin(job.hold(now + deadline + MARGIN)));
                    }
                }
                Err(error) => stop = Some(Stop::read(error)),
            }
        }
        tokio::select! {
            done = running.next() => match done {
                None => break,
                Some(Ok(()) | Err(Stop::Fenced)) => handled += 1,
                Some(Err(error)) => stop = Some(error),
            },
            () = tokio::time::sleep_until(next_lease), if more && !running.is_empty() && free * 2 >= most => {}
        }
    }
    stop.map_or(Ok(handled), Err)
}

/// Something is due at a provider that nobody knows any more: it is held, and nobody takes it away. The alarm is over when a
/// configuration with that provider is in force.
pub(in crate::worker) async fn orphaned(deps: &Deps, name: &ProviderName) {
    let what = format!("the adapter {name} is not configured: what is held through it cannot be taken away; put it back into bot.toml");
    if let Err(error) = deps.bot.raise(&format!("adapter/{name}"), what, None).await {
        tracing::error!(provider.name = %name, %error, "the alarm about an adapter that is not configured could not be raised");
    }
}

fn traits(description: &Description) -> Traits {
    Traits {
        reads: description.settling.reads.max(1),
        apart: description.settling.apart,
        extendable: description.verbs.extend && description.native.as_ref().is_some_and(|native| native.extendable),
    }
}
