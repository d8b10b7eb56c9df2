//! Threads that are not there, were put away, locked or deleted.

use hallpass::chat::{Chat as _, ChatFault};

use super::{CARDS, Line, words};
use crate::fakes::discord::{
    Fault,
    permissions::{CREATE_PUBLIC_THREADS, MANAGE_THREADS},
};

#[tokio::test]
async fn a_thread_that_could_not_be_made_is_made_when_something_is_first_told_there() {
    let line = Line::new().await;
    line.discord.fail("create_thread_from_message", Fault::Status(503), 1);
    let card = line.card().await;
    assert_eq!(line.discord.thread_of(&card.message), None);
    line.chat.reply(&card, &words("Ben approved"), line.once("n/1")).await.unwrap();
    assert_eq!(line.discord.thread_of(&card.message).unwrap().name, "R-7K3QD2 · prod-db · write");
    assert_eq!(line.contents(&card.message), ["Ben approved"]);
}

#[tokio::test]
async fn the_next_process_names_it_by_the_card_that_stands_there() {
    let mut line = Line::new().await;
    line.discord.fail("create_thread_from_message", Fault::CutBefore, 1);
    let card = line.card().await;
    line.restart();
    line.chat.reply(&card, &words("Ben approved"), line.once("n/1")).await.unwrap();
    assert_eq!(line.discord.thread_of(&card.message).unwrap().name, "R-7K3QD2 Ana asks");
}

#[tokio::test]
async fn a_thread_that_is_there_already_is_the_cards_whoever_made_it() {
    let line = Line::new().await;
    line.discord.fail("create_thread_from_message", Fault::CutAfterEffect, 1);
    let card = line.card().await;
    line.chat.reply(&card, &words("Ben approved"), line.once("n/1")).await.unwrap();
    line.discord.fail("create_thread_from_message", Fault::Code(160_004), 1);
    let other = line.post(CARDS, &super::decided("Denied"), line.once("R-7K3QD2/discord/cards/card/x")).await.unwrap();
    line.discord.begin_thread(super::BEN, &other.message, "mine");
    line.chat.reply(&other, &words("Ben denied"), line.once("n/2")).await.unwrap();
    assert_eq!((line.contents(&card.message).len(), line.contents(&other.message).len()), (1, 1));
}

#[tokio::test]
async fn only_when_the_card_is_gone_the_place_is_gone() {
    let line = Line::new().await;
    line.discord.fail("create_thread_from_message", Fault::CutBefore, 1);
    let card = line.card().await;
    line.discord.delete(CARDS, &card.message);
    assert_eq!(line.chat.reply(&card, &words("Ben approved"), line.once("n/1")).await, Err(ChatFault::Gone));
}

#[tokio::test]
async fn a_card_whose_thread_was_deleted_is_taken_away_with_it_for_discord_makes_no_other() {
    let line = Line::new().await;
    let card = line.card().await;
    line.discord.delete_channel(&card.message).fail("create_thread_from_message", Fault::Code(160_004), 1);
    assert_eq!(line.chat.reply(&card, &words("Ben approved"), line.once("n/1")).await, Err(ChatFault::Gone));
    assert_eq!(line.contents(CARDS), Vec::<String>::new(), "nobody presses what is not told about any more");
    assert_eq!(line.chat.update(&card, &words("Approved")).await, Err(ChatFault::Gone), "so that it is posted anew");
}

#[tokio::test]
async fn a_thread_is_put_away_and_locked_and_comes_back_for_what_is_late() {
    let line = Line::new().await;
    line.discord.allow(CARDS, MANAGE_THREADS);
    let card = line.card().await;
    line.chat.reply(&card, &words("Gone"), line.once("n/1")).await.unwrap();
    for _ in 0..2 {
        line.chat.put_away(&card).await.unwrap();
        let thread = line.discord.thread_of(&card.message).unwrap();
        assert!(thread.archived && thread.locked);
    }
    line.chat.reply(&card, &words("It came back"), line.once("n/2")).await.unwrap();
    let thread = line.discord.thread_of(&card.message).unwrap();
    assert!(!thread.archived && !thread.locked);
    assert_eq!(line.contents(&card.message), ["Gone", "It came back"]);
}

#[tokio::test]
async fn where_the_bot_may_not_lock_it_only_puts_away() {
    let line = Line::new().await;
    line.discord.forbid(CARDS, MANAGE_THREADS);
    let card = line.card().await;
    line.chat.put_away(&card).await.unwrap();
    let thread = line.discord.thread_of(&card.message).unwrap();
    assert!(thread.archived && !thread.locked);
    line.advance(60);
    line.chat.reply(&card, &words("It came back"), line.once("n/1")).await.unwrap();
    assert!(!line.discord.thread_of(&card.message).unwrap().archived);
}

#[tokio::test]
async fn a_thread_that_is_not_there_is_put_away() {
    let line = Line::new().await;
    line.discord.fail("create_thread_from_message", Fault::CutBefore, 1);
    let card = line.card().await;
    assert_eq!(line.chat.put_away(&card).await, Ok(()));
}

#[tokio::test]
async fn without_the_right_to_make_threads_the_card_stands_and_telling_says_what_is_missing() {
    let line = Line::new().await;
    line.discord.forbid(CARDS, CREATE_PUBLIC_THREADS);
    let card = line.card().await;
    line.advance(60);
    let why = super::why(line.chat.reply(&card, &words("Ben approved"), line.once("n/1")).await);
    assert!(why.contains("50013") && why.contains("Create Public Threads"), "{why}");
    assert!(line.chat.wait_under(&card).is_some(), "it is left alone for a while");
    assert_eq!(line.chat.wait(CARDS, hallpass::chat::Sending::Update), None, "the card itself is not");
    line.discord.allow(CARDS, CREATE_PUBLIC_THREADS);
    line.advance(600);
    line.chat.reply(&card, &words("Ben approved"), line.once("n/1")).await.unwrap();
    assert_eq!(line.contents(&card.message), ["Ben approved"]);
}
