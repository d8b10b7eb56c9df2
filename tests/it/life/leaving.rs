//! Who left loses what they hold and cannot act.

use hallpass::domain::{
    refusal::Refusal,
    request::{Ending, State},
};

use super::ASK;
use crate::world::World;

#[tokio::test]
async fn a_leaver_loses_access_at_once() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    world.console.set_profile("ana", "ana", false);
    world.bot.leavers().await.unwrap();
    world.workers.drain().await.unwrap();
    assert!(!world.holds("ana", "write"));
    assert!(matches!(world.state(&id).await.state, State::Closed { ending: Ending::Left, .. }));
}

#[tokio::test]
async fn who_left_can_do_nothing() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    world.console.set_profile("ben", "ben", false);
    for line in ["approve ID", "deny ID no", "request prod-db write 1h why not", "link"] {
        assert_eq!(world.no("ben", &format!("/jit {}", line.replace("ID", &id))).await, Refusal::Inactive, "{line}");
    }
    world.rules(|catalogue| catalogue.people.get_mut(&"dora".parse().unwrap()).unwrap().active = false).await;
    assert_eq!(world.no("dora", &format!("/jit approve {id}")).await, Refusal::Inactive);
}

#[tokio::test]
async fn a_vote_of_somebody_who_left_no_longer_counts_and_the_others_are_asked() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db admin 1h Move the tables").await;
    world.done("ben", &format!("/jit approve {id}")).await;
    world.console.set_profile("ben", "ben", false);
    world.press("cleo", "approve", &id, None).await;
    assert!(!world.holds("ana", "admin"));
    world.done("dora", &format!("/jit approve {id}")).await;
    world.press("cleo", "approve", &id, None).await;
    assert!(world.holds("ana", "admin"), "{:?}", world.state(&id).await);
}

#[tokio::test]
async fn what_a_leaver_asked_closes_and_what_others_hold_stays() {
    let world = World::new().await;
    let asked = world.ask("ana", ASK).await;
    let for_cleo = world.granted("ana", "/jit request prod-db read 1h help her --for @cleo", "ben").await;
    world.console.set_profile("ana", "ana", false);
    world.bot.leavers().await.unwrap();
    world.workers.drain().await.unwrap();
    assert!(matches!(world.ending(&asked).await, Ending::Left));
    assert!(world.state(&for_cleo).await.is_open() && world.holds("cleo", "read"));
}
