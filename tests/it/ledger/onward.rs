//! The running check: it reads what is new, remembers how far it came, and never says more than it read.

use std::sync::Arc;

use hallpass::{
    domain::{
        digest::{LedgerNow, Thresholds, Verified, Window},
        time::Span,
    },
    ledger::verify::onward::{Onward, Step},
};

use super::{ASK, ORIGIN, Story, on_both, raw::Raw};

on_both![
    what_is_new_is_read_and_what_was_read_is_remembered,
    what_does_not_fit_is_said_until_it_is_put_back,
    what_was_read_before_and_is_cut_off_is_missed,
    before_the_check_looks_again_a_cut_end_is_told_all_the_same,
    a_row_that_the_bot_did_not_sign_is_not_believed,
    since_when_entries_were_read_is_signed_too,
    an_old_entry_is_not_read_again_and_a_whole_audit_finds_it,
];

fn check(story: &Story) -> Onward {
    Onward::new(story.world.store.clone(), story.key().signing, ORIGIN.into())
}

async fn step(story: &Story) -> Step {
    check(story).step(story.world.now()).await.unwrap()
}

/// As the digest tells it.
async fn ledger_now(story: &Story) -> LedgerNow {
    let now = story.world.now();
    let window = Window { from: now - Span::from_minutes(5), to: now, days: 1 };
    story.world.bot.is_audited_by(Arc::new(check(story)));
    story.world.bot.digest(window, &Thresholds::default()).await.unwrap().ledger
}

async fn verified(story: &Story) -> Verified {
    ledger_now(story).await.verified
}

async fn what_is_new_is_read_and_what_was_read_is_remembered(url: &str) {
    let story = Story::told(url).await;
    assert_eq!(verified(&story).await, Verified::NotYet);
    let since = story.world.now();
    assert_eq!(step(&story).await, Step::UpToDate);
    let now = ledger_now(&story).await;
    let size = now.signed.clone().unwrap().0;
    assert_eq!(now.verified, Verified::Yes { size, at: since, since });
    assert!(now.is_verified() && size > 10);
    story.world.advance(Span::from_minutes(5)).await;
    story.world.say("finn", ASK).await;
    story.seal().await;
    assert!(!ledger_now(&story).await.is_verified(), "what was not read is not called verified");
    assert_eq!(step(&story).await, Step::UpToDate);
    let later = ledger_now(&story).await;
    assert_eq!(later.verified, Verified::Yes { size: later.signed.clone().unwrap().0, at: story.world.now(), since });
    assert!(later.is_verified() && later.entries > size);
    let kept = story.world.store.checked().await.unwrap();
    story.world.advance(Span::from_minutes(5)).await;
    assert_eq!(step(&story).await, Step::UpToDate);
    assert_eq!(story.world.store.checked().await.unwrap(), kept, "nothing was read, nothing is said anew");
}

async fn what_does_not_fit_is_said_until_it_is_put_back(url: &str) {
    let story = Story::told(url).await;
    let mut raw = Raw::open(url).await;
    raw.keep("whole").await;
    let last = story.world.store.sealed().await.unwrap().0 - 1;
    let entry = format!("(SELECT entry FROM seals WHERE leaf = {last})");
    let changes = [
        format!("UPDATE entries SET bytes = replace(bytes, 'ben', 'eve') WHERE id = {entry}"),
        format!("DELETE FROM entries WHERE id = {entry}"),
        format!("UPDATE seals SET hash = (SELECT hash FROM seals WHERE leaf = 0) WHERE leaf = {last}"),
        "UPDATE checkpoints SET root = (SELECT hash FROM seals WHERE leaf = 0) WHERE size = (SELECT MAX(size) FROM checkpoints)".to_owned(),
        "UPDATE checkpoints SET note = 'none' WHERE size = (SELECT MIN(size) FROM checkpoints)".to_owned(),
    ];
    for sql in &changes {
        raw.run(&format!("DELETE FROM verified; {sql}")).await;
        assert!(matches!(step(&story).await, Step::Wrong(_)), "{sql}");
        let now = ledger_now(&story).await;
        assert!(matches!(now.verified, Verified::No { size, .. } if size <= last), "{sql}: {now:?}");
        assert!(!now.is_verified() && !now.is_fine());
        assert!(matches!(step(&story).await, Step::Wrong(_)), "{sql}: as long as it is so");
        raw.put_back("whole").await;
        assert_eq!(step(&story).await, Step::UpToDate, "{sql}");
        assert!(ledger_now(&story).await.is_verified());
    }
}

