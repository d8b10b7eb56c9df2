//! From what a template made to a message or a modal that can be sent to Discord. Values arrive sealed and are opened in their
//! places: escaped where Discord reads markdown, as they are where it does not. Whom a message calls is said in `mentions` alone.
//! Must not know what a message says.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    components::{components, only_inputs, without_empty},
    limits::{self, SECOND_VERSION},
    markdown::Times,
    places::{Slot, custom_id, linked, needed, objects, plain, swept},
    text::Text,
};
use crate::{
    chat::{
        Message,
        marks::Marks,
        render::Folder,
        sealed::{self, opened, seal},
        typing::Typing,
    },
    domain::policy::Platform,
};

/// Discord's layouts; words that are the same everywhere are the console's.
pub(in crate::chat) const FOLDER: Folder = Folder {
    platform: Platform::Discord,
    escape: seal,
    marks: Marks::Counting,
    typing: Typing::Options,
    // Below what a description may be.
    room: 3_900,
    finish,
    files: &[
        ("alarm.hbs", include_str!("../../../templates/discord/alarm.hbs")),
        ("card.hbs", include_str!("../../../templates/discord/card.hbs")),
        ("digest.hbs", include_str!("../../../templates/discord/digest.hbs")),
        ("direct.hbs", include_str!("../../../templates/discord/direct.hbs")),
        ("form.hbs", include_str!("../../../templates/discord/form.hbs")),
        ("lines.hbs", include_str!("../../../templates/discord/lines.hbs")),
        ("past.hbs", include_str!("../../../templates/discord/past.hbs")),
    ],
    actions,
    sorry,
};

/// Links in it are not looked at by Discord, which would show what is behind them.
const NO_PREVIEWS: u64 = 1 << 2;

/// The JSON of a message or a modal, with every value in its place, nothing empty, and everything within Discord's limits.
/// # Errors
/// It is no JSON, a value stands where it cannot be made inert, or something is too long that nobody may cut.
pub(super) fn finish(text: &str, marks: Marks) -> Result<String, String> {
    let mut whole = sealed::json(text)?;
    let root = whole.as_object().ok_or("a message is a JSON object")?;
    if root.contains_key("title") {
        modal(&mut whole, marks)?;
    } else if whole["flags"].as_u64().unwrap_or_default() & SECOND_VERSION != 0 {
        second_version(&mut whole, marks)?;
    } else {
        message(&mut whole, marks)?;
    }
    Ok(whole.to_string())
}

/// Words where nothing else can be shown.
pub(super) fn sorry(words: &str) -> String {
    let mut whole = json!({ "content": words, "embeds": [], "components": [], "flags": NO_PREVIEWS });
    call(&mut whole);
    whole.to_string()
}

/// The actions of a message's buttons.
pub(super) fn actions(message: &Message) -> Vec<String> {
    let whole: Value = serde_json::from_str(&message.body).unwrap_or_default();
    let all = limits::nested(whole["components"].as_array().map_or(&[], Vec::as_slice));
    let ids = all.into_iter().filter_map(|component| component["custom_id"].as_str());
    ids.filter_map(|id| id.split(' ').next()).map(str::to_owned).collect()
}

