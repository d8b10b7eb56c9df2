//! The digest of what people and the bot did, through the doors that they use.

use hallpass::{
    domain::{
        command::Actor,
        digest::{About, Digest, Exception, Kind, LINES, PolicyChange, Quality, Thresholds, Window},
        event::Operation,
        request::RequestId,
        time::{Instant, Span},
    },
    provider::{FaultKind, pretend::Temper},
    store::{Commit, NewEntry},
};

use crate::{
    ledger::{on_both, raw::Raw},
    world::{START, World, catalogue},
};

on_both![
    what_needs_a_human_comes_first_with_the_requests_that_it_is_about,
    the_bots_own_stream_is_told_within_its_window,
    approvals_in_a_hurry_and_between_two_are_named,
    of_too_many_lines_the_rest_is_counted,
    of_the_bots_own_stream_each_kind_is_counted_by_itself,
    an_alarm_whose_request_nobody_knows_is_told_all_the_same,
];

const ASK: &str = "/jit request prod-db write 1h Unblock the stuck import";

async fn world(url: &str) -> World {
    World::on(url, hallpass::domain::entitlement::Ownership::Shared).await
}

const fn window(from: Instant, to: Instant) -> Window {
    Window { from, to, days: 1 }
}

async fn digest(world: &World) -> Digest {
    world.bot.digest(window(START, world.now() + Span::from_seconds(1)), &Thresholds::default()).await.unwrap()
}

fn fails(world: &World, kind: Option<FaultKind>) {
    world.pretend.set_temper(Temper { fails: kind.map(|kind| (kind, "connection refused".to_owned())), ..Temper::default() });
}

async fn asked(world: &World, who: &str, line: &str) -> String {
    world.advance(Span::from_seconds(10)).await;
    world.say(who, line).await;
    world.newest().await
}

async fn granted(world: &World, who: &str) -> String {
    let id = asked(world, who, ASK).await;
    world.advance(Span::from_seconds(20)).await;
    world.press("ben", "approve", &id, None).await;
    id
}

async fn moments(world: &World) {
    for _ in 0..12 {
        world.advance(Span::from_seconds(5)).await;
    }
}

fn about(digest: &Digest, kind: Kind) -> Vec<RequestId> {
    digest.exceptions.iter().filter(|exception| exception.kind() == kind).flat_map(Exception::requests).cloned().collect()
}

#[tokio::test]
async fn a_day_on_which_nothing_happened_is_quiet() {
    let world = World::new().await;
    let digest = digest(&world).await;
    assert!(digest.is_quiet());
    assert_eq!(digest.needs_human(), 0);
}

async fn what_needs_a_human_comes_first_with_the_requests_that_it_is_about(url: &str) {
    let world = world(url).await;
    let unanswered = asked(&world, "finn", ASK).await;
    world.advance(Span::from_minutes(240)).await;
    let denied = asked(&world, "finn", ASK).await;
    world.press("ben", "deny", &denied, Some("use the read replica")).await;
    fails(&world, Some(FaultKind::Denied));
    let failed = granted(&world, "dora").await;
    fails(&world, None);
    moments(&world).await;
    moments(&world).await;
    let left = asked(&world, "cleo", ASK).await;
    world.console.set_profile("cleo", "cleo", false);
    world.bot.leavers().await.unwrap();
    moments(&world).await;
    let (settled, open) = (granted(&world, "finn").await, granted(&world, "ana").await);
    world.advance(Span::from_minutes(50)).await;
    fails(&world, Some(FaultKind::Transient));
    world.advance(Span::from_minutes(20)).await;
    moments(&world).await;
    world.say("eve", &format!("/jit settle {settled} the server was deleted")).await;
    let digest = digest(&world).await;
    let ids = |id: &str| vec![id.parse::<RequestId>().unwrap()];
    assert_eq!(about(&digest, Kind::StillOpen), ids(&open));
    assert_eq!(about(&digest, Kind::Settled), ids(&settled));
    assert_eq!(about(&digest, Kind::Unanswered), ids(&unanswered));
    assert_eq!(about(&digest, Kind::GrantFailed), ids(&failed));
    assert_eq!(about(&digest, Kind::Left), ids(&left));
    assert!(digest.exceptions.is_sorted_by_key(Exception::kind), "{:?}", digest.exceptions);
    let Some(Exception::StillOpen { given, past, .. }) = digest.exceptions.first() else { panic!("{:?}", digest.exceptions) };
    assert_eq!((given.person.as_str(), given.resource.as_str(), given.role.as_str()), ("ana", "prod-db", "write"));
    assert!(past.seconds() > 600, "past {past:?}");
    assert!(digest.needs_human() >= 1);
    let day = &digest.day;
    assert_eq!((day.asked, day.granted, day.denied, day.unanswered, day.failed, day.settled, day.left), (6, 2, 1, 1, 1, 1, 1));
    assert_eq!((day.open.held, day.open.waiting), (1, 0));
    assert_eq!(day.median_decision, Some(Span::from_seconds(20)));
    let text = serde_json::to_string(&digest).unwrap();
    assert!(!text.contains("replica") && !text.contains("deleted") && !text.contains("import"), "people's words are not in it: {text}");
    assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), digest);
}

