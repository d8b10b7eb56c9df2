//! Forms in front of people: what can be typed into them, what can be sent, and what is sent.

use serde_json::{Value, json};

use super::{
    Discord,
    check::modal::{LABELLED, TEXT_INPUT},
    deliver::Reply,
    payloads::Typed,
    records::Form,
};

/// The inputs of a form, in order.
pub(super) fn inputs(modal: &Value) -> Vec<&Value> {
    let parts = modal["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    parts.iter().filter_map(|part| if part["type"] == LABELLED { part.get("component") } else { part["components"].get(0) }).collect()
}

/// What an input holds, when it is sent.
fn held(input: &Value, typed: &[Typed]) -> Value {
    let name = input["custom_id"].as_str().unwrap_or_default();
    let text = typed.iter().find(|(of, _)| *of == name).map(|(_, text)| *text);
    if input["type"] != TEXT_INPUT {
        let values: Vec<&str> = text.into_iter().collect();
        return json!({"type": input["type"], "id": 1, "custom_id": name, "values": values});
    }
    let text = text.or(input["value"].as_str()).unwrap_or_default();
    let number = |field: &str, other: u64| usize::try_from(input[field].as_u64().unwrap_or(other)).unwrap();
    let (length, least, most) = (text.chars().count(), number("min_length", 0), number("max_length", 4_000));
    let required = input["required"].as_bool().unwrap_or(true);
    assert!(!(required && text.trim().is_empty()), "the form cannot be sent without {name}");
    assert!(length <= most && (length >= least || (length == 0 && !required)), "{name} takes {least} to {most} characters, not {length}");
    json!({"type": TEXT_INPUT, "id": 1, "custom_id": name, "value": text})
}

/// The components of a submission.
pub(super) fn filled(modal: &Value, typed: &[Typed]) -> Value {
    let names: Vec<&str> = inputs(modal).iter().filter_map(|input| input["custom_id"].as_str()).collect();
    for (name, _) in typed {
        assert!(names.contains(name), "the form has no {name}, only {names:?}");
    }
    let part = |part: &Value| match part["type"].as_u64() {
        Some(LABELLED) => json!({"type": LABELLED, "id": 2, "component": held(&part["component"], typed)}),
        Some(1) => json!({"type": 1, "id": 2, "components": [held(&part["components"][0], typed)]}),
        _ => json!({"type": part["type"], "id": 2}),
    };
    modal["components"].as_array().into_iter().flatten().map(part).collect()
}

impl Discord {
    fn form(&self, user: &str) -> Form {
        self.state().forms.get(user).unwrap_or_else(|| panic!("{user} has no form open")).clone()
    }

    /// The payload of a submission, for a test that changes it first.
    pub(crate) fn submission(&self, user: &str, typed: &[(&str, &str)]) -> Value {
        let form = self.form(user);
        self.state().submission(user, &form, typed)
    }

    /// Somebody else sends the form that is open in front of `owner`, as no client of Discord's does.
    pub(crate) fn submission_by(&self, user: &str, owner: &str, typed: &[(&str, &str)]) -> Value {
        let form = self.form(owner);
        self.state().submission(user, &form, typed)
    }

    /// Fills in the form and sends it; what is not typed stays as it stands there. It closes when it is answered.
    pub(crate) async fn submit(&self, user: &str, typed: &[(&str, &str)]) -> Reply {
        let payload = self.submission(user, typed);
        self.deliver(payload).await
    }

    /// Closes the form without sending it. Discord tells the application nothing of it.
    pub(crate) fn close(&self, user: &str) -> &Self {
        assert!(self.state().forms.remove(user).is_some(), "{user} has no form open");
        self
    }
}
