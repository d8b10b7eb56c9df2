//! Presses and pages of people who may not, with values that no button has: refused by the reason, and nothing changes.

use std::collections::BTreeMap;

use hallpass::domain::time::Span;
use serde_json::json;

use super::{CARDS, House, Way};
use crate::fakes::slack::{Fault, reading::text_of};

/// Cleo is known and decides other things; Hal is nobody's person.
const OUTSIDERS: [&str; 2] = ["U0CLEO", "U0HAL"];

/// Presses by somebody who may not, of buttons that are there or not; what they read, and that nothing happened.
async fn all_refused(house: &House, actions: &[&str], told: &mut BTreeMap<String, String>) {
    let (before, state) = (house.events().await, house.newest().await.state);
    let on_card = if house.reads().contains("[Approve]") { "approve" } else { "return" };
    for user in OUTSIDERS {
        for action in actions {
            let mut payload = house.payload(user, on_card);
            payload["actions"][0]["action_id"] = json!(action);
            let said = house.sends(user, payload).await;
            // Buttons that need words answer in a page.
            let said = if said.is_empty() { house.page(user) } else { said };
            assert!(house.slack.view(user).is_none_or(|view| view["submit"].is_null()), "{user} {action}");
            let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("= ") && *line != "[Close]").collect();
            told.insert(format!("{action} by {user}"), lines.join(" / "));
            while house.slack.view(user).is_some() {
                drop(house.slack.close(user).await);
            }
        }
    }
    assert_eq!((house.events().await, house.newest().await.state), (before, state));
}

#[tokio::test]
async fn an_outsider_is_refused_by_every_button_with_the_reason() {
    let house = House::asked(Way::Http).await;
    house.slack.person("U0HAL", "Hal Moss").channel(CARDS, "approvals", &["U0HAL", "U0CLEO", "U0ANA", "U0BEN"]);
    house.say("U0ANA", "request prod-db read 1h Look at the table").await;
    let mut told = BTreeMap::new();
    all_refused(
        &house,
        &["approve", "less", "deny", "looking", "pass", "cancel", "accept", "decline", "return", "extend:30m", "revoke"],
        &mut told,
    )
    .await;
    insta::assert_snapshot!("pending_outsiders", told.iter().map(|(who, said)| format!("{who}: {said}")).collect::<Vec<_>>().join("\n"));
    house.press("U0BEN", "approve").await;
    told.clear();
    all_refused(
        &house,
        &["return", "extend:30m", "extend:1h", "revoke", "approve", "deny", "less", "cancel", "settle", "again"],
        &mut told,
    )
    .await;
    insta::assert_snapshot!("active_outsiders", told.iter().map(|(who, said)| format!("{who}: {said}")).collect::<Vec<_>>().join("\n"));
    assert!(house.holds("ana", "read"));
}

#[tokio::test]
async fn an_offer_is_answered_by_the_asker_alone() {
    let house = House::asked(Way::Http).await;
    house.press("U0BEN", "less").await;
    house.slack.fill("U0BEN", "length", "30m");
    assert!(house.slack.submit("U0BEN").await.is_ok());
    house.settle().await;
    assert!(house.reads().contains("Ben Okafor offers") && house.reads().contains("[Accept]"), "{}", house.reads());
    let before = house.events().await;
    for user in ["U0CLEO", "U0DORA", "U0BEN"] {
        for action in ["accept", "decline"] {
            let said = house.press(user, action).await;
            assert!(said.contains("Only whoever asked"), "{user} {action}: {said}");
        }
    }
    assert_eq!(house.events().await, before);
    house.press("U0ANA", "accept").await;
    assert!(house.reads().contains("Ana Reyes asks for write on prod-db (Orders database) for 30 min"), "{}", house.reads());
    assert_eq!((house.times("offer_accepted").await, house.times("approved").await), (1, 0), "{:?}", house.events().await);
}

