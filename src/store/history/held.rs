//! Who held what of a resource at an instant: rows found by their place in the tree of spans, and those that are not over.

use super::{
    places::{WAY, nodes, second},
    rows::{columns, row},
};
use crate::{
    domain::{
        digest::HeldAt,
        ids::{PersonId, ResourceId},
        time::Instant,
    },
    store::{
        Store, StoreError,
        db::{
            Row,
            Value::{self, Int, Text, TextOr},
        },
    },
};

/// Grants that an answer about an instant holds at most.
pub const HELD_MAX: usize = 1_000;

/// Who held something at an instant: each grant once, the earliest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldThen {
    /// All of them, or `HELD_MAX` of more.
    pub grants: Vec<HeldAt>,
    /// There are others.
    pub more: bool,
}

/// Everything that may have been there from `$2` to `$72`, both within one second and included; what is there still, which matters
/// most, first; each part by one index. What lies at a later second (`$71` is theirs) ends behind them, and what lies at an
/// earlier one began before them; only within the second itself the rest is looked at.
macro_rules! then {
    ($whose:literal) => {
        concat!(
            "SELECT * FROM (SELECT ", columns!(), " FROM history WHERE resource = $1 AND closed_at IS NULL AND begun_at <= $72", $whose,
            " UNION ALL SELECT ", columns!(), " FROM history WHERE resource = $1 AND node IN ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, \
             $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36) \
             AND begun_at <= $72", $whose,
            " UNION ALL SELECT ", columns!(), " FROM history WHERE resource = $1 AND node IN ($37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, \
             $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, $67, $68, $69, $70) \
             AND gone_at > $2 AND (node < $71 OR begun_at + 0 <= $72)", $whose,
            " LIMIT 1001) AS found"
        )
    };
}

/// Of everybody, and of one person.
const THEN: &str = then!("");
const THEIRS: &str = then!(" AND (subject = $73 OR requester = $73)");

impl Store {
    /// Who held something of a resource at an instant, or may have.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn held_at(&self, resource: &ResourceId, at: Instant) -> Result<HeldThen, StoreError> {
        self.held_within(resource, (at, at), None).await
    }

    /// The same from the first instant to the last, both included and of one second; of everybody, or of what one person has or
    /// asked for.
    /// # Errors
    /// As [`Store::held_at`].
    pub async fn held_within(
        &self,
        resource: &ResourceId,
        (first, last): (Instant, Instant),
        of: Option<&PersonId>,
    ) -> Result<HeldThen, StoreError> {
        self.whole_history().await?;
        let (behind, before) = nodes(first);
        let mut values: Vec<Value> = Vec::with_capacity(5 + 2 * WAY);
        values.extend([Text(resource.to_string()), Int(first.micros())]);
        values.extend(behind.into_iter().chain(before).chain([second(first)]).map(Int));
        values.push(Int(last.micros()));
        values.extend(of.map(|person| Text(person.to_string())));
        let rows = self.read(if of.is_some() { THEIRS } else { THEN }, &values).await?;
        let mut grants = Vec::with_capacity(rows.len());
        for found in &rows {
            let (request, moments) = row(found)?;
            grants.extend(HeldAt::of(request, &moments, (first, last)));
        }
        grants.extend(self.back_within(resource, (first, last), of).await?);
        grants.sort_by(|a, b| (a.not_before, &a.request).cmp(&(b.not_before, &b.request)));
        // Judged when all is together: what is left out of one part would be said of none.
        let more = rows.len() > HELD_MAX || grants.len() > HELD_MAX;
        grants.truncate(HELD_MAX);
        Ok(HeldThen { grants, more })
    }

    /// What was found there again after it had been said to be gone.
    async fn back_within(
        &self,
        resource: &ResourceId,
        (first, last): (Instant, Instant),
        of: Option<&PersonId>,
    ) -> Result<Vec<HeldAt>, StoreError> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            ", from_at, to_at FROM (SELECT request AS again, from_at, to_at FROM came_back WHERE resource = $1 AND from_at <= $3 \
             AND (to_at IS NULL OR to_at > $2)) AS back JOIN history ON request = again",
            " AND ($4 IS NULL OR subject = $4 OR requester = $4)"
        );
        let values = [Text(resource.to_string()), Int(first.micros()), Int(last.micros()), TextOr(of.map(ToString::to_string))];
        let rows = self.read(sql, &values).await?;
        let back = |found: &Row| {
            let (request, moments) = row(found)?;
            let (from, to) = (Instant::from_micros(found.int(21)?), found.int_or(22)?.map(Instant::from_micros));
            Ok(HeldAt::back(request, &moments, from, to))
        };
        rows.iter().map(back).collect()
    }
}
