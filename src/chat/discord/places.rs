//! Where in a message's JSON a text stands, and so how it is opened: as markdown, which is fitted when all of it is there, or as the
//! characters it is made of. Must not leave a sealed value behind.

use serde_json::Value;

use super::{
    limits::CUSTOM_ID,
    markdown::{MARK, Times, cut, length},
    text::Text,
};
use crate::chat::{
    marks::Marks,
    sealed::{holds_a_value, link, opened},
};

/// A text of markdown, taken out of its place until it fits.
pub(super) struct Slot {
    /// JSON pointer to its place.
    pub at: String,
    pub text: Text,
    pub most: usize,
    /// Lines from its end are worth less than the sense of the others.
    pub is_list: bool,
    /// Cut after everything else.
    pub keep: bool,
}

impl Slot {
    pub(super) const fn new(at: String, text: Text, most: usize) -> Self {
        Self { at, text, most, is_list: false, keep: false }
    }

    /// A text that was taken out of an object's key.
    /// # Errors
    /// As `Text::of`.
    pub(super) fn taken((object, at): (&mut Value, &str), key: &str, most: usize, (marks, times): (Marks, Times)) -> Result<Self, String> {
        let made = object.get_mut(key).map(Value::take).unwrap_or_default();
        let text = Text::of(made.as_str().unwrap_or_default(), marks, times).map_err(|why| format!("{key}: {why}"))?;
        Ok(Self::new(format!("{at}/{key}"), text, most))
    }

    /// The same, of which nothing may be cut or changed.
    /// # Errors
    /// As `Text::whole`.
    pub(super) fn taken_whole(
        (object, at): (&mut Value, &str),
        key: &str,
        most: usize,
        (marks, times): (Marks, Times),
    ) -> Result<Self, String> {
        let made = object.get_mut(key).map(Value::take).unwrap_or_default();
        let text = Text::whole(made.as_str().unwrap_or_default(), marks, times).map_err(|why| format!("{key}: {why}"))?;
        Ok(Self::new(format!("{at}/{key}"), text, most))
    }

    /// Back in its place; one that says nothing leaves none.
    pub(super) fn put_back(&self, whole: &mut Value) {
        if let Some(place) = whole.pointer_mut(&self.at).filter(|_| !self.text.is_empty()) {
            *place = Value::String(self.text.shown());
        }
    }
}

/// A text that is no markup, within its limit; one that says nothing is left out. How long it is now.
/// # Errors
/// A value was cut in two.
pub(super) fn plain(object: &mut Value, key: &str, most: usize, marks: Marks) -> Result<usize, String> {
    let Some(made) = object[key].as_str() else { return Ok(0) };
    let mut text = marks.plain(&opened(made)?);
    cut(&mut text, most);
    let said = length(&text);
    object[key] = if text.trim().is_empty() { Value::Null } else { Value::String(text) };
    Ok(said)
}

/// The same where something has to stand.
pub(super) fn needed(object: &mut Value, key: &str, most: usize, marks: Marks) -> Result<(), String> {
    plain(object, key, most, marks)?;
    if object[key].is_null() {
        object[key] = Value::String(MARK.to_string());
    }
    Ok(())
}

/// What Discord gives back as it is, and nobody may cut.
/// # Errors
/// It is longer, or empty.
pub(super) fn exact(object: &mut Value, key: &str, most: usize) -> Result<(), String> {
    let Some(made) = object[key].as_str() else { return Ok(()) };
    let text = opened(made)?;
    match length(&text) {
        0 => return Err(format!("{key} is empty")),
        long if long > most => return Err(format!("{key} is {long} characters long, and {most} are allowed")),
        _ => object[key] = Value::String(text),
    }
    Ok(())
}

pub(super) fn custom_id(object: &mut Value) -> Result<(), String> {
    exact(object, "custom_id", CUSTOM_ID)
}

/// A link that something opens when it is pressed, or a picture's.
pub(super) fn linked(object: &mut Value, key: &str, most: usize) -> Result<(), String> {
    if object[key].as_str().is_some_and(holds_a_value) {
        object[key] = Value::String(link(object[key].as_str().unwrap_or_default())?);
    }
    exact(object, key, most)
}

/// A list of parts, without those in which a template had nothing to say.
pub(super) fn objects(all: &mut Vec<Value>, what: &str) -> Result<(), String> {
    all.retain(|one| !one.is_null());
    if all.iter().all(Value::is_object) { Ok(()) } else { Err(format!("{what}: no JSON object")) }
}

/// Nothing empty, and nothing sealed, is left.
/// # Errors
/// A value stands where Discord takes no text, or takes it as something that cannot be made inert.
pub(super) fn swept(value: &mut Value, key: &str) -> Result<(), String> {
    match value {
        Value::String(text) if holds_a_value(text) => Err(format!("a value stands in \"{key}\", which takes none")),
        Value::Array(all) => {
            all.iter_mut().try_for_each(|value| swept(value, key))?;
            all.retain(|value| !value.is_null());
            Ok(())
        }
        Value::Object(map) => {
            map.iter_mut().try_for_each(|(key, value)| swept(value, key))?;
            map.retain(|_, value| !value.is_null());
            Ok(())
        }
        _ => Ok(()),
    }
}
