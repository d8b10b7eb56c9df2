//! What time alone brings about, and what a provider's answer does: ticks, news, wake-up times and claims.

use super::{
    command::Length,
    decide::{self, Context, ending, no_more_time, policy_of},
    entitlement::Claim,
    event::{AlarmKind, Event, ExtensionEnd},
    facts::Facts,
    news::News,
    policy::{Policy, Stage},
    request::{Ending, Extension, Grant, Request, Round, State, Work},
    rounds,
    time::{Instant, Span},
};

/// A revoke that is not over by then is an alarm. R3 says by `until` + 30 s; the difference is for ticking and committing.
pub const ALARM_AFTER: Span = Span::from_seconds(25);
/// When something must be asked again because a chat did not answer.
const ASK_AGAIN: Span = Span::from_seconds(10);

/// Everything that has come due at `now`, in order. Idempotent: a second tick at the same time finds nothing. `resumed`: the
/// last moment from which the bot could act again after it could not (it was down, the store was away, the clock jumped).
pub fn tick(request: &Request, context: &Context<'_>, resumed: Instant) -> Vec<Event> {
    match &request.state {
        State::Pending { round } => pending(request, round, context),
        State::Scheduled { round, start } if *start <= context.now => begin(request, round, context),
        State::Granting { grant } if grant.give_up_at.min(grant.latest) <= context.now => {
            let mut events = vec![Event::GrantFailed { why: "it did not work in time".into(), permanent: false }];
            events.extend(noticed_late(grant, None, context.now, resumed));
            events
        }
        State::Active { grant, work, extension } => {
            let mut events = active(request, grant, work, extension.as_ref(), context);
            if events.iter().any(|event| matches!(event, Event::Revoking { .. })) {
                events.extend(noticed_late(grant, Some(work), context.now, resumed));
            }
            events
        }
        State::Revoking { grant, work, since, .. }
            if alarm_at(grant, work.as_ref(), *since, resumed) <= context.now && !request.alarms.contains(&AlarmKind::StillOpen) =>
        {
            vec![Event::AlarmRaised { alarm: AlarmKind::StillOpen }]
        }
        _ => Vec::new(),
    }
}

/// From the end of the access, whoever noticed it when; where the bot could not notice it then, from when it could again.
fn alarm_at(grant: &Grant, work: Option<&Work>, since: Instant, resumed: Instant) -> Instant {
    let end = work.map_or_else(|| grant.give_up_at.min(grant.latest), |work| work.until).min(since);
    // What excuses is what was over before it was noticed. An outage since then does not, unless the noticing itself was so
    // late that something must have excused it: else it would have been alarmed about at once.
    let excused = if resumed <= since || end + ALARM_AFTER <= since { since.min(resumed) } else { end };
    end.max(excused) + ALARM_AFTER
}

/// The alarm that goes with an end which is noticed only when its alarm is due already.
fn noticed_late(grant: &Grant, work: Option<&Work>, now: Instant, resumed: Instant) -> Option<Event> {
    (alarm_at(grant, work, now, resumed) <= now).then_some(Event::AlarmRaised { alarm: AlarmKind::StillOpen })
}

/// Somebody left (R18): what they hold ends at once, what they asked for or was asked for them closes.
pub fn left(request: &Request, person: &super::ids::PersonId) -> Vec<Event> {
    match &request.state {
        State::Pending { .. } | State::Scheduled { .. } if request.subject == *person || request.requester == *person => {
            vec![Event::Left { person: person.clone() }]
        }
        State::Granting { .. } | State::Active { .. } if request.subject == *person => ending(request, Ending::Left),
        _ => Vec::new(),
    }
}

fn stages<'a>(request: &Request, round: &Round, facts: &Facts<'a>, now: Instant) -> Option<(&'a Policy, &'a [Stage])> {
    let policy = policy_of(request, facts)?;
    Some((policy, rounds::chain(policy, decide::asked_length(request, round, now))))
}

fn pending(request: &Request, round: &Round, context: &Context<'_>) -> Vec<Event> {
    let Some((policy, stages)) = stages(request, round, &context.facts, context.now) else { return vec![Event::Unanswered] };
    if (round.opened_at + policy.patience).min(asked_end(request)) <= context.now {
        return vec![Event::Unanswered];
    }
    ladder(round, stages, context.now)
}

/// An end that was asked for as such: an answer after it would come too late.
fn asked_end(request: &Request) -> Instant {
    match request.main_ask().length {
        Length::Until(end) => end,
        Length::For(_) => Instant::from_micros(i64::MAX),
    }
}

/// Escalations and reminders of the open stage.
fn ladder(round: &Round, stages: &[Stage], now: Instant) -> Vec<Event> {
    let Some(stage) = usize::try_from(round.stage).ok().and_then(|i| stages.get(i)) else { return Vec::new() };
    let mut events = Vec::new();
    let first = usize::try_from(round.rung).unwrap_or(usize::MAX);
    for (index, rung) in stage.ladder.iter().enumerate().skip(first) {
        if round.stage_since + round.paused + rung.after <= now {
            events.push(Event::Escalated { rung: u32::try_from(index + 1).unwrap_or(u32::MAX) });
        }
    }
    if reminder_at(round, stage).is_some_and(|at| at <= now) {
        events.push(Event::Reminded);
    }
    events
}

