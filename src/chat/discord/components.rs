//! Buttons, selects, inputs and, in the second version, texts and what holds them: each value of them in its place. Must not know
//! what they are for.

use serde_json::Value;

use super::{
    limits::{self, ACTION_ROW},
    markdown::Times,
    places::{Slot, custom_id, exact, linked, needed, objects, plain},
};
use crate::chat::marks::Marks;

/// Kinds of components, as Discord numbers them.
const BUTTON: u64 = 2;
const SELECT: u64 = 3;
const INPUT: u64 = 4;
const SECTION: u64 = 9;
const TEXT: u64 = 10;
const THUMBNAIL: u64 = 11;
const CONTAINER: u64 = 17;

/// The components under `at`, with rows of five, and the texts that were taken out of them.
/// # Errors
/// Something that nobody may cut is too long, or is missing.
pub(super) fn components(all: &mut Value, at: &str, marks: Marks) -> Result<Vec<Slot>, String> {
    let Value::Array(all) = all else { return Ok(Vec::new()) };
    objects(all, "component")?;
    limits::rows(all);
    let mut slots = Vec::new();
    for (n, one) in all.iter_mut().enumerate() {
        slots.extend(component(one, &format!("{at}/{n}"), marks)?);
    }
    Ok(slots)
}

fn component(one: &mut Value, at: &str, marks: Marks) -> Result<Vec<Slot>, String> {
    custom_id(one)?;
    match one["type"].as_u64().unwrap_or_default() {
        ACTION_ROW | CONTAINER => components(&mut one["components"], &format!("{at}/components"), marks),
        SECTION => {
            let mut slots = components(&mut one["components"], &format!("{at}/components"), marks)?;
            slots.extend(component(&mut one["accessory"], &format!("{at}/accessory"), marks)?);
            Ok(slots)
        }
        TEXT => text(one, at, marks).map(|slot| vec![slot]),
        BUTTON => button(one, marks),
        SELECT..=8 => control(one, marks),
        THUMBNAIL => {
            plain(one, "description", limits::FIELD_VALUE, marks)?;
            linked(&mut one["media"], "url", limits::FOOTER)?;
            Ok(Vec::new())
        }
        _ => Ok(Vec::new()),
    }
}

fn text(one: &mut Value, at: &str, marks: Marks) -> Result<Slot, String> {
    let keep = one["keep"].take() == true;
    let slot = Slot::taken((one, at), "content", limits::COMPONENT_TEXTS, (marks, Times::Live))?;
    Ok(Slot { keep, ..slot })
}

fn button(one: &mut Value, marks: Marks) -> Result<Vec<Slot>, String> {
    linked(one, "url", limits::BUTTON_LINK)?;
    if one["emoji"].is_object() {
        plain(one, "label", limits::BUTTON, marks)?;
    } else {
        needed(one, "label", limits::BUTTON, marks)?;
    }
    if one["custom_id"].is_null() && one["url"].is_null() && one["sku_id"].is_null() {
        return Err("a button without a custom_id or a url".to_owned());
    }
    Ok(Vec::new())
}

/// A select, or a text input.
fn control(one: &mut Value, marks: Marks) -> Result<Vec<Slot>, String> {
    if one["type"] == INPUT {
        if one["label"].is_string() {
            needed(one, "label", limits::LABEL, marks)?;
        }
        plain(one, "placeholder", limits::PLACEHOLDER, marks)?;
        let most = one["max_length"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(limits::INPUT);
        plain(one, "value", most.min(limits::INPUT), marks)?;
        return Ok(Vec::new());
    }
    plain(one, "placeholder", limits::SELECT_PLACEHOLDER, marks)?;
    let options = one["options"].as_array_mut().into_iter().flatten();
    let mut number = 0;
    for option in options.filter(|option| option.is_object()) {
        number += 1;
        needed(option, "label", limits::OPTION, marks)?;
        plain(option, "description", limits::OPTION, marks)?;
        exact(option, "value", limits::OPTION)?;
    }
    limits::few(number, limits::OPTIONS, "options")?;
    Ok(Vec::new())
}

/// Are these what a modal may have? Only what is typed into a text input in a row of its own comes back by both ways in: the
/// gateway's client reads anything else as empty.
/// # Errors
/// Something else is among them, or there are none or too many.
pub(super) fn only_inputs(all: &[Value]) -> Result<(), String> {
    for row in all {
        match row["components"].as_array().map(Vec::as_slice) {
            Some([input]) if row["type"] == ACTION_ROW && input["type"] == INPUT && input["custom_id"].is_string() => {}
            _ => {
                return Err(format!(
                    "a modal takes rows (type {ACTION_ROW}) of one text input (type {INPUT}) with its custom_id, and nothing else: what is filled into that is lost on its way back"
                ));
            }
        }
    }
    if all.is_empty() {
        return Err(format!("a modal has 1 to {} inputs (type {INPUT})", limits::INPUTS));
    }
    limits::few(all.len(), limits::INPUTS, "inputs")?;
    limits::count(all, false)
}

/// Without what came out empty: a row, a container or a section that shows nothing.
pub(super) fn without_empty(all: &mut Value) {
    let Value::Array(all) = all else { return };
    for inner in all.iter_mut().filter_map(|one| one.get_mut("components")) {
        without_empty(inner);
    }
    let shows = |one: &Value| match one["type"].as_u64().unwrap_or_default() {
        ACTION_ROW | CONTAINER => one["components"].as_array().is_some_and(|inner| !inner.is_empty()),
        TEXT => one["content"].is_string(),
        _ => true,
    };
    all.retain(shows);
}
