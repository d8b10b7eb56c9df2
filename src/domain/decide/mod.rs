//! What follows from a person's act: the events, or the refusal. Pure; with `asking` the only place where rights are judged.

mod deciding;
mod ending;
mod holding;
mod looking;
mod offers;
mod rights;

use super::{
    asking,
    command::{Act, Length},
    entitlement::{Order, Ownership},
    event::Event,
    facts::Facts,
    ids::PersonId,
    policy::{Policy, Stage, Who},
    refusal::{Refusal, Standing},
    request::{Ending, Extension, Grant, GrantId, Preview, Request, Round, State, Vote, Work},
    rounds,
    time::{Instant, Span},
    words::Words,
};

pub use deciding::{advance, approved_extension, until_if_approved};
pub use ending::{ending, no_more_time};
pub use holding::may_fetch;
pub use looking::{Sees, all_lookers, is_own, lookers, may_look, nothing_to_see, sees};
pub use rights::may_decide;

/// Everything a decision may depend on, besides the request.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    pub facts: Facts<'a>,
    pub now: Instant,
    /// Names the grant, should this decision make one. Chance is an argument.
    pub grant: GrantId,
    /// Freshly resolved order; None: the provider could not be asked, and the one of the ask is taken.
    pub order: Option<(Order, Ownership)>,
    /// What the provider says of that order, for approvers. None: it was not asked.
    pub preview: Option<Preview>,
}

/// What a person may do is judged here, at the moment it is done.
pub fn act(request: &Request, by: &PersonId, act: &Act, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    rights::may(act, by, &context.facts)?;
    let id = |words: &Option<Words>| words.as_ref().map(|words| words.id.clone());
    match act {
        Act::Approve { comment } => deciding::approve(request, by, id(comment), context),
        Act::TakeBack => deciding::take_back(request, by, context),
        Act::Deny { reason } => deciding::deny(request, by, reason, context),
        Act::Looking => deciding::look(request, by, context),
        Act::PassOn { to } => deciding::pass_on(request, by, to, context),
        Act::Offer { less, comment } => offers::offer(request, by, less, id(comment), context),
        Act::AcceptOffer => offers::accept(request, by, context),
        Act::DeclineOffer => offers::decline(request, by),
        Act::Cancel { reason } => holding::cancel(request, by, id(reason)),
        Act::Return => holding::give_back(request, by),
        Act::Extend { by: more, reason } => holding::extend(request, by, *more, id(reason), context),
        Act::Revoke { reason } => ending::revoke(request, by, reason, context),
        Act::Settle { reason } => ending::settle(request, by, reason, context),
    }
}

/// The policy in force for this request.
pub fn policy_of<'a>(request: &Request, facts: &Facts<'a>) -> Option<&'a Policy> {
    let ask = request.main_ask();
    facts.catalogue.role(&ask.resource, &ask.role).map(|(_, _, policy)| policy)
}

fn policy_in_force<'a>(request: &Request, facts: &Facts<'a>) -> Result<&'a Policy, Refusal> {
    let ask = request.main_ask();
    policy_of(request, facts).ok_or_else(|| Refusal::NoSuchRole {
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
        (State::Active { work, .. }, Length::For(more)) => work.approved_until().since(work.since) + more,
        _ => asking::duration_from(ask, ask.start.unwrap_or(now).max(now)),
    }
}

fn stages_of<'a>(request: &Request, round: &Round, facts: &Facts<'a>, now: Instant) -> Result<&'a [Stage], Refusal> {
    Ok(rounds::chain(policy_in_force(request, facts)?, asked_length(request, round, now)))
}

/// Votes on an ask for access are counted once more before anything is given: until then one of which its chat says nothing now
/// stands. More time is given with the last vote.
fn count(request: &Request, round: &Round, stages: &[Stage], facts: &Facts<'_>) -> Result<rounds::Count, Refusal> {
    if matches!(request.state, State::Pending { .. }) {
        rounds::count_standing(request, round, stages, facts)
    } else {
        rounds::count(request, round, stages, facts)
    }
}

/// A set's name as policy has it.
pub fn name_of(who: &Who) -> String {
    match who {
        Who::Everyone => "everyone".into(),
        Who::Person(id) => id.to_string(),
        Who::Group(id) => format!("@{id}"),
    }
}

/// When access that works was decided on last, and by whom: for what was granted, or for more time.
fn decided_last(grant: &Grant, work: &Work, extension: Option<&Extension>) -> (Instant, Option<PersonId>) {
    let moving: &[Vote] = match extension {
        Some(Extension::Moving { votes, .. }) => votes,
        _ => &[],
    };
    let more = work.extended.iter().flat_map(|more| &more.votes).chain(moving).last();
    let first = grant.votes.last().map(|vote| vote.person.clone());
    more.map_or((grant.decided_at, first), |vote| (vote.at, Some(vote.person.clone())))
}

/// How it stands, for somebody who came too late or too early.
pub fn not_open(request: &Request) -> Refusal {
    let (how, at, by) = match &request.state {
        State::Pending { .. } => (Standing::Pending, request.opened_at, None),
        State::Scheduled { round, .. } => (Standing::Scheduled, request.last_at, round.votes.last().map(|v| v.person.clone())),
        State::Granting { grant } => (Standing::Granting, grant.decided_at, grant.votes.last().map(|v| v.person.clone())),
        State::Active { grant, work, extension } => {
            let (at, by) = decided_last(grant, work, extension.as_ref());
            (Standing::Active, at, by)
        }
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
