//! One line of the thread for each event that people care about, and the private lines for requester and subject.
//! Pure; the words are the templates'. Quiet events have no line.

use serde_json::{Value, json};

use super::{
    Button, Style,
    view::{Around, Reader, action, button, card, ending_words, standing, what},
    words::{duration, list, relative, rough},
};
use crate::domain::{
    command::Length,
    event::{AlarmKind, Event, ExtensionEnd},
    ids::PersonId,
    request::{Ask, Ending, Held, Request, State},
    time::Instant,
};

/// A line to be rendered by `reply/<name>` or `direct/<name>`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplyView {
    pub name: &'static str,
    pub data: Value,
    pub buttons: Vec<Button>,
}

impl ReplyView {
    #[expect(clippy::unnecessary_wraps, reason = "each arm of a match gives a line or none")]
    fn new(name: &'static str, data: Value) -> Option<Self> {
        Some(Self { name, data, buttons: Vec::new() })
    }
}

/// The thread's line for `event`, which happened at `at`; `request` is as it stands after it.
pub fn reply_for(event: &Event, at: Instant, request: &Request, r: &Reader<'_>, around: &Around) -> Option<ReplyView> {
    deciding(event, at, request, r, around).or_else(|| holding(event, at, request, r, around))
}

fn deciding(event: &Event, at: Instant, request: &Request, r: &Reader<'_>, around: &Around) -> Option<ReplyView> {
    let names = |people: &[PersonId]| list(&people.iter().map(|p| r.name(p)).collect::<Vec<_>>());
    let waiting = || card(request, r, around).and_then(|c| c.waiting);
    match event {
        Event::Reminded => ReplyView::new("reminded", json!({ "names": waiting()?.names })),
        Event::Escalated { .. } => ReplyView::new("escalated", json!({ "names": waiting()?.also_asked? })),
        Event::Looking { person, until } => ReplyView::new("looking", json!({ "who": r.name(person), "until": r.moment(*until) })),
        Event::PassedOn { by, to } => ReplyView::new("passed_on", json!({ "who": r.name(by), "to": r.name(to) })),
        Event::Approved { person, comment, .. } => {
            let progress = card(request, r, around).and_then(|c| c.progress);
            let comment = comment.as_ref().map(|c| r.text(c));
            ReplyView::new("approved", json!({ "who": r.name(person), "at": r.exact(at), "comment": comment, "progress": progress }))
        }
        Event::TakenBack { person } => ReplyView::new("taken_back", json!({ "who": r.name(person) })),
        Event::StageOpened { .. } => ReplyView::new("stage_opened", json!({ "names": waiting()?.names })),
        Event::Offered { person, less, comment } => ReplyView::new(
            "offered",
            json!({ "who": r.name(person), "less": Reader::less(less), "comment": comment.as_ref().map(|c| r.text(c)) }),
        ),
        Event::OfferDeclined { person } => ReplyView::new("offer_declined", json!({ "who": r.name(person) })),
        Event::OfferAccepted { ask } => {
            ReplyView::new("offer_accepted", json!({ "who": r.name(&ask.by), "what": what(ask), "length": r.length(ask.length) }))
        }
        Event::Recounted { dropped, policy, .. } => ReplyView::new("recounted", json!({ "dropped": names(dropped), "policy": policy })),
        Event::Denied { person, reason } => {
            ReplyView::new("denied", json!({ "who": r.name(person), "at": r.moment(at), "reason": r.text(reason) }))
        }
        Event::Cancelled { person, reason } => {
            let who = person.as_ref().map(|p| r.name(p));
            ReplyView::new("cancelled", json!({ "who": who, "reason": reason.as_ref().map(|w| r.text(w)) }))
        }
        Event::Unanswered => {
            let next = card(request, r, around).and_then(|c| c.outcome.first().cloned());
            ReplyView::new("unanswered", json!({ "after": rough(at.since(request.opened_at)), "next": next }))
        }
        Event::Scheduled { start } => {
            ReplyView::new("scheduled", json!({ "start": r.moment(*start), "start_in": relative(*start, r.now) }))
        }
        Event::Reopened { dropped, .. } => ReplyView::new("reopened", json!({ "dropped": names(dropped) })),
        _ => None,
    }
}

