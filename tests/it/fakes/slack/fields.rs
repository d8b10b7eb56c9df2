//! The arguments of a call, however they came: from a query, a form, or a JSON body.

use serde_json::{Map, Value};

use super::api::Refusal;

pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    pub(super) fn of_form(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).map(|(k, v)| (k.into_owned(), Value::String(v.into_owned()))).collect())
    }

    /// Absent and empty are the same.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|t| !t.is_empty())
    }

    /// # Errors
    /// `invalid_arguments`, when it is not there.
    pub(super) fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| Refusal::arguments(vec![format!("[ERROR] missing required field: {name}")]))
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => matches!(text.as_str(), "true" | "1"),
            Some(Value::Number(number)) => number.as_u64() == Some(1),
            _ => false,
        }
    }

    /// # Errors
    /// `invalid_arguments`, when it is no whole number.
    pub(super) fn number(&self, name: &str) -> Result<Option<usize>, Refusal> {
        let read = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => text.parse().ok(),
            Some(value) => value.as_u64().and_then(|n| usize::try_from(n).ok()),
        };
        read.map(Some).ok_or_else(|| Refusal::arguments(vec![format!("[ERROR] {name} must be a whole number")]))
    }

    /// A list or object; in a form it comes as JSON in a string.
    ///
    /// # Errors
    /// `invalid_arguments`, when it cannot be read.
    pub(super) fn json(&self, name: &str) -> Result<Option<Value>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => {
                serde_json::from_str(text).map(Some).map_err(|_| Refusal::arguments(vec![format!("[ERROR] {name} is no JSON")]))
            }
            Some(value) => Ok(Some(value.clone())),
        }
    }

    /// A list of ids: an array, or separated by commas.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(text)) => text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }
}
