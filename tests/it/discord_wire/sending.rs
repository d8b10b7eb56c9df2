//! Posts, changes and direct messages: what is in each call, and what is remembered.

use hallpass::chat::{Chat as _, ChatFault, Posted, Sending};
use serde_json::json;

use super::{ANA, CARDS, Line, card, made, why, words};
use crate::fakes::discord::{Fault, permissions::SEND_MESSAGES, pings};

#[tokio::test]
async fn a_card_is_posted_once_with_its_thread_and_mentions_nobody() {
    let line = Line::new().await;
    let posted = line.card().await;
    assert_eq!((posted.channel.as_str(), line.discord.messages(CARDS).len()), (CARDS, 1));
    let sent = &line.discord.requests_of("create_message")[0].body;
    assert_eq!((&sent["enforce_nonce"], &sent["allowed_mentions"]), (&json!(true), &json!({ "parse": [] })));
    let nonce = sent["nonce"].as_str().unwrap();
    assert!((10..=25).contains(&nonce.len()), "{nonce}");
    assert!(sent.get("thread").is_none() && sent.get("mentions").is_none(), "{sent}");
    let thread = line.discord.thread_of(&posted.message).unwrap();
    assert_eq!(thread.name, "R-7K3QD2 · prod-db · write");
    let begun = &line.discord.requests_of("create_thread_from_message")[0];
    assert_eq!(begun.body["auto_archive_duration"], 1440);
    assert!(begun.header("x-audit-log-reason").is_some_and(|reason| reason.contains("%20") && reason.len() <= 512));
    assert_eq!(line.discord.refusals(), Vec::<String>::new());
}

#[tokio::test]
async fn only_whom_the_message_names_is_pinged() {
    let line = Line::new().await;
    let body = json!({ "content": format!("@everyone <@{ANA}>"), "allowed_mentions": { "parse": [], "users": [ANA] } });
    line.post(CARDS, &made(&body), line.once("a")).await.unwrap();
    // A template that says nothing of mentions, and one that is no JSON.
    line.post(CARDS, &made(&json!({ "content": format!("@everyone <@{ANA}>") })), line.once("b")).await.unwrap();
    let mut bare = words("");
    bare.body = format!("@everyone <@{ANA}> [a](https://example.org) {{");
    line.post(CARDS, &bare, line.once("c")).await.unwrap();
    let pinged: Vec<_> = line.discord.messages(CARDS).iter().map(pings).collect();
    assert_eq!(pinged, [vec![format!("user {ANA}")], vec![], vec![]]);
    assert!(line.contents(CARDS)[2].starts_with("\\@everyone \\<\\@"), "{:?}", line.contents(CARDS));
}

#[tokio::test]
async fn what_a_change_leaves_out_does_not_go_on_standing_there() {
    let line = Line::new().await;
    let posted = line.card().await;
    line.chat.update(&posted, &words("Ended")).await.unwrap();
    let now = line.discord.message(&posted.message).unwrap();
    assert_eq!((&now["content"], &now["components"], &now["embeds"]), (&json!("Ended"), &json!([]), &json!([])));
    let sent = &line.discord.requests_of("update_message")[0].body;
    assert_eq!(sent["allowed_mentions"], json!({ "parse": [] }));
    assert!(sent.get("thread").is_none() && sent.get("nonce").is_none(), "{sent}");
    line.chat.update(&posted, &card("@everyone")).await.unwrap();
    assert_eq!(pings(&line.discord.message(&posted.message).unwrap()), Vec::<String>::new());
}

#[tokio::test]
async fn a_message_or_channel_that_is_not_there_is_gone_and_posting_there_says_what_to_do() {
    let line = Line::new().await;
    let posted = line.card().await;
    line.discord.delete(CARDS, &posted.message);
    assert_eq!(line.chat.update(&posted, &words("Ended")).await, Err(ChatFault::Gone));
    let elsewhere = Posted { channel: "800000000000000009".to_owned(), message: posted.message.clone() };
    assert_eq!(line.chat.update(&elsewhere, &words("Ended")).await, Err(ChatFault::Gone));
    let why = why(line.post("800000000000000009", &card("Ana asks"), line.once("a")).await);
    assert!(why.contains("10003") && why.contains("bot.toml"), "{why}");
    assert!(super::why(line.post("approvals", &card("Ana asks"), line.once("a")).await).contains("\"approvals\" is no id of a channel"));
}

#[tokio::test]
async fn somebodys_direct_messages_are_opened_once_and_changed_there() {
    let line = Line::new().await;
    let first = line.chat.direct(ANA, &words("You have write"), line.once("a")).await.unwrap();
    line.chat.direct(ANA, &words("It ends soon"), line.once("b")).await.unwrap();
    line.chat.update(&first, &words("You had write")).await.unwrap();
    let read: Vec<_> = line.discord.directs(ANA).iter().map(|message| message["content"].clone()).collect();
    assert_eq!(read, ["You had write", "It ends soon"]);
    assert_eq!(line.discord.requests_of("create_dm").len(), 1);
}

#[tokio::test]
async fn whoever_takes_no_direct_messages_is_said_so_and_left_alone_for_a_while() {
    let line = Line::new().await;
    line.discord.close_directs(ANA);
    let Err(ChatFault::Closed { why }) = line.chat.direct(ANA, &words("You have write"), line.once("a")).await else {
        panic!("that is theirs to decide");
    };
    assert!(why.contains("50007") && why.contains("privacy settings"), "{why}");
    assert!(line.chat.wait(&format!("@{ANA}"), Sending::Post).is_some());
    assert_eq!(line.chat.wait(CARDS, Sending::Post), None);
    assert!(super::why(line.chat.direct("600000000000000099", &words("x"), line.once("a")).await).contains("10013"));
}

#[tokio::test]
async fn a_conversation_that_is_not_there_any_more_is_opened_anew() {
    let line = Line::new().await;
    line.chat.direct(ANA, &words("one"), line.once("a")).await.unwrap();
    line.discord.fail("create_message", Fault::Code(10003), 1);
    assert!(super::is_transient(&line.chat.direct(ANA, &words("two"), line.once("b")).await));
    line.chat.direct(ANA, &words("two"), line.once("b")).await.unwrap();
    assert_eq!((line.discord.requests_of("create_dm").len(), line.discord.directs(ANA).len()), (2, 2));
}

#[tokio::test]
async fn a_channel_where_the_bot_may_not_write_says_which_rights_it_lacks() {
    let line = Line::new().await;
    line.discord.forbid(CARDS, SEND_MESSAGES);
    let why = why(line.post(CARDS, &card("Ana asks"), line.once("a")).await);
    assert!(why.contains("50013") && why.contains("Send Messages"), "{why}");
}
