//! Pass on…: whom to is chosen from the guild's own list, by those who may, and judged as anything else.

use serde_json::{Value, json};

use super::{ANA, BEN, BOTH, CLEO, DORA, House};
use crate::fakes::discord::reading::text_of;

/// What somebody alone was told after so many answers.
fn heard(house: &House, user: &str, before: usize) -> String {
    house.discord.ephemerals(user)[before..].iter().map(text_of).collect::<Vec<_>>().join("\n")
}

/// Presses Pass on… and lets everything that follows be done; the list that opened, if one did.
async fn list(house: &House, user: &str) -> Option<Value> {
    let before = house.discord.ephemerals(user).len();
    let reply = house.discord.press(user, house.card()["id"].as_str().unwrap(), "pass").await;
    assert!(reply.is_ok(), "{reply:?}");
    house.settle().await;
    let opened = house.discord.ephemerals(user).into_iter().nth(before).unwrap();
    (opened["components"][0]["components"][0]["type"] == 5).then_some(opened)
}

/// Somebody picks a person in the list in front of them; what they alone read then.
async fn choose(house: &House, user: &str, list: &Value, person: &str) -> String {
    let before = house.discord.ephemerals(user).len();
    let mut pick = house.discord.press_payload(user, list["id"].as_str().unwrap(), "pass");
    pick["data"]["values"] = json!([person]);
    let mut account = pick["member"]["user"].clone();
    account["id"] = json!(person);
    pick["data"]["resolved"] = json!({ "users": { person: account } });
    let reply = house.discord.deliver(pick).await;
    assert_eq!((reply.is_ok(), reply.kind()), (true, Some(6)), "{reply:?}");
    house.settle().await;
    heard(house, user, before)
}

#[tokio::test]
async fn whom_it_is_passed_to_is_chosen_and_whoever_may_not_decide_is_refused_in_words() {
    for way in BOTH {
        let house = House::asked(way).await;
        let list = list(&house, BEN).await.unwrap();
        assert!(text_of(&list).contains("Who should decide it instead?") && text_of(&list).contains("write on prod-db"), "{list}");
        assert_eq!(list["flags"].as_u64().unwrap() & 64, 64, "one person sees it");
        let said = choose(&house, BEN, &list, CLEO).await;
        assert!(said.contains("may not decide this"), "{way:?}: {said}");
        let said = choose(&house, BEN, &list, "800000000000000099").await;
        assert!(!said.is_empty() && !said.contains("Passed on"), "{way:?}: nobody that is known: {said}");
        let said = choose(&house, BEN, &list, DORA).await;
        assert!(said.starts_with("Passed on."), "{way:?}: {said}");
        assert!(house.newest().await.round().unwrap().votes.is_empty());
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn whoever_may_not_decide_is_told_so_and_gets_no_list() {
    for way in BOTH {
        let house = House::asked(way).await;
        for (user, says) in [(ANA, "You asked for this yourself"), (CLEO, "You can't decide this one")] {
            assert_eq!(list(&house, user).await, None);
            assert!(heard(&house, user, 0).contains(says), "{}", heard(&house, user, 0));
        }
        house.assert_nothing_refused();
    }
}
