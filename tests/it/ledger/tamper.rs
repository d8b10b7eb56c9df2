//! Every change that somebody with the database could make is found and named exactly.

use std::fmt::Write as _;

use ed25519_dalek::SigningKey;
use hallpass::ledger::{checkpoint::Head, tree::leaf};

use super::{
    ORIGIN, Story, on_both,
    raw::{Raw, hex},
};

on_both![
    every_kind_of_change_is_found_at_its_place,
    what_the_mark_alone_shows,
    erased_words_are_no_change,
    a_checkpoint_that_was_dropped_is_missed_without_the_mark,
];

/// What was done, and what the audit says of it, one after the other from the same beginning.
async fn found(story: &Story, raw: &mut Raw, cases: &[(&str, String)]) -> String {
    raw.keep("whole").await;
    let mut text = String::new();
    for (name, sql) in cases {
        raw.run(sql).await;
        let report = story.report().await;
        writeln!(text, "{name}").unwrap();
        for finding in &report.findings {
            writeln!(text, "    {}", story.plain(finding)).unwrap();
        }
        raw.put_back("whole").await;
    }
    assert!(story.report().await.findings.is_empty(), "the beginning was not put back");
    text
}

async fn every_kind_of_change_is_found_at_its_place(url: &str) {
    let story = Story::told(url).await;
    let mut raw = Raw::open(url).await;
    let entry = |leaf: u64| format!("(SELECT entry FROM seals WHERE leaf = {leaf})");
    let edit =
        |leaf: u64, from: &str, to: &str| format!("UPDATE entries SET bytes = replace(bytes, '{from}', '{to}') WHERE id = {}", entry(leaf));
    let last = story.world.store.sealed().await.unwrap().0 - 1;
    let bytes = raw.pairs("SELECT s.leaf, e.bytes FROM seals s JOIN entries e ON e.id = s.entry ORDER BY s.leaf").await;
    let rehashed = hex(&leaf(bytes[1].1.replace("ben", "eve").as_bytes()));
    let longer = format!("\"detail\":\"{}\"", "x".repeat(64 * 1024));
    let other = SigningKey::from_bytes(&[9; 32]);
    let resigned: String = story.world.store.checkpoints().await.unwrap().iter().fold(String::new(), |sql, stored| {
        let note = Head { origin: ORIGIN.into(), size: stored.size, root: stored.root }.sign(&other);
        sql + &format!("UPDATE checkpoints SET note = '{note}' WHERE size = {};", stored.size)
    });
    let id = &story.ids[0];
    let cases = [
        ("nothing", "SELECT 1".into()),
        ("bytes edited", edit(1, "ben", "eve")),
        ("bytes edited and sealed again", edit(1, "ben", "eve") + &format!("; UPDATE seals SET hash = '{rehashed}' WHERE leaf = 1")),
        ("first entry deleted", format!("DELETE FROM entries WHERE id = {}", entry(0))),
        ("middle entry deleted", format!("DELETE FROM entries WHERE id = {}", entry(4))),
        ("last entry deleted", format!("DELETE FROM entries WHERE id = {}", entry(last))),
        ("all of a request deleted", format!("DELETE FROM entries WHERE stream = 'request/{id}'")),
        (
            "two places swapped",
            format!(
                "UPDATE seals SET entry = -entry WHERE leaf IN (2, 3); UPDATE seals SET entry = (SELECT -s.entry FROM seals s WHERE s.leaf = 5 - seals.leaf) WHERE leaf = 2; \
                     UPDATE seals SET entry = {} WHERE leaf = 3",
                raw.pairs("SELECT entry, '' FROM seals WHERE leaf = 2").await[0].0
            ),
        ),
        (
            "two entries' bytes swapped",
            format!(
                "CREATE TABLE two AS SELECT id, bytes FROM entries WHERE id IN ({0}, {1}); \
                 UPDATE entries SET bytes = (SELECT bytes FROM two WHERE id <> entries.id) WHERE id IN ({0}, {1}); DROP TABLE two",
                entry(2),
                entry(3)
            ),
        ),
        ("a seal changed", format!("UPDATE seals SET hash = '{}' WHERE leaf = 3", "0".repeat(64))),
        ("a seal is no hash", "UPDATE seals SET hash = 'x' WHERE leaf = 3".into()),
        ("a seal deleted", "DELETE FROM seals WHERE leaf = 3".into()),
        ("an entry waits again", format!("INSERT INTO unsealed (entry) VALUES ({})", entry(3))),
        ("an entry slipped in", format!("INSERT INTO entries SELECT 900, stream, 99, at, bytes FROM entries WHERE id = {}", entry(0))),
        ("first checkpoint dropped", "DELETE FROM checkpoints WHERE previous = 0".into()),
        ("last checkpoint dropped", format!("DELETE FROM checkpoints WHERE size = {}", last + 1)),
        ("a checkpoint's root changed", format!("UPDATE checkpoints SET root = '{}' WHERE previous = 0", "0".repeat(64))),
        ("a checkpoint's note changed", "UPDATE checkpoints SET note = replace(note, 'example', 'elsewhere') WHERE previous = 0".into()),
        ("signed with another key", resigned),
        ("a document changed", format!("UPDATE requests SET document = replace(document, '\"write\"', '\"admin\"') WHERE id = '{id}'")),
        ("a document reopened", format!("UPDATE requests SET document = replace(document, '\"expired\"', '\"left\"') WHERE id = '{id}'")),
        ("a document made unreadable", format!("UPDATE requests SET document = 'x' WHERE id = '{id}'")),
        ("a document deleted", format!("DELETE FROM requests WHERE id = '{id}'")),
        (
            "a document made up",
            format!(
                "INSERT INTO requests SELECT 'R-000000', n, requester, subject, resource, open, opened_at, wake_at, document FROM requests WHERE id = '{id}'"
            ),
        ),
        ("a reason changed", "UPDATE words SET body = 'use the weekend' WHERE body = 'use the read replica'".into()),
        ("an entry of another version", edit(1, "\"v\":1", "\"v\":2")),
        ("a number too large", edit(1, "\"n\":1", "\"n\":9007199254740993")),
        ("an entry too long", edit(5, "\"detail\":\"\"", &longer)),
        ("a time moved", edit(1, "T14:00:00.000000Z\",\"event", "T13:00:00.000000Z\",\"event")),
    ];
    let text = found(&story, &mut raw, &cases).await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(text, @r#"
nothing
bytes edited
    leaf 1: request/R-ANA number 1 is not what was sealed
    request/R-ANA number 2: granted by a vote of ben that was not cast
bytes edited and sealed again
    checkpoint 8: the root is another one now
    request/R-ANA number 2: granted by a vote of ben that was not cast
first entry deleted
    request/R-ANA number 0 (leaf 0, entry 1): missing
middle entry deleted
    entitlement/2de9176fe3017c963e97dc89185cfd5f2c935aa2eaceb4843baeae9ab8a4aa43 number 1 (leaf 4, entry 5): missing
last entry deleted
    request/R-FINN number 1 (leaf 17, entry 18): missing
all of a request deleted
    request/R-ANA numbers 0 to 7: missing
    leaf 0: its entry 1 is missing
    leaf 1: its entry 2 is missing
    leaf 2: its entry 3 is missing
    leaf 7: its entry 8 is missing
    leaf 8: its entry 9 is missing
    leaf 11: its entry 12 is missing
    leaf 14: its entry 15 is missing
    leaf 15: its entry 16 is missing
two places swapped
    leaf 2: entitlement/2de9176fe3017c963e97dc89185cfd5f2c935aa2eaceb4843baeae9ab8a4aa43 number 0 stands there, with the bytes that were sealed as leaf 3
    leaf 3: request/R-ANA number 2 stands there, with the bytes that were sealed as leaf 2
two entries' bytes swapped
    leaf 2: request/R-ANA number 2 stands there, with the bytes that were sealed as leaf 3
    leaf 3: entitlement/2de9176fe3017c963e97dc89185cfd5f2c935aa2eaceb4843baeae9ab8a4aa43 number 0 stands there, with the bytes that were sealed as leaf 2
    entitlement/2de9176fe3017c963e97dc89185cfd5f2c935aa2eaceb4843baeae9ab8a4aa43 number 0: it says it is request/R-ANA number 2
    request/R-ANA number 2: it says it is entitlement/2de9176fe3017c963e97dc89185cfd5f2c935aa2eaceb4843baeae9ab8a4aa43 number 0
a seal changed
    leaf 3: entitlement/2de9176fe3017c963e97dc89185cfd5f2c935aa2eaceb4843baeae9ab8a4aa43 number 0 is what was signed, but its seal was changed
a seal is no hash
    leaf 3: the seal of entitlement/2de9176fe3017c963e97dc89185cfd5f2c935aa2eaceb4843baeae9ab8a4aa43 number 0 is no hash
a seal deleted
    leaf 3: the seal is missing
    entitlement/2de9176fe3017c963e97dc89185cfd5f2c935aa2eaceb4843baeae9ab8a4aa43 number 0 (entry 4): neither sealed nor waiting for it
an entry waits again
    entry 4: waits for its seal, and is gone or sealed
an entry slipped in
    request/R-ANA numbers 8 to 98: missing
    request/R-ANA number 99: it says it is request/R-ANA number 0
    request/R-ANA number 99 (entry 900): neither sealed nor waiting for it
first checkpoint dropped
    checkpoint 8: missing, and checkpoint 12 followed it
last checkpoint dropped
    leaves 12 to 17: not covered by a checkpoint: one is missing, or the bot stopped before it signed (its next start does)
a checkpoint's root changed
    checkpoint 8: its note says something else
a checkpoint's note changed
    checkpoint 8: its text is not a checkpoint
signed with another key
    checkpoint 8: it carries no signature of the key example.com/ledger
    checkpoint 12: it carries no signature of the key example.com/ledger
    checkpoint 18: it carries no signature of the key example.com/ledger
a document changed
    R-ANA: its document is not what its ledger says: asks, state
a document reopened
    R-ANA: its document is not what its ledger says: state
a document made unreadable
    R-ANA: its document cannot be read (the store holds what this version cannot read: a request's document: expected value at line 1 column 1)
a document deleted
    R-ANA: its document is missing
a document made up
    R-000000: a document, and not one entry of it
a reason changed
    the words w:WORDS… (request/R-FINN number 1): not those that were said
an entry of another version
    leaf 1: request/R-ANA number 1 is not what was sealed
    request/R-ANA number 1: version 2 is not known
a number too large
    leaf 1: request/R-ANA number 1 is not what was sealed
    request/R-ANA number 1: the number 9007199254740993 is not whole or not below 2^53
an entry too long
    leaf 5: entitlement/2de9176fe3017c963e97dc89185cfd5f2c935aa2eaceb4843baeae9ab8a4aa43 number 2 is not what was sealed
    entitlement/2de9176fe3017c963e97dc89185cfd5f2c935aa2eaceb4843baeae9ab8a4aa43 number 2: 65810 bytes are more than the 65536 of an entry
a time moved
    leaf 1: request/R-ANA number 1 is not what was sealed
    request/R-ANA number 1: it says 2026-11-24T13:00:00.000000Z, its row 2026-11-24T14:00:00.000000Z
"#);
    }
}

async fn what_the_mark_alone_shows(url: &str) {
    let story = Story::told(url).await;
    let mut raw = Raw::open(url).await;
    raw.keep("early").await;
    let early = story.world.store.sealed().await.unwrap().0;
    story.world.say("finn", super::ASK).await;
    story.seal().await;
    let mark = story.key().mark().read().unwrap().unwrap();
    raw.put_back("early").await;
    let report = story.report().await;
    assert_eq!(
        report.findings,
        [format!(
            "{} entries were signed, says the mark beside the key, and {early} are sealed here: the tail was cut, or the database rolled back",
            mark.size
        )]
    );
    assert!(story.report_without_mark().await.findings.is_empty(), "the database alone cannot know");
}

async fn erased_words_are_no_change(url: &str) {
    let story = Story::told(url).await;
    Raw::open(url).await.run("DELETE FROM words").await;
    assert!(story.report().await.findings.is_empty());
}

async fn a_checkpoint_that_was_dropped_is_missed_without_the_mark(url: &str) {
    let story = Story::told(url).await;
    let mut raw = Raw::open(url).await;
    let sizes: Vec<u64> = story.world.store.checkpoints().await.unwrap().iter().map(|stored| stored.size).collect();
    raw.run(&format!("DELETE FROM checkpoints WHERE size = {}", sizes[1])).await;
    let report = story.report_without_mark().await;
    assert_eq!(report.findings, [format!("checkpoint {}: missing, and checkpoint {} followed it", sizes[1], sizes[2])]);
}
