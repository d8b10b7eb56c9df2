//! The payloads of what people do, as Slack writes them.

use serde_json::{Map, Value, json};

use super::{
    APP_ID, TEAM,
    modals::{Form, value_names},
    state::{Sort, State, elements},
};

/// The old verification token: still in every payload, and worth nothing.
const TOKEN: &str = "verification-token";

impl State {
    /// What every interactive payload has.
    fn common(&self, kind: &str, user: &str) -> Map<String, Value> {
        let person = self.known(user);
        let (team, enterprise) = self.place();
        let common = json!({
            "type": kind, "token": TOKEN, "api_app_id": APP_ID, "team": team, "enterprise": enterprise,
            "is_enterprise_install": self.enterprise.is_some(),
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": person.team},
        });
        let Value::Object(common) = common else { unreachable!() };
        common
    }

    fn channel_name(&self, id: &str) -> String {
        match self.channels.get(id) {
            Some(channel) if channel.sort == Sort::Private => "privategroup".to_owned(),
            Some(channel) => channel.name.clone(),
            None => "directmessage".to_owned(),
        }
    }

    pub(super) fn command(&mut self, user: &str, channel: &str, command: &str, text: &str) -> Value {
        let text = self.escaped(text);
        let response_url = self.new_hook(user, channel, None);
        let trigger_id = self.new_trigger(user, None);
        let person = self.known(user);
        let mut payload = json!({
            "token": TOKEN, "channel_id": channel, "channel_name": self.channel_name(channel), "user_id": user,
            "user_name": person.name, "command": command, "text": text, "api_app_id": APP_ID,
            "is_enterprise_install": self.enterprise.is_some().to_string(), "response_url": response_url, "trigger_id": trigger_id,
        });
        if let Some(enterprise) = &self.enterprise {
            payload["enterprise_id"] = json!(enterprise);
            payload["enterprise_name"] = json!("Home Org");
        } else {
            payload["team_domain"] = json!("home");
        }
        payload["team_id"] = json!(TEAM);
        payload
    }

    /// What Slack makes of what was typed, with `should_escape`: ids for names, entities for `&`, `<` and `>`.
    fn escaped(&self, text: &str) -> String {
        let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        plain.split(' ').map(|word| self.linked(word)).collect::<Vec<_>>().join(" ")
    }

    fn linked(&self, word: &str) -> String {
        if word.starts_with("https://") || word.starts_with("http://") {
            return format!("<{word}>");
        }
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        let name = |rest: &str| rest.chars().take_while(|c| is_name(*c)).collect::<String>();
        if let Some(rest) = word.strip_prefix('@') {
            let name = name(rest);
            let after = &rest[name.len()..];
            if let Some(person) = self.people.values().find(|p| p.name == name) {
                return format!("<@{}|{name}>{after}", person.id);
            }
            if let Some((id, _)) = self.groups.iter().find(|(_, g)| g.handle == name) {
                return format!("<!subteam^{id}|@{name}>{after}");
            }
        } else if let Some(rest) = word.strip_prefix('#') {
            let name = name(rest);
            if let Some((id, _)) = self.channels.iter().find(|(_, c)| c.name == name && c.sort != Sort::Direct) {
                return format!("<#{id}|{name}>{}", &rest[name.len()..]);
            }
        }
        word.to_owned()
    }

    /// A press in a message. `value`: another one than the element's own, as nobody could send it by hand.
    pub(super) fn message_press(&mut self, user: &str, channel: &str, ts: &str, action: &str, value: Option<&str>) -> Value {
        let (message, is_ephemeral) = self.seen_message(user, channel, ts);
        let (block, element) = find(&message["blocks"], action);
        let mut act = self.action(&block, &element);
        if let Some(value) = value {
            act["value"] = json!(value);
        }
        self.in_message(user, channel, &message, is_ephemeral, act)
    }

