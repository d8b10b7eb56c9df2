//! What a person reads, and what is live.

use serde_json::{Value, json};

use super::super::reading::{live_markup, text_of};

fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": text})
}

fn card() -> Value {
    json!({"text": "Ana <@U1> asks <!here> 1 < 2", "blocks": [
        {"type": "header", "text": plain("Ana asks")},
        {"type": "rich_text", "elements": [
            {"type": "rich_text_section", "elements": [
                {"type": "user", "user_id": "U1"}, {"type": "text", "text": " asks "},
                {"type": "usergroup", "usergroup_id": "S1"}, {"type": "text", "text": " until "},
                {"type": "date", "timestamp": 1_795_528_800, "format": "{time}", "fallback": "14:00 UTC"},
                {"type": "link", "url": "https://x.example", "text": " OPS-1 "}, {"type": "emoji", "name": "tada"},
                {"type": "broadcast", "range": "here"}, {"type": "channel", "channel_id": "C1"},
            ]},
            {"type": "rich_text_quote", "elements": [{"type": "text", "text": "one\ntwo <!channel> *b*"}]},
            {"type": "rich_text_list", "style": "bullet", "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "item"}]},
            ]},
        ]},
        {"type": "divider"},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*Rule*"}, "fields": [plain("A"), plain("B")],
         "accessory": {"type": "overflow", "options": [{"text": plain("Pass on"), "value": "p"}]}},
        {"type": "context", "elements": [plain("R-1"), {"type": "image", "image_url": "https://i.example/x.png", "alt_text": "face"}]},
        {"type": "actions", "elements": [
            {"type": "button", "text": plain("Approve")}, {"type": "button", "text": plain("Deny…")},
        ]},
    ]})
}

#[test]
fn a_message_reads_as_lines() {
    let lines = [
        "Ana asks",
        "<@U1> asks <!subteam^S1> until 14:00 UTC OPS-1 :tada:<!here><#C1>",
        "> one",
        "> two <!channel> *b*",
        "- item",
        "---",
        "*Rule*",
        "A",
        "B",
        "[…: Pass on]",
        "R-1 · (face)",
        "[Approve] [Deny…]",
    ];
    assert_eq!(text_of(&card()).lines().collect::<Vec<_>>(), lines);
    assert_eq!(text_of(&json!({"text": "alone"})), "alone");
}

#[test]
fn a_form_reads_with_its_fields_and_buttons() {
    let view = json!({"type": "modal", "title": plain("Ask"), "submit": plain("Send"), "close": plain("Cancel"), "blocks": [
        {"type": "input", "label": plain("Why"), "element": {"type": "plain_text_input", "placeholder": plain("What for?")}},
        {"type": "input", "label": plain("Role"), "element": {"type": "static_select", "initial_option": {"text": plain("Read"), "value": "r"}}},
        {"type": "image", "image_url": "https://i.example/x.png", "alt_text": "a chart"},
        {"type": "markdown", "text": "**x**"},
    ]});
    let lines = ["= Ask =", "Why: (What for?)", "Role: (Read)", "(a chart)", "**x**", "[Send] [Cancel]"];
    assert_eq!(text_of(&view).lines().collect::<Vec<_>>(), lines);
    assert_eq!(live_markup(&view), ["link https://i.example/x.png", "markdown **x**"]);
}

#[test]
fn only_elements_and_markup_are_live() {
    let expected = [
        "text <@U1>",
        "text <!here>",
        "user U1",
        "usergroup S1",
        "link https://x.example",
        "broadcast here",
        "channel C1",
        "mrkdwn *Rule*",
        "link https://i.example/x.png",
    ];
    assert_eq!(live_markup(&card()), expected);
}
