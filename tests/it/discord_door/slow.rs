//! A store that does not answer: the acknowledgement goes out in time, and what came of it follows.

use std::time::Duration;

use sqlx::{Connection, SqliteConnection};

use super::{ANA, ASK, BEN, BOTH, House, TALK, Way, field};

impl House {
    /// Somebody else holds the store's writing lock until this is dropped.
    async fn locked(&self) -> SqliteConnection {
        let path = self.folder().join("hallpass.db");
        let mut other = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
        other
    }
}

#[tokio::test]
async fn it_is_acknowledged_in_time_while_nothing_can_be_written_and_said_that_it_was_not_recorded() {
    for way in BOTH {
        let house = House::asked(way).await;
        let other = house.locked().await;
        let (told_ana, told_ben) = (house.told(ANA), house.told(BEN));
        let press = house.discord.press(BEN, &house.card_id(), "approve").await;
        let ask = house.discord.slash(ANA, TALK, "request", &ASK).await;
        assert_eq!((press.kind(), ask.kind()), (Some(6), Some(5)));
        assert!(press.is_ok() && ask.is_ok() && press.took < Duration::from_secs(3), "{press:?} {ask:?}");
        house.door.idle().await;
        assert!(house.since(BEN, told_ben).contains("This was not recorded"), "{}", house.since(BEN, told_ben));
        assert!(house.since(ANA, told_ana).contains("This was not recorded"), "{}", house.since(ANA, told_ana));
        drop(other);
    }
}

#[tokio::test]
async fn a_form_that_was_not_recorded_opens_again_with_all_that_was_typed() {
    let house = House::new(Way::Http).await;
    let reply = house.discord.slash(ANA, TALK, "request", &[]).await;
    house.opened(ANA, reply).await;
    let other = house.locked().await;
    let reply = house.discord.submit(ANA, &ASK).await;
    assert!(reply.is_ok(), "{reply:?}");
    house.door.idle().await;
    drop(other);
    let answer = house.discord.ephemerals(ANA).remove(0);
    assert!(house.since(ANA, 0).contains("This was not recorded"), "{}", house.since(ANA, 0));
    let reply = house.discord.press(ANA, answer["id"].as_str().unwrap(), "refill").await;
    let form = house.opened(ANA, reply).await;
    assert!(ASK.iter().all(|(name, typed)| field(&form, name).0 == *typed), "{form}");
    let said = house.submit(ANA, &[]).await;
    assert!(said.starts_with("Asked."), "{said}");
}
