//! Opening a store: the lock, the pools, the migrations.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use sqlx::{
    ConnectOptions, PgPool, SqlitePool,
    migrate::{MigrateError, Migrator},
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    CommitError, Store, StoreError,
    db::Conn,
    holders::Holder,
    jobs::{Job, Reply},
    writer::{self, Envelope},
};
use crate::faults;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
/// Ledger entry ids are taken in blocks, so that replicas need not agree on each.
const BLOCK: i64 = 1_000;
/// A PostgreSQL that has not answered by then counts as away: a stopped one would keep us waiting for ever.
pub(super) const SILENCE: Duration = Duration::from_secs(15);

/// What all clones share.
pub(super) struct Inner {
    pub backend: Backend,
    next_id: AtomicI64,
    end_id: AtomicI64,
    reserving: Mutex<()>,
    pub(super) owed: super::owed::Owed,
    /// As long as an SQLite store is open.
    writing: Mutex<Option<Writing>>,
    /// On PostgreSQL: what leases are taken in the name of.
    pub(super) holder: Option<Holder>,
}

/// SQLite's writer, which ends when it is told, and the lock that keeps other processes out.
struct Writing {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
    lock: File,
}

pub(super) enum Backend {
    Sqlite { read: SqlitePool, writer: mpsc::Sender<Envelope> },
    Postgres(PgPool),
}

impl Store {
    /// `sqlite:PATH` or `postgres://..`. Takes the lock (SQLite), migrates, refuses a newer schema.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let (mut writing, mut holder) = (None, None);
        let backend = match url.strip_prefix("sqlite:") {
            Some(path) => {
                let (backend, begun) = sqlite(Path::new(path.trim_start_matches("//"))).await?;
                writing = Some(begun);
                backend
            }
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                let pool = postgres(url).await?;
                holder = Some(Holder::register(url, &pool).await?);
                Backend::Postgres(pool)
            }
            None => return Err(StoreError::Unavailable("a store is `sqlite:PATH` or `postgres://..`".into())),
        };
        let ids = (AtomicI64::new(1), AtomicI64::new(0));
        Ok(Self(Arc::new(Inner {
            backend,
            next_id: ids.0,
            end_id: ids.1,
            reserving: Mutex::new(()),
            owed: super::owed::Owed::default(),
            writing: Mutex::new(writing),
            holder,
        })))
    }

    /// Finishes what was begun, closes the database and lets go of its file; nothing can be read or written afterwards, by any clone.
    pub async fn close(&self) {
        if let Some(holder) = &self.0.holder {
            holder.leave().await;
        }
        let writing = self.0.writing.lock().await.take();
        match &self.0.backend {
            Backend::Sqlite { read, .. } => read.close().await,
            Backend::Postgres(pool) => pool.close().await,
        }
        if let Some(Writing { stop, ended, lock }) = writing {
            stop.send(()).ok();
            drop(ended.await);
            drop(lock);
        }
    }

    /// Runs a writing job in a transaction of its own, or of its group.
    pub(super) async fn write(&self, job: Job) -> Result<Reply, CommitError> {
        match &self.0.backend {
            Backend::Sqlite { writer, .. } => {
                let (done, answer) = oneshot::channel();
                let gone = || CommitError::Unavailable("the writer has stopped".into());
                writer.send(Envelope { job, done }).await.map_err(|_| gone())?;
                answer.await.map_err(|_| gone())?
            }
            Backend::Postgres(pool) => {
                let unavailable = |error: sqlx::Error| CommitError::from(super::db::DbError::from(error));
                let work = async {
                    let mut transaction = pool.begin().await.map_err(unavailable)?;
                    let reply = job.run(&mut Conn::Postgres(&mut transaction)).await?;
                    transaction.commit().await.map_err(unavailable)?;
                    Ok(reply)
                };
                let silent = || CommitError::Unavailable("the database does not answer".into());
                tokio::time::timeout(SILENCE, work).await.unwrap_or_else(|_| Err(silent()))
            }
        }
    }

    /// First of `count` unused ledger entry ids.
    pub(super) async fn entry_ids(&self, count: usize) -> Result<i64, CommitError> {
        let count = i64::try_from(count).unwrap_or(0);
        if count == 0 {
            return Ok(0);
        }
        let _one_at_a_time = self.0.reserving.lock().await;
        let next = self.0.next_id.load(Ordering::Relaxed);
        if next + count - 1 <= self.0.end_id.load(Ordering::Relaxed) {
            self.0.next_id.store(next + count, Ordering::Relaxed);
            return Ok(next);
        }
        let block = BLOCK.max(count);
        let Reply::Id(first) = self.write(Job::ReserveIds(block)).await? else {
            return Err(CommitError::Unavailable("no ledger entry ids".into()));
        };
        self.0.next_id.store(first + count, Ordering::Relaxed);
        self.0.end_id.store(first + block - 1, Ordering::Relaxed);
        Ok(first)
    }
}

pub(super) fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn migrated(result: Result<(), MigrateError>) -> Result<(), StoreError> {
    result.map_err(|error| match error {
        MigrateError::VersionMissing(version) => {
            StoreError::Corrupt(format!("it was written by a newer hallpass (migration {version} is unknown here): upgrade this one"))
        }
        MigrateError::VersionMismatch(version) => {
            StoreError::Corrupt(format!("its migration {version} differs from ours: it was made by another build"))
        }
        other => unavailable(other),
    })
}

async fn sqlite(path: &Path) -> Result<(Backend, Writing), StoreError> {
    // Under whatever name it is opened, one file has one lock.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut lock_name = path.as_os_str().to_owned();
    lock_name.push(".lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_name).map_err(unavailable)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::Locked(format!("{} is in use by another hallpass", path.display())));
        }
        Err(TryLockError::Error(error)) => return Err(unavailable(error)),
    }
    let options = SqliteConnectOptions::from_str("sqlite:")
        .map_err(unavailable)?
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5));
    let mut conn = options.connect().await.map_err(unavailable)?;
    faults::point("migration.due");
    migrated(MIGRATIONS.run_direct(None, &mut conn, false).await)?;
    faults::point("migration.done");
    // The lock is ours alone, so whoever held these leases is gone.
    for sql in
        ["UPDATE entitlements SET leased_until = 0 WHERE leased_until > 0", "UPDATE tasks SET leased_until = 0 WHERE leased_until > 0"]
    {
        if let Err(error) = Conn::Sqlite(&mut conn).exec(sql, &[]).await {
            tracing::error!(?error, "leases of before the start cannot be given back");
        }
    }
    let read = SqlitePoolOptions::new().max_connections(4).connect_with(options.read_only(true)).await.map_err(unavailable)?;
    let (writer, inbox) = mpsc::channel(writer::QUEUE);
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(writer::run(conn, inbox, stopped));
    Ok((Backend::Sqlite { read, writer }, Writing { stop, ended, lock }))
}

async fn postgres(url: &str) -> Result<PgPool, StoreError> {
    let pool = PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(5)).connect(url).await.map_err(unavailable)?;
    faults::point("migration.due");
    migrated(MIGRATIONS.run(&pool).await)?;
    faults::point("migration.done");
    Ok(pool)
}
