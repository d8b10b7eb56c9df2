//! `Show my credential` in Slack: told where it was pressed, to the presser alone, as it is typed; else as a direct message.

use std::sync::Arc;

use hallpass::{
    clock::ManualClock,
    domain::{entitlement::Ownership, time::Span},
    provider::pretend::{Pretend, Temper},
    store::Store,
};

use super::{CARDS, House, Way, attacks::ASK, rules, workspace};
use crate::{store_suite::file, world::START};

/// Everything that Slack's own markup or a careless layout would change.
const SECRET: &str = "*p<!here>&amp;`x`{{y}} :bell:";

async fn house(folder: &tempfile::TempDir) -> House {
    let store = Store::open(&file(folder)).await.unwrap();
    let (clock, pretend) = (Arc::new(ManualClock::new(START)), Arc::new(Pretend::with_credentials(Ownership::PerGrant)));
    let house = House::over(Way::Http, workspace().await, rules(), store, clock, pretend).await;
    house.say("U0ANA", ASK).await;
    house.press("U0BEN", "approve").await;
    house.pretend.set_temper(Temper { credential: Some(SECRET.into()), ..Temper::default() });
    house
}

fn is_preformatted(body: &serde_json::Value) -> bool {
    let blocks = body["blocks"].as_array().unwrap();
    let parts = blocks.iter().flat_map(|block| block["elements"].as_array().into_iter().flatten());
    parts.filter(|part| part["type"] == "rich_text_preformatted").any(|part| part["elements"][0]["text"] == SECRET)
}

#[tokio::test]
async fn its_holder_reads_it_as_it_is_typed_and_nobody_else_reads_anything_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder).await;
    assert!(house.directs("U0ANA").contains("[Show my credential]"), "{}", house.directs("U0ANA"));
    house.press_direct("U0ANA", "credential").await;
    let answer = house.slack.ephemerals("U0ANA").last().cloned().unwrap();
    assert!(is_preformatted(&answer), "{answer}");
    assert!(!answer["text"].as_str().unwrap().contains("p<"), "a notification does not show it: {answer}");
    assert!(house.thread().contains("Ana Reyes fetched a credential"), "{}", house.thread());
    let everywhere = format!("{:?} {:?}", house.slack.messages(CARDS), house.slack.directs("U0BEN"));
    assert!(!everywhere.contains("p<!here>"), "{everywhere}");
    house.assert_nothing_refused();
}

#[tokio::test]
async fn others_who_press_or_type_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder).await;
    let id = house.newest().await.id;
    for user in ["U0BEN", "U0EVE", "U0FINN"] {
        let said = house.say(user, &format!("credential {id}")).await;
        assert!(said.contains("to nobody else") && !said.contains("p<!here>"), "{user}: {said}");
    }
    let said = house.say("U0ANA", &format!("credential {id}")).await;
    assert!(said.contains(SECRET), "{said}");
    house.advance(Span::from_minutes(61)).await;
    let said = house.say("U0ANA", &format!("credential {id}")).await;
    assert!(!said.contains(SECRET) && said.contains("has ended"), "{said}");
}

#[tokio::test]
async fn from_the_own_page_it_comes_as_a_direct_message_and_never_stands_on_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder).await;
    assert!(house.slack.open_home("U0ANA").await.is_ok());
    house.settle().await;
    assert!(house.slack.press_home("U0ANA", "credential", 0).await.is_ok());
    house.settle().await;
    let direct = house.slack.directs("U0ANA").last().cloned().unwrap();
    assert!(is_preformatted(&direct), "{direct}");
    let page = house.slack.home("U0ANA").unwrap().to_string();
    assert!(page.contains("Your credential came as a message for you alone") && !page.contains("p<!here>"), "{page}");
    house.assert_nothing_refused();
}
