//! Forms: triggers, the stack, what is entered, what is sent, and what the answer does.

use std::time::Duration;

use serde_json::{Value, json};

use super::{super::Slack, app::App, error, post, workspace};

fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": text})
}

fn modal(title: &str, blocks: Value) -> Value {
    json!({"type": "modal", "title": plain(title), "submit": plain("Send"), "private_metadata": "kept", "blocks": blocks})
}

fn form() -> Value {
    let option = |value: &str, text: &str| json!({"text": plain(text), "value": value});
    modal(
        "Ask",
        json!([
            {"type": "input", "block_id": "what", "dispatch_action": true, "label": plain("What"),
             "element": {"type": "external_select", "action_id": "resource", "min_query_length": 1}},
            {"type": "input", "block_id": "role", "label": plain("Role"), "element": {"type": "static_select", "action_id": "role",
             "options": [option("read", "Read"), option("write", "Write")], "initial_option": option("read", "Read")}},
            {"type": "input", "block_id": "why", "label": plain("Why"),
             "element": {"type": "plain_text_input", "action_id": "why", "min_length": 3}},
            {"type": "input", "block_id": "when", "optional": true, "label": plain("When"),
             "element": {"type": "datetimepicker", "action_id": "when"}},
            {"type": "actions", "block_id": "more", "elements": [
                {"type": "button", "action_id": "other", "text": plain("Other")},
                {"type": "users_select", "action_id": "whom"},
            ]},
        ]),
    )
}

/// A form that Ana has open.
async fn opened(slack: &Slack, app: &App) -> Value {
    assert!(slack.shortcut("U1", "request").await.is_ok());
    post(slack, "views.open", json!({"trigger_id": app.last()["trigger_id"], "view": form()})).await.unwrap()["view"].clone()
}

#[tokio::test]
async fn a_trigger_expires_after_three_seconds() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    assert!(slack.shortcut("U1", "request").await.is_ok());
    slack.advance(Duration::from_millis(3001));
    let open = json!({"trigger_id": app.last()["trigger_id"], "view": form()});
    assert_eq!(error(post(&slack, "views.open", open).await), "expired_trigger_id");
    assert_eq!(error(post(&slack, "views.open", json!({"trigger_id": "1.2.3", "view": form()})).await), "invalid_trigger_id");
    assert_eq!(error(post(&slack, "views.open", json!({"view": form()})).await), "invalid_arguments");
    assert!(slack.view("U1").is_none());
}

#[tokio::test]
async fn a_view_is_not_too_large_and_its_external_id_is_its_own() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    let open = async |view: &Value| {
        assert!(slack.shortcut("U1", "request").await.is_ok());
        post(&slack, "views.open", json!({"trigger_id": app.last()["trigger_id"], "view": view})).await
    };
    let section = json!({"type": "section", "text": plain(&"x".repeat(3000))});
    assert_eq!(error(open(&modal("Large", json!(vec![section; 90]))).await), "view_too_large");
    let mut own = form();
    own["external_id"] = json!("mine");
    assert!(open(&own).await.is_ok());
    assert_eq!(error(open(&own).await), "duplicate_external_id");
    let update = json!({"external_id": "mine", "view": form()});
    assert!(post(&slack, "views.update", update).await.is_ok());
}

