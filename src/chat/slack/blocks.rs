//! From what a template made to Block Kit that can be sent. Values arrive sealed, and are opened only where Slack
//! takes text as it is: in `plain_text` and `rich_text`, and in ids and links. Anywhere else is an error, since mrkdwn has no
//! escape for people's `*_~`. Must not know what a message says.

use serde_json::{Map, Value, json};

use super::limits;
use crate::chat::{
    Message,
    marks::{Marks, Piece, Shape},
    sealed::{self, holds_a_value, link, opened},
};

/// Keys whose texts Slack never reads as markup.
const INERT: [&str; 13] = [
    "value",
    "action_id",
    "block_id",
    "callback_id",
    "private_metadata",
    "external_id",
    "initial_value",
    "user_id",
    "usergroup_id",
    "timestamp",
    "fallback",
    "name",
    "initial_user",
];
/// What a reader's own clock shows.
const MINUTE: &str = "{date_short_pretty} {time}";
const SECOND: &str = "{date_short_pretty} {time_secs}";

/// The JSON of a message or a view, with every value in its place, nothing empty, and everything within Slack's limits.
/// # Errors
/// It is no JSON, a value stands where Slack would read it as markup, or something is too long that cannot be cut.
pub(super) fn finish(text: &str, marks: Marks) -> Result<String, String> {
    let mut whole = sealed::json(text)?;
    let root = whole.as_object_mut().ok_or("a message is a JSON object")?;
    if let Some(Value::String(text)) = root.get_mut("text") {
        // Read as mrkdwn where it stands for the blocks: only these three have a meaning that can be taken away.
        let mut plain = marks.plain(&opened(text)?);
        limits::cut(&mut plain, limits::FALLBACK);
        *text = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    }
    for (key, value) in root.iter_mut().filter(|(key, _)| *key != "text") {
        place(value, key, marks)?;
    }
    limits::fit(&mut whole)?;
    Ok(whole.to_string())
}

/// Words where nothing else can be shown: a message, and a page of somebody's own.
pub(super) fn sorry(words: &str) -> String {
    json!({ "text": words, "type": "home", "blocks": [] }).to_string()
}

