//! What stands on Discord, for a test to look at.

use serde_json::Value;

use super::{Discord, Request, api::is_operation};

/// A thread as people see it in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThreadNow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) archived: bool,
    pub(crate) locked: bool,
}

impl Discord {
    /// What stands in a channel, a thread or a direct conversation, oldest first.
    pub(crate) fn messages(&self, channel: &str) -> Vec<Value> {
        let state = self.state();
        let messages = state.place(channel).messages.iter().filter(|m| m["type"] != 21);
        messages.map(|m| state.message_json(channel, m["id"].as_str().unwrap()).unwrap()).collect()
    }

    /// The messages of the thread under a message, oldest first; none when it has no thread.
    pub(crate) fn thread(&self, message: &str) -> Vec<Value> {
        if self.thread_of(message).is_none() { Vec::new() } else { self.messages(message) }
    }

    /// The thread under a message, if there is one.
    pub(crate) fn thread_of(&self, message: &str) -> Option<ThreadNow> {
        let state = self.state();
        let channel = state.channels.get(message)?;
        let thread = channel.thread()?;
        let (id, name) = (channel.id.clone(), channel.name.clone());
        Some(ThreadNow { id, name, archived: thread.archived, locked: thread.locked })
    }

    /// One message, wherever it stands, whoever sees it.
    pub(crate) fn message(&self, id: &str) -> Option<Value> {
        let state = self.state();
        match state.where_is(id) {
            Some(channel) => state.message_json(&channel, id),
            None => state.find_message(&id.into()),
        }
    }

    /// What the bot and somebody said to each other directly, oldest first.
    pub(crate) fn directs(&self, user: &str) -> Vec<Value> {
        let id = self.dm(user);
        self.messages(&id)
    }

    /// What only they saw, anywhere, oldest first, as it reads now.
    pub(crate) fn ephemerals(&self, user: &str) -> Vec<Value> {
        self.state().ephemerals.iter().filter(|e| e.user == user).map(|e| e.message.clone()).collect()
    }

    /// The form in front of somebody.
    pub(crate) fn modal(&self, user: &str) -> Option<Value> {
        self.state().forms.get(user).map(|form| form.modal.clone())
    }

    /// What was registered in the bot's guild.
    pub(crate) fn commands(&self) -> Vec<Value> {
        self.state().guilds[super::GUILD].commands.clone()
    }

    /// Every request that arrived, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Those of one operation.
    pub(crate) fn requests_of(&self, operation: &str) -> Vec<Request> {
        assert!(is_operation(operation), "there is no operation {operation}");
        self.state().requests.iter().filter(|r| r.operation == operation).cloned().collect()
    }

    /// Waits until so many requests of an operation arrived, or more.
    pub(crate) async fn requested(&self, operation: &str, count: usize) {
        assert!(is_operation(operation), "there is no operation {operation}");
        let arrived = |state: &super::state::State| state.requests.iter().filter(|r| r.operation == operation).count() >= count;
        self.until(&format!("{count} times {operation}"), arrived).await;
    }

    /// What came that no application may ever send, whatever else goes wrong: bodies that are not as Discord describes them, addresses
    /// and methods that it does not have. A test that means to send such takes it; what nobody took makes it fail in the end.
    pub(crate) fn take_unfit(&self) -> Vec<String> {
        std::mem::take(&mut self.state().unfit)
    }

    /// Everything that was refused, and why. What a test planned is among it.
    pub(crate) fn refusals(&self) -> Vec<String> {
        self.state().refusals.clone()
    }
}

/// Whom a message pings: `user ID`, `role ID`, `everyone`. Embeds ping nobody.
pub(crate) fn pings(message: &Value) -> Vec<String> {
    let list = |name: &str| message[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut pings: Vec<String> = list("mentions").iter().map(|user| format!("user {}", text(&user["id"]))).collect();
    pings.extend(list("mention_roles").iter().map(|role| format!("role {}", text(role))));
    if message["mention_everyone"] == true {
        pings.push("everyone".to_owned());
    }
    pings
}
