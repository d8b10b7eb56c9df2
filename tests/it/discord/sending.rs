//! What the bot says while Discord limits, fails, hangs, forgets and is gone: once, at its pace, in the end; and access does not wait.

use std::{sync::Arc, time::Duration};

use hallpass::{
    clock::{Clock as _, ManualClock},
    domain::{
        entitlement::Ownership,
        policy::{Catalogue, Channel, Platform},
        time::Span,
    },
    provider::pretend::Pretend,
    store::Store,
};

use super::{ANA, BEN, CARDS, CLEO, DORA, EVE, FINN, House, OPS, TALK, Way, guild, rules};
use crate::{
    fakes::discord::{
        Fault, Scope,
        permissions::{SEND_MESSAGES, VIEW_CHANNEL},
        reading::text_of,
    },
    store_suite::file,
    world::START,
};

/// What needs a human is tried again this often.
const MENDING: Span = Span::from_minutes(10);
/// Longer than any pause after one failure.
const SOON: Span = Span::from_seconds(5);
const HOSTS: &str = "500000000000000011";

/// The cards of this resource go to these channels.
fn channels(rules: &mut Catalogue, resource: &str, ids: &[&str]) {
    let channel = |id: &&str| Channel { platform: Platform::Discord, id: (*id).to_owned() };
    rules.resources.get_mut(&resource.parse().unwrap()).unwrap().channels = ids.iter().map(channel).collect();
}

/// What is asked for, where nothing depends on why.
fn ask<'a>(resource: &'a str, role: &'a str) -> [(&'a str, &'a str); 4] {
    [("resource", resource), ("role", role), ("length", "1h"), ("reason", "Look at the table")]
}

impl House {
    /// Where Ana has write on prod-db.
    async fn held() -> Self {
        let house = Self::asked(Way::Http).await;
        house.press(BEN, "approve").await;
        assert!(house.holds("ana", "write"), "{}", house.reads());
        house
    }

    /// Somebody asks, and nothing else happens yet.
    async fn asks(&self, user: &str, resource: &str, role: &str) {
        assert!(self.discord.slash(user, TALK, "request", &ask(resource, role)).await.is_ok());
        self.door.idle().await;
    }

    /// The open alarms about places in chats.
    async fn refusing(&self) -> Vec<String> {
        let open = self.store.open_alarms().await.unwrap();
        open.into_iter().map(|alarm| alarm.id).filter(|id| id.starts_with("chat/")).collect()
    }

    /// What operators read.
    fn ops(&self) -> Vec<String> {
        self.discord.messages(OPS).iter().map(text_of).collect()
    }

    /// Posts that the bot tried in a channel itself.
    fn tried(&self, channel: &str) -> usize {
        let path = format!("/channels/{channel}/messages");
        self.discord.requests_of("create_message").iter().filter(|call| call.path.ends_with(&path)).count()
    }

    fn cards(&self) -> usize {
        self.discord.messages(CARDS).len()
    }
}

fn count(text: &str, piece: &str) -> usize {
    text.matches(piece).count()
}

