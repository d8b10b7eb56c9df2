//! Conversations: the life of a request as people live it.

use hallpass::domain::{
    entitlement::Ownership,
    request::{Ending, Extension, Remains, State},
    time::Span,
};

use crate::world::World;

const ASK: &str = "/jit request prod-db write 1h Unblock the stuck import";

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
async fn an_outsider_can_press_nothing() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    for action in ["approve", "deny", "looking", "less:30m", "pass:@ben", "revoke", "return", "cancel", "accept"] {
        world.press("cleo", action, &id, Some("30m because")).await;
        world.press("stranger", action, &id, Some("30m because")).await;
    }
    let request = world.state(&id).await;
    assert_eq!(request.n, 1, "{request:?}");
}

#[tokio::test]
async fn requester_cannot_approve_own_request() {
    let world = World::new().await;
    world.say("ben", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    assert!(matches!(world.state(&id).await.state, State::Pending { .. }));
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
async fn one_person_in_two_groups_fills_one_stage() {
    let world = World::new().await;
    world.say("ana", "/jit request prod-db admin 1h Move the tables").await;
    let id = world.newest().await;
    world.press("dora", "approve", &id, None).await;
    world.press("dora", "approve", &id, None).await;
    assert!(matches!(world.state(&id).await.state, State::Pending { .. }));
    world.press("cleo", "approve", &id, None).await;
    assert!(world.holds("ana", "admin"));
}

#[tokio::test]
async fn a_deny_needs_a_reason_and_ends_it() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "deny", &id, None).await;
    assert!(matches!(world.state(&id).await.state, State::Pending { .. }));
    world.press("ben", "deny", &id, Some("use the read replica")).await;
    assert!(matches!(world.state(&id).await.state, State::Closed { ending: Ending::Denied { .. }, .. }));
    assert!(!world.holds("ana", "write"));
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
async fn returned_early_is_gone_early() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    world.press("ana", "return", &id, None).await;
    assert!(!world.holds("ana", "write"));
    assert!(matches!(world.state(&id).await.state, State::Closed { ending: Ending::Returned { .. }, .. }));
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
async fn an_unanswered_ask_escalates_and_closes() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("eve", "approve", &id, None).await;
    assert!(matches!(world.state(&id).await.state, State::Pending { .. }));
    world.advance(Span::from_minutes(10)).await;
    let State::Pending { round } = world.state(&id).await.state else { panic!() };
    assert_eq!(round.rung, 1);
    world.advance(Span::from_minutes(240)).await;
    assert!(matches!(world.state(&id).await.state, State::Closed { ending: Ending::Unanswered, .. }));
}

#[tokio::test]
async fn an_offer_of_less_is_no_vote_and_becomes_the_ask() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "less", &id, Some("read 30m only looking")).await;
    world.press("ana", "accept", &id, None).await;
    assert!(!world.holds("ana", "read"));
    world.press("ben", "approve", &id, None).await;
    assert!(world.holds("ana", "read"));
    assert!(!world.holds("ana", "write"));
    let State::Active { grant, .. } = world.state(&id).await.state else { panic!() };
    assert_eq!(grant.duration, Span::from_minutes(30));
}

#[tokio::test]
async fn short_access_needs_no_approval_where_policy_says_so() {
    let world = World::new().await;
    world.say("ana", "/jit request bastion login 15m look at the disk").await;
    assert!(world.holds("ana", "login"));
}

#[tokio::test]
async fn a_scheduled_start_waits() {
    let world = World::new().await;
    world.say("ana", "/jit request prod-db write 1h --at 16:00 nightly job").await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    assert!(matches!(world.state(&id).await.state, State::Scheduled { .. }));
    assert!(!world.holds("ana", "write"));
    world.advance(Span::from_minutes(120)).await;
    assert!(world.holds("ana", "write"));
}

#[tokio::test]
async fn an_approver_who_left_the_set_no_longer_counts_at_a_scheduled_start() {
    let world = World::new().await;
    world.say("ana", "/jit request prod-db write 1h --at 16:00 nightly job").await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    let mut catalogue = crate::world::catalogue();
    catalogue.groups.get_mut(&"db-leads".parse().unwrap()).unwrap().members.retain(|m| m.as_str() != "ben");
    world.bot.reload(catalogue, (*world.bot.providers()).clone()).await.unwrap();
    world.advance(Span::from_minutes(120)).await;
    assert!(matches!(world.state(&id).await.state, State::Pending { .. }));
    assert!(!world.holds("ana", "write"));
}

#[tokio::test]
async fn a_leaver_loses_access_at_once() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    world.console.set_profile("ana", "ana", false);
    world.bot.leavers().await.unwrap();
    world.workers.drain().await.unwrap();
    assert!(!world.holds("ana", "write"));
    assert!(matches!(world.state(&id).await.state, State::Closed { ending: Ending::Left, .. }));
}

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
async fn a_redelivered_command_is_done_once() {
    use hallpass::bot::{Body, Incoming};
    let world = World::new().await;
    let incoming = Incoming {
        platform: hallpass::domain::policy::Platform::Console,
        user: "ana".into(),
        interaction: "same".into(),
        body: Body::Line { text: ASK.into() },
    };
    assert!(world.bot.take(&incoming).await.unwrap().is_some());
    assert!(world.bot.take(&incoming).await.unwrap().is_none());
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
    world.advance(Span::from_minutes(61)).await;
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
async fn a_clock_that_jumps_grants_nothing_and_ends_what_is_due() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let held = world.newest().await;
    world.press("ben", "approve", &held, None).await;
    world.advance(Span::from_seconds(1)).await;
    world.say("finn", ASK).await;
    let asked = world.newest().await;
    world.clock.jump(world.now() + Span::from_minutes(120));
    world.workers.drain().await.unwrap();
    assert!(!world.holds("ana", "write"), "what is due ends");
    world.press("ben", "approve", &asked, None).await;
    assert!(!world.holds("finn", "write"), "nothing is granted");
    assert!(world.store.open_alarms().await.unwrap().iter().any(|alarm| alarm.id == "clock"));
    world.bot.confirm_clock(None).await.unwrap();
    let said = world.press("ben", "approve", &asked, None).await;
    assert!(world.holds("finn", "write"), "{said}\n{:?}", world.state(&asked).await);
    assert!(world.store.open_alarms().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_frozen_policy_grants_nothing_and_goes_on_ending() {
    let world = World::new().await;
    world.say("ana", ASK).await;
    let held = world.newest().await;
    world.press("ben", "approve", &held, None).await;
    let frozen = hallpass::domain::policy::Catalogue { frozen: true, ..crate::world::catalogue() };
    world.bot.reload(frozen, (*world.bot.providers()).clone()).await.unwrap();
    world.say("finn", ASK).await;
    assert_eq!(world.newest().await, held, "nothing new is opened");
    world.advance(Span::from_minutes(60)).await;
    assert!(!world.holds("ana", "write"));
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
