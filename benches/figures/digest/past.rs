//! A past, written in bulk: documents and ledger entries of requests that are over, the bot's own stream, seals. What the
//! history says of them is the store's to read in.

use std::time::Instant as Stopwatch;

use anyhow::Context as _;
use hallpass::domain::{
    ids::ResourceId,
    time::{Instant, Span},
};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use super::{
    DAY, Day, Shape,
    lives::{EVENTS, Life, lived},
    one,
};

/// Requests: each has six events.
const REQUESTS: u32 = 166_667;
const YEAR: i64 = 365 * 86_400;
/// Requests in one statement.
const CHUNK: usize = 1_000;
/// Entries of the bot's own stream.
const OWN: i64 = 20_000;

/// What was written, and when it ends.
#[derive(Debug)]
pub(super) struct Past {
    pub events: u64,
    pub requests: u32,
    pub now: Instant,
    pub day: Day,
    /// Requests that were opened on the day.
    pub asked: u64,
    pub resource: ResourceId,
}

/// Columns of requests, as lists.
#[derive(Default)]
struct Columns {
    id: Vec<String>,
    n: Vec<i64>,
    requester: Vec<String>,
    resource: Vec<String>,
    opened_at: Vec<i64>,
    document: Vec<String>,
}

enum Conn {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Six entries of each request, as long as real ones are; then the bot's own, of which one in a thousand is a new policy.
const ENTRIES: [&str; 4] = [
    "INSERT INTO streams (stream, n, at) SELECT 'request/' || id, 6, opened_at FROM requests",
    "INSERT INTO entries (id, stream, n, at, bytes) SELECT 6 * (row_number() OVER (ORDER BY opened_at, id)) + k.n, 'request/' || id, k.n, \
     opened_at, substr(document, 1, 420) FROM requests CROSS JOIN (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 \
     UNION ALL SELECT 4 UNION ALL SELECT 5) AS k",
    "INSERT INTO seals (leaf, entry, hash) SELECT row_number() OVER (ORDER BY id) - 1, id, \
     '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' FROM entries",
    "UPDATE marks SET value = -9223372036854775807 WHERE name = 'history'",
];

impl Past {
    /// Writes it into an empty store that nobody has open.
    pub(super) async fn written(url: &str, shape: Shape) -> anyhow::Result<Self> {
        let now = Instant::from_micros(1_795_521_600_000_000);
        let past = Self {
            events: u64::from(REQUESTS) * EVENTS,
            requests: REQUESTS,
            now,
            day: Day { from: now - DAY, to: now },
            asked: 0,
            resource: one("r0")?,
        };
        let mut conn = Conn::open(url).await?;
        conn.run("BEGIN").await?;
        let mut asked = 0;
        for first in (0..REQUESTS).step_by(CHUNK) {
            let mut columns = Columns::default();
            for n in first..(first + u32::try_from(CHUNK)?).min(REQUESTS) {
                let life = past.life(n, shape);
                asked += u64::from(past.day.from <= life.opened_at && life.opened_at < past.day.to);
                columns.add(life)?;
            }
            conn.insert(columns).await?;
        }
        for sql in ENTRIES {
            conn.run(sql).await?;
        }
        conn.own_stream(now).await?;
        conn.run("COMMIT").await?;
        Ok(Self { asked, ..past })
    }

    /// Evenly spread, without any chance, so that every run has the same past.
    fn life(&self, n: u32, shape: Shape) -> Life {
        let scattered = i64::from(n.wrapping_mul(2_654_435_761) >> 4);
        match shape {
            Shape::Spread => Life {
                n,
                resource: n % 100,
                opened_at: self.now - Span::from_seconds(1 + scattered % YEAR),
                held: Span::from_minutes(15 + scattered % 465),
            },
            Shape::Heaped => {
                let within = if n < 100_000 { 86_400 } else { YEAR };
                let held = if n.is_multiple_of(4) { 30 * 1_440 } else { 480 };
                let opened_at = self.now - Span::from_seconds(1 + scattered % within);
                Life { n, resource: 0, opened_at, held: Span::from_minutes(15 + scattered % held) }
            }
        }
    }

    /// An instant of the year, or in the last days.
    pub(super) fn instant(&self, n: usize) -> Instant {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        let within = if n.is_multiple_of(2) { YEAR } else { 3 * 86_400 };
        self.now - Span::from_seconds(i64::from(n.wrapping_mul(2_654_435_761) >> 4) % within)
    }

    /// What a PostgreSQL does by itself within minutes of so many new rows.
    pub(super) async fn settle(&self, url: &str) -> anyhow::Result<()> {
        if let Conn::Postgres(mut conn) = Conn::open(url).await? {
            sqlx::query("VACUUM (ANALYZE)").execute(&mut conn).await?;
        }
        Ok(())
    }

    /// Seconds that a bare SELECT of the day's rows takes.
    pub(super) async fn bare_day(&self, url: &str) -> anyhow::Result<f64> {
        let sql = "SELECT request, resource, subject, opened_at, held_from, ended_at, closed_at, ending FROM history \
                   WHERE opened_at >= $1 AND opened_at < $2";
        Conn::open(url).await?.timed(sql, self.day.from.micros(), self.day.to.micros()).await
    }

