//! Holding: when the clock starts, what stays as it was, and more time.

use hallpass::domain::{
    entitlement::Ownership,
    refusal::Refusal,
    request::{Ending, Extension, Grant, Remains, State},
    time::{Instant, Span},
};

use super::ASK;
use crate::world::{START, World};

#[tokio::test]
async fn from_request_to_verified_gone() {
    let world = World::new().await;
    let said = world.say("ana", ASK).await;
    assert!(said.starts_with("Asked."), "{said}");
    let id = world.newest().await;
    assert!(!world.holds("ana", "write"));
    world.clock.advance(Span::from_seconds(30));
    world.press("ben", "approve", &id, None).await;
    assert!(world.holds("ana", "write"));
    let State::Active { work, .. } = world.state(&id).await.state else { panic!("{:?}", world.state(&id).await) };
    assert_eq!(work.until, work.since + Span::from_minutes(60));
    world.advance(Span::from_minutes(59)).await;
    assert!(world.holds("ana", "write"));
    world.advance(Span::from_minutes(1)).await;
    assert!(!world.holds("ana", "write"));
    let State::Closed { ending: Ending::Expired, held: Some(held), .. } = world.state(&id).await.state else {
        panic!("{:?}", world.state(&id).await)
    };
    assert_eq!(held.remains, Remains::Nothing);
    assert!(held.gone_at.is_some());
}

#[tokio::test]
async fn the_clock_starts_when_access_works_not_when_it_was_asked() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.advance(Span::from_minutes(59)).await;
    world.press("ben", "approve", &id, None).await;
    let State::Active { work, .. } = world.state(&id).await.state else { panic!() };
    assert_eq!(work.until, world.now() + Span::from_minutes(60));
}

#[tokio::test]
async fn what_was_there_before_stays() {
    let world = World::with(Ownership::Shared).await;
    world.pretend.set("write", "ana", true);
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    world.advance(Span::from_minutes(61)).await;
    let State::Closed { held: Some(held), .. } = world.state(&id).await.state else { panic!("{:?}", world.state(&id).await) };
    assert_eq!(held.remains, Remains::Before);
    assert!(world.holds("ana", "write"));
}

#[tokio::test]
async fn overlapping_grants_never_cut_each_other() {
    let world = World::with(Ownership::Shared).await;
    world.say("ana", ASK).await;
    let first = world.newest().await;
    world.press("ben", "approve", &first, None).await;
    world.advance(Span::from_minutes(30)).await;
    world.say("ana", ASK).await;
    let second = world.newest().await;
    assert_ne!(first, second);
    world.press("ben", "approve", &second, None).await;
    world.advance(Span::from_minutes(31)).await;
    assert!(world.holds("ana", "write"));
    let State::Closed { held: Some(held), .. } = world.state(&first).await.state else { panic!("{:?}", world.state(&first).await) };
    assert_eq!(held.remains, Remains::Through { request: second.parse().unwrap() });
    world.advance(Span::from_minutes(31)).await;
    assert!(!world.holds("ana", "write"));
    assert!(!world.state(&second).await.is_open());
}

#[tokio::test]
async fn an_extension_below_the_ceiling_is_granted_at_once_and_above_it_asked() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    let State::Active { work: before, .. } = world.state(&id).await.state else { panic!() };
    world.press("ana", "extend:1h", &id, None).await;
    let State::Active { work, .. } = world.state(&id).await.state else { panic!() };
    assert_eq!(work.until, before.until + Span::from_minutes(60));
    world.press("ana", "extend:1h", &id, None).await;
    let State::Active { work: same, extension, .. } = world.state(&id).await.state else { panic!() };
    assert_eq!(same.until, work.until);
    assert!(extension.is_some());
    world.press("ben", "approve", &id, None).await;
    let State::Active { work: more, .. } = world.state(&id).await.state else { panic!() };
    assert_eq!(more.until, work.until + Span::from_minutes(60));
}

