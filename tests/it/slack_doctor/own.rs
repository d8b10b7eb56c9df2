//! The file, the store and the ledger's key: with or without Slack.

use std::{fs, os::unix::fs::PermissionsExt as _};

use hallpass::store::Store;

use super::House;

#[tokio::test]
async fn what_is_wrong_with_the_file_is_said_as_check_says_it_and_the_rest_is_looked_at() {
    let mut house = House::new().await;
    house.change("{ file = 'app' }", "{ env = 'HALLPASS_TEST_NOT_SET' }");
    insta::assert_snapshot!(house.findings().await, @r"
    bot.toml:4:13: the environment variable HALLPASS_TEST_NOT_SET is not set
          mend this line; a secret is set where the bot runs and where this is run
    ");
    assert!(house.said("ok").await.contains("#ops (C0OPS, for alarms): the bot is in it"));
}

#[tokio::test]
async fn a_file_of_which_nothing_can_be_read_is_all_that_is_said() {
    let mut house = House::new().await;
    house.text = "administrators = [".to_owned();
    let (fine, said) = house.doctor().await;
    assert!(!fine);
    insta::assert_snapshot!(said, @r"
    MEND  bot.toml:1:19: unclosed array, expected `]`
          mend this line; a secret is set where the bot runs and where this is run

    1 thing has to be mended.
    ");
}

#[tokio::test]
async fn a_template_that_is_wrong_is_found() {
    let mut house = House::new().await;
    fs::create_dir_all(house.at("words/console")).unwrap();
    fs::write(house.at("words/console/card.hbs"), "{{nobody}}").unwrap();
    house.change("[store]", "[templates]\nfolder = 'words'\n[store]");
    let found = house.findings().await;
    assert!(
        found.contains("card") && found.ends_with("      mend the template, or take it out of its folder: then ours is used"),
        "{found}"
    );
}

#[tokio::test]
async fn a_store_in_use_opens_beside_its_bot() {
    let house = House::new().await;
    let store = Store::open(&format!("sqlite:{}", house.at("a.db").display())).await.unwrap();
    assert!(house.said("ok").await.contains("store: sqlite:HERE/a.db opens"));
    assert_eq!(house.findings().await, "");
    store.close().await;
}

#[tokio::test]
async fn a_store_that_does_not_open_is_found() {
    let mut house = House::new().await;
    fs::write(house.at("a.db"), "this is no database, and longer than a header of one would be, so that it is read at all").unwrap();
    let mut all = vec![house.findings().await];
    house.change("sqlite:a.db", "sqlite:nowhere/a.db");
    all.push(house.findings().await);
    fs::create_dir(house.at("nowhere")).unwrap();
    house.change("sqlite:nowhere/a.db", "sqlite:nowhere");
    all.push(house.findings().await);
    insta::assert_snapshot!(all.join("\n"), @r"
    store: sqlite:HERE/a.db: it is not a store of hallpass: error returned from database: (code: 26) file is not a database
          if it is new or older, start the bot once: it makes its tables and brings them up to date; else write another store.url
    store: there is no folder HERE/nowhere
          mkdir -p HERE/nowhere
    store: sqlite:HERE/nowhere: the store is unavailable: HERE/nowhere: error returned from database: (code: 266) disk I/O error
          see that the database runs, and that its user may read and write it
    ");
}

#[tokio::test]
async fn a_ledger_key_that_cannot_be_used_is_found() {
    let mut house = House::new().await;
    house.secret("hallpass.ledger-key", "no key");
    let mut all = vec![house.findings().await];
    fs::set_permissions(house.at("hallpass.ledger-key"), fs::Permissions::from_mode(0o644)).unwrap();
    all.push(house.findings().await);
    house.change("[store]", "[ledger]\nkey_file = 'nowhere/key'\n[store]");
    all.push(house.findings().await);
    house.change("key_file = 'nowhere/key'", "key = { file = 'bot' }");
    all.push(house.findings().await);
    insta::assert_snapshot!(all.join("\n"), @r"
    ledger key: HERE/hallpass.ledger-key is not a ledger key
          mend what this line says, or put the key back from its backup: with another one an audit fails
    ledger key: HERE/hallpass.ledger-key can be read by others: chmod 600 it
          mend what this line says, or put the key back from its backup: with another one an audit fails
    ledger key: there is no folder HERE/nowhere
          mkdir -p HERE/nowhere
    ledger key: HERE/bot is not a ledger key
          mend what this line says, or put the key back from its backup: with another one an audit fails
    ");
    assert!(!house.at("nowhere").exists(), "the doctor makes nothing");
}
