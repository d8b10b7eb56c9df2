//! Less than was asked: an offer is no vote; accepted by the requester it is a new ask under the rules of what it asks for.

use hallpass::domain::{
    command::Act,
    decide::{self, Context},
    event::Event,
    facts::{Facts, Groups},
    policy::Who,
    refusal::Refusal,
    request::{GrantId, Preview, State},
    time::Span,
};

use super::ASK;
use crate::world::World;

#[tokio::test]
async fn only_less_is_an_offer() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    for more in ["2h", "admin", "admin 30m", "write", "1h", "read 2h"] {
        assert_eq!(world.no("ben", &format!("/jit offer {id} {more}")).await, Refusal::NotLess, "{more}");
    }
    world.done("ben", &format!("/jit offer {id} 30m read only please")).await;
    assert!(world.round(&id).await.votes.is_empty(), "an offer is no vote");
}

#[tokio::test]
async fn an_offer_is_answered_by_whoever_asked() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db write 1h help her --for @cleo").await;
    assert_eq!(world.no("ana", &format!("/jit accept {id}")).await, Refusal::NoOffer);
    world.done("ben", &format!("/jit offer {id} 30m")).await;
    for person in ["ben", "dora", "finn", "cleo"] {
        assert_eq!(world.no(person, &format!("/jit accept {id}")).await, Refusal::NotRequester, "{person}");
        assert_eq!(world.no(person, &format!("/jit decline {id}")).await, Refusal::NotRequester, "{person}");
    }
    world.done("ana", &format!("/jit decline {id}")).await;
    assert!(world.round(&id).await.offer.is_none(), "what was asked stands");
    world.done("ben", &format!("/jit approve {id}")).await;
    assert!(world.holds("cleo", "write"));
}

#[tokio::test]
async fn an_accepted_offer_is_approved_at_once_where_its_rule_says_so() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request bastion login 1h look at the disk").await;
    world.done("cleo", &format!("/jit offer {id} 20m")).await;
    assert!(!world.holds("ana", "login"));
    world.done("ana", &format!("/jit accept {id}")).await;
    assert!(world.holds("ana", "login"));
    let State::Active { grant, .. } = world.state(&id).await.state else { panic!() };
    assert_eq!(grant.duration, Span::from_minutes(20));
}

#[tokio::test]
async fn an_accepted_offer_is_judged_by_the_rules_of_its_role() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db admin 1h move").await;
    world.done("ben", &format!("/jit offer {id} read")).await;
    world.policy("prod-data", |policy| policy.may_ask = vec![Who::Person("finn".parse().unwrap())]).await;
    assert!(matches!(world.no("ana", &format!("/jit accept {id}")).await, Refusal::MayNotAsk { .. }));
    world.policy("prod-data", |policy| policy.ticket.as_mut().unwrap().required = true).await;
    assert!(matches!(world.no("ana", &format!("/jit accept {id}")).await, Refusal::TicketMissing { .. }));
    world.policy("prod-data", |policy| policy.reason.min_chars = 10).await;
    assert!(matches!(world.no("ana", &format!("/jit accept {id}")).await, Refusal::ReasonMissing { min_chars: 10 }));
    world.policy("prod-data", |policy| policy.cap = Span::from_minutes(30)).await;
    assert!(matches!(world.no("ana", &format!("/jit accept {id}")).await, Refusal::OverCap { .. }));
    world.rules(|_| {}).await;
    world.done("ana", &format!("/jit accept {id}")).await;
    world.done("ben", &format!("/jit approve {id}")).await;
    assert!(world.holds("ana", "read"), "one stage, not the two of admin");
    assert!(!world.holds("ana", "admin"));
}

/// What the newest card says that a press will give.
fn gets(world: &World) -> String {
    let card = world.console.thread(&world.card());
    card.lines().find_map(|line| line.trim().strip_prefix("Gets")).unwrap_or_else(|| panic!("{card}")).trim().to_owned()
}

#[tokio::test]
async fn the_card_of_an_accepted_offer_says_what_its_role_gives() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db admin 1h move the table").await;
    assert_eq!(gets(&world), "nothing real: \"admin\" is pretended, ends 1 h after it works");
    world.done("ben", &format!("/jit offer {id} read 10m")).await;
    world.done("ana", &format!("/jit accept {id}")).await;
    assert_eq!(gets(&world), "nothing real: \"read\" is pretended, ends 10 min after it works");
}

