//! Deciding an ask: votes and their taking back, denying, looking, passing on; and what follows once the chain is climbed.

use super::{
    Context, Event, Instant, Length, PersonId, Refusal, Request, Round, Span, State, Words, asked_length, asking, count, no_more_time,
    not_open, policy_in_force, rights, rounds, stages_of,
};
use crate::domain::{
    entitlement::EntitlementKey,
    event::ExtensionEnd,
    request::{Grant, Work},
    words::WordId,
};

/// Looking pauses the ladder this long.
const LOOK: Span = Span::from_minutes(5);

pub(super) fn approve(request: &Request, by: &PersonId, comment: Option<WordId>, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let round = rights::open_round_for(request, by, &context.facts, context.now)?;
    if context.facts.catalogue.frozen {
        return Err(Refusal::Frozen);
    }
    let stages = stages_of(request, round, &context.facts, context.now)?;
    let count = count(request, round, stages, &context.facts)?;
    let stage = number(count.open.unwrap_or(0));
    let rung = if stage == round.stage { round.rung } else { 0 };
    let mut events = recount(request, round, &count, context)?;
    events.push(Event::Approved { person: by.clone(), stage, rung, comment });
    let after = events.iter().try_fold(request.clone(), |r, e| r.apply(e, context.now)).map_err(|_| not_open(request))?;
    events.extend(advance(&after, context)?);
    Ok(events)
}

/// What the policy in force changed under the open round, told once.
fn recount(request: &Request, round: &Round, count: &rounds::Count, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let stage = count.open.map_or(round.stage, number);
    if count.dropped.is_empty() && stage >= round.stage {
        return Ok(Vec::new());
    }
    let policy = policy_in_force(request, &context.facts)?.name.clone();
    Ok(vec![Event::Recounted { dropped: count.dropped.clone(), stage, policy }])
}

/// After a vote or at the open: the next stage, or the grant.
pub fn advance(request: &Request, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let Some(round) = request.round() else { return Ok(Vec::new()) };
    let stages = stages_of(request, round, &context.facts, context.now)?;
    let count = count(request, round, stages, &context.facts)?;
    if let Some(open) = count.open.map(number) {
        return Ok(if open == round.stage { Vec::new() } else { vec![Event::StageOpened { stage: open }] });
    }
    if let State::Active { grant, work, .. } = &request.state {
        let total = asked_length(request, round, context.now);
        let until = until_if_approved(grant, work, total, policy_in_force(request, &context.facts)?.cap);
        // Less than what a grace has given already ends it now.
        return Ok(approved_extension(until.max(context.now), work.native_expiry));
    }
    match request.main_ask().start {
        Some(start) if start > context.now => Ok(vec![Event::Scheduled { start }]),
        _ => Ok(vec![Event::Granting { grant: grant_for(request, round, context)? }]),
    }
}

/// The end that a total length brings under a policy with this cap. Never earlier than what was approved: a running grant
/// keeps its end. A grace is no approval.
pub fn until_if_approved(grant: &Grant, work: &Work, total: Span, cap: Span) -> Instant {
    let most = work.since + total.min(grant.cap).min(cap);
    let until = most.max(work.approved_until());
    grant.end.map_or(until, |end| until.min(end))
}

/// With an expiry of the target's own, that moves first; without, the end moves at once.
pub fn approved_extension(until: Instant, native: Option<Instant>) -> Vec<Event> {
    let mut events = vec![Event::ExtensionApproved { until }];
    if native.is_none() {
        events.push(Event::Extended { until, native_expiry: None, how_to_connect: None });
    }
    events
}

/// What is approved becomes a grant: length never more than the cap in force (R16), an absolute end kept (R8).
fn grant_for(request: &Request, round: &Round, context: &Context<'_>) -> Result<Grant, Refusal> {
    let policy = policy_in_force(request, &context.facts)?;
    let ask = request.main_ask();
    let end = match ask.length {
        Length::Until(end) if end <= context.now => return Err(Refusal::EndInPast { end }),
        Length::Until(end) => Some(end),
        Length::For(_) => None,
    };
    let duration = asking::duration_from(ask, context.now).min(policy.cap);
    let give_up_at = context.now + policy.grant_within;
    let (order, ownership) = context
        .order
        .clone()
        .or_else(|| ask.preview.order.clone())
        .ok_or_else(|| Refusal::ProviderUnreachable { why: "it could not say what to grant".into() })?;
    Ok(Grant {
        id: context.grant.clone(),
        entitlement: EntitlementKey::of(&order, ownership, &context.grant),
        resource: ask.resource.clone(),
        role: ask.role.clone(),
        policy: policy.name.clone(),
        duration,
        end,
        ceiling: policy.extend_to.unwrap_or(duration).max(duration).min(policy.cap),
        cap: policy.cap,
        grace: policy.grace,
        warning: policy.warning(duration),
        decided_at: context.now,
        give_up_at,
        latest: end.unwrap_or(give_up_at + duration),
        votes: round.votes.clone(),
    })
}

/// Until the grant starts; what was approved and waits for its start is asked again if that vote was needed.
pub(super) fn take_back(request: &Request, by: &PersonId, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let Some(round) = request.round() else { return Err(not_open(request)) };
    if !round.votes.iter().any(|vote| vote.person == *by) {
        return Err(Refusal::NoVote);
    }
    let mut events = vec![Event::TakenBack { person: by.clone() }];
    let after = request.clone().apply(&events[0], context.now).map_err(|_| not_open(request))?;
    let Some(round) = after.round() else { return Err(not_open(request)) };
    let count = rounds::count_standing(&after, round, stages_of(&after, round, &context.facts, context.now)?, &context.facts)?;
    if let Some(open) = count.open.map(number) {
        if matches!(after.state, State::Scheduled { .. }) {
            events.push(Event::Reopened { stage: open, dropped: Vec::new() });
        } else if open != round.stage {
            events.push(Event::StageOpened { stage: open });
        }
    }
    Ok(events)
}

pub(super) fn deny(request: &Request, by: &PersonId, reason: &Words, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    rights::may_deny(request, by, &context.facts, context.now)?;
    if reason.text.trim().is_empty() {
        return Err(Refusal::ReasonNeeded);
    }
    let (person, reason) = (by.clone(), reason.id.clone());
    Ok(match request.state {
        State::Active { .. } => no_more_time(request, ExtensionEnd::Denied, Some(person), Some(reason)),
        _ => vec![Event::Denied { person, reason }],
    })
}

pub(super) fn look(request: &Request, by: &PersonId, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let round = rights::open_round_for(request, by, &context.facts, context.now)?;
    match &round.looking {
        Some(look) if look.until > context.now => {
            Err(Refusal::AlreadyLooking { person: (look.person != *by).then(|| look.person.clone()) })
        }
        _ => Ok(vec![Event::Looking { person: by.clone(), until: context.now + LOOK }]),
    }
}

/// Asks one more of those who may decide it now, never anybody else.
pub(super) fn pass_on(request: &Request, by: &PersonId, to: &PersonId, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    rights::open_round_for(request, by, &context.facts, context.now)?;
    match rights::open_round_for(request, to, &context.facts, context.now) {
        Ok(_) if to != by && context.facts.may_act(to) => Ok(vec![Event::PassedOn { by: by.clone(), to: to.clone() }]),
        Err(refusal @ Refusal::CannotAskGroup { .. }) => Err(refusal),
        _ => Err(Refusal::CannotPassTo { to: to.clone() }),
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
