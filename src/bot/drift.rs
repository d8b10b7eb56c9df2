//! Writes down how providers' holders differ from what was given, with its entries and alarms, in one transaction with the
//! look that showed it: so each difference is told once. Must not decide what differs.

use super::{Bot, alarms};
use crate::{
    domain::{
        command::Actor,
        drift::{DriftRow, Tracked, said},
        event::Operation,
    },
    store::{Alarm, Commit, CommitError, StoreError},
};

/// What a look has to say.
#[derive(Debug, Default)]
pub struct Drifted {
    /// Seen twice.
    pub found: Vec<Tracked>,
    /// Told before, and missed twice.
    pub gone: Vec<Tracked>,
    /// Told before, and not looked at any more.
    pub unwatched: Vec<Tracked>,
    /// What is left of each alarm that has to be changed; empty: it is over.
    pub alarms: Vec<(String, Vec<Tracked>)>,
}

impl Bot {
    /// Adds the entries and alarms of a look to its transaction, and commits it.
    /// # Errors
    /// Stale: somebody else has looked meanwhile, and nothing of this look counts.
    pub async fn drifted(&self, drifted: &Drifted, mut commit: Commit) -> Result<(), CommitError> {
        let all = drifted.found.iter().chain(&drifted.gone).chain(&drifted.unwatched);
        let mut operations: Vec<Operation> = all.map(operation).collect();
        for (id, rest) in &drifted.alarms {
            operations.extend(self.drift_alarm(id, rest, &drifted.unwatched, &mut commit).await?);
        }
        commit.entries.extend(operations.iter().map(|operation| self.entry("bot", Actor::BOT, operation)));
        commit.now = Some(self.guard.highest());
        self.store.commit(commit).await?;
        self.wake.notify_waiters();
        Ok(())
    }

    /// Nothing is said here of who holds what: such names are text of others, which no log gets.
    async fn drift_alarm(
        &self,
        id: &str,
        rest: &[Tracked],
        unwatched: &[Tracked],
        commit: &mut Commit,
    ) -> Result<Option<Operation>, StoreError> {
        let (now, known) = (self.now(), self.store.alarm(id).await?);
        let open = known.as_ref().filter(|alarm| alarm.cleared_at.is_none());
        let (alarm, operation) = match (open, rest.is_empty()) {
            (None, true) => return Ok(None),
            (Some(open), true) => {
                let left: Vec<_> = unwatched.iter().filter(|it| it.alarm.as_deref() == Some(id)).map(|it| &it.row).collect();
                let what = if left.is_empty() { open.what.clone() } else { not_looked_at(&left) };
                (Alarm { cleared_at: Some(now), what, ..open.clone() }, Some(Operation::AlarmCleared { alarm: id.to_owned() }))
            }
            (open, false) => {
                tracing::error!(alarm.id = id, count = rest.len(), "somebody holds what was not given through this bot");
                let raised = open.is_none().then(|| Operation::AlarmRaised { alarm: id.to_owned() });
                let raised_at = open.map_or(now, |alarm| alarm.raised_at);
                let what = said(rest.iter().map(|it| &it.row));
                (Alarm { id: id.to_owned(), request: None, raised_at, cleared_at: None, what, told: String::new() }, raised)
            }
        };
        let telling = alarms::telling(alarm, now);
        commit.alarms.extend(telling.alarms);
        commit.tasks.extend(telling.tasks);
        Ok(operation)
    }
}

/// Why its alarm is over, though nobody saw it go.
fn not_looked_at(rows: &[&DriftRow]) -> String {
    format!("not looked at any more, as bot.toml is now, and nobody knows whether it is still so: {}", said(rows.iter().copied()))
}

fn operation(it: &Tracked) -> Operation {
    let row = &it.row;
    let (kind, provider) = (row.kind, row.provider.clone());
    let (target, principal, grant) = (row.target.clone(), row.principal.clone(), row.grant.clone());
    match (row.gone_at, row.unwatched_at) {
        (None, None) => Operation::DriftFound { kind, provider, target, principal, grant },
        (Some(_), _) => Operation::DriftGone { kind, provider, target, principal, grant },
        (None, Some(_)) => Operation::DriftUnwatched { kind, provider, target, principal, grant },
    }
}
