//! Each message once, also when the process dies between sending and knowing, on a chat that does not recognise repeats.

use hallpass::{
    chat::{Chat as _, Message, Once, console::Console},
    domain::policy::{Channel, Platform},
    store::Store,
};

use super::{SOON, count, post};
use crate::{
    life::ASK,
    store_suite::file,
    world::{START, World},
};

const CARDS: &str = "#db-approvers";

/// The bot dies, and another one starts over the same store and chat.
async fn restarted(world: World, url: &str) -> World {
    let world = world.without_store().await.with_store(Store::open(url).await.unwrap()).await;
    world.advance(SOON).await;
    world
}

#[tokio::test]
async fn a_forgetful_chat_takes_a_repeated_message_for_a_new_one_unless_it_looks() {
    let (console, channel) = (Console::new(), Channel { platform: Platform::Console, id: "#c".into() });
    console.set_forgetful(true);
    let message = Message { body: "hello".into(), buttons: Vec::new(), notify: Vec::new() };
    for (may_stand, standing) in [(false, 1), (false, 2), (true, 2)] {
        console.post(&channel, &message, Once { nonce: "n", may_stand, since: START }).await.unwrap();
        assert_eq!(count(&console.channel("#c"), "hello"), standing);
    }
}

#[tokio::test]
async fn what_was_sent_without_an_answer_stands_once_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::on(&file(&folder), hallpass::domain::entitlement::Ownership::Shared).await;
    world.console.set_forgetful(true);
    world.console.set_lossy(true);
    let id = world.ask("ana", ASK).await;
    assert_eq!(world.console.cards(CARDS).len(), 1);
    let noted = post(&world, &id, CARDS).await.unwrap();
    assert_eq!((noted.posted, noted.sending), (None, Some(format!("{id}/console/{CARDS}/card"))));
    world = restarted(world, &file(&folder)).await;
    assert_eq!(world.console.cards(CARDS).len(), 1, "also the second time");
    world.console.set_lossy(false);
    world = restarted(world, &file(&folder)).await;
    assert_eq!(world.console.cards(CARDS).len(), 1);
    let known = post(&world, &id, CARDS).await.unwrap();
    assert!(known.posted.is_some() && known.sending.is_none());

    world.console.set_lossy(true);
    world.done("ben", &format!("/jit approve {id}")).await;
    for _ in 0..3 {
        world = restarted(world, &file(&folder)).await;
    }
    world.console.set_lossy(false);
    world = restarted(world, &file(&folder)).await;
    world.advance(super::MENDING).await;
    let (thread, directs) = (world.console.thread(&world.card()), world.console.directs("ana"));
    assert_eq!(count(&thread, "    ✓ Ben Okafor approved"), 1, "{thread}");
    assert_eq!(count(&thread, "    Ana Reyes has write on prod-db"), 1, "{thread}");
    assert_eq!(count(&directs, "You have write on prod-db"), 1, "{directs}");
    for place in [CARDS, "@ana"] {
        assert_eq!(post(&world, &id, place).await.unwrap().telling, None);
    }
}

#[tokio::test]
async fn a_card_whose_sending_was_not_answered_shows_what_is_true_by_then() {
    for forgetful in [true, false] {
        let world = World::new().await;
        world.console.set_forgetful(forgetful);
        world.console.set_lossy(true);
        let id = world.ask("ana", ASK).await;
        world.done("ana", &format!("/jit cancel {id}")).await;
        world.console.set_lossy(false);
        world.advance(SOON).await;
        let card = world.console.thread(&world.card());
        assert_eq!(world.console.cards(CARDS).len(), 1);
        assert!(card.contains("Cancelled by Ana Reyes") && !card.contains("Approve"), "{card}");
    }
}

#[tokio::test]
async fn an_alarm_without_an_answer_stands_once_and_says_the_newest() {
    let world = World::new().await;
    world.console.set_forgetful(true);
    world.console.set_lossy(true);
    world.bot.raise("ledger", "it cannot be sealed".into(), None).await.unwrap();
    world.workers.drain().await.unwrap();
    world.bot.raise("ledger", "it was changed".into(), None).await.unwrap();
    world.workers.drain().await.unwrap();
    world.console.set_lossy(false);
    world.advance(SOON).await;
    let ops = world.console.channel("#ops");
    assert_eq!(world.console.cards("#ops").len(), 1, "{ops}");
    assert!(ops.contains("it was changed"), "{ops}");
}

#[tokio::test]
async fn on_a_chat_that_recognises_nothing_is_written_before_it_is_sent() {
    let world = World::new().await;
    world.console.set_lossy(true);
    let id = world.ask("ana", ASK).await;
    assert_eq!(world.console.cards(CARDS).len(), 1);
    assert_eq!(post(&world, &id, CARDS).await, None);
    world.console.set_lossy(false);
    world.advance(SOON).await;
    assert_eq!(world.console.cards(CARDS).len(), 1);
    assert!(post(&world, &id, CARDS).await.unwrap().posted.is_some());
}
