//! Blocks beyond what Block Kit's reference allows are refused, each with its place; at the limit they pass.

use serde_json::{Value, json};

use super::{
    super::blocks::{check_message, check_suggestions, check_view},
    post, workspace,
};

fn plain(text: impl Into<String>) -> Value {
    json!({"type": "plain_text", "text": text.into()})
}

fn long(count: usize) -> Value {
    plain("é".repeat(count))
}

fn button(text: Value) -> Value {
    json!({"type": "button", "action_id": "a", "text": text})
}

fn actions(element: Value) -> Value {
    json!({"type": "actions", "elements": [element]})
}

fn input(element: Value) -> Value {
    json!({"type": "input", "label": plain("Label"), "element": element})
}

fn rich(leaf: Value) -> Value {
    json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [leaf]}]})
}

fn option(text: usize, value: usize) -> Value {
    json!({"text": long(text), "value": "v".repeat(value)})
}

fn options(count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({"text": plain("x"), "value": n.to_string()})).collect()
}

fn with(mut value: Value, name: &str, field: Value) -> Value {
    value[name] = field;
    value
}

/// The block alone in a message passes.
fn passes(block: &Value) {
    assert_eq!(check_message(&json!([block])), Ok(()), "{block}");
}

/// The block alone in a message is refused, at this place, for this reason.
fn fails(block: &Value, place: &str, why: &str) {
    let problems = check_message(&json!([block])).expect_err(&block.to_string());
    let place = format!("[json-pointer:/blocks/0{place}]");
    assert!(problems.iter().any(|p| p.contains(why) && p.ends_with(&place)), "{problems:?} should say {why:?} at {place}");
}

#[test]
fn texts_pass_at_their_limit_and_fail_beyond() {
    type Make = fn(Value) -> Value;
    let cases: [(Make, usize, &str); 9] = [
        (|t| json!({"type": "section", "text": t}), 3000, "/text/text"),
        (|t| json!({"type": "section", "fields": [t]}), 2000, "/fields/0/text"),
        (|t| json!({"type": "header", "text": t}), 150, "/text/text"),
        (|t| json!({"type": "context", "elements": [t]}), 3000, "/elements/0/text"),
        (|t| actions(button(t)), 75, "/elements/0/text/text"),
        (|t| with(input(json!({"type": "plain_text_input"})), "label", t), 2000, "/label/text"),
        (|t| with(input(json!({"type": "plain_text_input"})), "hint", t), 2000, "/hint/text"),
        (|t| input(json!({"type": "plain_text_input", "placeholder": t})), 150, "/element/placeholder/text"),
        (|t| json!({"type": "image", "image_url": "https://x.example/i.png", "alt_text": "x", "title": t}), 2000, "/title/text"),
    ];
    for (make, most, place) in cases {
        passes(&make(long(most)));
        fails(&make(long(most + 1)), place, "must be less than");
        fails(&make(plain("")), place, "must be more than 0");
    }
}

#[test]
fn strings_pass_at_their_limit_and_fail_beyond() {
    type Make = fn(String) -> Value;
    let cases: [(Make, usize, &str); 6] = [
        (|s| json!({"type": "divider", "block_id": s}), 255, "/block_id"),
        (|s| actions(with(button(plain("x")), "action_id", json!(s))), 255, "/elements/0/action_id"),
        (|s| actions(with(button(plain("x")), "value", json!(s))), 2000, "/elements/0/value"),
        (|s| actions(with(button(plain("x")), "accessibility_label", json!(s))), 75, "/elements/0/accessibility_label"),
        (|s| json!({"type": "image", "image_url": "https://x.example/i.png", "alt_text": s}), 2000, "/alt_text"),
        (|s| input(json!({"type": "plain_text_input", "initial_value": s})), 3000, "/element/initial_value"),
    ];
    for (make, most, place) in cases {
        passes(&make("é".repeat(most)));
        fails(&make("é".repeat(most + 1)), place, "must be less than");
    }
}

