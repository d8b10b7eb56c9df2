//! `/jit digest`: for whoever may read what everybody did, alone, in as many messages as the platform takes; every look is recorded.

use hallpass::{
    domain::{
        digest::{Digest, Rules, Window},
        policy::{Catalogue, Platform, Who},
        time::Span,
    },
    store::{Commit, DigestWrite},
};

use super::{
    PLACE, company, put, rules_in,
    sample::{self, enormous, made, ordinary, quiet},
};
use crate::{
    discord, fakes,
    life::ASK,
    slack,
    store_suite::{database, file},
    world::World,
};

const REFUSED: &str = "The digest tells what everybody did: administrators, auditors and those whom bot.toml names in digest.may_read \
                       read it. Your own: /jit mine";

/// Eve administers, Finn audits, the security group may read.
fn rules() -> Catalogue {
    let digests = Rules { may_read: vec![Who::Group("security".parse().unwrap())], ..company().digests.unwrap() };
    Catalogue { digests: Some(digests), auditors: vec![Who::Person("finn".parse().unwrap())], ..company() }
}

async fn looks(world: &World) -> Vec<String> {
    let entries = world.store.entries("bot", 0, 1_000).await.unwrap();
    let values = entries.iter().map(|entry| serde_json::from_slice::<serde_json::Value>(&entry.bytes).unwrap());
    values
        .filter(|value| ["looked", "refused"].contains(&value["event"]["type"].as_str().unwrap()))
        .map(|value| {
            let event = &value["event"];
            let what = event["what"].as_str().or_else(|| event["act"].as_str()).unwrap();
            format!("{} {what}", event["type"].as_str().unwrap())
        })
        .collect()
}

async fn who_may_read_it_reads_it_and_who_may_not_is_told_who_may(url: &str) {
    let world = World::by(url, rules()).await;
    world.say("ana", ASK).await;
    world.advance(Span::from_minutes(5)).await;
    for reader in ["eve", "finn", "cleo", "dora"] {
        let read = world.say(reader, "/jit digest").await;
        assert!(read.starts_with("Access digest · Tuesday 24 Nov 2026") && read.contains("1 asked · 0 granted"), "{reader}: {read}");
    }
    for other in ["ana", "ben"] {
        assert_eq!(world.say(other, "/jit digest").await, REFUSED);
    }
    assert_eq!(looks(&world).await, [["looked digest"; 4].as_slice(), &["refused digest"; 2]].concat());
    assert_eq!(world.console.channel(PLACE), "", "nobody else reads it");
}

#[tokio::test]
async fn who_may_read_it_reads_it_and_who_may_not_is_told_who_may_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    who_may_read_it_reads_it_and_who_may_not_is_told_who_may(&file(&folder)).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn who_may_read_it_reads_it_and_who_may_not_is_told_who_may_on_postgres() {
    who_may_read_it_reads_it_and_who_may_not_is_told_who_may(&database().await).await;
}

#[tokio::test]
async fn an_earlier_day_is_told_as_it_was_and_a_day_without_one_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::by(&file(&folder), rules()).await;
    let began = DigestWrite::Began { at: sample::TO - Span::from_seconds(86_400) };
    world.store.commit(Commit { digests: vec![began], ..Commit::default() }).await.unwrap();
    put(&world.store, &made(1, ordinary()), Platform::Console, PLACE).await;
    let posted = super::shown::shown(Platform::Console, &made(1, ordinary()), (0, 0)).await.remove(0).1;
    assert_eq!(world.say("eve", "/jit digest 2026-11-24").await, posted);
    world.advance(Span::from_minutes(12 * 60)).await;
    assert_eq!(world.say("eve", "/jit digest yesterday").await, posted);
    let before = world.say("eve", "/jit digest 2026-11-20").await;
    assert!(
        before.starts_with("Access digest · Friday 20 Nov 2026\nMade 02:00: what is open, and how the ledger stands, is as of then\n"),
        "{before}"
    );
    let since = world.say("eve", "/jit digest").await;
    assert!(since.starts_with("Access digest · Wednesday 25 Nov 2026"), "{since}");
    assert!(since.contains("Covers yesterday 09:00 to 02:00"), "of the hours since the last one: {since}");
    let tomorrow = world.say("eve", "/jit digest 2026-11-27").await;
    assert!(!tomorrow.contains("Access digest"), "{tomorrow}");
}

#[tokio::test]
async fn of_a_day_that_had_two_both_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::by(&file(&folder), rules()).await;
    let began = DigestWrite::Began { at: sample::TO - Span::from_seconds(86_400) };
    world.store.commit(Commit { digests: vec![began], ..Commit::default() }).await.unwrap();
    let evening = sample::TO + Span::from_minutes(8 * 60);
    let window = Window { from: sample::TO, to: evening, days: 1 };
    let second = made(2, Digest { window, made_at: evening + Span::from_seconds(30), ..quiet() });
    put(&world.store, &made(1, ordinary()), Platform::Console, PLACE).await;
    put(&world.store, &second, Platform::Console, PLACE).await;
    world.advance(Span::from_minutes(12 * 60)).await;
    let told = world.say("eve", "/jit digest 2026-11-24").await;
    let firsts: Vec<&str> = told.lines().filter(|line| line.starts_with("Access digest")).collect();
    assert_eq!(firsts.len(), 2, "{told}");
    assert!(firsts[0].ends_with("Needs a human: 6") && firsts[1].contains("Nothing happened, nothing is open"), "{told}");
    assert!(told.contains("STILL OPEN: Finn Ward has login on bastion"), "{told}");
}

#[tokio::test]
async fn in_slack_a_long_one_takes_up_to_five_messages_that_only_its_reader_sees() {
    let rules = Catalogue { digests: Some(rules_in(Platform::Slack, &[])), ..slack::rules() };
    let house = slack::House::with(slack::Way::Http, slack::workspace().await, rules).await;
    put(&house.store, &enormous(), Platform::Slack, slack::OPS).await;
    let read = house.say("U0EVE", "digest 2026-11-24").await;
    let alone = house.slack.ephemerals("U0EVE").len();
    assert!((3..=5).contains(&alone), "{alone} {read}");
    assert!(
        read.contains("more: unanswered")
            && read.contains("More than messages hold.")
            && read.lines().last().unwrap().starts_with("Ledger 48,213 entries"),
        "{read}"
    );
    assert!(house.say("U0ANA", "digest").await.starts_with("The digest tells what everybody did"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn in_discord_a_long_one_takes_up_to_five_messages_that_only_its_reader_sees() {
    let rules = Catalogue { digests: Some(rules_in(Platform::Discord, &[])), ..discord::rules() };
    for way in discord::BOTH {
        let house = discord::House::with(way, discord::guild().await, rules.clone()).await;
        put(&house.store, &enormous(), Platform::Discord, discord::OPS).await;
        let read = house.say(discord::EVE, "see digest", &[("day", "2026-11-24")]).await;
        let alone = house.discord.ephemerals(discord::EVE);
        assert!((3..=5).contains(&alone.len()), "{} {read}", alone.len());
        assert!(alone.iter().all(|message| fakes::discord::reading::pings(message).is_empty()));
        assert!(
            read.contains("more: unanswered")
                && read.contains("More than messages hold.")
                && read.lines().last().unwrap().starts_with("Ledger 48,213 entries"),
            "{read}"
        );
        assert!(house.say(discord::ANA, "see digest", &[]).await.starts_with("The digest tells what everybody did"));
        house.assert_nothing_refused();
    }
}
