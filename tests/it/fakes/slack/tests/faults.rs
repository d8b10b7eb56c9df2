//! What goes wrong when the test says so, and Slack's limits of rate.

use std::time::Duration;

use serde_json::{Value, json};
use slack_morphism::errors::SlackClientError;

use super::{
    super::{Fault, Slack},
    client, error, get, post, token, workspace,
};

async fn fails(slack: &Slack, method: &str) -> SlackClientError {
    let token = token(slack.bot_token());
    let body = json!({"channel": "C1", "text": "x"});
    let outcome: Result<Value, _> = client(slack).open_session(&token).http_session_api.http_post(method, &body, None).await;
    outcome.expect_err("it should fail")
}

#[tokio::test]
async fn each_fault_is_met_as_often_as_planned() {
    let (slack, _) = workspace().await;
    slack.fail("chat.postMessage", Fault::Error("fatal_error"), 1);
    assert_eq!(error(post(&slack, "chat.postMessage", json!({"channel": "C1", "text": "x"})).await), "fatal_error");
    slack.fail("chat.postMessage", Fault::Status(503), 1);
    assert!(matches!(fails(&slack, "chat.postMessage").await, SlackClientError::HttpError(e) if e.status_code == 503));
    slack.fail("*", Fault::RateLimited { after_seconds: 7 }, 1);
    assert!(
        matches!(fails(&slack, "chat.update").await, SlackClientError::RateLimitError(e) if e.retry_after == Some(Duration::from_secs(7)))
    );
    slack.fail("chat.postMessage", Fault::CutBefore, 1);
    assert!(matches!(fails(&slack, "chat.postMessage").await, SlackClientError::HttpProtocolError(_)));
    assert_eq!(slack.messages("C1").len(), 1, "nothing took effect");
    slack.fail("chat.postMessage", Fault::CutAfterEffect, 1);
    assert!(matches!(fails(&slack, "chat.postMessage").await, SlackClientError::HttpProtocolError(_)));
    assert_eq!(slack.messages("C1").len(), 2, "it took effect");
    slack.fail("chat.postMessage", Fault::Error("fatal_error"), 99).heal();
    assert!(post(&slack, "chat.postMessage", json!({"channel": "C1", "text": "x"})).await.is_ok());
    assert_eq!(slack.calls_of("chat.postMessage").len(), 6);
    assert_eq!(slack.calls().last().unwrap().1["text"], "x");
}

#[tokio::test]
async fn a_hanging_call_gives_no_answer() {
    let (slack, _) = workspace().await;
    slack.fail("auth.test", Fault::Hang, 1);
    let asked = slack.clone();
    let hanging = tokio::spawn(async move { get(&asked, "auth.test", &[]).await });
    while slack.calls_of("auth.test").is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(get(&slack, "auth.test", &[]).await.is_ok(), "the next one is answered");
    assert!(!hanging.is_finished());
    hanging.abort();
}

#[tokio::test]
async fn while_it_is_down_every_call_meets_a_closed_connection() {
    let (slack, _) = workspace().await;
    slack.down(true);
    assert!(matches!(fails(&slack, "chat.postMessage").await, SlackClientError::HttpProtocolError(_)));
    slack.down(false);
    assert!(get(&slack, "auth.test", &[]).await.is_ok());
}

#[tokio::test]
async fn a_channel_takes_one_message_a_second_after_a_burst() {
    let (slack, ts) = workspace().await;
    slack.channel("C2", "other", &["U1"]).enforce_limits(true);
    let say = |channel: &str| json!({"channel": channel, "text": "x"});
    for _ in 0..4 {
        post(&slack, "chat.postMessage", say("C1")).await.unwrap();
    }
    assert!(
        matches!(fails(&slack, "chat.postMessage").await, SlackClientError::RateLimitError(e) if e.retry_after == Some(Duration::from_secs(1)))
    );
    post(&slack, "chat.postMessage", say("C2")).await.unwrap();
    slack.advance(Duration::from_secs(1));
    post(&slack, "chat.postMessage", say("C1")).await.unwrap();
    assert!(matches!(fails(&slack, "chat.postMessage").await, SlackClientError::RateLimitError(_)));
    for _ in 0..50 {
        post(&slack, "chat.update", json!({"channel": "C1", "ts": ts, "text": "x"})).await.unwrap();
    }
    assert!(
        matches!(fails(&slack, "chat.update").await, SlackClientError::RateLimitError(e) if e.retry_after == Some(Duration::from_mins(1)))
    );
    slack.enforce_limits(false);
    post(&slack, "chat.postMessage", say("C1")).await.unwrap();
}
