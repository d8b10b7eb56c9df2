//! Decisions in Discord about more people than it answers about at once: nothing is asked too fast, and everything is decided
//! in the end. And people of whom Discord says something by refusing them.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use hallpass::domain::{
    policy::{Catalogue, Platform, Who},
    request::{Ending, State},
    time::Span,
};

use crate::{
    discord::{ANA, BEN, CARDS, CLEO, DORA, EVE, FINN, House, LEADS, SECURITY, Way, guild, rules},
    fakes::discord::{Discord, Fault},
};

const OTHERS: [&str; 5] = [BEN, CLEO, DORA, EVE, FINN];

/// prod-db write takes the votes of five people, each of one of two roles.
fn by_many() -> Catalogue {
    let mut rules = rules();
    let stage = &mut rules.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages[0];
    stage.approvers = ["db-leads", "security"].map(|group| Who::Group(group.parse().unwrap())).into();
    stage.needed = 5;
    stage.ladder.clear();
    rules
}

async fn by_roles(leads: &[&str], security: &[&str]) -> Discord {
    let discord = guild().await;
    discord.role(LEADS, "db-leads", leads).role(SECURITY, "security", security);
    discord
}

impl House {
    fn seconds(&self, seconds: u64) {
        self.discord.advance(Duration::from_secs(seconds));
        self.clock.advance(Span::from_seconds(seconds.cast_signed()));
    }

    /// Time passes, and this comes to its end.
    fn meanwhile<'a, T>(&'a self, done: impl Future<Output = T> + 'a) -> LocalBoxFuture<'a, T> {
        let mut done = Box::pin(done);
        Box::pin(async move {
            loop {
                match tokio::time::timeout(Duration::from_millis(100), &mut done).await {
                    Ok(done) => return done,
                    Err(_) => self.seconds(1),
                }
            }
        })
    }

    /// All of them approve the newest card, and what follows is done at the pace that Discord takes it.
    async fn all_approve(&self) {
        let card = self.card()["id"].as_str().unwrap().to_owned();
        for user in OTHERS {
            self.seconds(5);
            assert!(self.discord.press(user, &card, "approve").await.is_ok());
            self.meanwhile(self.settle()).await;
        }
    }
}