async fn the_bots_own_stream_is_told_within_its_window(url: &str) {
    let world = world(url).await;
    for _ in 0..40 {
        world.advance(Span::from_seconds(1)).await;
        world.say("eve", "/jit who prod-db").await;
    }
    world.advance(Span::from_minutes(1)).await;
    let from = world.now();
    let mut after = catalogue();
    after.digest = "sha256:other".into();
    after.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().cap = Span::from_minutes(480);
    world.bot.reload(after, (*world.bot.providers()).clone()).await.unwrap();
    let operations = [
        Operation::PolicyRefused { digest: "sha256:bad".into(), why: "refused".into(), at_start: false },
        Operation::ClockJumped { from: START, to: from },
        Operation::ClockConfirmed { by: Some("eve".parse().unwrap()) },
        Operation::Linked { person: "ana".parse().unwrap(), what: "slack U1".into() },
        Operation::Unlinked { person: "ana".parse().unwrap(), what: "slack U1".into() },
        Operation::StoreWasDown { since: START, for_: Span::from_seconds(90) },
    ];
    for operation in operations {
        world.bot.record(operation).await.unwrap();
    }
    let to = from + Span::from_seconds(1);
    for _ in 0..40 {
        world.advance(Span::from_seconds(1)).await;
        world.say("eve", "/jit who prod-db").await;
    }
    let of = async |from, to| world.bot.digest(window(from, to), &Thresholds::default()).await.unwrap().exceptions;
    let told = of(from, to).await;
    let kinds: Vec<Kind> = told.iter().map(Exception::kind).collect();
    let wanted =
        [Kind::StoreDown, Kind::PolicyRefused, Kind::ClockJumped, Kind::ClockConfirmed, Kind::PolicyChanged, Kind::Linked, Kind::Unlinked];
    assert_eq!(kinds, wanted);
    let cap = PolicyChange::Changed {
        about: About::Policy("prod-data".parse().unwrap()),
        key: "cap".into(),
        before: Some("4h".into()),
        after: Some("8h".into()),
    };
    let changed = told.iter().find_map(|exception| match exception {
        Exception::PolicyChanged { digest, before, changes, more, by, .. } => Some((digest, before, changes, more, by)),
        _ => None,
    });
    assert_eq!(changed, Some((&"sha256:other".to_owned(), &Some("sha256:test".to_owned()), &vec![cap], &0, &None)));
    assert_eq!(of(START, from).await, [], "not before");
    assert_eq!(of(to, world.now()).await, [], "and not after");
}

async fn approvals_in_a_hurry_and_between_two_are_named(url: &str) {
    let world = world(url).await;
    let mut ids: Vec<RequestId> = Vec::new();
    for (who, by, seconds) in [("ben", "dora", 20), ("dora", "ben", 20), ("ben", "dora", 20), ("dora", "ben", 20), ("ana", "ben", 2)] {
        let id = asked(&world, who, ASK).await;
        world.advance(Span::from_seconds(seconds)).await;
        world.press(by, "approve", &id, None).await;
        world.press(who, "return", &id, None).await;
        moments(&world).await;
        ids.push(id.parse().unwrap());
    }
    let digest = digest(&world).await;
    let (ben, dora) = ("ben".parse().unwrap(), "dora".parse().unwrap());
    let fast = Quality::Fast { person: ben, count: 1, of: 3, under: Span::from_seconds(3), requests: vec![ids[4].clone()] };
    assert_eq!(digest.quality[0], fast);
    let Quality::Pair { people, counts, requests, .. } = &digest.quality[1] else { panic!("{:?}", digest.quality) };
    assert_eq!((people, counts), (&["ben".parse().unwrap(), dora], &[2, 2]));
    let mut requests = requests.clone();
    requests.sort();
    ids.truncate(4);
    ids.sort();
    assert_eq!(requests, ids);
    let yesterday = world.bot.digest(window(START - Span::from_seconds(86_400), START), &Thresholds::default()).await.unwrap();
    assert_eq!(yesterday.quality, []);
}

