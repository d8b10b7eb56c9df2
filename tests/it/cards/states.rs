//! The card in every state and ending, wide and on a narrow screen; people's words in it stay inert.

use hallpass::{
    bot::{Last, Past},
    chat::{console::wrap, render::Templates},
    domain::{
        command::Length,
        event::{AlarmKind, Event, ExtensionEnd},
        request::{Ask, AskKind, Ending, Remains, State, Work},
        time::Span,
    },
    provider::Sessions,
};

use super::{
    every,
    sample::{Story, ask, drawn, hostile_texts, hour, other, said, texts},
    section,
};
use crate::world::START;

/// Every state in every form that differs to the eye.
pub(crate) fn all() -> Vec<(&'static str, Vec<(&'static str, Story)>)> {
    every!(State:
        Pending => [
            ("first time, sessions live on", first_time()),
            ("had it before", Story::asked().with(|a| a.past = Some(Past { holds: vec![("read".parse().unwrap(), Some(START + Span::from_minutes(180)))], last: Some(last("write")) }))),
            ("had another role", Story::asked().with(|a| a.past = Some(Past { last: Some(last("read")), ..Past::default() }))),
            ("holds another role", Story::asked().with(|a| a.past = Some(Past { holds: vec![("read".parse().unwrap(), None)], last: None }))),
            ("at night, until a time, for somebody else", for_somebody_else()),
            ("half decided", Story::half_decided()),
            ("escalated and passed on", escalated()),
            ("being looked at", looked_at()),
            ("an offer stands", Story::offered()),
        ],
        Scheduled => [("approved", scheduled())],
        Granting => [("decided", Story::decided())],
        Active => [
            ("works", Story::active().after(120).with(|a| a.sessions = Some(Sessions::Cut))),
            ("no room for an hour more", no_room()),
            ("more time asked for", Story::more_asked()),
            ("less time offered", Story::less_time()),
            ("more time given", Story::extended()),
            ("kept open by grace", Story::graced()),
            ("more time on its way", Story::active().after(60).then(Event::ExtensionApproved { until: START + Span::from_minutes(93) })),
            ("had before", had_before()),
            ("taken away by hand", Story::active().after(600).then(Event::FoundAbsent)),
            ("the target ends it first", capped()),
        ],
        Revoking => [
            ("at the end", Story::active().after(3600).revoking(Ending::Expired)),
            ("stuck", Story::stuck()),
            ("an early end is stuck", Story::active().after(60).revoking(Ending::Returned { by: "ana".parse().unwrap() }).after(25).then(Event::AlarmRaised { alarm: AlarmKind::StillOpen }).after(60)),
            ("failed to grant", Story::grant_failed(true)),
        ],
        Closed => [("see the endings", Story::returned())],
    )
}

fn last(role: &str) -> Last {
    Last { role: role.parse().unwrap(), end: START - Span::from_seconds(12 * 86_400), length: Span::from_minutes(35) }
}

fn first_time() -> Story {
    let live_on = Sessions::LiveOn { at_most: Some(Span::from_minutes(480)) };
    Story::asked().with(|a| (a.past, a.sessions) = (Some(Past::default()), Some(live_on)))
}

fn for_somebody_else() -> Story {
    let length = Length::Until(START + Span::from_minutes(60 * 15));
    let asked = Ask { subject: "cleo".parse().unwrap(), at: START + Span::from_minutes(60 * 13), ..ask("write", length) };
    Story::of(asked).after(60 * 60 * 13)
}

fn escalated() -> Story {
    Story::asked()
        .after(600)
        .then(Event::Escalated { rung: 1 })
        .then(Event::PassedOn { by: "ben".parse().unwrap(), to: "dora".parse().unwrap() })
}

fn looked_at() -> Story {
    let until = START + Span::from_minutes(6);
    Story::asked().after(60).then(Event::Looking { person: "ben".parse().unwrap(), until }).after(120)
}

