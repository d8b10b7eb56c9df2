//! The running check: it reads what is new, remembers how far it came, and never says more than it read.

use hallpass::{
    domain::{digest::Verified, time::Span},
    ledger::verify::onward::{Onward, Step},
};

use super::{ASK, ORIGIN, Story, on_both, raw::Raw};

on_both![
    what_is_new_is_read_and_what_was_read_is_remembered,
    what_does_not_fit_is_said_until_it_is_put_back,
    what_was_read_before_and_is_cut_off_is_missed,
    a_row_that_the_bot_did_not_sign_is_not_believed,
    an_old_entry_is_not_read_again_and_a_whole_audit_finds_it,
];

fn check(story: &Story) -> Onward {
    Onward::new(story.world.store.clone(), story.key().signing, ORIGIN.into())
}

async fn step(story: &Story) -> Step {
    check(story).step(story.world.now()).await.unwrap()
}

async fn verified(story: &Story) -> Verified {
    story.world.store.ledger_now().await.unwrap().verified
}

async fn what_is_new_is_read_and_what_was_read_is_remembered(url: &str) {
    let story = Story::told(url).await;
    assert_eq!(verified(&story).await, Verified::NotYet);
    let since = story.world.now();
    assert_eq!(step(&story).await, Step::UpToDate);
    let now = story.world.store.ledger_now().await.unwrap();
    let size = now.signed.clone().unwrap().0;
    assert_eq!(now.verified, Verified::Yes { size, at: since, since });
    assert!(now.is_verified() && size > 10);
    story.world.advance(Span::from_minutes(5)).await;
    story.world.say("finn", ASK).await;
    story.seal().await;
    assert!(!story.world.store.ledger_now().await.unwrap().is_verified(), "what was not read is not called verified");
    assert_eq!(step(&story).await, Step::UpToDate);
    let later = story.world.store.ledger_now().await.unwrap();
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
        let now = story.world.store.ledger_now().await.unwrap();
        assert!(matches!(now.verified, Verified::No { size, .. } if size <= last), "{sql}: {now:?}");
        assert!(!now.is_verified() && !now.is_fine());
        assert!(matches!(step(&story).await, Step::Wrong(_)), "{sql}: as long as it is so");
        raw.put_back("whole").await;
        assert_eq!(step(&story).await, Step::UpToDate, "{sql}");
        assert!(story.world.store.ledger_now().await.unwrap().is_verified());
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
    assert!(matches!(step(&story).await, Step::Wrong(why) if why.contains("is not what was sealed")));
    assert!(matches!(verified(&story).await, Verified::No { size: 0, .. }));
}

async fn an_old_entry_is_not_read_again_and_a_whole_audit_finds_it(url: &str) {
    let story = Story::told(url).await;
    assert_eq!(step(&story).await, Step::UpToDate);
    let mut raw = Raw::open(url).await;
    raw.run("UPDATE entries SET bytes = replace(bytes, 'ben', 'eve') WHERE id = (SELECT entry FROM seals WHERE leaf = 1)").await;
    assert_eq!(step(&story).await, Step::UpToDate, "what the digest says is when it was read");
    assert!(!story.report().await.findings.is_empty());
}
