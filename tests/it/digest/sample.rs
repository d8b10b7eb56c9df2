//! Digests of a quiet day, of an ordinary one, of one on which everything happened ten thousand times, and of one in which every
//! text that comes from outside is the worst that it can be.

use hallpass::domain::{
    command::Length,
    digest::{
        About, Away, ByResource, DIGEST_VERSION, DOCUMENT_VERSION, Day, Digest, Exception, Given, Kind, LedgerNow, LongGrant, Made,
        OpenNow, PolicyChange, Quality, Unused, Verified, Window,
    },
    drift::DriftKind,
    ids::PersonId,
    request::RequestId,
    time::{Instant, Span},
};

use crate::world::START;

/// The Tuesday morning of the small company's clock.
pub(super) const TO: Instant = Instant::from_micros(START.micros() - 5 * 3_600 * 1_000_000);
const DAY: Span = Span::from_seconds(86_400);
const ROOT: &str = "qF2C2b0sKN1xJ8mU8vZ6mX1r7nq3rVYV5p0nq9d3J4E=";

pub(super) fn id(n: u64) -> RequestId {
    RequestId::new(n.wrapping_mul(7_919) + 1)
}

fn before(minutes: i64) -> Instant {
    TO - Span::from_minutes(minutes)
}

pub(super) fn given(n: u64, person: &str) -> Given {
    let (resource, role) = [("prod-db", "write"), ("bastion", "login"), ("prod-db", "admin")][usize::try_from(n % 3).unwrap()];
    Given {
        request: id(n),
        person: person.parse().unwrap(),
        asked_by: n.is_multiple_of(5).then(|| "cleo".parse().unwrap()),
        resource: resource.parse().unwrap(),
        role: role.parse().unwrap(),
    }
}

fn person(id: &str) -> PersonId {
    id.parse().unwrap()
}

pub(super) fn ledger() -> LedgerNow {
    let verified = Verified::Yes { size: 48_213, at: TO, since: before(60 * 24 * 30) };
    LedgerNow { entries: 48_213, waiting: 0, signed: Some((48_213, ROOT.to_owned())), verified }
}

pub(super) fn made(n: u64, digest: Digest) -> Made {
    Made { v: DOCUMENT_VERSION, n: Some(n), zone: "UTC".into(), digest, away: Vec::new() }
}

/// Nothing happened.
pub(super) fn quiet() -> Digest {
    Digest {
        v: DIGEST_VERSION,
        window: Window { from: TO - DAY, to: TO, days: 1 },
        made_at: TO + Span::from_seconds(30),
        exceptions: Vec::new(),
        more: Vec::new(),
        day: Day::default(),
        quality: Vec::new(),
        ledger: ledger(),
    }
}

/// One of each.
pub(super) fn exceptions() -> Vec<Exception> {
    let drift = |principal: &str, drift, gone_at| Exception::Drift {
        provider: "pretended".parse().unwrap(),
        principal: principal.to_owned(),
        drift,
        resources: vec!["prod-db".parse().unwrap()],
        roles: vec!["write".parse().unwrap()],
        requests: vec![id(40)],
        first_seen: before(90),
        last_seen: before(1),
        gone_at,
        unwatched_at: None,
    };
    vec![
        Exception::StillOpen { given: given(1, "finn"), end: before(360), past: Span::from_minutes(360) },
        Exception::Residue { given: given(2, "ana"), since: before(300), things: 3 },
        Exception::GrantStuck { given: given(3, "ana"), since: before(30) },
        Exception::Alarm { alarm: "chat/slack/C0CARDS".into(), since: before(20) },
        drift("gus", DriftKind::NotOurs, None),
        drift("ana", DriftKind::OursAndGone, Some(before(10))),
        drift("finn", DriftKind::OursAfterEnd, None),
        unwatched(drift("mia", DriftKind::NotOurs, None)),
        Exception::Over { alarm: "still_open/R-000001".into(), given: Some(given(12, "finn")), since: before(480), at: before(30) },
        Exception::Over { alarm: "slack/deaf".into(), given: None, since: before(600), at: before(40) },
        Exception::Settled { given: given(4, "ana"), by: person("eve"), at: before(60 * 24 * 3) },
        Exception::Unanswered { given: given(5, "ana"), asked_at: before(500), at: before(260), more: None },
        Exception::Unanswered {
            given: given(13, "finn"),
            asked_at: before(400),
            at: before(160),
            more: Some(Length::For(Span::from_minutes(30))),
        },
        Exception::GrantFailed { given: given(6, "finn"), at: before(200) },
        Exception::StoreDown { since: before(150), lasted: Span::from_seconds(95) },
        refused(140, false, None),
        refused(139, true, Some(before(135))),
        refused(134, true, None),
        Exception::ClockJumped { at: before(130), from: before(130), to: before(10) },
        Exception::ClockConfirmed { at: before(129), by: Some(person("eve")) },
        policy_changed(),
        Exception::Linked { at: before(110), person: person("ana"), what: "discord 100000000000000001".into(), by: None },
        Exception::Unlinked { at: before(100), person: person("ana"), what: "discord 100000000000000001".into(), by: Some(person("eve")) },
        Exception::Left { at: before(90), person: person("finn"), requests: vec![id(7), id(8), id(9), id(10), id(11)] },
    ]
}

