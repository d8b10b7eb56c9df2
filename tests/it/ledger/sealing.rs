//! Sealing: a stop between any two steps, two sealers, a database that was rolled back, a key that is another.

use std::collections::BTreeSet;

use hallpass::{
    ledger::{
        checkpoint,
        key::{Key, Mark},
        seal::Sealer,
        tree::{Frontier, leaf},
        verify,
    },
    store::{Commit, NewEntry, Seal, Store},
};

use super::{ORIGIN, Story, on_both, raw::Raw};
use crate::world::START;

on_both![
    a_stop_between_sealing_and_signing_is_made_up_for,
    a_stop_between_the_mark_and_the_checkpoint_signs_the_same_again,
    a_stop_between_the_mark_and_the_checkpoint_goes_on_with_more_entries,
    a_database_that_was_rolled_back_is_never_signed,
    a_database_that_is_rolled_back_under_a_running_sealer_is_never_signed,
    another_key_does_not_go_on_with_the_ledger,
    two_sealers_with_one_key_file_keep_one_tree,
    two_sealers_with_a_copy_of_the_key_each_keep_one_tree,
    nothing_is_signed_while_the_mark_cannot_be_read,
];

/// As a sealer does that is stopped right after its places were committed.
async fn place_without_signing(store: &Store) -> usize {
    let (taken, _) = store.sealed().await.unwrap();
    let entries = store.unsealed(100).await.unwrap();
    let places = (taken..).zip(&entries).map(|(index, entry)| Seal { index, entry: entry.id, leaf: leaf(&entry.bytes) });
    store.seal(places.collect()).await.unwrap();
    entries.len()
}

async fn append(store: &Store, count: u64) {
    for n in 0..count {
        let event = serde_json::json!({ "type": "looked", "what": format!("R-{n}") });
        let actor = hallpass::domain::command::Actor::BOT;
        let entry = NewEntry { stream: "bot".into(), at: START, actor, policy: String::new(), event };
        store.commit(Commit { entries: vec![entry], ..Commit::default() }).await.unwrap();
    }
}

async fn a_stop_between_sealing_and_signing_is_made_up_for(url: &str) {
    let story = Story::told(url).await;
    append(&story.world.store, 3).await;
    assert_eq!(place_without_signing(&story.world.store).await, 3);
    let report = story.report().await;
    assert!(report.is_only_unsigned && report.findings.len() == 1, "{report}");
    assert!(report.findings[0].contains("not covered by a checkpoint"), "{report}");
    assert_eq!(story.seal().await, 0);
    let report = story.report().await;
    assert!(report.findings.is_empty() && report.signed == report.entries, "{report}");
}

async fn a_stop_between_the_mark_and_the_checkpoint_signs_the_same_again(url: &str) {
    let story = Story::told(url).await;
    let first = story.world.store.last_checkpoint().await.unwrap().unwrap();
    Raw::open(url).await.run(&format!("DELETE FROM checkpoints WHERE size = {}", first.size)).await;
    story.seal().await;
    let again = story.world.store.last_checkpoint().await.unwrap().unwrap();
    assert_eq!((again.note, again.root), (first.note, first.root));
    assert!(story.report().await.findings.is_empty());
}

async fn a_stop_between_the_mark_and_the_checkpoint_goes_on_with_more_entries(url: &str) {
    let story = Story::told(url).await;
    let size = story.world.store.last_checkpoint().await.unwrap().unwrap().size;
    Raw::open(url).await.run(&format!("DELETE FROM checkpoints WHERE size = {size}")).await;
    append(&story.world.store, 5).await;
    assert_eq!(story.seal().await, 5);
    assert_eq!(story.world.store.last_checkpoint().await.unwrap().unwrap().size, size + 5);
    let report = story.report().await;
    assert!(report.findings.is_empty(), "{report}");
}

async fn a_database_that_was_rolled_back_is_never_signed(url: &str) {
    let story = Story::told(url).await;
    let mut raw = Raw::open(url).await;
    raw.keep("early").await;
    append(&story.world.store, 4).await;
    story.seal().await;
    let signed = story.key().mark().read().unwrap().unwrap();
    raw.put_back("early").await;
    append(&story.world.store, 1).await;
    let refused = story.sealer().seal_once(START).await.unwrap_err();
    let here = story.world.store.sealed().await.unwrap().0;
    let expected = format!("{} entries were signed, and {here} are sealed here: the database was rolled back or cut", signed.size);
    assert!(refused.starts_with(&expected), "{refused}");
    // Grown beyond what was signed, it is another tree all the same.
    append(&story.world.store, 20).await;
    place_without_signing(&story.world.store).await;
    let refused = story.sealer().seal_once(START).await.unwrap_err();
    assert!(refused.starts_with(&format!("the first {} entries are not those that were signed", signed.size)), "{refused}");
    assert_eq!(story.key().mark().read(), Ok(Some(signed)));
    assert_eq!(story.world.store.last_checkpoint().await.unwrap().unwrap().size, here);
    assert!(story.report().await.findings.iter().any(|found| found.contains("says the mark")));
}

