//! The least that the bot's token must be allowed, for what a bot.toml uses. The manifest asks for it, the doctor compares.

use crate::{config::Config, domain::policy::Platform};

/// One scope of the bot's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Scope {
    pub name: &'static str,
    /// What the bot does with it.
    pub why: &'static str,
}

const ALWAYS: [Scope; 8] = [
    Scope { name: "channels:history", why: "finds its own posts in public channels again" },
    Scope { name: "channels:read", why: "sees whether a public channel has guests or is archived" },
    Scope { name: "chat:write", why: "posts cards and keeps them up to date" },
    Scope { name: "commands", why: "/jit and the shortcuts" },
    Scope { name: "groups:history", why: "finds its own posts in private channels again" },
    Scope { name: "groups:read", why: "sees whether a private channel has guests or is archived" },
    Scope { name: "im:write", why: "writes to people directly" },
    Scope { name: "users:read", why: "sees who is active, a guest or of another organisation, and their time zone" },
];
const GROUPS: Scope = Scope { name: "usergroups:read", why: "asks who is in a user group" };
const EMAIL: Scope = Scope { name: "users:read.email", why: "finds people by their address (people.match_email)" };

/// What this file needs, by name.
pub(in super::super) fn needed_scopes(config: &Config) -> Vec<Scope> {
    let mut scopes = ALWAYS.to_vec();
    if config.catalogue.groups.values().any(|group| group.chats.contains_key(&Platform::Slack)) {
        scopes.push(GROUPS);
    }
    if config.catalogue.members.match_email == Some(Platform::Slack) {
        scopes.push(EMAIL);
    }
    scopes
}
