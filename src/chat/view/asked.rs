//! What was asked for, by which rule, and what is unusual about it: all that an approver weighs before a press. Pure.

use super::{AskedView, Reader, waiting};
use crate::{
    bot::{Around, Past},
    chat::words::{duration, list, night, rough},
    domain::{
        command::Length,
        policy::{Policy, Stage},
        request::{Ask, Request, State},
        time::Span,
    },
};

pub(super) fn asked(request: &Request, ask: &Ask, r: &Reader<'_>, around: &Around) -> AskedView {
    let policy = r.policy(ask);
    let link = policy.and_then(|p| p.ticket.as_ref()).and_then(|t| t.link.as_ref());
    let stages = waiting::stages(ask, request, r);
    AskedView {
        requester: r.name(&request.requester),
        account: r.account(&request.requester),
        subject: r.name(&request.subject),
        for_other: request.requester != request.subject,
        resource: ask.resource.to_string(),
        title: r.catalogue.resources.get(&ask.resource).map(|res| res.title.clone()).unwrap_or_default(),
        role: ask.role.to_string(),
        length: r.length(ask.length),
        start: ask.start.map(|s| r.moment(s)),
        reason: r.some_text(ask.reason.as_ref()),
        ticket: ask.ticket.clone(),
        ticket_link: link.zip(ask.ticket.as_ref()).map(|(link, ticket)| link.replace("{ticket}", ticket)),
        about: ask.about.clone(),
        gets: gets(request, ask, r),
        rule: policy.map_or_else(|| format!("{} (no longer in the catalogue)", ask.policy), |p| rule(p, stages, ask, r)),
        past: around.past.as_ref().map(|p| past(p, ask, r)),
    }
}

/// What a press will bring about: the thing, and how long it lasts.
fn gets(request: &Request, ask: &Ask, r: &Reader<'_>) -> String {
    let what = if ask.preview.gets.is_empty() { super::what(ask) } else { ask.preview.gets.clone() };
    if matches!(request.state, State::Active { .. } | State::Revoking { work: Some(_), .. }) {
        // Its end is known by now, and stands in the first line.
        return what;
    }
    match (ask.length, ask.start) {
        (Length::For(span), None) => format!("{what}, ends {} after it works", duration(span)),
        (Length::For(span), Some(start)) => format!("{what}, from {}, ends {} after it works", r.moment(start), duration(span)),
        (Length::Until(end), None) => format!("{what}, ends at {}", r.moment(end)),
        (Length::Until(end), Some(start)) => format!("{what}, from {} to {}", r.moment(start), r.moment(end)),
    }
}

/// The chain, and what is approved along with the press: the ceiling and the grace.
fn rule(policy: &Policy, stages: &[Stage], ask: &Ask, r: &Reader<'_>) -> String {
    let needed: usize = stages.iter().map(|s| s.needed).sum();
    let chain = stages.iter().map(|s| r.whos(&s.approvers)).collect::<Vec<_>>().join(", then ");
    let approvals = match needed {
        0 => "no approval needed".to_owned(),
        1 => format!("1 approval: {chain}"),
        n => format!("{n} approvals: {chain}"),
    };
    let asked = match ask.length {
        Length::For(span) => Some(span),
        Length::Until(_) => None,
    };
    let ceiling = policy.extend_to.map(|to| to.min(policy.cap)).filter(|to| asked.is_some_and(|asked| *to > asked));
    let extend = ceiling.map(|to| format!(" · may be extended to {}", duration(to))).unwrap_or_default();
    let grace = if policy.grace > Span::ZERO { format!(" · grace {}", duration(policy.grace)) } else { String::new() };
    format!("{}: {approvals}{extend}{grace} · cap {}", policy.name, duration(policy.cap))
}

fn past(past: &Past, ask: &Ask, r: &Reader<'_>) -> String {
    let held = past.holds.iter().map(|(role, end)| end.map_or_else(|| role.to_string(), |end| format!("{role} until {}", r.moment(end))));
    let held: Vec<String> = held.collect();
    let holds = if held.is_empty() { "holds nothing here".to_owned() } else { format!("holds {} here", list(&held)) };
    match &past.last {
        Some(last) => {
            let what = if last.role == ask.role { "it" } else { last.role.as_str() };
            format!("{holds} · last had {what} {}, {}", r.relative(last.end), rough(last.length))
        }
        None if held.is_empty() => format!("{holds} · never had it"),
        None => holds,
    }
}

pub(super) fn unusual(request: &Request, ask: &Ask, r: &Reader<'_>, around: &Around) -> Vec<String> {
    let mut lines = Vec::new();
    let subject = || r.name(&request.subject);
    if matches!(request.state, State::Pending { .. } | State::Scheduled { .. }) {
        if around.past.as_ref().is_some_and(|p| p.last.is_none() && p.holds.is_empty()) {
            lines.push("First time on this resource".to_owned());
        }
        let zone = r.catalogue.people.get(&request.subject).and_then(|p| p.time_zone).unwrap_or(r.catalogue.time_zone);
        if let Some(time) = night(ask.at, zone) {
            lines.push(format!("{time} for {}", subject()));
        }
    }
    if let State::Active { work, .. } = &request.state {
        if work.had_before {
            lines.push(format!("{} had this before: nothing was given, nothing will be taken away", subject()));
        }
        if work.found_absent {
            lines.push("Somebody took it away at the target; it is not given again".to_owned());
        }
    }
    lines
}
