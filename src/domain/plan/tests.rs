//! `plan` as a table: a row, its claims and a moment, and what is done next.

mod left;

use super::*;
use crate::domain::{
    entitlement::{Call, EntitlementKey, Order},
    request::GrantId,
};

const NOW: Instant = Instant::from_micros(1_795_528_800_000_000);
const TRAITS: Traits = Traits { reads: 1, apart: Span::ZERO, extendable: true };

fn row(ownership: Ownership) -> Entitlement {
    let order = Order {
        provider: "pretended".parse().unwrap(),
        target: serde_json::json!({}),
        principal: "ana".into(),
        person: "ana".parse().unwrap(),
        inputs: std::collections::BTreeMap::new(),
        grant: String::new(),
        by_hand: String::new(),
    };
    Entitlement::new(EntitlementKey("k".into()), ownership, order)
}

fn ours(change: impl FnOnce(&mut Entitlement)) -> Entitlement {
    let mut row = row(Ownership::Ours);
    change(&mut row);
    row
}

fn shared(change: impl FnOnce(&mut Entitlement)) -> Entitlement {
    let mut row = row(Ownership::Shared);
    change(&mut row);
    row
}

fn claim(n: u64, wanted: bool, until: Option<i64>) -> Claim {
    Claim {
        entitlement: EntitlementKey("k".into()),
        request: RequestId::new(n),
        grant: GrantId::from_stored(format!("g{n}")),
        wanted,
        until: until.map(later),
        extend_to: None,
        latest: later(900 + 3_600),
        give_up_at: later(900),
        duration: Span::from_minutes(60),
    }
}

fn starting(n: u64) -> Claim {
    claim(n, true, None)
}

fn works(n: u64) -> Claim {
    claim(n, true, Some(3_600))
}

fn ended(n: u64) -> Claim {
    claim(n, false, Some(0))
}

fn later(seconds: i64) -> Instant {
    Instant::from_micros(NOW.micros() + seconds * 1_000_000)
}

fn seen(row: &mut Entitlement, present: bool) {
    (row.reads, row.progress.seen, row.progress.looked_at) = (1, Some((present, NOW)), Some(NOW));
}

/// The step in a few words.
fn next(row: &Entitlement, claims: &[Claim]) -> String {
    match plan(row, claims, TRAITS, NOW) {
        Next::Wait { until } => format!("wait {}", until.seconds() - NOW.seconds()),
        Next::Observe { why } => format!("look {why:?}"),
        Next::Poll { verb, op } => format!("poll {verb:?} {op}"),
        Next::Call { verb } => format!("call {verb:?}"),
        Next::Idle { due } => format!("idle {:?}", due.map(|at| at.seconds() - NOW.seconds())),
        Next::Drop => "drop".into(),
        Next::Tell { news } => {
            let said = news.iter().map(|(id, news)| match news {
                News::Working { had_before, .. } => format!("{id} works, had it before: {had_before}"),
                News::GrantFailed { .. } => format!("{id} failed"),
                News::Extended { .. } => format!("{id} extended"),
                News::FoundAbsent => format!("{id} found absent"),
                News::Gone { remains, .. } => format!("{id} gone, {}", serde_json::to_string(remains).unwrap()),
                News::Back => format!("{id} back"),
                News::Leftover { residue } => format!("{id} left {residue:?}"),
            });
            said.collect::<Vec<_>>().join("; ")
        }
    }
}

fn call(verb: Verb, deadline: i64) -> Call {
    Call { verb, started: NOW, deadline: later(deadline) }
}

#[test]
fn a_call_without_an_answer_comes_before_all_else() {
    assert_eq!(next(&ours(|r| r.call = Some(call(Verb::Grant, 10))), &[starting(1)]), "wait 11");
    assert_eq!(next(&ours(|r| r.call = Some(call(Verb::Grant, 0))), &[ended(1)]), "wait 1");
    let over = |r: &mut Entitlement| r.call = Some(call(Verb::Revoke, -1));
    assert_eq!(next(&ours(over), &[ended(1)]), "look AfterUnknown");
    let failing = ours(|r| {
        over(r);
        r.progress.trying = Some((Verb::Observe, later(4)));
    });
    assert_eq!(next(&failing, &[ended(1)]), "wait 4");
}

