//! Random lives of requests, written event by event as a bot would, and what happened in each, read off the events alone.

use hallpass::{
    domain::{
        command::{Length, Less},
        entitlement::EntitlementKey,
        event::{AlarmKind, Event, Used},
        ids::PersonId,
        request::{Ask, AskKind, Ending, Grant, GrantId, Preview, Remains, Request, RequestId, Vote, Work},
        time::{Instant, Span},
        words::WordId,
    },
    store::{Commit, RequestWrite, Store},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use crate::world::START;

/// Lives begin within so many seconds.
pub(super) const BEGIN: i64 = 3 * 86_400;
/// And are over by then, if they come to an end.
pub(super) const OVER: i64 = 30 * 86_400;
const KINDS: u32 = 18;

/// What happened to a request, and when.
#[derive(Debug, Clone)]
pub(super) struct Life {
    pub id: RequestId,
    pub events: Vec<(Event, Instant)>,
}

pub(super) struct Lives(pub Vec<Life>);

/// What the events of a life say.
#[derive(Debug, Clone, Default)]
pub(super) struct Fact {
    pub asked: Option<Instant>,
    pub begun: Option<Instant>,
    pub works: Option<Instant>,
    pub absent: Option<Instant>,
    pub ended: Option<Instant>,
    pub over: Option<Instant>,
    pub ending: Option<&'static str>,
    pub less: bool,
    pub sessions: Option<u32>,
    /// Found there again, and not there any more.
    pub back: Option<(Instant, Option<Instant>)>,
    /// From the ask to the last vote or the denial that decided it, and when that was.
    pub decided: Option<(Instant, i64)>,
}

pub(super) fn second(n: i64) -> Instant {
    Instant::from_micros(START.micros() + n * 1_000_000)
}

impl Lives {
    pub(super) fn random(seed: u64, count: u32) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        Self((0..count).map(|n| life(n, &mut chance)).collect())
    }

    /// Each life's next event in one transaction with those of others, as busy bots do.
    pub(super) async fn write(&self, store: &Store) {
        let mut open: Vec<(Option<Request>, &Life, usize)> = self.0.iter().map(|life| (None, life, 0)).collect();
        while !open.is_empty() {
            let mut commit = Commit::default();
            for (request, life, next) in &mut open {
                let (event, at) = &life.events[*next];
                let before = request.take();
                let expected = before.as_ref().map(|before| before.n);
                let after = match (before, event) {
                    (None, Event::Asked { ask }) => Request::open(life.id.clone(), ask.clone(), *at),
                    (Some(before), event) => before.apply(event, *at).unwrap(),
                    (None, event) => panic!("{} comes first", event.name()),
                };
                commit.requests.push(RequestWrite { request: after.clone(), expected, wake_at: None });
                (*request, *next) = (Some(after), *next + 1);
            }
            store.commit(commit).await.unwrap();
            open.retain(|(_, life, next)| *next < life.events.len());
        }
    }
}

impl Life {
    pub(super) fn ask(&self) -> &Ask {
        let asks = self.events.iter().rev().find_map(|(event, _)| match event {
            Event::Asked { ask } | Event::OfferAccepted { ask } => Some(ask),
            _ => None,
        });
        asks.unwrap()
    }