/// The actions of a message's buttons.
pub(super) fn actions(message: &Message) -> Vec<String> {
    fn find(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("action_id").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| find(value, found));
            }
            Value::Array(all) => all.iter().for_each(|value| find(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    find(&serde_json::from_str(&message.body).unwrap_or_default(), &mut found);
    found
}

fn place(value: &mut Value, key: &str, marks: Marks) -> Result<(), String> {
    match value {
        Value::String(text) if holds_a_value(text) => {
            if key == "url" {
                *text = link(text)?;
            } else if INERT.contains(&key) {
                *text = marks.plain(&opened(text)?);
            } else {
                return Err(format!("a value stands in \"{key}\", where Slack would read it as markup: use plain_text or rich_text"));
            }
        }
        Value::Array(all) => {
            for value in all.iter_mut() {
                place(value, key, marks)?;
            }
            all.retain(|value| !is_empty(value));
        }
        Value::Object(map) => object(map, marks)?,
        _ => {}
    }
    Ok(())
}

fn object(map: &mut Map<String, Value>, marks: Marks) -> Result<(), String> {
    match map.get("type").and_then(Value::as_str).unwrap_or_default() {
        "plain_text" => {
            if let Some(Value::String(text)) = map.get_mut("text") {
                *text = marks.plain(&opened(text)?);
            }
            Ok(())
        }
        "rich_text_section" | "rich_text_preformatted" | "rich_text_quote" => {
            let elements = map.remove("elements").unwrap_or_default();
            map.insert("elements".to_owned(), Value::Array(rich(elements, marks)?));
            Ok(())
        }
        "rich_text" => {
            map.iter_mut().try_for_each(|(key, value)| place(value, key, marks))?;
            if let Some(Value::Array(elements)) = map.get_mut("elements") {
                join_lines(elements);
            }
            Ok(())
        }
        _ => map.iter_mut().try_for_each(|(key, value)| place(value, key, marks)),
    }
}

/// The elements of a line: a text becomes as many as it has pieces.
fn rich(elements: Value, marks: Marks) -> Result<Vec<Value>, String> {
    let Value::Array(elements) = elements else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for mut element in elements {
        match element["type"].as_str() {
            Some("text") => {
                let text = opened(element["text"].as_str().unwrap_or_default())?;
                out.extend(marks.pieces(&text).iter().map(|piece| shown(piece, element.get("style"))));
            }
            Some("link") => {
                let text = marks.plain(&opened(element["text"].as_str().unwrap_or_default())?);
                element["text"] = json!(text);
                element["url"] = json!(link(element["url"].as_str().unwrap_or_default())?);
                out.push(element);
            }
            _ => {
                place(&mut element, "", marks)?;
                out.push(element);
            }
        }
    }
    out.retain(|element| element["type"] != "text" || element["text"].as_str().is_some_and(|text| !text.is_empty()));
    Ok(out)
}

fn shown(piece: &Piece<'_>, style: Option<&Value>) -> Value {
    let mut element = match piece {
        Piece::Text(text) => json!({ "type": "text", "text": text }),
        Piece::Time { shape: Shape::Counted, fallback, .. } => json!({ "type": "text", "text": fallback }),
        Piece::Channel { id, .. } => json!({ "type": "channel", "channel_id": id }),
        Piece::Time { at, shape, fallback } => {
            let format = if *shape == Shape::Exact { SECOND } else { MINUTE };
            json!({ "type": "date", "timestamp": at.seconds(), "format": format, "fallback": fallback })
        }
    };
    if let (Some(style), Some(map)) = (style, element.as_object_mut()) {
        map.insert("style".to_owned(), style.clone());
    }
    element
}

/// Sections that follow each other are lines of one: Slack itself puts nothing between them.
fn join_lines(elements: &mut Vec<Value>) {
    let mut joined: Vec<Value> = Vec::with_capacity(elements.len());
    for element in elements.drain(..) {
        let section = element["type"] == "rich_text_section";
        match joined.last_mut().filter(|last| section && last["type"] == "rich_text_section") {
            Some(last) => {
                if let (Some(all), Value::Array(more)) = (last["elements"].as_array_mut(), element["elements"].clone()) {
                    all.push(json!({ "type": "text", "text": "\n" }));
                    all.extend(more);
                }
            }
            None => joined.push(element),
        }
    }
    *elements = joined;
}

/// A part in which a template had nothing to say.
fn is_empty(value: &Value) -> bool {
    let kinds = ["rich_text", "rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted", "actions", "context"];
    let kind = value["type"].as_str().unwrap_or_default();
    value.is_null() || (kinds.contains(&kind) && value["elements"].as_array().is_none_or(Vec::is_empty))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chat::sealed::seal as escape, domain::time::Instant};

    fn sent(template: &str) -> Result<Value, String> {
        finish(template, Marks::Made(7)).map(|text| serde_json::from_str(&text).unwrap())
    }

    fn section(text: &str) -> String {
        format!(
            r#"{{"blocks":[{{"type":"rich_text","elements":[{{"type":"rich_text_section","elements":[{{"type":"text","text":"{text}","style":{{"bold":true}},}},]}},]}},],}}"#
        )
    }

    #[test]
    fn people_cannot_leave_their_place_in_the_json() {
        let text = "\", \"url\": \"x\" }] \\ <!channel> *b*";
        let sent = sent(&section(&format!("Why: {}", escape(text)))).unwrap();
        assert_eq!(sent["blocks"][0]["elements"][0]["elements"][0]["text"], format!("Why: {text}"));
    }

    #[test]
    fn a_value_in_mrkdwn_is_refused_and_so_is_one_in_an_unknown_place() {
        let value = escape("*b*");
        for template in [
            format!(r#"{{"blocks":[{{"type":"section","text":{{"type":"mrkdwn","text":"a {value}"}}}}]}}"#),
            format!(r#"{{"blocks":[{{"type":"header","alt_text":"{value}"}}]}}"#),
        ] {
            assert!(sent(&template).unwrap_err().contains("markup"), "{template}");
        }
        let plain = format!(r#"{{"blocks":[{{"type":"section","text":{{"type":"plain_text","text":"a {value}"}}}}]}}"#);
        assert_eq!(sent(&plain).unwrap()["blocks"][0]["text"]["text"], "a *b*");
    }

    #[test]
    fn a_time_is_each_readers_own_and_keeps_the_style() {
        let at = Instant::from_micros(1_795_528_800_000_000);
        let text = escape(&format!("until {}!", Marks::Made(7).time(at, Shape::Minute, "14:00 UTC".into())));
        let elements = sent(&section(&text)).unwrap()["blocks"][0]["elements"][0]["elements"].clone();
        assert_eq!(
            elements,
            json!([
                { "type": "text", "text": "until ", "style": { "bold": true } },
                { "type": "date", "timestamp": 1_795_528_800, "format": MINUTE, "fallback": "14:00 UTC", "style": { "bold": true } },
                { "type": "text", "text": "!", "style": { "bold": true } },
            ])
        );
    }

    #[test]
    fn a_channel_of_slack_is_a_link_to_it() {
        let text = escape(&Marks::Made(7).channel("C0OPS", "C0OPS"));
        let elements = sent(&section(&text)).unwrap()["blocks"][0]["elements"][0]["elements"].clone();
        assert_eq!(elements, json!([{ "type": "channel", "channel_id": "C0OPS", "style": { "bold": true } }]));
    }

    #[test]
    fn what_is_empty_is_left_out() {
        let empty = escape("");
        let template = format!(
            r#"{{"text":"{empty}","blocks":[{{"type":"actions","elements":[]}},{{"type":"rich_text","elements":[{{"type":"rich_text_section","elements":[{{"type":"text","text":"{empty}"}}]}}]}}]}}"#
        );
        assert_eq!(sent(&template).unwrap()["blocks"], json!([]));
    }

    #[test]
    fn the_text_that_stands_for_the_blocks_mentions_nobody() {
        let template = format!(r#"{{"text":"{}"}}"#, escape("<!channel> & <@U1>"));
        assert_eq!(sent(&template).unwrap()["text"], "&lt;!channel&gt; &amp; &lt;@U1&gt;");
    }
}
