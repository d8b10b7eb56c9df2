//! What Discord remembers: people, guilds, roles, channels, messages, interactions and forms that are open; and their JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

#[derive(Clone)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) username: String,
    /// What they call themselves.
    pub(super) global_name: Option<String>,
    pub(super) bot: bool,
    /// They take direct messages of this bot.
    pub(super) takes_directs: bool,
}

impl Person {
    /// The `user` object.
    pub(super) fn json(&self) -> Value {
        let mut user = json!({
            "id": self.id, "username": self.username, "global_name": self.global_name, "discriminator": "0", "avatar": null,
            "public_flags": 0, "flags": 0, "banner": null, "accent_color": null, "avatar_decoration_data": null,
            "collectibles": null, "primary_guild": null,
        });
        if self.bot {
            user["bot"] = json!(true);
        }
        user
    }
}

#[derive(Clone, Default)]
pub(super) struct Member {
    pub(super) nick: Option<String>,
    pub(super) roles: Vec<String>,
    /// In seconds since 1970.
    pub(super) timed_out_until: Option<i64>,
    /// They have not yet agreed to the guild's rules.
    pub(super) pending: bool,
}

#[derive(Clone)]
pub(super) struct Role {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) permissions: u64,
    pub(super) position: u32,
    /// It belongs to an application.
    pub(super) managed: bool,
    pub(super) mentionable: bool,
}

impl Role {
    pub(super) fn json(&self) -> Value {
        let mut role = json!({
            "id": self.id, "name": self.name, "permissions": self.permissions.to_string(), "position": self.position, "color": 0,
            "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null}, "hoist": false,
            "managed": self.managed, "mentionable": self.mentionable, "icon": null, "unicode_emoji": null, "flags": 0,
        });
        if self.managed {
            role["tags"] = json!({"bot_id": super::BOT});
        }
        role
    }
}

#[derive(Clone)]
pub(super) struct Guild {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) owner: String,
    /// By id; the one of everybody has the guild's.
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) members: BTreeMap<String, Member>,
    /// As they were registered.
    pub(super) commands: Vec<Value>,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum RuleFor {
    Role(String),
    Member(String),
}

/// What a channel allows or forbids somebody, whatever their roles say.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) whom: RuleFor,
    pub(super) allow: u64,
    pub(super) deny: u64,
}

impl Rule {
    pub(super) fn json(&self) -> Value {
        let (id, kind) = match &self.whom {
            RuleFor::Role(id) => (id, 0),
            RuleFor::Member(id) => (id, 1),
        };
        json!({"id": id, "type": kind, "allow": self.allow.to_string(), "deny": self.deny.to_string()})
    }
}

pub(super) enum Sort {
    Text,
    /// Nothing that this fake knows is written there.
    Voice,
    /// With one person.
    Direct(String),
    Thread(Thread),
}

pub(super) struct Thread {
    pub(super) parent: String,
    pub(super) owner: String,
    pub(super) archived: bool,
    pub(super) locked: bool,
    pub(super) auto_archive: u64,
    /// When it was last archived or brought back.
    pub(super) turned_micros: i64,
}

pub(super) struct Channel {
    pub(super) id: String,
    /// None: a direct conversation.
    pub(super) guild: Option<String>,
    pub(super) name: String,
    pub(super) sort: Sort,
    pub(super) rules: Vec<Rule>,
    /// Oldest first.
    pub(super) messages: Vec<Value>,
}

impl Channel {
    pub(super) fn thread(&self) -> Option<&Thread> {
        match &self.sort {
            Sort::Thread(thread) => Some(thread),
            _ => None,
        }
    }

    pub(super) fn message(&self, id: &str) -> Option<&Value> {
        self.messages.iter().find(|m| m["id"] == id)
    }

    pub(super) fn message_mut(&mut self, id: &str) -> Option<&mut Value> {
        self.messages.iter_mut().find(|m| m["id"] == id)
    }
}

/// A message that one person sees.
#[derive(Clone)]
pub(super) struct Ephemeral {
    pub(super) user: String,
    pub(super) message: Value,
}

/// A form in front of somebody.
#[derive(Clone)]
pub(super) struct Form {
    /// As it was sent.
    pub(super) modal: Value,
    /// The interaction that it answered.
    pub(super) from: Value,
}

/// Where an interaction's own answer stands.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Original {
    None,
    /// A message of this id, seen by all or by one.
    Message(String),
}

/// What somebody did, and how it was answered.
#[derive(Clone)]
pub(super) struct Interaction {
    pub(super) payload: Value,
    pub(super) user: String,
    pub(super) at_micros: i64,
    /// The whole body of the callback.
    pub(super) answer: Option<Value>,
    pub(super) original: Original,
    /// It still says that the bot is thinking.
    pub(super) deferred: bool,
}

impl Interaction {
    pub(super) fn text(&self, name: &str) -> &str {
        self.payload[name].as_str().unwrap_or_default()
    }

    pub(super) fn kind(&self) -> u64 {
        self.payload["type"].as_u64().unwrap_or_default()
    }
}
