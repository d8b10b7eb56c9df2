//! What people are told in Discord without having asked at that moment: direct messages, the thread, and alarms.

use hallpass::{
    domain::time::Span,
    provider::{FaultKind, pretend::Temper},
};

use super::{ANA, BEN, FINN, House, OPS, Way};
use crate::fakes::discord::{pings, reading::text_of};

impl House {
    /// What somebody was told privately, with the ids of requests taken out.
    async fn told_directly(&self, user: &str) -> String {
        let id = self.newest().await.id.to_string();
        self.directs(user).replace(&id, "R-......")
    }
}

#[tokio::test]
async fn the_whole_story_is_told_privately_and_under_the_card() {
    let house = House::granted(Way::Http).await;
    house.advance(Span::from_minutes(54)).await;
    assert!(house.press_direct(ANA, "extend:30m").await.contains("ore time"), "the buttons of a direct message work there");
    house.advance(Span::from_minutes(29)).await;
    house.press_direct(ANA, "return").await;
    assert!(!house.holds("ana", "write"));
    insta::assert_snapshot!("told to Ana in Discord", house.told_directly(ANA).await);
    insta::assert_snapshot!("told in the thread in Discord", house.thread().replace(house.newest().await.id.as_str(), "R-......"));
    let chatter = house.lines();
    let (last, before) = chatter.split_last().unwrap();
    assert!(before.iter().all(|line| text_of(line).lines().count() <= 2), "one line, and its buttons: {}", house.thread());
    assert!(text_of(last).starts_with("Ended: Ana Reyes had write on prod-db"), "{}", house.thread());
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_warning_that_is_too_late_says_so_when_its_button_is_pressed() {
    let house = House::granted(Way::Gateway).await;
    house.advance(Span::from_minutes(54)).await;
    house.advance(Span::from_minutes(6)).await;
    assert!(house.directs(ANA).contains("Ended: write on prod-db"), "{}", house.directs(ANA));
    assert!(house.press_direct(ANA, "extend:30m").await.starts_with("Too late: this"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn who_turned_their_messages_down_still_gets_what_only_they_can_use() {
    let house = House::asked(Way::Http).await;
    let said = house.say(ANA, "quiet", &[("to", "on")]).await;
    assert!(said.starts_with("Turned down: I no longer tell you privately"), "{said}");
    house.press(BEN, "approve").await;
    house.advance(Span::from_minutes(60)).await;
    let told = house.directs(ANA);
    assert!(told.contains("You have write on prod-db until") && !told.contains("Ended:"), "{told}");
    assert!(house.thread().contains("Ended: Ana Reyes had write"), "under the card it is told: {}", house.thread());
    assert!(house.say(ANA, "quiet", &[("to", "off")]).await.starts_with("Turned up"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn who_takes_no_direct_messages_is_answered_where_they_act_and_nothing_else_waits() {
    for way in super::BOTH {
        let house = House::asked(way).await;
        house.discord.close_directs(ANA);
        house.press(BEN, "approve").await;
        assert!(house.holds("ana", "write"));
        assert!(house.directs(ANA).is_empty() && house.thread().contains("Ana Reyes has write on prod-db"), "{}", house.thread());
        let id = house.newest().await.id.to_string();
        let said = house.say(ANA, "show", &[("id", &id)]).await;
        assert!(said.contains("Ana Reyes has write on prod-db"), "{said}");
        let said = house.press(ANA, "return").await;
        assert!(said.contains("Thank you for returning it") && !house.holds("ana", "write"), "{said}");
        let only = |why: &String| why.contains("50007");
        assert!(house.discord.refusals().iter().all(only), "{:?}", house.discord.refusals());
        // That is theirs to choose, and nothing that operators could mend.
        assert_eq!(house.store.open_alarms().await.unwrap(), []);
    }
}

#[tokio::test]
async fn access_that_is_stuck_is_told_to_operators_with_its_owner_called_and_over_when_it_is_over() {
    let house = House::granted(Way::Http).await;
    let refused = Some((FaultKind::Transient, "connection refused".to_owned()));
    house.pretend.set_temper(Temper { fails: refused, ..Temper::default() });
    house.advance(Span::from_minutes(60)).await;
    house.advance(Span::from_seconds(30)).await;
    let ops = house.discord.messages(OPS);
    let id = house.newest().await.id;
    assert!(text_of(&ops[0]).contains("STILL OPEN: Ana Reyes still has write on prod-db"), "{}", text_of(&ops[0]));
    assert!(text_of(&ops[0]).contains(&format!("settle id:{id}")), "{}", text_of(&ops[0]));
    assert!(pings(&ops[0]).contains(&format!("user {FINN}")), "{:?}", pings(&ops[0]));
    assert!(house.reads().contains("STILL OPEN: Ana Reyes still has write on prod-db"), "{}", house.reads());
    assert!(house.reads().contains("last answer: connection refused") && house.reads().contains("Told: "), "{}", house.reads());
    assert!(house.thread().contains("STILL OPEN"), "{}", house.thread());
    assert!(!house.discord.thread_of(&house.card_id()).unwrap().archived, "it stays open as long as the access");
    house.pretend.set_temper(Temper::default());
    house.advance(Span::from_minutes(2)).await;
    assert!(!house.holds("ana", "write"));
    let ops = house.discord.messages(OPS);
    assert!(ops.len() == 1 && text_of(&ops[0]).contains("Over at"), "the same post says that it is over: {ops:?}");
    assert!(house.reads().contains("Ended: Ana Reyes had write on prod-db"), "{}", house.reads());
    assert!(house.discord.thread_of(&house.card_id()).unwrap().archived);
    house.assert_nothing_refused();
}