    /// Seconds that a bare SELECT of so many rows takes.
    pub(super) async fn bare_rows(&self, url: &str, rows: usize) -> anyhow::Result<f64> {
        let sql = "SELECT request, stage, resource, role, requester, subject, opened_at, begun_at, held_from, ended_at, gone_at, closed_at, \
                   ending FROM history WHERE opened_at > $1 LIMIT $2";
        Conn::open(url).await?.timed(sql, 0, i64::try_from(rows)?).await
    }
}

impl Columns {
    fn add(&mut self, life: Life) -> anyhow::Result<()> {
        let request = lived(life)?;
        self.id.push(request.id.to_string());
        self.n.push(i64::try_from(request.n)?);
        self.requester.push(request.requester.to_string());
        self.resource.push(request.main_ask().resource.to_string());
        self.opened_at.push(request.opened_at.micros());
        self.document.push(serde_json::to_string(&request)?);
        Ok(())
    }
}

impl Conn {
    async fn open(url: &str) -> anyhow::Result<Self> {
        Ok(match url.strip_prefix("sqlite:") {
            Some(path) => Self::Sqlite(SqliteConnection::connect(path).await.context("the store's file")?),
            None => Self::Postgres(PgConnection::connect(url).await?),
        })
    }

    async fn run(&mut self, sql: &'static str) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(conn) => sqlx::query(sql).execute(conn).await.map(drop)?,
            Self::Postgres(conn) => sqlx::query(sql).execute(conn).await.map(drop)?,
        }
        Ok(())
    }

    async fn insert(&mut self, columns: Columns) -> anyhow::Result<()> {
        let Columns { id, n, requester, resource, opened_at, document } = columns;
        match self {
            Self::Sqlite(conn) => {
                let sql = "INSERT INTO requests (id, n, requester, subject, resource, open, opened_at, wake_at, document) \
                           VALUES ($1, $2, $3, $3, $4, FALSE, $5, NULL, $6)";
                let rows = id.into_iter().zip(n).zip(requester).zip(resource).zip(opened_at).zip(document);
                for (((((id, n), requester), resource), opened_at), document) in rows {
                    let query = sqlx::query(sql).bind(id).bind(n).bind(requester).bind(resource).bind(opened_at).bind(document);
                    query.execute(&mut *conn).await?;
                }
            }
            Self::Postgres(conn) => {
                let sql = "INSERT INTO requests (id, n, requester, subject, resource, open, opened_at, wake_at, document) \
                           SELECT id, n, requester, requester, resource, FALSE, opened_at, NULL, document FROM UNNEST($1::TEXT[], \
                           $2::BIGINT[], $3::TEXT[], $4::TEXT[], $5::BIGINT[], $6::TEXT[]) \
                           AS rows (id, n, requester, resource, opened_at, document)";
                let query = sqlx::query(sql).bind(id).bind(n).bind(requester).bind(resource).bind(opened_at).bind(document);
                query.execute(conn).await?;
            }
        }
        Ok(())
    }

    /// The bot's own entries, evenly over the year.
    async fn own_stream(&mut self, now: Instant) -> anyhow::Result<()> {
        let sql = "INSERT INTO entries (id, stream, n, at, bytes) VALUES ($1, 'bot', $2, $3, $4)";
        for n in 0..OWN {
            let at = now - Span::from_seconds((OWN - n) * YEAR / OWN);
            let event = if n % 1_000 == 0 {
                serde_json::json!({ "type": "policy_loaded", "digest": "sha256:bench", "before": null })
            } else {
                serde_json::json!({ "type": "looked", "what": "who r0" })
            };
            let actor = serde_json::json!({ "door": null, "person": null });
            let whole =
                serde_json::json!({ "v": 1, "stream": "bot", "n": n, "at": at, "actor": actor, "policy": "sha256:bench", "event": event });
            let bytes = serde_json_canonicalizer::to_string(&whole)?;
            let id = 10_000_000 + n;
            match self {
                Self::Sqlite(conn) => {
                    sqlx::query(sql).bind(id).bind(n).bind(at.micros()).bind(bytes).execute(conn).await.map(drop)?;
                }
                Self::Postgres(conn) => {
                    sqlx::query(sql).bind(id).bind(n).bind(at.micros()).bind(bytes).execute(conn).await.map(drop)?;
                }
            }
        }
        match self {
            Self::Sqlite(conn) => {
                sqlx::query(STREAM).bind(OWN).bind(now.micros()).execute(conn).await?;
            }
            Self::Postgres(conn) => {
                sqlx::query(STREAM).bind(OWN).bind(now.micros()).execute(conn).await?;
            }
        }
        Ok(())
    }

    /// Reads all rows; seconds.
    async fn timed(&mut self, sql: &'static str, one: i64, two: i64) -> anyhow::Result<f64> {
        let start = match self {
            Self::Sqlite(conn) => {
                sqlx::query(sql).bind(one).bind(two).fetch_all(&mut *conn).await?;
                let start = Stopwatch::now();
                sqlx::query(sql).bind(one).bind(two).fetch_all(conn).await?;
                start
            }
            Self::Postgres(conn) => {
                sqlx::query(sql).bind(one).bind(two).fetch_all(&mut *conn).await?;
                let start = Stopwatch::now();
                sqlx::query(sql).bind(one).bind(two).fetch_all(conn).await?;
                start
            }
        };
        Ok(start.elapsed().as_secs_f64())
    }
}

const STREAM: &str = "INSERT INTO streams (stream, n, at) VALUES ('bot', $1, $2)";