#[tokio::test]
async fn the_document_is_the_fold_of_its_stream() {
    use hallpass::domain::{event::Event, request::Request};
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "looking", &id, None).await;
    world.press("ben", "approve", &id, Some("only: the *import* table <@U1>\n--")).await;
    world.press("ana", "extend:30m", &id, None).await;
    world.press("finn", "revoke", &id, Some("enough")).await;
    let entries = world.store.entries(&format!("request/{id}"), 0, 1000).await.unwrap();
    let events: Vec<(Event, _)> = entries
        .iter()
        .map(|entry| {
            let value: serde_json::Value = serde_json::from_slice(&entry.bytes).unwrap();
            (serde_json::from_value(value["event"].clone()).unwrap(), entry.at)
        })
        .collect();
    let folded = Request::fold(&id.parse().unwrap(), events.iter().map(|(event, at)| (event, *at))).unwrap().unwrap();
    assert_eq!(folded, world.state(&id).await);
    assert!(!folded.is_open());
}

#[tokio::test]
async fn an_extension_escalates_by_the_chain_of_the_whole_length() {
    let world = World::new().await;
    let mut catalogue = crate::world::catalogue();
    let policy = catalogue.policies.get_mut(&"prod-data".parse().unwrap()).unwrap();
    policy.at_once_up_to = Some(Span::from_minutes(60));
    policy.extend_to = None;
    world.bot.reload(catalogue, (*world.bot.providers()).clone()).await.unwrap();
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ana", "extend:30m", &id, None).await;
    world.advance(Span::from_minutes(10)).await;
    let State::Active { extension: Some(Extension::Asked { round }), .. } = world.state(&id).await.state else {
        panic!("{:?}", world.state(&id).await)
    };
    assert_eq!(round.rung, 1, "an hour is free, an hour and a half is not");
}

#[tokio::test]
async fn a_lower_cap_bounds_an_extension_and_never_shortens_what_runs() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    world.press("ana", "extend:1h", &id, None).await;
    world.press("ana", "extend:1h", &id, None).await;
    let mut catalogue = crate::world::catalogue();
    catalogue.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().cap = Span::from_minutes(90);
    world.bot.reload(catalogue, (*world.bot.providers()).clone()).await.unwrap();
    world.press("ben", "approve", &id, None).await;
    let State::Active { work, .. } = world.state(&id).await.state else { panic!("{:?}", world.state(&id).await) };
    assert_eq!(work.until, work.since + Span::from_minutes(120), "what was approved before stays, nothing is added");
}

#[tokio::test]
async fn an_extension_never_passes_the_cap_and_says_how_much_is_left() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    assert_eq!(world.no("ana", &format!("/jit extend {id} 4h")).await, Refusal::OverCeiling { most: Span::from_minutes(180) });
    world.done("ana", &format!("/jit extend {id} 3h the import is slow")).await;
    assert_eq!(world.no("ana", &format!("/jit extend {id} 10m")).await, Refusal::ExtensionOpen);
    world.done("ben", &format!("/jit approve {id}")).await;
    let work = world.work(&id).await;
    assert_eq!(work.until, work.since + Span::from_minutes(240));
    assert_eq!(world.no("ana", &format!("/jit extend {id} 1m")).await, Refusal::NoTimeLeft);
}

#[tokio::test]
async fn an_extension_is_for_whoever_holds_it_and_its_chain_excludes_them() {
    let world = World::new().await;
    let id = world.granted("ana", "/jit request prod-db write 1h help him --for @ben", "dora").await;
    for person in ["dora", "eve", "finn"] {
        assert_eq!(world.no(person, &format!("/jit extend {id} 30m")).await, Refusal::NotHolder, "{person}");
    }
    world.done("ben", &format!("/jit extend {id} 2h still at it")).await;
    for person in ["ana", "ben"] {
        assert_eq!(world.no(person, &format!("/jit approve {id}")).await, Refusal::OwnRequest, "{person}");
    }
    world.done("dora", &format!("/jit approve {id}")).await;
    let work = world.work(&id).await;
    assert_eq!(work.until, work.since + Span::from_minutes(180));
    world.done("ben", &format!("/jit return {id}")).await;
    assert!(!world.holds("ben", "write"));
}

#[tokio::test]
async fn an_extension_in_the_last_second_adds_exactly_what_was_asked_and_after_it_nothing() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    let before = world.work(&id).await;
    world.advance(Span::from_seconds(3_599)).await;
    assert!(world.work(&id).await.warned);
    world.done("ana", &format!("/jit extend {id} 30m")).await;
    let work = world.work(&id).await;
    assert_eq!((work.until, work.warned), (before.until + Span::from_minutes(30), false), "and a new warning will come");
    world.advance(Span::from_seconds(1 + 30 * 60)).await;
    assert!(matches!(world.no("ana", &format!("/jit extend {id} 30m")).await, Refusal::NotOpen { .. }));
    assert!(!world.holds("ana", "write"));
}

