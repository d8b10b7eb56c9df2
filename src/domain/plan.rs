//! What to do next about one entitlement, from its row and its claims: pure, and the same for whoever holds the lease.
//! Must not call anything; `learn` writes down what came of it.

pub mod learn;
#[cfg(test)]
mod tests;

use super::{
    entitlement::{Claim, Entitlement, Leftover, Ownership},
    event::Verb,
    news::News,
    request::{Remains, RequestId},
    time::{Instant, Span},
};

/// How often access that is live is looked at.
const LOOK_EVERY: Span = Span::from_minutes(10);
/// Requests end their own claims; the worker follows this much later if nobody told it. Until then a request may still
/// prolong itself (a `grace`), and nothing is cut under it.
const AFTER_END: Span = Span::from_seconds(2);
const SOON: Span = Span::from_seconds(1);
/// Until the first call, "was it there before?" is asked again when the answer is older than this.
const FRESH: Span = Span::from_seconds(30);

/// What `plan` must know of the adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// Agreeing reads before anything is said; at least one.
    pub reads: u32,
    pub apart: Span,
    /// The target's own expiry can be moved.
    pub extendable: bool,
}

/// Why the provider is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Shared: was it there before the first claim?
    BeforeFirst,
    /// A call was never answered.
    AfterUnknown,
    /// Before "you have it" or "it is gone" is said.
    ReadBack,
    /// Live access, from time to time.
    Look,
    /// Shared: has somebody else given it since its end? Then nothing is cleaned up under them.
    BeforeCleaning,
}

/// The next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Wait {
        until: Instant,
    },
    Observe {
        why: Why,
    },
    /// Asks what became of an operation the provider is working on.
    Poll {
        verb: Verb,
        op: String,
    },
    Call {
        verb: Verb,
    },
    Tell {
        news: Vec<(RequestId, News)>,
    },
    /// Nothing to do until then.
    Idle {
        due: Option<Instant>,
    },
    /// No claim is left: the row may go.
    Drop,
}

/// Does this claim want access now?
pub fn is_live(claim: &Claim, now: Instant) -> bool {
    claim.wanted && claim.until.is_none_or(|until| now < until)
}

/// May nothing be taken away under this claim? A little longer than it wants access, so that its request speaks first.
pub fn holds(claim: &Claim, now: Instant) -> bool {
    claim.wanted && claim.until.is_none_or(|until| now < until + AFTER_END)
}

/// Approved, and not said to work yet.
pub const fn is_starting(claim: &Claim) -> bool {
    claim.wanted && claim.until.is_none()
}

/// May this claim simply be withdrawn? Only if no call was begun for it, and nothing that was given rests on it alone.
pub fn is_untouched(row: &Entitlement, claims: &[Claim], claim: &Claim) -> bool {
    !row.progress.begun.contains(&claim.grant) && (!row.given || claims.iter().any(|other| other.grant != claim.grant))
}

/// The latest end of all claims, which the target's own expiry must not come before. What does not work yet is counted from
/// when it can have been read back.
pub fn furthest_end(claims: &[Claim], traits: Traits, now: Instant) -> Instant {
    let settling = Span::from_seconds(i64::from(traits.reads.max(1) - 1) * traits.apart.seconds());
    let end = |c: &Claim| c.extend_to.or(c.until).unwrap_or_else(|| (now + settling + c.duration).min(c.latest));
    claims.iter().filter(|c| holds(c, now)).map(end).max().unwrap_or(now)
}

/// The next step for this entitlement.
pub fn plan(row: &Entitlement, claims: &[Claim], traits: Traits, now: Instant) -> Next {
    if let Some(call) = &row.call {
        let look = Next::Observe { why: Why::AfterUnknown };
        return if now <= call.deadline { Next::Wait { until: call.deadline + SOON } } else { paced(row, Verb::Observe, now, look) };
    }
    if claims.is_empty() {
        if let Some(left) = &row.leftover {
            return clean_up(row, left, traits, now);
        }
        // Settled by a person without having been seen to go: the row stays, so that nobody takes it for older access later.
        return if row.given && row.had_before != Some(true) { Next::Idle { due: None } } else { Next::Drop };
    }
    let live: Vec<&Claim> = claims.iter().filter(|c| holds(c, now)).collect();
    if live.is_empty() { ending(row, claims, traits, now) } else { living(row, claims, &live, traits, now) }
}

