//! One request of both chats over a restart, and over two processes of which each hears one chat.

use std::sync::Arc;

use hallpass::{
    clock::ManualClock,
    domain::{entitlement::Ownership, time::Span},
    provider::pretend::Pretend,
    store::Store,
};
use tokio::join;

use super::{
    House, Way,
    discord::{self, BEN},
    rules, slack,
};
use crate::{
    fakes::slack::Kind,
    store_suite::{database, file},
    world::START,
};

#[tokio::test]
async fn a_vote_before_a_stop_in_one_chat_and_one_after_it_in_the_other_are_one_decision() {
    let folder = tempfile::tempdir().unwrap();
    let chats = (slack::workspace().await, discord::guild().await);
    let (clock, pretend) = (Arc::new(ManualClock::new(START)), Arc::new(Pretend::new(Ownership::Shared)));
    let next = async |way| {
        let store = Store::open(&file(&folder)).await.unwrap();
        House::over(way, chats.clone(), rules(), store, clock.clone(), pretend.clone()).await
    };
    let house = next(Way::Http).await;
    house.ask("admin").await;
    house.discord_press(BEN, "approve").await;
    // The next press is in the inbox, and this process does nothing more about it.
    assert!(house.slack.deliver_raw(Kind::Interactive, house.slack_payload("U0CLEO", "looking")).await.is_ok());
    house.slack_door.idle().await;
    house.store.close().await;
    let house = next(Way::Dialled).await;
    house.settle().await;
    house.assert_both_say("1 of 2 approvals");
    house.slack_press("U0CLEO", "approve").await;
    assert!(house.holds("ana", "admin"));
    house.assert_both_say("Ana Reyes has admin on prod-db");
    house.advance(Span::from_minutes(1)).await;
    house.assert_told_once();
    for thread in house.threads() {
        for line in ["Ben Okafor approved", "Cleo Marsh is looking", "Cleo Marsh approved"] {
            assert_eq!(thread.iter().filter(|said| said.contains(line)).count(), 1, "{line}: {thread:?}");
        }
    }
    house.assert_nothing_refused();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn of_two_processes_one_that_hears_slack_and_one_that_hears_discord_pressed_at_once_one_grants() {
    let url = database().await;
    let chats = (slack::workspace().await, discord::guild().await);
    let (clock, pretend) = (Arc::new(ManualClock::new(START)), Arc::new(Pretend::new(Ownership::Shared)));
    let process = async || {
        let store = Store::open(&url).await.unwrap();
        House::over(Way::Http, chats.clone(), rules(), store, clock.clone(), pretend.clone()).await
    };
    let (one, two) = (process().await, process().await);
    // Each is told what the other's chat is told only through the store.
    let [for_slack, _] = one.urls.clone().unwrap();
    let [_, for_discord] = two.urls.clone().unwrap();
    one.ask("write").await;
    for _ in 0..10 {
        // On a machine that is busy enough a post may have been given up and be tried again.
        if one.slack_card()["ts"].is_string() && one.discord_card()["id"].is_string() {
            break;
        }
        one.advance(Span::from_seconds(5)).await;
    }
    let (on_slack, on_discord) = (one.slack_payload("U0DORA", "approve"), one.discord_payload(BEN, "approve"));
    let (ack, reply) =
        join!(one.slack.deliver_to(&for_slack, Kind::Interactive, &on_slack), two.discord.deliver_to(&for_discord, on_discord));
    assert!(ack.is_ok() && reply.is_ok(), "{ack:?} {reply:?}");
    let (first, second) = join!(async { one.settle().await }, async { two.settle().await });
    assert_eq!((first, second), ((), ()));
    one.settle().await;
    assert!(one.holds("ana", "write"));
    assert_eq!((one.times("approved").await, one.times("granting").await, one.times("working").await), (1, 1, 1));
    one.advance(Span::from_minutes(1)).await;
    one.assert_both_say("Ana Reyes has write on prod-db");
    one.assert_told_once();
    let (dora, ben) = (one.slack_heard("U0DORA", 0), two.discord_heard(BEN, 0));
    let counted = [&dora, &ben].iter().filter(|told| told.contains("Your approval counts")).count();
    assert_eq!(counted, 1, "{dora}\n{ben}");
    assert!(dora.contains("approved it") != ben.contains("approved it"), "the other is told who decided: {dora}\n{ben}");
}
