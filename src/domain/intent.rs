//! The last look before access is given: do the approvals stand under the policy in force (R16)? Pure; begins nothing.

use super::{
    due,
    event::Event,
    facts::Facts,
    request::{Request, Round, State},
    rounds,
    time::Instant,
};

/// What the policy in force says about a decision that is about to take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// It stands as it was decided.
    Stands,
    /// It stands, for less time: these events say so.
    Shorter(Vec<Event>),
    /// It does not stand; these events say what becomes of the request.
    Falls(Vec<Event>),
    /// A chat that must be asked does not answer: not now.
    CannotTell,
}

/// Judges a request that is being granted. `untouched`: no call was ever begun for it, so it may simply be asked again;
/// otherwise something may be there already, and it is undone. Nothing to judge: it stands.
pub fn judge(request: &Request, untouched: bool, facts: &Facts<'_>, now: Instant) -> Intent {
    let State::Granting { grant } = &request.state else { return Intent::Stands };
    let fails = |why: &str| Intent::Falls(vec![Event::GrantFailed { why: why.into(), permanent: false }]);
    let Some((_, _, policy)) = facts.catalogue.role(&grant.resource, &grant.role) else {
        return fails("it is no longer in the catalogue");
    };
    if facts.groups.unknown.contains_key(&request.subject) {
        return Intent::CannotTell;
    }
    if !facts.is_active(&request.subject) {
        return Intent::Falls(due::left(request, &request.subject));
    }
    let people = grant.votes.iter().map(|vote| &vote.person).chain([&request.subject]);
    if people.into_iter().any(|person| facts.groups.unknown.contains_key(person)) {
        return Intent::CannotTell;
    }
    let duration = grant.duration.min(policy.cap);
    let round = Round { votes: grant.votes.clone(), ..Round::new(0, now) };
    match rounds::count(request, &round, rounds::chain(policy, duration), facts) {
        Err(_) => Intent::CannotTell,
        Ok(rounds::Count { open: Some(open), dropped, .. }) if untouched => {
            Intent::Falls(vec![Event::Reopened { stage: u32::try_from(open).unwrap_or(u32::MAX), dropped }])
        }
        Ok(rounds::Count { open: Some(_), .. }) => fails("the approvals no longer suffice"),
        Ok(_) if duration < grant.duration => {
            let latest = (grant.give_up_at + duration).min(grant.latest);
            Intent::Shorter(vec![Event::Shortened { duration, latest, cap: policy.cap }])
        }
        Ok(_) => Intent::Stands,
    }
}
