//! The blocks themselves.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    Surface,
    check::Check,
    elements::{self, Host},
    rich,
};

pub(super) fn blocks(check: &mut Check, blocks: &Value, surface: Surface, most: usize) {
    let Some(list) = blocks.as_array() else { return check.problem("must be an array") };
    if list.len() > most {
        check.problem(format!("no more than {most} items allowed: {}", list.len()));
    }
    let mut ids = BTreeSet::new();
    for (index, value) in list.iter().enumerate() {
        check.at(index, |check| {
            block(check, value, surface);
            if let Some(id) = value["block_id"].as_str()
                && !ids.insert(id.to_owned())
            {
                check.problem(format!("block_id already exists: {id}"));
            }
        });
    }
}

fn block(check: &mut Check, value: &Value, surface: Surface) {
    let (required, optional): (&[&str], &[&str]) = match value["type"].as_str().unwrap_or_default() {
        "section" => (&[], &["text", "fields", "accessory", "expand"]),
        "header" => (&["text"], &[]),
        "divider" => (&[], &[]),
        "context" | "actions" | "rich_text" => (&["elements"], &[]),
        "image" => (&["alt_text"], &["image_url", "slack_file", "title"]),
        "input" => (&["label", "element"], &["dispatch_action", "hint", "optional"]),
        "markdown" if surface == Surface::Message => (&["text"], &[]),
        other => return check.problem(format!("unsupported type: {other:?}")),
    };
    let optional: Vec<&str> = optional.iter().copied().chain(["block_id"]).collect();
    let Some(object) = check.object(value, required, &optional) else { return };
    check.string(object, "block_id", 255);
    match value["type"].as_str().unwrap_or_default() {
        "section" => section(check, object),
        "header" => check.plain(object, "text", 150),
        "context" => check.list(object, "elements", (1, 10), context),
        "actions" => actions(check, object),
        "rich_text" => rich::rich_text(check, object),
        "image" => elements::image(check, object, true),
        "input" => input(check, object),
        "markdown" => check.string(object, "text", 12_000),
        _ => {}
    }
}

fn section(check: &mut Check, object: &Map<String, Value>) {
    if !object.contains_key("text") && !object.contains_key("fields") {
        check.problem("one of text and fields is needed");
    }
    check.either(object, "text", 3000);
    check.list(object, "fields", (1, 10), |check, field| check.text(field, &["plain_text", "mrkdwn"], 2000));
    check.flags(object, &["expand"]);
    if let Some(accessory) = object.get("accessory") {
        check.at("accessory", |check| elements::element(check, accessory, Host::Section, &mut BTreeSet::new()));
    }
}

fn context(check: &mut Check, item: &Value) {
    if item["type"] == "image" {
        if let Some(object) = check.object(item, &["alt_text"], &["image_url", "slack_file"]) {
            elements::image(check, object, false);
        }
    } else {
        check.text(item, &["plain_text", "mrkdwn"], 3000);
    }
}

fn actions(check: &mut Check, object: &Map<String, Value>) {
    let mut ids = BTreeSet::new();
    check.list(object, "elements", (1, 25), |check, item| elements::element(check, item, Host::Actions, &mut ids));
}

fn input(check: &mut Check, object: &Map<String, Value>) {
    check.plain(object, "label", 2000);
    check.plain(object, "hint", 2000);
    check.flags(object, &["dispatch_action", "optional"]);
    if let Some(element) = object.get("element") {
        check.at("element", |check| elements::element(check, element, Host::Input, &mut BTreeSet::new()));
    }
}
