//! Rich text.

use serde_json::{Map, Value};

use super::check::Check;

/// The tokens that a date's format may have.
const TOKENS: [&str; 14] = [
    "date_num",
    "date_slash",
    "date_long",
    "date_long_full",
    "date_long_pretty",
    "date",
    "date_pretty",
    "date_short",
    "date_short_pretty",
    "day_divider_pretty",
    "time",
    "time_secs",
    "ago",
    "date_relative",
];

/// Elements of one rich text; Slack names no limit, and nobody needs more.
const MANY: usize = 1000;

pub(super) fn rich_text(check: &mut Check, object: &Map<String, Value>) {
    check.list(object, "elements", (1, MANY), part);
}

fn part(check: &mut Check, value: &Value) {
    match value["type"].as_str().unwrap_or_default() {
        "rich_text_section" => section(check, value),
        "rich_text_quote" => bordered(check, value, leaf),
        "rich_text_preformatted" => bordered(check, value, |check, item| {
            if matches!(item["type"].as_str(), Some("text" | "link")) {
                leaf(check, item);
            } else {
                check.problem("only text and links can be preformatted");
            }
        }),
        "rich_text_list" => list(check, value),
        other => check.problem(format!("unsupported type: {other:?}")),
    }
}

fn section(check: &mut Check, value: &Value) {
    if let Some(object) = check.object(value, &["elements"], &[]) {
        check.list(object, "elements", (1, MANY), leaf);
    }
}

fn bordered(check: &mut Check, value: &Value, each: impl FnMut(&mut Check, &Value)) {
    if let Some(object) = check.object(value, &["elements"], &["border"]) {
        check.whole(object, "border", 0, 1);
        check.list(object, "elements", (1, MANY), each);
    }
}

fn list(check: &mut Check, value: &Value) {
    let Some(object) = check.object(value, &["style", "elements"], &["indent", "offset", "border"]) else { return };
    check.one_of(object, "style", &["bullet", "ordered"]);
    check.whole(object, "indent", 0, 8);
    check.whole(object, "offset", 0, 10_000);
    check.whole(object, "border", 0, 1);
    check.list(object, "elements", (1, MANY), |check, item| {
        if item["type"] == "rich_text_section" {
            section(check, item);
        } else {
            check.problem("a list holds rich_text_sections");
        }
    });
}

fn leaf(check: &mut Check, value: &Value) {
    let (required, optional): (&[&str], &[&str]) = match value["type"].as_str().unwrap_or_default() {
        "text" => (&["text"], &["style"]),
        "link" => (&["url"], &["text", "unsafe", "style"]),
        "user" => (&["user_id"], &["style"]),
        "usergroup" => (&["usergroup_id"], &["style"]),
        "channel" => (&["channel_id"], &["style"]),
        "emoji" => (&["name"], &["unicode", "style"]),
        "date" => (&["timestamp", "format"], &["url", "fallback", "style"]),
        "broadcast" => (&["range"], &["style"]),
        "color" => (&["value"], &["style"]),
        other => return check.problem(format!("unsupported type: {other:?}")),
    };
    let Some(object) = check.object(value, required, optional) else { return };
    check.string(object, "text", usize::MAX);
    check.string(object, "fallback", usize::MAX);
    check.string(object, "name", 255);
    check.link(object, "url");
    check.flags(object, &["unsafe"]);
    check.one_of(object, "range", &["here", "channel", "everyone"]);
    for (name, letters) in [("user_id", "UW"), ("usergroup_id", "S"), ("channel_id", "CGD")] {
        id(check, object, name, letters);
    }
    if value["type"] == "date" {
        date(check, object);
    }
    if let Some(style) = object.get("style") {
        check.at("style", |check| style_of(check, style, value["type"] == "text" || value["type"] == "link"));
    }
}

fn style_of(check: &mut Check, style: &Value, is_text: bool) {
    let names: &[&str] = if is_text {
        &["bold", "italic", "strike", "underline", "code"]
    } else {
        &["bold", "italic", "strike", "underline", "highlight", "client_highlight", "unlink", "code"]
    };
    if let Some(object) = check.object(style, &[], names) {
        check.flags(object, names);
    }
}

fn id(check: &mut Check, object: &Map<String, Value>, name: &str, letters: &str) {
    let fits = |text: &str| {
        text.len() > 1 && text.starts_with(|c| letters.contains(c)) && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    };
    if let Some(value) = object.get(name)
        && !value.as_str().is_some_and(fits)
    {
        check.at(name, |check| check.problem(format!("is no id: {value}")));
    }
}

fn date(check: &mut Check, object: &Map<String, Value>) {
    if !object.get("timestamp").is_some_and(Value::is_i64) {
        check.at("timestamp", |check| check.problem("must be a whole number of seconds"));
    }
    let format = object.get("format").and_then(Value::as_str).unwrap_or_default();
    let tokens: Vec<&str> = format.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default()).collect();
    if tokens.is_empty() || tokens.iter().any(|token| !TOKENS.contains(token)) {
        check.at("format", |check| check.problem(format!("must have tokens of a date, and only these: {format:?}")));
    }
}
