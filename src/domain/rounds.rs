//! Counting votes: each person once, whoever left the set no longer, the chain of the policy in force (R5, R7, R16).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    facts::Facts,
    ids::{GroupId, PersonId},
    policy::{Policy, Stage},
    refusal::Refusal,
    request::{Request, Round, Vote},
    time::Span,
};

/// Where a chain stands after a fresh count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// First stage that is not met; None when all are.
    pub open: Option<usize>,
    /// Votes that count, per stage reached.
    pub counted: Vec<Vec<PersonId>>,
    /// People whose vote no longer counts.
    pub dropped: Vec<PersonId>,
}

/// The stages that an ask of this length must climb.
pub fn chain(policy: &Policy, duration: Span) -> &[Stage] {
    if policy.at_once_up_to.is_some_and(|most| duration <= most) { &[] } else { &policy.stages }
}

/// Neither requester nor subject, still one of us, and not kept from acting for now.
pub fn may_ever_decide(request: &Request, person: &PersonId, facts: &Facts<'_>) -> bool {
    facts.may_act(person) && *person != request.requester && *person != request.subject
}

/// Counts a round's votes afresh. Fails only when a chat that must be asked does not answer.
pub fn count(request: &Request, round: &Round, stages: &[Stage], facts: &Facts<'_>) -> Result<Count, Refusal> {
    counted(request, round, stages, facts, |answer, _| answer)
}

/// As `count`, but a vote of which its chat says nothing now stands as it was judged when it was given, in the stage for which it
/// was given and in no other: for what gives nothing before it is counted once more.
pub fn count_standing(request: &Request, round: &Round, stages: &[Stage], facts: &Facts<'_>) -> Result<Count, Refusal> {
    counted(request, round, stages, facts, |answer, given_here| Ok(answer.unwrap_or(given_here)))
}

fn counted(
    request: &Request,
    round: &Round,
    stages: &[Stage],
    facts: &Facts<'_>,
    counts: impl Fn(Result<bool, Refusal>, bool) -> Result<bool, Refusal>,
) -> Result<Count, Refusal> {
    let mut used: BTreeSet<PersonId> = BTreeSet::new();
    let (mut counted, mut open) = (Vec::new(), None);
    for (index, stage) in stages.iter().enumerate() {
        let mut here = Vec::new();
        for vote in &round.votes {
            if here.len() >= stage.needed || used.contains(&vote.person) || !may_ever_decide(request, &vote.person, facts) {
                continue;
            }
            let given_here = usize::try_from(vote.stage).is_ok_and(|stage| stage == index);
            if counts(facts.includes(stage.approvers_at(rung_of(vote, index)), &vote.person), given_here)? {
                used.insert(vote.person.clone());
                here.push(vote.person.clone());
            }
        }
        let met = here.len() >= stage.needed;
        counted.push(here);
        if !met {
            open = Some(index);
            break;
        }
    }
    let dropped = round.votes.iter().map(|v| v.person.clone()).filter(|p| !used.contains(p)).collect();
    Ok(Count { open, counted, dropped })
}

/// Escalation counts only in the stage in which it happened.
fn rung_of(vote: &Vote, stage: usize) -> u32 {
    if usize::try_from(vote.stage).is_ok_and(|s| s == stage) { vote.rung } else { 0 }
}

/// Could the chain be climbed by the people there are? Whom a chat counts and does not name may be anybody; groups that it did
/// not answer for count as enough.
pub fn can_be_satisfied(request: &Request, stages: &[Stage], facts: &Facts<'_>) -> bool {
    can_be_climbed([&request.requester, &request.subject], stages, facts)
}

/// The same before there is a request: by whom and for whom it would be asked.
pub fn can_be_climbed(own: [&PersonId; 2], stages: &[Stage], facts: &Facts<'_>) -> bool {
    let seats = stages.iter().map(|stage| stage.needed).sum();
    let sets: Vec<(BTreeSet<Seated>, usize)> = stages
        .iter()
        .map(|stage| {
            let people = facts.people(stage.approvers_at(u32::MAX)).into_iter().filter(|person| !own.contains(&person));
            let unnamed = facts.unnamed(stage.approvers_at(u32::MAX)).into_iter();
            let unnamed = unnamed.flat_map(|(group, more)| (0..more.min(seats)).map(move |n| Seated::Unnamed(group.clone(), n)));
            (people.map(Seated::Known).chain(unnamed).collect(), stage.needed)
        })
        .collect();
    can_be_seated(&sets)
}

/// Who may take a seat of a stage, and one only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Seated {
    Known(PersonId),
    /// One of those whom a group's chat counts and does not name.
    Unnamed(GroupId, usize),
}

/// Are there enough different people for all these sets, each of which needs so many?
pub fn can_be_seated<P: Ord + Clone>(sets: &[(BTreeSet<P>, usize)]) -> bool {
    let seats: Vec<usize> = sets.iter().enumerate().flat_map(|(i, (_, needed))| std::iter::repeat_n(i, *needed)).collect();
    let mut taken = BTreeMap::new();
    (0..seats.len()).all(|seat| seat_somebody(seat, &seats, sets, &mut taken, &mut BTreeSet::new()))
}

/// One augmenting path of a bipartite matching: seats of stages to distinct people.
fn seat_somebody<P: Ord + Clone>(
    seat: usize,
    seats: &[usize],
    sets: &[(BTreeSet<P>, usize)],
    taken: &mut BTreeMap<P, usize>,
    tried: &mut BTreeSet<P>,
) -> bool {
    for person in &sets[seats[seat]].0 {
        if !tried.insert(person.clone()) {
            continue;
        }
        let free = match taken.get(person).copied() {
            None => true,
            Some(other) => seat_somebody(other, seats, sets, taken, tried),
        };
        if free {
            taken.insert(person.clone(), seat);
            return true;
        }
    }
    false
}
