//! Deciding: who may, who counts, how often, and what a later change of the rules does to it.

use hallpass::domain::{
    policy::Platform,
    refusal::Refusal,
    request::{Ending, State},
    time::Span,
};

use super::ASK;
use crate::world::World;

#[tokio::test]
async fn an_outsider_can_press_nothing() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    for action in ["approve", "deny", "looking", "less:30m", "pass:@ben", "revoke", "return", "cancel", "accept"] {
        world.press("cleo", action, &id, Some("30m because")).await;
        world.press("stranger", action, &id, Some("30m because")).await;
    }
    let request = world.state(&id).await;
    assert_eq!(request.n, 1, "{request:?}");
}

#[tokio::test]
async fn requester_cannot_approve_own_request() {
    let world = World::new().await;
    world.say("ben", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    assert!(matches!(world.state(&id).await.state, State::Pending { .. }));
}

#[tokio::test]
async fn one_person_in_two_groups_fills_one_stage() {
    let world = World::new().await;
    world.say("ana", "/jit request prod-db admin 1h Move the tables").await;
    let id = world.newest().await;
    world.press("dora", "approve", &id, None).await;
    world.press("dora", "approve", &id, None).await;
    assert!(matches!(world.state(&id).await.state, State::Pending { .. }));
    world.press("cleo", "approve", &id, None).await;
    assert!(world.holds("ana", "admin"));
}

#[tokio::test]
async fn a_deny_needs_a_reason_and_ends_it() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "deny", &id, None).await;
    assert!(matches!(world.state(&id).await.state, State::Pending { .. }));
    world.press("ben", "deny", &id, Some("use the read replica")).await;
    assert!(matches!(world.state(&id).await.state, State::Closed { ending: Ending::Denied { .. }, .. }));
    assert!(!world.holds("ana", "write"));
}

#[tokio::test]
async fn an_unanswered_ask_escalates_and_closes() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("eve", "approve", &id, None).await;
    assert!(matches!(world.state(&id).await.state, State::Pending { .. }));
    world.advance(Span::from_minutes(10)).await;
    let State::Pending { round } = world.state(&id).await.state else { panic!() };
    assert_eq!(round.rung, 1);
    world.advance(Span::from_minutes(240)).await;
    assert!(matches!(world.state(&id).await.state, State::Closed { ending: Ending::Unanswered, .. }));
}

#[tokio::test]
async fn a_scheduled_start_waits() {
    let world = World::new().await;
    world.say("ana", "/jit request prod-db write 1h --at 16:00 nightly job").await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    assert!(matches!(world.state(&id).await.state, State::Scheduled { .. }));
    assert!(!world.holds("ana", "write"));
    world.advance(Span::from_minutes(120)).await;
    assert!(world.holds("ana", "write"));
}

#[tokio::test]
async fn an_approver_who_left_the_set_no_longer_counts_at_a_scheduled_start() {
    let world = World::new().await;
    world.say("ana", "/jit request prod-db write 1h --at 16:00 nightly job").await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    let mut catalogue = crate::world::catalogue();
    catalogue.groups.get_mut(&"db-leads".parse().unwrap()).unwrap().members.retain(|m| m.as_str() != "ben");
    world.bot.reload(catalogue, (*world.bot.providers()).clone()).await.unwrap();
    world.advance(Span::from_minutes(120)).await;
    assert!(matches!(world.state(&id).await.state, State::Pending { .. }));
    assert!(!world.holds("ana", "write"));
}

#[tokio::test]
async fn a_card_never_says_granted_twice_and_a_second_approve_does_not_restart_the_clock() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    let until = world.work(&id).await.until;
    world.advance(Span::from_minutes(30)).await;
    assert!(matches!(world.no("dora", &format!("/jit approve {id}")).await, Refusal::AlreadyDecided { .. }));
    assert_eq!(world.work(&id).await.until, until);
}

#[tokio::test]
async fn two_of_one_group_are_two_different_people() {
    let world = World::new().await;
    world.policy("prod-data", |policy| policy.stages[0].needed = 2).await;
    let id = world.ask("ana", ASK).await;
    world.done("ben", &format!("/jit approve {id}")).await;
    assert!(matches!(world.no("ben", &format!("/jit approve {id}")).await, Refusal::AlreadyVoted { .. }));
    assert!(world.console.channel("#db-approvers").contains("1 of 2"), "{}", world.console.channel("#db-approvers"));
    assert!(!world.holds("ana", "write"));
    world.done("dora", &format!("/jit approve {id}")).await;
    assert!(world.holds("ana", "write"));
}

