//! Stages in Discord: approvals in their order, escalation, and whom a message calls, which is never anybody else.

use hallpass::domain::{policy::Who, time::Span};

use super::{ANA, BEN, BOTH, CLEO, EVE, House, LEADS, ONCALL, SECURITY, Way, guild, rules};
use crate::fakes::discord::{pings, reading::live_markup};

const ADMIN: [&str; 4] = ["prod-db", "admin", "1h", "Move the tables"];

#[tokio::test]
async fn two_stages_are_told_in_order_and_an_approval_is_taken_back_by_command() {
    for way in BOTH {
        let house = House::new(way).await;
        house.asks_for(ANA, ADMIN).await;
        let id = house.newest().await.id.to_string();
        house.press(BEN, "approve").await;
        assert!(
            house.reads().contains("Ana Reyes asks for admin on prod-db") && house.reads().contains("1 of 2 approvals"),
            "{}",
            house.reads()
        );
        assert!(house.press(BEN, "approve").await.contains("You approved this already"));
        assert!(house.say(BEN, "takeback", &[("id", &id)]).await.contains("Your approval is taken back"));
        assert!(house.thread().contains("Ben Okafor took the approval back"), "{}", house.thread());
        assert!(house.press(CLEO, "approve").await.contains("You are in @security, which comes next"));
        house.press(BEN, "approve").await;
        assert!(!house.holds("ana", "admin"), "one of two");
        house.press(CLEO, "approve").await;
        assert!(house.holds("ana", "admin"));
        assert!(house.reads().contains("pproved by Ben Okafor and Cleo Marsh"), "{}", house.reads());
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn each_stage_calls_its_own_role_when_it_comes() {
    let house = House::new(Way::Http).await;
    house.asks_for(ANA, ADMIN).await;
    assert_eq!(pings(&house.card()), [format!("role {LEADS}")]);
    let before: Vec<String> = house.lines().iter().flat_map(pings).collect();
    assert!(!before.contains(&format!("role {SECURITY}")), "{before:?}");
    house.press(BEN, "approve").await;
    assert!(house.calls().contains(&format!("role {SECURITY}")), "{:?}", house.calls());
    house.assert_nothing_refused();
}

#[tokio::test]
async fn an_escalation_calls_its_rung_and_nobody_else() {
    let house = House::asked(Way::Gateway).await;
    let before = house.calls();
    house.advance(Span::from_minutes(10)).await;
    assert!(house.thread().contains("No answer yet:") && house.thread().contains("may decide now too"), "{}", house.thread());
    let called: Vec<String> = house.lines().iter().flat_map(pings).collect();
    assert_eq!(called, [format!("role {ONCALL}")]);
    assert!(before.iter().all(|call| *call != format!("role {ONCALL}")), "{before:?}");
    house.press(EVE, "approve").await;
    assert!(house.holds("ana", "write"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn nobody_who_may_only_approve_silently_is_called_by_any_message() {
    let mut quiet = rules();
    for policy in quiet.policies.values_mut() {
        policy.stages[0].notify = vec![Who::Person("ben".parse().unwrap())];
        for stage in policy.stages.iter_mut().skip(1) {
            stage.notify.clear();
        }
    }
    let house = House::with(Way::Http, guild().await, quiet).await;
    house.asks_for(ANA, ADMIN).await;
    let ben = format!("user {BEN}");
    assert_eq!(house.calls(), std::slice::from_ref(&ben), "who is told");
    house.press(BEN, "approve").await;
    house.press(CLEO, "approve").await;
    house.advance(Span::from_minutes(54)).await;
    house.press(ANA, "extend:1h").await;
    house.press(ANA, "return").await;
    let names = [ben, format!("user {ANA}")];
    assert!(house.calls().iter().all(|call| names.contains(call)), "{:?}", house.calls());
    let roles = house.lines().iter().flat_map(live_markup).filter(|live| live.starts_with("role")).count();
    assert_eq!(roles, 0, "nor named so that they would be, were it allowed: {}", house.thread());
    house.assert_nothing_refused();
}

/// Discord says of one person at a time who has a role: those whom policy names are asked about.
#[tokio::test]
async fn whoever_is_called_directly_by_name_gets_the_card_once_their_role_may_decide() {
    for way in BOTH {
        let mut direct = rules();
        let named = |name: &str| Who::Person(name.parse().unwrap());
        let stages = &mut direct.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages;
        stages[0].direct = vec![named("ben"), named("cleo"), named("eve"), named("ana")];
        let house = House::with(way, guild().await, direct).await;
        house.ask().await;
        assert!(house.directs(BEN).contains("Approve]"), "{way:?}: {}", house.directs(BEN));
        assert_eq!((house.directs(EVE), house.directs(CLEO)), (String::new(), String::new()), "{way:?}: not yet, and never");
        house.advance(Span::from_minutes(10)).await;
        house.settle().await;
        assert!(house.directs(EVE).contains("Approve]"), "{way:?}: {}", house.directs(EVE));
        assert!(house.directs(CLEO).is_empty() && !house.directs(ANA).contains("Approve]"), "{way:?}: {}", house.directs(ANA));
        house.press_direct(EVE, "approve").await;
        assert!(house.holds("ana", "write") && !house.directs(BEN).contains("Approve]"), "{way:?}: all copies follow");
        house.assert_nothing_refused();
    }
}
