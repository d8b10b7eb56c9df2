//! The checker itself: a sound story passes, and each rule finds the story that breaks it.

use std::collections::BTreeMap;

use hallpass::{
    domain::{
        command::{Actor, Door, Length},
        entitlement::EntitlementKey,
        event::{AlarmKind, Effect, Event, ExtensionEnd, Outcome, Verb},
        policy::{Platform, Policy, ReasonRule, Stage, Who},
        request::{Ask, AskKind, Ending, Grant, GrantId, Preview, Remains, Request, RequestId, Vote, Work},
        time::{Instant, Span},
    },
    store::{Alarm, Entry, InboxId, InboxRow},
};

use super::{Change, Evidence, Look, Object, Said, check, still_open};
use crate::world::{START, World};

const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn at(seconds: i64) -> Instant {
    START + Span::from_seconds(seconds)
}

fn by(person: &str) -> Actor {
    let door = Door { platform: Platform::Console, user: person.into(), interaction: "1".into() };
    Actor { person: Some(person.parse().unwrap()), door: Some(door) }
}

fn object() -> Object {
    Object { provider: "db".into(), target: "\"write\"".into(), principal: "ana".into(), grant: KEY.chars().take(26).collect() }
}

/// One grant of an hour: asked at 0, working at 60, over at 3660.
struct Story {
    events: Vec<(i64, Actor, Event)>,
    effects: Vec<(i64, Effect)>,
    evidence: Evidence,
}

fn id() -> RequestId {
    RequestId::new(7)
}

fn ask() -> Ask {
    Ask {
        kind: AskKind::First,
        by: "ana".parse().unwrap(),
        subject: "ana".parse().unwrap(),
        resource: "prod-db".parse().unwrap(),
        role: "write".parse().unwrap(),
        length: Length::For(Span::from_minutes(60)),
        start: None,
        reason: None,
        ticket: None,
        about: None,
        direct: false,
        at: at(0),
        policy: "prod".parse().unwrap(),
        preview: Preview::default(),
    }
}

fn grant() -> Grant {
    let vote = Vote { person: "ben".parse().unwrap(), stage: 0, rung: 0, at: at(58), comment: None };
    Grant {
        id: GrantId::new(5),
        entitlement: EntitlementKey(KEY.into()),
        resource: "prod-db".parse().unwrap(),
        role: "write".parse().unwrap(),
        policy: "prod".parse().unwrap(),
        duration: Span::from_minutes(60),
        end: None,
        ceiling: Span::from_minutes(60),
        cap: Span::from_minutes(240),
        grace: Span::ZERO,
        warning: Span::from_minutes(5),
        decided_at: at(58),
        give_up_at: at(958),
        latest: at(4558),
        votes: vec![vote],
    }
}

