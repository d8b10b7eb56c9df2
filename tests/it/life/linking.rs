//! Joining accounts with a one-time code: who may, how often, and that a joined account counts wherever identities do.

use hallpass::{
    bot::{Answer, Body},
    domain::{policy::Platform, refusal::Refusal, time::Span},
};

use super::ASK;
use crate::world::World;

fn line(text: &str) -> Body {
    Body::Line { text: text.into() }
}

impl World {
    /// A code as somebody is shown it.
    async fn code(&self, user: &str) -> String {
        let Answer::Said { name: "link", data } = self.from(Platform::Console, user, line("/jit link")).await else { panic!() };
        data["code"].as_str().unwrap().to_owned()
    }

    async fn joins(&self, account: &str, code: &str) -> Result<(), Refusal> {
        match self.from(Platform::Discord, account, line(&format!("/jit link {code}"))).await {
            Answer::Said { name: "linked", .. } => Ok(()),
            Answer::Refused(refusal) => Err(refusal),
            Answer::Said { name, .. } => panic!("{name}"),
            Answer::Handed(_) => panic!("a credential"),
        }
    }
}

#[tokio::test]
async fn a_code_joins_an_account_once_and_both_sides_are_told() {
    let world = World::new().await;
    let code = world.code("ana").await;
    assert_eq!(world.joins("1001", &code.to_lowercase().replace('-', "")).await, Ok(()));
    assert!(world.console.directs("ana").contains("discord account 1001"), "{}", world.console.directs("ana"));
    let Answer::Said { name: "asked", .. } = world.from(Platform::Discord, "1001", line(ASK)).await else { panic!() };
    assert_eq!(world.all().await[0].requester.as_str(), "ana");
    assert_eq!(world.joins("1002", &code).await, Err(Refusal::LinkCode), "used");
    let entries = world.store.entries("bot", 0, 1000).await.unwrap();
    let all: String = entries.iter().map(|e| String::from_utf8_lossy(&e.bytes).into_owned()).collect();
    assert!(all.contains("\"linked\"") && all.contains("discord 1001"), "{all}");
    assert!(!all.contains(&code) && !all.contains(&code.replace('-', "")), "a code is in no ledger");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn on_postgresql_a_code_joins_once_a_wrong_one_is_counted_and_an_account_is_parted_and_joined_again() {
    let world = World::on(&crate::store_suite::database().await, hallpass::domain::entitlement::Ownership::Shared).await;
    let code = world.code("ana").await;
    assert_eq!(world.joins("1001", "7K3QD-2M8TX").await, Err(Refusal::LinkCode));
    assert_eq!(world.joins("1001", &code).await, Ok(()));
    assert_eq!(world.joins("1002", &code).await, Err(Refusal::LinkCode));
    world.done("eve", "/jit unlink @ana discord").await;
    for _ in 0..5 {
        world.joins("1003", "7K3QD-2M8TX").await.unwrap_err();
    }
    assert!(matches!(world.joins("1003", "7K3QD-2M8TX").await, Err(Refusal::LinkLocked { .. })));
    let again = world.code("ben").await;
    assert_eq!(world.joins("1001", &again).await, Ok(()));
    assert!(world.bot.catalogue().person_at(Platform::Discord, "1001").is_some_and(|p| p.id.as_str() == "ben"));
}

#[tokio::test]
async fn a_wrong_an_old_and_a_used_code_get_the_same_no() {
    let world = World::new().await;
    let old = world.code("ana").await;
    let replaced = world.code("ana").await;
    assert_eq!(world.joins("1001", &old).await, Err(Refusal::LinkCode), "a newer one was made");
    world.advance(Span::from_minutes(10)).await;
    assert_eq!(world.joins("1001", &replaced).await, Err(Refusal::LinkCode), "over");
    assert_eq!(world.joins("1001", "7K3QD-2M8TX").await, Err(Refusal::LinkCode));
    assert_eq!(world.joins("1001", "what").await, Err(Refusal::LinkCode));
}

#[tokio::test]
async fn a_few_wrong_codes_lock_an_account_out_for_a_while() {
    let world = World::new().await;
    for _ in 0..5 {
        assert_eq!(world.joins("1001", "7K3QD-2M8TX").await, Err(Refusal::LinkCode));
    }
    let code = world.code("ana").await;
    assert!(matches!(world.joins("1001", &code).await, Err(Refusal::LinkLocked { .. })), "not even the right one");
    assert_eq!(world.joins("1002", &code).await, Ok(()), "others are not locked out");
    world.advance(Span::from_minutes(15)).await;
    let code = world.code("ben").await;
    assert_eq!(world.joins("1001", &code).await, Ok(()));
}

#[tokio::test]
async fn only_so_many_codes_are_made_in_an_hour() {
    let world = World::new().await;
    for _ in 0..5 {
        world.code("ana").await;
    }
    assert!(matches!(world.no("ana", "/jit link").await, Refusal::LinkTooMany { .. }));
    world.code("ben").await;
    world.advance(Span::from_minutes(60)).await;
    world.code("ana").await;
}

#[tokio::test]
async fn an_account_and_a_platform_are_taken_once() {
    let world = World::new().await;
    let code = world.code("ana").await;
    world.joins("1001", &code).await.unwrap();
    let second = world.code("ana").await;
    assert_eq!(world.joins("1002", &second).await, Err(Refusal::PlatformTaken { platform: Platform::Discord }));
    let of_ben = world.code("ben").await;
    assert_eq!(world.joins("1001", &of_ben).await, Err(Refusal::LinkedAlready), "it is ana's");
    assert_eq!(world.no("cleo", &format!("/jit link {of_ben}")).await, Refusal::LinkedAlready, "she is known there already");
}

#[tokio::test]
async fn a_stranger_may_do_nothing_but_type_a_code() {
    let world = World::new().await;
    let id = world.ask("ana", ASK).await;
    for text in [ASK.to_owned(), format!("/jit approve {id}"), "/jit mine".into(), "/jit link".into(), "/jit help".into(), "/jit".into()] {
        assert!(matches!(world.from(Platform::Discord, "1001", line(&text)).await, Answer::Refused(Refusal::NotLinked)), "{text}");
    }
    let press = Body::Press { action: "approve".into(), request: id, words: None };
    assert!(matches!(world.from(Platform::Discord, "1001", press).await, Answer::Refused(Refusal::NotLinked)));
}

#[tokio::test]
async fn requester_cannot_approve_own_request_from_a_joined_account() {
    let world = World::new().await;
    let code = world.code("ben").await;
    world.joins("1001", &code).await.unwrap();
    let id = world.ask("ben", ASK).await;
    let answer = world.from(Platform::Discord, "1001", line(&format!("/jit approve {id}"))).await;
    assert_eq!(answer, Answer::Refused(Refusal::OwnRequest));
    let other = world.ask("ana", ASK).await;
    let answer = world.from(Platform::Discord, "1001", line(&format!("/jit approve {other}"))).await;
    assert!(matches!(answer, Answer::Said { name: "acted", .. }), "{answer:?}");
    assert!(world.holds("ana", "write"), "what one may do in one chat one may do in the other");
}

#[tokio::test]
async fn one_person_counts_once_from_two_accounts() {
    let world = World::new().await;
    world.policy("prod-data", |policy| policy.stages[0].needed = 2).await;
    let code = world.code("ben").await;
    world.joins("1001", &code).await.unwrap();
    let id = world.ask("ana", ASK).await;
    world.done("ben", &format!("/jit approve {id}")).await;
    let answer = world.from(Platform::Discord, "1001", line(&format!("/jit approve {id}"))).await;
    assert!(matches!(answer, Answer::Refused(Refusal::AlreadyVoted { .. })), "{answer:?}");
    assert!(!world.holds("ana", "write"));
}

#[tokio::test]
async fn a_joined_account_is_named_by_mention_and_survives_a_reload() {
    let world = World::new().await;
    let code = world.code("cleo").await;
    world.joins("1001", &code).await.unwrap();
    let ana = world.code("ana").await;
    world.joins("1002", &ana).await.unwrap();
    world.rules(|_| {}).await;
    let answer = world.from(Platform::Discord, "1002", line("/jit request prod-db write 1h help her --for <@1001>")).await;
    assert!(matches!(answer, Answer::Said { name: "asked", .. }), "{answer:?}");
    assert_eq!(world.all().await[0].subject.as_str(), "cleo");
}

#[tokio::test]
async fn an_administrator_parts_an_account_and_it_is_a_stranger_at_once() {
    let world = World::new().await;
    let code = world.code("ben").await;
    world.joins("1001", &code).await.unwrap();
    assert_eq!(world.no("ana", "/jit unlink @ben discord").await, Refusal::NotAdministrator);
    assert!(matches!(world.no("eve", "/jit unlink @ben slack").await, Refusal::NotJoined { .. }));
    assert!(matches!(world.no("eve", "/jit unlink @ben console").await, Refusal::NotJoined { .. }), "that is bot.toml's");
    world.done("eve", "/jit unlink @ben discord").await;
    assert!(matches!(world.from(Platform::Discord, "1001", line("/jit mine")).await, Answer::Refused(Refusal::NotLinked)));
    assert!(world.console.directs("ben").contains("no longer yours"), "{}", world.console.directs("ben"));
    let again = world.code("dora").await;
    assert_eq!(world.joins("1001", &again).await, Ok(()), "it may be joined to another person");
}

#[tokio::test]
async fn what_another_replica_joined_or_parted_counts_at_the_next_press() {
    let world = World::new().await;
    let other = world.replica(world.store.clone()).await;
    let code = world.code("ben").await;
    other.joins("1001", &code).await.unwrap();
    let id = world.ask("ana", ASK).await;
    let answer = world.from(Platform::Discord, "1001", line(&format!("/jit looking {id}"))).await;
    assert!(matches!(answer, Answer::Said { .. }), "{answer:?}");
    other.done("eve", "/jit unlink @ben discord").await;
    let answer = world.from(Platform::Discord, "1001", line(&format!("/jit approve {id}"))).await;
    assert_eq!(answer, Answer::Refused(Refusal::NotLinked));
    other.joins("1001", &other.code("dora").await).await.unwrap();
    world.advance(Span::from_minutes(1)).await;
    assert!(world.bot.catalogue().person_at(Platform::Discord, "1001").is_some_and(|p| p.id.as_str() == "dora"), "seen without a press");
}
