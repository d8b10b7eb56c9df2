//! Templates for Discord that a team changed: used where they can be, refused by `check` where a message would be too long or words
//! of people would be live, and never a lost message.

use std::{fs, path::Path, process::Command};

use hallpass::chat::render::{TemplateError, Templates};
use serde_json::{Value, json};

use super::{DISCORD, LEADS, Shown, reading::text_of, there};
use crate::cards::sample::{Story, texts};

/// A folder with a changed file of Discord's templates, and what loading it comes to.
fn with(file: &str, change: impl FnOnce(String) -> String) -> (tempfile::TempDir, Result<Templates, TemplateError>) {
    let folder = tempfile::tempdir().unwrap();
    let ours = fs::read_to_string(format!("{}/templates/discord/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let changed = change(ours.clone());
    assert_ne!(ours, changed, "nothing was changed");
    fs::create_dir_all(folder.path().join("words/discord")).unwrap();
    fs::write(folder.path().join("words/discord").join(file), changed).unwrap();
    let loaded = Templates::load(Some(&folder.path().join("words")));
    (folder, loaded)
}

/// What `hallpass check` says of a house whose templates lie in `words`.
fn check(folder: &Path) -> (Option<i32>, String) {
    let example = include_str!("../../../bot.toml.example").replace("# folder = \"templates\"", "folder = \"words\"");
    fs::write(folder.join("bot.toml"), example).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_hallpass")).arg("check").current_dir(folder).output().unwrap();
    (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
}

/// The card with another section in the place of ours.
fn card(section: &str) -> impl FnOnce(String) -> String {
    let section = section.to_owned();
    move |text| {
        let (head, _) = text.split_once("{{!-- == card == --}}\n").unwrap();
        format!("{head}{{{{!-- == card == --}}}}\n{section}")
    }
}

fn shown(templates: Templates) -> Shown {
    Shown { templates, texts: texts() }
}

#[test]
fn a_template_in_other_words_is_used() {
    let (folder, templates) = with("card.hbs", |text| text.replace("\"name\": \"Who and why\"", "\"name\": \"Reason\""));
    assert_eq!(check(folder.path()).0, Some(0));
    let shown = shown(templates.unwrap());
    assert!(text_of(&shown.card(&there(Story::asked()))).contains("(Ana Reyes): “Unblock the stuck import”"));
    shown.assert_no_trouble();
}

#[test]
fn a_template_that_would_exceed_a_limit_is_refused_and_ours_is_sent() {
    let fields = r#"{"name": "More", "value": "x"},"#.repeat(26);
    let buttons =
        (0..26).map(|n| format!(r#"{{"type": 2, "style": 2, "label": "x", "custom_id": "x {n}"}},"#)).collect::<Vec<_>>().concat();
    let all_fields = "\"fields\": [";
    let with_fields = [
        ("fields in one embed", format!(r#""fields": [{fields}"#)),
        ("1024 are allowed", format!(r#""fields": [{{"name": "More", "value": "{}"}},"#, "x".repeat(1025))),
        ("256 are allowed", format!(r#""title": "{}", "fields": ["#, "x".repeat(257))),
        ("stand", r#""author": {"name": "a", "id": "{{first_line}}"}, "fields": ["#.to_owned()),
        ("no web address", r#""image": {"url": "{{first_line}}"}, "fields": ["#.to_owned()),
        ("never closed", r#""title": "`{{first_line}}", "fields": ["#.to_owned()),
    ];
    let rows = ("rows of components", "{{> part/buttons}}", format!(r#""components": [{{"type": 1, "components": [{buttons}]}}]"#));
    for (what, place, broken) in with_fields.map(|(what, broken)| (what, all_fields, broken)).into_iter().chain([rows]) {
        let (folder, templates) = with("card.hbs", |text| text.replacen(place, &broken, 1));
        let templates = templates.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(
            templates.check().iter().any(|wrong| wrong.starts_with("card: ") && wrong.contains(what)),
            "{what}: {:?}",
            templates.check()
        );
        if what == "fields in one embed" {
            let (code, said) = check(folder.path());
            assert!(code == Some(1) && said.contains(what), "{said}");
        }
        let shown = shown(templates);
        assert_eq!(shown.card(&there(Story::asked())), Shown::new(texts()).card(&there(Story::asked())), "{what}");
        assert!(shown.templates.take_troubles()[0].starts_with("override of card: "), "and operators are told");
    }
}

#[test]
fn a_template_without_a_button_is_refused() {
    let buttons = r#""components": [{{#if buttons}}{"type": 1, "components": [{{#each buttons}}{{#if (eq action "deny")}}{{else}}{{> part/button}}{{/if}}{{/each}}]},{{/if}}],"#;
    let (folder, templates) = with("card.hbs", |text| text.replace("{{> part/buttons}}", buttons));
    assert!(matches!(templates, Err(TemplateError::Action { action, .. }) if action == "deny"));
    let (code, said) = check(folder.path());
    assert!(code == Some(1) && said.contains("the button deny is missing"), "{said}");
}

#[test]
fn a_template_that_would_let_text_through_unescaped_is_refused() {
    for raw in ["{{{first_line}}}", "{{& first_line}}"] {
        let (_folder, templates) = with("card.hbs", |text| text.replace("**{{first_line}}**", raw));
        assert!(matches!(templates, Err(TemplateError::Raw { .. })), "{raw}");
    }
}

#[test]
fn whom_a_message_calls_is_not_for_a_template_to_say() {
    let own = r#""allowed_mentions": {"parse": ["everyone", "roles", "users"]}, "content": "@everyone "#;
    let (_folder, templates) = with("card.hbs", |text| text.replace("\"content\": \"", own));
    let sent = shown(templates.unwrap()).card(&there(Story::asked()));
    assert_eq!(sent["allowed_mentions"], json!({ "parse": [], "replied_user": false, "roles": [LEADS] }));
}

/// A card of the second version of components, as a team may want it.
const NEWER: &str = r###"{
  "flags": 32768,
  "thread": {"name": "{{id}}"},
  {{> part/mentions}}
  "components": [
    {"type": 17, "accent_color": 15844367, "components": [
      {"type": 10, "keep": true, "content": "## {{first_line}}{{> part/calls}}"},
      {"type": 14},
      {"type": 10, "content": "{{#if asked.reason}}{{asked.reason}}{{/if}}"},
      {"type": 10, "content": "{{#each outcome}}{{this}}\n{{/each}}"},
      {"type": 9, "components": [{"type": 10, "content": "-# {{id}}"}], "accessory": {"type": 2, "style": 5, "label": "Look", "url": "https://wiki.example.org/access"}},
      {{#if buttons}}{"type": 1, "components": [{{#each buttons}}{{> part/button}}{{/each}}]},{{/if}}
    ]}
  ]
}
"###;

#[test]
fn a_card_may_be_made_of_the_newer_components() {
    let (folder, templates) = with("card.hbs", card(NEWER));
    assert_eq!(check(folder.path()), (Some(0), check(folder.path()).1));
    let shown = shown(templates.unwrap());
    let sent = shown.card(&there(Story::asked()));
    assert_eq!((&sent["flags"], &sent["content"], &sent["embeds"]), (&json!(32768), &Value::Null, &Value::Null));
    let parts = sent["components"][0]["components"].as_array().unwrap();
    assert_eq!(parts.len(), 5, "what says nothing is left out: {sent:#}");
    assert_eq!(parts[0]["content"], format!("## Ana Reyes asks for write on prod\\-db \\(Orders database\\) for 1 h\n🔔 <@&{LEADS}>"));
    assert_eq!(sent["allowed_mentions"]["roles"], json!([LEADS]));
    assert_eq!(parts[4]["components"].as_array().unwrap().len(), 5, "all buttons: {sent:#}");
    shown.assert_no_trouble();
}

#[test]
fn the_newer_components_are_held_to_their_limits() {
    let many = r#"{"type": 10, "content": "x"},"#.repeat(41);
    for (what, broken) in [
        ("components, and 40", NEWER.replace("{\"type\": 14},", &many)),
        ("neither content nor embeds", NEWER.replace("\"flags\": 32768,", "\"flags\": 32768, \"content\": \"x\",")),
        ("needs the flag", NEWER.replace("\"flags\": 32768,", "")),
        (
            "4000",
            NEWER.replace(
                "{\"type\": 14},",
                &format!(r#"{{"type": 10, "content": "{0}"}}, {{"type": 10, "content": "{0}"}},"#, "x".repeat(2100)),
            ),
        ),
    ] {
        let (_folder, templates) = with("card.hbs", card(&broken));
        let wrong = templates.unwrap().check();
        assert!(wrong.iter().any(|wrong| wrong.starts_with("card: ") && wrong.contains(what)), "{what}: {wrong:?}");
    }
}

#[test]
fn an_override_that_makes_no_json_gives_way_to_ours() {
    let (folder, templates) = with("lines.hbs", |text| text.replace("\"content\": \"{{#each lines}}", "content: \"{{#each lines}}"));
    let (code, said) = check(folder.path());
    assert!(code == Some(1) && said.contains("no JSON"), "{said}");
    let shown = shown(templates.unwrap());
    assert_eq!(shown.reply(&there(Story::active())), Shown::new(texts()).reply(&there(Story::active())));
    assert!(shown.templates.take_troubles()[0].starts_with("override of lines: "));
}

#[test]
fn every_template_renders_its_worst_case() {
    let templates = Templates::load(None).unwrap();
    assert_eq!(templates.check(), Vec::<String>::new());
    assert!(templates.line(DISCORD, "x").body.contains("\"content\":\"x\""));
}
