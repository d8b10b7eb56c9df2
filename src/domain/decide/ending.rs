//! Ending other people's access: revoking it, and settling what can never be read back.

use super::{Context, Event, PersonId, Refusal, Request, State, Words, not_open, policy_of};
use crate::domain::{
    event::ExtensionEnd,
    request::{Ending, Extension},
    words::WordId,
};

/// The events that begin an end, whatever extension was open.
pub fn ending(request: &Request, cause: Ending) -> Vec<Event> {
    let mut events = Vec::new();
    if matches!(request.state, State::Active { extension: Some(Extension::Asked { .. }), .. }) {
        events.push(Event::ExtensionClosed { how: ExtensionEnd::Overtaken, person: None, reason: None });
    }
    events.push(Event::Revoking { cause });
    events
}

/// The ask for more time closes without any. Grace was for as long as it was open: what is past its approved end ends now.
pub fn no_more_time(request: &Request, how: ExtensionEnd, person: Option<PersonId>, reason: Option<WordId>) -> Vec<Event> {
    let mut events = vec![Event::ExtensionClosed { how, person, reason }];
    if matches!(&request.state, State::Active { work, .. } if work.graced_from.is_some()) {
        events.push(Event::Revoking { cause: Ending::Expired });
    }
    events
}

/// By an approver of it, the owner or an administrator. What was approved and has not begun is called off.
pub(super) fn revoke(request: &Request, by: &PersonId, reason: &Words, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let facts = &context.facts;
    let owner = facts.catalogue.resources.get(&request.main_ask().resource).and_then(|r| r.owner.as_ref());
    let stages = policy_of(request, facts).map(|p| p.stages.as_slice()).unwrap_or_default();
    let approvers = stages.iter().flat_map(|s| s.approvers_at(u32::MAX));
    if !facts.includes(approvers.chain(owner).chain(&facts.catalogue.administrators), by)? {
        return Err(Refusal::MayNotRevoke);
    }
    if reason.text.trim().is_empty() {
        return Err(Refusal::ReasonNeeded);
    }
    let (by, reason) = (Some(by.clone()), Some(reason.id.clone()));
    match &request.state {
        State::Granting { .. } | State::Active { .. } => Ok(ending(request, Ending::Revoked { by, reason })),
        State::Scheduled { .. } => Ok(vec![Event::Cancelled { person: by, reason }]),
        _ => Err(not_open(request)),
    }
}

/// By an administrator who is neither requester nor subject: what nobody can read back, or what remains after an end.
pub(super) fn settle(request: &Request, by: &PersonId, reason: &Words, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    if !context.facts.includes(&context.facts.catalogue.administrators, by)? {
        return Err(Refusal::NotAdministrator);
    }
    if *by == request.requester || *by == request.subject {
        return Err(Refusal::OwnSettle);
    }
    if reason.text.trim().is_empty() {
        return Err(Refusal::ReasonNeeded);
    }
    if !matches!(request.state, State::Revoking { .. }) && !request.leaves_something() {
        return Err(not_open(request));
    }
    let mut events: Vec<_> = request.alarms.iter().map(|alarm| Event::AlarmCleared { alarm: *alarm }).collect();
    events.push(Event::Settled { person: by.clone(), reason: reason.id.clone() });
    Ok(events)
}
