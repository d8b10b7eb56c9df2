//! What was and is over again, in the digest: files that were in force and are once more, refused ones, and alarms.

use hallpass::{
    domain::{
        command::Length,
        digest::{Exception, Kind, Quality, Thresholds, Window},
        event::Operation,
        time::{Instant, Span},
    },
    provider::{FaultKind, pretend::Temper},
};

use crate::{
    ledger::on_both,
    world::{START, World, catalogue},
};

on_both![
    each_change_of_a_file_is_told_until_the_one_that_is_in_force_and_the_same_file_is_none,
    a_file_that_was_refused_at_a_start_says_until_when_nothing_was_granted,
    alarms_that_were_over_are_told_once_and_wait_for_nobody,
    more_time_that_nobody_answered_for_is_told_and_who_denied_it_is_found,
];

async fn world(url: &str) -> World {
    World::on(url, hallpass::domain::entitlement::Ownership::Shared).await
}

async fn told(world: &World, (from, to): (Instant, Instant)) -> Vec<Exception> {
    world.bot.digest(Window { from, to, days: 1 }, &Thresholds::default()).await.unwrap().exceptions
}

async fn loads(world: &World, file: &str) {
    world.advance(Span::from_minutes(1)).await;
    let mut after = catalogue();
    after.digest = format!("sha256:{file}");
    world.bot.reload(after, (*world.bot.providers()).clone()).await.unwrap();
}

async fn each_change_of_a_file_is_told_until_the_one_that_is_in_force_and_the_same_file_is_none(url: &str) {
    let world = world(url).await;
    loads(&world, "a").await;
    world.advance(Span::from_minutes(1)).await;
    let from = world.now();
    for file in ["b", "a", "b", "b", "b"] {
        loads(&world, file).await;
    }
    world.advance(Span::from_minutes(1)).await;
    let to = world.now();
    let files = told(&world, (from, to)).await;
    let files: Vec<&str> =
        files.iter().filter_map(|e| if let Exception::PolicyChanged { digest, .. } = e { Some(&**digest) } else { None }).collect();
    assert_eq!(files, ["sha256:b", "sha256:a", "sha256:b"]);
    loads(&world, "b").await;
    world.advance(Span::from_minutes(1)).await;
    let digest = world.bot.digest(Window { from: to, to: world.now(), days: 1 }, &Thresholds::default()).await.unwrap();
    assert!(digest.is_quiet(), "the same file once more is nothing: {:?}", digest.exceptions);
}

async fn a_file_that_was_refused_at_a_start_says_until_when_nothing_was_granted(url: &str) {
    let world = world(url).await;
    let from = world.now();
    let refused = |at_start| Operation::PolicyRefused { digest: "sha256:bad".into(), why: "refused".into(), at_start };
    world.bot.record(refused(false)).await.unwrap();
    loads(&world, "b").await;
    world.advance(Span::from_minutes(1)).await;
    let (start, until) = (world.now(), world.now() + Span::from_minutes(1));
    world.bot.record(refused(true)).await.unwrap();
    // What was in force before the refused one, once more.
    loads(&world, "b").await;
    world.advance(Span::from_minutes(1)).await;
    let last = world.now();
    world.bot.record(refused(true)).await.unwrap();
    let told = told(&world, (from, last + Span::from_minutes(1))).await;
    let of = |at, at_start, until| Exception::PolicyRefused { at, digest: "sha256:bad".into(), at_start, until };
    let refused: Vec<Exception> = told.into_iter().filter(|exception| exception.kind() == Kind::PolicyRefused).collect();
    assert_eq!(refused, [of(from, false, None), of(start, true, Some(until)), of(last, true, None)]);
}

