//! The moments of a request's life that history keeps beside its document, and what people did to it: so that no question
//! about the past has to read documents. Follows from the document alone.

use serde::{Deserialize, Serialize};

use crate::domain::{
    event::ExtensionEnd,
    ids::{PersonId, ResourceId, RoleName},
    request::{Ask, AskKind, Ending, Held, Request, State, Unmet, Vote, Work},
    time::{Instant, Span},
};

use super::What;

/// How far a request has come. Its row in the history is written when this changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Decided once, and asked again before anything was given.
    Reopened,
    Granting,
    Active,
    /// Somebody took it away by hand.
    FoundAbsent,
    Revoking,
    Closed,
    /// Closed, and a person took over what remained, or declared its end.
    Settled,
}

impl Stage {
    pub const ALL: [Self; 7] =
        [Self::Reopened, Self::Granting, Self::Active, Self::FoundAbsent, Self::Revoking, Self::Closed, Self::Settled];

    /// Its number in the store.
    pub const fn number(self) -> i64 {
        match self {
            Self::Reopened => 0,
            Self::Granting => 1,
            Self::Active => 2,
            Self::FoundAbsent => 3,
            Self::Revoking => 4,
            Self::Closed => 5,
            Self::Settled => 6,
        }
    }

    pub fn numbered(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.number() == number)
    }
}

/// A row of the history. Access was there from `held_from` to `ended_at`; it may have been there from `begun_at` to `gone_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moments {
    pub stage: Stage,
    pub resource: ResourceId,
    pub role: RoleName,
    pub requester: PersonId,
    pub subject: PersonId,
    pub opened_at: Instant,
    /// The grant was decided: no call was made before.
    pub begun_at: Option<Instant>,
    /// It works.
    pub held_from: Option<Instant>,
    /// The person had it before: nothing was given, nothing taken.
    pub had_before: bool,
    /// It was seen to be absent though it was not over, at the latest then.
    pub absent_at: Option<Instant>,
    /// Its end began.
    pub ended_at: Option<Instant>,
    /// Read back as gone, or settled without.
    pub gone_at: Option<Instant>,
    pub closed_at: Option<Instant>,
    pub ending: Option<What>,
    /// Who ended it, if a person did.
    pub closed_by: Option<PersonId>,
    /// How often it was used; None: not known.
    pub sessions: Option<u32>,
    /// Its use was looked at only now and then.
    pub sampled: bool,
    /// Less than was asked for first.
    pub less: bool,
    /// Who declared its end, or took over what remained after it, and when.
    pub settled: Option<(PersonId, Instant)>,
}

/// What history keeps of a request; None while it only waits.
pub fn moments(request: &Request) -> Option<Moments> {
    let ask = request.main_ask();
    let mut row = Moments {
        stage: Stage::Closed,
        resource: ask.resource.clone(),
        role: ask.role.clone(),
        requester: request.requester.clone(),
        subject: request.subject.clone(),
        opened_at: request.opened_at,
        begun_at: None,
        held_from: None,
        had_before: false,
        absent_at: None,
        ended_at: None,
        gone_at: None,
        closed_at: None,
        ending: None,
        closed_by: None,
        sessions: None,
        sampled: false,
        less: ask.kind == AskKind::Offer,
        settled: None,
    };
    match &request.state {
        // A round that did not begin with an ask began with what was decided before.
        State::Pending { round } if round.opened_at != ask.at && round.opened_at != request.opened_at => row.stage = Stage::Reopened,
        State::Pending { .. } | State::Scheduled { .. } => return None,
        State::Granting { grant } => {
            (row.stage, row.begun_at) = (Stage::Granting, Some(grant.decided_at));
        }
        State::Active { grant, work, .. } => {
            (row.stage, row.begun_at) = (Stage::Active, Some(grant.decided_at));
            row.works(work, request.last_at);
        }
        State::Revoking { grant, work, since, .. } => {
            (row.begun_at, row.ended_at) = (Some(grant.decided_at), Some(*since));
            if let Some(work) = work {
                row.works(work, request.last_at);
            }
            row.stage = Stage::Revoking;
        }
        State::Closed { ending, at, held, .. } => {
            (row.closed_at, row.ending, row.closed_by) = (Some(*at), Some(What::of(ending)), by(ending).cloned());
            if let Some(held) = held {
                row.held(held, *at, request.last_at);
            }
            if let Ending::Settled { by, .. } = ending {
                row.settled = Some((by.clone(), *at));
            }
            row.stage = if row.settled.is_some() { Stage::Settled } else { Stage::Closed };
        }
    }
    Some(row)
}

