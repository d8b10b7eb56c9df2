//! What differs, in one line for operators: names of targets and of who holds them, inert and few.

use std::collections::BTreeMap;

use super::{DriftKind, DriftRow};
use crate::domain::evidence::inert;

/// Targets, and names at each, that a line has room for; and the longest of them, in characters.
const TARGETS: usize = 5;
const NAMES: usize = 8;
const NAME: usize = 64;

/// Who holds what without us: `gus and mia have write on prod-db`.
pub fn said<'r>(rows: impl IntoIterator<Item = &'r DriftRow>) -> String {
    let mut targets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        targets.entry(place(row)).or_default().push(who(row));
    }
    let mut parts: Vec<String> = targets.iter().take(TARGETS).map(|(place, names)| at_one(place, names)).collect();
    let more = targets.len().saturating_sub(TARGETS);
    parts.extend((more > 0).then(|| format!("and so it is with {more} more roles")));
    parts.join("; ")
}

fn at_one(place: &str, names: &[String]) -> String {
    let shown = names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = match names.len().saturating_sub(NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let verb = if names.len() == 1 { "has" } else { "have" };
    format!("{shown}{more} {verb} {place}")
}

fn who(row: &DriftRow) -> String {
    let name = inert(&row.principal, NAME);
    match (row.kind, &row.request) {
        (DriftKind::OursAfterEnd, Some(request)) => format!("{name} (once by {request})"),
        _ => name,
    }
}

/// `write on prod-db`, as bot.toml calls it; else the target as its adapter does.
fn place(row: &DriftRow) -> String {
    let named = row.resources.iter().zip(&row.roles).map(|(resource, role)| format!("{role} on {resource}"));
    let named = named.collect::<Vec<_>>().join(" and ");
    if named.is_empty() { inert(&row.target, NAME) } else { named }
}
