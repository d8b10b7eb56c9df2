//! May this be asked, and how long would it be? The rules for a new ask, an offer and an extension.

use super::{
    command::{Length, NewAsk},
    facts::Facts,
    ids::{PersonId, ResourceId, RoleName},
    limits,
    policy::{Policy, TicketRule},
    refusal::Refusal,
    request::{Ask, AskKind, Preview, Request, State},
    rounds,
    time::{Instant, Span},
};

/// Furthest ahead that a start may be set.
const FURTHEST_START: Span = Span::from_seconds(30 * 86_400);
/// Nothing shorter is worth a grant.
const SHORTEST: Span = Span::from_minutes(1);

/// Judges a new ask under the policy in force. `open` are the subject's open requests.
pub fn judge(new: &NewAsk, by: &PersonId, preview: Preview, open: &[Request], facts: &Facts<'_>, now: Instant) -> Result<Ask, Refusal> {
    if facts.catalogue.frozen {
        return Err(Refusal::Frozen);
    }
    facts.check_may_act(by)?;
    let (_, _, policy) = facts.catalogue.role(&new.resource, &new.role).ok_or_else(|| Refusal::NoSuchRole {
        resource: new.resource.clone(),
        name: new.role.to_string(),
        near: Vec::new(),
        roles: facts.catalogue.resources.get(&new.resource).map(|r| r.roles.iter().map(|r| r.name.clone()).collect()).unwrap_or_default(),
    })?;
    may_ask(&new.resource, &new.role, by, policy, facts)?;
    let subject = new.subject.clone().unwrap_or_else(|| by.clone());
    may_ask_for(&subject, by, policy, facts)?;
    let length = new.length.unwrap_or(Length::For(policy.default));
    check_start(new.start, now)?;
    check_length(length, (new.start.unwrap_or(now), now), policy)?;
    check_reason(&new.reason.text, policy)?;
    check_ticket(new.ticket.as_deref(), policy.ticket.as_ref())?;
    new.about.as_deref().map_or(Ok(()), check_link)?;
    if let Some(other) = open.iter().find(|r| same_access(r, new, &subject, length, now)) {
        let yours = other.requester == *by || other.subject == *by;
        return Err(Refusal::AlreadyOpen { request: other.id.clone(), subject: (subject != *by).then_some(subject), yours });
    }
    Ok(Ask {
        kind: AskKind::First,
        by: by.clone(),
        subject,
        resource: new.resource.clone(),
        role: new.role.clone(),
        length,
        start: new.start,
        reason: (!new.reason.text.trim().is_empty()).then(|| new.reason.id.clone()),
        ticket: new.ticket.clone(),
        about: new.about.clone(),
        direct: policy.sends_directly(),
        at: now,
        policy: policy.name.clone(),
        preview,
    })
}

/// Asked for already, and not working yet, for a time that this one would lie in too. What works does not count:
/// a second grant beside it is as good as an extension, and neither cuts the other.
fn same_access(request: &Request, new: &NewAsk, subject: &PersonId, length: Length, now: Instant) -> bool {
    let ask = request.main_ask();
    let waiting = matches!(request.state, State::Pending { .. } | State::Scheduled { .. } | State::Granting { .. });
    let same = request.subject == *subject && ask.resource == new.resource && ask.role == new.role;
    let (ours, theirs) = (time_of(new.start, length, now), time_of(ask.start, ask.length, now));
    waiting && same && ours.0 < theirs.1 && theirs.0 < ours.1
}

/// From when to when, if it began at once or at its start.
fn time_of(start: Option<Instant>, length: Length, now: Instant) -> (Instant, Instant) {
    let from = start.unwrap_or(now).max(now);
    match length {
        Length::For(span) => (from, from + span),
        Length::Until(end) => (from, end),
    }
}

/// Judges an accepted offer: the policy of what it asks for now, as if it were asked anew. Its reason was judged when it
/// was written; here it only has to be there where one is needed.
pub fn judge_again(ask: &Ask, requester: &PersonId, facts: &Facts<'_>, now: Instant) -> Result<(), Refusal> {
    let Some((_, _, policy)) = facts.catalogue.role(&ask.resource, &ask.role) else { return Err(Refusal::NoOffer) };
    may_ask(&ask.resource, &ask.role, requester, policy, facts)?;
    may_ask_for(&ask.subject, requester, policy, facts)?;
    check_length(ask.length, (ask.start.unwrap_or(now).max(now), now), policy)?;
    if ask.reason.is_none() && policy.reason.min_chars > 0 {
        return Err(Refusal::ReasonMissing { min_chars: policy.reason.min_chars });
    }
    check_ticket(ask.ticket.as_deref(), policy.ticket.as_ref())
}

/// A chain that nobody could climb is refused when it is asked, not waited for.
pub fn someone_can_approve(request: &Request, facts: &Facts<'_>, now: Instant) -> Result<(), Refusal> {
    let ask = request.main_ask();
    let Some((_, _, policy)) = facts.catalogue.role(&ask.resource, &ask.role) else { return Ok(()) };
    let length = duration_from(ask, ask.start.unwrap_or(now).max(now));
    if rounds::can_be_satisfied(request, rounds::chain(policy, length), facts) {
        Ok(())
    } else {
        Err(Refusal::NobodyCanApprove { resource: ask.resource.clone(), role: ask.role.clone() })
    }
}

