//! What an end left behind: kept, taken away again with growing pauses, and never under somebody who holds the access.

use super::*;
use crate::domain::plan::learn::{self, Brought, Pause};

const PAUSE: Pause = Pause { jitter: 128, asked: None };

/// Its end was said `ago` seconds ago, and a table remained.
fn left(ownership: Ownership, ago: i64) -> Entitlement {
    let mut row = row(ownership);
    row.given = true;
    let news =
        News::Gone { remains: Remains::Nothing, sessions_closed: None, residue: vec!["a table".into()], used: None, unwritten: None };
    learn::told(&mut row, &[(RequestId::new(1), news)], 0, later(-ago));
    row
}

fn answered(row: &mut Entitlement, residue: &[&str]) {
    learn::begin(row, Verb::Revoke, &[], TRAITS, NOW, later(10));
    let residue = residue.iter().map(|line| (*line).to_owned()).collect();
    learn::done(row, Verb::Revoke, &[], Brought { residue, ..Brought::default() });
}

/// Tells what is to be told; it is due again so many seconds later.
fn told(row: &mut Entitlement) -> Option<i64> {
    let Next::Tell { news } = plan(row, &[], TRAITS, NOW) else { panic!("{}", next(row, &[])) };
    learn::told(row, &news, 0, NOW);
    row.leftover.as_ref().map(|left| left.next_at.seconds() - NOW.seconds())
}

#[test]
fn what_remains_is_taken_away_again_after_a_minute() {
    assert_eq!(next(&left(Ownership::Ours, 0), &[]), "idle Some(60)");
    assert_eq!(next(&left(Ownership::Ours, 60), &[]), "call Revoke");
    let mut row = left(Ownership::Ours, 60);
    row.waiting = Some("op".into());
    row.progress.waiting_for = Some(Verb::Revoke);
    assert_eq!(next(&row, &[]), "poll Revoke op");
}

#[test]
fn pauses_grow_to_an_hour_while_the_answer_stays_the_same() {
    let mut row = left(Ownership::Ours, 60);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        answered(&mut row, &["a table"]);
        assert_eq!(next(&row, &[]), "R-VM1 left [\"a table\"]".replace("R-VM1", RequestId::new(1).as_str()));
        pauses.extend(told(&mut row));
    }
    assert_eq!(pauses, [120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
    answered(&mut row, &["another table"]);
    assert_eq!(told(&mut row), Some(60), "something changed");
}

#[test]
fn a_target_that_refuses_is_asked_again_with_the_same_pauses() {
    let mut row = left(Ownership::Ours, 60);
    let mut pauses = Vec::new();
    for _ in 0..3 {
        learn::begin(&mut row, Verb::Revoke, &[], TRAITS, NOW, later(10));
        learn::failed(&mut row, Verb::Revoke, NOW, PAUSE);
        pauses.push(next(&row, &[]));
        row.progress.trying = None;
    }
    assert_eq!(pauses, ["wait 120", "wait 240", "wait 480"]);
}

#[test]
fn with_nothing_left_the_row_goes() {
    let mut row = left(Ownership::Ours, 60);
    answered(&mut row, &[]);
    assert_eq!(told(&mut row), None);
    assert_eq!(next(&row, &[]), "drop");
}

#[test]
fn what_was_settled_is_not_touched_again() {
    let mut row = left(Ownership::Ours, 60);
    learn::settled(&mut row, &[RequestId::new(1)]);
    assert_eq!(next(&row, &[]), "call Revoke", "somebody still waits for it");
    learn::settled(&mut row, &[]);
    assert_eq!(next(&row, &[]), "drop");
}

#[test]
fn nothing_is_cleaned_up_while_somebody_claims_it() {
    let row = left(Ownership::Ours, 60);
    assert_eq!(next(&row, &[starting(2)]), "call Grant");
    let mut row = left(Ownership::Shared, 60);
    assert_eq!(next(&row, &[starting(2)]), "look BeforeFirst");
    learn::begin(&mut row, Verb::Grant, &[starting(2)], TRAITS, NOW, later(10));
    learn::done(&mut row, Verb::Grant, &[starting(2)], Brought::default());
    seen(&mut row, true);
    assert!(next(&row, &[works(2)]).starts_with("idle"), "{}", next(&row, &[works(2)]));
    assert!(row.leftover.is_some(), "and it is not forgotten");
}

#[test]
fn the_next_end_looks_at_it_afresh() {
    let mut row = left(Ownership::Ours, 0);
    row.given = true;
    let news = [(RequestId::new(2), gone(&row, Remains::Nothing))];
    learn::told(&mut row, &news, 0, NOW);
    assert_eq!(next(&row, &[]), "call Revoke", "without waiting for the minute");
}

#[test]
fn what_somebody_else_has_given_since_is_not_taken_away_with_it() {
    let mut row = left(Ownership::Shared, 60);
    assert_eq!(next(&row, &[]), "look BeforeCleaning");
    learn::read(&mut row, Why::BeforeCleaning, true, &[], TRAITS, NOW);
    assert_eq!(next(&row, &[]), "idle Some(120)", "looked at again later");
    assert_eq!(row.had_before, None);
    let mut row = left(Ownership::Shared, 60);
    learn::read(&mut row, Why::BeforeCleaning, false, &[], TRAITS, NOW);
    assert_eq!(next(&row, &[]), "call Revoke");
    learn::begin(&mut row, Verb::Revoke, &[], TRAITS, NOW, later(10));
    learn::failed(&mut row, Verb::Revoke, NOW, PAUSE);
    row.progress.trying = None;
    assert_eq!(next(&row, &[]), "look BeforeCleaning", "each try looks first");
}

#[test]
fn what_is_there_again_is_over_only_when_it_was_read_as_absent() {
    let mut row = row(Ownership::PerGrant);
    learn::found(&mut row, &RequestId::new(1), NOW);
    assert_eq!(next(&row, &[]), "call Revoke");
    answered(&mut row, &[]);
    assert_eq!(next(&row, &[]), "look ReadBack");
    learn::read(&mut row, Why::ReadBack, true, &[], TRAITS, NOW);
    assert_eq!(next(&row, &[]), "wait 1", "still there: taken away again, and soon");
    row.progress.trying = None;
    row.unknown_until = Some(later(5));
    answered(&mut row, &[]);
    assert_eq!(next(&row, &[]), "wait 6", "a call without an answer may still act");
    row.unknown_until = Some(later(-1));
    learn::read(&mut row, Why::ReadBack, false, &[], TRAITS, NOW);
    assert_eq!(told(&mut row), None);
    assert_eq!(next(&row, &[]), "drop");
}

#[test]
fn a_long_list_of_what_remains_is_cut() {
    let mut row = left(Ownership::Ours, 60);
    let long = vec!["a table ".repeat(100); 30];
    answered(&mut row, &long.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((row.residue.len(), row.residue[0].chars().count(), row.residue[19].as_str()), (20, 200, "and 11 more"));
}
