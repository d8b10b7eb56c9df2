//! First answers, what follows them, and their clocks.

use std::time::Duration;

use serde_json::json;

use super::*;

/// Somebody pressed; the interaction's id and token. It is heard by nobody but the test.
fn pressed(discord: &Discord, user: &str, card: &str) -> (String, String) {
    let payload = discord.press_payload(user, card, "approve");
    known(discord, payload)
}

/// As if the payload had been delivered.
fn known(discord: &Discord, payload: Value) -> (String, String) {
    let text = |name: &str| payload[name].as_str().unwrap().to_owned();
    let both = (text("id"), text("token"));
    discord.remember(&payload);
    both
}

async fn answer(discord: &Discord, (id, token): &(String, String), body: Value) -> (u16, Value) {
    // No authorization: whoever has the token may answer.
    let path = format!("/interactions/{id}/{token}/callback");
    let answer = raw(discord, "POST", &path, &[("user-agent", AGENT)], Some(body)).await;
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

fn whisper(text: &str) -> Value {
    json!({"type": 4, "data": {"content": text, "flags": 64, "allowed_mentions": {"parse": []}}})
}

fn original(token: &str) -> String {
    format!("/webhooks/{}/{token}/messages/@original", super::super::APP_ID)
}

fn follow_up(token: &str) -> String {
    format!("/webhooks/{}/{token}", super::super::APP_ID)
}

#[tokio::test]
async fn the_first_answer_comes_once_and_within_three_seconds() {
    let (discord, card) = card().await;
    let press = pressed(&discord, BEN, &card);
    assert_eq!(answer(&discord, &press, json!({"type": 6})).await, (204, Value::Null));
    assert_eq!(refused(answer(&discord, &press, json!({"type": 6})).await), (400, 40060));
    let late = pressed(&discord, BEN, &card);
    discord.advance(Duration::from_millis(3_001));
    assert_eq!(refused(answer(&discord, &late, json!({"type": 6})).await), (404, 10062));
    assert_eq!(refused(answer(&discord, &("1".to_owned(), press.1.clone()), json!({"type": 6})).await), (404, 10062));
    let just = pressed(&discord, BEN, &card);
    discord.advance(Duration::from_secs(3));
    assert_eq!(answer(&discord, &just, json!({"type": 6})).await.0, 204);
}

#[tokio::test]
async fn an_answer_fits_what_was_done() {
    let (discord, card) = card().await;
    commands(&discord);
    let press = pressed(&discord, BEN, &card);
    for kind in [1, 2, 8, 10, 12] {
        assert!(wrong(answer(&discord, &press, json!({"type": kind})).await).contains(&"type BASE_TYPE_CHOICES".to_owned()), "{kind}");
    }
    assert_eq!(wrong(answer(&discord, &press, json!({"type": 6, "data": {}})).await), ["data UNKNOWN_KEY"]);
    assert_eq!(wrong(answer(&discord, &press, json!({"type": 5, "data": {"content": "x"}})).await), ["data.content UNKNOWN_KEY"]);
    assert_eq!(wrong(answer(&discord, &press, json!({"type": 4})).await), ["data DICT_TYPE_CONVERT"]);
    assert_eq!(refused(answer(&discord, &press, whisper("")).await), (400, 50006));
    let typing = known(&discord, discord.complete_payload(BEN, CARDS, "request", &[("resource", "pr")], "resource"));
    assert_eq!(wrong(answer(&discord, &typing, json!({"type": 5})).await), ["type BASE_TYPE_CHOICES"]);
    let choices = |count: usize| json!({"type": 8, "data": {"choices": vec![json!({"name": "n", "value": "v"}); count]}});
    assert_eq!(wrong(answer(&discord, &typing, choices(26)).await), ["data.choices BASE_TYPE_BAD_LENGTH"]);
    let long = json!({"type": 8, "data": {"choices": [{"name": "n".repeat(101), "value": ""}]}});
    let expected = ["data.choices.0.name BASE_TYPE_MAX_LENGTH", "data.choices.0.value BASE_TYPE_MIN_LENGTH"];
    assert_eq!(wrong(answer(&discord, &typing, long).await), expected);
    assert_eq!(answer(&discord, &typing, choices(25)).await.0, 204);
    let typed = known(&discord, discord.slash_payload(BEN, CARDS, "request", &[("resource", "prod-db")]));
    for kind in [6, 7] {
        let body = json!({"type": kind, "data": null});
        assert!(wrong(answer(&discord, &typed, body).await).contains(&"type BASE_TYPE_CHOICES".to_owned()), "no message was pressed in");
    }
}

#[tokio::test]
async fn only_who_did_it_sees_an_ephemeral_answer_and_it_can_be_pressed_in() {
    let (discord, card) = card().await;
    let press = pressed(&discord, BEN, &card);
    let mut body = whisper("Which one?");
    body["data"]["components"] = json!([{"type": 1, "components": [{"type": 2, "style": 1, "label": "This", "custom_id": "this"}]}]);
    assert_eq!(answer(&discord, &press, body).await.0, 204);
    let seen = discord.ephemerals(BEN);
    assert_eq!((seen.len(), discord.ephemerals(ANA).len(), discord.messages(CARDS).len()), (1, 0, 2));
    let again = known(&discord, discord.press_payload(BEN, seen[0]["id"].as_str().unwrap(), "this"));
    let change = json!({"type": 7, "data": {"content": "Done", "components": [], "allowed_mentions": {"parse": []}}});
    assert_eq!(answer(&discord, &again, change).await.0, 204);
    assert_eq!((&discord.ephemerals(BEN)[0]["content"], discord.ephemerals(BEN).len()), (&json!("Done"), 1));
}

#[tokio::test]
async fn thinking_is_filled_by_an_edit_or_by_what_follows() {
    let (discord, card) = card().await;
    let (first, second) = (pressed(&discord, BEN, &card), pressed(&discord, BEN, &card));
    for press in [&first, &second] {
        assert_eq!(answer(&discord, press, json!({"type": 5, "data": {"flags": 64}})).await.0, 204);
    }
    assert_eq!(discord.ephemerals(BEN)[0]["flags"], 64 + 128);
    assert_eq!(patch(&discord, &original(&first.1), quiet(json!({"content": "edited"}))).await.0, 200);
    assert_eq!(post(&discord, &follow_up(&second.1), quiet(json!({"content": "followed"}))).await.0, 200);
    assert_eq!(post(&discord, &follow_up(&second.1), quiet(json!({"content": "more", "flags": 64}))).await.0, 200);
    let seen: Vec<(Value, Value)> = discord.ephemerals(BEN).iter().map(|m| (m["content"].clone(), m["flags"].clone())).collect();
    assert_eq!(seen, [(json!("edited"), json!(64)), (json!("followed"), json!(64)), (json!("more"), json!(64))]);
    assert_eq!(get(&discord, &original(&first.1)).await.1["content"], "edited");
    assert_eq!(wrong(patch(&discord, &original(&first.1), json!({"content": "x"})).await), ["allowed_mentions MENTIONS_LEFT_TO_DEFAULT"]);
}

#[tokio::test]
async fn a_token_is_good_for_fifteen_minutes_after_a_first_answer() {
    let (discord, card) = card().await;
    let press = pressed(&discord, BEN, &card);
    let say = || quiet(json!({"content": "x", "flags": 64}));
    assert_eq!(refused(post(&discord, &follow_up(&press.1), say()).await), (404, 10015), "not answered yet");
    assert_eq!(answer(&discord, &press, json!({"type": 6})).await.0, 204);
    let elsewhere = format!("/webhooks/1/{}", press.1);
    assert_eq!(refused(post(&discord, &elsewhere, say()).await), (404, 10015), "another application");
    assert_eq!(refused(post(&discord, &follow_up("no-token"), say()).await), (404, 10015));
    discord.advance(Duration::from_mins(15));
    assert_eq!(post(&discord, &follow_up(&press.1), say()).await.0, 200);
    assert_eq!(get(&discord, &original(&press.1)).await.1["id"], card.as_str(), "what was pressed in");
    discord.advance(Duration::from_millis(1));
    assert_eq!(refused(post(&discord, &follow_up(&press.1), say()).await), (401, 50027));
    assert_eq!(refused(patch(&discord, &original(&press.1), say()).await), (401, 50027));
}

#[tokio::test]
async fn a_form_is_open_in_front_of_one_person_until_its_submission_is_answered() {
    let (discord, card) = card().await;
    let press = pressed(&discord, BEN, &card);
    let input = json!({"type": 4, "custom_id": "words", "style": 2, "label": "Why", "max_length": 10, "value": "as is"});
    let modal = json!({"custom_id": "deny R-1/0", "title": "Deny", "components": [{"type": 1, "components": [input]}]});
    assert_eq!(answer(&discord, &press, json!({"type": 9, "data": modal})).await.0, 204);
    assert_eq!((discord.modal(BEN), discord.modal(ANA)), (Some(modal.clone()), None));
    assert_eq!(refused(get(&discord, &original(&press.1)).await), (404, 10008), "a form is no message");
    let payload = discord.submission(BEN, &[]);
    assert_eq!(payload["data"]["components"][0]["components"][0]["value"], "as is", "what stands there is sent");
    let payload = discord.submission(BEN, &[("words", "no")]);
    assert_eq!(
        (&payload["type"], &payload["message"]["id"], &payload["data"]["custom_id"]),
        (&json!(5), &json!(card), &modal["custom_id"])
    );
    let sent = known(&discord, payload);
    assert!(wrong(answer(&discord, &sent, json!({"type": 9, "data": modal})).await).contains(&"type BASE_TYPE_CHOICES".to_owned()));
    assert_eq!(answer(&discord, &sent, whisper("Denied")).await.0, 204);
    assert_eq!(discord.modal(BEN), None);
    let again = pressed(&discord, BEN, &card);
    assert_eq!(answer(&discord, &again, json!({"type": 9, "data": modal})).await.0, 204);
    assert_eq!(discord.close(BEN).modal(BEN), None);
}
