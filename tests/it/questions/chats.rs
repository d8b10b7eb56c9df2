//! The same answers in Slack and Discord: as people there read them, leading to threads, and never more than a message takes.

use std::fmt::Write as _;

use hallpass::domain::policy::{Catalogue, Platform};

use super::closed;
use crate::{discord, slack};

/// The catalogue of a chat, with who may ask narrowed as elsewhere.
fn narrowed(mut rules: Catalogue, long: bool) -> Catalogue {
    closed(&mut rules);
    if long {
        for person in rules.people.values_mut() {
            person.name = format!("{} *x* <@1> [m](https://evil.example) `c` @everyone", person.name).repeat(5);
        }
    }
    rules
}

async fn discord_house(long: bool) -> discord::House {
    discord::House::with(discord::Way::Http, discord::guild().await, narrowed(discord::rules(), long)).await
}

/// Ana asks for write on prod-db so often, and Ben approves it.
async fn granted_in_discord(house: &discord::House, times: usize) {
    for _ in 0..times {
        house.pass(1);
        house.ask().await;
        house.press(discord::BEN, "approve").await;
        house.pass(60);
        let id = house.newest().await.id.to_string();
        house.say(discord::ANA, "return", &[("id", &id)]).await;
    }
}

#[tokio::test]
async fn in_discord_a_line_leads_to_its_thread() {
    let house = discord_house(false).await;
    let mut page = String::new();
    let mut say = |what: &str, said: String| writeln!(page, "## {what}\n{said}\n").unwrap();
    say("who, nobody", house.say(discord::BEN, "see who", &[("resource", "prod-db"), ("at", "13:59:59")]).await);
    say("find, nothing", house.say(discord::ANA, "see find", &[]).await);
    say("stats, nothing", house.say(discord::BEN, "see stats", &[("resource", "prod-db"), ("since", "1h")]).await);
    say("find, an outsider", house.say(discord::CLEO, "see find", &[("name", "nobody")]).await);
    granted_in_discord(&house, 1).await;
    let (id, card) = (house.newest().await.id.to_string(), house.card_id());
    let hidden = |said: String| said.replace(&id, "R-ID").replace(&card, "CARD");
    say("who", hidden(house.say(discord::BEN, "see who", &[("resource", "prod-db"), ("at", "14:00:30")]).await));
    say("find", hidden(house.say(discord::BEN, "see find", &[("person", discord::ANA), ("since", "7d")]).await));
    say("stats", hidden(house.say(discord::BEN, "see stats", &[("resource", "prod-db")]).await));
    insta::assert_snapshot!("discord", page);
    let shown = house.discord.ephemerals(discord::BEN);
    let link = format!("](https://discord.com/channels/{}/{}/{card})", crate::fakes::discord::GUILD, discord::CARDS);
    assert!(shown.iter().any(|message| message.to_string().contains(&link)), "{link}: {shown:#?}");
    house.assert_nothing_refused();
}

#[tokio::test]
async fn in_discord_a_full_page_of_the_longest_names_is_one_valid_message_that_pings_nobody() {
    let house = discord_house(true).await;
    granted_in_discord(&house, 12).await;
    for (path, options) in [
        ("see find", vec![("person", discord::ANA)]),
        ("see who", vec![("resource", "prod-db"), ("at", "14:00:30")]),
        ("see stats", vec![]),
    ] {
        let before = house.discord.ephemerals(discord::BEN).len();
        house.say(discord::BEN, path, &options).await;
        let shown = house.discord.ephemerals(discord::BEN)[before..].to_vec();
        assert_eq!(shown.len(), 1, "{path}");
        let does = discord::hostile::does(&shown[0]);
        assert!(does.iter().all(|live| live.starts_with("link https://discord.com/channels/")), "{path}: {does:?}");
        assert!(crate::fakes::discord::reading::pings(&shown[0]).is_empty(), "{path}");
    }
    house.assert_nothing_refused();
}

#[tokio::test]
async fn in_discord_dates_and_what_may_be_seen_are_offered_while_they_are_typed() {
    let house = discord_house(false).await;
    let offers = |user, path, options: Vec<(&'static str, &'static str)>, focused| {
        let house = &house;
        async move { house.offers(user, path, &options, focused).await }
    };
    assert_eq!(offers(discord::BEN, "see who", vec![("resource", "")], "resource").await, ["prod-db"], "what he may approve, not ask for");
    assert_eq!(offers(discord::EVE, "see stats", vec![("resource", "bast")], "resource").await, ["bastion"]);
    assert_eq!(offers(discord::BEN, "see who", vec![("resource", "prod-db"), ("at", "13:05")], "at").await, ["2026-11-24 13:05:00"]);
    assert_eq!(
        offers(discord::BEN, "see who", vec![("resource", "prod-db"), ("at", "")], "at").await,
        ["2026-11-24 14:00:00", "2026-11-24 13:45:00", "2026-11-24 13:00:00", "2026-11-24 00:00:00", "2026-11-23 14:00:00"]
    );
    assert_eq!(offers(discord::BEN, "see find", vec![("since", "")], "since").await, ["1d", "7d", "30d", "90d"]);
    assert_eq!(offers(discord::BEN, "see find", vec![("since", "2w")], "since").await, ["2w"]);
    let days = offers(discord::EVE, "see digest", vec![("day", "")], "day").await;
    assert_eq!(days[..3], ["2026-11-24", "2026-11-23", "2026-11-22"]);
    assert_eq!(offers(discord::EVE, "see digest", vec![("day", "2026-10-0")], "day").await, Vec::<String>::new());
    house.assert_nothing_refused();
}

