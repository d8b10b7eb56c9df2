//! The lists of a digest: what ended how, what is troubled now, which grants were longest, each with a bound.

use super::rows::{columns, name, row};
use crate::{
    domain::{
        digest::{Given, LINES, LongGrant, Moments, TOP, Unused, What},
        ids::ResourceId,
        request::RequestId,
        time::{Instant, Span},
    },
    store::{
        Store, StoreError,
        api::corrupt,
        db::{
            Row,
            Value::{self, Int, Text, TextOr},
        },
        ledger::unsigned,
    },
};

/// An alarm that is open, and whose request it is about, if it is about one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Troubled {
    pub alarm: String,
    pub since: Instant,
    pub about: Option<(Given, Option<Instant>)>,
}

/// What a row is about, for a line.
fn given(request: RequestId, row: &Moments) -> Given {
    let asked_by = (row.requester != row.subject).then(|| row.requester.clone());
    Given { request, person: row.subject.clone(), asked_by, resource: row.resource.clone(), role: row.role.clone() }
}

fn long(found: &Row) -> Result<LongGrant, StoreError> {
    let (request, moments) = row(found)?;
    let (from, to) = moments.held_from.zip(moments.ended_at).ok_or_else(|| corrupt("a grant without its times"))?;
    Ok(LongGrant { given: given(request, &moments), from, to })
}

/// The longest of the grants that ended in a span: picked by an index that holds what is asked, and only then read.
macro_rules! longest {
    ($where:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM history WHERE request IN (SELECT request FROM history WHERE closed_at >= $1 AND closed_at < $2 \
             AND ($3 IS NULL OR resource = $3) AND held_from IS NOT NULL AND ended_at IS NOT NULL AND NOT had_before",
            $where,
            " ORDER BY ended_at - held_from DESC, request LIMIT $4) ORDER BY ended_at - held_from DESC, request"
        )
    };
}

/// Of the alarms that were over in a span.
macro_rules! over {
    ($what:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM alarms a LEFT JOIN history h ON h.request = a.request WHERE a.cleared_at >= $1 AND a.cleared_at < $2 \
             AND a.id NOT LIKE $3 AND a.id NOT LIKE $4 AND a.id NOT LIKE $5 AND (h.settled_at IS NULL OR h.settled_at < a.raised_at)"
        )
    };
}

