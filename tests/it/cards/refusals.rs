//! Every "no", in the words of whoever gets it.

use hallpass::{
    chat::{marks::Marks, render::Templates, view::Reader},
    domain::{
        parse::{Missing, Piece},
        policy::Platform,
        refusal::{Refusal, Standing},
        time::Span,
        words::Texts,
    },
};

use super::{every, sample::HOSTILE, section};
use crate::world::{START, catalogue};

fn missing() -> Vec<Missing> {
    let missing = |piece, choices: &[&str]| Missing { piece, choices: choices.iter().map(|c| (*c).to_owned()).collect() };
    vec![missing(Piece::Role, &["read", "write"]), missing(Piece::Reason, &["4"]), missing(Piece::Ticket, &["OPS"])]
}

pub(crate) fn all(text: &str) -> Vec<(&'static str, Vec<Refusal>)> {
    let (text, person) = (|| text.to_owned(), |name: &str| name.parse().unwrap());
    let (resource, role) = (|| "prod-db".parse().unwrap(), |name: &str| name.parse().unwrap());
    let ago = START - Span::from_seconds(4);
    let decided = |how| Refusal::AlreadyDecided { by: Some(person("cleo")), at: ago, how };
    let not_open = |how| Refusal::NotOpen { how, at: START - Span::from_minutes(60 * 23) };
    every!(Refusal:
        NotLinked => [Refusal::NotLinked],
        Inactive => [Refusal::Inactive],
        TimedOut => [Refusal::TimedOut { platform: Platform::Discord }],
        RulesUnread => [Refusal::RulesUnread { platform: Platform::Discord }],
        CannotAskGroup => [
            Refusal::CannotAskGroup { group: "db-leads".into(), platform: None, why: text() },
            Refusal::CannotAskGroup { group: "db-leads".into(), platform: Some(Platform::Slack), why: text() },
        ],
        CannotAskProfile => [Refusal::CannotAskProfile { why: text() }],
        NotSubject => [Refusal::NotSubject],
        NoCredential => [Refusal::NoCredential],
        CredentialFailed => [
            Refusal::CredentialFailed { why: text(), unknown: false },
            Refusal::CredentialFailed { why: text(), unknown: true },
        ],
        NotAdministrator => [Refusal::NotAdministrator],
        NotAuditor => [Refusal::NotAuditor],
        NotDigestReader => [Refusal::NotDigestReader],
        NothingToSee => [Refusal::NothingToSee { name: text() }],
        Grammar => [
            Refusal::Grammar { expected: "a command".into(), found: text(), near: vec!["request".into()] },
            Refusal::Grammar { expected: "a resource".into(), found: String::new(), near: Vec::new() },
        ],
        NoSuchResource => [Refusal::NoSuchResource { name: text(), near: vec![resource()] }],
        NoSuchRole => [Refusal::NoSuchRole { resource: resource(), name: text(), near: vec![role("write")], roles: vec![role("read"), role("write")] }],
        NoSuchPerson => [Refusal::NoSuchPerson { name: text(), near: vec![person("ana")] }],
        NoSuchRequest => [Refusal::NoSuchRequest { text: text() }],
        BadDuration => [Refusal::BadDuration { text: text(), why: "zero".into() }],
        BadTime => [Refusal::BadTime { text: text(), why: "a time looks like 18:00".into() }],
        BadPast => [Refusal::BadPast { text: text(), why: "a time looks like 14:05 or 14:05:30".into() }],
        BadText => [Refusal::BadText { what: "reason".into(), why: "it is longer than 1000 characters".into() }],
        NotRecorded => [Refusal::NotRecorded],
        Unwritable => [Refusal::Unwritable],
        Missing => [Refusal::Missing { pieces: missing(), line: "/jit request prod-db ROLE 1h WHY".into() }],
        NotRequester => [Refusal::NotRequester],
        EndsLater => [Refusal::EndsLater { until: START + Span::from_minutes(60) }],
        EndFixed => [Refusal::EndFixed { end: START + Span::from_minutes(60) }],
        LinkCode => [Refusal::LinkCode],
        LinkLocked => [Refusal::LinkLocked { at: START + Span::from_minutes(15) }],
        LinkTooMany => [Refusal::LinkTooMany { at: START + Span::from_minutes(15) }],
        LinkedAlready => [Refusal::LinkedAlready],
        PlatformTaken => [Refusal::PlatformTaken { platform: Platform::Discord }],
        NotJoined => [Refusal::NotJoined { person: person("ana"), platform: Platform::Slack }],
        Frozen => [Refusal::Frozen],
        MayNotAsk => [
            Refusal::MayNotAsk { resource: resource(), role: role("admin"), others: vec![role("read"), role("write")] },
            Refusal::MayNotAsk { resource: resource(), role: role("admin"), others: Vec::new() },
        ],
        MayNotAskFor => [Refusal::MayNotAskFor { subject: person("cleo") }],
        SubjectInactive => [Refusal::SubjectInactive { subject: person("cleo") }],
        OverCap => [Refusal::OverCap { asked: Span::from_minutes(600), cap: Span::from_minutes(240) }],
        EndInPast => [Refusal::EndInPast { end: ago }],
        EndBeforeStart => [Refusal::EndBeforeStart { end: START + Span::from_minutes(60), start: START + Span::from_minutes(120) }],
        StartInPast => [Refusal::StartInPast { start: ago }],
        StartTooFar => [Refusal::StartTooFar { start: START + Span::from_minutes(60_000), latest: START + Span::from_minutes(43_200) }],
        ReasonMissing => [Refusal::ReasonMissing { min_chars: 4 }],
        TicketMissing => [Refusal::TicketMissing { projects: vec!["OPS".into(), "SEC".into()] }, Refusal::TicketMissing { projects: Vec::new() }],
        TicketWrong => [Refusal::TicketWrong { ticket: text(), projects: vec!["OPS".into()] }, Refusal::TicketWrong { ticket: text(), projects: Vec::new() }],
        AlreadyOpen => [
            Refusal::AlreadyOpen { request: super::sample::other(), subject: None, yours: true },
            Refusal::AlreadyOpen { request: super::sample::other(), subject: Some(person("cleo")), yours: true },
            Refusal::AlreadyOpen { request: super::sample::other(), subject: Some(person("cleo")), yours: false },
        ],
        NobodyCanApprove => [Refusal::NobodyCanApprove { resource: resource(), role: role("write") }],
        InputMissing => [Refusal::InputMissing { input: "ssh_public_key".into(), how: "give your public key once".into() }],
        ProviderRefuses => [Refusal::ProviderRefuses { why: text() }],
        ProviderUnreachable => [Refusal::ProviderUnreachable { why: text() }],
        OwnRequest => [Refusal::OwnRequest],
        NotApprover => [
            Refusal::NotApprover { waiting_for: vec!["@db-leads".into()], later: Some("@security".into()) },
            Refusal::NotApprover { waiting_for: vec!["@db-leads".into(), "@oncall".into()], later: None },
        ],
        AlreadyVoted => [Refusal::AlreadyVoted { request: super::sample::other(), stage: 0 }],
        NoVote => [Refusal::NoVote],
        NotLess => [Refusal::NotLess],
        NoOffer => [Refusal::NoOffer],
        OnlyLessTime => [Refusal::OnlyLessTime { request: super::sample::other() }],
        AskReplaced => [Refusal::AskReplaced { request: super::sample::other(), more: false }, Refusal::AskReplaced { request: super::sample::other(), more: true }],
        ExtendedAlready => [Refusal::ExtendedAlready { request: super::sample::other(), until: START + Span::from_minutes(90) }],
        OfferReplaced => [Refusal::OfferReplaced { request: super::sample::other(), person: person("dora") }],
        CannotPassTo => [Refusal::CannotPassTo { to: person("cleo") }],
        AlreadyLooking => [Refusal::AlreadyLooking { person: Some(person("ben")) }, Refusal::AlreadyLooking { person: None }],
        ReasonNeeded => [Refusal::ReasonNeeded],
        NotHolder => [Refusal::NotHolder],
        MayNotRevoke => [Refusal::MayNotRevoke],
        OwnSettle => [Refusal::OwnSettle],
        NothingToExtend => [Refusal::NothingToExtend],
        ExtensionOpen => [Refusal::ExtensionOpen],
        OverCeiling => [Refusal::OverCeiling { most: Span::from_minutes(20) }, Refusal::OverCeiling { most: Span::ZERO }],
        NoTimeLeft => [Refusal::NoTimeLeft],
        AlreadyDecided => [
            decided(Standing::Granting), decided(Standing::Active), decided(Standing::Scheduled), decided(Standing::Denied),
            Refusal::AlreadyDecided { by: None, at: ago, how: Standing::Granting },
        ],
        NotOpen => [
            not_open(Standing::Pending), not_open(Standing::Revoking), not_open(Standing::Cancelled), not_open(Standing::Unanswered),
            not_open(Standing::Failed), not_open(Standing::Ended),
        ],
    )
}

