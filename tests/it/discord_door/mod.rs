//! Everything that comes from Discord, by both ways in: the door by itself, in the house of the conversations.

mod acting;
mod attacks;
mod forms;
mod gateway;
mod late;
mod passing;
mod slow;
mod typing;

use serde_json::Value;

use crate::discord::{ANA, BEN, BOTH, CARDS, CLEO, DORA, EVE, House, LEADS, TALK, Way};

/// A whole ask.
const ASK: [(&str, &str); 4] = [("resource", "prod-db"), ("role", "write"), ("length", "1h"), ("reason", "Unblock the stuck import")];

/// What a field of a form holds, and its hint.
fn field<'f>(form: &'f Value, name: &str) -> (&'f str, &'f str) {
    let rows = form["components"].as_array().unwrap().iter().map(|row| &row["components"][0]);
    let mut inputs = rows.filter(|input| input["custom_id"] == name);
    let input = inputs.next().unwrap_or_else(|| panic!("there is no {name} in {form}"));
    (input["value"].as_str().unwrap_or_default(), input["placeholder"].as_str().unwrap_or_default())
}