fn work() -> Work {
    Work {
        since: at(60),
        until: at(3660),
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

fn policy() -> Policy {
    let stage =
        Stage { approvers: vec![Who::Everyone], needed: 1, notify: Vec::new(), direct: Vec::new(), remind_every: None, ladder: Vec::new() };
    Policy {
        name: "prod".parse().unwrap(),
        cap: Span::from_minutes(240),
        default: Span::from_minutes(60),
        extend_to: None,
        grace: Span::ZERO,
        grant_within: Span::from_minutes(15),
        patience: Span::from_minutes(240),
        warn: None,
        reason: ReasonRule { min_chars: 0 },
        ticket: None,
        may_ask: vec![Who::Everyone],
        on_behalf_of: Vec::new(),
        at_once_up_to: None,
        stages: vec![stage],
    }
}

fn approved(person: &str) -> Event {
    Event::Approved { person: person.parse().unwrap(), stage: 0, rung: 0, comment: None }
}

fn gone(remains: Remains) -> Event {
    Event::Gone { remains, sessions_closed: None, residue: Vec::new(), used: None, unwritten: None }
}

fn intent(verb: Verb, deadline: i64) -> Effect {
    Effect::Intent {
        verb,
        deadline: at(deadline),
        had_before: Some(false),
        grants: vec![grant().id.to_string()],
        provider: "db".into(),
        target: "\"write\"".into(),
        principal: "ana".into(),
    }
}

fn outcome(verb: Verb) -> Effect {
    Effect::Outcome { verb, outcome: Outcome::Ok, tries: 1, detail: String::new() }
}

fn looked(answer: &str) -> Effect {
    Effect::Answer { verb: Verb::Observe, answer: answer.into() }
}

fn change(seconds: i64, on: bool) -> Change {
    Change { at: at(seconds), object: object(), on, by_hand: false }
}

impl Story {
    fn sound() -> Self {
        let events = vec![
            (0, by("ana"), Event::Asked { ask: ask() }),
            (58, by("ben"), approved("ben")),
            (58, by("ben"), Event::Granting { grant: grant() }),
            (60, Actor::BOT, Event::Working { work: work() }),
            (3660, Actor::BOT, Event::Revoking { cause: Ending::Expired }),
            (3663, Actor::BOT, gone(Remains::Nothing)),
        ];
        let effects = vec![
            (58, looked("absent")),
            (59, intent(Verb::Grant, 89)),
            (60, outcome(Verb::Grant)),
            (60, looked("present")),
            (3660, intent(Verb::Revoke, 3690)),
            (3662, outcome(Verb::Revoke)),
            (3663, looked("absent")),
        ];
        let evidence = Evidence {
            policies: BTreeMap::from([("prod".parse().unwrap(), policy())]),
            changes: vec![change(59, true), change(3661, false)],
            looks: Some([(58, false), (60, true), (3663, false)].map(|(s, present)| Look { at: at(s), object: object(), present }).into()),
            said: vec![Said { at: at(0), request: id(), n: 1 }, Said { at: at(3664), request: id(), n: 6 }],
            now: Some(at(4000)),
            settled: true,
            ..Evidence::default()
        };
        Self { events, effects, evidence }
    }

    fn entry(&mut self, stream: &str, n: usize, at: Instant, actor: &Actor, event: &impl serde::Serialize) {
        let n = u64::try_from(n).unwrap();
        let value = serde_json::json!({ "v": 1, "stream": stream, "n": n, "at": at, "actor": actor, "policy": "p", "event": event });
        let id = i64::try_from(self.evidence.entries.len()).unwrap() + 1;
        self.evidence.entries.push(Entry { id, stream: stream.into(), n, at, bytes: value.to_string().into_bytes() });
    }

    /// Writes streams and document as the bot would have.
    fn written(mut self) -> Self {
        let folded = Request::fold(&id(), self.events.iter().map(|(s, _, event)| (event, at(*s)))).ok().flatten();
        for (n, (seconds, actor, event)) in std::mem::take(&mut self.events).into_iter().enumerate() {
            self.entry(&format!("request/{}", id()), n, at(seconds), &actor, &event);
        }
        for (n, (seconds, effect)) in std::mem::take(&mut self.effects).into_iter().enumerate() {
            self.entry(&format!("entitlement/{KEY}"), n, at(seconds), &Actor::BOT, &effect);
        }
        self.evidence.requests.extend(folded);
        self
    }
}

/// The rules that find something in a story changed like this, before and after it is written down.
fn found(before: impl FnOnce(&mut Story), after: impl FnOnce(&mut Evidence)) -> String {
    let mut story = Story::sound();
    before(&mut story);
    let mut story = story.written();
    after(&mut story.evidence);
    check(&story.evidence).join("\n")
}

fn broken(rule: &str, change: impl FnOnce(&mut Story)) {
    let findings = found(change, |_| {});
    assert!(findings.lines().any(|line| line.starts_with(rule)), "{rule} is not found: {findings}");
}

fn spoilt(rule: &str, change: impl FnOnce(&mut Evidence)) {
    let findings = found(|_| {}, change);
    assert!(findings.lines().any(|line| line.starts_with(rule)), "{rule} is not found: {findings}");
}

#[test]
fn a_sound_story_passes() {
    assert_eq!(found(|_| {}, |_| {}), "");
}

#[test]
fn an_effect_without_its_intent_is_found() {
    broken("R1", |s| drop(s.effects.remove(1)));
    broken("R1", |s| s.evidence.changes[0].at = at(57));
    broken("R1", |s| s.evidence.changes[0].at = at(100));
    broken("R1", |s| drop(s.effects.remove(4)));
    broken("R1", |s| s.evidence.changes[1].at = at(3650));
}

#[test]
fn an_intent_for_nobody_is_found() {
    broken("R1 entitlement", |s| s.effects.push((3670, intent(Verb::Grant, 3700))));
    broken("R1 entitlement", |s| s.effects.insert(1, (20, intent(Verb::Grant, 50))));
}

#[test]
fn an_outcome_without_its_intent_is_found() {
    broken("R2", |s| s.effects.insert(1, (58, outcome(Verb::Grant))));
    broken("R2", |s| s.effects.push((3900, intent(Verb::Revoke, 3930))));
    spoilt("R2", |e| e.entries[3].bytes = b"{".to_vec());
}

#[test]
fn access_that_outlives_its_end_without_an_alarm_is_found() {
    let late = |s: &mut Story| {
        s.evidence.changes[1].at = at(3720);
        (s.effects[4].0, s.effects[5].0, s.effects[6].0) = (3719, 3721, 3722);
        s.events[5].0 = 3722;
        s.evidence.looks.as_mut().unwrap()[2].at = at(3722);
        s.evidence.said.pop();
    };
    broken("R3", late);
    let alarmed = |s: &mut Story, raised: i64| {
        late(s);
        s.events.insert(5, (raised, Actor::BOT, Event::AlarmRaised { alarm: AlarmKind::StillOpen }));
        s.events.insert(6, (3722, Actor::BOT, Event::AlarmCleared { alarm: AlarmKind::StillOpen }));
        s.evidence.alarms.push(alarm(raised, Some(3722)));
    };
    assert_eq!(found(|s| alarmed(s, 3685), |_| {}), "");
    broken("R3", |s| alarmed(s, 3700));
    let down = |s: &mut Story| {
        alarmed(s, 3700);
        s.evidence.down.push((at(3650), at(3680)));
    };
    assert_eq!(found(down, |_| {}), "");
    broken("R3", |s| {
        alarmed(s, 3685);
        s.evidence.alarms.clear();
    });
}

fn alarm(raised: i64, cleared: Option<i64>) -> Alarm {
    Alarm {
        id: still_open(&id()),
        request: Some(id()),
        raised_at: at(raised),
        cleared_at: cleared.map(at),
        what: "still open".into(),
        told: String::new(),
    }
}

#[test]
fn access_that_nobody_takes_away_any_more_is_found() {
    broken("R3", |s| {
        s.events.truncate(5);
        s.events.push((3685, Actor::BOT, Event::AlarmRaised { alarm: AlarmKind::StillOpen }));
        s.evidence.alarms.push(alarm(3685, None));
        s.effects.truncate(5);
        s.evidence.changes.pop();
        s.evidence.said.pop();
    });
}

#[test]
fn gone_without_a_look_is_found() {
    broken("R4", |s| drop(s.effects.pop()));
    broken("R4", |s| s.evidence.looks.as_mut().unwrap()[2].at = at(3660));
    broken("R4", |s| drop(s.evidence.changes.pop()));
}

#[test]
fn gone_before_the_deadline_of_an_unanswered_call_is_found() {
    broken("R4", |s| {
        s.effects[5].1 = Effect::Answer { verb: Verb::Revoke, answer: "unknown: cut".into() };
        s.effects.insert(6, (3662, intent(Verb::Revoke, 3692)));
        s.effects.insert(7, (3662, outcome(Verb::Revoke)));
    });
    broken("R4", |s| {
        s.effects.remove(5);
    });
}

#[test]
fn what_is_said_to_remain_is_checked() {
    broken("R4", |s| s.events[5].2 = gone(Remains::Before));
    broken("R4", |s| s.events[5].2 = gone(Remains::Through { request: RequestId::new(8) }));
}

#[test]
fn a_quorum_that_was_not_met_is_found() {
    spoilt("R5", |e| e.policies.values_mut().for_each(|p| p.stages[0].needed = 2));
    let votes = |votes: Vec<Vote>| move |s: &mut Story| s.events[2].2 = Event::Granting { grant: Grant { votes, ..grant() } };
    broken("R5", votes(vec![]));
    broken("R5", votes(vec![grant().votes[0].clone(), grant().votes[0].clone()]));
    broken("R5", votes(vec![Vote { person: "cleo".parse().unwrap(), ..grant().votes[0].clone() }]));
    broken("R5", |s| {
        s.events[1] = (58, by("ana"), approved("ana"));
        let vote = Vote { person: "ana".parse().unwrap(), ..grant().votes[0].clone() };
        s.events[2].2 = Event::Granting { grant: Grant { votes: vec![vote], ..grant() } };
    });
}

#[test]
fn more_time_that_nobody_approved_is_found() {
    let until = at(7260);
    let more = |s: &mut Story| {
        let ask = Ask { kind: AskKind::Extension, ..ask() };
        s.events.insert(4, (100, by("ana"), Event::ExtensionAsked { ask }));
        s.events.insert(5, (200, Actor::BOT, Event::ExtensionApproved { until }));
        s.events.insert(6, (200, Actor::BOT, Event::Extended { until, native_expiry: None, how_to_connect: None }));
    };
    broken("R5", more);
}

#[test]
fn taking_away_what_was_there_before_is_found() {
    broken("R6", |s| {
        s.evidence.before.insert(object());
        s.evidence.changes.remove(0);
    });
    broken("R6", |s| s.evidence.changes[0].by_hand = true);
}

#[test]
fn cutting_a_grant_short_is_found() {
    broken("R6", |s| {
        s.effects[4].0 = 3000;
        s.evidence.changes[1].at = at(3001);
    });
}

#[test]
fn an_act_without_its_right_is_found() {
    broken("R7", |s| s.events[1].1 = by("cleo"));
    broken("R7", |s| s.events[1] = (58, by("ana"), approved("ana")));
    broken("R7", |s| s.events[4] = (3660, by("ben"), Event::Revoking { cause: Ending::Returned { by: "ben".parse().unwrap() } }));
}

#[test]
fn an_end_that_is_too_late_is_found() {
    broken("R8", |s| s.events[3].2 = Event::Working { work: Work { until: at(3661), ..work() } });
    broken("R8", |s| s.events[3].2 = Event::Working { work: Work { since: at(50), until: at(3650), ..work() } });
    let extended = |approved: i64, until: i64| {
        move |s: &mut Story| {
            s.events.insert(4, (100, by("ana"), Event::ExtensionApproved { until: at(approved) }));
            s.events.insert(5, (101, Actor::BOT, Event::Extended { until: at(until), native_expiry: None, how_to_connect: None }));
        }
    };
    broken("R8", extended(4000, 4001));
    broken("R8", extended(15_000, 15_000));
    broken("R8", |s| s.events.insert(4, (100, Actor::BOT, Event::GraceBegan { until: at(3661) })));
    broken("R8", |s| {
        s.events[2].2 = Event::Granting { grant: Grant { grace: Span::from_minutes(10), ..grant() } };
        s.events.insert(4, (100, by("ana"), Event::ExtensionAsked { ask: Ask { kind: AskKind::Extension, ..ask() } }));
        s.events.insert(5, (3660, Actor::BOT, Event::GraceBegan { until: at(4260) }));
        let closed = Event::ExtensionClosed { how: ExtensionEnd::Denied, person: Some("ben".parse().unwrap()), reason: None };
        s.events.insert(6, (3700, by("ben"), closed));
        s.events.insert(7, (3700, Actor::BOT, Event::Warned));
    });
}

#[test]
fn green_before_it_is_true_is_found() {
    broken("R9", |s| s.effects[2].0 = 61);
    broken("R9", |s| {
        s.evidence.changes[0].at = at(61);
        s.effects[2].0 = 61;
    });
    spoilt("R9", |e| e.said.push(Said { at: at(3664), request: id(), n: 7 }));
    spoilt("R9", |e| e.said[1].at = at(3600));
}

#[test]
fn a_document_that_is_not_its_stream_is_found() {
    spoilt("R12", |e| e.requests[0].n += 1);
    spoilt("R12", |e| drop(e.entries.remove(2)));
    broken("R12", |s| s.effects[3].0 = 59);
    // Denied, and granted all the same.
    let denied = Event::Denied { person: "ben".parse().unwrap(), reason: hallpass::domain::words::Words::new("no", 1).id };
    let findings = found(
        |s| s.events.insert(1, (50, by("ben"), denied)),
        |e| e.requests.extend(Request::fold(&id(), [(&Event::Asked { ask: ask() }, at(0))]).unwrap()),
    );
    assert!(findings.contains("its stream does not fold"), "{findings}");
}

#[test]
fn a_request_that_disappeared_is_found() {
    spoilt("R14", |e| e.requests.clear());
    spoilt("R14", |e| e.said.push(Said { at: at(1), request: RequestId::new(9), n: 1 }));
}

#[test]
fn a_command_that_was_never_handled_is_found() {
    let row = InboxRow { id: InboxId { platform: Platform::Console, interaction: "x".into() }, at: at(0), body: String::new() };
    spoilt("R12 inbox", |e| e.inbox.push(row));
}

#[test]
fn a_row_that_nobody_claims_is_found() {
    use hallpass::domain::entitlement::{Entitlement, Order, Ownership};
    let order = Order {
        provider: "db".parse().unwrap(),
        target: "write".into(),
        principal: "ana".into(),
        person: "ana".parse().unwrap(),
        inputs: BTreeMap::new(),
        grant: KEY.chars().take(26).collect(),
        by_hand: String::new(),
    };
    spoilt("R4", |e| e.entitlements.push(Entitlement::new(EntitlementKey(KEY.into()), Ownership::Shared, order)));
}

#[tokio::test]
async fn a_life_at_the_console_is_sound() {
    let world = World::new().await;
    world.say("ana", "/jit request prod-db write 1h Unblock the stuck import").await;
    let request = world.newest().await;
    world.press("ben", "approve", &request, None).await;
    world.press("ana", "extend:1h", &request, None).await;
    world.advance(Span::from_minutes(121)).await;
    let policies = crate::world::catalogue().policies;
    let evidence = Evidence { policies, settled: true, now: Some(world.now()), ..Evidence::of(&world.store).await };
    assert_eq!(evidence.requests.len(), 1);
    assert_eq!(check(&evidence), Vec::<String>::new());
}
