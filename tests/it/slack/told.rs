//! What people are told in Slack without having asked at that moment: direct messages, the thread, alarms, and the home page.

use hallpass::{
    domain::{policy::Who, time::Span},
    provider::{FaultKind, pretend::Temper},
};

use super::{CARDS, House, OPS, Way, attacks::ASK, rules, workspace};
use crate::fakes::slack::reading::{live_markup, text_of};

impl House {
    /// Somebody opens their home page; what it says.
    async fn home(&self, user: &str) -> String {
        assert!(self.slack.open_home(user).await.is_ok());
        self.settle().await;
        self.homes(user).await
    }

    /// As it stands, with the ids of requests taken out.
    async fn homes(&self, user: &str) -> String {
        let all = self.store.requests(&hallpass::store::Filter { limit: 50, ..Default::default() }).await.unwrap();
        let said = text_of(&self.slack.home(user).unwrap()).replace("= View Title =\n", "");
        all.iter().fold(said, |said, request| said.replace(request.id.as_str(), "R-......"))
    }

    async fn press_home(&self, user: &str, action: &str) -> String {
        assert!(self.slack.press_home(user, action, 0).await.is_ok());
        self.settle().await;
        self.homes(user).await
    }

    /// What somebody was told privately, with the ids of requests taken out.
    async fn told(&self, user: &str) -> String {
        let id = self.newest().await.id.to_string();
        self.directs(user).replace(&id, "R-......")
    }
}