async fn what_was_read_before_and_is_cut_off_is_missed(url: &str) {
    let story = Story::told(url).await;
    assert_eq!(step(&story).await, Step::UpToDate);
    let mut raw = Raw::open(url).await;
    let cut = "DELETE FROM checkpoints WHERE size = (SELECT MAX(size) FROM checkpoints)";
    raw.run(&format!("{cut}; DELETE FROM seals WHERE leaf >= (SELECT MAX(size) FROM checkpoints)")).await;
    let Step::Wrong(why) = step(&story).await else { panic!("the tail was cut") };
    assert!(why.ends_with("nothing so large is signed any more"), "{why}");
}

async fn before_the_check_looks_again_a_cut_end_is_told_all_the_same(url: &str) {
    let story = Story::told(url).await;
    assert_eq!(step(&story).await, Step::UpToDate);
    let whole = ledger_now(&story).await;
    assert!(whole.is_verified());
    let cut = "DELETE FROM checkpoints WHERE size = (SELECT MAX(size) FROM checkpoints)";
    let mut raw = Raw::open(url).await;
    raw.run(&format!("{cut}; DELETE FROM seals WHERE leaf >= (SELECT MAX(size) FROM checkpoints)")).await;
    let now = ledger_now(&story).await;
    assert!(now.entries < whole.entries && !now.is_verified() && !now.is_fine(), "{now:?}");
    assert_eq!(now.verified, Verified::No { size: now.entries, at: story.world.now() });
}

async fn a_row_that_the_bot_did_not_sign_is_not_believed(url: &str) {
    let story = Story::told(url).await;
    let mut raw = Raw::open(url).await;
    let sealed = story.world.store.sealed().await.unwrap().0;
    // Whoever changed an entry says that it was read.
    raw.run("UPDATE entries SET bytes = replace(bytes, 'ben', 'eve') WHERE id = (SELECT entry FROM seals WHERE leaf = 1)").await;
    let root = raw.pairs("SELECT leaf, hash FROM seals ORDER BY leaf LIMIT 1").await.remove(0).1;
    let frontier = vec![root; usize::try_from(sealed.count_ones()).unwrap()].join(" ");
    let forged =
        format!("INSERT INTO verified (id, size, frontier, note, since, at, wrong) VALUES (1, {sealed}, '{frontier}', 'n', 1, 1, FALSE)");
    raw.run(&forged).await;
    assert_eq!(verified(&story).await, Verified::NotYet, "a digest that is made before the check looks does not believe it");
    assert!(matches!(step(&story).await, Step::Wrong(why) if why.contains("is not what was sealed")));
    assert!(matches!(verified(&story).await, Verified::No { size: 0, .. }));
}

async fn since_when_entries_were_read_is_signed_too(url: &str) {
    let story = Story::told(url).await;
    assert_eq!(step(&story).await, Step::UpToDate);
    assert!(ledger_now(&story).await.is_verified());
    Raw::open(url).await.run("UPDATE verified SET since = since - 86400000000").await;
    assert_eq!(verified(&story).await, Verified::NotYet);
}

async fn an_old_entry_is_not_read_again_and_a_whole_audit_finds_it(url: &str) {
    let story = Story::told(url).await;
    assert_eq!(step(&story).await, Step::UpToDate);
    let mut raw = Raw::open(url).await;
    raw.run("UPDATE entries SET bytes = replace(bytes, 'ben', 'eve') WHERE id = (SELECT entry FROM seals WHERE leaf = 1)").await;
    assert_eq!(step(&story).await, Step::UpToDate, "what the digest says is when it was read");
    assert!(!story.report().await.findings.is_empty());
}
