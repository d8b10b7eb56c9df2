//! R14: stored documents carry a version, and one of every version ever written is loaded here, in every state. A new
//! version needs a new folder under `tests/fixtures/documents`; what is there is never edited.

use std::{collections::BTreeSet, fs, path::PathBuf};

use hallpass::{
    bot::{Body, INBOX_VERSION, Incoming, Unread},
    domain::{
        digest::{self, Exception, Made},
        entitlement::{self, Entitlement},
        event::{Effect, Event, Operation},
        request::{self, Ending, Extension, Request, State},
    },
    store::{
        Entry, StoreError,
        document::{Versioned, parsed},
        entry::{ENTRY_VERSION, decode},
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The files of one version: name and text.
fn fixtures(kind: &str, version: u32) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/documents/{kind}/v{version}"));
    let listed = fs::read_dir(&folder);
    let mut found: Vec<(String, String)> = listed
        .unwrap_or_else(|error| panic!("{}: {error}: a version that was written must be kept here", folder.display()))
        .map(|file| file.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{}", folder.display());
    found
}

/// The names of an enum's variants, as serde would take them.
fn variants<T: DeserializeOwned>(tag: &str) -> BTreeSet<String> {
    let refused = serde_json::from_value::<T>(json!({ tag: "no such variant" })).err().unwrap().to_string();
    let names = refused.split_once("expected").unwrap().1;
    names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whatever stood in the old document stands in what was read of it.
fn keeps(old: &Value, new: &Value, place: &str) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            old.iter().for_each(|(name, value)| keeps(value, new.get(name).unwrap_or(&Value::Null), &format!("{place}.{name}")));
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            old.iter().zip(new).for_each(|(old, new)| keeps(old, new, place));
        }
        _ => assert_eq!(old, new, "{place}"),
    }
}

fn read<T: DeserializeOwned + Serialize>(name: &str, value: &Value) -> T {
    let read: T = serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
    keeps(value, &serde_json::to_value(&read).unwrap(), name);
    read
}

#[test]
fn a_digest_of_every_version_is_read_with_every_kind_of_line() {
    for version in 1..=digest::DOCUMENT_VERSION {
        let mut kinds = BTreeSet::new();
        for (name, text) in fixtures("digest", version) {
            let value: Value = serde_json::from_str(&text).unwrap();
            let made: Made = parsed(&text).unwrap();
            assert_eq!(made, read(&name, &value));
            kinds.extend(
                value["digest"]["exceptions"].as_array().unwrap().iter().map(|line| line["exception"].as_str().unwrap().to_owned()),
            );
        }
        assert_eq!(kinds, variants::<Exception>("exception"), "version {version}");
    }
}

#[test]
fn a_request_of_every_version_and_state_is_read() {
    for version in 1..=request::DOCUMENT_VERSION {
        let (mut states, mut endings) = (BTreeSet::new(), BTreeSet::new());
        for (name, text) in fixtures("request", version) {
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["v"], version, "{name}");
            let request: Request = parsed(&text).unwrap();
            assert_eq!(request, read(&name, &value));
            states.insert(value["state"]["state"].as_str().unwrap().to_owned());
            match &request.state {
                State::Active { extension: Some(Extension::Asked { .. }), .. } => drop(states.insert("active, more asked".into())),
                State::Active { extension: Some(Extension::Moving { .. }), .. } => drop(states.insert("active, extending".into())),
                State::Closed { .. } => drop(endings.insert(value["state"]["ending"]["how"].as_str().unwrap().to_owned())),
                _ => {}
            }
        }
        let mut all = variants::<State>("state");
        all.extend(["active, more asked".into(), "active, extending".into()]);
        assert_eq!(states, all, "version {version}");
        assert_eq!(endings, variants::<Ending>("how"), "version {version}");
    }
}

#[test]
fn an_entitlement_of_every_version_is_read() {
    for version in 1..=entitlement::DOCUMENT_VERSION {
        let rows: Vec<Entitlement> = fixtures("entitlement", version)
            .into_iter()
            .map(|(name, text)| {
                let value: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(value["v"], version, "{name}");
                let row: Entitlement = parsed(&text).unwrap();
                assert_eq!(row, read(&name, &value));
                row
            })
            .collect();
        assert!(rows.iter().any(|row| row.call.is_some()), "one with a call that is not answered");
        assert!(rows.iter().any(|row| row.given && row.call.is_none()), "one that is live");
        assert!(rows.iter().any(|row| !row.given && row.had_before.is_none()), "one of which nothing is known yet");
        assert!(rows.iter().any(|row| row.progress.trying.is_some()), "one whose revoke is tried again");
    }
}

