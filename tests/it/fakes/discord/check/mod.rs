//! What Discord holds request bodies to: which keys, which types, which lengths. Pure; every wrong place is named, as Discord names it.

pub(super) mod commands;
mod components;
mod embeds;
pub(super) mod mentions;
pub(super) mod message;
pub(super) mod modal;

use serde_json::{Map, Value, json};

/// What is wrong with a body: the place (`embeds.0.title`), Discord's word for it, and a sentence.
#[derive(Default, Debug)]
pub(super) struct Wrongs(Vec<(String, &'static str, String)>);

impl Wrongs {
    pub(super) fn add(&mut self, place: &str, code: &'static str, message: impl Into<String>) {
        self.0.push((place.to_owned(), code, message.into()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The `errors` object of an answer: places nested in each other, with `_errors` at the leaves.
    pub(super) fn tree(&self) -> Value {
        let mut root = Map::new();
        for (place, code, message) in &self.0 {
            let mut at = &mut root;
            for part in place.split('.').filter(|part| !part.is_empty()) {
                let next = at.entry(part).or_insert_with(|| json!({}));
                at = next.as_object_mut().unwrap();
            }
            let list = at.entry("_errors").or_insert_with(|| json!([]));
            list.as_array_mut().unwrap().push(json!({"code": code, "message": message}));
        }
        Value::Object(root)
    }

    /// Takes over what is wrong with a part of the body.
    pub(super) fn take_under(&mut self, place: &str, inner: Self) {
        self.0.extend(inner.0.into_iter().map(|(at, code, message)| (join(place, at), code, message)));
    }

    pub(super) fn required(&mut self, place: &str) {
        self.add(place, "BASE_TYPE_REQUIRED", "This field is required");
    }

    /// An object with no other keys than these. None, and said, when it is none.
    pub(super) fn object<'v>(&mut self, place: &str, value: &'v Value, keys: &[&str]) -> Option<&'v Map<String, Value>> {
        let Some(object) = value.as_object() else {
            self.add(place, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType");
            return None;
        };
        for key in object.keys().filter(|key| !keys.contains(&key.as_str())) {
            self.add(&join(place, key), "UNKNOWN_KEY", "There is no such key");
        }
        Some(object)
    }

    /// A list of `least` to `most`; nothing when it is absent or null.
    pub(super) fn list<'v>(&mut self, place: &str, value: Option<&'v Value>, least: usize, most: usize) -> &'v [Value] {
        let value = value.filter(|v| !v.is_null());
        let items = match value.map(Value::as_array) {
            None => &[][..],
            Some(Some(items)) => items.as_slice(),
            Some(None) => {
                self.add(place, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType");
                return &[];
            }
        };
        if items.len() < least || items.len() > most {
            self.add(place, "BASE_TYPE_BAD_LENGTH", format!("Must be between {least} and {most} in length."));
        }
        items
    }

    /// A text of `least` to `most` characters; None when it is absent or null.
    pub(super) fn text<'v>(&mut self, place: &str, value: Option<&'v Value>, least: usize, most: usize) -> Option<&'v str> {
        let value = value.filter(|v| !v.is_null())?;
        let Some(text) = value.as_str() else {
            self.add(place, "STRING_TYPE_CONVERT", "Could not interpret as string.");
            return None;
        };
        let length = text.chars().count();
        if length > most {
            self.add(place, "BASE_TYPE_MAX_LENGTH", format!("Must be {most} or fewer in length."));
        } else if length < least {
            self.add(place, "BASE_TYPE_MIN_LENGTH", format!("Must be {least} or more in length."));
        }
        Some(text)
    }

    /// The same, which must be there and say something.
    pub(super) fn words<'v>(&mut self, place: &str, value: Option<&'v Value>, most: usize) -> &'v str {
        let text = self.text(place, value, 0, most).unwrap_or_default();
        if text.trim().is_empty() {
            self.required(place);
        }
        text
    }

    /// A whole number of `least` to `most`; None when it is absent or null.
    pub(super) fn number(&mut self, place: &str, value: Option<&Value>, least: i64, most: i64) -> Option<i64> {
        let value = value.filter(|v| !v.is_null())?;
        let Some(number) = value.as_i64() else {
            self.add(place, "NUMBER_TYPE_COERCE", format!("Value \"{value}\" is not int."));
            return None;
        };
        if number < least {
            self.add(place, "NUMBER_TYPE_MIN", format!("int value should be greater than or equal to {least}."));
        } else if number > most {
            self.add(place, "NUMBER_TYPE_MAX", format!("int value should be less than or equal to {most}."));
        }
        Some(number)
    }

    pub(super) fn boolean(&mut self, place: &str, value: Option<&Value>) -> bool {
        match value {
            None | Some(Value::Null) => false,
            Some(Value::Bool(yes)) => *yes,
            Some(other) => {
                self.add(place, "BOOLEAN_TYPE_CONVERT", format!("Must be either true or false, not {other}."));
                false
            }
        }
    }

    /// An id; None when it is absent, null or no id.
    pub(super) fn id<'v>(&mut self, place: &str, value: Option<&'v Value>) -> Option<&'v str> {
        let value = value.filter(|v| !v.is_null())?;
        let id = value.as_str().filter(|id| id.parse::<u64>().is_ok_and(|id| id > 0));
        if id.is_none() {
            self.add(place, "NUMBER_TYPE_COERCE", format!("Value \"{value}\" is not snowflake."));
        }
        id
    }

    pub(super) fn url(&mut self, place: &str, value: Option<&Value>, most: usize) {
        if let Some(url) = self.text(place, value, 1, most)
            && !["http://", "https://", "discord://", "attachment://"].iter().any(|scheme| url.starts_with(scheme))
        {
            self.add(place, "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('http', 'https').");
        }
    }
}

pub(super) fn join(place: &str, key: impl std::fmt::Display) -> String {
    format!("{place}.{key}").trim_matches('.').to_owned()
}
