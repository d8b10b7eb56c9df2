//! The store's reads and leases, one method each.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use super::{
    Alarm, Commit, CommitError, InboxId, InboxRow, StoreError, Task, TaskEnd,
    db::{
        Conn, DbError, Row,
        Value::{self, Int, Text},
    },
    document::parsed,
    jobs::{Job, Reply},
    open::{Backend, Inner, SILENCE},
};
use crate::domain::{
    entitlement::{Claim, Entitlement, EntitlementKey},
    ids::{PersonId, ProviderName},
    policy::Platform,
    request::{GrantId, Request, RequestId},
    time::{Instant, Span},
    words::{Texts, WordId},
};

/// The names of all providers with something due at any time, each found by index from the one before.
macro_rules! providers {
    () => {
        "WITH RECURSIVE names (name) AS (SELECT MIN(provider) FROM entitlements WHERE due_at IS NOT NULL UNION ALL \
         SELECT (SELECT MIN(provider) FROM entitlements WHERE provider > names.name AND due_at IS NOT NULL) FROM names \
         WHERE names.name IS NOT NULL), providers (name) AS (SELECT name FROM names WHERE name IS NOT NULL) "
    };
}

/// SQLite or PostgreSQL; cheap to clone.
#[derive(Clone)]
pub struct Store(pub(super) Arc<Inner>);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// An entitlement leased by this process.
#[derive(Debug, Clone)]
pub struct Leased {
    pub row: Entitlement,
    /// As it was when leased.
    pub generation: i64,
    pub fence: i64,
}

/// What became of an inbox row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    New,
    /// Seen before: acknowledge, do nothing.
    Duplicate,
}

/// A sealed place in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Leaf index, from zero, without gaps.
    pub index: u64,
    pub entry: i64,
    pub leaf: [u8; 32],
}

/// A signed tree head, as text (C2SP signed note).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    pub size: u64,
    pub root: [u8; 32],
    pub note: String,
    pub at: Instant,
    /// Size of the one before it; 0 for the first.
    pub previous: u64,
}

impl StoredCheckpoint {
    /// The whole root as people compare it: base64.
    pub fn root_text(&self) -> String {
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, self.root)
    }
}

