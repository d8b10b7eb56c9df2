//! The digest in Slack: through the real client, to a Slack that refuses what Slack refuses.

use hallpass::domain::{
    digest::Made,
    policy::{Catalogue, Platform},
    time::Span,
};

use super::{
    put, rules_in,
    sample::{self, enormous, made, ordinary},
};
use crate::{
    fakes::slack::{
        Fault,
        reading::{live_markup, text_of},
    },
    slack::{self, CARDS, House, OPS, Way},
};

fn rules() -> Catalogue {
    Catalogue { digests: Some(rules_in(Platform::Slack, &[OPS])), ..slack::rules() }
}

async fn house() -> House {
    House::with(Way::Http, slack::workspace().await, rules()).await
}

/// The digest's messages in order, from the first one in the channel to the last one in its thread.
fn told(house: &House) -> Vec<serde_json::Value> {
    let first = house.slack.messages(OPS).pop().unwrap();
    let rest = house.slack.thread(OPS, first["ts"].as_str().unwrap());
    std::iter::once(first).chain(rest).collect()
}

#[tokio::test]
async fn ten_thousand_lines_are_posted_in_one_thread_and_nothing_is_refused() {
    let house = house().await;
    put(&house.store, &enormous(), Platform::Slack, OPS).await;
    house.settle().await;
    house.assert_nothing_refused();
    let told = told(&house);
    assert_eq!(house.slack.messages(OPS).len(), 1);
    assert!((3..=20).contains(&told.len()), "{}", told.len());
    let last = text_of(told.last().unwrap());
    assert!(last.lines().last().unwrap().starts_with("Ledger 48,213 entries · root qF2C2b0s"), "{last}");
    assert!(told[0]["text"].as_str().unwrap().starts_with("Access digest · Tuesday 24 Nov 2026 · 3 days · Needs a human: 5,000"));
}

#[tokio::test]
async fn each_line_leads_to_its_thread_and_nobody_is_called() {
    let house = house().await;
    house.say("U0ANA", "request prod-db write 1h Unblock the stuck import").await;
    let (request, card) = (house.newest().await, house.card());
    let mut digest = ordinary();
    let given = sample::given(0, "ana");
    digest.exceptions[0] = hallpass::domain::digest::Exception::StillOpen {
        given: hallpass::domain::digest::Given { request: request.id.clone(), ..given },
        end: sample::TO,
        past: Span::from_minutes(5),
    };
    put(&house.store, &made(1, digest), Platform::Slack, OPS).await;
    house.settle().await;
    let told = told(&house);
    // As chat.getPermalink has it.
    let link = format!("https://home.slack.com/archives/{CARDS}/p{}", card["ts"].as_str().unwrap().replace('.', ""));
    let live = live_markup(&told[0]);
    assert!(live.iter().any(|mark| mark.contains(&link)), "{link}: {live:?}");
    assert!(live.iter().all(|mark| !mark.contains("user") && !mark.contains("usergroup") && !mark.contains("broadcast")), "{live:?}");
    house.assert_nothing_refused();
}

#[tokio::test]
async fn an_answer_that_was_lost_does_not_post_it_twice() {
    let house = house().await;
    house.slack.fail("chat.postMessage", Fault::CutAfterEffect, 1);
    let day: Made = made(1, ordinary());
    put(&house.store, &day, Platform::Slack, OPS).await;
    house.settle().await;
    house.advance(Span::from_minutes(2)).await;
    assert_eq!(house.slack.messages(OPS).len(), 1);
}
