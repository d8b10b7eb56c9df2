//! Posts, changes and private messages. What is sent again within minutes Discord recognises by its nonce; what may have been
//! sent before that is looked for. Must not try again by itself: the workers do.

use std::{sync::PoisonError, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use serenity::{
    http::{LightMethod, Route},
    model::id::ChannelId,
};
use sha2::{Digest, Sha256};

use super::{
    Discord, Trouble,
    api::{Call, id},
    limits,
    markdown::{cut, escaped},
    standing::{Known, LATE},
};
use crate::{
    chat::{Chat, ChatFault, Message, Once, Posted, Profile, Sending},
    domain::{
        policy::{Channel, Platform},
        time::Span,
    },
};

/// A message as it is sent, and the name of the thread that is to be made from it.
pub(super) struct Made {
    pub body: Value,
    pub thread: Option<String>,
}

impl Made {
    /// From what a template made; words that are no JSON are sent as words.
    fn of(message: &Message) -> Self {
        let mut body = match serde_json::from_str(&message.body) {
            Ok(body @ Value::Object(_)) => body,
            _ => json!({ "content": plain(&message.body) }),
        };
        let thread = body.as_object_mut().and_then(|body| body.remove("thread"));
        let thread = thread.and_then(|thread| thread["name"].as_str().map(str::to_owned)).filter(|name| !name.trim().is_empty());
        // Nobody is mentioned but those whom the message names; a change without this would be read with Discord's own defaults.
        if !body["allowed_mentions"].is_object() {
            body["allowed_mentions"] = json!({ "parse": [] });
        }
        Self { body, thread }
    }

    /// How it is known again when it stands already. A card's nonce begins with its request.
    fn known<'a>(&'a self, once: Once<'a>) -> Known<'a> {
        let request = once.nonce.split('/').next().filter(|_| self.thread.is_some());
        request.map_or(Known::Words(&self.body), |request| Known::Card(request, &self.body))
    }

    /// As a change: what is left out would go on standing there, with its buttons. What is null is taken away as it is.
    fn change(mut self) -> Value {
        if let Some(body) = self.body.as_object_mut() {
            body.remove(LATE);
        }
        for (key, nothing) in [("content", json!("")), ("embeds", json!([])), ("components", json!([]))] {
            if self.body.get(key).is_none() {
                self.body[key] = nothing;
            }
        }
        self.body
    }
}

/// Words as they are, in markdown.
fn plain(words: &str) -> String {
    let mut plain = escaped(words);
    cut(&mut plain, limits::CONTENT);
    plain
}

/// At most 25 characters, as Discord has them. Of the channel too: a line that was sent in the thread of a card that is gone is
/// another under the next one.
fn short(channel: &str, nonce: &str) -> String {
    let hash = Sha256::new().chain_update(channel.as_bytes()).chain_update([0]).chain_update(nonce.as_bytes()).finalize();
    URL_SAFE_NO_PAD.encode(&hash[..18])
}

impl Discord {
    /// Posts once in a channel, a thread or direct messages. `place` is who refuses, if it is refused.
    pub(super) async fn send(&self, place: &str, channel: &str, mut body: Value, once: Once<'_>) -> Result<Posted, Trouble> {
        if let Some(body) = body.as_object_mut() {
            body.remove(LATE);
        }
        body["nonce"] = json!(short(channel, once.nonce));
        body["enforce_nonce"] = json!(true);
        let channel_id: ChannelId = id(channel, "channel")?;
        let answer = self.api.call(Call::new(LightMethod::Post, Route::ChannelMessages { channel_id }).body(&body).at(place)).await?;
        let (channel, message) = (answer["channel_id"].as_str(), answer["id"].as_str());
        let (Some(channel), Some(message)) = (channel, message) else {
            return Err(Trouble::Unanswered("a message without its place".to_owned()));
        };
        Ok(Posted { channel: channel.to_owned(), message: message.to_owned() })
    }

    /// The channel of somebody's direct messages.
    async fn direct_channel(&self, user: &str) -> Result<String, Trouble> {
        if let Some(channel) = self.known_direct(user) {
            return Ok(channel);
        }
        let recipient: serenity::model::id::UserId = id(user, "user")?;
        let body = json!({ "recipient_id": recipient.to_string() });
        let place = format!("@{user}");
        let answer = self.api.call(Call::new(LightMethod::Post, Route::UserMeDmChannels).body(&body).at(&place)).await?;
        let Some(channel) = answer["id"].as_str() else {
            return Err(Trouble::Unanswered("a conversation without its id".to_owned()));
        };
        self.directs.write().unwrap_or_else(PoisonError::into_inner).insert(user.to_owned(), channel.to_owned());
        Ok(channel.to_owned())
    }

    fn known_direct(&self, user: &str) -> Option<String> {
        self.directs.read().unwrap_or_else(PoisonError::into_inner).get(user).cloned()
    }

    /// What refuses when this channel does: itself, or whose direct messages it is.
    fn place_of(&self, channel: &str) -> String {
        let directs = self.directs.read().unwrap_or_else(PoisonError::into_inner);
        directs.iter().find(|(_, of)| *of == channel).map_or_else(|| channel.to_owned(), |(user, _)| format!("@{user}"))
    }
}

/// Rounded up to what workers wait in.
fn whole_seconds(wait: Duration) -> Span {
    Span::from_seconds(i64::try_from(wait.as_micros().div_ceil(1_000_000)).unwrap_or(i64::MAX))
}

#[async_trait]
impl Chat for Discord {
    fn platform(&self) -> Platform {
        Platform::Discord
    }

    fn wait(&self, place: &str, what: Sending) -> Option<Span> {
        let channel = match place.strip_prefix('@') {
            None => Some(place.to_owned()),
            Some(user) => self.known_direct(user),
        };
        let wait = match (channel, what) {
            (None, _) => self.api.wait("POST", "/users/@me/channels", place),
            (Some(channel), Sending::Post) => self.api.wait("POST", &format!("/channels/{channel}/messages"), place),
            (Some(channel), Sending::Update) => self.api.wait("PATCH", &format!("/channels/{channel}/messages/0"), place),
        };
        wait.map(whole_seconds)
    }

    fn wait_under(&self, card: &Posted) -> Option<Span> {
        self.api.wait("POST", &format!("/channels/{}/messages", card.message), &super::threads::place(card)).map(whole_seconds)
    }

    /// For a few minutes only, and what is tried again may be older.
    fn recognises(&self) -> bool {
        false
    }

    async fn post(&self, channel: &Channel, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        let made = Made::of(message);
        let stands = if once.may_stand { self.standing(&channel.id, &made.known(once), once).await? } else { None };
        let posted = match stands {
            Some(posted) => posted,
            None => self.send(&channel.id, &channel.id, made.body, once).await?,
        };
        if let Some(name) = made.thread {
            self.begin_thread(&posted, name).await;
        }
        Ok(posted)
    }

    async fn update(&self, at: &Posted, message: &Message) -> Result<(), ChatFault> {
        let body = Made::of(message).change();
        let route = Route::ChannelMessage { channel_id: id(&at.channel, "channel")?, message_id: id(&at.message, "message")? };
        let place = self.place_of(&at.channel);
        match self.api.call(Call::new(LightMethod::Patch, route).body(&body).at(&place)).await {
            Ok(_) => Ok(()),
            // With its channel it is gone too; posting it again says what is wrong.
            Err(trouble) if trouble.is_one_of(&[10003]) => Err(ChatFault::Gone),
            Err(trouble) => Err(trouble.into()),
        }
    }

    async fn reply(&self, under: &Posted, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        self.tell_under(under, Made::of(message).body, once).await
    }

    async fn direct(&self, user: &str, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        let channel = self.direct_channel(user).await?;
        let made = Made::of(message);
        if once.may_stand
            && let Some(posted) = self.standing(&channel, &made.known(once), once).await?
        {
            return Ok(posted);
        }
        let sent = self.send(&format!("@{user}"), &channel, made.body, once).await;
        if sent.as_ref().is_err_and(|trouble| trouble.is_one_of(&[10003])) {
            // It is opened anew at the next try.
            self.directs.write().unwrap_or_else(PoisonError::into_inner).remove(user);
            return Err(ChatFault::Transient { why: "the conversation is not there any more".to_owned(), retry_after: None });
        }
        Ok(sent?)
    }

    async fn link(&self, at: &Posted) -> Option<String> {
        Some(format!("https://discord.com/channels/{}/{}/{}", self.settings.guild, at.channel, at.message))
    }

    fn lists_members(&self) -> bool {
        false
    }

    async fn members(&self, _group: &str) -> Result<Vec<String>, ChatFault> {
        Err(ChatFault::Permanent {
            why: "Discord lists nobody's roles without a privileged intent; it is asked about one account at a time".to_owned(),
        })
    }

    async fn is_member(&self, group: &str, user: &str) -> Result<bool, ChatFault> {
        self.has_role(group, user).await
    }

    fn has_room(&self, user: &str) -> bool {
        self.has_room_for(user)
    }

    async fn member_count(&self, group: &str) -> Result<u64, ChatFault> {
        self.count_of(group).await
    }

    async fn put_away(&self, under: &Posted) -> Result<(), ChatFault> {
        Ok(self.archive(under).await?)
    }

    async fn profile(&self, user: &str) -> Result<Profile, ChatFault> {
        self.profile_of(user).await
    }
}
