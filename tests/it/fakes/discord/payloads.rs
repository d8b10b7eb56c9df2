//! What Discord sends for each thing that people do, with all fields that it has.

use serde_json::{Map, Value, json};

use super::{
    APP_ID, BOT,
    api::interactions::{COMMAND, COMPONENT, SUBMISSION, TYPING},
    check::message::EPHEMERAL,
    permissions::{MANAGE_THREADS, VIEW_CHANNEL},
    records::{Form, Sort},
    state::State,
};

/// What an attachment may weigh, in bytes.
const ATTACHMENTS: u64 = 524_288_000;

/// A typed option, by its name, as it was typed.
pub(super) type Typed<'t> = (&'t str, &'t str);

impl State {
    /// What is the same for everything.
    fn interaction(&mut self, kind: u64, user: &str, channel: &str, data: &Value) -> Value {
        let id = self.snowflake();
        // Discord's tokens are long, and mean nothing to anybody.
        let token = format!("aW50ZXJhY3Rpb246{id}{}", "kJ3x9QpZ".repeat(20));
        let guild = self.place(channel).guild.clone();
        let mut payload = json!({
            "id": id, "application_id": APP_ID, "type": kind, "token": token, "version": 1, "data": data, "channel_id": channel,
            "channel": self.channel_json(channel), "locale": "en-GB", "entitlements": [], "entitlement_sku_ids": [],
            "attachment_size_limit": ATTACHMENTS, "app_permissions": self.may(channel, BOT).to_string(),
        });
        let Some(guild) = guild else {
            assert!(matches!(&self.place(channel).sort, Sort::Direct(with) if with == user), "{user} is not in {channel}");
            payload["user"] = self.known(user).json();
            payload["context"] = json!(1);
            payload["authorizing_integration_owners"] = json!({"0": "0"});
            return payload;
        };
        let may = self.may(channel, user);
        assert!(may & VIEW_CHANNEL != 0, "{user} does not see {channel}");
        payload["member"] = State::member_json(&self.guilds[&guild].members[user]);
        payload["member"]["user"] = self.known(user).json();
        payload["member"]["permissions"] = json!(may.to_string());
        payload["channel"]["permissions"] = json!(may.to_string());
        payload["guild_id"] = json!(guild);
        payload["guild"] = json!({"id": guild, "features": [], "locale": "en-US"});
        payload["guild_locale"] = json!("en-US");
        payload["context"] = json!(0);
        payload["authorizing_integration_owners"] = json!({"0": guild});
        payload
    }

    /// A command that somebody can use there.
    fn command(&self, channel: &str, kind: u64, name: &str) -> Value {
        let guild = self.place(channel).guild.as_ref();
        let in_guild = guild.and_then(|guild| self.guilds.get(guild)).map_or(&[][..], |guild| &guild.commands);
        let is_it = |c: &&Value| c["name"] == name && c["type"] == kind;
        let found: Vec<&Value> = in_guild.iter().chain(&self.commands).filter(is_it).collect();
        assert!(found.len() < 2, "{name} stands there twice");
        (*found.first().unwrap_or_else(|| panic!("nobody registered {name} for {channel}"))).clone()
    }

    /// A command as it was typed. `path`: the subcommand (and its group before it), or nothing. `focused`: the option that is still
    /// being typed.
    pub(super) fn typed(&mut self, user: &str, channel: &str, name: &str, path: &str, typed: &[Typed], focused: Option<&str>) -> Value {
        let command = self.command(channel, 1, name);
        let mut known = command["options"].as_array().cloned().unwrap_or_default();
        let mut nested: Vec<(String, u64)> = Vec::new();
        for part in path.split_whitespace() {
            let option = known.iter().find(|o| o["name"] == part).unwrap_or_else(|| panic!("/{name} has no {part}")).clone();
            nested.push((part.to_owned(), option["type"].as_u64().unwrap()));
            known = option["options"].as_array().cloned().unwrap_or_default();
        }
        assert!(!known.iter().any(|o| matches!(o["type"].as_u64(), Some(1 | 2))), "/{name} {path} needs a subcommand");
        let mut resolved = Map::new();
        let mut options = Vec::new();
        for (option, text) in typed {
            let known = known.iter().find(|o| o["name"] == *option).unwrap_or_else(|| panic!("/{name} {path} has no {option}"));
            options.push(self.option(channel, known, text, focused == Some(*option), &mut resolved));
        }
        if focused.is_none() {
            let missing = known.iter().find(|o| o["required"] == true && !typed.iter().any(|(name, _)| o["name"] == *name));
            assert!(missing.is_none(), "/{name} {path} cannot be sent without {}", missing.unwrap()["name"]);
        }
        for (part, kind) in nested.into_iter().rev() {
            options = vec![json!({"name": part, "type": kind, "options": options})];
        }
        let mut data = json!({"id": command["id"], "name": name, "type": 1, "options": options});
        if let Some(guild) = command.get("guild_id") {
            data["guild_id"] = guild.clone();
        }
        if !resolved.is_empty() {
            data["resolved"] = resolved.into();
        }
        self.interaction(if focused.is_some() { TYPING } else { COMMAND }, user, channel, &data)
    }

