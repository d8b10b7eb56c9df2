//! The house rules that a compiler does not check: which part may know which, and what no file may hold.

use std::{fs, path::Path};

fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn the_domain_knows_nothing_outside_itself() {
    for (path, text) in files("src/domain", "rs") {
        for word in ["crate::bot", "crate::store", "crate::chat", "crate::provider", "crate::worker", "sqlx", "tokio", "rand::", "async fn"]
        {
            assert!(!text.contains(word), "{path}: {word}");
        }
    }
}

#[test]
fn workers_know_the_traits_and_no_adapter() {
    for (path, text) in files("src/worker", "rs") {
        for word in ["provider::ssh", "provider::pretend", "provider::exec", "chat::console", "chat::render"] {
            assert!(!text.contains(word), "{path}: {word}");
        }
    }
}

#[test]
fn only_workers_change_a_provider() {
    for folder in ["src/bot", "src/chat", "src/store", "src/ledger"] {
        for (path, text) in files(folder, "rs") {
            for word in [".grant(", ".revoke(", ".extend(&order", ".credential("] {
                assert!(!text.contains(word), "{path}: {word}");
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is_for_and_waives_no_lint_silently() {
    for (path, text) in files("src", "rs").into_iter().chain(files("tests", "rs")) {
        assert!(text.starts_with("//!"), "{path}: no //! at the top");
        assert!(!text.contains(concat!("#[", "allow(")), "{path}: a lint is waived without a reason");
    }
}

#[test]
fn templates_escape_everything() {
    for (path, text) in files("templates", "hbs") {
        assert!(!text.contains("{{{") && !text.contains("{{&"), "{path}");
    }
}