fn living(row: &Entitlement, claims: &[Claim], live: &[&Claim], traits: Traits, now: Instant) -> Next {
    let starting: Vec<&Claim> = live.iter().copied().filter(|c| is_starting(c)).collect();
    let late = |c: &&&Claim| c.give_up_at <= now || c.latest <= now;
    let news: Vec<_> = starting.iter().filter(late).map(|c| (c.request.clone(), too_late(row))).collect();
    if !news.is_empty() {
        return Next::Tell { news };
    }
    if let Some((Verb::Revoke, op)) = waiting(row) {
        // It may still take effect: nothing is given, and nothing said, before it has ended.
        return paced(row, Verb::Revoke, now, Next::Poll { verb: Verb::Revoke, op });
    }
    if !starting.is_empty() && row.ownership == Ownership::Shared && !row.given {
        let fresh = agreed(row, traits).filter(|(_, at)| now <= *at + FRESH);
        let Some((_, at)) = fresh.filter(|_| row.had_before.is_some()) else { return read_again(row, traits, now, Why::BeforeFirst) };
        if row.had_before == Some(true) {
            let news = starting.iter().map(|c| (c.request.clone(), working(row, at, true))).collect();
            return paced(row, Verb::Grant, now, Next::Tell { news });
        }
    }
    // An end beside live claims is said before anything new is given.
    let ended: Vec<&Claim> = claims.iter().filter(|c| !c.wanted).collect();
    if !ended.is_empty() {
        return beside(row, live, &ended, traits, now);
    }
    if let Some((verb, op)) = waiting(row) {
        return paced(row, verb, now, Next::Poll { verb, op });
    }
    if !starting.is_empty() {
        return start(row, &starting, traits, now);
    }
    if let Some(next) = extend(row, live, traits, now) {
        return next;
    }
    look(row, live, traits, now)
}

fn start(row: &Entitlement, starting: &[&Claim], traits: Traits, now: Instant) -> Next {
    if !starting.iter().all(|c| row.progress.answered.contains(&c.grant)) {
        return paced(row, Verb::Grant, now, Next::Call { verb: Verb::Grant });
    }
    match agreed(row, traits) {
        Some((true, at)) => {
            let news = starting.iter().map(|c| (c.request.clone(), working(row, at, false))).collect();
            Next::Tell { news }
        }
        _ => read_again(row, traits, now, Why::ReadBack),
    }
}

/// The target's own expiry is moved where it would end access too early: after an extension, and where reading back took long.
fn extend(row: &Entitlement, live: &[&Claim], traits: Traits, now: Instant) -> Option<Next> {
    let live = live.iter().copied().filter(|c| is_live(c, now));
    let furthest = live.clone().filter_map(|c| c.extend_to.or(c.until)).max()?;
    let ours = row.given && row.had_before != Some(true) && !row.progress.found_absent;
    let short = row.native_expiry.is_some_and(|native| native < furthest);
    if ours && traits.extendable && short && row.progress.asked.is_none_or(|asked| asked < furthest) {
        return Some(paced(row, Verb::Extend, now, Next::Call { verb: Verb::Extend }));
    }
    let news = News::Extended { native_expiry: row.native_expiry, how_to_connect: row.progress.how_to_connect.clone() };
    let news: Vec<_> = live.filter(|c| c.extend_to.is_some()).map(|c| (c.request.clone(), news.clone())).collect();
    if news.is_empty() { None } else { Some(Next::Tell { news }) }
}

fn beside(row: &Entitlement, live: &[&Claim], ended: &[&Claim], traits: Traits, now: Instant) -> Next {
    let works = live.iter().find(|c| c.until.is_some());
    let Some((present, at)) = agreed(row, traits) else { return read_again(row, traits, now, Why::ReadBack) };
    // Absent means nothing while a call that nobody answered may still take effect (R4).
    if let Some(unknown) = row.unknown_until.filter(|unknown| !present && at <= *unknown) {
        return if now <= unknown { Next::Wait { until: unknown + SOON } } else { read_again(row, traits, now, Why::ReadBack) };
    }
    // Not there yet is no end either while an operation may still bring it: whoever waits for it answers for it.
    let remains = match (present || may_come(row), row.had_before, works.or(live.first())) {
        (true, Some(true), _) => Remains::Before,
        (true, _, Some(other)) => Remains::Through { request: other.request.clone() },
        _ => Remains::Nothing,
    };
    Next::Tell { news: ended.iter().map(|c| (c.request.clone(), gone(row, remains.clone()))).collect() }
}

fn look(row: &Entitlement, live: &[&Claim], traits: Traits, now: Instant) -> Next {
    let end = live.iter().filter_map(|c| c.until).min().map(|until| until + AFTER_END);
    if row.had_before == Some(true) || !row.given || row.progress.found_absent {
        return Next::Idle { due: end };
    }
    if let Some((false, at)) = row.progress.seen {
        if row.reads >= traits.reads.max(1) {
            return Next::Tell { news: live.iter().map(|c| (c.request.clone(), News::FoundAbsent)).collect() };
        }
        return after(at + traits.apart, now, Next::Observe { why: Why::Look });
    }
    let next_look = row.progress.looked_at.map(|at| at + LOOK_EVERY);
    match next_look {
        Some(at) if now < at => Next::Idle { due: Some(end.map_or(at, |end| end.min(at))) },
        _ => paced(row, Verb::Observe, now, Next::Observe { why: Why::Look }),
    }
}

