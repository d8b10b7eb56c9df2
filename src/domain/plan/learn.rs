//! Writes into an entitlement's row what was begun, answered, read or told. Pure; the caller commits it.

use super::{Traits, Why, furthest_end, holds, is_starting};
use crate::domain::{
    entitlement::{Call, Claim, Entitlement, Handle, Leftover, Ownership, Progress},
    event::Verb,
    news::News,
    request::{GrantId, RequestId},
    time::{Instant, Span},
};

/// Longest pause between two tries.
const SLOWEST: i64 = 60;
/// Between two tries to clean up what an end left: the first pause, and the longest.
const CLEANING: (i64, i64) = (60, 3_600);
const SOON: Span = Span::from_seconds(1);

/// When a claim ends: its end, or, while it does not work yet, when giving is given up.
pub fn end_of(claim: &Claim) -> Instant {
    claim.until.unwrap_or_else(|| claim.give_up_at.min(claim.latest))
}

/// How long to pause after a try that came to nothing: chance, and what the provider asked for.
#[derive(Debug, Clone, Copy)]
pub struct Pause {
    pub jitter: u8,
    pub asked: Option<Span>,
}

/// A call is about to be made for these claims; committed before it is.
pub fn begin(row: &mut Entitlement, verb: Verb, claims: &[Claim], traits: Traits, now: Instant, deadline: Instant) {
    row.call = Some(Call { verb, started: now, deadline });
    row.tries = next_try(row, verb);
    row.progress.trying = Some((verb, now));
    forget_reads(row);
    if matches!(verb, Verb::Grant | Verb::Extend) {
        row.progress.asking = Some(furthest_end(claims, traits, now));
    }
    match verb {
        Verb::Grant => {
            // What an earlier end collected is not this grant's.
            (row.sessions_closed, row.residue) = (None, Vec::new());
            row.given = true;
            row.progress.revoked = false;
            row.progress.found_absent = false;
            row.progress.unwritten = None;
            let before = std::mem::take(&mut row.progress.begun);
            let begun = claims.iter().filter(|c| is_starting(c) || before.contains(&c.grant));
            row.progress.begun = begun.map(|c| c.grant.clone()).collect();
            row.last = claims.iter().rfind(|c| is_starting(c)).map(|c| c.request.clone()).or(row.last.take());
        }
        Verb::Revoke => {
            row.progress.answered.clear();
            (row.progress.asking, row.progress.asked) = (None, None);
            overtake(row);
        }
        Verb::Extend | Verb::Observe | Verb::Credential => {}
    }
}

/// A fresh credential is about to be asked for; committed before it is. What is known of the access stays as it is.
pub fn begin_credential(row: &mut Entitlement, now: Instant, deadline: Instant) {
    row.call = Some(Call { verb: Verb::Credential, started: now, deadline });
}

/// What came of that. Not answered: nobody knows, and the call stays in the row.
pub fn credential(row: &mut Entitlement, answered: bool) {
    if answered {
        row.call = None;
    } else {
        unknown(row);
    }
}

/// What a changing call brought along.
#[derive(Debug, Clone, Default)]
pub struct Brought {
    pub handle: Option<Handle>,
    pub how_to_connect: Option<String>,
    pub native_expiry: Option<Instant>,
    pub sessions_closed: Option<u32>,
    pub residue: Vec<String>,
}

/// What a target says remains: so many lines, and so many characters of each.
const RESIDUE: (usize, usize) = (20, 200);

/// What of it is kept, and shown: the first lines, and how many more there are.
fn bounded(residue: &[String]) -> Vec<String> {
    let cut = |line: &String| line.chars().take(RESIDUE.1).collect();
    if residue.len() <= RESIDUE.0 {
        return residue.iter().map(cut).collect();
    }
    let (shown, more) = residue.split_at(RESIDUE.0 - 1);
    shown.iter().map(cut).chain([format!("and {} more", more.len())]).collect()
}

