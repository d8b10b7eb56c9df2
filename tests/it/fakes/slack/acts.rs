//! What people do outside forms: commands, presses in messages, shortcuts, the home tab.

use serde_json::{Map, Value, json};

use super::{
    Slack,
    deliver::{Ack, Kind},
    fields::Fields,
    state::elements,
};

/// The slash command that `slash` types.
const COMMAND: &str = "/jit";

impl Slack {
    /// Types `/jit` and the text. Its answer, if there is one, is shown to them.
    pub(crate) async fn slash(&self, user: &str, channel: &str, text: &str) -> Ack {
        self.slash_named(user, channel, COMMAND, text).await
    }

    /// Another command than `/jit`.
    pub(crate) async fn slash_named(&self, user: &str, channel: &str, command: &str, text: &str) -> Ack {
        let payload = self.state().command(user, channel, command, text);
        let ack = self.deliver_raw(Kind::Command, payload).await;
        let fields = match &ack.body {
            Some(Value::Object(fields)) => fields.clone(),
            Some(Value::String(text)) if !text.is_empty() => Map::from_iter([("text".to_owned(), json!(text))]),
            _ => return ack,
        };
        let mut state = self.state();
        if !fields.is_empty()
            && ack.is_ok()
            && let Err(refusal) = state.answer(user, channel, None, &Fields(fields))
        {
            state.refuse(format!("the answer to {command}: {refusal}"));
        }
        ack
    }

    /// The payload of a press, for a test that changes it first.
    pub(crate) fn press_payload(&self, user: &str, channel: &str, ts: &str, action: &str) -> Value {
        self.state().message_press(user, channel, ts, action, None)
    }

    /// Presses a button of a message. Panics when it has no such button.
    pub(crate) async fn press(&self, user: &str, channel: &str, ts: &str, action: &str) -> Ack {
        let payload = self.press_payload(user, channel, ts, action);
        self.deliver_raw(Kind::Interactive, payload).await
    }

    /// The same with a value that the button does not have.
    pub(crate) async fn press_value(&self, user: &str, channel: &str, ts: &str, action: &str, value: &str) -> Ack {
        let payload = self.state().message_press(user, channel, ts, action, Some(value));
        self.deliver_raw(Kind::Interactive, payload).await
    }

    /// Chooses in a select or an overflow menu of a message, by the option's value or words.
    pub(crate) async fn pick(&self, user: &str, channel: &str, ts: &str, action: &str, option: &str) -> Ack {
        let payload = self.state().message_choice(user, channel, ts, action, option);
        self.deliver_raw(Kind::Interactive, payload).await
    }

    pub(crate) async fn shortcut(&self, user: &str, callback: &str) -> Ack {
        let payload = self.state().global_shortcut(user, callback);
        self.deliver_raw(Kind::Interactive, payload).await
    }

    pub(crate) async fn message_shortcut(&self, user: &str, channel: &str, ts: &str, callback: &str) -> Ack {
        let payload = self.state().message_action(user, channel, ts, callback);
        self.deliver_raw(Kind::Interactive, payload).await
    }

    /// An event of the Events API.
    pub(crate) async fn event(&self, event: Value) -> Ack {
        let payload = self.state().event(event);
        self.deliver_raw(Kind::Event, payload).await
    }

    /// Opens the app's home tab.
    pub(crate) async fn open_home(&self, user: &str) -> Ack {
        let event = {
            let mut state = self.state();
            let channel = state.direct_with(user);
            let mut event =
                json!({"type": "app_home_opened", "user": user, "channel": channel, "event_ts": state.stamp_ts(), "tab": "home"});
            if let Some(home) = state.homes.get(user) {
                event["view"] = home.shown();
            }
            event
        };
        self.event(event).await
    }

    /// Presses the `nth` (from 0) element with this action on the home tab. Panics when there is none.
    pub(crate) async fn press_home(&self, user: &str, action: &str, nth: usize) -> Ack {
        let payload = {
            let mut state = self.state();
            let home = state.homes.get(user).unwrap_or_else(|| panic!("{user} has no home tab yet")).clone();
            let all = elements(&home.view["blocks"]);
            let there: Vec<&str> = all.iter().filter_map(|(_, e)| e["action_id"].as_str()).collect();
            let found = all.iter().filter(|(_, e)| e["action_id"] == action).nth(nth);
            let (block, element) = found.unwrap_or_else(|| panic!("the home tab has no {action:?} number {nth}, only {there:?}"));
            let block = block["block_id"].as_str().unwrap().to_owned();
            state.view_press(user, &home, &block, element)
        };
        self.deliver_raw(Kind::Interactive, payload).await
    }
}