    /// A choice in a select or an overflow menu of a message.
    pub(super) fn message_choice(&mut self, user: &str, channel: &str, ts: &str, action: &str, value: &str) -> Value {
        let (message, is_ephemeral) = self.seen_message(user, channel, ts);
        let (block, element) = find(&message["blocks"], action);
        let option = option_of(&element, &[], value);
        let mut act = self.action(&block, &element);
        act["selected_option"] = option;
        self.in_message(user, channel, &message, is_ephemeral, act)
    }

    fn in_message(&mut self, user: &str, channel: &str, message: &Value, is_ephemeral: bool, act: Value) -> Value {
        let ts = message["ts"].as_str().unwrap();
        let mut container = json!({"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": is_ephemeral});
        if let Some(thread) = message.get("thread_ts") {
            container["thread_ts"] = thread.clone();
        }
        let mut payload = self.common("block_actions", user);
        let name = self.channel_name(channel);
        payload.insert("container".to_owned(), container);
        payload.insert("channel".to_owned(), json!({"id": channel, "name": name}));
        payload.insert("trigger_id".to_owned(), json!(self.new_trigger(user, None)));
        payload.insert("response_url".to_owned(), json!(self.new_hook(user, channel, Some(ts))));
        payload.insert("state".to_owned(), json!({"values": {}}));
        payload.insert("actions".to_owned(), Value::Array(vec![act]));
        if !is_ephemeral {
            payload.insert("message".to_owned(), message.clone());
        }
        Value::Object(payload)
    }

    /// The message, and whether only they see it.
    fn seen_message(&self, user: &str, channel: &str, ts: &str) -> (Value, bool) {
        if let Some(ephemeral) = self.ephemerals.iter().find(|e| e.user == user && e.message["ts"] == ts) {
            return (ephemeral.message.clone(), true);
        }
        let found = self.channels.get(channel).unwrap_or_else(|| panic!("there is no channel {channel}"));
        let message = found.message(ts).unwrap_or_else(|| panic!("{channel} has no message {ts}"));
        (message.clone(), false)
    }

    fn action(&mut self, block: &Value, element: &Value) -> Value {
        let mut act = json!({
            "action_id": element["action_id"], "block_id": block["block_id"], "type": element["type"], "action_ts": self.stamp_ts(),
        });
        for name in ["text", "value", "style", "placeholder"] {
            if let Some(value) = element.get(name) {
                act[name] = value.clone();
            }
        }
        act
    }

    /// Something was pressed or chosen in a form or on the home tab.
    pub(super) fn view_press(&mut self, user: &str, form: &Form, block: &str, element: &Value) -> Value {
        let mut act = self.action(&json!({"block_id": block}), element);
        let kind = element["type"].as_str().unwrap();
        if let Some((name, _)) = value_names(kind) {
            let entered = &form.values[block][element["action_id"].as_str().unwrap()];
            act[name] = entered[name].clone();
        }
        let mut payload = self.common("block_actions", user);
        payload.insert("container".to_owned(), json!({"type": "view", "view_id": form.id()}));
        payload.insert("trigger_id".to_owned(), json!(self.new_trigger(user, Some(form.id()))));
        payload.insert("view".to_owned(), form.shown());
        payload.insert("actions".to_owned(), Value::Array(vec![act]));
        Value::Object(payload)
    }

    pub(super) fn submission(&mut self, user: &str, form: &Form) -> Value {
        let mut payload = self.common("view_submission", user);
        payload.insert("trigger_id".to_owned(), json!(self.new_trigger(user, Some(form.id()))));
        payload.insert("view".to_owned(), form.shown());
        payload.insert("response_urls".to_owned(), json!([]));
        Value::Object(payload)
    }

    pub(super) fn closing(&self, user: &str, form: &Form, cleared: bool) -> Value {
        let mut payload = self.common("view_closed", user);
        payload.insert("view".to_owned(), form.shown());
        payload.insert("is_cleared".to_owned(), json!(cleared));
        Value::Object(payload)
    }

