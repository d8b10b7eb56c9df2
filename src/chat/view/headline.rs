//! The first line of a card, which alone must be enough on a lock screen. Pure.

use super::{Reader, standing, waiting};
use crate::{
    chat::words::{duration, rough},
    domain::{
        command::Length,
        event::AlarmKind,
        ids::PersonId,
        request::{Ask, Ending, Extension, Held, Request, State, Work},
        time::Instant,
    },
};

/// The first line of the card, for lists too.
pub fn headline(request: &Request, reader: &Reader<'_>) -> String {
    let Some(ask) = standing(request) else { return request.id.to_string() };
    first_line(request, ask, reader)
}

/// `write on prod-db`.
pub(in crate::chat) fn what(ask: &Ask) -> String {
    format!("{} on {}", ask.role, ask.resource)
}

fn first_line(request: &Request, ask: &Ask, r: &Reader<'_>) -> String {
    let (subject, what) = (r.name(&request.subject), what(ask));
    match &request.state {
        State::Pending { round } if round.votes.is_empty() => asks(request, ask, true, r),
        State::Pending { round } => {
            let progress = waiting::progress(round, waiting::stages(ask, request, r));
            format!("{}{}", asks(request, ask, false, r), progress.map(|p| format!(" · {p}")).unwrap_or_default())
        }
        State::Scheduled { start, .. } => {
            format!("{subject} will have {what} from {}", r.moment_from_now(*start))
        }
        State::Granting { .. } => format!("Approved: {subject} is getting {what}"),
        State::Active { work, extension, .. } => {
            let more = match extension {
                Some(Extension::Asked { .. }) => " and asks for more time",
                _ => "",
            };
            format!("{subject} has {what} until {}{more}", r.moment_from_now(work.until))
        }
        State::Revoking { work, cause, since, .. } => revoking(request, ask, (work.as_ref(), cause, *since), r),
        State::Closed { ending, at, held, .. } => closed(request, ask, (ending, *at, held.as_ref()), r),
    }
}

/// `Ana Reyes asks for write on prod-db (Orders database) for 1 h`.
fn asks(request: &Request, ask: &Ask, title: bool, r: &Reader<'_>) -> String {
    let title = match r.catalogue.resources.get(&ask.resource) {
        Some(res) if title && !res.title.is_empty() && res.title != ask.resource.as_str() => format!(" ({})", res.title),
        _ => String::new(),
    };
    let other = if request.requester == request.subject { String::new() } else { format!(" for {},", r.name(&request.subject)) };
    format!("{} asks for {}{title}{other} {}", r.name(&request.requester), what(ask), how_long(ask, r))
}

fn how_long(ask: &Ask, r: &Reader<'_>) -> String {
    let start = ask.start.map(|s| format!(", from {}", r.moment(s))).unwrap_or_default();
    match ask.length {
        Length::For(span) => format!("for {}{start}", duration(span)),
        Length::Until(end) => format!("until {}{start}", r.moment(end)),
    }
}

fn revoking(request: &Request, ask: &Ask, revoking: (Option<&Work>, &Ending, Instant), r: &Reader<'_>) -> String {
    let (work, cause, since) = revoking;
    let (subject, what) = (r.name(&request.subject), what(ask));
    let alarmed = request.alarms.contains(&AlarmKind::StillOpen);
    match (work, cause) {
        // An early end counts from when it was to be taken away.
        (Some(work), _) if alarmed => {
            format!("STILL OPEN: {subject} still has {what}{}", r.past_end(work.until.min(since)))
        }
        (None, _) if alarmed => format!("STILL OPEN: {subject} may have {what}, though it was never to be kept"),
        (None, Ending::Failed { why }) => format!("Could not grant {what} to {subject}: {why}"),
        _ => format!("Ending: taking {what} away from {subject}"),
    }
}

fn closed(request: &Request, ask: &Ask, closed: (&Ending, Instant, Option<&Held>), r: &Reader<'_>) -> String {
    let (ending, at, held) = closed;
    let subject = r.name(&request.subject);
    if held.is_some_and(|held| held.back_at.is_some()) {
        return format!("STILL OPEN: {subject} has {} again, though it ended", what(ask));
    }
    if let Some((work, held)) = held.and_then(|h| h.work.as_ref().map(|w| (w, h))) {
        let end = held.gone_at.unwrap_or(at);
        let of = duration(work.approved_until().since(work.since).max(held.grant.duration));
        let (from, to, time) = (r.exact(work.since), r.exact(end), rough(end.since(work.since)));
        return format!("Ended: {subject} had {}, {from} to {to} ({time} of {of})", what(ask));
    }
    let was = format!("{} asked for {} {}", r.name(&request.requester), what(ask), how_long(ask, r));
    let by = |verb: &str, by: Option<&PersonId>| by.map_or_else(|| verb.to_owned(), |p| format!("{verb} by {}", r.name(p)));
    match ending {
        Ending::Denied { by: person, .. } => format!("{} {}: {was}", by("Denied", Some(person)), r.moment(at)),
        Ending::Cancelled { by: person, .. } => format!("{}: {was}", by("Cancelled", person.as_ref())),
        Ending::Unanswered => {
            let (only, after) = (waiting::only_got(request, ask, r), rough(at.since(request.opened_at)));
            only.map_or_else(|| format!("Nobody answered in {after}: {was}"), |got| format!("Only {got} in {after}: {was}"))
        }
        Ending::Failed { why } => format!("Could not grant {} to {subject}: {why}", what(ask)),
        Ending::Expired => format!("Ended before it began: {was}"),
        Ending::Returned { .. } => format!("Returned before it began: {was}"),
        Ending::Revoked { by: person, .. } => format!("{} before it began: {was}", by("Revoked", person.as_ref())),
        Ending::Left => format!("Closed, somebody is no longer active: {was}"),
        Ending::Settled { by: person, .. } => format!("{}: {was}", by("Settled", Some(person))),
    }
}
