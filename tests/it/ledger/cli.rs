//! The command line beside a running bot: it needs no lock, no private key, and writes nothing.

use std::{path::Path, process::Command};

use super::{ORIGIN, Story};
use crate::store_suite::file;

fn hallpass(folder: &Path, arguments: &[&str]) -> (bool, String, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_hallpass")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ran.status.success(), text(&ran.stdout), text(&ran.stderr))
}

/// A story and what `hallpass` says of it, from another process.
async fn beside_a_running_bot(folder: &tempfile::TempDir) -> (Story, impl Fn(&[&str]) -> String) {
    let story = Story::told(&file(folder)).await;
    let (url, path) = (story.url.clone(), folder.path().to_owned());
    let run = move |arguments: &[&str]| {
        let (ok, out, error) = hallpass(&path, &[arguments, &["--store", &url]].concat());
        assert!(ok, "{arguments:?}: {error}");
        out
    };
    (story, run)
}

#[tokio::test]
async fn the_ledger_is_listed_beside_a_running_bot() {
    let folder = tempfile::tempdir().unwrap();
    let (story, run) = beside_a_running_bot(&folder).await;
    let all = run(&["ledger", "list"]);
    insta::assert_snapshot!(story.plain(&all), @r#"
2026-11-24 14:00:00Z  R-ANA                   0  asked: write on prod-db for 1 h  · ana through console as ana
2026-11-24 14:00:00Z  R-ANA                   1  approved by ben in stage 1  · ben through console as ben
2026-11-24 14:00:00Z  R-ANA                   2  granting: write on prod-db for 1 h, undone if it does not work by 2026-11-24 14:15:00Z  · ben through console as ben
2026-11-24 14:00:00Z  entitlement/2de9176fe301   0  answer to observe: absent  · the bot
2026-11-24 14:00:00Z  entitlement/2de9176fe301   1  intent: grant at pretended, {"name":"write"} for ana, answer due 2026-11-24 14:00:10Z  · the bot
2026-11-24 14:00:00Z  entitlement/2de9176fe301   2  outcome of grant: ok after 1 tries  · the bot
2026-11-24 14:00:00Z  entitlement/2de9176fe301   3  answer to observe: present  · the bot
2026-11-24 14:00:00Z  R-ANA                   3  working since 2026-11-24 14:00:00Z until 2026-11-24 15:00:00Z  · the bot
2026-11-24 15:00:00Z  R-ANA                   4  revoking: its time is over  · the bot
2026-11-24 15:00:00Z  entitlement/2de9176fe301   4  intent: revoke at pretended, {"name":"write"} for ana, answer due 2026-11-24 15:00:10Z  · the bot
2026-11-24 15:00:00Z  entitlement/2de9176fe301   5  answer to revoke: connection refused  · the bot
2026-11-24 15:00:29Z  R-ANA                   5  alarm_raised: still_open  · the bot
2026-11-24 15:01:29Z  entitlement/2de9176fe301   6  outcome of revoke: ok after 3 tries  · the bot
2026-11-24 15:01:29Z  entitlement/2de9176fe301   7  answer to observe: absent  · the bot
2026-11-24 15:01:29Z  R-ANA                   6  alarm_cleared: still_open  · the bot
2026-11-24 15:01:29Z  R-ANA                   7  gone: read back, nothing is left  · the bot
2026-11-24 15:02:29Z  R-FINN                   0  asked: write on prod-db for 1 h  · finn through console as finn
2026-11-24 15:02:29Z  R-FINN                   1  denied by ben  · ben through console as ben
"#);
    let lines = |arguments: &[&str]| run(&[&["ledger", "list"], arguments].concat()).lines().map(str::to_owned).collect::<Vec<_>>();
    let finn = lines(&["--person", "finn"]);
    assert!(finn.len() == 2 && finn.iter().all(|line| line.contains(&story.ids[1])), "{finn:?}");
    let ana = lines(&["--person", "ana"]);
    assert_eq!(ana.len() + finn.len(), all.lines().count(), "everything else happened for ana: {ana:?}");
    assert_eq!(lines(&["--resource", "prod-db"]).len(), all.lines().count());
    assert_eq!(lines(&["--resource", "bastion"]).len(), 0);
    assert_eq!(lines(&["--kind", "approved,denied"]).len(), 2);
    assert_eq!(lines(&["--until", "2026-11-24 15:00:00"]).len() + lines(&["--since", "2026-11-24T15:00:00Z"]).len(), all.lines().count());
    assert_eq!(lines(&["--limit", "3"]), all.lines().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>());
    let stored = story.world.store.all_entries(0, 1_000).await.unwrap();
    let json: Vec<String> = stored.iter().map(|entry| String::from_utf8(entry.bytes.clone()).unwrap()).collect();
    assert_eq!(lines(&["--json"]), json);
}

#[tokio::test]
async fn a_request_is_shown_however_its_id_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    let (story, run) = beside_a_running_bot(&folder).await;
    let id = &story.ids[1];
    let shown = run(&["ledger", "show", id]);
    insta::assert_snapshot!(story.plain(&shown), @r#"
2026-11-24 15:02:29Z  R-FINN                   0  asked: write on prod-db for 1 h  · finn through console as finn
    "Unblock the stuck import"
2026-11-24 15:02:29Z  R-FINN                   1  denied by ben  · ben through console as ben
    "use the read replica"
"#);
    for typed in [id.to_lowercase(), id[2..].to_lowercase(), format!("request/{id}")] {
        assert_eq!(run(&["ledger", "show", &typed]), shown);
    }
    // Everything that `list` prints as a place is taken.
    for place in run(&["ledger", "list"]).lines().filter_map(|line| line.split_whitespace().nth(2)) {
        assert!(run(&["ledger", "show", place]).contains(place), "{place}");
    }
    let (ok, _, error) = hallpass(folder.path(), &["ledger", "show", "R-7K3QD9", "--store", &story.url]);
    assert!(!ok && error.contains("there is no R-7K3QD9"), "{error}");
}

#[tokio::test]
async fn an_auditor_verifies_with_the_verifier_key_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (story, run) = beside_a_running_bot(&folder).await;
    let key_file = story.key_file().display().to_string();
    let (ok, key, error) = hallpass(folder.path(), &["ledger", "key", "--key", &key_file, "--origin", ORIGIN]);
    assert!(ok && key.starts_with("example.com/ledger+"), "{error}");
    let size = story.world.store.sealed().await.unwrap().0;
    let said = run(&["audit", "verify", "--key", key.trim()]);
    assert!(said.contains(&format!("{size} entries: {size} sealed, 0 waiting for their seal; {size} signed")), "{said}");
    assert!(said.contains("verified: nothing was changed") && said.contains(key.trim()), "{said}");
    assert!(said.contains("no mark of the key was looked at"), "{said}");
    std::fs::write(folder.path().join("auditor.key"), &key).unwrap();
    assert_eq!(run(&["audit", "verify", "--key", "auditor.key"]), said);
    let marked = run(&["audit", "verify", "--key", &key_file, "--origin", ORIGIN]);
    assert!(marked.contains(&format!("the mark beside the key says that {size} entries were signed")), "{marked}");
    let wrong = key.trim().replace("example", "elsewhere");
    let (ok, _, error) = hallpass(folder.path(), &["audit", "verify", "--store", &story.url, "--key", &wrong]);
    assert!(!ok && error.contains("its parts do not belong together"), "{error}");
}

