//! The deciding: who has voted, for whom it waits, what comes then, and whom to notify of it. Pure.

use super::{Reader, VoteView, WaitingView, grant_of, work_of};
use crate::{
    chat::{
        marks::Marks,
        words::{duration, list},
    },
    domain::{
        decide,
        policy::{Rung, Stage, Who},
        request::{Ask, Ending, Extension, Grant, Request, Round, State, Vote},
        rounds::chain,
        time::{Instant, Span},
    },
};

/// The round that is open for votes.
pub(super) const fn open_round(state: &State) -> Option<&Round> {
    match state {
        State::Pending { round } | State::Active { extension: Some(Extension::Asked { round }), .. } => Some(round),
        _ => None,
    }
}

/// The stages that the open ask climbs; once decided, all that its rule has.
pub(super) fn stages<'a>(ask: &Ask, request: &Request, reader: &Reader<'a>) -> &'a [Stage] {
    let Some(policy) = reader.policy(ask) else { return &[] };
    match request.round() {
        Some(round) => chain(policy, decide::asked_length(request, round, reader.now)),
        None => &policy.stages,
    }
}

/// The stage that is open, for whoever has to be told of it.
pub(in crate::chat) fn open_stage<'a>(request: &Request, reader: &Reader<'a>) -> Option<&'a Stage> {
    let round = open_round(&request.state)?;
    stages(super::standing(request)?, request, reader).get(usize::try_from(round.stage).ok()?)
}

/// The rung of the open stage's ladder with this number, counted from one.
pub(in crate::chat) fn open_rung<'a>(request: &Request, rung: u32, reader: &Reader<'a>) -> Option<&'a Rung> {
    open_stage(request, reader)?.ladder.get(usize::try_from(rung).ok()?.checked_sub(1)?)
}

