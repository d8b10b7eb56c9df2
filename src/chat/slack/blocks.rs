//! From what a template made to Block Kit that can be sent. Values arrive sealed by `escape`, and are opened only where Slack
//! takes text as it is: in `plain_text` and `rich_text`, and in ids and links. Anywhere else is an error, since mrkdwn has no
//! escape for people's `*_~`. Must not know what a message says.

use serde_json::{Map, Value, json};

use super::limits;
use crate::chat::{
    Message,
    marks::{Marks, Piece},
    words::one_line,
};

/// Characters of Unicode's private use, which stand around a sealed value.
const OPEN: char = '\u{e004}';
const CLOSE: char = '\u{e005}';
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

/// Seals a value: it can end no string of the JSON, and `finish` finds it again. Numbers stay numbers.
pub(super) fn escape(text: &str) -> String {
    if !text.is_empty() && text.len() < 16 && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    let text = one_line(text);
    let mut sealed = String::with_capacity(text.len() * 2 + 8);
    sealed.push(OPEN);
    for byte in text.bytes() {
        for half in [byte >> 4, byte & 15] {
            sealed.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    sealed.push(CLOSE);
    sealed
}

fn opened(text: &str) -> Result<String, String> {
    let mut parts = text.split(OPEN);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (sealed, rest) = part.split_once(CLOSE).ok_or("a value was cut in two")?;
        let digits: Vec<u8> = sealed.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| u8::try_from(d).ok()).collect();
        let bytes = digits.chunks(2).map(|pair| (pair[0] << 4) | pair.get(1).copied().unwrap_or(0)).collect();
        out.push_str(&String::from_utf8(bytes).map_err(|_| "a value was cut in two")?);
        out.push_str(rest);
    }
    Ok(out)
}

/// The JSON of a message or a view, with every value in its place, nothing empty, and everything within Slack's limits.
/// # Errors
/// It is no JSON, a value stands where Slack would read it as markup, or something is too long that cannot be cut.
pub(super) fn finish(text: &str, marks: Marks) -> Result<String, String> {
    let mut whole: Value = serde_json::from_str(&without_spare_commas(text)).map_err(|error| format!("no JSON: {error}"))?;
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
        Value::String(text) if text.contains(OPEN) => {
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
        Piece::Time { at, exact, fallback } => {
            let format = if *exact { SECOND } else { MINUTE };
            json!({ "type": "date", "timestamp": at.seconds(), "format": format, "fallback": fallback })
        }
    };
    if let (Some(style), Some(map)) = (style, element.as_object_mut()) {
        map.insert("style".to_owned(), style.clone());
    }
    element
}

fn link(text: &str) -> Result<String, String> {
    let url = opened(text)?;
    let known = url.starts_with("https://") || url.starts_with("http://");
    if known && !url.contains(char::is_whitespace) { Ok(url) } else { Err("a link is no web address".to_owned()) }
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

/// Each part of a list ends with a comma in our templates, also the last one. Values are sealed, so a quote is the JSON's own.
fn without_spare_commas(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars() {
        if in_string {
            // A line of the template that goes on: nothing that is meant.
            if matches!(c, '\n' | '\r') {
                continue;
            }
            in_string = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
        } else if c == '"' {
            in_string = true;
        } else if c == ']' || c == '}' {
            let kept = out.trim_end().trim_end_matches(',').len();
            out.truncate(kept);
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Instant;

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
        let text = escape(&format!("until {}!", Marks::Made(7).time(at, false, "14:00 UTC".into())));
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

    #[test]
    fn commas_inside_texts_stay() {
        assert_eq!(sent(r#"{"text":"a,] \",}","blocks":[1,2,],}"#).unwrap(), json!({ "text": "a,] \",}", "blocks": [1, 2] }));
    }
}
