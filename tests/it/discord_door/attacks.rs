//! What Discord did not send, sent before, or sent for somebody else; and buttons that do not stand there: refused, and nothing is
//! recorded.

use serde_json::{Value, json};

use super::{ANA, ASK, BEN, BOTH, CARDS, House, LEADS, TALK, Way};
use crate::fakes::discord::Forgery;

#[tokio::test]
async fn a_request_without_a_good_signature_or_with_a_used_one_is_refused() {
    let house = House::asked(Way::Http).await;
    let press = house.discord.press_payload(BEN, &house.card_id(), "approve");
    for forgery in Forgery::ALL {
        assert_eq!(house.discord.forge(forgery, &press).await.0, 401, "{forgery:?}");
    }
    assert_eq!(house.discord.ping().await, (200, Some(json!({ "type": 1 }))));
    assert!(house.newest().await.round().unwrap().votes.is_empty());
    let (kind, said) = house.delivers(BEN, press).await;
    assert!(kind == Some(6) && said.starts_with("Your approval counts"), "{said}");
    assert_eq!(house.discord.replay_last().await.status, 401, "a signature counts once");
}

#[tokio::test]
async fn a_body_is_bounded_and_what_is_no_interaction_is_refused() {
    let house = House::new(Way::Http).await;
    assert_eq!(house.discord.deliver_bytes(vec![b' '; 600 * 1024]).await.0, 413);
    for odd in ["{", "[]", "{\"type\":9}", "null"] {
        assert_eq!(house.discord.deliver_bytes(odd.as_bytes().to_vec()).await.0, 400, "{odd}");
    }
}

#[tokio::test]
async fn what_is_for_another_application_or_from_another_guild_is_not_ours() {
    let house = House::asked(Way::Http).await;
    let mut press = house.discord.press_payload(BEN, &house.card_id(), "approve");
    press["application_id"] = json!("900000000000000009");
    assert_eq!(house.discord.deliver(press.clone()).await.status, 403);
    let mut press = house.discord.press_payload(BEN, &house.card_id(), "approve");
    press["guild_id"] = json!("700000000000000009");
    let (kind, said) = house.delivers(BEN, press).await;
    assert!(kind == Some(4) && said.contains("another server"), "{said}");
    assert!(house.newest().await.round().unwrap().votes.is_empty());
}

#[tokio::test]
async fn a_button_counts_only_as_the_bot_made_it_and_where_it_stands() {
    for way in BOTH {
        let house = House::asked(way).await;
        let first = (house.card_id(), house.newest().await.id);
        house.say(BEN, "request", &[("resource", "prod-db"), ("role", "read"), ("reason", "look around")]).await;
        let second = house.card_id();
        // The first request's button, on the second one's card.
        let other = format!("approve {}/0", first.1);
        for (custom_id, says) in [
            (other.as_str(), "does not belong on this message"),
            ("approve R-000000/0", "does not belong on this message"),
            ("approve R-000001/0", "This button is none of mine"),
            ("approve", "This button is none of mine"),
            ("settle x", "This button is none of mine"),
        ] {
            let before = house.told(BEN);
            let reply = house.discord.press_as(BEN, &second, "approve", custom_id).await;
            assert!(reply.is_ok(), "{reply:?}");
            house.settle().await;
            assert!(house.since(BEN, before).contains(says), "{custom_id}: {}", house.since(BEN, before));
        }
        // On a message that somebody else wrote, with the same button.
        let by_ana = house.discord.say(ANA, CARDS, "press here");
        let mut press = house.discord.press_payload(BEN, &first.0, "approve");
        press["message"]["id"] = json!(by_ana);
        press["message"]["author"]["id"] = json!(ANA);
        press["message"].as_object_mut().unwrap().remove("application_id");
        let (_, said) = house.delivers(BEN, press).await;
        assert!(said.contains("does not belong on this message"), "{said}");
        let request = house.store.request(&first.1).await.unwrap().unwrap();
        assert!(request.round().unwrap().votes.is_empty(), "nothing was recorded");
        let (_, said) = house.delivers(BEN, house.discord.press_payload(BEN, &first.0, "approve")).await;
        assert!(said.starts_with("Your approval counts"), "{said}");
    }
}

#[tokio::test]
async fn a_form_that_somebody_else_sends_is_theirs_and_judged_as_that() {
    let house = House::asked(Way::Http).await;
    let reply = house.discord.press(BEN, &house.card_id(), "deny").await;
    house.opened(BEN, reply).await;
    let forged = house.discord.submission_by(ANA, BEN, &[("words", "no")]);
    let (_, said) = house.delivers(ANA, forged).await;
    assert!(said.contains("You asked for this yourself"), "{said}");
    assert!(house.newest().await.round().is_some());
}

#[tokio::test]
async fn a_button_of_a_direct_message_or_a_thread_is_where_it_belongs() {
    let house = House::asked(Way::Http).await;
    let id = house.newest().await.id;
    let press = |channel: &str, guild: bool| {
        let mut press = house.discord.press_payload(BEN, &house.card_id(), "approve");
        press["message"]["id"] = json!("600000000000000001");
        press["message"]["channel_id"] = json!(channel);
        press["channel_id"] = json!(channel);
        if !guild {
            let user = press["member"]["user"].clone();
            let all = press.as_object_mut().unwrap();
            all.remove("member");
            all.remove("guild_id");
            all.insert("user".to_owned(), user);
        }
        press
    };
    let (elsewhere, direct): (Value, Value) = (press(TALK, true), press(&house.discord.dm(BEN), false));
    let (_, said) = house.delivers(BEN, elsewhere).await;
    assert!(said.contains(&format!("Look at the card of {id}")), "{said}");
    // The thread of a card has the card's id.
    let (_, said) = house.delivers(BEN, press(&house.card_id(), true)).await;
    assert!(said.starts_with("Your approval counts"), "{said}");
    let (_, said) = house.delivers(BEN, direct).await;
    assert!(!said.contains("does not belong") && !said.is_empty(), "{said}");
}

#[tokio::test]
async fn members_who_may_not_act_now_are_refused_by_what_the_press_itself_says() {
    let house = House::new(Way::Http).await;
    house.say(ANA, "request", &ASK).await;
    house.discord.role(LEADS, "db-leads", &[ANA]);
    let said = house.press(BEN, "approve").await;
    assert!(said.contains("You can't decide this one"), "a role that was taken away between post and press: {said}");
    house.discord.role(LEADS, "db-leads", &[BEN]);
    house.discord.time_out(BEN, Some(4_000_000_000));
    let said = house.press(BEN, "approve").await;
    assert!(said.contains("You are timed out in Discord"), "{said}");
    assert!(house.newest().await.round().unwrap().votes.is_empty());
}
