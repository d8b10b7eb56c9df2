//! The card of somebody who is asked directly: it stands in their private messages, and follows like any other.

use super::{SOON, count, post, want_card};
use crate::{life::ASK, world::World};

#[tokio::test]
async fn a_card_for_a_person_stands_in_their_messages_and_is_changed_in_place() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    want_card(&world, &id, "@ben").await;
    let asked = world.console.directs("ben");
    assert!(asked.starts_with("Ana Reyes asks for write on prod-db") && asked.contains("Approve]"), "{asked}");
    want_card(&world, &id, "@ben").await;
    assert_eq!(world.console.directs("ben"), asked);
    world.press("dora", "approve", &id, None).await;
    want_card(&world, &id, "@ben").await;
    let decided = world.console.directs("ben");
    assert!(decided.starts_with("Ana Reyes has write on prod-db") && !decided.contains("Approve]"), "{decided}");
    assert_eq!(world.console.cards("@ben").len(), 1);
    let row = post(&world, &id, "@ben").await.unwrap();
    assert_eq!((row.posted, row.cursor), (world.console.cards("@ben").pop(), 0));
}

#[tokio::test]
async fn what_a_requester_is_told_and_a_card_of_theirs_do_not_disturb_each_other() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    want_card(&world, &id, "@ana").await;
    let told = post(&world, &id, "@ana").await.unwrap();
    world.press("dora", "approve", &id, None).await;
    want_card(&world, &id, "@ana").await;
    let after = post(&world, &id, "@ana").await.unwrap();
    assert!(after.cursor > told.cursor && after.posted == told.posted && after.shown != told.shown);
    let directs = world.console.directs("ana");
    assert_eq!((count(&directs, "You have write"), count(&directs, "Ana Reyes has write")), (1, 1), "{directs}");
}

#[tokio::test]
async fn a_card_that_was_deleted_or_not_answered_stands_once() {
    let world = World::new().await;
    world.console.set_forgetful(true);
    let id = world.ask("ana", ASK).await;
    world.console.set_lossy(true);
    want_card(&world, &id, "@ben").await;
    world.console.set_lossy(false);
    world.advance(SOON).await;
    assert_eq!(world.console.cards("@ben").len(), 1);
    world.console.delete(&world.console.cards("@ben")[0]);
    world.press("dora", "approve", &id, None).await;
    want_card(&world, &id, "@ben").await;
    assert_eq!(world.console.cards("@ben").len(), 1);
}

#[tokio::test]
async fn somebody_without_an_account_there_is_not_waited_for() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    world.rules(|catalogue| catalogue.people.get_mut(&"ben".parse().unwrap()).unwrap().identities.clear()).await;
    let due = world.store.next_due().await.unwrap();
    want_card(&world, &id, "@ben").await;
    assert_eq!((world.store.next_due().await.unwrap(), post(&world, &id, "@ben").await), (due, None));
    assert_eq!(world.console.directs("ben"), "");
}
