//! Group commit: jobs that wait ride together in one transaction, each statement for all of them. When one of them is stale or
//! fenced the group runs again, each in a savepoint of its own, so that it fails alone; and when the group cannot be committed
//! at all, one by one. Nobody is answered before COMMIT. SQLite has one writer, PostgreSQL a few beside each other.

use std::{collections::BTreeSet, sync::Arc};

use sqlx::{Connection, PgPool, SqliteConnection};
use tokio::sync::{Mutex, mpsc, oneshot, watch};

use super::{
    CommitError,
    db::{Conn, DbError},
    jobs::{self, Job, Reply},
    open::SILENCE,
    tx::Tx,
};

/// Jobs in one transaction at most.
const GROUP: usize = 256;
/// Jobs that may wait; beyond it senders wait.
pub(super) const QUEUE: usize = 4_096;

type Answer = Result<Reply, CommitError>;

/// A job and whom to tell.
pub(super) struct Envelope {
    pub job: Job,
    pub done: oneshot::Sender<Answer>,
}

/// Where a writer writes.
pub(super) enum Place {
    Sqlite(SqliteConnection),
    Postgres(PgPool),
}

/// What all writers of a store take their jobs from.
pub(super) type Inbox = Arc<Mutex<mpsc::Receiver<Envelope>>>;

/// Why nothing of a transaction was committed.
enum Failed {
    /// It could not even begin: trying again one by one would not help.
    Closed(CommitError),
    Undone(CommitError),
}

impl Failed {
    fn error(self) -> CommitError {
        match self {
            Self::Closed(error) | Self::Undone(error) => error,
        }
    }
}

impl From<CommitError> for Failed {
    fn from(error: CommitError) -> Self {
        Self::Undone(error)
    }
}

impl From<DbError> for Failed {
    fn from(error: DbError) -> Self {
        Self::Undone(error.into())
    }
}

/// How the jobs of a transaction are run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// The only one that waits.
    Alone,
    Together,
    Savepoints,
}

/// Runs until all senders are gone, or until `stop` says so and what was sent before is done.
pub(super) async fn run(mut place: Place, inbox: Inbox, mut stop: watch::Receiver<bool>) {
    let mut later: Vec<Envelope> = Vec::new();
    loop {
        if !collect(&mut later, &inbox, &mut stop).await {
            break;
        }
        let (group, rest) = apart(std::mem::take(&mut later));
        later = rest;
        run_group(&mut place, group).await;
    }
    if let Place::Sqlite(conn) = place {
        drop(conn.close().await);
    }
}

/// Everything that waits, and at least one; false: nothing will come any more.
async fn collect(waiting: &mut Vec<Envelope>, inbox: &Inbox, stop: &mut watch::Receiver<bool>) -> bool {
    if waiting.is_empty() {
        let mut inbox = inbox.lock().await;
        let first = tokio::select! {
            first = inbox.recv() => first,
            told = async { stop.wait_for(|stop| *stop).await.is_ok() } => {
                if told {
                    inbox.close();
                }
                inbox.recv().await
            }
        };
        match first {
            Some(first) => waiting.push(first),
            None => return false,
        }
        take(waiting, &mut inbox);
    } else if let Ok(mut inbox) = inbox.try_lock() {
        // Another writer may sit at the inbox until something comes: what is here already does not wait for that.
        take(waiting, &mut inbox);
    }
    true
}

fn take(waiting: &mut Vec<Envelope>, inbox: &mut mpsc::Receiver<Envelope>) {
    while waiting.len() < GROUP
        && let Ok(more) = inbox.try_recv()
    {
        waiting.push(more);
    }
}

/// Two jobs on one aggregate never ride together: the second waits for the next group.
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

async fn run_group(place: &mut Place, mut group: Vec<Envelope>) {
    // Whoever stopped waiting was told that nothing was recorded.
    group.retain(|envelope| !envelope.done.is_closed());
    let how = if group.len() == 1 { How::Alone } else { How::Together };
    let mut outcome = attempt(place, &group, how).await;
    if group.len() > 1 && matches!(outcome, Err(Failed::Undone(CommitError::Stale | CommitError::Fenced | CommitError::Refused(_)))) {
        outcome = attempt(place, &group, How::Savepoints).await;
    }
    match outcome {
        Ok(answers) => answer(group.into_iter().zip(answers)),
        Err(Failed::Undone(_)) if group.len() > 1 => one_by_one(place, group).await,
        Err(failed) => refuse(group, &failed.error()),
    }
}

