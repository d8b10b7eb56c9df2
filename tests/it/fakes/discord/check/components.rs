//! What people can press and choose in a message: rows of buttons or one select, and the newer layout ("components v2").

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Wrongs, join};

const ROWS: usize = 5;
const BUTTONS: usize = 5;
pub(super) const CUSTOM_ID: usize = 100;
const LABEL: usize = 80;
const OPTIONS: usize = 25;
const OPTION: usize = 100;
const PLACEHOLDER: usize = 150;
const URL: usize = 512;
/// Of the newer layout: parts in all, however deep, and characters in all.
const PARTS: usize = 40;
const CHARACTERS: usize = 4_000;
/// Pictures of a gallery; what is said of a picture; its address.
const PICTURES: usize = 10;
const DESCRIPTION: usize = 1_024;
const MEDIA_URL: usize = 2_048;

/// How a button looks: one that opens a link, and the last of those that press.
const LINK: i64 = 5;

/// The kinds of component.
const ROW: i64 = 1;
const BUTTON: i64 = 2;
const STRING_SELECT: i64 = 3;
const SELECTS: std::ops::RangeInclusive<i64> = 3..=8;
const SECTION: i64 = 9;
const TEXT: i64 = 10;
/// Beside a section's texts.
const THUMBNAIL: i64 = 11;
const GALLERY: i64 = 12;
const FILE: i64 = 13;
const SEPARATOR: i64 = 14;
const CONTAINER: i64 = 17;

/// One message's components as they are walked through.
struct Walk<'w> {
    wrongs: &'w mut Wrongs,
    names: BTreeSet<String>,
    parts: usize,
    characters: usize,
}