#[tokio::test]
async fn more_votes_than_are_needed_still_grant() {
    let world = World::new().await;
    world.policy("prod-data", |policy| policy.stages[0].needed = 2).await;
    let id = world.ask("ana", ASK).await;
    world.done("ben", &format!("/jit approve {id}")).await;
    // One is enough now: the votes there are more than needed once the next one comes.
    world.policy("prod-data", |policy| policy.stages[0].needed = 1).await;
    world.press("dora", "approve", &id, None).await;
    assert!(world.holds("ana", "write"), "{:?}", world.state(&id).await);
}

#[tokio::test]
async fn one_person_in_two_groups_is_told_that_they_counted_already() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db admin 1h Move the tables").await;
    world.done("dora", &format!("/jit approve {id}")).await;
    assert!(matches!(world.no("dora", &format!("/jit approve {id}")).await, Refusal::AlreadyVoted { stage: 0, .. }));
    assert!(matches!(world.no("ben", &format!("/jit approve {id}")).await, Refusal::NotApprover { .. }), "the leads have had their say");
}

#[tokio::test]
async fn a_later_stage_is_told_that_it_comes_next() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db admin 1h Move the tables").await;
    let Refusal::NotApprover { later, .. } = world.no("cleo", &format!("/jit approve {id}")).await else { panic!() };
    assert_eq!(later.as_deref(), Some("@security"));
}

#[tokio::test]
async fn neither_requester_nor_subject_decides() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db write 1h help him --for @ben").await;
    for act in ["approve ID", "deny ID no", "looking ID", "offer ID 30m", "pass ID @dora"] {
        for person in ["ana", "ben"] {
            assert_eq!(world.no(person, &format!("/jit {}", act.replace("ID", &id))).await, Refusal::OwnRequest, "{person} {act}");
        }
    }
    world.done("dora", &format!("/jit approve {id}")).await;
    assert!(world.holds("ben", "write"));
}

#[tokio::test]
async fn an_administrator_approves_nothing_by_being_one() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    assert!(matches!(world.no("eve", &format!("/jit approve {id}")).await, Refusal::NotApprover { .. }));
    let own = world.ask("eve", ASK).await;
    assert_eq!(world.no("eve", &format!("/jit approve {own}")).await, Refusal::OwnRequest);
}

#[tokio::test]
async fn an_outsider_decides_nothing_even_when_nothing_is_left_to_climb() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    world.policy("prod-data", |policy| policy.at_once_up_to = Some(Span::from_minutes(60))).await;
    for act in ["approve ID", "deny ID because", "looking ID", "offer ID 30m"] {
        let refusal = world.no("cleo", &format!("/jit {}", act.replace("ID", &id))).await;
        assert!(matches!(refusal, Refusal::NotApprover { .. }), "{act}: {refusal:?}");
    }
    world.done("ben", &format!("/jit approve {id}")).await;
    assert!(world.holds("ana", "write"));
}

#[tokio::test]
async fn a_vote_can_be_taken_back_until_the_grant_starts() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db admin 1h Move the tables").await;
    world.done("ben", &format!("/jit approve {id}")).await;
    assert_eq!(world.round(&id).await.stage, 1);
    assert_eq!(world.no("dora", &format!("/jit takeback {id}")).await, Refusal::NoVote);
    world.done("ben", &format!("/jit takeback {id}")).await;
    assert_eq!((world.round(&id).await.stage, world.round(&id).await.votes.len()), (0, 0));
    let granted = world.granted("ana", ASK, "ben").await;
    assert!(matches!(world.no("ben", &format!("/jit takeback {granted}")).await, Refusal::AlreadyDecided { .. }));
}

#[tokio::test]
async fn a_vote_can_be_taken_back_while_the_start_is_awaited_and_it_is_asked_anew() {
    let world = World::new().await;
    let id = world.granted("ana", "/jit request prod-db write 1h --at 2026-11-26 16:00 nightly job", "ben").await;
    world.advance(Span::from_minutes(24 * 60)).await;
    assert!(matches!(world.state(&id).await.state, State::Scheduled { .. }));
    world.done("ben", &format!("/jit takeback {id}")).await;
    world.advance(Span::from_minutes(9)).await;
    assert_eq!(world.round(&id).await.rung, 0, "the ladder begins again");
    world.advance(Span::from_minutes(1)).await;
    assert_eq!(world.round(&id).await.rung, 1);
    world.advance(Span::from_minutes(229)).await;
    assert!(world.state(&id).await.is_open(), "patience counts from when it was asked anew");
    world.done("eve", &format!("/jit approve {id}")).await;
    assert!(matches!(world.state(&id).await.state, State::Scheduled { .. }));
}

