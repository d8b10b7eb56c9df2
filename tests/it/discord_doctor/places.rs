//! The server and its channels.

use super::{DBA, House, OPS};
use crate::fakes::discord::{BOT_ROLE, Fault, GUILD, permissions};

#[tokio::test]
async fn a_bot_that_is_not_in_the_server_is_one_finding_with_the_link() {
    let house = House::new().await;
    house.discord.kick_bot();
    insta::assert_snapshot!(house.findings().await, @r"
    the bot is not in the server 700000000000000001
          open https://discord.com/oauth2/authorize?client_id=900000000000000001&scope=bot+applications.commands&permissions=326417599488&guild_id=700000000000000001&disable_guild_select=true as the application's owner, with Manage Server there
    ");
}

#[tokio::test]
async fn each_right_that_is_missing_is_a_finding_with_what_to_click() {
    let house = House::new().await;
    house.discord.forbid(DBA, permissions::SEND_MESSAGES | permissions::MANAGE_THREADS);
    insta::assert_snapshot!(house.findings().await, @r"
    #dba (400000000000000002, for prod-db): the bot lacks Send Messages, with which it posts cards and alarms
          in Discord: #dba, Edit Channel, Permissions, add the role of @hallpass, and allow Send Messages
    ");
}

#[tokio::test]
async fn what_goes_on_without_a_right_is_only_worth_knowing() {
    let house = House::new().await;
    house.discord.forbid(DBA, permissions::MANAGE_THREADS);
    assert_eq!(house.findings().await, "");
    insta::assert_snapshot!(house.said("note").await.lines().next().unwrap(), @"#dba (400000000000000002, for prod-db): the bot lacks Manage Threads, with which it locks a thread when its request is over, and opens it again for what comes later; without it, threads are archived and stay unlocked (in Discord: #dba, Edit Channel, Permissions, add the role of @hallpass, and allow Manage Threads)");
}

#[tokio::test]
async fn rights_that_the_bot_has_nowhere_are_found_in_each_channel() {
    let house = House::new().await;
    house.discord.grant_bot(permissions::USUAL & !permissions::EMBED_LINKS);
    insta::assert_snapshot!(house.findings().await, @r"
    #ops (400000000000000001, for alarms): the bot lacks Embed Links, with which it shows cards, which are embeds
          in Discord: Server Settings, Roles, the role of @hallpass, switch on Embed Links; or open the link of hallpass discord invite again
    #dba (400000000000000002, for prod-db): the bot lacks Embed Links, with which it shows cards, which are embeds
          in Discord: Server Settings, Roles, the role of @hallpass, switch on Embed Links; or open the link of hallpass discord invite again
    ");
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
    insta::assert_snapshot!(house.said("note").await.lines().next().unwrap(), @"the bot may do everything in Home: take Administrator from its roles (Server Settings, Roles)");
}

#[tokio::test]
async fn a_channel_that_the_bot_may_not_see_is_told_from_one_that_is_not_there() {
    let house = House::new().await;
    house.discord.forbid(DBA, permissions::VIEW_CHANNEL).delete_channel(OPS);
    insta::assert_snapshot!(house.findings().await, @r"
    400000000000000001 (for alarms) is no channel of Home
          in Discord, with Developer Mode on, right-click the channel, Copy Channel ID, and write that
    400000000000000002 (for prod-db) is a channel that the bot may not see
          in Discord: that channel, Edit Channel, Permissions, add the role of @hallpass, and allow View Channels; then run this again
    ");
}

#[tokio::test]
async fn a_thread_and_another_server_s_channel_are_no_place_for_cards() {
    let mut house = House::new().await;
    let message = house.discord.say(super::BEN, OPS, "hello");
    house.discord.begin_thread(super::BEN, &message, "talk");
    house.discord.guild("700000000000000002", "Elsewhere").add_bot("700000000000000002");
    house.discord.channel_in("700000000000000002", "400000000000000009", "dba");
    house
        .change(&format!("'discord:{DBA}'"), "'discord:400000000000000009'")
        .change(&format!("'discord:{OPS}'"), &format!("'discord:{message}'"));
    insta::assert_snapshot!(house.findings().await.replace(&message, "THREAD"), @r"
    THREAD (for alarms) is a thread, and a card needs a channel to open its own
          in Discord, with Developer Mode on, right-click the channel, Copy Channel ID, and write that
    400000000000000009 (for prod-db) is a channel of another server, 700000000000000002
          in Discord, with Developer Mode on, right-click the channel, Copy Channel ID, and write that
    ");
}

#[tokio::test]
async fn a_channel_for_talking_is_no_place_for_cards() {
    let house = House::new().await;
    house.discord.voice(OPS, "ops");
    insta::assert_snapshot!(house.findings().await, @r"
    #ops (400000000000000001, for alarms) is a voice channel, and cards need a text channel
          in Discord, with Developer Mode on, right-click the channel, Copy Channel ID, and write that
    ");
}

#[tokio::test]
async fn what_discord_refuses_otherwise_is_said_with_its_number() {
    let house = House::new().await;
    house.discord.fail("list_guild_channels", Fault::Code(50013), 1);
    insta::assert_snapshot!(house.findings().await, @r"
    the server Home (700000000000000001) could not be looked at: Discord says 50013, Missing Permissions
          look the number up in docs/discord.md, then run this again
    ");
}
