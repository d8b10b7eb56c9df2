//! Writing messages.

use serde_json::{Value, json};

use super::{Answer, Refusal, object};
use crate::fakes::slack::{
    APP_ID, BOT_ID, BOT_USER, TEAM, blocks,
    fields::Fields,
    state::{Channel, Ephemeral, Sort, State},
};

/// Characters of a message's text; beyond, Slack cuts it or refuses.
const POST_TEXT: usize = 40_000;
const UPDATE_TEXT: usize = 4_000;

/// Bytes of a message's metadata.
const METADATA: usize = 8_000;

/// What a message is to say.
pub(in crate::fakes::slack) struct Draft {
    pub(in crate::fakes::slack) text: Option<String>,
    pub(in crate::fakes::slack) blocks: Option<Value>,
}

/// # Errors
/// `no_text`, `msg_too_long`, `invalid_blocks`.
pub(in crate::fakes::slack) fn check_draft(fields: &Fields, most_text: usize) -> Result<Draft, Refusal> {
    let text = fields.text("text").map(str::to_owned);
    let blocks = fields.json("blocks").map_err(|_| Refusal::new("invalid_blocks_format"))?;
    if text.is_none() && blocks.as_ref().is_none_or(|b| b.as_array().is_some_and(Vec::is_empty)) {
        return Err("no_text".into());
    }
    if text.as_ref().is_some_and(|t| t.chars().count() > most_text) {
        return Err("msg_too_long".into());
    }
    if let Some(blocks) = &blocks {
        if !blocks.is_array() {
            return Err("invalid_blocks_format".into());
        }
        blocks::check_message(blocks).map_err(Refusal::blocks)?;
    }
    Ok(Draft { text, blocks })
}

fn check_metadata(fields: &Fields) -> Result<Option<Value>, Refusal> {
    let Some(metadata) = fields.json("metadata").map_err(|_| Refusal::new("invalid_metadata_format"))? else { return Ok(None) };
    if metadata.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(Some(metadata)); // takes it away
    }
    if !metadata["event_type"].is_string() || !metadata["event_payload"].is_object() {
        return Err("invalid_metadata_format".into());
    }
    if metadata.to_string().len() > METADATA {
        return Err("metadata_too_large".into());
    }
    Ok(Some(metadata))
}

impl State {
    /// The conversation's id, if the bot may write there. A person's id means the direct conversation with them.
    fn writable(&mut self, fields: &Fields) -> Result<String, Refusal> {
        let mut id = fields.text("channel").ok_or("channel_not_found")?.to_owned();
        if self.people.contains_key(&id) {
            id = self.direct_with(&id);
        }
        let channel = self.visible(&id)?;
        if channel.archived {
            return Err("is_archived".into());
        }
        if !channel.bot_is_in {
            return Err("not_in_channel".into());
        }
        if channel.sort == Sort::Direct && self.people.get(&channel.members[0]).is_some_and(|p| p.deleted) {
            return Err("is_archived".into());
        }
        Ok(id)
    }

    fn by_bot(&mut self, draft: Draft) -> Value {
        let ts = self.stamp_ts();
        let mut message = json!({
            "type": "message", "user": BOT_USER, "bot_id": BOT_ID, "app_id": APP_ID, "team": TEAM, "ts": ts,
            "text": draft.text.unwrap_or_default(),
            "bot_profile": {"id": BOT_ID, "app_id": APP_ID, "name": "Hallpass", "deleted": false, "team_id": TEAM},
        });
        if let Some(mut blocks) = draft.blocks {
            self.name_blocks(&mut blocks);
            message["blocks"] = blocks;
        }
        message
    }

    /// A message of the bot that only `user` sees.
    pub(in crate::fakes::slack) fn whisper(&mut self, user: &str, channel: &str, thread: Option<&str>, draft: Draft) -> String {
        let mut message = self.by_bot(draft);
        message["channel"] = json!(channel);
        if let Some(thread) = thread {
            message["thread_ts"] = json!(thread);
        }
        let ts = message["ts"].as_str().unwrap().to_owned();
        self.ephemerals.push(Ephemeral { user: user.to_owned(), message });
        ts
    }

    /// A message of the bot that everybody there sees.
    pub(in crate::fakes::slack) fn put(&mut self, channel: &str, draft: Draft) -> Value {
        let message = self.by_bot(draft);
        self.channels.get_mut(channel).unwrap().messages.push(message.clone());
        message
    }
}

