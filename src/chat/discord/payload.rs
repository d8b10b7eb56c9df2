//! What Discord sends, read leniently from raw JSON, the same by both ways in: unknown fields are ignored, absent ones are absent.
//! Ids are digits and nothing else, since they end up in paths. Translates; must not judge anybody.

use std::collections::BTreeMap;

use serde_json::Value;

use super::MemberNow;

/// One thing that somebody did.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heard {
    /// Unique, and the same when it is delivered again.
    pub id: String,
    /// Answers it: for three seconds at first, then for a quarter of an hour.
    pub token: String,
    pub application: String,
    /// None: a direct message.
    pub guild: Option<String>,
    pub user: String,
    /// What the guild has of them at this moment; None: a direct message.
    pub member: Option<MemberNow>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// `/jit` and what was typed behind it.
    Command(Typed),
    /// The same while it is being typed; the letters are those of this option.
    Typing { typed: Typed, option: String },
    /// The command of a message: its channel and its id.
    About { channel: String, message: String },
    /// `chosen`: the person that was picked, where it is a select.
    Press { custom_id: String, chosen: Option<String>, at: Place },
    /// A modal, with what was typed by field; `at`: the message whose button opened it.
    Submission { custom_id: String, values: Values, at: Option<Place> },
}

/// What was typed, by field or option.
pub(super) type Values = BTreeMap<String, String>;

/// A subcommand with its options. A user is a mention: `<@80351110224678912>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Typed {
    pub subcommand: String,
    pub options: Values,
}

/// The message that a button stands on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub channel: String,
    pub message: String,
    /// Who wrote it, and for which application.
    pub author: Option<String>,
    pub application: Option<String>,
    /// Seen by one person only.
    pub ephemeral: bool,
}

/// A verified request by its type; None: nothing that this bot knows, or nobody who did it.
pub(super) fn interaction(payload: &Value) -> Option<Heard> {
    let data = &payload["data"];
    let what = match payload["type"].as_u64()? {
        COMMAND if data["type"] == MESSAGE_COMMAND => {
            What::About { channel: id(&payload["channel_id"])?, message: id(&data["target_id"])? }
        }
        COMMAND => What::Command(typed(data)),
        COMPONENT => {
            let chosen = Some(&data["values"][0]).filter(|_| data["component_type"] == USER_SELECT).and_then(id);
            What::Press { custom_id: text(&data["custom_id"]), chosen, at: place(payload)? }
        }
        TYPING => What::Typing { typed: typed(data), option: focused(data)? },
        MODAL => What::Submission { custom_id: text(&data["custom_id"]), values: values(data), at: place(payload) },
        _ => return None,
    };
    let member = Some(&payload["member"]).filter(|member| member.is_object());
    let user = member.map_or(&payload["user"], |member| &member["user"]);
    Some(Heard {
        id: id(&payload["id"])?,
        token: token(&payload["token"])?,
        application: id(&payload["application_id"])?,
        guild: id(&payload["guild_id"]),
        user: id(&user["id"])?,
        member: member.and_then(MemberNow::read),
        what,
    })
}

/// Discord's look whether somebody is here, over HTTP.
pub(super) fn is_ping(payload: &Value) -> bool {
    payload["type"] == 1
}

const COMMAND: u64 = 2;
const COMPONENT: u64 = 3;
const TYPING: u64 = 4;
const MODAL: u64 = 5;
const MESSAGE_COMMAND: u64 = 3;
const USER_SELECT: u64 = 5;
const SUBCOMMAND: u64 = 1;
const GROUP: u64 = 2;
const USER: u64 = 6;
/// Of a message that one person sees.
pub(super) const EPHEMERAL: u64 = 64;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Digits, as many as an id has.
pub(super) fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn id(value: &Value) -> Option<String> {
    value.as_str().filter(|text| is_id(text)).map(str::to_owned)
}

/// It becomes part of a path: one that could leave its place there is none of Discord's.
fn token(value: &Value) -> Option<String> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"-_.=+~".contains(&c);
    value.as_str().filter(|text| !text.is_empty() && text.bytes().all(plain) && !text.contains("..")).map(str::to_owned)
}

fn options(data: &Value) -> impl Iterator<Item = &Value> {
    data["options"].as_array().into_iter().flatten()
}

/// By itself or in a group; the group says nothing that its own name does not.
fn subcommand(data: &Value) -> Option<&Value> {
    let inside = options(data).find(|option| option["type"] == GROUP).unwrap_or(data);
    options(inside).find(|option| option["type"] == SUBCOMMAND)
}

