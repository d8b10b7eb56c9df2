//! The lines of threads and the private messages, for every event; and the alarms' posts.

use std::collections::BTreeSet;

use hallpass::{
    chat::{Message, render::Templates},
    domain::{
        command::Length,
        event::{AlarmKind, Event, ExtensionEnd},
        request::{Ask, AskKind, Ending, Remains, Work},
        time::{Instant, Span},
    },
    store::Alarm,
    worker::{Scene, Shows},
};

use super::{
    every,
    sample::{Story, ask, drawn, hour, said, texts},
    section, states,
};
use crate::world::{START, World};

/// Every event as the last one of a story.
pub(crate) fn all() -> Vec<(&'static str, Vec<Story>)> {
    let person = |name: &str| name.parse().unwrap();
    let until = START + Span::from_minutes(93);
    let closed = |how, by: Option<&str>, reason: Option<&str>| {
        Story::more_asked().after(60).then(Event::ExtensionClosed { how, person: by.map(person), reason: reason.map(said) })
    };
    every!(Event:
        Asked => [Story::asked(), Story::of(Ask { subject: person("cleo"), ..ask("write", hour()) })],
        Reminded => [Story::asked().after(300).then(Event::Reminded)],
        Escalated => [Story::asked().after(600).then(Event::Escalated { rung: 1 })],
        Looking => [Story::asked().after(60).then(Event::Looking { person: person("ben"), until: START + Span::from_minutes(6) })],
        PassedOn => [Story::asked().after(60).then(Event::PassedOn { by: person("ben"), to: person("dora") })],
        Approved => [
            Story::asked().after(60).approved("ben", 0, None),
            Story::of(Ask { policy: "prod-admin".parse().unwrap(), ..ask("admin", hour()) }).after(60).approved("ben", 0, Some("only the import table, please")),
        ],
        TakenBack => [Story::half_decided().then(Event::TakenBack { person: person("ben") })],
        StageOpened => [Story::half_decided()],
        Offered => [Story::offered(), Story::less_time()],
        OfferDeclined => [Story::offered().then(Event::OfferDeclined { person: person("ana") })],
        OfferAccepted => [Story::less_time().then(Event::OfferAccepted { ask: Ask { kind: AskKind::Extension, length: Length::For(Span::from_minutes(30)), ..ask("write", hour()) } }), Story::offered().then(Event::OfferAccepted { ask: Ask { kind: AskKind::Offer, ..ask("read", hour()) } })],
        Recounted => [
            Story::half_decided().then(Event::Recounted { dropped: vec![person("ben")], stage: 0, policy: "prod-admin".parse().unwrap() }),
            Story::half_decided().then(Event::Recounted { dropped: Vec::new(), stage: 1, policy: "prod-admin".parse().unwrap() }),
        ],
        Denied => [Story::asked().after(131).then(Event::Denied { person: person("ben"), reason: said("use the read replica") })],
        Cancelled => [
            Story::asked().then(Event::Cancelled { person: Some(person("ana")), reason: Some(said("not needed any more")) }),
            Story::asked().then(Event::Cancelled { person: None, reason: None }),
        ],
        Unanswered => [Story::asked().after(14_400).then(Event::Unanswered), Story::half_decided().after(14_400).then(Event::Unanswered)],
        Left => [Story::of(Ask { subject: person("cleo"), ..ask("write", hour()) }).then(Event::Left { person: person("cleo") })],
        Scheduled => [scheduled()],
        Reopened => [scheduled().after(7200).then(Event::Reopened { stage: 0, dropped: vec![person("ben")] })],
        Granting => [Story::decided()],
        Shortened => [Story::decided().then(Event::Shortened {
            duration: Span::from_minutes(30),
            latest: START + Span::from_minutes(48),
            cap: Span::from_minutes(30),
        })],
        Working => [
            Story::active(),
            Story::decided().then(Event::Working { work: Work { had_before: true, ..Story::decided().work() } }),
            Story::active().with(|a| a.sessions = Some(hallpass::provider::Sessions::NextRequest)),
        ],
        GrantFailed => [
            Story::grant_failed(false),
            { let failed = Story::grant_failed(true); Story { last: Event::GrantFailed { why: "role \"orders_write\" does not exist".into(), permanent: true }, ..failed } },
        ],
        Warned => [Story::active().after(3300).then(Event::Warned)],
        ExtensionAsked => [Story::more_asked()],
        ExtensionClosed => [
            closed(ExtensionEnd::Denied, Some("ben"), Some("that is long enough")),
            closed(ExtensionEnd::Cancelled, Some("ana"), None),
            closed(ExtensionEnd::Unanswered, None, None),
            closed(ExtensionEnd::Overtaken, None, None),
        ],
        ExtensionApproved => [Story::active().after(60).then(Event::ExtensionApproved { until })],
        Extended => [Story::active().after(60).then(Event::ExtensionApproved { until }).then(Event::Extended { until, native_expiry: None, how_to_connect: Some("a new certificate\nssh-ed25519-cert AAAA".into()) })],
        GraceBegan => [Story::graced()],
        FoundAbsent => [Story::active().after(600).then(Event::FoundAbsent)],
        Revoking => [Story::active().after(600).revoking(Ending::Expired)],
        Gone => [
            Story::returned(),
            Story::active().after(3600).revoking(Ending::Expired).after(1).gone(Remains::Before),
            Story::grant_failed(true).after(3).gone(Remains::Nothing),
        ],
        Leftover => [residue().after(60).then(Event::Leftover { residue: vec!["1 table".into(), "2 functions".into()] }), cleaned()],
        Settled => [
            Story::stuck().then(Event::AlarmCleared { alarm: AlarmKind::StillOpen }).then(Event::Settled { person: person("eve"), reason: said("server deleted") }),
            settled(),
        ],
        CredentialShown => [Story::active().after(60).then(Event::CredentialShown { person: person("ana") })],
        AlarmRaised => [Story::stuck(), Story::grant_failed(true), residue(), back()],
        AlarmCleared => [Story::stuck().then(Event::AlarmCleared { alarm: AlarmKind::StillOpen })],
        Refused => [Story::asked().then(Event::Refused { act: "approve".into(), why: "own_request".into() })],
    )
}

