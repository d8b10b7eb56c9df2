//! Paging by cursor, as every list of the Web API does it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::Refusal;
use crate::fakes::slack::fields::Fields;

/// One page of `items` under `name`, with the cursor of the next. `most`: the largest `limit` that is taken.
///
/// # Errors
/// `invalid_cursor`, `invalid_limit`.
pub(super) fn page(items: Vec<Value>, name: &str, fields: &Fields, usual: usize, most: usize) -> Result<Map<String, Value>, Refusal> {
    let limit = match fields.number("limit")? {
        None | Some(0) => usual,
        Some(limit) if limit > most => return Err("invalid_limit".into()),
        Some(limit) => limit,
    };
    let from = match fields.text("cursor") {
        None => 0,
        Some(cursor) => read(cursor, name).ok_or("invalid_cursor")?,
    };
    let next = from + limit;
    let more = items.len() > next;
    let cursor = if more { STANDARD.encode(format!("{name}:{next}")) } else { String::new() };
    let page: Vec<Value> = items.into_iter().skip(from).take(limit).collect();
    let mut answer = Map::new();
    answer.insert(name.to_owned(), Value::Array(page));
    answer.insert("response_metadata".to_owned(), json!({"next_cursor": cursor}));
    if name == "messages" {
        answer.insert("has_more".to_owned(), json!(more));
    }
    Ok(answer)
}

fn read(cursor: &str, name: &str) -> Option<usize> {
    let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    text.strip_prefix(name)?.strip_prefix(':')?.parse().ok()
}