#[test]
fn giving_begins_with_a_look_only_where_the_bit_is_shared() {
    assert_eq!(next(&ours(|_| {}), &[starting(1)]), "call Grant");
    assert_eq!(next(&shared(|_| {}), &[starting(1)]), "look BeforeFirst");
    let absent = |r: &mut Entitlement| {
        r.had_before = Some(false);
        seen(r, false);
    };
    assert_eq!(next(&shared(absent), &[starting(1)]), "call Grant");
    let older = |r: &mut Entitlement| {
        r.had_before = Some(true);
        seen(r, true);
    };
    assert_eq!(next(&shared(older), &[starting(1)]), "R-100005 works, had it before: true");
    let stale = shared(|r| {
        older(r);
        r.progress.seen = Some((true, later(-31)));
    });
    assert_eq!(next(&stale, &[starting(1)]), "look BeforeFirst");
}

#[test]
fn working_is_said_after_the_answer_and_the_read_back() {
    let answered = |r: &mut Entitlement| {
        r.given = true;
        r.progress.answered = vec![GrantId::from_stored("g1".into())];
    };
    assert_eq!(next(&ours(answered), &[starting(1)]), "look ReadBack");
    let read = |r: &mut Entitlement| {
        answered(r);
        seen(r, true);
    };
    assert_eq!(next(&ours(read), &[starting(1)]), "R-100005 works, had it before: false");
    assert_eq!(next(&ours(read), &[starting(1), starting(2)]), "call Grant", "the second was not asked for yet");
    let late = Claim { give_up_at: NOW, ..starting(1) };
    assert_eq!(next(&ours(read), &[late]), "R-100005 failed");
}

#[test]
fn live_access_is_looked_at_and_never_given_again() {
    let given = |r: &mut Entitlement| r.given = true;
    assert_eq!(next(&ours(given), &[works(1)]), "look Look");
    let there = |r: &mut Entitlement| {
        given(r);
        seen(r, true);
    };
    assert_eq!(next(&ours(there), &[works(1)]), "idle Some(600)");
    let missing = |r: &mut Entitlement| {
        given(r);
        seen(r, false);
    };
    assert_eq!(next(&ours(missing), &[works(1)]), "R-100005 found absent");
    let told = ours(|r| {
        given(r);
        r.progress.found_absent = true;
    });
    assert_eq!(next(&told, &[works(1)]), "idle Some(3602)");
}

#[test]
fn the_targets_own_expiry_moves_before_more_time_is_said() {
    let more = Claim { extend_to: Some(later(7_200)), ..works(1) };
    let short = |r: &mut Entitlement| (r.given, r.native_expiry) = (true, Some(later(3_602)));
    assert_eq!(next(&ours(short), std::slice::from_ref(&more)), "call Extend");
    let asked = ours(|r| {
        short(r);
        r.progress.asked = Some(later(7_200));
    });
    assert_eq!(next(&asked, std::slice::from_ref(&more)), "R-100005 extended", "the target gave less, and was asked once");
    let absent = ours(|r| {
        short(r);
        r.progress.found_absent = true;
    });
    assert_eq!(next(&absent, &[more]), "R-100005 extended", "nothing is asked for that somebody took away");
    let early = ours(|r| (r.given, r.native_expiry) = (true, Some(later(3_590))));
    assert_eq!(next(&early, &[works(1)]), "call Extend", "reading back took longer than was planned");
}

#[test]
fn an_end_beside_live_claims_is_said_and_takes_nothing_away() {
    let there = |r: &mut Entitlement| {
        r.given = true;
        seen(r, true);
    };
    assert_eq!(next(&ours(|r| r.given = true), &[ended(1), works(2)]), "look ReadBack");
    assert_eq!(next(&ours(there), &[ended(1), works(2)]), "R-100005 gone, {\"through\":{\"request\":\"R-20000A\"}}");
    let older = shared(|r| {
        r.had_before = Some(true);
        seen(r, true);
    });
    assert_eq!(next(&older, &[ended(1), works(2)]), "R-100005 gone, \"before\"");
}