fn holding(event: &Event, at: Instant, request: &Request, r: &Reader<'_>, around: &Around) -> Option<ReplyView> {
    match event {
        Event::Shortened { duration: less, .. } => ReplyView::new("shortened", json!({ "length": r.length(Length::For(*less)) })),
        Event::Working { .. } => ReplyView::new("working", has(request, r)?),
        Event::GrantFailed { why, permanent } => ReplyView::new("grant_failed", json!({ "why": why, "permanent": permanent })),
        Event::Warned => warned(request, r),
        Event::ExtensionAsked { ask } => ReplyView::new("extension_asked", extension_asked(ask, r)),
        Event::ExtensionClosed { how, person, reason } => {
            let how = match how {
                ExtensionEnd::Denied => "denied",
                ExtensionEnd::Cancelled => "cancelled",
                ExtensionEnd::Unanswered => "unanswered",
                ExtensionEnd::Overtaken => return None,
            };
            let (who, reason) = (person.as_ref().map(|p| r.name(p)), reason.as_ref().map(|w| r.text(w)));
            ReplyView::new("extension_closed", json!({ "how": how, "who": who, "reason": reason, "until": until(request, r) }))
        }
        Event::Extended { until, .. } => {
            ReplyView::new("extended", json!({ "until": r.moment(*until), "until_in": relative(*until, r.now) }))
        }
        Event::GraceBegan { until } => ReplyView::new("grace_began", json!({ "until": r.moment(*until) })),
        Event::FoundAbsent => ReplyView::new("found_absent", json!({})),
        Event::Gone { .. } => ended(request, r, around),
        Event::Settled { person, reason } => ReplyView::new("settled", json!({ "who": r.name(person), "reason": r.text(reason) })),
        Event::AlarmRaised { alarm: AlarmKind::StillOpen } => still_open(request, r, around),
        Event::AlarmRaised { alarm: AlarmKind::Residue } => residue(request),
        Event::AlarmCleared { alarm: AlarmKind::StillOpen } => ReplyView::new("alarm_cleared", json!({ "at": r.exact(at) })),
        _ => None,
    }
}

fn until(request: &Request, r: &Reader<'_>) -> Option<String> {
    match &request.state {
        State::Active { work, .. } => Some(r.moment(work.until)),
        _ => None,
    }
}

/// Who has what until when; None unless it is held.
fn has(request: &Request, r: &Reader<'_>) -> Option<Value> {
    let (State::Active { work, .. }, ask) = (&request.state, standing(request)?) else { return None };
    Some(json!({
        "subject": r.name(&request.subject), "what": what(ask),
        "since": r.exact(work.since), "until": r.moment(work.until), "until_in": relative(work.until, r.now),
        "had_before": work.had_before, "how_to_connect": work.how_to_connect,
    }))
}

fn warned(request: &Request, r: &Reader<'_>) -> Option<ReplyView> {
    let (State::Active { work, .. }, ask) = (&request.state, standing(request)?) else { return None };
    let buttons = [(action::RETURN, Style::Primary), (action::EXTEND_30, Style::Plain), (action::EXTEND_60, Style::Plain)];
    Some(ReplyView {
        name: "warned",
        data: json!({ "what": what(ask), "until": r.moment(work.until), "until_in": relative(work.until, r.now) }),
        buttons: buttons.into_iter().map(|(action, style)| button(action, style, request)).collect(),
    })
}

fn extension_asked(ask: &Ask, r: &Reader<'_>) -> Value {
    let more = match ask.length {
        Length::For(span) => format!("{} more", duration(span)),
        Length::Until(end) => format!("time until {}", r.moment(end)),
    };
    json!({ "who": r.name(&ask.by), "more": more, "reason": ask.reason.as_ref().map(|w| r.text(w)) })
}

/// The closing summary, or for access that never began one line.
fn ended(request: &Request, r: &Reader<'_>, around: &Around) -> Option<ReplyView> {
    let State::Closed { ending, held: Some(held), .. } = &request.state else { return None };
    let view = card(request, r, around)?;
    let shown = view.held?;
    if held.work.is_none() {
        return ReplyView::new("undone", json!({ "gone": shown.gone, "why": ending_words(ending, r), "residue": shown.residue }));
    }
    let names: Vec<_> = held.grant.votes.iter().map(|v| r.name(&v.person)).collect();
    let took = duration(held.grant.decided_at.since(request.opened_at));
    let approved = if names.is_empty() { "approved at once".to_owned() } else { format!("approved by {} in {took}", names.join(", ")) };
    ReplyView::new(
        "ended",
        json!({
            "first_line": view.first_line, "how": ending_words(ending, r), "sessions_closed": shown.sessions_closed,
            "gone": shown.gone, "remains": shown.remains, "residue": shown.residue,
            "asked": first_length(request, held, r), "approved": approved, "used": shown.used,
            "entries": around.ledger.as_ref().map(|(n, _)| thousands(*n)), "root": around.ledger.as_ref().map(|(_, root)| root),
        }),
    )
}