async fn alarms_that_were_over_are_told_once_and_wait_for_nobody(url: &str) {
    let world = world(url).await;
    let hour = Span::from_minutes(60);
    let mut ids = Vec::new();
    for who in ["ana", "finn"] {
        world.advance(Span::from_seconds(10)).await;
        world.say(who, "/jit request prod-db write 1h Unblock the stuck import").await;
        ids.push(world.newest().await);
        world.press("ben", "approve", &ids[ids.len() - 1], None).await;
    }
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "connection refused".into())), ..Temper::default() });
    world.bot.raise("slack/deaf", "nothing is heard".into(), None).await.unwrap();
    for _ in 0..6 {
        world.advance(Span::from_minutes(20)).await;
    }
    world.say("eve", &format!("/jit settle {} the server was deleted", ids[1])).await;
    let middle = world.now() + Span::from_seconds(1);
    let before = told(&world, (START, middle)).await;
    assert!(before.iter().all(|exception| exception.kind() != Kind::Over), "not while it is open, nor what was settled: {before:?}");
    world.pretend.set_temper(Temper::default());
    world.advance(hour).await;
    world.advance(hour).await;
    world.bot.clear("slack/deaf").await.unwrap();
    let end = world.now() + Span::from_seconds(1);
    let digest = world.bot.digest(Window { from: middle, to: end, days: 1 }, &Thresholds::default()).await.unwrap();
    let over: Vec<_> = digest
        .exceptions
        .iter()
        .filter_map(|e| if let Exception::Over { alarm, given, since, at } = e { Some((&**alarm, given, at.since(*since))) } else { None })
        .collect();
    let [(still, Some(given), long), ("slack/deaf", None, deaf)] = &over[..] else { panic!("{:?}", digest.exceptions) };
    assert_eq!((*still, given.person.as_str()), (format!("still_open/{}", ids[0]).as_str(), "ana"));
    assert!(*long >= hour && *deaf > hour + hour, "{long:?} {deaf:?}");
    assert_eq!(digest.needs_human(), 0);
    assert!(told(&world, (end, end + hour)).await.iter().all(|exception| exception.kind() != Kind::Over), "once");
}

async fn more_time_that_nobody_answered_for_is_told_and_who_denied_it_is_found(url: &str) {
    let world = world(url).await;
    let holder = async |who: &str| {
        world.advance(Span::from_seconds(10)).await;
        let id = world.granted(who, "/jit request prod-db write 1h Unblock the stuck import", "ben").await;
        world.advance(Span::from_seconds(20)).await;
        world.done(who, &format!("/jit extend {id} 2h one more batch")).await;
        world.advance(Span::from_minutes(5)).await;
        id
    };
    let (over, denied) = (holder("ana").await, holder("cleo").await);
    world.done("dora", &format!("/jit deny {denied} it is enough")).await;
    world.advance(Span::from_minutes(70)).await;
    world.policy("prod-data", |policy| policy.patience = Span::from_minutes(10)).await;
    let late = holder("finn").await;
    world.advance(Span::from_minutes(10)).await;
    world.done("finn", &format!("/jit return {late}")).await;
    world.advance(Span::from_minutes(1)).await;
    let digest = world.bot.digest(Window { from: START, to: world.now(), days: 1 }, &Thresholds::default()).await.unwrap();
    let told: Vec<_> = digest
        .exceptions
        .iter()
        .filter_map(|e| {
            let Exception::Unanswered { given, asked_at, at, more } = e else { return None };
            Some((given.request.to_string(), more.unwrap(), at.since(*asked_at) > Span::from_minutes(9)))
        })
        .collect();
    let longer = Length::For(Span::from_minutes(120));
    assert_eq!(told, [(over, longer, true), (late, longer, true)], "one whose time was over first was not answered either");
    assert_eq!((digest.day.unanswered, digest.day.denied, digest.day.decided), (0, 0, 3), "they are no asks for access");
    let approved = matches!(&digest.quality[..], [Quality::Fast { count: 3, of: 3, .. }]);
    assert!(approved, "and no approvals: {:?}", digest.quality);
    let found = world.say("eve", "/jit find @dora").await;
    assert!(found.contains(&denied) && found.contains("denied more time"), "{found}");
    let own = world.say("eve", "/jit find @ana").await;
    assert!(!own.contains("no answer"), "it is no act of hers: {own}");
}
