//! Everything that writes, as a closed list. Jobs run inside a transaction of the writer: many together, each statement for
//! all of them, or one by one.

use std::collections::BTreeSet;

use super::{
    CheckedWrite, Commit, CommitError, EntitlementWrite, InboxRow, Leased, Received, Seal, StoredCheckpoint, Task, TaskEnd,
    apply::{Numbered, apply},
    db::Value::{Bool, Int, Text},
    history::fill::Older,
    leases,
    tx::Tx,
};
use crate::domain::{entitlement::EntitlementKey, ids::ProviderName, time::Instant};

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
    LeaseEntitlement {
        key: EntitlementKey,
        now: Instant,
        until: Instant,
        holder: i64,
    },
    /// Gives entries their places in the tree, behind the last one.
    Seal(Vec<Seal>),
    Sign(StoredCheckpoint),
    /// Takes this many entry ids; the reply is the first.
    ReserveIds(i64),
    /// What an older hallpass wrote goes into the history.
    Older(Older),
    /// How far the running check of the ledger has come.
    Checked(CheckedWrite),
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
            Self::Commit { commit, .. } => aggregates(commit),
            Self::FinishTask { task, .. } => vec![format!("{} {}", task.kind.name(), task.key)],
            Self::LeaseTasks { .. } => vec!["lease tasks".into()],
            Self::LeaseEntitlements { provider, .. } => vec![format!("lease {provider}")],
            Self::LeaseEntitlement { key, .. } => vec![key.0.clone()],
            Self::Seal(_) | Self::Sign(_) => vec!["seal".into()],
            Self::ReserveIds(_) => vec!["reserve".into()],
            Self::Older(_) => vec!["history".into()],
            Self::Checked(_) => vec!["checked".into()],
            Self::Receive(_) => Vec::new(),
        }
    }

    /// Runs it by itself.
    pub(super) async fn run(&self, tx: &mut Tx<'_>) -> Result<Reply, CommitError> {
        let mut replies = together(tx, &[self]).await?;
        tx.flush().await?;
        replies.pop().ok_or_else(|| CommitError::Unavailable("a job without a reply".into()))
    }

    /// Is it one statement that needs no other, whatever it finds?
    pub(super) const fn is_one_statement(&self) -> bool {
        matches!(self, Self::Receive(_) | Self::ReserveIds(_))
    }

    fn commit(&self) -> Option<Numbered<'_>> {
        if let Self::Commit { commit, first_id } = self { Some((commit, *first_id)) } else { None }
    }

    const fn finish(&self) -> Option<(&Task, TaskEnd)> {
        if let Self::FinishTask { task, end } = self { Some((task, *end)) } else { None }
    }

    async fn alone(&self, tx: &mut Tx<'_>) -> Result<Reply, CommitError> {
        match self {
            Self::LeaseTasks { now, until, skip, limit, holder } => {
                Ok(Reply::Tasks(leases::tasks(tx, (*now, *until), skip, *limit, *holder).await?))
            }
            Self::LeaseEntitlements { provider, now, until, limit, holder } => {
                Ok(Reply::Entitlements(leases::entitlements(tx, provider, (*now, *until), *limit, *holder).await?))
            }
            Self::LeaseEntitlement { key, now, until, holder } => {
                let leased = leases::entitlement(tx, key, (*now, *until), *holder).await?;
                Ok(Reply::Entitlements(leased.into_iter().collect()))
            }
            Self::Seal(seals) => seal(tx, seals).await,
            Self::Sign(checkpoint) => sign(tx, checkpoint).await,
            Self::ReserveIds(count) => reserve(tx, *count).await,
            Self::Older(older) => {
                older.apply(tx);
                Ok(Reply::Done)
            }
            Self::Checked(write) => super::verified::put(tx, write).await,
            Self::Commit { .. } | Self::Receive(_) | Self::FinishTask { .. } => Ok(Reply::Done),
        }
    }
}

/// Runs them all, in lock order, and answers each; what is last may still wait in the transaction. An error means that the transaction must be given up: when it is stale or
/// fenced, one of them is to blame, and one by one they show which.
pub(super) async fn together(tx: &mut Tx<'_>, jobs: &[&Job]) -> Result<Vec<Reply>, CommitError> {
    let received: Vec<&InboxRow> = jobs.iter().filter_map(|job| if let Job::Receive(row) = job { Some(row) } else { None }).collect();
    let mut received = receive(tx, &received).await?.into_iter();
    let commits: Vec<Numbered<'_>> = jobs.iter().filter_map(|job| job.commit()).collect();
    apply(tx, &commits).await?;
    let finished: Vec<(&Task, TaskEnd)> = jobs.iter().filter_map(|job| job.finish()).collect();
    leases::finish(tx, &finished);
    let mut replies = Vec::with_capacity(jobs.len());
    for job in jobs {
        replies.push(match job {
            Job::Receive(_) => Reply::Received(received.next().unwrap_or(Received::Duplicate)),
            job => job.alone(tx).await?,
        });
    }
    Ok(replies)
}

