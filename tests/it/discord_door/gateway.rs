//! The gateway as it misbehaves: what the crate could not read is read without it, sessions that end and are forgotten, a gateway
//! that falls silent, and what ends it for good.

use std::time::Duration;

use hallpass::chat::discord::{Ended, Gateway, Unopened};
use serde_json::{Value, json};

use super::{ANA, ASK, BEN, DORA, House, TALK, Way};
use crate::fakes::discord::{APP_ID, reading::text_of};

/// What somebody alone was told after so many answers.
fn heard(house: &House, user: &str, before: usize) -> String {
    house.discord.ephemerals(user)[before..].iter().map(text_of).collect::<Vec<_>>().join("\n")
}

fn gateway(house: &House) -> &Gateway {
    house.gateway.as_ref().unwrap()
}

/// Waits until so many connections are live.
async fn live(house: &House, count: usize) {
    assert!(gateway(house).live().wait_for(|up| *up == count).await.is_ok());
}

fn card(house: &House) -> String {
    house.card()["id"].as_str().unwrap().to_owned()
}

/// Ben's press counts, once.
async fn ben_approves(house: &House) {
    let said = house.press(BEN, "approve").await;
    assert!(said.starts_with("Your approval counts."), "{said}");
    assert!(house.holds("ana", "write"));
}

#[tokio::test]
async fn what_the_crate_cannot_read_is_heard_all_the_same_and_counted() {
    let house = House::new(Way::Gateway).await;
    house.discord.leave_out(&["attachment_size_limit", "entitlements", "locale"]);
    let said = house.say(ANA, "request", &ASK).await;
    assert!(said.starts_with("Asked."), "{said}");
    ben_approves(&house).await;
    assert_eq!(gateway(&house).unread(), 2);
    house.discord.event("AN_EVENT_OF_TOMORROW", json!({ "id": "1" })).await;
    let said = house.say(ANA, "mine", &[]).await;
    assert!(said.contains("prod-db"), "{said}");
    assert_eq!(gateway(&house).unread(), 4);
    house.assert_nothing_refused();
}

