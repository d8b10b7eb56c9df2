//! The one match that moves a request from state to state. The wildcard is an error; the table printed from it is a
//! snapshot in the tests, so every change of the lifecycle shows in review. Judges nothing.

use super::{
    event::{AlarmKind, Event, ExtensionEnd},
    request::{
        Ask, AskKind, DOCUMENT_VERSION, Ending, Extended, Extension, Grant, Held, Look, Offer, Remains, Request, RequestId, Round,
        Settlement, State, Unmet, Vote, Work,
    },
    time::{Instant, Span},
};

/// An event that cannot happen in this state: a bug, or a stream that was tampered with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} cannot happen while {state}")]
pub struct Illegal {
    pub state: &'static str,
    pub event: String,
}

impl Request {
    /// A request begins with its first ask.
    pub fn open(id: RequestId, ask: Ask, at: Instant) -> Self {
        Self {
            v: DOCUMENT_VERSION,
            id,
            requester: ask.by.clone(),
            subject: ask.subject.clone(),
            asks: vec![ask],
            state: State::Pending { round: Round::new(0, at) },
            opened_at: at,
            last_at: at,
            n: 1,
            alarms: Vec::new(),
        }
    }

    /// The document after one more event. Never goes back in time.
    pub fn apply(mut self, event: &Event, at: Instant) -> Result<Self, Illegal> {
        let at = at.max(self.last_at);
        match event {
            Event::OfferAccepted { ask } | Event::ExtensionAsked { ask } => self.asks.push(ask.clone()),
            Event::AlarmRaised { alarm } => self.raise(*alarm),
            Event::AlarmCleared { alarm } => self.alarms.retain(|open| open != alarm),
            _ => {}
        }
        let newest = self.asks.len().saturating_sub(1);
        self.state = self.state.next(event, at, newest)?;
        (self.last_at, self.n) = (at, self.n + 1);
        Ok(self)
    }

    /// The fold of a stream: what its document must equal.
    pub fn fold<'a>(id: &RequestId, events: impl IntoIterator<Item = (&'a Event, Instant)>) -> Result<Option<Self>, Illegal> {
        let mut request: Option<Self> = None;
        for (event, at) in events {
            request = Some(match (request, event) {
                (None, Event::Asked { ask }) => Self::open(id.clone(), ask.clone(), at),
                (Some(request), event) => request.apply(event, at)?,
                (None, event) => return Err(Illegal { state: "nothing", event: event.name() }),
            });
        }
        Ok(request)
    }

    /// The ask that is being decided, or was decided last.
    pub fn ask(&self) -> &Ask {
        let index = self.round().map_or_else(|| self.base_ask(), |round| round.ask);
        &self.asks[index.min(self.asks.len() - 1)]
    }

    /// The ask whose access this is: the first, or the newest accepted offer.
    pub fn main_ask(&self) -> &Ask {
        &self.asks[self.base_ask()]
    }

    fn base_ask(&self) -> usize {
        self.asks.iter().rposition(|ask| ask.kind != AskKind::Extension).unwrap_or(0)
    }

    /// The round that is open for votes: of the ask, or of an extension.
    pub fn round(&self) -> Option<&Round> {
        match &self.state {
            State::Pending { round }
            | State::Scheduled { round, .. }
            | State::Active { extension: Some(Extension::Asked { round }), .. } => Some(round),
            _ => None,
        }
    }

    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed { .. })
    }

    /// It is closed, and something of its access still has to go.
    pub fn leaves_something(&self) -> bool {
        let open = |alarm: &AlarmKind| matches!(alarm, AlarmKind::StillOpen | AlarmKind::Residue);
        matches!(self.state, State::Closed { held: Some(_), .. }) && self.alarms.iter().any(open)
    }

    fn raise(&mut self, alarm: AlarmKind) {
        if !self.alarms.contains(&alarm) {
            self.alarms.push(alarm);
        }
    }
}

impl Event {
    /// The event's name on the wire.
    pub fn name(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("type").and_then(|t| t.as_str()).unwrap_or("unknown").to_owned()
    }
}

impl Round {
    pub fn new(ask: usize, at: Instant) -> Self {
        Self {
            ask,
            opened_at: at,
            stage: 0,
            stage_since: at,
            rung: 0,
            votes: Vec::new(),
            passed_to: Vec::new(),
            looking: None,
            paused: Span::ZERO,
            reminded_at: None,
            offer: None,
        }
    }

    fn open_stage(mut self, stage: u32, at: Instant) -> Self {
        if stage != self.stage {
            (self.stage, self.stage_since, self.rung, self.paused) = (stage, at, 0, Span::ZERO);
            (self.looking, self.reminded_at) = (None, None);
            self.passed_to.clear();
        }
        self
    }

