//! How what people see reaches a chat that is a service of its own: one message once, at its pace, and what becomes of it
//! when the chat refuses, or somebody deletes it.

mod directly;
mod once;
mod pace;
mod put_away;
mod refused;

use hallpass::{
    clock::Clock as _,
    domain::time::Span,
    store::{Commit, Post, TaskKind, TaskWant},
};

use crate::{life::ASK, world::World};

/// Longer than any pause after one failure.
const SOON: Span = Span::from_seconds(3);
/// What needs a human is tried again this often.
const MENDING: Span = Span::from_minutes(10);

/// How often a text stands somewhere.
fn count(shown: &str, text: &str) -> usize {
    shown.matches(text).count()
}

impl World {
    /// Each place takes one message in so long.
    fn pace(&self, gap: Span) {
        let clock = self.clock.clone();
        self.console.set_pace(gap, Box::new(move || clock.now()));
    }
}

async fn post(world: &World, id: &str, place: &str) -> Option<Post> {
    world.store.posts(&id.parse().unwrap()).await.unwrap().into_iter().find(|post| post.place == place)
}

/// Somebody wants this card in line.
async fn want_card(world: &World, id: &str, place: &str) {
    let (key, queue) = (format!("{id}/console/{place}"), format!("console/{place}"));
    let card = TaskWant { kind: TaskKind::Card, key, queue, due_at: world.bot.now() };
    world.store.commit(Commit { tasks: vec![card], ..Commit::default() }).await.unwrap();
    world.workers.drain().await.unwrap();
}

#[tokio::test]
async fn what_is_told_after_a_card_was_deleted_is_told_under_a_new_one() {
    let world = World::new().await;
    world.pace(Span::from_seconds(1));
    let id = world.ask("ana", ASK).await;
    world.advance(Span::from_seconds(1)).await;
    world.done("ben", &format!("/jit looking {id}")).await;
    let before = world.card();
    assert_eq!(count(&world.console.thread(&before), "Ben Okafor is looking"), 1, "on the card: the line waits for its turn");
    world.console.delete(&before);
    for _ in 0..4 {
        world.advance(Span::from_seconds(1)).await;
    }
    let after = world.card();
    assert_ne!(after, before);
    assert_eq!(world.console.cards("#db-approvers"), std::slice::from_ref(&after));
    let thread = world.console.thread(&after);
    assert_eq!(count(&thread, "Ben Okafor is looking"), 2, "on the card and under it: {thread}");
}

#[tokio::test]
async fn a_deleted_card_that_changes_is_posted_again_once() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    let before = world.card();
    world.console.delete(&before);
    world.done("ben", &format!("/jit approve {id}")).await;
    world.advance(SOON).await;
    let after = world.card();
    assert_eq!(world.console.cards("#db-approvers"), std::slice::from_ref(&after));
    assert!(after != before && world.console.thread(&after).starts_with("Ana Reyes has write on prod-db"));
}
