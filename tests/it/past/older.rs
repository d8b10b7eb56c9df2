//! What an older hallpass wrote has the same history, read in at the first open; a stop in between only interrupts it.

use hallpass::store::Store;

use super::{
    lived,
    lives::{OVER, second},
};
use crate::ledger::{on_both, raw::Raw};

on_both![what_was_written_without_a_history_gets_the_same, a_stop_in_between_loses_and_doubles_nothing];

const ROWS: &str = "SELECT opened_at, request || ' ' || stage || ' ' || resource || ' ' || role || ' ' || requester || ' ' || subject || ' ' || \
                    COALESCE(CAST(begun_at AS TEXT), '-') || ' ' || COALESCE(CAST(held_from AS TEXT), '-') || ' ' || \
                    COALESCE(CAST(ended_at AS TEXT), '-') || ' ' || COALESCE(CAST(gone_at AS TEXT), '-') || ' ' || \
                    COALESCE(CAST(closed_at AS TEXT), '-') || ' ' || COALESCE(ending, '-') || ' ' || COALESCE(closed_by, '-') || ' ' || \
                    COALESCE(CAST(sessions AS TEXT), '-') || ' ' || COALESCE(CAST(node AS TEXT), '-') || ' ' || \
                    CASE WHEN less THEN 'less' ELSE 'all' END FROM history ORDER BY 1, 2";
const ACTS: &str = "SELECT at, person || ' ' || request || ' ' || kind || ' ' || subject || ' ' || resource || ' ' || \
                    COALESCE(CAST(took AS TEXT), '-') || ' ' || COALESCE(CAST(decided AS TEXT), '-') FROM acts ORDER BY 1, 2";
/// Of what came back and is gone again the document says nothing.
const BACK: &str = "SELECT from_at, request || ' ' || resource FROM came_back WHERE to_at IS NULL ORDER BY 1, 2";

async fn history(raw: &mut Raw) -> [Vec<(i64, String)>; 3] {
    [raw.pairs(ROWS).await, raw.pairs(ACTS).await, raw.pairs(BACK).await]
}

async fn forget(raw: &mut Raw) {
    raw.run("DELETE FROM history; DELETE FROM acts; DELETE FROM came_back; DELETE FROM marks WHERE name = 'history'").await;
}

/// Opens it and waits until everything is read in.
async fn opened(url: &str) -> Store {
    let store = Store::open(url).await.unwrap();
    store.tallies(second(0), second(OVER), None).await.unwrap();
    store
}

/// Of what was asked again the first decision is not in the document any more.
fn without_first_decisions(acts: &[(i64, String)], now: &[(i64, String)]) -> Vec<(i64, String)> {
    acts.iter().filter(|act| now.contains(act)).cloned().collect()
}

async fn what_was_written_without_a_history_gets_the_same(url: &str) {
    let (store, lives) = lived(url, 41, 510).await;
    store.close().await;
    let mut raw = Raw::open(url).await;
    let [rows, acts, back] = history(&mut raw).await;
    forget(&mut raw).await;
    let store = opened(url).await;
    let [rows_now, acts_now, back_now] = history(&mut raw).await;
    assert_eq!((&rows_now, &back_now), (&rows, &back));
    assert!(!back.is_empty());
    assert!(rows.len() > 400 && acts.len() > 300);
    let reopened = lives
        .0
        .iter()
        .filter(|life| life.fact().begun.is_some() && life.events.iter().any(|(event, _)| event.name() == "reopened"))
        .count();
    assert_eq!(without_first_decisions(&acts, &acts_now).len(), acts.len() - reopened, "all but decisions that were made again");
    store.close().await;
    // Another start finds nothing to do.
    drop(opened(url).await);
    assert_eq!(history(&mut raw).await, [rows_now, acts_now, back_now]);
}

async fn a_stop_in_between_loses_and_doubles_nothing(url: &str) {
    let (store, _) = lived(url, 43, 510).await;
    store.close().await;
    let mut raw = Raw::open(url).await;
    forget(&mut raw).await;
    let whole = opened(url).await;
    let before = history(&mut raw).await;
    whole.close().await;
    // As after a stop: the first ones are read in, up to the one of which that was kept.
    let middle = before[0][before[0].len() / 2].0;
    raw.run(&format!("DELETE FROM history WHERE opened_at > {middle}; DELETE FROM acts WHERE opened_at > {middle}")).await;
    raw.run(&format!("UPDATE marks SET value = {middle} WHERE name = 'history'")).await;
    let store = opened(url).await;
    assert_eq!(history(&mut raw).await, before);
    store.close().await;
}
