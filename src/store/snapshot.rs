//! One moment of a store, read without taking its lock, without migrating and without writing: for auditors, beside a
//! running bot. Everything that is read through one snapshot belongs together.

use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    Postgres, Sqlite, Transaction,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{
    Store, StoreError,
    db::{Conn, DbError, Row, Value},
    open::{Backend, MIGRATIONS, unavailable},
};

/// A reading transaction; ends when dropped.
pub struct Snapshot(Reading);

enum Reading {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

const POSTGRES: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Snapshot")
    }
}

impl Snapshot {
    /// `sqlite:PATH` or `postgres://..`, which a bot may be using. Refuses what this version cannot read.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let mut snapshot = match url.strip_prefix("sqlite:") {
            Some(path) => Self(Reading::Sqlite(sqlite(Path::new(path.trim_start_matches("//"))).await?)),
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(5));
                let pool = pool.connect(url).await.map_err(unavailable)?;
                Self(Reading::Postgres(pool.begin_with(POSTGRES).await.map_err(unavailable)?))
            }
            None => return Err(StoreError::Unavailable("a store is `sqlite:PATH` or `postgres://..`".into())),
        };
        snapshot.schema().await?;
        Ok(snapshot)
    }

    /// The tables are those that this version knows: no fewer, no more.
    async fn schema(&mut self) -> Result<(), StoreError> {
        let applied = self.rows("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version", &[]).await;
        let applied = applied.map_err(|error| match StoreError::from(error) {
            StoreError::Unavailable(why) => StoreError::Corrupt(format!("it is not a store of hallpass: {why}")),
            other => other,
        })?;
        let applied: Vec<i64> = applied.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
        let ours = || MIGRATIONS.iter().map(|migration| migration.version);
        if let Some(newer) = applied.iter().find(|version| !ours().any(|known| known == **version)) {
            return Err(StoreError::Corrupt(format!(
                "it was written by a newer hallpass (migration {newer} is unknown here): look at it with that one"
            )));
        }
        if let Some(missing) = ours().find(|version| !applied.contains(version)) {
            return Err(StoreError::Corrupt(format!(
                "it was written by an older hallpass (migration {missing} is missing): look at it with that one, or start the bot \
                 with this one first, which brings it up to date"
            )));
        }
        Ok(())
    }

    pub(super) async fn rows(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, DbError> {
        match &mut self.0 {
            Reading::Sqlite(reading) => Conn::Sqlite(&mut *reading).rows(sql, values).await,
            Reading::Postgres(reading) => Conn::Postgres(&mut *reading).rows(sql, values).await,
        }
    }
}

impl Store {
    /// This moment of the store. What is written later is not in it.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot(match &self.0.backend {
            Backend::Sqlite(read) => Reading::Sqlite(read.begin().await.map_err(unavailable)?),
            Backend::Postgres(pool) => Reading::Postgres(pool.begin_with(POSTGRES).await.map_err(unavailable)?),
        }))
    }
}

async fn sqlite(path: &Path) -> Result<Transaction<'static, Sqlite>, StoreError> {
    let shown = path.display();
    if !path.exists() {
        return Err(StoreError::Unavailable(format!("{shown} does not exist")));
    }
    let options = SqliteConnectOptions::from_str("sqlite:").map_err(unavailable)?;
    let options = options.filename(path).read_only(true).create_if_missing(false).busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    let pool = pool.map_err(|error| StoreError::Unavailable(format!("{shown}: {error}")))?;
    pool.begin().await.map_err(|error| StoreError::Unavailable(format!("{shown}: {error}")))
}
