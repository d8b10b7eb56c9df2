//! Writing and reading messages, and what every call must bring.

use std::time::Duration;

use serde_json::{Value, json};

use super::{super::Slack, error, get, post, workspace};

#[tokio::test]
async fn a_call_needs_a_method_a_token_of_the_right_kind_and_its_scope() {
    let (slack, _) = workspace().await;
    assert_eq!(error(get(&slack, "chat.nonsense", &[]).await), "unknown_method");
    let session = |value: &str| super::token(value);
    for (token, method, expected) in [
        ("xoxb-other", "auth.test", "invalid_auth"),
        (slack.app_token(), "auth.test", "not_allowed_token_type"),
        (slack.bot_token(), "apps.connections.open", "not_allowed_token_type"),
    ] {
        let token = session(token);
        let outcome: Result<Value, _> =
            super::client(&slack).open_session(&token).http_session_api.http_post(method, &json!({}), None).await;
        assert_eq!(super::refusal(outcome.unwrap_err())["error"], expected);
    }
    let without_token = crate::fakes::http::post(&format!("{}/auth.test", slack.api_url()), &[], Vec::new()).await.unwrap();
    assert_eq!(without_token.1.unwrap()["error"], "not_authed");
    slack.take_scope("chat:write");
    let refused = post(&slack, "chat.postMessage", json!({"channel": "C1", "text": "x"})).await.unwrap_err();
    assert_eq!((refused["error"].as_str(), refused["needed"].as_str()), (Some("missing_scope"), Some("chat:write")));
    assert!(refused["provided"].as_str().unwrap().contains("users:read"));
    slack.grant_scopes(&["chat:write"]);
    assert!(post(&slack, "chat.postMessage", json!({"channel": "C1", "text": "x"})).await.is_ok());
    assert_eq!(error(get(&slack, "team.info", &[]).await), "missing_scope");
    slack.grant_scopes(&["team:read", "users:read"]);
    assert_eq!(get(&slack, "team.info", &[]).await.unwrap()["team"]["id"], slack.team());
    assert_eq!(get(&slack, "bots.info", &[("bot", "B0BOT")]).await.unwrap()["bot"]["app_id"], slack.app_id());
    assert_eq!(get(&slack, "auth.test", &[]).await.unwrap()["user_id"], slack.bot_user());
    assert!(slack.refusals().iter().any(|why| why.starts_with("chat.postMessage: missing_scope")), "{:?}", slack.refusals());
}

#[tokio::test]
async fn reading_takes_no_json_body() {
    let (slack, _) = workspace().await;
    for method in ["users.info", "conversations.members", "conversations.history", "usergroups.list", "chat.getPermalink"] {
        assert_eq!(error(post(&slack, method, json!({"user": "U1", "channel": "C1"})).await), "invalid_arguments", "{method}");
    }
    assert!(get(&slack, "users.info", &[("user", "U1")]).await.is_ok());
}

#[tokio::test]
async fn the_bot_writes_only_where_it_is_and_may() {
    let (slack, _) = workspace().await;
    slack.channel("C2", "elsewhere", &["U1"]).remove_bot("C2").channel("C3", "old", &["U1"]).archive("C3");
    slack.private("C4", "secret", &["U1"]).remove_bot("C4");
    for (channel, expected) in [
        ("C2", "not_in_channel"),
        ("C3", "is_archived"),
        ("C4", "channel_not_found"),
        ("C9", "channel_not_found"),
        ("", "channel_not_found"),
    ] {
        assert_eq!(error(post(&slack, "chat.postMessage", json!({"channel": channel, "text": "x"})).await), expected, "{channel}");
    }
    slack.invite_bot("C2");
    assert!(post(&slack, "chat.postMessage", json!({"channel": "C2", "text": "x"})).await.is_ok());
    assert_eq!(error(post(&slack, "chat.postMessage", json!({"channel": "C1"})).await), "no_text");
    assert_eq!(error(post(&slack, "chat.postMessage", json!({"channel": "C1", "text": "x".repeat(40_001)})).await), "msg_too_long");
    let to_person = post(&slack, "chat.postMessage", json!({"channel": "U1", "text": "hello"})).await.unwrap();
    assert_eq!(to_person["channel"], slack.im("U1"));
    assert_eq!(slack.directs("U1")[0]["text"], "hello");
    slack.person("U8", "Gone Soon").deactivate("U8");
    assert_eq!(error(post(&slack, "conversations.open", json!({"users": "U8"})).await), "user_disabled");
}

