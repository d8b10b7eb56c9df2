//! One person's own page as a chat shows it: lines with the buttons that would not be refused. Pure; layout is the
//! templates', and labels are put in by the renderer, as on cards.

use serde::Serialize;

use super::{
    Button, Style,
    view::{Reader, action, ask_again, button, card, decisions, headline, own, standing, state_name, what},
    words::list,
};
use crate::{
    bot::{Around, Home, Listed},
    domain::{
        ids::PersonId,
        request::{Request, State},
    },
};

/// The page. Optional things are None or empty, never absent (templates are strict).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HomeView {
    /// Whose page it is.
    pub name: String,
    /// Their access: `I'm done`, more time.
    pub mine: Section,
    /// What they wait for, with what can be answered or called off.
    pub asked: Section,
    /// What waits for their decision.
    pub waiting: Section,
    /// Closed lately; what may be asked again.
    pub closed: Section,
    /// Who holds what now, for auditors and administrators.
    pub held: Option<Section>,
    /// `@db-leads`: groups of which a chat did not say who is in them, so that more may wait than is shown; empty: none.
    pub unasked: String,
    /// They turned their direct messages down.
    pub quiet: bool,
    /// Turns them the other way; about no request.
    pub turn: Button,
}

/// Lines, and how many there are besides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Section {
    pub rows: Vec<Row>,
    pub more: usize,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub id: String,
    pub state: &'static str,
    /// The first line of its card.
    pub line: String,
    /// `write on prod-db`.
    pub what: String,
    /// Until when it works; None: it does not.
    pub until: Option<String>,
    /// Who asked, and their id where this is read.
    pub who: String,
    pub account: Option<String>,
    /// For whom, where that is somebody else.
    pub subject: Option<String>,
    /// Why it was asked; None where more time is asked, whose own reason stands in `more`.
    pub reason: Option<String>,
    pub ticket: Option<String>,
    /// A link to the message that it is about.
    pub about: Option<String>,
    /// What is asked on top of access that is held.
    pub more: Option<String>,
    /// For whom it waits.
    pub waiting: Option<String>,
    /// `1 of 2 approvals`.
    pub progress: Option<String>,
    /// `Ben Okafor offers 30 min`.
    pub offer: Option<String>,
    pub buttons: Vec<Button>,
}

/// The page of `home`, for its own person.
pub fn home(home: &Home, r: &Reader<'_>) -> HomeView {
    let person = &home.person;
    let credential = |request: &Request| home.hands_over.contains(&request.id).then(|| button(action::CREDENTIAL, Style::Plain, request));
    let yours = |request: &Request| own(request, person, r).into_iter().chain(credential(request)).collect();
    let again = |request: &Request| if request.requester == *person { ask_again(request) } else { Vec::new() };
    HomeView {
        name: r.name(person),
        mine: section(&home.mine, r, yours),
        asked: section(&home.asked, r, yours),
        waiting: section(&home.waiting, r, decisions),
        closed: Section { rows: home.closed.iter().map(|request| row(request, again(request), r)).collect(), more: 0 },
        held: home.held.as_ref().map(|held| section(held, r, |_| Vec::new())),
        unasked: list(&home.unasked.iter().map(|group| format!("@{group}")).collect::<Vec<_>>()),
        quiet: home.quiet,
        turn: turn(home.quiet),
    }
}

fn section(listed: &Listed, r: &Reader<'_>, buttons: impl Fn(&Request) -> Vec<Button>) -> Section {
    Section { rows: listed.requests.iter().map(|request| row(request, buttons(request), r)).collect(), more: listed.more }
}

fn row(request: &Request, buttons: Vec<Button>, r: &Reader<'_>) -> Row {
    let (view, ask) = (card(request, r, &Around::default()), standing(request));
    let other = |person: &PersonId| (*person != request.requester).then(|| r.name(person));
    let asked = view.as_ref().map(|view| &view.asked);
    let more = view.as_ref().and_then(|view| view.extension.clone());
    Row {
        id: request.id.to_string(),
        state: state_name(&request.state),
        line: headline(request, r),
        what: ask.map(what).unwrap_or_default(),
        until: match &request.state {
            State::Active { work, .. } => Some(r.moment(work.until)),
            _ => None,
        },
        who: r.name(&request.ask().by),
        account: r.account(&request.ask().by),
        subject: other(&request.subject),
        reason: asked.filter(|_| more.is_none()).and_then(|asked| asked.reason.clone()),
        ticket: asked.and_then(|asked| asked.ticket.clone()),
        about: asked.and_then(|asked| asked.about.clone()),
        waiting: view.as_ref().and_then(|view| view.waiting.as_ref()).map(|waiting| waiting.names.clone()),
        progress: view.as_ref().and_then(|view| view.progress.clone()),
        offer: view.as_ref().and_then(|view| view.offer.as_ref()).map(|offer| format!("{} offers {}", offer.who, offer.less)),
        more,
        buttons,
    }
}

/// Turns one's direct messages down, or up again.
fn turn(quiet: bool) -> Button {
    let action = if quiet { action::QUIET_OFF } else { action::QUIET_ON };
    Button { action: action.to_owned(), label: String::new(), value: String::new(), style: Style::Plain }
}
