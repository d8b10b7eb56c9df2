//! The worst that people can type, everywhere it is shown in Slack: within the limits, and nothing of it does anything. Templates
//! that a team changed are held to the same.

use std::{fs, path::Path, process::Command};

use hallpass::{
    chat::render::{TemplateError, Templates},
    domain::{
        command::Length,
        request::{Ask, Preview},
        time::Span,
        words::Texts,
    },
};
use serde_json::{Value, json};

use super::{
    House, Way,
    cards::{Shown, groups, there},
    rules, workspace,
};
use crate::{
    cards::{
        lines,
        poison::poisoned,
        sample::{Story, ask, texts},
    },
    fakes::slack::reading::{live_markup, text_of},
    world::START,
};

/// Markup, mentions, links, templates, JSON, directions, breaks, what the bot itself marks and seals values with; 4,000 characters.
fn hostile() -> String {
    let one = "{{id}} {{{x}}} <!channel> <!here> <@U0EVE> <#C0OPS> <!subteam^S0ONCALL> <https://evil.example|click> *b* _i_ ~s~ `c` \
               \\\" }],{ :tada: \u{1f600} \u{202e}gnp\u{200b}\u{1b}[31m\n> quote\n\u{e000}0000000000000007m1795528800000000\u{e002}noon\u{e001} \
               \u{e004}3c21\u{e005}\u{e003} @everyone https://evil.example ";
    one.chars().cycle().take(4_000).collect()
}

/// What people can press in a message, and the words that say what each line of it is.
fn works(message: &Value) -> Vec<Value> {
    let mut works = Vec::new();
    for block in message["blocks"].as_array().into_iter().flatten() {
        if block["type"] == "actions" {
            works.push(block.clone());
        }
        let lines = block["elements"].as_array().into_iter().flatten().filter_map(|line| line["elements"].as_array()).flatten();
        works.extend(lines.filter(|part| part["text"].as_str().is_some_and(|text| text.ends_with("  "))).cloned());
    }
    works
}

/// The times that Slack shows in each reader's own way.
fn times(value: &Value) -> Vec<i64> {
    match value {
        Value::Object(map) if map.get("type") == Some(&json!("date")) => vec![map["timestamp"].as_i64().unwrap()],
        Value::Object(map) => map.values().flat_map(times).collect(),
        Value::Array(all) => all.iter().flat_map(times).collect(),
        _ => Vec::new(),
    }
}

/// Does a piece of a mark stand there that nobody typed?
fn shows_a_mark(text: &str) -> bool {
    let number = |rest: &str| rest.chars().take_while(char::is_ascii_hexdigit).collect::<String>();
    text.split('\u{e000}').skip(1).map(number).any(|number| !"0000000000000007".starts_with(&number))
}

#[test]
fn the_worst_that_people_type_is_within_the_limits_and_does_nothing() {
    let worst: Texts = texts().into_keys().map(|id| (id, hostile())).collect();
    let (plain, in_worst) = (Shown::new(texts()), Shown::new(worst));
    let cards = groups().into_iter().flat_map(|(_, stories)| stories.into_iter().map(|(_, story)| story));
    let events = lines::all().into_iter().flat_map(|(_, stories)| stories.into_iter().map(there));
    for story in cards.chain(events) {
        let (said, bad) = (plain.all(&story), in_worst.all(&poisoned(story, &hostile())));
        assert_eq!(said.len(), bad.len());
        for (said, bad) in said.iter().zip(&bad) {
            assert_eq!(live_markup(said), live_markup(bad), "{bad:#}");
            assert_eq!(works(said), works(bad), "{bad:#}");
            let text = bad.to_string();
            assert!(!text.contains(['\u{202e}', '\u{200b}', '\u{1b}']), "{bad:#}");
            assert!(times(bad).iter().all(|time| times(said).contains(time)), "a time was forged: {bad:#}");
            assert!(!shows_a_mark(&text), "what marks are made with is nobody's to read: {bad:#}");
        }
    }
    plain.assert_no_trouble();
    in_worst.assert_no_trouble();
}

#[test]
fn a_cut_never_shows_half_of_a_time() {
    let shown = Shown::new(texts());
    for long in 150..310 {
        let ends = Length::Until(START + Span::from_minutes(60));
        let preview = Preview { gets: "g".repeat(long), ..Preview::default() };
        let card = shown.card(&there(Story::of(Ask { preview, ..ask("write", ends) })));
        assert!(!card.to_string().contains('\u{e000}'), "{long}: {card:#}");
    }
}

#[test]
fn what_was_cut_says_so() {
    let worst: Texts = texts().into_keys().map(|id| (id, hostile())).collect();
    let card = text_of(&Shown::new(worst).card(&there(Story::asked())));
    let why = card.lines().find(|line| line.starts_with("Why  ")).unwrap();
    assert!(why.contains("<!channel> <!here> <@U0EVE>") && why.contains('…') && why.chars().count() < 600, "{why}");
}

