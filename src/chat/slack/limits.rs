//! Slack's limits: what is too long is cut with a visible mark, what cannot be cut is an error. From Slack's reference of
//! blocks, elements, composition objects, views and `chat.update`. Must not leave an invalid block behind.

use serde_json::{Value, json};

/// Ends every text that was cut.
const MARK: &str = "…";
/// Longest text that stands for the blocks, before its escape: a notification shows less, and `chat.update` takes 4,000 characters
/// of it, which an escape may make five times as long.
pub(super) const FALLBACK: usize = 700;
/// Longest piece of rich text, and all of them together in one message. Slack names no number; these are well below where it
/// answers `msg_blocks_too_long`.
const RICH_TEXT: usize = 3000;
const RICH_TEXTS: usize = 10_000;
const MESSAGE_BLOCKS: usize = 50;
/// Choices of one select.
pub(super) const OPTIONS: usize = 100;
const VIEW_BLOCKS: usize = 100;

/// Brings a message or view within the limits.
/// # Errors
/// Something that nobody may cut is too long: a value, a link, a page's own data, the number of blocks.
pub(super) fn fit(whole: &mut Value) -> Result<(), String> {
    let is_view = whole["type"] == "modal" || whole["type"] == "home";
    for (key, most) in [("title", 24), ("submit", 24), ("close", 24)] {
        fit_text(&mut whole[key], most);
    }
    bounded(whole, "private_metadata", 3000)?;
    bounded(whole, "callback_id", 255)?;
    let mut left = if is_view { usize::MAX } else { RICH_TEXTS };
    if let Some(Value::Array(blocks)) = whole.get_mut("blocks") {
        let most = if is_view { VIEW_BLOCKS } else { MESSAGE_BLOCKS };
        if blocks.len() > most {
            return Err(format!("{} blocks, and {most} are allowed", blocks.len()));
        }
        for block in blocks {
            fit_block(block, &mut left)?;
        }
    }
    whole.as_object_mut().into_iter().for_each(|map| map.retain(|_, value| !value.is_null()));
    Ok(())
}

fn fit_block(block: &mut Value, left: &mut usize) -> Result<(), String> {
    bounded(block, "block_id", 255)?;
    match block["type"].as_str().unwrap_or_default() {
        "header" => fit_text(&mut block["text"], 150),
        "section" => {
            fit_text(&mut block["text"], 3000);
            for field in block["fields"].as_array_mut().into_iter().flatten() {
                fit_text(field, 2000);
            }
            fit_element(&mut block["accessory"])?;
        }
        "actions" => elements(block, 25)?,
        "context" => {
            elements(block, 10)?;
            for text in block["elements"].as_array_mut().into_iter().flatten() {
                fit_text(text, 3000);
            }
        }
        "input" => {
            fit_text(&mut block["label"], 2000);
            fit_text(&mut block["hint"], 2000);
            fit_element(&mut block["element"])?;
        }
        "rich_text" => fit_rich(block, left),
        _ => {}
    }
    block.as_object_mut().into_iter().for_each(|map| map.retain(|_, value| !value.is_null()));
    Ok(())
}

fn elements(block: &mut Value, most: usize) -> Result<(), String> {
    let Some(all) = block["elements"].as_array_mut() else { return Ok(()) };
    if all.len() > most {
        return Err(format!("{} elements in one block, and {most} are allowed", all.len()));
    }
    all.iter_mut().try_for_each(fit_element)
}

