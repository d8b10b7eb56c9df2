//! One `Commit` as statements, in lock order: inbox, requests, entitlements, claims, tasks, the rest, ledger; fence last.
//! Every guard is a write, and every write asserts how many rows it changed.

use super::{
    ClaimWrite, Commit, CommitError, EntitlementWrite, NewEntry, RequestWrite,
    db::{
        Conn,
        Value::{Bool, Int, IntOr, Text, TextOr},
    },
    entry::encode,
};
use crate::{domain::time::Instant, faults};

/// Microseconds, or NULL.
pub(super) fn micros(at: Option<Instant>) -> Option<i64> {
    at.map(Instant::micros)
}

/// Applies it all inside a transaction that the caller began and will commit or roll back.
/// `ids` are as many entry ids as there are entries.
pub(super) async fn apply(conn: &mut Conn<'_>, commit: &Commit, first_id: i64) -> Result<(), CommitError> {
    if let Some(id) = &commit.inbox_done {
        let sql = "UPDATE inbox SET open = FALSE WHERE platform = $1 AND interaction = $2 AND open";
        must_change(conn.exec(sql, &[Text(id.platform.name().into()), Text(id.interaction.clone())]).await?)?;
    }
    if let Some(fence) = commit.fence.as_ref().filter(|_| faults::is_planted("unfenced")) {
        conn.exec("UPDATE entitlements SET fence = $1 WHERE id = $2", &[Int(fence.fence), Text(fence.key.0.clone())]).await?;
    }
    for write in &commit.requests {
        request(conn, write).await?;
    }
    for write in &commit.entitlements {
        entitlement(conn, write, commit.fence.as_ref().map(|f| f.fence)).await?;
    }
    for write in &commit.claims {
        claim(conn, write).await?;
    }
    for task in &commit.tasks {
        let sql = "INSERT INTO tasks (kind, id, queue, wanted, due_at, leased_until, fence, tries) VALUES ($1, $2, $3, 1, $4, 0, 0, 0) \
                   ON CONFLICT (kind, id) DO UPDATE SET wanted = tasks.wanted + 1, \
                   due_at = CASE WHEN tasks.due_at IS NULL OR excluded.due_at < tasks.due_at THEN excluded.due_at ELSE tasks.due_at END";
        let values = [Text(task.kind.name().into()), Text(task.key.clone()), Text(task.queue.clone()), Int(task.due_at.micros())];
        conn.exec(sql, &values).await?;
    }
    rest(conn, commit).await?;
    for (index, entry) in commit.entries.iter().enumerate() {
        append(conn, entry, first_id + i64::try_from(index).unwrap_or(0)).await?;
    }
    if let Some(fence) = &commit.fence {
        let sql = "UPDATE entitlements SET fence = fence WHERE id = $1 AND fence = $2";
        let held = conn.exec(sql, &[Text(fence.key.0.clone()), Int(fence.fence)]).await?;
        let dropped = commit.entitlements.iter().any(|e| matches!(e, EntitlementWrite::Drop { key, .. } if *key == fence.key));
        if held == 0 && !dropped {
            return Err(CommitError::Fenced);
        }
    }
    Ok(())
}

pub(super) const fn must_change(rows: u64) -> Result<(), CommitError> {
    if rows == 1 { Ok(()) } else { Err(CommitError::Stale) }
}

fn document(value: &impl serde::Serialize) -> Result<String, CommitError> {
    serde_json::to_string(value).map_err(|error| CommitError::Unavailable(error.to_string()))
}

async fn request(conn: &mut Conn<'_>, write: &RequestWrite) -> Result<(), CommitError> {
    let request = &write.request;
    let (n, wake) = (i64::try_from(request.n).unwrap_or(i64::MAX), micros(write.wake_at));
    let text = document(request)?;
    let rows = match write.expected {
        None => {
            let sql = "INSERT INTO requests (id, n, requester, subject, resource, open, opened_at, wake_at, document) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
            let values = [
                Text(request.id.to_string()),
                Int(n),
                Text(request.requester.to_string()),
                Text(request.subject.to_string()),
                Text(request.main_ask().resource.to_string()),
                Bool(request.is_open()),
                Int(request.opened_at.micros()),
                IntOr(wake),
                Text(text),
            ];
            conn.exec(sql, &values).await?
        }
        Some(expected) => {
            let sql = "UPDATE requests SET n = $1, open = $2, wake_at = $3, document = $4 WHERE id = $5 AND n = $6";
            let expected = i64::try_from(expected).unwrap_or(i64::MAX);
            if faults::is_planted("deny_loses") {
                conn.exec("UPDATE requests SET n = $1 WHERE id = $2", &[Int(expected), Text(request.id.to_string())]).await?;
            }
            let values = [Int(n), Bool(request.is_open()), IntOr(wake), Text(text), Text(request.id.to_string()), Int(expected)];
            conn.exec(sql, &values).await?
        }
    };
    must_change(rows)
}

