//! What follows from an act, a tick or an answer: the events, or the refusal. Pure; the only place where rights are judged.

use super::{
    asking,
    command::{Act, Length, Less},
    entitlement::{EntitlementKey, Order, Ownership},
    event::{Event, ExtensionEnd},
    facts::Facts,
    ids::PersonId,
    policy::{Policy, Who},
    refusal::{Refusal, Standing},
    request::{Ask, AskKind, Ending, Extension, Grant, GrantId, Request, Round, State},
    rounds,
    time::{Instant, Span},
};

/// Looking pauses the ladder this long.
const LOOK: Span = Span::from_minutes(5);

/// Everything a decision may depend on, besides the request.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    pub facts: Facts<'a>,
    pub now: Instant,
    /// Names the grant, should this decision make one. Chance is an argument.
    pub grant: GrantId,
    /// Freshly resolved order; None: the provider could not be asked, and the one of the ask is taken.
    pub order: Option<(Order, Ownership)>,
}

/// What a person may do is judged here, at the moment it is done.
pub fn act(request: &Request, by: &PersonId, act: &Act, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    if !context.facts.is_active(by) {
        return Err(match context.facts.groups.unknown.get(by) {
            Some(why) => Refusal::CannotAskProfile { why: why.clone() },
            None => Refusal::Inactive,
        });
    }
    if let Some(why) = context.facts.groups.unknown.get(by) {
        return Err(Refusal::CannotAskProfile { why: why.clone() });
    }
    match act {
        Act::Approve { comment } => approve(request, by, comment.as_ref().map(|w| w.id.clone()), context),
        Act::TakeBack => take_back(request, by, context),
        Act::Deny { reason } => {
            open_round_for(request, by, context)?;
            if reason.text.trim().is_empty() {
                return Err(Refusal::ReasonNeeded);
            }
            let (person, reason) = (by.clone(), reason.id.clone());
            Ok(vec![match request.state {
                State::Active { .. } => Event::ExtensionClosed { how: ExtensionEnd::Denied, person: Some(person), reason: Some(reason) },
                _ => Event::Denied { person, reason },
            }])
        }
        Act::Offer { less, comment } => offer(request, by, less, comment.as_ref().map(|w| w.id.clone()), context),
        Act::AcceptOffer => accept_offer(request, by, context),
        Act::DeclineOffer => {
            holder(request, by)?;
            match &request.state {
                State::Pending { round } if round.offer.is_some() => Ok(vec![Event::OfferDeclined { person: by.clone() }]),
                _ => Err(Refusal::NoOffer),
            }
        }
        Act::Looking => {
            let round = open_round_for(request, by, context)?;
            match &round.looking {
                Some(look) if look.until > context.now => Err(Refusal::AlreadyLooking { person: look.person.clone() }),
                _ => Ok(vec![Event::Looking { person: by.clone(), until: context.now + LOOK }]),
            }
        }
        Act::PassOn { to } => {
            let round = open_round_for(request, by, context)?;
            let stage = stage_of(request, round, context)?;
            let may = rounds::may_ever_decide(request, to, &context.facts) && context.facts.includes(stage.approvers_at(round.rung), to)?;
            if may && to != by {
                Ok(vec![Event::PassedOn { by: by.clone(), to: to.clone() }])
            } else {
                Err(Refusal::CannotPassTo { to: to.clone() })
            }
        }
        Act::Cancel { reason } => cancel(request, by, reason.as_ref().map(|w| w.id.clone()), context),
        Act::Return => {
            holder(request, by)?;
            match &request.state {
                State::Active { .. } | State::Granting { .. } => Ok(ending(request, Ending::Returned { by: by.clone() })),
                _ => Err(not_open(request)),
            }
        }
        Act::Extend { by: more, reason } => extend(request, by, *more, reason.as_ref().map(|w| w.id.clone()), context),
        Act::Revoke { reason } => revoke(request, by, &reason.text, &reason.id, context),
        Act::Settle { reason } => settle(request, by, &reason.text, &reason.id, context),
    }
}

