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
    ConnectOptions, Connection as _, PgPool, SqlitePool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{
    sync::{Mutex, mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::{
    CommitError, Store, StoreError,
    db::{Conn, STATEMENTS},
    history,
    holders::Holder,
    jobs::{Job, Reply},
    writer::{self, Envelope, Place},
};
use crate::faults;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
/// Ledger entry ids are taken in blocks, so that replicas need not agree on each.
const BLOCK: i64 = 10_000;
/// A PostgreSQL that has not answered by then counts as away: a stopped one would keep us waiting for ever.
pub(super) const SILENCE: Duration = Duration::from_secs(15);
/// Of an SQLite writer: KiB of pages in memory (negative: KiB, positive: pages), and pages in the log before it is emptied.
const CACHE: &str = "-32000";
const LOG: &str = "8000";
/// Connections to PostgreSQL, and how many of them write at the same time. While one waits for its disk, others go on.
const POOL: u32 = 16;
const WRITERS: usize = 3;
/// After so long without use a connection to PostgreSQL may have been cut.
const IDLE: Duration = Duration::from_secs(1);

/// What all clones share.
pub(super) struct Inner {
    pub backend: Backend,
    writer: mpsc::Sender<Envelope>,
    /// The clock's high-water mark as this process last stored it, in microseconds.
    pub(super) marked: AtomicI64,
    next_id: AtomicI64,
    end_id: AtomicI64,
    reserving: Mutex<()>,
    pub(super) owed: super::owed::Owed,
    /// As long as the store is open.
    writing: Mutex<Option<Writing>>,
    /// On PostgreSQL: what leases are taken in the name of.
    pub(super) holder: Option<Holder>,
    /// What an older hallpass wrote is in the history.
    pub(super) whole: watch::Sender<bool>,
}

impl Inner {
    /// Nothing can be written any more.
    pub(super) fn is_closed(&self) -> bool {
        self.writer.is_closed()
    }
}

/// The writers, which end when they are told, and the lock that keeps other processes out of an SQLite file.
struct Writing {
    stop: watch::Sender<bool>,
    writers: Vec<JoinHandle<()>>,
    lock: Option<File>,
}

/// Where to read.
pub(super) enum Backend {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Store {
    /// `sqlite:PATH` or `postgres://..`. Takes the lock (SQLite), migrates, refuses a newer schema.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let mut holder = None;
        let (backend, writers, lock) = match url.strip_prefix("sqlite:") {
            Some(path) => sqlite(Path::new(path.trim_start_matches("//"))).await?,
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                let pool = postgres(url).await?;
                holder = Some(Holder::register(url, &pool).await?);
                let writers = (0..WRITERS).map(|_| Place::Postgres(pool.clone())).collect();
                (Backend::Postgres(pool), writers, None)
            }
            None => return Err(StoreError::Unavailable("a store is `sqlite:PATH` or `postgres://..`".into())),
        };
        let (writer, inbox) = mpsc::channel(writer::QUEUE);
        let inbox = Arc::new(Mutex::new(inbox));
        let (stop, stopped) = watch::channel(false);
        let begin = |place| tokio::spawn(writer::run(place, inbox.clone(), stopped.clone()));
        let writing = writers.into_iter().map(begin).collect();
        let store = Self(Arc::new(Inner {
            backend,
            writer,
            marked: AtomicI64::new(i64::MIN),
            next_id: AtomicI64::new(1),
            end_id: AtomicI64::new(0),
            reserving: Mutex::new(()),
            owed: super::owed::Owed::default(),
            writing: Mutex::new(Some(Writing { stop, writers: writing, lock })),
            holder,
            whole: history::fill::whole(),
        }));
        history::fill::begin(&store).await?;
        Ok(store)
    }

    /// Finishes what was begun, closes the database and lets go of its file; nothing can be read or written afterwards, by any
    /// clone.
    pub async fn close(&self) {
        if let Some(holder) = &self.0.holder {
            holder.leave().await;
        }
        let writing = self.0.writing.lock().await.take();
        match &self.0.backend {
            // The connection that closes last takes the write-ahead log along: that is the writer's.
            Backend::Sqlite(pool) => {
                pool.close().await;
                end(writing).await;
            }
            Backend::Postgres(pool) => {
                end(writing).await;
                pool.close().await;
            }
        }
    }

    /// Runs a writing job in a transaction with whatever else waits. Answered after COMMIT.
    pub(super) async fn write(&self, job: Job) -> Result<Reply, CommitError> {
        let (done, answer) = oneshot::channel();
        let gone = || CommitError::Unavailable("the writer has stopped".into());
        self.0.writer.send(Envelope { job, done }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
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

async fn end(writing: Option<Writing>) {
    let Some(Writing { stop, writers, lock }) = writing else { return };
    stop.send(true).ok();
    for writer in writers {
        drop(writer.await);
    }
    // Not left to the file's closing: a child process that was being started at this moment has the same open file.
    if let Some(Err(error)) = lock.map(|lock| lock.unlock()) {
        tracing::error!(?error, "the lock of the store cannot be given back");
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

/// Where to read, where to write, and the lock that keeps others out.
type Opened = (Backend, Vec<Place>, Option<File>);

async fn sqlite(path: &Path) -> Result<Opened, StoreError> {
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
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(STATEMENTS);
    // The writer keeps its pages, and moves them from the log into the file less often than by default.
    let writing = options.clone().pragma("cache_size", CACHE).pragma("wal_autocheckpoint", LOG);
    let mut conn = writing.connect().await.map_err(unavailable)?;
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
    // Its file cannot hang up: to ask whether a connection still answers would cost as much as the read.
    let read = SqlitePoolOptions::new()
        .max_connections(4)
        .test_before_acquire(false)
        .connect_with(options.read_only(true))
        .await
        .map_err(unavailable)?;
    Ok((Backend::Sqlite(read), vec![Place::Sqlite(conn)], Some(lock)))
}

async fn postgres(url: &str) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(unavailable)?.statement_cache_capacity(STATEMENTS);
    let pool = PgPoolOptions::new().max_connections(POOL).acquire_timeout(SILENCE);
    // Whether a connection still answers is asked only where it has been silent for a while.
    let pool = pool.test_before_acquire(false).before_acquire(|conn, seen| {
        Box::pin(async move {
            if seen.idle_for < IDLE {
                return Ok(true);
            }
            Ok(conn.ping().await.is_ok())
        })
    });
    let pool = pool.connect_with(options).await.map_err(unavailable)?;
    faults::point("migration.due");
    migrated(MIGRATIONS.run(&pool).await)?;
    faults::point("migration.done");
    Ok(pool)
}