fn ending(row: &Entitlement, claims: &[Claim], traits: Traits, now: Instant) -> Next {
    let had = row.had_before == Some(true);
    if !had && row.given && !row.progress.revoked {
        if let Some((Verb::Revoke, op)) = waiting(row) {
            return paced(row, Verb::Revoke, now, Next::Poll { verb: Verb::Revoke, op });
        }
        return paced(row, Verb::Revoke, now, Next::Call { verb: Verb::Revoke });
    }
    if let Some(op) = row.progress.overtaken.first() {
        return paced(row, Verb::Grant, now, Next::Poll { verb: Verb::Grant, op: op.clone() });
    }
    if let Some(unknown) = row.unknown_until
        && now <= unknown
    {
        return Next::Wait { until: unknown + SOON };
    }
    let late_enough = |at: Instant| row.unknown_until.is_none_or(|unknown| unknown < at);
    match agreed(row, traits) {
        Some((present, at)) if late_enough(at) && (had || !present) => {
            let remains = if present { Remains::Before } else { Remains::Nothing };
            let news: Vec<_> = claims.iter().filter(|c| !c.wanted).map(|c| (c.request.clone(), gone(row, remains.clone()))).collect();
            // Only its request may say that a claim is over: until then it is seen to be gone, and nothing is said.
            if news.is_empty() { Next::Idle { due: Some(now + SOON) } } else { Next::Tell { news } }
        }
        _ => read_again(row, traits, now, Why::ReadBack),
    }
}

/// Taking away once more what an end left, which is safe to repeat; what remains is what that is answered.
fn clean_up(row: &Entitlement, left: &Leftover, traits: Traits, now: Instant) -> Next {
    if let Some((Verb::Revoke, op)) = waiting(row) {
        return paced(row, Verb::Revoke, now, Next::Poll { verb: Verb::Revoke, op });
    }
    if !row.progress.revoked {
        if now < left.next_at {
            return Next::Idle { due: Some(left.next_at) };
        }
        let is_others = row.ownership == Ownership::Shared;
        if is_others && agreed(row, traits).is_none_or(|(present, at)| present || at + FRESH < now) {
            let next = read_again(row, traits, now, Why::BeforeCleaning);
            return paced(row, Verb::Revoke, now, next);
        }
        return paced(row, Verb::Revoke, now, Next::Call { verb: Verb::Revoke });
    }
    // Also what was settled without having been seen to go.
    if left.found || row.given {
        if let Some(unknown) = row.unknown_until.filter(|unknown| now <= *unknown) {
            return Next::Wait { until: unknown + SOON };
        }
        let late_enough = |at: Instant| row.unknown_until.is_none_or(|unknown| unknown < at);
        if !matches!(agreed(row, traits), Some((false, at)) if late_enough(at)) {
            return read_again(row, traits, now, Why::ReadBack);
        }
    }
    let news = News::Leftover { residue: row.residue.clone() };
    Next::Tell { news: left.requests.iter().map(|request| (request.clone(), news.clone())).collect() }
}

/// The operation that the provider is working on, and what began it.
fn waiting(row: &Entitlement) -> Option<(Verb, String)> {
    let verb = row.progress.waiting_for.or(row.progress.trying.map(|(verb, _)| verb)).unwrap_or(Verb::Grant);
    row.waiting.clone().map(|op| (verb, op))
}

/// May an operation that the provider was asked for, and has not ended, still give access?
fn may_come(row: &Entitlement) -> bool {
    !row.progress.overtaken.is_empty() || waiting(row).is_some_and(|(verb, _)| verb != Verb::Revoke)
}

/// What enough reads agree on.
fn agreed(row: &Entitlement, traits: Traits) -> Option<(bool, Instant)> {
    row.progress.seen.filter(|_| row.reads >= traits.reads.max(1))
}

fn read_again(row: &Entitlement, traits: Traits, now: Instant, why: Why) -> Next {
    let next = paced(row, Verb::Observe, now, Next::Observe { why });
    match row.progress.seen {
        Some((_, at)) if row.reads > 0 && row.reads < traits.reads.max(1) => after(at + traits.apart, now, next),
        _ => next,
    }
}

/// `next`, unless this verb failed a moment ago.
fn paced(row: &Entitlement, verb: Verb, now: Instant, next: Next) -> Next {
    match row.progress.trying {
        Some((trying, at)) if trying == verb => after(at, now, next),
        _ => next,
    }
}

fn after(at: Instant, now: Instant, next: Next) -> Next {
    if now < at { Next::Wait { until: at } } else { next }
}

fn too_late(row: &Entitlement) -> News {
    let why = row.last_answer.clone().unwrap_or_else(|| "the target did not answer in time".into());
    News::GrantFailed { why, permanent: false }
}

fn working(row: &Entitlement, since: Instant, had_before: bool) -> News {
    News::Working { since, native_expiry: row.native_expiry, had_before, how_to_connect: row.progress.how_to_connect.clone() }
}

fn gone(row: &Entitlement, remains: Remains) -> News {
    News::Gone {
        remains,
        sessions_closed: row.sessions_closed,
        residue: row.residue.clone(),
        used: None,
        unwritten: row.progress.unwritten,
    }
}
