//! Response URLs: five uses in thirty minutes.

use axum::{
    body::Bytes,
    extract::{Path, State as Shared},
    http::StatusCode,
};
use serde_json::{Map, Value};

use super::{
    Slack,
    api::{Refusal, check_draft},
    fields::Fields,
    state::State,
};

const USES: u32 = 5;
const MICROS: i64 = 30 * 60 * 1_000_000;
const TEXT: usize = 40_000;

/// Who may answer where.
pub(super) struct Hook {
    user: String,
    channel: String,
    at_micros: i64,
    used: u32,
    /// The message whose button was pressed.
    source: Option<String>,
}

impl State {
    pub(super) fn new_hook(&mut self, user: &str, channel: &str, source: Option<&str>) -> String {
        let id = format!("h{}", self.next());
        let hook = Hook {
            user: user.to_owned(),
            channel: channel.to_owned(),
            at_micros: self.now_micros,
            used: 0,
            source: source.map(str::to_owned),
        };
        self.hooks.insert(id.clone(), hook);
        format!("{}/hook/{id}", self.origin)
    }

    fn use_hook(&mut self, id: &str, body: &[u8]) -> Result<(), Refusal> {
        let now_micros = self.now_micros;
        let hook = self.hooks.get_mut(id).ok_or("no_such_url")?;
        if now_micros - hook.at_micros > MICROS {
            return Err("expired_url".into());
        }
        if hook.used >= USES {
            return Err("used_url".into());
        }
        hook.used += 1;
        let (user, channel, source) = (hook.user.clone(), hook.channel.clone(), hook.source.clone());
        let fields: Map<String, Value> = serde_json::from_slice(body).map_err(|_| Refusal::new("invalid_payload"))?;
        let fields = Fields(fields);
        self.answer(&user, &channel, source.as_deref(), &fields)
    }

    /// What an app says through a response URL, or in its answer to a slash command.
    ///
    /// # Errors
    /// `no_text`, `invalid_blocks` and the like.
    pub(super) fn answer(&mut self, user: &str, channel: &str, source: Option<&str>, fields: &Fields) -> Result<(), Refusal> {
        if fields.flag("delete_original") {
            self.remove_original(channel, source);
            return Ok(());
        }
        let draft = check_draft(fields, TEXT)?;
        if fields.flag("replace_original") {
            self.remove_original(channel, source);
        }
        if fields.text("response_type") == Some("in_channel") && self.channels.contains_key(channel) {
            self.put(channel, draft);
        } else {
            self.whisper(user, channel, fields.text("thread_ts"), draft);
        }
        Ok(())
    }

    fn remove_original(&mut self, channel: &str, source: Option<&str>) {
        let Some(ts) = source else { return };
        self.ephemerals.retain(|e| e.message["ts"] != ts);
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.messages.retain(|m| m["ts"] != ts);
        }
    }
}

pub(super) async fn respond(Shared(slack): Shared<Slack>, Path(id): Path<String>, body: Bytes) -> (StatusCode, String) {
    let mut state = slack.state();
    match state.use_hook(&id, &body) {
        Ok(()) => (StatusCode::OK, "ok".to_owned()),
        Err(refusal) => {
            state.refuse(format!("response_url: {refusal}"));
            (StatusCode::NOT_FOUND, Value::Object(refusal.into_answer()).to_string())
        }
    }
}
