//! Who may do what (R7), judged at the moment it is done, from ids: an active, linked person, in the set that decides now.

use super::{
    Act, Facts, Instant, PersonId, Refusal, Request, Round, Stage, State, Who, count, name_of, not_open, policy_in_force, rounds, stages_of,
};

/// The actor is known and has not left; a chat that cannot say so is a "no" with that reason. Whoever a chat keeps from acting for
/// a while may still give up what they have.
pub(super) fn may(act: &Act, by: &PersonId, facts: &Facts<'_>) -> Result<(), Refusal> {
    match act {
        Act::TakeBack | Act::DeclineOffer | Act::Cancel { .. } | Act::Return => facts.check_active(by),
        _ => facts.check_may_act(by),
    }
}

/// Requester or subject.
pub(super) fn holder(request: &Request, by: &PersonId) -> Result<(), Refusal> {
    if *by == request.requester || *by == request.subject { Ok(()) } else { Err(Refusal::NotHolder) }
}

/// Could this person approve or deny now? For lists, before which nobody asked about those who voted: their votes stand. The press
/// is judged again.
pub fn may_decide(request: &Request, by: &PersonId, facts: &Facts<'_>, now: Instant) -> bool {
    facts.check_may_act(by).is_ok() && right_to(Deciding::Listed, request, by, facts, now).is_ok()
}

/// The right to decide: in the set of the open stage, neither requester nor subject, not counted already.
pub(super) fn open_round_for<'r>(request: &'r Request, by: &PersonId, facts: &Facts<'_>, now: Instant) -> Result<&'r Round, Refusal> {
    right_to(Deciding::Count, request, by, facts, now)
}

/// The right to deny: the same, and who approved may think better of it while the stage that is open is theirs.
pub(super) fn may_deny(request: &Request, by: &PersonId, facts: &Facts<'_>, now: Instant) -> Result<(), Refusal> {
    right_to(Deciding::Deny, request, by, facts, now).map(drop)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deciding {
    Count,
    Deny,
    /// Nothing: it is only shown.
    Listed,
}

fn right_to<'r>(what: Deciding, request: &'r Request, by: &PersonId, facts: &Facts<'_>, now: Instant) -> Result<&'r Round, Refusal> {
    let Some(round) = request.round().filter(|_| !matches!(request.state, State::Scheduled { .. })) else {
        // An outsider learns nothing more than a member would; the story is on the card anyway.
        return Err(not_open(request));
    };
    if *by == request.requester || *by == request.subject {
        return Err(Refusal::OwnRequest);
    }
    let stages = stages_of(request, round, facts, now)?;
    let count = match what {
        Deciding::Count => count(request, round, stages, facts)?,
        // It gives nothing.
        Deciding::Deny | Deciding::Listed => rounds::count_standing(request, round, stages, facts)?,
    };
    let voted = count.counted.iter().position(|voters| voters.contains(by));
    let voted = voted.map(|stage| Refusal::AlreadyVoted { request: request.id.clone(), stage: u32::try_from(stage).unwrap_or(u32::MAX) });
    if let (Some(refusal), Deciding::Count | Deciding::Listed) = (&voted, what) {
        return Err(refusal.clone());
    }
    // Nothing left to climb since the policy changed: whoever could have decided may say so, nobody else.
    let stages = if stages.is_empty() { policy_in_force(request, facts)?.stages.as_slice() } else { stages };
    let open = count.open.unwrap_or(stages.len().saturating_sub(1));
    let asked: Vec<&Who> = stages.get(open).map(|stage| approvers_now(stage, open, round).collect()).unwrap_or_default();
    if facts.includes(asked.iter().copied(), by)? {
        return Ok(round);
    }
    if let Some(refusal) = voted {
        return Err(refusal);
    }
    let later = stages.iter().skip(open + 1).find_map(|stage| {
        let who = stage.approvers.iter().find(|who| facts.includes([*who], by).unwrap_or(false))?;
        Some(name_of(who))
    });
    Err(Refusal::NotApprover { waiting_for: asked.into_iter().map(name_of).collect(), later })
}

/// Who may decide the stage of this index: with those whom its ladder added, if it is the one that has been open.
pub(super) fn approvers_now<'s>(stage: &'s Stage, index: usize, round: &Round) -> impl Iterator<Item = &'s Who> {
    let rung = if usize::try_from(round.stage).is_ok_and(|open| open == index) { round.rung } else { 0 };
    stage.approvers_at(rung)
}
