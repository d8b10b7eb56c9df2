//! The tools of the checks: a place in the tree, what is wrong there, and the rules that all parts share.

use std::fmt::Display;

use serde_json::{Map, Value};

/// Walks into a tree and collects what is wrong with it.
#[derive(Default)]
pub(super) struct Check {
    place: Vec<String>,
    problems: Vec<String>,
    /// Elements that take the focus: one in a view may.
    pub(super) focused: usize,
}

impl Check {
    pub(super) fn done(self) -> Result<(), Vec<String>> {
        if self.problems.is_empty() { Ok(()) } else { Err(self.problems) }
    }

    pub(super) fn problem(&mut self, what: impl Display) {
        let place = self.place.join("/");
        self.problems.push(format!("[ERROR] {what} [json-pointer:/{place}]"));
    }

    pub(super) fn at<R>(&mut self, step: impl Display + Copy, inside: impl FnOnce(&mut Self) -> R) -> R {
        self.place.push(step.to_string());
        let result = inside(self);
        self.place.pop();
        result
    }

    /// An object with all of `required` and nothing beyond `optional` (and `type`).
    pub(super) fn object<'v>(&mut self, value: &'v Value, required: &[&str], optional: &[&str]) -> Option<&'v Map<String, Value>> {
        let Some(object) = value.as_object() else {
            self.problem("must be an object");
            return None;
        };
        for name in required.iter().filter(|name| object.get(**name).is_none_or(Value::is_null)) {
            self.problem(format!("missing required field: {name}"));
        }
        for name in object.keys().map(String::as_str) {
            if name != "type" && !required.contains(&name) && !optional.contains(&name) {
                self.problem(format!("invalid additional property: {name}"));
            }
        }
        Some(object)
    }

    /// Characters of a string, counted as Slack counts.
    fn length(&mut self, text: &str, least: usize, most: usize) {
        let count = text.chars().count();
        if count < least {
            self.problem(format!("must be more than {} characters", least - 1));
        }
        if count > most {
            self.problem(format!("must be less than {} characters: {count}", most + 1));
        }
    }

    /// A string of at least one character, if it is there.
    pub(super) fn string(&mut self, object: &Map<String, Value>, name: &str, most: usize) {
        self.string_from(object, name, 1, most);
    }

    pub(super) fn string_from(&mut self, object: &Map<String, Value>, name: &str, least: usize, most: usize) {
        let Some(value) = object.get(name) else { return };
        self.at(name, |check| match value.as_str() {
            Some(text) => check.length(text, least, most),
            None => check.problem("must be a string"),
        });
    }

    pub(super) fn flags(&mut self, object: &Map<String, Value>, names: &[&str]) {
        for name in names {
            if object.get(*name).is_some_and(|value| !value.is_boolean()) {
                self.at(name, |check| check.problem("must be a boolean"));
            }
        }
    }

    pub(super) fn one_of(&mut self, object: &Map<String, Value>, name: &str, allowed: &[&str]) {
        if let Some(value) = object.get(name)
            && !value.as_str().is_some_and(|text| allowed.contains(&text))
        {
            self.at(name, |check| check.problem(format!("must be one of {allowed:?}: {value}")));
        }
    }

    pub(super) fn whole(&mut self, object: &Map<String, Value>, name: &str, least: u64, most: u64) {
        if let Some(value) = object.get(name)
            && !value.as_u64().is_some_and(|number| (least..=most).contains(&number))
        {
            self.at(name, |check| check.problem(format!("must be a whole number from {least} to {most}: {value}")));
        }
    }

    pub(super) fn link(&mut self, object: &Map<String, Value>, name: &str) {
        self.string(object, name, 3000);
        let is_link = |text: &str| text.contains("://") || text.starts_with("mailto:");
        if object.get(name).and_then(Value::as_str).is_some_and(|text| !is_link(text)) {
            self.at(name, |check| check.problem("must be a URL"));
        }
    }

    /// Each item of a list of `least` to `most`, if it is there.
    pub(super) fn list(
        &mut self,
        object: &Map<String, Value>,
        name: &str,
        (least, most): (usize, usize),
        mut each: impl FnMut(&mut Self, &Value),
    ) {
        let Some(value) = object.get(name) else { return };
        self.at(name, |check| {
            let Some(items) = value.as_array() else { return check.problem("must be an array") };
            if items.len() < least {
                check.problem(format!("no fewer than {least} items allowed: {}", items.len()));
            }
            if items.len() > most {
                check.problem(format!("no more than {most} items allowed: {}", items.len()));
            }
            for (index, item) in items.iter().enumerate() {
                check.at(index, |check| each(check, item));
            }
        });
    }

    /// `plain_text` of at most so many characters, if it is there.
    pub(super) fn plain(&mut self, object: &Map<String, Value>, name: &str, most: usize) {
        if let Some(value) = object.get(name) {
            self.at(name, |check| check.text(value, &["plain_text"], most));
        }
    }

    /// `plain_text` or `mrkdwn`, if it is there.
    pub(super) fn either(&mut self, object: &Map<String, Value>, name: &str, most: usize) {
        if let Some(value) = object.get(name) {
            self.at(name, |check| check.text(value, &["plain_text", "mrkdwn"], most));
        }
    }

    pub(super) fn text(&mut self, value: &Value, kinds: &[&str], most: usize) {
        let kind = value["type"].as_str().unwrap_or_default();
        if !kinds.contains(&kind) {
            return self.problem(format!("must be a text object of type {kinds:?}: {value}"));
        }
        let flag = if kind == "plain_text" { "emoji" } else { "verbatim" };
        let Some(object) = self.object(value, &["text"], &[flag]) else { return };
        self.flags(object, &[flag]);
        self.string(object, "text", most);
    }

    /// The question before an action.
    pub(super) fn confirm(&mut self, object: &Map<String, Value>) {
        let Some(value) = object.get("confirm") else { return };
        self.at("confirm", |check| {
            let Some(confirm) = check.object(value, &["title", "text", "confirm", "deny"], &["style"]) else { return };
            check.plain(confirm, "title", 100);
            check.either(confirm, "text", 300);
            check.plain(confirm, "confirm", 30);
            check.plain(confirm, "deny", 30);
            check.one_of(confirm, "style", &["primary", "danger"]);
        });
    }
}
