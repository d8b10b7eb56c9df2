//! Everything that writes, as a closed list: each runs inside one transaction, on the SQLite writer or a PostgreSQL connection.

use super::{
    Commit, CommitError, InboxRow, Leased, Received, Seal, StoredCheckpoint, Task, TaskEnd, TaskKind,
    apply::apply,
    db::{
        Conn, DbError, Row,
        Value::{Bool, Int, IntOr, Text},
    },
    document::parsed,
    writer,
};
use crate::domain::{ids::ProviderName, time::Instant};

pub(super) enum Job {
    Commit {
        commit: Box<Commit>,
        first_id: i64,
    },
    Receive(InboxRow),
    LeaseTasks {
        now: Instant,
        until: Instant,
        skip: Vec<String>,
        limit: u32,
        holder: i64,
    },
    FinishTask {
        task: Task,
        end: TaskEnd,
    },
    LeaseEntitlements {
        provider: ProviderName,
        now: Instant,
        until: Instant,
        limit: u32,
        holder: i64,
    },
    /// Gives entries their places in the tree, behind the last one.
    Seal(Vec<Seal>),
    Sign(StoredCheckpoint),
    /// Takes this many entry ids; the reply is the first.
    ReserveIds(i64),
}

pub(super) enum Reply {
    Done,
    Received(Received),
    Tasks(Vec<Task>),
    Entitlements(Vec<Leased>),
    Id(i64),
}

impl Job {
    /// Aggregates that it writes: two jobs on one of them never share a transaction.
    pub(super) fn touches(&self) -> Vec<String> {
        match self {
            Self::Commit { commit, .. } => writer::aggregates(commit),
            Self::FinishTask { task, .. } => vec![format!("{} {}", task.kind.name(), task.key)],
            Self::LeaseTasks { .. } => vec!["lease tasks".into()],
            Self::LeaseEntitlements { provider, .. } => vec![format!("lease {provider}")],
            Self::Seal(_) | Self::Sign(_) => vec!["seal".into()],
            Self::Receive(_) | Self::ReserveIds(_) => Vec::new(),
        }
    }

    pub(super) async fn run(&self, conn: &mut Conn<'_>) -> Result<Reply, CommitError> {
        match self {
            Self::Commit { commit, first_id } => apply(conn, commit, *first_id).await.map(|()| Reply::Done),
            Self::Receive(row) => receive(conn, row).await,
            Self::LeaseTasks { now, until, skip, limit, holder } => lease_tasks(conn, (*now, *until), skip, *limit, *holder).await,
            Self::FinishTask { task, end } => finish(conn, task, *end).await,
            Self::LeaseEntitlements { provider, now, until, limit, holder } => {
                lease_entitlements(conn, provider, (*now, *until), *limit, *holder).await
            }
            Self::Seal(seals) => seal(conn, seals).await,
            Self::Sign(checkpoint) => sign(conn, checkpoint).await,
            Self::ReserveIds(count) => {
                let sql = "INSERT INTO marks (name, value) VALUES ('entries', $1) \
                           ON CONFLICT (name) DO UPDATE SET value = marks.value + excluded.value RETURNING value";
                let rows = conn.rows(sql, &[Int(*count)]).await?;
                let end = rows.first().map(|row| row.int(0)).transpose()?.unwrap_or(*count);
                Ok(Reply::Id(end - count + 1))
            }
        }
    }
}

async fn receive(conn: &mut Conn<'_>, row: &InboxRow) -> Result<Reply, CommitError> {
    let sql = "INSERT INTO inbox (platform, interaction, at, body, open) VALUES ($1, $2, $3, $4, TRUE) ON CONFLICT DO NOTHING";
    let values = [Text(row.id.platform.name().into()), Text(row.id.interaction.clone()), Int(row.at.micros()), Text(row.body.clone())];
    let new = conn.exec(sql, &values).await? == 1;
    Ok(Reply::Received(if new { Received::New } else { Received::Duplicate }))
}

