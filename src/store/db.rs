//! The thin layer that lets every SQL text exist once: values in, rows out, on SQLite and PostgreSQL alike.
//! The subset that works on both is BIGINT, TEXT, BOOLEAN, `$1`, RETURNING, ON CONFLICT and partial indexes.

use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, Either, Executor as _, PgConnection, Row as _, SqlSafeStr, SqlStr, SqliteConnection, postgres::PgArguments,
    postgres::PgRow, query::Query, sqlite::SqliteArguments, sqlite::SqliteRow,
};

use super::{CommitError, StoreError};

/// Rows in one statement over many. Few sizes, so that few texts are prepared; the last one is 1.
const PIECES: [usize; 4] = [64, 16, 4, 1];
/// Prepared statements that a connection keeps: every text in every size.
pub(super) const STATEMENTS: usize = 256;

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

/// What came of a statement: the rows that it returned, and how many it changed.
#[derive(Default)]
pub(super) struct Changed {
    pub rows: Vec<Row>,
    pub count: u64,
}

impl Changed {
    pub(super) fn add(&mut self, more: Self) {
        self.rows.extend(more.rows);
        self.count += more.count;
    }
}

/// Of several statements in a row.
#[derive(Default)]
struct Outcomes {
    rows: Vec<Row>,
    done: Vec<Changed>,
}

impl Outcomes {
    fn end(&mut self, count: u64) {
        self.done.push(Changed { rows: std::mem::take(&mut self.rows), count });
    }
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
        Ok(self.run(sql.into_sql_str(), values).await?.pop().unwrap_or_default().count)
    }

    /// Runs a query; all its rows.
    pub(super) async fn rows(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, DbError> {
        Ok(self.run(sql.into_sql_str(), values).await?.pop().unwrap_or_default().rows)
    }

    /// Runs a query over many rows of `width` values each, which stand in it as `{rows}`; all rows that come of it.
    pub(super) async fn rows_many(&mut self, sql: &'static str, width: usize, values: &[Value]) -> Result<Vec<Row>, DbError> {
        let mut all = Changed::default();
        for piece in pieces(width, values) {
            all.add(self.run(listed(sql, width, piece.len() / width, self.places()), piece).await?.pop().unwrap_or_default());
        }
        Ok(all.rows)
    }

    /// What came of each statement of the text.
    pub(super) async fn run(&mut self, sql: SqlStr, values: &[Value]) -> Result<Vec<Changed>, DbError> {
        let mut outcomes = Outcomes::default();
        match self {
            Self::Sqlite(conn) => {
                let query: Query<'_, sqlx::Sqlite, SqliteArguments> = bind_all!(sqlx::query(sql), values);
                let mut stream = (&mut **conn).fetch_many(query);
                while let Some(item) = stream.try_next().await? {
                    match item {
                        Either::Left(done) => outcomes.end(done.rows_affected()),
                        Either::Right(row) => outcomes.rows.push(Row::Sqlite(row)),
                    }
                }
            }
            Self::Postgres(conn) => {
                let query: Query<'_, sqlx::Postgres, PgArguments> = bind_all!(sqlx::query(sql), values);
                let mut stream = (&mut **conn).fetch_many(query);
                while let Some(item) = stream.try_next().await? {
                    match item {
                        Either::Left(done) => outcomes.end(done.rows_affected()),
                        Either::Right(row) => outcomes.rows.push(Row::Postgres(row)),
                    }
                }
            }
        }
        Ok(outcomes.done)
    }

    /// How lists are written here.
    pub(super) const fn places(&self) -> Places {
        match self {
            Self::Sqlite(_) => Places::Nameless,
            Self::Postgres(_) => Places::Numbered,
        }
    }

    /// The one dialect branch: leases of several rows pass over what others hold.
    pub(super) const fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }
}

/// The values of so many rows at a time.
pub(super) fn pieces(width: usize, mut values: &[Value]) -> impl Iterator<Item = &[Value]> {
    std::iter::from_fn(move || {
        let rows = PIECES.into_iter().find(|size| size * width <= values.len())?;
        let piece;
        (piece, values) = values.split_at(rows * width);
        Some(piece)
    })
}

/// How the places of a list are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Places {
    /// `$1, $2`: PostgreSQL, and several statements in one text.
    Numbered,
    /// `?, ?`: SQLite looks through all names for the name of each place, and these have none.
    Nameless,
}

/// The text with `{rows}` written out: `($1, $2), ($3, $4)`. Nothing but these places is put in.
pub(super) fn listed(sql: &'static str, width: usize, rows: usize, places: Places) -> SqlStr {
    let place = |at: usize| if places == Places::Numbered { format!("${at}") } else { "?".to_owned() };
    let row = |row: usize| {
        let places: Vec<String> = (1..=width).map(|column| place(row * width + column)).collect();
        format!("({})", places.join(", "))
    };
    let list: Vec<String> = (0..rows).map(row).collect();
    AssertSqlSafe(sql.replace("{rows}", &list.join(", "))).into_sql_str()
}

/// The text with its placeholders moved: `$1` becomes `$6` behind five other values.
pub(super) fn shifted(sql: &str, by: usize) -> String {
    let (mut out, mut parts) = (String::with_capacity(sql.len() + 16), sql.split('$'));
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = part.split_at(digits);
        let moved = number.parse::<usize>().map_or_else(|_| number.to_owned(), |number| (number + by).to_string());
        out.push('$');
        out.push_str(&moved);
        out.push_str(rest);
    }
    out
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_listed_in_few_sizes_and_none_is_lost() {
        let values: Vec<Value> = (0..2 * 87).map(Value::Int).collect();
        let sizes: Vec<usize> = pieces(2, &values).map(|piece| piece.len() / 2).collect();
        assert_eq!(sizes, [64, 16, 4, 1, 1, 1]);
        assert_eq!(pieces(2, &[]).count(), 0);
        assert_eq!(shifted("UPDATE t SET a = $1 WHERE b = $12", 3), "UPDATE t SET a = $4 WHERE b = $15");
        let text = |places| listed("INSERT INTO t VALUES {rows}", 2, 2, places);
        assert_eq!(text(Places::Numbered).as_str(), "INSERT INTO t VALUES ($1, $2), ($3, $4)");
        assert_eq!(text(Places::Nameless).as_str(), "INSERT INTO t VALUES (?, ?), (?, ?)");
    }
}
