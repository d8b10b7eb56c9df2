//! A place where something is shown or told, as a task's key names it, and sending to it. Must not decide what is sent.

use super::{Deps, Trouble};
use crate::{
    chat::{Chat, ChatFault, Message, Once, Posted, Sending},
    domain::{
        ids::PersonId,
        policy::{Channel, Platform},
        request::RequestId,
        time::Span,
    },
    store::{Commit, Post, PostWrite},
};

/// A request at a place: `<request>/<platform>/<channel, or @ and a person>`.
pub(super) struct Place<'a> {
    pub request: RequestId,
    pub platform: Platform,
    pub name: &'a str,
    pub chat: &'a dyn Chat,
}

impl<'a> Place<'a> {
    /// None: it means nothing, or its platform is not connected.
    pub(super) fn of(deps: &'a Deps, key: &'a str) -> Option<Self> {
        let mut pieces = key.splitn(3, '/');
        let (request, platform, name) = (pieces.next()?, pieces.next()?, pieces.next()?);
        let platform = Platform::named(platform)?;
        Some(Self { request: request.parse().ok()?, platform, name, chat: deps.chats.get(&platform)?.as_ref() })
    }

    /// Whose private messages it is.
    pub(super) fn person(&self) -> Option<PersonId> {
        self.name.strip_prefix('@')?.parse().ok()
    }

    pub(super) fn channel(&self) -> Channel {
        Channel { platform: self.platform, id: self.name.to_owned() }
    }

    /// What is stored of it.
    pub(super) async fn post(&self, deps: &Deps) -> Result<Post, Trouble> {
        let known = deps.store.posts(&self.request).await?.into_iter().find(|p| p.platform == self.platform && p.place == self.name);
        Ok(known.unwrap_or_else(|| Post {
            request: self.request.clone(),
            platform: self.platform,
            place: self.name.to_owned(),
            posted: None,
            shown: None,
            sending: None,
            cursor: 0,
            telling: None,
        }))
    }
}

/// A person's account on a platform; None: they have none there.
pub(super) fn account(deps: &Deps, person: &PersonId, platform: Platform) -> Option<String> {
    deps.bot.catalogue().people.get(person)?.identities.get(&platform).cloned()
}

pub(super) async fn save(deps: &Deps, write: PostWrite) -> Result<(), Trouble> {
    Ok(deps.store.commit(Commit { posts: vec![write], ..Commit::default() }).await?)
}

/// Where a message goes.
#[derive(Debug)]
pub(in crate::worker) enum To {
    Channel(Channel),
    /// The thread of this card.
    Under(Posted),
    /// Somebody's account.
    User(String),
}

impl To {
    /// How much longer it must wait for its turn.
    pub(super) fn wait(&self, chat: &dyn Chat, what: Sending) -> Option<Span> {
        let wait = match self {
            Self::Channel(channel) => chat.wait(&channel.id, what),
            Self::Under(card) => chat.wait_under(card),
            Self::User(user) => chat.wait(&format!("@{user}"), what),
        };
        wait.filter(|wait| *wait > Span::ZERO)
    }

    pub(super) async fn send(&self, chat: &dyn Chat, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        match self {
            Self::Channel(channel) => chat.post(channel, message, once).await,
            Self::Under(card) => chat.reply(card, message, once).await,
            Self::User(user) => chat.direct(user, message, once).await,
        }
    }

    /// As `send`, of what changes: if it stood there already, it may say what was true then.
    pub(in crate::worker) async fn show(&self, chat: &dyn Chat, message: &Message, once: Once<'_>) -> Result<Posted, ChatFault> {
        let posted = self.send(chat, message, once).await?;
        if once.may_stand {
            chat.update(&posted, message).await?;
        }
        Ok(posted)
    }
}

/// Rewrites it where it stands. False: it does not stand anywhere (any more).
pub(in crate::worker) async fn is_rewritten(chat: &dyn Chat, at: Option<&Posted>, message: &Message) -> Result<bool, ChatFault> {
    let Some(at) = at else { return Ok(false) };
    match chat.update(at, message).await {
        Ok(()) => Ok(true),
        Err(ChatFault::Gone) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// The nonce of what is posted anew when the one before is gone.
pub(in crate::worker) fn anew(nonce: &str, gone: Option<&Posted>) -> String {
    gone.map_or_else(|| nonce.to_owned(), |gone| format!("{nonce}/{}", gone.message))
}
