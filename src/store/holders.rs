//! Leases outlive the process that took them by minutes. Who is dead is known sooner: on SQLite by the file's lock, on
//! PostgreSQL by an advisory lock that each process holds in a session of its own. Taking such a lease early is safe even
//! where that session was lost and its process lives: the fence refuses its writes, and a call's deadline lies in the row.

use sqlx::{Connection, PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::sync::Mutex;

use super::{
    Store, StoreError,
    db::{
        Conn,
        Value::{self, Int},
    },
    open::SILENCE,
};

/// The first half of the advisory lock's key; the second is the process's number.
const CLASS: i64 = 0x6861_6c6c;
/// A machine that lost its power is noticed within this, in seconds; without it the server waits for hours.
const KEEP_ALIVE: [(&str, &str); 3] = [("tcp_keepalives_idle", "20"), ("tcp_keepalives_interval", "5"), ("tcp_keepalives_count", "3")];

/// This process's number, and the session that proves that it lives.
pub(super) struct Holder {
    pub id: i64,
    url: String,
    session: Mutex<Option<PgConnection>>,
}

impl Holder {
    /// Takes a number that nobody has, and the lock under it.
    pub(super) async fn register(url: &str, pool: &PgPool) -> Result<Self, StoreError> {
        let mut session = connect(url).await?;
        loop {
            let sql = "INSERT INTO marks (name, value) VALUES ('holders', 1) \
                       ON CONFLICT (name) DO UPDATE SET value = marks.value + 1 RETURNING value";
            let mut conn = pool.acquire().await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
            let rows = Conn::Postgres(&mut conn).rows(sql, &[]).await?;
            let id = rows.first().map(|row| row.int(0)).transpose()?.unwrap_or(0);
            // Two bots in one database with schemas of their own may count to the same number.
            if lock(&mut session, id).await? {
                write_down(&mut session, id).await?;
                return Ok(Self { id, url: url.to_owned(), session: Mutex::new(Some(session)) });
            }
        }
    }

    /// Gives up the proof that this process lives, with its leases.
    pub(super) async fn leave(&self) {
        drop(self.session.lock().await.take());
    }

    /// Frees what processes had leased that are dead. Returns how many of them there were.
    async fn release_dead(&self) -> Result<usize, StoreError> {
        let mut place = self.session.lock().await;
        let mut session = if let Some(session) = place.take() {
            session
        } else {
            // After a lost session; until its lock is ours again others may take our leases, which costs time only.
            let mut session = connect(&self.url).await?;
            if !lock(&mut session, self.id).await? {
                return Ok(0);
            }
            write_down(&mut session, self.id).await?;
            session
        };
        let mut released = 0;
        let others = Conn::Postgres(&mut session).rows("SELECT id FROM holders WHERE id <> $1", &[Int(self.id)]).await?;
        for row in others {
            let other = row.int(0)?;
            if lock(&mut session, other).await? {
                free(&mut session, other).await?;
                unlock(&mut session, other).await?;
                released += 1;
            }
        }
        *place = Some(session);
        Ok(released)
    }
}

impl Store {
    /// Frees at once what processes had leased that have died since. Returns how many of them there were.
    pub async fn release_dead(&self) -> Result<usize, StoreError> {
        match &self.0.holder {
            Some(holder) => {
                let silent = |_| StoreError::Unavailable("it did not answer in time".into());
                tokio::time::timeout(SILENCE, holder.release_dead()).await.map_err(silent)?
            }
            None => Ok(0),
        }
    }

    /// What leases are taken in the name of.
    pub(super) fn holder(&self) -> i64 {
        self.0.holder.as_ref().map_or(0, |holder| holder.id)
    }
}

async fn connect(url: &str) -> Result<PgConnection, StoreError> {
    let unavailable = |error: sqlx::Error| StoreError::Unavailable(error.to_string());
    let options: PgConnectOptions = url.parse().map_err(unavailable)?;
    PgConnection::connect_with(&options.options(KEEP_ALIVE)).await.map_err(unavailable)
}

async fn lock(session: &mut PgConnection, id: i64) -> Result<bool, StoreError> {
    one(session, "SELECT pg_try_advisory_lock(CAST($1 AS INTEGER), CAST($2 AS INTEGER))", id).await
}

async fn unlock(session: &mut PgConnection, id: i64) -> Result<bool, StoreError> {
    one(session, "SELECT pg_advisory_unlock(CAST($1 AS INTEGER), CAST($2 AS INTEGER))", id).await
}

async fn one(session: &mut PgConnection, sql: &'static str, id: i64) -> Result<bool, StoreError> {
    let values: [Value; 2] = [Int(CLASS), Int(id)];
    Ok(Conn::Postgres(session).rows(sql, &values).await?.first().map(|row| row.bool(0)).transpose()?.unwrap_or(false))
}

async fn write_down(session: &mut PgConnection, id: i64) -> Result<(), StoreError> {
    Conn::Postgres(session).exec("INSERT INTO holders (id) VALUES ($1) ON CONFLICT DO NOTHING", &[Int(id)]).await?;
    Ok(())
}

/// In the order in which every transaction locks them.
async fn free(session: &mut PgConnection, id: i64) -> Result<(), StoreError> {
    for sql in [
        "UPDATE entitlements SET leased_until = 0 WHERE holder = $1 AND leased_until > 0",
        "UPDATE tasks SET leased_until = 0 WHERE holder = $1 AND leased_until > 0",
        "DELETE FROM holders WHERE id = $1",
    ] {
        Conn::Postgres(session).exec(sql, &[Int(id)]).await?;
    }
    Ok(())
}