async fn one_by_one(place: &mut Place, group: Vec<Envelope>) {
    let mut group = group.into_iter();
    while let Some(envelope) = group.next() {
        match attempt(place, std::slice::from_ref(&envelope), How::Together).await {
            Ok(answers) => answer(std::iter::once(envelope).zip(answers)),
            Err(Failed::Undone(error)) => refuse([envelope], &error),
            Err(Failed::Closed(error)) => return refuse(std::iter::once(envelope).chain(group), &error),
        }
    }
}

fn answer(answers: impl IntoIterator<Item = (Envelope, Answer)>) {
    for (envelope, answer) in answers {
        // Nobody may be listening any more.
        drop(envelope.done.send(answer));
    }
}

fn refuse(group: impl IntoIterator<Item = Envelope>, error: &CommitError) {
    answer(group.into_iter().map(|envelope| (envelope, Err(error.clone()))));
}

/// One transaction. An error means that nothing at all was committed.
async fn attempt(place: &mut Place, group: &[Envelope], how: How) -> Result<Vec<Answer>, Failed> {
    if group.is_empty() {
        return Ok(Vec::new());
    }
    match place {
        Place::Sqlite(conn) => on_sqlite(conn, group, how).await,
        Place::Postgres(pool) => {
            let silent = || Failed::Closed(CommitError::Unavailable("the database does not answer".into()));
            tokio::time::timeout(SILENCE, on_postgres(pool, group, how)).await.unwrap_or_else(|_| Err(silent()))
        }
    }
}

async fn on_sqlite(conn: &mut SqliteConnection, group: &[Envelope], how: How) -> Result<Vec<Answer>, Failed> {
    if is_its_own_transaction(group) {
        return work(&mut Tx::new(Conn::Sqlite(conn), false), group, how).await;
    }
    let mut tx = Tx::new(Conn::Sqlite(conn), how == How::Alone);
    tx.plain("BEGIN IMMEDIATE");
    if how != How::Alone {
        tx.flush().await.map_err(Failed::Closed)?;
    }
    let outcome = match work(&mut tx, group, how).await {
        Ok(answers) => finish(&mut tx).await.map(|()| answers),
        failed => failed,
    };
    if outcome.is_err() {
        // Some failures have ended the transaction already; then this fails, and that is right.
        drop(Conn::Sqlite(conn).exec("ROLLBACK", &[]).await);
    }
    outcome
}

/// Nothing is committed before everything is known to be as it should.
async fn finish(tx: &mut Tx<'_>) -> Result<(), Failed> {
    if tx.is_unsure() {
        tx.flush().await?;
    }
    tx.plain("COMMIT");
    Ok(tx.flush().await?)
}

async fn on_postgres(pool: &PgPool, group: &[Envelope], how: How) -> Result<Vec<Answer>, Failed> {
    if is_its_own_transaction(group) {
        let mut conn = pool.acquire().await.map_err(|error| Failed::Closed(DbError::from(error).into()))?;
        return work(&mut Tx::new(Conn::Postgres(&mut conn), false), group, how).await;
    }
    let mut transaction = pool.begin().await.map_err(|error| Failed::Closed(DbError::from(error).into()))?;
    let mut tx = Tx::new(Conn::Postgres(&mut transaction), false);
    let answers = work(&mut tx, group, how).await?;
    tx.flush().await?;
    transaction.commit().await.map_err(DbError::from)?;
    Ok(answers)
}

/// A statement by itself is a transaction: neither BEGIN nor COMMIT is needed.
fn is_its_own_transaction(group: &[Envelope]) -> bool {
    matches!(group, [one] if one.job.is_one_statement())
}

async fn work(tx: &mut Tx<'_>, group: &[Envelope], how: How) -> Result<Vec<Answer>, Failed> {
    if how == How::Savepoints {
        return in_savepoints(tx, group).await;
    }
    let jobs: Vec<&Job> = group.iter().map(|envelope| &envelope.job).collect();
    Ok(jobs::together(tx, &jobs).await?.into_iter().map(Ok).collect())
}

async fn in_savepoints(tx: &mut Tx<'_>, group: &[Envelope]) -> Result<Vec<Answer>, Failed> {
    let mut answers = Vec::with_capacity(group.len());
    for envelope in group {
        tx.exec("SAVEPOINT one", &[]).await?;
        let answer = envelope.job.run(tx).await;
        match &answer {
            Ok(_) => {}
            Err(CommitError::Unavailable(why)) => return Err(CommitError::Unavailable(why.clone()).into()),
            Err(_) => {
                tx.forget();
                tx.exec("ROLLBACK TO one", &[]).await?;
            }
        }
        tx.exec("RELEASE one", &[]).await?;
        answers.push(answer);
    }
    Ok(answers)
}