#[tokio::test]
async fn the_card_of_an_accepted_offer_says_nothing_of_the_other_role_when_the_provider_cannot_be_asked() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db admin 1h move the table").await;
    world.done("ben", &format!("/jit offer {id} read 10m")).await;
    let (catalogue, groups) = (crate::world::catalogue(), Groups::default());
    let facts = Facts { catalogue: &catalogue, groups: &groups };
    let context = Context { facts, now: world.now(), grant: GrantId::new(1), order: None, preview: None };
    let events = decide::act(&world.state(&id).await, &"ana".parse().unwrap(), &Act::AcceptOffer, &context).unwrap();
    let [Event::OfferAccepted { ask }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(ask.preview, Preview::default());
}

#[tokio::test]
async fn an_offer_of_less_time_keeps_an_absolute_end() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db write until 18:00 fix it").await;
    world.done("ben", &format!("/jit offer {id} 1h")).await;
    world.advance(Span::from_minutes(210)).await;
    world.done("ana", &format!("/jit accept {id}")).await;
    world.done("ben", &format!("/jit approve {id}")).await;
    assert_eq!(world.work(&id).await.until, crate::world::START + Span::from_minutes(240));
}

#[tokio::test]
async fn an_offer_of_less_is_no_vote_and_becomes_the_ask() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "less", &id, Some("read 30m only looking")).await;
    world.press("ana", "accept", &id, None).await;
    assert!(!world.holds("ana", "read"));
    world.press("ben", "approve", &id, None).await;
    assert!(world.holds("ana", "read"));
    assert!(!world.holds("ana", "write"));
    let State::Active { grant, .. } = world.state(&id).await.state else { panic!() };
    assert_eq!(grant.duration, Span::from_minutes(30));
}

#[tokio::test]
async fn of_more_time_an_approver_can_offer_less_which_counts_once_it_is_taken_and_approved() {
    let world = World::new().await;
    world.policy("prod-data", |policy| policy.extend_to = None).await;
    let id = world.granted("ana", ASK, "ben").await;
    let end = world.work(&id).await.until;
    world.done("ana", &format!("/jit extend {id} 2h one more batch")).await;
    for more in ["2h", "3h"] {
        assert_eq!(world.no("ben", &format!("/jit offer {id} {more}")).await, Refusal::NotLess, "{more}");
    }
    for role in ["read", "read 30m"] {
        assert!(matches!(world.no("ben", &format!("/jit offer {id} {role}")).await, Refusal::OnlyLessTime { .. }), "{role}");
    }
    world.done("ben", &format!("/jit offer {id} 30m")).await;
    let told = world.console.directs("ana");
    assert!(told.contains("Ben Okafor offers 30 min instead of 2 h more of write on prod-db as you asked"), "{told}");
    assert_eq!(world.no("ben", &format!("/jit accept {id}")).await, Refusal::NotRequester);
    world.done("ana", &format!("/jit accept {id}")).await;
    assert_eq!(world.work(&id).await.until, end, "an offer is no vote");
    let card = world.console.thread(&world.card());
    assert!(card.contains("Ana Reyes accepted: now asking for 30 min more"), "{card}");
    world.done("ben", &format!("/jit approve {id}")).await;
    assert_eq!(world.work(&id).await.until, end + Span::from_minutes(30));
}

#[tokio::test]
async fn less_time_that_lies_below_what_was_approved_is_given_when_it_is_taken() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    let end = world.work(&id).await.until;
    world.done("ana", &format!("/jit extend {id} 2h one more batch")).await;
    world.done("ben", &format!("/jit offer {id} 30m")).await;
    world.done("ana", &format!("/jit accept {id}")).await;
    assert_eq!(world.work(&id).await.until, end + Span::from_minutes(30));
}

#[tokio::test]
async fn an_offer_of_less_time_that_is_declined_leaves_what_was_asked_and_the_subject_answers_for_it() {
    let world = World::new().await;
    let id = world.granted("ana", "/jit request prod-db write 1h help her --for @cleo", "ben").await;
    let end = world.work(&id).await.until;
    world.done("cleo", &format!("/jit extend {id} 2h one more batch")).await;
    world.done("ben", &format!("/jit offer {id} 30m")).await;
    assert_eq!(world.no("ana", &format!("/jit decline {id}")).await, Refusal::NotRequester, "Cleo asked for it");
    world.done("cleo", &format!("/jit decline {id}")).await;
    world.done("dora", &format!("/jit approve {id}")).await;
    assert_eq!(world.work(&id).await.until, end + Span::from_minutes(120));
}