    pub(super) fn fact(&self) -> Fact {
        let mut fact = Fact::default();
        let mut votes: Vec<Instant> = Vec::new();
        for (event, at) in &self.events {
            match event {
                Event::Asked { .. } => fact.asked = Some(*at),
                Event::OfferAccepted { .. } => fact.less = true,
                Event::Approved { .. } => votes.push(*at),
                Event::Granting { .. } => fact.begun = Some(*at),
                Event::Reopened { .. } => fact.begun = None,
                Event::Working { work } => fact.works = Some(work.since),
                Event::FoundAbsent => fact.absent = Some(*at),
                Event::Revoking { cause } => (fact.ended, fact.ending) = (Some(*at), Some(name(cause))),
                Event::GrantFailed { .. } => (fact.ended, fact.ending) = (Some(*at), Some("failed")),
                Event::Gone { used, .. } => (fact.over, fact.sessions) = (Some(*at), used.as_ref().map(|used| used.sessions)),
                Event::Settled { .. } => (fact.over, fact.ending) = (Some(*at), Some("settled")),
                Event::AlarmRaised { alarm: AlarmKind::StillOpen } => fact.back = Some((*at, None)),
                Event::AlarmCleared { alarm: AlarmKind::StillOpen } => fact.back = fact.back.map(|(from, _)| (from, Some(*at))),
                Event::Denied { .. } => {
                    (fact.over, fact.ending) = (Some(*at), Some("denied"));
                    fact.decided = Some((*at, at.since(fact.asked.unwrap()).seconds()));
                }
                Event::Unanswered => (fact.over, fact.ending) = (Some(*at), Some("unanswered")),
                Event::Cancelled { .. } => (fact.over, fact.ending) = (Some(*at), Some("cancelled")),
                Event::Left { .. } => (fact.over, fact.ending) = (Some(*at), Some("left")),
                _ => {}
            }
            if let (Event::Granting { .. } | Event::Scheduled { .. }, None, Some(last)) = (event, fact.decided, votes.last()) {
                fact.decided = Some((*last, last.since(fact.asked.unwrap()).seconds()));
            }
        }
        if fact.over.is_none() {
            fact.ending = None;
        }
        fact
    }
}

fn name(ending: &Ending) -> &'static str {
    match ending {
        Ending::Expired => "expired",
        Ending::Returned { .. } => "returned",
        Ending::Revoked { .. } => "revoked",
        other => panic!("{other:?}"),
    }
}

pub(super) fn person(name: &str) -> PersonId {
    name.parse().unwrap()
}

fn words() -> WordId {
    WordId::from_stored("w:0".into())
}

fn life(n: u32, chance: &mut StdRng) -> Life {
    let mut now = chance.random_range(0..BEGIN);
    let opened = second(now);
    let resource = ["prod-db", "bastion", "billing"][chance.random_range(0..3)];
    let who = ["ana", "ben", "cleo", "dora"][chance.random_range(0..4)];
    let approver = if who == "eve" { "finn" } else { ["eve", "finn"][chance.random_range(0..2)] };
    let kind = n % KINDS;
    let length = Span::from_seconds(chance.random_range(60..6 * 86_400));
    let start = (kind == 12).then(|| opened + Span::from_seconds(50_000));
    let first = Ask {
        kind: AskKind::First,
        by: person(if n.is_multiple_of(7) { "finn" } else { who }),
        subject: person(who),
        resource: resource.parse().unwrap(),
        role: "write".parse().unwrap(),
        length: Length::For(length),
        start,
        reason: None,
        ticket: None,
        about: None,
        direct: false,
        at: opened,
        policy: "usual".parse().unwrap(),
        preview: Preview::default(),
    };
    let mut step = |most: i64| {
        now += chance.random_range(1..most);
        second(now)
    };
    let mut events = vec![(Event::Asked { ask: first.clone() }, opened)];
    let by = || person(approver);
    let approved = || Event::Approved { person: by(), stage: 0, rung: 0, comment: None };
    match kind {
        0 => events.push((Event::Denied { person: by(), reason: words() }, step(3_000))),
        1 => events.push((Event::Unanswered, step(20_000))),
        2 => events.push((Event::Cancelled { person: Some(person(who)), reason: None }, step(3_000))),
        9 => events.push((approved(), step(3_000))),
        14 => events.push((Event::Left { person: person(who) }, step(90_000))),
        _ => {
            if kind == 11 {
                let less = Less { role: None, duration: Some(Span::from_seconds(60)) };
                events.push((Event::Offered { person: by(), less, comment: None }, step(3_000)));
                let at = step(3_000);
                events.push((Event::OfferAccepted { ask: Ask { kind: AskKind::Offer, at, ..first.clone() } }, at));
            }
            let decided = step(6_000);
            events.push((approved(), decided));
            let mut votes = vec![Vote { person: by(), stage: 0, rung: 0, at: decided, comment: None }];
            let mut granting = decided;
            if let Some(start) = start {
                events.push((Event::Scheduled { start }, decided));
                granting = start;
                now = (start.micros() - START.micros()) / 1_000_000;
            }
            if kind == 13 {
                let grant = grant(n, &first, granting, votes.clone());
                events.push((Event::Granting { grant }, granting));
                let mut step = |most: i64| {
                    now += chance.random_range(1..most);
                    second(now)
                };
                events.push((Event::Reopened { stage: 0, dropped: vec![by()] }, step(60)));
                granting = step(90_000);
                votes = vec![Vote { person: by(), stage: 0, rung: 0, at: granting, comment: None }];
                events.push((approved(), granting));
            }
            let grant = grant(n, &first, granting, votes);
            events.push((Event::Granting { grant }, granting));
            end(kind, (who, approver), length, &mut now, chance, &mut events);
        }
    }
    Life { id: RequestId::new(u64::from(n)), events }
}

