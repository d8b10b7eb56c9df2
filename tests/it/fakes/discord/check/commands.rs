//! Commands as they are registered, and choices that are offered while somebody types.

use serde_json::{Map, Value};

use super::{Wrongs, join};

const NAME: usize = 32;
const DESCRIPTION: usize = 100;
const OPTIONS: usize = 25;
const CHOICES: usize = 25;
const CHOICE: usize = 100;
/// Of a text that is a choice's value, or that a text option takes.
const VALUE: usize = 6_000;
/// Names, descriptions and values of one command, in all.
const OVER_ALL: usize = 8_000;
/// Commands that are typed, and those in the menu of a message or a person.
const TYPED: usize = 100;
const IN_MENU: usize = 15;

pub(in crate::fakes::discord) const SUBCOMMAND: u64 = 1;
pub(in crate::fakes::discord) const GROUP: u64 = 2;
pub(in crate::fakes::discord) const STRING: u64 = 3;
const INTEGER: u64 = 4;
const NUMBER: u64 = 10;

const KEYS: [&str; 14] = [
    "id",
    "type",
    "name",
    "name_localizations",
    "description",
    "description_localizations",
    "options",
    "default_member_permissions",
    "dm_permission",
    "default_permission",
    "contexts",
    "integration_types",
    "nsfw",
    "handler",
];
const OPTION_KEYS: [&str; 15] = [
    "type",
    "name",
    "name_localizations",
    "description",
    "description_localizations",
    "required",
    "options",
    "choices",
    "autocomplete",
    "channel_types",
    "min_value",
    "max_value",
    "min_length",
    "max_length",
    "id",
];

