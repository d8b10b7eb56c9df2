//! What Discord would refuse in a message, from its reference and its published API description. Knows nothing of how the bot keeps
//! within the limits.

use std::collections::BTreeSet;

use serde_json::Value;

/// Everything that is wrong with a message: the place, and what is allowed there.
pub(crate) fn wrongs(message: &Value) -> Vec<String> {
    let mut wrongs = Vec::new();
    let newer = message["flags"].as_u64().unwrap() & (1 << 15) != 0;
    let known = ["content", "embeds", "components", "flags", "allowed_mentions", "thread", "late"];
    for key in message.as_object().unwrap().keys().filter(|key| !known.contains(&key.as_str())) {
        wrongs.push(format!("{key} is no key of a message"));
    }
    if newer {
        if !message["content"].is_null() || !message["embeds"].is_null() {
            wrongs.push("content or embeds beside the newer components".to_owned());
        }
    } else {
        text(&mut wrongs, "content", &message["content"], 0, 2000);
        embeds(&mut wrongs, &message["embeds"]);
    }
    components(&mut wrongs, &message["components"], newer);
    if message.get("thread").is_some() {
        text(&mut wrongs, "thread.name", &message["thread"]["name"], 1, 100);
    }
    mentions(&mut wrongs, &message["allowed_mentions"]);
    wrongs
}

/// As few as Discord and as many as a client could count: the longer of both ways.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

fn text(wrongs: &mut Vec<String>, place: &str, value: &Value, least: usize, most: usize) -> usize {
    let Some(text) = value.as_str() else {
        wrongs.push(format!("{place} is no text"));
        return 0;
    };
    let long = length(text);
    if long < least || long > most || (least > 0 && text.trim().is_empty()) {
        wrongs.push(format!("{place} is {long} long, {least} to {most} are allowed"));
    }
    long
}

fn some(wrongs: &mut Vec<String>, place: &str, value: &Value, least: usize, most: usize) -> usize {
    if value.is_null() { 0 } else { text(wrongs, place, value, least, most) }
}

fn list<'v>(wrongs: &mut Vec<String>, place: &str, value: &'v Value, most: usize) -> &'v [Value] {
    let Some(all) = value.as_array() else {
        wrongs.push(format!("{place} is no list"));
        return &[];
    };
    if all.len() > most {
        wrongs.push(format!("{place} holds {}, {most} are allowed", all.len()));
    }
    all
}

fn embeds(wrongs: &mut Vec<String>, embeds: &Value) {
    let mut all = 0;
    for embed in list(wrongs, "embeds", embeds, 10).to_vec() {
        let before = all;
        all += some(wrongs, "title", &embed["title"], 1, 256);
        all += some(wrongs, "description", &embed["description"], 1, 4096);
        if embed.get("footer").is_some() {
            all += text(wrongs, "footer", &embed["footer"]["text"], 1, 2048);
        }
        if embed.get("fields").is_some() {
            for field in list(wrongs, "fields", &embed["fields"], 25).to_vec() {
                all += text(wrongs, "field name", &field["name"], 1, 256);
                all += text(wrongs, "field value", &field["value"], 1, 1024);
                if field.as_object().unwrap().keys().any(|key| !["name", "value", "inline"].contains(&key.as_str())) {
                    wrongs.push(format!("a field with other keys: {field}"));
                }
            }
        }
        if embed.get("color").is_some_and(|colour| colour.as_u64().is_none_or(|colour| colour > 0xff_ffff)) {
            wrongs.push("no colour".to_owned());
        }
        if all == before {
            wrongs.push("an embed that shows nothing".to_owned());
        }
    }
    if all > 6000 {
        wrongs.push(format!("{all} characters over all embeds"));
    }
}

fn components(wrongs: &mut Vec<String>, components: &Value, newer: bool) {
    let (mut ids, mut parts, mut shown) = (BTreeSet::new(), 0, 0);
    let mut open: Vec<Value> = list(wrongs, "components", components, if newer { 40 } else { 5 }).to_vec();
    if !newer && open.iter().any(|row| row["type"] != 1) {
        wrongs.push("something else than rows".to_owned());
    }
    while let Some(part) = open.pop() {
        parts += 1;
        match part["type"].as_u64().unwrap() {
            1 => {
                let inner = list(wrongs, "a row", &part["components"], 5);
                if inner.is_empty() {
                    wrongs.push("an empty row".to_owned());
                }
                open.extend(inner.to_vec());
            }
            2 => {
                some(wrongs, "label", &part["label"], 1, 80);
                if part["custom_id"].is_null() == part["url"].is_null() {
                    wrongs.push(format!("a button that does nothing: {part}"));
                }
            }
            10 => shown += text(wrongs, "a text display", &part["content"], 1, 4000),
            _ => open.extend(part["components"].as_array().unwrap_or(&Vec::new()).clone()),
        }
        if part["accessory"].is_object() {
            open.push(part["accessory"].clone());
        }
        if !part["custom_id"].is_null() {
            text(wrongs, "custom_id", &part["custom_id"], 1, 100);
            if !ids.insert(part["custom_id"].to_string()) {
                wrongs.push(format!("{} stands twice", part["custom_id"]));
            }
        }
    }
    if newer && (parts > 40 || shown > 4000) {
        wrongs.push(format!("{parts} components that show {shown} characters"));
    }
}

fn mentions(wrongs: &mut Vec<String>, allowed: &Value) {
    if allowed["parse"] != serde_json::json!([]) {
        wrongs.push("what is typed may call somebody".to_owned());
    }
    for key in ["users", "roles"] {
        if allowed.get(key).is_some() {
            let ids = list(wrongs, key, &allowed[key], 100);
            let all: BTreeSet<String> = ids.iter().map(Value::to_string).collect();
            if all.len() != ids.len() || ids.iter().any(|id| id.as_str().is_none_or(|id| id.parse::<u64>().is_err())) {
                wrongs.push(format!("{key}: {ids:?}"));
            }
        }
    }
}