/// From the grant on.
fn end(kind: u32, (who, approver): (&str, &str), length: Span, now: &mut i64, chance: &mut StdRng, events: &mut Vec<(Event, Instant)>) {
    let chance_of_end = chance.random_bool(0.7);
    let mut step = |most: i64| {
        *now += chance.random_range(1..most);
        second(*now)
    };
    let gone = |used| Event::Gone { remains: Remains::Nothing, sessions_closed: None, residue: Vec::new(), used, unwritten: None };
    let used = |sessions| Some(Used { sessions, first: None, last: None, from: Vec::new(), sampled_every: None });
    match kind {
        8 => return,
        5 => {
            events.push((Event::GrantFailed { why: "refused".into(), permanent: true }, step(900)));
            events.push((gone(None), step(60)));
            return;
        }
        _ => {}
    }
    let since = step(20);
    events.push((Event::Working { work: work(since, length) }, since));
    if kind == 7 {
        return;
    }
    if kind == 16 {
        events.push((Event::FoundAbsent, step(length.seconds())));
    }
    let cause = match kind {
        4 => Ending::Returned { by: person(who) },
        15 => Ending::Revoked { by: Some(person(approver)), reason: None },
        _ => Ending::Expired,
    };
    events.push((Event::Revoking { cause }, step(length.seconds() + 1)));
    match kind {
        10 => {}
        6 => events.push((Event::Settled { person: person(approver), reason: words() }, step(90_000))),
        4 => events.push((gone(used(0)), step(30))),
        3 => events.push((gone(used(2)), step(30))),
        17 => {
            events.push((gone(None), step(30)));
            events.push((Event::AlarmRaised { alarm: AlarmKind::StillOpen }, step(90_000)));
            if chance_of_end {
                events.push((Event::AlarmCleared { alarm: AlarmKind::StillOpen }, step(90_000)));
            }
        }
        _ => events.push((gone(None), step(30))),
    }
}

fn grant(n: u32, ask: &Ask, at: Instant, votes: Vec<Vote>) -> Grant {
    let hour = Span::from_minutes(60);
    Grant {
        id: GrantId::new(u128::from(n)),
        entitlement: EntitlementKey(format!("{n}")),
        resource: ask.resource.clone(),
        role: ask.role.clone(),
        policy: ask.policy.clone(),
        duration: hour,
        end: None,
        ceiling: hour,
        cap: hour,
        grace: Span::ZERO,
        warning: hour,
        decided_at: at,
        give_up_at: at + hour,
        latest: at + hour + hour,
        votes,
    }
}

fn work(since: Instant, length: Span) -> Work {
    Work {
        since,
        until: since + length,
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
