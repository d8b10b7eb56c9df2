//! A place takes so much and no more: what must wait is not lost, coalesces, and keeps nobody else waiting.

use hallpass::{
    chat::console::{Kind, Output},
    domain::{policy::Channel, time::Span},
};
use tokio::sync::broadcast::Receiver;

use crate::{life::ASK, world::World};

const GAP: Span = Span::from_seconds(1);

/// What came to be seen in a channel since the last look.
fn seen(screen: &mut Receiver<Output>, place: &str) -> Vec<Kind> {
    std::iter::from_fn(|| screen.try_recv().ok()).filter(|output| output.place == place).map(|output| output.kind).collect()
}

/// A world with a request that is asked and told, at a second in which its channel takes something.
async fn asked() -> (World, String) {
    let world = World::new().await;
    world.pace(GAP);
    let id = world.ask("ana", ASK).await;
    for _ in 0..5 {
        world.advance(GAP).await;
    }
    (world, id)
}

#[tokio::test]
async fn ten_changes_in_a_second_are_one_update() {
    let (world, id) = asked().await;
    world.done("ben", &format!("/jit looking {id}")).await;
    let mut screen = world.console.subscribe();
    for n in 0..10 {
        let who = if n % 2 == 0 { "dora" } else { "ben" };
        world.done(who, &format!("/jit offer {id} {}m", 10 + n)).await;
    }
    assert_eq!(seen(&mut screen, "#db-approvers"), [], "it took something this second");
    world.advance(GAP).await;
    let card = world.console.thread(&world.card());
    assert!(card.contains("Ben Okafor offers 19 min"), "what is shown is what is true when it is sent: {card}");
    let mut all = seen(&mut screen, "#db-approvers");
    for _ in 0..30 {
        world.advance(GAP).await;
        let more = seen(&mut screen, "#db-approvers");
        assert!(more.len() <= 1, "one in a second: {more:?}");
        all.extend(more);
    }
    assert_eq!(all.iter().filter(|kind| **kind == Kind::Changed).count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|kind| **kind == Kind::Replied).count(), 11, "each event has its line: {all:?}");
    assert_eq!(world.console.turned_away(), 0, "nothing was sent too soon");
}

#[tokio::test]
async fn a_thread_goes_on_from_the_line_that_it_came_to() {
    let (world, id) = asked().await;
    for n in 0..3 {
        world.done("ben", &format!("/jit offer {id} {}m", 10 + n)).await;
    }
    let lines = || world.console.thread(&world.card()).lines().filter(|line| line.starts_with("    Ben Okafor offers")).count();
    let mut told = Vec::new();
    for _ in 0..6 {
        world.advance(GAP).await;
        told.push(lines());
    }
    assert!(told.is_sorted() && told[0] < 3 && told[5] == 3, "each once, one after the other: {told:?}");
    assert_eq!(world.console.turned_away(), 0);
}

#[tokio::test]
async fn a_channel_that_must_wait_keeps_no_other_waiting() {
    let world = World::new().await;
    world
        .rules(|catalogue| {
            let bastion = catalogue.resources.get_mut(&"bastion".parse().unwrap()).unwrap();
            bastion.channels = vec![Channel { platform: hallpass::domain::policy::Platform::Console, id: "#hosts".into() }];
        })
        .await;
    world.pace(Span::from_minutes(2));
    let first = world.ask("ana", ASK).await;
    world.done("ben", &format!("/jit looking {first}")).await;
    let waiting = world.console.channel("#db-approvers");
    assert!(!waiting.contains("is looking"), "{waiting}");
    world.ask("finn", "/jit request bastion login 2h Look at the host").await;
    world.bot.raise("ledger", "it cannot be sealed".into(), None).await.unwrap();
    world.workers.drain().await.unwrap();
    assert!(world.console.channel("#hosts").contains("Finn Ward asks for login on bastion"));
    assert!(world.console.channel("#ops").contains("it cannot be sealed"));
    assert_eq!(world.console.channel("#db-approvers"), waiting);
    world.advance(Span::from_minutes(2)).await;
    assert!(world.console.channel("#db-approvers").contains("Ben Okafor is looking"));
}

#[tokio::test]
async fn a_channel_that_asks_for_time_gets_it_whatever_happens_meanwhile() {
    let world = World::new().await;
    world.console.set_busy("#db-approvers", Some(Span::from_seconds(60)));
    let id = world.ask("ana", ASK).await;
    assert_eq!(world.console.turned_away(), 1, "the card, and nothing behind it");
    for n in 0..5 {
        world.advance(Span::from_seconds(10)).await;
        world.done("ben", &format!("/jit offer {id} {}m", 10 + n)).await;
    }
    assert_eq!(world.console.turned_away(), 1);
    world.console.set_busy("#db-approvers", None);
    world.advance(Span::from_seconds(10)).await;
    world.advance(Span::from_seconds(2)).await;
    let thread = world.console.thread(&world.card());
    assert!(thread.contains("    Ben Okafor offers 14 min"), "{thread}");
    assert_eq!(world.console.turned_away(), 1);
}
