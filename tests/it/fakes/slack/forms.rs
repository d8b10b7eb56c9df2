//! What people do in forms: enter, choose, search, send, close; and what Slack then does with the stack of forms.

use serde_json::{Value, json};

use super::{
    Slack, blocks,
    deliver::{Ack, Kind},
    modals::{Form, value_names},
    payloads::option_of,
    state::{State, elements},
};

/// Letters that a search needs, when the app does not say.
const QUERY: u64 = 3;

/// What an element's value becomes when a person enters this. Empty: the field is cleared.
fn entered(element: &Value, offered: &[Value], text: &str) -> Value {
    let many = |each: &dyn Fn(&str) -> Value| text.split(',').filter(|t| !t.is_empty()).map(each).collect::<Vec<_>>();
    let kind = element["type"].as_str().unwrap();
    let option = |wanted: &str| option_of(element, offered, wanted);
    match kind {
        "static_select" | "external_select" | "radio_buttons" if !text.is_empty() => option(text),
        "multi_static_select" | "multi_external_select" | "checkboxes" => json!(many(&option)),
        "multi_users_select" | "multi_conversations_select" | "multi_channels_select" => json!(many(&|id| json!(id))),
        "datetimepicker" if !text.is_empty() => json!(text.parse::<i64>().expect("a datetimepicker takes seconds since 1970")),
        "rich_text_input" => json!({"type": "rich_text", "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
        ]}),
        _ if text.is_empty() => Value::Null,
        _ => json!(text),
    }
}

/// Why Slack would not send this form: on which block, and what is wrong.
fn unsendable(form: &Form) -> Option<String> {
    for block in form.view["blocks"].as_array().into_iter().flatten().filter(|b| b["type"] == "input") {
        let (id, element) = (block["block_id"].as_str().unwrap(), &block["element"]);
        let (name, _) = value_names(element["type"].as_str().unwrap())?;
        let value = &form.values[id][element["action_id"].as_str().unwrap()][name];
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty) || value.as_str().is_some_and(str::is_empty);
        if empty && block["optional"] != true {
            return Some(format!("{id} is required and empty"));
        }
        let length = value.as_str().map_or(0, |text| text.chars().count()) as u64;
        if !empty && element["min_length"].as_u64().is_some_and(|least| length < least) {
            return Some(format!("{id} is too short"));
        }
        if element["max_length"].as_u64().is_some_and(|most| length > most) || length > 3000 {
            return Some(format!("{id} is too long"));
        }
    }
    None
}

impl State {
    fn top(&mut self, user: &str) -> &mut Form {
        let form = self.modals.get_mut(user).and_then(|stack| stack.last_mut());
        form.unwrap_or_else(|| panic!("{user} has no form open"))
    }

    fn enter(&mut self, user: &str, field: &str, text: &str) -> (String, Value) {
        let form = self.top(user);
        let (block, element) = form.field(field).unwrap_or_else(|| panic!("the form has no {field:?}: {}", form.view["blocks"]));
        let kind = element["type"].as_str().unwrap();
        let (name, _) = value_names(kind).unwrap_or_else(|| panic!("nothing can be entered into a {kind}"));
        let action = element["action_id"].as_str().unwrap().to_owned();
        let offered = form.offered.get(&action).cloned().unwrap_or_default();
        let value = entered(&element, &offered, text);
        form.values.get_mut(&block).unwrap().insert(action, json!({"type": kind, name: value}));
        (block, element)
    }

    /// Does what the answer to a submission says.
    fn respond(&mut self, user: &str, form: &Form, ack: &Ack) -> Result<(), String> {
        let Some(body) = ack.body.as_ref().filter(|b| b.as_object().is_some_and(|b| !b.is_empty())) else {
            if let Some(other) = &ack.body
                && !other.is_object()
            {
                return Err(format!("it must be empty or an object: {other}"));
            }
            self.close_form(form.id());
            return Ok(());
        };
        let view = || -> Result<Value, String> {
            blocks::check_view(&body["view"]).map_err(|problems| problems.join("; "))?;
            if body["view"]["type"] == "modal" { Ok(body["view"].clone()) } else { Err("its view is no modal".to_owned()) }
        };
        match body["response_action"].as_str() {
            Some("clear") => drop(self.modals.remove(user)),
            Some("update") => drop(self.replace_form(form.id(), view()?).map_err(|e| e.to_string())?),
            Some("push") => drop(self.push_form(user, view()?).map_err(|e| e.to_string())?),
            Some("errors") => {
                let errors = body["errors"].as_object().filter(|e| !e.is_empty()).ok_or("it has no errors")?;
                for (block, text) in errors {
                    let inputs = form.view["blocks"].as_array().into_iter().flatten().filter(|b| b["type"] == "input");
                    if !inputs.clone().any(|b| b["block_id"] == *block) || text.as_str().is_none_or(str::is_empty) {
                        return Err(format!("an error must stand on an input of the form, and say something: {block}: {text}"));
                    }
                }
            }
            other => return Err(format!("there is no response_action {other:?}")),
        }
        Ok(())
    }
}

