//! Socket Mode in trouble: what was delivered counts once, whatever becomes of the connection, and connections come back without
//! being asked for in a hurry.

use std::time::Duration;

use hallpass::chat::slack::Stopped;
use tokio::time::{Instant, sleep, timeout};

use super::{House, TALK, Way};
use crate::fakes::slack::{Fault, Kind};

/// Longest that something of the sockets is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks again until it is so.
async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !so().await {
            sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}: not within {PATIENCE:?}");
}

/// How often the bot asked for a connection.
fn asked_for(house: &House) -> usize {
    house.slack.calls_of("apps.connections.open").len()
}

#[tokio::test]
async fn there_are_two_connections_at_least_and_an_envelope_counts_whichever_it_comes_by() {
    let house = House::asked(Way::Sockets).await;
    house.slack.connected(2).await;
    for user in ["U0ANA", "U0BEN", "U0CLEO", "U0DORA"] {
        house.say(user, "mine").await;
    }
    assert!(house.press("U0BEN", "approve").await.contains("Your approval counts"));
    assert!(house.holds("ana", "write"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn an_envelope_that_comes_again_by_itself_or_in_a_new_one_counts_once() {
    let house = House::asked(Way::Sockets).await;
    let press = house.payload("U0BEN", "approve");
    for _ in 0..2 {
        assert!(house.slack.deliver_raw(Kind::Interactive, press.clone()).await.is_ok());
        assert!(house.slack.replay_last().await.is_ok());
    }
    house.settle().await;
    assert_eq!((house.times("approved").await, house.times("working").await), (1, 1));
    assert_eq!(house.slack.ephemerals("U0BEN").len(), 1);
    let lines = house.slack.messages(super::CARDS).len();
    assert!(house.slack.slash("U0FINN", TALK, "request prod-db read 1h Look at the table").await.is_ok());
    assert!(house.slack.replay_last().await.is_ok());
    house.settle().await;
    assert_eq!(house.slack.messages(super::CARDS).len(), lines + 1);
}

/// The press is in the bot's hands, and its acknowledgement goes nowhere: Slack delivers it again.
#[tokio::test]
async fn a_press_whose_connection_breaks_counts_and_counts_once_when_it_is_delivered_again() {
    let house = House::asked(Way::Sockets).await;
    house.slack.connected(2).await;
    let press = house.payload("U0BEN", "approve");
    house.slack.drop_on_delivery(1);
    let ack = house.slack.deliver_raw(Kind::Interactive, press.clone()).await;
    assert_eq!(ack.status, 0, "nobody acknowledged it");
    until("it is decided", async || house.times("approved").await == 1).await;
    assert!(house.slack.deliver_raw(Kind::Interactive, press).await.is_ok());
    house.settle().await;
    assert!(house.holds("ana", "write"));
    assert_eq!((house.times("approved").await, house.times("working").await), (1, 1));
    house.slack.connected(2).await;
}

#[tokio::test]
async fn connections_that_break_right_after_hello_are_opened_ever_more_slowly() {
    let house = House::new(Way::Sockets).await;
    house.slack.connected(2).await;
    house.slack.drop_after_hello(6);
    let (before, begun) = (asked_for(&house), Instant::now());
    house.slack.drop_sockets();
    house.slack.connected_ever(2 + 6).await;
    // Each of the two: half a second, then one, then two.
    assert!(begun.elapsed() > Duration::from_millis(3_500), "{:?}", begun.elapsed());
    assert!(asked_for(&house) - before <= 10, "{} connections were asked for", asked_for(&house) - before);
    let said = house.say("U0ANA", "mine").await;
    assert!(!said.is_empty(), "and when they hold, people are heard");
}

#[tokio::test]
async fn a_warning_and_a_refresh_lose_nothing_and_connections_come_back_at_once() {
    for reason in ["warning", "refresh_requested"] {
        let house = House::asked(Way::Sockets).await;
        house.slack.connected(2).await;
        let press = house.payload("U0BEN", "approve");
        house.slack.send_disconnect(reason);
        // As Slack does with what was not acknowledged.
        until("it is acknowledged", async || house.slack.deliver_raw(Kind::Interactive, press.clone()).await.is_ok()).await;
        house.settle().await;
        assert!(house.holds("ana", "write"), "{reason}");
        assert_eq!(house.times("approved").await, 1, "{reason}");
        house.slack.connected_ever(4).await;
        house.slack.connected(2).await;
        until("no more than were asked for", async || house.slack.connections() == 2).await;
        assert!(house.press("U0ANA", "return").await.contains("Taking it away") || !house.holds("ana", "write"), "{reason}");
    }
}

#[tokio::test]
async fn a_link_that_is_disabled_stops_it_for_good_and_says_so() {
    let house = House::new(Way::Sockets).await;
    house.slack.connected(2).await;
    house.slack.send_disconnect("link_disabled");
    let stopped = timeout(PATIENCE, house.socket().stopped()).await;
    assert_eq!(stopped, Ok(Stopped::LinkDisabled));
    until("all are closed", async || house.slack.connections() == 0).await;
    let asked = asked_for(&house);
    // Longer than the pause before a connection that merely broke is opened again.
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!((asked_for(&house), house.slack.connections()), (asked, 0));
}

#[tokio::test]
async fn connections_that_are_refused_are_asked_for_again_until_they_are_given_and_not_in_a_hurry() {
    let house = House::new(Way::Sockets).await;
    house.slack.connected(2).await;
    house.slack.refuse_connections(Some("internal_error"));
    let before = asked_for(&house);
    house.slack.drop_sockets();
    until("it asks again", async || asked_for(&house) >= before + 3).await;
    let (asked, begun) = (asked_for(&house), Instant::now());
    sleep(Duration::from_secs(2)).await;
    let (more, passed) = (asked_for(&house) - asked, begun.elapsed());
    assert!(more <= 10, "{more} times in {passed:?}");
    house.slack.refuse_connections(None);
    house.slack.connected(2).await;
    assert!(!house.say("U0ANA", "mine").await.is_empty());
}

#[tokio::test]
async fn a_form_that_slack_opens_slowly_holds_up_nobody_elses_press() {
    let house = House::asked(Way::Sockets).await;
    house.slack.connected(2).await;
    house.slack.fail("views.open", Fault::Hang, 20);
    for user in ["U0ANA", "U0CLEO", "U0DORA", "U0EVE", "U0FINN"] {
        let ack = house.slack.slash(user, TALK, "").await;
        assert!(ack.is_ok() && ack.took < Duration::from_secs(2), "{user}: {ack:?}");
    }
    let press = house.payload("U0BEN", "approve");
    let ack = house.slack.deliver_raw(Kind::Interactive, press).await;
    assert!(ack.is_ok() && ack.took < Duration::from_secs(2), "{ack:?}");
    until("it is decided", async || house.times("approved").await == 1).await;
}
