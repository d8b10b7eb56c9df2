//! A place that refuses until a human mends it: operators hear of it once, access goes on, and it is over when it is mended.

use hallpass::{
    domain::{
        entitlement::Ownership,
        policy::{Channel, Platform},
        time::Span,
    },
    store::Store,
};

use super::{MENDING, SOON, count};
use crate::{life::ASK, outage::entries, store_suite::file, world::World};

const WHY: &str = "not_in_channel: invite the bot there";
const CARDS: &str = "#db-approvers";

async fn open(world: &World) -> Vec<String> {
    let mut open: Vec<_> = world.store.open_alarms().await.unwrap().into_iter().map(|alarm| alarm.id).collect();
    open.sort_unstable();
    open
}

/// How often something happened to alarms about chats.
async fn happened(world: &World, kind: &str) -> usize {
    let about_a_chat = |alarm: &serde_json::Value| alarm.as_str().is_some_and(|id| id.starts_with("chat/"));
    entries(world).await.iter().filter(|(_, value)| value["event"]["type"] == kind && about_a_chat(&value["event"]["alarm"])).count()
}

#[tokio::test]
async fn operators_are_told_once_where_messages_are_refused_and_what_to_do() {
    let world = World::new().await;
    world.console.set_refused(CARDS, Some(WHY));
    let id = world.ask("ana", ASK).await;
    world.done("ben", &format!("/jit looking {id}")).await;
    for _ in 0..3 {
        world.advance(MENDING).await;
    }
    assert_eq!(open(&world).await, ["chat/console/#db-approvers"]);
    assert_eq!(world.console.cards("#ops").len(), 1);
    insta::assert_snapshot!(world.console.channel("#ops"), @r"
    MESSAGES ARE REFUSED since 14:00: console #db-approvers: not_in_channel: invite the bot there
    Access is granted and ends all the same; only what should be read there is missing. We try again every 10 minutes.
    ");
    world.console.set_refused(CARDS, None);
    world.advance(MENDING).await;
    assert!(world.console.channel(CARDS).contains("Ana Reyes asks for write on prod-db"));
    assert_eq!(open(&world).await, Vec::<String>::new());
    insta::assert_snapshot!(world.console.channel("#ops"), @"Over at 14:40: console #db-approvers: not_in_channel: invite the bot there (since 14:00). Nothing more to do.");
}

#[tokio::test]
async fn access_is_given_and_ends_while_every_place_refuses_and_no_alarm_breeds_another() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(&file(&folder), Ownership::Shared).await;
    let places = [CARDS, "@ana", "@ben", "#ops"];
    for place in places {
        world.console.set_refused(place, Some(WHY));
    }
    let id = world.granted("ana", ASK, "ben").await;
    assert!(world.holds("ana", "write"));
    let due = world.work(&id).await.until;
    world.advance(Span::from_minutes(59)).await;
    world.advance(Span::from_minutes(1)).await;
    assert!(!world.holds("ana", "write") && world.now() >= due);
    for _ in 0..6 {
        world.advance(MENDING).await;
    }
    let alarms = ["chat/console/#db-approvers", "chat/console/#ops", "chat/console/@ana"];
    assert_eq!(open(&world).await, alarms);
    assert_eq!(happened(&world, "alarm_raised").await, alarms.len(), "each once");

    let world = world.without_store().await.with_store(Store::open(&file(&folder)).await.unwrap()).await;
    world.advance(MENDING).await;
    assert_eq!((open(&world).await.len(), happened(&world, "alarm_raised").await), (3, 3), "also after a restart");
    for place in places {
        world.console.set_refused(place, None);
    }
    world.advance(MENDING).await;
    world.advance(SOON).await;
    assert_eq!(open(&world).await, Vec::<String>::new());
    assert_eq!(happened(&world, "alarm_cleared").await, alarms.len());
    let (thread, ops) = (world.console.thread(&world.card()), world.console.channel("#ops"));
    assert!(thread.contains("Ended: Ana Reyes had write on prod-db"), "{thread}");
    assert!(world.console.directs("ana").contains("ended"), "{}", world.console.directs("ana"));
    assert_eq!(count(&ops, "Over at"), 3, "{ops}");
}

#[tokio::test]
async fn a_message_that_gets_through_is_enough_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(&file(&folder), Ownership::Shared).await;
    world.console.set_refused(CARDS, Some(WHY));
    world.ask("ana", ASK).await;
    world.console.set_refused(CARDS, None);
    let world = world.without_store().await.with_store(Store::open(&file(&folder)).await.unwrap()).await;
    assert_eq!(open(&world).await, ["chat/console/#db-approvers"]);
    world.ask("finn", "/jit request prod-db read 1h Look at the same import").await;
    assert_eq!(open(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn once_something_gets_through_the_rest_is_tried_at_once() {
    let world = World::new().await;
    world.console.set_refused(CARDS, Some(WHY));
    world.ask("ana", ASK).await;
    world.console.set_refused(CARDS, None);
    world.ask("finn", "/jit request prod-db read 1h Look at the same import").await;
    assert_eq!(world.console.cards(CARDS).len(), 2);
    assert_eq!(open(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn one_message_that_is_refused_while_others_get_through_is_one_alarm() {
    let world = World::new().await;
    world.console.set_unfit(Some("Move the tables"));
    let id = world.ask("ana", "/jit request prod-db write 1h Move the tables").await;
    for who in ["finn", "cleo", "eve"] {
        world.ask(who, ASK).await;
        world.advance(MENDING).await;
    }
    assert_eq!(open(&world).await, ["chat/console/#db-approvers"]);
    assert_eq!(happened(&world, "alarm_raised").await, 1);
    assert_eq!(world.console.cards(CARDS).len(), 3);
    world.console.set_unfit(None);
    world.done("ana", &format!("/jit cancel {id}")).await;
    assert_eq!(open(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_place_that_bot_toml_does_not_name_any_more_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(&file(&folder), Ownership::Shared).await;
    let id = world.ask("ana", ASK).await;
    world.console.set_refused(CARDS, Some("is_archived: name another channel"));
    world.done("ben", &format!("/jit looking {id}")).await;
    assert_eq!(open(&world).await, ["chat/console/#db-approvers"]);
    world
        .rules(|catalogue| {
            let elsewhere = vec![Channel { platform: Platform::Console, id: "#elsewhere".into() }];
            catalogue.resources.values_mut().for_each(|resource| resource.channels.clone_from(&elsewhere));
        })
        .await;
    world.advance(MENDING).await;
    assert_eq!(open(&world).await, Vec::<String>::new());
    let away = world.console.turned_away();
    world.advance(MENDING).await;
    assert_eq!(world.console.turned_away(), away, "nothing is tried there any more");
}

#[tokio::test]
async fn an_alarm_reaches_the_channel_that_is_slow_however_another_refuses() {
    let world = World::new().await.ops(&["#ops", "#broken"]);
    world.console.set_refused("#broken", Some(WHY));
    world.console.set_busy("#ops", Some(Span::from_seconds(5)));
    world.bot.raise("ledger", "it cannot be sealed".into(), None).await.unwrap();
    world.workers.drain().await.unwrap();
    world.console.set_busy("#ops", None);
    world.advance(Span::from_seconds(5)).await;
    let ops = world.console.channel("#ops");
    assert!(ops.contains("it cannot be sealed"), "{ops}");
    assert!(ops.contains("console #broken: not_in_channel: invite the bot there"), "{ops}");
}