/// The call was answered, and its work is done. `claims` are those that it was made for.
pub fn done(row: &mut Entitlement, verb: Verb, claims: &[Claim], brought: Brought) {
    let overtaken = is_overtaken(row, verb);
    row.call = None;
    row.progress.trying = None;
    forget_reads(row);
    row.handle = brought.handle.or(row.handle.take());
    if overtaken {
        // It landed after all: what it gave is taken away again.
        row.progress.overtaken.remove(0);
        row.progress.revoked = false;
        return;
    }
    (row.waiting, row.progress.waiting_for) = (None, None);
    match verb {
        Verb::Grant => row.progress.answered = claims.iter().map(|c| c.grant.clone()).collect(),
        Verb::Revoke => {
            row.progress.revoked = true;
            row.residue = bounded(&brought.residue);
            // Each repeat tells only of what it closed itself.
            row.sessions_closed = match (row.sessions_closed, brought.sessions_closed) {
                (Some(before), Some(now)) => Some(before.saturating_add(now)),
                (before, now) => now.or(before),
            };
        }
        Verb::Extend | Verb::Observe | Verb::Credential => {}
    }
    if matches!(verb, Verb::Grant | Verb::Extend) {
        row.progress.asked = row.progress.asked.max(row.progress.asking.take());
        row.native_expiry = brought.native_expiry.or(row.native_expiry);
        row.progress.how_to_connect = brought.how_to_connect.or(row.progress.how_to_connect.take());
    }
}

/// The provider is still working on it.
pub fn working_on(row: &mut Entitlement, verb: Verb, op: String, handle: Option<Handle>, again: Instant) {
    let overtaken = is_overtaken(row, verb);
    row.call = None;
    row.handle = handle.or(row.handle.take());
    row.progress.trying = Some((verb, again));
    if overtaken {
        row.progress.overtaken[0] = op;
    } else {
        (row.waiting, row.progress.waiting_for) = (Some(op), Some(verb));
    }
}

/// Nothing was changed by this call, or the look showed nothing; again after a pause.
pub fn failed(row: &mut Entitlement, verb: Verb, now: Instant, pause: Pause) {
    if verb == Verb::Observe {
        forget_reads(row);
        row.tries = next_try(row, verb);
    } else {
        row.call = None;
    }
    let backoff = backoff(row.tries, pause.jitter).max(patience(row, verb));
    row.progress.trying = Some((verb, now + pause.asked.map_or(backoff, |asked| asked.max(backoff))));
}

/// What is in no hurry waits longer from try to try.
fn patience(row: &mut Entitlement, verb: Verb) -> Span {
    if verb != Verb::Revoke || !row.is_cleaning() {
        return Span::ZERO;
    }
    row.leftover.as_mut().map_or(Span::ZERO, |left| {
        left.tries = left.tries.saturating_add(1);
        cleaning_pause(left.tries)
    })
}

/// Pause before cleaning up for the `tries + 1`th time: a minute, doubling to an hour.
fn cleaning_pause(tries: u32) -> Span {
    let (first, longest) = CLEANING;
    Span::from_seconds(first.checked_shl(tries.saturating_sub(1).min(6)).unwrap_or(longest).min(longest))
}

/// Asking after an operation failed. `ended`: it is known to work on no longer; else it is asked again.
pub fn poll_failed(row: &mut Entitlement, verb: Verb, ended: bool, now: Instant, pause: Pause) {
    row.tries = next_try(row, verb);
    if ended && is_overtaken(row, verb) {
        row.progress.overtaken.remove(0);
    } else if ended {
        (row.waiting, row.progress.waiting_for) = (None, None);
    }
    failed(row, verb, now, pause);
}

/// No answer: it may have taken effect, and may still do so until the call's deadline. The call stays in the row.
pub fn unknown(row: &mut Entitlement) {
    if let Some(call) = &row.call {
        row.unknown_until = row.unknown_until.max(Some(call.deadline));
    }
}