/// Requests and entitlements that a commit writes.
fn aggregates(commit: &Commit) -> Vec<String> {
    let requests = commit.requests.iter().map(|r| r.request.id.to_string());
    let entitlements = commit.entitlements.iter().map(|e| match e {
        EntitlementWrite::Want { row, .. } | EntitlementWrite::Save { row, .. } => row.key.0.clone(),
        EntitlementWrite::Raise { key, .. } | EntitlementWrite::Drop { key, .. } | EntitlementWrite::Free { key, .. } => key.0.clone(),
    });
    let (links, members) = (commit.links.iter().map(super::LinkWrite::aggregate), commit.members.iter().map(super::MemberWrite::aggregate));
    let looks = commit.looks.iter().map(super::LookWrite::aggregate);
    let digests = (!commit.digests.is_empty()).then(|| "digests".to_owned());
    requests.chain(entitlements).chain(links).chain(members.collect::<BTreeSet<_>>()).chain(looks).chain(digests).collect()
}

async fn receive(tx: &mut Tx<'_>, rows: &[&InboxRow]) -> Result<Vec<Received>, CommitError> {
    let values: Vec<_> = rows
        .iter()
        .flat_map(|row| {
            let id = [Text(row.id.platform.name().into()), Text(row.id.interaction.clone())];
            id.into_iter().chain([Int(row.at.micros()), Text(row.body.clone()), Bool(true)])
        })
        .collect();
    let sql = "INSERT INTO inbox (platform, interaction, at, body, open) VALUES {rows} ON CONFLICT DO NOTHING \
               RETURNING platform, interaction";
    let mut new = BTreeSet::new();
    for row in tx.rows_many(sql, 5, values).await? {
        new.insert((row.text(0)?, row.text(1)?));
    }
    // Of the same command twice, the first one is new.
    let received = |row: &&InboxRow| {
        let first = new.remove(&(row.id.platform.name().to_owned(), row.id.interaction.clone()));
        if first { Received::New } else { Received::Duplicate }
    };
    Ok(rows.iter().map(received).collect())
}

async fn reserve(tx: &mut Tx<'_>, count: i64) -> Result<Reply, CommitError> {
    let sql = "INSERT INTO marks (name, value) VALUES ('entries', $1) \
               ON CONFLICT (name) DO UPDATE SET value = marks.value + excluded.value RETURNING value";
    let rows = tx.rows(sql, &[Int(count)]).await?;
    let end = rows.first().map(|row| row.int(0)).transpose()?.unwrap_or(count);
    Ok(Reply::Id(end - count + 1))
}

/// Leaf numbers are one row of places: who finds one taken, or the one before the first missing, is stale.
async fn seal(tx: &mut Tx<'_>, seals: &[Seal]) -> Result<Reply, CommitError> {
    let Some(first) = seals.first() else { return Ok(Reply::Done) };
    let number = |index: u64| i64::try_from(index).unwrap_or(i64::MAX);
    let wanted = (number(first.index)..).zip(seals).all(|(index, seal)| number(seal.index) == index);
    let row = |seal: &Seal| [Int(number(seal.index)), Int(seal.entry), Text(hex(&seal.leaf))];
    // The first one finds its neighbour in the table, the others in the list.
    let sql = "INSERT INTO seals (leaf, entry, hash) SELECT $1, $2, $3 WHERE $1 = 0 OR EXISTS (SELECT 1 FROM seals WHERE leaf = $1 - 1) \
               ON CONFLICT DO NOTHING";
    let mut sealed = tx.exec(sql, &row(first)).await?;
    let values: Vec<_> = seals.iter().skip(1).flat_map(row).collect();
    let sql = "INSERT INTO seals (leaf, entry, hash) VALUES {rows} ON CONFLICT DO NOTHING";
    sealed += tx.exec_many(sql, 3, values).await?;
    if !wanted || usize::try_from(sealed).is_ok_and(|sealed| sealed != seals.len()) {
        return Err(CommitError::Stale);
    }
    let entries: Vec<_> = seals.iter().map(|seal| Int(seal.entry)).collect();
    tx.later("DELETE FROM unsealed WHERE entry IN (VALUES {rows})", 1, entries, None);
    Ok(Reply::Done)
}

/// One checkpoint follows another, which is smaller: of two that would follow the same one, the first stays.
async fn sign(tx: &mut Tx<'_>, checkpoint: &StoredCheckpoint) -> Result<Reply, CommitError> {
    if checkpoint.size <= checkpoint.previous {
        return Err(CommitError::Stale);
    }
    let sql = "INSERT INTO checkpoints (size, root, note, at, previous) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let number = |n: u64| Int(i64::try_from(n).unwrap_or(i64::MAX));
    let (root, note) = (Text(hex(&checkpoint.root)), Text(checkpoint.note.clone()));
    let values = [number(checkpoint.size), root, note, Int(checkpoint.at.micros()), number(checkpoint.previous)];
    if tx.exec(sql, &values).await? == 1 { Ok(Reply::Done) } else { Err(CommitError::Stale) }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}
