//! People and roles.

use super::{ANA, BEN, DBA, House, SRE};
use crate::fakes::discord::{BOT_ROLE, Fault, GUILD, permissions};

const MORE: &str = "600000000000000009";

#[tokio::test]
async fn each_account_that_cannot_act_in_discord_is_found() {
    let mut house = House::new().await;
    house.discord.robot("600000000000000003", "Robot").person("600000000000000004", "Finn").leave("600000000000000004");
    house.add("[people.robot]\nname = 'Robot'\ndiscord = '600000000000000003'\n");
    house.add("[people.finn]\nname = 'Finn'\ndiscord = '600000000000000004'\n");
    house.add(&format!("[people.gone]\nname = 'Gone'\ndiscord = '{MORE}'\n"));
    insta::assert_snapshot!(house.findings().await, @r"
    finn (600000000000000004) is not in Home
          invite them; if the id is wrong: right-click them, Copy User ID, and write it under [people.finn]; if they left: active = false
    gone (600000000000000009) is not in Home
          invite them; if the id is wrong: right-click them, Copy User ID, and write it under [people.gone]; if they left: active = false
    robot (600000000000000003) is a bot in Discord, which can neither ask nor decide
          write the id of a person under [people.robot]
    ");
}

#[tokio::test]
async fn who_is_not_active_in_the_file_is_not_looked_at() {
    let mut house = House::new().await;
    house.add(&format!("[people.gone]\nname = 'Gone'\ndiscord = '{MORE}'\nactive = false\n"));
    assert_eq!(house.findings().await, "");
}

#[tokio::test]
async fn who_is_timed_out_or_has_not_agreed_to_the_rules_is_worth_knowing() {
    let house = House::new().await;
    // 2100-01-01; and a time-out that is over.
    house.discord.pending(ANA, true).time_out(ANA, Some(4_102_444_800)).time_out(BEN, Some(1_000_000_000));
    insta::assert_snapshot!(house.said("note").await, @r"
    ana (600000000000000001) has not yet agreed to the server's rules, and can neither ask nor decide until then
    ana (600000000000000001) is timed out in Discord until 2100-01-01T00:00:00.000000+00:00, and can neither ask nor decide until then
    /jit is not registered yet: the bot does it when it starts
    ");
    assert_eq!(house.findings().await, "");
}

#[tokio::test]
async fn a_role_that_is_not_there_or_that_nobody_has_is_found() {
    let mut house = House::new().await;
    house.discord.role(SRE, "sre", &[]);
    let mut all = vec![house.findings().await];
    house.change(SRE, "500000000000000009");
    all.push(house.findings().await);
    house.change("500000000000000009", BOT_ROLE);
    all.push(house.findings().await);
    insta::assert_snapshot!(all.join("\n"), @r"
    group sre: @sre (500000000000000001) has no member
          give the role to people: Server Settings, Roles, the role, Manage Members
    group sre: there is no role 500000000000000009 in Home
          in Discord, with Developer Mode on: Server Settings, Roles, right-click the role, Copy Role ID, and write that
    group sre: @Hallpass (710000000000000001) is a bot's own role, which nobody else can have
          in Discord, with Developer Mode on: Server Settings, Roles, right-click the role, Copy Role ID, and write that
    ");
}

#[tokio::test]
async fn a_role_that_is_called_where_nobody_may_mention_it_is_found() {
    let house = House::new().await;
    house.discord.unmentionable(SRE);
    insta::assert_snapshot!(house.findings().await, @r#"
    group sre: @sre (500000000000000001) is mentioned in #dba, and nobody would be told: not everybody may mention it, nor may the bot
          Server Settings, Roles, @sre: switch on "Allow anyone to @mention this role"
    "#);
    house.discord.grant_bot(permissions::USUAL | permissions::MENTION_EVERYONE);
    assert_eq!(house.findings().await, "", "the bot may mention it");
}

/// Discord tells nobody of a mention in a channel that they do not see.
#[tokio::test]
async fn a_role_that_does_not_see_where_it_decides_is_found() {
    let house = House::new().await;
    house.discord.role_rule(DBA, GUILD, 0, permissions::VIEW_CHANNEL).allow(DBA, permissions::VIEW_CHANNEL);
    insta::assert_snapshot!(house.findings().await, @r"
    group sre: @sre (500000000000000001) does not see #dba, where it is called: whoever has no other role that does is told nothing and cannot press
          in Discord: #dba, Edit Channel, Permissions, add @sre, and allow View Channel
    ");
    house.discord.role_rule(DBA, SRE, permissions::VIEW_CHANNEL, 0);
    assert_eq!(house.findings().await, "", "what is said of the role stands above what is said of everybody");
    house.discord.role_rule(DBA, GUILD, 0, 0).role_rule(DBA, SRE, 0, permissions::VIEW_CHANNEL);
    assert!(house.findings().await.contains("does not see #dba"), "it alone is shut out");
}

#[tokio::test]
async fn a_role_that_no_rule_calls_need_not_be_mentionable() {
    let mut house = House::new().await;
    house.change("approvers = ['ben', '@sre']", "approvers = ['ben']");
    house.discord.unmentionable(SRE).role_rule(DBA, GUILD, 0, permissions::VIEW_CHANNEL).allow(DBA, permissions::VIEW_CHANNEL);
    assert_eq!(house.findings().await, "");
}

#[tokio::test]
async fn counts_that_discord_does_not_tell_are_one_finding() {
    let house = House::new().await;
    house.discord.fail("guild_role_member_counts", Fault::Code(50001), 1);
    insta::assert_snapshot!(house.findings().await, @r"
    how many people have each role could not be looked at: Discord says 50001, Missing Access
          look the number up in docs/discord.md, then run this again
    ");
}
