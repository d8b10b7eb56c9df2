//! What people are told to type in Discord is what Discord takes: a subcommand, and options that it has.

use std::{collections::BTreeMap, fs};

use hallpass::chat::discord;
use serde_json::Value;

/// Commands that are one line of administrators.
const OF_ADMINISTRATORS: [&str; 3] = ["settle", "unlink", "clock"];

/// The options of each subcommand, as they are registered.
fn registered() -> BTreeMap<String, Vec<String>> {
    let names = |all: &Value| -> Vec<Value> { all["options"].as_array().cloned().unwrap_or_default() };
    let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
    names(&discord::commands()[0]).iter().map(|sub| (name(sub), names(sub).iter().map(name).collect())).collect()
}

/// Each file in these folders whose name begins so, without the words before its first section.
fn files(folders: &[&str], begin: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for folder in folders {
        for file in fs::read_dir(format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_file() && name.starts_with(begin) {
                all.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(!all.is_empty());
    all
}

/// Words of a helper's call, in quotes or not.
fn words(call: &str) -> Vec<String> {
    let (mut words, mut quoted) = (Vec::new(), false);
    for piece in call.split('"') {
        if quoted {
            words.push(piece.to_owned());
        } else {
            words.extend(piece.split_whitespace().map(str::to_owned));
        }
        quoted = !quoted;
    }
    words
}

#[test]
fn every_command_in_a_template_has_the_options_that_discord_has() {
    let registered = registered();
    let mut calls = 0;
    for (file, text) in files(&["templates/console", "templates/discord"], "") {
        for call in text.split("{{jit ").skip(1) {
            let call = words(call.split_once("}}").unwrap().0);
            calls += 1;
            if OF_ADMINISTRATORS.contains(&call[0].as_str()) {
                continue;
            }
            let options = registered.get(&call[0]).unwrap_or_else(|| panic!("{file}: {call:?} is no subcommand"));
            for option in call.iter().skip(1).step_by(2).filter(|option| !option.is_empty()) {
                assert!(options.contains(option), "{file}: {option} is no option of {call:?}");
            }
        }
        let sections = text.split_once("{{!-- ==").map_or("", |(_, sections)| sections);
        // To be typed in the other chat.
        let sections = sections.replace("/jit link {{code}}", "");
        for typed in sections.split("/jit ").skip(1) {
            let begin = typed.lines().next().unwrap_or_default();
            assert!(is_prose(begin), "{file}: a command with pieces is written by the helper: /jit {begin}");
        }
    }
    assert!(calls > 60, "{calls}");
}

/// A command that is only named, with no piece after it.
fn is_prose(typed: &str) -> bool {
    let mut words = typed.split(' ');
    let name = words.next().unwrap_or_default();
    let name: String = name.chars().take_while(char::is_ascii_lowercase).collect();
    let next = words.next().unwrap_or_default();
    let begins_a_piece = next.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "{[@-".contains(c));
    registered().contains_key(&name) && !begins_a_piece
}

#[test]
fn every_command_that_people_read_in_discord_can_be_typed_there() {
    let registered = registered();
    let mut commands = 0;
    for (file, text) in files(&["tests/it/snapshots", "tests/it/discord/snapshots"], "it__discord") {
        for line in text.lines().filter(|line| !line.starts_with("## ") && !line.contains("in the other chat, as the account")) {
            // In a message's JSON the escapes of markdown stand too.
            let line = line.replace('\\', "");
            for typed in line.split("/jit ").skip(1) {
                commands += 1;
                let typed = typed.split(" · ").next().unwrap();
                let name: String = typed.chars().take_while(char::is_ascii_lowercase).collect();
                let options = registered.get(&name).unwrap_or_else(|| panic!("{file}: /jit {typed}"));
                let pieces = typed[name.len()..].trim_start().split(' ').map(|word| word.trim_start_matches('['));
                let named: Vec<&str> = pieces
                    .clone()
                    .filter_map(|piece| piece.split_once(':'))
                    .filter(|(_, text)| !text.is_empty())
                    .map(|(option, _)| option)
                    .collect();
                let own = |option: &&str| option.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !option.is_empty();
                assert!(
                    named.iter().filter(|option| own(option)).all(|option| options.iter().any(|own| own == option)),
                    "{file}: /jit {typed}"
                );
                let first = pieces.clone().next().unwrap_or_default();
                assert!(first.contains(':') || is_prose(typed), "{file}: a piece without its option: /jit {typed}");
            }
        }
    }
    assert!(commands > 60, "{commands}");
}