/// The provider says that it is still working on it. For an end that is no reason to wait: taking away may stop it, and
/// "gone" waits until it is absent.
pub fn pending(row: &mut Entitlement, why: Why, claims: &[Claim], traits: Traits, now: Instant) {
    if why == Why::AfterUnknown && !claims.iter().any(|c| holds(c, now)) {
        return resolved(row, now);
    }
    forget_reads(row);
    row.progress.trying = Some((Verb::Observe, now + traits.apart.max(SOON)));
}

/// A look that showed something.
pub fn read(row: &mut Entitlement, why: Why, present: bool, claims: &[Claim], traits: Traits, now: Instant) {
    if why == Why::AfterUnknown {
        return resolved(row, now);
    }
    if row.progress.trying.is_some_and(|(verb, _)| verb == Verb::Observe) {
        row.progress.trying = None;
    }
    if why == Why::BeforeCleaning && present {
        // Somebody else's by now: not touched, and looked at again later.
        let pause = patience(row, Verb::Revoke);
        if let Some(left) = &mut row.leftover {
            left.next_at = now + pause;
        }
        return forget_reads(row);
    }
    row.reads = if row.progress.seen.is_some_and(|(before, _)| before == present) { row.reads.saturating_add(1) } else { 1 };
    row.progress.seen = Some((present, now));
    row.progress.looked_at = Some(now);
    if row.ownership == Ownership::Shared && !row.given && why != Why::BeforeCleaning {
        // Nothing was ever asked for: whatever is there was there before.
        if row.reads >= traits.reads.max(1) {
            row.had_before = Some(present);
        }
    } else if why == Why::ReadBack && !present && !row.progress.answered.is_empty() {
        // Answered, and yet not there: to be given again, after a moment.
        row.progress.answered.clear();
        row.progress.trying = Some((Verb::Grant, now + SOON));
    } else if why == Why::ReadBack && present && row.had_before != Some(true) && !claims.iter().any(|c| holds(c, now)) {
        still_there(row, now);
    }
}

/// A call whose answer never came is over: the provider was read after its deadline. The verb is made again at once.
fn resolved(row: &mut Entitlement, now: Instant) {
    unknown(row);
    let verb = row.call.take().map(|c| c.verb);
    forget_reads(row);
    // A credential is asked for again by whoever wants it.
    let again = verb.filter(|verb| *verb != Verb::Credential);
    row.progress.trying = again.map(|verb| (verb, now + patience(row, verb)));
}

/// The access of these grants was taken away and read as absent at `at`, while the store refused writes (R12): only the
/// read-back is left to do. Means nothing when another grant has come since, or a call may still be unanswered.
pub fn taken(row: &mut Entitlement, claims: &[Claim], at: Instant, grants: &[GrantId], residue: &[String]) {
    let same = !claims.is_empty() && claims.iter().all(|claim| grants.contains(&claim.grant));
    let unanswered = row.call.as_ref().is_some_and(|call| at <= call.deadline);
    if !same || unanswered || !row.given || row.had_before == Some(true) {
        return;
    }
    unknown(row);
    row.call = None;
    overtake(row);
    row.progress.trying = None;
    row.progress.answered.clear();
    row.progress.revoked = true;
    row.residue = bounded(residue);
    row.progress.unwritten = Some(at);
    forget_reads(row);
}

/// A read-back with no live claim showed it present: take it away (again).
fn still_there(row: &mut Entitlement, now: Instant) {
    row.given = true;
    if row.progress.revoked {
        row.progress.trying = Some((Verb::Revoke, now + backoff(row.tries, u8::MAX / 2)));
    }
    row.progress.revoked = false;
    row.progress.unwritten = None;
    forget_reads(row);
}

/// The news was committed; `left` claims are left after it.
pub fn told(row: &mut Entitlement, news: &[(RequestId, News)], left: usize, now: Instant) {
    forget_reads(row);
    if news.iter().any(|(_, news)| matches!(news, News::Gone { .. })) {
        look_afresh(row, now);
    }
    if let Some(residue) = news.iter().find_map(|(_, news)| if let News::Leftover { residue } = news { Some(residue) } else { None }) {
        cleaned(row, residue, now);
    }
    for (request, news) in news {
        match news {
            News::FoundAbsent => row.progress.found_absent = true,
            News::Working { had_before: false, .. } => row.progress.answered.clear(),
            News::Gone { residue, .. } => {
                leave(row, request, residue, now);
                (row.sessions_closed, row.residue) = (None, Vec::new());
                row.last = Some(request.clone());
                if left == 0 {
                    forget(row);
                }
            }
            _ => {}
        }
    }
}

