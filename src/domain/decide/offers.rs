//! Offering less than was asked, and accepting it: no vote, but a new ask, judged by the policy of what is offered.

use super::{
    Context, Event, Length, PersonId, Refusal, Request, Round, Span, State, advance, asked_length, asking, holding, not_open, rights,
};
use crate::domain::{
    command::Less,
    ids::RoleName,
    request::{Ask, AskKind, Extension, Offer, Preview},
    words::WordId,
};

pub(super) fn offer(
    request: &Request,
    by: &PersonId,
    less: &Less,
    comment: Option<WordId>,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let round = rights::open_round_for(request, by, &context.facts, context.now)?;
    let is_less = match &request.state {
        State::Pending { .. } => is_less(request, round, less, context),
        State::Active { .. } => is_less_time(request, less)?,
        _ => return Err(not_open(request)),
    };
    if is_less { Ok(vec![Event::Offered { person: by.clone(), less: less.clone(), comment }]) } else { Err(Refusal::NotLess) }
}

/// Of more time only less time can be offered: the role is held already.
fn is_less_time(request: &Request, less: &Less) -> Result<bool, Refusal> {
    let ask = request.ask();
    let other_role = less.role.as_ref().is_some_and(|role| *role != ask.role);
    match (less.duration, ask.length) {
        (Some(span), Length::For(asked)) if !other_role => Ok(span >= Span::from_minutes(1) && span < asked),
        _ => Err(Refusal::OnlyLessTime { request: request.id.clone() }),
    }
}

/// A lower role, a shorter time, or both; neither of them more.
fn is_less(request: &Request, round: &Round, less: &Less, context: &Context<'_>) -> bool {
    let ask = request.main_ask();
    let Some((resource, _, _)) = context.facts.catalogue.role(&ask.resource, &ask.role) else { return false };
    let place = |name: &RoleName| resource.roles.iter().position(|role| role.name == *name);
    let asked = asked_length(request, round, context.now);
    let lower = less.role.as_ref().is_some_and(|role| place(role).is_some() && place(role) < place(&ask.role));
    let same_role = less.role.as_ref().is_none_or(|role| *role == ask.role);
    let shorter = less.duration.is_some_and(|span| span < asked);
    let worth_it = less.duration.is_none_or(|span| span >= Span::from_minutes(1) && span <= asked);
    worth_it && (lower || (same_role && shorter))
}

/// By whoever asked alone: it becomes their ask.
pub(super) fn accept(request: &Request, by: &PersonId, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let offer = open_offer(request, by)?;
    if let (State::Active { .. }, Some(span)) = (&request.state, offer.less.duration) {
        return accept_time(request, by, span, context);
    }
    let mut ask = Ask { kind: AskKind::Offer, by: by.clone(), at: context.now, ..request.main_ask().clone() };
    if let Some(role) = offer.less.role.as_ref().filter(|role| **role != ask.role) {
        ask.role = role.clone();
        // What the adapter said of the other role is not true of this one.
        ask.preview = Preview::default();
    }
    if let Some(span) = offer.less.duration {
        ask.length = shortened(&ask, span, context);
    }
    let (_, _, policy) = context.facts.catalogue.role(&ask.resource, &ask.role).ok_or(Refusal::NoOffer)?;
    (ask.policy, ask.direct) = (policy.name.clone(), policy.sends_directly());
    if let Some(preview) = &context.preview {
        ask.preview = preview.clone();
    }
    asking::judge_again(&ask, &request.requester, &context.facts, context.now)?;
    let mut events = vec![Event::OfferAccepted { ask }];
    let after = request.clone().apply(&events[0], context.now).map_err(|_| not_open(request))?;
    asking::someone_can_approve(&after, &context.facts, context.now)?;
    events.extend(advance(&after, context)?);
    Ok(events)
}

/// Less time than was asked for on top: as with any extension, at once below what was approved.
fn accept_time(request: &Request, by: &PersonId, more: Span, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    if context.facts.catalogue.frozen {
        return Err(Refusal::Frozen);
    }
    let ask = Ask { by: by.clone(), length: Length::For(more), at: context.now, ..request.ask().clone() };
    let mut events = vec![Event::OfferAccepted { ask }];
    let after = request.clone().apply(&events[0], context.now).map_err(|_| not_open(request))?;
    events.extend(holding::at_once(&after, more, context)?.map_or_else(|| advance(&after, context), Ok)?);
    Ok(events)
}

/// An ask with an absolute end keeps one, and it is never later (R8).
fn shortened(ask: &Ask, span: Span, context: &Context<'_>) -> Length {
    match ask.length {
        Length::For(_) => Length::For(span),
        Length::Until(end) => Length::Until((ask.start.unwrap_or(context.now).max(context.now) + span).min(end)),
    }
}

pub(super) fn decline(request: &Request, by: &PersonId) -> Result<Vec<Event>, Refusal> {
    open_offer(request, by)?;
    Ok(vec![Event::OfferDeclined { person: by.clone() }])
}

fn open_offer<'r>(request: &'r Request, by: &PersonId) -> Result<&'r Offer, Refusal> {
    if *by != request.ask().by {
        return Err(Refusal::NotRequester);
    }
    match &request.state {
        State::Pending { round } | State::Active { extension: Some(Extension::Asked { round }), .. } => {
            round.offer.as_ref().ok_or(Refusal::NoOffer)
        }
        _ => Err(not_open(request)),
    }
}
