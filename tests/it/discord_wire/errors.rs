//! What goes wrong on the way: later, never, or once and for all; and nothing secret in what is said of it.

use std::time::Duration;

use hallpass::chat::{Chat as _, ChatFault, Sending};

use super::{BEN, CARDS, LEADS, Line, card, is_transient, settings, why, words};
use crate::fakes::discord::{Discord, Fault};

#[tokio::test]
async fn a_discord_that_fails_hangs_or_hangs_up_is_tried_again() {
    for fault in [Fault::Status(500), Fault::Status(503), Fault::CutBefore, Fault::CutAfterEffect, Fault::Hang] {
        let line = Line::new().await;
        line.discord.fail("create_message", fault.clone(), 1);
        let posted = line.post(CARDS, &card("Ana asks"), line.once("a")).await;
        assert!(is_transient(&posted), "{fault:?}: {posted:?}");
        assert_eq!(line.chat.wait(CARDS, Sending::Post), None, "{fault:?}");
        assert!(line.post(CARDS, &card("Ana asks"), line.once("a")).await.is_ok(), "{fault:?}");
    }
}

#[tokio::test]
async fn neither_a_token_nor_a_url_is_said() {
    let line = Line::new().await;
    line.discord.down(true);
    let failed = line.post(CARDS, &card("Ana asks"), line.once("a")).await.unwrap_err();
    line.discord.down(false).fail("create_message", Fault::Code(50035), 1);
    let refused = line.post(CARDS, &card("Ana asks"), line.once("a")).await.unwrap_err();
    for said in [format!("{failed} {failed:?}"), format!("{refused} {refused:?}")] {
        assert!(!said.contains(line.discord.bot_token()) && !said.contains("http") && !said.contains("/channels"), "{said}");
    }
}

#[tokio::test]
async fn a_message_that_discord_refuses_names_the_field() {
    let line = Line::new().await;
    let why = why(line.post(CARDS, &words(&"x".repeat(2001)), line.once("a")).await);
    assert!(why.contains("50035") && why.contains("content: ") && why.contains("hallpass check"), "{why}");
    assert_eq!(line.discord.take_unfit().len(), 1, "nobody may send it");
}

#[tokio::test]
async fn a_token_that_is_refused_once_is_never_sent_again() {
    let discord = Discord::start().await;
    discord.person(BEN, "Ben Okafor").role(LEADS, "db-leads", &[BEN]).channel(CARDS, "approvals");
    let clock = std::sync::Arc::new(hallpass::clock::ManualClock::new(crate::world::START));
    let settings = hallpass::chat::discord::Settings { bot_token: "OTAw.revoked".into(), ..settings(&discord) };
    let line = Line { chat: super::Client::new(settings, clock.clone()), discord, clock };
    for _ in 0..3 {
        let why = why(line.post(CARDS, &card("Ana asks"), line.once("a")).await);
        assert!(why.contains("does not accept the bot's token") && why.contains("start the bot again"), "{why}");
        assert!(super::why(line.chat.is_member(LEADS, BEN).await).contains("token"));
        assert!(super::why(line.chat.is_at_home().await).contains("token"));
        assert_eq!(line.chat.wait(CARDS, Sending::Post), None, "it is told at once");
        line.advance(3600);
    }
    assert_eq!(line.discord.requests().len(), 1);
}

#[tokio::test]
async fn a_token_that_is_refused_is_known_at_once_and_found_accepted_when_it_is_shown_again() {
    let line = Line::new().await;
    let refused = line.chat.refused();
    assert!(!*refused.borrow());
    line.discord.fail("*", Fault::Status(401), 2);
    assert!(why(line.chat.is_member(LEADS, BEN).await).contains("token"));
    assert!(*refused.borrow());
    assert!(why(line.chat.try_token().await).contains("token"));
    assert!(*refused.borrow() && line.discord.requests().len() == 2);
    assert_eq!(line.chat.try_token().await, Ok(()));
    assert!(!*refused.borrow());
    assert_eq!(line.chat.is_member(LEADS, BEN).await, Ok(true));
}

#[tokio::test]
async fn a_page_of_something_before_discord_is_no_word_of_discords() {
    let line = Line::new().await;
    line.discord.fail("create_message", Fault::Status(403), 1);
    assert!(is_transient(&line.post(CARDS, &card("Ana asks"), line.once("a")).await));
    assert!(line.chat.wait(super::OTHER, Sending::Post).is_some(), "this address is not liked: nothing is called for a while");
    line.advance(60);
    line.discord.fail("create_message", Fault::Status(429), 1);
    assert!(is_transient(&line.post(CARDS, &card("Ana asks"), line.once("a")).await));
    assert!(line.chat.wait(super::OTHER, Sending::Post).is_some());
    line.advance(60);
    assert!(line.post(CARDS, &card("Ana asks"), line.once("a")).await.is_ok());
}

#[tokio::test]
async fn too_many_edits_of_old_messages_make_only_that_one_wait() {
    let line = Line::new().await;
    let card = line.card().await;
    line.discord.fail("update_message", Fault::Code(30046), 1);
    let Err(ChatFault::Transient { retry_after: Some(after), .. }) = line.chat.update(&card, &words("Ended")).await else {
        panic!("it is worth another try");
    };
    assert!(after.std() >= Duration::from_mins(1), "{after:?}");
    assert_eq!(line.chat.wait(CARDS, Sending::Update), None);
    assert_eq!(line.chat.update(&card, &words("Ended")).await, Ok(()));
}
