//! What a person reads of a message or a form, as plain lines; and what in it takes effect (markup, mentions, links, times), so that a
//! test can prove that people's words do not. Times are shown in UTC, as they read when the message was written or last changed.

mod markdown;

use chrono::DateTime;
use serde_json::Value;

pub(crate) use super::look::pings;
use super::{START_SECONDS, check::modal::LABELLED};
use markdown::Reader;

/// When it is read, in seconds since 1970.
fn read_at(message: &Value) -> i64 {
    let time = |name: &str| message[name].as_str().and_then(|time| DateTime::parse_from_rfc3339(time).ok());
    time("edited_timestamp").or_else(|| time("timestamp")).map_or(START_SECONDS, |time| time.timestamp())
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// The message as lines: content, then each embed (author, title, description, fields as `Name: value`, footer), then buttons as
/// `[Label]` (`[Label → url]` when it is a link) and selects as `(what they show)`. A form: `= Title =` and `Label: (what it holds)`.
pub(crate) fn text_of(message: &Value) -> String {
    let now = read_at(message);
    let shown = |raw: &str, blocks: bool| Reader::read(raw, blocks, now).shown;
    let mut lines: Vec<String> = Vec::new();
    let mut say = |line: String| {
        if !line.is_empty() {
            lines.push(line);
        }
    };
    if message["title"].is_string() {
        say(format!("= {} =", text(message, "title")));
    }
    say(shown(text(message, "content"), true));
    for embed in items(&message["embeds"]) {
        say(text(&embed["author"], "name").to_owned());
        say(shown(text(embed, "title"), false));
        say(shown(text(embed, "description"), true));
        for field in items(&embed["fields"]) {
            let (name, value) = (shown(text(field, "name"), false), shown(text(field, "value"), true));
            say(if value.contains('\n') { format!("{name}:\n{value}") } else { format!("{name}: {value}") });
        }
        say(text(&embed["footer"], "text").to_owned());
    }
    for component in items(&message["components"]) {
        component_lines(component, now).into_iter().for_each(&mut say);
    }
    lines.join("\n")
}

fn component_lines(component: &Value, now: i64) -> Vec<String> {
    let inner = || items(&component["components"]);
    match component["type"].as_u64().unwrap_or_default() {
        1 => vec![inner().iter().map(element).collect::<Vec<_>>().join(" ")],
        9 => {
            let mut lines: Vec<String> = inner().iter().flat_map(|part| component_lines(part, now)).collect();
            lines.push(element(&component["accessory"]));
            lines
        }
        10 => vec![Reader::read(text(component, "content"), true, now).shown],
        14 => vec!["---".to_owned()],
        17 => inner().iter().flat_map(|part| component_lines(part, now)).collect(),
        LABELLED => {
            let mut lines = vec![format!("{}: {}", text(component, "label"), element(&component["component"]))];
            lines.extend(component["description"].as_str().map(|words| format!("  {words}")));
            lines
        }
        _ => Vec::new(),
    }
}

fn element(element: &Value) -> String {
    match element["type"].as_u64().unwrap_or_default() {
        2 => {
            let label = [text(&element["emoji"], "name"), text(element, "label")].into_iter().filter(|part| !part.is_empty());
            let label = label.collect::<Vec<_>>().join(" ");
            match element["url"].as_str() {
                Some(url) => format!("[{label} → {url}]"),
                None if element["disabled"] == true => format!("[{label}] (disabled)"),
                None => format!("[{label}]"),
            }
        }
        4 => {
            let holds = element["value"].as_str().filter(|v| !v.is_empty()).unwrap_or_else(|| text(element, "placeholder"));
            match element["label"].as_str() {
                Some(label) => format!("{label}: ({holds})"),
                None => format!("({holds})"),
            }
        }
        _ => {
            let chosen = items(&element["options"]).iter().find(|option| option["default"] == true).map(|option| text(option, "label"));
            format!("({})", chosen.unwrap_or_else(|| text(element, "placeholder")))
        }
    }
}

/// Everything in a message that takes effect, in order: `bold`, `heading`, `list`, `code`, `user ID`, `role ID`, `channel ID`,
/// `command NAME`, `time UNIX STYLE`, `everyone`, `here`, `emoji NAME`, `link URL`, ..
pub(crate) fn live_markup(message: &Value) -> Vec<String> {
    let now = read_at(message);
    let mut found = Vec::new();
    let mut look = |raw: &str, blocks: bool| found.extend(Reader::read(raw, blocks, now).live);
    look(text(message, "content"), true);
    for embed in items(&message["embeds"]) {
        look(text(embed, "title"), false);
        look(text(embed, "description"), true);
        for field in items(&embed["fields"]) {
            look(text(field, "name"), false);
            look(text(field, "value"), true);
        }
    }
    let mut links = Vec::new();
    for embed in items(&message["embeds"]) {
        links.extend([embed, &embed["author"], &embed["image"], &embed["thumbnail"]].iter().filter_map(|part| part["url"].as_str()));
    }
    in_components(&message["components"], &mut look, &mut links);
    found.extend(links.into_iter().map(|url| format!("link {url}")));
    found
}

fn in_components<'m>(components: &'m Value, look: &mut impl FnMut(&str, bool), links: &mut Vec<&'m str>) {
    for component in items(components) {
        if component["type"] == 10 {
            look(text(component, "content"), true);
        }
        links.extend([component, &component["accessory"]].iter().filter_map(|part| part["url"].as_str()));
        in_components(&component["components"], look, links);
    }
}