#[tokio::test]
async fn looking_pauses_the_ladder_five_minutes_and_tells_the_others() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    world.advance(Span::from_minutes(8)).await;
    world.done("ben", &format!("/jit looking {id}")).await;
    assert!(world.console.thread(&world.card()).contains("Ben Okafor is looking"), "{}", world.console.thread(&world.card()));
    assert!(
        matches!(world.no("dora", &format!("/jit looking {id}")).await, Refusal::AlreadyLooking { person: Some(person) } if person.as_str() == "ben")
    );
    world.advance(Span::from_minutes(6)).await;
    assert_eq!(world.round(&id).await.rung, 0);
    world.advance(Span::from_minutes(1)).await;
    assert_eq!(world.round(&id).await.rung, 1);
    world.done("dora", &format!("/jit approve {id}")).await;
    assert!(world.holds("ana", "write"), "looking is no lock");
}

#[tokio::test]
async fn pass_on_asks_only_those_who_may_approve() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    for to in ["cleo", "eve", "ana", "ben"] {
        let refusal = world.no("ben", &format!("/jit pass {id} @{to}")).await;
        assert!(matches!(refusal, Refusal::CannotPassTo { .. }), "{to}: {refusal:?}");
    }
    world.done("ben", &format!("/jit pass {id} @dora")).await;
    assert_eq!(world.round(&id).await.passed_to, ["dora".parse().unwrap()]);
    world.advance(Span::from_minutes(10)).await;
    world.done("ben", &format!("/jit pass {id} @eve")).await;
}

#[tokio::test]
async fn those_who_are_told_are_reminded_as_often_as_the_policy_says() {
    let world = World::new().await;
    world.policy("prod-data", |policy| policy.stages[0].remind_every = Some(Span::from_minutes(30))).await;
    let id = world.ask("ana", ASK).await;
    for _ in 0..3 {
        world.advance(Span::from_minutes(30)).await;
    }
    let told = world.console.thread(&world.card());
    assert_eq!(told.matches("Still waiting for").count(), 3, "{told}");
    world.done("ben", &format!("/jit approve {id}")).await;
}

#[tokio::test]
async fn a_changed_chain_goes_on_at_its_first_unmet_stage_and_dropped_votes_do_not_count() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db admin 1h Move the tables").await;
    world.done("ben", &format!("/jit approve {id}")).await;
    world.rules(|catalogue| catalogue.groups.get_mut(&"db-leads".parse().unwrap()).unwrap().members.retain(|m| m.as_str() != "ben")).await;
    world.press("cleo", "approve", &id, None).await;
    assert!(!world.holds("ana", "admin"), "one of the two approvals is gone");
    world.done("dora", &format!("/jit approve {id}")).await;
    assert!(matches!(world.state(&id).await.state, State::Pending { .. } | State::Granting { .. } | State::Active { .. }));
    world.press("cleo", "approve", &id, None).await;
    assert!(world.holds("ana", "admin"), "{:?}", world.state(&id).await);
}

#[tokio::test]
async fn a_start_that_was_missed_while_nothing_may_be_granted_begins_when_it_may_again() {
    let world = World::new().await;
    let id = world.granted("ana", "/jit request prod-db write 1h --at 16:00 nightly job", "ben").await;
    world.rules(|catalogue| catalogue.frozen = true).await;
    world.advance(Span::from_minutes(150)).await;
    assert!(!world.holds("ana", "write"));
    world.rules(|_| {}).await;
    world.advance(Span::from_seconds(10)).await;
    assert!(world.holds("ana", "write"));
    assert_eq!(world.work(&id).await.until, world.now() + Span::from_minutes(60), "the clock starts when access works");
}

#[tokio::test]
async fn a_start_that_was_missed_past_its_absolute_end_closes() {
    let world = World::new().await;
    let id = world.granted("ana", "/jit request prod-db write until 17:00 --at 16:00 nightly job", "ben").await;
    world.rules(|catalogue| catalogue.frozen = true).await;
    world.advance(Span::from_minutes(200)).await;
    world.rules(|_| {}).await;
    world.advance(Span::from_seconds(10)).await;
    assert!(!world.holds("ana", "write"));
    assert!(matches!(world.ending(&id).await, Ending::Cancelled { by: None, .. }));
}

#[tokio::test]
async fn an_absolute_end_stays_however_late_the_answer_and_an_answer_after_it_is_too_late() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db write until 16:00 fix it").await;
    world.advance(Span::from_minutes(60)).await;
    world.done("ben", &format!("/jit approve {id}")).await;
    assert_eq!(world.work(&id).await.until, crate::world::START + Span::from_minutes(120));
    assert!(matches!(world.no("ana", &format!("/jit extend {id} 30m")).await, Refusal::EndFixed { .. }));
    let late = world.ask("finn", "/jit request prod-db write until 17:00 fix it").await;
    world.advance(Span::from_minutes(121)).await;
    assert!(matches!(world.ending(&late).await, Ending::Unanswered), "nobody waits for an answer that could not be used");
    assert!(matches!(world.no("ben", &format!("/jit approve {late}")).await, Refusal::NotOpen { .. }));
}

