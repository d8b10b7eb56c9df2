//! What the bot says while Slack limits, fails, hangs, forgets and is gone: once, at its pace, in the end; and access does not wait.

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

use super::{CARDS, House, OPS, TALK, Way, attacks::ASK, rules, workspace};
use crate::{
    fakes::slack::{Fault, reading::text_of},
    store_suite::file,
    world::START,
};

/// What needs a human is tried again this often.
const MENDING: Span = Span::from_minutes(10);
/// Longer than any pause after one failure.
const SOON: Span = Span::from_seconds(5);

/// The cards of this resource go to these channels.
fn channels(rules: &mut Catalogue, resource: &str, ids: &[&str]) {
    let channel = |id: &&str| Channel { platform: Platform::Slack, id: (*id).to_owned() };
    rules.resources.get_mut(&resource.parse().unwrap()).unwrap().channels = ids.iter().map(channel).collect();
}

impl House {
    /// Somebody types a command, and nothing else happens yet.
    async fn types(&self, user: &str, text: &str) {
        assert!(self.slack.slash(user, TALK, text).await.is_ok(), "{text}");
        self.door.idle().await;
    }

    /// The open alarms about places in chats.
    async fn refusing(&self) -> Vec<String> {
        let open = self.store.open_alarms().await.unwrap();
        open.into_iter().map(|alarm| alarm.id).filter(|id| id.starts_with("chat/")).collect()
    }

    /// What operators read.
    fn ops(&self) -> Vec<String> {
        self.slack.messages(OPS).iter().map(text_of).collect()
    }

    /// Posts that the bot tried in a channel itself.
    fn tried(&self, channel: &str) -> usize {
        self.slack.calls_of("chat.postMessage").iter().filter(|call| call["channel"] == channel && call["thread_ts"].is_null()).count()
    }
}

fn count(text: &str, piece: &str) -> usize {
    text.matches(piece).count()
}

