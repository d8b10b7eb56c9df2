//! Discord's limits: what is too long is cut with a visible mark, the least important first; what cannot be cut is an error. From
//! Discord's reference and its published API description. Must not know where in a message a text stands.

use serde_json::Value;

use super::{
    places::Slot,
    text::{Text, shrink},
};

pub(super) const CONTENT: usize = 2000;
pub(super) const EMBEDS: usize = 10;
/// All titles, descriptions, fields, footers and authors of a message's embeds.
const EMBED_TEXTS: usize = 6000;
pub(super) const TITLE: usize = 256;
pub(super) const DESCRIPTION: usize = 4096;
pub(super) const FIELDS: usize = 25;
pub(super) const FIELD_NAME: usize = 256;
pub(super) const FIELD_VALUE: usize = 1024;
pub(super) const FOOTER: usize = 2048;
pub(super) const AUTHOR: usize = 256;
pub(super) const THREAD_NAME: usize = 100;
/// Marks a message of components alone.
pub(super) const SECOND_VERSION: u64 = 1 << 15;
pub(super) const ACTION_ROW: u64 = 1;
const ROWS: usize = 5;
/// Buttons side by side.
const ROW: usize = 5;
pub(super) const CUSTOM_ID: usize = 100;
pub(super) const BUTTON: usize = 80;
pub(super) const BUTTON_LINK: usize = 512;
pub(super) const OPTIONS: usize = 25;
pub(super) const OPTION: usize = 100;
pub(super) const SELECT_PLACEHOLDER: usize = 150;
/// All components of a message in the second version of them, and all their texts.
const COMPONENTS: usize = 40;
pub(super) const COMPONENT_TEXTS: usize = 4000;
pub(super) const MODAL_TITLE: usize = 45;
pub(super) const INPUTS: usize = 5;
pub(super) const LABEL: usize = 45;
pub(super) const PLACEHOLDER: usize = 100;
pub(super) const INPUT: usize = 4000;
/// Longest first line above an embed that repeats it: what a phone shows of it.
const NOTIFICATION: usize = 300;
/// What is left of a value before anything more important is cut.
const SCRAP: usize = 24;

/// The texts of all embeds; `fixed` is what else counts with them.
/// # Errors
/// What the template itself wrote is too long.
pub(super) fn fit_embeds(slots: &mut [Slot], fixed: usize) -> Result<(), String> {
    fit_together(slots, EMBED_TEXTS.saturating_sub(fixed))
}

/// The texts of all text displays.
/// # Errors
/// What the template itself wrote is too long.
pub(super) fn fit_displays(slots: &mut [Slot]) -> Result<(), String> {
    fit_together(slots, COMPONENT_TEXTS)
}

/// Each in its place, and all together: what is not to be kept gives way first, the longest of it at last with whole lines.
fn fit_together(slots: &mut [Slot], most: usize) -> Result<(), String> {
    for slot in slots.iter_mut() {
        slot.text.fit(slot.most, slot.is_list)?;
    }
    let kept: usize = slots.iter().filter(|slot| slot.keep).map(|slot| slot.text.length()).sum();
    let room = most.saturating_sub(kept);
    let mut others: Vec<&mut Text> = slots.iter_mut().filter(|slot| !slot.keep).map(|slot| &mut slot.text).collect();
    if !shrink(&mut others, room, SCRAP) {
        let over = others.iter().map(|text| text.length()).sum::<usize>() - room;
        if let Some(longest) = others.into_iter().max_by_key(|text| text.length()) {
            let _ = longest.fit(longest.length().saturating_sub(over), false);
        }
    }
    let mut all: Vec<&mut Text> = slots.iter_mut().map(|slot| &mut slot.text).collect();
    if shrink(&mut all, most, 1) { Ok(()) } else { Err(format!("more than {most} characters in all, without what is put in")) }
}

/// A message's own text. Where it is too long for one and no embed is there, one takes it, and the text keeps what a phone shows
/// and whom it calls.
pub(super) fn overflowing(content: Text) -> (Text, Option<Text>) {
    if content.length() <= CONTENT {
        return (content, None);
    }
    let (calling, rest) = content.parted();
    let (mut first, others) = rest.clone().split_first();
    let below = if first.length() <= NOTIFICATION { others } else { rest };
    // Ours is never that long, and one that is fails where the whole of it is fitted.
    let _ = first.fit(NOTIFICATION, false);
    (first.then(calling), Some(below).filter(|below| !below.is_empty()))
}

/// At most five buttons in a row, and no row without any.
pub(super) fn rows(components: &mut Vec<Value>) {
    let split = |mut component: Value| {
        if component["type"] != ACTION_ROW {
            return vec![component];
        }
        let children = component["components"].as_array_mut().map(std::mem::take).unwrap_or_default();
        let row = |some: &[Value]| {
            let mut row = component.clone();
            row["components"] = Value::Array(some.to_vec());
            row
        };
        children.chunks(ROW).map(row).collect()
    };
    *components = components.drain(..).flat_map(split).collect();
}

/// What is counted when all of a message is in its place.
/// # Errors
/// There is more of something than Discord takes.
pub(super) fn count(components: &[Value], is_second_version: bool) -> Result<(), String> {
    let all = nested(components);
    if is_second_version {
        few(all.len(), COMPONENTS, "components")?;
    } else {
        few(components.len(), ROWS, "rows of components")?;
        if let Some(other) = components.iter().find(|component| component["type"] != ACTION_ROW) {
            return Err(format!("a component of type {} outside of a row needs the flag {SECOND_VERSION}", other["type"]));
        }
    }
    let mut ids: Vec<&str> = all.iter().filter_map(|component| component["custom_id"].as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("two components have the custom_id \"{}\"", pair[0])),
        None => Ok(()),
    }
}

/// Components and those within them.
pub(super) fn nested(components: &[Value]) -> Vec<&Value> {
    let within = |component| {
        let component: &Value = component;
        let inner = component["components"].as_array().map(|inner| nested(inner)).unwrap_or_default();
        let single = ["accessory", "component"].map(|key| &component[key]).into_iter().filter(|inner| inner.is_object());
        std::iter::once(component).chain(inner).chain(single).collect::<Vec<_>>()
    };
    components.iter().flat_map(within).collect()
}

/// # Errors
/// There are more than `most`.
pub(super) fn few(number: usize, most: usize, what: &str) -> Result<(), String> {
    if number > most { Err(format!("{number} {what}, and {most} are allowed")) } else { Ok(()) }
}