impl Store {
    /// The longest of the grants that ended in `[from, to)`.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn longest(&self, from: Instant, to: Instant, resource: Option<&ResourceId>) -> Result<Vec<LongGrant>, StoreError> {
        self.whole_history().await?;
        self.long_grants(longest!(""), from, to, resource).await
    }

    /// How the grants that ended in `[from, to)` were used, with the longest of those that were not.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn unused(&self, from: Instant, to: Instant, resource: Option<&ResourceId>) -> Result<Unused, StoreError> {
        self.whole_history().await?;
        let unused = self.used(from, to, resource).await?;
        let grants = if unused.never > 0 { self.long_grants(longest!(" AND sessions = 0"), from, to, resource).await? } else { Vec::new() };
        Ok(Unused { grants, ..unused })
    }

    async fn long_grants(
        &self,
        sql: &'static str,
        from: Instant,
        to: Instant,
        resource: Option<&ResourceId>,
    ) -> Result<Vec<LongGrant>, StoreError> {
        let most = Int(i64::try_from(TOP).unwrap_or(i64::MAX));
        let values = [Int(from.micros()), Int(to.micros()), TextOr(resource.map(ToString::to_string)), most];
        self.read(sql, &values).await?.iter().map(long).collect()
    }

    /// Requests that closed so in `[from, to)`, in that order, at most `LINES`; and how many more.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn closed_so(&self, ending: What, from: Instant, to: Instant) -> Result<(Vec<(Given, Moments)>, u64), StoreError> {
        self.whole_history().await?;
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM history WHERE closed_at >= $1 AND closed_at < $2 AND ending = $3 \
             ORDER BY closed_at, request LIMIT $4"
        );
        let span = [Int(from.micros()), Int(to.micros()), Text(ending.name().to_owned())];
        let mut values = span.to_vec();
        values.push(Int(i64::from(LINES)));
        let mut closed = Vec::new();
        for found in self.read(sql, &values).await? {
            let (request, moments) = row(&found)?;
            closed.push((given(request, &moments), moments));
        }
        let sql = "SELECT COUNT(*) FROM history WHERE closed_at >= $1 AND closed_at < $2 AND ending = $3";
        let more = if closed.len() < lines() { 0 } else { self.beyond(sql, &span).await? };
        Ok((closed, more))
    }

    /// Asks for more time in `[from, to)` that nobody answered, by when that was, at most `LINES`, each with when it was asked and
    /// when it closed; and how many more.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn unanswered_more(&self, from: Instant, to: Instant) -> Result<(Vec<(Given, Instant, Instant)>, u64), StoreError> {
        self.whole_history().await?;
        let sql = concat!(
            "SELECT ",
            columns!(),
            ", asked.at, asked.took FROM (SELECT request AS about, at, took FROM acts WHERE at >= $1 AND at < $2 AND kind = 'unanswered' \
             ORDER BY at, request LIMIT $3) AS asked JOIN history ON request = about ORDER BY asked.at, request"
        );
        let span = [Int(from.micros()), Int(to.micros())];
        let mut values = span.to_vec();
        values.push(Int(i64::from(LINES)));
        let mut asked = Vec::new();
        for found in self.read(sql, &values).await? {
            let (request, moments) = row(&found)?;
            let at = Instant::from_micros(found.int(21)?);
            asked.push((given(request, &moments), at - Span::from_seconds(found.int_or(22)?.unwrap_or(0)), at));
        }
        let sql = "SELECT COUNT(*) FROM acts WHERE at >= $1 AND at < $2 AND kind = 'unanswered'";
        let more = if asked.len() < lines() { 0 } else { self.beyond(sql, &span).await? };
        Ok((asked, more))
    }

    /// What people declared over, or took over after an end, in `[from, to)`, in that order, at most `LINES`; and how many more.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn settled(&self, from: Instant, to: Instant) -> Result<(Vec<(Given, Moments)>, u64), StoreError> {
        self.whole_history().await?;
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM history WHERE settled_at >= $1 AND settled_at < $2 ORDER BY settled_at, request LIMIT $3"
        );
        let span = [Int(from.micros()), Int(to.micros())];
        let mut values = span.to_vec();
        values.push(Int(i64::from(LINES)));
        let rows = self.read(sql, &values).await?;
        let line = |found: &Row| row(found).map(|(request, moments)| (given(request, &moments), moments));
        let settled: Vec<_> = rows.iter().map(line).collect::<Result<_, _>>()?;
        let sql = "SELECT COUNT(*) FROM history WHERE settled_at >= $1 AND settled_at < $2";
        let more = if settled.len() < lines() { 0 } else { self.beyond(sql, &span).await? };
        Ok((settled, more))
    }

    /// Alarms that are open now and whose id begins so, oldest first, at most `LINES`; and how many more.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn troubled(&self, beginning: &str) -> Result<(Vec<Troubled>, u64), StoreError> {
        self.whole_history().await?;
        let sql = "SELECT a.id, a.raised_at, h.request, h.subject, h.requester, h.resource, h.role, h.ended_at FROM alarms a \
                   LEFT JOIN history h ON h.request = a.request WHERE a.cleared_at IS NULL AND substr(a.id, 1, CAST($2 AS INTEGER)) = $1 \
                   ORDER BY a.raised_at, a.id LIMIT $3";
        let beginning = [Text(beginning.to_owned()), Int(i64::try_from(beginning.chars().count()).unwrap_or(i64::MAX))];
        let mut values = beginning.to_vec();
        values.push(Int(i64::from(LINES)));
        let rows = self.read(sql, &values).await?;
        let troubled: Vec<Troubled> = rows.iter().map(troubled).collect::<Result<_, _>>()?;
        let sql = "SELECT COUNT(*) FROM alarms WHERE cleared_at IS NULL AND substr(id, 1, CAST($2 AS INTEGER)) = $1";
        let more = if troubled.len() < lines() { 0 } else { self.beyond(sql, &beginning).await? };
        Ok((troubled, more))
    }

    /// Alarms that are open now and whose id begins with none of these, oldest first, at most `LINES`; and how many more.
    /// # Errors
    /// The store does not answer.
    pub async fn own_alarms(&self, others: [&str; 4]) -> Result<(Vec<(String, Instant)>, u64), StoreError> {
        let others = others.map(|beginning| Text(format!("{beginning}%")));
        let sql = "SELECT id, raised_at FROM alarms WHERE cleared_at IS NULL AND id NOT LIKE $1 AND id NOT LIKE $2 AND id NOT LIKE $3 \
                   AND id NOT LIKE $4 ORDER BY raised_at, id LIMIT $5";
        let mut values = others.to_vec();
        values.push(Int(i64::from(LINES)));
        let rows = self.read(sql, &values).await?;
        let own: Vec<_> =
            rows.iter().map(|row| Ok((row.text(0)?, Instant::from_micros(row.int(1)?)))).collect::<Result<_, StoreError>>()?;
        let sql = "SELECT COUNT(*) FROM alarms WHERE cleared_at IS NULL AND id NOT LIKE $1 AND id NOT LIKE $2 AND id NOT LIKE $3 \
                   AND id NOT LIKE $4";
        let more = if own.len() < lines() { 0 } else { self.beyond(sql, &others).await? };
        Ok((own, more))
    }

    /// Alarms that were over in `[from, to)` and whose id begins with none of these, in that order, at most `LINES`, each with when;
    /// and how many more. What a person settled is told as that.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn alarms_over(
        &self,
        (from, to): (Instant, Instant),
        others: [&str; 3],
    ) -> Result<(Vec<(Troubled, Instant)>, u64), StoreError> {
        self.whole_history().await?;
        let mut values = vec![Int(from.micros()), Int(to.micros())];
        values.extend(others.map(|beginning| Text(format!("{beginning}%"))));
        let sql = (
            over!("COUNT(*)"),
            concat!(
                over!("a.id, a.raised_at, h.request, h.subject, h.requester, h.resource, h.role, h.ended_at, a.cleared_at"),
                " ORDER BY a.cleared_at, a.id LIMIT $6"
            ),
        );
        let count = values.clone();
        values.push(Int(i64::from(LINES)));
        let rows = self.read(sql.1, &values).await?;
        let line = |row: &Row| Ok((troubled(row)?, Instant::from_micros(row.int(8)?)));
        let over: Vec<_> = rows.iter().map(line).collect::<Result<_, StoreError>>()?;
        let more = if over.len() < lines() { 0 } else { self.beyond(sql.0, &count).await? };
        Ok((over, more))
    }

    async fn beyond(&self, sql: &'static str, values: &[Value]) -> Result<u64, StoreError> {
        let rows = self.read(sql, values).await?;
        let all = rows.first().map(|row| unsigned(row, 0)).transpose()?.unwrap_or(0);
        Ok(all.saturating_sub(u64::from(LINES)))
    }
}

fn lines() -> usize {
    usize::try_from(LINES).unwrap_or(usize::MAX)
}

fn troubled(row: &Row) -> Result<Troubled, StoreError> {
    let about = match row.text_or(2)? {
        None => None,
        Some(request) => {
            let (person, requester) = (row.text(3)?, row.text(4)?);
            let asked_by = (person != requester).then(|| name(&requester)).transpose()?;
            let (resource, role) = (name(&row.text(5)?)?, name(&row.text(6)?)?);
            let given = Given { request: name(&request)?, person: name(&person)?, asked_by, resource, role };
            Some((given, row.int_or(7)?.map(Instant::from_micros)))
        }
    };
    Ok(Troubled { alarm: row.text(0)?, since: Instant::from_micros(row.int(1)?), about })
}