fn may_ask(resource: &ResourceId, role: &RoleName, by: &PersonId, policy: &Policy, facts: &Facts<'_>) -> Result<(), Refusal> {
    if facts.includes(&policy.may_ask, by)? {
        return Ok(());
    }
    let roles = facts.catalogue.resources.get(resource).map(|r| r.roles.as_slice()).unwrap_or_default();
    let others = roles.iter().filter(|role| {
        let policy = facts.catalogue.policies.get(&role.policy);
        policy.is_some_and(|p| facts.includes(&p.may_ask, by).unwrap_or(false))
    });
    let others = others.map(|role| role.name.clone()).collect();
    Err(Refusal::MayNotAsk { resource: resource.clone(), role: role.clone(), others })
}

fn may_ask_for(subject: &PersonId, by: &PersonId, policy: &Policy, facts: &Facts<'_>) -> Result<(), Refusal> {
    if subject == by {
        return Ok(());
    }
    if !facts.includes(&policy.on_behalf_of, by)? {
        return Err(Refusal::MayNotAskFor { subject: subject.clone() });
    }
    if facts.is_active(subject) { Ok(()) } else { Err(Refusal::SubjectInactive { subject: subject.clone() }) }
}

fn check_start(start: Option<Instant>, now: Instant) -> Result<(), Refusal> {
    match start {
        Some(start) if start < now => Err(Refusal::StartInPast { start }),
        Some(start) if start > now + FURTHEST_START => Err(Refusal::StartTooFar { start, latest: now + FURTHEST_START }),
        _ => Ok(()),
    }
}

fn check_length(length: Length, (from, now): (Instant, Instant), policy: &Policy) -> Result<(), Refusal> {
    let asked = span_of(length, from, now)?;
    if asked > policy.cap { Err(Refusal::OverCap { asked, cap: policy.cap }) } else { Ok(()) }
}

/// How long that is for access that begins at `from`; refused where it would be nothing, or next to it.
pub fn span_of(length: Length, from: Instant, now: Instant) -> Result<Span, Refusal> {
    let asked = match length {
        Length::For(span) => span,
        Length::Until(end) if end <= now => return Err(Refusal::EndInPast { end }),
        Length::Until(end) if end <= from => return Err(Refusal::EndBeforeStart { end, start: from }),
        Length::Until(end) => end.since(from),
    };
    if asked < SHORTEST {
        return Err(Refusal::BadDuration { text: format!("{} s", asked.seconds()), why: "shorter than a minute".into() });
    }
    Ok(asked)
}

/// Long enough for the policy, after trimming.
pub fn check_reason(reason: &str, policy: &Policy) -> Result<(), Refusal> {
    let min_chars = policy.reason.min_chars;
    if reason.trim().chars().count() < min_chars { Err(Refusal::ReasonMissing { min_chars }) } else { Ok(()) }
}

fn check_ticket(ticket: Option<&str>, rule: Option<&TicketRule>) -> Result<(), Refusal> {
    let Some(rule) = rule else {
        return match ticket {
            Some(ticket) if !looks_like_ticket(ticket, &[]) => {
                Err(Refusal::TicketWrong { ticket: ticket.to_owned(), projects: Vec::new() })
            }
            _ => Ok(()),
        };
    };
    match ticket {
        None if rule.required => Err(Refusal::TicketMissing { projects: rule.projects.clone() }),
        Some(ticket) if !looks_like_ticket(ticket, &rule.projects) => {
            Err(Refusal::TicketWrong { ticket: ticket.to_owned(), projects: rule.projects.clone() })
        }
        _ => Ok(()),
    }
}

/// `OPS-4512`: letters, a dash, digits; at most 40 characters. Anything else could carry markup.
fn looks_like_ticket(ticket: &str, projects: &[String]) -> bool {
    let Some((project, number)) = ticket.rsplit_once('-') else { return false };
    let shape = !project.is_empty()
        && project.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !number.is_empty()
        && number.chars().all(|c| c.is_ascii_digit());
    shape && ticket.len() <= 40 && (projects.is_empty() || projects.iter().any(|p| p == project))
}

/// A web address as platforms make them: characters of an address only, so that it can carry no markup and nothing hidden.
pub fn check_link(link: &str) -> Result<(), Refusal> {
    let bad = |why: String| Err(Refusal::BadText { what: "link".into(), why });
    if link.chars().count() > limits::LINK {
        return bad(format!("it is longer than {} characters", limits::LINK));
    }
    let of_an_address = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}');
    match link.strip_prefix("https://") {
        Some(rest) if !rest.is_empty() && rest.chars().all(of_an_address) => Ok(()),
        _ => bad("it is not a web address that begins with https://".into()),
    }
}

/// How long the ask would last if it began at `from`.
pub fn duration_from(ask: &Ask, from: Instant) -> Span {
    match ask.length {
        Length::For(span) => span,
        Length::Until(end) => end.since(from),
    }
}