fn reminder_at(round: &Round, stage: &Stage) -> Option<Instant> {
    let every = stage.remind_every?;
    let from = round.reminded_at.unwrap_or(round.stage_since);
    Some(round.looking.as_ref().map_or(from + every, |look| (from + every).max(look.until)))
}

/// A scheduled start: votes are counted afresh (R16); what no longer suffices is asked again.
fn begin(request: &Request, round: &Round, context: &Context<'_>) -> Vec<Event> {
    if context.facts.catalogue.frozen {
        return Vec::new();
    }
    let Some((_, stages)) = stages(request, round, &context.facts, context.now) else {
        return vec![Event::Cancelled { person: None, reason: None }];
    };
    match rounds::count(request, round, stages, &context.facts) {
        Err(_) => Vec::new(),
        Ok(rounds::Count { open: Some(open), dropped, .. }) => {
            vec![Event::Reopened { stage: u32::try_from(open).unwrap_or(u32::MAX), dropped }]
        }
        Ok(_) => match decide::advance(request, context) {
            Ok(events) => events,
            Err(super::refusal::Refusal::EndInPast { .. }) => vec![Event::Cancelled { person: None, reason: None }],
            Err(_) => Vec::new(),
        },
    }
}

fn active(request: &Request, grant: &Grant, work: &Work, extension: Option<&Extension>, context: &Context<'_>) -> Vec<Event> {
    let now = context.now;
    if work.until <= now {
        return match graced(request, grant, work, extension, context) {
            Some(until) => vec![Event::GraceBegan { until }],
            None => ending(request, Ending::Expired),
        };
    }
    let mut events = Vec::new();
    if !work.warned && warn_at(grant, work) <= now {
        events.push(Event::Warned);
    }
    if let Some(Extension::Asked { round }) = extension
        && let Some((policy, stages)) = stages(request, round, &context.facts, now)
    {
        if round.opened_at + policy.patience <= now {
            events.extend(no_more_time(request, ExtensionEnd::Unanswered, None, None));
        } else {
            events.extend(ladder(round, stages, now));
        }
    }
    events
}

/// Until when access that is over goes on since more is being decided: once, inside the cap, no longer than what is asked.
/// None: it ends.
fn graced(request: &Request, grant: &Grant, work: &Work, extension: Option<&Extension>, context: &Context<'_>) -> Option<Instant> {
    let Some(Extension::Asked { round }) = extension else { return None };
    let policy = policy_of(request, &context.facts)?;
    let is_open = context.now < round.opened_at + policy.patience;
    let asked = decide::asked_length(request, round, context.now);
    let most = work.since + grant.cap.min(asked);
    let until = (work.until + grant.grace).min(most).min(grant.end.unwrap_or(most));
    (is_open && !work.grace_used && until > context.now).then_some(until)
}

/// Never in the second in which it is said that it works: what is shorter than the warning is warned of halfway.
fn warn_at(grant: &Grant, work: &Work) -> Instant {
    let (at, half) = (work.until - grant.warning, work.until.since(work.since).seconds() / 2);
    if at > work.since { at } else { work.since + Span::from_seconds(half) }
}

/// When time alone may bring something about; None: never. May be early, never late. `resumed` as for `tick`.
pub fn wake_at(request: &Request, facts: &Facts<'_>, now: Instant, resumed: Instant) -> Option<Instant> {
    match &request.state {
        State::Pending { round } => Some(round_wake(request, round, facts, now).min(asked_end(request))),
        State::Scheduled { start, .. } => Some(if *start <= now { now + ASK_AGAIN } else { *start }),
        State::Granting { grant } => Some(grant.give_up_at.min(grant.latest)),
        State::Active { grant, work, extension } => {
            let warn = (!work.warned).then(|| warn_at(grant, work));
            let round = match extension {
                Some(Extension::Asked { round }) => Some(round_wake(request, round, facts, now)),
                _ => None,
            };
            [Some(work.until), warn, round].into_iter().flatten().min()
        }
        State::Revoking { grant, work, since, .. } => {
            (!request.alarms.contains(&AlarmKind::StillOpen)).then(|| alarm_at(grant, work.as_ref(), *since, resumed))
        }
        State::Closed { .. } => None,
    }
}

fn round_wake(request: &Request, round: &Round, facts: &Facts<'_>, now: Instant) -> Instant {
    let Some((policy, stages)) = stages(request, round, facts, now) else { return now };
    let stage = usize::try_from(round.stage).ok().and_then(|i| stages.get(i));
    let rung = stage.and_then(|s| s.ladder.get(usize::try_from(round.rung).ok()?)).map(|r| round.stage_since + round.paused + r.after);
    let remind = stage.and_then(|s| reminder_at(round, s));
    [Some(round.opened_at + policy.patience), rung, remind].into_iter().flatten().min().unwrap_or(now)
}