    fn option(&self, channel: &str, known: &Value, text: &str, focused: bool, resolved: &mut Map<String, Value>) -> Value {
        let guild = self.place(channel).guild.as_ref();
        let (name, kind) = (known["name"].as_str().unwrap(), known["type"].as_u64().unwrap());
        let choices = known["choices"].as_array().filter(|c| !c.is_empty());
        let value = match kind {
            _ if focused => {
                assert!(known["autocomplete"] == true, "nothing is offered for {name}");
                json!(text)
            }
            4 => json!(text.parse::<i64>().unwrap_or_else(|_| panic!("{name} takes a whole number, not {text}"))),
            10 => json!(text.parse::<f64>().unwrap_or_else(|_| panic!("{name} takes a number, not {text}"))),
            5 => json!(text.parse::<bool>().unwrap_or_else(|_| panic!("{name} takes true or false, not {text}"))),
            6 => {
                let mut user = Map::from_iter([(text.to_owned(), self.known(text).json())]);
                resolved.entry("users").or_insert_with(|| json!({})).as_object_mut().unwrap().append(&mut user);
                if let Some(member) = guild.and_then(|guild| self.guilds[guild].members.get(text)) {
                    let mut partial = State::member_json(member);
                    partial["permissions"] = json!(self.may(channel, text).to_string());
                    // What says nothing of rights is left out there.
                    partial.as_object_mut().unwrap().retain(|name, _| !["deaf", "mute"].contains(&name.as_str()));
                    resolved.entry("members").or_insert_with(|| json!({}))[text] = partial;
                }
                json!(text)
            }
            _ => json!(text),
        };
        if let Some(choices) = choices {
            assert!(choices.iter().any(|c| c["value"] == value), "{text} is no choice of {name}");
        }
        let length = u64::try_from(text.chars().count()).unwrap();
        if kind == 3 && !focused {
            let (least, most) = (known["min_length"].as_u64().unwrap_or_default(), known["max_length"].as_u64().unwrap_or(6_000));
            assert!((least..=most).contains(&length), "{name} takes {least} to {most} characters, not {length}");
        }
        let mut option = json!({"name": name, "type": kind, "value": value});
        if focused {
            option["focused"] = json!(true);
        }
        option
    }

    /// A command in the menu of a message.
    pub(super) fn about_message(&mut self, user: &str, channel: &str, message: &str, name: &str) -> Value {
        let command = self.command(channel, 3, name);
        let about = self.message_json(channel, message).unwrap_or_else(|| panic!("{channel} has no message {message}"));
        let mut data = json!({
            "id": command["id"], "name": name, "type": 3, "target_id": message, "resolved": {"messages": {message: about}},
        });
        if let Some(guild) = command.get("guild_id") {
            data["guild_id"] = guild.clone();
        }
        self.interaction(COMMAND, user, channel, &data)
    }

    /// A press of a button of a message that they see. `which`: its custom id, or the first word of it.
    pub(super) fn pressed(&mut self, user: &str, message: &str, which: &str) -> Value {
        let (channel, shown) = self.seen_by(user, message);
        let manages = self.place(&channel).guild.is_some() && self.may(&channel, user) & MANAGE_THREADS != 0;
        assert!(manages || !self.is_locked(&channel), "{channel} is a locked thread: its buttons are dead");
        let component = find(&shown["components"], which);
        let component = component.unwrap_or_else(|| panic!("the message has no {which:?}, only {:?}", names(&shown["components"])));
        assert!(component["disabled"] != true, "{which} is disabled");
        let data = json!({"component_type": component["type"], "custom_id": component["custom_id"], "id": component["id"]});
        let mut payload = self.interaction(COMPONENT, user, &channel, &data);
        payload["message"] = shown;
        payload
    }

    /// A message that somebody sees, and the channel that it is in.
    fn seen_by(&self, user: &str, message: &str) -> (String, Value) {
        if let Some(channel) = self.where_is(message) {
            let shown = self.message_json(&channel, message).unwrap();
            return (channel, shown);
        }
        let own = self.ephemerals.iter().find(|e| e.message["id"] == message);
        let own = own.unwrap_or_else(|| panic!("there is no message {message}"));
        assert!(own.user == user && own.message["flags"].as_u64().unwrap() & EPHEMERAL != 0, "only {} sees {message}", own.user);
        (own.message["channel_id"].as_str().unwrap().to_owned(), own.message.clone())
    }

    /// A form as it was filled in: what was typed, by the input's custom id.
    pub(super) fn submission(&mut self, user: &str, form: &Form, typed: &[Typed]) -> Value {
        let components = super::forms::filled(&form.modal, typed);
        let channel = form.from["channel_id"].as_str().unwrap().to_owned();
        let mut data = json!({"custom_id": form.modal["custom_id"], "components": components});
        if form.from["data"].get("resolved").is_some() {
            data["resolved"] = json!({});
        }
        let mut payload = self.interaction(SUBMISSION, user, &channel, &data);
        if let Some(message) = form.from.get("message") {
            payload["message"] = message.clone();
        }
        payload
    }
}

/// A component that can be pressed, by its custom id or the first word of it.
pub(super) fn find<'c>(components: &'c Value, which: &str) -> Option<&'c Value> {
    let all = pressable(components);
    let named = |c: &&&'c Value| c["custom_id"] == which;
    let begins = |c: &&&'c Value| c["custom_id"].as_str().is_some_and(|id| id.split(' ').next() == Some(which));
    all.iter().find(named).or_else(|| all.iter().find(begins)).copied()
}

/// Everything with a custom id, however deep.
fn pressable(components: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    for component in components.as_array().into_iter().flatten() {
        if component["custom_id"].is_string() {
            found.push(component);
        }
        found.extend(component.get("accessory").filter(|a| a["custom_id"].is_string()));
        found.extend(pressable(&component["components"]));
    }
    found
}

/// The custom ids of a message's components.
pub(super) fn names(components: &Value) -> Vec<String> {
    pressable(components).iter().map(|c| c["custom_id"].as_str().unwrap_or_default().to_owned()).collect()
}
