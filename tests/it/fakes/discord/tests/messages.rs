//! Writing, changing, reading and deleting messages, and what every call must bring.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    super::{Discord, reading::pings},
    *,
};

#[tokio::test]
async fn a_call_needs_the_bots_token_a_name_and_an_address_that_there_is() {
    let (discord, _) = guild().await;
    let agent = ("user-agent", AGENT);
    for (headers, expected) in [
        (vec![agent], 401),
        (vec![agent, ("authorization", "Bot another")], 401),
        (vec![agent, ("authorization", discord.bot_token())], 401),
    ] {
        assert_eq!(raw(&discord, "GET", "/users/@me", &headers, None).await.status(), expected, "{headers:?}");
    }
    let token = format!("Bot {}", discord.bot_token());
    assert_eq!(raw(&discord, "GET", "/users/@me", &[("authorization", &token)], None).await.status(), 401, "without a name");
    assert_eq!(get(&discord, "/users/@me").await.1["id"], super::super::BOT);
    assert_eq!(get(&discord, "/applications/@me").await.1["verify_key"], discord.public_key_hex());
    assert_eq!(get(&discord, "/gateway").await.1["url"], discord.gateway_url());
    assert_eq!(get(&discord, "/gateway/bot").await.1["shards"], 1);
    assert_eq!(get(&discord, "/nowhere").await.0, 404);
    assert_eq!(api(&discord, "DELETE", "/users/@me", None).await.0, 405);
    assert_eq!(wrong(get(&discord, "/gateway?tea=1").await), ["tea UNKNOWN_KEY"]);
    assert_eq!(discord.held_against_us(), 4);
    let first = discord.requests().into_iter().next().unwrap();
    assert_eq!((first.operation, first.method.as_str(), first.status), ("create_message", "POST", Some(200)));
    assert_eq!(first.header("user-agent"), Some(AGENT));
}

#[tokio::test]
async fn every_message_and_every_edit_says_whom_it_may_ping() {
    let (discord, message) = guild().await;
    let path = format!("/channels/{CARDS}/messages");
    assert_eq!(wrong(post(&discord, &path, json!({"content": "x"})).await), ["allowed_mentions MENTIONS_LEFT_TO_DEFAULT"]);
    for allowed in [json!({}), json!({"parse": ["users"]}), json!({"parse": null})] {
        let body = json!({"content": "x", "allowed_mentions": allowed});
        assert_eq!(wrong(post(&discord, &path, body).await), ["allowed_mentions.parse MENTIONS_PARSED"]);
    }
    let edit = patch(&discord, &format!("{path}/{message}"), json!({"content": "x"})).await;
    assert_eq!(wrong(edit), ["allowed_mentions MENTIONS_LEFT_TO_DEFAULT"]);
    assert!(discord.refusals().iter().all(|why| why.contains("allowed_mentions")), "{:?}", discord.refusals());
}

#[tokio::test]
async fn only_who_is_named_in_the_content_and_allowed_is_pinged() {
    let (discord, _) = guild().await;
    discord.role("600000000000000001", "db-leads", &[BEN]).role("600000000000000002", "quiet", &[]).unmentionable("600000000000000002");
    let body = json!({
        "content": format!("<@{ANA}> <@{BEN}> <@&600000000000000001> <@&600000000000000002> @everyone"),
        "embeds": [{"description": format!("<@{ANA}>")}],
        "allowed_mentions": {"parse": [], "users": [ANA], "roles": ["600000000000000001", "600000000000000002"]},
    });
    let (_, message) = post(&discord, &format!("/channels/{CARDS}/messages"), body).await;
    assert_eq!(pings(&message), [format!("user {ANA}"), "role 600000000000000001".to_owned()]);
    let embedded = write(&discord, CARDS, json!({"embeds": [{"description": format!("<@{ANA}>")}]})).await;
    assert!(pings(&embedded).is_empty());
}

#[tokio::test]
async fn unknown_keys_and_wrong_types_are_refused_and_named() {
    let (discord, message) = guild().await;
    let path = format!("/channels/{CARDS}/messages");
    let body = quiet(json!({"content": 7, "contents": "x", "embeds": [{"titel": "x"}], "flags": 64, "attachments": [{}]}));
    let expected = [
        "attachments BASE_TYPE_BAD_LENGTH",
        "content STRING_TYPE_CONVERT",
        "contents UNKNOWN_KEY",
        "embeds.0.description BASE_TYPE_REQUIRED",
        "embeds.0.titel UNKNOWN_KEY",
        "flags BITFIELD_INVALID",
    ];
    assert_eq!(wrong(post(&discord, &path, body).await), expected);
    let edit = quiet(json!({"content": "x", "nonce": "1"}));
    assert_eq!(wrong(patch(&discord, &format!("{path}/{message}"), edit).await), ["nonce UNKNOWN_KEY"]);
    assert_eq!(refused(api(&discord, "POST", &path, None).await), (400, 50109));
    assert_eq!(refused(post(&discord, &path, quiet(json!({"content": " \n"}))).await), (400, 50006));
    assert_eq!(wrong(post(&discord, &path, quiet(json!({"content": "x".repeat(2_001)}))).await), ["content BASE_TYPE_MAX_LENGTH"]);
    assert!(
        post(&discord, &path, quiet(json!({"content": "\u{1f600}".repeat(2_000)}))).await.0 == 200,
        "characters are counted, not bytes"
    );
}

