//! What may have been sent before stands once, however late it is tried again.

use hallpass::chat::{Chat as _, Message, Once};
use serde_json::json;

use super::{ANA, BEN, CARDS, Line, again, card, decided, is_transient, words};
use crate::fakes::discord::Fault;

/// Longer than Discord remembers a nonce.
const LONG: u64 = 900;

#[tokio::test]
async fn a_card_that_was_cut_off_is_found_later_though_it_says_something_else_by_then() {
    let line = Line::new().await;
    let once = line.once("R-7K3QD2/discord/cards/card");
    line.discord.fail("create_message", Fault::CutAfterEffect, 1);
    assert!(is_transient(&line.post(CARDS, &card("Ana asks"), once).await));
    line.advance(LONG);
    let posted = line.post(CARDS, &decided("Denied"), again(once)).await.unwrap();
    assert_eq!((line.discord.messages(CARDS).len(), line.discord.requests_of("create_message").len()), (1, 1));
    assert!(line.discord.thread_of(&posted.message).is_some(), "its thread is made up for");
}

#[tokio::test]
async fn within_minutes_discord_itself_knows_it_again() {
    let line = Line::new().await;
    let once = line.once("R-7K3QD2/discord/cards/card");
    line.discord.fail("create_message", Fault::CutAfterEffect, 1);
    assert!(is_transient(&line.post(CARDS, &card("Ana asks"), once).await));
    line.advance(60);
    line.post(CARDS, &card("Ana asks"), once).await.unwrap();
    assert_eq!(line.discord.messages(CARDS).len(), 1);
}

#[tokio::test]
async fn a_line_in_a_thread_or_to_a_person_that_was_cut_off_is_found_by_its_words() {
    let line = Line::new().await;
    let card = line.card().await;
    let once = line.once("R-7K3QD2/discord/cards/3");
    line.discord.fail("create_message", Fault::CutAfterEffect, 1);
    assert!(is_transient(&line.chat.reply(&card, &words("Ben approved"), once).await));
    line.discord.fail("create_message", Fault::CutAfterEffect, 1);
    assert!(is_transient(&line.chat.direct(ANA, &words("Ben approved"), once).await));
    line.discord.say(BEN, &card.message, "Ben approved");
    line.advance(LONG);
    let found = line.chat.reply(&card, &words("Ben approved"), again(once)).await.unwrap();
    line.chat.direct(ANA, &words("Ben approved"), again(once)).await.unwrap();
    assert_eq!((line.contents(&card.message).len(), line.discord.directs(ANA).len()), (2, 1), "one is Ben's own");
    assert_eq!(line.discord.message(&found.message).unwrap()["author"]["bot"], true);
}

#[tokio::test]
async fn what_was_never_sent_is_sent_though_an_older_line_reads_the_same() {
    let line = Line::new().await;
    let card = line.card().await;
    line.chat.reply(&card, &words("Ben is looking"), line.once("n/3")).await.unwrap();
    line.advance(LONG);
    let once = line.once("n/5");
    line.discord.fail("create_message", Fault::CutBefore, 1);
    assert!(is_transient(&line.chat.reply(&card, &words("Ben is looking"), once).await));
    line.chat.reply(&card, &words("Ben is looking"), again(once)).await.unwrap();
    assert_eq!(line.contents(&card.message), ["Ben is looking", "Ben is looking"]);
}

#[tokio::test]
async fn it_is_found_among_hundreds_that_came_after_it() {
    let line = Line::new().await;
    let once = line.once("R-7K3QD2/discord/cards/card");
    line.discord.fail("create_message", Fault::CutAfterEffect, 1);
    assert!(is_transient(&line.post(CARDS, &card("Ana asks"), once).await));
    for n in 0..250 {
        line.discord.say(BEN, CARDS, &format!("chatter {n}"));
    }
    line.advance(LONG);
    line.post(CARDS, &card("Ana asks"), again(once)).await.unwrap();
    assert_eq!(line.discord.messages(CARDS).len(), 251);
}

#[tokio::test]
async fn a_search_goes_no_further_back_than_what_it_looks_for() {
    let line = Line::new().await;
    for n in 0..250 {
        line.discord.say(BEN, CARDS, &format!("chatter {n}"));
    }
    line.advance(LONG);
    line.post(CARDS, &card("Ana asks"), Once { may_stand: true, ..line.once("R-7K3QD2/discord/cards/card") }).await.unwrap();
    assert_eq!(line.discord.requests_of("list_messages").len(), 1);
}

#[tokio::test]
async fn the_card_of_another_request_or_bot_is_not_taken_for_it() {
    let line = Line::new().await;
    line.card().await;
    let mut other = card("Finn asks");
    other.body = other.body.replace("R-7K3QD2", "R-7K3QD3");
    let once = line.once("R-7K3QD3/discord/cards/card");
    line.post(CARDS, &other, again(once)).await.unwrap();
    assert_eq!(line.contents(CARDS), ["Ana asks", "Finn asks"]);
}

/// The same as it is told long after it happened.
fn late(text: &str) -> Message {
    let body = json!({ "content": format!("{text}\n(told late)"), "late": "(told late)", "allowed_mentions": { "parse": [] } });
    Message { body: body.to_string(), buttons: Vec::new(), notify: Vec::new() }
}

#[tokio::test]
async fn what_was_told_in_time_is_not_told_again_because_it_is_late_now_and_what_was_not_says_that_it_is_late() {
    let line = Line::new().await;
    let card = line.card().await;
    for (fault, then) in [(Fault::CutAfterEffect, "Ben approved"), (Fault::CutBefore, "Ben approved\n(told late)")] {
        let once = line.once("R-7K3QD2/discord/cards/3");
        line.discord.fail("create_message", fault, 1);
        assert!(is_transient(&line.chat.direct(ANA, &words("Ben approved"), once).await));
        line.advance(LONG);
        line.chat.direct(ANA, &late("Ben approved"), again(once)).await.unwrap();
        let told = line.discord.directs(ANA);
        assert_eq!(told.last().unwrap()["content"], then);
    }
    assert_eq!(line.discord.directs(ANA).len(), 2);
    line.chat.reply(&card, &late("Ben approved"), line.once("R-7K3QD2/discord/cards/4")).await.unwrap();
    assert_eq!(line.discord.refusals(), Vec::<String>::new(), "Discord is sent nothing that it does not know");
}

#[tokio::test]
async fn an_alarm_about_a_request_is_not_taken_for_its_card() {
    let line = Line::new().await;
    let alarm = json!({ "content": "STILL OPEN", "embeds": [{ "description": "…", "footer": { "text": "Alarm · R-7K3QD2" } }] });
    let alarm = Message { body: alarm.to_string(), buttons: Vec::new(), notify: Vec::new() };
    line.post(CARDS, &alarm, line.once("alarm/1")).await.unwrap();
    let once = line.once("R-7K3QD2/discord/cards/card");
    let posted = line.post(CARDS, &card("Ana asks"), again(once)).await.unwrap();
    assert_eq!(line.contents(CARDS), ["STILL OPEN", "Ana asks"]);
    assert_eq!(line.discord.message(&posted.message).unwrap()["content"], "Ana asks");
}
