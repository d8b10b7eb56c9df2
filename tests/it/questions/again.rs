//! What came back after its end and was settled; and what people find of their own while a chat does not answer.

use hallpass::{
    domain::{entitlement::Ownership, policy::Platform, time::Span},
    provider::{
        FaultKind,
        pretend::{Pretend, Temper},
    },
};

use super::closed;
use crate::{store_suite::file, world::World};

const ASK: &str = "/jit request prod-db write 1h Unblock the stuck import";

#[tokio::test]
async fn what_came_back_and_was_settled_was_not_read_as_gone() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_provider(&file(&folder), Pretend::new(Ownership::PerGrant).telling()).await;
    world.rules(closed).await;
    let id = world.granted("ana", ASK, "ben").await;
    world.waits(60).await;
    let object = world.pretend.held().into_iter().next().unwrap().1;
    world.waits(3_600).await;
    assert!(!world.holds("ana", "write"));
    world.pretend.set("write", &object, true);
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "no such host".into())), ..Temper::default() });
    world.waits(360).await;
    world.waits(20).await;
    let back = world.say("gina", "/jit who prod-db --at now").await;
    assert!(back.contains("had write again") && back.contains("and not read as gone since"), "{back}");
    world.done("eve", &format!("/jit settle {id} the server was deleted")).await;
    world.advance(Span::from_minutes(10)).await;
    let settled = world.say("gina", "/jit who prod-db --at now").await;
    assert!(settled.contains("had write again") && settled.contains("and not read as gone since"), "nobody looked: {settled}");
}

#[tokio::test]
async fn while_a_chat_does_not_say_who_is_in_a_group_people_find_their_own_and_read_why_it_is_only_that() {
    let world = World::with(Ownership::PerGrant).await;
    world.rules(closed).await;
    let other = world.granted("ana", ASK, "ben").await;
    let own = world.granted("ana", "/jit request prod-db read 30m help her out --for @ida", "ben").await;
    world.waits(60).await;
    world
        .rules(|catalogue| {
            closed(catalogue);
            let leads = catalogue.groups.get_mut(&"db-leads".parse().unwrap()).unwrap();
            (leads.members, leads.chats) = (Vec::new(), [(Platform::Slack, "S0LEADS".into())].into());
        })
        .await;
    let said = world.say("ida", "/jit who prod-db --at now").await;
    assert!(said.contains(&own) && !said.contains(&other), "{said}");
    assert!(said.contains("Only what is yours is shown: I could not ask ") && said.contains(" who is in db-leads"), "{said}");
    assert_eq!(world.named("hal", "/jit who prod-db --at now").await, "cannot_ask_group", "nothing of his is there");
}
