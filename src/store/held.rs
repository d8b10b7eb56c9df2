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
    ids::{ProviderName, ResourceId, RoleName},
    request::{Request, RequestId},
};

/// Claims read at a time: a bound on memory.
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
