//! What a message tells operators to run is there.

use std::path::Path;

use clap::CommandFactory as _;

/// The words behind each `hallpass` that is told: a verb, and what may belong to it.
fn told(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let word = |rest: &str| rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len());
    text.split("hallpass ").skip(1).filter_map(move |rest| {
        let (verb, after) = rest.split_at(word(rest));
        let after = after.strip_prefix(' ').unwrap_or_default();
        let second = after.split_at(word(after)).0;
        (!verb.is_empty()).then_some((verb, Some(second).filter(|second| !second.is_empty())))
    })
}

fn templates() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    files.map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn every_command_of_hallpass_that_a_message_names_is_one() {
    let command = hallpass::cli::Command::command();
    let mut texts = templates();
    assert!(texts.len() > 20, "{}", texts.len());
    // What an alarm says is written there; of other words only those that are marked as a command.
    let watch = include_str!("../../../src/cli/run/watch.rs");
    texts.extend(watch.split("`hallpass ").skip(1).filter_map(|rest| Some(format!("hallpass {}", rest.split('`').next()?))));
    let mut count = 0;
    for (verb, second) in texts.iter().flat_map(|text| told(text)) {
        let found = command.find_subcommand(verb).unwrap_or_else(|| panic!("hallpass {verb}: there is none"));
        if found.has_subcommands() {
            let second = second.unwrap_or_else(|| panic!("hallpass {verb}: and what?"));
            assert!(found.find_subcommand(second).is_some(), "hallpass {verb} {second}: there is none");
        }
        count += 1;
    }
    assert!(count >= 4, "{count} are named");
}
