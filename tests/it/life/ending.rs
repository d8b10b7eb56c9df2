//! Ending: given back, taken away, settled; by whom, and told to whom.

use hallpass::domain::{
    policy::Who,
    refusal::Refusal,
    request::{Ending, State},
    time::Span,
};

use super::ASK;
use crate::world::World;

#[tokio::test]
async fn returned_early_is_gone_early() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    world.press("ana", "return", &id, None).await;
    assert!(!world.holds("ana", "write"));
    assert!(matches!(world.state(&id).await.state, State::Closed { ending: Ending::Returned { .. }, .. }));
}

#[tokio::test]
async fn revoke_is_for_approvers_the_owner_and_administrators_with_a_reason() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    assert_eq!(world.no("ben", &format!("/jit revoke {id}")).await, Refusal::ReasonNeeded);
    for person in ["cleo", "ana"] {
        assert_eq!(world.no(person, &format!("/jit revoke {id} why not")).await, Refusal::MayNotRevoke, "{person}");
    }
    for person in ["dora", "finn", "eve"] {
        let id = world.granted("ana", ASK, "ben").await;
        world.done(person, &format!("/jit revoke {id} enough")).await;
        assert!(matches!(world.ending(&id).await, Ending::Revoked { by: Some(by), .. } if by.as_str() == person));
    }
    assert!(world.holds("ana", "write"), "the first one is left");
}

#[tokio::test]
async fn what_was_approved_and_has_not_begun_can_be_revoked_too() {
    let world = World::new().await;
    let id = world.granted("ana", "/jit request prod-db write 1h --at 16:00 nightly job", "ben").await;
    world.done("finn", &format!("/jit revoke {id} the database moves tonight")).await;
    assert!(matches!(world.ending(&id).await, Ending::Cancelled { by: Some(by), .. } if by.as_str() == "finn"));
    world.advance(Span::from_minutes(121)).await;
    assert!(!world.holds("ana", "write"));
}

#[tokio::test]
async fn everything_of_a_person_is_revoked_as_far_as_one_may_and_the_rest_is_named() {
    let world = World::new().await;
    let write = world.granted("ana", ASK, "ben").await;
    let login = world.ask("ana", "/jit request bastion login 15m look at the disk").await;
    let pending = world.ask("ana", "/jit request prod-db admin 1h Move the tables").await;
    let said = world.say("ben", "/jit revoke @ana leaving the team").await;
    assert!(said.contains(&write) && said.contains(&login) && !said.contains(&pending), "{said}");
    assert!(!world.holds("ana", "write"));
    assert!(world.holds("ana", "login"), "ben approves nothing on bastion");
    assert_eq!(world.no("ben", "/jit revoke @ana leaving the team").await, Refusal::MayNotRevoke);
    world.done("eve", "/jit revoke @ana leaving the team").await;
    assert!(!world.holds("ana", "login"));
}

#[tokio::test]
async fn settling_is_for_an_administrator_who_is_neither_requester_nor_subject() {
    use hallpass::provider::{FaultKind, pretend::Temper};
    let world = World::new().await;
    world.rules(|catalogue| catalogue.administrators.push(Who::Person("ana".parse().unwrap()))).await;
    let id = world.granted("ana", ASK, "ben").await;
    assert!(
        matches!(world.no("eve", &format!("/jit settle {id} server deleted")).await, Refusal::AlreadyDecided { .. }),
        "not while it works"
    );
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "no such host".into())), ..Temper::default() });
    world.advance(Span::from_minutes(60)).await;
    world.advance(Span::from_seconds(30)).await;
    assert_eq!(world.no("ana", &format!("/jit settle {id} server deleted")).await, Refusal::OwnSettle);
    assert_eq!(world.no("ben", &format!("/jit settle {id} server deleted")).await, Refusal::NotAdministrator);
    assert_eq!(world.no("eve", &format!("/jit settle {id}")).await, Refusal::ReasonNeeded);
    assert_eq!(world.store.open_alarms().await.unwrap().len(), 1);
    world.done("eve", &format!("/jit settle {id} server deleted")).await;
    assert!(matches!(world.ending(&id).await, Ending::Settled { .. }));
    assert!(world.store.open_alarms().await.unwrap().is_empty());
}

#[tokio::test]
async fn ended_requests_stay_listed_and_say_that_they_ended() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    world.done("ana", &format!("/jit return {id}")).await;
    assert!(world.say("ana", "/jit mine").await.contains(&id));
    assert!(world.say("ana", &format!("/jit show {}", id.to_lowercase().replace('-', ""))).await.contains(&id));
    for act in ["approve ID", "deny ID no", "return ID", "extend ID 30m", "revoke ID late", "cancel ID", "takeback ID"] {
        let refusal = world
            .no(
                if act.starts_with(['a', 'd', 't']) || act.starts_with("rev") { "ben" } else { "ana" },
                &format!("/jit {}", act.replace("ID", &id)),
            )
            .await;
        assert!(matches!(refusal, Refusal::NotOpen { .. }), "{act}: {refusal:?}");
    }
}

#[tokio::test]
async fn others_see_nothing_of_a_request() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    assert!(matches!(world.no("cleo", &format!("/jit show {id}")).await, Refusal::NoSuchRequest { .. }));
    assert!(world.say("cleo", "/jit who prod-db").await.contains(&id), "who may ask for it sees who has it");
    for person in ["ana", "ben", "finn", "eve"] {
        assert!(world.say(person, "/jit who prod-db").await.contains(&id), "{person}");
    }
}