fn first_length(request: &Request, held: &Held, r: &Reader<'_>) -> String {
    request.asks.first().map_or_else(|| duration(held.grant.duration), |ask| r.length(ask.length))
}

/// `48,213`.
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// The alarm, in the same words for thread, ops channel and direct messages.
pub fn still_open(request: &Request, r: &Reader<'_>, around: &Around) -> Option<ReplyView> {
    let view = card(request, r, around)?;
    ReplyView::new("still_open", json!({ "first_line": view.first_line, "alarm": view.alarm?, "id": view.id }))
}

fn residue(request: &Request) -> Option<ReplyView> {
    let State::Closed { held: Some(held), .. } = &request.state else { return None };
    ReplyView::new("residue", json!({ "residue": held.residue }))
}

/// The private line for `to` (requester or subject), or None when the event is no news to them.
pub fn direct_for(event: &Event, at: Instant, to: &PersonId, request: &Request, r: &Reader<'_>, around: &Around) -> Option<ReplyView> {
    let (ask, for_me) = (standing(request)?, *to == request.subject);
    let line = json!({ "what": what(ask), "id": request.id, "requester": r.name(&request.requester), "subject": r.name(&request.subject) });
    let with = |name, more: Value| ReplyView::new(name, merged(&line, more));
    match event {
        Event::Asked { .. } if for_me && request.requester != request.subject => {
            with("asked_for_you", json!({ "length": r.length(ask.length), "reason": ask.reason.as_ref().map(|w| r.text(w)) }))
        }
        Event::Denied { person, reason } => with("denied", json!({ "who": r.name(person), "reason": r.text(reason) })),
        Event::Cancelled { person, reason } if person.as_ref() != Some(to) => {
            let who = person.as_ref().map(|p| r.name(p));
            with("cancelled", json!({ "who": who, "reason": reason.as_ref().map(|w| r.text(w)) }))
        }
        Event::Unanswered => {
            let next = card(request, r, around).and_then(|c| c.outcome.first().cloned());
            with("unanswered", json!({ "after": rough(at.since(request.opened_at)), "next": next }))
        }
        Event::Offered { person, less, comment } if *to == request.requester => {
            let mut view = with(
                "offered",
                json!({ "who": r.name(person), "less": Reader::less(less), "comment": comment.as_ref().map(|c| r.text(c)) }),
            )?;
            view.buttons = vec![button(action::ACCEPT, Style::Primary, request), button(action::DECLINE, Style::Plain, request)];
            Some(view)
        }
        Event::Scheduled { start } => with("scheduled", json!({ "start": r.moment(*start), "start_in": relative(*start, r.now) })),
        Event::Working { .. } => {
            let mut view =
                with(if for_me { "working" } else { "working_other" }, merged(&has(request, r)?, json!({ "sessions": around.sessions })))?;
            if for_me {
                view.buttons.push(button(action::RETURN, Style::Plain, request));
            }
            Some(view)
        }
        Event::GrantFailed { why, permanent } => with("grant_failed", json!({ "why": why, "permanent": permanent })),
        Event::Warned if for_me => warned(request, r),
        Event::Extended { until, .. } => with("extended", json!({ "until": r.moment(*until), "until_in": relative(*until, r.now) })),
        Event::ExtensionClosed { how: ExtensionEnd::Denied | ExtensionEnd::Unanswered, reason, .. } => {
            with("no_more_time", json!({ "until": until(request, r), "reason": reason.as_ref().map(|w| r.text(w)) }))
        }
        Event::Gone { .. } => gone(request, r, around).and_then(|more| with("ended", more)),
        _ => None,
    }
}

fn gone(request: &Request, r: &Reader<'_>, around: &Around) -> Option<Value> {
    let State::Closed { ending, held: Some(held), .. } = &request.state else { return None };
    held.work.as_ref()?;
    let (shown, early) = (card(request, r, around)?.held?, !matches!(ending, Ending::Expired));
    Some(json!({ "time": shown.time, "how": ending_words(ending, r), "early": early, "remains": shown.remains, "gone": shown.gone }))
}

fn merged(base: &Value, more: Value) -> Value {
    let mut all = base.clone();
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    all
}
