//! One request whose card stands in both chats: every state of its life, each in the chat's own form, and how soon and how often
//! each thing is told there.

use hallpass::{
    domain::{policy::Platform, time::Span},
    provider::{FaultKind, pretend::Temper},
};

use super::{
    House, WRITE, Way,
    discord::{self, ANA, BEN, CLEO, EVE},
    slack,
};
use crate::{cards::section, fakes::slack::Kind};

/// What stands in both chats at each moment of a story.
#[derive(Default)]
struct Story(String);

impl Story {
    async fn see(&mut self, house: &House, moment: &str) {
        let [slack, discord] = house.cards();
        self.add(house, &format!("{moment}, in Slack"), &slack).await;
        self.add(house, &format!("{moment}, in Discord"), &discord).await;
    }

    async fn see_threads(&mut self, house: &House) {
        let [slack, discord] = house.threads();
        self.add(house, "the thread in Slack", &slack.join("\n")).await;
        self.add(house, "the thread in Discord", &discord.join("\n")).await;
    }

    async fn add(&mut self, house: &House, name: &str, text: &str) {
        let id = house.newest().await.id;
        self.0.push_str(&section(name, &text.replace(id.as_str(), "R-......")));
    }
}

fn failing(words: &str) -> Temper {
    Temper { fails: Some((FaultKind::Transient, words.into())), ..Temper::default() }
}

#[tokio::test]
async fn a_life_that_is_decided_in_two_stages_one_in_each_chat() {
    let house = House::new(Way::Http).await;
    let mut story = Story::default();
    house.ask("admin").await;
    story.see(&house, "pending").await;
    house.discord_press(BEN, "approve").await;
    story.see(&house, "half decided").await;
    house.pretend.set_temper(failing("connection refused"));
    house.slack_press("U0CLEO", "approve").await;
    story.see(&house, "granting").await;
    house.pretend.set_temper(Temper::default());
    house.advance(Span::from_minutes(1)).await;
    assert!(house.holds("ana", "admin"));
    story.see(&house, "active").await;
    house.advance(Span::from_minutes(54)).await;
    house.slack_press("U0ANA", "extend:1h").await;
    story.see(&house, "more time given at once").await;
    house.discord_press(ANA, "extend:1h").await;
    story.see(&house, "more time asked for").await;
    house.discord_press(BEN, "approve").await;
    house.slack_press("U0CLEO", "approve").await;
    story.see(&house, "more time given").await;
    for minutes in [60, 60, 6] {
        house.advance(Span::from_minutes(minutes)).await;
    }
    assert!(!house.holds("ana", "admin"));
    story.see(&house, "ended").await;
    story.see_threads(&house).await;
    house.assert_told_once();
    let [slack, discord] = house.threads();
    assert_eq!(slack.len(), discord.len(), "the same is told in both: {slack:#?} {discord:#?}");
    house.assert_nothing_refused();
    insta::assert_snapshot!(story.0);
}

#[tokio::test]
async fn one_that_begins_later_one_that_is_denied_and_one_that_stays_open() {
    let house = House::new(Way::Dialled).await;
    let mut story = Story::default();
    house.slack_says("U0ANA", &format!("{WRITE} --at 16:00")).await;
    house.slack_press("U0BEN", "approve").await;
    story.see(&house, "scheduled").await;
    let id = house.newest().await.id;
    house.discord_says(ANA, "cancel", &[("id", id.as_str())]).await;
    story.see(&house, "cancelled").await;
    house.advance(Span::from_minutes(1)).await;
    house.ask("read").await;
    let id = house.newest().await.id;
    house.slack_says("U0BEN", &format!("deny {id} use the read replica")).await;
    story.see(&house, "denied").await;
    story.see_threads(&house).await;
    house.advance(Span::from_minutes(1)).await;
    house.ask("write").await;
    house.discord_press(BEN, "approve").await;
    house.pretend.set_temper(failing("connection refused"));
    house.advance(Span::from_minutes(61)).await;
    house.advance(Span::from_seconds(30)).await;
    story.see(&house, "still open").await;
    for ops in house.ops() {
        assert!(ops.len() == 1 && ops[0].contains("STILL OPEN: Ana Reyes still has write on prod-db"), "{ops:?}");
    }
    let [on_slack, on_discord] = house.cards();
    assert!(on_slack.contains(&format!("Told: {} in Discord and <#{}>", discord::OPS, slack::OPS)), "{on_slack}");
    assert!(on_discord.contains(&format!("Told: <#{}> and {} in Slack", discord::OPS, slack::OPS)), "{on_discord}");
    house.pretend.set_temper(Temper::default());
    house.advance(Span::from_minutes(2)).await;
    assert!(!house.holds("ana", "write"));
    for ops in house.ops() {
        assert!(ops.len() == 1 && ops[0].contains("Over at"), "the same post says that it is over: {ops:?}");
    }
    story.see(&house, "over").await;
    story.see_threads(&house).await;
    house.assert_nothing_refused();
    insta::assert_snapshot!(story.0);
}