#[tokio::test]
async fn what_was_entered_is_sent_and_an_empty_answer_closes_the_form() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    opened(&slack, &app).await;
    app.answer(json!({"options": [{"text": plain("prod-db"), "value": "prod-db"}]}));
    let options = slack.type_ahead("U1", "resource", "pro").await;
    assert_eq!((options.len(), &app.last()["value"], &app.last()["action_id"]), (1, &json!("pro"), &json!("resource")));
    assert!(slack.choose("U1", "what", "prod-db").await.is_ok());
    assert_eq!(app.last()["actions"][0]["selected_option"]["value"], "prod-db");
    assert_eq!(app.last()["view"]["state"]["values"]["what"]["resource"]["selected_option"]["value"], "prod-db");
    slack.fill("U1", "role", "Write").fill("U1", "why", "unblock the import").fill("U1", "when", "1795530000");
    assert!(slack.choose("U1", "whom", "U2").await.is_ok());
    assert!(slack.press_view("U1", "other").await.is_ok());
    assert!(slack.submit("U1").await.is_ok());
    let sent = app.last();
    let values = &sent["view"]["state"]["values"];
    assert_eq!(values["role"]["role"]["selected_option"]["value"], "write");
    assert_eq!(values["why"]["why"]["value"], "unblock the import");
    assert_eq!(values["when"]["when"]["selected_date_time"], 1_795_530_000);
    assert_eq!(values["more"]["whom"]["selected_user"], "U2");
    assert_eq!((&sent["type"], &sent["view"]["private_metadata"]), (&json!("view_submission"), &json!("kept")));
    assert!(slack.view("U1").is_none());
}

#[tokio::test]
async fn a_form_with_an_empty_required_field_is_not_sent() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    opened(&slack, &app).await;
    let asked = slack.clone();
    assert!(tokio::spawn(async move { asked.submit("U1").await }).await.is_err());
    let asked = slack.clone();
    let unoffered = tokio::spawn(async move { asked.choose("U1", "resource", "never-offered").await }).await;
    assert!(unoffered.is_err(), "only what was offered can be chosen");
    assert!(slack.view("U1").is_some());
}

async fn filled(slack: &Slack, app: &App) {
    opened(slack, app).await;
    app.answer(json!({"options": [{"text": plain("prod-db"), "value": "prod-db"}]}));
    slack.type_ahead("U1", "resource", "pro").await;
    slack.fill("U1", "resource", "prod-db").fill("U1", "why", "because");
}

#[tokio::test]
async fn the_answer_to_a_submission_updates_pushes_clears_or_shows_errors() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    filled(&slack, &app).await;
    app.answer(json!({"response_action": "errors", "errors": {"why": "Say more."}}));
    let ack = slack.submit("U1").await;
    assert_eq!((ack.error_on("why"), ack.error_on("role")), (Some("Say more."), None));
    assert!(slack.view("U1").is_some());
    let before = slack.refusals().len();
    for wrong in [
        json!({"response_action": "errors", "errors": {"more": "no input"}}),
        json!({"response_action": "errors", "errors": {}}),
        json!({"response_action": "nonsense"}),
        json!({"response_action": "update", "view": {"type": "modal"}}),
        json!("words"),
    ] {
        app.answer(wrong);
        assert!(slack.submit("U1").await.is_ok());
    }
    assert_eq!(slack.refusals().len(), before + 5, "{:?}", slack.refusals());
    let next = |title: &str| modal(title, json!([{"type": "divider"}]));
    app.answer(json!({"response_action": "push", "view": next("Second")}));
    assert!(slack.submit("U1").await.is_ok());
    let views = slack.views("U1");
    assert_eq!((views.len(), &views[1]["previous_view_id"], &views[1]["root_view_id"]), (2, &views[0]["id"], &views[0]["id"]));
    app.answer(json!({"response_action": "update", "view": next("Changed")}));
    assert!(slack.submit("U1").await.is_ok());
    assert_eq!(slack.view("U1").unwrap()["title"]["text"], "Changed");
    app.answer(json!({"response_action": "clear"}));
    assert!(slack.submit("U1").await.is_ok());
    assert!(slack.views("U1").is_empty());
}

#[tokio::test]
async fn an_updated_form_keeps_what_was_entered_in_the_same_fields() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    let view = opened(&slack, &app).await;
    slack.fill("U1", "why", "because").fill("U1", "role", "write");
    let mut changed = form();
    changed["blocks"][1]["block_id"] = json!("role-2");
    let update = |hash: &Value| json!({"view_id": view["id"], "hash": hash, "view": changed});
    let after = post(&slack, "views.update", update(&view["hash"])).await.unwrap()["view"].clone();
    assert_eq!(after["state"]["values"]["why"]["why"]["value"], "because");
    assert_eq!(after["state"]["values"]["role-2"]["role"]["selected_option"]["value"], "read", "a new block starts afresh");
    assert_eq!(error(post(&slack, "views.update", update(&view["hash"])).await), "hash_conflict");
    assert_eq!(error(post(&slack, "views.update", json!({"view": form()})).await), "invalid_arguments");
    assert!(slack.close("U1").await.is_none());
    assert_eq!(error(post(&slack, "views.update", update(&after["hash"])).await), "not_found");
}

