//! One chat is down, pacing or refusing: the other goes on, access ends on time, and the first is brought up to date.

use std::time::Duration;

use hallpass::domain::time::Span;

use super::{
    House, Way,
    discord::{self, ANA, BEN, CLEO},
    slack,
};
use crate::fakes::{
    discord::{Fault as DiscordFault, Scope, permissions::SEND_MESSAGES},
    slack::Fault as SlackFault,
};

/// What needs a human is tried again this often.
const MENDING: Span = Span::from_minutes(10);

/// What stands in each of these lines, in this order, somewhere in the thread.
fn in_order(thread: &[String], words: &[&str]) {
    let mut lines = thread.iter();
    for words in words {
        assert!(lines.any(|line| line.contains(words)), "{words}, in its order: {thread:#?}");
    }
}

const STORY: [&str; 3] = ["Ben Okafor approved", "Ana Reyes has write on prod-db", "Ended: Ana Reyes had write on prod-db"];

#[tokio::test]
async fn with_slack_down_discord_goes_on_and_slack_is_brought_up_to_date_when_it_returns() {
    let house = House::asked(Way::Http).await;
    house.slack.down(true);
    let voted = house.discord_press(BEN, "approve").await;
    assert!(voted.contains("Your approval counts"), "his right comes from a role: {voted}");
    assert!(house.holds("ana", "write"));
    let [_, on_discord] = house.cards();
    assert!(on_discord.contains("Ana Reyes has write on prod-db"), "{on_discord}");
    for _ in 0..7 {
        house.advance(Span::from_minutes(9)).await;
    }
    assert!(!house.holds("ana", "write"), "it ends on time");
    let [on_slack, on_discord] = house.cards();
    assert!(on_discord.contains("Ended: Ana Reyes had write on prod-db"), "{on_discord}");
    assert!(on_slack.contains("Ana Reyes asks for write"), "it was not told: {on_slack}");
    house.slack.down(false);
    house.advance(Span::from_minutes(3)).await;
    house.assert_both_say("Ended: Ana Reyes had write on prod-db");
    house.assert_told_once();
    for thread in house.threads() {
        in_order(&thread, &STORY);
    }
}

#[tokio::test]
async fn with_discord_down_slack_goes_on_and_discord_is_brought_up_to_date_when_it_returns() {
    let house = House::asked(Way::Http).await;
    house.discord.down(true);
    let voted = house.slack_press("U0BEN", "approve").await;
    assert!(voted.contains("Your approval counts"), "his right comes from a group: {voted}");
    assert!(house.holds("ana", "write"));
    let [on_slack, _] = house.cards();
    assert!(on_slack.contains("Ana Reyes has write on prod-db"), "{on_slack}");
    for _ in 0..7 {
        house.advance(Span::from_minutes(9)).await;
    }
    assert!(!house.holds("ana", "write"), "it ends on time");
    let [on_slack, on_discord] = house.cards();
    assert!(on_slack.contains("Ended: Ana Reyes had write on prod-db"), "{on_slack}");
    assert!(on_discord.contains("Ana Reyes asks for write"), "it was not told: {on_discord}");
    house.discord.down(false);
    house.advance(Span::from_minutes(3)).await;
    house.assert_both_say("Ended: Ana Reyes had write on prod-db");
    house.assert_told_once();
    for thread in house.threads() {
        in_order(&thread, &STORY);
    }
}

#[tokio::test]
async fn a_right_that_comes_from_the_chat_that_is_down_is_refused_with_the_reason_and_one_from_bot_toml_goes_on() {
    for slack_is_down in [true, false] {
        let mut rules = super::rules();
        let stage = &mut rules.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages[0];
        stage.approvers.push(hallpass::domain::policy::Who::Person("cleo".parse().unwrap()));
        let house = House::with(Way::Http, rules).await;
        // Ben is in the group of the chat that goes down, and has not the role of the other.
        if slack_is_down {
            house.discord.role(discord::LEADS, "db-leads", &[]);
        } else {
            house.slack.group("S0LEADS", "db-leads", &["U0DORA"]);
        }
        house.ask("write").await;
        house.slack.down(slack_is_down);
        house.discord.down(!slack_is_down);
        let refused = if slack_is_down { house.discord_press(BEN, "approve").await } else { house.slack_press("U0BEN", "approve").await };
        let name = if slack_is_down { "slack" } else { "discord" };
        assert!(refused.contains(&format!("I could not ask {name} who is in db-leads")), "{name}: {refused}");
        assert!(!house.holds("ana", "write"));
        let voted = if slack_is_down { house.discord_press(CLEO, "approve").await } else { house.slack_press("U0CLEO", "approve").await };
        assert!(voted.contains("Your approval counts"), "{name}: {voted}");
        assert!(house.holds("ana", "write"), "{name}");
    }
}

