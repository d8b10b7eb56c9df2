//! What an end leaves behind is taken away again until it is gone, or until somebody settles it; never under a new grant.

use hallpass::{
    domain::{
        digest::{Exception, Thresholds, Window},
        entitlement::Ownership,
        event::AlarmKind,
        refusal::Refusal,
        request::{Ending, Held, RequestId},
        time::Span,
    },
    provider::{
        FaultKind,
        pretend::{Pretend, Temper},
    },
    store::Store,
};

use crate::{
    ledger::on_both,
    outage::{Broken, entries, granted, held, is_sound},
    world::World,
};

on_both![
    what_remains_is_taken_away_again_until_nothing_is_left,
    what_is_settled_is_left_alone,
    a_new_grant_is_not_cut_by_the_clean_up,
    the_next_start_goes_on_cleaning_up,
    what_remains_and_what_could_not_be_given_are_in_the_digest,
];

/// Ana's access is over, and this is left of it.
async fn left(world: &World, residue: &[&str]) -> String {
    let id = granted(world).await;
    leaves(world, residue);
    world.advance(Span::from_minutes(60)).await;
    assert!(!world.holds("ana", "write"));
    assert_eq!(open(world).await, alarms(&id, residue));
    id
}

fn leaves(world: &World, residue: &[&str]) {
    let leaves = residue.iter().map(|line| (*line).to_owned()).collect();
    world.pretend.set_temper(Temper { leaves, ..Temper::default() });
}

fn alarms(id: &str, residue: &[&str]) -> Vec<String> {
    residue.first().map(|_| AlarmKind::Residue.id(&id.parse::<RequestId>().unwrap())).into_iter().collect()
}

async fn open(world: &World) -> Vec<String> {
    world.store.open_alarms().await.unwrap().into_iter().map(|alarm| alarm.id).collect()
}

async fn remains(world: &World, id: &str) -> Vec<String> {
    held(world, id).await.1.residue
}

/// How often it was begun to take something away.
async fn tries(world: &World) -> usize {
    let is_one = |value: &serde_json::Value| value["event"]["type"] == "intent" && value["event"]["verb"] == "revoke";
    entries(world).await.iter().filter(|(_, value)| is_one(value)).count()
}

async fn rows(world: &World) -> usize {
    world.store.entitlements_of(&"pretended".parse().unwrap()).await.unwrap().len()
}

async fn what_remains_is_taken_away_again_until_nothing_is_left(url: &str) {
    let world = World::with_provider(url, Pretend::new(Ownership::PerGrant)).await;
    let id = left(&world, &["table scratch", "table notes"]).await;
    for (seconds, expected) in [(59, 1), (1, 2), (119, 2), (1, 3), (240, 4)] {
        world.advance(Span::from_seconds(seconds)).await;
        assert_eq!(tries(&world).await, expected, "a minute, then two, then four");
    }
    assert_eq!((remains(&world, &id).await.len(), rows(&world).await), (2, 1));
    leaves(&world, &["table notes"]);
    world.advance(Span::from_minutes(8)).await;
    assert_eq!(remains(&world, &id).await, ["table notes"]);
    assert_eq!(open(&world).await.len(), 1);
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "no such host".into())), ..Temper::default() });
    world.advance(Span::from_minutes(1)).await;
    assert_eq!((remains(&world, &id).await.len(), open(&world).await.len()), (1, 1), "no answer says nothing");
    leaves(&world, &[]);
    world.advance(Span::from_minutes(2)).await;
    assert_eq!((remains(&world, &id).await, open(&world).await, rows(&world).await), (Vec::new(), Vec::new(), 0));
    let Held { gone_at, settled, .. } = held(&world, &id).await.1;
    assert!(gone_at.is_some() && settled.is_none());
    let thread = world.console.thread(&world.card());
    let told: Vec<&str> = thread.lines().filter(|line| line.contains("lean") || line.contains("- table")).map(str::trim).collect();
    insta::allow_duplicates! {
        insta::assert_snapshot!(told.join("\n").replace(&id, "R-ID"), @"
        - table scratch
        - table notes
        We clean up again and again until nothing remains. If it is to stay: /jit settle R-ID why
        Cleaned up again; what remains now:
        - table notes
        Cleaned up: nothing remains any more
        ");
    }
    is_sound(&world).await;
}

async fn what_remains_and_what_could_not_be_given_are_in_the_digest(url: &str) {
    let world = World::with_provider(url, Pretend::new(Ownership::PerGrant)).await;
    let from = world.now();
    let id = left(&world, &["table scratch", "table notes"]).await;
    let residue = vec!["table scratch".to_owned(), "table notes".to_owned()];
    let refuses = Some((FaultKind::Denied, "the role may not be given".into()));
    world.pretend.set_temper(Temper { leaves: residue, fails: refuses, ..Temper::default() });
    world.say("ana", "/jit request prod-db write 30m look at orders").await;
    let refused = world.newest().await;
    world.press("ben", "approve", &refused, None).await;
    world.advance(Span::from_minutes(1)).await;
    let lines = async |from| {
        let window = Window { from, to: world.now() + Span::from_seconds(1), days: 1 };
        let digest = world.bot.digest(window, &Thresholds::default()).await.unwrap();
        let line = |exception: &Exception| match exception {
            Exception::Residue { given, things, .. } => Some((given.request.to_string(), *things)),
            Exception::GrantStuck { given, .. } => Some((given.request.to_string(), 0)),
            _ => None,
        };
        digest.exceptions.iter().filter_map(line).collect::<Vec<_>>()
    };
    assert_eq!(lines(from).await, [(id, 2), (refused, 0)]);
    leaves(&world, &[]);
    world.advance(Span::from_minutes(120)).await;
    assert!(!lines(world.now()).await.iter().any(|(_, things)| *things > 0), "nothing remains");
}