#[tokio::test]
async fn a_chat_that_cannot_say_who_is_in_a_group_refuses_the_press_with_that_reason() {
    let world = World::new().await;
    world
        .rules(|catalogue| {
            let leads = catalogue.groups.get_mut(&"db-leads".parse().unwrap()).unwrap();
            leads.members.clear();
            leads.chats = [(Platform::Console, "leads".to_owned())].into();
        })
        .await;
    world.console.set_group("leads", &["ben"]);
    let id = world.ask("ana", ASK).await;
    world.console.set_down(true);
    let refusal = world.no("ben", &format!("/jit approve {id}")).await;
    assert!(matches!(refusal, Refusal::CannotAskGroup { .. } | Refusal::CannotAskProfile { .. }), "{refusal:?}");
    world.console.set_down(false);
    world.done("ben", &format!("/jit approve {id}")).await;
    assert!(world.holds("ana", "write"));
}

#[tokio::test]
async fn the_inbox_holds_what_one_could_decide_now_extensions_too() {
    let world = World::new().await;
    let admin = world.ask("ana", "/jit request prod-db admin 1h Move the tables").await;
    let write = world.granted("ana", ASK, "ben").await;
    world.done("ana", &format!("/jit extend {write} 1h")).await;
    world.done("ana", &format!("/jit extend {write} 1h and more")).await;
    let ben = world.say("ben", "/jit inbox").await;
    assert!(ben.contains(&admin) && ben.contains(&write), "{ben}");
    assert!(!world.say("cleo", "/jit inbox").await.contains(&admin), "security comes second");
    assert!(!world.say("ana", "/jit inbox").await.contains(&admin), "nobody decides their own");
    world.done("ben", &format!("/jit approve {admin}")).await;
    assert!(world.say("cleo", "/jit inbox").await.contains(&admin));
    assert!(!world.say("ben", "/jit inbox").await.contains(&admin));
}

#[tokio::test]
async fn who_approved_may_think_better_of_it_and_deny_while_that_stage_is_open() {
    let world = World::new().await;
    world.policy("prod-data", |policy| policy.stages[0].needed = 2).await;
    let id = world.ask("ana", ASK).await;
    world.done("ben", &format!("/jit approve {id}")).await;
    assert!(matches!(world.no("ben", &format!("/jit approve {id}")).await, Refusal::AlreadyVoted { .. }));
    world.done("ben", &format!("/jit deny {id} use the read replica")).await;
    assert!(matches!(world.ending(&id).await, Ending::Denied { by, .. } if by.as_str() == "ben"));
}

#[tokio::test]
async fn who_approved_an_earlier_stage_is_told_to_take_that_back_and_can_deny_then() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db admin 1h move the table").await;
    world.done("ben", &format!("/jit approve {id}")).await;
    let said = world.say("ben", &format!("/jit deny {id} use the read replica")).await;
    assert!(said.ends_with(&format!("To think better of it: /jit takeback {id}")), "{said}");
    world.done("ben", &format!("/jit takeback {id}")).await;
    world.done("ben", &format!("/jit deny {id} use the read replica")).await;
    assert!(matches!(world.ending(&id).await, Ending::Denied { .. }));
}

#[tokio::test]
async fn what_closes_half_decided_keeps_its_votes_and_does_not_say_that_nobody_answered() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db admin 1h move the table").await;
    world.done("ben", &format!("/jit approve {id}")).await;
    world.advance(Span::from_minutes(240)).await;
    let card = world.console.thread(&world.card());
    assert!(card.starts_with("Only 1 of 2 approvals in 4 h: Ana Reyes asked for admin on prod-db for 1 h"), "{card}");
    assert!(card.contains("✓ Ben Okafor (db-leads) 14:00:01\n"), "{card}");
    assert!(card.contains("Only 1 of 2 approvals in 4 h. Closed. Ask again."), "{card}");
    assert!(world.console.directs("ana").contains("Only 1 of 2 approvals in 4 h: admin on prod-db"));
    let denied = world.ask("ana", "/jit request prod-db admin 1h move the table").await;
    world.done("ben", &format!("/jit approve {denied}")).await;
    world.done("cleo", &format!("/jit deny {denied} not today")).await;
    let card = world.console.thread(&world.card());
    assert!(card.starts_with("Denied by Cleo Marsh") && card.contains("✓ Ben Okafor (db-leads)"), "{card}");
}
