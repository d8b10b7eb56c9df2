//! Bad input at every door: a clear answer, nothing opened that should not be, nothing lost, and what is kept is kept
//! unchanged and shown inert.

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};

use hallpass::{
    bot::{Body, Incoming},
    clock::SystemClock,
    domain::{entitlement::Order, policy::Platform, words},
    provider::{FaultKind, Seen, build::build},
    store::Filter,
};

use crate::{outage::is_sound, world::World};

const MARKUP: &str = "a: *b* `c` <@U1> <!channel> @everyone {{reason}} {{{x}}} {{&y}} %s ' ; DROP TABLE requests; -- \\u0000 </b>";

/// Texts that some program somewhere has choked on, by name.
fn hostile() -> Vec<(&'static str, String)> {
    vec![
        ("empty", String::new()),
        ("blanks", " \t \n ".into()),
        ("1 MiB", "x".repeat(1 << 20)),
        ("1 MiB of wide letters", "\u{1f600}".repeat(1 << 18)),
        ("NUL", "a\0b".into()),
        ("right-to-left", "abc \u{202e}gnp.exe\u{202c} def".into()),
        ("zero-width", "a\u{200b}b\u{feff}c\u{2060}d".into()),
        ("templates and markup", MARKUP.into()),
        ("ANSI", "\u{1b}[31mred\u{1b}]0;title\u{7}".into()),
        ("marks", format!("e{}", "\u{301}".repeat(10_000))),
        ("fewer marks", format!("e{}", "\u{301}".repeat(900))),
        ("newlines", format!("first{}last", "\n".repeat(900))),
        ("quotes", "say \"yes\", 'no' and «perhaps» “twice”; it's".into()),
        ("options", "--at --for --ticket — –x --".into()),
        ("tags", "a\u{e0041}\u{e0042}b\u{ad}c".into()),
    ]
}

/// Neither moves the cursor, nor the reading direction, nor hides anything; and is no page.
fn is_inert(text: &str, of: &str) {
    let hidden = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    assert!(!text.contains(hidden), "{of}: {text:?}");
    assert!(!text.trim().is_empty() && text.len() < 8_000, "{of}: {} bytes", text.len());
}

async fn opened(world: &World) -> usize {
    world.store.requests(&Filter { limit: 1_000, ..Filter::default() }).await.unwrap().len()
}

#[tokio::test]
async fn a_reason_is_kept_unchanged_and_shown_inert_or_refused() {
    let mut answers = Vec::new();
    for (name, text) in hostile() {
        let world = World::new().await;
        let said = world.say("ana", &format!("/jit request prod-db write 1h {text}")).await;
        is_inert(&said, name);
        if opened(&world).await == 0 {
            answers.push(format!("{name}: {said}"));
            continue;
        }
        let id = world.newest().await;
        let request = world.state(&id).await;
        let kept = world.store.texts(&words::of(&request)).await.unwrap();
        assert_eq!(kept.into_values().collect::<Vec<_>>(), [text.trim().to_owned()], "{name}");
        world.press("ben", "approve", &id, Some(text.trim())).await;
        assert!(world.holds("ana", "write"), "{name}");
        world.press("ana", "return", &id, None).await;
        for shown in
            [world.console.channel("#db-approvers"), world.console.directs("ana"), world.say("ana", &format!("/jit show {id}")).await]
        {
            is_inert(&shown, name);
        }
        let request = world.state(&id).await;
        let kept = world.store.texts(&words::of(&request)).await.unwrap();
        assert_eq!(kept.len(), 2, "{name}: the reason and the comment, through the whole life");
        assert!(kept.into_values().all(|kept| kept == text.trim()), "{name}");
        is_sound(&world).await;
    }
    insta::assert_snapshot!(answers.join("\n"));
}

#[tokio::test]
async fn every_other_place_of_a_line_answers_and_opens_nothing() {
    let world = World::new().await;
    for (name, text) in hostile().into_iter().filter(|(name, _)| !matches!(*name, "empty" | "blanks")) {
        let lines = [
            text.clone(),
            format!("/jit {text}"),
            format!("/jit request {text} write 1h Unblock it"),
            format!("/jit request prod-db {text} 1h Unblock it"),
            format!("/jit request prod-db write 1h --ticket {text} Unblock it"),
            format!("/jit request prod-db write 1h --for {text} Unblock it"),
            format!("/jit request prod-db write 1h --at {text} Unblock it"),
            format!("/jit show {text}"),
            format!("/jit who {text}"),
            format!("/jit revoke @{text} because"),
            format!("/jit explain @{text} prod-db"),
            format!("/jit extend {text}"),
            format!("/jit key {text}"),
            format!("/jit help {text}"),
        ];
        for line in lines {
            is_inert(&world.say("ana", &line).await, name);
        }
        assert_eq!(opened(&world).await, 0, "{name}");
    }
    is_sound(&world).await;
}

