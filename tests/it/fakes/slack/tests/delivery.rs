//! What people do reaches the app as Slack says it, whole and signed.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    super::{Ack, Forgery, Kind, Slack, Stamp},
    app::App,
    error, get, post, workspace,
};

/// A message of the bot with a button and a menu.
async fn card(slack: &Slack, channel: &str) -> String {
    let blocks = json!([
        {"type": "section", "text": {"type": "plain_text", "text": "Ana asks"}},
        {"type": "actions", "block_id": "decide", "elements": [
            {"type": "button", "action_id": "approve", "value": "R-1", "text": {"type": "plain_text", "text": "Approve"}},
            {"type": "overflow", "action_id": "more", "options": [
                {"text": {"type": "plain_text", "text": "Pass on"}, "value": "pass"},
            ]},
        ]},
    ]);
    let posted = post(slack, "chat.postMessage", json!({"channel": channel, "text": "Ana asks", "blocks": blocks})).await.unwrap();
    posted["ts"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_command_comes_with_names_as_ids_and_signs_as_entities() {
    let (slack, _) = workspace().await;
    slack.group("S1", "oncall", &["U2"]);
    let app = App::over_http(&slack).await;
    app.answer(json!({"response_type": "ephemeral", "text": "Asked."}));
    let ack = slack.slash("U1", "C1", "request a<b & c for @ben, @oncall #db-approvers https://x.example @nobody").await;
    assert!(ack.is_ok() && ack.took < Duration::from_secs(10), "{ack:?}");
    let seen = app.last();
    assert_eq!(seen["text"], "request a&lt;b &amp; c for <@U2|ben>, <!subteam^S1|@oncall> <#C1|db-approvers> <https://x.example> @nobody");
    assert_eq!((seen["command"].as_str(), seen["user_id"].as_str(), seen["team_id"].as_str()), (Some("/jit"), Some("U1"), Some("T0HOME")));
    assert_eq!(slack.ephemerals("U1")[0]["text"], "Asked.");
    app.answer(json!("Plain words"));
    assert!(slack.slash_named("U1", "C1", "/other", "").await.is_ok());
    assert_eq!(slack.ephemerals("U1")[1]["text"], "Plain words");
    app.answer(json!({"text": "x", "blocks": [{"type": "nonsense"}]}));
    assert!(slack.slash("U1", "C1", "help").await.is_ok());
    assert!(slack.refusals().last().unwrap().contains("invalid_blocks"), "{:?}", slack.refusals());
    assert_eq!(app.seen().iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(), ["/slack/commands"; 3]);
}

#[tokio::test]
async fn a_press_brings_the_message_the_value_and_who_pressed() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    let ts = card(&slack, "C1").await;
    assert!(slack.press("U2", "C1", &ts, "approve").await.is_ok());
    let seen = app.last();
    assert_eq!(seen["actions"][0]["value"], "R-1");
    assert_eq!(seen["actions"][0]["block_id"], "decide");
    assert_eq!(seen["user"]["id"], "U2");
    assert_eq!(
        (&seen["container"]["message_ts"], &seen["message"]["text"], &seen["channel"]["id"]),
        (&json!(ts), &json!("Ana asks"), &json!("C1"))
    );
    assert_eq!((&seen["team"]["id"], &seen["enterprise"]), (&json!("T0HOME"), &Value::Null));
    assert!(slack.press_value("U2", "C1", &ts, "approve", "R-2").await.is_ok());
    assert_eq!(app.last()["actions"][0]["value"], "R-2");
    assert!(slack.pick("U2", "C1", &ts, "more", "Pass on").await.is_ok());
    assert_eq!(app.last()["actions"][0]["selected_option"]["value"], "pass");
    slack.org("E1");
    assert!(slack.press("U2", "C1", &ts, "approve").await.is_ok());
    let seen = app.last();
    assert_eq!((&seen["team"], &seen["enterprise"]["id"], &seen["is_enterprise_install"]), (&Value::Null, &json!("E1"), &json!(true)));
    assert_eq!(get(&slack, "auth.test", &[]).await.unwrap()["enterprise_id"], "E1");
    let gone = slack.clone();
    let absent = tokio::spawn(async move { gone.press("U2", "C1", &ts, "revoke").await }).await;
    assert!(absent.is_err(), "a button that is not there cannot be pressed");
}

#[tokio::test]
async fn a_press_on_an_ephemeral_message_names_it_without_its_content() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    let blocks =
        json!([{"type": "actions", "elements": [{"type": "button", "action_id": "show", "text": {"type": "plain_text", "text": "Show"}}]}]);
    let said = post(&slack, "chat.postEphemeral", json!({"channel": "C1", "user": "U1", "text": "x", "blocks": blocks})).await.unwrap();
    assert!(slack.press("U1", "C1", said["message_ts"].as_str().unwrap(), "show").await.is_ok());
    assert_eq!((app.last().get("message"), &app.last()["container"]["is_ephemeral"]), (None, &json!(true)));
}

