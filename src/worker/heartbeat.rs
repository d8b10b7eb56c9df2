//! The sign of life for something outside: given once a minute, and only while nothing overdue is unreported.
//! Must not mend anything; what keeps it back is logged.

use std::sync::{Mutex, PoisonError};

use super::{Deps, alarms};
use crate::{
    domain::{request::State, time::Span},
    store::{Alarm, StoreError},
};

/// Steady microseconds between two signs.
const MINUTE: i64 = 60_000_000;
/// Between two looks while it is kept back.
const LOOK: i64 = 5_000_000;
/// An alarm is due at end + 25 s and promised at end + 30 s.
const SLACK: Span = Span::from_seconds(5);
/// Access past its end by this much is reported or overdue (R3).
const OVERDUE: Span = Span::from_seconds(30);
/// An alarm has this long to reach somebody.
const TELLING: Span = Span::from_seconds(60);
/// So many requests that are late are too many to look at each.
const MANY: u32 = 1_000;

/// When the last sign was given and the last look taken, in steady microseconds.
#[derive(Default)]
pub(super) struct Heartbeat(Mutex<(Option<i64>, Option<i64>)>);

impl Heartbeat {
    /// Gives the sign if a minute has passed and nothing keeps it back. `away`: the store refuses writes.
    pub(super) async fn beat(&self, deps: &Deps, away: bool) {
        let steady = deps.clock.monotonic();
        {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let too_soon = |at: Option<i64>, pause| at.is_some_and(|at| steady < at + pause);
            if too_soon(last.0, MINUTE) || too_soon(last.1, LOOK) {
                return;
            }
            last.1 = Some(steady);
        }
        let why =
            if away { Some("the store refuses writes".to_owned()) } else { unreported(deps).await.unwrap_or_else(|e| Some(e.to_string())) };
        if let Some(why) = why {
            tracing::error!(%why, "the heartbeat is kept back");
            return;
        }
        (deps.heartbeat)();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = Some(steady);
    }
}

/// Why something overdue may be unreported; None: nothing is.
async fn unreported(deps: &Deps) -> Result<Option<String>, StoreError> {
    let now = deps.bot.now();
    let late = deps.store.due_requests(now - SLACK, MANY).await?;
    if late.len() >= usize::try_from(MANY).unwrap_or(usize::MAX) {
        return Ok(Some("too much is late".into()));
    }
    for id in late {
        let Some(request) = deps.store.request(&id).await? else { continue };
        let overdue = match &request.state {
            State::Active { work, .. } => work.until + OVERDUE <= now,
            State::Granting { grant } => grant.give_up_at.min(grant.latest) + OVERDUE <= now,
            // It is woken for its alarm only.
            State::Revoking { .. } => true,
            State::Pending { .. } | State::Scheduled { .. } | State::Closed { .. } => false,
        };
        if overdue {
            return Ok(Some(format!("{id} is past its end, and no alarm is open")));
        }
    }
    for alarm in deps.store.open_alarms().await? {
        if alarm.raised_at + TELLING <= now && !is_told(deps, &alarm).await? {
            return Ok(Some(format!("the alarm {} reached nobody", alarm.id)));
        }
    }
    Ok(None)
}

/// It stands in a channel of operators, their program got it, or the request's thread tells it.
async fn is_told(deps: &Deps, alarm: &Alarm) -> Result<bool, StoreError> {
    if alarms::has_reached(alarm) {
        return Ok(true);
    }
    let Some(id) = &alarm.request else { return Ok(false) };
    let Some(request) = deps.store.request(id).await? else { return Ok(false) };
    Ok(deps.store.posts(id).await?.iter().any(|post| post.posted.is_some() && post.cursor >= request.n))
}
