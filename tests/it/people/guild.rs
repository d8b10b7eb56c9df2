//! Groups that a chat counts and does not list, as Discord's roles: it is asked of those whom a decision is about, and of
//! nobody else. One of two chats down: what comes from it is refused and says why, everything else goes on.

use std::{collections::BTreeMap, sync::Arc};

use hallpass::{
    bot::{Answer, Body},
    domain::{
        members::Bar,
        policy::{Catalogue, Group, Platform, Who},
        refusal::Refusal,
        request::{Ending, State},
        time::Span,
    },
};

use super::{workspace::Workspace, world};
use crate::{life::ASK, world::World};

const DISCORD: Platform = Platform::Discord;
/// Everybody of the console but finn has an account in the guild too.
const ACCOUNTS: [(&str, &str); 5] = [("ana", "D1"), ("ben", "D2"), ("cleo", "D3"), ("dora", "D4"), ("eve", "D5")];

/// prod-db write is approved by so many of the role R1, and by whoever else is named.
fn by_role(needed: usize, others: &[&str]) -> Catalogue {
    let mut catalogue = crate::world::catalogue();
    for (person, account) in ACCOUNTS {
        catalogue.people.get_mut(&person.parse().unwrap()).unwrap().identities.insert(DISCORD, account.to_owned());
    }
    let id: hallpass::domain::ids::GroupId = "leads".parse().unwrap();
    let group = Group { id: id.clone(), members: Vec::new(), chats: BTreeMap::from([(DISCORD, "R1".to_owned())]) };
    catalogue.groups.insert(id.clone(), group);
    let stage = &mut catalogue.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages[0];
    stage.approvers = others.iter().map(|name| Who::Person(name.parse().unwrap())).chain([Who::Group(id)]).collect();
    stage.needed = needed;
    stage.ladder.clear();
    catalogue
}

fn guild(leads: &[&str]) -> Arc<Workspace> {
    let guild = Workspace::guild_of(&ACCOUNTS.map(|(name, account)| (account, name)));
    guild.group("R1", leads);
    guild
}

fn is_silent(refused: &Result<(), Refusal>) -> bool {
    matches!(refused, Err(Refusal::CannotAskGroup { group, platform: Some(DISCORD), why }) if group == "leads" && why.contains("discord is down"))
}

impl World {
    async fn there(&self, account: &str, line: &str) -> Result<(), Refusal> {
        match self.from(DISCORD, account, Body::Line { text: line.into() }).await {
            Answer::Said { .. } | Answer::Handed(_) => Ok(()),
            Answer::Refused(refusal) => Err(refusal),
        }
    }
}

#[tokio::test]
async fn a_role_is_asked_of_those_whom_the_decision_is_about_and_of_nobody_else() {
    let guild = guild(&["D2", "D4"]);
    let (world, _folder) = world(&guild, by_role(1, &[])).await;
    let id = world.ask("ana", ASK).await;
    assert_eq!(["D1 in R1", "count R1", "D2 in R1"].map(|what| guild.asked(what)), [1, 1, 0]);
    assert!(matches!(world.there("D3", &format!("/jit approve {id}")).await, Err(Refusal::NotApprover { .. })));
    world.there("D2", &format!("/jit approve {id}")).await.unwrap();
    assert!(world.holds("ana", "write"));
    assert_eq!(["D4 in R1", "D5 in R1"].map(|what| guild.asked(what)), [0, 0]);
    assert_eq!(guild.asked("count R1"), 1, "a press needs no count");
}

#[tokio::test]
async fn who_lost_the_role_since_the_card_came_is_refused_and_their_vote_no_longer_counts() {
    let guild = guild(&["D2", "D3", "D4"]);
    let (world, _folder) = world(&guild, by_role(2, &[])).await;
    let id = world.ask("ana", ASK).await;
    world.there("D2", &format!("/jit approve {id}")).await.unwrap();
    guild.group("R1", &["D4"]);
    assert!(matches!(world.there("D3", &format!("/jit approve {id}")).await, Err(Refusal::NotApprover { .. })));
    world.there("D4", &format!("/jit approve {id}")).await.unwrap();
    assert!(!world.holds("ana", "write"), "one of the two has left the role");
}

