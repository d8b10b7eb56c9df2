//! Socket Mode, by the product's client.

use serde_json::json;

use super::{super::Kind, app::App, workspace};

#[tokio::test]
async fn envelopes_go_down_any_socket_and_answers_come_back_in_the_acknowledgement() {
    let (slack, _) = workspace().await;
    let app = App::over_sockets(&slack, 2).await;
    assert_eq!(slack.connections(), 2);
    app.answer(json!({"text": "Asked."}));
    let ack = slack.slash("U1", "C1", "request prod-db write").await;
    assert!(ack.is_ok());
    assert_eq!(slack.ephemerals("U1")[0]["text"], "Asked.");
    assert!(slack.shortcut("U1", "request").await.is_ok());
    assert!(slack.open_home("U1").await.is_ok());
    let kinds: Vec<String> = app.seen().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["slash_commands", "interactive", "events_api"]);
    assert_eq!(app.seen()[0].1["text"], "request prod-db write");
    assert!(slack.redeliver_last(1).await.is_ok());
    assert!(slack.replay_last().await.is_ok());
    assert_eq!(app.seen().len(), 5);
    assert!(slack.deliver_raw(Kind::Interactive, json!({"type": "unheard_of"})).await.is_ok());
    app.answer(json!({"unasked": true}));
    assert!(slack.shortcut("U1", "request").await.is_ok());
    assert!(slack.refusals().last().unwrap().contains("takes no payload"), "{:?}", slack.refusals());
}

#[tokio::test]
async fn the_client_comes_back_after_every_kind_of_loss() {
    let (slack, _) = workspace().await;
    let app = App::over_sockets(&slack, 2).await;
    slack.send_disconnect("warning");
    assert!(slack.slash("U1", "C1", "help").await.is_ok(), "after a warning they stay open");
    slack.send_disconnect("refresh_requested");
    slack.connected_ever(4).await;
    slack.connected(2).await;
    assert!(slack.slash("U1", "C1", "help").await.is_ok());
    assert_eq!(app.seen().len(), 2);
}

#[tokio::test]
async fn an_envelope_whose_connection_breaks_is_not_acknowledged_though_it_came() {
    let (slack, _) = workspace().await;
    let app = App::over_sockets(&slack, 1).await;
    slack.drop_on_delivery(1);
    assert_eq!(slack.slash("U1", "C1", "help").await.status, 0);
    slack.connected_ever(2).await; // the client read what came before it noticed the loss
    assert_eq!(app.seen().len(), 1);
    assert!(slack.replay_last().await.is_ok());
    assert_eq!(app.seen().len(), 2);
}

#[tokio::test]
async fn tickets_are_good_for_one_connection_and_opening_can_be_refused() {
    let (slack, _) = workspace().await;
    let token = super::token(slack.app_token());
    let open = async || {
        let outcome: Result<serde_json::Value, _> =
            super::client(&slack).open_session(&token).http_session_api.http_post("apps.connections.open", &json!({}), None).await;
        outcome.map_err(super::refusal)
    };
    slack.refuse_connections(Some("internal_error"));
    assert_eq!(super::error(open().await), "internal_error");
    slack.refuse_connections(None);
    let url = open().await.unwrap()["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("ws://127.0.0.1:"), "{url}");
    slack.drop_after_hello(1);
    let mut statuses = Vec::new();
    for _ in 0..2 {
        statuses.push(dial(&url.replacen("ws", "http", 1)).await);
    }
    assert_eq!(statuses, [101, 401]);
    slack.connected_ever(1).await;
    assert_eq!(slack.connections(), 0);
}

/// The status of an attempt to open a socket.
async fn dial(url: &str) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let url = url::Url::parse(url).unwrap();
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", url.port().unwrap())).await.unwrap();
    let request = format!(
        "GET {}?{} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        url.path(),
        url.query().unwrap()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    std::str::from_utf8(&head[9..12]).unwrap().parse().unwrap()
}
