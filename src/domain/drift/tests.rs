//! Whose access is whose: every kind of holder against every kind of record; and what two looks make of a difference.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::entitlement::{Call, Order};
use crate::domain::{event::Verb, request::GrantId, time::Span};

const NOW: Instant = Instant::from_micros(1_795_528_800_000_000);

fn row(ownership: Ownership, change: impl FnOnce(&mut Entitlement)) -> Entitlement {
    let order = Order {
        provider: "orders".parse().unwrap(),
        target: serde_json::json!({}),
        principal: "ana".into(),
        person: "ana".parse().unwrap(),
        inputs: BTreeMap::new(),
        grant: "g1".into(),
        by_hand: String::new(),
    };
    let mut row = Entitlement::new(EntitlementKey("k".into()), ownership, order);
    row.last = Some(RequestId::new(1));
    change(&mut row);
    row
}

fn works(minutes: i64) -> Claim {
    Claim {
        entitlement: EntitlementKey("k".into()),
        request: RequestId::new(2),
        grant: GrantId::from_stored("g1".into()),
        wanted: minutes > 0,
        until: Some(NOW + Span::from_minutes(minutes)),
        extend_to: None,
        latest: NOW,
        give_up_at: NOW,
        duration: Span::from_minutes(60),
    }
}

fn holds(principal: &str, grant: Option<&str>, ours: bool) -> Holds {
    Holds { principal: principal.into(), grant: grant.map(Into::into), ours, through: None }
}

/// By name alone, by its own word, and by our grant.
fn bare() -> Holds {
    holds("ana", None, false)
}

fn marked() -> Holds {
    holds("ana", None, true)
}

fn carries() -> Holds {
    holds("hp_g1", Some("g1"), true)
}

fn kinds(holders: &[Holds], given: &[Given]) -> Vec<&'static str> {
    judge(holders, given).iter().map(|finding| finding.kind.name()).collect()
}

fn given(ownership: Ownership, change: impl FnOnce(&mut Entitlement), claims: &[Claim]) -> [Given; 1] {
    [Given::of(&row(ownership, change), claims, NOW)]
}

#[test]
fn who_holds_it_by_a_live_grant_is_no_difference() {
    let live = |ownership| given(ownership, |r| r.given = true, &[works(10)]);
    assert_eq!(kinds(&[bare()], &live(Ownership::Shared)), [""; 0]);
    assert_eq!(kinds(&[marked()], &live(Ownership::Ours)), [""; 0]);
    assert_eq!(kinds(&[carries()], &live(Ownership::PerGrant)), [""; 0]);
}

#[test]
fn what_is_being_given_or_taken_is_the_workers_business() {
    let starting = Claim { until: None, ..works(10) };
    assert_eq!(kinds(&[carries()], &given(Ownership::PerGrant, |_| {}, std::slice::from_ref(&starting))), [""; 0]);
    assert_eq!(kinds(&[], &given(Ownership::PerGrant, |r| r.given = true, &[starting])), [""; 0]);
    assert_eq!(kinds(&[carries()], &given(Ownership::PerGrant, |r| r.given = true, &[works(0)])), [""; 0]);
    let busy = |r: &mut Entitlement| (r.given, r.call) = (true, Some(Call { verb: Verb::Extend, started: NOW, deadline: NOW }));
    assert_eq!(kinds(&[], &given(Ownership::PerGrant, busy, &[works(10)])), [""; 0]);
}

#[test]
fn whom_nobody_gave_it_is_not_ours() {
    let gus = holds("gus", None, false);
    let live = given(Ownership::Shared, |r| r.given = true, &[works(10)]);
    assert_eq!(kinds(&[bare(), gus.clone()], &live), ["not_ours"]);
    assert_eq!(judge(&[gus], &[])[0].entitlement, None, "nothing can be taken away by it");
}

#[test]
fn what_another_bot_marks_as_its_own_is_not_ours() {
    assert_eq!(kinds(&[holds("hp_x", Some("x"), true)], &[]), ["not_ours"]);
    assert_eq!(kinds(&[marked()], &[]), ["not_ours"]);
    assert_eq!(unknown(&[bare(), marked(), carries()], &[]), [&marked(), &carries()], "but it is looked up first");
}

#[test]
fn older_access_stays_somebody_elses_whoever_claims_it() {
    let before = |r: &mut Entitlement| r.had_before = Some(true);
    assert_eq!(kinds(&[bare()], &given(Ownership::Shared, before, &[works(10)])), ["not_ours"]);
    assert_eq!(kinds(&[], &given(Ownership::Shared, before, &[works(10)])), [""; 0]);
}

