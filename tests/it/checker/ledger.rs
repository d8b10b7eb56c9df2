//! Rules about the ledger itself: whole streams, documents that are their fold, outcomes and intents in pairs.

use std::collections::BTreeMap;

use hallpass::domain::{
    event::{Effect, Verb},
    request::Request,
    time::Instant,
};

use super::{Book, Evidence};

/// R2: what came of a call was intended first.
pub(super) fn r2_every_outcome_has_its_intent(_: &Evidence, book: &Book) -> Vec<String> {
    let mut findings = Vec::new();
    for (key, lines) in &book.effects {
        let mut intended = Vec::new();
        for (at, effect) in lines {
            match effect {
                Effect::Intent { verb, .. } => intended.push(*verb),
                // Looking needs no intent: it changes nothing.
                Effect::Outcome { verb, .. } if *verb != Verb::Observe && !intended.contains(verb) => {
                    findings.push(format!("R2 entitlement {key}: an outcome of {verb:?} at {at} without its intent"));
                }
                _ => {}
            }
        }
    }
    findings
}

/// R2: once it is quiet, each intent was followed by an answer, an outcome or a look.
pub(super) fn r2_every_intent_comes_to_something(evidence: &Evidence, book: &Book) -> Vec<String> {
    let open = book.effects.iter().filter(|(_, lines)| matches!(lines.last(), Some((_, Effect::Intent { .. }))));
    let found = open.map(|(key, _)| format!("R2 entitlement {key}: its last intent came to nothing"));
    found.filter(|_| evidence.settled).collect()
}

/// R12: state and ledger are one.
pub(super) fn r12_documents_are_the_fold_of_their_stream(evidence: &Evidence, book: &Book) -> Vec<String> {
    let mut findings = Vec::new();
    for request in &evidence.requests {
        let lines = book.requests.get(&request.id).map_or(&[][..], Vec::as_slice);
        match Request::fold(&request.id, lines.iter().map(|line| (&line.event, line.at))) {
            Err(illegal) => findings.push(format!("R12 {}: its stream does not fold: {illegal}", request.id)),
            Ok(None) => findings.push(format!("R12 {}: a document without a stream", request.id)),
            Ok(Some(folded)) if folded != *request => {
                findings.push(format!("R12 {}: the document ({}) is not the fold of its stream ({})", request.id, request.n, folded.n));
            }
            Ok(Some(_)) => {}
        }
    }
    findings
}

/// R12: numbered from zero without gaps, in the order of time.
pub(super) fn r12_streams_are_whole_and_never_go_back(evidence: &Evidence, _: &Book) -> Vec<String> {
    let mut streams: BTreeMap<&str, Vec<(u64, Instant)>> = BTreeMap::new();
    for entry in &evidence.entries {
        streams.entry(&entry.stream).or_default().push((entry.n, entry.at));
    }
    let mut findings = Vec::new();
    for (stream, mut lines) in streams {
        lines.sort_unstable();
        if let Some((expected, (found, _))) = (0u64..).zip(&lines).find(|(expected, (found, _))| expected != found) {
            findings.push(format!("R12 {stream}: number {expected} is missing, {found} comes next"));
        }
        if let Some(pair) = lines.windows(2).find(|pair| pair[1].1 < pair[0].1) {
            findings.push(format!("R12 {stream}: number {} is earlier than the one before it", pair[1].0));
        }
    }
    findings
}