#[tokio::test]
async fn a_pause_that_slack_asks_for_is_kept_and_keeps_no_other_channel_waiting() {
    let mut rules = rules();
    channels(&mut rules, "bastion", &["C0HOSTS"]);
    let slack = workspace().await;
    slack.channel("C0HOSTS", "hosts", &["U0CLEO", "U0DORA"]);
    let house = House::with(Way::Http, slack, rules).await;
    house.slack.fail("chat.postMessage", Fault::RateLimited { after_seconds: 30 }, 1);
    house.say("U0ANA", ASK).await;
    assert_eq!((house.tried(CARDS), house.slack.messages(CARDS).len()), (1, 0));
    house.say("U0FINN", "request bastion login 2h Look at the host").await;
    assert_eq!(house.slack.messages("C0HOSTS").len(), 1);
    house.advance(Span::from_seconds(15)).await;
    assert_eq!(house.tried(CARDS), 1, "not before it is over");
    house.advance(Span::from_seconds(20)).await;
    assert_eq!((house.tried(CARDS), house.slack.messages(CARDS).len()), (2, 1));
    assert_eq!(house.refusing().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_slack_that_fails_or_hangs_is_tried_again_without_an_alarm() {
    for fault in [Fault::Status(503), Fault::Error("internal_error"), Fault::CutBefore, Fault::Hang] {
        let house = House::new(Way::Http).await;
        let times = if matches!(fault, Fault::Hang) { 1 } else { 3 };
        house.slack.fail("chat.postMessage", fault.clone(), times);
        house.say("U0ANA", ASK).await;
        house.advance(Span::from_minutes(1)).await;
        assert_eq!(house.slack.messages(CARDS).len(), 1, "{fault:?}");
        house.slack.fail("chat.update", fault.clone(), times);
        house.press("U0BEN", "approve").await;
        house.advance(Span::from_minutes(1)).await;
        assert!(house.reads().contains("Ana Reyes has write on prod-db"), "{fault:?}: {}", house.reads());
        assert_eq!(house.refusing().await, Vec::<String>::new(), "{fault:?}");
    }
}

#[tokio::test]
async fn what_slack_took_without_answering_stands_once() {
    let house = House::new(Way::Http).await;
    house.slack.fail("chat.postMessage", Fault::CutAfterEffect, 1);
    house.say("U0ANA", ASK).await;
    house.advance(SOON).await;
    assert_eq!((house.slack.messages(CARDS).len(), house.tried(CARDS)), (1, 1), "it is found, not posted again");
    house.slack.fail("chat.postMessage", Fault::CutAfterEffect, 1);
    house.press("U0BEN", "looking").await;
    house.advance(SOON).await;
    assert_eq!(count(&house.thread(), "Ben Okafor is looking"), 1, "{}", house.thread());
    house.slack.fail("chat.update", Fault::CutAfterEffect, 1);
    assert!(house.press("U0BEN", "approve").await.contains("Your approval counts"));
    house.advance(SOON).await;
    for line in ["Ben Okafor approved", "Ana Reyes has write on prod-db"] {
        assert_eq!(count(&house.thread(), line), 1, "{line}: {}", house.thread());
    }
    house.assert_nothing_refused();
}

#[tokio::test]
async fn what_was_sent_before_a_stop_is_found_by_the_next_process() {
    let (folder, slack) = (tempfile::tempdir().unwrap(), workspace().await);
    let (clock, pretend) = (std::sync::Arc::new(ManualClock::new(START)), std::sync::Arc::new(Pretend::new(Ownership::Shared)));
    let next = async || {
        let store = Store::open(&file(&folder)).await.unwrap();
        House::over(Way::Http, slack.clone(), rules(), store, clock.clone(), pretend.clone()).await
    };
    let house = next().await;
    slack.fail("chat.postMessage", Fault::CutAfterEffect, 1);
    house.types("U0ANA", ASK).await;
    house.workers.drain().await.unwrap();
    house.store.close().await;
    let house = next().await;
    house.advance(SOON).await;
    assert_eq!(slack.messages(CARDS).len(), 1);
    slack.fail("chat.postMessage", Fault::CutAfterEffect, 1);
    assert!(slack.press("U0BEN", CARDS, house.card()["ts"].as_str().unwrap(), "looking").await.is_ok());
    house.door.idle().await;
    house.workers.drain().await.unwrap();
    house.store.close().await;
    let house = next().await;
    house.advance(SOON).await;
    assert_eq!(count(&house.thread(), "Ben Okafor is looking"), 1, "{}", house.thread());
    house.press("U0BEN", "approve").await;
    assert!(house.holds("ana", "write") && house.reads().contains("Ana Reyes has write on prod-db"));
}

#[tokio::test]
async fn a_channel_that_refuses_is_one_alarm_while_access_goes_on_and_it_ends_when_it_is_mended() {
    for error in ["channel_not_found", "not_in_channel", "is_archived", "msg_too_long"] {
        let house = House::new(Way::Http).await;
        if error == "not_in_channel" {
            house.slack.remove_bot(CARDS);
        } else {
            house.slack.fail("chat.postMessage", Fault::Error(error), 1);
        }
        house.say("U0ANA", ASK).await;
        assert_eq!(house.refusing().await, [format!("chat/slack/{CARDS}")], "{error}");
        let ops = house.ops();
        assert!(ops.len() == 1 && ops[0].contains(error) && ops[0].contains(CARDS), "{error}: {ops:?}");
        let id = house.newest().await.id;
        house.say("U0BEN", &format!("approve {id}")).await;
        assert!(house.holds("ana", "write"), "{error}");
        house.say("U0BEN", &format!("revoke {id} enough")).await;
        assert!(!house.holds("ana", "write"), "{error}");
        house.slack.invite_bot(CARDS);
        house.advance(MENDING).await;
        house.advance(SOON).await;
        assert_eq!(house.refusing().await, Vec::<String>::new(), "{error}");
        assert!(house.ops().len() == 1 && house.ops()[0].contains("Over at"), "{error}: {:?}", house.ops());
        assert_eq!(house.slack.messages(CARDS).len(), 1, "{error}");
        assert!(house.reads().contains("Ended: Ana Reyes had write on prod-db") && house.thread().contains("approved"), "{error}");
    }
}

#[tokio::test]
async fn with_a_revoked_token_access_ends_on_time_and_everything_is_told_when_there_is_another() {
    let house = House::granted(Way::Http).await;
    house.slack.fail("*", Fault::Error("token_revoked"), usize::MAX);
    house.advance(Span::from_minutes(54)).await;
    house.advance(Span::from_minutes(7)).await;
    assert!(!house.holds("ana", "write"));
    let refusing = house.refusing().await;
    assert!(refusing.contains(&format!("chat/slack/{CARDS}")), "{refusing:?}");
    assert_eq!(house.store.open_alarms().await.unwrap().iter().filter(|alarm| alarm.id == format!("chat/slack/{CARDS}")).count(), 1);
    house.slack.heal();
    for _ in 0..3 {
        house.advance(MENDING).await;
    }
    assert_eq!(house.refusing().await, Vec::<String>::new());
    assert!(house.reads().contains("Ended: Ana Reyes had write on prod-db"), "{}", house.reads());
    assert_eq!(house.slack.messages(CARDS).len(), 1);
}

#[tokio::test]
async fn a_card_that_somebody_deleted_is_posted_again_once_and_its_thread_goes_on_there() {
    let house = House::asked(Way::Http).await;
    let before = house.card()["ts"].as_str().unwrap().to_owned();
    house.slack.delete(CARDS, &before);
    let id = house.newest().await.id;
    house.say("U0BEN", &format!("approve {id}")).await;
    house.advance(SOON).await;
    assert_eq!(house.slack.messages(CARDS).len(), 1);
    assert_ne!(house.card()["ts"], before.as_str());
    assert!(house.reads().contains("Ana Reyes has write on prod-db") && house.reads().contains("[I'm done]"), "{}", house.reads());
    house.press("U0ANA", "return").await;
    assert_eq!(count(&house.thread(), "Returned early by Ana Reyes"), 1, "{}", house.thread());
}

#[tokio::test]
async fn ten_changes_in_a_second_are_one_update() {
    let house = House::new(Way::Http).await;
    house.say("U0ANA", "request prod-db admin 1h Unblock the stuck import").await;
    let id = house.newest().await.id;
    for (works, from) in [(false, 0), (true, 6)] {
        house.advance(Span::from_seconds(10)).await;
        let before = house.slack.calls_of("chat.update").len();
        for n in 0..5 {
            house.types("U0BEN", &format!("approve {id}")).await;
            if works {
                house.workers.drain().await.unwrap();
            }
            house.types("U0BEN", &format!("takeback {id}")).await;
            assert_eq!(house.times("taken_back").await, from + n + 1);
        }
        house.types("U0BEN", &format!("approve {id}")).await;
        house.settle().await;
        let updates = house.slack.calls_of("chat.update").len() - before;
        // While the workers work, the first is shown at once and the last is what stands there then; the others never are.
        assert_eq!(updates, 1, "with the workers at work: {works}");
        assert!(house.reads().contains("Ben Okafor"), "{}", house.reads());
        house.say("U0BEN", &format!("takeback {id}")).await;
        house.say("U0BEN", &format!("looking {id}")).await;
    }
    house.assert_nothing_refused();
}

#[tokio::test]
async fn each_channel_has_its_own_pace_and_slacks_limits_are_never_met() {
    const CHANNELS: [&str; 5] = [CARDS, "C0ONE", "C0TWO", "C0THREE", "C0FOUR"];
    let mut rules = rules();
    channels(&mut rules, "prod-db", &CHANNELS);
    let slack = workspace().await;
    for id in &CHANNELS[1..] {
        slack.channel(id, &id.to_lowercase(), &["U0BEN"]);
    }
    let house = House::with(Way::Http, slack, rules).await;
    house.slack.enforce_limits(true);
    let begun = house.clock.now();
    for user in ["U0ANA", "U0BEN", "U0CLEO", "U0DORA", "U0EVE", "U0FINN"] {
        for role in ["read", "write"] {
            house.types(user, &format!("request prod-db {role} 1h Look at the table")).await;
        }
    }
    house.settle().await;
    let took = house.clock.now().since(begun).seconds();
    for channel in CHANNELS {
        assert_eq!(house.slack.messages(channel).len(), 12, "{channel}");
    }
    // Four at once and one a second; all sixty one after the other would take a minute.
    assert!((8..=20).contains(&took), "{took} s");
    house.assert_nothing_refused();
}

#[tokio::test]
async fn while_slack_is_gone_for_ten_minutes_access_ends_on_time_and_is_told_late_but_once() {
    let house = House::new(Way::Http).await;
    house.say("U0FINN", "request prod-db read 1h Look at the table").await;
    let unanswered = house.card()["ts"].as_str().unwrap().to_owned();
    house.advance(Span::from_minutes(181)).await;
    house.say("U0ANA", ASK).await;
    house.press("U0BEN", "approve").await;
    let until = house.clock.now() + Span::from_minutes(60);
    house.advance(Span::from_minutes(54)).await;
    house.slack.down(true);
    for _ in 0..10 {
        house.advance(Span::from_minutes(1)).await;
        assert!(house.clock.now() < until + Span::from_minutes(1) || !house.holds("ana", "write"), "it ends on time");
    }
    assert!(!house.holds("ana", "write"));
    house.slack.down(false);
    house.advance(Span::from_minutes(3)).await;
    assert_eq!(house.slack.messages(CARDS).len(), 2);
    let (thread, directs, reads) = (house.thread(), house.directs("U0ANA"), house.reads());
    assert!(reads.contains("Ended: Ana Reyes had write on prod-db") && !reads.contains("[I'm done]"), "{reads}");
    assert!(text_of(&house.slack.message(CARDS, &unanswered).unwrap()).contains("Nobody answered in 4 h"));
    for line in ["Ben Okafor approved", "Gone, confirmed"] {
        assert!(count(&thread, line) <= 1, "{line}: {thread}");
    }
    let lines: Vec<String> = house.slack.thread(CARDS, house.card()["ts"].as_str().unwrap()).iter().map(text_of).collect();
    let mut once = lines.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), lines.len(), "{thread}");
    insta::assert_snapshot!("told_late", format!("{thread}\n--\n{directs}\n--\n{reads}"));
}
