//! What people do outside forms: commands, what they are offered while they type, presses, commands in the menu of a message.

use serde_json::Value;

use super::{Discord, deliver::Reply};

/// The command that `slash` types.
const COMMAND: &str = "jit";

impl Discord {
    /// Types `/jit`, a subcommand (or nothing) and its options. Panics when that is not registered as such.
    pub(crate) async fn slash(&self, user: &str, channel: &str, path: &str, options: &[(&str, &str)]) -> Reply {
        let payload = self.slash_payload(user, channel, path, options);
        self.deliver(payload).await
    }

    /// The payload of a command, for a test that changes it first.
    pub(crate) fn slash_payload(&self, user: &str, channel: &str, path: &str, options: &[(&str, &str)]) -> Value {
        self.state().typed(user, channel, COMMAND, path, options, None)
    }

    /// What is offered to somebody who types into one option and has filled in others.
    pub(crate) async fn complete(&self, user: &str, channel: &str, path: &str, options: &[(&str, &str)], focused: &str) -> Reply {
        let payload = self.complete_payload(user, channel, path, options, focused);
        self.deliver(payload).await
    }

    pub(crate) fn complete_payload(&self, user: &str, channel: &str, path: &str, options: &[(&str, &str)], focused: &str) -> Value {
        self.state().typed(user, channel, COMMAND, path, options, Some(focused))
    }

    /// Uses a command in the menu of a message.
    pub(crate) async fn message_command(&self, user: &str, channel: &str, message: &str, name: &str) -> Reply {
        let payload = self.message_command_payload(user, channel, message, name);
        self.deliver(payload).await
    }

    pub(crate) fn message_command_payload(&self, user: &str, channel: &str, message: &str, name: &str) -> Value {
        self.state().about_message(user, channel, message, name)
    }

    /// Presses a button of a message, by its custom id or the first word of it. Panics when it has no such button.
    pub(crate) async fn press(&self, user: &str, message: &str, which: &str) -> Reply {
        let payload = self.press_payload(user, message, which);
        self.deliver(payload).await
    }

    /// The payload of a press, for a test that changes it first.
    pub(crate) fn press_payload(&self, user: &str, message: &str, which: &str) -> Value {
        self.state().pressed(user, message, which)
    }

    /// The same with a custom id that the button does not have, as no client of Discord's sends it.
    pub(crate) async fn press_as(&self, user: &str, message: &str, which: &str, custom_id: &str) -> Reply {
        let mut payload = self.press_payload(user, message, which);
        payload["data"]["custom_id"] = custom_id.into();
        self.deliver(payload).await
    }

    /// Registers commands in the bot's guild, for a test whose application does not.
    pub(crate) fn register(&self, commands: &Value) -> &Self {
        let guild = super::GUILD.to_owned();
        self.state().register(Some(&guild), commands);
        self
    }

    /// Registers commands that stand everywhere.
    pub(crate) fn register_everywhere(&self, commands: &Value) -> &Self {
        self.state().register(None, commands);
        self
    }
}
