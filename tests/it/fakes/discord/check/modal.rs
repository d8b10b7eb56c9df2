//! Forms: a title, one to five inputs, each under its own name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Wrongs,
    components::{CUSTOM_ID, check_select},
    join,
};

const TITLE: usize = 45;
const LABEL: usize = 45;
const DESCRIPTION: usize = 100;
const INPUTS: usize = 5;
const PLACEHOLDER: usize = 100;
const VALUE: usize = 4_000;

/// The kinds of component that a form has.
const ROW: u64 = 1;
const STRING_SELECT: u64 = 3;
pub(in crate::fakes::discord) const TEXT_INPUT: u64 = 4;
pub(in crate::fakes::discord) const LABELLED: u64 = 18;
const TEXT: u64 = 10;

pub(in crate::fakes::discord) fn check(wrongs: &mut Wrongs, place: &str, value: Option<&Value>) {
    let Some(modal) = value.filter(|v| !v.is_null()) else { return wrongs.required(place) };
    let Some(modal) = wrongs.object(place, modal, &["custom_id", "title", "components"]) else { return };
    wrongs.words(&join(place, "custom_id"), modal.get("custom_id"), CUSTOM_ID);
    wrongs.words(&join(place, "title"), modal.get("title"), TITLE);
    let inner = join(place, "components");
    let mut names = BTreeSet::new();
    for (n, part) in wrongs.list(&inner, modal.get("components"), 1, INPUTS).iter().enumerate() {
        let place = join(&inner, n);
        match part["type"].as_u64() {
            Some(ROW) => check_row(wrongs, &place, part, &mut names),
            Some(LABELLED) => check_labelled(wrongs, &place, part, &mut names),
            Some(TEXT) => {
                if let Some(text) = wrongs.object(&place, part, &["type", "id", "content"]) {
                    wrongs.words(&join(&place, "content"), text.get("content"), VALUE);
                }
            }
            _ => wrongs.add(&join(&place, "type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (1, 10, 18)."),
        }
    }
}

fn check_row(wrongs: &mut Wrongs, place: &str, row: &Value, names: &mut BTreeSet<String>) {
    let Some(row) = wrongs.object(place, row, &["type", "id", "components"]) else { return };
    let place = join(place, "components");
    for (n, input) in wrongs.list(&place, row.get("components"), 1, 1).iter().enumerate() {
        let place = join(&place, n);
        if input["type"] == TEXT_INPUT {
            check_input(wrongs, &place, input, true, names);
        } else {
            wrongs.add(&join(&place, "type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (4,).");
        }
    }
}

fn check_labelled(wrongs: &mut Wrongs, place: &str, label: &Value, names: &mut BTreeSet<String>) {
    let Some(label) = wrongs.object(place, label, &["type", "id", "label", "description", "component"]) else { return };
    wrongs.words(&join(place, "label"), label.get("label"), LABEL);
    wrongs.text(&join(place, "description"), label.get("description"), 1, DESCRIPTION);
    let place = join(place, "component");
    let Some(input) = label.get("component") else { return wrongs.required(&place) };
    match input["type"].as_u64() {
        Some(TEXT_INPUT) => check_input(wrongs, &place, input, false, names),
        Some(kind @ STRING_SELECT..=8) => {
            let mut keys =
                vec!["type", "id", "custom_id", "placeholder", "min_values", "max_values", "required", "disabled", "default_values"];
            if kind == STRING_SELECT {
                keys.push("options");
            }
            let Some(select) = wrongs.object(&place, input, &keys) else { return };
            check_name(wrongs, &place, select.get("custom_id"), names);
            check_select(wrongs, &place, select, kind == STRING_SELECT);
        }
        _ => wrongs.add(&join(&place, "type"), "UNION_TYPE_CHOICES", "Must be a text input or a select"),
    }
}

fn check_input(wrongs: &mut Wrongs, place: &str, input: &Value, labelled: bool, names: &mut BTreeSet<String>) {
    let keys = ["type", "id", "custom_id", "style", "label", "value", "placeholder", "required", "min_length", "max_length"];
    let Some(input) = wrongs.object(place, input, &keys) else { return };
    check_name(wrongs, place, input.get("custom_id"), names);
    if wrongs.number(&join(place, "style"), input.get("style"), 1, 2).is_none() {
        wrongs.required(&join(place, "style"));
    }
    if labelled {
        wrongs.words(&join(place, "label"), input.get("label"), LABEL);
    } else if input.get("label").is_some_and(|l| !l.is_null()) {
        wrongs.add(&join(place, "label"), "COMPONENT_LABEL_NOT_ALLOWED", "Its label stands around it");
    }
    wrongs.text(&join(place, "placeholder"), input.get("placeholder"), 0, PLACEHOLDER);
    wrongs.boolean(&join(place, "required"), input.get("required"));
    let most_allowed = i64::try_from(VALUE).unwrap();
    let least = wrongs.number(&join(place, "min_length"), input.get("min_length"), 0, most_allowed).unwrap_or_default();
    let most = wrongs.number(&join(place, "max_length"), input.get("max_length"), 1, most_allowed).unwrap_or(most_allowed);
    if least > most {
        wrongs.add(&join(place, "min_length"), "NUMBER_TYPE_MAX", "Must not be more than max_length");
    }
    let value = wrongs.text(&join(place, "value"), input.get("value"), 0, VALUE).unwrap_or_default();
    let length = i64::try_from(value.chars().count()).unwrap();
    if length > most || (length > 0 && length < least) {
        wrongs.add(&join(place, "value"), "BASE_TYPE_BAD_LENGTH", format!("Must be between {least} and {most} in length."));
    }
}

fn check_name(wrongs: &mut Wrongs, place: &str, value: Option<&Value>, names: &mut BTreeSet<String>) {
    let place = join(place, "custom_id");
    let name = wrongs.words(&place, value, CUSTOM_ID);
    if !name.is_empty() && !names.insert(name.to_owned()) {
        wrongs.add(&place, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated");
    }
}
