//! The server and its channels.

use super::{DBA, House, OPS};
use crate::fakes::discord::{BOT_ROLE, Fault, GUILD, permissions};

#[tokio::test]
async fn a_bot_that_is_not_in_the_server_is_one_finding_with_the_link() {
    let house = House::new().await;
    house.discord.kick_bot();
    insta::assert_snapshot!(house.findings().await, @"");
}

#[tokio::test]
async fn each_right_that_is_missing_is_a_finding_with_what_to_click() {
    let house = House::new().await;
    house.discord.forbid(DBA, permissions::SEND_MESSAGES | permissions::MANAGE_THREADS);
    insta::assert_snapshot!(house.findings().await, @"");
}

#[tokio::test]
async fn rights_that_the_bot_has_nowhere_are_found_in_each_channel() {
    let house = House::new().await;
    house.discord.grant_bot(permissions::USUAL & !permissions::EMBED_LINKS);
    insta::assert_snapshot!(house.findings().await, @"");
}

/// The fake reckons rights by itself: what it would refuse is what is found, whichever rule says so.
#[tokio::test]
async fn rights_are_reckoned_as_discord_does() {
    let house = House::new().await;
    let bits = permissions::EMBED_LINKS | permissions::CREATE_PUBLIC_THREADS;
    let lacks = |said: &str| said.matches("the bot lacks").count();
    house.discord.role_rule(DBA, GUILD, 0, bits);
    assert_eq!(lacks(&house.findings().await), 2, "of everybody");
    house.discord.role_rule(DBA, BOT_ROLE, bits, 0);
    assert_eq!(lacks(&house.findings().await), 0, "a rule of a role stands above one of everybody");
    house.discord.forbid(DBA, permissions::EMBED_LINKS);
    assert_eq!(lacks(&house.findings().await), 1, "and one of the bot itself above both");
    house.discord.grant_bot(permissions::ADMINISTRATOR);
    assert_eq!(house.findings().await, "");
    insta::assert_snapshot!(house.said("note").await.lines().next().unwrap(), @"");
}

#[tokio::test]
async fn a_channel_that_the_bot_may_not_see_is_told_from_one_that_is_not_there() {
    let house = House::new().await;
    house.discord.forbid(DBA, permissions::VIEW_CHANNEL).delete_channel(OPS);
    insta::assert_snapshot!(house.findings().await, @"");
}

#[tokio::test]
async fn a_thread_and_another_server_s_channel_are_no_place_for_cards() {
    let mut house = House::new().await;
    let message = house.discord.say(super::BEN, OPS, "hello");
    house.discord.begin_thread(super::BEN, &message, "talk");
    house.discord.guild("700000000000000002", "Elsewhere").add_bot("700000000000000002");
    house.discord.channel_in("700000000000000002", "400000000000000009", "dba");
    house.change(&format!("'discord:{DBA}'"), "'discord:400000000000000009'").change(&format!("'discord:{OPS}'"), &format!("'discord:{message}'"));
    insta::assert_snapshot!(house.findings().await.replace(&message, "THREAD"), @"");
}

#[tokio::test]
async fn what_discord_refuses_otherwise_is_said_with_its_number() {
    let house = House::new().await;
    house.discord.fail("list_guild_channels", Fault::Code(50013), 1);
    insta::assert_snapshot!(house.findings().await, @"");
}
