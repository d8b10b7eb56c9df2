//! SQLite's one writer, with group commit: many commands ride in one transaction, each alone in a savepoint.
//! Nobody is answered before COMMIT; a group that fails is run again one by one.

use std::collections::BTreeSet;

use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::{Commit, CommitError, EntitlementWrite, db::Conn, jobs::Job};

/// Commands in one transaction at most.
const GROUP: usize = 256;
/// Commands that may wait; beyond it senders wait.
pub(super) const QUEUE: usize = 4_096;

/// A job and whom to tell.
pub(super) struct Envelope {
    pub job: Job,
    pub done: oneshot::Sender<Result<super::jobs::Reply, CommitError>>,
}

/// Runs until all senders are gone, or until `stopped` says so and what was sent before is done.
pub(super) async fn run(mut conn: SqliteConnection, mut inbox: mpsc::Receiver<Envelope>, mut stopped: oneshot::Receiver<()>) {
    let mut open = true;
    let mut later: Vec<Envelope> = Vec::new();
    loop {
        if later.is_empty() {
            let first = tokio::select! {
                first = inbox.recv() => first,
                told = &mut stopped, if open => {
                    open = false;
                    if told.is_ok() {
                        inbox.close();
                    }
                    continue;
                }
            };
            match first {
                Some(first) => later.push(first),
                None => break,
            }
        }
        while later.len() < GROUP {
            match inbox.try_recv() {
                Ok(more) => later.push(more),
                Err(_) => break,
            }
        }
        let (group, rest) = apart(std::mem::take(&mut later));
        later = rest;
        run_group(&mut conn, group).await;
    }
    drop(conn.close().await);
}

/// Two commands on one aggregate never ride together: the second waits for the next group.
fn apart(envelopes: Vec<Envelope>) -> (Vec<Envelope>, Vec<Envelope>) {
    let mut touched: BTreeSet<String> = BTreeSet::new();
    let (mut group, mut rest) = (Vec::new(), Vec::new());
    for envelope in envelopes {
        let keys = envelope.job.touches();
        if keys.iter().any(|key| touched.contains(key)) {
            rest.push(envelope);
        } else {
            group.push(envelope);
        }
        touched.extend(keys);
    }
    (group, rest)
}

/// Requests and entitlements that a commit writes.
pub(super) fn aggregates(commit: &Commit) -> Vec<String> {
    let requests = commit.requests.iter().map(|r| r.request.id.to_string());
    let entitlements = commit.entitlements.iter().map(|e| match e {
        EntitlementWrite::Want { row, .. } | EntitlementWrite::Save { row, .. } => row.key.0.clone(),
        EntitlementWrite::Raise { key, .. } | EntitlementWrite::Drop { key, .. } | EntitlementWrite::Free { key, .. } => key.0.clone(),
    });
    requests.chain(entitlements).chain(commit.links.iter().map(super::LinkWrite::aggregate)).collect()
}

async fn run_group(conn: &mut SqliteConnection, group: Vec<Envelope>) {
    let whole = group.len();
    match attempt(conn, &group).await {
        Ok(results) => {
            for (envelope, result) in group.into_iter().zip(results) {
                drop(envelope.done.send(result));
            }
        }
        Err(error) if whole == 1 => {
            for envelope in group {
                drop(envelope.done.send(Err(error.clone())));
            }
        }
        Err(_) => {
            for envelope in group {
                let alone = attempt(conn, std::slice::from_ref(&envelope)).await;
                let result = alone.and_then(|mut results| results.pop().unwrap_or(Err(CommitError::Stale)));
                drop(envelope.done.send(result));
            }
        }
    }
}

/// One transaction. The outer error means that nothing at all was committed.
async fn attempt(conn: &mut SqliteConnection, group: &[Envelope]) -> Result<Vec<Result<super::jobs::Reply, CommitError>>, CommitError> {
    let outcome = in_transaction(conn, group).await;
    if outcome.is_err() {
        // Without a transaction open this fails, and that is right.
        drop(Conn::Sqlite(conn).exec("ROLLBACK", &[]).await);
    }
    outcome
}

async fn in_transaction(
    conn: &mut SqliteConnection,
    group: &[Envelope],
) -> Result<Vec<Result<super::jobs::Reply, CommitError>>, CommitError> {
    let mut conn = Conn::Sqlite(conn);
    conn.exec("BEGIN IMMEDIATE", &[]).await?;
    let mut results = Vec::with_capacity(group.len());
    for envelope in group {
        conn.exec("SAVEPOINT one", &[]).await?;
        let result = envelope.job.run(&mut conn).await;
        match &result {
            Ok(_) => {}
            Err(CommitError::Unavailable(why)) => return Err(CommitError::Unavailable(why.clone())),
            Err(_) => drop(conn.exec("ROLLBACK TO one", &[]).await?),
        }
        conn.exec("RELEASE one", &[]).await?;
        results.push(result);
    }
    conn.exec("COMMIT", &[]).await?;
    Ok(results)
}