#[tokio::test]
async fn a_pause_that_discord_asks_for_is_kept_and_keeps_no_other_channel_waiting() {
    let mut rules = rules();
    channels(&mut rules, "bastion", &[HOSTS]);
    let discord = guild().await;
    discord.channel(HOSTS, "hosts");
    let house = House::with(Way::Http, discord, rules).await;
    house.discord.fail("create_message", Fault::Limited { after: Duration::from_secs(30), scope: Scope::Bucket }, 1);
    house.ask().await;
    assert_eq!((house.tried(CARDS), house.cards()), (1, 0));
    house.say(FINN, "request", &[("resource", "bastion"), ("role", "login"), ("length", "2h"), ("reason", "Look at the host")]).await;
    assert_eq!(house.discord.messages(HOSTS).len(), 1);
    house.advance(Span::from_seconds(15)).await;
    assert_eq!(house.tried(CARDS), 1, "not before it is over");
    house.advance(Span::from_seconds(20)).await;
    assert_eq!((house.tried(CARDS), house.cards()), (2, 1));
    assert_eq!(house.refusing().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_pause_of_all_calls_keeps_no_answer_to_a_person_waiting() {
    let house = House::new(Way::Http).await;
    house.discord.fail("create_message", Fault::Limited { after: Duration::from_secs(30), scope: Scope::Global }, 1);
    let said = house.ask().await;
    assert!(!said.is_empty() && house.cards() == 0, "{said}");
    house.advance(Span::from_seconds(35)).await;
    assert_eq!((house.tried(CARDS), house.cards()), (2, 1));
}

#[tokio::test]
async fn a_discord_that_fails_or_hangs_is_tried_again_without_an_alarm() {
    for fault in [Fault::Status(503), Fault::CutBefore, Fault::Hang] {
        let house = House::new(Way::Http).await;
        let times = if matches!(fault, Fault::Hang) { 1 } else { 3 };
        house.discord.fail("create_message", fault.clone(), times);
        house.ask().await;
        house.advance(Span::from_minutes(1)).await;
        assert_eq!(house.cards(), 1, "{fault:?}");
        house.discord.fail("update_message", fault.clone(), times);
        house.press(BEN, "approve").await;
        house.advance(Span::from_minutes(1)).await;
        assert!(house.reads().contains("Ana Reyes has write on prod-db"), "{fault:?}: {}", house.reads());
        assert_eq!(house.refusing().await, Vec::<String>::new(), "{fault:?}");
    }
}

#[tokio::test]
async fn what_discord_took_without_answering_stands_once() {
    let house = House::new(Way::Http).await;
    house.discord.fail("create_message", Fault::CutAfterEffect, 1);
    house.ask().await;
    house.advance(SOON).await;
    assert_eq!((house.cards(), house.tried(CARDS)), (1, 1), "it is found, not posted again");
    house.discord.fail("create_message", Fault::CutAfterEffect, 1);
    house.press(BEN, "looking").await;
    house.advance(SOON).await;
    assert_eq!(count(&house.thread(), "Ben Okafor is looking"), 1, "{}", house.thread());
    house.discord.fail("update_message", Fault::CutAfterEffect, 1);
    house.press(BEN, "approve").await;
    house.advance(SOON).await;
    for line in ["Ben Okafor approved", "Ana Reyes has write on prod-db"] {
        assert_eq!(count(&house.thread(), line), 1, "{line}: {}", house.thread());
    }
    house.assert_nothing_refused();
}

#[tokio::test]
async fn what_was_sent_long_before_a_start_is_found_by_the_next_process() {
    let (folder, discord) = (tempfile::tempdir().unwrap(), guild().await);
    let (clock, pretend) = (Arc::new(ManualClock::new(START)), Arc::new(Pretend::new(Ownership::Shared)));
    let next = async || {
        let store = Store::open(&file(&folder)).await.unwrap();
        House::over(Way::Http, discord.clone(), rules(), store, clock.clone(), pretend.clone()).await
    };
    let away = async |house: House| {
        house.workers.drain().await.unwrap();
        house.store.close().await;
        // Longer than Discord remembers a nonce.
        house.pass(1200);
    };
    let house = next().await;
    discord.fail("create_message", Fault::CutAfterEffect, 1);
    house.asks(ANA, "prod-db", "write").await;
    away(house).await;
    let house = next().await;
    house.advance(SOON).await;
    assert_eq!(house.cards(), 1);
    discord.fail("create_message", Fault::CutAfterEffect, 1);
    assert!(discord.press(BEN, house.card()["id"].as_str().unwrap(), "looking").await.is_ok());
    house.door.idle().await;
    away(house).await;
    let house = next().await;
    house.advance(SOON).await;
    assert_eq!(count(&house.thread(), "Ben Okafor is looking"), 1, "{}", house.thread());
    house.press(BEN, "approve").await;
    assert!(house.holds("ana", "write") && house.reads().contains("Ana Reyes has write on prod-db"));
}

#[tokio::test]
async fn a_channel_that_refuses_is_one_alarm_while_access_goes_on_and_it_ends_when_it_is_mended() {
    for (code, permissions) in [("50013", SEND_MESSAGES), ("50001", VIEW_CHANNEL)] {
        let house = House::new(Way::Http).await;
        house.discord.forbid(CARDS, permissions);
        house.ask().await;
        assert_eq!(house.refusing().await, [format!("chat/discord/{CARDS}")], "{code}");
        let ops = house.ops();
        assert!(ops.len() == 1 && ops[0].contains(code) && ops[0].contains(CARDS), "{code}: {ops:?}");
        house.discord.allow(CARDS, permissions);
        house.advance(MENDING).await;
        house.advance(SOON).await;
        assert_eq!(house.refusing().await, Vec::<String>::new(), "{code}");
        assert!(house.ops().len() == 1 && house.ops()[0].contains("Over at"), "{code}: {:?}", house.ops());
        assert_eq!(house.cards(), 1, "{code}");
        house.press(BEN, "approve").await;
        assert!(house.holds("ana", "write") && house.thread().contains("approved"), "{code}: {}", house.thread());
    }
}

#[tokio::test]
async fn with_a_revoked_token_access_ends_on_time_and_everything_is_told_after_a_start_with_another() {
    let (folder, discord) = (tempfile::tempdir().unwrap(), guild().await);
    let (clock, pretend) = (Arc::new(ManualClock::new(START)), Arc::new(Pretend::new(Ownership::Shared)));
    let next = async || {
        let store = Store::open(&file(&folder)).await.unwrap();
        House::over(Way::Http, discord.clone(), rules(), store, clock.clone(), pretend.clone()).await
    };
    let house = next().await;
    house.ask().await;
    house.press(BEN, "approve").await;
    discord.fail("*", Fault::Code(0), usize::MAX);
    house.advance(Span::from_minutes(54)).await;
    house.advance(Span::from_minutes(7)).await;
    assert!(!house.holds("ana", "write"));
    let refusing = house.refusing().await;
    assert!(refusing.contains(&format!("chat/discord/{CARDS}")), "{refusing:?}");
    let refused = || discord.requests().iter().filter(|request| request.status == Some(401)).count();
    assert!(refused() <= 8, "{} calls with a token that is refused: only those that were on their way", refused());
    let before = refused();
    for _ in 0..3 {
        house.advance(MENDING).await;
    }
    assert_eq!(refused(), before);
    discord.heal();
    house.store.close().await;
    let house = next().await;
    for _ in 0..3 {
        house.advance(MENDING).await;
    }
    assert_eq!(house.refusing().await, Vec::<String>::new());
    assert!(house.reads().contains("Ended: Ana Reyes had write on prod-db"), "{}", house.reads());
    assert_eq!(house.cards(), 1);
}

#[tokio::test]
async fn a_card_that_somebody_deleted_is_posted_again_once_and_goes_on_there() {
    let house = House::asked(Way::Http).await;
    let before = house.card()["id"].as_str().unwrap().to_owned();
    house.press(BEN, "looking").await;
    house.discord.delete(CARDS, &before);
    let id = house.newest().await.id.to_string();
    house.say(BEN, "approve", &[("id", &id)]).await;
    house.advance(SOON).await;
    assert_eq!(house.cards(), 1);
    assert_ne!(house.card()["id"], before.as_str());
    assert!(house.reads().contains("Ana Reyes has write on prod-db"), "{}", house.reads());
    house.press(ANA, "return").await;
    assert!(!house.holds("ana", "write"));
    assert_eq!(count(&house.thread(), "Returned early by Ana Reyes"), 1, "{}", house.thread());
}

#[tokio::test]
async fn each_channel_has_its_own_pace_and_discords_limits_are_never_met() {
    const CHANNELS: [&str; 4] = [CARDS, HOSTS, "500000000000000012", "500000000000000013"];
    let mut rules = rules();
    channels(&mut rules, "prod-db", &CHANNELS);
    let discord = guild().await;
    for id in &CHANNELS[1..] {
        discord.channel(id, "more");
    }
    let house = House::with(Way::Http, discord, rules).await;
    house.discord.enforce_limits(true);
    let begun = house.clock.now();
    for user in [ANA, BEN, CLEO, DORA, EVE, FINN] {
        for role in ["read", "write"] {
            house.asks(user, "prod-db", role).await;
        }
    }
    house.settle().await;
    for _ in 0..6 {
        house.advance(Span::from_seconds(10)).await;
    }
    for channel in CHANNELS {
        assert_eq!(house.discord.messages(channel).len(), 12, "{channel}");
        // Cards wait for no thread: Discord takes fewer of those, and what is missing is made when something is told there.
        let has_thread = |card: &serde_json::Value| house.discord.thread_of(card["id"].as_str().unwrap()).is_some();
        assert!(house.discord.messages(channel).iter().filter(|card| has_thread(card)).count() >= 10, "{channel}");
    }
    let took = house.clock.now().since(begun).seconds();
    assert!((10..=120).contains(&took), "{took} s");
    house.assert_nothing_refused();
}

#[tokio::test]
async fn while_discord_is_gone_for_ten_minutes_access_ends_on_time_and_is_told_late_but_once() {
    let house = House::held().await;
    let until = house.clock.now() + Span::from_minutes(60);
    house.advance(Span::from_minutes(54)).await;
    house.discord.down(true);
    for _ in 0..10 {
        house.advance(Span::from_minutes(1)).await;
        assert!(house.clock.now() < until + Span::from_minutes(1) || !house.holds("ana", "write"), "it ends on time");
    }
    assert!(!house.holds("ana", "write"));
    house.discord.down(false);
    house.advance(Span::from_minutes(3)).await;
    assert_eq!(house.cards(), 1);
    let (thread, directs, reads) = (house.thread(), house.directs(ANA), house.reads());
    assert!(reads.contains("Ended: Ana Reyes had write on prod-db") && !reads.contains("[I'm done]"), "{reads}");
    for line in ["Ben Okafor approved", "gone, confirmed"] {
        assert!(count(&thread, line) == 1, "{line}: {thread}");
    }
    let lines: Vec<String> = house.discord.thread(house.card()["id"].as_str().unwrap()).iter().map(text_of).collect();
    let mut once = lines.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), lines.len(), "{thread}");
    assert_eq!(count(&thread, "told late"), 1, "the end, and not what was told in time: {thread}");
    insta::assert_snapshot!("told_late", format!("{thread}\n--\n{directs}\n--\n{reads}"));
}