fn holder(request: &Request, by: &PersonId) -> Result<(), Refusal> {
    if *by == request.requester || *by == request.subject { Ok(()) } else { Err(Refusal::NotHolder) }
}

/// The policy in force for this request.
pub fn policy_of<'a>(request: &Request, facts: &Facts<'a>) -> Option<&'a Policy> {
    let ask = request.main_ask();
    facts.catalogue.role(&ask.resource, &ask.role).map(|(_, _, policy)| policy)
}

fn policy_in_force<'a>(request: &Request, context: &Context<'a>) -> Result<&'a Policy, Refusal> {
    let ask = request.main_ask();
    policy_of(request, &context.facts).ok_or_else(|| Refusal::NoSuchRole {
        resource: ask.resource.clone(),
        name: ask.role.to_string(),
        near: Vec::new(),
        roles: Vec::new(),
    })
}

/// Total length that the ask being decided would make.
pub fn asked_length(request: &Request, round: &Round, now: Instant) -> Span {
    let ask = &request.asks[round.ask.min(request.asks.len() - 1)];
    match (&request.state, ask.length) {
        (State::Active { work, .. }, Length::For(more)) => work.until.since(work.since) + more,
        _ => asking::duration_from(ask, ask.start.unwrap_or(now).max(now)),
    }
}

fn stages_of<'a>(request: &Request, round: &Round, context: &Context<'a>) -> Result<&'a [super::policy::Stage], Refusal> {
    Ok(rounds::chain(policy_in_force(request, context)?, asked_length(request, round, context.now)))
}

fn stage_of<'a>(request: &Request, round: &Round, context: &Context<'a>) -> Result<&'a super::policy::Stage, Refusal> {
    let stages = stages_of(request, round, context)?;
    let count = rounds::count(request, round, stages, &context.facts)?;
    count.open.and_then(|open| stages.get(open)).ok_or_else(|| not_open(request))
}

/// The right to decide (R7), judged now: in the set of the open stage, neither requester nor subject.
fn open_round_for<'r>(request: &'r Request, by: &PersonId, context: &Context<'_>) -> Result<&'r Round, Refusal> {
    let Some(round) = request.round().filter(|_| !matches!(request.state, State::Scheduled { .. })) else {
        // An outsider learns nothing more than a member would; the story is on the card anyway.
        return Err(not_open(request));
    };
    if *by == request.requester || *by == request.subject {
        return Err(Refusal::OwnRequest);
    }
    let stages = stages_of(request, round, context)?;
    let count = rounds::count(request, round, stages, &context.facts)?;
    let open = count.open.unwrap_or(stages.len().saturating_sub(1));
    let Some(stage) = stages.get(open) else { return Ok(round) };
    if let Some(stage) = count.counted.iter().position(|voters| voters.contains(by)) {
        return Err(Refusal::AlreadyVoted { stage: u32::try_from(stage).unwrap_or(u32::MAX) });
    }
    let rung = if usize::try_from(round.stage).is_ok_and(|s| s == open) { round.rung } else { 0 };
    if context.facts.includes(stage.approvers_at(rung), by)? {
        return Ok(round);
    }
    let later = stages.iter().skip(open + 1).find_map(|s| {
        let who = s.approvers.iter().find(|who| context.facts.includes([*who], by).unwrap_or(false))?;
        Some(name_of(who))
    });
    Err(Refusal::NotApprover { waiting_for: stage.approvers_at(rung).map(name_of).collect(), later })
}

/// A set's name as policy has it.
pub fn name_of(who: &Who) -> String {
    match who {
        Who::Everyone => "everyone".into(),
        Who::Person(id) => id.to_string(),
        Who::Group(id) => format!("@{id}"),
    }
}

