//! A connection that knows no rule: how somebody with the database alone would change it.

use std::fmt::Write as _;

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

impl Raw {
    /// All tables but the migrations' own.
    pub(crate) async fn tables(&mut self) -> Vec<String> {
        let sql = match self {
            Self::Sqlite(_) => "SELECT 0, name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name",
            Self::Postgres(_) => {
                "SELECT CAST(0 AS BIGINT), CAST(table_name AS TEXT) FROM information_schema.tables \
                 WHERE table_schema = 'public' AND table_name NOT LIKE '\\_%' ORDER BY 2"
            }
        };
        self.pairs(sql).await.into_iter().map(|(_, name)| name).collect()
    }

    /// All rows of a SQLite file as statements that both databases take.
    pub(crate) async fn export(&mut self) -> String {
        let mut text = String::new();
        for table in self.tables().await {
            let columns = self.pairs(&format!("SELECT cid, name || ' ' || type FROM pragma_table_info('{table}') ORDER BY cid")).await;
            let (names, values): (Vec<String>, Vec<String>) =
                columns.iter().filter_map(|(_, column)| column.split_once(' ')).map(value).unzip();
            let values = values.join(" || ', ' || ");
            for (_, row) in self.pairs(&format!("SELECT 0, {values} FROM {table} ORDER BY 2")).await {
                writeln!(text, "INSERT INTO {table} ({}) VALUES ({row});", names.join(", ")).unwrap();
            }
        }
        text
    }
}

/// A column's name, and what makes a literal of its value.
fn value((name, kind): (&str, &str)) -> (String, String) {
    let literal = match kind {
        "BOOLEAN" => format!("CASE WHEN {name} THEN 'TRUE' ELSE 'FALSE' END"),
        _ => format!("quote({name})"),
    };
    (name.to_owned(), literal)
}

/// What a restored backup would bring back.
const TABLES: [&str; 7] = ["requests", "words", "streams", "entries", "unsealed", "seals", "checkpoints"];

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}