/// Nothing of ours is there any more.
fn forget(row: &mut Entitlement) {
    (row.given, row.had_before, row.native_expiry) = (false, None, None);
    row.progress = Progress::default();
}

/// An end was said, and what earlier ones left may have changed with it.
fn look_afresh(row: &mut Entitlement, now: Instant) {
    if let Some(left) = &mut row.leftover {
        (left.tries, left.next_at) = (0, now);
    }
}

/// This remains of an end that was said.
fn leave(row: &mut Entitlement, request: &RequestId, residue: &[String], now: Instant) {
    if residue.is_empty() {
        return;
    }
    let left = row.leftover.get_or_insert_with(|| Leftover { tries: 1, next_at: now + cleaning_pause(1), ..Leftover::new(now) });
    left.residue = residue.to_vec();
    add(left, request);
}

fn add(left: &mut Leftover, request: &RequestId) {
    if !left.requests.contains(request) {
        left.requests.push(request.clone());
    }
}

/// Cleaning up was answered: with nothing left it is over, else it is done again after a pause.
fn cleaned(row: &mut Entitlement, residue: &[String], now: Instant) {
    forget(row);
    (row.sessions_closed, row.residue) = (None, Vec::new());
    row.leftover = row.leftover.take().filter(|_| !residue.is_empty()).map(|left| {
        let tries = if left.residue == residue { left.tries.saturating_add(1) } else { 1 };
        Leftover { residue: residue.to_vec(), found: false, tries, next_at: now + cleaning_pause(tries), ..left }
    });
}

/// Only these requests still have something that must go; what was settled is nobody's business any more.
pub fn settled(row: &mut Entitlement, open: &[RequestId]) {
    row.leftover = row.leftover.take().and_then(|mut left| {
        left.requests.retain(|request| open.contains(request));
        (!left.requests.is_empty()).then_some(left)
    });
}

/// The access was found at its target, after the end of this request was said and with nobody claiming it.
pub fn found(row: &mut Entitlement, request: &RequestId, now: Instant) {
    let left = row.leftover.get_or_insert_with(|| Leftover::new(now));
    (left.found, left.tries, left.next_at) = (true, 0, now);
    add(left, request);
    row.given = true;
    (row.progress.revoked, row.progress.trying) = (false, None);
    forget_reads(row);
}

/// Pause before try number `tries + 1`: one second doubling to a minute, moved by `jitter` (a quarter at most).
pub fn backoff(tries: u32, jitter: u8) -> Span {
    let base = 1_i64.checked_shl(tries.saturating_sub(1).min(6)).unwrap_or(SLOWEST).min(SLOWEST);
    Span::from_seconds(base + base * (i64::from(jitter) - 128) / 512)
}

fn next_try(row: &Entitlement, verb: Verb) -> u32 {
    if row.progress.trying.is_some_and(|(trying, _)| trying == verb) { row.tries.saturating_add(1) } else { 1 }
}

/// An end comes over an operation that may still give access: it is remembered until it is seen to have ended.
fn overtake(row: &mut Entitlement) {
    let giving = row.progress.waiting_for.take().is_some_and(|verb| verb != Verb::Revoke);
    if let (Some(op), true) = (row.waiting.take(), giving) {
        row.progress.overtaken.push(op);
    }
}

/// Is this an answer about an operation that an end overtook?
fn is_overtaken(row: &Entitlement, verb: Verb) -> bool {
    verb == Verb::Grant && row.waiting.is_none() && row.call.is_none() && !row.progress.overtaken.is_empty()
}

fn forget_reads(row: &mut Entitlement) {
    row.reads = 0;
    row.progress.seen = None;
}
