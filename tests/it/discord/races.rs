//! Several people at once, the same press many times, and presses on what is decided: one vote each, one grant, and an answer to all.

use futures_util::future::join_all;
use hallpass::domain::time::Span;

use super::{ANA, BEN, BOTH, CARDS, DORA, House, Way};
use crate::fakes::discord::Reply;

#[tokio::test]
async fn two_approvers_and_one_of_them_twice_at_the_same_instant_are_one_approval_each_and_one_grant() {
    for way in BOTH {
        let house = House::asked(way).await;
        let presses = [BEN, DORA, BEN].map(|user| house.discord.deliver(house.payload(user, "approve")));
        let replies: Vec<Reply> = join_all(presses).await;
        assert!(replies.iter().all(Reply::is_ok), "{replies:?}");
        house.settle().await;
        assert!(house.holds("ana", "write"));
        assert_eq!((house.times("approved").await, house.times("granting").await, house.times("working").await), (1, 1, 1), "{way:?}");
        assert_eq!(house.discord.messages(CARDS).len(), 1);
        let told = [BEN, DORA].map(|user| house.since(user, 0)).join("\n");
        assert_eq!(told.matches("Your approval counts").count(), 1, "{way:?}: {told}");
        assert!(house.told(BEN) == 2 && house.told(DORA) == 1 && told.contains("approved"), "{way:?}: {told}");
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn fifty_presses_at_once_are_one_vote_and_each_of_them_is_answered() {
    for way in BOTH {
        let house = House::asked(way).await;
        let presses = (0..50).map(|_| house.discord.deliver(house.payload(BEN, "approve")));
        let replies: Vec<Reply> = join_all(presses).await;
        // How soon depends on what else this machine does; that nothing keeps the acknowledgement waiting is shown where the store does.
        assert!(replies.iter().all(|reply| reply.kind() == Some(6)), "{way:?}: {replies:?}");
        house.settle().await;
        assert_eq!((house.times("approved").await, house.times("granting").await, house.times("working").await), (1, 1, 1));
        assert_eq!(house.told(BEN), 50, "{way:?}: whoever presses reads what came of it");
        assert_eq!(house.store.inbox_open(100).await.unwrap().len(), 0);
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn one_who_denies_while_another_approves_is_told_what_the_other_did() {
    for way in BOTH {
        let house = House::asked(way).await;
        for user in [BEN, DORA] {
            let reply = house.discord.press(user, &house.card_id(), "deny").await;
            house.opened(user, reply).await;
        }
        let approve = house.discord.deliver(house.payload(DORA, "approve"));
        let deny = house.discord.deliver(house.discord.submission(BEN, &[("words", "not today")]));
        let (first, second) = tokio::join!(approve, deny);
        assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
        house.settle().await;
        assert_eq!(house.times("approved").await + house.times("denied").await, 1, "{:?}", house.events().await);
        let won = if house.holds("ana", "write") { "Dora Lind approved it" } else { "Ben Okafor denied it" };
        let told = [BEN, DORA].map(|user| house.since(user, 0)).join("\n");
        assert!(told.contains(won), "{way:?}: {told}");
        // The form of the other one was open all along.
        let late = house.submit(DORA, &[("words", "too late")]).await;
        assert!(late.contains("approved it") || late.contains("denied it"), "{way:?}: {late}");
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn a_press_on_an_old_copy_of_a_closed_card_is_told_who_decided_and_changes_nothing() {
    for way in BOTH {
        let house = House::asked(way).await;
        let old: Vec<_> = ["approve", "deny", "less", "looking", "pass"].map(|action| house.payload(DORA, action)).into();
        house.words(BEN, "deny", &[("words", "use the read replica")]).await;
        house.pass(4);
        let before = house.events().await;
        for press in old {
            let (kind, said) = house.delivers(DORA, press.clone()).await;
            assert!(said.contains("Ben Okafor denied it 4 seconds ago"), "{way:?} {}: {said}", press["data"]["custom_id"]);
            assert_ne!(kind, Some(9), "no form opens: {}", press["data"]["custom_id"]);
        }
        assert_eq!(house.events().await, before);
        let card = house.reads();
        assert!(card.contains("“Unblock the stuck import”") && house.card()["components"].as_array().unwrap().is_empty(), "{card}");
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn a_press_on_an_old_copy_of_a_card_whose_access_has_ended_does_nothing() {
    let house = House::granted(Way::Http).await;
    let old: Vec<_> = ["return", "extend:30m"].map(|action| house.payload(ANA, action)).into();
    house.press(ANA, "return").await;
    house.advance(Span::from_minutes(1)).await;
    let before = house.events().await;
    for press in old {
        let (_, said) = house.delivers(ANA, press).await;
        assert!(said.starts_with("Too late: this"), "{said}");
    }
    assert_eq!(house.events().await, before);
    house.assert_nothing_refused();
}
