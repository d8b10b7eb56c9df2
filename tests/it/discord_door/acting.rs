//! Commands, presses and their words: acknowledged at once, handled once, answered to one person.

use super::{ANA, ASK, BEN, BOTH, CARDS, CLEO, EVE, House, TALK, Way, field};
use crate::fakes::discord::reading::pings;

#[tokio::test]
async fn an_ask_that_is_typed_whole_is_sent_and_its_buttons_decide_it() {
    for way in BOTH {
        let house = House::new(way).await;
        let reply = house.discord.slash(ANA, TALK, "request", &ASK).await;
        assert_eq!((reply.is_ok(), reply.kind()), (true, Some(5)), "{way:?}: {reply:?}");
        assert_eq!(reply.answer.as_ref().unwrap()["data"]["flags"], 64, "the answer is seen by one person");
        house.settle().await;
        assert!(house.since(ANA, 0).starts_with("Asked. Ana Reyes asks for write on prod-db"), "{}", house.since(ANA, 0));
        let reply = house.discord.press(BEN, &house.card_id(), "approve").await;
        assert_eq!((reply.is_ok(), reply.kind()), (true, Some(6)), "{way:?}: {reply:?}");
        house.settle().await;
        assert!(house.since(BEN, 0).starts_with("Your approval counts."), "{}", house.since(BEN, 0));
        assert!(house.holds("ana", "write"));
        for (user, told) in [(ANA, 1), (BEN, 1)] {
            assert_eq!(house.told(user), told, "{way:?}: one answer each");
            assert!(house.discord.ephemerals(user).iter().all(|answer| pings(answer).is_empty()));
        }
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn every_command_is_a_line_that_the_bot_understands() {
    let house = House::asked(Way::Http).await;
    let id = house.newest().await.id.to_string();
    for (user, path, options, says) in [
        (ANA, "mine", vec![], "Open:"),
        (BEN, "inbox", vec![], "Waiting for you:"),
        (ANA, "show", vec![("id", id.as_str())], "Ana Reyes asks for write"),
        (ANA, "resources", vec![], "You may ask for:"),
        (ANA, "explain", vec![("resource", "prod-db"), ("role", "write"), ("length", "1h"), ("person", BEN)], "asked by Ben Okafor"),
        (EVE, "see who", vec![("resource", "prod-db")], "Nobody has access to prod-db"),
        (ANA, "quiet", vec![("to", "on")], "Turned down"),
        (ANA, "link", vec![], "Type this in the other chat"),
        (ANA, "help", vec![("topic", "deny")], "Ends the ask"),
        (ANA, "key", vec![("public_key", "nonsense")], ""),
        (EVE, "admin clock", vec![], "nothing is wrong with the clock"),
        (EVE, "admin unlink", vec![("person", ANA), ("chat", "slack")], "has no account on slack"),
        (BEN, "looking", vec![("id", id.as_str())], "The others know"),
        (BEN, "offer", vec![("id", id.as_str()), ("length", "30m"), ("comment", "read the plan first")], "Offered."),
        (ANA, "decline", vec![("id", id.as_str())], "Declined."),
        (BEN, "pass", vec![("id", id.as_str()), ("person", EVE)], ""),
        (BEN, "approve", vec![("id", id.as_str()), ("comment", "go")], "Your approval counts"),
        (ANA, "extend", vec![("id", id.as_str()), ("length", "30m"), ("why", "2 hosts are left")], ""),
        (EVE, "revoke", vec![("why", "enough for today"), ("person", ANA)], "Taking away everything"),
    ] {
        let said = house.say(user, path, &options).await;
        assert!(said.contains(says) && !said.contains("I did not understand"), "{path}: {said}");
    }
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_second_word_where_one_belongs_is_refused_and_nothing_is_recorded() {
    let house = House::asked(Way::Http).await;
    let id = house.newest().await.id.to_string();
    let two = format!("{id} {id}");
    let said = house.say(BEN, "approve", &[("id", &two)]).await;
    assert!(said.contains("expected one word as id"), "{said}");
    let said = house.say(ANA, "extend", &[("id", &id), ("length", "30m and more")]).await;
    assert!(said.contains("is not a length of time"), "{said}");
    assert!(house.newest().await.round().unwrap().votes.is_empty());
}

#[tokio::test]
async fn a_button_that_needs_words_opens_a_form_that_says_what_it_is_about() {
    for way in BOTH {
        let house = House::asked(way).await;
        let reply = house.discord.press(BEN, &house.card_id(), "deny").await;
        let form = house.opened(BEN, reply).await;
        let id = house.newest().await.id;
        assert_eq!(form["custom_id"], format!("deny {id}/0"));
        assert!(form["title"].as_str().unwrap().contains("Ana Reyes asks for write on prod-db"), "{form}");
        assert_eq!(field(&form, "words").0, "");
        let said = house.submit(BEN, &[("words", "use the read replica")]).await;
        assert!(said.starts_with("Denied by "), "{way:?}: {said}");
        assert!(house.newest().await.round().is_none());
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn less_is_typed_into_a_form_of_its_own() {
    let house = House::asked(Way::Http).await;
    let reply = house.discord.press(BEN, &house.card_id(), "less").await;
    let form = house.opened(BEN, reply).await;
    assert_eq!(field(&form, "role").1, "read");
    let said = house.submit(BEN, &[("role", "read"), ("length", "30m"), ("words", "read it first")]).await;
    assert!(said.starts_with("Offered."), "{said}");
    house.assert_nothing_refused();
}

#[tokio::test]
async fn whoever_may_not_press_is_told_before_they_write_anything() {
    for way in BOTH {
        let house = House::asked(way).await;
        for (user, says) in [(ANA, "You asked for this yourself"), (CLEO, "You can't decide this one")] {
            let before = house.told(user);
            let reply = house.discord.press(user, &house.card_id(), "deny").await;
            assert_eq!((reply.is_ok(), reply.kind()), (true, Some(6)), "{reply:?}");
            house.settle().await;
            assert!(house.since(user, before).contains(says), "{}", house.since(user, before));
            assert!(house.discord.modal(user).is_none());
        }
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn what_is_delivered_twice_is_handled_once_and_answered_once() {
    let house = House::asked(Way::Http).await;
    house.press(BEN, "approve").await;
    let told = house.told(BEN);
    // Ed25519 signs the same at the same second.
    house.pass(1);
    let again = house.discord.redeliver_last().await;
    assert_eq!(again.status, 200);
    house.settle().await;
    assert_eq!(house.told(BEN), told);
    let house = House::new(Way::Gateway).await;
    house.discord.deliver_twice(1);
    let said = house.say(ANA, "request", &ASK).await;
    assert!(said.starts_with("Asked. ") && house.told(ANA) == 1, "{said}");
    assert_eq!((house.count().await, house.discord.messages(CARDS).len()), (1, 1));
    // The second first answer is refused by Discord, and nobody is told.
    assert_eq!(house.discord.directs(ANA).len(), 0);
}

#[tokio::test]
async fn commands_are_registered_only_when_discord_has_others() {
    let house = House::new(Way::Http).await;
    assert!(!house.client.register().await.unwrap());
    let registered = house.discord.commands();
    assert_eq!(registered.len(), 2);
    let mut others = serde_json::Value::from(registered);
    others[0]["description"] = "something else".into();
    house.discord.register(&others);
    assert!(house.client.register().await.unwrap() && !house.client.register().await.unwrap());
    house.assert_nothing_refused();
}
