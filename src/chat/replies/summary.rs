//! The thread's last line, the summary of what was held; and the line of access that outlives its end. Pure.

use serde_json::json;

use super::{ReplyView, ledger};
use crate::{
    bot::Around,
    chat::{
        view::{Reader, ask_again, card, ending_words, longer},
        words::duration,
    },
    domain::{
        policy::{Platform, Who},
        request::{Ask, AskKind, Ending, Held, Request, Settlement, State},
        time::Span,
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
        // In Discord nobody can press anything in a thread that is put away and locked; the card has the same button.
        let buttons = if r.platform == Platform::Discord { Vec::new() } else { ask_again(request) };
        return Some(ReplyView { name: "undone", data, buttons, notify: Vec::new(), late: None });
    }
    let (entries, root) = ledger(around);
    ReplyView::new(
        "ended",
        json!({
            "first_line": view.first_line, "how": how, "sessions_closed": shown.sessions_closed,
            "gone": shown.gone, "remains": shown.remains, "residue": shown.residue,
            "asked": asked(request, r), "approved": approved(request, held, r), "used": shown.used,
            "settled": matches!(ending, Ending::Settled { .. }), "entries": entries, "root": root,
        }),
    )
}

/// `approved by Ben Okafor, Cleo Marsh in 3 min 12 s`: exact, unlike the card's.
fn approved(request: &Request, held: &Held, r: &Reader<'_>) -> String {
    let names: Vec<_> = held.grant.votes.iter().map(|v| r.name(&v.person)).collect();
    let first = if names.is_empty() {
        format!("approved at once by the rule {}", held.grant.policy)
    } else {
        format!("approved by {} in {}", names.join(", "), duration(held.grant.decided_at.since(request.opened_at)))
    };
    std::iter::once(first).chain(longer(held.work.as_ref(), r)).chain(kept_open(held)).collect::<Vec<_>>().join(" · ")
}

/// `kept open 4 min while more time was being decided`.
fn kept_open(held: &Held) -> Option<String> {
    let work = held.work.as_ref()?;
    let kept = work.until.min(held.ended_at).since(work.graced_from?);
    (kept > Span::ZERO).then(|| format!("kept open {} while more time was being decided", duration(kept)))
}

/// What was asked for first, and what was offered and taken instead: `15 min · offered 5 min`.
fn asked(request: &Request, r: &Reader<'_>) -> String {
    let asks: Vec<&Ask> = request.asks.iter().filter(|ask| ask.kind != AskKind::Extension).collect();
    let first = asks.first().map(|ask| r.length(ask.length));
    let offered = asks.windows(2).filter_map(|pair| match pair {
        [before, ask] if before.role == ask.role => Some(format!("offered {}", r.length(ask.length))),
        [_, ask] => Some(format!("offered {}, {}", ask.role, r.length(ask.length))),
        _ => None,
    });
    first.into_iter().chain(offered).collect::<Vec<_>>().join(" · ")
}

/// The alarm, in the same words for thread and ops channel. It calls the resource's owner, who may act on it.
pub fn still_open(request: &Request, r: &Reader<'_>, around: &Around) -> Option<ReplyView> {
    let view = card(request, r, around)?;
    let data = json!({ "first_line": view.first_line, "alarm": view.alarm?, "id": view.id });
    Some(ReplyView { name: "still_open", data, buttons: Vec::new(), notify: owner(request, r), late: None })
}

/// What the read-back left for a human.
pub(super) fn residue(request: &Request, r: &Reader<'_>) -> Option<ReplyView> {
    let State::Closed { held: Some(held), .. } = &request.state else { return None };
    let data = json!({ "residue": held.residue, "id": request.id });
    Some(ReplyView { name: "residue", data, buttons: Vec::new(), notify: owner(request, r), late: None })
}

/// What was settled after the end, if it was.
pub(super) const fn settlement(request: &Request) -> Option<&Settlement> {
    match &request.state {
        State::Closed { held: Some(held), .. } => held.settled.as_ref(),
        _ => None,
    }
}

/// Somebody took over what remained.
pub(super) fn settled(request: &Request, r: &Reader<'_>) -> Option<ReplyView> {
    let settled = settlement(request)?;
    ReplyView::new("settled", json!({ "who": r.name(&settled.by), "reason": r.text(&settled.reason) }))
}

/// Who is told of alarms on this resource.
pub(in crate::chat) fn owner(request: &Request, r: &Reader<'_>) -> Vec<Who> {
    r.catalogue.resources.get(&request.main_ask().resource).and_then(|res| res.owner.clone()).into_iter().collect()
}