#[tokio::test]
async fn a_later_end_is_counted_from_the_one_there_is() {
    let world = World::new().await;
    let id = world.granted("ana", ASK, "ben").await;
    assert!(matches!(world.no("ana", &format!("/jit extend {id} until 14:30")).await, Refusal::EndsLater { .. }));
    world.done("ana", &format!("/jit extend {id} until 15:45")).await;
    assert_eq!(world.work(&id).await.until, crate::world::START + Span::from_minutes(105));
}

#[tokio::test]
async fn grace_is_given_once_and_only_while_more_time_is_being_decided() {
    let world = World::new().await;
    world.policy("prod-data", |policy| policy.grace = Span::from_minutes(10)).await;
    let id = world.granted("ana", ASK, "ben").await;
    world.done("ana", &format!("/jit extend {id} 2h the import is slow")).await;
    let end = world.work(&id).await.until;
    world.advance(Span::from_minutes(60)).await;
    assert_eq!(world.work(&id).await.until, end + Span::from_minutes(10));
    world.advance(Span::from_minutes(10)).await;
    assert!(!world.holds("ana", "write"), "nobody answered within the grace");
    assert_eq!(world.ending(&id).await, Ending::Expired);
    let plain = world.granted("finn", ASK, "ben").await;
    world.advance(Span::from_minutes(60)).await;
    assert!(!world.state(&plain).await.is_open(), "nobody decides anything: no grace");
}

#[tokio::test]
async fn grace_ends_the_moment_its_ask_is_denied_cancelled_or_unanswered() {
    for closes in ["deny", "cancel", "patience"] {
        let world = World::new().await;
        let patience = Span::from_minutes(64);
        world.policy("prod-data", |policy| (policy.grace, policy.patience) = (Span::from_minutes(10), patience)).await;
        let id = world.granted("ana", ASK, "ben").await;
        world.done("ana", &format!("/jit extend {id} 2h the import is slow")).await;
        let end = world.work(&id).await.until;
        world.advance(Span::from_minutes(61)).await;
        assert!(world.holds("ana", "write"), "it is being decided");
        match closes {
            "deny" => world.done("ben", &format!("/jit deny {id} enough for today")).await,
            "cancel" => world.done("ana", &format!("/jit cancel {id}")).await,
            _ => world.advance(Span::from_minutes(3)).await,
        }
        assert!(!world.holds("ana", "write"), "{closes}: the end that was approved is over");
        assert_eq!(world.ending(&id).await, Ending::Expired, "{closes}");
        assert!(!world.console.thread(&world.card()).contains("as before"), "{closes}: there is no end to come");
        let State::Closed { held: Some(held), .. } = world.state(&id).await.state else { panic!() };
        let work = held.work.unwrap();
        assert_eq!((work.approved_until(), work.until), (end, held.ended_at), "{closes}");
    }
}

#[tokio::test]
async fn more_time_that_is_approved_within_grace_counts_from_the_approved_end() {
    let world = World::new().await;
    world.policy("prod-data", |policy| (policy.grace, policy.extend_to) = (Span::from_minutes(10), None)).await;
    let id = world.granted("ana", ASK, "ben").await;
    world.done("ana", &format!("/jit extend {id} 2h the import is slow")).await;
    let end = world.work(&id).await.until;
    world.advance(Span::from_minutes(64)).await;
    world.done("ben", &format!("/jit approve {id}")).await;
    let work = world.work(&id).await;
    assert_eq!((work.until, work.approved_until()), (end + Span::from_minutes(120), end + Span::from_minutes(120)));
    assert_eq!(world.no("ana", &format!("/jit extend {id} 2h")).await, Refusal::OverCeiling { most: Span::from_minutes(60) });
}

#[tokio::test]
async fn grace_is_no_longer_than_the_time_that_is_asked_for() {
    let world = World::new().await;
    world.policy("prod-data", |policy| (policy.grace, policy.extend_to) = (Span::from_minutes(10), None)).await;
    let id = world.granted("ana", ASK, "ben").await;
    world.done("ana", &format!("/jit extend {id} 5m nearly done")).await;
    world.advance(Span::from_minutes(64)).await;
    assert!(world.holds("ana", "write"));
    world.advance(Span::from_minutes(1)).await;
    assert!(!world.holds("ana", "write"), "an approval could not have given more");
}