#[tokio::test]
async fn a_chat_that_paces_the_bot_delays_only_itself() {
    for scope in [Scope::Bucket, Scope::Shared, Scope::Global] {
        let house = House::asked(Way::Http).await;
        house.discord.fail("update_message", DiscordFault::Limited { after: Duration::from_secs(30), scope }, 1);
        house.slack_press("U0BEN", "looking").await;
        house.slack_press("U0BEN", "approve").await;
        let [on_slack, on_discord] = house.cards();
        assert!(on_slack.contains("Ana Reyes has write on prod-db"), "{scope:?}: {on_slack}");
        assert!(on_discord.contains("Ana Reyes asks for write"), "{scope:?}: {on_discord}");
        house.advance(Span::from_seconds(45)).await;
        house.assert_both_say("Ana Reyes has write on prod-db");
        house.assert_told_once();
    }
    let house = House::asked(Way::Http).await;
    house.slack.fail("chat.update", SlackFault::RateLimited { after_seconds: 30 }, 1);
    house.slack.fail("chat.postMessage", SlackFault::RateLimited { after_seconds: 30 }, 1);
    house.discord_press(BEN, "approve").await;
    let [on_slack, on_discord] = house.cards();
    assert!(on_discord.contains("Ana Reyes has write on prod-db"), "{on_discord}");
    assert!(on_slack.contains("Ana Reyes asks for write"), "{on_slack}");
    house.advance(Span::from_seconds(45)).await;
    house.assert_both_say("Ana Reyes has write on prod-db");
    house.assert_told_once();
}

#[tokio::test]
async fn a_channel_of_one_chat_that_refuses_is_one_alarm_in_both_and_is_over_in_both() {
    for on_discord in [true, false] {
        let house = House::new(Way::Http).await;
        let refusing = if on_discord {
            house.discord.forbid(discord::CARDS, SEND_MESSAGES);
            discord::CARDS
        } else {
            house.slack.remove_bot(slack::CARDS);
            slack::CARDS
        };
        house.ask("write").await;
        for ops in house.ops() {
            assert!(ops.len() == 1 && ops[0].contains(refusing), "{refusing}: {ops:?}");
        }
        let id = house.newest().await.id.to_string();
        if on_discord {
            house.slack_press("U0BEN", "approve").await;
        } else {
            house.discord_press(BEN, "approve").await;
        }
        assert!(house.holds("ana", "write"), "{refusing}: {id}");
        house.discord.allow(discord::CARDS, SEND_MESSAGES);
        house.slack.invite_bot(slack::CARDS);
        house.advance(MENDING).await;
        house.advance(Span::from_seconds(5)).await;
        for ops in house.ops() {
            assert!(ops.len() == 1 && ops[0].contains("Over at"), "{refusing}: {ops:?}");
        }
        house.assert_both_say("Ana Reyes has write on prod-db");
        house.assert_told_once();
    }
}

/// Slack's side of an alarm stands where Slack is down too: it is told there when Slack returns.
#[tokio::test]
async fn an_alarm_is_told_in_the_chat_that_answers_and_in_the_other_when_it_returns() {
    let house = House::granted(Way::Http).await;
    house.slack.down(true);
    let refused = Some((hallpass::provider::FaultKind::Transient, "connection refused".to_owned()));
    house.pretend.set_temper(hallpass::provider::pretend::Temper { fails: refused, ..Default::default() });
    house.advance(Span::from_minutes(61)).await;
    house.advance(Span::from_minutes(1)).await;
    let [on_slack, on_discord] = house.ops();
    assert!(on_discord.iter().any(|post| post.contains("STILL OPEN: Ana Reyes still has write")), "{on_discord:?}");
    assert_eq!(on_slack, Vec::<String>::new());
    house.slack.down(false);
    house.advance(Span::from_minutes(2)).await;
    let [on_slack, _] = house.ops();
    assert!(on_slack.iter().any(|post| post.contains("STILL OPEN: Ana Reyes still has write")), "{on_slack:?}");
    house.pretend.set_temper(hallpass::provider::pretend::Temper::default());
    house.advance(Span::from_minutes(5)).await;
    assert!(!house.holds("ana", "write"));
    for ops in house.ops() {
        assert!(ops.iter().all(|post| post.contains("Over at")), "{ops:?}");
    }
    let told = house.directs("U0ANA", ANA);
    assert!(told.iter().all(|told| told.matches("Ended:").count() == 1), "{told:?}");
}
