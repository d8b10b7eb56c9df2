//! Lists of requests: by whom, of what, open or not. Each list has a text of its own that names one index, so that neither
//! database reads what is not asked for.

use super::{
    Store, StoreError,
    apply::micros,
    db::Value::{Int, TextOr},
    document::parsed,
};
use crate::domain::{
    ids::{PersonId, ResourceId},
    request::Request,
    time::Instant,
};

/// Which requests to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// As requester or subject.
    pub person: Option<PersonId>,
    pub resource: Option<ResourceId>,
    /// Only open ones, only closed ones, or both.
    pub open: Option<bool>,
    pub since: Option<Instant>,
    pub limit: u32,
}

impl Store {
    pub async fn requests(&self, filter: &Filter) -> Result<Vec<Request>, StoreError> {
        let person = TextOr(filter.person.as_ref().map(ToString::to_string));
        let resource = TextOr(filter.resource.as_ref().map(ToString::to_string));
        let (since, limit) = (Int(micros(filter.since).unwrap_or(i64::MIN)), Int(i64::from(filter.limit)));
        self.read(listing(filter), &[person, resource, since, limit]).await?.iter().map(|row| parsed(&row.text(0)?)).collect()
    }
}

/// Newest first of those that are `$open`.
macro_rules! listing {
    ($filter:expr, $open:literal) => {
        match (&$filter.person, &$filter.resource) {
            (Some(_), _) => concat!(
                "SELECT document FROM requests WHERE id IN (SELECT id FROM requests WHERE requester = $1",
                $open,
                " UNION SELECT id FROM requests WHERE subject = $1",
                $open,
                ") AND ($2 IS NULL OR resource = $2) AND opened_at >= $3 ORDER BY opened_at DESC, id LIMIT $4"
            ),
            (None, Some(_)) => concat!(
                "SELECT document FROM requests WHERE $1 IS NULL AND resource = $2",
                $open,
                " AND opened_at >= $3 ORDER BY opened_at DESC, id LIMIT $4"
            ),
            (None, None) => concat!(
                "SELECT document FROM requests WHERE $1 IS NULL AND $2 IS NULL AND opened_at >= $3",
                $open,
                " ORDER BY opened_at DESC, id LIMIT $4"
            ),
        }
    };
}

fn listing(filter: &Filter) -> &'static str {
    match filter.open {
        Some(true) => listing!(filter, " AND open"),
        Some(false) => listing!(filter, " AND NOT open"),
        None => listing!(filter, ""),
    }
}