impl Moments {
    fn works(&mut self, work: &Work, seen: Instant) {
        (self.held_from, self.had_before) = (Some(work.since), work.had_before);
        if work.found_absent {
            (self.stage, self.absent_at) = (Stage::FoundAbsent, Some(seen));
        }
    }

    fn held(&mut self, held: &Held, closed: Instant, seen: Instant) {
        if let Some(work) = &held.work {
            self.works(work, seen);
        }
        self.begun_at = Some(held.grant.decided_at.min(held.ended_at));
        self.ended_at = Some(held.ended_at);
        self.gone_at = Some(held.gone_at.unwrap_or(closed).max(held.ended_at));
        self.sessions = held.used.as_ref().map(|used| used.sessions);
        self.settled = held.settled.as_ref().map(|settled| (settled.by.clone(), settled.at));
        self.sampled = held.used.as_ref().is_some_and(|used| used.sampled_every.is_some());
    }
}

/// Who ended it.
const fn by(ending: &Ending) -> Option<&PersonId> {
    match ending {
        Ending::Denied { by, .. } | Ending::Returned { by } | Ending::Settled { by, .. } => Some(by),
        Ending::Cancelled { by, .. } | Ending::Revoked { by, .. } => by.as_ref(),
        Ending::Unanswered | Ending::Failed { .. } | Ending::Expired | Ending::Left => None,
    }
}

/// What somebody did about a request, other than asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActKind {
    Approved,
    Denied,
    Revoked,
    Settled,
    /// Said no to more time.
    DeniedMore,
    /// Asked for more time, and nobody answered: no act of anybody, kept with whoever asked.
    Unanswered,
}

impl ActKind {
    pub const ALL: [Self; 6] = [Self::Approved, Self::Denied, Self::Revoked, Self::Settled, Self::DeniedMore, Self::Unanswered];

    /// Its name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Revoked => "revoked",
            Self::Settled => "settled",
            Self::DeniedMore => "denied_more",
            Self::Unanswered => "unanswered",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One act. Approvals count from when what they were part of was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    pub person: PersonId,
    pub kind: ActKind,
    pub at: Instant,
    /// Since it could be done: since the ask, or the stage before was satisfied.
    pub took: Option<Span>,
    /// On the one act that decided the request: since it was first asked.
    pub decided: Option<Span>,
}

/// The acts that this state of a request brings; those of earlier states were kept then.
pub fn acts_now(request: &Request) -> Vec<Act> {
    let scheduled = request.main_ask().start.is_some();
    match &request.state {
        State::Revoking { work: Some(work), cause, .. } => unmet(work, Some(cause), request),
        State::Pending { .. } | State::Revoking { work: None, .. } => Vec::new(),
        State::Scheduled { round, .. } => given(&round.votes, request, latest(&round.votes)),
        State::Granting { grant } => given(&grant.votes, request, if scheduled { latest(&grant.votes) } else { Some(grant.decided_at) }),
        State::Active { work, .. } => [more_time(work, request), unmet(work, None, request)].concat(),
        State::Closed { ending, at, held: None, votes } => {
            let approved = approvals(votes, &request.asks, if scheduled { latest(votes) } else { Some(*at) });
            approved.into_iter().chain(ended(ending, *at, request)).collect()
        }
        State::Closed { ending, at, held: Some(held), .. } => {
            let rest = held.settled.iter();
            let rest = rest.map(|rest| Act { person: rest.by.clone(), kind: ActKind::Settled, at: rest.at, took: None, decided: None });
            ended(ending, *at, request).into_iter().chain(rest).collect()
        }
    }
}