    /// What deciding events do to a round; None for any other event.
    fn next(mut self, event: &Event, at: Instant) -> Option<Self> {
        match event {
            Event::Reminded => self.reminded_at = Some(at),
            Event::Escalated { rung } => self.rung = *rung,
            Event::Looking { person, until } => {
                self.paused = self.paused + until.since(at);
                self.looking = Some(Look { person: person.clone(), since: at, until: *until });
            }
            Event::PassedOn { to, .. } => self.passed_to.push(to.clone()),
            Event::Approved { person, stage, rung, comment } => {
                self.looking = self.looking.filter(|look| look.person != *person);
                self.votes.push(Vote { person: person.clone(), stage: *stage, rung: *rung, at, comment: comment.clone() });
            }
            Event::TakenBack { person } => self.votes.retain(|vote| vote.person != *person),
            Event::StageOpened { stage } => return Some(self.open_stage(*stage, at)),
            Event::Recounted { dropped, stage, .. } => {
                self.votes.retain(|vote| !dropped.contains(&vote.person));
                return Some(self.open_stage(*stage, at));
            }
            // Asked anew: patience and ladder count from here, what was approved and still counts stays.
            Event::Reopened { stage, dropped } => {
                self.votes.retain(|vote| !dropped.contains(&vote.person));
                return Some(Self { stage: *stage, votes: self.votes, ..Self::new(self.ask, at) });
            }
            Event::Offered { person, less, comment } => {
                self.offer = Some(Offer { person: person.clone(), less: less.clone(), comment: comment.clone(), at });
            }
            Event::OfferDeclined { .. } => self.offer = None,
            _ => return None,
        }
        Some(self)
    }
}

