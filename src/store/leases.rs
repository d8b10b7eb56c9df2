//! Leases of tasks and entitlements: taken for a while, given back or lost. Heads of queues and of providers are found by
//! index, however much waits behind them.

use super::{
    CommitError, Leased, Task, TaskEnd, TaskKind,
    db::{
        DbError, Row,
        Value::{self, Bool, Int, IntOr, Text},
    },
    document::parsed,
    tx::{Tx, Wanted},
};
use crate::domain::{entitlement::EntitlementKey, ids::ProviderName, time::Instant};

/// The names of all queues, each found from the one before; then of each the task that is first, unless one of it is leased.
macro_rules! lease_tasks {
    ($contains:literal, $lock:literal) => {
        concat!(
            "WITH RECURSIVE queues (name) AS (SELECT MIN(queue) FROM tasks WHERE due_at IS NOT NULL UNION ALL \
             SELECT (SELECT MIN(queue) FROM tasks WHERE queue > queues.name AND due_at IS NOT NULL) FROM queues \
             WHERE queues.name IS NOT NULL) \
             UPDATE tasks SET leased_until = $1, holder = $5, fence = fence + 1 WHERE (kind, id) IN (\
             SELECT t.kind, t.id FROM queues CROSS JOIN tasks t WHERE (t.kind, t.id) = (SELECT h.kind, h.id FROM tasks h \
             WHERE h.queue = queues.name AND h.due_at IS NOT NULL ORDER BY h.due_at, h.kind, h.id LIMIT 1) \
             AND t.due_at <= $2 AND t.leased_until <= $2 AND NOT EXISTS (SELECT 1 FROM tasks o WHERE o.queue = queues.name \
             AND o.leased_until > 0 AND o.leased_until > $2) AND ",
            $contains,
            " ORDER BY CASE WHEN t.kind = 'alarm' THEN 0 ELSE 1 END, t.due_at LIMIT $3",
            $lock,
            ") RETURNING kind, id, queue, wanted, fence, tries"
        )
    };
}

/// At most one per queue, alarms first, then the earliest, none of the queues in `skip`. `now` and `until` go together: the lease's span.
pub(super) async fn tasks(
    tx: &mut Tx<'_>,
    (now, until): (Instant, Instant),
    skip: &[String],
    limit: u32,
    holder: i64,
) -> Result<Vec<Task>, CommitError> {
    let sqlite = lease_tasks!("instr($4, '|' || t.queue || '|') = 0", "");
    let postgres = lease_tasks!("position('|' || t.queue || '|' in $4) = 0", " FOR UPDATE OF t SKIP LOCKED");
    // Leases are taken one after the other: a lease that is not committed yet is not seen, and a queue's earlier task may have
    // been queued since it was taken.
    let one_at_a_time = tx.pick("SELECT 1", "SELECT 1 FROM (SELECT pg_advisory_xact_lock(7245001)) AS locked");
    tx.rows(one_at_a_time, &[]).await?;
    let skip = format!("|{}|", skip.join("|"));
    let sql = tx.pick(sqlite, postgres);
    let rows = tx.rows(sql, &[Int(until.micros()), Int(now.micros()), Int(i64::from(limit)), Text(skip), Int(holder)]).await?;
    Ok(rows.iter().map(task).collect::<Result<_, _>>()?)
}

fn task(row: &Row) -> Result<Task, DbError> {
    let kind = row.text(0)?;
    Ok(Task {
        kind: TaskKind::named(&kind).ok_or_else(|| DbError::Other(format!("unknown task kind {kind}")))?,
        key: row.text(1)?,
        queue: row.text(2)?,
        wanted: row.int(3)?,
        fence: row.int(4)?,
        tries: u32::try_from(row.int(5)?).unwrap_or(u32::MAX),
    })
}

