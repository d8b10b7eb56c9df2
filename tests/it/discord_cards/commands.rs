//! What people are told to type in Discord is what Discord takes: a subcommand, and options that it has.

use std::{collections::BTreeMap, fs};

use hallpass::chat::discord;
use serde_json::Value;

fn options(of: &Value) -> Vec<Value> {
    of["options"].as_array().cloned().unwrap_or_default()
}

fn name(one: &Value) -> String {
    one["name"].as_str().unwrap().to_owned()
}

/// The options of each subcommand, as they are registered, and the group that it stands in.
fn grouped() -> BTreeMap<String, (Option<String>, Vec<String>)> {
    let of = |sub: &Value| options(sub).iter().map(name).collect::<Vec<_>>();
    let mut all = BTreeMap::new();
    for one in options(&discord::commands()[0]) {
        if one["type"] == 2 {
            all.extend(options(&one).iter().map(|sub| (name(sub), (Some(name(&one)), of(sub)))));
        } else {
            all.insert(name(&one), (None, of(&one)));
        }
    }
    all
}

fn registered() -> BTreeMap<String, Vec<String>> {
    grouped().into_iter().map(|(name, (_, options))| (name, options)).collect()
}

/// What stands behind `/jit`, without its group; nothing where it stands in another one, or is to stand in one and does not.
fn behind_its_group(typed: &str) -> Option<&str> {
    let word = |text: &str| text.chars().take_while(char::is_ascii_lowercase).collect::<String>();
    let (first, groups) = (word(typed), grouped());
    if let Some((group, _)) = groups.get(&first) {
        return group.is_none().then_some(typed);
    }
    let inside = typed[first.len()..].trim_start();
    (groups.get(&word(inside))?.0.as_deref() == Some(first.as_str())).then_some(inside)
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
                let typed = behind_its_group(typed).unwrap_or_else(|| panic!("{file}: /jit {typed}"));
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