#[test]
fn an_end_is_taken_away_read_back_and_said() {
    let given = |r: &mut Entitlement| r.given = true;
    assert_eq!(next(&ours(given), &[ended(1)]), "call Revoke");
    let revoked = |r: &mut Entitlement| (r.given, r.progress.revoked) = (true, true);
    assert_eq!(next(&ours(revoked), &[ended(1)]), "look ReadBack");
    let gone = |r: &mut Entitlement| {
        revoked(r);
        seen(r, false);
    };
    assert_eq!(next(&ours(gone), &[ended(1)]), "R-100005 gone, \"nothing\"");
    let unknown = ours(|r| {
        gone(r);
        r.unknown_until = Some(later(5));
    });
    assert_eq!(next(&unknown, &[ended(1)]), "wait 6");
    assert_eq!(next(&ours(gone), &[claim(1, true, Some(-5))]), "idle Some(1)", "its request has not said so yet");
    assert_eq!(next(&ours(given), &[claim(1, true, Some(-1))]), "look Look", "its request may still prolong itself");
}

#[test]
fn an_operation_is_waited_for_by_what_it_does() {
    let op = |verb| move |r: &mut Entitlement| (r.given, r.waiting, r.progress.waiting_for) = (true, Some("op".into()), Some(verb));
    assert_eq!(next(&ours(op(Verb::Grant)), &[starting(1)]), "poll Grant op");
    assert_eq!(next(&ours(op(Verb::Revoke)), &[ended(1)]), "poll Revoke op");
    assert_eq!(next(&ours(op(Verb::Revoke)), &[ended(1), starting(2)]), "poll Revoke op", "it might take away what is given next");
    assert_eq!(next(&ours(op(Verb::Grant)), &[ended(1)]), "call Revoke", "an end waits for no grant");
    let mut row = ours(op(Verb::Grant));
    learn::begin(&mut row, Verb::Revoke, &[ended(1)], TRAITS, NOW, later(10));
    learn::done(&mut row, Verb::Revoke, &[ended(1)], learn::Brought::default());
    assert_eq!(next(&row, &[ended(1)]), "poll Grant op", "it may still land: gone is not said before it has ended");
    learn::done(&mut row, Verb::Grant, &[ended(1)], learn::Brought::default());
    assert_eq!(next(&row, &[ended(1)]), "call Revoke", "it landed");
}

#[test]
fn a_row_without_claims_goes_unless_something_of_ours_may_be_there() {
    assert_eq!(next(&ours(|_| {}), &[]), "drop");
    assert_eq!(next(&ours(|r| r.given = true), &[]), "idle None");
}

#[test]
fn only_what_was_never_begun_and_carries_nothing_may_be_withdrawn() {
    let (first, second) = (starting(1), starting(2));
    assert!(is_untouched(&ours(|_| {}), std::slice::from_ref(&first), &first));
    let given = ours(|r| r.given = true);
    assert!(is_untouched(&given, &[first.clone(), second.clone()], &second));
    assert!(!is_untouched(&given, std::slice::from_ref(&second), &second), "what an earlier grant gave would stay");
    let begun = ours(|r| r.progress.begun = vec![first.grant.clone()]);
    assert!(!is_untouched(&begun, &[first.clone(), second], &first));
}

#[test]
fn what_one_end_collected_is_not_told_of_the_next() {
    let mut row = ours(|r| r.given = true);
    let brought = || learn::Brought { sessions_closed: Some(2), residue: vec!["a table".into()], ..learn::Brought::default() };
    learn::begin(&mut row, Verb::Revoke, &[ended(1)], TRAITS, NOW, later(10));
    learn::done(&mut row, Verb::Revoke, &[ended(1)], brought());
    learn::begin(&mut row, Verb::Revoke, &[ended(1)], TRAITS, NOW, later(10));
    learn::done(&mut row, Verb::Revoke, &[ended(1)], brought());
    assert_eq!((row.sessions_closed, row.residue.len()), (Some(4), 1), "each repeat tells of its own");
    let told = [(RequestId::new(1), gone(&row, Remains::Nothing))];
    learn::told(&mut row, &told, 1, NOW);
    assert_eq!((row.sessions_closed, row.residue.len()), (None, 0));
}

#[test]
fn what_was_never_asked_for_and_is_there_was_there_before() {
    let mut row = shared(|r| r.had_before = Some(false));
    learn::read(&mut row, Why::ReadBack, true, &[ended(1)], TRAITS, NOW);
    assert_eq!(row.had_before, Some(true));
    let mut row = shared(|_| {});
    let twice = Traits { reads: 2, ..TRAITS };
    learn::read(&mut row, Why::BeforeFirst, true, &[starting(1)], twice, NOW);
    assert_eq!(row.had_before, None, "one read may be stale");
    learn::read(&mut row, Why::BeforeFirst, true, &[starting(1)], twice, NOW);
    assert_eq!(row.had_before, Some(true));
}
