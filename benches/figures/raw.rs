//! The limit that a store is held against: durable commits of one row each, on the same disk, with the same settings.

use std::time::{Duration, Instant};

use sqlx::{
    ConnectOptions, Connection, PgConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::task::JoinSet;

use crate::place::Kind;

const FOR: Duration = Duration::from_millis(1_500);
const TABLE: &str = "CREATE TABLE IF NOT EXISTS raw (id BIGINT PRIMARY KEY, body TEXT NOT NULL)";
const INSERT: &str = "INSERT INTO raw (id, body) VALUES ($1, $2)";

/// Commits per second, each of one row as large as a ledger entry, with so many connections.
pub(crate) async fn commits(kind: &Kind, connections: i64) -> anyhow::Result<f64> {
    let place = kind.fresh().await?;
    let body = "x".repeat(400);
    let start = Instant::now();
    let done: i64 = match kind {
        Kind::Sqlite => {
            let options = SqliteConnectOptions::new()
                .filename(place.file())
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full);
            let mut conn = options.connect().await?;
            sqlx::query(TABLE).execute(&mut conn).await?;
            let mut n = 0;
            while start.elapsed() < FOR {
                sqlx::query(INSERT).bind(n).bind(&body).execute(&mut conn).await?;
                n += 1;
            }
            conn.close().await?;
            n
        }
        Kind::Postgres(_) => {
            sqlx::query(TABLE).execute(&mut PgConnection::connect(&place.url).await?).await?;
            let mut lanes = JoinSet::new();
            for lane in 0..connections {
                let (url, body) = (place.url.clone(), body.clone());
                lanes.spawn(async move {
                    let mut conn = PgConnection::connect(&url).await?;
                    let mut n = 0;
                    while start.elapsed() < FOR {
                        sqlx::query(INSERT).bind(lane * 1_000_000 + n).bind(&body).execute(&mut conn).await?;
                        n += 1;
                    }
                    Ok::<_, sqlx::Error>(n)
                });
            }
            let mut n = 0;
            while let Some(lane) = lanes.join_next().await {
                n += lane??;
            }
            n
        }
    };
    Ok(per_second(done, start.elapsed()))
}

/// A rate.
pub(crate) fn per_second(count: i64, time: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / time.as_secs_f64()
}
