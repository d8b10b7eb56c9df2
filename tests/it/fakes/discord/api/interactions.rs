//! The first answer to what somebody did: within three seconds, once, and of a kind that fits.

use serde_json::{Value, json};

use super::{Answer, Call, Refusal, held};
use crate::fakes::discord::{
    APP_ID,
    check::{
        Wrongs, commands,
        message::{self, EPHEMERAL, LOADING, Use},
        modal,
    },
    records::{Ephemeral, Form, Interaction, Original},
    state::State,
};

/// How long a first answer may take.
const FIRST_MICROS: i64 = 3_000_000;

/// The kinds of interaction.
pub(in crate::fakes::discord) const PING: u64 = 1;
pub(in crate::fakes::discord) const COMMAND: u64 = 2;
pub(in crate::fakes::discord) const COMPONENT: u64 = 3;
pub(in crate::fakes::discord) const TYPING: u64 = 4;
pub(in crate::fakes::discord) const SUBMISSION: u64 = 5;

/// The kinds of answer.
pub(in crate::fakes::discord) const PONG: u64 = 1;
pub(in crate::fakes::discord) const SAYS: u64 = 4;
pub(in crate::fakes::discord) const THINKS: u64 = 5;
pub(in crate::fakes::discord) const LATER: u64 = 6;
pub(in crate::fakes::discord) const CHANGES: u64 = 7;
pub(in crate::fakes::discord) const OFFERS: u64 = 8;
pub(in crate::fakes::discord) const OPENS: u64 = 9;

pub(super) fn respond(state: &mut State, call: &Call) -> Answer {
    let (id, token) = (call.id(0), call.id(1));
    let is_it = |i: &Interaction| i.text("id") == id && i.text("token") == token;
    let at = state.interactions.iter().position(is_it).ok_or(Refusal::from(10062))?;
    let message = state.answered(at, &call.body)?;
    if call.query.get("with_response").is_none_or(|with| with != "true") {
        return Ok((204, Value::Null));
    }
    let interaction = &state.interactions[at];
    let mut whole = json!({"interaction": {"id": id, "type": interaction.kind()}});
    if let Some(message) = message {
        whole["interaction"]["response_message_id"] = message["id"].clone();
        whole["resource"] = json!({"type": call.body["type"], "message": message});
    }
    Ok((200, whole))
}

/// Does this kind of answer fit what was done?
fn fits(answer: u64, interaction: &Interaction) -> bool {
    let on_a_message = !interaction.payload["message"].is_null();
    match (answer, interaction.kind()) {
        (PONG, kind) => kind == PING,
        (OFFERS, kind) => kind == TYPING,
        (_, PING | TYPING) => false,
        (SAYS | THINKS, _) => true,
        (LATER | CHANGES, _) => on_a_message,
        (OPENS, kind) => kind != SUBMISSION,
        _ => false,
    }
}

impl State {
    /// Takes the first answer to an interaction, by a call or in the answer of the endpoint. Gives the message that it made.
    ///
    /// # Errors
    /// 10062 after three seconds, 40060 the second time, 50035 when it is not what fits.
    pub(in crate::fakes::discord) fn answered(&mut self, at: usize, body: &Value) -> Result<Option<Value>, Refusal> {
        let interaction = self.interactions[at].clone();
        if interaction.answer.is_some() {
            return Err(40060.into());
        }
        if self.now_micros - interaction.at_micros > FIRST_MICROS {
            return Err(10062.into());
        }
        let kind = check(&interaction, body)?;
        let data = &body["data"];
        let message = match kind {
            SAYS => Some(self.drafted(interaction.text("channel_id"), data, Use::Answer)),
            THINKS => {
                let mut message = self.blank(interaction.text("channel_id"), APP_ID);
                message["flags"] = json!((data["flags"].as_u64().unwrap_or_default() & EPHEMERAL) | LOADING);
                Some(message)
            }
            CHANGES => {
                let before = self.find_message(&interaction.payload["message"]["id"]).ok_or(Refusal::from(10008))?;
                Some(self.changed(&before, data, Use::Change)?)
            }
            _ => None,
        };
        if kind == SAYS && message.as_ref().is_some_and(message::is_empty) {
            return Err(50006.into());
        }
        let message = message.map(|message| match kind {
            CHANGES => self.put_back(message),
            _ => self.put_there(&interaction, message),
        });
        if kind == OPENS {
            self.forms.insert(interaction.user.clone(), Form { modal: data.clone(), from: interaction.payload.clone() });
        }
        if interaction.kind() == SUBMISSION {
            let sent = &interaction.payload["data"]["custom_id"];
            self.forms.retain(|user, form| *user != interaction.user || form.modal["custom_id"] != *sent);
        }
        let noted = &mut self.interactions[at];
        noted.answer = Some(body.clone());
        noted.deferred = kind == THINKS;
        noted.original = match (kind, &message) {
            (SAYS | THINKS, Some(message)) => Original::Message(message["id"].as_str().unwrap().to_owned()),
            (LATER | CHANGES, _) => Original::Message(interaction.payload["message"]["id"].as_str().unwrap().to_owned()),
            _ => Original::None,
        };
        Ok(message)
    }

