//! Who gets a card directly, as a copy of the one in the channel: where policy says so, and as far as is known. Pure.

use std::collections::BTreeSet;

use super::{
    decide,
    event::Event,
    facts::Facts,
    ids::PersonId,
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

/// Of those whom the open stage names for it: whoever may decide it now, never requester or subject. Groups that nobody was
/// asked about add only whom bot.toml lists.
pub fn called(request: &Request, facts: &Facts<'_>, now: Instant) -> BTreeSet<PersonId> {
    let (State::Pending { round } | State::Active { extension: Some(Extension::Asked { round }), .. }) = &request.state else {
        return BTreeSet::new();
    };
    let stages = decide::policy_of(request, facts).map(|policy| rounds::chain(policy, decide::asked_length(request, round, now)));
    let stage = stages.zip(usize::try_from(round.stage).ok()).and_then(|(stages, open)| stages.get(open));
    let Some(stage) = stage.filter(|stage| !stage.direct.is_empty()) else { return BTreeSet::new() };
    let may = facts.people(stage.approvers_at(round.rung));
    let mut called = facts.people(&stage.direct);
    called.retain(|person| may.contains(person) && *person != request.requester && *person != request.subject);
    called
}
