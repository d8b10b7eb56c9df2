//! What people can do, and what Discord then sends.

use serde_json::json;

use super::{
    super::{APP_ID, GUILD},
    *,
};

#[tokio::test]
async fn a_press_brings_everything_that_discord_sends() {
    let (discord, card) = card().await;
    discord.role("600000000000000001", "db-leads", &[BEN]);
    let press = discord.press_payload(BEN, &card, "approve");
    for field in ["id", "token", "app_permissions", "locale", "guild_locale"] {
        assert!(press[field].as_str().is_some_and(|v| !v.is_empty()), "{field}: {press}");
    }
    for (pointer, expected) in [
        ("/application_id", json!(APP_ID)),
        ("/type", json!(3)),
        ("/version", json!(1)),
        ("/guild_id", json!(GUILD)),
        ("/guild/id", json!(GUILD)),
        ("/channel_id", json!(CARDS)),
        ("/channel/type", json!(0)),
        ("/context", json!(0)),
        ("/authorizing_integration_owners", json!({"0": GUILD})),
        ("/entitlements", json!([])),
        ("/member/roles", json!(["600000000000000001"])),
        ("/member/user/id", json!(BEN)),
        ("/data", json!({"component_type": 2, "custom_id": "approve R-1/0", "id": 2})),
        ("/message/content", json!("Ana asks")),
    ] {
        assert_eq!(press.pointer(pointer), Some(&expected), "{pointer}");
    }
    assert!(press["attachment_size_limit"].is_u64() && press.get("user").is_none());
    assert_ne!(press["token"], discord.press_payload(BEN, &card, "approve")["token"]);
}

#[tokio::test]
async fn in_a_direct_conversation_there_is_a_user_and_no_member() {
    let (discord, _) = card().await;
    let direct = discord.dm(BEN);
    let row = json!([{"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go R-1/0"}]}]);
    let message = write(&discord, &direct, json!({"content": "x", "components": row})).await;
    let press = discord.press_payload(BEN, &id(&message), "go");
    assert_eq!((&press["user"]["id"], press.get("member"), press.get("guild_id")), (&json!(BEN), None, None));
    assert_eq!((&press["context"], &press["channel"]["type"]), (&json!(1), &json!(1)));
    assert_eq!(press["authorizing_integration_owners"], json!({"0": "0"}));
}

#[tokio::test]
async fn a_thread_is_where_a_press_in_it_was_made() {
    let (discord, card) = card().await;
    post(&discord, &format!("/channels/{CARDS}/messages/{card}/threads"), json!({"name": "R-1"})).await;
    let row = json!([{"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go R-1/0"}]}]);
    let message = write(&discord, &card, json!({"content": "x", "components": row})).await;
    let press = discord.press_payload(BEN, &id(&message), "go");
    assert_eq!((&press["channel_id"], &press["channel"]["parent_id"]), (&json!(card), &json!(CARDS)));
    assert_eq!(discord.press_payload(BEN, &card, "approve")["message"]["thread"]["id"], card.as_str());
}

#[tokio::test]
async fn a_command_is_typed_as_it_was_registered() {
    let (discord, _) = card().await;
    commands(&discord);
    let typed = discord.slash_payload(BEN, CARDS, "request", &[("resource", "prod-db"), ("for", ANA), ("minutes", "30")]);
    let expected = json!([{"name": "request", "type": 1, "options": [
        {"name": "resource", "type": 3, "value": "prod-db"},
        {"name": "for", "type": 6, "value": ANA},
        {"name": "minutes", "type": 4, "value": 30},
    ]}]);
    assert_eq!((&typed["data"]["options"], &typed["data"]["guild_id"], &typed["type"]), (&expected, &json!(GUILD), &json!(2)));
    assert_eq!(typed["data"]["resolved"]["users"][ANA]["id"], ANA);
    let offered = discord.complete_payload(BEN, CARDS, "request", &[("minutes", "3"), ("resource", "pr")], "resource");
    assert_eq!(offered["type"], 4);
    assert_eq!(offered["data"]["options"][0]["options"][1], json!({"name": "resource", "type": 3, "value": "pr", "focused": true}));
    let about = discord.message_command_payload(BEN, CARDS, &discord.say(ANA, CARDS, "help!"), "Request access about this");
    let target = about["data"]["target_id"].as_str().unwrap();
    assert_eq!((&about["data"]["type"], &about["data"]["resolved"]["messages"][target]["content"]), (&json!(3), &json!("help!")));
}

