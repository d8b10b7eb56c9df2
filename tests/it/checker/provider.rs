//! Rules between the ledger and the provider's own record: effects and intents, ends and alarms, what was there before.

use std::collections::BTreeSet;

use hallpass::domain::{
    event::{Effect, Outcome, Verb},
    request::Remains,
    time::{Instant, Span},
};

use super::{Book, Change, Evidence, Object, life::Life};

/// Access that outlives its end by more than this has an alarm.
const ALARM_BY: Span = Span::from_seconds(30);
/// Between reading claims and committing what follows from them.
const MOMENT: Span = Span::from_seconds(1);

type Lines = [(Instant, Effect)];

/// R1, R2: a committed intent of that entitlement came first, and its deadline is not over.
pub(super) fn r1_effects_lie_within_a_committed_intent(evidence: &Evidence, book: &Book) -> Vec<String> {
    let covered = |change: &Change, lines: &Lines| if change.on { given(change, lines, evidence.slack) } else { taken(change, lines) };
    let ours = evidence.changes.iter().filter(|change| !change.by_hand);
    let bare = ours.filter(|change| !book.streams_of(&change.object).any(|(_, lines)| covered(change, lines)));
    bare.map(|change| {
        let what = if change.on { "given" } else { "taken away" };
        format!("R1 {} {}: {what} at {} without a committed intent", change.object.target, change.object.principal, change.at)
    })
    .collect()
}

fn given(change: &Change, lines: &Lines, slack: Span) -> bool {
    lines.iter().any(|(at, effect)| match effect {
        Effect::Intent { verb: Verb::Grant | Verb::Extend, deadline, .. } => *at <= change.at && change.at <= *deadline + slack,
        _ => false,
    })
}

/// A revoke is repeated until it works; without a store (R12) the grant's intent is also its revoke's.
fn taken(change: &Change, lines: &Lines) -> bool {
    let mut intended = false;
    for (_, effect) in lines.iter().filter(|(at, _)| *at <= change.at) {
        if let Effect::Intent { verb: verb @ (Verb::Revoke | Verb::Grant), .. } = effect {
            intended = *verb == Verb::Revoke;
        }
    }
    let unwritten = |effect: &Effect| matches!(effect, Effect::Unwritten { verb: Verb::Revoke, at, .. } if *at >= change.at);
    let granted = lines.iter().any(|(at, effect)| *at <= change.at && matches!(effect, Effect::Intent { verb: Verb::Grant, .. }));
    intended || (granted && lines.iter().any(|(_, effect)| unwritten(effect)))
}

/// R1: what is given was decided before.
pub(super) fn r1_intents_are_for_what_was_granted(evidence: &Evidence, book: &Book) -> Vec<String> {
    let mut findings = Vec::new();
    for (key, lines) in &book.effects {
        let lives: Vec<_> = book.lives_on(key).collect();
        for (at, effect) in lines {
            let Effect::Intent { verb: Verb::Grant, grants, .. } = effect else { continue };
            // Claims are read before the intent is committed: one that ended in that moment is read back like any other.
            let live = |life: &Life<'_>| life.granting <= *at && *at <= life.end() + MOMENT + evidence.slack;
            if !lives.iter().any(|life| grants.iter().any(|grant| grant == life.grant.id.as_str()) && live(life)) {
                findings.push(format!("R1 entitlement {key}: intended at {at} for nobody who was granted it"));
            }
        }
    }
    findings
}

/// R3: beyond its end by half a minute, there is an alarm, raised by then and still open.
pub(super) fn r3_what_outlives_its_end_has_an_alarm(evidence: &Evidence, book: &Book) -> Vec<String> {
    let mut findings = Vec::new();
    for object in objects(evidence) {
        let lives: Vec<_> = book.streams_of(&object).flat_map(|(key, _)| book.lives_on(key)).collect();
        for (from, to) in given_spans(evidence, &object) {
            for (end, seen) in unwanted(from, to, &lives) {
                let by = due(end, &evidence.down) + evidence.slack;
                let alarmed = |life: &Life<'_>| {
                    life.alarms
                        .iter()
                        .any(|(raised, cleared)| *raised <= by && cleared.is_none_or(|cleared| seen <= cleared + evidence.slack))
                };
                let settled = |life: &Life<'_>| life.settled.is_some_and(|at| at <= by);
                if by < seen && !lives.iter().any(|life| alarmed(life) || settled(life)) {
                    let ids: Vec<_> = lives.iter().map(|life| life.id.as_str()).collect();
                    let Object { target, principal, .. } = &object;
                    findings.push(format!("R3 {ids:?} {target} {principal}: on until {seen}, wanted until {end}, and no alarm by {by}"));
                }
            }
        }
    }
    findings
}

