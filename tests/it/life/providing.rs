//! Providers that fail, and the ledger of a life.

use hallpass::domain::{
    request::{Ending, State},
    time::Span,
};

use super::ASK;
use crate::world::World;

#[tokio::test]
async fn a_provider_that_is_down_over_the_end_raises_an_alarm_and_is_revoked_on_its_return() {
    use hallpass::provider::{FaultKind, pretend::Temper};
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "connection refused".into())), ..Temper::default() });
    world.advance(Span::from_minutes(60)).await;
    world.advance(Span::from_seconds(29)).await;
    assert_eq!(world.store.open_alarms().await.unwrap().len(), 1);
    assert!(world.console.channel("#ops").contains("STILL OPEN"));
    for _ in 0..24 {
        world.advance(Span::from_minutes(60)).await;
    }
    assert!(world.holds("ana", "write"));
    assert!(world.state(&id).await.is_open());
    world.pretend.set_temper(Temper::default());
    world.advance(Span::from_minutes(1)).await;
    world.advance(Span::from_minutes(1)).await;
    assert!(!world.holds("ana", "write"));
    assert!(!world.state(&id).await.is_open());
    assert!(world.store.open_alarms().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_that_was_lost_is_resolved_by_reading_the_provider() {
    use hallpass::provider::pretend::Temper;
    let world = World::new().await;
    world.pretend.set_temper(Temper { cut_after_effect: true, ..Temper::default() });
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    assert!(world.holds("ana", "write"));
    assert!(matches!(world.state(&id).await.state, State::Granting { .. }), "nothing is green before it is known");
    world.pretend.set_temper(Temper::default());
    for _ in 0..3 {
        world.advance(Span::from_seconds(30)).await;
    }
    assert!(matches!(world.state(&id).await.state, State::Active { .. }), "{:?}", world.state(&id).await.state);
    world.pretend.set_temper(Temper { cut_after_effect: true, ..Temper::default() });
    world.advance(Span::from_minutes(60)).await;
    assert!(world.state(&id).await.is_open(), "gone is not said before it was read back");
    world.pretend.set_temper(Temper::default());
    for _ in 0..3 {
        world.advance(Span::from_seconds(30)).await;
    }
    assert!(!world.holds("ana", "write"));
    assert!(!world.state(&id).await.is_open());
}

#[tokio::test]
async fn a_grant_that_the_provider_refuses_fails_and_was_never_green() {
    use hallpass::provider::{FaultKind, pretend::Temper};
    let world = World::new().await;
    world.pretend.set_temper(Temper { fails: Some((FaultKind::Denied, "permission denied".into())), ..Temper::default() });
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    world.pretend.set_temper(Temper::default());
    for _ in 0..5 {
        world.advance(Span::from_minutes(1)).await;
    }
    let State::Closed { ending: Ending::Failed { .. }, .. } = world.state(&id).await.state else {
        panic!("{:?}", world.state(&id).await.state)
    };
    assert!(!world.console.thread(&world.card()).contains("has write"));
}

#[tokio::test]
async fn the_ledger_of_a_life_is_sealed_and_verified() {
    use hallpass::ledger::{
        key::{Key, Mark},
        seal::Sealer,
        verify::verify,
    };
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    world.advance(Span::from_minutes(60)).await;
    let folder = tempfile::tempdir().unwrap();
    let key = Key::open(&folder.path().join("key"), || [3; 32]).unwrap();
    let public = key.signing.verifying_key();
    let mut sealer = Sealer::new(world.store.clone(), key, "example.com/ledger".into());
    assert!(sealer.seal_once(world.now()).await.unwrap() > 8);
    let report = verify(&world.store, "example.com/ledger", &public, None).await.unwrap();
    assert!(report.findings.is_empty(), "{report}");
    let longer = verify(&world.store, "example.com/ledger", &public, Some(Mark { size: 10_000, root: [0; 32] })).await.unwrap();
    assert!(longer.findings.iter().any(|f| f.contains("the tail was cut")), "{longer}");
}

#[tokio::test]
async fn an_adapter_that_cannot_start_alarms_and_its_access_ends_when_it_is_back() {
    use hallpass::provider::{Provider, broken::Broken};
    use std::{collections::BTreeMap, sync::Arc};
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    let name: hallpass::domain::ids::ProviderName = "pretended".parse().unwrap();
    let broken: Arc<dyn Provider> = Arc::new(Broken::new("pretend", "no such file".into()));
    world.bot.reload(crate::world::catalogue(), BTreeMap::from([(name.clone(), broken)])).await.unwrap();
    world.advance(Span::from_minutes(60)).await;
    world.advance(Span::from_seconds(29)).await;
    assert!(world.state(&id).await.is_open(), "gone is never said of what cannot be read");
    assert_eq!(world.store.open_alarms().await.unwrap().len(), 1);
    let mended: Arc<dyn Provider> = world.pretend.clone();
    world.bot.reload(crate::world::catalogue(), BTreeMap::from([(name, mended)])).await.unwrap();
    world.advance(Span::from_minutes(1)).await;
    world.advance(Span::from_minutes(1)).await;
    assert!(!world.holds("ana", "write"));
    assert!(!world.state(&id).await.is_open());
    assert!(world.store.open_alarms().await.unwrap().is_empty());
}
