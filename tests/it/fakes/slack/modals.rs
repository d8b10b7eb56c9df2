//! Open forms: a stack of at most three for each person, and what they have entered so far.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    APP_ID, BOT_ID, TEAM,
    api::Refusal,
    state::{State, elements},
};

/// Forms on top of each other.
const STACK: usize = 3;

/// A view as it stands, without its state, and what was entered.
#[derive(Clone)]
pub(super) struct Form {
    pub(super) view: Value,
    /// By block and action.
    pub(super) values: BTreeMap<String, BTreeMap<String, Value>>,
    /// Options that the app offered, by action.
    pub(super) offered: BTreeMap<String, Vec<Value>>,
}

impl Form {
    pub(super) fn id(&self) -> &str {
        self.view["id"].as_str().unwrap()
    }

    /// With its state, as it stands in answers and payloads.
    pub(super) fn shown(&self) -> Value {
        let mut view = self.view.clone();
        view["state"] = json!({"values": self.values});
        view
    }

    /// The block and the element that a person means by either id.
    pub(super) fn field(&self, id: &str) -> Option<(String, Value)> {
        let found = elements(&self.view["blocks"]);
        let found = found.into_iter().find(|(block, element)| block["block_id"] == id || element["action_id"] == id)?;
        Some((found.0["block_id"].as_str().unwrap().to_owned(), found.1.clone()))
    }

    /// What stands in a field before somebody touches it, or what they entered in the form that this one replaces.
    fn fill_from(&mut self, before: Option<&Self>) {
        let mut values: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        for (block, element) in elements(&self.view["blocks"]) {
            let Some(initial) = initial(element) else { continue };
            let (block, action) = (block["block_id"].as_str().unwrap(), element["action_id"].as_str().unwrap());
            let entered = before.and_then(|form| form.values.get(block)?.get(action)).filter(|v| v["type"] == element["type"]);
            values.entry(block.to_owned()).or_default().insert(action.to_owned(), entered.cloned().unwrap_or(initial));
        }
        self.values = values;
    }
}

/// The name under which an element's value stands in the state, and under which its first value is given.
pub(super) fn value_names(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "plain_text_input" | "number_input" | "email_text_input" | "url_text_input" => ("value", "initial_value"),
        "rich_text_input" => ("rich_text_value", "initial_value"),
        "static_select" | "external_select" | "radio_buttons" => ("selected_option", "initial_option"),
        "multi_static_select" | "multi_external_select" | "checkboxes" => ("selected_options", "initial_options"),
        "users_select" => ("selected_user", "initial_user"),
        "multi_users_select" => ("selected_users", "initial_users"),
        "conversations_select" => ("selected_conversation", "initial_conversation"),
        "multi_conversations_select" => ("selected_conversations", "initial_conversations"),
        "channels_select" => ("selected_channel", "initial_channel"),
        "multi_channels_select" => ("selected_channels", "initial_channels"),
        "datepicker" => ("selected_date", "initial_date"),
        "timepicker" => ("selected_time", "initial_time"),
        "datetimepicker" => ("selected_date_time", "initial_date_time"),
        _ => return None,
    })
}

/// Nothing for what has no value (buttons).
fn initial(element: &Value) -> Option<Value> {
    let kind = element["type"].as_str().unwrap_or_default();
    let (name, first) = value_names(kind)?;
    let nothing = if name.ends_with('s') { json!([]) } else { Value::Null };
    let mut value = Map::new();
    value.insert("type".to_owned(), json!(kind));
    value.insert(name.to_owned(), element.get(first).cloned().unwrap_or(nothing));
    Some(Value::Object(value))
}

impl State {
    /// A view becomes a form: with ids, a hash, and what Slack adds. `id`: it replaces that one.
    pub(super) fn new_form(&mut self, mut view: Value, id: Option<String>, under: Option<&Value>) -> Form {
        self.name_blocks(&mut view["blocks"]);
        let serial = self.next();
        let id = id.unwrap_or_else(|| format!("V{serial:04}"));
        let fields = view.as_object_mut().unwrap();
        for (name, usual) in [
            ("private_metadata", json!("")),
            ("callback_id", json!("")),
            ("external_id", json!("")),
            ("title", json!({"type": "plain_text", "text": "View Title", "emoji": true})),
            ("close", Value::Null),
            ("submit", Value::Null),
            ("clear_on_close", json!(false)),
            ("notify_on_close", json!(false)),
        ] {
            fields.entry(name).or_insert(usual);
        }
        let root = under.map_or_else(|| json!(id), |below| below["root_view_id"].clone());
        let previous = under.map_or(Value::Null, |below| below["id"].clone());
        let hash = format!("{}.{serial:x}", self.now_seconds());
        let added = json!({
            "id": id, "team_id": TEAM, "hash": hash, "root_view_id": root, "previous_view_id": previous,
            "app_id": APP_ID, "app_installed_team_id": self.enterprise.as_deref().unwrap_or(TEAM), "bot_id": BOT_ID,
        });
        let Value::Object(added) = added else { unreachable!() };
        fields.extend(added);
        let mut form = Form { view, values: BTreeMap::new(), offered: BTreeMap::new() };
        form.fill_from(None);
        form
    }

    /// # Errors
    /// `push_limit_reached`.
    pub(super) fn push_form(&mut self, user: &str, view: Value) -> Result<&Form, Refusal> {
        let below = self.modals.get(user).and_then(|stack| stack.last()).map(|form| form.view.clone());
        if self.modals.get(user).is_some_and(|stack| stack.len() >= STACK) {
            return Err("push_limit_reached".into());
        }
        let form = self.new_form(view, None, below.as_ref());
        let stack = self.modals.entry(user.to_owned()).or_default();
        stack.push(form);
        Ok(stack.last().unwrap())
    }

    /// What was entered stays where block, action and type are the same.
    ///
    /// # Errors
    /// `not_found`.
    pub(super) fn replace_form(&mut self, id: &str, view: Value) -> Result<&Form, Refusal> {
        let before = self.modals.values().flatten().find(|form| form.id() == id).ok_or("not_found")?.clone();
        let mut form = self.new_form(view, Some(id.to_owned()), None);
        form.view["root_view_id"] = before.view["root_view_id"].clone();
        form.view["previous_view_id"] = before.view["previous_view_id"].clone();
        form.fill_from(Some(&before));
        form.offered = before.offered;
        let place = self.modals.values_mut().flatten().find(|form| form.id() == id).ok_or("not_found")?;
        *place = form;
        Ok(place)
    }

    /// Takes a form off its stack.
    pub(super) fn close_form(&mut self, id: &str) {
        for stack in self.modals.values_mut() {
            stack.retain(|form| form.id() != id);
        }
        self.modals.retain(|_, stack| !stack.is_empty());
    }
}