async fn slack_house(long: bool) -> slack::House {
    slack::House::with(slack::Way::Http, slack::workspace().await, narrowed(slack::rules(), long)).await
}

async fn granted_in_slack(house: &slack::House, times: usize) {
    for _ in 0..times {
        house.pass(1);
        house.say("U0ANA", "request prod-db write 1h Unblock the stuck import").await;
        house.press("U0BEN", "approve").await;
        house.pass(60);
        let id = house.newest().await.id.to_string();
        house.say("U0ANA", &format!("return {id}")).await;
    }
}

#[tokio::test]
async fn in_slack_a_line_leads_to_its_thread() {
    let house = slack_house(false).await;
    let mut page = String::new();
    let mut say = |what: &str, said: String| writeln!(page, "## {what}\n{said}\n").unwrap();
    say("who, nobody", house.say("U0BEN", "who prod-db --at 13:59:59").await);
    say("find, nothing", house.say("U0ANA", "find").await);
    say("stats, nothing", house.say("U0BEN", "stats prod-db —since 1h").await);
    granted_in_slack(&house, 1).await;
    let id = house.newest().await.id.to_string();
    let hidden = |said: String| said.replace(&id, "R-ID");
    say("who", hidden(house.say("U0BEN", "who prod-db —at “14:00:30”").await));
    say("find", hidden(house.say("U0BEN", "find <@U0ANA> –since 7d").await));
    say("stats", hidden(house.say("U0BEN", "stats prod-db").await));
    insta::assert_snapshot!("slack", page);
    house.assert_nothing_refused();
}

#[tokio::test]
async fn in_slack_a_full_page_of_the_longest_names_is_one_valid_message() {
    let house = slack_house(true).await;
    granted_in_slack(&house, 12).await;
    for line in ["find <@U0ANA>", "who prod-db --at 14:00:30", "stats"] {
        let said = house.say("U0BEN", line).await;
        assert!(!said.is_empty() && !said.contains("could not be shown"), "{line}: {said}");
    }
    house.assert_nothing_refused();
}

/// Lives where it is five hours earlier than in UTC, as the house does not.
fn abroad(rules: &mut Catalogue, platform: Platform, user: &str) {
    let person = rules.person_at(platform, user).unwrap().id.clone();
    rules.people.get_mut(&person).unwrap().time_zone = Some(chrono_tz::America::New_York);
}

/// What `command` was followed by in a text that says how the next page is asked for: since when.
fn since_of(said: &str) -> String {
    let behind = said.split("since").last().unwrap();
    let is_of_it = |c: char| c.is_ascii_digit() || "-T:.+".contains(c);
    behind.chars().skip_while(|c| !c.is_ascii_digit()).take_while(|c| is_of_it(*c)).collect()
}

#[tokio::test]
async fn in_slack_what_leads_to_the_next_page_means_the_same_moment_to_a_reader_abroad() {
    let mut rules = narrowed(slack::rules(), false);
    abroad(&mut rules, Platform::Slack, "U0BEN");
    let house = slack::House::with(slack::Way::Http, slack::workspace().await, rules).await;
    granted_in_slack(&house, 11).await;
    let first = house.say("U0BEN", "find <@U0ANA> --since 1h").await;
    let since = since_of(&first);
    assert!(since.ends_with("-05:00"), "it is said in his own zone, with its offset: {since} in {first}");
    let next = house.say("U0BEN", &format!("find <@U0ANA> --since \"{since}\" --page 2")).await;
    assert!(next.contains("page 2") && next.matches("R-").count() >= 1, "{next}");
    assert!(!next.contains("no time that I can look at") && !next.contains("nothing on page"), "{next}");
    house.assert_nothing_refused();
}

#[tokio::test]
async fn in_discord_what_leads_to_the_next_page_means_the_same_moment_to_a_reader_abroad() {
    let mut rules = narrowed(discord::rules(), false);
    abroad(&mut rules, Platform::Discord, discord::BEN);
    let house = discord::House::with(discord::Way::Http, discord::guild().await, rules).await;
    granted_in_discord(&house, 11).await;
    let first = house.say(discord::BEN, "see find", &[("person", discord::ANA), ("since", "1h")]).await;
    let since = since_of(&first);
    assert!(since.ends_with("-05:00"), "it is said in his own zone, with its offset: {since} in {first}");
    let next = house.say(discord::BEN, "see find", &[("person", discord::ANA), ("since", &since), ("page", "2")]).await;
    assert!(next.contains("page 2") && !next.contains("nothing on page"), "{next}");
    house.assert_nothing_refused();
}
