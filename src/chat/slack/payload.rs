//! What Slack sends, read leniently from the verified bytes: unknown fields are ignored, absent ones are absent, a null team is no
//! error. Translates; must not judge anybody.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Who did it, by Slack's ids. In an organisation the team may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct From {
    pub user: String,
    pub team: Option<String>,
    pub enterprise: Option<String>,
    /// The app that Slack sent it to.
    pub app: Option<String>,
}

/// One thing that somebody did.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heard {
    pub from: From,
    /// Unique, and the same when it is delivered again.
    pub id: String,
    /// Opens a view, once, within three seconds.
    pub trigger: Option<String>,
    /// Where an answer to it may be sent.
    pub response_url: Option<String>,
    /// The thread that it was done in.
    pub thread: Option<String>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// `/jit` and these words.
    Command {
        text: String,
    },
    /// A button, or another element of a message, of the home page or of a view.
    Action {
        action: String,
        value: String,
        view: Option<View>,
    },
    Submission {
        view: View,
    },
    /// Letters typed into a field that looks things up.
    Suggestion {
        query: String,
    },
    /// A shortcut; of a message, with its channel and `ts`.
    Shortcut {
        message: Option<(String, String)>,
    },
    HomeOpened,
}

/// A view as it stands in front of somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct View {
    pub id: String,
    pub kind: String,
    pub callback: String,
    /// What we put into it.
    pub metadata: String,
    /// Changes with each update.
    pub hash: String,
    /// What was typed and chosen, by block; empty where nothing was.
    pub values: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ref {
    id: Option<String>,
    /// Of a team: its organisation.
    enterprise_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Interaction {
    #[serde(rename = "type")]
    kind: String,
    api_app_id: Option<String>,
    team: Option<Ref>,
    enterprise: Option<Ref>,
    user: Option<UserRef>,
    trigger_id: Option<String>,
    response_url: Option<String>,
    channel: Option<Ref>,
    message: Option<MessageRef>,
    message_ts: Option<String>,
    actions: Vec<Value>,
    value: Option<Value>,
    view: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UserRef {
    id: Option<String>,
    team_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MessageRef {
    ts: Option<String>,
    thread_ts: Option<String>,
}

/// A slash command, from its form or from a socket. None: it is none.
pub(super) fn command(fields: &Value) -> Option<Heard> {
    let text = |key: &str| fields[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let trigger = text("trigger_id");
    Some(Heard {
        from: From { user: text("user_id")?, team: text("team_id"), enterprise: text("enterprise_id"), app: text("api_app_id") },
        id: trigger.clone().unwrap_or_else(|| hashed(&fields.to_string())),
        trigger,
        response_url: text("response_url"),
        thread: None,
        what: What::Command { text: unescaped(fields["text"].as_str().unwrap_or_default()) },
    })
}

/// A press, a form, a shortcut. None: nothing that this bot knows, or nobody who did it.
pub(super) fn interaction(payload: &Value) -> Option<Heard> {
    heard(Interaction::deserialize(payload).ok()?, || hashed(&payload.to_string()))
}

/// The same from its text, of which only what is needed is kept: a message's blocks may be many.
/// # Errors
/// It is no JSON.
pub(super) fn interaction_in(text: &str) -> Result<Option<Heard>, serde_json::Error> {
    match serde_json::from_str(text) {
        Ok(read) => Ok(heard(read, || hashed(text))),
        Err(error) if error.is_data() => Ok(None),
        Err(error) => Err(error),
    }
}

fn heard(read: Interaction, hash: impl FnOnce() -> String) -> Option<Heard> {
    let user = read.user.unwrap_or_default();
    let of = |ref_: Option<Ref>| ref_.and_then(|ref_| ref_.id);
    // Whose team it is says where the presser belongs; the payload's own may be the one of the channel.
    let organisation = read.team.as_ref().and_then(|team| team.enterprise_id.clone());
    let team = user.team_id.or_else(|| of(read.team));
    let from = From { user: user.id?, team, enterprise: of(read.enterprise).or(organisation), app: read.api_app_id };
    let thread = read.message.as_ref().and_then(|message| message.thread_ts.clone());
    let what = match read.kind.as_str() {
        "block_actions" => action(read.actions.first()?, read.view.as_ref().map(view))?,
        "view_submission" => What::Submission { view: view(read.view.as_ref()?) },
        "block_suggestion" => {
            let query = read.value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
            What::Suggestion { query }
        }
        "shortcut" => What::Shortcut { message: None },
        "message_action" => {
            let ts = read.message_ts.or_else(|| read.message.and_then(|message| message.ts));
            What::Shortcut { message: of(read.channel).zip(ts) }
        }
        _ => return None,
    };
    let id = read.trigger_id.clone().unwrap_or_else(hash);
    Some(Heard { from, id, trigger: read.trigger_id, response_url: read.response_url, thread, what })
}

/// An event of the Events API. None: none that this bot asked for.
pub(super) fn event(payload: &Value) -> Option<Heard> {
    let (event, text) = (&payload["event"], |key: &str| payload[key].as_str().map(str::to_owned));
    if event["type"] != "app_home_opened" || event["tab"] == "messages" {
        return None;
    }
    let from = From {
        user: event["user"].as_str()?.to_owned(),
        team: text("team_id"),
        enterprise: text("enterprise_id").or_else(|| payload["authorizations"][0]["enterprise_id"].as_str().map(str::to_owned)),
        app: text("api_app_id"),
    };
    let id = text("event_id").unwrap_or_else(|| hashed(&payload.to_string()));
    Some(Heard { from, id, trigger: None, response_url: None, thread: None, what: What::HomeOpened })
}

fn action(action: &Value, view: Option<View>) -> Option<What> {
    let name = action["action_id"].as_str()?.to_owned();
    Some(What::Action { action: name, value: chosen(action).unwrap_or_default(), view })
}

fn view(view: &Value) -> View {
    let text = |key: &str| view[key].as_str().unwrap_or_default().to_owned();
    let blocks = view["state"]["values"].as_object();
    let value = |actions: &Value| actions.as_object().and_then(|actions| actions.values().find_map(chosen));
    let values = blocks.into_iter().flatten().map(|(block, actions)| (block.clone(), value(actions).unwrap_or_default()));
    View {
        id: text("id"),
        kind: text("type"),
        callback: text("callback_id"),
        metadata: text("private_metadata"),
        hash: text("hash"),
        values: values.collect(),
    }
}

/// What an element holds: typed, chosen, or carried by a button.
fn chosen(element: &Value) -> Option<String> {
    let texts = [&element["value"], &element["selected_option"]["value"], &element["selected_user"]];
    let text = texts.into_iter().find_map(|value| value.as_str()).map(str::to_owned);
    text.or_else(|| element["selected_date_time"].as_i64().map(|at| at.to_string()))
}

/// Delivered again, a payload without an id of its own is the same bytes.
fn hashed(payload: &str) -> String {
    format!("{:x}", Sha256::digest(payload))
}

/// Slack writes these three so, in commands; and a link as `<https://..|label>`.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("<http") {
        let Some(end) = rest[at..].find('>') else { break };
        out.push_str(&rest[..at]);
        out.push_str(rest[at + 1..at + end].split('|').next().unwrap_or_default());
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_organisation_wide_press_has_no_team_and_is_heard() {
        let press = interaction(&json!({
            "type": "block_actions", "team": null, "enterprise": { "id": "E1", "name": "Acme" }, "is_enterprise_install": true,
            "user": { "id": "W1", "name": "ana" }, "trigger_id": "1.2.a", "api_app_id": "A1", "response_url": "https://hooks.slack.com/x",
            "message": { "ts": "1.1", "metadata": { "event_payload": { "n": 1 } } }, "state": { "values": {} },
            "actions": [{ "type": "button", "action_id": "approve", "block_id": "b", "value": "R-7K3QD2/0", "action_ts": "1" }],
        }))
        .unwrap();
        assert_eq!((press.from.team.as_deref(), press.from.enterprise.as_deref()), (None, Some("E1")));
        assert_eq!(press.what, What::Action { action: "approve".into(), value: "R-7K3QD2/0".into(), view: None });
    }

    #[test]
    fn a_press_read_from_its_text_is_the_same() {
        let press = json!({
            "type": "block_actions", "team": { "id": "T1" }, "user": { "id": "U1" }, "trigger_id": "1.2.a",
            "message": { "ts": "1.1", "blocks": [{ "type": "actions", "elements": [] }] }, "state": { "values": {} },
            "actions": [{ "type": "button", "action_id": "approve", "value": "R-7K3QD2/0" }],
        });
        let heard = interaction(&press);
        assert!(heard.is_some());
        assert_eq!(interaction_in(&press.to_string()).unwrap(), heard);
        assert_eq!(interaction_in("[1]").unwrap(), None, "JSON of another shape is nothing that the bot knows");
        assert!(interaction_in("{").is_err() && interaction_in("").is_err());
    }

    #[test]
    fn without_an_id_the_same_text_is_the_same_press() {
        let text = r#"{"type": "view_submission", "user": {"id": "U1"}, "view": {"id": "V1"}}"#;
        let id = |text: &str| interaction_in(text).unwrap().unwrap().id;
        assert_eq!(id(text), id(text));
        assert_ne!(id(text), id(&text.replace("V1", "V2")));
    }

    #[test]
    fn values_of_every_kind_of_field_are_read() {
        let view = view(&json!({ "id": "V1", "type": "modal", "callback_id": "request", "private_metadata": "{}", "state": { "values": {
            "a": { "x": { "type": "plain_text_input", "value": "why" } },
            "b": { "x": { "type": "external_select", "selected_option": { "value": "prod-db", "text": { "type": "plain_text", "text": "x" } } } },
            "c": { "x": { "type": "users_select", "selected_user": "U2" } },
            "d": { "x": { "type": "datetimepicker", "selected_date_time": 1_795_528_800 } },
            "e": { "x": { "type": "plain_text_input", "value": null } },
        } } }));
        let values: Vec<_> = view.values.iter().map(|(block, value)| format!("{block}={value}")).collect();
        assert_eq!(values, ["a=why", "b=prod-db", "c=U2", "d=1795528800", "e="]);
    }

    #[test]
    fn what_is_unknown_or_nobodys_is_nothing() {
        for payload in [
            json!({ "type": "interactive_message", "user": { "id": "U1" } }),
            json!({ "type": "block_actions", "actions": [{ "action_id": "approve" }] }),
            json!({ "type": "block_actions", "user": { "id": "U1" }, "actions": [] }),
            json!({ "type": "view_closed", "user": { "id": "U1" } }),
            json!([1]),
        ] {
            assert_eq!(interaction(&payload), None, "{payload}");
        }
        assert_eq!(event(&json!({ "event": { "type": "message", "user": "U1" } })), None);
        assert_eq!(command(&json!({ "text": "mine" })), None);
    }

    #[test]
    fn a_command_is_read_as_it_was_typed() {
        let heard =
            command(&json!({ "user_id": "U1", "text": "request x 1h a &lt;b&gt; &amp;amp; <https://x.example/a|x> for <@U2|ben>" }))
                .unwrap();
        assert_eq!(heard.what, What::Command { text: "request x 1h a <b> &amp; https://x.example/a for <@U2|ben>".into() });
    }
}
