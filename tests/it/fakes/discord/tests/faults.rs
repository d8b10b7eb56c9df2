//! What a test can switch on: errors, silence, cuts, and limits of rate.

use std::time::Duration;

use serde_json::json;

use super::{
    super::{Fault, Scope},
    *,
};

fn path() -> String {
    format!("/channels/{CARDS}/messages")
}

fn body() -> Value {
    quiet(json!({"content": "x"}))
}

/// Does no answer come at all?
async fn is_cut(discord: &Discord) -> bool {
    let url = format!("{}/api/v10{}", discord.api_url(), path());
    let client = Client::builder().no_proxy().build().unwrap();
    let token = format!("Bot {}", discord.bot_token());
    let call = client.post(url).header("user-agent", AGENT).header("authorization", token).header("content-type", "application/json");
    call.body(body().to_string()).send().await.is_err()
}

#[tokio::test]
async fn a_planned_fault_strikes_so_often_and_before_or_after_the_effect() {
    let (discord, _) = guild().await;
    discord.fail("create_message", Fault::Code(50013), 1).fail("*", Fault::Status(503), 1);
    assert_eq!(refused(api(&discord, "POST", &path(), Some(body())).await), (403, 50013));
    assert_eq!(get(&discord, "/users/@me").await.0, 503);
    assert_eq!(discord.messages(CARDS).len(), 1);
    discord.fail("create_message", Fault::CutBefore, 1);
    assert!(is_cut(&discord).await);
    assert_eq!(discord.messages(CARDS).len(), 1, "nothing took effect");
    discord.fail("create_message", Fault::CutAfterEffect, 1);
    assert!(is_cut(&discord).await);
    assert_eq!(discord.messages(CARDS).len(), 2, "it took effect");
    discord.fail("create_message", Fault::Code(10003), 99).heal();
    assert_eq!(api(&discord, "POST", &path(), Some(body())).await.0, 200);
    assert_eq!(discord.requests_of("create_message").last().unwrap().body["content"], "x");
}

#[tokio::test]
async fn a_hanging_call_gives_no_answer() {
    let (discord, _) = guild().await;
    discord.fail("get_my_user", Fault::Hang, 1);
    let asked = discord.clone();
    let hanging = tokio::spawn(async move { get(&asked, "/users/@me").await });
    discord.requested("get_my_user", 1).await;
    assert_eq!(get(&discord, "/users/@me").await.0, 200, "the next one is answered");
    assert!(!hanging.is_finished());
    hanging.abort();
}

#[tokio::test]
async fn while_it_is_down_every_call_meets_a_closed_connection() {
    let (discord, _) = guild().await;
    discord.down(true);
    assert!(is_cut(&discord).await);
    discord.down(false);
    assert_eq!(get(&discord, "/users/@me").await.0, 200);
}

#[tokio::test]
async fn a_refusal_by_rate_says_whose_limit_it_is_and_when_it_ends() {
    let (discord, _) = guild().await;
    for (scope, name, global) in [(Scope::Bucket, "user", None), (Scope::Shared, "shared", None), (Scope::Global, "global", Some("true"))] {
        discord.fail("create_message", Fault::Limited { after: Duration::from_millis(1_500), scope }, 1);
        let token = format!("Bot {}", discord.bot_token());
        let answer = raw(&discord, "POST", &path(), &[("user-agent", AGENT), ("authorization", &token)], Some(body())).await;
        assert_eq!(answer.status(), 429);
        let said = |name: &str| answer.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        assert_eq!((said("retry-after").as_deref(), said("x-ratelimit-scope").as_deref()), (Some("2"), Some(name)));
        assert_eq!((said("x-ratelimit-global").as_deref(), said("x-ratelimit-bucket").is_none()), (global, global.is_some()));
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!((&body["retry_after"], &body["global"]), (&json!(1.5), &json!(global.is_some())));
    }
    assert_eq!(discord.held_against_us(), 2, "a shared limit is not held against the bot");
    discord.advance(Duration::from_mins(10));
    assert_eq!(discord.held_against_us(), 0);
}

#[tokio::test]
async fn every_channel_has_its_own_bucket_which_refills() {
    let (discord, _) = guild().await;
    discord.channel("500000000000000002", "other").enforce_limits(true);
    let write_in = async |channel: &str| {
        let token = format!("Bot {}", discord.bot_token());
        let path = format!("/channels/{channel}/messages");
        raw(&discord, "POST", &path, &[("user-agent", AGENT), ("authorization", &token)], Some(body())).await
    };
    let said = |answer: &Response, name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let first = write_in(CARDS).await;
    let bucket = said(&first, "x-ratelimit-bucket");
    assert_eq!((said(&first, "x-ratelimit-limit"), said(&first, "x-ratelimit-remaining")), ("5".to_owned(), "4".to_owned()));
    for _ in 0..4 {
        assert_eq!(write_in(CARDS).await.status(), 200);
    }
    discord.advance(Duration::from_secs(2));
    let limited = write_in(CARDS).await;
    assert_eq!((limited.status().as_u16(), said(&limited, "x-ratelimit-reset-after")), (429, "3.000".to_owned()));
    let other = write_in("500000000000000002").await;
    assert_eq!((other.status().as_u16(), said(&other, "x-ratelimit-bucket")), (200, bucket), "one name, counted for each channel");
    discord.advance(Duration::from_secs(3));
    assert_eq!(write_in(CARDS).await.status(), 200);
    discord.enforce_limits(false);
    for _ in 0..20 {
        assert_eq!(write_in(CARDS).await.status(), 200);
    }
}

#[tokio::test]
async fn fifty_calls_a_second_over_all_and_interactions_outside_of_it() {
    let (discord, card) = card().await;
    discord.enforce_limits(true);
    for n in 0..50 {
        let channel = (500_000_000_000_001_000_u64 + n).to_string();
        discord.channel(&channel, "one of many");
        write(&discord, &channel, json!({"content": "x"})).await;
    }
    let (status, body) = get(&discord, "/users/@me").await;
    assert_eq!((status, &body["global"]), (429, &json!(true)));
    let press = discord.press_payload(BEN, &card, "approve");
    discord.remember(&press);
    let path = format!("/interactions/{}/{}/callback", id(&press), press["token"].as_str().unwrap());
    assert_eq!(post(&discord, &path, json!({"type": 6})).await.0, 204);
    discord.advance(Duration::from_secs(1));
    assert_eq!(get(&discord, "/users/@me").await.0, 200);
}
