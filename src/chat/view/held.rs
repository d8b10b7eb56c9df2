//! Access that is held or was: who approved it, since when it works, what was seen when it ended. Pure.

use super::{HeldView, Reader, SessionsView, grant_of, held_of, work_of};
use crate::{
    bot::Around,
    chat::words::{duration, list, rough},
    domain::{
        event::Used,
        request::{Grant, Remains, Request, State, Work},
    },
    provider::Sessions,
};

pub(super) fn held(request: &Request, r: &Reader<'_>, around: &Around) -> Option<HeldView> {
    let grant = grant_of(&request.state)?;
    let held = held_of(&request.state);
    let work = work_of(&request.state);
    let end = held.map(|h| h.gone_at.unwrap_or(h.ended_at));
    Some(HeldView {
        approved: std::iter::once(approved(request, grant, r)).chain(longer(work, r)).collect::<Vec<_>>().join(" · "),
        since: work.map(|w| r.exact(w.since)),
        ends_first: work.and_then(|w| capped(w, r)),
        time: work.zip(end).map(|(w, end)| rough(end.since(w.since))),
        sessions_closed: held.and_then(|h| h.sessions_closed),
        gone: held.and_then(|h| h.gone_at).map(|at| r.exact(at)),
        remains: held.and_then(|h| remains(request, &h.remains, r, around)),
        residue: held.map(|h| h.residue.clone()).unwrap_or_default(),
        used: held.and_then(|h| h.used.as_ref()).map(|u| used(u, r)),
    })
}

/// `Approved by Ben Okafor and Cleo Marsh in 3 min`.
fn approved(request: &Request, grant: &Grant, r: &Reader<'_>) -> String {
    if grant.votes.is_empty() {
        return format!("Approved at once by the rule {}", grant.policy);
    }
    let names = r.names(grant.votes.iter().map(|v| &v.person));
    format!("Approved by {names} in {}", rough(grant.decided_at.since(request.opened_at)))
}

/// `+ 2 h approved by Dora Lind`, `+ 30 min at once`, for each extension.
pub(in crate::chat) fn longer(work: Option<&Work>, r: &Reader<'_>) -> Vec<String> {
    let given = work.into_iter().flat_map(|w| &w.extended).filter(|more| more.from < more.until);
    let said = given.map(|more| {
        let by = r.names(more.votes.iter().map(|vote| &vote.person));
        let how = if by.is_empty() { "at once".to_owned() } else { format!("approved by {by}") };
        format!("+ {} {how}", duration(more.until.since(more.from)))
    });
    said.collect()
}

/// The target ends it before we do.
fn capped(work: &Work, r: &Reader<'_>) -> Option<String> {
    work.native_expiry.filter(|at| *at < work.until).map(|at| r.exact(at))
}

/// What a read-back found besides this grant; None: nothing, it is gone.
fn remains(request: &Request, remains: &Remains, r: &Reader<'_>, around: &Around) -> Option<String> {
    let subject = r.name(&request.subject);
    match remains {
        Remains::Nothing => None,
        Remains::Through { request } => {
            let until = around.through.map(|until| format!(" until {}", r.moment(until))).unwrap_or_default();
            Some(format!("{subject} still has it through {request}{until}"))
        }
        Remains::Before => Some(format!("{subject} had this before and still has it")),
        Remains::Unknown => Some("nobody could look whether it is gone".to_owned()),
    }
}

/// What the target counted; or what was seen, with how often it was looked.
fn used(used: &Used, r: &Reader<'_>) -> String {
    let looked = used.sampled_every.map(|every| format!("looked every {}: shorter sessions may have been missed", duration(every)));
    if used.sessions == 0 {
        return looked.map_or_else(|| "never".to_owned(), |looked| format!("never seen ({looked})"));
    }
    let mut parts = vec![format!("{} {}", used.sessions, if used.sessions == 1 { "session" } else { "sessions" })];
    parts.extend(used.first.map(|at| format!("first {}", r.moment(at))));
    parts.extend(used.last.map(|at| format!("last {}", r.moment(at))));
    if !used.from.is_empty() {
        parts.push(format!("from {}", list(&used.from)));
    }
    let seen = parts.join(", ");
    looked.map_or_else(|| seen.clone(), |looked| format!("{seen} ({looked})"))
}

/// Worth saying while it can still be decided or is held: afterwards the summary says what was.
pub(super) fn sessions(request: &Request, around: &Around) -> Option<SessionsView> {
    let held_before = matches!(&request.state, State::Active { work, .. } if work.had_before);
    let sessions = around.sessions.as_ref().filter(|_| !held_before)?;
    let at_most = match sessions {
        Sessions::LiveOn { at_most } => *at_most,
        Sessions::Cut | Sessions::NextRequest => None,
    };
    Some(SessionsView {
        cut: matches!(sessions, Sessions::Cut),
        next_request: matches!(sessions, Sessions::NextRequest),
        live_on: matches!(sessions, Sessions::LiveOn { at_most: None }),
        at_most: at_most.map(duration),
    })
}
