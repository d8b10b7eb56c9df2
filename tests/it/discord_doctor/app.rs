//! The token, the application, its intents, its door and its commands.

use serde_json::json;

use super::{APP_ID, GUILD, House};
use crate::fakes::discord::{Fault, Scope};

/// Another application's public key.
const ANOTHERS: &str = "fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f618";

#[tokio::test]
async fn a_token_that_discord_does_not_know_is_one_finding() {
    let house = House::new().await;
    house.secret("bot", "hunter2");
    let found = house.findings().await;
    assert!(!found.contains("hunter2"), "{found}");
    insta::assert_snapshot!(found, @r"
    Discord does not know the bot token
          at discord.com/developers/applications, your application, Bot: Reset Token, and put the new one where bot.toml says
    ");
    assert_eq!(house.discord.requests().len(), 1, "a token that is none is used once");
}

#[tokio::test]
async fn a_discord_that_does_not_answer_is_one_finding_and_is_asked_once() {
    let house = House::new().await;
    house.discord.fail("get_my_user", Fault::Status(502), 1);
    insta::assert_snapshot!(house.findings().await, @r"
    Discord's bot token could not be looked at: API does not answer: HTTP status 502 Bad Gateway
          see that this machine reaches discord.api_url, then run this again
    ");
    house.discord.fail("get_my_user", Fault::CutBefore, 1);
    let cut = house.findings().await;
    assert!(cut.starts_with("Discord's bot token could not be looked at: API does not answer: "), "{cut}");
    house.discord.fail("get_my_user", Fault::Limited { after: std::time::Duration::from_secs(7), scope: Scope::Global }, 1);
    insta::assert_snapshot!(house.findings().await, @r"
    Discord's bot token could not be looked at: Discord wants no questions for 7 s
          wait so long, then run this again; a running bot has the same limit
    ");
    assert_eq!(house.discord.requests_of("get_my_user").len(), 3, "nothing is asked twice");
}

#[tokio::test]
async fn another_application_than_the_file_says_is_found() {
    let mut house = House::new().await;
    house.change(APP_ID, "900000000000000002");
    let found = house.findings().await;
    let (first, _) = found.split_once("\nthe commands").unwrap_or((&found, ""));
    insta::assert_snapshot!(first, @r#"
    the bot token is of the application Hallpass (900000000000000001), and discord.application_id is 900000000000000002
          write application_id = "900000000000000001", or take that application's token
    "#);
}

#[tokio::test]
async fn privileged_intents_that_are_on_are_worth_knowing() {
    let house = House::new().await;
    house.discord.flags((1 << 15) | (1 << 18) | (1 << 23));
    insta::assert_snapshot!(house.said("note").await.lines().next().unwrap(), @"the bot may hear more than it needs: switch off Server Members Intent, Message Content Intent (at discord.com/developers/applications, your application, Bot)");
    assert_eq!(house.findings().await, "", "nothing is wrong with it");
}

#[tokio::test]
async fn the_gateway_hears_nobody_where_discord_calls_an_endpoint() {
    let house = House::new().await;
    house.discord.over_http("https://elsewhere.example.org/discord/interactions");
    insta::assert_snapshot!(house.findings().await, @r"
    nobody would be heard: Discord sends what people do to https://elsewhere.example.org/discord/interactions, and bot.toml says the gateway
          empty Interactions Endpoint URL at discord.com/developers/applications, Hallpass, General Information, or write public_key and listen under [discord]
    ");
}

#[tokio::test]
async fn an_endpoint_hears_nobody_where_discord_calls_none() {
    let mut house = House::new().await;
    house.by_http();
    insta::assert_snapshot!(house.findings().await, @r"
    nobody would be heard: bot.toml has public_key and listen, and Discord has no Interactions Endpoint URL
          with the bot running, write https://your-host/discord/interactions as Interactions Endpoint URL at discord.com/developers/applications, Hallpass, General Information, or take both keys out for the gateway
    ");
    house.discord.over_http("https://hallpass.example.org/discord/interactions");
    assert_eq!(house.findings().await, "");
    assert!(house.said("ok").await.contains("public key: it is the application's"));
    insta::assert_snapshot!(house.said("note").await.lines().next().unwrap(), @"Discord calls https://hallpass.example.org/discord/interactions, and the bot listens at 127.0.0.1:8081: whether one leads to the other is seen only from outside");
}

#[tokio::test]
async fn a_public_key_of_another_application_is_found() {
    let mut house = House::new().await;
    house.by_http().discord.over_http("https://hallpass.example.org/discord/interactions");
    let own = house.discord.public_key_hex();
    house.change(&own, ANOTHERS);
    insta::assert_snapshot!(house.findings().await, @r#"
    discord.public_key is another application's: everything that Discord sends would be refused
          write public_key = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c" (Public Key at discord.com/developers/applications, Hallpass, General Information)
    "#);
    house.change(ANOTHERS, &own.to_uppercase());
    assert_eq!(house.findings().await, "", "however it is written");
}

#[tokio::test]
async fn the_command_is_there_once() {
    let house = House::new().await;
    let jit = json!([{ "type": 1, "name": "jit", "description": "Access for a while" }]);
    assert!(house.said("note").await.contains("/jit is not registered yet: the bot does it when it starts"));
    house.registered(Some(GUILD), &jit).await;
    assert!(house.said("note").await.contains("/jit is another version's: the bot brings it up to date when it starts"));
    assert!(house.bot().register().await.unwrap());
    assert!(house.said("ok").await.contains("/jit: it is registered, once, and is this version's"));
    house.registered(None, &json!([{ "type": 1, "name": "dice", "description": "Another one" }])).await;
    assert_eq!(house.findings().await, "", "other commands are the application's own business");
    house.registered(None, &jit).await;
    insta::assert_snapshot!(house.findings().await, @r#"
    /jit is registered for all servers too, so that people see it twice
          curl -X PUT -H "Authorization: Bot $DISCORD_BOT_TOKEN" -H 'Content-Type: application/json' -d '[]' API/api/v10/applications/900000000000000001/commands
    "#);
}

#[tokio::test]
async fn a_bot_without_the_scope_for_commands_is_found() {
    let house = House::new().await;
    house.discord.fail("list_guild_application_commands", Fault::Code(50001), 1);
    insta::assert_snapshot!(house.findings().await, @r"
    the bot may not have commands in its server
          open the link of hallpass discord invite again: it asks for applications.commands
    ");
}