#[tokio::test]
async fn the_whole_story_is_told_privately_and_under_the_card() {
    let house = House::granted(Way::Http).await;
    house.advance(Span::from_minutes(54)).await;
    assert!(house.press_direct("U0ANA", "extend:30m").await.contains("ore time"), "the buttons of a direct message work there");
    house.advance(Span::from_minutes(29)).await;
    house.press_direct("U0ANA", "return").await;
    house.settle().await;
    assert!(!house.holds("ana", "write"));
    insta::assert_snapshot!("told to Ana in Slack", house.told("U0ANA").await);
    insta::assert_snapshot!("told in the thread in Slack", house.thread().replace(house.newest().await.id.as_str(), "R-......"));
    let chatter = house.slack.thread(CARDS, house.card()["ts"].as_str().unwrap());
    let (last, before) = chatter.split_last().unwrap();
    assert!(before.iter().all(|line| text_of(line).lines().count() <= 2), "one line, and its buttons: {}", house.thread());
    assert!(text_of(last).starts_with("Ended: Ana Reyes had write on prod-db"), "{}", house.thread());
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_warning_that_is_too_late_says_so_when_its_button_is_pressed() {
    let house = House::granted(Way::Http).await;
    house.advance(Span::from_minutes(54)).await;
    house.advance(Span::from_minutes(6)).await;
    assert!(house.directs("U0ANA").contains("Ended: write on prod-db"), "{}", house.directs("U0ANA"));
    assert!(house.press_direct("U0ANA", "extend:30m").await.starts_with("Too late: this"));
}

#[tokio::test]
async fn who_turned_their_messages_down_at_home_still_gets_what_only_they_can_use() {
    let house = House::asked(Way::Http).await;
    house.home("U0ANA").await;
    let page = house.press_home("U0ANA", "quiet:on").await;
    assert!(page.starts_with("Turned down: I no longer tell you privately"), "{page}");
    house.press("U0BEN", "approve").await;
    house.advance(Span::from_minutes(60)).await;
    let told = house.directs("U0ANA");
    assert!(told.contains("You have write on prod-db until") && !told.contains("Ended:"), "{told}");
    let page = house.press_home("U0ANA", "quiet:off").await;
    assert!(page.starts_with("Turned up"), "{page}");
}

#[tokio::test]
async fn the_home_page_of_an_asker_an_approver_and_an_auditor() {
    let mut seen = rules();
    seen.auditors = vec![Who::Person("finn".parse().unwrap())];
    let house = House::with(Way::Sockets, workspace().await, seen).await;
    insta::assert_snapshot!("home with nothing", house.home("U0ANA").await);
    house.say("U0ANA", ASK).await;
    house.press("U0BEN", "approve").await;
    house.advance(Span::from_minutes(1)).await;
    house.say("U0ANA", "request prod-db admin 1h Move the tables --ticket OPS-7").await;
    house.advance(Span::from_minutes(1)).await;
    house.say("U0CLEO", "request prod-db read 30m Count the orders").await;
    insta::assert_snapshot!("home of an asker", house.home("U0ANA").await);
    insta::assert_snapshot!("home of an approver", house.home("U0BEN").await);
    insta::assert_snapshot!("home of an auditor", house.home("U0FINN").await);
    house.assert_nothing_refused();
}

#[tokio::test]
async fn one_decides_and_returns_at_home_and_reads_there_what_came_of_it() {
    let house = House::asked(Way::Http).await;
    house.home("U0BEN").await;
    let page = house.press_home("U0BEN", "approve").await;
    assert!(page.starts_with("Your approval counts.") && !page.contains("Waiting for you"), "{page}");
    assert!(house.holds("ana", "write"));
    house.home("U0ANA").await;
    let page = house.press_home("U0ANA", "return").await;
    assert!(page.starts_with("Thank you for returning it."), "{page}");
    assert!(!house.holds("ana", "write"));
    house.say("U0ANA", "request prod-db read 30m Count the orders").await;
    house.home("U0BEN").await;
    house.press_home("U0BEN", "deny").await;
    house.fills("U0BEN", &[("words", "use the read replica")]).await;
    assert!(house.reads().starts_with("Denied by Ben Okafor"), "{}", house.reads());
    let page = house.homes("U0BEN").await;
    assert!(!page.contains("Waiting for you"), "what was decided in a page is gone from home: {page}");
    house.assert_nothing_refused();
}

#[tokio::test]
async fn whoever_is_nobody_reads_so_at_home() {
    let house = House::new(Way::Http).await;
    house.slack.person("U0NEW", "Nora New");
    let page = house.home("U0NEW").await;
    assert!(page.starts_with("I don't know who you are here yet"), "{page}");
}

#[tokio::test]
async fn access_that_is_stuck_is_told_to_operators_with_its_owner_called_and_over_when_it_is_over() {
    let house = House::granted(Way::Http).await;
    let refused = Some((FaultKind::Transient, "connection refused".to_owned()));
    house.pretend.set_temper(Temper { fails: refused, ..Temper::default() });
    house.advance(Span::from_minutes(60)).await;
    house.advance(Span::from_seconds(30)).await;
    let ops = house.slack.messages(OPS);
    let id = house.newest().await.id;
    assert!(text_of(&ops[0]).starts_with("STILL OPEN: Ana Reyes still has write on prod-db"), "{ops:?}");
    assert!(text_of(&ops[0]).contains(&format!("If the target is gone for good: /jit settle {id} why")), "{}", text_of(&ops[0]));
    assert!(live_markup(&ops[0]).contains(&"user U0FINN".to_owned()), "{:?}", live_markup(&ops[0]));
    assert!(house.reads().starts_with("STILL OPEN: Ana Reyes still has write on prod-db"), "{}", house.reads());
    assert!(house.reads().contains("last answer: connection refused") && house.reads().contains("Told: "), "{}", house.reads());
    assert!(house.thread().contains("STILL OPEN"), "{}", house.thread());
    house.pretend.set_temper(Temper::default());
    house.advance(Span::from_minutes(2)).await;
    assert!(!house.holds("ana", "write"));
    let ops = house.slack.messages(OPS);
    assert!(ops.len() == 1 && text_of(&ops[0]).starts_with("Over at"), "the same post says that it is over: {ops:?}");
    assert!(house.reads().starts_with("Ended: Ana Reyes had write on prod-db"), "{}", house.reads());
    house.assert_nothing_refused();
}