impl Slack {
    /// Enters a value into the open form, without the app being told: `field` is a block or an action, `value` what is typed,
    /// an option's value or words, an id, or several with commas between. Empty clears it.
    pub(crate) fn fill(&self, user: &str, field: &str, value: &str) -> &Self {
        self.state().enter(user, field, value);
        self
    }

    /// Enters a value into a field that tells the app at once.
    pub(crate) async fn choose(&self, user: &str, field: &str, value: &str) -> Ack {
        let payload = {
            let mut state = self.state();
            let (block, element) = state.enter(user, field, value);
            let form = state.top(user).clone();
            let own = form.view["blocks"].as_array().unwrap().iter().find(|b| b["block_id"] == block.as_str()).unwrap();
            assert!(own["type"] != "input" || own["dispatch_action"] == true, "{field} does not tell the app: use fill");
            state.view_press(user, &form, &block, &element)
        };
        self.deliver_raw(Kind::Interactive, payload).await
    }

    /// Presses a button in the open form.
    pub(crate) async fn press_view(&self, user: &str, action: &str) -> Ack {
        let payload = {
            let mut state = self.state();
            let form = state.top(user).clone();
            let all = elements(&form.view["blocks"]);
            let found = all.iter().find(|(_, e)| e["action_id"] == action && e["type"] == "button");
            let (block, element) = found.unwrap_or_else(|| panic!("the form has no button {action:?}"));
            let block = block["block_id"].as_str().unwrap().to_owned();
            state.view_press(user, &form, &block, element)
        };
        self.deliver_raw(Kind::Interactive, payload).await
    }

    /// Types into a search field of the open form; gives the options that the app offers.
    pub(crate) async fn type_ahead(&self, user: &str, field: &str, query: &str) -> Vec<Value> {
        let (payload, action) = {
            let mut state = self.state();
            let form = state.top(user).clone();
            let (block, element) = form.field(field).unwrap_or_else(|| panic!("the form has no {field:?}"));
            assert!(element["type"].as_str().unwrap().ends_with("external_select"), "{field} searches nothing");
            let least = element["min_query_length"].as_u64().unwrap_or(QUERY);
            assert!(query.chars().count() as u64 >= least, "Slack asks from {least} letters on");
            let action = element["action_id"].as_str().unwrap().to_owned();
            (state.suggestion(user, &form, &block, &action, query), action)
        };
        let ack = self.deliver_raw(Kind::Interactive, payload).await;
        let body = ack.body.unwrap_or_default();
        let mut state = self.state();
        if let Err(problems) = blocks::check_suggestions(&body) {
            state.refuse(format!("the options for {field}: {}", problems.join("; ")));
            return Vec::new();
        }
        let grouped = body["option_groups"].as_array().into_iter().flatten().filter_map(|g| g["options"].as_array()).flatten();
        let options: Vec<Value> = body["options"].as_array().into_iter().flatten().chain(grouped).cloned().collect();
        state.top(user).offered.insert(action, options.clone());
        options
    }

    /// Sends the open form. Panics when Slack would not let it go (a required field is empty).
    pub(crate) async fn submit(&self, user: &str) -> Ack {
        let (form, payload) = {
            let mut state = self.state();
            let form = state.top(user).clone();
            assert!(!form.view["submit"].is_null(), "the form has nothing to send it with");
            if let Some(why) = unsendable(&form) {
                panic!("the form cannot be sent: {why}");
            }
            let payload = state.submission(user, &form);
            (form, payload)
        };
        let ack = self.deliver_raw(Kind::Interactive, payload).await;
        let mut state = self.state();
        if !ack.is_ok() {
            state.refuse(format!("the submission was not taken: {}", ack.status));
        } else if let Err(why) = state.respond(user, &form, &ack) {
            state.refuse(format!("the answer to the submission: {why}"));
        }
        ack
    }

    /// Sends the form that somebody else has open, as nobody could by hand. The stack stays as it is.
    pub(crate) async fn submit_as(&self, user: &str, view_of: &str) -> Ack {
        let payload = {
            let mut state = self.state();
            let form = state.top(view_of).clone();
            state.submission(user, &form)
        };
        self.deliver_raw(Kind::Interactive, payload).await
    }

    /// Closes the open form; the app hears of it if it asked to.
    pub(crate) async fn close(&self, user: &str) -> Option<Ack> {
        let payload = {
            let mut state = self.state();
            let form = state.top(user).clone();
            let cleared = form.view["clear_on_close"] == true;
            if cleared {
                state.modals.remove(user);
            } else {
                state.close_form(form.id());
            }
            (form.view["notify_on_close"] == true).then(|| state.closing(user, &form, cleared))
        };
        match payload {
            Some(payload) => Some(self.deliver_raw(Kind::Interactive, payload).await),
            None => None,
        }
    }
}