impl State {
    /// The state's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Scheduled { .. } => "scheduled",
            Self::Granting { .. } => "granting",
            Self::Active { extension: None, .. } => "active",
            Self::Active { extension: Some(Extension::Asked { .. }), .. } => "active, more asked",
            Self::Active { extension: Some(Extension::Moving { .. }), .. } => "active, extending",
            Self::Revoking { .. } => "revoking",
            Self::Closed { .. } => "closed",
        }
    }

    /// The whole lifecycle. `newest` is the index of the newest ask.
    pub fn next(self, event: &Event, at: Instant, newest: usize) -> Result<Self, Illegal> {
        use Event as E;
        let illegal = Illegal { state: self.name(), event: event.name() };
        Ok(match (self, event) {
            (Self::Closed { ending, at: closed, held: Some(held), votes }, E::AlarmRaised { alarm: AlarmKind::StillOpen }) => {
                Self::Closed { ending, at: closed, held: Some(Held { back_at: Some(at), ..held }), votes }
            }
            (Self::Closed { ending, at: closed, held: Some(held), votes }, E::AlarmCleared { alarm: AlarmKind::StillOpen }) => {
                Self::Closed { ending, at: closed, held: Some(Held { back_at: None, ..held }), votes }
            }
            (state, E::AlarmRaised { .. } | E::AlarmCleared { .. } | E::Refused { .. })
            | (state @ Self::Active { .. }, E::CredentialShown { .. }) => state,

            (Self::Pending { .. }, E::OfferAccepted { .. }) => Self::Pending { round: Round::new(newest, at) },
            (Self::Pending { round }, E::Denied { person, reason }) => {
                Self::closed(round, Ending::Denied { by: person.clone(), reason: reason.clone() }, at)
            }
            (Self::Pending { round }, E::Unanswered) => Self::closed(round, Ending::Unanswered, at),
            (Self::Pending { round } | Self::Scheduled { round, .. }, E::Cancelled { person, reason }) => {
                Self::closed(round, Ending::Cancelled { by: person.clone(), reason: reason.clone() }, at)
            }
            (Self::Pending { round } | Self::Scheduled { round, .. }, E::Left { .. }) => Self::closed(round, Ending::Left, at),
            (Self::Pending { round }, E::Scheduled { start }) => Self::Scheduled { round, start: *start },
            (Self::Pending { .. } | Self::Scheduled { .. }, E::Granting { grant }) => Self::Granting { grant: grant.clone() },
            (Self::Pending { round }, event) if !matches!(event, E::Reopened { .. }) => {
                Self::Pending { round: round.next(event, at).ok_or(illegal)? }
            }
            (Self::Scheduled { round, .. }, E::Reopened { .. }) => Self::Pending { round: round.next(event, at).ok_or(illegal)? },
            (Self::Scheduled { round, start }, E::TakenBack { .. }) => {
                Self::Scheduled { round: round.next(event, at).ok_or(illegal)?, start }
            }

            (Self::Granting { grant }, E::Reopened { .. }) => {
                let round = Round { votes: grant.votes, ..Round::new(newest, at) };
                Self::Pending { round: round.next(event, at).ok_or(illegal)? }
            }
            (Self::Granting { grant }, E::Shortened { duration, latest, cap }) => {
                let (cap, ceiling) = (grant.cap.min(*cap), grant.ceiling.min(*cap));
                Self::Granting { grant: Grant { duration: *duration, latest: *latest, cap, ceiling, ..grant } }
            }
            (Self::Granting { grant }, E::Working { work }) => Self::Active { grant, work: work.clone(), extension: None },
            (Self::Granting { grant }, E::GrantFailed { why, .. }) => {
                Self::Revoking { grant, work: None, cause: Ending::Failed { why: why.clone() }, since: at }
            }
            (Self::Granting { grant }, E::Revoking { cause }) => Self::Revoking { grant, work: None, cause: cause.clone(), since: at },

            (Self::Active { grant, work, extension: None }, E::ExtensionAsked { .. }) => {
                let round = Round::new(newest, at);
                Self::Active { grant, work, extension: Some(Extension::Asked { round }) }
            }
            (Self::Active { grant, mut work, extension: Some(Extension::Asked { round }) }, E::ExtensionClosed { how, person, .. }) => {
                // Grace was for as long as that was being decided.
                let until = if work.graced_from.is_some() { work.until.min(at) } else { work.until };
                if *how != ExtensionEnd::Cancelled {
                    work.unmet.push(Unmet { how: *how, by: person.clone(), asked_at: round.opened_at, at });
                }
                Self::Active { grant, work: Work { until, ..work }, extension: None }
            }
            (Self::Active { grant, work, extension: None }, E::ExtensionApproved { until }) => {
                Self::Active { grant, work, extension: Some(Extension::Moving { until: *until, votes: Vec::new() }) }
            }
            (Self::Active { grant, work, extension: Some(Extension::Asked { round }) }, E::ExtensionApproved { until }) => {
                Self::Active { grant, work, extension: Some(Extension::Moving { until: *until, votes: round.votes }) }
            }
            (
                Self::Active { grant, work, extension: Some(Extension::Moving { votes, .. }) },
                E::Extended { until, native_expiry, how_to_connect },
            ) => {
                let mut work = work.extended_to(*until, votes, at);
                work.native_expiry = *native_expiry;
                work.how_to_connect = how_to_connect.clone().or(work.how_to_connect);
                Self::Active { grant, work, extension: None }
            }
            // Less time than was asked for is a new ask for more time.
            (Self::Active { grant, work, extension: Some(Extension::Asked { .. }) }, E::OfferAccepted { .. }) => {
                Self::Active { grant, work, extension: Some(Extension::Asked { round: Round::new(newest, at) }) }
            }
            (Self::Active { grant, work, extension }, E::Warned) => Self::Active { grant, work: Work { warned: true, ..work }, extension },
            (Self::Active { grant, work, extension }, E::GraceBegan { until }) => {
                let graced_from = Some(work.approved_until());
                Self::Active { grant, work: Work { until: *until, grace_used: true, graced_from, ..work }, extension }
            }
            (Self::Active { grant, work, extension }, E::FoundAbsent) => {
                Self::Active { grant, work: Work { found_absent: true, ..work }, extension }
            }
            (Self::Active { grant, work, .. }, E::Revoking { cause }) => {
                Self::Revoking { grant, work: Some(work), cause: cause.clone(), since: at }
            }
            (Self::Active { grant, work, extension: Some(Extension::Asked { round }) }, event) if !matches!(event, E::Reopened { .. }) => {
                let round = round.next(event, at).ok_or(illegal)?;
                Self::Active { grant, work, extension: Some(Extension::Asked { round }) }
            }

            (Self::Revoking { grant, work, cause, since }, E::Gone { remains, sessions_closed, residue, used, unwritten }) => {
                Self::Closed {
                    ending: cause,
                    at,
                    held: Some(Held {
                        grant,
                        work,
                        ended_at: unwritten.map_or(since, |gone| gone.min(since)),
                        gone_at: Some(unwritten.unwrap_or(at)),
                        remains: remains.clone(),
                        sessions_closed: *sessions_closed,
                        residue: residue.clone(),
                        used: used.clone(),
                        back_at: None,
                        settled: None,
                    }),
                    votes: Vec::new(),
                }
            }
            (Self::Revoking { grant, work, since, .. }, E::Settled { person, reason }) => Self::Closed {
                ending: Ending::Settled { by: person.clone(), reason: reason.clone() },
                at,
                held: Some(Held {
                    grant,
                    work,
                    ended_at: since,
                    gone_at: None,
                    remains: Remains::Unknown,
                    sessions_closed: None,
                    residue: Vec::new(),
                    used: None,
                    back_at: None,
                    settled: None,
                }),
                votes: Vec::new(),
            },
            (Self::Closed { ending, at, held: Some(held), votes }, E::Leftover { residue }) => {
                Self::Closed { ending, at, held: Some(Held { residue: residue.clone(), ..held }), votes }
            }
            // How it ended stays as it was.
            (Self::Closed { ending, at: closed, held: Some(held), votes }, E::Settled { person, reason }) => {
                let settled = Some(Settlement { by: person.clone(), reason: reason.clone(), at });
                Self::Closed { ending, at: closed, held: Some(Held { settled, ..held }), votes }
            }
            _ => return Err(illegal),
        })
    }

    /// What was never granted keeps the votes that it had.
    fn closed(round: Round, ending: Ending, at: Instant) -> Self {
        Self::Closed { ending, at, held: None, votes: round.votes }
    }
}

impl Work {
    fn extended_to(mut self, until: Instant, votes: Vec<Vote>, at: Instant) -> Self {
        self.extended.push(Extended { from: self.approved_until(), until, at, votes });
        Self { until, warned: false, graced_from: None, ..self }
    }
}