/// All acts that the document still knows, for requests that were written without a history.
pub fn acts(request: &Request) -> Vec<Act> {
    let (grant, work, cause) = match &request.state {
        State::Active { grant, work, .. } => (Some(grant), Some(work), None),
        State::Revoking { grant, work, cause, .. } => (Some(grant), work.as_ref(), Some(cause)),
        State::Closed { held: Some(held), ending, .. } => (Some(&held.grant), held.work.as_ref(), Some(ending)),
        _ => (None, None, None),
    };
    let scheduled = request.main_ask().start.is_some();
    let decided = |votes: &[Vote], at| if scheduled { latest(votes) } else { Some(at) };
    let mut all = grant.map_or_else(Vec::new, |grant| given(&grant.votes, request, decided(&grant.votes, grant.decided_at)));
    all.extend(work.into_iter().flat_map(|work| [more_time(work, request), unmet(work, cause, request)].concat()));
    if !matches!(request.state, State::Active { .. } | State::Revoking { .. }) {
        all.extend(acts_now(request));
    }
    all
}

fn latest(votes: &[Vote]) -> Option<Instant> {
    votes.iter().map(|vote| vote.at).max()
}

/// Approvals that decided the request: the last one took as long as the request waited.
fn given(votes: &[Vote], request: &Request, at: Option<Instant>) -> Vec<Act> {
    let mut acts = approvals(votes, &request.asks, at);
    if let Some(last) = acts.last_mut() {
        last.decided = Some(last.at.since(request.opened_at));
    }
    acts
}

fn more_time(work: &Work, request: &Request) -> Vec<Act> {
    work.extended.iter().flat_map(|more| approvals(&more.votes, &request.asks, Some(more.at))).collect()
}

/// What became of asks for more time that brought none. One that was still open when the time was over was not answered either.
fn unmet(work: &Work, cause: Option<&Ending>, request: &Request) -> Vec<Act> {
    let act = |unmet: &Unmet| {
        let unanswered = (request.requester.clone(), ActKind::Unanswered);
        let (person, kind) = match (unmet.how, &unmet.by) {
            (ExtensionEnd::Denied, Some(by)) => (by.clone(), ActKind::DeniedMore),
            (ExtensionEnd::Unanswered, _) => unanswered,
            (ExtensionEnd::Overtaken, _) if matches!(cause, Some(Ending::Expired)) => unanswered,
            _ => return None,
        };
        Some(Act { person, kind, at: unmet.at, took: Some(unmet.at.since(unmet.asked_at)), decided: None })
    };
    work.unmet.iter().filter_map(act).collect()
}

/// In the order in which they were given.
fn approvals(votes: &[Vote], asks: &[Ask], at: Option<Instant>) -> Vec<Act> {
    let mut votes: Vec<&Vote> = votes.iter().collect();
    votes.sort_by_key(|vote| (vote.at, vote.stage));
    let act = |vote: &&Vote| {
        let asked = asks.iter().map(|ask| ask.at).filter(|asked| *asked <= vote.at).max();
        let before = votes.iter().filter(|other| other.stage < vote.stage && other.at <= vote.at).map(|other| other.at).max();
        let took = asked.max(before).map(|could| vote.at.since(could));
        Act { person: vote.person.clone(), kind: ActKind::Approved, at: at.unwrap_or(vote.at), took, decided: None }
    };
    votes.iter().map(act).collect()
}

/// What a person did to close it.
fn ended(ending: &Ending, at: Instant, request: &Request) -> Option<Act> {
    let act = |person: &PersonId, kind| Act { person: person.clone(), kind, at, took: None, decided: None };
    match ending {
        Ending::Denied { by, .. } => {
            let asked = request.main_ask().at;
            Some(Act { took: Some(at.since(asked)), decided: Some(at.since(request.opened_at)), ..act(by, ActKind::Denied) })
        }
        Ending::Revoked { by: Some(by), .. } => Some(act(by, ActKind::Revoked)),
        Ending::Settled { by, .. } => Some(act(by, ActKind::Settled)),
        _ => None,
    }
}

/// What the target has again after it was said to be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// Found there again then, and not read as gone since.
    Since(Instant),
    /// Whatever was found there again is not there, at the latest then.
    Until(Instant),
}

/// What this state of a request says of access that came back; None: nothing.
pub fn back(request: &Request) -> Option<Back> {
    match &request.state {
        State::Closed { held: Some(Held { back_at: Some(at), .. }), .. } => Some(Back::Since(*at)),
        // What a person settles is over for the bot, and nobody read it as gone.
        State::Closed { held: Some(Held { settled: Some(settled), .. }), .. } if settled.at == request.last_at => None,
        State::Closed { at, held: Some(_), .. } if request.last_at > *at => Some(Back::Until(request.last_at)),
        _ => None,
    }
}
