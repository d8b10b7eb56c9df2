//! What one glance at a card should tell, before a word is read: a name that templates turn into a colour or a sign. Pure.

use crate::domain::{
    event::AlarmKind,
    request::{Ending, Extension, Held, Remains, Request, State},
};

/// `waiting` for somebody's decision, `planned`, `granting`, `working`, `ending`; `still_open` past its end, `failed`, `denied`;
/// `over`: it was held and is gone, `remains`: it was held and needs a human, `closed`: it was never held.
pub(super) fn tone(request: &Request) -> &'static str {
    match &request.state {
        State::Pending { .. } | State::Active { extension: Some(Extension::Asked { .. }), .. } => "waiting",
        State::Scheduled { .. } => "planned",
        State::Granting { .. } => "granting",
        // It is gone already, and only its time is not over.
        State::Active { work, .. } if work.found_absent => "ending",
        State::Active { .. } => "working",
        State::Revoking { .. } if request.alarms.contains(&AlarmKind::StillOpen) => "still_open",
        State::Closed { held: Some(Held { back_at: Some(_), .. }), .. } => "still_open",
        State::Revoking { work: None, cause: Ending::Failed { .. }, .. } | State::Closed { ending: Ending::Failed { .. }, .. } => "failed",
        State::Revoking { .. } => "ending",
        State::Closed { ending: Ending::Denied { .. }, .. } => "denied",
        State::Closed { held: Some(held), .. } if needs_a_human(held) => "remains",
        State::Closed { held: Some(Held { work: Some(_), .. }), .. } => "over",
        State::Closed { .. } => "closed",
    }
}

fn needs_a_human(held: &Held) -> bool {
    (!held.residue.is_empty() && held.settled.is_none()) || matches!(held.remains, Remains::Unknown)
}
