//! The transition table, printed from the one match that moves a request: every event in every state. A change of the
//! lifecycle is a change of the snapshot.

use std::fmt::Write as _;

use hallpass::domain::{
    command::{Length, Less},
    entitlement::EntitlementKey,
    event::{AlarmKind, Event, ExtensionEnd},
    ids::PersonId,
    request::{Ask, AskKind, Ending, Extension, Grant, GrantId, Preview, Remains, Round, State, Work},
    time::Span,
    words::{WordId, Words},
};

use crate::world::START;

fn ana() -> PersonId {
    "ana".parse().unwrap()
}

fn reason() -> WordId {
    Words::new("why", 7).id
}

fn ask() -> Ask {
    Ask {
        kind: AskKind::First,
        by: ana(),
        subject: ana(),
        resource: "prod-db".parse().unwrap(),
        role: "write".parse().unwrap(),
        length: Length::For(Span::from_minutes(60)),
        start: None,
        reason: None,
        ticket: None,
        about: None,
        direct: false,
        at: START,
        policy: "prod-data".parse().unwrap(),
        preview: Preview::default(),
    }
}

fn grant() -> Grant {
    Grant {
        id: GrantId::new(1),
        entitlement: EntitlementKey("key".into()),
        resource: "prod-db".parse().unwrap(),
        role: "write".parse().unwrap(),
        policy: "prod-data".parse().unwrap(),
        duration: Span::from_minutes(60),
        end: None,
        ceiling: Span::from_minutes(60),
        cap: Span::from_minutes(60),
        grace: Span::ZERO,
        warning: Span::ZERO,
        decided_at: START,
        give_up_at: START,
        latest: START,
        votes: Vec::new(),
    }
}

fn work() -> Work {
    Work {
        since: START,
        until: START,
        native_expiry: None,
        had_before: false,
        how_to_connect: None,
        warned: false,
        grace_used: false,
        graced_from: None,
        found_absent: false,
        extended: Vec::new(),
        unmet: Vec::new(),
    }
}

fn states() -> Vec<State> {
    let active = |extension| State::Active { grant: grant(), work: work(), extension };
    let revoking = State::Revoking { grant: grant(), work: Some(work()), cause: Ending::Expired, since: START };
    let gone = Event::Gone { remains: Remains::Nothing, sessions_closed: None, residue: Vec::new(), used: None, unwritten: None };
    vec![
        State::Pending { round: Round::new(0, START) },
        State::Scheduled { round: Round::new(0, START), start: START },
        State::Granting { grant: grant() },
        active(None),
        active(Some(Extension::Asked { round: Round::new(0, START) })),
        active(Some(Extension::Moving { until: START, votes: Vec::new() })),
        revoking.clone(),
        revoking.next(&gone, START, 0).unwrap(),
        State::Closed { ending: Ending::Unanswered, at: START, held: None, votes: Vec::new() },
    ]
}