#[tokio::test]
async fn a_nonce_keeps_a_message_from_being_written_twice_for_five_minutes() {
    let (discord, _) = guild().await;
    let body = |content: &str, enforce: bool| quiet(json!({"content": content, "nonce": "card-1", "enforce_nonce": enforce}));
    let path = format!("/channels/{CARDS}/messages");
    let (_, first) = post(&discord, &path, body("one", true)).await;
    let (_, again) = post(&discord, &path, body("two", true)).await;
    assert_eq!((&first["id"], &first["nonce"], &again["content"]), (&again["id"], &json!("card-1"), &json!("one")));
    assert_ne!(post(&discord, &path, body("three", false)).await.1["id"], first["id"]);
    discord.advance(Duration::from_mins(5));
    assert_ne!(post(&discord, &path, body("four", true)).await.1["id"], first["id"]);
    let long = quiet(json!({"content": "x", "nonce": "x".repeat(26)}));
    assert_eq!(wrong(post(&discord, &path, long).await), ["nonce BASE_TYPE_MAX_LENGTH"]);
}

#[tokio::test]
async fn only_the_bots_own_messages_are_changed_and_what_is_not_said_stays() {
    let (discord, message) = guild().await;
    let theirs = discord.say(ANA, CARDS, "mine");
    let path = |id: &str| format!("/channels/{CARDS}/messages/{id}");
    let edit = |body: Value| quiet(body);
    assert_eq!(refused(patch(&discord, &path(&theirs), edit(json!({"content": "x"}))).await), (403, 50005));
    assert_eq!(refused(patch(&discord, &path("1"), edit(json!({"content": "x"}))).await), (404, 10008));
    assert_eq!(refused(patch(&discord, &path(&message), edit(json!({"content": ""}))).await), (400, 50006));
    let row = json!([{"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}]}]);
    patch(&discord, &path(&message), edit(json!({"embeds": [{"title": "T"}], "components": row}))).await;
    let changed = discord.message(&message).unwrap();
    assert_eq!((&changed["content"], &changed["embeds"][0]["type"]), (&json!("first"), &json!("rich")));
    assert!(changed["edited_timestamp"].is_string() && changed["components"][0]["components"][0]["id"] == 2, "{changed}");
    patch(&discord, &path(&message), edit(json!({"content": "", "components": []}))).await;
    assert!(discord.message(&message).unwrap()["components"].as_array().unwrap().is_empty());
    assert_eq!(refused(api(&discord, "DELETE", &path(&theirs), None).await), (403, 50013));
    assert_eq!(api(&discord, "DELETE", &path(&message), None).await.0, 204);
    discord.delete(CARDS, &theirs);
    assert!(discord.messages(CARDS).is_empty());
    assert_eq!(refused(get(&discord, &path(&theirs)).await), (404, 10008));
}

#[tokio::test]
async fn messages_are_listed_newest_first_in_pages() {
    let discord = Discord::start().await;
    discord.person(ANA, "Ana Reyes").channel(CARDS, "talk");
    let ids: Vec<String> = (0..5)
        .map(|n| {
            discord.advance(Duration::from_secs(1));
            discord.say(ANA, CARDS, &format!("m{n}"))
        })
        .collect();
    let list = async |query: &str| {
        let (status, page) = get(&discord, &format!("/channels/{CARDS}/messages{query}")).await;
        assert_eq!(status, 200, "{page}");
        page.as_array().unwrap().iter().map(|m| m["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("").await, ["m4", "m3", "m2", "m1", "m0"]);
    assert_eq!(list("?limit=2").await, ["m4", "m3"]);
    assert_eq!(list(&format!("?&limit=2&before={}", ids[3])).await, ["m2", "m1"], "serenity begins its queries so");
    assert_eq!(list(&format!("?limit=2&after={}", ids[1])).await, ["m3", "m2"], "the oldest after it");
    assert_eq!(list(&format!("?limit=3&around={}", ids[2])).await, ["m3", "m2", "m1"]);
    for (query, expected) in
        [("limit=0", "limit NUMBER_TYPE_MAX"), ("limit=101", "limit NUMBER_TYPE_MAX"), ("before=x", "before NUMBER_TYPE_COERCE")]
    {
        assert_eq!(wrong(get(&discord, &format!("/channels/{CARDS}/messages?{query}")).await), [expected]);
    }
}

#[tokio::test]
async fn a_message_has_one_thread_which_has_its_id() {
    let (discord, message) = guild().await;
    let path = format!("/channels/{CARDS}/messages/{message}/threads");
    let (status, thread) = post(&discord, &path, json!({"name": "R-1 · prod-db", "auto_archive_duration": 1440})).await;
    assert_eq!((status, &thread["id"], &thread["type"]), (201, &json!(message), &json!(11)));
    assert_eq!(refused(post(&discord, &path, json!({"name": "again"})).await), (400, 160_004));
    assert_eq!(refused(post(&discord, &format!("/channels/{CARDS}/messages/1/threads"), json!({"name": "x"})).await), (404, 10008));
    let reply = write(&discord, &message, json!({"content": "in it"})).await;
    assert_eq!(discord.thread(&message), std::slice::from_ref(&reply));
    let read = get(&discord, &format!("/channels/{CARDS}/messages/{message}")).await.1;
    assert_eq!((&read["thread"]["name"], &read["flags"]), (&json!("R-1 · prod-db"), &json!(32)));
    let within = format!("/channels/{message}/messages/{}/threads", id(&reply));
    assert_eq!(refused(post(&discord, &within, json!({"name": "x"})).await), (400, 50024), "no thread in a thread");
    let other = write(&discord, CARDS, json!({"content": "second"})).await;
    let path = format!("/channels/{CARDS}/messages/{}/threads", id(&other));
    for (body, expected) in [
        (json!({"name": ""}), "name BASE_TYPE_REQUIRED"),
        (json!({"name": "x".repeat(101)}), "name BASE_TYPE_MAX_LENGTH"),
        (json!({"name": "x", "auto_archive_duration": 61}), "auto_archive_duration BASE_TYPE_CHOICES"),
        (json!({"name": "x", "archived": true}), "archived UNKNOWN_KEY"),
    ] {
        assert_eq!(wrong(post(&discord, &path, body).await), [expected]);
    }
}

#[tokio::test]
async fn an_archived_thread_that_is_locked_takes_nothing_until_it_is_brought_back() {
    let (discord, message) = guild().await;
    post(&discord, &format!("/channels/{CARDS}/messages/{message}/threads"), json!({"name": "R-1"})).await;
    let reply = write(&discord, &message, json!({"content": "one"})).await;
    let (thread, messages) = (format!("/channels/{message}"), format!("/channels/{message}/messages"));
    assert_eq!(patch(&discord, &thread, json!({"archived": true, "locked": true})).await.0, 200);
    let now = discord.thread_of(&message).unwrap();
    assert!(now.archived && now.locked && now.name == "R-1");
    let edit = format!("{messages}/{}", id(&reply));
    assert_eq!(refused(post(&discord, &messages, quiet(json!({"content": "two"}))).await), (400, 50083));
    assert_eq!(refused(patch(&discord, &edit, quiet(json!({"content": "two"}))).await), (400, 50083));
    assert_eq!(refused(api(&discord, "POST", &format!("{thread}/typing"), None).await), (400, 50083));
    assert_eq!(refused(patch(&discord, &thread, json!({"name": "other"})).await), (400, 50083));
    assert_eq!(patch(&discord, &thread, json!({"archived": false, "locked": false})).await.0, 200);
    assert_eq!(post(&discord, &messages, quiet(json!({"content": "two"}))).await.0, 200);
    assert_eq!(api(&discord, "POST", &format!("{thread}/typing"), None).await.0, 204);
    assert_eq!(wrong(patch(&discord, &thread, json!({"archive": true})).await), ["archive UNKNOWN_KEY"]);
    assert_eq!(refused(patch(&discord, &format!("/channels/{CARDS}"), json!({"name": "x"})).await), (403, 50013));
}

#[tokio::test]
async fn a_message_brings_an_archived_thread_back_unless_it_is_locked_or_discord_says_so() {
    let (discord, message) = guild().await;
    post(&discord, &format!("/channels/{CARDS}/messages/{message}/threads"), json!({"name": "R-1"})).await;
    let messages = format!("/channels/{message}/messages");
    let say = async || post(&discord, &messages, quiet(json!({"content": "late"}))).await;
    discord.archive(&message, true, false);
    assert_eq!(say().await.0, 200);
    assert!(!discord.thread_of(&message).unwrap().archived);
    discord.archive(&message, true, false).refuse_in_archived(true);
    assert_eq!(refused(say().await), (400, 50083));
    discord.archive(&message, false, true).forbid(CARDS, super::super::permissions::MANAGE_THREADS);
    assert_eq!(refused(say().await), (403, 160_005));
}

#[tokio::test]
async fn only_so_many_threads_are_open_at_once() {
    let (discord, first) = guild().await;
    let second = id(&write(&discord, CARDS, json!({"content": "second"})).await);
    let begin = |message: &str| format!("/channels/{CARDS}/messages/{message}/threads");
    discord.cap_threads(1);
    assert_eq!(post(&discord, &begin(&first), json!({"name": "one"})).await.0, 201);
    assert_eq!(refused(post(&discord, &begin(&second), json!({"name": "two"})).await), (400, 160_006));
    discord.archive(&first, true, false);
    assert_eq!(post(&discord, &begin(&second), json!({"name": "two"})).await.0, 201);
    assert_eq!(refused(patch(&discord, &format!("/channels/{first}"), json!({"archived": false})).await), (400, 160_006));
    let late = post(&discord, &format!("/channels/{first}/messages"), quiet(json!({"content": "late"}))).await;
    assert_eq!(refused(late), (400, 160_006));
}
