//! Documents of an older hallpass, which kept less in them than is folded from the same stream today. What such a document
//! leaves out is no difference; whatever it says is compared.

use crate::domain::request::{Extension, Request, State, Work};

/// What is folded, without what the document's writer did not keep yet.
pub(super) fn as_kept(document: &Request, mut folded: Request) -> Request {
    match (&document.state, &mut folded.state) {
        (State::Active { work: kept, extension: moving, .. }, State::Active { work, extension, .. }) => {
            works(Some(kept), Some(work));
            if let (Some(Extension::Moving { votes: kept, .. }), Some(Extension::Moving { votes, .. })) = (moving, extension)
                && kept.is_empty()
            {
                votes.clear();
            }
        }
        (State::Revoking { work: kept, .. }, State::Revoking { work, .. }) => works(kept.as_ref(), work.as_mut()),
        (State::Closed { held: before, votes: kept, .. }, State::Closed { held, votes, .. }) => {
            if kept.is_empty() {
                votes.clear();
            }
            let before = before.as_ref().and_then(|held| held.work.as_ref());
            works(before, held.as_mut().and_then(|held| held.work.as_mut()));
        }
        _ => {}
    }
    folded
}

/// Extensions of before the upgrade, and asks for more that brought none, are missing; those after it are there.
fn works(kept: Option<&Work>, folded: Option<&mut Work>) {
    let (Some(kept), Some(folded)) = (kept, folded) else { return };
    if kept.graced_from.is_none() {
        folded.graced_from = None;
    }
    if folded.extended.ends_with(&kept.extended) {
        folded.extended.clone_from(&kept.extended);
    }
    if folded.unmet.ends_with(&kept.unmet) {
        folded.unmet.clone_from(&kept.unmet);
    }
}