/// Ends leases of tasks, when the transaction comes to it.
pub(super) fn finish(tx: &mut Tx<'_>, tasks: &[(&Task, TaskEnd)]) {
    // Raised since the lease: still due, whatever this try came to.
    let sql = "WITH v (kind, id, fence, wanted, failed, waits, due_at) AS (VALUES {rows}) UPDATE tasks SET leased_until = 0, \
               tries = CASE WHEN v.failed THEN tries + 1 WHEN v.waits THEN tries ELSE 0 END, \
               due_at = CASE WHEN v.failed OR v.waits OR tasks.wanted = v.wanted THEN v.due_at ELSE tasks.due_at END FROM v \
               WHERE tasks.kind = v.kind AND tasks.id = v.id AND tasks.fence = v.fence";
    let row = |(task, end): &(&Task, TaskEnd)| {
        let (failed, waits, due) = match end {
            TaskEnd::Done => (false, false, None),
            TaskEnd::Again { due_at, failed } => (*failed, false, Some(due_at.micros())),
            TaskEnd::Waits { due_at } => (false, true, Some(due_at.micros())),
        };
        let (kind, id) = (Text(task.kind.name().into()), Text(task.key.clone()));
        [kind, id, Int(task.fence), Int(task.wanted), Bool(failed), Bool(waits), IntOr(due)]
    };
    let mut tasks = tasks.to_vec();
    tasks.sort_by(|(a, _), (b, _)| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
    let values: Vec<Value> = tasks.iter().flat_map(row).collect();
    tx.later(sql, 7, values, Some(Wanted { rows: tasks.len(), otherwise: CommitError::Fenced }));
}

macro_rules! lease_entitlements {
    ($lock:literal) => {
        concat!(
            "UPDATE entitlements SET leased_until = $1, holder = $6, fence = fence + 1 WHERE id IN (SELECT id FROM entitlements \
             WHERE provider = $2 AND urgent = $5 AND due_at <= $3 AND leased_until <= $3 ORDER BY due_at LIMIT $4",
            $lock,
            ") RETURNING document, gen, fence, due_at"
        )
    };
}

/// Of one provider: what ends first, then the rest, each by due time.
pub(super) async fn entitlements(
    tx: &mut Tx<'_>,
    provider: &ProviderName,
    (now, until): (Instant, Instant),
    limit: u32,
    holder: i64,
) -> Result<Vec<Leased>, CommitError> {
    let sql = tx.pick(lease_entitlements!(""), lease_entitlements!(" FOR UPDATE SKIP LOCKED"));
    let mut all = Vec::new();
    for urgent in [true, false] {
        let left = i64::from(limit) - i64::try_from(all.len()).unwrap_or(i64::MAX);
        let values = [Int(until.micros()), Text(provider.to_string()), Int(now.micros()), Int(left.max(0)), Bool(urgent), Int(holder)];
        let mut leased = Vec::new();
        for row in tx.rows(sql, &values).await? {
            let document = row.text(0)?;
            let parsed = parsed(&document).map_err(|error| CommitError::Unavailable(error.to_string()))?;
            leased.push((row.int_or(3)?, Leased { row: parsed, generation: row.int(1)?, fence: row.int(2)? }));
        }
        leased.sort_by_key(|(due, _)| *due);
        all.extend(leased.into_iter().map(|(_, leased)| leased));
        if all.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            break;
        }
    }
    Ok(all)
}

/// This one, if nobody has it, whether or not it is due.
pub(super) async fn entitlement(
    tx: &mut Tx<'_>,
    key: &EntitlementKey,
    (now, until): (Instant, Instant),
    holder: i64,
) -> Result<Option<Leased>, CommitError> {
    let sql = "UPDATE entitlements SET leased_until = $1, holder = $4, fence = fence + 1 WHERE id = $2 AND leased_until <= $3 \
               RETURNING document, gen, fence";
    let rows = tx.rows(sql, &[Int(until.micros()), Text(key.0.clone()), Int(now.micros()), Int(holder)]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let parsed = parsed(&row.text(0)?).map_err(|error| CommitError::Unavailable(error.to_string()))?;
    Ok(Some(Leased { row: parsed, generation: row.int(1)?, fence: row.int(2)? }))
}