#[tokio::test]
async fn commands_keep_their_ids_when_they_are_registered_again() {
    let (discord, _) = card().await;
    let path = format!("/applications/{APP_ID}/guilds/{GUILD}/commands");
    let put = async |body: Value| api(&discord, "PUT", &path, Some(body)).await;
    let (status, first) = put(json!([{"name": "jit", "description": "d"}])).await;
    assert_eq!((status, &first[0]["type"], &first[0]["guild_id"]), (200, &json!(1), &json!(GUILD)));
    let (_, second) = put(json!([{"name": "jit", "description": "other"}, {"name": "new", "description": "d"}])).await;
    assert_eq!((&second[0]["id"], &get(&discord, &path).await.1), (&first[0]["id"], &second));
    assert_ne!(second[0]["version"], first[0]["version"]);
    assert_eq!(discord.commands().len(), 2);
    assert_eq!(wrong(put(json!([{"name": "Jit", "description": "d"}])).await), ["0.name APPLICATION_COMMAND_INVALID_NAME"]);
    assert_eq!(refused(get(&discord, &format!("/applications/1/guilds/{GUILD}/commands")).await), (403, 20012));
    assert_eq!(refused(get(&discord, &format!("/applications/{APP_ID}/guilds/1/commands")).await), (403, 50001));
    assert_eq!(get(&discord, &format!("/applications/{APP_ID}/commands")).await.1, json!([]));
    discord.register_everywhere(&json!([{"name": "jit", "description": "d"}]));
    assert_eq!(get(&discord, &format!("/applications/{APP_ID}/commands")).await.1[0]["name"], "jit");
}

#[tokio::test]
async fn another_guild_is_another_place_with_its_own_roles() {
    let (discord, _) = card().await;
    let (elsewhere, talk) = ("700000000000000002", "500000000000000009");
    discord.guild(elsewhere, "Elsewhere").add_bot(elsewhere).join(elsewhere, BEN).channel_in(elsewhere, talk, "talk");
    discord.role_in(elsewhere, "600000000000000009", "db-leads", &[BEN]);
    let row = json!([{"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go R-1/0"}]}]);
    let message = id(&write(&discord, talk, json!({"content": "x", "components": row})).await);
    let press = discord.press_payload(BEN, &message, "go");
    assert_eq!((&press["guild_id"], &press["member"]["roles"]), (&json!(elsewhere), &json!(["600000000000000009"])));
}

/// Does it panic with these words?
fn cannot<T>(what: impl FnOnce() -> T, why: &str) {
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(what()))).expect_err(why);
    let said = panicked.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(said.contains(why), "{said}");
}

#[tokio::test]
async fn nobody_does_what_no_person_could() {
    let (discord, card) = card().await;
    discord.stranger("100000000000000009", "Elsewhere");
    cannot(|| discord.press_payload(BEN, &card, "deny"), "has no \"deny\"");
    cannot(|| discord.press_payload("100000000000000009", &card, "approve"), "does not see");
    cannot(|| discord.press_payload(BEN, "1", "approve"), "there is no message");
    cannot(|| discord.slash_payload(BEN, CARDS, "request", &[]), "nobody registered jit");
    commands(&discord);
    cannot(|| discord.slash_payload(BEN, &discord.dm(BEN), "request", &[]), "nobody registered jit");
    cannot(|| discord.slash_payload(BEN, CARDS, "nothing", &[]), "has no nothing");
    cannot(|| discord.slash_payload(BEN, CARDS, "", &[]), "needs a subcommand");
    cannot(|| discord.slash_payload(BEN, CARDS, "request", &[("minutes", "30")]), "cannot be sent without");
    cannot(|| discord.slash_payload(BEN, CARDS, "request", &[("resource", "x"), ("minutes", "many")]), "takes a whole number");
    cannot(|| discord.submission(BEN, &[]), "has no form open");
    let disabled = json!([{"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go", "disabled": true}]}]);
    let message = id(&write(&discord, CARDS, json!({"content": "x", "components": disabled})).await);
    cannot(|| discord.press_payload(BEN, &message, "go"), "is disabled");
}