async fn of_too_many_lines_the_rest_is_counted(url: &str) {
    let world = world(url).await;
    let mut raw = Raw::open(url).await;
    let rows = (0..u64::from(LINES) + 3).map(|n| {
        let at = START.micros() + i64::try_from(n).unwrap();
        format!("('{}', 5, 'prod-db', 'write', 'ana', 'ana', {at}, FALSE, {at}, 'unanswered', FALSE, FALSE)", RequestId::new(n))
    });
    let columns = "request, stage, resource, role, requester, subject, opened_at, had_before, closed_at, ending, sampled, less";
    raw.run(&format!("INSERT INTO history ({columns}) VALUES {}", rows.collect::<Vec<_>>().join(", "))).await;
    let digest = digest(&world).await;
    assert_eq!((digest.exceptions.len(), digest.more.as_slice()), (10_000, &[(Kind::Unanswered, 3)][..]));
    assert_eq!(digest.day.unanswered, 10_003);
    assert_eq!(digest.needs_human(), 0, "an ask that nobody answered is over");
}

async fn of_the_bots_own_stream_each_kind_is_counted_by_itself(url: &str) {
    let world = world(url).await;
    let entry = |operation: &Operation| NewEntry {
        stream: "bot".into(),
        at: world.now(),
        actor: Actor::BOT,
        policy: "sha256:test".into(),
        event: serde_json::to_value(operation).unwrap(),
    };
    // Alarms come and go, and accounts come by thousands: neither hides the one file that was refused, and none is a change of it.
    let linked = (0..LINES + 3).map(|n| entry(&Operation::Linked { person: "ana".parse().unwrap(), what: format!("slack U{n}") }));
    let alarm = |_| entry(&Operation::AlarmRaised { alarm: "adapter/pretended".into() });
    let refused = entry(&Operation::PolicyRefused { digest: "sha256:bad".into(), why: "\"type\":\"left\"".into(), at_start: false });
    let entries: Vec<NewEntry> = (0..LINES).map(alarm).chain(linked).chain([refused]).collect();
    for entries in entries.chunks(1_000) {
        world.store.commit(Commit { entries: entries.to_vec(), ..Commit::default() }).await.unwrap();
    }
    let digest = digest(&world).await;
    let of = |kind| digest.exceptions.iter().filter(|exception| exception.kind() == kind).count();
    assert_eq!((of(Kind::Linked), of(Kind::PolicyRefused), digest.exceptions.len()), (10_000, 1, 10_001));
    assert_eq!(digest.more, [(Kind::Linked, 3)]);
}

async fn an_alarm_whose_request_nobody_knows_is_told_all_the_same(url: &str) {
    let world = world(url).await;
    let mut raw = Raw::open(url).await;
    let at = START.micros();
    let ids = [
        "still_open/R-000001",
        "residue/R-000002",
        "grant_failed/R-000003",
        "other/R-000004",
        "drift/pretended",
        "drift_unread/pretended",
        "ledger",
    ];
    for (n, id) in ids.iter().enumerate() {
        let request = id.split_once("/R-").map_or_else(|| "NULL".to_owned(), |(_, request)| format!("'R-{request}'"));
        let row = format!("('{id}', {request}, {}, 'it does not go', '')", at + i64::try_from(n).unwrap());
        raw.run(&format!("INSERT INTO alarms (id, request, raised_at, what, told) VALUES {row}")).await;
    }
    let digest = digest(&world).await;
    let told: Vec<&str> =
        digest.exceptions.iter().filter_map(|e| if let Exception::Alarm { alarm, .. } = e { Some(&**alarm) } else { None }).collect();
    let wanted = [ids[0], ids[1], ids[2], ids[3], ids[5], ids[6]];
    assert_eq!(told, wanted, "what differs at a provider has lines of its own, and that nobody could look there has none");
    assert_eq!(digest.needs_human(), 6);
}
