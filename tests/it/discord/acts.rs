//! What people do in the house step by step, and what a test looks at beyond the newest card: shared by the conversations and by the
//! tests of the door.

use hallpass::store::Filter;
use serde_json::Value;

use super::{BEN, CARDS, House, TALK, Way};
use crate::fakes::discord::{
    Reply,
    reading::{pings, text_of},
};

impl House {
    /// Where Ben approved what Ana asked for.
    pub(crate) async fn granted(way: Way) -> Self {
        let house = Self::asked(way).await;
        house.press(BEN, "approve").await;
        assert!(house.holds("ana", "write"), "{}", house.reads());
        house
    }

    /// How many answers somebody has alone.
    pub(crate) fn told(&self, user: &str) -> usize {
        self.discord.ephemerals(user).len()
    }

    /// What somebody alone was told after so many answers.
    pub(crate) fn since(&self, user: &str, before: usize) -> String {
        self.discord.ephemerals(user)[before..].iter().map(text_of).collect::<Vec<_>>().join("\n")
    }

    /// Delivers what a test made or changed; the kind of the first answer, and what they alone read.
    pub(crate) async fn delivers(&self, user: &str, payload: Value) -> (Option<u64>, String) {
        let before = self.told(user);
        let reply = self.deliver(payload).await;
        (reply.kind(), self.since(user, before))
    }

    /// The form that an act opened in front of somebody.
    #[expect(clippy::unused_async, reason = "it reads as a step like the others")]
    pub(crate) async fn opened(&self, user: &str, reply: Reply) -> Value {
        assert_eq!((reply.is_ok(), reply.kind()), (true, Some(9)), "{reply:?}");
        self.discord.modal(user).unwrap()
    }

    pub(crate) fn card_id(&self) -> String {
        self.card()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn count(&self) -> usize {
        self.store.requests(&Filter { limit: 100, ..Filter::default() }).await.unwrap().len()
    }

    /// The payload of a press of the newest card's button.
    pub(crate) fn payload(&self, user: &str, action: &str) -> Value {
        self.discord.press_payload(user, &self.card_id(), action)
    }

    /// Presses a button that asks for words, and sends them; what they alone read of it.
    pub(crate) async fn words(&self, user: &str, action: &str, typed: &[(&str, &str)]) -> String {
        let reply = self.discord.press(user, &self.card_id(), action).await;
        self.opened(user, reply).await;
        self.submit(user, typed).await
    }

    /// Presses a button of the newest direct message that has it.
    pub(crate) async fn press_direct(&self, user: &str, action: &str) -> String {
        let all = self.discord.directs(user);
        let message = all.iter().rev().find(|message| message["components"].to_string().contains(&format!("\"custom_id\":\"{action} ")));
        let message = message.unwrap_or_else(|| panic!("no {action} for {user}: {}", self.directs(user)));
        self.press_on(user, message["id"].as_str().unwrap(), action).await
    }

    /// Whom the newest card and its thread call, message by message.
    pub(crate) fn calls(&self) -> Vec<String> {
        let card = self.card();
        std::iter::once(&card).chain(&self.lines()).flat_map(pings).collect()
    }

    /// The messages of the newest card's thread.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.discord.thread(&self.card_id())
    }

    /// Somebody asks in so many words; what they alone read of the answer.
    pub(crate) async fn asks_for(&self, user: &str, what: [&str; 4]) -> String {
        let [resource, role, length, reason] = what;
        self.say(user, "request", &[("resource", resource), ("role", role), ("length", length), ("reason", reason)]).await
    }

    /// What is offered to somebody who types into an option: what it stands for.
    pub(crate) async fn offers(&self, user: &str, path: &str, options: &[(&str, &str)], focused: &str) -> Vec<String> {
        let reply = self.discord.complete(user, TALK, path, options, focused).await;
        assert_eq!((reply.is_ok(), reply.kind()), (true, Some(8)), "{reply:?}");
        reply.choices().into_iter().map(|(_, value)| value).collect()
    }

    /// Everything that was ever recorded: stream and kind.
    pub(crate) async fn all_events(&self) -> Vec<(String, String)> {
        let kind = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap()["event"]["type"].as_str().unwrap().to_owned();
        let all = self.store.all_entries(0, 10_000).await.unwrap();
        all.into_iter().map(|entry| (entry.stream, kind(&entry.bytes))).collect()
    }

    /// What happened to the newest request, event by event.
    pub(crate) async fn events(&self) -> Vec<String> {
        let stream = format!("request/{}", self.newest().await.id);
        self.all_events().await.into_iter().filter_map(|(of, kind)| (of == stream).then_some(kind)).collect()
    }

    /// How often something happened to the newest request.
    pub(crate) async fn times(&self, kind: &str) -> usize {
        self.events().await.iter().filter(|event| *event == kind).count()
    }

    /// Everything in the ledger, as it is written there.
    pub(crate) async fn ledger(&self) -> String {
        let all = self.store.all_entries(0, 10_000).await.unwrap();
        all.iter().map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned() + "\n").collect()
    }

    /// How often the card's message was changed.
    pub(crate) fn edits(&self) -> usize {
        let path = format!("/channels/{CARDS}/messages/");
        self.discord.requests_of("update_message").iter().filter(|call| call.path.contains(&path)).count()
    }
}
