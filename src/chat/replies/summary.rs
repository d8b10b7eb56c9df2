//! The thread's last line, the summary of what was held; and the line of access that outlives its end. Pure.

use serde_json::json;

use super::{ReplyView, ledger};
use crate::{
    bot::Around,
    chat::{
        view::{Reader, ask_again, card, ending_words},
        words::duration,
    },
    domain::{
        policy::Who,
        request::{Ending, Held, Request, State},
    },
};

/// The closing summary; for access that never began one line.
pub(super) fn ended(request: &Request, r: &Reader<'_>, around: &Around) -> Option<ReplyView> {
    let State::Closed { ending, held: Some(held), .. } = &request.state else { return None };
    let view = card(request, r, around)?;
    let shown = view.held?;
    let how = ending_words(ending, r);
    if held.work.is_none() {
        let data = json!({ "gone": shown.gone, "why": how, "remains": shown.remains, "residue": shown.residue });
        return Some(ReplyView { name: "undone", data, buttons: ask_again(request), notify: Vec::new() });
    }
    let (entries, root) = ledger(around);
    ReplyView::new(
        "ended",
        json!({
            "first_line": view.first_line, "how": how, "sessions_closed": shown.sessions_closed,
            "gone": shown.gone, "remains": shown.remains, "residue": shown.residue,
            "asked": first_length(request, held, r), "approved": approved(request, held, r), "used": shown.used,
            "settled": matches!(ending, Ending::Settled { .. }), "entries": entries, "root": root,
        }),
    )
}

/// `approved by Ben Okafor, Cleo Marsh in 3 min 12 s`: exact, unlike the card's.
fn approved(request: &Request, held: &Held, r: &Reader<'_>) -> String {
    let names: Vec<_> = held.grant.votes.iter().map(|v| r.name(&v.person)).collect();
    if names.is_empty() {
        return format!("approved at once by the rule {}", held.grant.policy);
    }
    format!("approved by {} in {}", names.join(", "), duration(held.grant.decided_at.since(request.opened_at)))
}

fn first_length(request: &Request, held: &Held, r: &Reader<'_>) -> String {
    request.asks.first().map_or_else(|| duration(held.grant.duration), |ask| r.length(ask.length))
}

/// The alarm, in the same words for thread and ops channel. It calls the resource's owner, who may act on it.
pub fn still_open(request: &Request, r: &Reader<'_>, around: &Around) -> Option<ReplyView> {
    let view = card(request, r, around)?;
    let data = json!({ "first_line": view.first_line, "alarm": view.alarm?, "id": view.id });
    Some(ReplyView { name: "still_open", data, buttons: Vec::new(), notify: owner(request, r) })
}

/// What the read-back left for a human.
pub(super) fn residue(request: &Request, r: &Reader<'_>) -> Option<ReplyView> {
    let State::Closed { held: Some(held), .. } = &request.state else { return None };
    let data = json!({ "residue": held.residue });
    Some(ReplyView { name: "residue", data, buttons: Vec::new(), notify: owner(request, r) })
}

/// Who is told of alarms on this resource.
pub(in crate::chat) fn owner(request: &Request, r: &Reader<'_>) -> Vec<Who> {
    r.catalogue.resources.get(&request.main_ask().resource).and_then(|res| res.owner.clone()).into_iter().collect()
}
