//! One entry as a line for people: when, where, what, by whom, through which door. Says what the entry says; the words
//! that people gave are not in it.

use std::fmt;

use crate::{
    domain::{
        command::{Actor, Length},
        digest::{About, PolicyChange},
        event::{Effect, Event, Operation},
        request::{Ask, Ending, Remains},
        spans,
        time::{Instant, Span},
    },
    store::{Entry, entry::Said},
};

/// Digits of an entitlement's name that are shown; `ledger show` takes them.
const SHORT: usize = 12;

/// What is printed for an entry.
pub(super) struct Line<'a> {
    pub entry: &'a Entry,
    pub said: &'a Result<Said, String>,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, stream, n) = (second(self.entry.at), short(&self.entry.stream), self.entry.n);
        write!(f, "{at}  {stream:<24} {n:>3}  ")?;
        match self.said {
            Err(why) => write!(f, "CANNOT BE READ: {}", plain(why)),
            Ok(said) => write!(f, "{}  · {}", plain(&what(&self.entry.stream, said)), plain(&who(&said.actor))),
        }
    }
}

fn second(at: Instant) -> String {
    at.utc().format("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn short(stream: &str) -> String {
    match stream.split_once('/') {
        Some(("request", id)) => id.to_owned(),
        Some(("entitlement", key)) => format!("entitlement/{}", key.get(..SHORT).unwrap_or(key)),
        _ => plain(stream),
    }
}

/// Safe for a terminal: nothing in it moves the cursor or turns the line around.
pub(super) fn plain(text: &str) -> String {
    let is_turning = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || is_turning(c) { '\u{fffd}' } else { c }).collect()
}

/// The name that it has in the ledger.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn who(actor: &Actor) -> String {
    let Some(person) = &actor.person else { return "the bot".into() };
    match &actor.door {
        Some(door) => format!("{person} through {} as {}", door.platform.name(), door.user),
        None => person.to_string(),
    }
}

fn what(stream: &str, said: &Said) -> String {
    let event = || said.event.clone();
    let told = if stream.starts_with("request/") {
        serde_json::from_value(event()).map(|event| of_request(&event))
    } else if stream.starts_with("entitlement/") {
        serde_json::from_value(event()).map(|effect| of_entitlement(&effect))
    } else {
        serde_json::from_value(event()).map(|operation| of_bot(&operation))
    };
    told.unwrap_or_else(|_| said.event["type"].as_str().unwrap_or("an event of an unknown kind").to_owned())
}

fn span(length: Span) -> String {
    spans::words(length)
}

fn asked(ask: &Ask) -> String {
    let length = match ask.length {
        Length::For(length) => format!("for {}", span(length)),
        Length::Until(end) => format!("until {}", second(end)),
    };
    let start = ask.start.map(|start| format!(", from {}", second(start))).unwrap_or_default();
    let subject = if ask.by == ask.subject { String::new() } else { format!(" for {}", ask.subject) };
    format!("{} on {}{subject} {length}{start}", ask.role, ask.resource)
}

fn of_request(event: &Event) -> String {
    match event {
        Event::Asked { ask } => format!("asked: {}", asked(ask)),
        Event::Escalated { rung } => format!("escalated to rung {rung}"),
        Event::Looking { person, until } => format!("looking: {person} until {}", second(*until)),
        Event::PassedOn { by, to } => format!("passed_on: {by} asks {to}"),
        Event::Approved { person, stage, .. } => format!("approved by {person} in stage {}", stage + 1),
        Event::TakenBack { person } => format!("taken_back: the vote of {person}"),
        Event::StageOpened { stage } => format!("stage_opened: {}", stage + 1),
        Event::Offered { person, less, .. } => {
            let role = less.role.as_ref().map(|role| format!(" {role}")).unwrap_or_default();
            let length = less.duration.map(|length| format!(" for {}", span(length))).unwrap_or_default();
            format!("offered by {person}:{role}{length}")
        }
        Event::OfferAccepted { ask } => format!("offer_accepted: {}", asked(ask)),
        Event::Recounted { dropped, stage, policy } => {
            format!("recounted under {policy}: stage {}, {} votes no longer count", stage + 1, dropped.len())
        }
        Event::Reopened { stage, dropped } => format!("reopened: stage {}, {} votes no longer count", stage + 1, dropped.len()),
        Event::Denied { person, .. } => format!("denied by {person}"),
        Event::Scheduled { start } => format!("scheduled: begins {}", second(*start)),
        Event::Granting { grant } => {
            format!(
                "granting: {} on {} for {}, undone if it does not work by {}",
                grant.role,
                grant.resource,
                span(grant.duration),
                second(grant.give_up_at)
            )
        }
        Event::Shortened { duration, latest, .. } => format!("shortened: {}, by {} at the latest", span(*duration), second(*latest)),
        Event::Working { work } => {
            let before = if work.had_before { ", had it before" } else { "" };
            format!("working since {} until {}{before}", second(work.since), second(work.until))
        }
        Event::GrantFailed { why, .. } => format!("grant_failed: {why}"),
        Event::ExtensionAsked { ask } => format!("extension_asked: {}", asked(ask)),
        Event::ExtensionApproved { until } => format!("extension_approved until {}", second(*until)),
        Event::Extended { until, .. } => format!("extended until {}", second(*until)),
        Event::GraceBegan { until } => format!("grace_began until {}", second(*until)),
        Event::Revoking { cause } => format!("revoking: {}", ending(cause)),
        Event::Gone { remains, .. } => format!("gone: {}", left(remains)),
        Event::Leftover { residue } if residue.is_empty() => "leftover: nothing remains".into(),
        Event::Leftover { residue } => format!("leftover: {} still there", residue.len()),
        Event::Settled { person, .. } => format!("settled by {person}"),
        Event::CredentialShown { person } => format!("credential_shown to {person}"),
        Event::Refused { act, why } => format!("refused: {act} ({why})"),
        Event::Left { person } | Event::OfferDeclined { person } => format!("{}: {person}", event.name()),
        Event::Cancelled { person: Some(person), .. } | Event::ExtensionClosed { person: Some(person), .. } => {
            format!("{} by {person}", event.name())
        }
        Event::AlarmRaised { alarm } | Event::AlarmCleared { alarm } => format!("{}: {}", event.name(), word(alarm)),
        Event::Reminded
        | Event::Unanswered
        | Event::Warned
        | Event::FoundAbsent
        | Event::Cancelled { person: None, .. }
        | Event::ExtensionClosed { person: None, .. } => event.name(),
    }
}