#[test]
fn a_live_grant_that_is_not_there_is_gone() {
    for ownership in [Ownership::Shared, Ownership::Ours, Ownership::PerGrant] {
        let found = judge(&[holds("gus", None, false)], &given(ownership, |r| r.given = true, &[works(10)]));
        assert_eq!((found[1].kind, found[1].request.clone()), (DriftKind::OursAndGone, Some(RequestId::new(2))));
    }
}

#[test]
fn what_is_ours_by_its_own_word_is_ours_after_its_end() {
    let past = |ownership| [Given::past(&row(ownership, |_| {}))];
    assert_eq!(kinds(&[carries()], &past(Ownership::PerGrant)), ["ours_after_end"]);
    assert_eq!(kinds(&[marked()], &past(Ownership::Ours)), ["ours_after_end"]);
    // Its row is kept for what it left; the access came back.
    assert_eq!(kinds(&[carries()], &given(Ownership::PerGrant, |_| {}, &[])), ["ours_after_end"]);
    assert_eq!(kinds(&[bare()], &given(Ownership::Ours, |_| {}, &[])), ["not_ours"], "somebody else gave it to them");
}

#[test]
fn what_says_nothing_of_itself_is_ours_only_until_it_was_seen_to_go() {
    assert_eq!(kinds(&[bare()], &given(Ownership::Shared, |_| {}, &[])), ["not_ours"]);
    // Settled by a person, and never read as absent.
    assert_eq!(kinds(&[bare()], &given(Ownership::Shared, |r| r.given = true, &[])), ["ours_after_end"]);
}

#[test]
fn what_somebody_else_gave_beside_a_live_grant_of_ours_is_still_not_ours() {
    let live = given(Ownership::Ours, |r| r.given = true, &[works(10)]);
    assert_eq!(kinds(&[bare(), marked()], &live), ["not_ours"]);
    assert_eq!(kinds(&[bare()], &live), ["not_ours", "ours_and_gone"], "and does not stand for ours");
    // Settled by a person, and never read as absent.
    let settled = given(Ownership::Ours, |r| r.given = true, &[]);
    assert_eq!(kinds(&[bare()], &settled), ["not_ours"]);
    assert_eq!(kinds(&[marked()], &settled), ["ours_after_end"]);
}

#[test]
fn what_is_held_through_a_target_that_is_looked_at_is_judged_there() {
    let through = |name: &str| Holds { through: Some(name.into()), ..bare() };
    let all = [bare(), through("looked at"), through("another")];
    assert_eq!(judged_here(all.to_vec(), |name| name == "looked at"), [bare(), through("another")]);
    let live = given(Ownership::Shared, |r| r.given = true, &[works(10)]);
    assert_eq!(kinds(&[through("another")], &live), ["not_ours", "ours_and_gone"], "another way in is not the one that was given");
}

/// What the next look makes of what the one before left.
struct Looks {
    tracked: Vec<Tracked>,
    at: Instant,
}

impl Looks {
    fn look(&mut self, findings: Option<&[Finding]>) -> Compared {
        self.at = self.at + Span::from_seconds(20);
        let target = "t".to_owned();
        let read = findings.map(|found| (target.clone(), found.to_vec()));
        let unread: BTreeSet<_> = findings.is_none().then_some(target).into_iter().collect();
        let provider = "orders".parse().unwrap();
        let tracked = std::mem::take(&mut self.tracked);
        let compared = compare(&provider, tracked, &read.into_iter().collect(), &unread, &BTreeMap::new(), self.at);
        self.tracked.extend(compared.unread.iter().chain(&compared.suspected).chain(&compared.seen).chain(&compared.doubted).cloned());
        self.tracked.extend(
            compared.confirmed.iter().map(|(it, _)| Tracked { row: DriftRow { found_at: Some(self.at), ..it.row.clone() }, ..it.clone() }),
        );
        compared
    }
}

