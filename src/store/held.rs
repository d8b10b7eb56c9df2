//! What is held at providers, or may be: a page of claims at a time, and of all of them only what differs. Reads only.

use std::collections::BTreeMap;

use super::{
    Store, StoreError,
    db::{
        Row,
        Value::{Int, Text},
    },
    document::parsed,
};
use crate::domain::{
    entitlement::Entitlement,
    ids::{ProviderName, ResourceId, RoleName},
    request::{Request, RequestId},
};

/// Rows read at a time: a bound on memory.
const PAGE: u32 = 1_000;

/// Something that at least one request holds, or may hold, through a provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holding {
    pub provider: ProviderName,
    pub resource: ResourceId,
    pub role: RoleName,
}

/// Where the next page begins: after this claim.
type Claim = (String, String);

impl Store {
    /// Everything that is held now, each once, with one of the requests that hold it. Needs memory for one page and for
    /// what differs, however many hold the same; takes time for each claim.
    /// # Errors
    /// The store does not answer, or holds a document that this version cannot read.
    pub async fn held(&self) -> Result<BTreeMap<Holding, RequestId>, StoreError> {
        let mut held = BTreeMap::new();
        let mut after = Some(Claim::default());
        while let Some(last) = after {
            after = self.held_page(&last, PAGE, &mut held).await?;
        }
        Ok(held)
    }

    /// Providers at which something is still taken away after an end was said, what was found there again or what remained of
    /// it, each with one of the requests concerned. Needs memory as `held` does. What somebody settled is no provider's work.
    /// # Errors
    /// As for `held`.
    pub async fn cleaned_up(&self) -> Result<BTreeMap<ProviderName, RequestId>, StoreError> {
        let sql = "SELECT id, provider, document FROM entitlements \
                   WHERE id > $1 AND NOT EXISTS (SELECT 1 FROM claims WHERE claims.entitlement = entitlements.id) ORDER BY id LIMIT $2";
        let (mut left, mut last) = (BTreeMap::new(), String::new());
        loop {
            let rows = self.read(sql, &[Text(last), Int(i64::from(PAGE))]).await?;
            for row in &rows {
                let document: Entitlement = parsed(&row.text(2)?)?;
                if let Some(request) = document.leftover.and_then(|left| left.requests.into_iter().next()) {
                    left.entry(row.text(1)?.parse().map_err(|_| StoreError::Corrupt("a provider's name".into()))?).or_insert(request);
                }
            }
            match rows.last().filter(|_| rows.len() == usize::try_from(PAGE).unwrap_or(usize::MAX)) {
                Some(row) => last = row.text(0)?,
                None => return Ok(left),
            }
        }
    }

    /// Adds the claims after `last`; the last one of a page that was full.
    async fn held_page(
        &self,
        (entitlement, grant): &Claim,
        limit: u32,
        held: &mut BTreeMap<Holding, RequestId>,
    ) -> Result<Option<Claim>, StoreError> {
        let sql = "SELECT claims.entitlement, claims.grant_id, entitlements.provider, requests.document \
                   FROM claims JOIN entitlements ON entitlements.id = claims.entitlement JOIN requests ON requests.id = claims.request \
                   WHERE (claims.entitlement, claims.grant_id) > ($1, $2) ORDER BY claims.entitlement, claims.grant_id LIMIT $3";
        let rows = self.read(sql, &[Text(entitlement.clone()), Text(grant.clone()), Int(i64::from(limit))]).await?;
        for row in &rows {
            let (holding, request) = holding(row)?;
            held.entry(holding).or_insert(request);
        }
        let full = rows.len() == usize::try_from(limit).unwrap_or(usize::MAX);
        rows.last().filter(|_| full).map(|row| Ok((row.text(0)?, row.text(1)?))).transpose()
    }
}

fn holding(row: &Row) -> Result<(Holding, RequestId), StoreError> {
    let provider = row.text(2)?.parse().map_err(|_| StoreError::Corrupt("a provider's name".into()))?;
    let request: Request = parsed(&row.text(3)?)?;
    let ask = request.main_ask();
    let (resource, role) = (ask.resource.clone(), ask.role.clone());
    Ok((Holding { provider, resource, role }, request.id))
}