/// The pages that a decider opened, sent by somebody else.
#[tokio::test]
async fn a_page_that_somebody_else_opened_is_judged_by_who_sends_it() {
    let house = House::asked(Way::Http).await;
    let before = house.events().await;
    for (action, field, value) in [("deny", "words", "no"), ("less", "length", "30m"), ("pass", "person", "U0DORA")] {
        house.press("U0BEN", action).await;
        house.slack.fill("U0BEN", field, value);
        for user in ["U0CLEO", "U0ANA"] {
            let ack = house.slack.submit_as(user, "U0BEN").await;
            let errors = ack.body.as_ref().map(|body| body["errors"].to_string()).unwrap_or_default();
            assert!(
                ack.is_ok() && (errors.contains("You can't decide") || errors.contains("You asked for this yourself")),
                "{user} {action}: {ack:?}"
            );
        }
        drop(house.slack.close("U0BEN").await);
        house.settle().await;
        assert_eq!(house.events().await, before, "{action}");
    }
    house.press("U0BEN", "approve").await;
    let before = house.events().await;
    house.press("U0BEN", "revoke").await;
    house.slack.fill("U0BEN", "words", "now");
    for user in ["U0CLEO", "U0ANA"] {
        let ack = house.slack.submit_as(user, "U0BEN").await;
        assert!(ack.error_on("words").is_some_and(|error| error.contains("may revoke this")), "{user}: {ack:?}");
    }
    house.settle().await;
    assert_eq!(house.events().await, before);
    assert!(house.holds("ana", "write"));
}

/// Sent for somebody else, the form of an ask is that one's ask: nobody asks in another's name.
#[tokio::test]
async fn the_form_of_an_ask_is_an_ask_of_who_sends_it() {
    let house = House::new(Way::Http).await;
    house.slack.person("U0HAL", "Hal Moss");
    assert!(house.slack.slash("U0ANA", super::TALK, "").await.is_ok());
    house.settle().await;
    house.slack.type_ahead("U0ANA", "resource", "prod").await;
    assert!(house.slack.choose("U0ANA", "resource", "prod-db").await.is_ok());
    house.settle().await;
    assert!(house.slack.choose("U0ANA", "role/prod-db", "read").await.is_ok());
    house.settle().await;
    house.slack.fill("U0ANA", "reason", "Look at the table");
    let ack = house.slack.submit_as("U0HAL", "U0ANA").await;
    assert!(ack.is_ok(), "{ack:?}");
    house.settle().await;
    assert!(house.slack.messages(CARDS).is_empty());
    assert!(house.slack.submit_as("U0FINN", "U0ANA").await.is_ok());
    house.settle().await;
    assert!(house.reads().contains("Finn Ward asks for read on prod-db"), "{}", house.reads());
}

