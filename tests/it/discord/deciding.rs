//! Deciding in Discord: the forms behind Deny…, Approve less…, Pass on… and Revoke…, and what everybody then sees.

use hallpass::provider::{FaultKind, pretend::Temper};

use super::{ANA, BEN, BOTH, CLEO, DORA, FINN, House, Way, guild, rules};
use crate::fakes::discord::reading::text_of;

#[tokio::test]
async fn a_denial_says_why_and_the_card_keeps_what_was_asked_and_loses_its_buttons() {
    for way in BOTH {
        let house = House::asked(way).await;
        let said = house.words(BEN, "deny", &[("words", "use the read replica")]).await;
        assert!(said.starts_with("Denied by Ben Okafor"), "{way:?}: {said}");
        let card = house.reads();
        for part in ["Denied by Ben Okafor", "use the read replica", "“Unblock the stuck import”"] {
            assert!(card.contains(part), "{part}: {card}");
        }
        assert_eq!(house.card()["components"].as_array().map(Vec::len), Some(0), "{card}");
        assert!(house.thread().contains("Denied by Ben Okafor") && house.thread().contains("use the read replica"), "{}", house.thread());
        assert!(house.directs(ANA).contains("Ben Okafor says: \"use the read replica\""), "{}", house.directs(ANA));
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn less_is_offered_by_its_fields_and_taken_or_declined_in_a_direct_message() {
    for way in BOTH {
        let house = House::asked(way).await;
        let nothing = house.words(BEN, "less", &[("words", "2h is too long")]).await;
        assert!(nothing.contains("Something is missing"), "a comment is no offer: {nothing}");
        let more = house.words(BEN, "less", &[("length", "2h")]).await;
        assert!(more.contains("That is not less than what was asked"), "{more}");
        assert!(!house.reads().contains("offers"), "{}", house.reads());
        let offered = house.words(BEN, "less", &[("length", "30m"), ("role", "read"), ("words", "2h is too long")]).await;
        assert!(offered.starts_with("Offered."), "{offered}");
        let card = house.reads();
        assert!(card.contains("Ben Okafor offers read for 30 min: “2h is too long”"), "{card}");
        assert!(house.directs(ANA).contains("Ben Okafor offers read for 30 min instead of write on prod-db"), "{}", house.directs(ANA));
        house.press_direct(ANA, "decline").await;
        assert!(house.thread().contains("Ana Reyes declined the offer"), "{}", house.thread());
        house.words(BEN, "less", &[("length", "30m")]).await;
        house.press_direct(ANA, "accept").await;
        assert!(house.reads().contains("Ana Reyes asks for write on prod-db (Orders database) for 30 min"), "{}", house.reads());
        house.press(BEN, "approve").await;
        assert!(house.holds("ana", "write"));
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn an_offer_is_answered_by_the_asker_alone() {
    let house = House::asked(Way::Http).await;
    house.words(BEN, "less", &[("length", "30m")]).await;
    let before = house.events().await;
    for user in [CLEO, DORA, BEN] {
        for action in ["accept", "decline"] {
            let said = house.press(user, action).await;
            assert!(said.contains("Only whoever asked"), "{user} {action}: {said}");
        }
    }
    assert_eq!(house.events().await, before);
    house.press(ANA, "accept").await;
    assert_eq!((house.times("offer_accepted").await, house.times("approved").await), (1, 0), "{:?}", house.events().await);
    house.assert_nothing_refused();
}

#[tokio::test]
async fn it_is_passed_on_to_one_of_those_who_may_decide() {
    let house = House::asked(Way::Gateway).await;
    let id = house.newest().await.id.to_string();
    let said = house.say(BEN, "pass", &[("id", &id), ("person", CLEO)]).await;
    assert!(said.contains("Cleo Marsh may not decide this"), "{said}");
    let before = house.calls();
    house.say(BEN, "pass", &[("id", &id), ("person", DORA)]).await;
    assert!(house.thread().contains("Ben Okafor passed it on to Dora Lind"), "{}", house.thread());
    assert!(!before.contains(&format!("user {DORA}")) && house.calls().contains(&format!("user {DORA}")), "{:?}", house.calls());
    assert!(house.reads().contains("passed on to Dora Lind"), "{}", house.reads());
    house.press(DORA, "approve").await;
    assert!(house.holds("ana", "write"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn who_may_not_decide_is_told_that_before_they_write_anything_and_it_is_recorded() {
    let house = House::asked(Way::Http).await;
    for action in ["deny", "less", "pass"] {
        let said = house.press(CLEO, action).await;
        assert!(said.contains("You can't decide this one: it is for @db-leads"), "{action}: {said}");
        assert!(house.discord.modal(CLEO).is_none(), "{action}");
    }
    let refused = house.all_events().await.into_iter().filter(|(stream, kind)| stream == "bot" && kind == "refused").count();
    assert_eq!(refused, 3);
    house.assert_nothing_refused();
}

#[tokio::test]
async fn who_looks_is_on_the_card_and_the_next_one_is_told_so() {
    let house = House::asked(Way::Http).await;
    assert!(house.press(BEN, "looking").await.contains("The others know that you are looking"));
    assert!(house.reads().contains("Ben Okafor is looking"), "{}", house.reads());
    assert!(house.press(DORA, "looking").await.contains("Ben Okafor is looking already"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn access_is_revoked_with_a_reason_by_those_who_may() {
    let house = House::granted(Way::Gateway).await;
    let said = house.press(CLEO, "revoke").await;
    assert!(said.contains("Only its approvers, the owner or an administrator may revoke this"), "{said}");
    house.words(FINN, "revoke", &[("words", "enough for today")]).await;
    assert!(!house.holds("ana", "write"));
    let card = house.reads();
    assert!(card.contains("Ended: Ana Reyes had write on prod-db") && card.contains("Finn Ward"), "{card}");
    assert!(house.thread().contains("enough for today"), "{}", house.thread());
    assert!(house.directs(ANA).contains("enough for today"), "{}", house.directs(ANA));
    assert!(!card.contains("I'm done]") && !card.contains("Revoke…]"), "{card}");
    house.assert_nothing_refused();
}

#[tokio::test]
async fn more_time_is_asked_by_a_button_and_decided_on_the_same_card() {
    for way in BOTH {
        let house = House::granted(way).await;
        assert!(house.press(ANA, "extend:30m").await.contains("ore time"), "within what the rule gives at once");
        assert!(house.thread().contains("Extended: now until"), "{}", house.thread());
        house.press(ANA, "extend:1h").await;
        let card = house.reads();
        assert!(card.contains("1 h more") && card.contains("Approve]") && card.contains("I'm done]"), "{card}");
        assert!(house.press(ANA, "approve").await.contains("somebody else has to approve it"));
        house.press(BEN, "approve").await;
        assert!(!house.reads().contains("Approve]"), "{}", house.reads());
        assert_eq!(house.thread().matches("Extended: now until").count(), 2, "{}", house.thread());
        assert_eq!(house.discord.messages(super::CARDS).len(), 1);
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn what_could_not_be_granted_is_tried_again_from_its_card() {
    let house = House::asked(Way::Http).await;
    house.pretend.set_temper(Temper { fails: Some((FaultKind::Denied, "permission denied".into())), ..Temper::default() });
    house.press(BEN, "approve").await;
    house.pretend.set_temper(Temper::default());
    house.advance(hallpass::domain::time::Span::from_minutes(1)).await;
    assert!(house.reads().contains("Could not grant write on prod-db to Ana Reyes: permission denied"), "{}", house.reads());
    let failed = house.card_id();
    house.press(ANA, "again").await;
    assert_ne!(house.card_id(), failed);
    assert!(house.reads().contains("Ana Reyes asks for write on prod-db"), "{}", house.reads());
    house.assert_nothing_refused();
}

#[tokio::test]
async fn what_nobody_answered_is_asked_again_from_its_card() {
    let house = House::asked(Way::Http).await;
    house.advance(hallpass::domain::time::Span::from_minutes(10)).await;
    house.advance(hallpass::domain::time::Span::from_minutes(231)).await;
    let unanswered = house.reads();
    assert!(!unanswered.contains("Approve]") && unanswered.contains("“Unblock the stuck import”"), "{unanswered}");
    let closed = house.card_id();
    assert!(house.discord.thread_of(&closed).unwrap().archived);
    house.press(ANA, "again").await;
    assert!(house.card_id() != closed && house.reads().contains("Ana Reyes asks for write on prod-db"), "{}", house.reads());
    house.press(DORA, "approve").await;
    assert!(house.holds("ana", "write"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_card_that_is_sent_to_somebody_is_a_card_there_too_and_both_follow() {
    let mut direct = rules();
    let stages = &mut direct.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages;
    stages[0].direct = vec![hallpass::domain::policy::Who::Person("ben".parse().unwrap())];
    let house = House::with(Way::Http, guild().await, direct).await;
    house.ask().await;
    assert!(house.directs(BEN).contains("Ana Reyes asks for write on prod-db") && house.directs(BEN).contains("Approve]"));
    let voted = house.press_direct(BEN, "approve").await;
    assert!(voted.contains("Your approval counts"), "{voted}");
    for card in [house.reads(), house.directs(BEN)] {
        assert!(card.contains("Ana Reyes has write on prod-db") && !card.contains("Approve]"), "{card}");
    }
    house.assert_nothing_refused();
}

#[tokio::test]
async fn every_wrong_press_gets_its_own_private_answer() {
    let house = House::asked(Way::Gateway).await;
    assert!(house.press(ANA, "approve").await.contains("You asked for this yourself"));
    assert!(house.press(CLEO, "approve").await.contains("You can't decide this one: it is for @db-leads"));
    let old = house.payload(DORA, "approve");
    house.press(BEN, "approve").await;
    assert!(house.press(FINN, "return").await.contains("Only whoever asked for this, or holds it, can do that"));
    let (_, late) = house.delivers(DORA, old).await;
    assert!(late.contains("Ben Okafor approved it") && late.contains("the access is there"), "{late}");
    let told: String = std::iter::once(house.card()).chain(house.lines()).map(|message| text_of(&message)).collect();
    assert!(!told.contains("You ") && !told.contains("Only whoever"), "only the presser reads it: {told}");
    house.assert_nothing_refused();
}
