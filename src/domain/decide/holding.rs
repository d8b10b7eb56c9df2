//! What the person themselves may do with an ask and with access: call it off, give it back, ask for more time.

use super::{
    Context, Event, Facts, Instant, Length, PersonId, Refusal, Request, Span, State, advance, approved_extension, ending, no_more_time,
    not_open, policy_in_force, rights,
};
use crate::domain::{
    event::ExtensionEnd,
    request::{Ask, AskKind, Ending, Extension},
    words::WordId,
};

/// Calls off whatever is open of it: the ask, the start, the extension; access that works is given back.
pub(super) fn cancel(request: &Request, by: &PersonId, reason: Option<WordId>) -> Result<Vec<Event>, Refusal> {
    rights::holder(request, by)?;
    match &request.state {
        State::Pending { .. } | State::Scheduled { .. } => Ok(vec![Event::Cancelled { person: Some(by.clone()), reason }]),
        State::Granting { .. } => Ok(vec![Event::Revoking { cause: Ending::Cancelled { by: Some(by.clone()), reason } }]),
        State::Active { extension: Some(Extension::Asked { .. }), .. } => {
            Ok(no_more_time(request, ExtensionEnd::Cancelled, Some(by.clone()), reason))
        }
        State::Active { .. } => Ok(ending(request, Ending::Returned { by: by.clone() })),
        _ => Err(not_open(request)),
    }
}

pub(super) fn give_back(request: &Request, by: &PersonId) -> Result<Vec<Event>, Refusal> {
    rights::holder(request, by)?;
    match &request.state {
        State::Active { .. } | State::Granting { .. } => Ok(ending(request, Ending::Returned { by: by.clone() })),
        _ => Err(not_open(request)),
    }
}

/// A credential for access that works: for whom it is, and for nobody else, until it ends.
pub fn may_fetch(request: &Request, by: &PersonId, facts: &Facts<'_>, now: Instant) -> Result<(), Refusal> {
    facts.check_active(by)?;
    if *by != request.subject {
        return Err(Refusal::NotSubject);
    }
    match &request.state {
        State::Active { work, .. } if now >= work.until => Err(Refusal::NoTimeLeft),
        State::Active { work, .. } if work.had_before || work.found_absent => Err(Refusal::NoCredential),
        State::Active { .. } => Ok(()),
        _ => Err(not_open(request)),
    }
}

/// Below what was approved at once; above it the same chain is asked, up to the cap.
pub(super) fn extend(
    request: &Request,
    by: &PersonId,
    more: Option<Span>,
    reason: Option<WordId>,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    rights::holder(request, by)?;
    let State::Active { grant, work, extension } = &request.state else {
        return Err(if request.is_open() { Refusal::NothingToExtend } else { not_open(request) });
    };
    if extension.is_some() {
        return Err(Refusal::ExtensionOpen);
    }
    if context.now >= work.until {
        return Err(Refusal::NoTimeLeft);
    }
    if context.facts.catalogue.frozen {
        return Err(Refusal::Frozen);
    }
    if let Some(end) = grant.end {
        return Err(Refusal::EndFixed { end });
    }
    let policy = policy_in_force(request, &context.facts)?;
    let (more, most) = (more.unwrap_or(policy.default), grant.room(work, policy.cap));
    if most == Span::ZERO {
        return Err(Refusal::NoTimeLeft);
    }
    if more > most {
        return Err(Refusal::OverCeiling { most });
    }
    if let Some(events) = at_once(request, more, context)? {
        return Ok(events);
    }
    let main = request.main_ask();
    let ask = Ask {
        kind: AskKind::Extension,
        by: by.clone(),
        length: Length::For(more),
        start: None,
        reason: reason.or_else(|| main.reason.clone()),
        at: context.now,
        policy: policy.name.clone(),
        direct: policy.sends_directly(),
        ..main.clone()
    };
    let mut events = vec![Event::ExtensionAsked { ask }];
    let after = request.clone().apply(&events[0], context.now).map_err(|_| not_open(request))?;
    events.extend(advance(&after, context)?);
    Ok(events)
}

/// More time that needs no new approval, for it lies below what was approved.
pub(super) fn at_once(request: &Request, more: Span, context: &Context<'_>) -> Result<Option<Vec<Event>>, Refusal> {
    let State::Active { grant, work, .. } = &request.state else { return Ok(None) };
    let ceiling = grant.ceiling.min(policy_in_force(request, &context.facts)?.cap);
    let (end, total) = (work.approved_until(), work.approved_until().since(work.since) + more);
    Ok((total <= ceiling).then(|| approved_extension((end + more).max(context.now), work.native_expiry)))
}