/// The whole list that replaces what was registered.
pub(in crate::fakes::discord) fn check_all(wrongs: &mut Wrongs, body: &Value) {
    let commands = wrongs.list("", Some(body), 0, TYPED + 2 * IN_MENU);
    for (n, command) in commands.iter().enumerate() {
        check(wrongs, &n.to_string(), command);
        let same = |other: &&Value| kind_of(other) == kind_of(command) && other["name"] == command["name"];
        if commands[..n].iter().any(|other| same(&other)) {
            wrongs.add(&format!("{n}.name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique");
        }
    }
    for (kind, most) in [(1, TYPED), (2, IN_MENU), (3, IN_MENU)] {
        if commands.iter().filter(|c| kind_of(c) == kind).count() > most {
            wrongs.add("", "APPLICATION_COMMANDS_TOO_MANY", format!("Maximum number of application commands reached ({most})"));
        }
    }
}

/// 1 typed, 2 about a person, 3 about a message.
pub(in crate::fakes::discord) fn kind_of(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(1)
}

fn check(wrongs: &mut Wrongs, place: &str, command: &Value) {
    let Some(fields) = wrongs.object(place, command, &KEYS) else { return };
    let kind = wrongs.number(&join(place, "type"), fields.get("type"), 1, 3).unwrap_or(1);
    let mut all = 0;
    if kind == 1 {
        all += check_name(wrongs, place, fields);
        all += check_description(wrongs, place, fields);
        all += check_options(wrongs, place, fields, 0);
    } else {
        all += wrongs.words(&join(place, "name"), fields.get("name"), NAME).chars().count();
        for name in ["description", "options"] {
            let says = |v: &Value| !v.is_null() && v.as_str() != Some("") && v.as_array().is_none_or(|list| !list.is_empty());
            if fields.get(name).is_some_and(says) {
                wrongs.add(&join(place, name), "APPLICATION_COMMAND_CONTEXT_MENU_FIELD", "A command of a menu has none");
            }
        }
    }
    if let Some(bits) = fields.get("default_member_permissions").filter(|v| !v.is_null())
        && bits.as_u64().or_else(|| bits.as_str()?.parse().ok()).is_none()
    {
        wrongs.add(&join(place, "default_member_permissions"), "NUMBER_TYPE_COERCE", "Must be a number of bits");
    }
    for (name, most) in [("contexts", 2), ("integration_types", 1)] {
        let place = join(place, name);
        for (n, value) in wrongs.list(&place, fields.get(name), 0, 3).iter().enumerate() {
            wrongs.number(&join(&place, n), Some(value), 0, most);
        }
    }
    if all > OVER_ALL {
        wrongs.add(place, "APPLICATION_COMMAND_TOO_LARGE", format!("Command exceeds maximum size ({OVER_ALL})"));
    }
}

fn check_name(wrongs: &mut Wrongs, place: &str, fields: &Map<String, Value>) -> usize {
    let place = join(place, "name");
    let name = wrongs.words(&place, fields.get("name"), NAME);
    let fits = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || c == '-' || c == '_';
    if !name.chars().all(fits) {
        wrongs.add(&place, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
    }
    name.chars().count()
}

fn check_description(wrongs: &mut Wrongs, place: &str, fields: &Map<String, Value>) -> usize {
    wrongs.words(&join(place, "description"), fields.get("description"), DESCRIPTION).chars().count()
}

/// `depth`: 0 of the command itself, 1 of a subcommand or a group, 2 of a subcommand in a group.
fn check_options(wrongs: &mut Wrongs, place: &str, fields: &Map<String, Value>, depth: usize) -> usize {
    let place = join(place, "options");
    let options = wrongs.list(&place, fields.get("options"), 0, OPTIONS);
    let (mut all, mut optional) = (0, false);
    for (n, option) in options.iter().enumerate() {
        let at = join(&place, n);
        let Some(fields) = wrongs.object(&at, option, &OPTION_KEYS) else { continue };
        all += check_name(wrongs, &at, fields) + check_description(wrongs, &at, fields);
        if options[..n].iter().any(|other| other["name"] == option["name"]) {
            wrongs.add(&join(&at, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name is not unique");
        }
        let kind = wrongs.number(&join(&at, "type"), fields.get("type"), 1, 11).unwrap_or_default().unsigned_abs();
        let nests = kind == SUBCOMMAND || kind == GROUP;
        if kind == 0 {
            wrongs.required(&join(&at, "type"));
        } else if nests != options.iter().any(|o| matches!(o["type"].as_u64(), Some(SUBCOMMAND | GROUP))) {
            wrongs.add(
                &place,
                "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
                "Sub-command and group options are mutually exclusive to others",
            );
        }
        if nests && (depth == 2 || (depth == 1 && kind == GROUP)) {
            wrongs.add(&join(&at, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "It cannot stand so deep");
        }
        let required = wrongs.boolean(&join(&at, "required"), fields.get("required"));
        if required && optional {
            wrongs.add(&at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before non-required options");
        }
        optional |= !required;
        if nests {
            all += check_options(wrongs, &at, fields, depth + 1);
        } else {
            all += check_plain(wrongs, &at, fields, kind);
        }
    }
    all
}

fn check_plain(wrongs: &mut Wrongs, place: &str, fields: &Map<String, Value>, kind: u64) -> usize {
    let typed = matches!(kind, STRING | INTEGER | NUMBER);
    let choices = fields.get("choices").and_then(Value::as_array).is_some_and(|c| !c.is_empty());
    let autocomplete = wrongs.boolean(&join(place, "autocomplete"), fields.get("autocomplete"));
    if autocomplete && (choices || !typed) {
        wrongs.add(&join(place, "autocomplete"), "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID", "Not with choices, nor for this type");
    }
    if choices && !typed {
        wrongs.add(&join(place, "choices"), "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", "Not for this type");
    }
    let most = i64::try_from(VALUE).unwrap();
    for (name, least) in [("min_length", 0), ("max_length", 1)] {
        if wrongs.number(&join(place, name), fields.get(name), least, most).is_some() && kind != STRING {
            wrongs.add(&join(place, name), "APPLICATION_COMMAND_OPTIONS_LENGTH_INVALID", "Only a text has a length");
        }
    }
    if fields.get("options").is_some_and(|o| !o.is_null()) {
        wrongs.add(&join(place, "options"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Only sub-commands and groups have options");
    }
    check_choices(wrongs, &join(place, "choices"), fields.get("choices"))
}

/// Choices of an option, or those that are offered while somebody types.
pub(in crate::fakes::discord) fn check_choices(wrongs: &mut Wrongs, place: &str, value: Option<&Value>) -> usize {
    let mut all = 0;
    for (n, choice) in wrongs.list(place, value, 0, CHOICES).iter().enumerate() {
        let place = join(place, n);
        let Some(fields) = wrongs.object(&place, choice, &["name", "name_localizations", "value"]) else { continue };
        all += wrongs.words(&join(&place, "name"), fields.get("name"), CHOICE).chars().count();
        match fields.get("value") {
            Some(Value::Number(_)) => {}
            Some(Value::String(text)) => {
                wrongs.text(&join(&place, "value"), fields.get("value"), 1, CHOICE);
                all += text.chars().count();
            }
            _ => wrongs.required(&join(&place, "value")),
        }
    }
    all
}
