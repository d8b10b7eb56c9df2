//! The house rules that a compiler does not check: which part may know which, and what no file may hold. Every exception
//! stands here, with its reason; there are no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What each part may name of the others. `domain <- store <- bot <- { chat, worker, ledger } <- cli`.
/// Every part may name `faults`: points at which the crash matrix ends the process. They are empty in a release.
const MAY_KNOW: [(&str, &[&str]); 12] = [
    ("faults", &["domain", "clock"]),
    ("domain", &[]),
    ("secret", &[]),
    ("clock", &["domain"]),
    ("store", &["domain"]),
    ("provider", &["domain", "clock", "secret"]),
    ("bot", &["domain", "store", "clock"]),
    ("ledger", &["domain", "store"]),
    ("chat", &["domain", "store", "bot", "clock"]),
    ("worker", &["domain", "store", "bot", "clock"]),
    ("config", &["domain", "secret"]),
    ("cli", &["domain", "store", "provider", "bot", "ledger", "chat", "worker", "config", "clock", "secret"]),
];

/// A file (or a folder), what it names beyond that, and why.
const EXCEPTIONS: [(&str, &[&str], &str); 7] = [
    ("src/bot/mod.rs", &["provider::Provider"], "an order is resolved by its adapter when it is asked; only that verb is called"),
    (
        "src/bot/around.rs",
        &["provider::Description", "provider::Sessions"],
        "plain data: what an adapter is for one target, and what becomes of open sessions at the end, for the card",
    ),
    ("src/chat/view/held.rs", &["provider::Sessions"], "the same, in words"),
    (
        "src/chat/show.rs",
        &["worker::Digested", "worker::Scene", "worker::Shows", "worker::Telling"],
        "implements the trait that the worker declares for what it wants shown",
    ),
    (
        "src/worker/",
        &["chat::Chat", "chat::ChatFault", "chat::Message", "chat::Once", "chat::Posted", "chat::Sending"],
        "the trait of a chat, and what passes through it",
    ),
    (
        "src/worker/",
        &[
            "provider::Description",
            "provider::Fault",
            "provider::FaultKind",
            "provider::Holder",
            "provider::Provider",
            "provider::Seen",
            "provider::Sighting",
            "provider::Step",
        ],
        "the trait of an adapter, and what passes through it",
    ),
    ("src/config/", &["provider::build"], "which kinds of adapter there are, and which settings each takes"),
];

/// Files that are longer than the cap, with their longest length and why they are.
const LONG: [(&str, usize, &str); 2] = [
    ("tests/it/store_suite.rs", 660, "one suite for both databases, in one list"),
    ("tests/it/checker/tests.rs", 470, "each planted fault beside the rule that finds it"),
];

/// Lines that a file may have.
const CAP: usize = 400;

/// Who looks at the machine's clock besides `clock.rs`: to measure how long something took, never to know what time it is.
const STOPWATCHES: [(&str, &str); 14] = [
    ("src/chat/discord/asked.rs", "how long a question about somebody waits for its turn"),
    ("src/provider/postgresql/link.rs", "until when a server may answer"),
    ("src/provider/postgresql/cut.rs", "how long sessions may take to end"),
    ("src/provider/postgresql/starting.rs", "how long sessions may take to begin"),
    ("src/provider/exec/process.rs", "until when a program may run"),
    ("src/provider/exec/keeper.rs", "the same, in the process that sees to it"),
    ("src/worker/chat/mod.rs", "a pause between two looks at chats that have nothing more due"),
    ("src/cli/demo/play/checks.rs", "a step of the scenario that takes too long is an error"),
    ("src/worker/lifeline.rs", "a slow read of what ends soon is made more rarely"),
    ("src/worker/entitlements/window.rs", "a pause between two looks at a provider that has nothing more due"),
    ("src/cli/adapter/core.rs", "says how long an adapter took"),
    ("tests/it/fakes/discord/deliver.rs", "how long an answer took, which Discord limits"),
    ("tests/it/fakes/slack/deliver.rs", "how long an answer took, which Slack limits"),
    ("tests/it/slack/sockets.rs", "that connections are not asked for in a hurry"),
];

/// Tests that wait for another process; each looks again until it is so, with a limit.
const WAITING: [(&str, &str); 11] = [
    ("tests/it/running", "the real binary, started, stopped and killed"),
    ("tests/it/own_alarms.rs", "workers on threads of their own, one of which dies"),
    ("tests/it/outage/postgres.rs", "a PostgreSQL of its own that is stopped and started"),
    ("tests/it/providers/postgresql", "what a real PostgreSQL does by itself"),
    ("tests/it/postgresql/client.rs", "what a real PostgreSQL does by itself"),
    ("tests/it/fakes/proxy.rs", "answers that are slow"),
    ("tests/it/crash", "the real binary, in processes of its own"),
    ("tests/it/discord_program.rs", "the real binary, in processes of its own"),
    ("tests/it/slack/program.rs", "the real binary, in processes of its own"),
    ("tests/it/slack/sockets.rs", "sockets that are opened again after pauses of the machine's clock"),
    ("tests/it/slack_sdk.rs", "Slack's own SDK, in a process of its own"),
];

fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Every `part::name` that a file reaches through `crate::`, with the braces of its `use` lines opened.
fn names(text: &str) -> BTreeSet<String> {
    let text = without_comments(text);
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        open(&text[at + "crate::".len()..], "", &mut found);
    }
    found
}

