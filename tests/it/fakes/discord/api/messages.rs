//! Writing, changing, reading and deleting messages.

use serde_json::{Value, json};

use super::{Answer, Call, Refusal, held};
use crate::fakes::discord::{
    APP_ID, BOT,
    check::{
        Wrongs, mentions,
        message::{self, Use},
    },
    permissions::{EMBED_LINKS, MENTION_EVERYONE, READ_MESSAGE_HISTORY},
    records::Sort,
    state::State,
};

/// How long a nonce is remembered.
const NONCE_MICROS: i64 = 300_000_000;

/// Messages in a page.
const PAGE: usize = 50;
const MOST: usize = 100;

impl State {
    /// A message that says nothing yet.
    pub(in crate::fakes::discord) fn blank(&mut self, channel: &str, author: &str) -> Value {
        let mut message = json!({
            "id": self.snowflake(), "channel_id": channel, "author": self.known(author).json(), "type": 0, "content": "", "embeds": [],
            "components": [], "attachments": [], "mentions": [], "mention_roles": [], "mention_everyone": false, "pinned": false,
            "tts": false, "flags": 0, "timestamp": Self::iso(self.now_micros), "edited_timestamp": null,
        });
        if author == BOT {
            message["application_id"] = json!(APP_ID);
        }
        message
    }

    /// Says in a message whom it pings: whom its content names, `allowed_mentions` lets, and Discord would.
    pub(in crate::fakes::discord) fn note_pings(&self, message: &mut Value, allowed: Option<&Value>) {
        let channel = message["channel_id"].as_str().unwrap_or_default().to_owned();
        let named = mentions::pinged(message["content"].as_str().unwrap_or_default(), allowed);
        let users: Vec<Value> = named.users.iter().filter_map(|id| self.people.get(id)).map(super::super::records::Person::json).collect();
        let guild = self.channels.get(&channel).and_then(|c| self.guilds.get(c.guild.as_ref()?));
        let all = self.channels.contains_key(&channel) && self.may(&channel, BOT) & MENTION_EVERYONE != 0;
        let mentionable = |id: &&String| guild.and_then(|g| g.roles.get(*id)).is_some_and(|role| role.mentionable || all);
        message["mention_roles"] = named.roles.iter().filter(mentionable).cloned().collect();
        message["mentions"] = users.into();
        message["mention_everyone"] = json!(named.everybody && all);
    }

    /// A checked body as a message of the bot.
    pub(in crate::fakes::discord) fn drafted(&mut self, channel: &str, body: &Value, how: Use) -> Value {
        let mut message = self.blank(channel, BOT);
        message::put_in(&mut message, body, how);
        self.note_pings(&mut message, body.get("allowed_mentions"));
        message
    }

    /// Holds a change to the limits and makes it.
    pub(in crate::fakes::discord) fn changed(&mut self, before: &Value, body: &Value, how: Use) -> Result<Value, Refusal> {
        let mut wrongs = Wrongs::default();
        message::check(&mut wrongs, body, how, Some(before));
        held(&wrongs)?;
        let mut message = before.clone();
        message::put_in(&mut message, body, how);
        if message::is_empty(&message) {
            return Err(50006.into());
        }
        self.note_pings(&mut message, body.get("allowed_mentions"));
        message["edited_timestamp"] = json!(Self::iso(self.now_micros));
        Ok(message)
    }
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let id = call.id(0);
    let in_guild = !matches!(state.writable(id)?.sort, Sort::Direct(_));
    let mut wrongs = Wrongs::default();
    message::check(&mut wrongs, &call.body, Use::Create, None);
    let replies_to = call.body["message_reference"]["message_id"].as_str();
    if replies_to.is_some_and(|to| state.place(id).message(to).is_none()) && call.body["message_reference"]["fail_if_not_exists"] != false {
        wrongs.add("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message");
    }
    held(&wrongs)?;
    let has_embeds = call.body["embeds"].as_array().is_some_and(|e| !e.is_empty());
    if in_guild && has_embeds && state.may(id, BOT) & EMBED_LINKS == 0 {
        return Err(50013.into());
    }
    let nonce = call.body.get("nonce").filter(|n| !n.is_null()).map(Value::to_string);
    let enforced = nonce.filter(|_| call.body["enforce_nonce"] == true);
    let now_micros = state.now_micros;
    if let Some((_, message)) = enforced.as_ref().and_then(|n| state.nonces.get(n)).filter(|(at, _)| now_micros - at < NONCE_MICROS) {
        return Ok((200, message.clone()));
    }
    let mut message = state.drafted(id, &call.body, Use::Create);
    if message::is_empty(&message) {
        return Err(50006.into());
    }
    for name in ["nonce", "message_reference"] {
        if let Some(value) = call.body.get(name) {
            message[name] = value.clone();
        }
    }
    state.bring_back(id)?;
    if let Some(nonce) = enforced {
        state.nonces.insert(nonce, (now_micros, message.clone()));
    }
    state.channels.get_mut(id).unwrap().messages.push(message.clone());
    Ok((200, message))
}

pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    let (id, of) = (call.id(0), call.id(1));
    let channel = state.visible(id)?;
    let before = channel.message(of).cloned().ok_or(Refusal::from(10008))?;
    if before["author"]["id"] != BOT {
        return Err(50005.into());
    }
    if channel.thread().is_some_and(|thread| thread.archived) {
        return Err(50083.into());
    }
    let after = state.changed(&before, &call.body, Use::Edit)?;
    *state.channels.get_mut(id).unwrap().message_mut(of).unwrap() = after;
    Ok((200, state.message_json(id, of).unwrap()))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let (id, of) = (call.id(0), call.id(1));
    let message = state.visible(id)?.message(of).ok_or(Refusal::from(10008))?;
    if message["author"]["id"] != BOT {
        return Err(50013.into());
    }
    state.channels.get_mut(id).unwrap().messages.retain(|m| m["id"] != of);
    Ok((204, Value::Null))
}

/// Whether the bot may read what was written before.
fn reads_history(state: &State, id: &str) -> bool {
    state.place(id).guild.is_none() || state.may(id, BOT) & READ_MESSAGE_HISTORY != 0
}

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let (id, of) = (call.id(0), call.id(1));
    state.visible(id)?;
    if !reads_history(state, id) {
        return Err(50013.into());
    }
    Ok((200, state.message_json(id, of).ok_or(Refusal::from(10008))?))
}

/// Newest first.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let id = call.id(0);
    state.visible(id)?;
    let mut wrongs = Wrongs::default();
    let limit = call.query.get("limit").map_or(Some(PAGE), |limit| limit.parse().ok().filter(|n| (1..=MOST).contains(n)));
    if limit.is_none() {
        wrongs.add("limit", "NUMBER_TYPE_MAX", format!("int value should be between 1 and {MOST}."));
    }
    let mut at = |name: &str| {
        let given = call.query.get(name)?;
        let number = given.parse::<u64>().ok();
        if number.is_none() {
            wrongs.add(name, "NUMBER_TYPE_COERCE", format!("Value \"{given}\" is not snowflake."));
        }
        number
    };
    let (before, after, around) = (at("before"), at("after"), at("around"));
    held(&wrongs)?;
    let limit = limit.unwrap();
    if !reads_history(state, id) {
        return Ok((200, json!([])));
    }
    let number = |m: &Value| m["id"].as_str().unwrap().parse::<u64>().unwrap();
    let all: Vec<&Value> = state.place(id).messages.iter().collect();
    let chosen: Vec<&Value> = match (before, after, around) {
        (_, Some(after), _) => all.into_iter().filter(|m| number(m) > after).take(limit).collect(),
        (before, None, None) => {
            let older: Vec<&Value> = all.into_iter().filter(|m| before.is_none_or(|before| number(m) < before)).collect();
            older[older.len().saturating_sub(limit)..].to_vec()
        }
        (_, None, Some(around)) => {
            let middle = all.iter().position(|m| number(m) >= around).unwrap_or(all.len());
            all.into_iter().skip(middle.saturating_sub(limit / 2)).take(limit).collect()
        }
    };
    let ids: Vec<String> = chosen.into_iter().rev().map(|m| m["id"].as_str().unwrap().to_owned()).collect();
    Ok((200, ids.iter().map(|of| state.message_json(id, of).unwrap()).collect()))
}
