//! How providers' holders differ from what was given: the rows and their guards. What they mean is `domain::drift`'s.

use super::{
    Store, StoreError,
    api::corrupt,
    db::{Row, Value::Int},
};
use crate::domain::{
    drift::{DriftKind, DriftRow},
    ids::{ResourceId, RoleName},
    time::Instant,
};

impl Store {
    /// Everything that was told, and is there or was gone only since then; first seen first.
    /// # Errors
    /// The store does not answer, or holds what this version cannot read.
    pub async fn drift(&self, since: Instant) -> Result<Vec<DriftRow>, StoreError> {
        let sql = "SELECT provider, target, principal, grant_id, kind, first_seen, last_seen, found_at, gone_at, places, request \
                   FROM drift WHERE found_at IS NOT NULL AND (gone_at IS NULL OR gone_at >= $1) ORDER BY first_seen, id";
        self.read(sql, &[Int(since.micros())]).await?.iter().map(drift_row).collect()
    }
}

fn drift_row(row: &Row) -> Result<DriftRow, StoreError> {
    let places: Vec<(ResourceId, RoleName)> = serde_json::from_str(&row.text(9)?).map_err(|_| corrupt("the names of a target"))?;
    let (resources, roles) = places.into_iter().unzip();
    Ok(DriftRow {
        provider: row.text(0)?.parse().map_err(|_| corrupt("a provider's name"))?,
        target: row.text(1)?,
        principal: row.text(2)?,
        grant: row.text_or(3)?,
        kind: DriftKind::named(&row.text(4)?).ok_or_else(|| corrupt("a kind of drift"))?,
        first_seen: Instant::from_micros(row.int(5)?),
        last_seen: Instant::from_micros(row.int(6)?),
        found_at: row.int_or(7)?.map(Instant::from_micros),
        gone_at: row.int_or(8)?.map(Instant::from_micros),
        resources,
        roles,
        request: row.text_or(10)?.map(|id| id.parse().map_err(|_| corrupt("a request's id"))).transpose()?,
    })
}