fn refused(minutes: i64, at_start: bool, until: Option<Instant>) -> Exception {
    Exception::PolicyRefused { at: before(minutes), digest: "sha256:0123456789abcdef0123456789abcdef".into(), at_start, until }
}

fn policy_changed() -> Exception {
    let prod = || About::Policy("prod-data".parse().unwrap());
    Exception::PolicyChanged {
        at: before(120),
        digest: "sha256:fedcba9876543210fedcba9876543210".into(),
        before: Some("sha256:0123456789abcdef0123456789abcdef".into()),
        changes: vec![
            PolicyChange::Changed { about: prod(), key: "cap".into(), before: Some("2h".into()), after: Some("4h".into()) },
            PolicyChange::Changed { about: About::Person(person("ana")), key: "email".into(), before: None, after: None },
            PolicyChange::Added { about: About::Group("db-leads".parse().unwrap()) },
            PolicyChange::Removed { about: About::Resource("bastion".parse().unwrap()) },
        ],
        more: 2,
        by: None,
    }
}

pub(super) fn day() -> Day {
    let row = |resource: &str, asked, granted, denied, unanswered| ByResource {
        resource: resource.parse().unwrap(),
        asked,
        granted,
        denied,
        unanswered,
    };
    let long = |n, person: &str, minutes: i64| LongGrant { given: given(n, person), from: before(minutes + 60), to: before(60) };
    Day {
        asked: 17,
        granted: 14,
        offered_less: 1,
        denied: 2,
        unanswered: 1,
        expired: 8,
        returned: 4,
        revoked: 1,
        decided: 16,
        median_decision: Some(Span::from_seconds(220)),
        resources: vec![row("prod-db", 13, 11, 2, 0), row("bastion", 4, 3, 0, 1)],
        longest: vec![long(20, "finn", 480), long(21, "ana", 235)],
        unused: Unused { grants: vec![long(22, "ana", 60), long(23, "cleo", 30)], never: 3, sampled: 1, used: 9, unknown: 2 },
        open: OpenNow { held: 1, waiting: 2 },
        ..Day::default()
    }
}

pub(super) fn quality() -> Vec<Quality> {
    vec![
        Quality::Fast { person: person("ben"), count: 2, of: 9, under: Span::from_seconds(3), requests: vec![id(20), id(21)] },
        Quality::Most { person: person("ben"), count: 12, of: 15, percent: 80, requests: vec![id(22)] },
        Quality::Pair { people: [person("ana"), person("ben")], counts: [1, 3], days: 30, requests: vec![id(20), id(23)] },
    ]
}

/// A Tuesday.
pub(super) fn ordinary() -> Digest {
    Digest { exceptions: exceptions(), day: day(), quality: quality(), ..quiet() }
}

/// As many lines as a digest can carry of a kind, and more that it only counts; after three days without a bot.
pub(super) fn enormous() -> Made {
    let open = |n| Exception::StillOpen { given: given(n, "finn"), end: before(360), past: Span::from_minutes(360) };
    let unanswered = |n| Exception::Unanswered { given: given(n, "ana"), asked_at: before(500), at: before(260), more: None };
    let (open, unanswered) = ((0..5_000).map(open), (5_000..10_000).map(unanswered));
    let window = Window { from: TO - Span::from_seconds(3 * 86_400), to: TO, days: 3 };
    let digest = Digest { window, exceptions: open.chain(unanswered).collect(), more: vec![(Kind::Unanswered, 1_234)], ..ordinary() };
    let away = |from, to| Away { from: before(from), to: before(to) };
    Made { away: vec![away(60 * 70, 60 * 30), away(60 * 20, 60 * 19)], ..made(1, digest) }
}

/// In these words, wherever a text comes from somebody or from a target.
pub(super) fn poisoned(words: &str) -> Digest {
    let mut digest = ordinary();
    for exception in &mut digest.exceptions {
        match exception {
            Exception::Drift { principal, .. } => words.clone_into(principal),
            Exception::Linked { what, .. } | Exception::Unlinked { what, .. } => words.clone_into(what),
            Exception::Alarm { alarm, .. } | Exception::Over { alarm, .. } => words.clone_into(alarm),
            Exception::PolicyChanged { changes, .. } => changes.iter_mut().for_each(|change| {
                if let PolicyChange::Changed { key, before, after, .. } = change {
                    words.clone_into(key);
                    (*before, *after) = (Some(words.to_owned()), Some(words.to_owned()));
                }
            }),
            _ => {}
        }
    }
    digest
}

/// Nobody looks at it any more.
fn unwatched(mut exception: Exception) -> Exception {
    if let Exception::Drift { unwatched_at, .. } = &mut exception {
        *unwatched_at = Some(before(5));
    }
    exception
}