/// The end of access that works since then: an end that was asked for as such is kept to the microsecond (R8), inside the cap.
fn end_of(grant: &Grant, since: Instant) -> Instant {
    grant.end.map_or(since + grant.duration, |end| end.min(since + grant.cap)).min(grant.latest)
}

/// What a provider's answer means for this request. News that no longer fits its state means nothing.
pub fn news(request: &Request, news: &News, now: Instant) -> Vec<Event> {
    match (&request.state, news) {
        (State::Granting { grant }, News::Working { since, native_expiry, had_before, how_to_connect }) => {
            let until = end_of(grant, *since);
            if until <= now {
                return vec![Event::GrantFailed { why: "it worked only after its time".into(), permanent: false }];
            }
            vec![Event::Working {
                work: Work {
                    since: *since,
                    until,
                    native_expiry: *native_expiry,
                    had_before: *had_before,
                    how_to_connect: how_to_connect.clone(),
                    warned: false,
                    grace_used: false,
                    graced_from: None,
                    found_absent: false,
                    extended: Vec::new(),
                    unmet: Vec::new(),
                },
            }]
        }
        (State::Granting { .. }, News::GrantFailed { why, permanent }) => {
            let mut events = vec![Event::GrantFailed { why: why.clone(), permanent: *permanent }];
            if *permanent {
                events.push(Event::AlarmRaised { alarm: AlarmKind::GrantFailed });
            }
            events
        }
        (State::Active { extension: Some(Extension::Moving { until, .. }), .. }, News::Extended { native_expiry, how_to_connect }) => {
            vec![Event::Extended { until: *until, native_expiry: *native_expiry, how_to_connect: how_to_connect.clone() }]
        }
        (State::Active { work, .. }, News::FoundAbsent) if !work.found_absent && !work.had_before => vec![Event::FoundAbsent],
        (State::Revoking { .. }, News::Gone { remains, sessions_closed, residue, used, unwritten }) => {
            let mut events = Vec::new();
            if request.alarms.contains(&AlarmKind::StillOpen) {
                events.push(Event::AlarmCleared { alarm: AlarmKind::StillOpen });
            }
            events.push(Event::Gone {
                remains: remains.clone(),
                sessions_closed: *sessions_closed,
                residue: residue.clone(),
                used: used.clone(),
                unwritten: *unwritten,
            });
            if !residue.is_empty() {
                events.push(Event::AlarmRaised { alarm: AlarmKind::Residue });
            }
            events
        }
        (State::Closed { held: Some(_), .. }, News::Back) if !request.alarms.contains(&AlarmKind::StillOpen) => {
            vec![Event::AlarmRaised { alarm: AlarmKind::StillOpen }]
        }
        (State::Closed { held: Some(held), .. }, News::Leftover { residue }) if request.leaves_something() => {
            leftover(request, &held.residue, residue)
        }
        _ => Vec::new(),
    }
}

/// The access is not there, and this remains of it.
fn leftover(request: &Request, before: &[String], residue: &[String]) -> Vec<Event> {
    let is_open = |alarm: AlarmKind| request.alarms.contains(&alarm);
    let over = |alarm: AlarmKind| is_open(alarm).then_some(Event::AlarmCleared { alarm });
    let changed = (before != residue).then(|| Event::Leftover { residue: residue.to_vec() });
    let mut events: Vec<Event> = over(AlarmKind::StillOpen).into_iter().chain(changed).collect();
    if residue.is_empty() {
        events.extend(over(AlarmKind::Residue));
    } else if !is_open(AlarmKind::Residue) {
        events.push(Event::AlarmRaised { alarm: AlarmKind::Residue });
    }
    events
}

/// The request's only word to its entitlement; None: it has none (any more).
pub fn claim(request: &Request) -> Option<Claim> {
    let (grant, until, extend_to, wanted) = match &request.state {
        State::Granting { grant } => (grant, None, None, true),
        State::Active { grant, work, extension } => {
            let to = match extension {
                Some(Extension::Moving { until, .. }) => Some(*until),
                _ => None,
            };
            (grant, Some(work.until), to, true)
        }
        State::Revoking { grant, work, since, .. } => (grant, Some(work.as_ref().map_or(*since, |w| w.until)), None, false),
        _ => return None,
    };
    Some(Claim {
        entitlement: grant.entitlement.clone(),
        request: request.id.clone(),
        grant: grant.id.clone(),
        wanted,
        until,
        extend_to,
        latest: grant.latest,
        give_up_at: grant.give_up_at,
        // Up to an end that was asked for as such; `latest` is that end.
        duration: if grant.end.is_some() { grant.duration + Span::from_seconds(1) } else { grant.duration },
    })
}