#[tokio::test]
async fn access_that_takes_more_votes_than_discord_answers_about_at_once_is_given() {
    let house = House::with(Way::Http, by_roles(&OTHERS, &OTHERS).await, by_many()).await;
    house.ask().await;
    house.discord.enforce_limits(true);
    house.all_approve().await;
    assert!(house.holds("ana", "write"), "{:?}", house.newest().await);
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_start_that_was_approved_by_many_is_kept() {
    let house = House::with(Way::Http, by_roles(&OTHERS[..3], &OTHERS[2..]).await, by_many()).await;
    let options = [("resource", "prod-db"), ("role", "write"), ("length", "1h"), ("at", "22:00"), ("reason", "Unblock the stuck import")];
    house.say(ANA, "request", &options).await;
    house.discord.enforce_limits(true);
    house.all_approve().await;
    let State::Scheduled { start, .. } = house.newest().await.state else { panic!("{:?}", house.newest().await) };
    house.seconds(start.since(house.bot.now()).seconds().unsigned_abs());
    house.meanwhile(house.settle()).await;
    assert!(house.holds("ana", "write"), "{:?}", house.newest().await);
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_long_inbox_asks_about_nobody_but_its_reader() {
    let house = House::with(Way::Http, by_roles(&OTHERS, &OTHERS).await, by_many()).await;
    for role in ["read", "write"] {
        let options = [("resource", "prod-db"), ("role", role), ("length", "1h"), ("reason", "Unblock the stuck import")];
        house.say(ANA, "request", &options).await;
        for user in &OTHERS[..3] {
            house.press(user, "approve").await;
        }
    }
    house.seconds(60);
    let asked = house.discord.requests_of("get_guild_member").len();
    let said = house.say(EVE, "inbox", &[]).await;
    assert!(said.contains("write on prod-db") && said.contains("read on prod-db"), "{said}");
    assert_eq!(house.discord.requests_of("get_guild_member").len(), asked, "the command itself said who she is");
}

#[tokio::test]
async fn one_of_many_holders_who_leaves_loses_it_though_discord_does_not_answer_about_all_at_once() {
    let (discord, mut rules) = (guild().await, rules());
    rules.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().at_once_up_to = Some(Span::from_minutes(60));
    let accounts: Vec<_> = (0..12).map(|n| format!("1100000000000000{n:02}")).collect();
    for (n, account) in accounts.iter().enumerate() {
        discord.person(account, &format!("Holder {n}"));
        let mut person = rules.people[&"ana".parse().unwrap()].clone();
        (person.id, person.identities) = (format!("holder{n:02}").parse().unwrap(), [(Platform::Discord, account.clone())].into());
        rules.people.insert(person.id.clone(), person);
    }
    let house = House::with(Way::Http, discord, rules).await;
    for account in &accounts {
        let options = [("resource", "prod-db"), ("role", "write"), ("length", "1h"), ("reason", "Unblock the stuck import")];
        house.say(account, "request", &options).await;
    }
    assert!(house.holds("holder00", "write") && house.holds("holder11", "write"));
    house.seconds(10);
    house.discord.enforce_limits(true).leave(&accounts[10]);
    assert_eq!(house.meanwhile(house.bot.leavers()).await.unwrap(), 1);
    house.meanwhile(house.settle()).await;
    assert!(!house.holds("holder10", "write") && house.holds("holder11", "write"));
    let ended = house.store.requests(&hallpass::store::Filter { open: Some(false), limit: 9, ..Default::default() }).await.unwrap();
    assert!(matches!(ended[0].state, State::Closed { ending: Ending::Left, .. }) && ended.len() == 1, "{ended:?}");
    let too_fast = house.discord.refusals().into_iter().filter(|refusal| refusal.contains("limit")).collect::<Vec<_>>();
    assert_eq!(too_fast, Vec::<String>::new());
}

#[tokio::test]
async fn whoever_takes_no_direct_messages_is_no_alarm_and_what_they_would_have_read_is_shown_when_they_ask() {
    let house = House::asked(Way::Http).await;
    house.discord.close_directs(ANA);
    house.press(BEN, "approve").await;
    for _ in 0..6 {
        house.advance(Span::from_minutes(5)).await;
    }
    assert!(house.holds("ana", "write"));
    assert_eq!(house.store.open_alarms().await.unwrap(), Vec::new());
    let tried = house.discord.refusals().len();
    assert!((1..=2).contains(&tried), "each event is tried once: {:?}", house.discord.refusals());
    let id = house.newest().await.id.to_string();
    let said = house.say(ANA, "show", &[("id", &id)]).await;
    assert!(said.contains("write on prod-db"), "{said}");
}

#[tokio::test]
async fn a_card_whose_thread_was_deleted_is_posted_anew_and_told_about_there() {
    let house = House::asked(Way::Http).await;
    let before = house.card()["id"].as_str().unwrap().to_owned();
    // Discord makes no second thread from a message.
    house.discord.delete_channel(&before).fail("create_thread_from_message", Fault::Code(160_004), 1);
    house.press(BEN, "approve").await;
    for _ in 0..3 {
        house.advance(Span::from_minutes(1)).await;
    }
    let after = house.card()["id"].as_str().unwrap().to_owned();
    assert_ne!(before, after);
    assert_eq!(house.discord.messages(CARDS).len(), 1, "the one before is gone with its buttons");
    assert!(house.thread().contains("Ben Okafor approved"), "{}", house.thread());
    assert!(house.reads().contains("has write on prod-db"), "{}", house.reads());
    assert_eq!(house.store.open_alarms().await.unwrap(), Vec::new());
}
