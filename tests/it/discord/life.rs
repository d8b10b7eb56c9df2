//! The life of a request, from the command to the summary, by both ways in.

use hallpass::domain::time::Span;

use super::{ANA, BEN, CARDS, CLEO, House, Way};

async fn a_whole_life(way: Way) {
    let house = House::new(way).await;
    let asked = house.ask().await;
    assert!(asked.contains("Ana Reyes asks for write on prod-db"), "{asked}");
    let card = house.reads();
    for part in ["Ana Reyes asks for write on prod-db (Orders database) for 1 h", "Unblock the stuck import", "Waiting for", "Approve"] {
        assert!(card.contains(part), "{part}: {card}");
    }
    assert!(house.press(CLEO, "approve").await.contains("You can't decide this one"), "{card}");
    assert!(!house.holds("ana", "write"));
    let voted = house.press(BEN, "approve").await;
    assert!(voted.contains("Your approval counts"), "{voted}");
    assert!(house.holds("ana", "write"));
    let card = house.reads();
    assert!(card.contains("Ana Reyes has write on prod-db") && card.contains("I'm done") && !card.contains("Approve"), "{card}");
    assert!(house.thread().contains("Ben Okafor approved"), "{}", house.thread());
    assert!(house.directs(ANA).contains("You have write on prod-db"), "{}", house.directs(ANA));
    house.advance(Span::from_minutes(54)).await;
    house.press(ANA, "return").await;
    house.settle().await;
    assert!(!house.holds("ana", "write"));
    assert!(house.reads().contains("Ended: Ana Reyes had write on prod-db"), "{}", house.reads());
    assert_eq!(house.discord.messages(CARDS).len(), 1, "there is one card");
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_whole_life_by_http() {
    a_whole_life(Way::Http).await;
}

#[tokio::test]
async fn a_whole_life_by_the_gateway() {
    a_whole_life(Way::Gateway).await;
}
