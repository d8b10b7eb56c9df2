//! What is read of a message, and what in it takes effect.

use serde_json::{Value, json};

use super::super::reading::{live_markup, text_of};

fn content(text: &str) -> Value {
    json!({"content": text})
}

#[test]
fn a_card_reads_as_people_see_it() {
    let card = json!({
        "content": "**Ana** asks for *write*", "timestamp": "2026-11-24T14:00:00.000000+00:00",
        "embeds": [{
            "title": "prod-db", "description": "> Unblock the import\n-# small", "author": {"name": "**A**"},
            "fields": [{"name": "Ends", "value": "<t:1795532400:f> (<t:1795532400:R>)"}, {"name": "Who", "value": "one\ntwo"}],
            "footer": {"text": "R-1 *as it is*"},
        }],
        "components": [{"type": 1, "components": [
            {"type": 2, "style": 3, "label": "Approve", "custom_id": "a"},
            {"type": 2, "style": 5, "label": "Open", "url": "https://example.com"},
            {"type": 2, "style": 2, "label": "Off", "custom_id": "b", "disabled": true},
        ]}],
    });
    insta::assert_snapshot!(text_of(&card), @r"
    Ana asks for write
    **A**
    prod-db
    > Unblock the import
    -# small
    Ends: 24 November 2026 15:00 (in 1 hour)
    Who:
    one
    two
    R-1 *as it is*
    [Approve] [Open → https://example.com] [Off] (disabled)
    ");
    let expected = ["bold", "italics", "quote", "small", "time 1795532400 f", "time 1795532400 R", "link https://example.com"];
    assert_eq!(live_markup(&card), expected);
}

#[test]
fn a_form_reads_as_people_see_it() {
    let form = json!({"custom_id": "f", "title": "Deny", "components": [
        {"type": 1, "components": [{"type": 4, "custom_id": "w", "style": 2, "label": "Why", "placeholder": "in a word"}]},
        {"type": 18, "label": "Role", "description": "which", "component": {"type": 4, "custom_id": "r", "style": 1, "value": "write"}},
    ]});
    assert_eq!(text_of(&form), "= Deny =\nWhy: (in a word)\nRole: (write)\n  which");
}

#[test]
fn everything_that_takes_effect_is_named() {
    for (text, expected) in [
        ("**b** __u__ ~~s~~ ||h|| _i_ *j* ***k***", vec!["bold", "underline", "strike", "spoiler", "italics", "italics", "bold italics"]),
        ("# a\n## b\n### c\n-# d", vec!["heading", "heading", "heading", "small"]),
        ("- a\n* b\n12. c\n  - d", vec!["list", "list", "list", "list"]),
        ("> a\n>>> b", vec!["quote", "quote"]),
        ("`c` ```\nblock\n```", vec!["code", "code block"]),
        ("[text](https://evil.example)", vec!["link https://evil.example"]),
        ("see https://evil.example/a.b. and <https://two.example>", vec!["link https://evil.example/a.b", "link https://two.example"]),
        ("<@1> <@!2> <@&3> <#4> </jit request:5>", vec!["user 1", "user 2", "role 3", "channel 4", "command jit request"]),
        ("<t:0> <t:1:R> <t:-1:d>", vec!["time 0 f", "time 1 R", "time -1 d"]),
        ("@everyone and @here", vec!["everyone", "here"]),
        ("<:wave:1> <a:dance:2> :tada:", vec!["emoji wave", "emoji dance", "emoji tada"]),
        ("**bold with `code`**", vec!["bold", "code"]),
        ("<id:guide> <mailto:a@b.c>", vec!["channel id:guide", "link mailto:a@b.c"]),
    ] {
        assert_eq!(live_markup(&content(text)), expected, "{text}");
    }
}

#[test]
fn what_only_looks_like_markup_is_text() {
    for text in [
        "2 * 3 * 4",
        "snake_case_name",
        "a < b > c",
        "#hash",
        "-dash",
        "1.5",
        "14:02:11",
        "**",
        "[a] (b)",
        "[a](b)",
        "<@x>",
        "<t:x>",
        "e@mail",
        "http://",
        "`",
        "||",
        "> ",
        "# ",
        "one ~ two",
        "<@12",
        "\\*a\\*",
        "\\<@1\\>",
        "\\@everyone",
        "https\\:\\/\\/evil.example",
        "\\[text\\]\\(x\\)",
        "\\# a",
        "\\- a",
        "1\\. a",
        "\\> a",
        "\\`\\`\\`a\\`\\`\\`",
        "\\<t\\:1\\:R\\>",
        "\\|\\|a\\|\\|",
    ] {
        assert_eq!(live_markup(&content(text)), Vec::<String>::new(), "{text}");
    }
    assert_eq!(text_of(&content("\\*a\\* \\<@1\\> \\\\ \\a 1\\. b")), "*a* <@1> \\ \\a 1. b");
    let plain = json!({"embeds": [{"footer": {"text": "**x** <@1>"}, "author": {"name": "@everyone"}}], "components": [
        {"type": 1, "components": [{"type": 2, "style": 1, "label": "**x** <@1>", "custom_id": "x"}]},
    ]});
    assert_eq!(live_markup(&plain), Vec::<String>::new(), "footers, authors and labels are plain");
}

#[test]
fn times_are_read_in_utc_at_the_moment_of_writing() {
    let at = |style: &str| text_of(&json!({"content": format!("<t:1795532405:{style}>"), "timestamp": "2026-11-24T14:00:05+00:00"}));
    let read: Vec<String> = ["t", "T", "d", "D", "f", "F", "s", "S", "R"].into_iter().map(at).collect();
    let expected = [
        "15:00",
        "15:00:05",
        "24/11/2026",
        "24 November 2026",
        "24 November 2026 15:00",
        "Tuesday, 24 November 2026 15:00",
        "24/11/2026, 15:00",
        "24/11/2026, 15:00:05",
        "in 1 hour",
    ];
    assert_eq!(read, expected);
    let edited =
        json!({"content": "<t:1795532405:R>", "timestamp": "2026-11-24T14:00:05+00:00", "edited_timestamp": "2026-11-24T15:02:05+00:00"});
    assert_eq!(text_of(&edited), "2 minutes ago");
}