fn said(templates: &Templates, refusal: &Refusal) -> String {
    let (catalogue, texts) = (catalogue(), Texts::new());
    let reader = Reader {
        catalogue: &catalogue,
        texts: &texts,
        now: START,
        tz: chrono_tz::Europe::Berlin,
        platform: Platform::Console,
        marks: Marks::Plain,
    };
    templates.refusal(Platform::Console, refusal, &reader)
}

#[test]
fn every_refusal() {
    let templates = Templates::load(None).unwrap();
    let mut page = String::new();
    for (variant, refusals) in all("wirte") {
        for refusal in refusals {
            page.push_str(&section(variant, &said(&templates, &refusal)));
        }
    }
    insta::assert_snapshot!("refusals", page);
    assert_eq!(templates.take_troubles(), Vec::<String>::new());
}

#[test]
fn what_was_typed_wrong_is_quoted_and_never_more_than_quoted() {
    let templates = Templates::load(None).unwrap();
    for (variant, refusals) in all(HOSTILE) {
        for refusal in refusals {
            let text = said(&templates, &refusal);
            assert!(!text.chars().any(|c| c != '\n' && c.is_control()), "{variant}: {text:?}");
            assert!(!text.contains(['\u{202e}', '\u{200b}']), "{variant}: {text:?}");
            assert!(!text.lines().any(|line| line.starts_with("Denied by Ben")), "{variant}: {text}");
        }
    }
}