#[tokio::test]
async fn replies_stand_under_a_message_that_is_there() {
    let (slack, ts) = workspace().await;
    let reply = |thread: String| json!({"channel": "C1", "text": "reply", "thread_ts": thread});
    let posted = post(&slack, "chat.postMessage", reply(ts.clone())).await.unwrap();
    assert_eq!(error(post(&slack, "chat.postMessage", reply("1.000001".to_owned())).await), "thread_not_found");
    assert_eq!(error(post(&slack, "chat.postMessage", reply(posted["ts"].as_str().unwrap().to_owned())).await), "cannot_reply_to_message");
    assert_eq!(slack.messages("C1").len(), 1);
    assert_eq!(slack.thread("C1", &ts)[0]["text"], "reply");
    let link = get(&slack, "chat.getPermalink", &[("channel", "C1"), ("message_ts", posted["ts"].as_str().unwrap())]).await.unwrap();
    assert!(link["permalink"].as_str().unwrap().contains(&format!("thread_ts={ts}")), "{link}");
    let read = get(&slack, "conversations.replies", &[("channel", "C1"), ("ts", &ts)]).await.unwrap();
    assert_eq!(read["messages"][0]["reply_count"], 1);
    assert_eq!(read["messages"][1]["text"], "reply");
    assert_eq!(error(get(&slack, "conversations.replies", &[("channel", "C1"), ("ts", "1.1")]).await), "thread_not_found");
}

