//! Presses and forms of people who may not, with custom ids that no button has, on messages where they do not belong: refused by the
//! reason, and nothing changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ANA, BEN, BOTH, CARDS, CLEO, FINN, House, TALK, Way};

/// Nobody's person.
const HAL: &str = "100000000000000008";
/// Cleo is known and decides other things.
const OUTSIDERS: [(&str, &str); 2] = [("Cleo", CLEO), ("Hal", HAL)];

/// Presses by somebody who may not, of buttons that are there or not; what they read, and that nothing happened.
async fn all_refused(house: &House, actions: &[&str]) -> String {
    let (before, state) = (house.events().await, house.newest().await.state);
    let on_card = if house.reads().contains("Approve]") { "approve" } else { "return" };
    let mut told = BTreeMap::new();
    for (name, user) in OUTSIDERS {
        for action in actions {
            let mut payload = house.payload(user, on_card);
            let custom_id = payload["data"]["custom_id"].as_str().unwrap().replacen(on_card, action, 1);
            payload["data"]["custom_id"] = json!(custom_id);
            let (_, said) = house.delivers(user, payload).await;
            assert!(!said.is_empty() && house.discord.modal(user).is_none(), "{name} {action}: {said}");
            told.insert(format!("{action} by {name}"), said.replace('\n', " / "));
        }
    }
    assert_eq!((house.events().await, house.newest().await.state), (before, state));
    told.iter().map(|(who, said)| format!("{who}: {said}")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn an_outsider_is_refused_by_every_button_with_the_reason() {
    let house = House::asked(Way::Http).await;
    house.discord.person(HAL, "Hal Moss");
    let pending = ["approve", "less", "deny", "looking", "pass", "cancel", "accept", "decline", "return", "extend:30m", "revoke"];
    insta::assert_snapshot!("pending_outsiders", all_refused(&house, &pending).await);
    house.press(BEN, "approve").await;
    let active = ["return", "extend:30m", "extend:1h", "revoke", "approve", "deny", "less", "cancel", "settle", "again"];
    insta::assert_snapshot!("active_outsiders", all_refused(&house, &active).await);
    assert!(house.holds("ana", "write"));
    house.assert_nothing_refused();
}

/// The forms that a decider opened, sent by somebody else.
#[tokio::test]
async fn a_form_that_somebody_else_opened_is_judged_by_who_sends_it() {
    for way in BOTH {
        let house = House::asked(way).await;
        house.discord.person(HAL, "Hal Moss");
        let before = house.events().await;
        for (action, field, typed) in [("deny", "words", "no"), ("less", "length", "30m")] {
            let reply = house.discord.press(BEN, &house.card_id(), action).await;
            house.opened(BEN, reply).await;
            for (user, says) in
                [(CLEO, "You can't decide this one"), (ANA, "You asked for this yourself"), (HAL, "I don't know who you are")]
            {
                let forged = house.discord.submission_by(user, BEN, &[(field, typed)]);
                let (_, said) = house.delivers(user, forged).await;
                assert!(said.contains(says), "{way:?} {action} by {user}: {said}");
            }
            house.discord.close(BEN);
        }
        assert_eq!(house.events().await, before);
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn a_custom_id_that_was_altered_does_nothing_on_any_message() {
    let house = House::asked(Way::Http).await;
    let first = house.newest().await.id;
    house.asks_for(FINN, ["prod-db", "read", "1h", "Look at the table"]).await;
    // An answer that only Ben sees has buttons of its own.
    house.say(BEN, "request", &[("resource", "prod-db"), ("role", "read"), ("length", "9h"), ("reason", "Look at it")]).await;
    let ephemeral = house.discord.ephemerals(BEN).last().unwrap()["id"].as_str().unwrap().to_owned();
    let before = house.all_events().await.len();
    let long = "x".repeat(100);
    let values =
        [format!("{first}/7"), format!("{first}/0/0/0"), "R-000000/0".into(), "'; drop table".into(), String::new(), "-".into(), long];
    let actions = [
        "approve",
        "looking",
        "deny",
        "return",
        "extend:9999999h",
        "less:",
        "pass:<@100000000000000001>",
        "\u{0}",
        "approve:approve",
        "refill",
        "request",
    ];
    for value in &values {
        for action in actions {
            for (message, which) in [(house.card_id(), "approve"), (ephemeral.clone(), "refill")] {
                let reply = house.discord.press_as(BEN, &message, which, &format!("{action} {value}")).await;
                assert!(reply.is_ok() && reply.kind() != Some(9), "{action} {value}: {reply:?}");
            }
        }
    }
    house.settle().await;
    let streams: Vec<_> = house.all_events().await.into_iter().skip(before).filter(|(stream, _)| stream.starts_with("request/")).collect();
    assert_eq!(streams, Vec::<(String, String)>::new());
    // The value of another request counts on its own card only.
    house.discord.press_as(BEN, &house.card_id(), "approve", &format!("approve {first}/0")).await.is_ok().then_some(()).unwrap();
    house.settle().await;
    assert!(!house.holds("ana", "write") && !house.holds("finn", "read"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_form_s_own_data_that_was_changed_opens_nothing() {
    let house = House::asked(Way::Http).await;
    let id = house.newest().await.id;
    let reply = house.discord.press(BEN, &house.card_id(), "deny").await;
    house.opened(BEN, reply).await;
    let before = house.events().await;
    for custom_id in [
        String::new(),
        format!("approve {id}/0"),
        format!("settle {id}/0"),
        format!("again {id}"),
        format!("deny {id}/0/0/0"),
        "deny R-000000/0".to_owned(),
        "x".repeat(100),
    ] {
        let mut payload = house.discord.submission_by(CLEO, BEN, &[("words", "no")]);
        payload["data"]["custom_id"] = json!(custom_id);
        let (_, said) = house.delivers(CLEO, payload).await;
        assert!(!said.is_empty(), "{custom_id}");
        assert_eq!(house.events().await, before, "{custom_id}: {said}");
    }
    for components in [
        json!([]),
        json!("words"),
        json!([{ "type": 1 }]),
        json!([{ "type": 1, "components": [{ "type": 4, "custom_id": 7, "value": 7 }] }]),
    ] {
        let reply = house.discord.press(BEN, &house.card_id(), "deny").await;
        house.opened(BEN, reply).await;
        let mut payload = house.discord.submission(BEN, &[("words", "no")]);
        payload["data"]["components"] = components.clone();
        let reply = house.deliver(payload).await;
        assert!(reply.status == 200 || reply.status == 400, "{components}: {reply:?}");
        assert_eq!(house.events().await, before, "{components}");
    }
    house.assert_nothing_refused();
}

fn changed(payload: &Value, pointer: &str, to: Value) -> Value {
    let mut payload = payload.clone();
    *payload.pointer_mut(pointer).unwrap() = to;
    payload
}

#[tokio::test]
async fn another_application_and_another_guild_are_nobody_here_by_either_way() {
    for way in BOTH {
        let house = House::asked(way).await;
        let press = house.payload(BEN, "approve");
        let before = house.all_events().await;
        let elsewhere = changed(&press, "/guild_id", json!("700000000000000009"));
        let (kind, said) = house.delivers(BEN, elsewhere).await;
        assert!(kind == Some(4) && said.contains("another server"), "{way:?}: {said}");
        let other = changed(&press, "/application_id", json!("900000000000000009"));
        if way == Way::Http {
            assert_eq!(house.discord.deliver(changed(&other, "/id", json!("1"))).await.status, 403);
        } else {
            house.discord.deliver_only(changed(&other, "/id", json!("1"))).await;
            // What comes after it on the same connection was heard later.
            house.say(ANA, "mine", &[]).await;
            assert_eq!(house.discord.answer_to("1"), None);
        }
        assert_eq!(house.all_events().await, before, "{way:?}");
        assert!(!house.holds("ana", "write"));
        assert!(house.press(BEN, "approve").await.contains("Your approval counts"), "the button itself works");
    }
}

#[tokio::test]
async fn a_press_on_a_message_that_is_no_card_of_that_request_does_nothing() {
    for way in BOTH {
        let house = House::asked(way).await;
        let (ours, press) = (house.card_id(), house.payload(BEN, "approve"));
        let theirs = house.discord.say(ANA, CARDS, "press here");
        let talk = house.discord.say(ANA, TALK, "or here");
        for (message, channel) in [(&theirs, CARDS), (&talk, TALK)] {
            let mut odd = changed(&press, "/message/id", json!(message));
            odd["id"] = json!(message);
            (odd["message"]["channel_id"], odd["channel_id"], odd["channel"]["id"]) = (json!(channel), json!(channel), json!(channel));
            let (_, said) = house.delivers(BEN, odd).await;
            assert!(said.contains("does not belong on this message"), "{way:?}: {said}");
        }
        assert_eq!(house.times("approved").await, 0);
        house.press_on(BEN, &ours, "approve").await;
        assert!(house.holds("ana", "write"));
        house.assert_nothing_refused();
    }
}
