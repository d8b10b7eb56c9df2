//! How often a card is changed: once for what happens together, and never for the sake of the time, which Discord counts by itself.

use futures_util::future::join_all;
use hallpass::domain::time::Span;

use super::{ANA, BEN, DORA, House, TALK, Way};

#[tokio::test]
async fn ten_changes_within_a_second_are_one_edit() {
    let house = House::asked(Way::Http).await;
    let id = house.newest().await.id.to_string();
    let before = house.edits();
    // Everything is written down and answered; whoever shows it comes after.
    for n in 0..5 {
        for (user, path, options) in [
            (BEN, "offer", vec![("id", id.as_str()), ("length", "30m"), ("comment", "half of it")]),
            (ANA, "decline", vec![("id", id.as_str())]),
        ] {
            assert!(house.discord.slash(user, TALK, path, &options).await.is_ok(), "{n} {path}");
            house.door.idle().await;
        }
    }
    assert_eq!((house.times("offered").await, house.times("offer_declined").await), (5, 5));
    house.settle().await;
    assert_eq!(house.edits() - before, 0, "in the end it reads as before");
    assert_eq!(house.thread().matches("Ana Reyes declined the offer").count(), 5, "each is told under it: {}", house.thread());
    for (user, path, options) in [
        (BEN, "looking", vec![("id", id.as_str())]),
        (BEN, "offer", vec![("id", id.as_str()), ("length", "20m")]),
        (ANA, "decline", vec![("id", id.as_str())]),
        (DORA, "offer", vec![("id", id.as_str()), ("length", "10m")]),
    ] {
        assert!(house.discord.slash(user, TALK, path, &options).await.is_ok(), "{path}");
        house.door.idle().await;
    }
    house.settle().await;
    assert_eq!(house.edits() - before, 1, "{}", house.reads());
    assert!(house.reads().contains("Dora Lind offers") && house.reads().contains("Ben Okafor is looking"), "{}", house.reads());
    house.assert_nothing_refused();
}

#[tokio::test]
async fn presses_of_many_at_once_are_few_edits() {
    let house = House::asked(Way::Http).await;
    let before = house.edits();
    let presses = (0..10).map(|n| house.discord.deliver(house.payload(if n % 2 == 0 { BEN } else { DORA }, "looking")));
    assert!(join_all(presses).await.iter().all(crate::fakes::discord::Reply::is_ok));
    house.settle().await;
    assert_eq!(house.edits() - before, 1);
    house.assert_nothing_refused();
}

#[tokio::test]
async fn as_time_passes_nothing_is_edited() {
    let house = House::asked(Way::Gateway).await;
    // After the escalation, up to the end of patience.
    house.advance(Span::from_minutes(11)).await;
    let before = house.edits();
    for _ in 0..60 {
        house.advance(Span::from_minutes(1)).await;
    }
    assert_eq!(house.edits(), before, "while it waits");
    house.press(BEN, "approve").await;
    let before = house.edits();
    for _ in 0..50 {
        house.advance(Span::from_minutes(1)).await;
    }
    assert_eq!(house.edits(), before, "while it works");
    for _ in 0..4 {
        house.advance(Span::from_minutes(1)).await;
    }
    assert!(house.edits() <= before + 1, "the warning brings at most its own");
    house.assert_nothing_refused();
}