#[tokio::test]
async fn an_ask_is_refused_when_the_role_has_nobody_but_its_asker_or_too_few() {
    let guild = guild(&["D1"]);
    let (world, _folder) = world(&guild, by_role(1, &[])).await;
    let nobody = |refusal: Refusal| matches!(refusal, Refusal::NobodyCanApprove { .. });
    assert!(nobody(world.no("ana", ASK).await), "only the asker has it");
    assert!(nobody(world.no("ana", "/jit request prod-db write 1h help them --for @ben").await), "nor may the asker decide for ben");
    guild.group("R1", &["D1", "somebody whom nobody knows yet"]);
    world.ask("ana", ASK).await;
    world.rules(|catalogue| *catalogue = by_role(2, &[])).await;
    world.ask("cleo", ASK).await;
    guild.group("R1", &["D1", "D3"]);
    assert!(nobody(world.no("ana", "/jit request prod-db read 1h Unblock the import").await), "one of the two is the asker");
}

#[tokio::test]
async fn a_role_that_nobody_can_count_refuses_nobody() {
    let guild = guild(&["D1"]);
    let (world, _folder) = world(&guild, by_role(1, &["ben"])).await;
    guild.is_down(true);
    let id = world.ask("ana", ASK).await;
    assert!(matches!(world.state(&id).await.state, State::Pending { .. }));
}

#[tokio::test]
async fn what_is_only_shown_is_asked_again_after_a_minute_and_says_that_there_are_more() {
    let guild = guild(&["D2", "D4"]);
    let (world, _folder) = world(&guild, by_role(1, &[])).await;
    let counts = || ["D1 in R1", "count R1"].map(|what| guild.asked(what));
    for _ in 0..2 {
        let said = world.say("ana", "/jit explain prod-db write").await;
        assert!(said.contains("asks leads") && !said.contains("would be refused"), "{said}");
        assert_eq!(counts(), [1, 1]);
    }
    world.clock.advance(Span::from_minutes(1));
    guild.group("R1", &["D1"]);
    let said = world.say("ana", "/jit explain prod-db write").await;
    assert!(said.contains("would be refused"), "{said}");
    assert_eq!(counts(), [2, 2]);
}

#[tokio::test]
async fn a_right_from_the_chat_that_is_down_is_refused_with_the_reason_and_one_from_bot_toml_goes_on() {
    let guild = guild(&["D2", "D4"]);
    let (world, _folder) = world(&guild, by_role(1, &["cleo"])).await;
    let id = world.ask("ana", ASK).await;
    guild.is_down(true);
    let refused = world.no("ben", &format!("/jit approve {id}")).await;
    assert!(is_silent(&Err(refused)));
    assert!(
        matches!(world.there("D2", &format!("/jit approve {id}")).await, Err(Refusal::CannotAskProfile { .. })),
        "through it, nobody acts"
    );
    world.done("cleo", &format!("/jit approve {id}")).await;
    assert!(world.holds("ana", "write"), "ana and cleo are on the console as well, which answers");
}

#[tokio::test]
async fn a_vote_from_the_chat_that_is_down_stands_until_access_is_given_and_is_asked_about_then() {
    let guild = guild(&["D2"]);
    let (world, _folder) = world(&guild, by_role(2, &["cleo"])).await;
    let id = world.ask("ana", ASK).await;
    world.there("D2", &format!("/jit approve {id}")).await.unwrap();
    guild.is_down(true);
    world.done("cleo", &format!("/jit approve {id}")).await;
    assert!(matches!(world.state(&id).await.state, State::Granting { .. }));
    world.advance(Span::from_minutes(5)).await;
    assert!(!world.holds("ana", "write"), "not before it is known that ben may still approve");
    guild.is_down(false);
    world.advance(Span::from_minutes(1)).await;
    assert!(world.holds("ana", "write"));
    let other = world.ask("ana", "/jit request prod-db read 1h Unblock the stuck import").await;
    world.there("D2", &format!("/jit approve {other}")).await.unwrap();
    guild.is_down(true);
    world.done("cleo", &format!("/jit approve {other}")).await;
    guild.is_down(false);
    guild.group("R1", &["D4"]);
    world.advance(Span::from_minutes(1)).await;
    assert!(!world.holds("ana", "read") && matches!(world.state(&other).await.state, State::Pending { .. }), "ben may not any more");
}

