//! What the bot may do and where: the bits that matter, and how Discord reckons them from roles and a channel's own rules.

use super::records::{Channel, Guild, Rule, RuleFor};

pub(crate) const ADMINISTRATOR: u64 = 1 << 3;
pub(crate) const MANAGE_ROLES: u64 = 1 << 28;
pub(crate) const VIEW_CHANNEL: u64 = 1 << 10;
pub(crate) const SEND_MESSAGES: u64 = 1 << 11;
pub(crate) const EMBED_LINKS: u64 = 1 << 14;
pub(crate) const READ_MESSAGE_HISTORY: u64 = 1 << 16;
pub(crate) const MENTION_EVERYONE: u64 = 1 << 17;
pub(crate) const MANAGE_THREADS: u64 = 1 << 34;
pub(crate) const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
pub(crate) const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;

/// What the bot has at the start: all that a product of this kind needs, and no more.
pub(crate) const USUAL: u64 = VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | READ_MESSAGE_HISTORY
    | MANAGE_ROLES
    | MANAGE_THREADS
    | CREATE_PUBLIC_THREADS
    | SEND_MESSAGES_IN_THREADS;

/// What everybody has at the start.
pub(super) const EVERYBODYS: u64 = VIEW_CHANNEL | SEND_MESSAGES | READ_MESSAGE_HISTORY | SEND_MESSAGES_IN_THREADS;

/// What a member has in the whole guild.
pub(super) fn base(guild: &Guild, user: &str) -> u64 {
    let Some(member) = guild.members.get(user) else { return 0 };
    let of = |role: &String| guild.roles.get(role).map_or(0, |r| r.permissions);
    let bits = member.roles.iter().fold(of(&guild.id), |bits, role| bits | of(role));
    if user == guild.owner || bits & ADMINISTRATOR != 0 { u64::MAX } else { bits }
}

/// What a member has in one channel of it.
pub(super) fn within(guild: &Guild, channel: &Channel, user: &str) -> u64 {
    let mut bits = base(guild, user);
    if bits == u64::MAX {
        return bits;
    }
    let roles = guild.members.get(user).map(|m| m.roles.clone()).unwrap_or_default();
    let mut apply = |allow: u64, deny: u64| bits = (bits & !deny) | allow;
    let sum = |is: &dyn Fn(&Rule) -> bool| {
        let rules = || channel.rules.iter().filter(|rule| is(rule));
        (rules().fold(0, |a, r| a | r.allow), rules().fold(0, |d, r| d | r.deny))
    };
    for (allow, deny) in [
        sum(&|rule| rule.whom == RuleFor::Role(guild.id.clone())),
        sum(&|rule| matches!(&rule.whom, RuleFor::Role(role) if *role != guild.id && roles.contains(role))),
        sum(&|rule| rule.whom == RuleFor::Member(user.to_owned())),
    ] {
        apply(allow, deny);
    }
    if bits & VIEW_CHANNEL == 0 { 0 } else { bits }
}
