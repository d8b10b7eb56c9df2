//! Keeps the fake Slack honest: Slack's own Python SDK and Bolt speak with it, in a process of their own. What they cannot
//! understand, or are refused, is a mistake of the fake.

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::fakes::slack::{Fault, Forgery, Kind, Slack, reading::text_of};

/// How long the SDK may take for one thing.
const PATIENCE: Duration = Duration::from_secs(30);

/// As `scripts/test` names it: a Python that has the SDK.
fn python(slack: &Slack, what: &[&str]) -> Command {
    let python = std::env::var("HALLPASS_TEST_PYTHON").expect("HALLPASS_TEST_PYTHON names a Python with slack_bolt: see scripts/test");
    let mut command = Command::new(python);
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fakes/slack/sdk.py"))
        .args(what)
        .env("FAKE_URL", slack.api_url())
        .env("FAKE_BOT_TOKEN", slack.bot_token())
        .env("FAKE_APP_TOKEN", slack.app_token())
        .env("FAKE_SECRET", slack.signing_secret())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn workspace() -> Slack {
    let slack = Slack::start().await;
    slack.person("U1", "Ana Reyes").person("U2", "Ben Okafor").channel("C1", "db-approvers", &["U1", "U2"]);
    slack.group("S1", "db-leads", &["U2"]);
    slack
}

/// Looks again until it is so: Bolt goes on after it acknowledged.
async fn until(what: &str, slack: &Slack, so: impl Fn() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !so() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}: {:?}", slack.refusals());
}

#[tokio::test]
#[ignore = "needs Python's Slack SDK: scripts/test"]
async fn slacks_own_client_gets_the_answers_that_it_expects() {
    let slack = workspace().await;
    slack.fail("bots.info", Fault::RateLimited { after_seconds: 1 }, 2);
    let output = timeout(PATIENCE, python(&slack, &["calls"]).output()).await.expect("it ends").unwrap();
    assert!(output.status.success(), "{}\n{:?}", String::from_utf8_lossy(&output.stderr), slack.refusals());
    assert_eq!(slack.messages("C1").iter().map(text_of).collect::<Vec<_>>(), ["decided"]);
    assert_eq!(slack.calls_of("bots.info").len(), 3);
}

#[tokio::test]
#[ignore = "needs Python's Slack SDK: scripts/test"]
async fn bolt_over_http_takes_what_the_fake_signs_and_nothing_else() {
    let slack = workspace().await;
    let mut bolt = python(&slack, &["bolt", "http"]).spawn().unwrap();
    let mut lines = BufReader::new(bolt.stdout.take().unwrap()).lines();
    let port = timeout(PATIENCE, lines.next_line()).await.expect("it starts").unwrap().expect("it prints its port");
    slack.over_one_url(&format!("http://127.0.0.1:{port}/slack/events"));
    converse(&slack).await;
    let payload = slack.press_payload("U2", "C1", &card(&slack).await, "approve");
    for forgery in Forgery::ALL {
        assert_eq!(slack.forge(forgery, Kind::Interactive, &payload).await.status, 401, "{forgery:?}");
    }
    stop(bolt).await;
}

#[tokio::test]
#[ignore = "needs Python's Slack SDK: scripts/test"]
async fn bolt_over_sockets_understands_the_envelopes_and_comes_back_after_a_loss() {
    let slack = workspace().await;
    let bolt = python(&slack, &["bolt", "socket"]).spawn().unwrap();
    slack.over_sockets();
    converse(&slack).await;
    slack.send_disconnect("refresh_requested");
    slack.connected_ever(2).await;
    slack.connected(1).await;
    assert!(slack.slash("U1", "C1", "again").await.is_ok());
    assert_eq!(text_of(slack.ephemerals("U1").last().unwrap()), "Heard: again");
    stop(bolt).await;
}

async fn stop(mut bolt: Child) {
    drop(bolt.stdin.take());
    assert!(timeout(PATIENCE, bolt.wait()).await.expect("it ends").unwrap().success());
}

/// Has Bolt post a card; gives its `ts`.
async fn card(slack: &Slack) -> String {
    let before = slack.messages("C1").len();
    assert!(slack.slash("U1", "C1", "card").await.is_ok());
    until("the card", slack, || slack.messages("C1").len() > before).await;
    slack.messages("C1").last().unwrap()["ts"].as_str().unwrap().to_owned()
}

/// Everything that a person can do, once; with nothing refused on the way.
async fn converse(slack: &Slack) {
    assert!(slack.slash("U1", "C1", "hello <ben> & @ben").await.is_ok());
    assert_eq!(text_of(&slack.ephemerals("U1")[0]), "Heard: hello &lt;ben&gt; &amp; <@U2|ben>");
    presses(slack).await;
    fills_a_form(slack).await;
    uses_shortcuts_and_home(slack).await;
    assert_eq!(slack.refusals(), Vec::<String>::new());
}

async fn presses(slack: &Slack) {
    let ts = card(slack).await;
    let asked = text_of(&slack.message("C1", &ts).unwrap());
    assert!(asked.starts_with("Ana asks\nfor write\n*Rule*\n<@U1> until 14:00OPS-1<!subteam^S1>:tada:\n> unblock"), "{asked}");
    assert!(slack.press("U2", "C1", &ts, "approve").await.is_ok());
    until("the card follows", slack, || text_of(&slack.message("C1", &ts).unwrap()) == "R-1 by U2").await;
    until("the private answer", slack, || slack.ephemerals("U2").iter().any(|m| text_of(m) == "Thank you.")).await;
}

async fn fills_a_form(slack: &Slack) {
    assert!(slack.slash("U1", "C1", "form").await.is_ok());
    until("the form", slack, || slack.view("U1").is_some()).await;
    let options = slack.type_ahead("U1", "resource", "prod").await;
    assert_eq!(options, [json!({"text": {"type": "plain_text", "text": "prod-db", "emoji": true}, "value": "prod-db"})]);
    slack.fill("U1", "resource", "prod-db");
    assert!(slack.choose("U1", "role", "Write").await.is_ok());
    let first = |view: Option<Value>| view.map(|v| v["blocks"][0]["text"]["text"].clone());
    until("the form follows", slack, || first(slack.view("U1")) == Some(json!("Chosen: write"))).await;
    slack.fill("U1", "why", "no");
    assert_eq!(slack.submit("U1").await.error_on("why"), Some("Say more."));
    assert!(slack.press_view("U1", "other").await.is_ok());
    until("the second form", slack, || slack.views("U1").len() == 2).await;
    assert!(slack.close("U1").await.is_none());
    slack.fill("U1", "why", "unblock the import");
    assert!(slack.submit("U1").await.is_ok());
    assert!(slack.views("U1").is_empty());
    said(slack, "U1 asks for prod-db, kept").await;
}

async fn uses_shortcuts_and_home(slack: &Slack) {
    assert!(slack.shortcut("U1", "request").await.is_ok());
    until("the form", slack, || slack.view("U1").is_some()).await;
    assert!(slack.close("U1").await.unwrap().is_ok());
    said(slack, "U1 thought better of it").await;
    let ts = slack.say("U1", "C1", "the database is slow", None);
    assert!(slack.message_shortcut("U1", "C1", &ts, "request_about").await.is_ok());
    said(slack, "About: the database is slow").await;
    assert!(slack.open_home("U2").await.is_ok());
    until("the home tab", slack, || slack.home("U2").is_some_and(|home| text_of(&home).contains("My access"))).await;
}

async fn said(slack: &Slack, text: &str) {
    until(text, slack, || slack.messages("C1").iter().any(|m| text_of(m) == text)).await;
}