impl Store {
    /// Writes all of it or nothing. Answered after COMMIT. What is owed is written first.
    pub async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        self.pay().await?;
        self.commit_alone(commit).await
    }

    pub(super) async fn commit_alone(&self, mut commit: Commit) -> Result<(), CommitError> {
        let first_id = self.entry_ids(commit.entries.len()).await?;
        // Once a second is enough, and keeps commits from waiting for each other at that one row.
        let marked = self.0.marked.load(Ordering::Relaxed);
        commit.now = commit.now.filter(|now| now.micros() > marked.saturating_add(1_000_000));
        let now = commit.now;
        self.write(Job::Commit { commit: Box::new(commit), first_id }).await?;
        if let Some(now) = now {
            self.0.marked.fetch_max(now.micros(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Runs a query on a reading connection.
    pub(super) async fn read(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let unavailable = |error: sqlx::Error| StoreError::Unavailable(error.to_string());
        Ok(match &self.0.backend {
            Backend::Sqlite(pool) => Conn::Sqlite(&mut *pool.acquire().await.map_err(unavailable)?).rows(sql, values).await?,
            Backend::Postgres(pool) => {
                let answer = async { Ok(Conn::Postgres(&mut *pool.acquire().await.map_err(unavailable)?).rows(sql, values).await?) };
                in_time(answer).await?
            }
        })
    }

    /// Runs a query over a list of texts, which stands in it as `{rows}`.
    pub(super) async fn read_by(&self, sql: &'static str, keys: impl Iterator<Item = String> + Send) -> Result<Vec<Row>, StoreError> {
        let unavailable = |error: sqlx::Error| StoreError::Unavailable(error.to_string());
        let keys: Vec<Value> = keys.map(Text).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        Ok(match &self.0.backend {
            Backend::Sqlite(pool) => Conn::Sqlite(&mut *pool.acquire().await.map_err(unavailable)?).rows_many(sql, 1, &keys).await?,
            Backend::Postgres(pool) => {
                let answer = async { Ok(Conn::Postgres(&mut *pool.acquire().await.map_err(unavailable)?).rows_many(sql, 1, &keys).await?) };
                in_time(answer).await?
            }
        })
    }

    pub async fn request(&self, id: &RequestId) -> Result<Option<Request>, StoreError> {
        let rows = self.read("SELECT document FROM requests WHERE id = $1", &[Text(id.to_string())]).await?;
        rows.first().map(|row| parsed(&row.text(0)?)).transpose()
    }

    /// Those of these ids that there are, in no order.
    pub async fn requests_by_id(&self, ids: &[RequestId]) -> Result<Vec<Request>, StoreError> {
        let sql = "SELECT document FROM requests WHERE id IN (VALUES {rows})";
        self.read_by(sql, ids.iter().map(ToString::to_string)).await?.iter().map(|row| parsed(&row.text(0)?)).collect()
    }

    /// Requests whose `wake_at` has come, earliest first.
    pub async fn due_requests(&self, now: Instant, limit: u32) -> Result<Vec<RequestId>, StoreError> {
        let sql = "SELECT id FROM requests WHERE wake_at <= $1 ORDER BY wake_at LIMIT $2";
        let rows = self.read(sql, &[Int(now.micros()), Int(i64::from(limit))]).await?;
        rows.iter().map(|row| id(&row.text(0)?)).collect()
    }

    /// Everybody who asked for, or would hold, something that is not closed.
    pub async fn people_with_open(&self) -> Result<Vec<PersonId>, StoreError> {
        let sql = "SELECT requester FROM requests WHERE open UNION SELECT subject FROM requests WHERE open";
        self.read(sql, &[]).await?.iter().map(|row| row.text(0)?.parse().map_err(|_| corrupt("a person's id"))).collect()
    }

    /// Earliest due time of anything: requests, entitlements, tasks.
    pub async fn next_due(&self) -> Result<Option<Instant>, StoreError> {
        let sql = concat!(
            providers!(),
            "SELECT MIN(at) FROM (SELECT MIN(wake_at) AS at FROM requests WHERE wake_at IS NOT NULL UNION ALL \
             SELECT MIN(due_at) FROM tasks WHERE due_at IS NOT NULL UNION ALL \
             SELECT (SELECT MIN(due_at) FROM entitlements WHERE provider = name AND urgent = TRUE AND due_at IS NOT NULL) \
             FROM providers UNION ALL \
             SELECT (SELECT MIN(due_at) FROM entitlements WHERE provider = name AND urgent = FALSE AND due_at IS NOT NULL) \
             FROM providers) AS due"
        );
        let rows = self.read(sql, &[]).await?;
        Ok(rows.first().map(|row| row.int_or(0)).transpose()?.flatten().map(Instant::from_micros))
    }

    /// The texts of these ids; erased ones are absent.
    pub async fn texts(&self, ids: &[WordId]) -> Result<Texts, StoreError> {
        let sql = "SELECT id, body FROM words WHERE id IN (VALUES {rows})";
        let rows = self.read_by(sql, ids.iter().map(|id| id.as_str().to_owned())).await?;
        rows.iter().map(|row| Ok((WordId::from_stored(row.text(0)?), row.text(1)?))).collect()
    }

    /// Makes a verified command durable.
    pub async fn receive(&self, row: InboxRow) -> Result<Received, CommitError> {
        match self.write(Job::Receive(row)).await? {
            Reply::Received(received) => Ok(received),
            _ => Err(wrong_reply()),
        }
    }

    /// Commands that were received and not handled, oldest first.
    pub async fn inbox_open(&self, limit: u32) -> Result<Vec<InboxRow>, StoreError> {
        let sql = "SELECT platform, interaction, at, body FROM inbox WHERE open ORDER BY at LIMIT $1";
        self.read(sql, &[Int(i64::from(limit))]).await?.iter().map(inbox_row).collect()
    }

    /// One command that was received, handled or not.
    pub async fn inbox_row(&self, id: &InboxId) -> Result<Option<InboxRow>, StoreError> {
        let sql = "SELECT platform, interaction, at, body FROM inbox WHERE platform = $1 AND interaction = $2";
        let rows = self.read(sql, &[Text(id.platform.name().into()), Text(id.interaction.clone())]).await?;
        rows.first().map(inbox_row).transpose()
    }

    /// Was it received, and is it not handled yet?
    pub async fn inbox_is_open(&self, id: &InboxId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM inbox WHERE platform = $1 AND interaction = $2 AND open";
        Ok(!self.read(sql, &[Text(id.platform.name().into()), Text(id.interaction.clone())]).await?.is_empty())
    }

    /// Leases due tasks until `until`, alarms first, then the earliest, at most one per queue, none of `skip` (queues busy here).
    pub async fn lease_tasks(&self, now: Instant, until: Instant, skip: &[String], limit: u32) -> Result<Vec<Task>, StoreError> {
        match self.write(Job::LeaseTasks { now, until, skip: skip.to_vec(), limit, holder: self.holder() }).await {
            Ok(Reply::Tasks(tasks)) => Ok(tasks),
            Ok(_) | Err(CommitError::Stale | CommitError::Fenced) => Ok(Vec::new()),
            Err(CommitError::Unavailable(why) | CommitError::Refused(why)) => Err(StoreError::Unavailable(why)),
        }
    }

    /// Ends a lease. `Done` only if `wanted` is still what it was, else due at once. Fenced: another process has it.
    pub async fn finish_task(&self, task: &Task, end: TaskEnd) -> Result<(), CommitError> {
        self.write(Job::FinishTask { task: task.clone(), end }).await.map(|_| ())
    }

    /// Leases due entitlements of one provider until `until`; urgent ones (ends) first, then by due time.
    pub async fn lease_entitlements(
        &self,
        provider: &ProviderName,
        now: Instant,
        until: Instant,
        limit: u32,
    ) -> Result<Vec<Leased>, StoreError> {
        match self.write(Job::LeaseEntitlements { provider: provider.clone(), now, until, limit, holder: self.holder() }).await {
            Ok(Reply::Entitlements(leased)) => Ok(leased),
            Ok(_) | Err(CommitError::Stale | CommitError::Fenced) => Ok(Vec::new()),
            Err(CommitError::Unavailable(why) | CommitError::Refused(why)) => Err(StoreError::Unavailable(why)),
        }
    }

    /// Leases this entitlement until `until`, due or not. None: somebody has it, or there is none.
    pub async fn lease_entitlement(&self, key: &EntitlementKey, now: Instant, until: Instant) -> Result<Option<Leased>, StoreError> {
        match self.write(Job::LeaseEntitlement { key: key.clone(), now, until, holder: self.holder() }).await {
            Ok(Reply::Entitlements(mut leased)) => Ok(leased.pop()),
            Ok(_) | Err(CommitError::Stale | CommitError::Fenced) => Ok(None),
            Err(CommitError::Unavailable(why) | CommitError::Refused(why)) => Err(StoreError::Unavailable(why)),
        }
    }

    /// Providers with entitlements that are due and not leased.
    pub async fn due_providers(&self, now: Instant) -> Result<Vec<ProviderName>, StoreError> {
        let sql = concat!(
            providers!(),
            "SELECT name FROM providers WHERE EXISTS (SELECT 1 FROM entitlements WHERE provider = name AND urgent = TRUE \
             AND due_at <= $1 AND leased_until <= $1) OR EXISTS (SELECT 1 FROM entitlements WHERE provider = name \
             AND urgent = FALSE AND due_at <= $1 AND leased_until <= $1)"
        );
        let rows = self.read(sql, &[Int(now.micros())]).await?;
        rows.iter().map(|row| row.text(0)?.parse().map_err(|_| corrupt("a provider's name"))).collect()
    }

    /// A read of its own, after the lease was taken.
    pub async fn claims(&self, keys: &[EntitlementKey]) -> Result<Vec<Claim>, StoreError> {
        let sql = "SELECT entitlement, grant_id, request, wanted, until, extend_to, latest, give_up_at, duration FROM claims \
                   WHERE entitlement IN (VALUES {rows}) ORDER BY entitlement, grant_id";
        self.read_by(sql, keys.iter().map(|key| key.0.clone())).await?.iter().map(claim).collect()
    }

    pub async fn entitlement(&self, key: &EntitlementKey) -> Result<Option<Entitlement>, StoreError> {
        let rows = self.read("SELECT document FROM entitlements WHERE id = $1", &[Text(key.0.clone())]).await?;
        rows.first().map(|row| parsed(&row.text(0)?)).transpose()
    }

    /// Entitlements with a claim that ends before `before`, is no longer wanted, or must work by then; with all their claims.
    /// At most `limit`, the earliest ends.
    pub async fn ending_before(&self, before: Instant, limit: u32) -> Result<Vec<(Entitlement, Vec<Claim>)>, StoreError> {
        let sql = "SELECT c.entitlement, c.grant_id, c.request, c.wanted, c.until, c.extend_to, c.latest, c.give_up_at, c.duration, \
                   e.document FROM claims c JOIN entitlements e ON e.id = c.entitlement WHERE c.entitlement IN (SELECT entitlement FROM \
                   (SELECT entitlement, until AS ends FROM claims WHERE until <= $1 \
                   UNION ALL SELECT entitlement, 0 FROM claims WHERE NOT wanted \
                   UNION ALL SELECT entitlement, give_up_at FROM claims WHERE until IS NULL AND give_up_at <= $1 \
                   UNION ALL SELECT entitlement, latest FROM claims WHERE until IS NULL AND latest <= $1) AS soon \
                   GROUP BY entitlement ORDER BY MIN(ends), entitlement LIMIT $2) ORDER BY c.entitlement, c.grant_id";
        let mut ending: Vec<(Entitlement, Vec<Claim>)> = Vec::new();
        for row in self.read(sql, &[Int(before.micros()), Int(i64::from(limit))]).await? {
            let claim = claim(&row)?;
            match ending.last_mut().filter(|(last, _)| last.key == claim.entitlement) {
                Some((_, claims)) => claims.push(claim),
                None => ending.push((parsed(&row.text(9)?)?, vec![claim])),
            }
        }
        Ok(ending)
    }

    /// Open alarms, oldest first.
    pub async fn open_alarms(&self) -> Result<Vec<Alarm>, StoreError> {
        let sql = "SELECT id, request, raised_at, cleared_at, what, told FROM alarms WHERE cleared_at IS NULL ORDER BY raised_at, id";
        self.read(sql, &[]).await?.iter().map(alarm).collect()
    }

    pub async fn alarm(&self, id: &str) -> Result<Option<Alarm>, StoreError> {
        let sql = "SELECT id, request, raised_at, cleared_at, what, told FROM alarms WHERE id = $1";
        self.read(sql, &[Text(id.to_owned())]).await?.first().map(alarm).transpose()
    }

    /// What a person gave once (`InputWrite`), by key.
    pub async fn inputs(&self, person: &PersonId) -> Result<BTreeMap<String, String>, StoreError> {
        let rows = self.read("SELECT name, value FROM inputs WHERE person = $1", &[Text(person.to_string())]).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
    }

    /// The clock's high-water mark.
    pub async fn highest_now(&self) -> Result<Option<Instant>, StoreError> {
        let rows = self.read("SELECT value FROM marks WHERE name = 'now'", &[]).await?;
        Ok(rows.first().map(|row| row.int(0)).transpose()?.map(Instant::from_micros))
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let silent = || StoreError::Unavailable("the database does not answer".into());
    tokio::time::timeout(SILENCE, Box::pin(answer)).await.unwrap_or_else(|_| Err(silent()))
}

fn wrong_reply() -> CommitError {
    CommitError::Unavailable("the writer answered something else".into())
}

pub(super) fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(what.to_owned())
}

fn id(text: &str) -> Result<RequestId, StoreError> {
    text.parse().map_err(|_| corrupt("a request's id"))
}

pub(super) fn platform(name: &str) -> Result<Platform, StoreError> {
    Platform::named(name).ok_or_else(|| corrupt("a platform's name"))
}

fn inbox_row(row: &Row) -> Result<InboxRow, StoreError> {
    let id = InboxId { platform: platform(&row.text(0)?)?, interaction: row.text(1)? };
    Ok(InboxRow { id, at: Instant::from_micros(row.int(2)?), body: row.text(3)? })
}

fn claim(row: &Row) -> Result<Claim, StoreError> {
    let at = |value: Result<Option<i64>, DbError>| Ok::<_, DbError>(value?.map(Instant::from_micros));
    Ok(Claim {
        entitlement: EntitlementKey(row.text(0)?),
        grant: GrantId::from_stored(row.text(1)?),
        request: id(&row.text(2)?)?,
        wanted: row.bool(3)?,
        until: at(row.int_or(4))?,
        extend_to: at(row.int_or(5))?,
        latest: Instant::from_micros(row.int(6)?),
        give_up_at: Instant::from_micros(row.int(7)?),
        duration: Span::from_seconds(row.int(8)?),
    })
}

fn alarm(row: &Row) -> Result<Alarm, StoreError> {
    Ok(Alarm {
        id: row.text(0)?,
        request: row.text_or(1)?.map(|text| id(&text)).transpose()?,
        raised_at: Instant::from_micros(row.int(2)?),
        cleared_at: row.int_or(3)?.map(Instant::from_micros),
        what: row.text(4)?,
        told: row.text(5)?,
    })
}