/// One of every event there is. A new one does not compile before it stands here.
fn events() -> Vec<Event> {
    let less = Less { role: None, duration: Some(Span::from_minutes(30)) };
    let all = vec![
        Event::Asked { ask: ask() },
        Event::Reminded,
        Event::Escalated { rung: 1 },
        Event::Looking { person: ana(), until: START },
        Event::PassedOn { by: ana(), to: ana() },
        Event::Approved { person: ana(), stage: 0, rung: 0, comment: None },
        Event::TakenBack { person: ana() },
        Event::StageOpened { stage: 1 },
        Event::Offered { person: ana(), less, comment: None },
        Event::OfferDeclined { person: ana() },
        Event::OfferAccepted { ask: ask() },
        Event::Recounted { dropped: Vec::new(), stage: 0, policy: "prod-data".parse().unwrap() },
        Event::Denied { person: ana(), reason: reason() },
        Event::Cancelled { person: None, reason: None },
        Event::Unanswered,
        Event::Left { person: ana() },
        Event::Scheduled { start: START },
        Event::Reopened { stage: 0, dropped: Vec::new() },
        Event::Granting { grant: grant() },
        Event::Shortened { duration: Span::from_minutes(30), latest: START, cap: Span::from_minutes(30) },
        Event::Working { work: work() },
        Event::GrantFailed { why: "no".into(), permanent: false },
        Event::Warned,
        Event::ExtensionAsked { ask: ask() },
        Event::ExtensionClosed { how: ExtensionEnd::Denied, person: None, reason: None },
        Event::ExtensionApproved { until: START },
        Event::Extended { until: START, native_expiry: None, how_to_connect: None },
        Event::GraceBegan { until: START },
        Event::FoundAbsent,
        Event::Revoking { cause: Ending::Expired },
        Event::Gone { remains: Remains::Nothing, sessions_closed: None, residue: Vec::new(), used: None, unwritten: None },
        Event::Leftover { residue: vec!["a table".into()] },
        Event::Settled { person: ana(), reason: reason() },
        Event::CredentialShown { person: ana() },
        Event::AlarmRaised { alarm: AlarmKind::StillOpen },
        Event::AlarmCleared { alarm: AlarmKind::StillOpen },
        Event::Refused { act: "approve".into(), why: "own_request".into() },
    ];
    for event in &all {
        match event {
            Event::Asked { .. }
            | Event::Reminded
            | Event::Escalated { .. }
            | Event::Looking { .. }
            | Event::PassedOn { .. }
            | Event::Approved { .. }
            | Event::TakenBack { .. }
            | Event::StageOpened { .. }
            | Event::Offered { .. }
            | Event::OfferDeclined { .. }
            | Event::OfferAccepted { .. }
            | Event::Recounted { .. }
            | Event::Denied { .. }
            | Event::Cancelled { .. }
            | Event::Unanswered
            | Event::Left { .. }
            | Event::Scheduled { .. }
            | Event::Reopened { .. }
            | Event::Granting { .. }
            | Event::Shortened { .. }
            | Event::Working { .. }
            | Event::GrantFailed { .. }
            | Event::Warned
            | Event::ExtensionAsked { .. }
            | Event::ExtensionClosed { .. }
            | Event::ExtensionApproved { .. }
            | Event::Extended { .. }
            | Event::GraceBegan { .. }
            | Event::FoundAbsent
            | Event::Revoking { .. }
            | Event::Gone { .. }
            | Event::Leftover { .. }
            | Event::Settled { .. }
            | Event::CredentialShown { .. }
            | Event::AlarmRaised { .. }
            | Event::AlarmCleared { .. }
            | Event::Refused { .. } => {}
        }
    }
    all
}

#[test]
fn the_whole_lifecycle() {
    let mut table = String::new();
    for event in events() {
        let moves = states().into_iter().filter_map(|state| {
            let before = state.name();
            let after = state.next(&event, START, 0).ok()?.name();
            Some(if before == after { format!("{before} (stays)") } else { format!("{before} -> {after}") })
        });
        let mut moves: Vec<_> = moves.collect();
        moves.dedup();
        let told = if moves.is_empty() { "never".to_owned() } else { moves.join(" | ") };
        writeln!(table, "{:<20}{told}", event.name()).unwrap();
    }
    insta::assert_snapshot!("lifecycle", table);
}

#[test]
fn what_is_closed_stays_closed() {
    for event in events() {
        let closed = states().pop().unwrap();
        let after = closed.clone().next(&event, START, 0);
        assert!(after.as_ref().map_or(true, |after| *after == closed), "{event:?}: {after:?}");
    }
}

/// Only what remains of it may change.
#[test]
fn how_access_ended_stays_as_it_was() {
    let how = |state: &State| match state {
        State::Closed { ending, at, held: Some(held), .. } => Some((ending.clone(), *at, held.gone_at, held.grant.id.clone())),
        _ => None,
    };
    let ended = states().into_iter().find(|state| how(state).is_some()).unwrap();
    for event in events() {
        let Ok(after) = ended.clone().next(&event, START + Span::from_minutes(1), 0) else { continue };
        assert_eq!(how(&after), how(&ended), "{event:?}");
    }
}

#[test]
fn access_ends_only_by_revoking_and_what_is_revoking_closes_only_as_gone_or_settled() {
    for event in events() {
        for state in states() {
            let before = state.name();
            let Ok(after) = state.next(&event, START, 0) else { continue };
            let held = before.starts_with("active") || before == "granting";
            assert!(!held || !matches!(after, State::Closed { .. }), "{before} closes by {event:?} without a revoke");
            if before == "revoking" && matches!(after, State::Closed { .. }) {
                assert!(matches!(event, Event::Gone { .. } | Event::Settled { .. }), "{event:?}");
            }
        }
    }
}
