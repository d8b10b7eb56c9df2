//! The buttons of cards, thread lines and direct messages: only what would not be refused, one primary at most.
//! A button carries ids, never authority: the right is judged at the press.

use super::{Reader, waiting::open_round};
use crate::{
    chat::{Button, Style},
    domain::{
        ids::PersonId,
        pressed::{About, Pressed},
        request::{Ending, Extension, Grant, Request, Round, State, Work},
        time::{Instant, Span},
    },
};

/// The actions that buttons stand for.
pub mod action {
    pub const APPROVE: &str = "approve";
    pub const LESS: &str = "less";
    pub const DENY: &str = "deny";
    pub const LOOKING: &str = "looking";
    pub const PASS: &str = "pass";
    pub const ACCEPT: &str = "accept";
    pub const DECLINE: &str = "decline";
    pub const CANCEL: &str = "cancel";
    pub const RETURN: &str = "return";
    pub const EXTEND_30: &str = "extend:30m";
    pub const EXTEND_60: &str = "extend:1h";
    pub const REVOKE: &str = "revoke";
    /// Makes a fresh credential and shows it to whoever the access is for; in what only they see.
    pub const CREDENTIAL: &str = "credential";
    /// Asks the same again, for whoever asked it.
    pub const AGAIN: &str = "again";
    /// Turns one's own direct messages down, or up again; about no request, and on no card.
    pub const QUIET_ON: &str = "quiet:on";
    pub const QUIET_OFF: &str = "quiet:off";
    /// Every action of a card there is; each has its label in the templates, as `button/<action>`.
    pub const ALL: [&str; 13] = [APPROVE, LESS, DENY, LOOKING, PASS, ACCEPT, DECLINE, CANCEL, RETURN, EXTEND_30, EXTEND_60, REVOKE, AGAIN];
}

use Style::{Danger, Plain, Primary};

/// What whoever decides may do.
const DECISIONS: [(&str, Style); 5] =
    [(action::APPROVE, Primary), (action::LESS, Plain), (action::DENY, Danger), (action::LOOKING, Plain), (action::PASS, Plain)];

/// The buttons of a card, in order. Labels are put in by the renderer.
pub(super) fn buttons(request: &Request, r: &Reader<'_>) -> Vec<Button> {
    use action::{ACCEPT, APPROVE, DECLINE, DENY, LESS, RETURN, REVOKE};
    const ANSWERS: [(&str, Style); 5] = [(ACCEPT, Primary), (DECLINE, Plain), (APPROVE, Plain), (LESS, Plain), (DENY, Danger)];
    let deciding = |round: &Round| if round.offer.is_some() { ANSWERS } else { DECISIONS };
    let these: Vec<(&str, Style)> = match &request.state {
        State::Pending { round } => deciding(round).into(),
        State::Active { extension: Some(Extension::Asked { round }), .. } => {
            deciding(round).into_iter().chain([(RETURN, Plain), (REVOKE, Danger)]).collect()
        }
        State::Active { grant, work, extension } => {
            let mut these = vec![(RETURN, Primary)];
            if extension.is_none() {
                these.extend(extensions(request, grant, work, r).into_iter().map(|action| (action, Plain)));
            }
            these.push((REVOKE, Danger));
            these
        }
        State::Closed { .. } => return ask_again(request),
        State::Scheduled { .. } | State::Granting { .. } | State::Revoking { .. } => Vec::new(),
    };
    these.iter().map(|(action, style)| button(action, *style, request)).collect()
}

/// For somebody who decides, on their own page: without what only the asker can answer.
pub(in crate::chat) fn decisions(request: &Request) -> Vec<Button> {
    let offered = open_round(&request.state).is_some_and(|round| round.offer.is_some());
    // As on the card: while an offer waits for its answer, nobody is called and nothing is passed on.
    let these = if offered { &DECISIONS[..3] } else { &DECISIONS[..] };
    these.iter().map(|(action, style)| button(action, *style, request)).collect()
}