#[tokio::test]
async fn the_configuration_names_store_key_and_origin() {
    let folder = tempfile::tempdir().unwrap();
    let story = Story::told(&file(&folder)).await;
    let config = format!(
        "[store]\nurl = \"{}\"\n[ledger]\norigin = \"{ORIGIN}\"\nkey_file = \"{}\"\n[people.ana]\nname = \"Ana\"\n",
        story.url,
        story.key_file().display()
    );
    std::fs::write(folder.path().join("bot.toml"), config).unwrap();
    let (ok, said, error) = hallpass(folder.path(), &["audit", "verify"]);
    assert!(ok && said.contains("verified") && said.contains("the mark beside the key says"), "{said}{error}");
    let (_, key, _) = hallpass(folder.path(), &["ledger", "key", "--config", "bot.toml"]);
    let (ok, said, error) = hallpass(folder.path(), &["audit", "verify", "--config", "bot.toml", "--key", key.trim()]);
    assert!(ok && said.contains("the mark beside the key says"), "{said}{error}");
    let (ok, listed, _) = hallpass(folder.path(), &["ledger", "list", "--limit", "1"]);
    assert!(ok && listed.lines().count() == 1);
    let empty = tempfile::tempdir().unwrap();
    let (ok, _, error) = hallpass(empty.path(), &["audit", "verify"]);
    assert!(!ok && error.contains("there is no bot.toml here"), "{error}");
}

#[tokio::test]
async fn a_changed_ledger_is_an_error_and_no_key_is_ever_made() {
    let folder = tempfile::tempdir().unwrap();
    let (story, _) = beside_a_running_bot(&folder).await;
    super::raw::Raw::open(&story.url).await.run("DELETE FROM entries WHERE id = (SELECT entry FROM seals WHERE leaf = 2)").await;
    let key_file = story.key_file().display().to_string();
    let (ok, said, error) = hallpass(folder.path(), &["audit", "verify", "--store", &story.url, "--key", &key_file, "--origin", ORIGIN]);
    assert!(!ok && said.contains("NOT VERIFIED") && said.contains("CHANGED") && error.contains("the ledger was changed"), "{said}{error}");
    let nowhere = folder.path().join("no.key").display().to_string();
    let (ok, _, error) = hallpass(folder.path(), &["audit", "verify", "--store", &story.url, "--key", &nowhere]);
    assert!(!ok && error.contains("is neither a file nor a key"), "{error}");
    assert!(!Path::new(&nowhere).exists());
}

#[tokio::test]
async fn a_store_of_another_version_is_refused_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let story = Story::told(&file(&folder)).await;
    let mut raw = super::raw::Raw::open(&story.url).await;
    let said = |folder: &Path| hallpass(folder, &["ledger", "list", "--store", &story.url]).2;
    raw.run("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 3").await;
    let newer = said(folder.path());
    assert!(newer.contains("written by a newer hallpass (migration 9999 is unknown here)"), "{newer}");
    raw.run("DELETE FROM _sqlx_migrations WHERE version = 9999").await;
    let older = said(folder.path());
    assert!(older.contains("written by an older hallpass (migration 3 is missing)"), "{older}");
    std::fs::write(folder.path().join("other"), "").unwrap();
    let (_, _, error) = hallpass(folder.path(), &["ledger", "list", "--store", "sqlite:other"]);
    assert!(error.contains("it is not a store of hallpass"), "{error}");
    let (_, _, error) = hallpass(folder.path(), &["ledger", "list", "--store", "sqlite:none"]);
    assert!(error.contains("none does not exist"), "{error}");
    assert!(!folder.path().join("none").exists());
}