#[tokio::test]
async fn every_field_of_a_press_answers_and_decides_nothing() {
    let world = World::new().await;
    world.say("ana", "/jit request prod-db write 1h Unblock the stuck import").await;
    let id = world.newest().await;
    for (name, text) in hostile() {
        for action in [text.clone(), format!("approve:{text}"), format!("less:{text}"), format!("pass:{text}"), format!("extend:{text}")] {
            if !action.starts_with("approve") {
                is_inert(&world.press("ben", &action, &id, None).await, name);
            }
            is_inert(&world.press("cleo", &action, &id, None).await, name);
        }
        is_inert(&world.press("ben", "approve", &text, None).await, name);
        is_inert(&world.press("ben", "less", &id, Some(&text)).await, name);
        is_inert(&world.press("ben", "pass", &id, Some(&text)).await, name);
        is_inert(&world.press(&text, "approve", &id, Some(&text)).await, name);
        is_inert(&world.say(&text, "/jit mine").await, name);
        assert_eq!(world.state(&id).await.n, 1, "{name}");
    }
    let (long, nul) = ("x".repeat(1_001), "a\0b");
    for words in [long.as_str(), nul] {
        let said = world.press("ben", "deny", &id, Some(words)).await;
        assert!(said.contains("cannot be taken"), "{said}");
        assert_eq!(world.state(&id).await.n, 1);
    }
    let inbox = world.store.inbox_open(10).await.unwrap();
    assert!(inbox.is_empty(), "every command was handled");
    is_sound(&world).await;
}

#[tokio::test]
async fn a_redelivery_with_an_odd_id_is_still_done_once() {
    let world = World::new().await;
    for interaction in ["a\0b".to_owned(), "x".repeat(1 << 20), "\u{202e}".into()] {
        let body = Body::Line { text: "/jit mine".into() };
        let incoming = Incoming { platform: Platform::Console, user: "ana".into(), interaction, body };
        assert!(world.bot.take(&incoming).await.unwrap().is_some());
        assert!(world.bot.take(&incoming).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn names_and_titles_of_the_catalogue_are_shown_inert() {
    for (name, text) in hostile().into_iter().filter(|(name, _)| !name.starts_with("1 MiB") && *name != "marks") {
        let world = World::new().await;
        let mut catalogue = crate::world::catalogue();
        catalogue.resources.get_mut(&"prod-db".parse().unwrap()).unwrap().title = text.clone();
        catalogue.people.get_mut(&"ana".parse().unwrap()).unwrap().name = text.clone();
        world.bot.reload(catalogue, (*world.bot.providers()).clone()).await.unwrap();
        world.say("ana", "/jit request prod-db write 1h Unblock the stuck import").await;
        let id = world.newest().await;
        world.press("ben", "approve", &id, None).await;
        is_inert(&world.console.channel("#db-approvers"), name);
        is_inert(&world.say("ben", "/jit resources").await, name);
        is_inert(&world.say("ben", "/jit who prod-db").await, name);
    }
}

#[tokio::test]
async fn an_adapter_that_does_not_write_utf_8_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("adapter");
    let describe = r#"{"protocols":["hallpass-adapter/1"],"name":"odd","version":"1","ownership":"per_grant","sessions":"next_request","deadline_s":5,"ops":["observe","grant","revoke"]}"#;
    let text = format!(
        "#!/bin/sh\ncase $(cat) in *describe*) echo '{describe}';; *) printf '{{\"status\":\"absent\",\"message\":\"\\377\\376\"}}';; esac\n"
    );
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let settings = format!("program = '{}'", program.display());
    let provider = build("exec", &settings.parse().unwrap(), Arc::new(SystemClock)).await.unwrap();
    let order = Order {
        provider: "odd".parse().unwrap(),
        target: serde_json::json!({}),
        principal: "ana".into(),
        person: "ana".parse().unwrap(),
        inputs: std::collections::BTreeMap::new(),
        grant: "G-1".into(),
        by_hand: String::new(),
    };
    assert!(matches!(provider.observe(&order, None).await.unwrap(), Seen::Unknown { .. }));
    assert_eq!(provider.revoke(&order, None, std::time::Duration::from_mins(1)).await.unwrap_err().kind, FaultKind::Ambiguous);
}
