//! `/jit` and the command of a message, as Discord lists them: subcommands with typed options for all that the grammar has, some
//! in groups, since a command has no more than twenty-five. Registered in the guild only when Discord has others. Must not know what any of them does.

mod table;

use serde_json::{Map, Value, json};

use table::Subcommand;

use super::Discord;
use crate::chat::{ChatFault, typing::Typing};

/// What stands in the menu of a message.
pub(super) const ABOUT: &str = "Request access about this";
/// Types of options.
const SUBCOMMAND: u8 = 1;
const GROUP: u8 = 2;
/// Discord's own fields, of which it sends back many more.
const OURS: [&str; 10] =
    ["type", "name", "description", "options", "required", "autocomplete", "choices", "value", "min_length", "max_length"];

/// A subcommand with all that it takes: `/jit extend id:ID length:LENGTH why:WHY`.
pub(super) fn form(subcommand: &str) -> Option<String> {
    let (name, _, fields) = table::every().find(|(name, ..)| *name == subcommand)?;
    let shown: Vec<_> = fields.iter().map(|field| (field.name, field.name.to_uppercase())).collect();
    let pieces: Vec<_> = shown.iter().map(|(name, text)| (*name, text.as_str())).collect();
    Some(Typing::Options.command(name, &pieces))
}

fn listed((name, about, fields): &Subcommand) -> Value {
    let fields: Vec<Value> = fields.iter().map(table::Field::listed).collect();
    json!({ "type": SUBCOMMAND, "name": name, "description": about, "options": fields })
}

/// Everything that is registered.
pub fn all() -> Value {
    let groups = table::GROUPS.iter().map(|(name, about, subcommands)| {
        let subcommands: Vec<Value> = subcommands.iter().map(listed).collect();
        json!({ "type": GROUP, "name": name, "description": about, "options": subcommands })
    });
    let options: Vec<Value> = table::SUBCOMMANDS.iter().map(listed).chain(groups).collect();
    json!([
        { "type": 1, "name": "jit", "description": "Access for a while: ask, decide, give back", "options": options },
        { "type": 3, "name": ABOUT },
    ])
}

/// What Discord has, as we would have written it: our fields only, nothing that says the default, in one order.
fn reduced(commands: &Value) -> Value {
    fn field(key: &str, value: &Value) -> Option<(String, Value)> {
        let kept = match value {
            Value::Object(_) => reduce(value),
            Value::Array(all) => all.iter().map(reduce).collect(),
            other => other.clone(),
        };
        let says_nothing = kept.is_null() || kept == false || kept == "" || kept == json!([]);
        (OURS.contains(&key) && !says_nothing).then(|| (key.to_owned(), kept))
    }
    fn reduce(value: &Value) -> Value {
        let Some(map) = value.as_object() else { return value.clone() };
        map.iter().filter_map(|(key, value)| field(key, value)).collect::<Map<_, _>>().into()
    }
    let mut commands: Vec<Value> = commands.as_array().into_iter().flatten().map(reduce).collect();
    commands.sort_by_key(|command| command["name"].as_str().map(str::to_owned));
    commands.into()
}

/// Whether these, as Discord lists them, are the commands that this version registers.
pub fn are_current(listed: &Value) -> bool {
    reduced(listed) == reduced(&all())
}

/// Whether one of them has the name of one of ours.
pub fn has_ours(listed: &Value) -> bool {
    let ours = all();
    let is_ours = |command: &Value| ours.as_array().into_iter().flatten().any(|own| own["name"] == command["name"]);
    listed.as_array().into_iter().flatten().any(is_ours)
}

impl Discord {
    /// Sees to it that the guild has our commands, and says whether it had others.
    /// # Errors
    /// Discord does not answer, or does not let the bot have commands there.
    pub async fn register(&self) -> Result<bool, ChatFault> {
        if are_current(&self.commands().await?) {
            return Ok(false);
        }
        self.put_commands(&all()).await?;
        tracing::info!("the commands of Discord's guild were brought up to date");
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{chat::typing::GROUPED, domain::parse};

    fn each(command: &Value, look: &mut dyn FnMut(&Value)) {
        look(command);
        command["options"].as_array().into_iter().flatten().for_each(|option| each(option, look));
    }

    #[test]
    fn the_commands_are_within_discords_limits() {
        for command in all().as_array().unwrap() {
            let mut length = 0;
            each(command, &mut |this| {
                let (name, about) = (this["name"].as_str().unwrap(), this["description"].as_str().unwrap_or_default());
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
                assert!((1..=32).contains(&name.chars().count()), "{name}");
                assert!(command["type"] == 3 || (name.chars().all(plain) && (1..=100).contains(&about.chars().count())), "{name}");
                assert!(command["type"] == 1 || about.is_empty(), "{name}: a command of a message has no description");
                let none = Vec::new();
                let options = this["options"].as_array().unwrap_or(&none);
                let names: BTreeSet<_> = options.iter().map(|option| option["name"].as_str()).collect();
                assert!(options.len() <= 25 && names.len() == options.len(), "{name}");
                let required: Vec<bool> = options.iter().map(|option| option["required"] == true).collect();
                assert!(required.is_sorted_by(|a, b| a >= b), "{name}: what is needed comes first");
                let choices = this["choices"].as_array().unwrap_or(&none);
                assert!(choices.len() <= 25 && (choices.is_empty() || this["autocomplete"] != true), "{name}");
                let said = |choice: &Value| choice["name"].as_str().map_or(0, str::len) + choice["value"].as_str().map_or(0, str::len);
                length += name.chars().count() + about.chars().count() + choices.iter().map(said).sum::<usize>();
            });
            assert!(length <= 8_000, "{length}");
        }
    }

    #[test]
    fn every_command_of_the_grammar_has_a_way_in() {
        let mut names: Vec<&str> = table::every().map(|(name, ..)| *name).collect();
        let mut commands = parse::COMMANDS.to_vec();
        names.sort_unstable();
        commands.sort_unstable();
        assert_eq!(names, commands, "each once, and no other");
    }

    #[test]
    fn what_stands_in_a_group_is_written_with_it() {
        let grouped: Vec<_> =
            table::GROUPS.iter().flat_map(|(group, _, subs)| subs.iter().map(move |(name, ..)| (*name, *group))).collect();
        assert_eq!(grouped, GROUPED);
    }

    #[test]
    fn what_discord_sends_back_of_them_is_the_same_and_a_changed_one_is_not() {
        let mut sent_back = all();
        for command in sent_back.as_array_mut().unwrap() {
            command["id"] = json!("1");
            command["version"] = json!("2");
            command["default_member_permissions"] = json!(null);
            command["nsfw"] = json!(false);
            if command["type"] == 3 {
                command["description"] = json!("");
            }
            for option in command["options"].as_array_mut().into_iter().flatten() {
                option["description_localizations"] = json!(null);
                option["required"] = json!(false);
            }
        }
        sent_back.as_array_mut().unwrap().reverse();
        assert!(are_current(&sent_back) && has_ours(&sent_back));
        sent_back[1]["options"][0]["options"][0]["autocomplete"] = json!(false);
        assert!(!are_current(&sent_back) && has_ours(&sent_back));
        sent_back.as_array_mut().unwrap().clear();
        assert!(!are_current(&sent_back) && !has_ours(&sent_back));
    }
}
