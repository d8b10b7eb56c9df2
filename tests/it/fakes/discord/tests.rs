//! Whether the fake is as strict as it says, seen through the clients that the product uses.

#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

mod app;
mod checks;
mod delivery;
mod faults;
mod gateway;
mod interactions;
mod messages;
mod people;
mod permissions;
mod reading;

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use super::Discord;

pub(super) const ANA: &str = "100000000000000001";
pub(super) const BEN: &str = "100000000000000002";
pub(super) const CARDS: &str = "500000000000000001";

/// What serenity calls itself.
const AGENT: &str = "DiscordBot (https://github.com/serenity-rs/serenity, 0.12.5)";

/// A request with these headers beside the client's name. It may be any: what is wrong with it is for the test to see.
pub(super) async fn raw(discord: &Discord, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Response {
    let client = Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/api/v10{path}", discord.api_url());
    let mut request = client.request(Method::from_bytes(method.as_bytes()).unwrap(), url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let answer = request.send().await.unwrap();
    discord.take_unfit();
    answer
}

/// Status and body of a call by the bot.
pub(super) async fn api(discord: &Discord, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let token = format!("Bot {}", discord.bot_token());
    let answer = raw(discord, method, path, &[("user-agent", AGENT), ("authorization", &token)], body).await;
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

pub(super) async fn get(discord: &Discord, path: &str) -> (u16, Value) {
    api(discord, "GET", path, None).await
}

pub(super) async fn post(discord: &Discord, path: &str, body: Value) -> (u16, Value) {
    api(discord, "POST", path, Some(body)).await
}

pub(super) async fn patch(discord: &Discord, path: &str, body: Value) -> (u16, Value) {
    api(discord, "PATCH", path, Some(body)).await
}

/// Status and code of a refusal.
pub(super) fn refused((status, body): (u16, Value)) -> (u16, u64) {
    (status, body["code"].as_u64().unwrap_or_else(|| panic!("it should be refused: {status} {body}")))
}

/// Which places of the body were wrong, and how: `embeds.0.title BASE_TYPE_MAX_LENGTH`.
pub(super) fn wrong((status, body): (u16, Value)) -> Vec<String> {
    assert_eq!((status, body["code"].as_u64()), (400, Some(50035)), "{body}");
    let mut found = Vec::new();
    leaves(&body["errors"], "", &mut found);
    found
}

fn leaves(tree: &Value, place: &str, found: &mut Vec<String>) {
    for (name, inner) in tree.as_object().into_iter().flatten() {
        if name == "_errors" {
            found.extend(inner.as_array().unwrap().iter().map(|e| format!("{place} {}", e["code"].as_str().unwrap())));
        } else {
            leaves(inner, format!("{place}.{name}").trim_start_matches('.'), found);
        }
    }
}

/// A body with what every message must say of mentions.
pub(super) fn quiet(body: Value) -> Value {
    let mut body = body;
    body["allowed_mentions"] = json!({"parse": []});
    body
}

/// Writes into a channel; the message.
pub(super) async fn write(discord: &Discord, channel: &str, body: Value) -> Value {
    let (status, message) = post(discord, &format!("/channels/{channel}/messages"), quiet(body)).await;
    assert_eq!(status, 200, "{message}");
    message
}

pub(super) fn id(message: &Value) -> String {
    message["id"].as_str().unwrap().to_owned()
}

/// A guild with two people, one channel, and a message of the bot in it.
pub(super) async fn guild() -> (Discord, String) {
    let discord = Discord::start().await;
    discord.person(ANA, "Ana Reyes").person(BEN, "Ben Okafor").channel(CARDS, "db-approvers");
    let message = write(&discord, CARDS, json!({"content": "first"})).await;
    (discord, id(&message))
}

/// The same guild, with a card that has a button.
pub(super) async fn card() -> (Discord, String) {
    let (discord, _) = guild().await;
    let row = json!([{"type": 1, "components": [{"type": 2, "style": 3, "label": "Approve", "custom_id": "approve R-1/0"}]}]);
    let card = write(&discord, CARDS, json!({"content": "Ana asks", "components": row})).await;
    (discord, id(&card))
}

/// Registers `/jit` with one subcommand, and a command in the menu of messages.
pub(super) fn commands(discord: &Discord) {
    let options = json!([
        {"type": 3, "name": "resource", "description": "d", "required": true, "autocomplete": true},
        {"type": 6, "name": "for", "description": "d"},
        {"type": 4, "name": "minutes", "description": "d"},
    ]);
    discord.register(&json!([
        {"name": "jit", "description": "d", "options": [{"type": 1, "name": "request", "description": "d", "options": options}]},
        {"name": "Request access about this", "type": 3},
    ]));
}