fn scheduled() -> Story {
    let start = START + Span::from_minutes(120);
    let asked = Story::of(Ask { start: Some(start), ..ask("write", hour()) });
    asked.after(60).approved("ben", 0, None).then(Event::Scheduled { start })
}

fn no_room() -> Story {
    let until = START + Span::from_minutes(213);
    let moving = Story::active().then(Event::ExtensionApproved { until });
    moving.then(Event::Extended { until, native_expiry: None, how_to_connect: None })
}

fn had_before() -> Story {
    let granting = Story::decided();
    let work = Work { had_before: true, ..granting.work() };
    granting.then(Event::Working { work })
}

fn capped() -> Story {
    let granting = Story::decided();
    let work = Work { native_expiry: Some(START + Span::from_minutes(30)), ..granting.work() };
    granting.then(Event::Working { work })
}

/// Every way in which a request closes.
pub(crate) fn endings() -> Vec<(&'static str, Vec<(&'static str, Story)>)> {
    let person = |name: &str| name.parse().unwrap();
    every!(Ending:
        Denied => [
            ("half decided", Story::half_decided().after(60).then(Event::Denied { person: person("cleo"), reason: said("use the read replica") })),
            ("", Story::asked().after(131).then(Event::Denied { person: person("ben"), reason: said("use the read replica") })),
        ],
        Cancelled => [
            ("by the asker", Story::asked().after(60).then(Event::Cancelled { person: Some(person("ana")), reason: Some(said("not needed any more")) })),
            ("while it was granted", Story::decided().revoking(Ending::Cancelled { by: Some(person("ana")), reason: None }).after(1).gone(Remains::Nothing)),
            ("by the bot", Story::asked().after(60).then(Event::Cancelled { person: None, reason: None })),
        ],
        Unanswered => [
            ("", Story::asked().after(14_400).then(Event::Unanswered)),
            ("half decided", Story::half_decided().after(14_400).then(Event::Unanswered)),
        ],
        Failed => [
            ("for good", Story::grant_failed(true).after(3).gone(Remains::Nothing)),
            ("in time", Story::grant_failed(false).after(3).gone(Remains::Nothing)),
            ("something remains", failed_with_residue()),
        ],
        Expired => [
            ("", Story::active().after(3600).revoking(Ending::Expired).after(1).gone(Remains::Nothing)),
            ("another grant lives", Story::active().after(3600).revoking(Ending::Expired).after(1).gone(Remains::Through { request: other() }).with(|a| a.through = Some(START + Span::from_minutes(180)))),
            ("something remained, and was settled", super::lines::settled()),
            ("after more time", Story::extended().after(5640).revoking(Ending::Expired).after(1).gone(Remains::Nothing)),
            ("after less was taken", less_taken()),
            ("in grace", in_grace()),
            ("had before", had_before().after(3600).revoking(Ending::Expired).after(1).gone(Remains::Before)),
        ],
        Returned => [("", Story::returned()), ("and there again", super::lines::back())],
        Revoked => [
            ("", Story::active().after(600).revoking(Ending::Revoked { by: Some(person("finn")), reason: Some(said("enough for today")) }).after(1).gone(Remains::Nothing)),
            ("by the bot", Story::active().after(600).revoking(Ending::Revoked { by: None, reason: None }).after(1).gone(Remains::Nothing)),
        ],
        Left => [
            ("before", Story::asked().after(60).then(Event::Left { person: person("ana") })),
            ("while it was held", Story::active().after(600).revoking(Ending::Left).after(1).gone(Remains::Nothing)),
        ],
        Settled => [
            ("", Story::stuck().then(Event::AlarmCleared { alarm: AlarmKind::StillOpen }).then(Event::Settled { person: person("eve"), reason: said("server deleted") })),
        ],
    )
}

fn less_taken() -> Story {
    let accepted = Event::OfferAccepted { ask: Ask { kind: AskKind::Offer, ..ask("read", Length::For(Span::from_minutes(30))) } };
    let active = Story::offered().then(accepted).after(60).approved("ben", 0, None).granting().after(2).working();
    active.after(3600).revoking(Ending::Expired).after(1).gone(Remains::Nothing)
}

