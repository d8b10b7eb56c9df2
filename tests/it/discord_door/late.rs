//! What comes late: an interaction that is delivered again when it is old says nothing about its presser any more; a Discord that
//! does not say who somebody is keeps nobody waiting for the acknowledgement; a clock that ran ahead for a moment keeps nobody out;
//! and what comes when it is time to end is not taken.

use std::time::Duration;

use hallpass::{
    chat::discord::{Http, serve_until},
    clock::Clock as _,
    domain::{policy::Platform, time::Span},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use super::{BEN, BOTH, DORA, House, Way};
use crate::fakes::discord::{Fault, reading::text_of};

/// What somebody alone was told after so many answers.
fn heard(house: &House, user: &str, before: usize) -> String {
    house.discord.ephemerals(user)[before..].iter().map(text_of).collect::<Vec<_>>().join("\n")
}

/// The role of those who decide.
fn leads(house: &House) -> String {
    house.bot.catalogue().groups[&"db-leads".parse().unwrap()].chats[&Platform::Discord].clone()
}

#[tokio::test]
async fn a_press_that_is_brought_again_later_is_judged_by_who_they_are_then() {
    for way in BOTH {
        let house = House::asked(way).await;
        let press = house.discord.press_payload(BEN, house.card()["id"].as_str().unwrap(), "approve");
        house.discord.role(&leads(&house), "db-leads", &[DORA]);
        house.pass(10);
        let reply = house.discord.deliver(press).await;
        assert!(reply.is_ok(), "{reply:?}");
        house.settle().await;
        let said = heard(&house, BEN, 0);
        assert!(said.contains("You can't decide this one"), "{way:?}: {said}");
        assert!(house.newest().await.round().unwrap().votes.is_empty());
    }
}

#[tokio::test]
async fn a_press_is_acknowledged_in_time_while_discord_does_not_say_who_they_are() {
    for way in BOTH {
        let house = House::asked(way).await;
        let card = house.card()["id"].as_str().unwrap().to_owned();
        let (approve, deny) = (house.discord.press_payload(BEN, &card, "approve"), house.discord.press_payload(DORA, &card, "deny"));
        // Old: what they say of their pressers does not count.
        house.pass(10);
        house.discord.fail("get_guild_member", Fault::Hang, 100);
        let (approve, deny) = tokio::join!(house.discord.deliver(approve), house.discord.deliver(deny));
        assert_eq!((approve.is_ok(), approve.kind()), (true, Some(6)), "{way:?}: {approve:?}");
        assert!(deny.is_ok() && deny.took < Duration::from_secs(3), "{way:?}: {deny:?}");
        house.door.idle().await;
        assert!(!heard(&house, BEN, 0).is_empty(), "{way:?}: what came of it is told");
        assert!(house.newest().await.round().unwrap().votes.is_empty());
        house.discord.heal();
        let said = house.press(BEN, "approve").await;
        assert!(said.starts_with("Your approval counts"), "{way:?}: {said}");
    }
}

#[tokio::test]
async fn a_clock_that_ran_ahead_for_a_moment_keeps_nobody_out() {
    let house = House::asked(Way::Http).await;
    let right = house.clock.now();
    house.clock.jump(right + Span::from_minutes(8));
    assert!(house.bot.now() >= right + Span::from_minutes(8), "the bot believed it");
    house.clock.jump(right);
    assert!(house.bot.now() >= right + Span::from_minutes(8), "its own time does not run back");
    assert_eq!(house.discord.ping().await.0, 200);
    let press = house.discord.press(BEN, house.card()["id"].as_str().unwrap(), "approve").await;
    assert_eq!((press.status, press.kind()), (200, Some(6)), "{press:?}");
    house.clock.jump(right + Span::from_minutes(6));
    assert_eq!(house.discord.ping().await.0, 401, "what was signed long ago is refused");
}

#[tokio::test]
async fn once_it_is_told_to_end_no_open_connection_brings_anything_more() {
    let house = House::new(Way::Http).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, (stop, told)) = (listener.local_addr().unwrap(), oneshot::channel::<()>());
    let http = Http::new(house.door.clone(), house.discord.public_key()).unwrap();
    let served = tokio::spawn(serve_until(http, listener, async { drop(told.await) }));
    let mut kept = TcpStream::connect(address).await.unwrap();
    kept.write_all(b"POST /discord/interactions HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
    let mut answer = vec![0; 4096];
    let count = kept.read(&mut answer).await.unwrap();
    assert!(answer[..count].starts_with(b"HTTP/1.1 401"), "{}", String::from_utf8_lossy(&answer[..count]));
    drop(stop);
    assert_eq!(kept.read(&mut answer).await.unwrap(), 0, "the connection that was kept open is closed");
    served.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