#[test]
fn lists_pass_at_their_limit_and_fail_beyond() {
    type Make = fn(usize) -> Value;
    let many = |count: usize, item: fn(usize) -> Value| (0..count).map(item).collect::<Vec<_>>();
    let buttons: Make = |n| {
        let one = |n: usize| with(button(plain("x")), "action_id", json!(n.to_string()));
        json!({"type": "actions", "elements": (0..n).map(one).collect::<Vec<_>>()})
    };
    let cases: [(Make, usize, &str); 6] = [
        (buttons, 25, "/elements"),
        (|n| json!({"type": "section", "fields": vec![plain("x"); n]}), 10, "/fields"),
        (|n| json!({"type": "context", "elements": vec![plain("x"); n]}), 10, "/elements"),
        (|n| actions(json!({"type": "static_select", "options": options(n)})), 100, "/elements/0/options"),
        (|n| actions(json!({"type": "overflow", "options": options(n)})), 5, "/elements/0/options"),
        (|n| actions(json!({"type": "radio_buttons", "options": options(n)})), 10, "/elements/0/options"),
    ];
    for (make, most, place) in cases {
        passes(&make(most));
        fails(&make(most + 1), place, "no more than");
        fails(&make(0), place, "no fewer than");
    }
    assert_eq!(check_message(&json!({"blocks": many(50, |_| json!({"type": "divider"}))})), Ok(()));
    assert!(check_message(&json!(many(51, |_| json!({"type": "divider"})))).is_err());
    assert!(check_message(&json!("no list")).is_err());
}

#[test]
fn options_and_first_choices_are_checked() {
    passes(&actions(json!({"type": "static_select", "options": [option(75, 150)], "initial_option": option(75, 150)})));
    fails(&actions(json!({"type": "static_select", "options": [option(76, 1)]})), "/elements/0/options/0/text/text", "less than 76");
    fails(&actions(json!({"type": "static_select", "options": [option(1, 151)]})), "/elements/0/options/0/value", "less than 151");
    fails(
        &actions(json!({"type": "static_select", "options": [option(1, 1)], "initial_option": option(1, 2)})),
        "/elements/0/initial_option",
        "not one of the options",
    );
    fails(&actions(json!({"type": "static_select"})), "/elements/0", "exactly one of options");
    fails(&actions(json!({"type": "static_select", "options": [option(1, 1), option(2, 1)]})), "/elements/0/options/1", "stands twice");
    passes(&actions(json!({"type": "external_select", "initial_option": option(1, 1), "min_query_length": 0})));
    fails(&actions(json!({"type": "external_select", "options": options(1)})), "/elements/0", "additional property: options");
    let groups = json!([{"label": plain("Databases"), "options": options(2)}]);
    passes(&actions(json!({"type": "static_select", "option_groups": groups})));
    assert_eq!(check_suggestions(&json!({"options": options(100)})), Ok(()));
    assert_eq!(check_suggestions(&json!({"options": []})), Ok(()));
    assert_eq!(check_suggestions(&json!({"option_groups": groups})), Ok(()));
    assert!(check_suggestions(&json!({"options": options(101)})).is_err());
    assert!(check_suggestions(&json!({})).is_err());
}