async fn entitlement(conn: &mut Conn<'_>, write: &EntitlementWrite, fence: Option<i64>) -> Result<(), CommitError> {
    match write {
        EntitlementWrite::Want { row, due_at, urgent } => {
            // Fences of a row that is made anew begin beyond all of the one before: its last holder stays fenced out.
            let sql = "INSERT INTO entitlements (id, provider, gen, due_at, urgent, leased_until, fence, document) \
                       VALUES ($1, $2, 1, $3, $4, 0, $3, $5) ON CONFLICT (id) DO UPDATE SET gen = entitlements.gen + 1, \
                       due_at = CASE WHEN entitlements.due_at IS NULL OR excluded.due_at < entitlements.due_at \
                       THEN excluded.due_at ELSE entitlements.due_at END, urgent = entitlements.urgent OR excluded.urgent";
            let provider = Text(row.order.provider.to_string());
            conn.exec(sql, &[Text(row.key.0.clone()), provider, Int(due_at.micros()), Bool(*urgent), Text(document(row)?)]).await?;
            Ok(())
        }
        EntitlementWrite::Raise { key, due_at, urgent } => {
            let sql = "UPDATE entitlements SET gen = gen + 1, urgent = urgent OR $1, \
                       due_at = CASE WHEN due_at IS NULL OR $2 < due_at THEN $2 ELSE due_at END WHERE id = $3";
            conn.exec(sql, &[Bool(*urgent), Int(due_at.micros()), Text(key.0.clone())]).await?;
            Ok(())
        }
        EntitlementWrite::Save { row, due_at, urgent, seen_gen, release } => {
            // What was raised meanwhile is due at once: the row says so by its own due time, which stays.
            let sql = "UPDATE entitlements SET document = $1, urgent = CASE WHEN gen = $2 THEN $3 ELSE urgent OR $3 END, \
                       due_at = CASE WHEN gen = $2 OR due_at IS NULL THEN $4 WHEN $4 IS NULL OR due_at < $4 THEN due_at ELSE $4 END, \
                       leased_until = CASE WHEN $5 THEN 0 ELSE leased_until END WHERE id = $6 AND fence = $7";
            let values = [
                Text(document(row)?),
                Int(*seen_gen),
                Bool(*urgent),
                IntOr(micros(*due_at)),
                Bool(*release),
                Text(row.key.0.clone()),
                Int(fence.unwrap_or(-1)),
            ];
            if conn.exec(sql, &values).await? == 1 { Ok(()) } else { Err(CommitError::Fenced) }
        }
        EntitlementWrite::Free { key, fence, at } => {
            let sql = "UPDATE entitlements SET fence = fence + 1, gen = gen + 1, leased_until = $1, due_at = $1 \
                       WHERE id = $2 AND ($3 < 0 OR fence = $3)";
            conn.exec(sql, &[Int(at.micros()), Text(key.0.clone()), Int(fence.unwrap_or(-1))]).await?;
            Ok(())
        }
        EntitlementWrite::Drop { key, seen_gen } => {
            let sql = "DELETE FROM entitlements WHERE id = $1 AND gen = $2 AND fence = $3 \
                       AND NOT EXISTS (SELECT 1 FROM claims WHERE entitlement = $1)";
            let fence = Int(fence.unwrap_or(-1));
            if conn.exec(sql, &[Text(key.0.clone()), Int(*seen_gen), fence.clone()]).await? == 0 {
                let sql = "UPDATE entitlements SET leased_until = 0 WHERE id = $1 AND fence = $2";
                if conn.exec(sql, &[Text(key.0.clone()), fence]).await? == 0 {
                    return Err(CommitError::Fenced);
                }
            }
            Ok(())
        }
    }
}

async fn claim(conn: &mut Conn<'_>, write: &ClaimWrite) -> Result<(), CommitError> {
    match write {
        ClaimWrite::Put(claim) => {
            let sql = "INSERT INTO claims (entitlement, grant_id, request, wanted, until, extend_to, latest, give_up_at, duration) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (entitlement, grant_id) DO UPDATE SET \
                       wanted = excluded.wanted, until = excluded.until, extend_to = excluded.extend_to, latest = excluded.latest, \
                       give_up_at = excluded.give_up_at, duration = excluded.duration";
            let values = [
                Text(claim.entitlement.0.clone()),
                Text(claim.grant.to_string()),
                Text(claim.request.to_string()),
                Bool(claim.wanted),
                IntOr(micros(claim.until)),
                IntOr(micros(claim.extend_to)),
                Int(claim.latest.micros()),
                Int(claim.give_up_at.micros()),
                Int(claim.duration.seconds()),
            ];
            conn.exec(sql, &values).await?;
        }
        ClaimWrite::Remove { entitlement, grant } => {
            let sql = "DELETE FROM claims WHERE entitlement = $1 AND grant_id = $2";
            conn.exec(sql, &[Text(entitlement.0.clone()), Text(grant.to_string())]).await?;
        }
    }
    Ok(())
}

