//! Rules about what people see and what is left over: alarms, answers, lists, half-done work.

use hallpass::domain::{
    event::{AlarmKind, Event},
    request::State,
};

use super::{Book, Evidence, still_open};

/// R3: raised means that its row is there; open until it was cleared.
pub(super) fn r3_a_raised_alarm_has_its_row(evidence: &Evidence, book: &Book) -> Vec<String> {
    let mut findings = Vec::new();
    for (id, lines) in &book.requests {
        let newest = lines.iter().rev().find_map(|line| match &line.event {
            Event::AlarmRaised { alarm: AlarmKind::StillOpen } => Some(true),
            Event::AlarmCleared { alarm: AlarmKind::StillOpen } => Some(false),
            _ => None,
        });
        let Some(raised) = newest else { continue };
        let row = evidence.alarms.iter().find(|alarm| alarm.id == still_open(id));
        if row.is_none_or(|row| row.cleared_at.is_none() != raised) {
            findings.push(format!("R3 {id}: its alarm {} and the row says otherwise", if raised { "is raised" } else { "was cleared" }));
        }
    }
    findings
}

/// R9, R12: whoever was told something finds it in the ledger, not written later than it was said.
pub(super) fn r9_what_was_said_is_recorded(evidence: &Evidence, book: &Book) -> Vec<String> {
    let known = |said: &super::Said| {
        let line = usize::try_from(said.n).ok().and_then(|n| book.requests.get(&said.request)?.get(n.checked_sub(1)?));
        line.is_some_and(|line| line.at <= said.at + evidence.slack)
    };
    let unknown = evidence.said.iter().filter(|said| !known(said));
    unknown
        .map(|said| format!("R9 {}: people were told of its event {} at {}, and it is not recorded", said.request, said.n, said.at))
        .collect()
}

/// R14: nothing disappears.
pub(super) fn r14_every_request_of_the_ledger_is_listed(evidence: &Evidence, book: &Book) -> Vec<String> {
    let listed = |id: &hallpass::domain::request::RequestId| evidence.requests.iter().any(|request| request.id == *id);
    let asked = book.requests.keys().chain(evidence.said.iter().map(|said| &said.request));
    let mut missing: Vec<_> = asked.filter(|id| !listed(id)).map(|id| format!("R14 {id}: it was asked and is not listed")).collect();
    missing.dedup();
    missing
}

/// After quiet: no command waits, nothing is being given or taken, no claim stands without its request.
pub(super) fn settled_leaves_nothing_half_done(evidence: &Evidence, _: &Book) -> Vec<String> {
    if !evidence.settled {
        return Vec::new();
    }
    let mut findings: Vec<String> =
        evidence.inbox.iter().map(|row| format!("R12 inbox {}: received and never handled", row.id.interaction)).collect();
    for request in &evidence.requests {
        match &request.state {
            State::Granting { .. } => findings.push(format!("R1 {}: still granting", request.id)),
            State::Revoking { since, .. } => findings.push(format!("R3 {}: nobody takes it away any more, since {since}", request.id)),
            State::Active { work, .. } if work.until < evidence.now() => findings.push(format!("R3 {}: active after its end", request.id)),
            _ => {}
        }
    }
    for row in &evidence.entitlements {
        // What an end left is waited for, and its requests say so.
        let is_left = row.leftover.as_ref().is_some_and(|left| left.requests.iter().any(|id| left_by(evidence, id)));
        if row.call.is_some() || !(is_left || evidence.claims.iter().any(|claim| claim.entitlement == row.key)) {
            findings.push(format!("R4 entitlement {}: nobody claims it, or its last call is open, and its row stands", row.key.0));
        }
    }
    for claim in &evidence.claims {
        let request = evidence.requests.iter().find(|request| request.id == claim.request);
        if request.and_then(hallpass::domain::due::claim).as_ref() != Some(claim) {
            findings.push(format!("R12 {}: its claim on {} says something else than it", claim.request, claim.entitlement.0));
        }
    }
    findings
}

fn left_by(evidence: &Evidence, id: &hallpass::domain::request::RequestId) -> bool {
    evidence.requests.iter().any(|request| request.id == *id && request.leaves_something())
}