/// Text and embeds, with buttons below. Every key is there, since what an edit leaves out stays as it was.
fn message(whole: &mut Value, marks: Marks) -> Result<(), String> {
    call(whole);
    thread(whole, marks)?;
    late(whole, marks)?;
    let content = Slot::taken((whole, ""), "content", limits::CONTENT, (marks, Times::Live))?;
    let mut texts = components(&mut whole["components"], "/components", marks)?;
    let (mut slots, fixed) = embeds(&mut whole["embeds"], marks)?;
    let mut content = content.text;
    if list(&whole["embeds"]).is_empty() {
        let (short, below) = limits::overflowing(content);
        content = short;
        if let Some(below) = below {
            whole["embeds"] = json!([{ "description": null }]);
            let slot = Slot::new("/embeds/0/description".to_owned(), below, limits::DESCRIPTION);
            slots.push(Slot { is_list: true, ..slot });
        }
    }
    content.fit(limits::CONTENT, false).map_err(|why| format!("content: {why}"))?;
    limits::fit_embeds(&mut slots, fixed).map_err(|why| format!("embeds: {why}"))?;
    slots.append(&mut texts);
    put_back(&slots, whole);
    without_empty(&mut whole["components"]);
    full_fields(&mut whole["embeds"])?;
    swept(whole, "")?;
    whole["content"] = json!(content.shown());
    for key in ["embeds", "components"] {
        if !whole[key].is_array() {
            whole[key] = json!([]);
        }
    }
    whole["flags"] = json!(if whole["embeds"] == json!([]) { NO_PREVIEWS } else { 0 });
    limits::count(list(&whole["components"]), false)?;
    let nothing = content.is_empty() && whole["embeds"] == json!([]);
    if nothing { Err("a message that says nothing".to_owned()) } else { Ok(()) }
}

/// Components alone. What stood there before in the first version has to be taken away by name.
fn second_version(whole: &mut Value, marks: Marks) -> Result<(), String> {
    if ["content", "embeds"].iter().any(|key| !matches!(whole.get(key), None | Some(Value::Null))) {
        return Err(format!("with the flag {SECOND_VERSION} a message has neither content nor embeds"));
    }
    call(whole);
    thread(whole, marks)?;
    late(whole, marks)?;
    let mut slots = components(&mut whole["components"], "/components", marks)?;
    limits::fit_displays(&mut slots)?;
    put_back(&slots, whole);
    without_empty(&mut whole["components"]);
    swept(whole, "")?;
    whole["flags"] = json!(SECOND_VERSION);
    (whole["content"], whole["embeds"]) = (Value::Null, Value::Null);
    if list(&whole["components"]).is_empty() {
        return Err("a message that says nothing".to_owned());
    }
    limits::count(list(&whole["components"]), true)
}

fn modal(whole: &mut Value, marks: Marks) -> Result<(), String> {
    needed(whole, "title", limits::MODAL_TITLE, marks)?;
    custom_id(whole)?;
    if whole["custom_id"].is_null() {
        return Err("a modal without a custom_id".to_owned());
    }
    components(&mut whole["components"], "/components", marks)?;
    only_inputs(list(&whole["components"]))?;
    swept(whole, "")
}

fn put_back(slots: &[Slot], whole: &mut Value) {
    for slot in slots {
        slot.put_back(whole);
    }
}

/// The texts of the embeds, and how much else counts with them.
fn embeds(all: &mut Value, marks: Marks) -> Result<(Vec<Slot>, usize), String> {
    let (mut slots, mut fixed) = (Vec::new(), 0);
    let Value::Array(all) = all else { return Ok((slots, fixed)) };
    objects(all, "embed")?;
    limits::few(all.len(), limits::EMBEDS, "embeds")?;
    for (n, embed) in all.iter_mut().enumerate() {
        let at = format!("/embeds/{n}");
        let (keep, whole) = (embed["keep"].take() == true, embed["whole"].take() == true);
        let title = Slot::taken((embed, &at), "title", limits::TITLE, (marks, Times::Words))?;
        let taken = if whole { Slot::taken_whole } else { Slot::taken };
        let description = taken((embed, &at), "description", limits::DESCRIPTION, (marks, Times::Live))?;
        slots.extend([title, description].map(|slot| Slot { keep: keep || whole, ..slot }));
        slots.extend(fields(embed, &at, marks)?);
        fixed += plain(&mut embed["footer"], "text", limits::FOOTER, marks)?;
        fixed += plain(&mut embed["author"], "name", limits::AUTHOR, marks)?;
        linked(embed, "url", limits::FOOTER)?;
        for (part, key) in [("image", "url"), ("thumbnail", "url"), ("footer", "icon_url"), ("author", "url"), ("author", "icon_url")] {
            linked(&mut embed[part], key, limits::FOOTER)?;
        }
    }
    Ok((slots, fixed))
}