pub(super) fn post(state: &mut State, fields: &Fields) -> Answer {
    let id = state.writable(fields)?;
    let draft = check_draft(fields, POST_TEXT)?;
    let metadata = check_metadata(fields)?;
    let thread = fields.text("thread_ts");
    if let Some(ts) = thread {
        let parent = state.channels[&id].message(ts).ok_or("thread_not_found")?;
        if !super::history::is_top(parent) {
            return Err("cannot_reply_to_message".into());
        }
    }
    let mut message = state.by_bot(draft);
    if let Some(ts) = thread {
        message["thread_ts"] = json!(ts);
    }
    for flag in ["mrkdwn", "unfurl_links", "unfurl_media", "link_names", "parse", "reply_broadcast"] {
        if let Some(value) = fields.0.get(flag) {
            message[flag] = value.clone();
        }
    }
    if let Some(metadata) = metadata.filter(|m| m.as_object().is_some_and(|m| !m.is_empty())) {
        message["metadata"] = metadata;
    }
    state.channels.get_mut(&id).unwrap().messages.push(message.clone());
    Ok(object(json!({"channel": id, "ts": message["ts"], "message": message})))
}

fn own<'c>(channel: &'c mut Channel, fields: &Fields, not_ours: &'static str) -> Result<&'c mut Value, Refusal> {
    let message = channel.message_mut(fields.need("ts")?).ok_or("message_not_found")?;
    if message["user"] == BOT_USER { Ok(message) } else { Err(not_ours.into()) }
}

pub(super) fn update(state: &mut State, fields: &Fields) -> Answer {
    let id = fields.text("channel").ok_or("channel_not_found")?.to_owned();
    if state.visible(&id)?.archived {
        return Err("is_inactive".into());
    }
    own(state.channels.get_mut(&id).unwrap(), fields, "cant_update_message")?;
    let mut draft = check_draft(fields, UPDATE_TEXT)?;
    let metadata = check_metadata(fields)?;
    if let Some(blocks) = &mut draft.blocks {
        state.name_blocks(blocks);
    }
    let edited = json!({"user": BOT_USER, "ts": state.stamp_ts()});
    let message = own(state.channels.get_mut(&id).unwrap(), fields, "cant_update_message")?;
    let fields_of = message.as_object_mut().unwrap();
    match (draft.text, draft.blocks) {
        (text, Some(blocks)) => {
            fields_of.insert("text".to_owned(), json!(text.unwrap_or_default()));
            fields_of.insert("blocks".to_owned(), blocks);
        }
        (Some(text), None) => {
            fields_of.insert("text".to_owned(), json!(text));
            fields_of.insert("edited".to_owned(), edited);
            fields_of.remove("blocks");
        }
        (None, None) => unreachable!("a draft has one of them"),
    }
    match metadata {
        Some(metadata) if metadata.as_object().is_some_and(serde_json::Map::is_empty) => drop(fields_of.remove("metadata")),
        Some(metadata) => drop(fields_of.insert("metadata".to_owned(), metadata)),
        None => {}
    }
    let message = message.clone();
    Ok(object(json!({"channel": id, "ts": message["ts"], "text": message["text"], "message": message})))
}

pub(super) fn delete(state: &mut State, fields: &Fields) -> Answer {
    let id = fields.text("channel").ok_or("channel_not_found")?.to_owned();
    state.visible(&id)?;
    let channel = state.channels.get_mut(&id).unwrap();
    let ts = own(channel, fields, "cant_delete_message")?["ts"].clone();
    channel.messages.retain(|m| m["ts"] != ts);
    Ok(object(json!({"channel": id, "ts": ts})))
}

pub(super) fn post_ephemeral(state: &mut State, fields: &Fields) -> Answer {
    let id = state.writable(fields)?;
    let user = fields.need("user")?.to_owned();
    if !state.channels[&id].members.contains(&user) {
        return Err("user_not_in_channel".into());
    }
    let draft = check_draft(fields, POST_TEXT)?;
    let ts = state.whisper(&user, &id, fields.text("thread_ts"), draft);
    Ok(object(json!({"message_ts": ts})))
}

pub(super) fn permalink(state: &mut State, fields: &Fields) -> Answer {
    let id = fields.need("channel")?;
    let ts = fields.need("message_ts")?;
    let message = state.visible(id)?.message(ts).ok_or("message_not_found")?;
    let mut link = format!("https://home.slack.com/archives/{id}/p{}", ts.replace('.', ""));
    if let Some(thread) = message["thread_ts"].as_str().filter(|thread| *thread != ts) {
        link = format!("{link}?thread_ts={thread}&cid={id}");
    }
    Ok(object(json!({"channel": id, "permalink": link})))
}
