//! Who gets a card directly, as a copy of the one in the channel: where policy says so, and as far as is known. Pure.

use std::collections::BTreeSet;

use super::{
    decide,
    event::Event,
    facts::Facts,
    ids::PersonId,
    policy::{Stage, Who},
    request::{Extension, Request, State},
    rounds,
    time::Instant,
};

/// Does this event open a stage, or a rung of its ladder?
pub const fn calls(event: &Event) -> bool {
    matches!(
        event,
        Event::Asked { .. }
            | Event::StageOpened { .. }
            | Event::Escalated { .. }
            | Event::Recounted { .. }
            | Event::Reopened { .. }
            | Event::OfferAccepted { .. }
            | Event::ExtensionAsked { .. }
    )
}

/// Does only a chat know whom the open stage calls?
pub fn depend_on_chats(request: &Request, facts: &Facts<'_>, now: Instant) -> bool {
    let Some((stage, _)) = open_stage(request, facts, now).filter(|(stage, _)| !stage.direct.is_empty()) else { return false };
    let asked_of_chats = |who: &Who| match who {
        Who::Group(id) => facts.catalogue.groups.get(id).is_some_and(|group| !group.chats.is_empty()),
        Who::Person(_) | Who::Everyone => false,
    };
    stage.direct.iter().chain(stage.approvers_at(u32::MAX)).any(asked_of_chats)
}

/// Of those whom the open stage names for it: whoever may decide it now, never requester or subject. Groups that nobody was
/// asked about add only whom bot.toml lists.
pub fn called(request: &Request, facts: &Facts<'_>, now: Instant) -> BTreeSet<PersonId> {
    let Some((stage, rung)) = open_stage(request, facts, now).filter(|(stage, _)| !stage.direct.is_empty()) else {
        return BTreeSet::new();
    };
    let may = facts.people(stage.approvers_at(rung));
    let mut called = facts.people(&stage.direct);
    called.retain(|person| may.contains(person) && *person != request.requester && *person != request.subject);
    called
}

/// The stage that is open for votes, and how many rungs of its ladder are.
fn open_stage<'c>(request: &Request, facts: &Facts<'c>, now: Instant) -> Option<(&'c Stage, u32)> {
    let (State::Pending { round } | State::Active { extension: Some(Extension::Asked { round }), .. }) = &request.state else {
        return None;
    };
    let stages = rounds::chain(decide::policy_of(request, facts)?, decide::asked_length(request, round, now));
    Some((stages.get(usize::try_from(round.stage).ok()?)?, round.rung))
}