#[tokio::test]
async fn more_time_is_given_with_the_last_vote_and_is_refused_while_an_earlier_one_cannot_be_asked_about_but_denied_all_the_same() {
    let guild = guild(&["D2"]);
    let (world, _folder) = world(&guild, by_role(2, &["cleo"])).await;
    let id = world.ask("ana", ASK).await;
    world.done("cleo", &format!("/jit approve {id}")).await;
    world.there("D2", &format!("/jit approve {id}")).await.unwrap();
    world.done("ana", &format!("/jit extend {id} 2h")).await;
    world.there("D2", &format!("/jit approve {id}")).await.unwrap();
    guild.is_down(true);
    let until = world.work(&id).await.until;
    assert!(is_silent(&Err(world.no("cleo", &format!("/jit approve {id}")).await)));
    world.done("cleo", &format!("/jit deny {id} not today")).await;
    assert_eq!(world.work(&id).await.until, until);
}

#[tokio::test]
async fn a_chat_that_says_nothing_about_one_account_hides_no_other() {
    let guild = guild(&["D2", "D4"]);
    let (world, _folder) = world(&guild, by_role(2, &[])).await;
    let id = world.ask("ana", ASK).await;
    world.there("D2", &format!("/jit approve {id}")).await.unwrap();
    guild.is_silent_about(Some("D2"));
    world.there("D4", &format!("/jit approve {id}")).await.unwrap();
    assert!(!world.holds("ana", "write"), "ben's vote is asked about before anything is given");
    guild.is_silent_about(None);
    world.advance(Span::from_minutes(1)).await;
    assert!(world.holds("ana", "write"));
}

#[tokio::test]
async fn gone_from_one_chat_is_gone_and_silent_is_not_gone() {
    let guild = guild(&["D2"]);
    let (world, _folder) = world(&guild, by_role(1, &[])).await;
    let id = world.ask("ana", ASK).await;
    world.there("D2", &format!("/jit approve {id}")).await.unwrap();
    guild.is_down(true);
    assert_eq!(world.bot.leavers().await.unwrap(), 0);
    world.console.set_down(true);
    assert_eq!(world.bot.leavers().await.unwrap(), 0, "nobody says anything: nobody is gone");
    assert!(matches!(world.no("ana", &format!("/jit return {id}")).await, Refusal::CannotAskProfile { .. }));
    world.console.set_down(false);
    assert!(matches!(world.there("D1", &format!("/jit return {id}")).await, Err(Refusal::CannotAskProfile { .. })));
    assert!(world.holds("ana", "write"));
    guild.is_down(false);
    guild.leaves("D1");
    assert_eq!(world.no("ana", &format!("/jit extend {id} 30m")).await, Refusal::Inactive, "the console alone still knows them");
    world.console.set_down(true);
    assert_eq!(world.bot.leavers().await.unwrap(), 1, "gone is gone, although the console says nothing");
    world.console.set_down(false);
    world.workers.drain().await.unwrap();
    assert!(!world.holds("ana", "write"));
    assert_eq!(world.ending(&id).await, Ending::Left);
}

#[tokio::test]
async fn who_is_timed_out_or_has_not_agreed_to_the_rules_keeps_what_they_hold_and_neither_asks_nor_decides() {
    let guild = guild(&["D2", "D4"]);
    let (world, _folder) = world(&guild, by_role(1, &[])).await;
    let id = world.ask("ana", ASK).await;
    world.there("D2", &format!("/jit approve {id}")).await.unwrap();
    let other = world.ask("cleo", "/jit request prod-db read 1h Unblock the import").await;
    for (bar, refusal) in
        [(Bar::TimedOut, Refusal::TimedOut { platform: DISCORD }), (Bar::RulesUnread, Refusal::RulesUnread { platform: DISCORD })]
    {
        guild.bar("D1", Some(bar));
        guild.bar("D2", Some(bar));
        assert_eq!(world.bot.leavers().await.unwrap(), 0);
        assert!(world.holds("ana", "write"));
        assert_eq!(world.no("ana", &format!("/jit extend {id} 30m")).await, refusal, "from the console neither");
        assert_eq!(world.there("D1", "/jit request bastion login 1h look at the disks").await, Err(refusal.clone()));
        assert_eq!(world.there("D2", &format!("/jit approve {other}")).await, Err(refusal));
    }
    world.done("ana", &format!("/jit return {id}")).await;
    assert!(!world.holds("ana", "write"), "giving it back is no asking");
    guild.bar("D2", None);
    world.there("D2", &format!("/jit approve {other}")).await.unwrap();
    assert!(world.holds("cleo", "read"));
}

