//! What a person reads of a message in Discord, as plain lines; and what in it is more than characters.

use serde_json::Value;

/// Content, then each embed with its fields as `Name: value`, then rows of buttons as `[Label]`. Times are shown as they were sent.
pub(crate) fn text_of(message: &Value) -> String {
    let mut lines: Vec<String> = Vec::new();
    places(message, &mut |name, text| {
        let shown = read(text).0;
        lines.push(match name {
            Some(name) if shown.contains('\n') => format!("{name}:\n{shown}"),
            Some(name) => format!("{name}: {shown}"),
            None => shown,
        });
    });
    for row in list(&message["components"]).iter().filter(|row| row["type"] == 1) {
        let label = |button: &Value| format!("[{}]", button["label"].as_str().unwrap_or_default());
        lines.push(list(&row["components"]).iter().map(label).collect::<Vec<_>>().join(" "));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// All markup, mentions, times, code and links, in order.
pub(crate) fn live_markup(message: &Value) -> Vec<String> {
    let mut live = Vec::new();
    places(message, &mut |_, text| live.extend(read(text).1));
    live
}

fn places(message: &Value, see: &mut dyn FnMut(Option<&str>, &str)) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    see(None, &text(&message["content"]));
    for embed in list(&message["embeds"]) {
        see(None, &text(&embed["description"]));
        for field in list(&embed["fields"]) {
            see(Some(&text(&field["name"])), &text(&field["value"]));
        }
        see(None, &text(&embed["footer"]["text"]));
    }
    displays(&message["components"], see);
}

fn displays(components: &Value, see: &mut dyn FnMut(Option<&str>, &str)) {
    for part in list(components) {
        if let Some(text) = part["content"].as_str() {
            see(None, text);
        }
        displays(&part["components"], see);
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What is shown, and every sign in it that is not escaped and could be part of markup. Stricter than any client.
fn read(text: &str) -> (String, Vec<String>) {
    let (mut shown, mut live, mut rest) = (String::new(), Vec::new(), text);
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        let sign = |whole: usize| rest[..whole].to_owned();
        let until = |close: &str| tail.find(close).map(|at| c.len_utf8() + at + close.len());
        let (taken, says, does) = match c {
            '\\' if tail.starts_with(|next: char| next.is_ascii_punctuation()) => (2, tail[..1].to_owned(), None),
            '`' if rest.starts_with("```") => {
                let end = rest[3..].find("```").unwrap_or_else(|| panic!("code that is never closed: {text}")) + 6;
                (end, sign(end), Some("code".to_owned()))
            }
            '`' => {
                let end = until("`").unwrap_or_else(|| panic!("code that is never closed: {text}"));
                (end, sign(end), Some("code".to_owned()))
            }
            '<' => until(">").map_or((1, sign(1), Some(sign(1))), |end| (end, sign(end), Some(sign(end)))),
            '*' | '_' | '~' | '|' | '[' | ']' | '#' | '@' => (1, sign(1), Some(sign(1))),
            'h' if ["http://", "https://"].iter().any(|scheme| rest.starts_with(scheme)) => {
                let end = rest.find([')', ' ', '\n']).unwrap_or(rest.len());
                (end, sign(end), Some(sign(end)))
            }
            c => (c.len_utf8(), c.to_string(), None),
        };
        shown.push_str(&says);
        live.extend(does);
        rest = &rest[taken..];
    }
    (shown.replace("**", ""), live)
}