fn ending(cause: &Ending) -> String {
    match cause {
        Ending::Denied { by, .. } => format!("denied by {by}"),
        Ending::Cancelled { by: Some(by), .. } => format!("cancelled by {by}"),
        Ending::Cancelled { by: None, .. } => "cancelled".into(),
        Ending::Unanswered => "unanswered".into(),
        Ending::Failed { why } => format!("failed: {why}"),
        Ending::Expired => "its time is over".into(),
        Ending::Returned { by } => format!("returned by {by}"),
        Ending::Revoked { by: Some(by), .. } => format!("revoked by {by}"),
        Ending::Revoked { by: None, .. } => "revoked".into(),
        Ending::Left => "the person left".into(),
        Ending::Settled { by, .. } => format!("settled by {by}"),
    }
}

fn left(remains: &Remains) -> String {
    match remains {
        Remains::Nothing => "read back, nothing is left".into(),
        Remains::Through { request } => format!("still there through {request}"),
        Remains::Before => "as it was before".into(),
        Remains::Unknown => "nobody read it back".into(),
    }
}

fn of_entitlement(effect: &Effect) -> String {
    match effect {
        Effect::Intent { verb, provider, target, principal, deadline, .. } => {
            format!("intent: {} at {provider}, {target} for {principal}, answer due {}", word(verb), second(*deadline))
        }
        Effect::Answer { verb, answer } => format!("answer to {}: {answer}", word(verb)),
        Effect::Outcome { verb, outcome, tries, detail } => {
            let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
            format!("outcome of {}: {} after {tries} tries{detail}", word(verb), word(outcome))
        }
        Effect::Unwritten { verb, outcome, at, .. } => {
            format!("unwritten: {} {} at {}, while the store was away", word(verb), word(outcome), second(*at))
        }
    }
}

fn changed(change: &PolicyChange) -> String {
    let about = match change.about() {
        About::File => "the file".to_owned(),
        About::Policy(name) => format!("policy {name}"),
        About::Group(id) => format!("group {id}"),
        About::Resource(id) => format!("resource {id}"),
        About::Role { resource, role } => format!("{role} on {resource}"),
        About::Person(id) => format!("person {id}"),
    };
    match change {
        PolicyChange::Added { .. } => format!("{about} is new"),
        PolicyChange::Removed { .. } => format!("{about} is gone"),
        PolicyChange::Changed { key, before: None, after: None, .. } => format!("{about} {key} is another"),
        PolicyChange::Changed { key, before, after, .. } => {
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
            format!("{about} {key} {} -> {}", shown(before), shown(after))
        }
    }
}

fn of_bot(operation: &Operation) -> String {
    match operation {
        Operation::Started { version } => format!("started: version {version}"),
        Operation::Stopped => "stopped".into(),
        Operation::PolicyLoaded { digest, changes, more, .. } => {
            let all = changes.iter().map(changed).chain((*more > 0).then(|| format!("and {more} more")));
            let all: Vec<String> = all.collect();
            if all.is_empty() { format!("policy_loaded: {digest}") } else { format!("policy_loaded: {digest}: {}", all.join("; ")) }
        }
        Operation::PolicyRefused { why, .. } => format!("policy_refused: {why}"),
        Operation::ClockJumped { from, to } => format!("clock_jumped from {} to {}", second(*from), second(*to)),
        Operation::ClockConfirmed { by: Some(by) } => format!("clock_confirmed by {by}"),
        Operation::ClockConfirmed { by: None } => "clock_confirmed".into(),
        Operation::Linked { person, what } => format!("linked: {person} gave {what}"),
        Operation::Unlinked { person, what } => format!("unlinked: {what} is no longer {person}"),
        Operation::Refused { act, why } => format!("refused: {act} ({why})"),
        Operation::NotAsked { resource, role, why, .. } => {
            let role = role.as_ref().map(|role| format!("{role} on ")).unwrap_or_default();
            let resource = resource.as_ref().map_or("something", |resource| resource.as_str());
            format!("not_asked: {role}{resource} ({why})")
        }
        Operation::Looked { what } => format!("looked at {what}"),
        Operation::Left { person } => format!("left: {person}"),
        Operation::StoreWasDown { since, for_ } => format!("store_was_down since {} for {}", second(*since), span(*for_)),
        Operation::AlarmRaised { alarm } => format!("alarm_raised: {alarm}"),
        Operation::AlarmCleared { alarm } => format!("alarm_cleared: {alarm}"),
        Operation::DriftFound { kind, provider, target, principal, .. } => {
            format!("drift_found: {}: {principal} on {target} in {provider}", kind.name())
        }
        Operation::DriftGone { kind, provider, target, principal, .. } => {
            format!("drift_gone: {}: {principal} on {target} in {provider}", kind.name())
        }
        Operation::DriftUnwatched { kind, provider, target, principal, .. } => {
            format!("drift_unwatched: {}: {principal} on {target} in {provider}", kind.name())
        }
    }
}
