//! One person with accounts on both chats is one person: votes, own requests, joined accounts, presses at the same moment, leaving,
//! and direct messages.

use hallpass::domain::{
    policy::Who,
    request::{Ending, State},
    time::Span,
};
use tokio::join;

use super::{
    House, WRITE, Way,
    discord::{ANA, BEN, CLEO, DORA, FINN},
    rules,
};
use crate::fakes::slack::Kind;

#[tokio::test]
async fn who_voted_in_one_chat_has_voted_in_the_other() {
    let mut two = rules();
    two.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages[0].needed = 2;
    for first_on_discord in [true, false] {
        let house = House::with(Way::Http, two.clone()).await;
        house.ask("write").await;
        let again = if first_on_discord {
            house.discord_press(BEN, "approve").await;
            house.slack_press("U0BEN", "approve").await
        } else {
            house.slack_press("U0BEN", "approve").await;
            house.discord_press(BEN, "approve").await
        };
        assert!(again.contains("You approved this already"), "{again}");
        assert!(!house.holds("ana", "write"));
        assert_eq!(house.times("approved").await, 1);
        house.slack_press("U0DORA", "approve").await;
        assert!(house.holds("ana", "write"));
        house.assert_told_once();
    }
}

#[tokio::test]
async fn nobody_decides_their_own_request_through_the_other_account() {
    let house = House::new(Way::Http).await;
    let mut told = Vec::new();
    house.discord_says(BEN, "request", &[("resource", "prod-db"), ("role", "write"), ("length", "1h"), ("reason", "Look at it")]).await;
    told.push(house.slack_press("U0BEN", "approve").await);
    house.advance(Span::from_minutes(1)).await;
    house.slack_says("U0BEN", "request prod-db read 1h Look at the table").await;
    told.push(house.discord_press(BEN, "approve").await);
    for told in told {
        assert!(told.contains("You asked for this yourself"), "{told}");
    }
    assert!(!house.holds("ben", "write") && !house.holds("ben", "read"));
}

#[tokio::test]
async fn an_account_joined_by_a_code_of_the_other_chat_is_the_same_person_from_then_on() {
    let house = House::new(Way::Http).await;
    let stranger = house.discord_says(DORA, "mine", &[]).await;
    assert!(stranger.contains("I don't know who you are here yet"), "{stranger}");
    let told = house.slack_says("U0DORA", "link").await;
    let is_code = |word: &&str| word.len() == 11 && word.as_bytes()[5] == b'-';
    let code = told.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').find(is_code).unwrap_or_else(|| panic!("{told}")).to_owned();
    let joined = house.discord_says(DORA, "link", &[("code", &code)]).await;
    assert!(joined.starts_with("This account is Dora Lind now"), "{joined}");
    house.discord_says(DORA, "request", &[("resource", "prod-db"), ("role", "write"), ("length", "1h"), ("reason", "Look at it")]).await;
    house.assert_both_say("Dora Lind asks for write on prod-db");
    assert!(house.slack_press("U0DORA", "approve").await.contains("You asked for this yourself"));
    house.advance(Span::from_minutes(1)).await;
    house.ask("read").await;
    assert!(house.discord_press(DORA, "approve").await.contains("Your approval counts"), "by a role of Discord's");
    assert!(house.holds("ana", "read"));
    // Finn's account in Discord is nobody's.
    assert!(house.discord_press(FINN, "revoke").await.contains("I don't know who you are here yet"));
}

#[tokio::test]
async fn of_two_presses_at_the_same_moment_one_counts_and_the_other_is_told_who_decided() {
    let house = House::asked(Way::Http).await;
    let (on_slack, on_discord) = (house.slack_payload("U0DORA", "approve"), house.discord_payload(BEN, "approve"));
    let (ack, reply) = join!(house.slack.deliver_raw(Kind::Interactive, on_slack), house.discord.deliver(on_discord));
    assert!(ack.is_ok() && reply.is_ok(), "{ack:?} {reply:?}");
    house.settle().await;
    assert!(house.holds("ana", "write"));
    assert_eq!((house.times("approved").await, house.times("granting").await, house.times("working").await), (1, 1, 1));
    let (dora, ben) = (house.slack_heard("U0DORA", 0), house.discord_heard(BEN, 0));
    let (winner, loser, name) = if dora.contains("Your approval counts") { (dora, ben, "Dora Lind") } else { (ben, dora, "Ben Okafor") };
    assert!(winner.contains("Your approval counts"), "{winner}");
    assert!(loser.contains(&format!("{name} approved it")), "{loser}");
    house.assert_told_once();
    house.assert_both_say(&format!("pproved by {name}"));
}