fn scheduled() -> Story {
    let start = START + Span::from_minutes(120);
    let asked = Story::of(Ask { start: Some(start), ..ask("write", hour()) });
    asked.after(60).approved("ben", 0, None).then(Event::Scheduled { start })
}

/// The clean-up has come to its end.
fn cleaned() -> Story {
    residue().after(60).then(Event::Leftover { residue: Vec::new() })
}

/// Somebody has taken over what remained.
pub(super) fn settled() -> Story {
    let cleared = residue().after(600).then(Event::AlarmCleared { alarm: AlarmKind::Residue });
    cleared.then(Event::Settled { person: "eve".parse().unwrap(), reason: said("kept for the audit") })
}

/// Found at its target again, an hour after its end.
pub(super) fn back() -> Story {
    Story::returned().after(3600).then(Event::AlarmRaised { alarm: AlarmKind::StillOpen })
}

pub(super) fn residue() -> Story {
    let ended = Story::active().after(3600).revoking(Ending::Expired).after(1);
    let residue = vec!["schema scratch_ana is owned by ana.reyes".to_owned()];
    let gone = Event::Gone { remains: Remains::Nothing, sessions_closed: None, residue, used: None, unwritten: None };
    ended.then(gone).then(Event::AlarmRaised { alarm: AlarmKind::Residue })
}

async fn shown(message: Option<Message>) -> String {
    match message {
        Some(message) => drawn(&message).await,
        None => "(nothing)".to_owned(),
    }
}

#[test]
fn samples_end_with_the_event_they_stand_for() {
    for (variant, stories) in all() {
        for story in stories {
            assert!(format!("{:?}", story.last).starts_with(variant), "{variant}: {:?}", story.last);
        }
    }
}

#[tokio::test]
async fn every_line_of_a_thread() {
    let (templates, texts) = (Templates::load(None).unwrap(), texts());
    let mut page = String::new();
    for (variant, stories) in all() {
        for story in stories {
            page.push_str(&section(variant, &shown(story.reply(&templates, &texts)).await));
        }
    }
    insta::assert_snapshot!("replies", page);
}

#[tokio::test]
async fn every_private_message() {
    let (templates, texts) = (Templates::load(None).unwrap(), texts());
    let mut page = String::new();
    for (variant, stories) in all() {
        for story in stories {
            for to in BTreeSet::from([&story.request.requester, &story.request.subject]) {
                let text = shown(story.direct(to.as_str(), &templates, &texts)).await;
                page.push_str(&section(&format!("{variant} to {to}"), &text));
            }
        }
    }
    insta::assert_snapshot!("directs", page);
}

#[tokio::test]
async fn every_closing_summary() {
    let (templates, texts) = (Templates::load(None).unwrap(), texts());
    let mut page = String::new();
    for (variant, stories) in states::endings() {
        for (name, story) in stories {
            page.push_str(&section(format!("{variant} {name}").trim(), &shown(story.reply(&templates, &texts)).await));
        }
    }
    insta::assert_snapshot!("summaries", page);
}

/// Every kind of alarm, by its id, with what it is about.
pub(crate) fn alarms() -> Vec<(String, Option<Story>)> {
    let ours: Vec<(&str, Vec<Story>)> = every!(AlarmKind:
        StillOpen => [Story::stuck()],
        GrantFailed => [Story::grant_failed(true)],
        Residue => [residue()],
    );
    let about = ours.into_iter().flat_map(|(_, stories)| stories);
    let mut alarms: Vec<_> = AlarmKind::ALL.iter().zip(about).map(|(kind, story)| (kind.name().to_owned(), Some(story))).collect();
    alarms.extend(
        ["chat/slack/C0123ABCD", "clock", "drift/pretended/7", "policy", "store", "worker", "anything"].map(|id| (id.to_owned(), None)),
    );
    alarms
}

/// One of them, and when it is looked at.
pub(crate) fn alarm(id: &str, story: Option<&Story>, cleared_at: Option<Instant>) -> (Alarm, Instant) {
    let alarm = Alarm {
        id: story.map_or_else(|| id.to_owned(), |story| format!("{id}/{}", story.request.id)),
        request: story.map(|story| story.request.id.clone()),
        raised_at: START + Span::from_minutes(63),
        cleared_at,
        what: "one line of what is wrong".into(),
        told: String::new(),
    };
    (alarm, story.map_or(START, |story| story.now))
}

#[tokio::test]
async fn every_alarm() {
    let (world, texts) = (World::new().await, texts());
    let mut page = String::new();
    for (id, story) in alarms() {
        for cleared_at in [None, Some(START + Span::from_minutes(90))] {
            let (alarm, now) = alarm(&id, story.as_ref(), cleared_at);
            let scene = story.as_ref().map(|s| Scene { request: &s.request, texts: &texts, around: &s.around, now });
            let post = world.voice().alarm(hallpass::domain::policy::Platform::Console, &alarm, scene.as_ref(), now);
            page.push_str(&section(&format!("{id}{}", if cleared_at.is_some() { " over" } else { "" }), &drawn(&post).await));
        }
    }
    insta::assert_snapshot!("alarms", page);
}
