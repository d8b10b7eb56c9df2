//! The thin layer that lets every SQL text exist once: values in, rows out, on SQLite and PostgreSQL alike.
//! The subset that works on both is BIGINT, TEXT, BOOLEAN, `$1`, RETURNING, ON CONFLICT and partial indexes.

use sqlx::{
    PgConnection, Row as _, SqliteConnection, postgres::PgArguments, postgres::PgRow, query::Query, sqlite::SqliteArguments,
    sqlite::SqliteRow,
};

use super::{CommitError, StoreError};

/// A connection of either kind.
pub(super) enum Conn<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A bound value. NULLs carry their type, which PostgreSQL wants to know.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Int(i64),
    Text(String),
    Bool(bool),
    IntOr(Option<i64>),
    TextOr(Option<String>),
}

/// A row of either kind.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// Why a statement failed.
#[derive(Debug)]
pub(super) enum DbError {
    /// Deadlock or serialization failure: decide again.
    Again,
    Other(String),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default();
        if matches!(code.as_ref(), "40001" | "40P01") { Self::Again } else { Self::Other(error.to_string()) }
    }
}

impl From<DbError> for CommitError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Again => Self::Stale,
            DbError::Other(why) => Self::Unavailable(why),
        }
    }
}

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Again => Self::Unavailable("deadlock".into()),
            DbError::Other(why) => Self::Unavailable(why),
        }
    }
}

macro_rules! bind_all {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Int(v) => query.bind(*v),
                Value::Text(v) => query.bind(v.clone()),
                Value::Bool(v) => query.bind(*v),
                Value::IntOr(v) => query.bind(*v),
                Value::TextOr(v) => query.bind(v.clone()),
            };
        }
        query
    }};
}

impl Conn<'_> {
    /// Runs a statement; how many rows it changed.
    pub(super) async fn exec(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, DbError> {
        Ok(match self {
            Self::Sqlite(conn) => {
                let query: Query<'_, sqlx::Sqlite, SqliteArguments> = bind_all!(sqlx::query(sql), values);
                query.execute(&mut **conn).await?.rows_affected()
            }
            Self::Postgres(conn) => {
                let query: Query<'_, sqlx::Postgres, PgArguments> = bind_all!(sqlx::query(sql), values);
                query.execute(&mut **conn).await?.rows_affected()
            }
        })
    }

    /// Runs a query; all its rows.
    pub(super) async fn rows(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, DbError> {
        Ok(match self {
            Self::Sqlite(conn) => {
                let query: Query<'_, sqlx::Sqlite, SqliteArguments> = bind_all!(sqlx::query(sql), values);
                query.fetch_all(&mut **conn).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(conn) => {
                let query: Query<'_, sqlx::Postgres, PgArguments> = bind_all!(sqlx::query(sql), values);
                query.fetch_all(&mut **conn).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The one dialect branch: leases of several rows pass over what others hold.
    pub(super) const fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }
}

macro_rules! column {
    ($name:ident, $type:ty) => {
        pub(super) fn $name(&self, index: usize) -> Result<$type, DbError> {
            Ok(match self {
                Self::Sqlite(row) => row.try_get(index)?,
                Self::Postgres(row) => row.try_get(index)?,
            })
        }
    };
}

impl Row {
    column!(int, i64);
    column!(text, String);
    column!(bool, bool);
    column!(int_or, Option<i64>);
    column!(text_or, Option<String>);
}
