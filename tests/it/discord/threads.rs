//! The thread of a card in Discord: what is told there, how it ends, and what becomes of it when something is late.

use std::sync::Arc;

use hallpass::{
    clock::ManualClock,
    domain::{
        command::Actor,
        entitlement::Ownership,
        event::{AlarmKind, Event},
        time::Span,
    },
    provider::pretend::Pretend,
    store::{Commit, NewEntry, Store, TaskKind, TaskWant},
};

use super::{ANA, BEN, BOTH, CARDS, CLEO, House, Way, guild, rules};
use crate::{
    fakes::discord::{Fault, reading::text_of},
    store_suite::file,
    world::START,
};

impl House {
    /// Something that is written down of the newest request after its end, and whoever tells it looks again.
    async fn happens_late(&self, events: &[Event]) {
        let id = self.newest().await.id;
        let entry = |event| NewEntry {
            stream: format!("request/{id}"),
            at: self.bot.now(),
            actor: Actor::BOT,
            policy: String::new(),
            event: serde_json::to_value(event).unwrap(),
        };
        let (key, queue) = (format!("{id}/discord/{CARDS}"), format!("discord/{CARDS}"));
        let thread = TaskWant { kind: TaskKind::Thread, key, queue, due_at: self.bot.now() };
        self.store.commit(Commit { entries: events.iter().map(entry).collect(), tasks: vec![thread], ..Commit::default() }).await.unwrap();
        self.settle().await;
    }

    /// Is the newest card's thread archived, and locked?
    fn away(&self) -> (bool, bool) {
        let thread = self.discord.thread_of(&self.card_id()).unwrap();
        (thread.archived, thread.locked)
    }
}

#[tokio::test]
async fn the_thread_is_named_by_the_request_and_archived_and_locked_at_its_end() {
    for way in BOTH {
        let house = House::granted(way).await;
        let id = house.newest().await.id;
        assert_eq!(house.discord.thread_of(&house.card_id()).unwrap().name, format!("{id} · prod-db · write"));
        assert_eq!(house.away(), (false, false), "while it works");
        house.advance(Span::from_minutes(54)).await;
        house.press(ANA, "return").await;
        assert_eq!(house.away(), (true, true), "{way:?}");
        let last = house.lines().last().map(text_of).unwrap();
        assert!(last.starts_with("Ended: Ana Reyes had write on prod-db"), "the summary closes it: {last}");
        assert!(last.contains("Returned early by Ana Reyes · gone, confirmed at"), "{last}");
        house.assert_nothing_refused();
    }
}

#[tokio::test]
async fn every_other_end_puts_it_away_too() {
    let house = House::asked(Way::Http).await;
    house.words(BEN, "deny", &[("words", "not today")]).await;
    assert_eq!(house.away(), (true, true), "denied");
    house.advance(Span::from_minutes(1)).await;
    house.ask().await;
    let id = house.newest().await.id.to_string();
    house.say(ANA, "cancel", &[("id", &id)]).await;
    assert_eq!(house.away(), (true, true), "called off");
    house.advance(Span::from_minutes(1)).await;
    house.ask().await;
    house.press(BEN, "approve").await;
    house.words(BEN, "revoke", &[("words", "enough")]).await;
    assert_eq!(house.away(), (true, true), "revoked");
    house.advance(Span::from_minutes(1)).await;
    house.ask().await;
    house.press(BEN, "approve").await;
    house.advance(Span::from_minutes(60)).await;
    house.settle().await;
    assert_eq!(house.away(), (true, true), "over");
    house.assert_nothing_refused();
}

#[tokio::test]
async fn the_ledger_says_that_it_came_through_discord_and_by_which_account() {
    let house = House::granted(Way::Gateway).await;
    house.press(ANA, "return").await;
    let stream = format!("request/{}", house.newest().await.id);
    let entries = house.store.entries(&stream, 0, 100).await.unwrap();
    for (kind, person, account) in [("asked", "ana", ANA), ("approved", "ben", BEN), ("revoking", "ana", ANA)] {
        let texts: Vec<String> = entries.iter().map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned()).collect();
        let said = texts.iter().find(|text| text.contains(&format!("\"type\":\"{kind}\""))).unwrap_or_else(|| panic!("{kind}: {texts:?}"));
        assert!(said.contains("discord") && said.contains(person) && said.contains(account), "{kind}: {said}");
    }
    house.ask().await;
    let refused = house.press(CLEO, "approve").await;
    assert!(refused.contains("You can't decide this one") && house.ledger().await.contains(CLEO), "who was refused stands there too");
}

