//! Finding requests: of a person, of a resource, in a span, a page at a time. Each part of the text has one index that finds
//! the newest of it, so that a page costs what it shows.

use super::fill::since;
use crate::{
    domain::{
        ids::{PersonId, ResourceId},
        request::{Request, RequestId},
        time::Instant,
    },
    store::{
        Store, StoreError,
        db::Value::{Int, Text, TextOr},
        document::parsed,
    },
};

/// Which requests to find: those that were opened in a span, that were not over before it, or in which the person decided
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
    /// Requests on a page, at least one.
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

/// The newest of one part: `$1` person, `$2` resource, `$3` since, `$4` until or the cursor's instant, both included up to there,
/// `$5` and `$6` the cursor, `$7` the limit.
macro_rules! part {
    ($select:literal, $id:literal, $table:literal, $where:literal) => {
        concat!(
            "SELECT id, opened_at FROM (",
            $select,
            " ",
            $id,
            " AS id, opened_at FROM ",
            $table,
            " WHERE ",
            $where,
            " AND opened_at <= $4 AND ($2 IS NULL OR resource = $2) AND (opened_at <> $5 OR ",
            $id,
            " > $6) ORDER BY opened_at DESC, ",
            $id,
            " LIMIT $7) AS part"
        )
    };
    ($id:literal, $table:literal, $where:literal) => {
        part!("SELECT", $id, $table, $where)
    };
}

macro_rules! page {
    ($($part:expr),+) => {
        concat!(
            "SELECT r.opened_at, r.id, r.document FROM (", $($part, " UNION ",)+
            // Ends the list without finding anything.
            "SELECT id, opened_at FROM requests WHERE id = '') AS found \
             JOIN requests r ON r.id = found.id ORDER BY found.opened_at DESC, found.id LIMIT $7"
        )
    };
}

/// Somebody may have done several things about one request. By when it was opened and not by when they did it (hence `+ 0`), so that
/// each page goes on where the last one ended.
macro_rules! of_acts {
    () => {
        part!("SELECT DISTINCT", "request", "acts", "person = $1 AND at + 0 >= $3")
    };
}

const OF_PERSON: &str = page!(
    part!("id", "requests", "requester = $1 AND opened_at >= $3"),
    part!("id", "requests", "subject = $1 AND opened_at >= $3"),
    part!("id", "requests", "requester = $1 AND open AND opened_at < $3"),
    part!("id", "requests", "subject = $1 AND open AND opened_at < $3"),
    part!("request", "history", "subject = $1 AND closed_at >= $3 AND opened_at < $3"),
    part!("request", "history", "requester = $1 AND requester <> subject AND closed_at >= $3 AND opened_at < $3"),
    of_acts!()
);

const OF_ALL: &str = page!(
    part!("id", "requests", "$1 IS NULL AND opened_at >= $3"),
    part!("id", "requests", "$1 IS NULL AND open AND opened_at < $3"),
    part!("request", "history", "$1 IS NULL AND closed_at >= $3 AND opened_at < $3")
);

const OF_RESOURCE: &str = page!(
    part!("id", "requests", "$1 IS NULL AND resource = $2 AND opened_at >= $3"),
    part!("id", "requests", "$1 IS NULL AND resource = $2 AND open AND opened_at < $3"),
    part!("request", "history", "$1 IS NULL AND resource = $2 AND closed_at >= $3 AND opened_at < $3")
);

impl Store {
    /// A page of requests.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn history(&self, search: &Search) -> Result<Page, StoreError> {
        self.whole_history().await?;
        let sql = match (&search.person, &search.resource) {
            (Some(_), _) => OF_PERSON,
            (None, Some(_)) => OF_RESOURCE,
            (None, None) => OF_ALL,
        };
        let limit = search.limit.max(1);
        let until = search.until.map_or(i64::MAX, |until| until.micros().saturating_sub(1));
        let (at, id) = search.after.as_ref().map_or((i64::MAX, ""), |after| (after.opened_at.micros(), after.id.as_str()));
        let values = [
            TextOr(search.person.as_ref().map(ToString::to_string)),
            TextOr(search.resource.as_ref().map(ToString::to_string)),
            Int(since(search.since)),
            Int(until.min(at)),
            Int(at),
            Text(id.to_owned()),
            Int(i64::from(limit) + 1),
        ];
        let rows = self.read(sql, &values).await?;
        let shown = usize::try_from(limit).unwrap_or(usize::MAX);
        let requests: Vec<Request> = rows.iter().take(shown).map(|row| parsed(&row.text(2)?)).collect::<Result<_, _>>()?;
        let next = requests.last().filter(|_| rows.len() > shown);
        let next = next.map(|last| Cursor { opened_at: last.opened_at, id: last.id.clone() });
        Ok(Page { requests, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_page_of_what_somebody_decided_is_read_by_its_index_in_its_order_and_not_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("hallpass.db").display())).await.unwrap();
        let values = [Text("ben".into()), TextOr(None), Int(0), Int(i64::MAX), Int(i64::MAX), Text(String::new()), Int(201)];
        let plan = store.read(concat!("EXPLAIN QUERY PLAN ", of_acts!()), &values).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.text(3).unwrap()).collect();
        assert!(plan.iter().any(|step| step.contains("acts_opened")), "{plan:?}");
        assert!(plan.iter().all(|step| !step.contains("FOR ORDER BY")), "{plan:?}");
    }
}
