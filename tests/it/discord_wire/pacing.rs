//! Discord's limits, kept by its own headers: it never has to refuse.

use std::time::Duration;

use hallpass::{
    chat::{Chat as _, ChatFault, Sending},
    domain::time::Span,
};

use super::{BEN, CARDS, LEADS, Line, OTHER, card, words};
use crate::fakes::discord::{Fault, Scope, permissions::SEND_MESSAGES};

#[tokio::test]
async fn a_channel_takes_what_its_bucket_holds_and_the_rest_when_it_is_full_again() {
    let line = Line::new().await;
    line.discord.enforce_limits(true);
    let (mut posted, mut waited) = (0, 0);
    while posted < 12 {
        if let Some(wait) = line.chat.wait(CARDS, Sending::Post) {
            assert!(line.chat.wait(OTHER, Sending::Post).is_none() && wait > Span::ZERO && wait <= Span::from_seconds(6));
            waited += wait.seconds();
            line.advance(wait.seconds().unsigned_abs());
            continue;
        }
        line.post(CARDS, &words(&format!("line {posted}")), line.once(&format!("n/{posted}"))).await.unwrap();
        posted += 1;
    }
    assert!((10..=12).contains(&waited), "{waited} s");
    assert_eq!(line.discord.refusals(), Vec::<String>::new());
}

#[tokio::test]
async fn what_comes_too_early_is_not_sent_at_all() {
    let line = Line::new().await;
    line.discord.enforce_limits(true);
    for n in 0..20 {
        let _ = line.post(CARDS, &words(&format!("line {n}")), line.once(&format!("n/{n}"))).await;
    }
    assert_eq!(line.discord.requests_of("create_message").len(), 5);
    let Err(ChatFault::Transient { retry_after: Some(after), .. }) = line.post(CARDS, &words("x"), line.once("x")).await else {
        panic!("it is worth another try");
    };
    assert_eq!(after, Span::from_seconds(5));
}

#[tokio::test]
async fn a_pause_of_one_bucket_keeps_nothing_else_waiting_and_one_of_all_does() {
    let line = Line::new().await;
    line.discord.fail("create_message", Fault::Limited { after: Duration::from_millis(6500), scope: Scope::Bucket }, 1);
    let first = line.post(CARDS, &card("Ana asks"), line.once("a")).await;
    assert!(matches!(first, Err(ChatFault::Transient { retry_after: Some(after), .. }) if after == Span::from_seconds(7)), "{first:?}");
    assert_eq!(line.chat.wait(CARDS, Sending::Post), Some(Span::from_seconds(7)));
    assert_eq!((line.chat.wait(CARDS, Sending::Update), line.chat.wait(OTHER, Sending::Post)), (None, None));
    line.advance(7);
    line.discord.fail("create_message", Fault::Limited { after: Duration::from_secs(20), scope: Scope::Global }, 1);
    assert!(super::is_transient(&line.post(CARDS, &card("Ana asks"), line.once("a")).await));
    for place in [CARDS.to_owned(), OTHER.to_owned(), format!("@{BEN}")] {
        assert_eq!(line.chat.wait(&place, Sending::Post), Some(Span::from_seconds(20)), "{place}");
    }
    let called = line.discord.requests().len();
    assert!(super::is_transient(&line.chat.is_member(LEADS, BEN).await));
    assert_eq!(line.discord.requests().len(), called);
    line.advance(20);
    assert!(line.post(CARDS, &card("Ana asks"), line.once("a")).await.is_ok());
}

#[tokio::test]
async fn a_channel_that_refuses_is_asked_ever_more_rarely_and_is_mended_by_the_next_that_gets_through() {
    let line = Line::new().await;
    line.discord.forbid(CARDS, SEND_MESSAGES);
    for n in 0..3600_u64 {
        if n % 10 == 0 {
            let _ = line.post(CARDS, &card("Ana asks"), line.once("a")).await;
        }
        line.advance(1);
    }
    let asked = line.discord.requests_of("create_message").len();
    assert!((8..=13).contains(&asked), "{asked} in an hour");
    assert!(line.chat.wait(OTHER, Sending::Post).is_none());
    line.discord.allow(CARDS, SEND_MESSAGES);
    line.advance(480);
    assert!(line.post(CARDS, &card("Ana asks"), line.once("a")).await.is_ok());
    assert_eq!(line.chat.wait(CARDS, Sending::Post), None);
}