/// `newer`: the message has the flag of the newer layout.
pub(super) fn check(wrongs: &mut Wrongs, place: &str, value: Option<&Value>, newer: bool) {
    let items = wrongs.list(place, value, 0, if newer { PARTS } else { ROWS });
    let mut walk = Walk { wrongs, names: BTreeSet::new(), parts: 0, characters: 0 };
    for (n, item) in items.iter().enumerate() {
        let place = join(place, n);
        match item["type"].as_i64() {
            Some(ROW) => walk.row(&place, item),
            Some(SECTION | TEXT | GALLERY | FILE | SEPARATOR | CONTAINER) if newer => walk.layout(&place, item, true),
            _ => walk.wrongs.add(&join(&place, "type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (1,)."),
        }
    }
    let (parts, characters) = (walk.parts, walk.characters);
    if newer && parts > PARTS {
        wrongs.add(place, "COMPONENT_MAX_TOTAL_COMPONENTS", format!("A message may contain at most {PARTS} components"));
    }
    if newer && characters > CHARACTERS {
        wrongs.add(place, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", format!("At most {CHARACTERS} characters may be shown"));
    }
}

impl Walk<'_> {
    fn row(&mut self, place: &str, row: &Value) {
        self.parts += 1;
        let Some(row) = self.wrongs.object(place, row, &["type", "id", "components"]) else { return };
        let place = join(place, "components");
        let items = self.wrongs.list(&place, row.get("components"), 1, BUTTONS);
        for (n, item) in items.iter().enumerate() {
            let place = join(&place, n);
            match item["type"].as_i64() {
                Some(BUTTON) => self.button(&place, item),
                Some(kind) if SELECTS.contains(&kind) && kind != 4 => {
                    self.select(&place, item, kind == STRING_SELECT);
                    if items.len() > 1 {
                        self.wrongs.add(&place, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The width of this row is exceeded");
                    }
                }
                _ => self.wrongs.add(&join(&place, "type"), "UNION_TYPE_CHOICES", "Must be a button or a select"),
            }
        }
    }

    fn name(&mut self, place: &str, item: &Map<String, Value>) {
        let place = join(place, "custom_id");
        match self.wrongs.text(&place, item.get("custom_id"), 1, CUSTOM_ID) {
            None => self.wrongs.required(&place),
            Some(name) if !self.names.insert(name.to_owned()) => {
                self.wrongs.add(&place, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated");
            }
            Some(_) => {}
        }
    }

    fn button(&mut self, place: &str, item: &Value) {
        self.parts += 1;
        let keys = ["type", "id", "style", "label", "emoji", "custom_id", "url", "disabled"];
        let Some(item) = self.wrongs.object(place, item, &keys) else { return };
        let style = self.wrongs.number(&join(place, "style"), item.get("style"), 1, LINK);
        if style.is_none() {
            self.wrongs.required(&join(place, "style"));
        }
        let label = self.wrongs.text(&join(place, "label"), item.get("label"), 0, LABEL).unwrap_or_default();
        if label.trim().is_empty() && item.get("emoji").is_none_or(Value::is_null) {
            self.wrongs.add(place, "BUTTON_COMPONENT_NO_LABEL_OR_EMOJI", "A button must have a label or emoji");
        }
        self.wrongs.boolean(&join(place, "disabled"), item.get("disabled"));
        let says = |name: &str| item.get(name).is_some_and(|v| !v.is_null());
        if style == Some(LINK) {
            if says("custom_id") {
                self.wrongs.add(place, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A custom id and url cannot both be specified");
            }
            if !says("url") {
                self.wrongs.add(&join(place, "url"), "BUTTON_COMPONENT_URL_REQUIRED", "A url is required");
            }
            self.wrongs.url(&join(place, "url"), item.get("url"), URL);
        } else {
            if says("url") {
                self.wrongs.add(place, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "Only a link has a url");
            }
            self.name(place, item);
        }
    }

    fn select(&mut self, place: &str, item: &Value, of_strings: bool) {
        self.parts += 1;
        let mut keys = vec!["type", "id", "custom_id", "placeholder", "min_values", "max_values", "disabled", "required", "default_values"];
        if of_strings {
            keys.push("options");
        }
        let Some(item) = self.wrongs.object(place, item, &keys) else { return };
        self.name(place, item);
        check_select(self.wrongs, place, item, of_strings);
    }

    fn layout(&mut self, place: &str, item: &Value, top: bool) {
        self.parts += 1;
        match item["type"].as_i64() {
            Some(TEXT) => self.shown(place, item),
            Some(SEPARATOR) => {
                let Some(separator) = self.wrongs.object(place, item, &["type", "id", "spacing", "divider"]) else { return };
                self.wrongs.number(&join(place, "spacing"), separator.get("spacing"), 1, 2);
                self.wrongs.boolean(&join(place, "divider"), separator.get("divider"));
            }
            Some(GALLERY) => {
                let Some(gallery) = self.wrongs.object(place, item, &["type", "id", "items"]) else { return };
                let inner = join(place, "items");
                for (n, picture) in self.wrongs.list(&inner, gallery.get("items"), 1, PICTURES).iter().enumerate() {
                    self.media(&join(&inner, n), picture, "media", &["media", "description", "spoiler"]);
                }
                if gallery.get("items").is_none_or(Value::is_null) {
                    self.wrongs.required(&inner);
                }
            }
            Some(FILE) => self.media(place, item, "file", &["type", "id", "file", "spoiler"]),
            Some(SECTION) => {
                let Some(section) = self.wrongs.object(place, item, &["type", "id", "components", "accessory"]) else { return };
                let inner = join(place, "components");
                for (n, text) in self.wrongs.list(&inner, section.get("components"), 1, 3).iter().enumerate() {
                    self.parts += 1;
                    self.shown(&join(&inner, n), text);
                }
                let accessory = join(place, "accessory");
                match item["accessory"]["type"].as_i64() {
                    Some(THUMBNAIL) => {
                        self.parts += 1;
                        self.media(&accessory, &item["accessory"], "media", &["type", "id", "media", "description", "spoiler"]);
                    }
                    Some(BUTTON) => self.button(&accessory, &item["accessory"]),
                    _ => self.wrongs.add(&join(&accessory, "type"), "UNION_TYPE_CHOICES", "Must be a button or a thumbnail"),
                }
            }
            Some(CONTAINER) if top => {
                let Some(container) = self.wrongs.object(place, item, &["type", "id", "components", "accent_color", "spoiler"]) else {
                    return;
                };
                self.wrongs.number(&join(place, "accent_color"), container.get("accent_color"), 0, 0xff_ffff);
                let inner = join(place, "components");
                for (n, part) in self.wrongs.list(&inner, container.get("components"), 1, PARTS).iter().enumerate() {
                    let place = join(&inner, n);
                    if part["type"] == ROW { self.row(&place, part) } else { self.layout(&place, part, false) }
                }
            }
            _ => self.wrongs.add(&join(place, "type"), "UNION_TYPE_CHOICES", "Cannot stand here"),
        }
    }

    /// A picture or a file: where it is, and what is said of it.
    fn media(&mut self, place: &str, item: &Value, named: &str, keys: &[&str]) {
        let Some(item) = self.wrongs.object(place, item, keys) else { return };
        let at = join(place, named);
        match item.get(named).and_then(|media| self.wrongs.object(&at, media, &["url"])) {
            Some(media) if media.get("url").is_some_and(Value::is_string) => {
                self.wrongs.url(&join(&at, "url"), media.get("url"), MEDIA_URL);
            }
            _ => self.wrongs.required(&join(&at, "url")),
        }
        self.wrongs.text(&join(place, "description"), item.get("description"), 1, DESCRIPTION);
        self.wrongs.boolean(&join(place, "spoiler"), item.get("spoiler"));
    }

    fn shown(&mut self, place: &str, item: &Value) {
        let Some(item) = self.wrongs.object(place, item, &["type", "id", "content"]) else { return };
        self.characters += self.wrongs.words(&join(place, "content"), item.get("content"), CHARACTERS).chars().count();
    }
}

/// What is the same for a select in a message and in a form.
pub(super) fn check_select(wrongs: &mut Wrongs, place: &str, item: &Map<String, Value>, of_strings: bool) {
    wrongs.text(&join(place, "placeholder"), item.get("placeholder"), 0, PLACEHOLDER);
    let least = wrongs.number(&join(place, "min_values"), item.get("min_values"), 0, 25).unwrap_or(1);
    let most = wrongs.number(&join(place, "max_values"), item.get("max_values"), 1, 25).unwrap_or(1);
    if least > most {
        wrongs.add(&join(place, "min_values"), "NUMBER_TYPE_MAX", "Must not be more than max_values");
    }
    if !of_strings {
        return;
    }
    let place = join(place, "options");
    let options = wrongs.list(&place, item.get("options"), 1, OPTIONS);
    for (n, option) in options.iter().enumerate() {
        let at = join(&place, n);
        let Some(fields) = wrongs.object(&at, option, &["label", "value", "description", "default", "emoji"]) else { continue };
        for name in ["label", "value"] {
            wrongs.words(&join(&at, name), fields.get(name), OPTION);
        }
        wrongs.text(&join(&at, "description"), fields.get("description"), 0, OPTION);
        if options[..n].iter().any(|other| other["value"] == option["value"]) {
            wrongs.add(&join(&at, "value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used");
        }
    }
}