/// `now` and `until` go together: the lease's span.
async fn lease_tasks(
    conn: &mut Conn<'_>,
    (now, until): (Instant, Instant),
    skip: &[String],
    limit: u32,
    holder: i64,
) -> Result<Reply, CommitError> {
    let sqlite = "UPDATE tasks SET leased_until = $1, holder = $5, fence = fence + 1 WHERE (kind, id) IN (SELECT kind, id FROM tasks t \
                  WHERE due_at <= $2 AND leased_until <= $2 AND NOT EXISTS (SELECT 1 FROM tasks o WHERE o.queue = t.queue \
                  AND (o.leased_until > $2 OR (o.due_at IS NOT NULL AND (o.due_at < t.due_at OR (o.due_at = t.due_at AND \
                  (o.kind < t.kind OR (o.kind = t.kind AND o.id < t.id)))))))  AND instr($4, '|' || queue || '|') = 0 \
                  ORDER BY due_at LIMIT $3) RETURNING kind, id, queue, wanted, fence, tries";
    let postgres = "UPDATE tasks SET leased_until = $1, holder = $5, fence = fence + 1 WHERE (kind, id) IN (SELECT kind, id FROM tasks t \
                    WHERE due_at <= $2 AND leased_until <= $2 AND NOT EXISTS (SELECT 1 FROM tasks o WHERE o.queue = t.queue \
                    AND (o.leased_until > $2 OR (o.due_at IS NOT NULL AND (o.due_at < t.due_at OR (o.due_at = t.due_at AND \
                    (o.kind < t.kind OR (o.kind = t.kind AND o.id < t.id))))))) AND position('|' || queue || '|' in $4) = 0 \
                    ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING kind, id, queue, wanted, fence, tries";
    // Leases are taken one after the other: a lease that is not committed yet is not seen, and a queue's earlier task may have
    // been queued since it was taken.
    let one_at_a_time = conn.pick("SELECT 1", "SELECT 1 FROM (SELECT pg_advisory_xact_lock(7245001)) AS locked");
    conn.rows(one_at_a_time, &[]).await?;
    let skip = format!("|{}|", skip.join("|"));
    let sql = conn.pick(sqlite, postgres);
    let rows = conn.rows(sql, &[Int(until.micros()), Int(now.micros()), Int(i64::from(limit)), Text(skip), Int(holder)]).await?;
    Ok(Reply::Tasks(rows.iter().map(task).collect::<Result<_, _>>()?))
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

async fn finish(conn: &mut Conn<'_>, task: &Task, end: TaskEnd) -> Result<Reply, CommitError> {
    // Raised since the lease: still due, whatever this try came to.
    let sql = "UPDATE tasks SET leased_until = 0, tries = CASE WHEN $1 THEN tries + 1 ELSE 0 END, \
               due_at = CASE WHEN $1 THEN $2 WHEN wanted = $3 THEN $2 ELSE due_at END WHERE kind = $4 AND id = $5 AND fence = $6";
    let (failed, due) = match end {
        TaskEnd::Done => (false, None),
        TaskEnd::Again { due_at, failed } => (failed, Some(due_at.micros())),
    };
    let values = [Bool(failed), IntOr(due), Int(task.wanted), Text(task.kind.name().into()), Text(task.key.clone()), Int(task.fence)];
    if conn.exec(sql, &values).await? == 1 { Ok(Reply::Done) } else { Err(CommitError::Fenced) }
}

async fn lease_entitlements(
    conn: &mut Conn<'_>,
    provider: &ProviderName,
    (now, until): (Instant, Instant),
    limit: u32,
    holder: i64,
) -> Result<Reply, CommitError> {
    let sqlite = "UPDATE entitlements SET leased_until = $1, holder = $5, fence = fence + 1 WHERE id IN (SELECT id FROM entitlements \
                  WHERE provider = $2 AND due_at <= $3 AND leased_until <= $3 ORDER BY urgent DESC, due_at LIMIT $4) \
                  RETURNING document, gen, fence, urgent, due_at";
    let postgres = "UPDATE entitlements SET leased_until = $1, holder = $5, fence = fence + 1 WHERE id IN (SELECT id FROM entitlements \
                    WHERE provider = $2 AND due_at <= $3 AND leased_until <= $3 ORDER BY urgent DESC, due_at LIMIT $4 \
                    FOR UPDATE SKIP LOCKED) RETURNING document, gen, fence, urgent, due_at";
    let sql = conn.pick(sqlite, postgres);
    let values = [Int(until.micros()), Text(provider.to_string()), Int(now.micros()), Int(i64::from(limit)), Int(holder)];
    let mut leased = Vec::new();
    for row in conn.rows(sql, &values).await? {
        let document = row.text(0)?;
        let parsed = parsed(&document).map_err(|error| CommitError::Unavailable(error.to_string()))?;
        let order = (!row.bool(3)?, row.int_or(4)?);
        leased.push((order, Leased { row: parsed, generation: row.int(1)?, fence: row.int(2)? }));
    }
    leased.sort_by_key(|(order, _)| *order);
    Ok(Reply::Entitlements(leased.into_iter().map(|(_, leased)| leased).collect()))
}

/// Leaf numbers are one row of places: who finds the next one taken, or the one before it missing, is stale.
async fn seal(conn: &mut Conn<'_>, seals: &[Seal]) -> Result<Reply, CommitError> {
    for seal in seals {
        let sql = "INSERT INTO seals (leaf, entry, hash) SELECT $1, $2, $3 WHERE $1 = 0 OR EXISTS (SELECT 1 FROM seals WHERE leaf = $1 - 1) \
                   ON CONFLICT DO NOTHING";
        let leaf = i64::try_from(seal.index).unwrap_or(i64::MAX);
        if conn.exec(sql, &[Int(leaf), Int(seal.entry), Text(hex(&seal.leaf))]).await? != 1 {
            return Err(CommitError::Stale);
        }
        conn.exec("DELETE FROM unsealed WHERE entry = $1", &[Int(seal.entry)]).await?;
    }
    Ok(Reply::Done)
}

/// One checkpoint follows another: of two that would follow the same one, the first stays.
async fn sign(conn: &mut Conn<'_>, checkpoint: &StoredCheckpoint) -> Result<Reply, CommitError> {
    let sql = "INSERT INTO checkpoints (size, root, note, at, previous) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let number = |n: u64| Int(i64::try_from(n).unwrap_or(i64::MAX));
    let (root, note) = (Text(hex(&checkpoint.root)), Text(checkpoint.note.clone()));
    let values = [number(checkpoint.size), root, note, Int(checkpoint.at.micros()), number(checkpoint.previous)];
    if conn.exec(sql, &values).await? == 1 { Ok(Reply::Done) } else { Err(CommitError::Stale) }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}