#[tokio::test]
async fn what_is_late_brings_it_back_and_it_is_put_away_again() {
    for way in BOTH {
        let house = House::granted(way).await;
        house.press(ANA, "return").await;
        let before = house.lines().len();
        house.happens_late(&[Event::Refused { act: "approve".into(), why: "not_open".into() }]).await;
        let opened = || house.discord.requests_of("update_channel").iter().filter(|call| call.body["archived"] == false).count();
        assert_eq!((opened(), house.lines().len()), (0, before), "{way:?}: there is nothing to tell yet");
        house.happens_late(&[Event::AlarmCleared { alarm: AlarmKind::StillOpen }]).await;
        assert_eq!((opened(), house.lines().len() > before, house.away()), (1, true, (true, true)), "{way:?}: {}", house.thread());
        // It was locked: Discord says so once, and the thread is opened for what is late.
        assert!(house.discord.refusals().iter().all(|why| why.contains("50083")), "{:?}", house.discord.refusals());
    }
}

#[tokio::test]
async fn somebody_who_archives_it_meanwhile_keeps_nothing_from_being_told() {
    for refuses in [false, true] {
        let house = House::granted(Way::Http).await;
        house.discord.archive(&house.card_id(), true, refuses).refuse_in_archived(refuses);
        house.press(ANA, "extend:30m").await;
        assert!(house.thread().contains("Extended: now until"), "{}", house.thread());
        assert_eq!(house.away(), (false, false));
        house.press(ANA, "return").await;
        assert_eq!(house.away(), (true, true));
    }
}

#[tokio::test]
async fn the_answer_to_the_press_that_ends_it_reaches_the_presser_although_its_thread_is_locked_by_then() {
    for way in BOTH {
        let house = House::granted(way).await;
        house.advance(Span::from_minutes(54)).await;
        let warning = house.lines().into_iter().find(|line| line["components"].to_string().contains("return ")).unwrap();
        // Everything of the end is done before the answer is on its way.
        house.discord.fail("execute_webhook", Fault::Code(50083), 1);
        let said = house.press_on(ANA, warning["id"].as_str().unwrap(), "return").await;
        assert!(!house.holds("ana", "write") && house.away() == (true, true), "{way:?}");
        let told = said + &house.directs(ANA);
        assert!(told.contains("Thank you for returning it"), "{way:?}: {told}");
    }
}

#[tokio::test]
async fn where_no_more_threads_may_be_open_the_card_stands_and_the_thread_comes_when_there_is_room() {
    let discord = guild().await;
    discord.cap_threads(0);
    let house = House::with(Way::Http, discord, rules()).await;
    house.ask().await;
    assert!(house.discord.thread_of(&house.card_id()).is_none() && house.reads().contains("Approve]"), "{}", house.reads());
    house.press(BEN, "approve").await;
    assert!(house.holds("ana", "write"), "access waits for no thread");
    house.discord.cap_threads(10);
    for _ in 0..3 {
        house.advance(Span::from_minutes(10)).await;
    }
    assert!(house.thread().contains("Ben Okafor approved") && house.thread().contains("Ana Reyes has write"), "{}", house.thread());
}

#[tokio::test]
async fn a_restart_between_post_and_press_and_over_an_open_form_loses_nothing() {
    let (folder, discord) = (tempfile::tempdir().unwrap(), guild().await);
    let (clock, pretend) = (Arc::new(ManualClock::new(START)), Arc::new(Pretend::new(Ownership::Shared)));
    let next = async || {
        let store = Store::open(&file(&folder)).await.unwrap();
        House::over(Way::Http, discord.clone(), rules(), store, clock.clone(), pretend.clone()).await
    };
    let house = next().await;
    house.ask().await;
    house.words(BEN, "less", &[("length", "30m")]).await;
    let reply = house.discord.press(BEN, &house.card_id(), "deny").await;
    assert_eq!(reply.kind(), Some(9));
    house.door.idle().await;
    house.store.close().await;
    drop(house);
    let house = next().await;
    house.press(ANA, "accept").await;
    assert!(house.reads().contains("for 30 min"), "{}", house.reads());
    // What the open form was about is not asked any more.
    let said = house.submit(BEN, &[("words", "not today")]).await;
    assert!(said.starts_with("Something else is asked for now than what this button was for"), "{said}");
    house.words(BEN, "deny", &[("words", "not today")]).await;
    assert!(house.reads().contains("Denied by Ben Okafor"), "{}", house.reads());
    assert_eq!(house.discord.messages(CARDS).len(), 1);
    house.assert_nothing_refused();
}