/// Reads one path, or the braces of several, and says how much of the text it was. Two levels are enough.
fn open(text: &str, before: &str, found: &mut BTreeSet<String>) -> usize {
    if !text.starts_with('{') {
        let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let path = if before.is_empty() { word.clone() } else { format!("{before}::{word}") };
        let rest = &text[word.len()..];
        if before.is_empty() && rest.starts_with("::") {
            return word.len() + 2 + open(&rest[2..], &word, found);
        }
        found.insert(path);
        // What lies deeper belongs to the name that was found.
        return word.len() + rest.strip_prefix("::").map_or(0, |rest| 2 + open(rest, "\u{0}", &mut BTreeSet::new()));
    }
    let mut at = 1;
    loop {
        at += text[at..].len() - text[at..].trim_start_matches(|c: char| c == ',' || c.is_whitespace()).len();
        if text[at..].starts_with('}') {
            return at + 1;
        }
        let step = open(&text[at..], before, found);
        assert!(step > 0, "cannot read {}", &text[at..text.len().min(at + 40)]);
        at += step;
        // `as` and what it names.
        at += text[at..].find([',', '}']).unwrap_or(0);
    }
}

fn part_of(path: &str) -> &str {
    path.trim_start_matches("src/").split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

#[test]
fn arrows_point_one_way() {
    let may_know: BTreeMap<_, _> = MAY_KNOW.into_iter().collect();
    let mut used = BTreeSet::new();
    for (path, text) in files("src", "rs") {
        let part = part_of(&path);
        if matches!(part, "lib" | "main") {
            continue;
        }
        let known = may_know.get(part).unwrap_or_else(|| panic!("{path} belongs to no part: say in MAY_KNOW what it may know"));
        for name in names(&text) {
            let other = name.split("::").next().unwrap_or_default();
            if other == part || known.contains(&other) || (other == "faults" && part != "domain") {
                continue;
            }
            let exception = EXCEPTIONS.iter().position(|(place, names, _)| path.starts_with(place) && names.contains(&name.as_str()));
            used.insert(exception.unwrap_or_else(|| panic!("{path} names {name}, against the arrows of ARCHITECTURE.md")));
        }
    }
    for (index, (place, ..)) in EXCEPTIONS.iter().enumerate() {
        assert!(used.contains(&index), "nothing needs the exception of {place} any more: take it out");
    }
}

#[test]
fn the_reader_of_arrows_opens_braces() {
    let text = "use crate::{\n    bot::{Answer, Bot},\n    clock::Clock as _, // crate::chat::Chat\n    domain::{facts::{Facts, Groups}, time::Instant},\n};\nfn x() { crate::store::Store::open() }";
    let found: Vec<String> = names(text).into_iter().collect();
    assert_eq!(found, ["bot::Answer", "bot::Bot", "clock::Clock", "domain::facts", "domain::time", "store::Store"]);
}

#[test]
fn the_domain_knows_no_outside() {
    for (path, text) in files("src/domain", "rs") {
        for word in ["sqlx", "tokio", "rand::", "async fn", "std::fs", "std::net", "std::env", "std::process", "tracing::"] {
            assert!(!without_comments(&text).contains(word), "{path}: {word}");
        }
    }
}

#[test]
fn only_the_clock_reads_a_clock() {
    for (path, text) in files("src", "rs").into_iter().chain(files("tests", "rs")) {
        if path == "src/clock.rs" || path == "tests/it/tidy.rs" || STOPWATCHES.iter().any(|(place, _)| *place == path) {
            continue;
        }
        let waits = WAITING.iter().any(|(place, _)| path.starts_with(place));
        for word in ["Instant::now(", "SystemTime::now(", "Utc::now(", "Local::now("] {
            assert!(waits || !without_comments(&text).contains(word), "{path}: {word}");
        }
    }
}

#[test]
fn only_workers_change_a_provider() {
    for folder in ["src/bot", "src/chat", "src/store", "src/ledger", "src/config"] {
        for (path, text) in files(folder, "rs") {
            for word in [".grant(", ".revoke(", ".extend(&order", ".credential("] {
                assert!(!text.contains(word), "{path}: {word}");
            }
        }
    }
}

#[test]
fn only_chats_and_workers_speak_to_a_chat() {
    for folder in ["src/bot", "src/store", "src/ledger", "src/domain", "src/config"] {
        for (path, text) in files(folder, "rs") {
            for word in ["dyn Chat", ".direct(", ".reply("] {
                assert!(!without_comments(&text).contains(word), "{path}: {word}");
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is_for_is_short_and_waives_no_lint_silently() {
    let all = ["src", "tests", "benches"].into_iter().filter(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).is_dir());
    for (path, text) in all.flat_map(|folder| files(folder, "rs")) {
        assert!(text.starts_with("//!"), "{path}: no //! at the top");
        assert!(!text.contains(concat!("#[", "allow(")), "{path}: a lint is waived without a reason");
        let cap = LONG.iter().find(|(place, ..)| *place == path).map_or(CAP, |(_, cap, _)| *cap);
        let lines = text.lines().count();
        assert!(lines <= cap, "{path}: {lines} lines, at most {cap}: one idea is a file");
    }
}

#[test]
fn tests_do_not_sleep() {
    for (path, text) in files("tests", "rs") {
        if path == "tests/it/tidy.rs" || WAITING.iter().any(|(place, _)| path.starts_with(place)) {
            continue;
        }
        for word in ["thread::sleep", "time::sleep"] {
            assert!(!without_comments(&text).contains(word), "{path}: {word}");
        }
    }
}

#[test]
fn templates_escape_everything() {
    for (path, text) in files("templates", "hbs") {
        assert!(!text.contains("{{{") && !text.contains("{{&"), "{path}");
    }
}
