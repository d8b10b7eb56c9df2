//! Fresh databases for the figures: a SQLite file under target/tmp (a real disk, as the store would use), or a database of
//! the throw-away PostgreSQL server that `scripts/bench` started.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::{Context as _, bail};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row as _, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

/// Which database.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Sqlite,
    /// The server's URL, ending in a database that exists.
    Postgres(String),
}

/// One database; gone when dropped (a PostgreSQL one goes with its server).
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    kind: Kind,
}

impl Kind {
    /// SQLite always; PostgreSQL when its server is named.
    pub(crate) fn at_hand() -> Vec<Self> {
        let server = std::env::var("HALLPASS_BENCH_POSTGRES").ok().map(Self::Postgres);
        if server.is_none() {
            println!("(no PostgreSQL: HALLPASS_BENCH_POSTGRES is not set, scripts/bench sets it)");
        }
        [Self::Sqlite].into_iter().chain(server).collect()
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    pub(crate) async fn fresh(&self) -> anyhow::Result<Place> {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        let url = match self {
            Self::Sqlite => format!("sqlite:{}", folder.path().join("hallpass.db").display()),
            Self::Postgres(server) => make(server, None).await?,
        };
        Ok(Place { url, folder, kind: self.clone() })
    }
}

impl Place {
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("hallpass.db")
    }

    /// The same contents again. Nobody may have it open any more.
    pub(crate) async fn copy(&self) -> anyhow::Result<Self> {
        let mut copy = self.kind.fresh().await?;
        match &self.kind {
            Kind::Sqlite => {
                self.closed().await?;
                std::fs::copy(self.file(), copy.file())?;
                std::fs::File::open(copy.file())?.sync_all()?;
            }
            Kind::Postgres(server) => copy.url = make(server, Some(&self.url)).await?,
        }
        Ok(copy)
    }

    /// Nobody may have it open any more: brings the write-ahead log into the file.
    pub(crate) async fn closed(&self) -> anyhow::Result<()> {
        for _ in 0..200 {
            let mut conn = SqliteConnectOptions::new().filename(self.file()).connect().await?;
            let done = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut conn).await?;
            conn.close().await?;
            if done.try_get::<i64, _>(0)? == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the store is still open")
    }
}

async fn make(server: &str, template: Option<&str>) -> anyhow::Result<String> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let name = format!("bench_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let base = server.rsplit_once('/').context("a server's URL ends in a database")?.0;
    let template = template.and_then(|url| url.rsplit_once('/')).map_or(String::new(), |(_, db)| format!(" TEMPLATE {db}"));
    let mut conn = PgConnection::connect(server).await?;
    let mut tries = 0;
    loop {
        // A template that was just closed may still have a connection for a moment.
        match sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}{template}"))).execute(&mut conn).await {
            Ok(_) => return Ok(format!("{base}/{name}")),
            Err(error) if tries >= 100 => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        tries += 1;
    }
}