#[test]
fn what_lies_in_the_inbox_of_every_version_is_read() {
    for version in 1..=INBOX_VERSION {
        let mut kinds = BTreeSet::new();
        for (name, text) in fixtures("inbox", version) {
            let incoming = Incoming::from_stored(&text).unwrap();
            let value: Value = serde_json::from_str(&text).unwrap();
            // The first ones were written without a version.
            assert!(value["v"] == version || (version == 1 && value["v"].is_null()), "{name}");
            keeps(&value["body"], &serde_json::to_value(&incoming.body).unwrap(), &name);
            kinds.insert(value["body"]["kind"].as_str().unwrap().to_owned());
        }
        assert_eq!(kinds, variants::<Body>("kind"), "version {version}");
    }
}

#[test]
fn a_ledger_entry_of_every_version_and_kind_is_read() {
    for version in 1..=ENTRY_VERSION {
        let (mut events, mut effects, mut operations) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (name, text) in fixtures("entry", version) {
            let text = text.trim_end();
            let value: Value = serde_json::from_str(text).unwrap();
            let (stream, n) = (value["stream"].as_str().unwrap().to_owned(), value["n"].as_u64().unwrap());
            let at = serde_json::from_value(value["at"].clone()).unwrap();
            let entry = Entry { id: 1, stream, n, at, bytes: text.as_bytes().to_vec() };
            let said = decode(&entry).unwrap_or_else(|why| panic!("{name}: {why}"));
            let kind = said.event["type"].as_str().unwrap().to_owned();
            match entry.stream.split('/').next() {
                Some("request") => {
                    read::<Event>(&name, &said.event);
                    events.insert(kind);
                }
                Some("entitlement") => {
                    read::<Effect>(&name, &said.event);
                    effects.insert(kind);
                }
                _ => {
                    read::<Operation>(&name, &said.event);
                    operations.insert(kind);
                }
            }
        }
        assert_eq!(events, variants::<Event>("type"), "version {version}");
        assert_eq!(effects, variants::<Effect>("type"), "version {version}");
        assert_eq!(operations, variants::<Operation>("type"), "version {version}");
    }
}

/// One version too far.
fn newer<T: Versioned + std::fmt::Debug>(text: &str) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    value["v"] = json!(T::VERSION + 1);
    match parsed::<T>(&value.to_string()) {
        Err(StoreError::Corrupt(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_newer_hallpass_wrote_is_refused_and_not_misread() {
    let request = fixtures("request", 1).remove(0).1;
    assert_eq!(newer::<Request>(&request), "a request's document is of version 2, and this hallpass reads versions 1 to 1: upgrade it");
    let row = fixtures("entitlement", 1).remove(0).1;
    assert_eq!(
        newer::<Entitlement>(&row),
        "an entitlement's document is of version 2, and this hallpass reads versions 1 to 1: upgrade it"
    );
    assert!(parsed::<Request>(&request.replacen("\"v\": 1", "\"w\": 1", 1)).is_err());
    let mut incoming: Value = serde_json::from_str(&fixtures("inbox", 1).remove(0).1).unwrap();
    incoming["v"] = json!(INBOX_VERSION + 1);
    assert_eq!(Incoming::from_stored(&incoming.to_string()), Err(Unread::Newer(INBOX_VERSION + 1)));
    assert!(matches!(Incoming::from_stored("{"), Err(Unread::Broken(_))));
}

#[tokio::test]
async fn a_command_that_a_newer_hallpass_received_is_left_for_it() {
    let world = crate::world::World::new().await;
    let id = hallpass::store::InboxId { platform: hallpass::domain::policy::Platform::Console, interaction: "newer".into() };
    let body = json!({ "v": INBOX_VERSION + 1, "meaning": "unknown" }).to_string();
    world.store.receive(hallpass::store::InboxRow { id, at: world.now(), body }).await.unwrap();
    world.bot.handle_left().await.unwrap();
    assert_eq!(world.store.inbox_open(10).await.unwrap().len(), 1);
}
