//! Reading messages back.

use serde_json::{Value, json};

use super::{Answer, Refusal, conversations::scope, pages};
use crate::fakes::slack::{
    fields::Fields,
    state::{Channel, State},
};

const USUAL: usize = 100;
const USUAL_REPLIES: usize = 1000;
const MOST: usize = 999;
const MOST_REPLIES: usize = 1000;

/// Whether it stands in the conversation itself, not under another.
pub(in crate::fakes::slack) fn is_top(message: &Value) -> bool {
    message.get("thread_ts").is_none_or(|thread| *thread == message["ts"])
}

impl State {
    fn readable(&self, fields: &Fields) -> Result<&Channel, Refusal> {
        let channel = self.visible(fields.need("channel")?)?;
        self.need_scope(&scope(channel.sort, "history"))?;
        if channel.bot_is_in { Ok(channel) } else { Err("not_in_channel".into()) }
    }
}

/// A message as it is read: what its thread came to, and metadata only where asked for.
fn shown(channel: &Channel, message: &Value, fields: &Fields) -> Value {
    let mut message = message.clone();
    if !fields.flag("include_all_metadata") {
        message.as_object_mut().unwrap().remove("metadata");
    }
    let replies: Vec<&Value> = channel.messages.iter().filter(|m| !is_top(m) && m["thread_ts"] == message["ts"]).collect();
    if let Some(latest) = replies.last() {
        message["thread_ts"] = message["ts"].clone();
        message["reply_count"] = json!(replies.len());
        message["latest_reply"] = latest["ts"].clone();
        let mut users: Vec<&str> = replies.iter().filter_map(|m| m["user"].as_str()).collect();
        users.sort_unstable();
        users.dedup();
        message["reply_users"] = json!(users);
        message["reply_users_count"] = json!(users.len());
    }
    message
}

/// Whether a `ts` lies between `oldest` and `latest`, both outside unless `inclusive`.
fn in_range(ts: &str, fields: &Fields) -> bool {
    let micros = |text: &str| -> i64 {
        let (seconds, rest) = text.split_once('.').unwrap_or((text, "0"));
        seconds.parse::<i64>().unwrap_or(0) * 1_000_000 + format!("{rest:0<6}")[..6].parse::<i64>().unwrap_or(0)
    };
    let (at, inclusive) = (micros(ts), fields.flag("inclusive"));
    let after = fields.text("oldest").map(micros).is_none_or(|oldest| at > oldest || (inclusive && at == oldest));
    let before = fields.text("latest").map(micros).is_none_or(|latest| at < latest || (inclusive && at == latest));
    after && before
}

pub(super) fn history(state: &mut State, fields: &Fields) -> Answer {
    let channel = state.readable(fields)?;
    let newest_first = channel.messages.iter().rev().filter(|m| is_top(m) && in_range(m["ts"].as_str().unwrap(), fields));
    let messages = newest_first.map(|m| shown(channel, m, fields)).collect();
    let mut answer = pages::page(messages, "messages", fields, USUAL, MOST)?;
    answer.insert("pin_count".to_owned(), json!(0));
    Ok(answer)
}

pub(super) fn replies(state: &mut State, fields: &Fields) -> Answer {
    let channel = state.readable(fields)?;
    let ts = fields.need("ts")?;
    let parent = channel.message(ts).ok_or("thread_not_found")?;
    let under =
        channel.messages.iter().filter(|m| !is_top(m) && m["thread_ts"] == parent["ts"] && in_range(m["ts"].as_str().unwrap(), fields));
    let messages = std::iter::once(parent).chain(under).map(|m| shown(channel, m, fields)).collect();
    pages::page(messages, "messages", fields, USUAL_REPLIES, MOST_REPLIES)
}
