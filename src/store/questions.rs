//! Numbers that only questions about the past need: when asks come, how long the slow ones wait, since when anything is known.

use super::{
    Store, StoreError,
    db::{Row, Value},
};
use crate::domain::{
    ids::ResourceId,
    time::{Instant, Span},
};

/// A quarter of an hour: in every time zone hours begin with one.
const QUARTER: i64 = 900_000_000;
/// Resources that one question to the database names.
const AT_ONCE: usize = 16;

impl Store {
    /// When the ledger begins; None: it is empty.
    pub async fn first_entry_at(&self) -> Result<Option<Instant>, StoreError> {
        let rows = self.read("SELECT at FROM entries ORDER BY id LIMIT 1", &[]).await?;
        rows.first().map(|row| row.int(0).map(Instant::from_micros)).transpose().map_err(Into::into)
    }

    /// Quarters of an hour in `[from, to)` in which something was asked for, and how often; of one resource, or of all.
    pub async fn asked_by_quarter(
        &self,
        resource: Option<&ResourceId>,
        (from, to): (Instant, Instant),
    ) -> Result<Vec<(Instant, u64)>, StoreError> {
        let sql = match resource {
            None => "SELECT opened_at / 900000000, COUNT(*) FROM requests WHERE opened_at >= $1 AND opened_at < $2 GROUP BY 1 ORDER BY 1",
            Some(_) => {
                "SELECT opened_at / 900000000, COUNT(*) FROM requests WHERE opened_at >= $1 AND opened_at < $2 AND resource = $3 \
                 GROUP BY 1 ORDER BY 1"
            }
        };
        let rows = self.read(sql, &span(resource, from, to)).await?;
        rows.iter().map(quarter).collect()
    }

    /// The same of all of these together; a quarter may come more than once.
    pub async fn asked_by_quarter_of(
        &self,
        resources: &[ResourceId],
        (from, to): (Instant, Instant),
    ) -> Result<Vec<(Instant, u64)>, StoreError> {
        let sql = "SELECT opened_at / 900000000, COUNT(*) FROM requests WHERE opened_at >= $1 AND opened_at < $2 \
                   AND resource IN ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) GROUP BY 1 ORDER BY 1";
        let mut quarters = Vec::new();
        for some in resources.chunks(AT_ONCE) {
            // Filled up with one of them, so that their number is always the same.
            let named = some.iter().chain(some.first().into_iter().cycle()).take(AT_ONCE);
            let mut values = vec![Value::Int(from.micros()), Value::Int(to.micros())];
            values.extend(named.map(|resource| Value::Text(resource.to_string())));
            for row in self.read(sql, &values).await? {
                quarters.push(quarter(&row)?);
            }
        }
        Ok(quarters)
    }

    /// How long so many percent of the decisions in `[from, to)` took at most, from the ask; None: there were none.
    pub async fn decided_within(
        &self,
        resource: Option<&ResourceId>,
        (from, to): (Instant, Instant),
        percent: u32,
    ) -> Result<Option<Span>, StoreError> {
        let (counting, finding) = match resource {
            None => (
                "SELECT COUNT(*) FROM acts WHERE at >= $1 AND at < $2 AND decided IS NOT NULL",
                "SELECT decided FROM acts WHERE at >= $1 AND at < $2 AND decided IS NOT NULL ORDER BY decided LIMIT 1 OFFSET $3",
            ),
            Some(_) => (
                "SELECT COUNT(*) FROM acts WHERE at >= $1 AND at < $2 AND decided IS NOT NULL AND resource = $3",
                "SELECT decided FROM acts WHERE at >= $1 AND at < $2 AND decided IS NOT NULL AND resource = $3 \
                 ORDER BY decided LIMIT 1 OFFSET $4",
            ),
        };
        let mut values = span(resource, from, to);
        let counted = self.read(counting, &values).await?;
        let count = counted.first().map(|row| row.int(0)).transpose()?.unwrap_or(0);
        if count == 0 {
            return Ok(None);
        }
        // The nearest rank: the first that so many percent do not exceed.
        let rank = count.saturating_mul(i64::from(percent)).div_euclid(100) + i64::from(count.saturating_mul(i64::from(percent)) % 100 > 0);
        values.push(Value::Int(rank.clamp(1, count) - 1));
        let rows = self.read(finding, &values).await?;
        Ok(rows.first().map(|row| row.int(0)).transpose()?.map(Span::from_seconds))
    }
}

fn span(resource: Option<&ResourceId>, from: Instant, to: Instant) -> Vec<Value> {
    let times = [Value::Int(from.micros()), Value::Int(to.micros())];
    times.into_iter().chain(resource.map(|resource| Value::Text(resource.to_string()))).collect()
}

fn quarter(row: &Row) -> Result<(Instant, u64), StoreError> {
    let (quarter, count) = (row.int(0)?, row.int(1)?);
    Ok((Instant::from_micros(quarter.saturating_mul(QUARTER)), u64::try_from(count).unwrap_or(0)))
}
