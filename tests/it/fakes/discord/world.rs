//! Building the guild: who is there, with which roles, in which channels, and what the bot may do.

use super::{
    BOT, BOT_ROLE, Discord, GUILD,
    permissions::EVERYBODYS,
    records::{Channel, Guild, Member, Role, Rule, RuleFor, Sort, Thread},
};

impl Discord {
    /// A member of the bot's guild.
    pub(crate) fn person(&self, id: &str, name: &str) -> &Self {
        self.stranger(id, name).join(GUILD, id)
    }

    /// The application's flags, such as `1 << 15`: it may read all members.
    pub(crate) fn flags(&self, flags: u64) -> &Self {
        self.state().flags = flags;
        self
    }

    /// Somebody who is in no guild yet.
    pub(crate) fn stranger(&self, id: &str, name: &str) -> &Self {
        self.state().add_person(id, name, false);
        self
    }

    /// Another application's bot, in the bot's guild.
    pub(crate) fn robot(&self, id: &str, name: &str) -> &Self {
        self.state().add_person(id, name, true);
        self.join(GUILD, id)
    }

    pub(crate) fn join(&self, guild: &str, user: &str) -> &Self {
        self.change_guild(guild, |g| drop(g.members.insert(user.to_owned(), Member::default())))
    }

    /// They leave the bot's guild.
    pub(crate) fn leave(&self, user: &str) -> &Self {
        self.change_guild(GUILD, |g| drop(g.members.remove(user)))
    }

    /// What they are called in the bot's guild.
    pub(crate) fn nick(&self, user: &str, nick: &str) -> &Self {
        self.change_member(user, |m| m.nick = Some(nick.to_owned()))
    }

    /// They can do nothing until then (seconds since 1970).
    pub(crate) fn time_out(&self, user: &str, until_seconds: Option<i64>) -> &Self {
        self.change_member(user, |m| m.timed_out_until = until_seconds)
    }

    /// They have not yet agreed to the guild's rules.
    pub(crate) fn pending(&self, user: &str, pending: bool) -> &Self {
        self.change_member(user, |m| m.pending = pending)
    }

    /// They take no direct messages.
    pub(crate) fn close_directs(&self, user: &str) -> &Self {
        self.state().people.get_mut(user).unwrap_or_else(|| panic!("there is no {user}")).takes_directs = false;
        self
    }

    /// Makes a role of the bot's guild that anybody may mention, and gives it to these people and nobody else.
    pub(crate) fn role(&self, id: &str, name: &str, members: &[&str]) -> &Self {
        self.role_in(GUILD, id, name, members)
    }

    pub(crate) fn role_in(&self, guild: &str, id: &str, name: &str, members: &[&str]) -> &Self {
        self.change_guild(guild, |g| {
            let position = u32::try_from(g.roles.len()).unwrap();
            let before = g.roles.get(id).map(|role| role.position);
            let role = Role {
                id: id.to_owned(),
                name: name.to_owned(),
                permissions: EVERYBODYS,
                position: before.unwrap_or(position),
                managed: false,
                mentionable: true,
            };
            g.roles.insert(id.to_owned(), role);
            for (user, member) in &mut g.members {
                member.roles.retain(|role| role != id);
                if members.contains(&user.as_str()) {
                    member.roles.push(id.to_owned());
                }
            }
            for user in members {
                assert!(g.members.contains_key(*user), "{user} is not in guild {}", g.id);
            }
        })
    }

    /// Only who may mention everybody can ping it.
    pub(crate) fn unmentionable(&self, role: &str) -> &Self {
        self.change_role(role, |r| r.mentionable = false)
    }

    /// Where a role stands among the others; the higher one rules.
    pub(crate) fn position(&self, role: &str, position: u32) -> &Self {
        self.change_role(role, |r| r.position = position)
    }

    pub(crate) fn delete_role(&self, role: &str) -> &Self {
        self.change_guild(GUILD, |g| {
            g.roles.remove(role);
            g.members.values_mut().for_each(|member| member.roles.retain(|r| r != role));
        })
    }

    /// What the bot's own role gives it in the whole guild.
    pub(crate) fn grant_bot(&self, permissions: u64) -> &Self {
        self.change_role(BOT_ROLE, |r| r.permissions = permissions)
    }

    /// Another guild, which the bot is not in.
    pub(crate) fn guild(&self, id: &str, name: &str) -> &Self {
        self.state().add_guild(id, name);
        self
    }

    /// The bot is taken out of its guild.
    pub(crate) fn kick_bot(&self) -> &Self {
        self.leave(BOT)
    }

    /// The bot is added to a guild, with its usual role.
    pub(crate) fn add_bot(&self, guild: &str) -> &Self {
        let role = self.state().guilds[GUILD].roles[BOT_ROLE].clone();
        self.change_guild(guild, |g| {
            let member = Member { roles: vec![role.id.clone()], ..Member::default() };
            g.members.insert(BOT.to_owned(), member);
            g.roles.insert(role.id.clone(), role);
        })
    }

    /// A text channel of the bot's guild, which everybody sees.
    pub(crate) fn channel(&self, id: &str, name: &str) -> &Self {
        self.channel_in(GUILD, id, name)
    }

