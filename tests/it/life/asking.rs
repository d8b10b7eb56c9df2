//! Asking, as people live it: what may be asked, what is refused with the reason, what is granted at once.

use hallpass::domain::{policy::Who, refusal::Refusal, request::Ending, time::Span};

use super::ASK;
use crate::world::World;

#[tokio::test]
async fn short_access_needs_no_approval_where_policy_says_so() {
    let world = World::new().await;
    world.say("ana", "/jit request bastion login 15m look at the disk").await;
    assert!(world.holds("ana", "login"));
}

#[tokio::test]
async fn a_redelivered_command_is_done_once() {
    use hallpass::bot::{Body, Incoming};
    let world = World::new().await;
    let incoming = Incoming {
        platform: hallpass::domain::policy::Platform::Console,
        user: "ana".into(),
        interaction: "same".into(),
        body: Body::Line { text: ASK.into() },
    };
    assert!(world.bot.take(&incoming).await.unwrap().is_some());
    assert!(world.bot.take(&incoming).await.unwrap().is_none());
}

#[tokio::test]
async fn missing_pieces_are_asked_for_and_typed_ones_kept() {
    let world = World::new().await;
    let said = world.say("ana", "/jit request prod-db 1h \"fix it\" --ticket OPS-1").await;
    insta::assert_snapshot!(said, @r#"
    Still missing: the role (read, write, admin). Copy this and fill it in:
    /jit request prod-db ROLE 1h "fix it" --ticket OPS-1
    "#);
    let said = world.say("ana", "/jit request prod-db write").await;
    insta::assert_snapshot!(said, @r"
    Still missing: why (at least 4 characters). Copy this and fill it in:
    /jit request prod-db write WHY
    ");
    assert!(world.all().await.is_empty());
}

#[tokio::test]
async fn a_wrong_piece_gets_a_refusal_that_says_what_would_work() {
    let world = World::new().await;
    assert!(matches!(world.no("ana", "/jit request prod-db write 5h fix it").await, Refusal::OverCap { .. }));
    assert!(matches!(world.no("ana", "/jit request prod-db write 1h fix it --ticket DEV-1").await, Refusal::TicketWrong { .. }));
    assert!(matches!(world.no("ana", "/jit request prod-db write 1h x").await, Refusal::ReasonMissing { min_chars: 4 }));
    assert!(matches!(world.no("ana", "/jit request prod-db write until 2026-11-24 13:00 fix it").await, Refusal::EndInPast { .. }));
    assert!(matches!(world.no("ana", "/jit request prod-db write 1h --at 2026-11-24 13:00 fix it").await, Refusal::StartInPast { .. }));
    let backwards = "/jit request prod-db write until 2026-11-24 20:00 --at 21:00 fix it";
    assert!(world.say("ana", backwards).await.starts_with("It would end at 20:00, before it begins at 21:00."));
    assert!(matches!(world.no("ana", "/jit request prod-db write 1h --at 2027-11-24 13:00 fix it").await, Refusal::StartTooFar { .. }));
    world.policy("prod-data", |policy| policy.ticket.as_mut().unwrap().required = true).await;
    assert!(matches!(world.no("ana", ASK).await, Refusal::Missing { .. }));
    assert!(world.all().await.is_empty());
}

#[tokio::test]
async fn who_may_not_ask_is_told_what_they_may_ask() {
    let world = World::new().await;
    world.policy("prod-data", |policy| policy.may_ask = vec![Who::Group("security".parse().unwrap())]).await;
    let Refusal::MayNotAsk { others, .. } = world.no("ana", ASK).await else { panic!() };
    assert_eq!(others.iter().map(ToString::to_string).collect::<Vec<_>>(), ["admin"]);
    world.done("cleo", ASK).await;
}

#[tokio::test]
async fn asking_for_somebody_else_is_for_those_whom_the_policy_names_and_the_subject_is_told_at_once_and_may_cancel() {
    let world = World::new().await;
    assert!(matches!(world.no("finn", "/jit request prod-db write 1h help her --for @cleo").await, Refusal::MayNotAskFor { .. }));
    let id = world.ask("ana", "/jit request prod-db write 1h help her --for @cleo").await;
    assert!(world.console.directs("cleo").contains(&format!("/jit cancel {id}")), "{}", world.console.directs("cleo"));
    assert!(matches!(world.no("finn", &format!("/jit cancel {id}")).await, Refusal::NotHolder));
    world.done("cleo", &format!("/jit cancel {id} I do not need it")).await;
    assert!(matches!(world.ending(&id).await, Ending::Cancelled { .. }));
}

#[tokio::test]
async fn the_same_access_is_not_asked_twice_for_the_same_time() {
    let world = World::new().await;
    let first = world.ask("ana", ASK).await;
    assert!(matches!(world.no("ana", ASK).await, Refusal::AlreadyOpen { request, .. } if request.to_string() == first));
    let later = world.ask("ana", "/jit request prod-db write 1h --at 20:00 nightly job").await;
    assert!(
        matches!(world.no("ana", "/jit request prod-db write 1h --at 20:30 nightly job").await, Refusal::AlreadyOpen { request, .. } if request.to_string() == later)
    );
    world.ask("cleo", ASK).await;
    world.done("ben", &format!("/jit approve {first}")).await;
    world.ask("ana", ASK).await;
}

#[tokio::test]
async fn what_nobody_could_approve_is_refused_when_it_is_asked() {
    let world = World::new().await;
    world
        .rules(|catalogue| {
            catalogue.groups.get_mut(&"db-leads".parse().unwrap()).unwrap().members = vec!["ben".parse().unwrap()];
            catalogue.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages[0].ladder.clear();
        })
        .await;
    assert!(matches!(world.no("ben", ASK).await, Refusal::NobodyCanApprove { .. }));
    world.done("ana", ASK).await;
}

#[tokio::test]
async fn what_people_type_survives_the_whole_life() {
    let world = World::new().await;
    let reason = "a: b, *c* <@U1> `d` {{e}} -- f";
    let id = world.granted("ana", &format!("/jit request prod-db write 1h “{reason}”"), "ben").await;
    world.done("ana", &format!("/jit return {id}")).await;
    assert!(world.say("ana", &format!("/jit show {id}")).await.contains(reason));
    assert!(world.console.channel("#db-approvers").contains(reason));
}

#[tokio::test]
async fn an_end_without_a_day_lies_behind_the_start() {
    let world = World::new().await;
    world.done("ana", "/jit request prod-db write until 12:00 --at tomorrow 09:00 nightly job").await;
    let ask = world.all().await.remove(0).main_ask().clone();
    let hallpass::domain::command::Length::Until(end) = ask.length else { panic!() };
    assert_eq!(end.since(ask.start.unwrap()), Span::from_minutes(180));
}

#[tokio::test]
async fn what_waits_already_is_named_with_what_can_be_done_about_it() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    let said = world.say("ana", ASK).await;
    assert_eq!(said, format!("You have this open already. Look: /jit show {id} · call it off: /jit cancel {id}"));
    world.policy("prod-data", |policy| policy.on_behalf_of = vec![Who::Everyone]).await;
    let said = world.say("finn", &format!("{ASK} --for @ana")).await;
    assert_eq!(said, format!("Ana Reyes has this open already, and can call it off: {id}"));
    let other = world.ask("finn", &format!("{ASK} --for @cleo")).await;
    let said = world.say("finn", &format!("{ASK} --for @cleo")).await;
    assert_eq!(said, format!("Cleo Marsh has this open already. Look: /jit show {other} · call it off: /jit cancel {other}"));
    world.done("finn", &format!("/jit cancel {other}")).await;
    world.done("ana", &format!("/jit cancel {id}")).await;
}