#[test]
fn unknown_types_and_fields_are_refused() {
    fails(&json!({"type": "nonsense"}), "", "unsupported type");
    fails(&json!({"type": "divider", "text": plain("x")}), "", "additional property: text");
    fails(&json!({"type": "section"}), "", "one of text and fields");
    fails(&json!({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}), "/text", "text object");
    fails(&json!({"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": true}}), "/text", "additional property: emoji");
    fails(&json!({"type": "section", "text": plain("x"), "expand": "yes"}), "/expand", "boolean");
    fails(&actions(json!({"type": "plain_text_input"})), "/elements/0", "unsupported type");
    fails(&input(button(plain("x"))), "/element", "unsupported type");
    fails(&json!({"type": "section", "text": plain("x"), "accessory": {"type": "datetimepicker"}}), "/accessory", "unsupported type");
    fails(&actions(with(button(plain("x")), "style", json!("green"))), "/elements/0/style", "must be one of");
    fails(&actions(with(button(plain("x")), "url", json!("nowhere"))), "/elements/0/url", "must be a URL");
    fails(&actions(json!({"type": "button"})), "/elements/0", "missing required field: text");
    fails(&actions(json!({"type": "datepicker", "initial_date": "24.11.2026"})), "/elements/0/initial_date", "look like");
    fails(&actions(json!({"type": "datetimepicker", "initial_date_time": 17})), "/elements/0/initial_date_time", "whole number");
    passes(&actions(json!({"type": "datetimepicker", "initial_date_time": 1_795_528_800})));
    passes(&json!({"type": "markdown", "text": "**x**"}));
    passes(&json!({"type": "context", "elements": [{"type": "image", "image_url": "https://x.example/i.png", "alt_text": "x"}]}));
    let accessory = json!({"type": "image", "image_url": "https://x.example/i.png", "alt_text": "x"});
    passes(&json!({"type": "section", "text": plain("x"), "accessory": accessory}));
}

#[test]
fn ids_stand_once_in_their_block_and_their_message() {
    let two = json!({"type": "actions", "elements": [button(plain("x")), button(plain("y"))]});
    fails(&two, "/elements/1", "action_id already exists");
    let apart = json!([actions(button(plain("x"))), actions(button(plain("y")))]);
    assert_eq!(check_message(&apart), Ok(()));
    let same = json!([{"type": "divider", "block_id": "b"}, {"type": "divider", "block_id": "b"}]);
    assert!(check_message(&same).unwrap_err()[0].contains("block_id already exists"));
}

#[test]
fn a_question_before_an_action_has_its_own_limits() {
    let ask = |title: usize, text: usize, yes: usize, no: usize| {
        let confirm = json!({"title": long(title), "text": long(text), "confirm": long(yes), "deny": long(no)});
        actions(with(button(plain("x")), "confirm", confirm))
    };
    passes(&ask(100, 300, 30, 30));
    fails(&ask(101, 1, 1, 1), "/elements/0/confirm/title/text", "less than 101");
    fails(&ask(1, 301, 1, 1), "/elements/0/confirm/text/text", "less than 301");
    fails(&ask(1, 1, 31, 1), "/elements/0/confirm/confirm/text", "less than 31");
    fails(&ask(1, 1, 1, 31), "/elements/0/confirm/deny/text", "less than 31");
    fails(&actions(with(button(plain("x")), "confirm", json!({}))), "/elements/0/confirm", "missing required field: title");
}

