//! Whether the fake is as strict as it says, seen through the client that the product uses.

#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

mod api;
mod app;
mod blocks;
mod delivery;
mod faults;
mod forms;
mod people;
mod reading;
mod sockets;

use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;
use slack_morphism::{errors::SlackClientError, prelude::*};

use super::Slack;

/// The product's client at this Slack, without TLS.
pub(super) fn client(slack: &Slack) -> SlackClient<SlackClientHyperConnector<HttpConnector>> {
    SlackClient::new(SlackClientHyperConnector::with_connector(HttpConnector::new()).with_slack_api_url(&slack.api_url()))
}

fn token(value: &str) -> SlackApiToken {
    SlackApiToken::new(value.into())
}

/// The error of a refused call, with what stands beside it.
fn refusal(error: SlackClientError) -> Value {
    match error {
        SlackClientError::ApiError(error) => serde_json::from_str(&error.http_response_body.unwrap()).unwrap(),
        other => panic!("{other}"),
    }
}

/// A call with a query.
pub(super) async fn get(slack: &Slack, method: &str, params: &[(&str, &str)]) -> Result<Value, Value> {
    let params: Vec<(&str, Option<String>)> = params.iter().map(|(k, v)| (*k, Some((*v).to_owned()))).collect();
    let token = token(slack.bot_token());
    client(slack).open_session(&token).http_session_api.http_get(method, &params, None).await.map_err(refusal)
}

/// A call with a JSON body.
pub(super) async fn post(slack: &Slack, method: &str, body: Value) -> Result<Value, Value> {
    let token = token(slack.bot_token());
    client(slack).open_session(&token).http_session_api.http_post(method, &body, None).await.map_err(refusal)
}

/// The error of a call that must be refused.
pub(super) fn error(outcome: Result<Value, Value>) -> String {
    outcome.expect_err("it should be refused")["error"].as_str().unwrap().to_owned()
}

/// A workspace with two people, one channel, and a message of the bot in it.
pub(super) async fn workspace() -> (Slack, String) {
    let slack = Slack::start().await;
    slack.person("U1", "Ana Reyes").person("U2", "Ben Okafor").channel("C1", "db-approvers", &["U1", "U2"]);
    let posted = post(&slack, "chat.postMessage", serde_json::json!({"channel": "C1", "text": "first"})).await.unwrap();
    let ts = posted["ts"].as_str().unwrap().to_owned();
    (slack, ts)
}