async fn what_is_settled_is_left_alone(url: &str) {
    let world = World::with_provider(url, Pretend::new(Ownership::Ours)).await;
    let id = left(&world, &["table scratch"]).await;
    assert_eq!(world.no("ben", &format!("/jit settle {id} keep it")).await, Refusal::NotAdministrator);
    world.done("eve", &format!("/jit settle {id} kept for the audit")).await;
    assert_eq!((open(&world).await, rows(&world).await), (Vec::new(), 0));
    let (ending, held) = held(&world, &id).await;
    assert_eq!((ending, held.residue, held.settled.unwrap().by.as_str()), (Ending::Expired, vec!["table scratch".to_owned()], "eve"));
    let before = tries(&world).await;
    world.advance(Span::from_minutes(120)).await;
    assert_eq!(tries(&world).await, before);
    assert!(matches!(world.no("eve", &format!("/jit settle {id} again")).await, Refusal::NotOpen { .. }));
    assert!(world.console.thread(&world.card()).contains("kept for the audit"));
    is_sound(&world).await;
}

async fn a_new_grant_is_not_cut_by_the_clean_up(url: &str) {
    for ownership in [Ownership::Shared, Ownership::Ours] {
        let url = if url.starts_with("sqlite") { format!("{url}.{ownership:?}") } else { crate::store_suite::database().await };
        let world = World::with_provider(&url, Pretend::new(ownership)).await;
        let first = left(&world, &["table scratch"]).await;
        world.clock.advance(Span::from_seconds(30));
        let second = granted(&world).await;
        for _ in 0..11 {
            world.advance(Span::from_minutes(5)).await;
            assert!(world.holds("ana", "write"), "{ownership:?}");
        }
        assert_eq!(open(&world).await.len(), 1, "what remains of the first is not forgotten");
        leaves(&world, &[]);
        world.advance(Span::from_minutes(5)).await;
        assert!(!world.holds("ana", "write"));
        world.advance(Span::from_seconds(1)).await;
        assert_eq!((remains(&world, &first).await, remains(&world, &second).await), (Vec::new(), Vec::new()), "{ownership:?}");
        assert_eq!((open(&world).await, rows(&world).await), (Vec::new(), 0), "{ownership:?}");
        is_sound(&world).await;
    }
}

#[tokio::test]
async fn what_somebody_else_gave_since_stays_though_something_remains() {
    let world = World::new().await;
    let id = left(&world, &["table scratch"]).await;
    world.pretend.set("write", "ana", true);
    for _ in 0..10 {
        world.advance(Span::from_minutes(30)).await;
    }
    assert!(world.holds("ana", "write"));
    assert_eq!(tries(&world).await, 1, "nothing was tried under it");
    world.pretend.set("write", "ana", false);
    leaves(&world, &[]);
    world.advance(Span::from_minutes(60)).await;
    world.advance(Span::from_minutes(60)).await;
    assert_eq!((remains(&world, &id).await, open(&world).await), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn what_an_end_without_the_store_left_is_kept_and_taken_away_too() {
    let mut broken = Broken::new(Ownership::PerGrant).await;
    let id = granted(&broken.world).await;
    broken.world.advance(Span::from_minutes(59)).await;
    leaves(&broken.world, &["table scratch"]);
    broken.refuse().await;
    broken.world.clock.advance(Span::from_seconds(62));
    broken.world.workers.drain().await.unwrap_err();
    assert!(!broken.world.holds("ana", "write"), "it ends on time");
    broken.mend().await;
    let world = &broken.world;
    world.advance(Span::from_seconds(61)).await;
    world.advance(Span::from_seconds(1)).await;
    assert_eq!((remains(world, &id).await, open(world).await), (vec!["table scratch".to_owned()], alarms(&id, &["table scratch"])));
    leaves(world, &[]);
    world.advance(Span::from_minutes(2)).await;
    assert_eq!((remains(world, &id).await, open(world).await, rows(world).await), (Vec::new(), Vec::new(), 0));
    is_sound(world).await;
}

async fn the_next_start_goes_on_cleaning_up(url: &str) {
    let world = World::with_provider(url, Pretend::new(Ownership::PerGrant)).await;
    let id = left(&world, &["table scratch"]).await;
    let world = world.without_store().await.with_store(Store::open(url).await.unwrap()).await;
    leaves(&world, &[]);
    world.advance(Span::from_seconds(60)).await;
    assert_eq!((remains(&world, &id).await, open(&world).await, rows(&world).await), (Vec::new(), Vec::new(), 0));
}