/// For whoever asked or holds it, on their own page: an offer's answers, calling it off, `I'm done` and more time.
pub(in crate::chat) fn own(request: &Request, person: &PersonId, r: &Reader<'_>) -> Vec<Button> {
    let offered = open_round(&request.state).is_some_and(|round| round.offer.is_some()) && request.ask().by == *person;
    let answers: &[(&str, Style)] = if offered { &[(action::ACCEPT, Primary), (action::DECLINE, Plain)] } else { &[] };
    let rest = match &request.state {
        State::Pending { .. } | State::Scheduled { .. } | State::Granting { .. } => vec![button(action::CANCEL, Plain, request)],
        State::Active { .. } => more_time(request, r),
        State::Revoking { .. } | State::Closed { .. } => Vec::new(),
    };
    let one_primary = rest.into_iter().map(|b| if offered { Button { style: Plain, ..b } } else { b });
    answers.iter().map(|(action, style)| button(action, *style, request)).chain(one_primary).collect()
}

/// `I'm done`, and as much more time as there is room for.
pub(in crate::chat) fn more_time(request: &Request, r: &Reader<'_>) -> Vec<Button> {
    let State::Active { grant, work, extension } = &request.state else { return Vec::new() };
    let more = if extension.is_some() { Vec::new() } else { extensions(request, grant, work, r) };
    let more = more.into_iter().map(|action| button(action, Plain, request));
    std::iter::once(button(action::RETURN, Primary, request)).chain(more).collect()
}

/// What an extension could still get under the policy in force.
fn extensions(request: &Request, grant: &Grant, work: &Work, r: &Reader<'_>) -> Vec<&'static str> {
    let Some(policy) = r.policy(request.main_ask()) else { return Vec::new() };
    if r.catalogue.frozen || work.found_absent || r.now >= work.until {
        return Vec::new();
    }
    let room = grant.room(work, policy.cap);
    [(action::EXTEND_30, 30), (action::EXTEND_60, 60)]
        .into_iter()
        .filter(|(_, minutes)| Span::from_minutes(*minutes) <= room)
        .map(|(action, _)| action)
        .collect()
}

/// `Try again`, where nothing stands in the way of asking the same.
pub(in crate::chat) fn ask_again(request: &Request) -> Vec<Button> {
    match &request.state {
        State::Closed { ending: Ending::Failed { .. } | Ending::Unanswered, .. } => vec![button(action::AGAIN, Primary, request)],
        _ => Vec::new(),
    }
}

pub(in crate::chat) fn button(action: &str, style: Style, request: &Request) -> Button {
    about(action, style, request, open_now(action, request))
}

/// One that answers the offer made at that moment, whatever is offered now.
pub(in crate::chat) fn offer_button(action: &str, style: Style, request: &Request, at: Instant) -> Button {
    about(action, style, request, About { offer: Some(at), ..open_now(action, request) })
}

fn about(action: &str, style: Style, request: &Request, about: About) -> Button {
    let value = Pressed { request: request.id.clone(), about }.to_string();
    Button { action: action.to_owned(), label: String::new(), value, style }
}

/// What deciding is about as it stands. Buttons of whoever holds the access are about the request.
fn open_now(action: &str, request: &Request) -> About {
    let round = request.round();
    match action {
        action::APPROVE | action::LESS | action::DENY | action::LOOKING | action::PASS | action::CANCEL => {
            About { ask: round.map(|round| round.ask), ..About::default() }
        }
        action::ACCEPT | action::DECLINE => {
            let offer = round.and_then(|round| round.offer.as_ref());
            About { ask: round.map(|round| round.ask), offer: offer.map(|offer| offer.at), end: None }
        }
        action::EXTEND_30 | action::EXTEND_60 => match &request.state {
            State::Active { work, .. } => About { end: Some(work.approved_until()), ..About::default() },
            _ => About::default(),
        },
        _ => About::default(),
    }
}
