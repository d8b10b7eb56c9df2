//! Who held what of a resource at an instant: rows found by their place in the tree of spans, and those that are not over.

use super::{
    places::{WAY, nodes, second},
    rows::{columns, row},
};
use crate::{
    domain::{digest::HeldAt, ids::ResourceId, time::Instant},
    store::{
        Store, StoreError,
        db::{
            Row,
            Value::{self, Int, Text},
        },
    },
};

/// Grants that an answer about an instant holds at most.
pub const HELD_MAX: usize = 1_000;
/// Grants beyond those that are counted one by one.
pub const COUNTED_MAX: u64 = 10_000;

/// Who held something at an instant: each grant once, the earliest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldThen {
    /// All of them, or `HELD_MAX` of more.
    pub grants: Vec<HeldAt>,
    /// How many more; `COUNTED_MAX`: that many or more.
    pub more: u64,
}

/// Everything that may have been there, each part by one index. What lies at a later second (`$71` is the instant's) ends behind
/// the instant, and what lies at an earlier one began before it; only within the second itself the rest is looked at.
macro_rules! then {
    ($what:expr, $each:expr, $limit:literal) => {
        concat!(
            "SELECT ", $what, " FROM (SELECT ", $each, " FROM history WHERE resource = $1 AND node IN ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, \
             $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36) \
             AND begun_at <= $2 \
             UNION ALL SELECT ", $each, " FROM history WHERE resource = $1 AND node IN ($37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, \
             $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, $67, $68, $69, $70) \
             AND gone_at > $2 AND (node < $71 OR begun_at + 0 <= $2) \
             UNION ALL SELECT ", $each, " FROM history WHERE resource = $1 AND closed_at IS NULL AND begun_at <= $2 LIMIT ", $limit,
            ") AS found"
        )
    };
}

impl Store {
    /// Who held something of a resource at an instant, or may have.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn held_at(&self, resource: &ResourceId, at: Instant) -> Result<HeldThen, StoreError> {
        self.whole_history().await?;
        let (behind, before) = nodes(at);
        let mut values: Vec<Value> = Vec::with_capacity(3 + 2 * WAY);
        values.extend([Text(resource.to_string()), Int(at.micros())]);
        values.extend(behind.into_iter().chain(before).chain([second(at)]).map(Int));
        let rows = self.read(then!("*", columns!(), 1_001), &values).await?;
        let mut grants = Vec::with_capacity(rows.len());
        for found in &rows {
            let (request, moments) = row(found)?;
            grants.extend(HeldAt::of(request, &moments, at));
        }
        let more = if grants.len() > HELD_MAX { self.count(&values).await? } else { 0 };
        grants.extend(self.back_at(resource, at).await?);
        grants.sort_by(|a, b| (a.not_before, &a.request).cmp(&(b.not_before, &b.request)));
        grants.truncate(HELD_MAX);
        Ok(HeldThen { grants, more })
    }

    /// What was found there again after it had been said to be gone.
    async fn back_at(&self, resource: &ResourceId, at: Instant) -> Result<Vec<HeldAt>, StoreError> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            ", from_at, to_at FROM (SELECT request AS again, from_at, to_at FROM came_back WHERE resource = $1 AND from_at <= $2 \
             AND (to_at IS NULL OR to_at > $2)) AS back JOIN history ON request = again"
        );
        let rows = self.read(sql, &[Text(resource.to_string()), Int(at.micros())]).await?;
        let back = |found: &Row| {
            let (request, moments) = row(found)?;
            let (from, to) = (Instant::from_micros(found.int(21)?), found.int_or(22)?.map(Instant::from_micros));
            Ok(HeldAt::back(request, &moments, from, to))
        };
        rows.iter().map(back).collect()
    }

    /// How many more than an answer holds.
    async fn count(&self, values: &[Value]) -> Result<u64, StoreError> {
        let rows = self.read(then!("COUNT(*)", "1 AS one", 11_000), values).await?;
        let all = rows.first().map(|row| row.int(0)).transpose()?.unwrap_or(0);
        Ok(u64::try_from(all).unwrap_or(0).saturating_sub(u64::try_from(HELD_MAX).unwrap_or(0)))
    }
}