fn approve(request: &Request, by: &PersonId, comment: Option<super::words::WordId>, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let round = open_round_for(request, by, context)?;
    if context.facts.catalogue.frozen {
        return Err(Refusal::Frozen);
    }
    let stages = stages_of(request, round, context)?;
    let count = rounds::count(request, round, stages, &context.facts)?;
    let stage = u32::try_from(count.open.unwrap_or(0)).unwrap_or(u32::MAX);
    let rung = if stage == round.stage { round.rung } else { 0 };
    let mut events = recount(request, round, &count, context)?;
    events.push(Event::Approved { person: by.clone(), stage, rung, comment });
    let after = events.iter().try_fold(request.clone(), |r, e| r.apply(e, context.now)).map_err(|_| not_open(request))?;
    events.extend(advance(&after, context)?);
    Ok(events)
}

/// What the policy in force changed under the open round, told once.
fn recount(request: &Request, round: &Round, count: &rounds::Count, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let stage = count.open.map_or(round.stage, |open| u32::try_from(open).unwrap_or(u32::MAX));
    if count.dropped.is_empty() && stage >= round.stage {
        return Ok(Vec::new());
    }
    let policy = policy_in_force(request, context)?.name.clone();
    Ok(vec![Event::Recounted { dropped: count.dropped.clone(), stage, policy }])
}

/// After a vote or at the open: the next stage, or the grant.
pub fn advance(request: &Request, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let Some(round) = request.round() else { return Ok(Vec::new()) };
    let stages = stages_of(request, round, context)?;
    let count = rounds::count(request, round, stages, &context.facts)?;
    if let Some(open) = count.open {
        let open = u32::try_from(open).unwrap_or(u32::MAX);
        return Ok(if open == round.stage { Vec::new() } else { vec![Event::StageOpened { stage: open }] });
    }
    if let State::Active { grant, work, .. } = &request.state {
        let more = asked_length(request, round, context.now);
        let cap = grant.cap.min(policy_in_force(request, context)?.cap);
        // Never earlier than it is: a running grant keeps its end.
        let until = (work.since + more).min(work.since + cap).max(work.until).min(grant.end.unwrap_or(Instant::from_micros(i64::MAX)));
        return Ok(approved_extension(until, work.native_expiry));
    }
    match request.main_ask().start {
        Some(start) if start > context.now => Ok(vec![Event::Scheduled { start }]),
        _ => Ok(vec![Event::Granting { grant: grant_for(request, round, context)? }]),
    }
}

/// With an expiry of the target's own, that moves first; without, the end moves at once.
pub fn approved_extension(until: Instant, native: Option<Instant>) -> Vec<Event> {
    let mut events = vec![Event::ExtensionApproved { until }];
    if native.is_none() {
        events.push(Event::Extended { until, native_expiry: None });
    }
    events
}