fn typed(data: &Value) -> Typed {
    let Some(chosen) = subcommand(data) else { return Typed::default() };
    let value = |option: &Value| {
        let value = &option["value"];
        let said = match value {
            Value::String(said) => said.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        // As people write a user: an id that is none stays text, and is refused as that.
        if option["type"] == USER && is_id(&said) { format!("<@{said}>") } else { said }
    };
    let options = options(chosen).map(|option| (text(&option["name"]), value(option))).collect();
    Typed { subcommand: text(&chosen["name"]), options }
}

fn focused(data: &Value) -> Option<String> {
    options(subcommand(data)?).find(|option| option["focused"] == true).map(|option| text(&option["name"]))
}

/// By each field's own name, however it is wrapped.
fn values(data: &Value) -> Values {
    fn find(value: &Value, found: &mut Values) {
        let inner = value["components"].as_array().into_iter().flatten();
        inner.chain(value.get("component")).for_each(|value| find(value, found));
        if let (Some(name), Some(value)) = (value["custom_id"].as_str(), value["value"].as_str()) {
            found.insert(name.to_owned(), value.to_owned());
        }
    }
    let mut found = Values::new();
    data["components"].as_array().into_iter().flatten().for_each(|row| find(row, &mut found));
    found
}

fn place(payload: &Value) -> Option<Place> {
    let message = &payload["message"];
    Some(Place {
        channel: id(&message["channel_id"]).or_else(|| id(&payload["channel_id"]))?,
        message: id(&message["id"])?,
        author: id(&message["author"]["id"]),
        application: id(&message["application_id"]),
        ephemeral: message["flags"].as_u64().is_some_and(|flags| flags & EPHEMERAL != 0),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn payload(kind: u64, data: &Value) -> Value {
        json!({
            "id": "1100000000000000001", "application_id": "900", "type": kind, "data": data, "token": "aW50ZXJhY3Rpb246MQ",
            "version": 1, "guild_id": "700", "channel_id": "500", "channel": { "id": "500", "type": 0 },
            "member": {
                "user": { "id": "80", "username": "ana", "global_name": "Ana Reyes", "discriminator": "0", "avatar": null },
                "nick": null, "roles": ["31", "32"], "pending": false, "flags": 0, "joined_at": "2025-01-01T00:00:00+00:00",
                "communication_disabled_until": "2026-11-25T10:00:00+00:00", "permissions": "0", "deaf": false, "mute": false,
            },
            "message": {
                "id": "600", "channel_id": "500", "author": { "id": "900", "bot": true, "username": "hallpass" }, "flags": 64,
                "content": "", "embeds": [], "components": [],
            },
            "locale": "en-US", "entitlements": [], "context": 0, "attachment_size_limit": 1, "a_field_of_tomorrow": [],
        })
    }

    fn what(kind: u64, data: &Value) -> What {
        interaction(&payload(kind, data)).unwrap().what
    }

    #[test]
    fn a_press_says_who_it_was_and_where_the_button_stands() {
        let heard = interaction(&payload(3, &json!({ "custom_id": "approve R-7K3QD2/0", "component_type": 2, "values": null }))).unwrap();
        assert_eq!((heard.user.as_str(), heard.guild.as_deref(), heard.application.as_str()), ("80", Some("700"), "900"));
        let member = heard.member.unwrap();
        assert_eq!((member.roles, member.name.as_str()), (vec!["31".to_owned(), "32".to_owned()], "Ana Reyes"));
        assert_eq!((member.bot, member.pending, member.timed_out_until), (false, false, Some(1_795_600_800)));
        let What::Press { custom_id, chosen, at } = heard.what else { panic!("it was a press") };
        assert_eq!((custom_id.as_str(), chosen), ("approve R-7K3QD2/0", None));
        assert_eq!((at.channel.as_str(), at.message.as_str(), at.author.as_deref(), at.ephemeral), ("500", "600", Some("900"), true));
    }

    #[test]
    fn a_person_is_chosen_by_their_id_and_in_a_select_of_people_only() {
        let chosen = |kind: u64, values: Value| match what(
            3,
            &json!({ "custom_id": "pass R-7K3QD2/0", "component_type": kind, "values": values }),
        ) {
            What::Press { chosen, .. } => chosen,
            other => panic!("{other:?}"),
        };
        assert_eq!(chosen(5, json!(["81"])), Some("81".to_owned()));
        for (kind, values) in
            [(5, json!([])), (5, json!(["ana"])), (5, json!(["81> x"])), (5, json!(null)), (3, json!(["81"])), (2, json!(["81"]))]
        {
            assert_eq!(chosen(kind, values.clone()), None, "{kind} {values}");
        }
    }

    #[test]
    fn in_a_direct_message_there_is_a_user_and_no_member() {
        let mut direct = payload(3, &json!({ "custom_id": "cancel R-7K3QD2" }));
        for gone in ["member", "guild_id"] {
            direct.as_object_mut().unwrap().remove(gone);
        }
        direct["user"] = json!({ "id": "80", "username": "ana" });
        let heard = interaction(&direct).unwrap();
        assert_eq!((heard.user.as_str(), heard.guild, heard.member), ("80", None, None));
    }

    #[test]
    fn options_are_text_and_a_user_is_a_mention() {
        let options = json!([
            { "name": "resource", "type": 3, "value": "prod-db" }, { "name": "for", "type": 6, "value": "81" },
            { "name": "odd", "type": 6, "value": "81> extra" }, { "name": "many", "type": 4, "value": 7 },
        ]);
        let data = json!({ "id": "1", "name": "jit", "type": 1, "options": [{ "name": "request", "type": 1, "options": options }] });
        let What::Command(typed) = what(2, &data) else { panic!("it was a command") };
        let options: Vec<_> = typed.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!((typed.subcommand.as_str(), options.join(" ")), ("request", "for=<@81> many=7 odd=81> extra resource=prod-db".into()));
        let inside =
            json!([{ "name": "who", "type": 1, "options": [{ "name": "resource", "type": 3, "value": "prod-db", "focused": true }] }]);
        let grouped = json!({ "name": "jit", "type": 1, "options": [{ "name": "see", "type": 2, "options": inside }] });
        let typed = Typed { subcommand: "who".into(), options: [("resource".to_owned(), "prod-db".to_owned())].into() };
        assert_eq!(what(2, &grouped), What::Command(typed.clone()), "in a group as by itself");
        assert_eq!(what(4, &grouped), What::Typing { typed, option: "resource".into() });
        let bare = json!({ "name": "jit", "type": 1, "options": [{ "name": "mine", "type": 1 }] });
        assert_eq!(what(2, &bare), What::Command(Typed { subcommand: "mine".into(), options: Values::new() }));
    }

    #[test]
    fn while_it_is_typed_the_option_is_named_and_without_one_it_is_nothing() {
        let data = |focused: bool| json!({ "name": "jit", "type": 1, "options": [{ "name": "show", "type": 1, "options": [{ "name": "id", "type": 3, "value": "R", "focused": focused }] }] });
        let What::Typing { typed, option } = what(4, &data(true)) else { panic!("it was being typed") };
        assert_eq!((option.as_str(), typed.options["id"].as_str()), ("id", "R"));
        assert_eq!(interaction(&payload(4, &data(false))), None);
    }

    #[test]
    fn a_modal_is_read_by_its_fields_in_rows_and_in_labels() {
        let data = json!({ "custom_id": "request", "components": [
            { "type": 1, "components": [{ "type": 4, "custom_id": "resource", "value": "prod-db" }] },
            { "type": 18, "component": { "type": 4, "custom_id": "reason", "value": "because\n2" } },
            { "type": 1, "components": [{ "type": 4, "custom_id": "ticket", "value": null }] },
        ] });
        let What::Submission { custom_id, values, at } = what(5, &data) else { panic!("it was a modal") };
        assert_eq!((custom_id.as_str(), values.len(), values["reason"].as_str()), ("request", 2, "because\n2"));
        assert_eq!(at.unwrap().message, "600");
        let mut from_command = payload(5, &data);
        from_command.as_object_mut().unwrap().remove("message");
        assert!(matches!(interaction(&from_command).unwrap().what, What::Submission { at: None, .. }));
    }

    #[test]
    fn the_command_of_a_message_names_it() {
        let data = json!({ "name": "Request access about this", "type": 3, "target_id": "601", "resolved": { "messages": {} } });
        assert_eq!(what(2, &data), What::About { channel: "500".into(), message: "601".into() });
    }

    #[test]
    fn what_is_unknown_nobodys_or_would_leave_its_place_in_a_path_is_nothing() {
        let press = json!({ "custom_id": "approve R-7K3QD2" });
        for (key, value) in [
            ("id", json!("../x")),
            ("id", json!(7)),
            ("token", json!("a/../b")),
            ("token", json!("a?b")),
            ("token", json!("a..b")),
            ("token", json!("")),
            ("application_id", json!(null)),
            ("member", json!({ "user": { "id": "ana" } })),
            ("type", json!(9)),
            ("message", json!(null)),
        ] {
            let mut odd = payload(3, &press);
            odd[key] = value.clone();
            assert_eq!(interaction(&odd), None, "{key}: {value}");
        }
        assert_eq!(interaction(&json!([1])), None);
    }
}
