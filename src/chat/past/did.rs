//! What somebody asked for, held and decided: each request on a line as lists have it, with what they themselves did about it.

use serde_json::{Value, json};

use super::{PastPage, Row, Say, ended, typed, zone};
use crate::{
    bot::{Did, FoundPage},
    chat::{
        view::{Reader, headline},
        words::list,
    },
    domain::{
        digest::ActKind,
        request::{Request, State},
    },
};

pub(super) fn page(page: &FoundPage, r: &Reader<'_>, say: Say<'_>) -> PastPage {
    // A name only where something of theirs is shown: whether there is such a person is not said otherwise.
    let who = (!page.rows.is_empty() || page.is_all).then(|| r.name(&page.person));
    let first = json!({
        "who": who, "own": page.is_own, "since": r.exact(page.since), "some": !page.rows.is_empty(),
        "page": (page.page > 1 || page.has_more).then_some(page.page),
    });
    let row = |row: &Did| Row::about(say("did", &line(row, page, r)), &row.request.id, row.url.as_ref());
    let notes = [
        (!page.is_own && !page.is_all).then(|| say("only_seen", &Value::Null)),
        page.is_cut.then(|| say("cut", &Value::Null)),
        zone(r, say),
        page.has_more.then(|| {
            let (person, next) = (format!("@{}", page.person), (page.page + 1).to_string());
            say("more_found", &json!({ "person": person, "own": page.is_own, "since": typed(page.since, r), "page": next }))
        }),
    ];
    PastPage { first: say("found", &first), rows: page.rows.iter().map(row).collect(), notes: notes.into_iter().flatten().collect() }
}

fn line(row: &Did, page: &FoundPage, r: &Reader<'_>) -> Value {
    let did: Vec<String> = row.decided.iter().map(|(kind, at)| format!("{} {}", verb(*kind), r.exact(*at))).collect();
    json!({
        "at": r.exact(row.request.opened_at), "line": headline(&row.request, r), "how": how(&row.request, r),
        "who": r.name(&page.person), "did": (!did.is_empty()).then(|| list(&did)),
    })
}

/// How what was held ended; the line says it of everything else.
fn how(request: &Request, r: &Reader<'_>) -> Option<String> {
    match &request.state {
        State::Closed { ending, held: Some(held), .. } if held.work.is_some() => Some(ended(ending, r)),
        _ => None,
    }
}

const fn verb(kind: ActKind) -> &'static str {
    match kind {
        ActKind::Approved => "approved it",
        ActKind::Denied => "denied it",
        ActKind::Revoked => "revoked it",
        ActKind::Settled => "settled it",
        ActKind::DeniedMore => "denied more time",
        ActKind::Unanswered => "got no answer to an ask for more time",
    }
}