#[tokio::test]
async fn the_command_of_a_message_opens_the_form_about_it() {
    let house = House::new(Way::Gateway).await;
    let message = house.discord.say(DORA, TALK, "the import hangs");
    let reply = house.discord.message_command(ANA, TALK, &message, "Request access about this").await;
    assert_eq!((reply.is_ok(), reply.kind()), (true, Some(9)), "{reply:?}");
    assert_eq!(house.discord.modal(ANA).unwrap()["custom_id"], format!("request {TALK}/{message}"));
    assert_eq!(gateway(&house).unread(), 0, "the crate could read it");
    let said = house.submit(ANA, &[("resource", "prod-db"), ("role", "read"), ("reason", "Unblock the stuck import")]).await;
    assert!(said.starts_with("Asked."), "{said}");
    assert!(house.newest().await.main_ask().about.as_ref().unwrap().ends_with(&message));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn what_was_done_while_the_connection_was_gone_comes_when_it_is_resumed() {
    let house = House::new(Way::Gateway).await;
    house.discord.drop_connections();
    let reply = house.discord.slash(ANA, TALK, "mine", &[]).await;
    assert_eq!(reply.kind(), Some(5), "{reply:?}");
    house.settle().await;
    assert!(heard(&house, ANA, 0).contains("You hold nothing"), "{}", heard(&house, ANA, 0));
    assert_eq!(house.discord.sessions().2, 1, "it was resumed");
    live(&house, 1).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_on_delivery_or_asked_to_come_back_loses_nothing() {
    let house = House::asked(Way::Gateway).await;
    house.discord.drop_on_delivery(1);
    let said = house.press(BEN, "looking").await;
    assert!(said.starts_with("The others know"), "{said}");
    house.discord.resumed(1).await;
    house.discord.ask_to_reconnect();
    house.discord.resumed(2).await;
    house.discord.invalidate_sessions(true);
    house.discord.resumed(3).await;
    assert_eq!(house.discord.sessions().1, 1, "no session was begun anew");
    ben_approves(&house).await;
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_press_that_is_lost_with_its_session_counts_once_when_it_is_pressed_again() {
    let house = House::asked(Way::Gateway).await;
    let lost = house.discord.press_payload(BEN, &card(&house), "approve");
    house.discord.fall_silent(true).drop_connections();
    house.discord.deliver_only(lost).await;
    house.discord.forget_sessions();
    house.discord.fall_silent(false).identified(2).await;
    live(&house, 1).await;
    assert!(house.newest().await.round().unwrap().votes.is_empty(), "it was lost");
    ben_approves(&house).await;
    assert_eq!(house.discord.ephemerals(BEN).len(), 1);
}

#[tokio::test]
async fn a_session_that_is_not_valid_any_more_is_begun_anew() {
    let house = House::asked(Way::Gateway).await;
    house.discord.invalidate_sessions(false);
    house.discord.identified(2).await;
    live(&house, 1).await;
    ben_approves(&house).await;
}

#[tokio::test]
async fn heartbeats_that_nobody_answers_end_the_connection_and_a_new_one_is_heard() {
    let mut house = House::asked(Way::Gateway).await;
    house.gateway = None;
    house.discord.heartbeat_every(Duration::from_millis(300));
    house.gateway = Some(Gateway::open(house.door.clone()).await.unwrap());
    house.discord.identified(2).await;
    house.discord.acknowledge_heartbeats(false).identified(3).await;
    house.discord.acknowledge_heartbeats(true);
    live(&house, 1).await;
    ben_approves(&house).await;
}

#[tokio::test]
async fn a_gateway_that_falls_silent_is_not_live_though_the_crate_takes_it_for_open() {
    let mut house = House::new(Way::Gateway).await;
    live(&house, 1).await;
    // It comes back to a gateway that takes the connection and never says a word.
    house.discord.fall_silent(true).drop_connections();
    house.pass(106);
    live(&house, 0).await;
    house.discord.fall_silent(false);
    house.gateway = None;
    house.discord.forget_sessions();
    house.gateway = Some(Gateway::open(house.door.clone()).await.unwrap());
    live(&house, 1).await;
    let said = house.say(ANA, "request", &ASK).await;
    assert!(said.starts_with("Asked."), "{said}");
}

#[tokio::test]
async fn a_gateway_is_live_as_long_as_its_heartbeats_are_answered() {
    let mut house = House::new(Way::Gateway).await;
    house.gateway = None;
    house.discord.heartbeat_every(Duration::from_millis(300));
    house.gateway = Some(Gateway::open(house.door.clone()).await.unwrap());
    house.discord.identified(2).await;
    live(&house, 1).await;
    for _ in 0..2 {
        // Longer than any silence may be; the next answer to a heartbeat is a sign of life again.
        house.pass(200);
        let beaten = house.discord.beats();
        house.discord.beaten(beaten + 2).await;
        live(&house, 1).await;
    }
    assert_eq!(house.discord.sessions().1, 2, "nothing was opened anew");
}

#[tokio::test]
async fn no_session_is_begun_when_so_few_are_left_that_the_token_is_at_stake() {
    let house = House::new(Way::Http).await;
    let hours = Duration::from_hours(3);
    house.discord.starts_left(19, hours);
    let refused = Gateway::open(house.door.clone()).await.map(drop);
    assert_eq!(refused, Err(Unopened::Spent { renewed_in: hours }));
    house.discord.starts_left(20, hours);
    let gateway = Gateway::open(house.door.clone()).await.unwrap();
    assert!(gateway.live().wait_for(|up| *up == 1).await.is_ok());
    assert_eq!(house.discord.sessions().1, 1);
}

#[tokio::test]
async fn a_gateway_that_begins_again_and_again_ends_so_that_the_limit_is_looked_at() {
    let house = House::new(Way::Gateway).await;
    let user = json!({ "id": APP_ID, "username": "hallpass", "discriminator": "0", "avatar": null, "bot": true });
    let ready = |n: u32| -> Value {
        json!({ "v": 10, "user": user, "guilds": [], "session_id": format!("again-{n}"), "shard": [0, 1],
            "resume_gateway_url": house.discord.gateway_url(), "application": { "id": APP_ID, "flags": 0 } })
    };
    for n in 1..20 {
        house.discord.event("READY", ready(n)).await;
    }
    assert_eq!(gateway(&house).ended().await, Ended::Restless);
    live(&house, 0).await;
}

#[tokio::test]
async fn a_token_and_intents_that_are_refused_end_it_for_good() {
    for (code, why) in [(4004, Ended::Token), (4013, Ended::Intents), (4014, Ended::Intents)] {
        let house = House::new(Way::Gateway).await;
        house.discord.close_connections(code);
        assert_eq!(gateway(&house).ended().await, why, "{code}");
        live(&house, 0).await;
    }
}
