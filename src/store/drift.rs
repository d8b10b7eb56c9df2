//! How providers' holders differ from what was given, and whose turn it is to look: the rows and their guards. What they mean
//! is `domain::drift`'s.

use super::{
    CommitError, Store, StoreError,
    api::corrupt,
    apply::{exec, micros},
    db::{
        Row,
        Value::{Bool, Int, IntOr, Text, TextOr},
    },
    document::parsed,
    tx::Tx,
};
use crate::domain::{
    drift::{DriftKind, DriftRow, Tracked},
    entitlement::{Claim, Entitlement, EntitlementKey},
    ids::{ProviderName, ResourceId, RoleName},
    time::Instant,
};

/// Entitlements read at a time: a bound on memory.
const PAGE: u32 = 1_000;

/// A change of what is tracked.
#[derive(Debug, Clone)]
pub enum DriftWrite {
    /// As it stands now; new, or another state of one that is known.
    Is(Box<Tracked>),
    /// It was never told, and is not there any more.
    Forget { id: String },
}

/// Whose turn a look is, by its name. Each finds the row as it expects it, or the commit is stale.
#[derive(Debug, Clone)]
pub enum LookWrite {
    /// This process looks, for whoever else would; another may at `due_at`, if nothing came of it by then. `n`: as it was
    /// read; None: nobody has looked yet.
    Take { name: String, n: Option<i64>, now: Instant, due_at: Instant },
    /// It was looked, in the turn that was taken as `n`. `read_at`: all of it could be read then.
    Done { name: String, n: i64, due_at: Instant, read_at: Option<Instant> },
}

impl LookWrite {
    /// What no two commits of one transaction may share.
    pub(super) fn aggregate(&self) -> String {
        let (Self::Take { name, .. } | Self::Done { name, .. }) = self;
        format!("look {name}")
    }
}

/// When something is looked at next, and was last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Turns so far.
    pub n: i64,
    pub due_at: Instant,
    /// When all of it was last read; at first, when it was to be.
    pub read_at: Instant,
}

impl Store {
    /// Everything that was told, and is there, or was gone or was not looked at any more only since then; first seen first.
    /// # Errors
    /// The store does not answer, or holds what this version cannot read.
    pub async fn drift(&self, since: Instant) -> Result<Vec<DriftRow>, StoreError> {
        let sql = "SELECT provider, target, principal, grant_id, kind, first_seen, last_seen, found_at, gone_at, places, request, unwatched_at \
                   FROM drift WHERE found_at IS NOT NULL AND ((gone_at IS NULL AND unwatched_at IS NULL) OR gone_at >= $1 OR unwatched_at >= $1) ORDER BY first_seen, id";
        self.read(sql, &[Int(since.micros())]).await?.iter().map(drift_row).collect()
    }

    /// What differs at this provider and is looked at, told or not; first seen first.
    pub async fn tracked(&self, provider: &ProviderName) -> Result<Vec<Tracked>, StoreError> {
        let sql = "SELECT provider, target, principal, grant_id, kind, first_seen, last_seen, found_at, gone_at, places, request, unwatched_at, \
                   id, doubted, alarm FROM drift WHERE provider = $1 AND gone_at IS NULL AND unwatched_at IS NULL ORDER BY first_seen, id";
        let rows = self.read(sql, &[Text(provider.to_string())]).await?;
        rows.iter()
            .map(|row| Ok(Tracked { row: drift_row(row)?, id: row.text(12)?, doubted: row.bool(13)?, alarm: row.text_or(14)? }))
            .collect()
    }

    /// Providers at which something differs.
    pub async fn drifting(&self) -> Result<Vec<ProviderName>, StoreError> {
        let rows = self.read("SELECT DISTINCT provider FROM drift WHERE gone_at IS NULL AND unwatched_at IS NULL", &[]).await?;
        rows.iter().map(|row| row.text(0)?.parse().map_err(|_| corrupt("a provider's name"))).collect()
    }

    /// None: nobody has looked yet.
    pub async fn look(&self, name: &str) -> Result<Option<Look>, StoreError> {
        let rows = self.read("SELECT n, due_at, read_at FROM looks WHERE name = $1", &[Text(name.to_owned())]).await?;
        let look =
            |row: &Row| Ok(Look { n: row.int(0)?, due_at: Instant::from_micros(row.int(1)?), read_at: Instant::from_micros(row.int(2)?) });
        rows.first().map(look).transpose()
    }

    /// Everything that is held at this provider, or was and is not over, each with its claims.
    pub async fn entitlements_of(&self, provider: &ProviderName) -> Result<Vec<(Entitlement, Vec<Claim>)>, StoreError> {
        let sql = "SELECT document FROM entitlements WHERE provider = $1 AND id > $2 ORDER BY id LIMIT $3";
        let mut all: Vec<(Entitlement, Vec<Claim>)> = Vec::new();
        loop {
            let after = all.last().map_or_else(String::new, |(row, _)| row.key.0.clone());
            let rows = self.read(sql, &[Text(provider.to_string()), Text(after), Int(i64::from(PAGE))]).await?;
            let page: Vec<Entitlement> = rows.iter().map(|row| parsed(&row.text(0)?)).collect::<Result<_, _>>()?;
            let keys: Vec<_> = page.iter().map(|row| row.key.clone()).collect();
            let mut claims = self.claims(&keys).await?;
            let full = page.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
            for row in page {
                let own = claims.extract_if(.., |claim| claim.entitlement == row.key).collect();
                all.push((row, own));
            }
            if !full {
                return Ok(all);
            }
        }
    }

