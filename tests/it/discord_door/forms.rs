//! The form of an ask: opened with what is known, refused in words, and opened again with everything that was typed.

use super::{ANA, BEN, BOTH, CARDS, DORA, House, TALK, Way, field};
use crate::fakes::discord::GUILD;

const WHY: &str = "Unblock the stuck import";

#[tokio::test]
async fn without_options_a_form_opens_and_what_is_sent_is_asked() {
    for way in BOTH {
        let house = House::new(way).await;
        let reply = house.discord.slash(ANA, TALK, "request", &[]).await;
        let form = house.opened(ANA, reply).await;
        assert_eq!(form["custom_id"], "request");
        assert_eq!(field(&form, "resource"), ("", "bastion, prod-db"));
        let said = house.submit(ANA, &[("resource", "prod-db"), ("role", "write"), ("length", "1h"), ("reason", WHY)]).await;
        assert!(said.starts_with("Asked. Ana Reyes asks for write on prod-db"), "{way:?}: {said}");
        assert_eq!(house.discord.messages(CARDS).len(), 1);
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn what_was_given_is_filled_in_and_the_hints_say_what_is_needed() {
    let house = House::new(Way::Http).await;
    let options = [("resource", "prod-db"), ("role", "write"), ("at", "tomorrow 09:30"), ("for", BEN), ("ticket", "OPS-1")];
    let reply = house.discord.slash(ANA, TALK, "request", &options).await;
    let form = house.opened(ANA, reply).await;
    assert_eq!(form["custom_id"], format!("request at=tomorrow_09:30 for={BEN}"));
    assert_eq!((field(&form, "resource").0, field(&form, "role")), ("prod-db", ("write", "read, write, admin")));
    assert_eq!((field(&form, "length").1, field(&form, "ticket")), ("Empty: 1 h", ("OPS-1", "OPS-4512")));
    assert_eq!(field(&form, "reason"), ("", "At least 4 characters: what you will do with it"));
    let said = house.submit(ANA, &[("reason", WHY)]).await;
    assert!(said.starts_with("Asked."), "{said}");
    let request = house.newest().await;
    assert_eq!((request.requester.as_str(), request.subject.as_str()), ("ana", "ben"), "what has no field is kept");
    assert!(request.main_ask().start.is_some());
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_refused_form_says_why_and_opens_again_with_everything_that_was_typed() {
    for way in BOTH {
        let house = House::new(way).await;
        let reply = house.discord.slash(ANA, TALK, "request", &[]).await;
        house.opened(ANA, reply).await;
        let typed = [("resource", "prod-db"), ("role", "write"), ("length", "9h"), ("reason", "line one\nline two"), ("ticket", "OPS-7")];
        let said = house.submit(ANA, &typed).await;
        assert!(said.contains("9 h is more than the 4 h allowed here") && said.contains("[Change it and send it again]"), "{said}");
        let answer = house.discord.ephemerals(ANA).last().unwrap()["id"].as_str().unwrap().to_owned();
        let reply = house.discord.press(ANA, &answer, "refill").await;
        let form = house.opened(ANA, reply).await;
        for (name, value) in typed {
            assert_eq!(field(&form, name).0, value);
        }
        let said = house.submit(ANA, &[("length", "1h")]).await;
        assert!(said.starts_with("Asked."), "{way:?}: {said}");
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn a_start_that_will_not_do_has_a_field_when_the_form_opens_again() {
    let house = House::new(Way::Http).await;
    let options = [("resource", "prod-db"), ("role", "write"), ("reason", WHY), ("at", "27:99 o'clock"), ("ticket", "OPS-7")];
    let said = house.say(ANA, "request", &options).await;
    assert!(said.contains("is not a time"), "{said}");
    let answer = house.discord.ephemerals(ANA).last().unwrap()["id"].as_str().unwrap().to_owned();
    let reply = house.discord.press(ANA, &answer, "refill").await;
    let form = house.opened(ANA, reply).await;
    assert_eq!((form["custom_id"].as_str(), field(&form, "start").0), (Some("request ticket=OPS-7"), "27:99 o'clock"));
    let said = house.submit(ANA, &[("start", "tomorrow 09:30")]).await;
    assert!(said.starts_with("Asked."), "{said}");
    let request = house.newest().await;
    assert_eq!(request.main_ask().ticket.as_deref(), Some("OPS-7"));
    assert!(request.main_ask().start.is_some());
}

#[tokio::test]
async fn nobody_opens_the_form_of_somebody_else() {
    let house = House::new(Way::Http).await;
    let wrong = [("resource", "prod-db"), ("role", "write"), ("length", "9h"), ("reason", WHY)];
    let mut refused = Vec::new();
    for user in [ANA, BEN] {
        house.say(user, "request", &wrong).await;
        refused.push(house.discord.ephemerals(user).last().unwrap().clone());
    }
    let of_ben = refused[1]["components"][0]["components"][0]["custom_id"].as_str().unwrap();
    let before = house.told(ANA);
    let reply = house.discord.press_as(ANA, refused[0]["id"].as_str().unwrap(), "refill", of_ben).await;
    assert_eq!(reply.kind(), Some(4), "{reply:?}");
    assert!(house.since(ANA, before).contains("was not yours"), "{}", house.since(ANA, before));
    assert!(house.discord.modal(ANA).is_none());
}

#[tokio::test]
async fn the_command_of_a_message_opens_the_form_about_it() {
    let house = House::new(Way::Http).await;
    let message = house.discord.say(DORA, TALK, "the import hangs");
    let reply = house.discord.message_command(ANA, TALK, &message, "Request access about this").await;
    let form = house.opened(ANA, reply).await;
    assert_eq!(form["custom_id"], format!("request {TALK}/{message}"));
    let said = house.submit(ANA, &[("resource", "prod-db"), ("role", "read"), ("reason", WHY)]).await;
    assert!(said.starts_with("Asked."), "{said}");
    let about = house.newest().await.main_ask().about.clone();
    assert_eq!(about, Some(format!("https://discord.com/channels/{GUILD}/{TALK}/{message}")));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn an_account_that_is_nobodys_gets_no_form() {
    let house = House::new(Way::Http).await;
    house.discord.person("100000000000000099", "Mallory");
    let reply = house.discord.slash("100000000000000099", TALK, "request", &[]).await;
    assert_eq!(reply.kind(), Some(4), "{reply:?}");
    house.settle().await;
    assert!(house.since("100000000000000099", 0).contains("I don't know who you are here yet"));
}
