//! What a card shows, as plain values made from a request. Pure; layout is the templates', rights are `decide`'s.
//! Text from people is carried as it is: the renderer makes it inert.

mod asked;
mod buttons;
mod ending;
mod headline;
mod held;
mod reader;
mod tone;
mod waiting;

use serde::Serialize;

pub use buttons::action;
pub(super) use buttons::{ask_again, button, decisions, more_time, offer_button, own};
pub(super) use ending::ending_words;
pub use headline::headline;
pub(super) use headline::what;
pub(super) use held::longer;
pub use reader::Reader;
pub(super) use waiting::{only_got, open_rung, open_stage, until_asked};

use super::Button;
use crate::{
    bot::Around,
    domain::{
        policy::Who,
        request::{Ask, AskKind, Grant, Held, Request, State, Work},
    },
};

/// Everything a card shows. Optional things are None or empty, never absent (templates are strict).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardView {
    pub id: String,
    pub state: &'static str,
    /// What one glance should tell, for colours and signs: see `tone`.
    pub tone: &'static str,
    /// Enough on a lock screen.
    pub first_line: String,
    /// Lines that stand out; only what is true and unusual.
    pub unusual: Vec<String>,
    pub asked: AskedView,
    /// `1 of 2 approvals`, in approvals needed; None when none is.
    pub progress: Option<String>,
    pub votes: Vec<VoteView>,
    pub waiting: Option<WaitingView>,
    pub offer: Option<OfferView>,
    /// What is being asked on top of access that is held.
    pub extension: Option<String>,
    pub held: Option<HeldView>,
    /// How it ended or why it goes on, in sentences.
    pub outcome: Vec<String>,
    pub alarm: Option<AlarmView>,
    pub sessions: Option<SessionsView>,
    pub buttons: Vec<Button>,
    /// Whom the platform is to mention when the card is posted; nobody else may be.
    #[serde(skip)]
    pub notify: Vec<Who>,
}

/// What was asked for; kept on the card for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedView {
    pub requester: String,
    /// The requester's id where this is read, to mention them by.
    pub account: Option<String>,
    pub subject: String,
    pub for_other: bool,
    pub resource: String,
    pub title: String,
    pub role: String,
    /// `1 h`, `until 18:00`.
    pub length: String,
    pub start: Option<String>,
    pub reason: Option<String>,
    pub ticket: Option<String>,
    pub ticket_link: Option<String>,
    /// A link to the message that it is about.
    pub about: Option<String>,
    pub gets: String,
    pub rule: String,
    pub past: Option<String>,
}

/// A vote that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VoteView {
    /// `Ben Okafor (db-leads)`.
    pub who: String,
    pub at: String,
    pub comment: Option<String>,
    /// Has a line of its own: it has a comment, or no other line names who approved.
    pub shown: bool,
}

/// For whom it waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitingView {
    /// `@db-leads`.
    pub names: String,
    /// Approvals that this stage still needs.
    pub needed: usize,
    /// Approvals that this stage needs in all.
    pub of: usize,
    /// The stages after this one.
    pub then: Option<String>,
    /// `in 10 min also @oncall-sre`.
    pub ladder: Option<String>,
    /// Rungs that opened already.
    pub also_asked: Option<String>,
    pub passed_to: Option<String>,
    /// `Cleo Marsh is looking, since 2 min`.
    pub looking: Option<String>,
}

/// What an approver offers instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfferView {
    pub who: String,
    /// `30 min`, `read for 30 min`.
    pub less: String,
    pub comment: Option<String>,
}

/// Access that is on its way, works, or is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldView {
    pub approved: String,
    /// When it began to work; None: it never did.
    pub since: Option<String>,
    pub ends_first: Option<String>,
    pub time: Option<String>,
    pub sessions_closed: Option<u32>,
    pub gone: Option<String>,
    pub remains: Option<String>,
    pub residue: Vec<String>,
    pub used: Option<String>,
}

/// Access that outlives its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmView {
    pub since: String,
    pub tries: Option<String>,
    pub last_answer: Option<String>,
    pub told: String,
    pub by_hand: String,
}

/// What becomes of sessions that are open at the end: exactly one is true or Some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionsView {
    pub cut: bool,
    pub next_request: bool,
    /// They live on, nobody knows how long.
    pub live_on: bool,
    /// They live on this long.
    pub at_most: Option<String>,
}

/// The ask that stands: the first, or the offer that replaced it.
pub fn standing(request: &Request) -> Option<&Ask> {
    request.asks.iter().rev().find(|a| a.kind != AskKind::Extension)
}

/// Name of the state, as templates see it.
pub const fn state_name(state: &State) -> &'static str {
    match state {
        State::Pending { .. } => "pending",
        State::Scheduled { .. } => "scheduled",
        State::Granting { .. } => "granting",
        State::Active { .. } => "active",
        State::Revoking { .. } => "revoking",
        State::Closed { .. } => "closed",
    }
}

/// The card of a request. None only for a document without an ask, which nothing writes.
pub fn card(request: &Request, reader: &Reader<'_>, around: &Around) -> Option<CardView> {
    let ask = standing(request)?;
    let round = waiting::open_round(&request.state);
    let stages = waiting::stages(ask, request, reader);
    Some(CardView {
        id: request.id.to_string(),
        state: state_name(&request.state),
        tone: tone::tone(request),
        first_line: headline(request, reader),
        unusual: asked::unusual(request, ask, reader, around),
        asked: asked::asked(request, ask, reader, around),
        votes: waiting::votes(request, stages, reader),
        waiting: round.and_then(|r| waiting::waiting(r, stages, reader)),
        progress: round.and_then(|r| waiting::progress(r, stages)),
        offer: round.and_then(|r| r.offer.as_ref()).map(|o| OfferView {
            who: reader.name(&o.person),
            less: Reader::less(&o.less),
            comment: reader.some_text(o.comment.as_ref()),
        }),
        extension: waiting::extension(request, reader),
        held: held::held(request, reader, around),
        outcome: ending::outcome(request, reader),
        alarm: ending::alarm(request, ask, reader, around),
        sessions: held::sessions(request, around),
        buttons: buttons::buttons(request, reader),
        notify: waiting::first_notified(request, stages),
    })
}

fn grant_of(state: &State) -> Option<&Grant> {
    match state {
        State::Granting { grant } | State::Active { grant, .. } | State::Revoking { grant, .. } => Some(grant),
        State::Closed { held: Some(held), .. } => Some(&held.grant),
        _ => None,
    }
}

fn work_of(state: &State) -> Option<&Work> {
    match state {
        State::Active { work, .. } => Some(work),
        State::Revoking { work, .. } => work.as_ref(),
        State::Closed { held, .. } => held.as_ref()?.work.as_ref(),
        _ => None,
    }
}

fn held_of(state: &State) -> Option<&Held> {
    match state {
        State::Closed { held, .. } => held.as_ref(),
        _ => None,
    }
}