    /// Entitlements that are over, by the names that their objects carry, or by their keys.
    pub async fn past_entitlements(
        &self,
        provider: &ProviderName,
        objects: &[String],
        keys: &[EntitlementKey],
    ) -> Result<Vec<Entitlement>, StoreError> {
        let sql = "SELECT provider, document FROM past_entitlements WHERE object IN (VALUES {rows})";
        let mut rows = self.read_by(sql, objects.iter().cloned()).await?;
        let sql = "SELECT provider, document FROM past_entitlements WHERE id IN (VALUES {rows})";
        rows.extend(self.read_by(sql, keys.iter().map(|key| key.0.clone())).await?);
        let mut past = Vec::new();
        for row in &rows {
            if row.text(0)? == provider.as_str() {
                past.push(parsed(&row.text(1)?)?);
            }
        }
        Ok(past)
    }

    /// Targets of the entitlements that ended last, each once and at most so many.
    pub async fn past_targets(&self, provider: &ProviderName, most: usize) -> Result<Vec<serde_json::Value>, StoreError> {
        let sql = "SELECT document FROM past_entitlements WHERE provider = $1 ORDER BY ended_at DESC, id LIMIT $2";
        let mut targets = Vec::new();
        for row in self.read(sql, &[Text(provider.to_string()), Int(i64::from(PAGE))]).await? {
            let past: Entitlement = parsed(&row.text(0)?)?;
            if targets.len() < most && !targets.contains(&past.order.target) {
                targets.push(past.order.target);
            }
        }
        Ok(targets)
    }
}

/// Waits in the transaction, like everything that asks nothing.
pub(super) fn apply<'a>(tx: &mut Tx<'_>, writes: impl Iterator<Item = &'a DriftWrite>) -> Result<(), CommitError> {
    let (mut is, mut forgotten) = (Vec::new(), Vec::new());
    for write in writes {
        match write {
            DriftWrite::Is(it) => is.push(values(it)?),
            DriftWrite::Forget { id } => forgotten.push([Text(id.clone())]),
        }
    }
    let sql = "INSERT INTO drift (id, provider, target, principal, grant_id, kind, first_seen, last_seen, found_at, doubted, gone_at, \
               unwatched_at, places, request, alarm) VALUES {rows} ON CONFLICT (id) DO UPDATE SET last_seen = excluded.last_seen, \
               found_at = excluded.found_at, doubted = excluded.doubted, gone_at = excluded.gone_at, \
               unwatched_at = excluded.unwatched_at, alarm = excluded.alarm";
    exec(tx, sql, is, None);
    exec(tx, "DELETE FROM drift WHERE found_at IS NULL AND id IN (VALUES {rows})", forgotten, None);
    Ok(())
}

fn values(it: &Tracked) -> Result<[super::db::Value; 15], CommitError> {
    let row = &it.row;
    let places: Vec<_> = row.resources.iter().zip(&row.roles).collect();
    let places = serde_json::to_string(&places).map_err(|error| CommitError::Unavailable(error.to_string()))?;
    Ok([
        Text(it.id.clone()),
        Text(row.provider.to_string()),
        Text(row.target.clone()),
        Text(row.principal.clone()),
        TextOr(row.grant.clone()),
        Text(row.kind.name().into()),
        Int(row.first_seen.micros()),
        Int(row.last_seen.micros()),
        IntOr(micros(row.found_at)),
        Bool(it.doubted),
        IntOr(micros(row.gone_at)),
        IntOr(micros(row.unwatched_at)),
        Text(places),
        TextOr(row.request.as_ref().map(ToString::to_string)),
        TextOr(it.alarm.clone()),
    ])
}

/// The turns that are taken and given back.
pub(super) fn looks<'a>(tx: &mut Tx<'_>, writes: impl Iterator<Item = &'a LookWrite>) {
    let (mut first, mut taken, mut done) = (Vec::new(), Vec::new(), Vec::new());
    for write in writes {
        match write {
            LookWrite::Take { name, n: None, now, due_at } => {
                first.push([Text(name.clone()), Int(1), Int(due_at.micros()), Int(now.micros())]);
            }
            LookWrite::Take { name, n: Some(n), due_at, .. } => taken.push([Text(name.clone()), Int(*n), Int(due_at.micros())]),
            LookWrite::Done { name, n, due_at, read_at } => {
                done.push([Text(name.clone()), Int(*n), Int(due_at.micros()), IntOr(micros(*read_at))]);
            }
        }
    }
    let sql = "INSERT INTO looks (name, n, due_at, read_at) VALUES {rows} ON CONFLICT DO NOTHING";
    exec(tx, sql, first, Some(CommitError::Stale));
    let sql = "WITH v (name, n, due_at) AS (VALUES {rows}) UPDATE looks SET n = looks.n + 1, due_at = v.due_at FROM v \
               WHERE looks.name = v.name AND looks.n = v.n";
    exec(tx, sql, taken, Some(CommitError::Stale));
    let sql = "WITH v (name, n, due_at, read_at) AS (VALUES {rows}) UPDATE looks SET due_at = v.due_at, \
               read_at = COALESCE(v.read_at, looks.read_at) FROM v WHERE looks.name = v.name AND looks.n = v.n";
    exec(tx, sql, done, Some(CommitError::Stale));
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
        unwatched_at: row.int_or(11)?.map(Instant::from_micros),
        request: row.text_or(10)?.map(|id| id.parse().map_err(|_| corrupt("a request's id"))).transpose()?,
    })
}