fn fields(embed: &mut Value, at: &str, marks: Marks) -> Result<Vec<Slot>, String> {
    let Some(fields) = embed["fields"].as_array_mut() else { return Ok(Vec::new()) };
    objects(fields, "field")?;
    limits::few(fields.len(), limits::FIELDS, "fields in one embed")?;
    let mut slots = Vec::new();
    for (n, field) in fields.iter_mut().enumerate() {
        let at = format!("{at}/fields/{n}");
        let keep = field["keep"].take() == true;
        let name = Slot::taken((field, &at), "name", limits::FIELD_NAME, (marks, Times::Words))?;
        let value = Slot::taken((field, &at), "value", limits::FIELD_VALUE, (marks, Times::Live))?;
        if name.text.is_empty() && !value.text.is_empty() {
            return Err("a field without a name".to_owned());
        }
        slots.extend([name, value].map(|slot| Slot { keep, ..slot }));
    }
    Ok(slots)
}

/// Without fields that have nothing to say, and embeds that show nothing.
fn full_fields(embeds: &mut Value) -> Result<(), String> {
    let Value::Array(embeds) = embeds else { return Ok(()) };
    for embed in embeds.iter_mut() {
        swept(embed, "embeds")?;
        if let Some(fields) = embed["fields"].as_array_mut() {
            fields.retain(|field| field["value"].is_string());
        }
        for part in ["footer", "author"] {
            let says = embed[part]["text"].is_string() || embed[part]["name"].is_string();
            if !says {
                embed[part] = Value::Null;
            }
        }
    }
    let shows = |embed: &Value| {
        let texts = ["title", "description"].iter().any(|key| embed[key].is_string()) || !list(&embed["fields"]).is_empty();
        texts || ["footer", "author", "image", "thumbnail"].iter().any(|key| embed[key].is_object())
    };
    embeds.retain(shows);
    Ok(())
}

/// The name of the thread that a card begins.
fn thread(whole: &mut Value, marks: Marks) -> Result<(), String> {
    match whole.get_mut("thread") {
        Some(thread @ Value::Object(_)) => needed(thread, "name", limits::THREAD_NAME, marks),
        Some(_) => Err("a thread is an object with a name".to_owned()),
        None => Ok(()),
    }
}

/// The line that says it is told late, as it stands in the message: it is known again without it.
fn late(whole: &mut Value, marks: Marks) -> Result<(), String> {
    let Some(root) = whole.as_object_mut() else { return Ok(()) };
    let Some(made) = root.remove("late") else { return Ok(()) };
    let text = Text::of(made.as_str().unwrap_or_default(), marks, Times::Live).map_err(|why| format!("late: {why}"))?;
    if !text.is_empty() {
        root.insert("late".to_owned(), json!(text.shown()));
    }
    Ok(())
}

/// Only whom `mentions` names is called, whatever stands in the texts and whatever the template says of it.
fn call(whole: &mut Value) {
    let mentions = whole.as_object_mut().and_then(|root| root.remove("mentions")).unwrap_or_default();
    let named = |key: &str| -> BTreeSet<String> {
        let ids = list(&mentions).iter().filter_map(|mention| mention[key].as_str()).filter_map(|id| opened(id).ok());
        ids.filter(|id| !id.is_empty() && id.len() <= 20 && id.bytes().all(|b| b.is_ascii_digit())).take(100).collect()
    };
    let mut allowed = Map::from_iter([("parse".to_owned(), json!([])), ("replied_user".to_owned(), json!(false))]);
    for (key, of) in [("users", "user"), ("roles", "group")] {
        let ids = named(of);
        if !ids.is_empty() {
            allowed.insert(key.to_owned(), json!(ids));
        }
    }
    whole["allowed_mentions"] = Value::Object(allowed);
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