#[tokio::test]
async fn a_button_s_value_that_was_changed_is_refused_or_is_a_press_on_what_it_names() {
    let house = House::asked(Way::Http).await;
    let first = house.newest().await.id;
    house.say("U0FINN", "request bastion login 2h Look at the host").await;
    house.say("U0FINN", "request prod-db read 1h Look at the table").await;
    let (before, ts) = (house.all_events().await, house.card()["ts"].as_str().unwrap().to_owned());
    let long = "x".repeat(2_000);
    let values =
        [format!("{first}/7"), format!("{first}/0/0/0"), "R-0000000/0".into(), "'; drop table".into(), String::new(), "-".into(), long];
    for value in &values {
        for action in ["approve", "looking", "deny", "return", "extend:9999999h", "less:", "pass:<@U0ANA>", "\u{0}", "approve:approve"] {
            let mut payload = house.slack.press_payload("U0CLEO", CARDS, &ts, "approve");
            payload["actions"][0]["value"] = json!(value);
            payload["actions"][0]["action_id"] = json!(action);
            house.sends("U0CLEO", payload).await;
            while house.slack.view("U0CLEO").is_some() {
                assert!(house.slack.view("U0CLEO").unwrap()["submit"].is_null(), "{action} {value}: {}", house.page("U0CLEO"));
                drop(house.slack.close("U0CLEO").await);
            }
        }
        let said = house.slack.press_value("U0BEN", CARDS, &ts, "approve", value).await;
        assert!(said.is_ok());
        house.settle().await;
    }
    let (said, streams): (String, Vec<_>) = (
        house.slack.ephemerals("U0BEN").iter().map(text_of).collect::<Vec<_>>().join("\n"),
        house.all_events().await.into_iter().skip(before.len()).filter(|(stream, _)| stream.starts_with("request/")).collect(),
    );
    assert_eq!(streams, Vec::<(String, String)>::new(), "{said}");
    // The value of another request is a press on that one, by the right that the presser has there.
    for user in ["U0CLEO", "U0BEN"] {
        assert!(house.slack.press_value(user, CARDS, &ts, "approve", &format!("{first}/0")).await.is_ok());
    }
    house.settle().await;
    assert!(house.holds("ana", "write") && !house.holds("finn", "read"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_page_s_own_data_that_was_changed_opens_nothing() {
    let house = House::asked(Way::Http).await;
    let id = house.newest().await.id;
    house.press("U0CLEO", "approve").await;
    let before = house.events().await;
    let (mut all, words) = (Vec::new(), json!({ "words": { "words": { "type": "plain_text_input", "value": "no" } } }));
    for metadata in [
        String::new(),
        "null".into(),
        "[1]".into(),
        json!({ "action": "approve", "value": format!("{id}/0") }).to_string(),
        json!({ "action": "deny", "value": format!("{id}/0") }).to_string(),
        json!({ "action": "settle", "value": format!("{id}/0") }).to_string(),
        json!({ "action": 7, "value": 7 }).to_string(),
        json!({ "action": "again", "value": format!("{id}") }).to_string(),
        "x".repeat(3_000),
    ] {
        let view =
            json!({ "id": "V0", "type": "modal", "callback_id": "words", "private_metadata": metadata, "state": { "values": words } });
        let mut payload = house.payload("U0CLEO", "approve");
        payload["type"] = json!("view_submission");
        payload["view"] = view;
        let ack = house.slack.deliver_raw(crate::fakes::slack::Kind::Interactive, payload).await;
        assert!(ack.is_ok(), "{metadata}: {ack:?}");
        all.push(ack.body.unwrap_or_default().to_string());
        house.settle().await;
        assert_eq!(house.events().await, before, "{metadata}");
    }
    assert!(all[4].contains("You can't decide this one"), "{all:?}");
}

#[tokio::test]
async fn who_left_the_group_between_post_and_press_decides_nothing() {
    let house = House::asked(Way::Http).await;
    house.press("U0BEN", "deny").await;
    house.slack.fill("U0BEN", "words", "Use the replica");
    house.slack.group("S0LEADS", "db-leads", &["U0DORA"]);
    let before = house.events().await;
    let said = house.press("U0BEN", "approve").await;
    assert!(said.contains("You can't decide this one"), "{said}");
    let ack = house.slack.submit("U0BEN").await;
    assert!(ack.error_on("words").is_some_and(|error| error.contains("You can't decide this one")), "{ack:?}");
    house.settle().await;
    assert_eq!(house.events().await, before);
    house.slack.deactivate("U0DORA");
    house.press("U0DORA", "approve").await;
    assert!(house.times("approved").await == 0 && !house.holds("ana", "write"), "{:?}", house.events().await);
}

#[tokio::test]
async fn a_press_is_refused_with_that_reason_while_slack_does_not_say_who_is_in_the_group() {
    for fault in [Fault::Status(503), Fault::Error("internal_error"), Fault::Error("missing_scope"), Fault::CutBefore] {
        let house = House::asked(Way::Http).await;
        let before = house.events().await;
        house.slack.fail("usergroups.users.list", fault.clone(), 50);
        let said = house.press("U0BEN", "approve").await;
        assert!(said.contains("I could not ask slack who is in") && said.contains("nothing was recorded"), "{fault:?}: {said}");
        assert_eq!(house.events().await, before, "{fault:?}");
        house.slack.heal();
        assert!(house.press("U0BEN", "approve").await.contains("Your approval counts"), "{fault:?}");
        house.slack.fail("users.info", fault.clone(), 50);
        house.advance(Span::from_minutes(60)).await;
        assert!(!house.holds("ana", "write"), "{fault:?}: ends ask nobody");
    }
}
