//! Writes into an entitlement's row what was begun, answered, read or told. Pure; the caller commits it.

use super::Why;
use crate::domain::{
    entitlement::{Call, Claim, Entitlement, Handle, Ownership, Progress},
    event::Verb,
    news::News,
    request::{GrantId, RequestId},
    time::{Instant, Span},
};

/// Longest pause between two tries.
const SLOWEST: i64 = 60;

/// When a claim ends: its end, or, while it does not work yet, when giving is given up.
pub fn end_of(claim: &Claim) -> Instant {
    claim.until.unwrap_or_else(|| claim.give_up_at.min(claim.latest))
}

/// A call is about to be made; committed before it is.
pub fn begin(row: &mut Entitlement, verb: Verb, now: Instant, deadline: Instant) {
    row.call = Some(Call { verb, started: now, deadline });
    row.tries = if row.progress.trying.is_some_and(|(trying, _)| trying == verb) { row.tries.saturating_add(1) } else { 1 };
    row.progress.trying = Some((verb, now));
    forget_reads(row);
    if verb == Verb::Grant {
        row.given = true;
        row.progress.revoked = false;
        row.progress.found_absent = false;
        row.progress.unwritten = None;
    }
    if verb == Verb::Revoke {
        row.progress.answered.clear();
        row.waiting = None;
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

/// The call was answered, and its work is done. `claims` are those that it was made for.
pub fn done(row: &mut Entitlement, verb: Verb, claims: &[Claim], brought: Brought) {
    row.call = None;
    row.waiting = None;
    row.progress.trying = None;
    forget_reads(row);
    row.handle = brought.handle.or(row.handle.take());
    row.residue = brought.residue;
    match verb {
        Verb::Grant => row.progress.answered = claims.iter().map(|c| c.grant.clone()).collect(),
        Verb::Revoke => {
            row.progress.revoked = true;
            row.sessions_closed = brought.sessions_closed.or(row.sessions_closed);
        }
        Verb::Extend | Verb::Observe => {}
    }
    if matches!(verb, Verb::Grant | Verb::Extend) {
        row.native_expiry = brought.native_expiry.or(row.native_expiry);
        row.progress.how_to_connect = brought.how_to_connect.or(row.progress.how_to_connect.take());
    }
}

/// The provider is still working on it.
pub fn working_on(row: &mut Entitlement, verb: Verb, op: String, handle: Option<Handle>, again: Instant) {
    row.call = None;
    row.waiting = Some(op);
    row.handle = handle.or(row.handle.take());
    row.progress.trying = Some((verb, again));
}

/// Nothing was changed by this call, or the look showed nothing; again at `again`.
pub fn failed(row: &mut Entitlement, verb: Verb, again: Instant) {
    if verb == Verb::Observe {
        forget_reads(row);
        row.tries = if row.progress.trying.is_some_and(|(trying, _)| trying == verb) { row.tries.saturating_add(1) } else { 1 };
    } else {
        row.call = None;
    }
    row.progress.trying = Some((verb, again));
}

/// No answer: it may have taken effect, and may still do so until the call's deadline. The call stays in the row.
pub fn unknown(row: &mut Entitlement) {
    if let Some(call) = &row.call {
        row.unknown_until = row.unknown_until.max(Some(call.deadline));
    }
}

/// A look that showed something.
pub fn read(row: &mut Entitlement, why: Why, present: bool, now: Instant) {
    if why == Why::AfterUnknown {
        unknown(row);
        let verb = row.call.take().map(|c| c.verb);
        row.waiting = None;
        forget_reads(row);
        // The verb is made again at once; its tries go on counting.
        row.progress.trying = verb.map(|verb| (verb, now));
        return;
    }
    if row.progress.trying.is_some_and(|(verb, _)| verb == Verb::Observe) {
        row.progress.trying = None;
    }
    if why == Why::BeforeFirst {
        row.had_before = Some(present);
        return;
    }
    row.reads = if row.progress.seen.is_some_and(|(before, _)| before == present) { row.reads.saturating_add(1) } else { 1 };
    row.progress.seen = Some((present, now));
    row.progress.looked_at = Some(now);
    let absent_start = !present && why == Why::ReadBack && !row.progress.answered.is_empty();
    if absent_start {
        // Answered, and yet not there: to be given again, after a moment.
        row.progress.answered.clear();
        row.progress.trying = Some((Verb::Grant, now + Span::from_seconds(1)));
    }
}

/// The access of these grants was taken away and read as absent at `at`, while the store refused writes (R12): only the
/// read-back is left to do. Means nothing when another grant has come since, or a call may still be unanswered.
pub fn taken(row: &mut Entitlement, claims: &[Claim], at: Instant, grants: &[GrantId]) {
    let same = !claims.is_empty() && claims.iter().all(|claim| grants.contains(&claim.grant));
    let unanswered = row.call.as_ref().is_some_and(|call| at <= call.deadline);
    if !same || unanswered || !row.given || row.had_before == Some(true) {
        return;
    }
    unknown(row);
    (row.call, row.waiting) = (None, None);
    row.progress.trying = None;
    row.progress.answered.clear();
    row.progress.revoked = true;
    row.progress.unwritten = Some(at);
    forget_reads(row);
}

/// A read-back with no live claim showed it present: take it away (again).
pub fn still_there(row: &mut Entitlement, again: Instant) {
    if row.ownership == Ownership::Shared && row.had_before.is_none() && !row.given {
        row.had_before = Some(true);
        return;
    }
    if row.had_before != Some(true) {
        row.given = true;
        if row.progress.revoked {
            row.progress.trying = Some((Verb::Revoke, again));
        }
        row.progress.revoked = false;
        row.progress.unwritten = None;
        forget_reads(row);
    }
}

/// The news was committed.
pub fn told(row: &mut Entitlement, news: &[(RequestId, News)], left: usize) {
    forget_reads(row);
    for (_, news) in news {
        match news {
            News::FoundAbsent => row.progress.found_absent = true,
            News::Working { had_before: false, .. } => row.progress.answered.clear(),
            News::Gone { .. } if left == 0 => {
                row.given = false;
                row.had_before = None;
                row.native_expiry = None;
                row.sessions_closed = None;
                row.residue.clear();
                row.progress = Progress::default();
            }
            _ => {}
        }
    }
}

/// Pause before try number `tries + 1`: one second doubling to a minute, moved by `jitter` (a quarter at most).
pub fn backoff(tries: u32, jitter: u8) -> Span {
    let base = 1_i64.checked_shl(tries.saturating_sub(1).min(6)).unwrap_or(SLOWEST).min(SLOWEST);
    Span::from_seconds(base + base * (i64::from(jitter) - 128) / 512)
}

fn forget_reads(row: &mut Entitlement) {
    row.reads = 0;
    row.progress.seen = None;
}
