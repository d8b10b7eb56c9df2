//! What happened, without reading what need not be read: who held what at an instant, whom and what requests were about,
//! counts and medians over a span. The rows are written with the documents that they follow from (`domain::digest::moments`).

mod count;
pub(super) mod fill;
mod held;
mod lists;
mod operations;
mod places;
pub(super) mod rows;
mod search;

pub use held::{HELD_MAX, HeldThen};
pub use lists::Troubled;
pub use search::{Cursor, Page, Search};

use super::{
    Store, StoreError,
    db::Value::{Int, Text},
    document::parsed,
};
use crate::domain::{
    ids::{PersonId, ResourceId},
    request::Request,
};

impl Store {
    /// Requests for this subject on this resource, open or closed, newest first.
    pub async fn earlier(&self, subject: &PersonId, resource: &ResourceId, limit: u32) -> Result<Vec<Request>, StoreError> {
        let sql = "SELECT document FROM requests WHERE subject = $1 AND resource = $2 ORDER BY opened_at DESC, id LIMIT $3";
        let values = [Text(subject.to_string()), Text(resource.to_string()), Int(i64::from(limit))];
        self.read(sql, &values).await?.iter().map(|row| parsed(&row.text(0)?)).collect()
    }
}