fn in_grace() -> Story {
    let closed = Event::ExtensionClosed { how: ExtensionEnd::Denied, person: Some("ben".parse().unwrap()), reason: None };
    Story::graced().after(240).then(closed).revoking(Ending::Expired).after(1).gone(Remains::Nothing)
}

fn failed_with_residue() -> Story {
    let residue = vec!["schema scratch_ana".to_owned()];
    Story::grant_failed(false).after(3).then(Event::Gone {
        remains: Remains::Nothing,
        sessions_closed: None,
        residue,
        used: None,
        unwritten: None,
    })
}

fn cases() -> Vec<(String, Story)> {
    let all = all().into_iter().chain(endings());
    all.flat_map(|(variant, cases)| cases.into_iter().map(move |(name, story)| (format!("{variant} {name}").trim().to_owned(), story)))
        .collect()
}

#[tokio::test]
async fn every_card() {
    let (templates, texts) = (Templates::load(None).unwrap(), texts());
    let mut page = String::new();
    for (name, story) in cases() {
        page.push_str(&section(&name, &drawn(&story.card(&templates, &texts)).await));
    }
    insta::assert_snapshot!("cards", page);
}

#[tokio::test]
async fn samples_are_of_the_state_they_stand_for() {
    for (variant, cases) in all() {
        for (name, story) in cases {
            let state = format!("{:?}", story.request.state);
            assert!(state.starts_with(variant), "{variant} {name}: {state}");
        }
    }
    for (variant, cases) in endings() {
        for (name, story) in cases {
            let State::Closed { ending, .. } = &story.request.state else { panic!("{variant} {name}") };
            assert!(format!("{ending:?}").starts_with(variant), "{variant} {name}");
        }
    }
}

#[tokio::test]
async fn a_narrow_screen_loses_nothing() {
    let (templates, texts) = (Templates::load(None).unwrap(), texts());
    let mut page = String::new();
    for (name, story) in cases() {
        let wide = drawn(&story.card(&templates, &texts)).await;
        let narrow = wrap(&wide, 40);
        assert!(wide.split_whitespace().eq(narrow.split_whitespace()), "{name}");
        for line in narrow.lines() {
            let whole = line.split_whitespace().any(|word| word.chars().count() > 40);
            assert!(whole || line.chars().count() <= 40, "{name}: {line}");
        }
        if ["Pending half decided", "Active works", "Revoking stuck", "Closed see the endings"].contains(&name.as_str()) {
            page.push_str(&section(&name, &narrow));
        }
    }
    insta::assert_snapshot!("cards at 40 columns", page);
}

#[tokio::test]
async fn words_of_people_change_no_line_of_any_card() {
    let (templates, texts, hostile) = (Templates::load(None).unwrap(), texts(), hostile_texts());
    for (name, story) in cases() {
        let (plain, card) = (story.card(&templates, &texts), story.card(&templates, &hostile));
        assert_eq!(plain.body.lines().count(), card.body.lines().count(), "{name}:\n{}", card.body);
        assert!(!card.body.chars().any(|c| c != '\n' && c.is_control()) && !card.body.contains(['\u{202e}', '\u{200b}']), "{name}");
        assert_eq!((plain.buttons, plain.notify), (card.buttons, card.notify), "{name}");
    }
}

#[tokio::test]
async fn no_card_has_more_than_one_primary_button_and_the_first_line_has_no_id() {
    let (templates, texts) = (Templates::load(None).unwrap(), texts());
    for (name, story) in cases() {
        let card = story.card(&templates, &texts);
        assert!(card.buttons.iter().filter(|b| b.style == hallpass::chat::Style::Primary).count() <= 1, "{name}");
        assert!(!card.body.lines().next().unwrap().contains("R-"), "{name}");
        assert!(card.body.lines().count() <= 12, "{name}: nothing scrolls on a phone before the buttons");
    }
}
