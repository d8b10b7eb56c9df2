//! What people do in either chat, and what they read there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    House,
    discord::{self, TALK},
    read_on_discord, read_on_slack, slack,
};
use crate::fakes::slack::Kind;

impl House {
    /// Somebody types a line in Slack; what they alone read of the answer.
    pub(super) async fn slack_says(&self, user: &str, text: &str) -> String {
        let before = self.slack.ephemerals(user).len();
        let ack = self.slack.slash(user, slack::TALK, text).await;
        assert!(ack.is_ok(), "{text}: {ack:?}");
        self.settle().await;
        match ack.body.filter(Value::is_object) {
            Some(body) => read_on_slack(&body),
            None => self.slack_heard(user, before),
        }
    }

    /// Somebody types a subcommand with its options in Discord; what they alone read of the answer.
    pub(super) async fn discord_says(&self, user: &str, path: &str, options: &[(&str, &str)]) -> String {
        let before = self.discord.ephemerals(user).len();
        let reply = self.discord.slash(user, TALK, path, options).await;
        assert!(reply.is_ok(), "{path}: {reply:?}");
        self.settle().await;
        self.discord_heard(user, before)
    }

    /// Somebody presses a button of the newest card in Slack; what they alone read of the answer.
    pub(super) async fn slack_press(&self, user: &str, action: &str) -> String {
        let before = self.slack.ephemerals(user).len();
        let ack = self.slack.deliver_raw(Kind::Interactive, self.slack_payload(user, action)).await;
        assert!(ack.is_ok(), "{action}: {ack:?}");
        self.settle().await;
        self.slack_heard(user, before)
    }

    /// The same in Discord.
    pub(super) async fn discord_press(&self, user: &str, action: &str) -> String {
        let before = self.discord.ephemerals(user).len();
        let reply = self.discord.deliver(self.discord_payload(user, action)).await;
        assert!(reply.is_ok(), "{action}: {reply:?}");
        self.settle().await;
        self.discord_heard(user, before)
    }

    /// A press as Slack would send it.
    pub(super) fn slack_payload(&self, user: &str, action: &str) -> Value {
        self.slack.press_payload(user, slack::CARDS, self.slack_card()["ts"].as_str().unwrap(), action)
    }

    /// A press as Discord would send it.
    pub(super) fn discord_payload(&self, user: &str, action: &str) -> Value {
        self.discord.press_payload(user, self.discord_card()["id"].as_str().unwrap(), action)
    }

    /// What they alone read in Slack, after so many other messages.
    pub(super) fn slack_heard(&self, user: &str, before: usize) -> String {
        self.slack.ephemerals(user)[before..].iter().map(read_on_slack).collect::<Vec<_>>().join("\n")
    }

    /// The same in Discord.
    pub(super) fn discord_heard(&self, user: &str, before: usize) -> String {
        self.discord.ephemerals(user)[before..].iter().map(read_on_discord).collect::<Vec<_>>().join("\n")
    }

    /// The newest card in Slack.
    pub(super) fn slack_card(&self) -> Value {
        self.slack.messages(slack::CARDS).last().cloned().unwrap_or_default()
    }

    /// The newest card in Discord.
    pub(super) fn discord_card(&self) -> Value {
        self.discord.messages(discord::CARDS).last().cloned().unwrap_or_default()
    }

    /// What the newest card says, in Slack and in Discord.
    pub(super) fn cards(&self) -> [String; 2] {
        [read_on_slack(&self.slack_card()), read_on_discord(&self.discord_card())]
    }

    /// What stands under it, line by line, in Slack and in Discord.
    pub(super) fn threads(&self) -> [Vec<String>; 2] {
        let (slack, discord) = (self.slack_card(), self.discord_card());
        let in_slack = slack["ts"].as_str().map(|ts| self.slack.thread(slack::CARDS, ts)).unwrap_or_default();
        let in_discord = discord["id"].as_str().map(|id| self.discord.thread(id)).unwrap_or_default();
        [in_slack.iter().map(read_on_slack).collect(), in_discord.iter().map(read_on_discord).collect()]
    }

    /// What operators read, in Slack and in Discord.
    pub(super) fn ops(&self) -> [Vec<String>; 2] {
        let (slack, discord) = (self.slack.messages(slack::OPS), self.discord.messages(discord::OPS));
        [slack.iter().map(read_on_slack).collect(), discord.iter().map(read_on_discord).collect()]
    }

    /// What somebody was told privately, in Slack and in Discord.
    pub(super) fn directs(&self, on_slack: &str, on_discord: &str) -> [String; 2] {
        let all = |messages: Vec<Value>, read: fn(&Value) -> String| messages.iter().map(read).collect::<Vec<_>>().join("\n");
        [all(self.slack.directs(on_slack), read_on_slack), all(self.discord.directs(on_discord), read_on_discord)]
    }

    /// Both cards say all of this.
    pub(super) fn assert_both_say(&self, words: &str) {
        for card in self.cards() {
            assert!(card.contains(words), "{words}: {card}");
        }
    }

    /// There is one card in each chat, and each thing is told once in each thread.
    pub(super) fn assert_told_once(&self) {
        assert_eq!((self.slack.messages(slack::CARDS).len(), self.discord.messages(discord::CARDS).len()), (1, 1));
        for thread in self.threads() {
            // A stage opens in each round: when access is asked for, and when more time is.
            let lines: Vec<&String> = thread.iter().filter(|line| !line.starts_with("Now it is for")).collect();
            let once: BTreeSet<&String> = lines.iter().copied().collect();
            assert_eq!(once.len(), lines.len(), "{thread:#?}");
        }
    }
}