/// End + 30 s; where the bot was down then, half a minute after its start.
fn due(end: Instant, down: &[(Instant, Instant)]) -> Instant {
    down.iter().fold(end + ALARM_BY, |by, (from, to)| if *from <= by && end < *to { by.max(*to + ALARM_BY) } else { by })
}

/// The parts of a span that no grant wanted.
fn unwanted(from: Instant, to: Instant, lives: &[Life<'_>]) -> Vec<(Instant, Instant)> {
    let mut wanted: Vec<_> = lives.iter().map(|life| (life.granting, life.end())).collect();
    wanted.sort_unstable();
    let (mut at, mut parts) = (from, Vec::new());
    for (start, end) in wanted {
        if at < start.min(to) {
            parts.push((at, start.min(to)));
        }
        at = at.max(end);
    }
    if at < to {
        parts.push((at, to));
    }
    parts
}

/// R4: looked at later than the deadline of every call whose answer is not known, and then it was not there.
pub(super) fn r4_gone_is_read_back_after_every_unknown_call(evidence: &Evidence, book: &Book) -> Vec<String> {
    let mut findings = Vec::new();
    for (key, lines) in &book.effects {
        for life in book.lives_on(key) {
            let Some((gone, remains)) = life.gone else { continue };
            if let Some(deadline) = unanswered(lines, gone, &evidence.down).filter(|deadline| gone <= *deadline) {
                findings.push(format!("R4 {}: gone at {gone}, and a call without an answer may act until {deadline}", life.id));
            }
            let nothing = *remains == Remains::Nothing;
            let last = lines.iter().rev().find_map(|(at, effect)| match effect {
                Effect::Answer { verb: Verb::Observe, answer } if *at <= gone => Some(answer.as_str()),
                _ => None,
            });
            if last != Some(if nothing { "absent" } else { "present" }) {
                findings.push(format!("R4 {}: gone at {gone}, and the last look showed {last:?}", life.id));
            }
            if nothing && evidence.looks.is_some() && !was_looked_at(evidence, book, key, gone) {
                findings.push(format!("R4 {}: gone at {gone}, and nobody looked after it was taken away", life.id));
            }
        }
    }
    findings
}

/// The latest deadline of a call that was not answered by then. Only a *change* of the answer is written, so a repeated
/// call without an entry was answered as before, unless the bot died over it.
fn unanswered(lines: &Lines, by: Instant, down: &[(Instant, Instant)]) -> Option<Instant> {
    let (mut open, mut call, mut known): (Option<Instant>, Option<(Instant, Instant)>, bool) = (None, None, false);
    let late = |call: Option<(Instant, Instant)>, known: bool, next: Instant| {
        call.filter(|(at, _)| !known || down.iter().any(|(from, _)| *at <= *from && *from <= next)).map(|(_, deadline)| deadline)
    };
    for (at, effect) in lines.iter().filter(|(at, _)| *at <= by) {
        match effect {
            Effect::Intent { deadline, .. } => {
                open = open.max(late(call, known, *at));
                call = Some((*at, *deadline));
            }
            Effect::Outcome { verb, .. } if *verb != Verb::Observe => (call, known) = (None, false),
            Effect::Answer { verb, answer } if *verb != Verb::Observe => {
                known = !answer.starts_with("unknown");
                open = if known { open } else { open.max(call.map(|(_, deadline)| deadline)) };
                call = None;
            }
            _ => {}
        }
    }
    open.max(late(call, known, by))
}

/// By the provider's own record: after the last change that was made here, somebody looked and found nothing.
fn was_looked_at(evidence: &Evidence, book: &Book, key: &str, gone: Instant) -> bool {
    let here = |object: &Object| book.streams_of(object).any(|(stream, _)| stream == key);
    let changes = evidence.changes.iter().filter(|change| !change.by_hand && change.at <= gone && here(&change.object));
    let last = changes.map(|change| change.at).max();
    let mut looks = evidence.looks.iter().flatten().filter(|look| !look.present && look.at <= gone + evidence.slack && here(&look.object));
    looks.any(|look| last.is_none_or(|last| last <= look.at)) || !book_knows_object(book, key)
}

/// Without an intent nothing can have been given, and its object has no name here.
fn book_knows_object(book: &Book, key: &str) -> bool {
    book.effects.get(key).is_some_and(|lines| lines.iter().any(|(_, effect)| matches!(effect, Effect::Intent { .. })))
}

/// R4: nothing, through another live grant, or as before: by the provider's own record.
pub(super) fn r4_what_is_said_to_remain_is_so(evidence: &Evidence, book: &Book) -> Vec<String> {
    let mut findings = Vec::new();
    for object in objects(evidence) {
        let spans = given_spans(evidence, &object);
        for life in book.streams_of(&object).flat_map(|(key, _)| book.lives_on(key)) {
            let Some((gone, remains)) = life.gone else { continue };
            let given = spans.iter().any(|(from, to)| *from <= gone && gone < *to);
            let wrong = match remains {
                Remains::Nothing => given.then(|| "it is still on".to_owned()),
                Remains::Before => (!standing_at(evidence, &object, gone)).then(|| "it was not there before".to_owned()),
                Remains::Through { request } => {
                    let mut others = book.streams_of(&object).flat_map(|(key, _)| book.lives_on(key));
                    let lives = others.any(|other| other.id == request && other.granting <= gone && life.end() < other.end());
                    (!lives).then(|| format!("{request} has no access either"))
                }
                Remains::Unknown => None,
            };
            findings.extend(wrong.map(|why| format!("R4 {}: said to be gone at {gone} ({remains:?}), and {why}", life.id)));
        }
    }
    findings
}

/// R6: the bot takes away only what it gave.
pub(super) fn r6_what_was_there_before_stays(evidence: &Evidence, book: &Book) -> Vec<String> {
    let taken = evidence.changes.iter().filter(|change| !change.by_hand && !change.on);
    // What carries a grant of ours is ours, whoever put it back.
    let carries = |object: &Object| {
        let mut lives = book.streams_of(object).flat_map(|(key, _)| book.lives_on(key));
        lives.any(|life| life.grant.id.as_str() == object.grant)
    };
    let older = taken.filter(|change| !carries(&change.object) && standing_before(evidence, change));
    older.map(|c| format!("R6 {} {}: taken away at {}, and it was there before", c.object.target, c.object.principal, c.at)).collect()
}

/// R6: nothing is taken away under somebody who holds it.
pub(super) fn r6_no_grant_cuts_another(evidence: &Evidence, book: &Book) -> Vec<String> {
    let mut findings = Vec::new();
    for change in evidence.changes.iter().filter(|change| !change.by_hand && !change.on) {
        for life in book.streams_of(&change.object).flat_map(|(key, _)| book.lives_on(key)) {
            if life.active().is_some_and(|(from, to)| from < change.at && change.at < to) {
                findings.push(format!("R6 {}: cut at {}, before its end {}", life.id, change.at, life.end()));
            }
        }
    }
    findings
}

/// R9: "granted" not before the provider had it on.
pub(super) fn r9_working_and_gone_are_said_after_they_are_true(evidence: &Evidence, book: &Book) -> Vec<String> {
    let mut findings = Vec::new();
    for (key, lines) in &book.effects {
        for life in book.lives_on(key) {
            let Some((work, said)) = life.work else { continue };
            let answered = lines
                .iter()
                .any(|(at, effect)| *at <= said && matches!(effect, Effect::Outcome { verb: Verb::Grant, outcome: Outcome::Ok, .. }));
            if !answered && !work.had_before {
                findings.push(format!("R9 {}: said to work at {said}, before the provider's answer was written", life.id));
            }
        }
    }
    for object in objects(evidence) {
        for life in book.streams_of(&object).flat_map(|(key, _)| book.lives_on(key)) {
            let Some((_, said)) = life.work else { continue };
            let first = evidence.changes.iter().find(|change| change.object == object && change.on && change.at <= said);
            if first.is_none() && !evidence.before.contains(&object) {
                findings.push(format!("R9 {}: said to work at {said}, and it was never on before that", life.id));
            }
        }
    }
    findings
}

fn objects(evidence: &Evidence) -> BTreeSet<Object> {
    evidence.changes.iter().map(|change| change.object.clone()).chain(evidence.before.iter().cloned()).collect()
}

/// Spans in which it was on and the bot had given it.
fn given_spans(evidence: &Evidence, object: &Object) -> Vec<(Instant, Instant)> {
    let (mut since, mut spans) = (None, Vec::new());
    for change in evidence.changes.iter().filter(|change| change.object == *object) {
        if change.on {
            since = since.or_else(|| (!change.by_hand).then_some(change.at));
        } else if let Some(from) = since.take() {
            spans.push((from, change.at));
        }
    }
    spans.extend(since.map(|from| (from, evidence.now())));
    spans
}

/// On, and not through the bot, just before this change.
fn standing_before(evidence: &Evidence, change: &Change) -> bool {
    let earlier = evidence.changes.iter().take_while(|other| !std::ptr::eq(*other, change));
    fold_standing(evidence, &change.object, earlier)
}

fn standing_at(evidence: &Evidence, object: &Object, at: Instant) -> bool {
    fold_standing(evidence, object, evidence.changes.iter().filter(|change| change.at <= at))
}

fn fold_standing<'a>(evidence: &Evidence, object: &Object, changes: impl Iterator<Item = &'a Change>) -> bool {
    let here = changes.filter(|change| change.object == *object);
    here.fold(evidence.before.contains(object), |_, change| change.on && change.by_hand)
}