#[test]
fn a_difference_is_found_when_it_was_seen_twice_and_gone_when_it_was_missed_twice() {
    let gus = &judge(&[holds("gus", None, false)], &[])[..];
    let mut looks = Looks { tracked: Vec::new(), at: NOW };
    let first = looks.look(Some(gus));
    assert!(first.is_unsure() && first.confirmed.is_empty());
    assert_eq!(looks.look(Some(gus)).confirmed.len(), 1);
    assert_eq!(looks.look(Some(gus)).seen.len(), 1);
    let before = looks.tracked.clone();
    assert_eq!(looks.look(None), Compared { unread: before, ..Compared::default() }, "a look that failed changes nothing");
    assert_eq!(looks.look(Some(&[])).doubted.len(), 1);
    assert_eq!(looks.look(Some(gus)).seen.len(), 1, "it was there after all");
    assert_eq!(looks.look(Some(&[])).doubted.len(), 1);
    let gone = looks.look(Some(&[])).gone;
    assert_eq!((gone.len(), gone[0].row.gone_at), (1, Some(looks.at)));
    let again = looks.look(Some(gus));
    assert_eq!(again.suspected.len(), 1, "the next time is another time");
    assert_ne!(again.suspected[0].id, gone[0].id);
    assert_eq!(looks.look(Some(&[])).forgotten, [again.suspected[0].id.clone()], "what was seen once is not told");
}

/// Nothing shows what happened between two looks but that its record says it was gone.
#[test]
fn what_is_put_back_as_soon_as_it_was_taken_away_is_found_each_time() {
    let of = |given| judge(&[carries()], &[given]);
    let back = of(Given::past(&row(Ownership::PerGrant, |_| {})));
    let ending = of(Given::of(&row(Ownership::PerGrant, |r| r.given = true), &[], NOW));
    let mut looks = Looks { tracked: Vec::new(), at: NOW };
    for times in 0..3 {
        let first = looks.look(Some(&back));
        assert_eq!((first.suspected.len(), first.gone.len()), (1, usize::from(times > 0)));
        let confirmed = looks.look(Some(&back)).confirmed;
        assert_eq!(confirmed.len(), 1, "taken away again");
        for _ in 0..3 {
            assert_eq!(looks.look(Some(&ending)).seen.len(), 1, "being taken away, or settled, it is known");
        }
    }
    assert_eq!(looks.look(Some(&[])).doubted.len(), 1);
    let again = looks.look(Some(&back));
    assert_eq!((again.seen.len(), again.gone.len(), again.suspected.len()), (0, 1, 1), "also if one look had missed it");
}

#[test]
fn what_is_not_looked_at_any_more_is_not_said_to_be_gone() {
    let gus = &judge(&[holds("gus", None, false)], &[])[..];
    let mut looks = Looks { tracked: Vec::new(), at: NOW };
    looks.look(Some(gus));
    looks.look(Some(gus));
    let provider = "orders".parse().unwrap();
    let compared = compare(&provider, looks.tracked, &BTreeMap::new(), &BTreeSet::new(), &BTreeMap::new(), looks.at);
    assert_eq!((compared.gone.len(), compared.unwatched.len()), (0, 1));
    let row = &compared.unwatched[0].row;
    assert_eq!((row.unwatched_at, row.gone_at), (Some(looks.at), None));
}

#[test]
fn a_line_names_few_and_says_how_many_more_there_are() {
    let row = |principal: &str, resource: Option<&str>| DriftRow {
        provider: "orders".parse().unwrap(),
        target: r#"{"role":"orders_write"}"#.into(),
        principal: principal.into(),
        grant: None,
        kind: DriftKind::NotOurs,
        first_seen: NOW,
        last_seen: NOW,
        found_at: Some(NOW),
        gone_at: None,
        unwatched_at: None,
        resources: resource.map(|name| name.parse().unwrap()).into_iter().collect(),
        roles: resource.map(|_| "write".parse().unwrap()).into_iter().collect(),
        request: None,
    };
    assert_eq!(said(&[row("gus", Some("prod-db"))]), "gus has write on prod-db");
    assert_eq!(said(&[row("gus\n\u{202e}x", None)]), r#"gusx has {"role":"orders_write"}"#);
    let many: Vec<_> = (0..11).map(|n| row(&format!("p{n}"), Some("prod-db"))).collect();
    assert_eq!(said(&many), "p0, p1, p2, p3, p4, p5, p6, p7 and 3 more have write on prod-db");
    let wide: Vec<_> = (0..7).map(|n| row("gus", Some(&format!("db-{n}")))).collect();
    assert!(said(&wide).ends_with("gus has write on db-4; and so it is with 2 more roles"), "{}", said(&wide));
    let settled = DriftRow { kind: DriftKind::OursAfterEnd, request: Some(RequestId::new(1)), ..row("ana", Some("prod-db")) };
    assert_eq!(said(&[settled]), format!("ana (once by {}) has write on prod-db", RequestId::new(1)));
}