/// Two seconds of the clock, in which the workers are awake once a second.
async fn two_seconds(house: &House) {
    for _ in 0..2 {
        house.work().await;
        house.pass(1);
    }
    house.work().await;
}

async fn what_is_done_in_one_chat_is_seen_in_the_other_within_two_seconds(way: Way) {
    let house = House::new(way).await;
    house.slack.enforce_limits(true);
    house.discord.enforce_limits(true);
    let options = [("resource", "prod-db"), ("role", "admin"), ("length", "1h"), ("reason", "Unblock the stuck import")];
    assert!(house.discord.slash(ANA, discord::TALK, "request", &options).await.is_ok());
    two_seconds(&house).await;
    house.assert_both_say("Ana Reyes asks for admin on prod-db");
    house.advance(Span::from_minutes(1)).await;
    assert!(house.discord.deliver(house.discord_payload(BEN, "approve")).await.is_ok());
    two_seconds(&house).await;
    house.assert_both_say("1 of 2 approvals");
    for thread in house.threads() {
        assert_eq!(thread.iter().filter(|line| line.contains("Ben Okafor approved")).count(), 1, "{thread:?}");
    }
    house.advance(Span::from_minutes(1)).await;
    assert!(house.slack.deliver_raw(Kind::Interactive, house.slack_payload("U0CLEO", "approve")).await.is_ok());
    two_seconds(&house).await;
    house.assert_both_say("Ana Reyes has admin on prod-db");
    for thread in house.threads() {
        assert_eq!(thread.iter().filter(|line| line.contains("Cleo Marsh approved")).count(), 1, "{thread:?}");
    }
    house.advance(Span::from_minutes(1)).await;
    house.assert_told_once();
    house.assert_nothing_refused();
}

#[tokio::test]
async fn what_is_done_in_one_chat_is_seen_in_the_other_within_two_seconds_by_http() {
    what_is_done_in_one_chat_is_seen_in_the_other_within_two_seconds(Way::Http).await;
}

#[tokio::test]
async fn what_is_done_in_one_chat_is_seen_in_the_other_within_two_seconds_by_sockets_and_gateway() {
    what_is_done_in_one_chat_is_seen_in_the_other_within_two_seconds(Way::Dialled).await;
}

#[tokio::test]
async fn the_ledger_says_through_which_door_each_thing_was_done() {
    let house = House::new(Way::Http).await;
    house.ask("admin").await;
    house.slack_press("U0BEN", "approve").await;
    house.discord_press(CLEO, "approve").await;
    house.slack_press("U0ANA", "return").await;
    let mut doors = Vec::new();
    for entry in house.entries().await {
        let (kind, actor) = (entry["event"]["type"].as_str().unwrap().to_owned(), entry["actor"].to_string());
        if ["asked", "approved", "revoking"].contains(&kind.as_str()) {
            let through: Vec<&str> = [Platform::Slack, Platform::Discord]
                .map(Platform::name)
                .into_iter()
                .filter(|name| actor.contains(&format!("\"{name}\"")))
                .collect();
            doors.push(format!("{kind} {}", through.join(" ")));
        }
    }
    assert_eq!(doors, ["asked discord", "approved slack", "approved discord", "revoking slack"]);
}

/// Slack has a group for those who are called later and Discord a role: each thread calls its own.
#[tokio::test]
async fn whom_an_escalation_calls_is_called_in_each_chat_in_its_own_way() {
    let house = House::asked(Way::Http).await;
    house.advance(Span::from_minutes(10)).await;
    let calls = house.slack.thread(slack::CARDS, house.slack_card()["ts"].as_str().unwrap());
    assert!(calls.iter().any(|line| line.to_string().contains("S0ONCALL")), "{calls:?}");
    let calls = house.discord.thread(house.discord_card()["id"].as_str().unwrap());
    let called: Vec<String> = calls.iter().flat_map(crate::fakes::discord::pings).collect();
    assert!(called.contains(&format!("role {}", discord::ONCALL)), "{called:?}");
    house.discord_press(EVE, "approve").await;
    house.assert_both_say("Ana Reyes has write on prod-db");
}
