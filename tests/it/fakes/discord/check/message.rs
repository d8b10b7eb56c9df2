//! Messages: what a new one may say, what an edit may, and what an answer to an interaction may.

use serde_json::{Map, Value};

use super::{Wrongs, components, embeds, mentions};

const CONTENT: usize = 2_000;

/// Of a nonce, as text.
const NONCE: usize = 25;

pub(in crate::fakes::discord) const EPHEMERAL: u64 = 1 << 6;
pub(in crate::fakes::discord) const LOADING: u64 = 1 << 7;
/// The newer layout, which has neither content nor embeds.
pub(in crate::fakes::discord) const NEWER: u64 = 1 << 15;
const SUPPRESS_EMBEDS: u64 = 1 << 2;
const SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;

/// Which call it is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::fakes::discord) enum Use {
    Create,
    Edit,
    /// The answer to an interaction, or one that follows it.
    Answer,
    /// A change of such an answer, or of the message that was pressed in.
    Change,
}

impl Use {
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Create => &[
                "content",
                "embeds",
                "allowed_mentions",
                "components",
                "flags",
                "tts",
                "nonce",
                "enforce_nonce",
                "attachments",
                "message_reference",
                "sticker_ids",
            ],
            Self::Edit | Self::Change => &["content", "embeds", "allowed_mentions", "components", "flags", "attachments"],
            Self::Answer => &["content", "embeds", "allowed_mentions", "components", "flags", "tts", "attachments"],
        }
    }

    fn flags(self) -> u64 {
        match self {
            Self::Create => SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | NEWER,
            Self::Edit | Self::Change => SUPPRESS_EMBEDS | NEWER,
            Self::Answer => SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | EPHEMERAL | NEWER,
        }
    }

    fn is_new(self) -> bool {
        matches!(self, Self::Create | Self::Answer)
    }
}

/// Holds a body to the limits. `before`: the message that is changed. Whether anything is left to be seen is `is_empty`'s question.
pub(in crate::fakes::discord) fn check(wrongs: &mut Wrongs, body: &Value, how: Use, before: Option<&Value>) {
    let Some(body) = wrongs.object("", body, how.keys()) else { return };
    let flags = wrongs.number("flags", body.get("flags"), 0, i64::MAX).unwrap_or_default().unsigned_abs();
    if flags & !how.flags() != 0 {
        wrongs.add("flags", "BITFIELD_INVALID", format!("These flags cannot be set here: {}", flags & !how.flags()));
    }
    let was_newer = before.is_some_and(|m| m["flags"].as_u64().unwrap_or_default() & NEWER != 0);
    let newer = was_newer || flags & NEWER != 0;
    wrongs.text("content", body.get("content"), 0, CONTENT);
    embeds::check(wrongs, "embeds", body.get("embeds"));
    components::check(wrongs, "components", body.get("components"), newer);
    mentions::check(wrongs, "allowed_mentions", body.get("allowed_mentions"));
    if newer {
        for name in ["content", "embeds"] {
            let says = |value: &Value| match value {
                Value::Null => false,
                Value::String(text) => !text.is_empty(),
                other => other.as_array().is_none_or(|list| !list.is_empty()),
            };
            let left = before.filter(|_| !was_newer && !body.contains_key(name)).is_some_and(|m| says(&m[name]));
            if left || body.get(name).is_some_and(says) {
                wrongs.add(name, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "It cannot be used with the newer components");
            }
        }
    }
    wrongs.boolean("tts", body.get("tts"));
    wrongs.list("attachments", body.get("attachments"), 0, 0);
    wrongs.list("sticker_ids", body.get("sticker_ids"), 0, 0);
    check_nonce(wrongs, body);
    check_reference(wrongs, body.get("message_reference"));
}

fn check_nonce(wrongs: &mut Wrongs, body: &Map<String, Value>) {
    match body.get("nonce") {
        None | Some(Value::Null) => {}
        Some(Value::Number(number)) if number.is_i64() => {}
        text => drop(wrongs.text("nonce", text, 1, NONCE)),
    }
    wrongs.boolean("enforce_nonce", body.get("enforce_nonce"));
}

fn check_reference(wrongs: &mut Wrongs, value: Option<&Value>) {
    let Some(value) = value.filter(|v| !v.is_null()) else { return };
    let keys = ["type", "message_id", "channel_id", "guild_id", "fail_if_not_exists"];
    let Some(reference) = wrongs.object("message_reference", value, &keys) else { return };
    for name in ["message_id", "channel_id", "guild_id"] {
        wrongs.id(&format!("message_reference.{name}"), reference.get(name));
    }
}

/// Would nothing be seen of it?
pub(in crate::fakes::discord) fn is_empty(message: &Value) -> bool {
    let none = |name: &str| message[name].as_array().is_none_or(Vec::is_empty);
    let newer = message["flags"].as_u64().unwrap_or_default() & NEWER != 0;
    message["content"].as_str().unwrap_or_default().trim().is_empty() && none("embeds") && (!newer || none("components"))
}

/// What an answer that only says "thinking" may say.
pub(in crate::fakes::discord) fn check_deferred(wrongs: &mut Wrongs, data: Option<&Value>) {
    let Some(data) = data.filter(|d| !d.is_null()) else { return };
    let Some(data) = wrongs.object("data", data, &["flags"]) else { return };
    let flags = wrongs.number("data.flags", data.get("flags"), 0, i64::MAX).unwrap_or_default().unsigned_abs();
    if flags & !EPHEMERAL != 0 {
        wrongs.add("data.flags", "BITFIELD_INVALID", "Only EPHEMERAL can be set here");
    }
}

/// Puts what a checked body says into a message.
pub(in crate::fakes::discord) fn put_in(message: &mut Value, body: &Value, how: Use) {
    if how.is_new() || body.get("content").is_some() {
        message["content"] = Value::from(body["content"].as_str().unwrap_or_default().trim());
    }
    for name in ["embeds", "components"] {
        if how.is_new() || body.get(name).is_some() {
            message[name] = body[name].as_array().cloned().unwrap_or_default().into();
        }
    }
    for embed in message["embeds"].as_array_mut().into_iter().flatten() {
        embed["type"] = Value::from("rich");
        for field in embed["fields"].as_array_mut().into_iter().flatten() {
            field["inline"] = Value::from(field["inline"].as_bool().unwrap_or_default());
        }
    }
    let mut next = 0;
    number(&mut message["components"], &mut next);
    if let Some(flags) = body["flags"].as_u64() {
        let kept = message["flags"].as_u64().unwrap_or_default() & !SUPPRESS_EMBEDS;
        message["flags"] = Value::from(kept | flags);
    }
}

/// Every component has a number in its message.
fn number(components: &mut Value, next: &mut u64) {
    for component in components.as_array_mut().into_iter().flatten() {
        *next += 1;
        if component["id"].is_null() {
            component["id"] = Value::from(*next);
        }
        if component.get("components").is_some() {
            number(&mut component["components"], next);
        }
        if let Some(accessory) = component.get_mut("accessory").filter(|a| a["id"].is_null()) {
            *next += 1;
            accessory["id"] = Value::from(*next);
        }
    }
}
