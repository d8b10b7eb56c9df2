//! The gateway as it misbehaves: what the crate could not read is read without it, and what ends it for good is said.

use serde_json::json;

use super::{ANA, ASK, BEN, House, TALK, Way};
use hallpass::chat::discord::Ended;

#[tokio::test]
async fn what_the_crate_cannot_read_is_heard_all_the_same() {
    let house = House::new(Way::Gateway).await;
    house.discord.leave_out(&["attachment_size_limit", "entitlements", "locale"]);
    let said = house.say(ANA, "request", &ASK).await;
    assert!(said.starts_with("Asked."), "{said}");
    let said = house.press(BEN, "approve").await;
    assert!(said.starts_with("Your approval counts."), "{said}");
    house.discord.event("AN_EVENT_OF_TOMORROW", json!({ "id": "1" })).await;
    let said = house.say(ANA, "mine", &[]).await;
    assert!(said.contains("prod-db"), "{said}");
    house.assert_nothing_refused();
}

#[tokio::test]
async fn what_was_done_while_the_connection_was_gone_comes_when_it_is_resumed() {
    let house = House::new(Way::Gateway).await;
    house.discord.drop_connections();
    let reply = house.discord.slash(ANA, TALK, "mine", &[]).await;
    assert_eq!(reply.kind(), Some(5), "{reply:?}");
    house.settle().await;
    assert!(house.since(ANA, 0).contains("You hold nothing"), "{}", house.since(ANA, 0));
    assert_eq!(house.discord.sessions().2, 1, "it was resumed");
    let mut live = house.gateway.as_ref().unwrap().live();
    assert!(live.wait_for(|up| *up == 1).await.is_ok());
}

#[tokio::test]
async fn a_token_and_intents_that_are_refused_end_it_for_good() {
    for (code, why) in [(4004, Ended::Token), (4013, Ended::Intents), (4014, Ended::Intents)] {
        let house = House::new(Way::Gateway).await;
        house.discord.close_connections(code);
        assert_eq!(house.gateway.as_ref().unwrap().ended().await, why, "{code}");
        let mut live = house.gateway.as_ref().unwrap().live();
        assert!(live.wait_for(|up| *up == 0).await.is_ok());
    }
}
