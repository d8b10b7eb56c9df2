//! What stands out, each on a line of its own, by kinds: what needs a human first.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Line, Sign, length};
use crate::{
    chat::view::Reader,
    domain::{
        digest::{Digest, Exception, Given, Kind},
        time::Instant,
    },
};

/// Resources, and roles, that one line names.
const NAMED: usize = 5;

/// The lines of each kind, and how many more of it the digest only counts; in the order in which they are told.
pub(super) fn kinds(digest: &Digest, r: &Reader<'_>) -> BTreeMap<Kind, (Vec<Line>, u64)> {
    let mut kinds: BTreeMap<Kind, (Vec<Line>, u64)> = BTreeMap::new();
    for exception in &digest.exceptions {
        kinds.entry(exception.kind()).or_default().0.push(line(exception, r));
    }
    for (kind, count) in digest.more.iter().filter(|(_, count)| *count > 0) {
        kinds.entry(*kind).or_default().1 += count;
    }
    kinds
}

fn line(exception: &Exception, r: &Reader<'_>) -> Line {
    let (name, data) = said(exception, r);
    let sign = match exception.kind() {
        Kind::StillOpen => Sign::Alarm,
        _ if exception.needs_human() => Sign::Warn,
        _ => Sign::Note,
    };
    Line { sign, ..Line::note(name, data) }.about(exception.requests())
}

fn said(exception: &Exception, r: &Reader<'_>) -> (&'static str, Value) {
    match exception {
        Exception::StillOpen { given, end, past } => {
            ("still_open", with(given, r, json!({ "end": r.moment(*end), "past": length(*past) })))
        }
        Exception::Residue { given, since, things } => {
            ("residue", with(given, r, json!({ "since": r.moment(*since), "things": things, "one": *things == 1 })))
        }
        Exception::GrantStuck { given, since } => ("grant_stuck", with(given, r, json!({ "since": r.moment(*since) }))),
        Exception::Alarm { alarm, since } => ("alarm", json!({ "alarm": alarm, "since": r.moment(*since) })),
        Exception::Drift { .. } => drift(exception, r),
        Exception::Over { alarm, given, since, at } => over(alarm, given.as_ref(), (*since, *at), r),
        Exception::Settled { given, by, at } => ("settled", with(given, r, json!({ "by": r.name(by), "at": r.moment(*at) }))),
        Exception::Unanswered { given, asked_at, at, more } => {
            let waited = length(at.since(*asked_at));
            ("unanswered", with(given, r, json!({ "asked": r.moment(*asked_at), "waited": waited, "more": more.map(|more| r.more(more)) })))
        }
        Exception::GrantFailed { given, at } => ("grant_failed", with(given, r, json!({ "at": r.moment(*at) }))),
        Exception::StoreDown { since, lasted } => ("store_down", json!({ "since": r.moment(*since), "lasted": length(*lasted) })),
        Exception::PolicyRefused { at, at_start, until, .. } => {
            ("policy_refused", json!({ "at": r.moment(*at), "at_start": at_start, "until": until.map(|at| r.moment(at)) }))
        }
        Exception::ClockJumped { at: _, from, to } => ("clock_jumped", json!({ "from": r.moment(*from), "to": r.moment(*to) })),
        Exception::ClockConfirmed { at, by } => ("clock_confirmed", json!({ "at": r.moment(*at), "by": by.as_ref().map(|by| r.name(by)) })),
        Exception::PolicyChanged { .. } => super::happened::policy(exception, r),
        Exception::Linked { at, person, what, by } | Exception::Unlinked { at, person, what, by } => {
            let name = if matches!(exception, Exception::Linked { .. }) { "identity_linked" } else { "identity_unlinked" };
            let by = by.as_ref().filter(|by| *by != person).map(|by| r.name(by));
            (name, json!({ "who": r.name(person), "what": what, "by": by, "at": r.moment(*at) }))
        }
        Exception::Left { at, person, requests } => {
            let lost = (!requests.is_empty()).then_some(requests.len());
            ("left", json!({ "who": r.name(person), "at": r.moment(*at), "lost": lost }))
        }
    }
}

fn over(alarm: &str, given: Option<&Given>, (since, at): (Instant, Instant), r: &Reader<'_>) -> (&'static str, Value) {
    let data = json!({ "alarm": alarm, "since": r.moment(since), "at": r.moment(at), "lasted": length(at.since(since)) });
    ("over", given.map_or_else(|| data.clone(), |given| with(given, r, data.clone())))
}

/// Whose access to what, beside the rest.
fn with(given: &Given, r: &Reader<'_>, rest: Value) -> Value {
    let mut data: Map<String, Value> = Map::new();
    data.insert("who".to_owned(), json!(r.name(&given.person)));
    data.insert("asked_by".to_owned(), json!(given.asked_by.as_ref().map(|by| r.name(by))));
    data.insert("role".to_owned(), json!(given.role));
    data.insert("resource".to_owned(), json!(given.resource));
    if let Value::Object(rest) = rest {
        data.extend(rest);
    }
    Value::Object(data)
}

fn drift(exception: &Exception, r: &Reader<'_>) -> (&'static str, Value) {
    let Exception::Drift { provider, principal, drift, resources, roles, first_seen, gone_at, unwatched_at, .. } = exception else {
        return ("drift", Value::Null);
    };
    let data = json!({
        "provider": provider, "principal": principal, "how": drift.name(), "resources": named(resources), "roles": named(roles),
        "since": r.moment(*first_seen), "gone": gone_at.map(|at| r.moment(at)),
        "unwatched": unwatched_at.map(|at| r.moment(at)),
    });
    ("drift", data)
}

fn named(all: &[impl ToString]) -> String {
    let more = all.len().checked_sub(NAMED).filter(|more| *more > 0).map(|more| format!("{more} more"));
    all.iter().take(NAMED).map(ToString::to_string).chain(more).collect::<Vec<_>>().join(", ")
}