#[test]
fn rich_text_has_known_parts_with_something_in_them() {
    let leaf = "/elements/0/elements/0";
    passes(&rich(json!({"type": "text", "text": "x", "style": {"bold": true, "code": true}})));
    fails(&rich(json!({"type": "text", "text": ""})), &format!("{leaf}/text"), "more than 0");
    fails(&rich(json!({"type": "text", "text": "x", "style": {"huge": true}})), &format!("{leaf}/style"), "additional property: huge");
    passes(&rich(json!({"type": "user", "user_id": "U1"})));
    fails(&rich(json!({"type": "user", "user_id": "ana"})), &format!("{leaf}/user_id"), "is no id");
    passes(&rich(json!({"type": "usergroup", "usergroup_id": "S1"})));
    fails(&rich(json!({"type": "usergroup", "usergroup_id": "U1"})), &format!("{leaf}/usergroup_id"), "is no id");
    passes(&rich(json!({"type": "channel", "channel_id": "C1"})));
    passes(&rich(json!({"type": "emoji", "name": "tada"})));
    passes(&rich(json!({"type": "link", "url": "https://x.example", "text": "x"})));
    fails(&rich(json!({"type": "link", "url": "x"})), &format!("{leaf}/url"), "must be a URL");
    passes(&rich(json!({"type": "broadcast", "range": "here"})));
    fails(&rich(json!({"type": "broadcast", "range": "all"})), &format!("{leaf}/range"), "must be one of");
    let date = |format: &str| rich(json!({"type": "date", "timestamp": 1_795_528_800, "format": format, "fallback": "14:00"}));
    passes(&date("{date_short_pretty} at {time}"));
    fails(&date("now"), &format!("{leaf}/format"), "tokens");
    fails(&date("{hour}"), &format!("{leaf}/format"), "tokens");
    fails(&rich(json!({"type": "date", "timestamp": "1", "format": "{time}"})), &format!("{leaf}/timestamp"), "seconds");
    fails(&rich(json!({"type": "blink"})), leaf, "unsupported type");
    let part = |kind: &str, items: Value| json!({"type": "rich_text", "elements": [{"type": kind, "elements": items}]});
    fails(&part("rich_text_section", json!([])), "/elements/0/elements", "no fewer than 1");
    passes(&part("rich_text_quote", json!([{"type": "text", "text": "x"}])));
    passes(&part("rich_text_preformatted", json!([{"type": "text", "text": "x"}])));
    fails(&part("rich_text_preformatted", json!([{"type": "user", "user_id": "U1"}])), leaf, "can be preformatted");
    fails(&part("rich_text_list", json!([{"type": "text", "text": "x"}])), leaf, "holds rich_text_sections");
    let section = json!({"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]});
    passes(&json!({"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "indent": 8, "elements": [section]}]}));
}

#[test]
fn views_have_their_own_fields_and_limits() {
    let modal = |more: Value| {
        let mut view = json!({"type": "modal", "title": plain("Ask"), "submit": plain("Send"), "blocks": [{"type": "divider"}]});
        view.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        view
    };
    let good = |view: Value| assert_eq!(check_view(&view), Ok(()), "{view}");
    let bad = |view: Value, why: &str| {
        let problems = check_view(&view).expect_err(why);
        assert!(problems.iter().any(|p| p.contains(why)), "{problems:?} should say {why:?}");
    };
    good(modal(json!({"private_metadata": "x".repeat(3000), "callback_id": "x".repeat(255), "notify_on_close": true})));
    bad(modal(json!({"private_metadata": "x".repeat(3001)})), "/view/private_metadata");
    bad(modal(json!({"callback_id": "x".repeat(256)})), "/view/callback_id");
    for name in ["title", "submit", "close"] {
        good(modal(json!({name: long(24)})));
        bad(modal(json!({name: long(25)})), &format!("/view/{name}/text"));
    }
    good(modal(json!({"blocks": vec![json!({"type": "divider"}); 100]})));
    bad(modal(json!({"blocks": vec![json!({"type": "divider"}); 101]})), "no more than 100");
    bad(modal(json!({"blocks": [{"type": "markdown", "text": "x"}]})), "unsupported type");
    bad(modal(json!({"nonsense": 1})), "additional property: nonsense");
    let field = input(json!({"type": "plain_text_input", "focus_on_load": true, "min_length": 1, "max_length": 3000}));
    bad(json!({"type": "modal", "title": plain("x"), "blocks": [field]}), "needs submit");
    good(modal(json!({"blocks": [field]})));
    bad(modal(json!({"blocks": [field, field]})), "take the focus");
    good(json!({"type": "home", "blocks": [], "private_metadata": "x"}));
    bad(json!({"type": "home", "title": plain("x"), "blocks": []}), "additional property: title");
    bad(json!({"type": "window"}), "unsupported type");
}

#[tokio::test]
async fn a_refused_message_says_where() {
    let (slack, ts) = workspace().await;
    let blocks = json!([{"type": "header", "text": long(151)}]);
    let refused = post(&slack, "chat.postMessage", json!({"channel": "C1", "blocks": blocks})).await.unwrap_err();
    assert_eq!(refused["error"], "invalid_blocks");
    assert!(refused["response_metadata"]["messages"][0].as_str().unwrap().contains("/blocks/0/text/text"), "{refused}");
    let refused = post(&slack, "chat.update", json!({"channel": "C1", "ts": ts, "blocks": "not JSON"})).await.unwrap_err();
    assert_eq!(refused["error"], "invalid_blocks_format");
    assert_eq!(slack.message("C1", &ts).unwrap()["text"], "first", "nothing changed");
}