    /// A channel in which people talk.
    pub(crate) fn voice(&self, id: &str, name: &str) -> &Self {
        self.channel(id, name).change_channel(id, |c| c.sort = Sort::Voice)
    }

    pub(crate) fn channel_in(&self, guild: &str, id: &str, name: &str) -> &Self {
        let channel = Channel {
            id: id.to_owned(),
            guild: Some(guild.to_owned()),
            name: name.to_owned(),
            sort: Sort::Text,
            rules: Vec::new(),
            messages: Vec::new(),
        };
        self.state().channels.insert(id.to_owned(), channel);
        self
    }

    pub(crate) fn delete_channel(&self, id: &str) -> &Self {
        assert!(self.state().channels.remove(id).is_some(), "there is no channel {id}");
        self
    }

    /// The direct conversation between the bot and somebody.
    pub(crate) fn dm(&self, user: &str) -> String {
        self.state().direct_with(user)
    }

    /// Takes permissions from the bot in one channel (`permissions::SEND_MESSAGES`, ..).
    pub(crate) fn forbid(&self, channel: &str, permissions: u64) -> &Self {
        self.rule(channel, RuleFor::Member(BOT.to_owned()), 0, permissions)
    }

    /// Gives them to the bot in one channel, whatever its roles say.
    pub(crate) fn allow(&self, channel: &str, permissions: u64) -> &Self {
        self.rule(channel, RuleFor::Member(BOT.to_owned()), permissions, 0)
    }

    /// What a role may (not) do in one channel; the guild's own id is the role of everybody.
    pub(crate) fn role_rule(&self, channel: &str, role: &str, allow: u64, deny: u64) -> &Self {
        self.rule(channel, RuleFor::Role(role.to_owned()), allow, deny)
    }

    fn rule(&self, channel: &str, whom: RuleFor, allow: u64, deny: u64) -> &Self {
        self.change_channel(channel, |c| {
            c.rules.retain(|rule| rule.whom != whom);
            c.rules.push(Rule { whom, allow, deny });
        })
    }

    /// Somebody deletes a message by hand, whoever wrote it.
    pub(crate) fn delete(&self, channel: &str, message: &str) -> &Self {
        self.change_channel(channel, |c| c.messages.retain(|m| m["id"] != message))
    }

    /// A moderator archives (and locks) a thread, or brings it back.
    pub(crate) fn archive(&self, thread: &str, archived: bool, locked: bool) -> &Self {
        self.change_thread(thread, |t| (t.archived, t.locked) = (archived, locked))
    }

    /// So many threads may be open at once.
    pub(crate) fn cap_threads(&self, most: usize) -> &Self {
        self.state().most_threads = most;
        self
    }

    /// Whether an archived thread takes nothing until it is brought back, as Discord has it at times; else a message brings it back,
    /// unless it is locked.
    pub(crate) fn refuse_in_archived(&self, on: bool) -> &Self {
        self.state().archived_refuse = on;
        self
    }

    /// A person begins a thread under a message.
    pub(crate) fn begin_thread(&self, user: &str, message: &str, name: &str) -> &Self {
        let mut state = self.state();
        let channel = state.where_is(message).unwrap_or_else(|| panic!("there is no message {message}"));
        state.begin_thread(&channel, message, name, user, 1440);
        drop(state);
        self
    }

    /// A person writes; gives the message's id.
    pub(crate) fn say(&self, user: &str, channel: &str, text: &str) -> String {
        let mut state = self.state();
        assert!(!state.is_locked(channel), "{channel} is locked: nobody writes there");
        let mut message = state.blank(channel, user);
        message["content"] = text.into();
        let id = message["id"].as_str().unwrap().to_owned();
        state.channels.get_mut(channel).unwrap_or_else(|| panic!("there is no channel {channel}")).messages.push(message);
        id
    }

    fn change_guild(&self, id: &str, change: impl FnOnce(&mut Guild)) -> &Self {
        change(self.state().guilds.get_mut(id).unwrap_or_else(|| panic!("there is no guild {id}")));
        self
    }

    fn change_member(&self, user: &str, change: impl FnOnce(&mut Member)) -> &Self {
        self.change_guild(GUILD, |g| change(g.members.get_mut(user).unwrap_or_else(|| panic!("{user} is not in the guild"))))
    }

    fn change_role(&self, role: &str, change: impl FnOnce(&mut Role)) -> &Self {
        self.change_guild(GUILD, |g| change(g.roles.get_mut(role).unwrap_or_else(|| panic!("there is no role {role}"))))
    }

    fn change_channel(&self, id: &str, change: impl FnOnce(&mut Channel)) -> &Self {
        change(self.state().channels.get_mut(id).unwrap_or_else(|| panic!("there is no channel {id}")));
        self
    }

    fn change_thread(&self, id: &str, change: impl FnOnce(&mut Thread)) -> &Self {
        self.change_channel(id, |c| match &mut c.sort {
            Sort::Thread(thread) => change(thread),
            _ => panic!("{id} is no thread"),
        })
    }
}