fn fit_element(element: &mut Value) -> Result<(), String> {
    if !element.is_object() {
        return Ok(());
    }
    bounded(element, "action_id", 255)?;
    bounded(element, "url", 3000)?;
    bounded(element, "value", 2000)?;
    if element["type"] == "button" {
        fit_text(&mut element["text"], 75);
    }
    fit_text(&mut element["placeholder"], 150);
    if element["options"].as_array().is_some_and(|options| options.len() > OPTIONS) {
        return Err(format!("more than {OPTIONS} options"));
    }
    for option in element["options"].as_array_mut().into_iter().flatten() {
        fit_option(option)?;
    }
    if element["initial_option"].is_object() {
        fit_option(&mut element["initial_option"])?;
    }
    if let Some(Value::String(text)) = element.get_mut("initial_value") {
        cut(text, 3000);
    }
    if element["confirm"].is_object() {
        for (key, most) in [("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)] {
            fit_text(&mut element["confirm"][key], most);
        }
    }
    element.as_object_mut().into_iter().for_each(|map| map.retain(|_, value| !value.is_null()));
    Ok(())
}

fn fit_option(option: &mut Value) -> Result<(), String> {
    fit_text(&mut option["text"], 75);
    fit_text(&mut option["description"], 75);
    bounded(option, "value", 150)?;
    option.as_object_mut().into_iter().for_each(|map| map.retain(|_, value| !value.is_null()));
    Ok(())
}

fn fit_rich(block: &mut Value, left: &mut usize) {
    for line in block["elements"].as_array_mut().into_iter().flatten() {
        let parts = line["elements"].as_array_mut();
        for part in parts.into_iter().flatten() {
            if let Some(Value::String(text)) = part.get_mut("text") {
                cut(text, RICH_TEXT.min(*left).max(1));
                *left = left.saturating_sub(length(text));
            }
        }
    }
}

/// A text object's text.
fn fit_text(object: &mut Value, most: usize) {
    if let Some(Value::String(text)) = object.get_mut("text") {
        cut(text, most);
        if text.is_empty() {
            // Nothing may be empty where a text has to stand.
            MARK.clone_into(text);
        }
    }
}

fn bounded(object: &Value, key: &str, most: usize) -> Result<(), String> {
    let length = object[key].as_str().map_or(0, length);
    if length > most { Err(format!("{key} is {length} characters long, and {most} are allowed")) } else { Ok(()) }
}

/// As Slack counts: in UTF-16 units.
fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Cuts on a character's boundary, with the mark at the end.
pub(super) fn cut(text: &mut String, most: usize) {
    if length(text) <= most {
        return;
    }
    let (mut kept, mut used) = (0, MARK.chars().count());
    for c in text.chars() {
        used += c.len_utf16();
        if used > most {
            break;
        }
        kept += c.len_utf8();
    }
    text.truncate(kept);
    text.push_str(MARK);
}

/// A plain text object within its limit.
pub(super) fn plain(text: &str, most: usize) -> Value {
    let mut text = if text.trim().is_empty() { MARK.to_owned() } else { text.to_owned() };
    cut(&mut text, most);
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_visible_on_a_characters_boundary_and_within_the_limit() {
        for (text, most, expected) in
            [("abcdef", 6, "abcdef"), ("abcdef", 4, "abc…"), ("ééé", 2, "é…"), ("😀😀😀", 4, "😀…"), ("ab", 1, "…")]
        {
            let mut text = text.to_owned();
            cut(&mut text, most);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn what_nobody_may_cut_is_refused() {
        let button = |value: &str| json!({ "blocks": [{ "type": "actions", "elements": [{ "type": "button", "value": value }] }] });
        assert!(fit(&mut button(&"x".repeat(2000))).is_ok());
        assert!(fit(&mut button(&"x".repeat(2001))).unwrap_err().contains("value"));
        let mut blocks = json!({ "blocks": vec![json!({ "type": "divider" }); 51] });
        assert!(fit(&mut blocks).unwrap_err().contains("50"));
    }

    #[test]
    fn a_message_of_endless_lines_ends_with_a_mark() {
        let line = json!({ "type": "text", "text": "x".repeat(2900) });
        let mut whole =
            json!({ "blocks": [{ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": vec![line; 9] }] }] });
        fit(&mut whole).unwrap();
        let all: usize =
            whole["blocks"][0]["elements"][0]["elements"].as_array().unwrap().iter().map(|e| length(e["text"].as_str().unwrap())).sum();
        assert!(all < RICH_TEXTS + 10 && whole.to_string().contains('…'));
    }
}