    pub(super) fn suggestion(&self, user: &str, form: &Form, block: &str, action: &str, query: &str) -> Value {
        let mut payload = self.common("block_suggestion", user);
        payload.insert("action_id".to_owned(), json!(action));
        payload.insert("block_id".to_owned(), json!(block));
        payload.insert("value".to_owned(), json!(query));
        payload.insert("container".to_owned(), json!({"type": "view", "view_id": form.id()}));
        payload.insert("view".to_owned(), form.shown());
        Value::Object(payload)
    }

    pub(super) fn global_shortcut(&mut self, user: &str, callback: &str) -> Value {
        let mut payload = self.common("shortcut", user);
        payload.insert("callback_id".to_owned(), json!(callback));
        payload.insert("trigger_id".to_owned(), json!(self.new_trigger(user, None)));
        payload.insert("action_ts".to_owned(), json!(self.stamp_ts()));
        Value::Object(payload)
    }

    pub(super) fn message_action(&mut self, user: &str, channel: &str, ts: &str, callback: &str) -> Value {
        let (message, _) = self.seen_message(user, channel, ts);
        let name = self.channel_name(channel);
        let mut payload = self.common("message_action", user);
        payload.insert("callback_id".to_owned(), json!(callback));
        payload.insert("trigger_id".to_owned(), json!(self.new_trigger(user, None)));
        payload.insert("response_url".to_owned(), json!(self.new_hook(user, channel, None)));
        payload.insert("action_ts".to_owned(), json!(self.stamp_ts()));
        payload.insert("message_ts".to_owned(), json!(ts));
        payload.insert("message".to_owned(), message);
        payload.insert("channel".to_owned(), json!({"id": channel, "name": name}));
        Value::Object(payload)
    }

    pub(super) fn event(&mut self, event: Value) -> Value {
        let serial = self.next();
        let org = self.enterprise.as_ref();
        let mut payload = json!({
            "token": TOKEN, "team_id": TEAM, "api_app_id": APP_ID, "type": "event_callback",
            "event_id": format!("Ev{serial:06}"), "event_time": self.now_seconds(), "is_ext_shared_channel": false,
            "context_team_id": TEAM, "context_enterprise_id": org,
            "authorizations": [{
                "enterprise_id": org, "team_id": if org.is_some() { Value::Null } else { json!(TEAM) },
                "user_id": super::BOT_USER, "is_bot": true, "is_enterprise_install": org.is_some(),
            }],
        });
        payload["event"] = event;
        if let Some(enterprise) = org {
            payload["enterprise_id"] = json!(enterprise);
        }
        payload
    }
}

fn find(blocks: &Value, action: &str) -> (Value, Value) {
    let all = elements(blocks);
    let found = all.iter().find(|(_, element)| element["action_id"] == action);
    let there: Vec<&str> = all.iter().filter_map(|(_, element)| element["action_id"].as_str()).collect();
    let (block, element) = found.unwrap_or_else(|| panic!("the message has no {action:?}, only {there:?}"));
    ((*block).clone(), (*element).clone())
}

/// The option that a person means by its value or its words, among those of the element and those that were `offered`.
pub(super) fn option_of(element: &Value, offered: &[Value], wanted: &str) -> Value {
    let groups = element["option_groups"].as_array().into_iter().flatten().filter_map(|g| g["options"].as_array()).flatten();
    let own = element["options"].as_array().into_iter().flatten();
    let first = element.get("initial_option").into_iter();
    let all: Vec<&Value> = own.chain(groups).chain(first).chain(offered).collect();
    let found = all.iter().find(|o| o["value"] == wanted).or_else(|| all.iter().find(|o| o["text"]["text"] == wanted));
    let words: Vec<&str> = all.iter().filter_map(|o| o["text"]["text"].as_str()).collect();
    (*found.unwrap_or_else(|| panic!("{wanted:?} cannot be chosen, only {words:?}"))).clone()
}