#[tokio::test]
async fn an_end_that_was_asked_for_as_such_is_kept_to_the_microsecond() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hallpass.db").display());
    let world = World::on_at(&url, Instant::from_micros(START.micros() + 123_457)).await;
    let id = world.granted("ana", "/jit request prod-db write until 15:00 fix it", "ben").await;
    let end = START + Span::from_minutes(60);
    assert_eq!(world.work(&id).await.until, end);
    let card = world.console.thread(&world.card());
    assert!(card.contains("has write on prod-db until 15:00 (in"), "{card}");
    let grant = grant(&world, &id).await;
    let claim = world.store.claims(&[grant.entitlement]).await.unwrap().remove(0);
    assert!(grant.decided_at + claim.duration >= end && claim.latest == end, "nor does the target's own expiry come before it");
}

#[tokio::test]
async fn an_end_that_was_asked_for_is_not_kept_beyond_a_lower_cap() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db write until 18:00 fix it").await;
    world.policy("prod-data", |policy| policy.cap = Span::from_minutes(90)).await;
    world.done("ben", &format!("/jit approve {id}")).await;
    let work = world.work(&id).await;
    assert_eq!(work.until, work.since + Span::from_minutes(90));
}

async fn grant(world: &World, id: &str) -> Grant {
    match world.state(id).await.state {
        State::Active { grant, .. } => grant,
        state => panic!("{state:?}"),
    }
}

#[tokio::test]
async fn an_extension_that_nobody_answers_closes_and_the_access_ends_on_time() {
    let world = World::new().await;
    world.policy("prod-data", |policy| policy.patience = Span::from_minutes(20)).await;
    let id = world.granted("ana", ASK, "ben").await;
    world.done("ana", &format!("/jit extend {id} 2h")).await;
    world.advance(Span::from_minutes(20)).await;
    assert!(matches!(world.state(&id).await.state, State::Active { extension: None, .. }));
    world.advance(Span::from_minutes(40)).await;
    assert!(!world.holds("ana", "write"));
}

#[tokio::test]
async fn card_and_summary_name_who_allowed_how_much() {
    let world = World::new().await;
    let id = world.ask("ana", "/jit request prod-db write 45m Unblock the stuck import").await;
    world.done("ben", &format!("/jit offer {id} 15m")).await;
    world.done("ana", &format!("/jit accept {id}")).await;
    world.done("ben", &format!("/jit approve {id}")).await;
    world.done("ana", &format!("/jit extend {id} 1h")).await;
    world.done("ana", &format!("/jit extend {id} 2h one more batch")).await;
    let card = world.console.thread(&world.card());
    assert!(card.contains("More   Ana Reyes asks for 2 h more, until 17:15: \"one more batch\" · cap 4 h · 0 of 1 approval\n"), "{card}");
    assert!(card.contains("Gets   nothing real: \"write\" is pretended\n"), "its end is no longer 15 min after it works: {card}");
    world.done("dora", &format!("/jit approve {id}")).await;
    let given = "+ 1 h at once · + 2 h approved by Dora Lind";
    let card = world.console.thread(&world.card());
    assert!(card.contains(&format!("Approved by Ben Okafor in 0 s · {given} · working since")), "{card}");
    let late = world.say("ben", &format!("/jit approve {id}")).await;
    assert!(late.starts_with("Dora Lind approved it"), "{late}");
    world.advance(Span::from_minutes(195)).await;
    let card = world.console.thread(&world.card());
    assert!(card.ends_with(&format!("Asked 45 min · offered 15 min · approved by Ben Okafor in 0 s · {given}")), "{card}");
}

#[tokio::test]
async fn the_summary_says_how_long_grace_kept_it_open() {
    let world = World::new().await;
    world.policy("prod-data", |policy| policy.grace = Span::from_minutes(10)).await;
    let id = world.granted("ana", ASK, "ben").await;
    world.done("ana", &format!("/jit extend {id} 2h the import is slow")).await;
    world.advance(Span::from_minutes(60)).await;
    world.advance(Span::from_minutes(4)).await;
    world.done("ben", &format!("/jit deny {id} enough for today")).await;
    let card = world.console.thread(&world.card());
    assert!(card.contains("(1 h 4 min of 1 h)"), "{card}");
    assert!(card.ends_with("Asked 1 h · approved by Ben Okafor in 0 s · kept open 4 min while more time was being decided"), "{card}");
}
