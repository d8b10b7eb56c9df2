//! A transaction of a writer. A statement whose outcome nobody needs yet waits in it and goes to the database with the next
//! one that is asked. SQLite's connection is a thread of its own: one message to it costs more than most statements, so a
//! commit by itself goes there in as few messages as its questions allow.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::{
    CommitError,
    db::{Changed, Conn, DbError, Places, Row, Value, listed, pieces, shifted},
};

pub(super) struct Tx<'c> {
    conn: Conn<'c>,
    /// Everything that waits goes in one message. Only where the same few lists of statements come again and again: each
    /// list is a text of its own, which is prepared once.
    in_one: bool,
    waiting: Vec<Statement>,
}

/// A statement over so many rows, which stand in it as `{rows}`, or a plain one (width 0).
struct Statement {
    sql: &'static str,
    width: usize,
    values: Vec<Value>,
    wanted: Option<Wanted>,
}

/// How many rows a statement must change, and what it means when it does not.
pub(super) struct Wanted {
    pub rows: usize,
    pub otherwise: CommitError,
}

impl Statement {
    const fn plain(sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql, width: 0, values, wanted: None }
    }

    /// Its texts and their values: few sizes, so that few texts are prepared.
    fn pieces(&self, places: Places) -> Vec<(SqlStr, &[Value])> {
        if self.width == 0 {
            return vec![(self.sql.into_sql_str(), &self.values)];
        }
        pieces(self.width, &self.values).map(|piece| (listed(self.sql, self.width, piece.len() / self.width, places), piece)).collect()
    }

    fn check(&self, changed: u64) -> Result<(), CommitError> {
        match &self.wanted {
            Some(wanted) if u64::try_from(wanted.rows).is_ok_and(|rows| rows != changed) => Err(wanted.otherwise.clone()),
            _ => Ok(()),
        }
    }
}

impl<'c> Tx<'c> {
    pub(super) const fn new(conn: Conn<'c>, in_one: bool) -> Self {
        Self { conn, in_one, waiting: Vec::new() }
    }

    /// Waits in line. Nothing happens without values: a statement over no rows.
    pub(super) fn later(&mut self, sql: &'static str, width: usize, values: Vec<Value>, wanted: Option<Wanted>) {
        if !values.is_empty() {
            self.waiting.push(Statement { sql, width, values, wanted });
        }
    }

    /// Waits in line, as BEGIN and COMMIT do.
    pub(super) fn plain(&mut self, sql: &'static str) {
        self.waiting.push(Statement::plain(sql, Vec::new()));
    }

    /// Is something waiting whose outcome must be known before COMMIT?
    pub(super) fn is_unsure(&self) -> bool {
        self.waiting.iter().any(|statement| statement.wanted.is_some())
    }

    /// What waits is done; none of it left the wrong number of rows changed.
    pub(super) async fn flush(&mut self) -> Result<(), CommitError> {
        self.run().await.map(|_| ())
    }

    /// What still waits is given up.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
    }

    /// How many rows it changed.
    pub(super) async fn exec(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, CommitError> {
        self.waiting.push(Statement::plain(sql, values.to_vec()));
        Ok(self.run().await?.count)
    }

    pub(super) async fn rows(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, CommitError> {
        self.waiting.push(Statement::plain(sql, values.to_vec()));
        Ok(self.run().await?.rows)
    }

    /// `exec` over many rows of `width` values each.
    pub(super) async fn exec_many(&mut self, sql: &'static str, width: usize, values: Vec<Value>) -> Result<u64, CommitError> {
        if values.is_empty() {
            return Ok(0);
        }
        self.later(sql, width, values, None);
        Ok(self.run().await?.count)
    }

    /// `rows` over many rows of `width` values each.
    pub(super) async fn rows_many(&mut self, sql: &'static str, width: usize, values: Vec<Value>) -> Result<Vec<Row>, CommitError> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        self.later(sql, width, values, None);
        Ok(self.run().await?.rows)
    }

    pub(super) const fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        self.conn.pick(sqlite, postgres)
    }

    /// Do transactions run beside each other here, each locking what it writes?
    pub(super) const fn has_row_locks(&self) -> bool {
        matches!(self.conn, Conn::Postgres(_))
    }

    /// What came of the last one.
    async fn run(&mut self) -> Result<Changed, CommitError> {
        let statements = std::mem::take(&mut self.waiting);
        if self.in_one && statements.len() > 1 && matches!(self.conn, Conn::Sqlite(_)) {
            return self.run_in_one(&statements).await;
        }
        let mut last = Changed::default();
        for statement in &statements {
            last = Changed::default();
            for (text, values) in statement.pieces(self.conn.places()) {
                last.add(self.conn.run(text, values).await?.pop().unwrap_or_default());
            }
            statement.check(last.count)?;
        }
        Ok(last)
    }

    async fn run_in_one(&mut self, statements: &[Statement]) -> Result<Changed, CommitError> {
        let (mut text, mut values) = (String::new(), Vec::new());
        let mut counts = Vec::with_capacity(statements.len());
        for statement in statements {
            let pieces = statement.pieces(Places::Numbered);
            counts.push(pieces.len());
            for (piece, more) in pieces {
                text.push_str(&shifted(piece.as_str(), values.len()));
                text.push(';');
                values.extend_from_slice(more);
            }
        }
        let mut done = self.conn.run(AssertSqlSafe(text).into_sql_str(), &values).await?.into_iter();
        let mut last = Changed::default();
        for (statement, count) in statements.iter().zip(counts) {
            last = Changed::default();
            for _ in 0..count {
                last.add(done.next().ok_or_else(|| DbError::Other("a statement without an outcome".into()))?);
            }
            statement.check(last.count)?;
        }
        Ok(last)
    }
}
