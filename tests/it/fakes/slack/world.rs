//! Building the workspace: who is there, in which groups and conversations, and what the app may do.

use super::{
    BOT_USER, Slack, TEAM,
    state::{Channel, Group, Sort, Standing},
};

impl Slack {
    /// A full member.
    pub(crate) fn person(&self, id: &str, real_name: &str) -> &Self {
        self.state().add_person(id, real_name, Standing::Full, TEAM);
        self
    }

    /// A multi-channel guest.
    pub(crate) fn guest(&self, id: &str, real_name: &str) -> &Self {
        self.state().add_person(id, real_name, Standing::Guest, TEAM);
        self
    }

    pub(crate) fn single_channel_guest(&self, id: &str, real_name: &str) -> &Self {
        self.state().add_person(id, real_name, Standing::SingleChannelGuest, TEAM);
        self
    }

    /// Another app's bot.
    pub(crate) fn bot(&self, id: &str) -> &Self {
        self.state().add_person(id, "Robot", Standing::Bot, TEAM);
        self
    }

    /// Somebody of another workspace, seen through a shared channel.
    pub(crate) fn stranger(&self, id: &str, real_name: &str, team: &str) -> &Self {
        self.state().add_person(id, real_name, Standing::Full, team);
        self
    }

    /// A full member of another workspace of the same organisation.
    pub(crate) fn sibling(&self, id: &str, real_name: &str, team: &str) -> &Self {
        self.stranger(id, real_name, team).change_person(id, |p| p.of_organisation = true)
    }

    pub(crate) fn email(&self, id: &str, address: &str, verified: bool) -> &Self {
        self.change_person(id, |p| p.email = Some((address.to_owned(), verified)))
    }

    /// An IANA zone; `Etc/UTC` otherwise.
    pub(crate) fn zone(&self, id: &str, zone: &str) -> &Self {
        self.change_person(id, |p| zone.clone_into(&mut p.zone))
    }

    pub(crate) fn rename(&self, id: &str, real_name: &str) -> &Self {
        self.change_person(id, |p| real_name.clone_into(&mut p.real_name))
    }

    pub(crate) fn deactivate(&self, id: &str) -> &Self {
        self.change_person(id, |p| p.deleted = true)
    }

    fn change_person(&self, id: &str, change: impl FnOnce(&mut super::state::Person)) -> &Self {
        change(self.state().people.get_mut(id).unwrap_or_else(|| panic!("there is no {id}")));
        self
    }

    /// The app is installed for a whole organisation: payloads name no team.
    pub(crate) fn org(&self, enterprise: &str) -> &Self {
        self.state().enterprise = Some(enterprise.to_owned());
        self
    }

    /// Makes a user group, or gives it other members.
    pub(crate) fn group(&self, id: &str, handle: &str, members: &[&str]) -> &Self {
        let members = members.iter().map(|&m| m.to_owned()).collect();
        self.state().groups.insert(id.to_owned(), Group { handle: handle.to_owned(), members, disabled: false });
        self
    }

    pub(crate) fn disable_group(&self, id: &str) -> &Self {
        self.state().groups.get_mut(id).unwrap_or_else(|| panic!("there is no group {id}")).disabled = true;
        self
    }

    /// A public channel with these people and the bot in it.
    pub(crate) fn channel(&self, id: &str, name: &str, members: &[&str]) -> &Self {
        self.state().channels.insert(id.to_owned(), Channel::new(name, Sort::Public, members));
        self
    }

    pub(crate) fn private(&self, id: &str, name: &str, members: &[&str]) -> &Self {
        self.state().channels.insert(id.to_owned(), Channel::new(name, Sort::Private, members));
        self
    }

    /// The direct conversation between the bot and somebody.
    pub(crate) fn im(&self, user: &str) -> String {
        self.state().direct_with(user)
    }

    pub(crate) fn archive(&self, id: &str) -> &Self {
        self.change_channel(id, |c| c.archived = true)
    }

    pub(crate) fn remove_bot(&self, id: &str) -> &Self {
        self.change_channel(id, |c| c.bot_is_in = false)
    }

    pub(crate) fn invite_bot(&self, id: &str) -> &Self {
        self.change_channel(id, |c| c.bot_is_in = true)
    }

    /// Shares a channel with another workspace (Slack Connect).
    pub(crate) fn share(&self, id: &str, team: &str) -> &Self {
        self.change_channel(id, |c| c.shared_with.push(team.to_owned()))
    }

    /// Somebody deletes a message by hand, whoever wrote it.
    pub(crate) fn delete(&self, channel: &str, ts: &str) -> &Self {
        self.change_channel(channel, |c| c.messages.retain(|m| m["ts"] != ts))
    }

    fn change_channel(&self, id: &str, change: impl FnOnce(&mut Channel)) -> &Self {
        change(self.state().channels.get_mut(id).unwrap_or_else(|| panic!("there is no channel {id}")));
        self
    }

    /// A person writes; gives the `ts`.
    pub(crate) fn say(&self, user: &str, channel: &str, text: &str, thread_ts: Option<&str>) -> String {
        let mut state = self.state();
        let ts = state.stamp_ts();
        let team = state.known(user).team.clone();
        let mut message = serde_json::json!({"type": "message", "user": user, "team": team, "text": text, "ts": ts});
        if let Some(thread) = thread_ts {
            message["thread_ts"] = thread.into();
        }
        let channel = state.channels.get_mut(channel).unwrap_or_else(|| panic!("there is no channel {channel}"));
        assert!(user == BOT_USER || channel.members.iter().any(|m| m == user), "{user} is not in {}", channel.name);
        channel.messages.push(message);
        ts
    }

    /// The scopes that the bot token has, instead of those before.
    pub(crate) fn grant_scopes(&self, scopes: &[&str]) -> &Self {
        self.state().scopes = scopes.iter().map(|&s| s.to_owned()).collect();
        self
    }

    /// Takes one scope away.
    pub(crate) fn take_scope(&self, scope: &str) -> &Self {
        assert!(self.state().scopes.remove(scope), "the app did not have {scope}");
        self
    }
}
