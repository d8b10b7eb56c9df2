//! How a request ended, or why its end has not come yet, in sentences. Pure.

use super::{AlarmView, Reader, standing};
use crate::{
    bot::Around,
    domain::{
        event::AlarmKind,
        request::{Ask, Ending, Held, Request, State},
        words::WordId,
    },
};

/// Sentences under the first line.
pub(super) fn outcome(request: &Request, r: &Reader<'_>) -> Vec<String> {
    let mut lines = match &request.state {
        State::Revoking { work: None, cause: Ending::Failed { .. }, .. } => {
            vec!["Making sure that nothing of it stays there.".to_owned(), ops_know(request).to_owned()]
        }
        State::Revoking { cause, .. } => vec![ending_words(cause, r)],
        State::Closed { ending: Ending::Failed { .. }, held, .. } => failed(request, held.as_ref(), r),
        State::Closed { ending: Ending::Unanswered, .. } => vec![unanswered_next(request, r)],
        State::Closed { ending: Ending::Left, held: None, .. } => Vec::new(),
        State::Closed { ending, .. } => vec![ending_words(ending, r)],
        _ => Vec::new(),
    };
    if let State::Closed { held: Some(Held { settled: Some(settled), .. }), .. } = &request.state {
        lines.push(format!("What remained was settled by {}: \"{}\"", r.name(&settled.by), r.text(&settled.reason)));
    }
    lines.retain(|l| !l.is_empty());
    lines
}

/// What was changed, and who knows.
fn failed(request: &Request, held: Option<&Held>, r: &Reader<'_>) -> Vec<String> {
    let changed = match held.map(|held| (held.gone_at, held.residue.is_empty())) {
        None => "Nothing was changed.".to_owned(),
        Some((Some(at), true)) => format!("Nothing was granted: read back at {}.", r.exact(at)),
        Some((Some(at), false)) => format!("It was taken back, confirmed at {}; something remains.", r.exact(at)),
        Some((None, _)) => "Nobody could look whether something was granted.".to_owned(),
    };
    vec![changed, ops_know(request).to_owned()]
}

fn ops_know(request: &Request) -> &'static str {
    if request.alarms.contains(&AlarmKind::GrantFailed) { "Ops have been told." } else { "" }
}

fn unanswered_next(request: &Request, r: &Reader<'_>) -> String {
    let last = standing(request)
        .and_then(|ask| r.policy(ask))
        .and_then(|p| p.stages.iter().flat_map(|s| &s.ladder).next_back())
        .map(|rung| format!(" or try {}", r.whos(&rung.to)));
    format!("Closed. Ask again{}.", last.unwrap_or_default())
}

/// How it ended, in words; empty where the first line says it all.
pub(in crate::chat) fn ending_words(ending: &Ending, r: &Reader<'_>) -> String {
    let quoted = |id: &WordId| format!("\"{}\"", r.text(id));
    match ending {
        Ending::Denied { reason, .. } => quoted(reason),
        Ending::Cancelled { reason, .. } => reason.as_ref().map(quoted).unwrap_or_default(),
        Ending::Unanswered => String::new(),
        Ending::Failed { why } => format!("The answer was: {why}"),
        Ending::Expired => "Its time was over".to_owned(),
        Ending::Returned { by } => format!("Returned early by {}", r.name(by)),
        Ending::Revoked { by, reason } => {
            let by = by.as_ref().map(|p| format!(" by {}", r.name(p))).unwrap_or_default();
            format!("Revoked{by}{}", reason.as_ref().map(|w| format!(": {}", quoted(w))).unwrap_or_default())
        }
        Ending::Left => "The person is no longer active".to_owned(),
        Ending::Settled { by, reason } => format!("Settled by {}: {}", r.name(by), quoted(reason)),
    }
}

/// Access that outlives its end; None unless that alarm is open.
pub(super) fn alarm(request: &Request, ask: &Ask, r: &Reader<'_>, around: &Around) -> Option<AlarmView> {
    let since = match &request.state {
        State::Revoking { since, .. } => since,
        State::Closed { held: Some(Held { back_at: Some(back), .. }), .. } => back,
        _ => return None,
    };
    if !request.alarms.contains(&AlarmKind::StillOpen) {
        return None;
    }
    let stuck = around.stuck.as_ref();
    let tries = stuck.map(|s| s.tries).filter(|tries| *tries > 0);
    Some(AlarmView {
        since: r.exact(*since),
        tries: tries.map(|n| if n == 1 { "1 try".to_owned() } else { format!("{n} tries") }),
        last_answer: stuck.and_then(|s| s.last_answer.clone()),
        told: r.told(&around.told),
        by_hand: stuck.map_or_else(|| ask.preview.by_hand.clone(), |s| s.by_hand.clone()),
    })
}