#[tokio::test]
async fn of_one_persons_two_presses_at_the_same_moment_one_counts() {
    let mut two = rules();
    two.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages[0].needed = 2;
    let house = House::with(Way::Http, two).await;
    house.ask("write").await;
    let (on_slack, on_discord) = (house.slack_payload("U0BEN", "approve"), house.discord_payload(BEN, "approve"));
    let (ack, reply) = join!(house.slack.deliver_raw(Kind::Interactive, on_slack), house.discord.deliver(on_discord));
    assert!(ack.is_ok() && reply.is_ok());
    house.settle().await;
    assert_eq!(house.times("approved").await, 1);
    assert!(!house.holds("ana", "write"));
    house.assert_told_once();
}

#[tokio::test]
async fn who_left_one_chat_loses_what_they_hold_though_the_other_still_has_them() {
    for leaves_discord in [true, false] {
        let house = House::granted(Way::Http).await;
        if leaves_discord {
            house.discord.leave(ANA);
        } else {
            house.slack.deactivate("U0ANA");
        }
        house.advance(Span::from_minutes(1)).await;
        assert_eq!(house.bot.leavers().await.unwrap(), 1, "{leaves_discord}");
        house.settle().await;
        assert!(!house.holds("ana", "write"), "{leaves_discord}");
        let request = house.newest().await;
        assert!(matches!(request.state, State::Closed { ending: Ending::Left, .. }), "{:?}", request.state);
        house.assert_both_say("Ended: Ana Reyes had write on prod-db");
        let refused = if leaves_discord { house.slack_says("U0ANA", WRITE).await } else { house.ask("write").await };
        assert!(refused.contains("not a full member"), "{leaves_discord}: {refused}");
    }
}

#[tokio::test]
async fn a_vote_of_somebody_who_left_the_other_chat_is_refused() {
    let house = House::asked(Way::Http).await;
    house.discord.leave(BEN);
    let refused = house.slack_press("U0BEN", "approve").await;
    assert!(refused.contains("not a full member"), "{refused}");
    assert!(!house.holds("ana", "write"));
}

#[tokio::test]
async fn who_has_both_accounts_is_told_on_both_and_quiet_in_one_turns_both_down() {
    let house = House::granted(Way::Http).await;
    for told in house.directs("U0ANA", ANA) {
        assert_eq!(told.matches("You have write on prod-db").count(), 1, "{told}");
    }
    let quiet = house.discord_says(ANA, "quiet", &[("to", "on")]).await;
    assert!(quiet.starts_with("Turned down"), "{quiet}");
    house.advance(Span::from_minutes(60)).await;
    assert!(!house.holds("ana", "write"));
    for told in house.directs("U0ANA", ANA) {
        assert!(!told.contains("Ended:"), "{told}");
    }
    assert!(house.slack_says("U0ANA", "quiet off").await.starts_with("Turned up"));
    house.advance(Span::from_minutes(1)).await;
    house.ask("read").await;
    let id = house.newest().await.id;
    house.slack_says("U0BEN", &format!("deny {id} use the read replica")).await;
    for told in house.directs("U0ANA", ANA) {
        assert!(told.contains("Denied: read on prod-db"), "{told}");
    }
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_card_that_is_sent_to_somebody_with_both_accounts_stands_in_both_and_all_copies_follow() {
    let mut direct = rules();
    let stages = &mut direct.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages;
    stages[0].direct = vec![Who::Person("ben".parse().unwrap())];
    let house = House::with(Way::Http, direct).await;
    house.ask("write").await;
    for copy in house.directs("U0BEN", BEN) {
        assert!(copy.contains("Ana Reyes asks for write on prod-db") && copy.contains("Approve]"), "{copy}");
    }
    house.slack_press("U0BEN", "approve").await;
    house.assert_both_say("Ana Reyes has write on prod-db");
    for copy in house.directs("U0BEN", BEN) {
        assert!(copy.contains("Ana Reyes has write on prod-db until") && !copy.contains("Approve]"), "{copy}");
    }
    house.assert_nothing_refused();
}

/// A group that only one chat knows is asked of that chat, whichever one the press came through.
#[tokio::test]
async fn a_right_from_one_chat_counts_at_a_press_in_the_other() {
    let house = House::new(Way::Http).await;
    house.discord.role(super::discord::LEADS, "db-leads", &[CLEO]);
    house.slack.group("S0LEADS", "db-leads", &["U0BEN"]);
    house.ask("write").await;
    assert!(house.slack_press("U0CLEO", "approve").await.contains("Your approval counts"), "by her role in Discord");
    assert!(house.holds("ana", "write"));
    house.advance(Span::from_minutes(1)).await;
    house.ask("read").await;
    assert!(house.discord_press(BEN, "approve").await.contains("Your approval counts"), "by his group in Slack");
    assert!(house.holds("ana", "read"));
}