async fn rest(conn: &mut Conn<'_>, commit: &Commit) -> Result<(), CommitError> {
    for super::PostWrite(post) in &commit.posts {
        let sql = "INSERT INTO posts (request, platform, place, channel, message, shown, told) VALUES ($1, $2, $3, $4, $5, $6, $7) \
                   ON CONFLICT (request, platform, place) DO UPDATE SET channel = excluded.channel, message = excluded.message, \
                   shown = excluded.shown, told = CASE WHEN excluded.told > posts.told THEN excluded.told ELSE posts.told END";
        let (channel, message) = post.posted.clone().map(|p| (p.channel, p.message)).unzip();
        let values = [
            Text(post.request.to_string()),
            Text(post.platform.name().into()),
            Text(post.place.clone()),
            TextOr(channel),
            TextOr(message),
            TextOr(post.shown.clone()),
            Int(i64::try_from(post.cursor).unwrap_or(i64::MAX)),
        ];
        conn.exec(sql, &values).await?;
    }
    for super::AlarmWrite(alarm) in &commit.alarms {
        let sql = "INSERT INTO alarms (id, request, raised_at, cleared_at, what, told) VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT (id) DO UPDATE SET raised_at = excluded.raised_at, cleared_at = excluded.cleared_at, \
                   what = excluded.what";
        let values = [
            Text(alarm.id.clone()),
            TextOr(alarm.request.as_ref().map(ToString::to_string)),
            Int(alarm.raised_at.micros()),
            IntOr(micros(alarm.cleared_at)),
            Text(alarm.what.clone()),
            Text(alarm.told.clone()),
        ];
        conn.exec(sql, &values).await?;
    }
    for (id, told) in &commit.alarms_told {
        conn.exec("UPDATE alarms SET told = $1 WHERE id = $2", &[Text(told.clone()), Text(id.clone())]).await?;
    }
    for input in &commit.inputs {
        let sql = "INSERT INTO inputs (person, name, value, at) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (person, name) DO UPDATE SET value = excluded.value, at = excluded.at";
        let values = [Text(input.person.to_string()), Text(input.key.clone()), Text(input.value.clone()), Int(input.at.micros())];
        conn.exec(sql, &values).await?;
    }
    for link in &commit.links {
        super::links::apply(conn, link).await?;
    }
    for words in &commit.words {
        let sql = "INSERT INTO words (id, salt, body) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
        conn.exec(sql, &[Text(words.id.as_str().into()), Text(words.salt.clone()), Text(words.text.clone())]).await?;
    }
    if let Some(now) = commit.now {
        let sql = "INSERT INTO marks (name, value) VALUES ('now', $1) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE excluded.value > marks.value + 1000000";
        conn.exec(sql, &[Int(now.micros())]).await?;
    }
    Ok(())
}

/// Numbers the entry within its stream, makes its canonical bytes, and queues it for sealing.
async fn append(conn: &mut Conn<'_>, entry: &NewEntry, id: i64) -> Result<(), CommitError> {
    let sql = "INSERT INTO streams (stream, n, at) VALUES ($1, 1, $2) ON CONFLICT (stream) DO UPDATE SET n = streams.n + 1, \
               at = CASE WHEN excluded.at > streams.at THEN excluded.at ELSE streams.at END RETURNING n, at";
    let rows = conn.rows(sql, &[Text(entry.stream.clone()), Int(entry.at.micros())]).await?;
    let row = rows.first().ok_or_else(|| CommitError::Unavailable("no number for a ledger entry".into()))?;
    let (n, at) = (row.int(0)? - 1, row.int(1)?);
    let bytes = encode(entry, n, Instant::from_micros(at)).map_err(CommitError::Refused)?;
    let sql = "INSERT INTO entries (id, stream, n, at, bytes) VALUES ($1, $2, $3, $4, $5)";
    conn.exec(sql, &[Int(id), Text(entry.stream.clone()), Int(n), Int(at), Text(bytes)]).await?;
    conn.exec("INSERT INTO unsealed (entry) VALUES ($1)", &[Int(id)]).await?;
    Ok(())
}
