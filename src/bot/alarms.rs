//! Alarms of the bot itself: raised once, edited when they say something else, cleared when over. Each is a row, an entry
//! in the ledger, and a task that tells operators. Must not tell anybody itself.

use super::Bot;
use crate::{
    domain::{command::Actor, event::Operation, time::Instant},
    store::{Alarm, AlarmWrite, Commit, CommitError, TaskKind, TaskWant},
};

impl Bot {
    /// Raises an alarm that belongs to no request, with what the ledger says of its cause, if anything. One that is open
    /// already is told again only if it says something else.
    pub async fn raise(&self, id: &str, what: String, operation: impl Into<Option<Operation>>) -> Result<(), CommitError> {
        let known = self.store.alarm(id).await?;
        let open = known.as_ref().filter(|alarm| alarm.cleared_at.is_none());
        if open.is_some_and(|alarm| alarm.what == what) {
            return Ok(());
        }
        tracing::error!(alarm.id = id, "{what}");
        let now = self.now();
        let raised = open.is_none().then(|| Operation::AlarmRaised { alarm: id.to_owned() });
        let operations = operation.into().into_iter().chain(raised);
        let entries = operations.map(|operation| self.entry("bot", Actor::BOT, &operation)).collect();
        let alarm = Alarm {
            id: id.to_owned(),
            request: None,
            raised_at: open.map_or(now, |alarm| alarm.raised_at),
            cleared_at: None,
            what,
            told: String::new(),
        };
        self.store.commit(Commit { entries, ..telling(alarm, now) }).await
    }

    /// Closes an alarm that belongs to no request, if it is open.
    pub async fn clear(&self, id: &str) -> Result<(), CommitError> {
        let Some(alarm) = self.store.alarm(id).await?.filter(|alarm| alarm.cleared_at.is_none()) else { return Ok(()) };
        let now = self.now();
        let cleared = self.entry("bot", Actor::BOT, &Operation::AlarmCleared { alarm: id.to_owned() });
        let alarm = Alarm { cleared_at: Some(now), ..alarm };
        self.store.commit(Commit { entries: vec![cleared], ..telling(alarm, now) }).await
    }

    /// The store takes writes again: says since when it did not, and closes the alarm that was told without it (R12).
    pub async fn store_was_down(&self, since: Instant, told: Option<Alarm>) -> Result<(), CommitError> {
        let now = self.now();
        let mut operations = vec![Operation::StoreWasDown { since, for_: now.since(since) }];
        let mut commit = Commit::default();
        if let Some(alarm) = told {
            operations.push(Operation::AlarmRaised { alarm: alarm.id.clone() });
            operations.push(Operation::AlarmCleared { alarm: alarm.id.clone() });
            let reached = vec![(alarm.id.clone(), alarm.told.clone())];
            commit = Commit { alarms_told: reached, ..telling(Alarm { cleared_at: Some(now), ..alarm }, now) };
        }
        commit.entries = operations.iter().map(|operation| self.entry("bot", Actor::BOT, operation)).collect();
        commit.now = Some(self.guard.highest());
        self.store.commit(commit).await?;
        self.resumes();
        Ok(())
    }
}

/// Each alarm's own: one that is slow to tell keeps no other waiting.
pub(super) fn queue(alarm: &str) -> String {
    format!("alarm/{alarm}")
}

/// The alarm's row, and the task that brings its posts in line.
pub(super) fn telling(alarm: Alarm, now: Instant) -> Commit {
    let task = TaskWant { kind: TaskKind::Alarm, key: alarm.id.clone(), queue: queue(&alarm.id), due_at: now };
    Commit { alarms: vec![AlarmWrite(alarm)], tasks: vec![task], ..Commit::default() }
}
