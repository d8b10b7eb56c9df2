//! The policy in force at the moment of giving (R16): what was approved is counted once more before the first call.

use hallpass::{
    domain::{
        ids::PolicyName,
        policy::Catalogue,
        request::{Ending, State},
        time::Span,
    },
    provider::{FaultKind, pretend::Temper},
};

use crate::world::World;

const ASK: &str = "/jit request prod-db write 1h Unblock the stuck import";

fn changed(change: impl FnOnce(&mut Catalogue)) -> Catalogue {
    let mut catalogue = crate::world::catalogue();
    change(&mut catalogue);
    catalogue
}

fn prod_data() -> PolicyName {
    "prod-data".parse().unwrap()
}

fn without_ben(catalogue: &mut Catalogue) {
    catalogue.groups.get_mut(&"db-leads".parse().unwrap()).unwrap().members.retain(|m| m.as_str() != "ben");
}

/// Approved by ben while nothing can be given, since the target cannot even be looked at: no call is begun.
async fn approved_and_not_begun(world: &World) -> String {
    let away = Some((FaultKind::Transient, "connection refused".to_owned()));
    world.pretend.set_temper(Temper { fails: away, ..Temper::default() });
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    assert!(matches!(world.state(&id).await.state, State::Granting { .. }));
    id
}

async fn reload(world: &World, catalogue: Catalogue) {
    world.bot.reload(catalogue, (*world.bot.providers()).clone()).await.unwrap();
    world.pretend.set_temper(Temper::default());
    world.advance(Span::from_minutes(1)).await;
}

#[tokio::test]
async fn a_lower_cap_shortens_what_was_approved_and_the_thread_says_so() {
    let world = World::new().await;
    let id = approved_and_not_begun(&world).await;
    reload(&world, changed(|c| c.policies.get_mut(&prod_data()).unwrap().cap = Span::from_minutes(20))).await;
    let State::Active { grant, work, .. } = world.state(&id).await.state else { panic!("{:?}", world.state(&id).await.state) };
    assert_eq!(work.until, work.since + Span::from_minutes(20));
    assert_eq!((grant.cap, grant.ceiling), (Span::from_minutes(20), Span::from_minutes(20)));
    assert!(world.console.thread(&world.card()).contains("no more than"), "{}", world.console.thread(&world.card()));
}

#[tokio::test]
async fn what_no_longer_suffices_before_the_first_call_is_asked_again() {
    let world = World::new().await;
    let id = approved_and_not_begun(&world).await;
    reload(&world, changed(without_ben)).await;
    let State::Pending { round } = world.state(&id).await.state else { panic!("{:?}", world.state(&id).await.state) };
    assert!(round.votes.is_empty());
    assert!(!world.holds("ana", "write"));
    world.press("dora", "approve", &id, None).await;
    assert!(world.holds("ana", "write"));
    world.advance(Span::from_minutes(61)).await;
    assert!(!world.holds("ana", "write"));
    assert!(!world.state(&id).await.is_open());
}

#[tokio::test]
async fn what_no_longer_suffices_after_a_call_is_undone_and_failed() {
    let world = World::new().await;
    world.pretend.set_temper(Temper { cut_after_effect: true, ..Temper::default() });
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    assert!(world.holds("ana", "write"), "it took effect, and nobody knows");
    reload(&world, changed(without_ben)).await;
    world.advance(Span::from_minutes(1)).await;
    let State::Closed { ending: Ending::Failed { .. }, .. } = world.state(&id).await.state else {
        panic!("{:?}", world.state(&id).await.state)
    };
    assert!(!world.holds("ana", "write"));
}

#[tokio::test]
async fn nothing_is_given_while_the_policy_is_broken_and_it_goes_on_with_the_next_good_one() {
    let world = World::new().await;
    let id = approved_and_not_begun(&world).await;
    reload(&world, changed(|c| c.frozen = true)).await;
    assert!(!world.holds("ana", "write"));
    assert!(matches!(world.state(&id).await.state, State::Granting { .. }));
    reload(&world, changed(|_| {})).await;
    assert!(world.holds("ana", "write"));
}

#[tokio::test]
async fn a_role_that_is_no_longer_in_the_catalogue_is_not_given() {
    let world = World::new().await;
    let id = approved_and_not_begun(&world).await;
    reload(&world, changed(|c| c.resources.get_mut(&"prod-db".parse().unwrap()).unwrap().roles.retain(|r| r.name.as_str() != "write")))
        .await;
    assert!(!world.holds("ana", "write"));
    world.advance(Span::from_minutes(1)).await;
    assert!(matches!(world.state(&id).await.state, State::Closed { ending: Ending::Failed { .. }, .. }));
}

#[tokio::test]
async fn a_subject_who_left_is_given_nothing() {
    let world = World::new().await;
    let id = approved_and_not_begun(&world).await;
    world.console.set_profile("ana", "ana", false);
    reload(&world, changed(|_| {})).await;
    assert!(!world.holds("ana", "write"));
    assert!(matches!(world.state(&id).await.state, State::Closed { ending: Ending::Left, .. }));
}
