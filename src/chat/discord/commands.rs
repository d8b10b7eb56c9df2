//! `/jit` and the command of a message, as Discord lists them: subcommands with typed options for all that the grammar has.
//! Registered in the guild only when Discord has others. Must not know what any of them does.

use serde_json::{Map, Value, json};

use super::Discord;
use crate::chat::{ChatFault, typing::Typing};

/// What stands in the menu of a message.
pub(super) const ABOUT: &str = "Request access about this";
/// Types of options.
const SUBCOMMAND: u8 = 1;
const TEXT: u8 = 3;
const USER: u8 = 6;
/// Discord's own fields, of which it sends back many more.
const OURS: [&str; 10] =
    ["type", "name", "description", "options", "required", "autocomplete", "choices", "value", "min_length", "max_length"];

/// An option: its name, what it is, and how it is filled in.
struct Field {
    name: &'static str,
    about: &'static str,
    kind: u8,
    required: bool,
    /// It is looked up while it is typed.
    looked_up: bool,
    choices: &'static [&'static str],
}

impl Field {
    const fn text(name: &'static str, about: &'static str) -> Self {
        Self { name, about, kind: TEXT, required: false, looked_up: false, choices: &[] }
    }

    const fn user(name: &'static str, about: &'static str) -> Self {
        Self { kind: USER, ..Self::text(name, about) }
    }

    const fn looked_up(self) -> Self {
        Self { looked_up: true, ..self }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn one_of(self, choices: &'static [&'static str]) -> Self {
        Self { choices, ..self }
    }

    fn listed(&self) -> Value {
        let mut field = json!({ "type": self.kind, "name": self.name, "description": self.about });
        if self.required {
            field["required"] = json!(true);
        }
        if self.looked_up {
            field["autocomplete"] = json!(true);
        }
        if !self.choices.is_empty() {
            field["choices"] = self.choices.iter().map(|choice| json!({ "name": choice, "value": choice })).collect();
        }
        field
    }
}

/// A subcommand with its options, those that are needed first.
type Subcommand = (&'static str, &'static str, &'static [Field]);

const ID: Field = Field::text("id", "Which request, such as R-7K3QD2").looked_up().required();
const RESOURCE: Field = Field::text("resource", "What it is about").looked_up();
const ROLE: Field = Field::text("role", "As what").looked_up();
const LENGTH: Field = Field::text("length", "How long: 30m, 1h30m, 2d or until 18:00").looked_up();
const WHY: Field = Field::text("why", "Why; the others read it");
const COMMENT: Field = Field::text("comment", "A word about it");

const SUBCOMMANDS: [Subcommand; 25] = [
    (
        "request",
        "Ask for access; without options a form opens",
        &[
            Field::text("resource", "What you need").looked_up(),
            ROLE,
            LENGTH,
            Field::text("reason", "Why: what you will do with it"),
            Field::text("ticket", "A ticket, such as OPS-4512"),
            Field::text("at", "When it begins: 22:00, tomorrow 09:30. Empty: at once"),
            Field::user("for", "For somebody else, where the rule allows it"),
        ],
    ),
    ("mine", "What you hold, wait for, and what closed lately", &[]),
    ("inbox", "What waits for your decision", &[]),
    ("show", "One request, as its card has it", &[ID]),
    ("cancel", "Call off what you asked for", &[ID, WHY]),
    ("return", "Give access back before its end", &[ID]),
    ("credential", "Show the credential of what you hold, once and to you alone", &[ID]),
    ("extend", "More time, while it works", &[ID, LENGTH, WHY]),
    (
        "revoke",
        "Take access away now: one grant, or all that a person holds",
        &[
            WHY.required(),
            Field::text("id", "Which request, such as R-7K3QD2").looked_up(),
            Field::user("person", "Everything of theirs that you may end"),
        ],
    ),
    ("approve", "Your vote for it", &[ID, COMMENT]),
    ("deny", "End the ask; the asker reads why", &[ID, WHY.required()]),
    ("takeback", "Take your vote back, until the grant starts", &[ID]),
    ("offer", "Offer less: a lower role, a shorter time, or both", &[ID, LENGTH, ROLE, COMMENT]),
    ("accept", "Take the offer: it becomes what you ask for", &[ID]),
    ("decline", "Decline the offer; what you asked for stands", &[ID]),
    ("looking", "Tell the others that you are on it", &[ID]),
    ("pass", "Ask one more of those who may decide it", &[ID, Field::user("person", "Whom to ask").required()]),
    ("who", "Who has access to it through here now", &[RESOURCE.required()]),
    ("resources", "What you may ask for", &[]),
    (
        "explain",
        "How an ask would go; nobody is asked",
        &[RESOURCE.required(), ROLE, LENGTH, Field::user("person", "Asked by whom. Empty: you")],
    ),
    ("link", "Join your account in another chat to you", &[Field::text("code", "The code from the other chat. Empty: make one")]),
    ("quiet", "Turn your direct messages down, or up again", &[Field::text("to", "Empty: how they are").one_of(&["on", "off"])]),
    ("key", "Keep your OpenSSH public key", &[Field::text("public_key", "ssh-ed25519 AAAA…; never a private key").required()]),
    ("help", "All commands, or one of them", &[Field::text("topic", "The command").looked_up()]),
    ("admin", "For administrators", &[Field::text("line", "settle ID WHY, unlink @person CHAT, or clock [confirm]").required()]),
];

/// A subcommand with all that it takes: `/jit extend id:ID length:LENGTH why:WHY`.
pub(super) fn form(subcommand: &str) -> Option<String> {
    let (name, _, fields) = SUBCOMMANDS.iter().find(|(name, ..)| *name == subcommand)?;
    let shown: Vec<_> = fields.iter().map(|field| (field.name, field.name.to_uppercase())).collect();
    let pieces: Vec<_> = shown.iter().map(|(name, text)| (*name, text.as_str())).collect();
    Some(Typing::Options.command(name, &pieces))
}

/// Everything that is registered.
pub fn all() -> Value {
    let subcommands = SUBCOMMANDS.iter().map(|(name, about, fields)| {
        let fields: Vec<Value> = fields.iter().map(Field::listed).collect();
        json!({ "type": SUBCOMMAND, "name": name, "description": about, "options": fields })
    });
    json!([
        { "type": 1, "name": "jit", "description": "Access for a while: ask, decide, give back", "options": subcommands.collect::<Vec<_>>() },
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
    use crate::{chat::typing::ADMINISTRATORS, domain::parse};

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
        let names: BTreeSet<&str> = SUBCOMMANDS.iter().map(|(name, ..)| *name).collect();
        let others = ADMINISTRATORS;
        for command in parse::COMMANDS {
            assert_ne!(names.contains(command), others.contains(&command), "{command}: as a subcommand or as a line of administrators");
        }
        let admin = all()[0]["options"].as_array().unwrap().iter().find(|sub| sub["name"] == "admin").unwrap()["options"][0].clone();
        assert!(others.iter().all(|command| admin["description"].as_str().unwrap().contains(command)));
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