async fn a_database_that_is_rolled_back_under_a_running_sealer_is_never_signed(url: &str) {
    let story = Story::told(url).await;
    let mut raw = Raw::open(url).await;
    raw.keep("early").await;
    let mut sealer = story.sealer();
    append(&story.world.store, 4).await;
    assert_eq!(sealer.seal_once(START).await, Ok(4));
    raw.put_back("early").await;
    let refused = sealer.seal_once(START).await.unwrap_err();
    assert!(refused.contains("the database was rolled back"), "{refused}");
    append(&story.world.store, 9).await;
    let refused = sealer.seal_once(START).await.unwrap_err();
    assert!(refused.contains("the database was rolled back"), "{refused}");
}

async fn another_key_does_not_go_on_with_the_ledger(url: &str) {
    let story = Story::told(url).await;
    append(&story.world.store, 1).await;
    std::fs::remove_file(story.key_file()).unwrap();
    std::fs::remove_file(story.keys.path().join("key.last")).unwrap();
    let fresh = Key::open(&story.key_file(), || [4; 32]).unwrap();
    let refused = Sealer::new(story.world.store.clone(), fresh, ORIGIN.into()).seal_once(START).await.unwrap_err();
    assert!(refused.contains("bring back the key that signed this ledger"), "{refused}");
}

async fn nothing_is_signed_while_the_mark_cannot_be_read(url: &str) {
    let story = Story::told(url).await;
    let before = story.world.store.last_checkpoint().await.unwrap();
    append(&story.world.store, 1).await;
    std::fs::write(story.keys.path().join("key.last"), "").unwrap();
    assert!(story.sealer().seal_once(START).await.unwrap_err().contains("cannot be read"));
    assert_eq!(story.world.store.last_checkpoint().await.unwrap(), before);
}

async fn two_sealers_with_one_key_file_keep_one_tree(url: &str) {
    Box::pin(two_sealers(url, false)).await;
}

async fn two_sealers_with_a_copy_of_the_key_each_keep_one_tree(url: &str) {
    Box::pin(two_sealers(url, true)).await;
}

/// Writing and sealing at once; on PostgreSQL through a store each, as two replicas do.
async fn two_sealers(url: &str, is_copied: bool) {
    let one = Store::open(url).await.unwrap();
    let two = if url.starts_with("sqlite:") { one.clone() } else { Store::open(url).await.unwrap() };
    let keys = tempfile::tempdir().unwrap();
    let paths = [keys.path().join("key"), keys.path().join(if is_copied { "copy" } else { "key" })];
    let key = |path: &std::path::Path| Key::open(path, || [3; 32]).unwrap();
    let public = key(&paths[0]).signing.verifying_key();
    let mut marks: BTreeSet<(u64, [u8; 32])> = BTreeSet::new();
    let mut sealers = [Sealer::new(one.clone(), key(&paths[0]), ORIGIN.into()), Sealer::new(two.clone(), key(&paths[1]), ORIGIN.into())];
    for round in 0..40 {
        let [first, second] = &mut sealers;
        let ((), (), a, b) = tokio::join!(append(&one, 3), append(&two, 2), first.seal_once(START), second.seal_once(START));
        a.unwrap();
        b.unwrap();
        for path in &paths {
            marks.extend(key(path).mark().read().unwrap().map(|mark| (mark.size, mark.root)));
        }
        if round % 10 == 9 {
            // One of them starts anew, as after a crash.
            sealers[round / 10 % 2] = Sealer::new(one.clone(), key(&paths[round / 10 % 2]), ORIGIN.into());
        }
    }
    let mut calm = 0;
    while calm < 2 {
        let idle = sealers[0].seal_once(START).await.unwrap() == 0 && one.sealed().await.unwrap() == (200, 200);
        calm = if idle { calm + 1 } else { 0 };
    }
    let mut frontier = Frontier::default();
    let seals = one.seals(0, 1_000).await.unwrap();
    let heads: BTreeSet<(u64, [u8; 32])> = seals
        .iter()
        .map(|seal| {
            frontier.push(seal.leaf);
            (frontier.size(), frontier.root())
        })
        .collect();
    assert!(marks.is_subset(&heads), "every head that was ever signed is one of this tree");
    let mark = marks.last().map(|(size, root)| Mark { size: *size, root: *root });
    let report = verify::verify(&one, ORIGIN, &public, mark).await.unwrap();
    assert!(report.findings.is_empty(), "{report}");
    assert_eq!((report.entries, report.sealed, report.signed), (200, 200, 200));
    for stored in one.checkpoints().await.unwrap() {
        assert_eq!(checkpoint::open(&stored.note, ORIGIN, &public).map(|head| head.root), Ok(stored.root));
    }
}
