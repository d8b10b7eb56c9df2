//! Who had access at a moment: each grant on a line, with what is sure of it and what is not.

use serde_json::{Value, json};

use super::{PastPage, Row, Say, apart, ended, lasted, typed, zone};
use crate::{
    bot::{Had, ThenPage},
    chat::{
        view::Reader,
        words::{list, thousands},
    },
    domain::{
        digest::{HeldAt, Sure},
        request::{Grant, Request, State, Work},
    },
};

pub(super) fn page(page: &ThenPage, r: &Reader<'_>, say: Say<'_>) -> PastPage {
    let sure = u64::try_from(page.rows.iter().filter(|row| row.held.is_sure()).count()).unwrap_or(u64::MAX);
    let first = json!({
        "resource": page.resource, "at": r.exact(page.at), "count": (page.count > 0).then(|| thousands(page.count)), "one": page.count == 1, "more": page.more,
        "perhaps": sure == 0, "page": (page.pages > 1).then_some(page.page), "pages": page.pages,
    });
    let row = |row: &Had| Row::about(say("had", &line(row, r)), &row.held.request, row.url.as_ref());
    let notes = [
        page.is_gone.then(|| say("gone", &json!({ "resource": page.resource }))),
        page.begins.map(|begins| say("begins", &json!({ "begins": r.exact(begins) }))),
        (page.only_own && page.unasked.is_none()).then(|| say("only_own", &Value::Null)),
        page.unasked.as_ref().map(|unasked| say("unasked", &json!({ "group": unasked.group, "platform": unasked.platform }))),
        Some(say("unseen", &Value::Null)),
        zone(r, say),
        (page.page < page.pages).then(|| {
            let next = (page.page + 1).to_string();
            say("more_then", &json!({ "resource": page.resource, "at": typed(page.at, r), "page": next }))
        }),
    ];
    PastPage { first: say("then", &first), rows: page.rows.iter().map(row).collect(), notes: notes.into_iter().flatten().collect() }
}

/// What is said of one grant, at its moment.
fn line(row: &Had, r: &Reader<'_>) -> Value {
    let held = &row.held;
    let (grant, work) = row.request.as_ref().map_or((None, None), given);
    let is_other = held.person != held.requester;
    let end = held.to.zip(held.from);
    json!({
        "who": r.name(&held.person), "asked_by": is_other.then(|| r.name(&held.requester)), "role": held.role,
        "sure": sure(held.sure), "had_before": held.had_before,
        "from": held.from.map(|at| r.exact(at)), "to": held.to.map(|at| r.exact(at)),
        "time": end.map(|(to, from)| lasted(to.since(from))),
        "until": work.filter(|_| held.to.is_none()).map(|work| r.exact(work.until)),
        "decided": r.exact(held.not_before), "gone": held.not_after.map(|at| r.exact(at)),
        "edges": edges(held), "how": row.request.as_ref().and_then(|request| ending(request, r)),
        "approved": approvers(grant, work, r),
    })
}

/// It may have been there a second or more outside of what is sure.
fn edges(held: &HeldAt) -> bool {
    let before = held.from.is_some_and(|from| apart(held.not_before, from));
    let after = held.to.zip(held.not_after).is_some_and(|(to, after)| apart(to, after));
    before || after
}

const fn sure(sure: Sure) -> &'static str {
    match sure {
        Sure::Held => "held",
        Sure::Starting => "starting",
        Sure::Ending => "ending",
        Sure::FoundAbsent => "found_absent",
        Sure::NeverWorked => "never_worked",
        Sure::CameBack => "came_back",
        Sure::Settled => "settled",
    }
}

fn given(request: &Request) -> (Option<&Grant>, Option<&Work>) {
    match &request.state {
        State::Granting { grant } => (Some(grant), None),
        State::Active { grant, work, .. } => (Some(grant), Some(work)),
        State::Revoking { grant, work, .. } => (Some(grant), work.as_ref()),
        State::Closed { held: Some(held), .. } => (Some(&held.grant), held.work.as_ref()),
        State::Pending { .. } | State::Scheduled { .. } | State::Closed { held: None, .. } => (None, None),
    }
}

fn ending(request: &Request, r: &Reader<'_>) -> Option<String> {
    match &request.state {
        State::Revoking { cause, .. } => Some(ended(cause, r)),
        State::Closed { ending, .. } => Some(ended(ending, r)),
        _ => None,
    }
}

/// Who approved it, and each longer time; none: a rule gave it at once.
fn approvers(grant: Option<&Grant>, work: Option<&Work>, r: &Reader<'_>) -> Option<String> {
    let more = work.into_iter().flat_map(|work| work.extended.iter().flat_map(|more| &more.votes));
    let mut names: Vec<String> = Vec::new();
    for vote in grant.into_iter().flat_map(|grant| &grant.votes).chain(more) {
        let name = r.name(&vote.person);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| list(&names))
}