/// The card itself calls the first stage; every later one is called by its line in the thread.
pub(super) fn first_notified(request: &Request, stages: &[Stage]) -> Vec<Who> {
    match &request.state {
        State::Pending { round } if round.stage == 0 => stages.first().map(|s| s.notify.clone()).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// `1 of 2 approvals`; None where none is needed.
pub(super) fn progress(round: &Round, stages: &[Stage]) -> Option<String> {
    got_of(&round.votes, stages)
}

/// The same of votes alone.
pub(super) fn got_of(votes: &[Vote], stages: &[Stage]) -> Option<String> {
    let needed: usize = stages.iter().map(|s| s.needed).sum();
    let got: usize = stages.iter().enumerate().map(|(i, s)| in_stage(votes, i).min(s.needed)).sum();
    (needed > 0).then(|| format!("{got} of {needed} {}", if needed == 1 { "approval" } else { "approvals" }))
}

fn in_stage(votes: &[Vote], stage: usize) -> usize {
    votes.iter().filter(|v| usize::try_from(v.stage) == Ok(stage)).count()
}

/// What there was of approvals when nobody gave the last of them; None: there was none.
pub(in crate::chat) fn only_got(request: &Request, ask: &Ask, r: &Reader<'_>) -> Option<String> {
    match &request.state {
        State::Closed { ending: Ending::Unanswered, votes, .. } if !votes.is_empty() => got_of(votes, stages(ask, request, r)),
        _ => None,
    }
}

/// The votes of the open round, or of what closed undecided; of the one that decided, while it is held.
pub(super) fn votes(request: &Request, stages: &[Stage], r: &Reader<'_>) -> Vec<VoteView> {
    let open = request.round().filter(|round| !round.votes.is_empty()).map(|round| round.votes.as_slice());
    let closed = match &request.state {
        State::Closed { votes, held: None, .. } => Some(votes.as_slice()),
        _ => None,
    };
    if let Some(votes) = open.or(closed) {
        return votes.iter().map(|v| vote(v, true, stages, r)).collect();
    }
    // The line of who approved it names them all.
    let granted = grant_of(&request.state).into_iter().flat_map(|grant| &grant.votes);
    let more = work_of(&request.state).into_iter().flat_map(|work| &work.extended).flat_map(|more| &more.votes);
    granted.chain(more).map(|v| vote(v, false, stages, r)).collect()
}

fn vote(vote: &Vote, shown: bool, stages: &[Stage], r: &Reader<'_>) -> VoteView {
    let stage = usize::try_from(vote.stage).ok().and_then(|i| stages.get(i));
    let asked = stage.map(|s| r.whos(&s.approvers)).filter(|s| s.starts_with('@'));
    VoteView {
        who: asked.map_or_else(|| r.name(&vote.person), |g| format!("{} ({})", r.name(&vote.person), g.replace('@', ""))),
        at: r.exact(vote.at),
        comment: r.some_text(vote.comment.as_ref()),
        shown: shown || vote.comment.is_some(),
    }
}

pub(super) fn waiting(round: &Round, stages: &[Stage], r: &Reader<'_>) -> Option<WaitingView> {
    let open = usize::try_from(round.stage).ok()?;
    let stage = stages.get(open)?;
    let rungs = usize::try_from(round.rung).ok()?.min(stage.ladder.len());
    let then: Vec<_> = stages.iter().skip(open + 1).map(|s| r.whos(&s.approvers)).collect();
    let also: Vec<_> = stage.ladder.iter().take(rungs).flat_map(|rung| &rung.to).map(|who| r.who(who)).collect();
    Some(WaitingView {
        names: r.whos(&stage.approvers),
        needed: stage.needed.saturating_sub(in_stage(&round.votes, open)),
        of: stage.needed,
        then: (!then.is_empty()).then(|| then.join(", then ")),
        ladder: stage.ladder.get(rungs).map(|rung| {
            let at = round.stage_since + rung.after + round.paused;
            let due = if at > r.now || matches!(r.marks, Marks::Counting(_)) { r.relative(at) } else { "now".to_owned() };
            format!("{due} also {}", r.whos(&rung.to))
        }),
        also_asked: (!also.is_empty()).then(|| list(&also)),
        passed_to: (!round.passed_to.is_empty()).then(|| r.names(&round.passed_to)),
        looking: round
            .looking
            .as_ref()
            .filter(|l| l.until > r.now)
            .map(|l| format!("{} is looking, {}", r.name(&l.person), r.since(l.since))),
    })
}

/// What is asked, or being arranged, on top of access that is held.
pub(super) fn extension(request: &Request, r: &Reader<'_>) -> Option<String> {
    let State::Active { grant, extension: Some(extension), .. } = &request.state else { return None };
    match extension {
        Extension::Moving { until, .. } => Some(format!("approved until {}: telling the target now", r.moment(*until))),
        Extension::Asked { .. } => {
            let ask = request.ask();
            let why = ask.reason.as_ref().map(|w| format!(": \"{}\"", r.text(w))).unwrap_or_default();
            let until = until_asked(request, r).map(|until| format!(", until {}", r.moment(until))).unwrap_or_default();
            let cap = duration(cap(grant, ask, r));
            Some(format!("{} asks for {}{until}{why} · cap {cap}", r.name(&ask.by), r.more(ask.length)))
        }
    }
}

/// The end that approving the open ask for more time brings; None: none is open.
pub(in crate::chat) fn until_asked(request: &Request, r: &Reader<'_>) -> Option<Instant> {
    let State::Active { grant, work, extension: Some(Extension::Asked { round }) } = &request.state else { return None };
    let total = decide::asked_length(request, round, r.now);
    Some(decide::until_if_approved(grant, work, total, cap(grant, request.ask(), r)))
}

/// Of the policy in force, or what was granted under, whichever is less.
fn cap(grant: &Grant, ask: &Ask, r: &Reader<'_>) -> Span {
    r.policy(ask).map_or(grant.cap, |policy| policy.cap.min(grant.cap))
}