/// What is approved becomes a grant: length never more than the cap in force (R16), an absolute end kept (R8).
fn grant_for(request: &Request, round: &Round, context: &Context<'_>) -> Result<Grant, Refusal> {
    let policy = policy_in_force(request, context)?;
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

fn take_back(request: &Request, by: &PersonId, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let Some(round) = request.round() else { return Err(not_open(request)) };
    if !round.votes.iter().any(|vote| vote.person == *by) {
        return Err(Refusal::NoVote);
    }
    let mut events = vec![Event::TakenBack { person: by.clone() }];
    let after = request.clone().apply(&events[0], context.now).map_err(|_| not_open(request))?;
    let Some(round) = after.round() else { return Err(not_open(request)) };
    let count = rounds::count(&after, round, stages_of(&after, round, context)?, &context.facts)?;
    if let Some(open) = count.open.and_then(|open| u32::try_from(open).ok()) {
        if matches!(after.state, State::Scheduled { .. }) {
            events.push(Event::Reopened { stage: open, dropped: Vec::new() });
        } else if open != round.stage {
            events.push(Event::StageOpened { stage: open });
        }
    }
    Ok(events)
}

fn offer(
    request: &Request,
    by: &PersonId,
    less: &Less,
    comment: Option<super::words::WordId>,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let round = open_round_for(request, by, context)?;
    if !matches!(request.state, State::Pending { .. }) {
        return Err(not_open(request));
    }
    let ask = request.main_ask();
    let Some((resource, _, _)) = context.facts.catalogue.role(&ask.resource, &ask.role) else { return Err(Refusal::NotLess) };
    let place = |name: &super::ids::RoleName| resource.roles.iter().position(|r| r.name == *name);
    let lower_role = less.role.as_ref().map(|role| place(role) < place(&ask.role) && place(role).is_some());
    let shorter = less.duration.map(|d| d < asked_length(request, round, context.now) && d >= Span::from_minutes(1));
    let same_or_less = lower_role.unwrap_or(true) && less.duration.is_none_or(|d| d <= asked_length(request, round, context.now));
    if same_or_less && (lower_role == Some(true) || shorter == Some(true)) {
        Ok(vec![Event::Offered { person: by.clone(), less: less.clone(), comment }])
    } else {
        Err(Refusal::NotLess)
    }
}

fn accept_offer(request: &Request, by: &PersonId, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    holder(request, by)?;
    let State::Pending { round } = &request.state else { return Err(not_open(request)) };
    let Some(offer) = &round.offer else { return Err(Refusal::NoOffer) };
    let mut ask = Ask { kind: AskKind::Offer, by: by.clone(), at: context.now, ..request.main_ask().clone() };
    if let Some(role) = &offer.less.role {
        ask.role = role.clone();
        ask.preview.order = None;
    }
    if let Some(duration) = offer.less.duration {
        ask.length = Length::For(duration);
    }
    let (_, _, policy) = context.facts.catalogue.role(&ask.resource, &ask.role).ok_or(Refusal::NoOffer)?;
    ask.policy = policy.name.clone();
    if let Some((order, ownership)) = &context.order {
        ask.preview.order = Some((order.clone(), *ownership));
    }
    if let Length::For(asked) = ask.length
        && asked > policy.cap
    {
        return Err(Refusal::OverCap { asked, cap: policy.cap });
    }
    let mut events = vec![Event::OfferAccepted { ask }];
    let after = request.clone().apply(&events[0], context.now).map_err(|_| not_open(request))?;
    events.extend(advance(&after, context)?);
    Ok(events)
}

fn cancel(request: &Request, by: &PersonId, reason: Option<super::words::WordId>, _context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    holder(request, by)?;
    match &request.state {
        State::Pending { .. } | State::Scheduled { .. } => Ok(vec![Event::Cancelled { person: Some(by.clone()), reason }]),
        State::Granting { .. } => Ok(vec![Event::Revoking { cause: Ending::Cancelled { by: Some(by.clone()), reason } }]),
        State::Active { extension: Some(Extension::Asked { .. }), .. } => {
            Ok(vec![Event::ExtensionClosed { how: ExtensionEnd::Cancelled, person: Some(by.clone()), reason }])
        }
        State::Active { .. } => Ok(ending(request, Ending::Returned { by: by.clone() })),
        _ => Err(not_open(request)),
    }
}

/// The events that begin an end, whatever extension was open.
pub fn ending(request: &Request, cause: Ending) -> Vec<Event> {
    let mut events = Vec::new();
    if matches!(request.state, State::Active { extension: Some(Extension::Asked { .. }), .. }) {
        events.push(Event::ExtensionClosed { how: ExtensionEnd::Overtaken, person: None, reason: None });
    }
    events.push(Event::Revoking { cause });
    events
}

fn extend(
    request: &Request,
    by: &PersonId,
    more: Option<Span>,
    reason: Option<super::words::WordId>,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    holder(request, by)?;
    let State::Active { grant, work, extension } = &request.state else {
        return Err(if request.is_open() { Refusal::NothingToExtend } else { not_open(request) });
    };
    if extension.is_some() {
        return Err(Refusal::ExtensionOpen);
    }
    if context.now >= work.until {
        return Err(Refusal::NoTimeLeft);
    }
    let policy = policy_in_force(request, context)?;
    let ceiling = grant.ceiling.min(policy.cap);
    let more = more.unwrap_or(policy.default);
    let total = work.until.since(work.since) + more;
    let most = grant.room(work, policy.cap);
    if more > most || context.facts.catalogue.frozen {
        return Err(Refusal::OverCeiling { most });
    }
    if total <= ceiling {
        return Ok(approved_extension(work.until + more, work.native_expiry));
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
        ..main.clone()
    };
    let mut events = vec![Event::ExtensionAsked { ask }];
    let after = request.clone().apply(&events[0], context.now).map_err(|_| not_open(request))?;
    events.extend(advance(&after, context)?);
    Ok(events)
}

fn revoke(
    request: &Request,
    by: &PersonId,
    text: &str,
    reason: &super::words::WordId,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let facts = &context.facts;
    let ask = request.main_ask();
    let owner = facts.catalogue.resources.get(&ask.resource).and_then(|r| r.owner.as_ref());
    let stages = policy_of(request, facts).map(|p| p.stages.as_slice()).unwrap_or_default();
    let approvers = stages.iter().flat_map(|s| s.approvers_at(u32::MAX));
    if !facts.includes(approvers.chain(owner).chain(&facts.catalogue.administrators), by)? {
        return Err(Refusal::MayNotRevoke);
    }
    if text.trim().is_empty() {
        return Err(Refusal::ReasonNeeded);
    }
    let cause = Ending::Revoked { by: Some(by.clone()), reason: Some(reason.clone()) };
    match &request.state {
        State::Granting { .. } | State::Active { .. } => Ok(ending(request, cause)),
        _ => Err(not_open(request)),
    }
}

fn settle(
    request: &Request,
    by: &PersonId,
    text: &str,
    reason: &super::words::WordId,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    if !context.facts.includes(&context.facts.catalogue.administrators, by)? {
        return Err(Refusal::NotAdministrator);
    }
    if *by == request.requester || *by == request.subject {
        return Err(Refusal::OwnSettle);
    }
    if text.trim().is_empty() {
        return Err(Refusal::ReasonNeeded);
    }
    let State::Revoking { .. } = request.state else { return Err(not_open(request)) };
    let mut events: Vec<_> = request.alarms.iter().map(|alarm| Event::AlarmCleared { alarm: *alarm }).collect();
    events.push(Event::Settled { person: by.clone(), reason: reason.clone() });
    Ok(events)
}

/// How it stands, for somebody who came too late or too early.
pub fn not_open(request: &Request) -> Refusal {
    let (how, at, by) = match &request.state {
        State::Pending { .. } => (Standing::Pending, request.opened_at, None),
        State::Scheduled { round, .. } => (Standing::Scheduled, request.last_at, round.votes.last().map(|v| v.person.clone())),
        State::Granting { grant } => (Standing::Granting, grant.decided_at, grant.votes.last().map(|v| v.person.clone())),
        State::Active { grant, .. } => (Standing::Active, grant.decided_at, grant.votes.last().map(|v| v.person.clone())),
        State::Revoking { since, .. } => (Standing::Revoking, *since, None),
        State::Closed { ending, at, .. } => match ending {
            Ending::Denied { by, .. } => (Standing::Denied, *at, Some(by.clone())),
            Ending::Cancelled { by, .. } => (Standing::Cancelled, *at, by.clone()),
            Ending::Unanswered => (Standing::Unanswered, *at, None),
            Ending::Failed { .. } => (Standing::Failed, *at, None),
            _ => (Standing::Ended, *at, None),
        },
    };
    match how {
        Standing::Granting | Standing::Active | Standing::Scheduled | Standing::Denied => Refusal::AlreadyDecided { by, at, how },
        _ => Refusal::NotOpen { how, at },
    }
}
