//! The day in numbers, what stood out in it, how approvals went, and what changed in bot.toml.

use serde_json::{Value, json};

use super::Line;
use crate::{
    chat::{
        view::Reader,
        words::{duration, list, rough, thousands},
    },
    domain::{
        digest::{About, ByResource, Digest, Exception, LongGrant, PolicyChange, Quality},
        request::RequestId,
    },
};

/// Grants that are named one by one, and changes of bot.toml.
const NAMED: usize = 3;
const CHANGES: usize = 5;
/// Hexadecimal digits of a file's digest that tell it from others.
const DIGITS: usize = 12;

/// What happened, in numbers; on a day on which nothing did, that it did not.
pub(super) fn day(digest: &Digest, r: &Reader<'_>) -> Vec<Line> {
    let day = &digest.day;
    let some = |n: u64| (n > 0).then(|| thousands(n));
    let counts = json!({
        "asked": thousands(day.asked), "granted": thousands(day.granted), "less": some(day.offered_less), "denied": some(day.denied),
        "unanswered": some(day.unanswered), "cancelled": some(day.cancelled), "failed": some(day.failed),
        "median": day.median_decision.map(duration),
    });
    let ended = day.expired + day.returned + day.revoked + day.left + day.settled;
    let ended = json!({
        "ended": some(ended), "expired": some(day.expired), "returned": some(day.returned), "revoked": some(day.revoked),
        "left": some(day.left), "settled": some(day.settled), "held": thousands(day.open.held), "waiting": some(day.open.waiting),
    });
    let mut lines = vec![Line::note("counts", counts), Line::note("ended", ended)];
    if !day.resources.is_empty() {
        let rows: Vec<Value> = day.resources.iter().map(resource).collect();
        lines.push(Line::note("resources", json!({ "rows": rows, "more": some(day.more_resources) })));
    }
    lines.extend(day.longest.iter().take(NAMED).map(|grant| longest(grant, r)));
    lines.extend(unused(digest, r));
    lines
}

fn resource(row: &ByResource) -> Value {
    let some = |n: u64| (n > 0).then(|| thousands(n));
    json!({
        "resource": row.resource, "asked": thousands(row.asked), "granted": some(row.granted), "denied": some(row.denied),
        "unanswered": some(row.unanswered),
    })
}

fn longest(grant: &LongGrant, r: &Reader<'_>) -> Line {
    let given = &grant.given;
    let data = json!({ "who": r.name(&given.person), "role": given.role, "resource": given.resource, "length": rough(grant.length()) });
    Line::note("longest", data).about(std::slice::from_ref(&given.request))
}

/// Grants that nobody used, as far as their targets tell.
fn unused(digest: &Digest, r: &Reader<'_>) -> Option<Line> {
    let unused = &digest.day.unused;
    if unused.never == 0 {
        return None;
    }
    let name =
        |grant: &LongGrant| json!({ "who": r.name(&grant.given.person), "role": grant.given.role, "resource": grant.given.resource });
    let named: Vec<Value> = unused.grants.iter().take(NAMED).map(name).collect();
    let about: Vec<RequestId> = unused.grants.iter().take(NAMED).map(|grant| grant.given.request.clone()).collect();
    let data = json!({
        "never": thousands(unused.never), "of": thousands(unused.never + unused.used),
        "sampled": (unused.sampled > 0).then(|| thousands(unused.sampled)),
        "unknown": (unused.unknown > 0).then(|| thousands(unused.unknown)), "named": named,
    });
    Some(Line::note("unused", data).about(&about))
}

/// How approvals were given, where that stands out.
pub(super) fn quality(digest: &Digest, r: &Reader<'_>) -> Vec<Line> {
    let line = |quality: &Quality| {
        let line = match quality {
            Quality::Fast { person, count, of, under, .. } => {
                let data = json!({ "who": r.name(person), "count": thousands(*count), "of": thousands(*of), "under": duration(*under) });
                Line::note("fast", data)
            }
            Quality::Most { person, count, of, percent, .. } => {
                let data = json!({ "who": r.name(person), "count": thousands(*count), "of": thousands(*of), "percent": percent });
                Line::note("most", data)
            }
            Quality::Pair { people: [one, other], counts: [there, back], days, .. } => {
                let data = json!({
                    "names": list(&[r.name(one), r.name(other)]), "count": thousands(there + back), "days": days,
                    "one": r.name(one), "there": thousands(*there), "other": r.name(other), "back": thousands(*back),
                });
                Line::note("pair", data)
            }
        };
        line.about(quality.requests())
    };
    digest.quality.iter().map(line).collect()
}

/// That another file is in force, and what is different in it.
pub(super) fn policy(exception: &Exception, r: &Reader<'_>) -> (&'static str, Value) {
    let Exception::PolicyChanged { at, digest, changes, more, by, .. } = exception else { return ("policy_changed", Value::Null) };
    let left = changes.len().saturating_sub(CHANGES) + usize::try_from(*more).unwrap_or(usize::MAX);
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    let data = json!({
        "at": r.moment(*at), "digest": hex.chars().take(DIGITS).collect::<String>(), "by": by.as_ref().map(|by| r.name(by)),
        "changes": changes.iter().take(CHANGES).map(|change| changed(change, r)).collect::<Vec<_>>(),
        "more": (left > 0).then_some(left),
    });
    ("policy_changed", data)
}

fn changed(change: &PolicyChange, r: &Reader<'_>) -> Value {
    let what = match change.about() {
        About::Policy(name) => name.to_string(),
        About::File => "bot.toml".to_owned(),
        About::Group(id) => format!("@{id}"),
        About::Resource(id) => id.to_string(),
        About::Role { resource, role } => format!("{role} on {resource}"),
        About::Person(id) => r.name(id),
    };
    match change {
        PolicyChange::Added { .. } => json!({ "what": what, "how": "added" }),
        PolicyChange::Removed { .. } => json!({ "what": what, "how": "removed" }),
        PolicyChange::Changed { key, before, after, .. } => {
            json!({ "what": what, "how": "changed", "key": key, "before": before, "after": after })
        }
    }
}