    /// A new message where the interaction was, or only for whoever did it.
    pub(in crate::fakes::discord) fn put_there(&mut self, interaction: &Interaction, mut message: Value) -> Value {
        message["webhook_id"] = json!(APP_ID);
        message["type"] = json!(if interaction.kind() == COMMAND { 20 } else { 0 });
        message["interaction_metadata"] = json!({
            "id": interaction.text("id"), "type": interaction.kind(), "user": self.known(&interaction.user).json(),
            "authorizing_integration_owners": interaction.payload["authorizing_integration_owners"],
        });
        if message["flags"].as_u64().unwrap_or_default() & EPHEMERAL != 0 {
            self.ephemerals.push(Ephemeral { user: interaction.user.clone(), message: message.clone() });
        } else {
            self.channels.get_mut(interaction.text("channel_id")).unwrap().messages.push(message.clone());
        }
        message
    }

    /// A message, whoever sees it.
    pub(in crate::fakes::discord) fn find_message(&self, id: &Value) -> Option<Value> {
        let all = self.channels.values().flat_map(|c| &c.messages).filter(|m| m["type"] != 21);
        all.chain(self.ephemerals.iter().map(|e| &e.message)).find(|m| m["id"] == *id).cloned()
    }

    /// A changed message in place of what it was.
    pub(in crate::fakes::discord) fn put_back(&mut self, message: Value) -> Value {
        let all = self.channels.values_mut().flat_map(|c| &mut c.messages).filter(|m| m["type"] != 21);
        let mut all = all.chain(self.ephemerals.iter_mut().map(|e| &mut e.message));
        let place = all.find(|m| m["id"] == message["id"]).expect("it was found before");
        place.clone_from(&message);
        message
    }
}

/// Holds the body to what fits; gives the kind of the answer.
fn check(interaction: &Interaction, body: &Value) -> Result<u64, Refusal> {
    let mut wrongs = Wrongs::default();
    let Some(fields) = wrongs.object("", body, &["type", "data"]) else { return Err(Refusal::form(&wrongs)) };
    let kind = fields.get("type").and_then(Value::as_u64).unwrap_or_default();
    if !fits(kind, interaction) {
        wrongs.add("type", "BASE_TYPE_CHOICES", format!("{kind} is no answer to an interaction of type {}", interaction.kind()));
    }
    let data = fields.get("data");
    match kind {
        SAYS | CHANGES => {
            let how = if kind == SAYS { Use::Answer } else { Use::Change };
            let mut inner = Wrongs::default();
            let before = interaction.payload.get("message").filter(|_| kind == CHANGES);
            message::check(&mut inner, data.unwrap_or(&Value::Null), how, before);
            wrongs.take_under("data", inner);
        }
        THINKS => message::check_deferred(&mut wrongs, data),
        OFFERS => match data.and_then(|data| wrongs.object("data", data, &["choices"])) {
            Some(data) => drop(commands::check_choices(&mut wrongs, "data.choices", data.get("choices"))),
            None => wrongs.required("data"),
        },
        OPENS => modal::check(&mut wrongs, "data", data),
        _ if data.is_some_and(|d| !d.is_null()) => wrongs.add("data", "UNKNOWN_KEY", "This kind of answer has none"),
        _ => {}
    }
    held(&wrongs)?;
    Ok(kind)
}