#[tokio::test]
async fn a_response_url_works_five_times_in_thirty_minutes() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    let ts = card(&slack, "C1").await;
    let respond = async |url: &Value, body: Value| {
        crate::fakes::http::post(url.as_str().unwrap(), &[("content-type", "application/json".to_owned())], body.to_string().into_bytes())
            .await
            .unwrap()
    };
    assert!(slack.press("U2", "C1", &ts, "approve").await.is_ok());
    let url = app.last()["response_url"].clone();
    assert_eq!(respond(&url, json!({"text": "only you", "response_type": "ephemeral"})).await.0, 200);
    assert_eq!(respond(&url, json!({"text": "all", "response_type": "in_channel"})).await.0, 200);
    assert_eq!((slack.ephemerals("U2").len(), slack.messages("C1").len()), (1, 3));
    assert_eq!(respond(&url, json!({"text": "instead", "replace_original": true})).await.0, 200);
    assert!(slack.message("C1", &ts).is_none());
    assert_eq!(respond(&url, json!({"delete_original": true})).await.0, 200);
    assert_eq!(respond(&url, json!({})).await.1.unwrap()["error"], "no_text");
    assert_eq!(respond(&url, json!({"text": "six"})).await.1.unwrap()["error"], "used_url");
    let ts = card(&slack, "C1").await;
    assert!(slack.press("U2", "C1", &ts, "approve").await.is_ok());
    slack.advance(Duration::from_secs(30 * 60 + 1));
    let late = respond(&app.last()["response_url"], json!({"text": "late"})).await;
    assert_eq!((late.0, late.1.unwrap()["error"].as_str().unwrap().to_owned()), (404, "expired_url".to_owned()));
}

fn is_turned_away(ack: &Ack) -> bool {
    ack.status == 401 && ack.body.is_none()
}

#[tokio::test]
async fn every_forgery_is_one_and_the_real_thing_is_not() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    let ts = card(&slack, "C1").await;
    let payload = slack.press_payload("U2", "C1", &ts, "approve");
    for forgery in Forgery::ALL {
        let ack = slack.forge(forgery, Kind::Interactive, &payload).await;
        assert!(is_turned_away(&ack), "{forgery:?}: {ack:?}");
    }
    let before = app.seen().len();
    assert!(slack.deliver_raw(Kind::Interactive, payload).await.is_ok());
    assert!(slack.replay_last().await.is_ok());
    assert_eq!(app.seen().len(), before + 2);
    slack.stamp_with(Stamp::At(1_000_000_000));
    assert!(is_turned_away(&slack.slash("U1", "C1", "help").await), "an old stamp");
    slack.set_time(1_000_000_000);
    slack.stamp_with(Stamp::Own);
    assert!(is_turned_away(&slack.slash("U1", "C1", "help").await));
    slack.stamp_with(Stamp::Machine);
    assert!(slack.slash("U1", "C1", "help").await.is_ok());
}

#[tokio::test]
async fn any_bytes_can_be_sent_rightly_signed_and_to_any_process() {
    let (slack, _) = workspace().await;
    let second = App::over_http(&slack).await;
    let app = App::over_http(&slack).await;
    assert!(slack.deliver_bytes(Kind::Event, "application/json", b"{\"type\":\"url_verification\"}".to_vec()).await.is_ok());
    assert_eq!(app.last()["type"], "url_verification");
    let payload = json!({"ssl_check": "1"});
    assert!(slack.deliver_to(second.url(), Kind::Command, &payload).await.is_ok());
    assert_eq!((second.last(), app.seen().len()), (payload, 1));
}

#[tokio::test]
async fn events_and_their_repetitions_carry_one_id() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    assert!(slack.open_home("U1").await.is_ok());
    let first = app.last();
    assert_eq!((&first["event"]["type"], &first["event"]["user"]), (&json!("app_home_opened"), &json!("U1")));
    assert!(slack.redeliver_last(1).await.is_ok());
    assert_eq!(app.last()["event_id"], first["event_id"]);
    assert_eq!(app.last_header("x-slack-retry-num").as_deref(), Some("1"));
    assert!(slack.event(json!({"type": "user_change", "user": {"id": "U1"}})).await.is_ok());
    assert_ne!(app.last()["event_id"], first["event_id"]);
}

#[tokio::test]
async fn shortcuts_bring_a_trigger_and_the_message_that_they_are_about() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    let ts = slack.say("U1", "C1", "the database is slow", None);
    slack.say("U2", "C1", "yes", Some(&ts));
    assert!(slack.shortcut("U1", "request").await.is_ok());
    assert_eq!((&app.last()["type"], &app.last()["callback_id"]), (&json!("shortcut"), &json!("request")));
    assert!(slack.message_shortcut("U1", "C1", &ts, "request_about").await.is_ok());
    let seen = app.last();
    assert_eq!((&seen["type"], &seen["message"]["text"]), (&json!("message_action"), &json!("the database is slow")));
    let view = json!({"type": "modal", "title": {"type": "plain_text", "text": "Ask"}, "blocks": [{"type": "divider"}]});
    let open = json!({"trigger_id": seen["trigger_id"], "view": view});
    assert!(post(&slack, "views.open", open.clone()).await.is_ok());
    assert_eq!(error(post(&slack, "views.open", open).await), "exchanged_trigger_id");
}
