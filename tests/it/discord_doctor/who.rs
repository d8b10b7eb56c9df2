//! People and roles.

use super::{ANA, BEN, House, SRE};
use crate::fakes::discord::{BOT_ROLE, Fault, permissions};

const MORE: &str = "600000000000000009";

#[tokio::test]
async fn each_account_that_cannot_act_in_discord_is_found() {
    let mut house = House::new().await;
    house.discord.robot("600000000000000003", "Robot").person("600000000000000004", "Finn").leave("600000000000000004");
    house.add("[people.robot]\nname = 'Robot'\ndiscord = '600000000000000003'\n");
    house.add("[people.finn]\nname = 'Finn'\ndiscord = '600000000000000004'\n");
    house.add(&format!("[people.gone]\nname = 'Gone'\ndiscord = '{MORE}'\n"));
    insta::assert_snapshot!(house.findings().await, @"");
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
    insta::assert_snapshot!(house.said("note").await, @"");
    assert_eq!(house.findings().await, "");
}

#[tokio::test]
async fn a_role_that_is_not_there_or_that_nobody_has_is_found() {
    let mut house = House::new().await;
    house.discord.role(SRE, "sre", &[]);
    let mut all = vec![house.findings().await];
    house.change(SRE, "500000000000000009");
    all.push(house.findings().await);
    house.change("500000000000000009", BOT_ROLE).discord.of_bot(BOT_ROLE);
    all.push(house.findings().await);
    insta::assert_snapshot!(all.join("\n"), @"");
}

#[tokio::test]
async fn a_role_that_is_called_where_nobody_may_mention_it_is_found() {
    let house = House::new().await;
    house.discord.unmentionable(SRE);
    insta::assert_snapshot!(house.findings().await, @"");
    house.discord.grant_bot(permissions::USUAL | permissions::MENTION_EVERYONE);
    assert_eq!(house.findings().await, "", "the bot may mention it");
}

#[tokio::test]
async fn a_role_that_no_rule_calls_need_not_be_mentionable() {
    let mut house = House::new().await;
    house.change("approvers = ['ben', '@sre']", "approvers = ['ben']");
    house.discord.unmentionable(SRE);
    assert_eq!(house.findings().await, "");
}

#[tokio::test]
async fn counts_that_discord_does_not_tell_are_one_finding() {
    let house = House::new().await;
    house.discord.fail("guild_role_member_counts", Fault::Code(50001), 1);
    insta::assert_snapshot!(house.findings().await, @"");
}