#[tokio::test]
async fn three_forms_lie_on_each_other_at_most() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    opened(&slack, &app).await;
    for expected in [None, None, Some("push_limit_reached")] {
        let top = slack.view("U1").unwrap();
        let has_button = top["blocks"].as_array().unwrap().iter().any(|b| b["type"] == "actions");
        assert!(has_button && slack.press_view("U1", "other").await.is_ok());
        let outcome = post(&slack, "views.push", json!({"trigger_id": app.last()["trigger_id"], "view": form()})).await;
        assert_eq!(outcome.err().map(|e| e["error"].as_str().unwrap().to_owned()).as_deref(), expected);
    }
    assert_eq!(slack.views("U1").len(), 3);
    assert!(slack.shortcut("U1", "request").await.is_ok());
    let push = json!({"trigger_id": app.last()["trigger_id"], "view": form()});
    assert_eq!(error(post(&slack, "views.push", push).await), "not_found", "only a form's own trigger pushes");
}

#[tokio::test]
async fn closing_tells_the_app_that_asked_for_it() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    assert!(slack.shortcut("U1", "request").await.is_ok());
    let mut view = form();
    view["notify_on_close"] = json!(true);
    view["clear_on_close"] = json!(true);
    post(&slack, "views.open", json!({"trigger_id": app.last()["trigger_id"], "view": view})).await.unwrap();
    assert!(slack.close("U1").await.unwrap().is_ok());
    assert_eq!((&app.last()["type"], &app.last()["is_cleared"]), (&json!("view_closed"), &json!(true)));
}

#[tokio::test]
async fn somebody_elses_form_can_be_forged() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    filled(&slack, &app).await;
    assert!(slack.submit_as("U2", "U1").await.is_ok());
    assert_eq!((&app.last()["user"]["id"], slack.views("U1").len()), (&json!("U2"), 1));
}

#[tokio::test]
async fn the_home_tab_is_published_and_pressed() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    assert!(slack.home("U1").is_none());
    let button = |value: &str| {
        json!({"type": "section", "text": plain("x"),
               "accessory": {"type": "button", "action_id": "done", "value": value, "text": plain("I'm done")}})
    };
    let view = json!({"type": "home", "blocks": [button("R-1"), button("R-2")]});
    let publish = |hash: Value| json!({"user_id": "U1", "view": view, "hash": hash});
    let published = post(&slack, "views.publish", publish(Value::Null)).await.unwrap();
    assert!(slack.press_home("U1", "done", 1).await.is_ok());
    assert_eq!((&app.last()["actions"][0]["value"], &app.last()["view"]["type"]), (&json!("R-2"), &json!("home")));
    assert!(slack.open_home("U1").await.is_ok());
    assert_eq!(app.last()["event"]["view"]["id"], published["view"]["id"]);
    assert!(post(&slack, "views.publish", publish(published["view"]["hash"].clone())).await.is_ok());
    assert_eq!(error(post(&slack, "views.publish", publish(published["view"]["hash"].clone())).await), "hash_conflict");
    assert_eq!(error(post(&slack, "views.publish", json!({"user_id": "U1", "view": form()})).await), "invalid_arguments");
    assert_eq!(slack.home("U1").unwrap()["blocks"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn wrong_options_are_not_shown() {
    let (slack, _) = workspace().await;
    let app = App::over_http(&slack).await;
    opened(&slack, &app).await;
    app.answer(json!({"options": [{"text": plain("x"), "value": "v".repeat(151)}]}));
    assert!(slack.type_ahead("U1", "resource", "pro").await.is_empty());
    assert!(slack.refusals().last().unwrap().contains("options/0/value"), "{:?}", slack.refusals());
}