#[tokio::test]
async fn pages_and_answers_hold_the_worst_too() {
    let mut bad = rules();
    let short: String = hostile().chars().take(300).collect();
    for resource in bad.resources.values_mut() {
        resource.title.clone_from(&short);
        resource.roles.iter_mut().for_each(|role| role.title.clone_from(&short));
    }
    for person in bad.people.values_mut() {
        person.name.clone_from(&short);
    }
    let house = House::with(Way::Http, workspace().await, bad).await;
    house.opens("U0ANA").await;
    house.chooses("U0ANA", "resource", "prod-db").await;
    house.chooses("U0ANA", "role", "write").await;
    let reason: String = hostile().chars().filter(|c| !c.is_control()).take(900).collect();
    house.fills("U0ANA", &[("reason", &reason)]).await;
    for (user, action) in [("U0BEN", "deny"), ("U0BEN", "less"), ("U0BEN", "pass"), ("U0CLEO", "revoke")] {
        if action != "revoke" {
            house.press(user, action).await;
            drop(house.slack.close(user).await);
        }
    }
    let wrong: String = hostile().chars().take(200).collect();
    house.say("U0ANA", &format!("request {wrong}")).await;
    for line in ["mine", "resources", "explain prod-db write 1h", "help nonsense<!channel>"] {
        house.say("U0ANA", line).await;
    }
    house.say("U0BEN", "inbox").await;
    for user in ["U0ANA", "U0BEN"] {
        assert!(house.slack.open_home(user).await.is_ok());
        house.settle().await;
        assert_eq!(live_markup(&house.slack.home(user).unwrap()), Vec::<String>::new());
    }
    house.press("U0BEN", "approve").await;
    house.press("U0ANA", "return").await;
    let heard = [house.slack.ephemerals("U0ANA"), house.slack.ephemerals("U0BEN"), house.slack.directs("U0ANA")].concat();
    for message in heard {
        assert_eq!(live_markup(&message), Vec::<String>::new(), "{message:#}");
    }
    for call in house.calls() {
        assert!(["user U0ANA", "usergroup S0LEADS"].contains(&call.as_str()), "{call}");
    }
    house.assert_nothing_refused();
}

/// A folder with a changed file of Slack's templates, and what loading it comes to.
fn with(file: &str, change: impl FnOnce(String) -> String) -> (tempfile::TempDir, Result<Templates, TemplateError>) {
    let folder = tempfile::tempdir().unwrap();
    let ours = fs::read_to_string(format!("{}/templates/slack/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let changed = change(ours.clone());
    assert_ne!(ours, changed, "nothing was changed");
    fs::create_dir_all(folder.path().join("words/slack")).unwrap();
    fs::write(folder.path().join("words/slack").join(file), changed).unwrap();
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

const FIRST: &str = r#"{"type": "rich_text", "elements": [
      {"type": "rich_text_section", "elements": [{"type": "text", "text": "{{first_line}}", "style": {"bold": true}}]},"#;

#[test]
fn a_template_that_puts_words_where_slack_reads_markup_is_refused_and_ours_is_sent_instead() {
    let markup = r#"{"type": "section", "text": {"type": "mrkdwn", "text": "*{{first_line}}*"}},"#;
    let (folder, templates) = with("card.hbs", |text| text.replace(FIRST, &format!("{markup}\n{FIRST}")));
    let templates = templates.unwrap();
    assert!(templates.check().iter().any(|wrong| wrong.starts_with("card: ") && wrong.contains("markup")), "{:?}", templates.check());
    let (code, said) = check(folder.path());
    assert!(code == Some(1) && said.contains("use plain_text or rich_text"), "{said}");
    let shown = Shown { templates, texts: texts() };
    assert_eq!(shown.card(&there(Story::asked())), Shown::new(texts()).card(&there(Story::asked())));
    assert!(shown.templates.take_troubles()[0].starts_with("override of card: "), "and operators are told");
}

#[test]
fn a_template_that_makes_no_json_is_refused_and_ours_is_sent_instead() {
    let (folder, templates) = with("lines.hbs", |text| text.replace("\"text\": \"{{first}}\",", "text: {{first}},"));
    let templates = templates.unwrap();
    let (code, said) = check(folder.path());
    assert!(code == Some(1) && said.contains("no JSON"), "{said}");
    let shown = Shown { templates, texts: texts() };
    assert_eq!(shown.reply(&there(Story::active())), Shown::new(texts()).reply(&there(Story::active())));
    assert!(shown.templates.take_troubles()[0].starts_with("override of lines: "));
}

#[test]
fn a_template_without_a_button_is_refused() {
    let buttons = r#"{{#if buttons}}{"type": "actions", "elements": [{{#each buttons}}{{#if (eq action "approve")}}{{else}}{{> part/button}}{{/if}}{{/each}}]},{{/if}}"#;
    let (folder, templates) = with("card.hbs", |text| text.replace("{{> part/buttons}}", buttons));
    assert!(matches!(templates, Err(TemplateError::Action { action, .. }) if action == "approve"));
    let (code, said) = check(folder.path());
    assert!(code == Some(1) && said.contains("the button approve is missing"), "{said}");
}

#[test]
fn a_template_in_other_words_is_used() {
    let (folder, templates) = with("card.hbs", |text| text.replace("\"Why  \"", "\"Reason  \""));
    assert_eq!(check(folder.path()).0, Some(0));
    let shown = Shown { templates: templates.unwrap(), texts: texts() };
    assert!(text_of(&shown.card(&there(Story::asked()))).contains("Reason  “Unblock the stuck import”"));
    shown.assert_no_trouble();
}
