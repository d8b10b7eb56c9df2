//! Sessions that were seen open while access was live, and how well they were looked for. Kept until a while after the last
//! claim is gone. What they come to is `domain::evidence`'s.

use std::collections::BTreeMap;

use super::{
    Store, StoreError,
    apply::exec,
    db::Value::{Int, Text, TextOr},
    document::parsed,
    tx::Tx,
};
use crate::domain::{
    entitlement::{Entitlement, EntitlementKey},
    evidence::{Sampled, Session},
    ids::ProviderName,
    time::Instant,
};

/// What a look at open sessions adds.
#[derive(Debug, Clone)]
pub enum SightingWrite {
    /// It was looked for sessions of this entitlement, whose access works since then, and these were there. What was looked
    /// before then says nothing of this access, and is left out.
    Looked { entitlement: EntitlementKey, since: Instant, at: Instant, sessions: Vec<Session> },
    /// Of what nobody claims any more, what was last looked at before then goes.
    Forget { before: Instant },
}

impl Store {
    /// What was seen of this entitlement's sessions since then; None: nobody looked since.
    /// # Errors
    /// The store does not answer, or holds what this version cannot read.
    pub async fn sampled(&self, entitlement: &EntitlementKey, since: Instant) -> Result<Option<Sampled>, StoreError> {
        let key = || Text(entitlement.0.clone());
        let sql = "SELECT first_at, last_at, longest FROM samples WHERE entitlement = $1 AND last_at >= $2";
        let rows = self.read(sql, &[key(), Int(since.micros())]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (first, last) = (Instant::from_micros(row.int(0)?), Instant::from_micros(row.int(1)?));
        let longest = crate::domain::time::Span::from_seconds(row.int(2)?);
        let sql = "SELECT session, first_seen, last_seen, origin, about FROM sightings WHERE entitlement = $1 AND last_seen >= $2 \
                   ORDER BY first_seen, session";
        let rows = self.read(sql, &[key(), Int(since.micros())]).await?;
        let session = |row: &super::db::Row| {
            let (first, last) = (Instant::from_micros(row.int(1)?), Instant::from_micros(row.int(2)?));
            Ok::<_, StoreError>(Session { id: row.text(0)?, first, last, from: row.text_or(3)?, about: row.text_or(4)? })
        };
        let sessions = rows.iter().map(session).collect::<Result<_, _>>()?;
        Ok(Some(Sampled { first, last, longest, sessions }))
    }

    /// Of one provider: entitlements with a claim that works at `now`, after this key, in order; each with since when the first
    /// of its claims works.
    pub async fn live_entitlements(
        &self,
        provider: &ProviderName,
        now: Instant,
        after: &EntitlementKey,
        limit: u32,
    ) -> Result<Vec<(Entitlement, Instant)>, StoreError> {
        let sql = "SELECT document, (SELECT MIN(history.held_from) FROM claims JOIN history ON history.request = claims.request \
                   WHERE claims.entitlement = entitlements.id AND claims.wanted AND claims.until > $3) \
                   FROM entitlements WHERE provider = $1 AND id > $2 AND EXISTS (SELECT 1 FROM claims \
                   WHERE claims.entitlement = entitlements.id AND claims.wanted AND claims.until > $3) ORDER BY id LIMIT $4";
        let values = [Text(provider.to_string()), Text(after.0.clone()), Int(now.micros()), Int(i64::from(limit))];
        let rows = self.read(sql, &values).await?;
        rows.iter().map(|row| Ok((parsed(&row.text(0)?)?, Instant::from_micros(row.int_or(1)?.unwrap_or(0))))).collect()
    }
}

/// Waits in the transaction, like everything that asks nothing.
pub(super) fn apply<'a>(tx: &mut Tx<'_>, writes: impl Iterator<Item = &'a SightingWrite>) {
    let (mut looked, mut seen, mut forgotten) = (BTreeMap::new(), BTreeMap::new(), None);
    for write in writes {
        match write {
            SightingWrite::Looked { entitlement, since, at, sessions } => {
                let key = || Text(entitlement.0.clone());
                looked.insert(entitlement, [key(), Int(at.micros()), Int(at.micros()), Int(0), Int(since.micros())]);
                for Session { id, first, last, from, about } in sessions {
                    let (from, about) = (TextOr(from.clone()), TextOr(about.clone()));
                    seen.insert((entitlement, id), [key(), Text(id.clone()), Int(first.micros()), Int(last.micros()), from, about]);
                }
            }
            SightingWrite::Forget { before } => forgotten = forgotten.max(Some(*before)),
        }
    }
    let sql = "INSERT INTO samples (entitlement, first_at, last_at, longest, since) VALUES {rows} \
               ON CONFLICT (entitlement) DO UPDATE SET since = excluded.since, \
               first_at = CASE WHEN excluded.since > samples.last_at THEN excluded.first_at ELSE samples.first_at END, \
               longest = CASE WHEN excluded.since > samples.last_at THEN 0 WHEN excluded.last_at - samples.last_at > samples.longest * 1000000 \
               THEN (excluded.last_at - samples.last_at) / 1000000 ELSE samples.longest END, \
               last_at = CASE WHEN excluded.last_at > samples.last_at THEN excluded.last_at ELSE samples.last_at END";
    exec(tx, sql, looked.into_values().collect(), None);
    let sql = "INSERT INTO sightings (entitlement, session, first_seen, last_seen, origin, about) VALUES {rows} \
               ON CONFLICT (entitlement, session) DO UPDATE SET \
               first_seen = CASE WHEN excluded.first_seen < sightings.first_seen THEN excluded.first_seen ELSE sightings.first_seen END, \
               last_seen = CASE WHEN excluded.last_seen > sightings.last_seen THEN excluded.last_seen ELSE sightings.last_seen END";
    exec(tx, sql, seen.into_values().collect(), None);
    let Some(before) = forgotten else { return };
    let sql = "DELETE FROM sightings WHERE entitlement IN (SELECT entitlement FROM samples WHERE last_at < (VALUES {rows}) \
               AND NOT EXISTS (SELECT 1 FROM claims WHERE claims.entitlement = samples.entitlement))";
    exec(tx, sql, vec![[Int(before.micros())]], None);
    let sql = "DELETE FROM samples WHERE last_at < (VALUES {rows}) \
               AND NOT EXISTS (SELECT 1 FROM claims WHERE claims.entitlement = samples.entitlement)";
    exec(tx, sql, vec![[Int(before.micros())]], None);
}
