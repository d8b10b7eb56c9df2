//! What happened, without reading what need not be read: who held what at an instant, whom and what requests were about,
//! counts and medians over a span. The rows are written with the documents that they follow from (`moments`).

use super::{
    Store, StoreError,
    db::Value::{Int, Text},
    document::parsed,
};
use crate::domain::{
    digest::{HeldAt, Stats},
    ids::{PersonId, ResourceId},
    request::{Request, RequestId},
    time::Instant,
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

/// Which requests to find: those that were opened in a span, were not over before it, or in which the person decided
/// something within it. Newest first by when they were opened.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// As requester, subject, or as somebody who approved, denied, revoked or settled.
    pub person: Option<PersonId>,
    pub resource: Option<ResourceId>,
    /// None: from the beginning.
    pub since: Option<Instant>,
    /// Up to just before; None: until now.
    pub until: Option<Instant>,
    /// Behind this one: the last page's `next`.
    pub after: Option<Cursor>,
    pub limit: u32,
}

/// A place in a list: the request before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub opened_at: Instant,
    pub id: RequestId,
}

/// A page of a list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub requests: Vec<Request>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl Store {
    /// Requests for this subject on this resource, open or closed, newest first.
    pub async fn earlier(&self, subject: &PersonId, resource: &ResourceId, limit: u32) -> Result<Vec<Request>, StoreError> {
        let sql = "SELECT document FROM requests WHERE subject = $1 AND resource = $2 ORDER BY opened_at DESC, id LIMIT $3";
        let values = [Text(subject.to_string()), Text(resource.to_string()), Int(i64::from(limit))];
        self.read(sql, &values).await?.iter().map(|row| parsed(&row.text(0)?)).collect()
    }

    /// Who held something of a resource at an instant, or may have.
    pub async fn held_at(&self, resource: &ResourceId, at: Instant) -> Result<HeldThen, StoreError> {
        let _ = (resource, at);
        Err(StoreError::Unavailable("the history cannot be asked yet".into()))
    }

    /// A page of requests.
    pub async fn history(&self, search: &Search) -> Result<Page, StoreError> {
        let _ = search;
        Err(StoreError::Unavailable("the history cannot be asked yet".into()))
    }

    /// Counts and medians over `[since, until)`; of one resource, or of all together.
    pub async fn stats(&self, resource: Option<&ResourceId>, since: Instant, until: Instant) -> Result<Stats, StoreError> {
        let _ = (resource, since, until);
        Err(StoreError::Unavailable("the history cannot be asked yet".into()))
    }
}
