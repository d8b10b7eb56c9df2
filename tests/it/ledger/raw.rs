//! A connection that knows no rule: how somebody with the database alone would change it.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqliteConnection};

pub(crate) enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    pub(crate) async fn open(url: &str) -> Self {
        match url.strip_prefix("sqlite:") {
            Some(_) => Self::Sqlite(SqliteConnection::connect(&format!("{url}?mode=rwc")).await.unwrap()),
            None => Self::Postgres(PgConnection::connect(url).await.unwrap()),
        }
    }

    /// Statements, one after the other.
    pub(crate) async fn run(&mut self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(conn) => drop(conn.execute(sqlx::raw_sql(sql)).await.unwrap()),
            Self::Postgres(conn) => drop(conn.execute(sqlx::raw_sql(sql)).await.unwrap()),
        }
    }

    /// A number and a text per row.
    pub(crate) async fn pairs(&mut self, sql: &str) -> Vec<(i64, String)> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(conn) => conn.fetch_all(sql).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect(),
            Self::Postgres(conn) => conn.fetch_all(sql).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect(),
        }
    }

    /// Keeps the rows as they are now under this name.
    pub(crate) async fn keep(&mut self, name: &str) {
        for table in TABLES {
            self.run(&format!("CREATE TABLE {name}_{table} AS SELECT * FROM {table}")).await;
        }
    }

    /// Puts back what was kept.
    pub(crate) async fn put_back(&mut self, name: &str) {
        for table in TABLES {
            self.run(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM {name}_{table}")).await;
        }
    }
}

/// What a restored backup would bring back.
const TABLES: [&str; 7] = ["requests", "words", "streams", "entries", "unsealed", "seals", "checkpoints"];
