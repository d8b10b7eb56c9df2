//! What is shown and told: the two halves of a post, tasks that wait for their turn, and leases of tasks that are lost.

use hallpass::{
    domain::policy::Platform,
    store::{Commit, CommitError, Post, PostWrite, Posted, Store, TaskEnd},
};

use super::{at, request, task, tasks};

pub(super) async fn a_task_that_waits_for_its_turn_keeps_its_tries_and_is_not_hurried(url: &str) {
    let store = Store::open(url).await.unwrap();
    store.commit(task("a", "q", at(0))).await.unwrap();
    let first = tasks(&store, at(0)).await.remove(0);
    store.finish_task(&first, TaskEnd::Again { due_at: at(1), failed: true }).await.unwrap();
    let second = tasks(&store, at(1)).await.remove(0);
    store.commit(task("a", "q", at(1))).await.unwrap();
    store.finish_task(&second, TaskEnd::Waits { due_at: at(5) }).await.unwrap();
    assert!(tasks(&store, at(4)).await.is_empty(), "it was raised meanwhile, and waits all the same");
    let third = tasks(&store, at(5)).await.remove(0);
    assert_eq!((second.tries, third.tries), (1, 1));
    store.finish_task(&third, TaskEnd::Done).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), None);
}

pub(super) async fn a_lost_task_lease_ends_nothing(url: &str) {
    let store = Store::open(url).await.unwrap();
    store.commit(task("a", "q", at(0))).await.unwrap();
    let lost = tasks(&store, at(0)).await.remove(0);
    let held = tasks(&store, at(30)).await.remove(0);
    assert_eq!(store.finish_task(&lost, TaskEnd::Done).await, Err(CommitError::Fenced));
    assert_eq!(store.next_due().await.unwrap(), Some(at(0)));
    assert!(tasks(&store, at(31)).await.is_empty());
    store.finish_task(&held, TaskEnd::Done).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), None);
}

pub(super) async fn a_card_and_what_is_told_under_it_are_written_apart(url: &str) {
    let store = Store::open(url).await.unwrap();
    let id = request(1).id;
    let write = |write: PostWrite| store.commit(Commit { posts: vec![write], ..Commit::default() });
    let none = Post {
        request: id.clone(),
        platform: Platform::Slack,
        place: "C1".into(),
        posted: None,
        shown: None,
        sending: None,
        cursor: 0,
        telling: None,
    };
    write(PostWrite::Told(Post { cursor: 3, telling: Some("line".into()), ..none.clone() })).await.unwrap();
    write(PostWrite::Card(Post { sending: Some("card".into()), ..none.clone() })).await.unwrap();
    let both = Post { sending: Some("card".into()), cursor: 3, telling: Some("line".into()), ..none.clone() };
    assert_eq!(store.posts(&id).await.unwrap(), [both]);
    let card = Post {
        posted: Some(Posted { channel: "C1".into(), message: "1.2".into() }),
        shown: Some("digest".into()),
        cursor: 9,
        telling: Some("not its own".into()),
        ..none.clone()
    };
    write(PostWrite::Card(card.clone())).await.unwrap();
    // Somebody whose lease is lost comes late.
    write(PostWrite::Told(Post { cursor: 2, ..none.clone() })).await.unwrap();
    assert_eq!(store.posts(&id).await.unwrap(), [Post { cursor: 3, telling: Some("line".into()), ..card.clone() }]);
    write(PostWrite::Told(Post { cursor: 4, ..none })).await.unwrap();
    assert_eq!(store.posts(&id).await.unwrap(), [Post { cursor: 4, telling: None, ..card }]);
}
