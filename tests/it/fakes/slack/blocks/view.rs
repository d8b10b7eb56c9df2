//! Modals and home tabs.

use serde_json::Value;

use super::{Surface, check::Check, layout};

/// Blocks of a view.
const BLOCKS: usize = 100;

pub(super) fn view(check: &mut Check, value: &Value) {
    let (surface, required, optional): (Surface, &[&str], &[&str]) = match value["type"].as_str().unwrap_or_default() {
        "modal" => (
            Surface::Modal,
            &["title", "blocks"],
            &["close", "submit", "private_metadata", "callback_id", "clear_on_close", "notify_on_close", "external_id", "submit_disabled"],
        ),
        "home" => (Surface::Home, &["blocks"], &["private_metadata", "callback_id", "external_id"]),
        other => return check.problem(format!("unsupported type: {other:?}")),
    };
    let Some(object) = check.object(value, required, optional) else { return };
    for name in ["title", "submit", "close"] {
        check.plain(object, name, 24);
    }
    check.string_from(object, "private_metadata", 0, 3000);
    check.string_from(object, "callback_id", 0, 255);
    check.string_from(object, "external_id", 0, 255);
    check.flags(object, &["clear_on_close", "notify_on_close", "submit_disabled"]);
    if let Some(blocks) = object.get("blocks") {
        check.at("blocks", |check| layout::blocks(check, blocks, surface, BLOCKS));
        let has_input = blocks.as_array().into_iter().flatten().any(|block| block["type"] == "input");
        if surface == Surface::Modal && has_input && !object.contains_key("submit") {
            check.problem("a form with inputs needs submit");
        }
    }
    if check.focused > 1 {
        check.problem("only one element may take the focus");
    }
}