#[tokio::test]
async fn the_vote_of_somebody_who_is_timed_out_does_not_count_meanwhile() {
    let guild = guild(&["D2", "D4"]);
    let (world, _folder) = world(&guild, by_role(2, &[])).await;
    let id = world.ask("ana", ASK).await;
    world.there("D2", &format!("/jit approve {id}")).await.unwrap();
    guild.bar("D2", Some(Bar::TimedOut));
    world.there("D4", &format!("/jit approve {id}")).await.unwrap();
    assert!(!world.holds("ana", "write"));
}

#[tokio::test]
async fn a_vote_that_no_longer_counts_where_it_was_given_does_not_count_in_a_later_stage_whose_chat_is_silent() {
    let guild = guild(&["D2", "D4"]);
    guild.group("R2", &["D5"]);
    let mut rules = by_role(1, &[]);
    let id: hallpass::domain::ids::GroupId = "second".parse().unwrap();
    let group = Group { id: id.clone(), members: Vec::new(), chats: BTreeMap::from([(DISCORD, "R2".to_owned())]) };
    rules.groups.insert(id.clone(), group);
    let stages = &mut rules.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages;
    stages.push(stages[0].clone());
    stages[1].approvers = vec![Who::Group(id)];
    let (world, _folder) = world(&guild, rules).await;
    let id = world.ask("ana", ASK).await;
    world.there("D2", &format!("/jit approve {id}")).await.unwrap();
    guild.group("R1", &["D4"]);
    guild.is_silent_about(Some("R2"));
    world.there("D4", &format!("/jit approve {id}")).await.unwrap();
    assert!(matches!(world.state(&id).await.state, State::Pending { .. }), "{:?}", world.state(&id).await.state);
}

#[tokio::test]
async fn one_person_whom_the_role_does_not_name_is_not_two() {
    let guild = guild(&["D2"]);
    let mut rules = by_role(1, &[]);
    let stages = &mut rules.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages;
    stages.push(stages[0].clone());
    let (world, _folder) = world(&guild, rules).await;
    assert!(matches!(world.no("ana", ASK).await, Refusal::NobodyCanApprove { .. }));
    guild.group("R1", &["D2", "D4"]);
    world.ask("ana", ASK).await;
}

#[tokio::test]
async fn whom_no_chat_says_anything_about_for_a_quarter_of_an_hour_is_an_alarm_until_one_does() {
    let guild = guild(&["D2"]);
    let (world, _folder) = world(&guild, by_role(1, &[])).await;
    let id = world.ask("ana", "/jit request prod-db write 2h Unblock the stuck import").await;
    world.there("D2", &format!("/jit approve {id}")).await.unwrap();
    let open = async || {
        world.bot.leavers().await.unwrap();
        let alarms = world.store.open_alarms().await.unwrap();
        alarms.into_iter().find(|alarm| alarm.id == "leavers").map(|alarm| alarm.what)
    };
    assert_eq!(open().await, None);
    guild.is_down(true);
    world.console.set_down(true);
    for _ in 0..14 {
        assert_eq!(open().await, None);
        world.clock.advance(Span::from_minutes(1));
    }
    world.clock.advance(Span::from_minutes(1));
    let what = open().await.unwrap();
    assert!(what.contains("15 minutes") && what.contains("whether ana left"), "{what}");
    assert!(world.holds("ana", "write"), "silent is not gone");
    guild.is_down(false);
    assert_eq!(open().await, None, "one of her chats says that she is there");
}

/// One after the other they would wait for each other until each is given up.
#[tokio::test]
async fn all_accounts_and_counts_of_one_decision_are_asked_side_by_side() {
    let guild = guild(&["D2", "D4"]);
    let (world, _folder) = world(&guild, by_role(1, &[])).await;
    // ana and cleo: whether each is there, and in the role; and how many have it.
    guild.answers_only_together(5);
    world.there("D1", "/jit request prod-db write 1h help them out --for @cleo").await.unwrap();
}