#[tokio::test]
async fn only_the_bots_own_messages_are_changed_and_text_alone_takes_blocks_away() {
    let (slack, ts) = workspace().await;
    let theirs = slack.say("U1", "C1", "mine", None);
    let update = |ts: &str, more: Value| {
        let mut body = json!({"channel": "C1", "ts": ts});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(error(post(&slack, "chat.update", update(&theirs, json!({"text": "x"}))).await), "cant_update_message");
    assert_eq!(error(post(&slack, "chat.delete", update(&theirs, json!({}))).await), "cant_delete_message");
    assert_eq!(error(post(&slack, "chat.update", update("1.000001", json!({"text": "x"}))).await), "message_not_found");
    assert_eq!(error(post(&slack, "chat.update", update(&ts, json!({"text": "x".repeat(4001)}))).await), "msg_too_long");
    let blocks = json!([{"type": "divider"}]);
    post(&slack, "chat.update", update(&ts, json!({"text": "y", "blocks": blocks}))).await.unwrap();
    let changed = slack.message("C1", &ts).unwrap();
    assert_eq!(changed["blocks"][0]["type"], "divider");
    assert!(changed.get("edited").is_none(), "changing blocks shows no mark");
    post(&slack, "chat.update", update(&ts, json!({"text": "z"}))).await.unwrap();
    let changed = slack.message("C1", &ts).unwrap();
    assert!(changed.get("blocks").is_none() && changed.get("edited").is_some(), "{changed}");
    post(&slack, "chat.delete", update(&ts, json!({}))).await.unwrap();
    assert!(slack.message("C1", &ts).is_none());
    slack.delete("C1", &theirs);
    assert!(slack.messages("C1").is_empty());
    slack.archive("C1");
    assert_eq!(error(post(&slack, "chat.update", update(&ts, json!({"text": "x"}))).await), "is_inactive");
}

#[tokio::test]
async fn metadata_is_kept_and_read_only_when_asked_for() {
    let (slack, ts) = workspace().await;
    let body = |metadata: Value| json!({"channel": "C1", "text": "x", "metadata": metadata});
    let posted = post(&slack, "chat.postMessage", body(json!({"event_type": "card", "event_payload": {"key": "R-1"}}))).await.unwrap();
    assert_eq!(error(post(&slack, "chat.postMessage", body(json!({"event_type": "card"}))).await), "invalid_metadata_format");
    let big = json!({"event_type": "card", "event_payload": {"key": "x".repeat(8001)}});
    assert_eq!(error(post(&slack, "chat.postMessage", body(big)).await), "metadata_too_large");
    let plain = get(&slack, "conversations.history", &[("channel", "C1")]).await.unwrap();
    assert!(plain["messages"][0].get("metadata").is_none());
    let params = [("channel", "C1"), ("include_all_metadata", "true"), ("oldest", ts.as_str())];
    let with = get(&slack, "conversations.history", &params).await.unwrap();
    assert_eq!(with["messages"].as_array().unwrap().len(), 1, "oldest itself is outside");
    assert_eq!(with["messages"][0]["metadata"]["event_payload"]["key"], "R-1");
    let update = json!({"channel": "C1", "ts": posted["ts"], "text": "kept"});
    post(&slack, "chat.update", update).await.unwrap();
    assert!(slack.messages("C1")[1].get("metadata").is_some());
    let update = json!({"channel": "C1", "ts": posted["ts"], "text": "gone", "metadata": {}});
    post(&slack, "chat.update", update).await.unwrap();
    assert!(slack.messages("C1")[1].get("metadata").is_none());
}

#[tokio::test]
async fn history_comes_newest_first_in_pages() {
    let slack = Slack::start().await;
    slack.person("U1", "Ana Reyes").channel("C1", "talk", &["U1"]);
    let mut stamps = Vec::new();
    for n in 0..5 {
        stamps.push(slack.say("U1", "C1", &format!("m{n}"), None));
        slack.advance(Duration::from_secs(1));
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(&slack, "conversations.history", &[("channel", "C1"), ("limit", "2"), ("cursor", &cursor)]).await.unwrap();
        seen.extend(page["messages"].as_array().unwrap().iter().map(|m| m["text"].as_str().unwrap().to_owned()));
        page["response_metadata"]["next_cursor"].as_str().unwrap().clone_into(&mut cursor);
        assert_eq!(page["has_more"], !cursor.is_empty());
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["m4", "m3", "m2", "m1", "m0"]);
    let between = [("channel", "C1"), ("oldest", stamps[1].as_str()), ("latest", stamps[3].as_str())];
    let page = get(&slack, "conversations.history", &between).await.unwrap();
    assert_eq!(page["messages"].as_array().unwrap().len(), 1);
    let inclusive = [between[0], between[1], between[2], ("inclusive", "true")];
    assert_eq!(get(&slack, "conversations.history", &inclusive).await.unwrap()["messages"].as_array().unwrap().len(), 3);
    assert_eq!(error(get(&slack, "conversations.history", &[("channel", "C1"), ("cursor", "nonsense")]).await), "invalid_cursor");
    assert_eq!(error(get(&slack, "conversations.history", &[("channel", "C1"), ("limit", "5000")]).await), "invalid_limit");
    assert_eq!(error(get(&slack, "conversations.history", &[("channel", "C1"), ("limit", "many")]).await), "invalid_arguments");
    slack.take_scope("channels:history").remove_bot("C1");
    assert_eq!(error(get(&slack, "conversations.history", &[("channel", "C1")]).await), "missing_scope");
}

#[tokio::test]
async fn only_one_person_sees_an_ephemeral_message_and_it_cannot_be_changed() {
    let (slack, ts) = workspace().await;
    let whisper = |user: &str| json!({"channel": "C1", "user": user, "text": "psst"});
    let said = post(&slack, "chat.postEphemeral", whisper("U1")).await.unwrap();
    slack.person("U3", "Cleo Marsh");
    assert_eq!(error(post(&slack, "chat.postEphemeral", whisper("U3")).await), "user_not_in_channel");
    assert_eq!((slack.ephemerals("U1").len(), slack.ephemerals("U2").len(), slack.messages("C1").len()), (1, 0, 1));
    let update = json!({"channel": "C1", "ts": said["message_ts"], "text": "x"});
    assert_eq!(error(post(&slack, "chat.update", update).await), "message_not_found");
    assert_eq!((&slack.ephemerals("U1")[0]["channel"], slack.ephemerals("U1")[0].get("thread_ts")), (&json!("C1"), None));
    post(&slack, "chat.postEphemeral", json!({"channel": "C1", "user": "U1", "text": "under", "thread_ts": ts})).await.unwrap();
    assert_eq!(slack.ephemerals("U1")[1]["thread_ts"], ts);
}
