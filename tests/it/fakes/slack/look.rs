//! What stands in the workspace, for a test to look at.

use serde_json::Value;

use super::{Slack, api, modals::Form};

impl Slack {
    /// What stands in a conversation itself, oldest first.
    pub(crate) fn messages(&self, channel: &str) -> Vec<Value> {
        let state = self.state();
        let channel = state.channels.get(channel).unwrap_or_else(|| panic!("there is no channel {channel}"));
        channel.messages.iter().filter(|m| api::is_top(m)).cloned().collect()
    }

    /// The replies under a message, oldest first.
    pub(crate) fn thread(&self, channel: &str, ts: &str) -> Vec<Value> {
        let state = self.state();
        let channel = state.channels.get(channel).unwrap_or_else(|| panic!("there is no channel {channel}"));
        channel.messages.iter().filter(|m| !api::is_top(m) && m["thread_ts"] == ts).cloned().collect()
    }

    /// One message, wherever it stands.
    pub(crate) fn message(&self, channel: &str, ts: &str) -> Option<Value> {
        self.state().channels.get(channel)?.message(ts).cloned()
    }

    /// What the bot and somebody said to each other directly, oldest first.
    pub(crate) fn directs(&self, user: &str) -> Vec<Value> {
        let id = self.im(user);
        self.messages(&id)
    }

    /// What only they saw, in any conversation (`channel`), oldest first.
    pub(crate) fn ephemerals(&self, user: &str) -> Vec<Value> {
        self.state().ephemerals.iter().filter(|e| e.user == user).map(|e| e.message.clone()).collect()
    }

    /// Their home tab, if it was published.
    pub(crate) fn home(&self, user: &str) -> Option<Value> {
        self.state().homes.get(user).map(Form::shown)
    }

    /// The form on top of what they have open.
    pub(crate) fn view(&self, user: &str) -> Option<Value> {
        self.views(user).pop()
    }

    /// All the forms that they have open, the top one last.
    pub(crate) fn views(&self, user: &str) -> Vec<Value> {
        self.state().modals.get(user).into_iter().flatten().map(Form::shown).collect()
    }

    /// Every call of the Web API that arrived, in order, with its arguments.
    pub(crate) fn calls(&self) -> Vec<(String, Value)> {
        self.state().calls.clone()
    }

    /// The arguments of the calls of one method.
    pub(crate) fn calls_of(&self, method: &str) -> Vec<Value> {
        self.state().calls.iter().filter(|(name, _)| name == method).map(|(_, fields)| fields.clone()).collect()
    }

    /// Everything that was refused, and why. What a test planned is among it.
    pub(crate) fn refusals(&self) -> Vec<String> {
        self.state().refusals.clone()
    }
}
