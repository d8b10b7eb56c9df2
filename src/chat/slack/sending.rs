//! Posts, changes and private messages. What may have been sent before is looked for by its metadata; nothing is sent faster than
//! a place takes it. Must not try again by itself: the workers do.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Slack, api::Trouble};
use crate::{
    chat::{Chat, ChatFault, Message, Once, Posted, Profile, Sending},
    domain::{
        members::Member,
        policy::{Channel, Platform},
        time::Span,
    },
};

/// Names our metadata among those of other apps.
const EVENT: &str = "hallpass_sent";
/// Messages that are looked through for one that may have been sent before: more than a channel gets between two tries.
const LOOK_BACK: usize = 200;

impl Slack {
    /// Where a message of this nonce stands already.
    async fn standing(&self, channel: &str, under: Option<&str>, nonce: &str) -> Result<Option<Posted>, Trouble> {
        let mut params =
            vec![("channel", channel.to_owned()), ("include_all_metadata", "true".to_owned()), ("limit", LOOK_BACK.to_string())];
        let method = match under {
            Some(ts) => {
                params.push(("ts", ts.to_owned()));
                "conversations.replies"
            }
            None => "conversations.history",
        };
        let (mut cursor, mut pages) = (String::new(), 0);
        loop {
            let mut page = params.clone();
            page.extend((!cursor.is_empty()).then(|| ("cursor", cursor.clone())));
            let answer = self.api.get(method, &page).await?;
            let ours = |message: &&Value| {
                message["metadata"]["event_type"] == EVENT && message["metadata"]["event_payload"]["nonce"] == json!(nonce)
            };
            if let Some(found) = answer["messages"].as_array().and_then(|all| all.iter().find(ours)) {
                return Ok(found["ts"].as_str().map(|ts| Posted { channel: channel.to_owned(), message: ts.to_owned() }));
            }
            answer["response_metadata"]["next_cursor"].as_str().unwrap_or_default().clone_into(&mut cursor);
            pages += 1;
            // Of a thread all is looked through, of a channel its newest messages.
            if cursor.is_empty() || (under.is_none() && pages > 1) {
                return Ok(None);
            }
        }
    }

    async fn send(&self, place: &str, to: (&str, Option<&str>), message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        let (channel, under) = to;
        // Nobody may read back what was said to a person alone, not even whoever said it: there one may stand twice.
        if once.may_stand
            && !place.starts_with('@')
            && let Some(posted) = self.standing(channel, under, once.nonce).await?
        {
            return Ok(posted);
        }
        let mut body = body(message);
        body["channel"] = json!(channel);
        body["metadata"] = json!({ "event_type": EVENT, "event_payload": { "nonce": once.nonce } });
        if let Some(ts) = under {
            body["thread_ts"] = json!(ts);
        }
        for (key, value) in [("mrkdwn", false), ("link_names", false), ("unfurl_links", false), ("unfurl_media", false)] {
            body[key] = json!(value);
        }
        let now = self.now();
        self.pace.sent(place, Sending::Post, now);
        let answer = self.api.post("chat.postMessage", &body).await.map_err(|trouble| self.noted(place, Sending::Post, trouble))?;
        let (channel, message) = (answer["channel"].as_str(), answer["ts"].as_str());
        let (Some(channel), Some(message)) = (channel, message) else {
            return Err(Trouble::Unanswered("a post without its place".to_owned()).into());
        };
        Ok(Posted { channel: channel.to_owned(), message: message.to_owned() })
    }

    /// A pause that Slack asks for is kept by everything of that kind.
    fn noted(&self, place: &str, what: Sending, trouble: Trouble) -> ChatFault {
        if let Trouble::Limited(after) = &trouble {
            let seconds = after.map_or(1, |after| i64::try_from(after.as_secs()).unwrap_or(i64::MAX)).max(1);
            self.pace.pause(place, what, self.now(), seconds);
        }
        trouble.into()
    }

    /// What is counted under: a channel, or whose direct messages it is, as far as that is known.
    fn place_of(&self, channel: &str) -> String {
        let directs = self.directs.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        directs.iter().find(|(_, of)| *of == channel).map_or_else(|| channel.to_owned(), |(user, _)| format!("@{user}"))
    }

    /// The channel of somebody's direct messages.
    async fn direct_channel(&self, user: &str) -> Result<String, Trouble> {
        let poisoned = std::sync::PoisonError::into_inner;
        if let Some(channel) = self.directs.read().unwrap_or_else(poisoned).get(user) {
            return Ok(channel.clone());
        }
        let id = user.rsplit('/').next().unwrap_or(user);
        let answer = self.api.post("conversations.open", &json!({ "users": id })).await?;
        let Some(channel) = answer["channel"]["id"].as_str() else {
            return Err(Trouble::Unanswered("a conversation without its id".to_owned()));
        };
        self.directs.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(user.to_owned(), channel.to_owned());
        Ok(channel.to_owned())
    }
}

/// What a template made; words that are no JSON are sent as words.
fn body(message: &Message) -> Value {
    match serde_json::from_str(&message.body) {
        Ok(body @ Value::Object(_)) => body,
        _ => json!({ "text": message.body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;") }),
    }
}

/// The address of a message in its workspace, as `chat.getPermalink` gives it; asking for each of thousands would take hours.
fn linked(workspace: &str, at: &Posted) -> Option<String> {
    let (seconds, micros) = at.message.split_once('.')?;
    Some(format!("{}/archives/{}/p{seconds}{micros}", workspace.trim_end_matches('/'), at.channel))
}

#[async_trait]
impl Chat for Slack {
    fn platform(&self) -> Platform {
        Platform::Slack
    }

    fn wait(&self, place: &str, what: Sending) -> Option<Span> {
        self.pace.wait(place, what, self.now())
    }

    fn recognises(&self) -> bool {
        false
    }

    async fn post(&self, channel: &Channel, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        self.send(&channel.id, (&channel.id, None), message, once).await
    }

    async fn update(&self, at: &Posted, message: &Message) -> Result<(), ChatFault> {
        let mut body = body(message);
        body["channel"] = json!(at.channel);
        body["ts"] = json!(at.message);
        if body["blocks"].is_null() {
            // Left out, the old ones would go on standing there with their buttons.
            body["blocks"] = json!([]);
        }
        let place = self.place_of(&at.channel);
        self.pace.sent(&place, Sending::Update, self.now());
        match self.api.post("chat.update", &body).await {
            Ok(_) => Ok(()),
            Err(trouble) => Err(self.noted(&place, Sending::Update, trouble)),
        }
    }

    async fn reply(&self, under: &Posted, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        self.send(&under.channel, (&under.channel, Some(&under.message)), message, once).await
    }

    async fn direct(&self, user: &str, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        let channel = self.direct_channel(user).await?;
        self.send(&format!("@{user}"), (&channel, None), message, once).await
    }

    async fn link(&self, at: &Posted) -> Option<String> {
        linked(&self.home().await.ok()?.url?, at)
    }

    async fn members(&self, group: &str) -> Result<Vec<String>, ChatFault> {
        self.members_of(group).await
    }

    async fn profile(&self, user: &str) -> Result<Profile, ChatFault> {
        self.profile_of(user).await
    }

    async fn roster(&self) -> Result<Vec<Member>, ChatFault> {
        self.all_members().await
    }

    async fn member(&self, user: &str) -> Result<Option<Member>, ChatFault> {
        self.member_of(user).await
    }
}
