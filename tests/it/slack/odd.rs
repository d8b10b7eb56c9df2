//! Bodies as no Slack sends them, and what Slack sends that the bot does not know: answered, without harm and without a trace.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{House, Way};
use crate::fakes::slack::Kind;

#[tokio::test]
async fn what_this_bot_does_not_know_is_let_go_without_a_trace() {
    let house = House::asked(Way::Http).await;
    let (before, calls) = (house.all_events().await, house.slack.calls().len());
    let press = house.payload("U0BEN", "approve");
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut payload = press.clone();
        change(&mut payload);
        payload
    };
    for (what, payload) in [
        ("unknown type", changed(&|p| p["type"] = json!("workflow_step_edit"))),
        ("no type", changed(&|p| p["type"] = Value::Null)),
        ("a closed page", changed(&|p| p["type"] = json!("view_closed"))),
        ("no user", changed(&|p| p["user"] = Value::Null)),
        ("a user without an id", changed(&|p| p["user"] = json!({ "name": "ben" }))),
        ("a number for a user", changed(&|p| p["user"]["id"] = json!(7))),
        ("numbers for texts", changed(&|p| p["trigger_id"] = json!(7))),
        ("no actions", changed(&|p| p["actions"] = json!([]))),
        ("actions that are none", changed(&|p| p["actions"] = json!("approve"))),
        ("an action without a name", changed(&|p| p["actions"] = json!([{ "value": "R" }]))),
        ("a submission without a view", changed(&|p| p["type"] = json!("view_submission"))),
        ("a list", json!([press.clone()])),
        ("a number", json!(7)),
    ] {
        let ack = house.slack.deliver_raw(Kind::Interactive, payload).await;
        assert_eq!((ack.status, ack.body), (200, None), "{what}");
    }
    for event in ["message", "reaction_added", "app_uninstalled"] {
        assert_eq!(house.slack.event(json!({ "type": event, "user": "U0BEN", "text": "approve" })).await.status, 200, "{event}");
    }
    house.settle().await;
    assert_eq!((house.all_events().await, house.slack.calls().len()), (before, calls));
}

#[tokio::test]
async fn fields_and_blocks_that_nobody_knows_yet_do_not_keep_a_press_from_counting() {
    let house = House::asked(Way::Http).await;
    let mut press = house.payload("U0BEN", "approve");
    press["shiny"] = json!({ "new": [1, 2, { "deep": null }] });
    press["user"]["shiny"] = json!(7);
    press["message"]["blocks"].as_array_mut().unwrap().insert(0, json!({ "type": "hologram", "elements": [{ "type": "smell" }] }));
    press["actions"][0]["shiny"] = json!([]);
    press["state"]["values"] = json!({ "b": { "a": { "type": "hologram_input", "value": { "x": 1 } } } });
    press["channel"] = Value::Null;
    assert!(house.sends("U0BEN", press).await.contains("Your approval counts"));
}

#[tokio::test]
async fn slacks_own_checks_of_the_address_are_answered() {
    let house = House::new(Way::Http).await;
    let ack = house.slack.deliver_raw(Kind::Event, json!({ "type": "url_verification", "challenge": "3eZbrw", "token": "x" })).await;
    assert_eq!((ack.status, ack.body), (200, Some(json!({ "challenge": "3eZbrw" }))));
    let ack = house.slack.deliver_bytes(Kind::Command, "application/x-www-form-urlencoded", b"ssl_check=1&token=x".to_vec()).await;
    assert_eq!((ack.status, ack.body), (200, None));
}

#[tokio::test]
async fn bodies_that_are_no_text_no_form_or_no_json_are_refused() {
    let house = House::new(Way::Http).await;
    let form = "application/x-www-form-urlencoded";
    let deep = format!("payload={}", "[".repeat(100_000));
    for (kind, body, status) in [
        (Kind::Command, b"text=\xff\xfe&user_id=U0BEN".to_vec(), 401),
        (Kind::Interactive, b"payload=\xff".to_vec(), 401),
        (Kind::Event, vec![0xff; 100], 401),
        (Kind::Interactive, b"payload=%7Bnot".to_vec(), 400),
        (Kind::Interactive, b"nothing=here".to_vec(), 400),
        (Kind::Interactive, b"payload=%FF%FE".to_vec(), 400),
        (Kind::Interactive, deep.into_bytes(), 200),
        (Kind::Interactive, Vec::new(), 400),
        (Kind::Event, b"{".to_vec(), 400),
        (Kind::Event, b" ".to_vec(), 400),
        (Kind::Command, b"&".to_vec(), 200),
        (Kind::Interactive, vec![b'x'; 256 * 1024 + 1], 413),
    ] {
        let shown = String::from_utf8_lossy(&body).chars().take(40).collect::<String>();
        let ack = house.slack.deliver_bytes(kind, form, body).await;
        assert_eq!(ack.status, status, "{kind:?} {shown}");
    }
    house.settle().await;
    assert_eq!(house.store.all_entries(0, 10).await.unwrap(), []);
    assert!(house.slack.slash("U0ANA", super::TALK, "mine").await.is_ok(), "and it goes on");
}

/// Writes until the other side will not take more; how much it took, and what it answered.
async fn flood(address: &str, head: &str, chunk: &[u8], chunks: usize) -> (usize, String) {
    let (mut read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
    write.write_all(head.as_bytes()).await.unwrap();
    let sending = tokio::spawn({
        let chunk = chunk.to_vec();
        async move {
            let mut taken = 0;
            for _ in 0..chunks {
                if write.write_all(&chunk).await.is_err() {
                    break;
                }
                taken += chunk.len();
            }
            taken
        }
    });
    let mut answer = Vec::new();
    let ended = timeout(Duration::from_secs(30), read.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "the connection is closed");
    (sending.await.unwrap(), String::from_utf8_lossy(&answer).into_owned())
}

/// 200 MB, announced and not: neither is read to its end, so neither is ever held.
#[tokio::test]
async fn a_body_of_two_hundred_megabytes_is_refused_without_being_read() {
    const SIZE: usize = 200 << 20;
    let house = House::new(Way::Http).await;
    let address = house.address().trim_start_matches("http://").to_owned();
    let mut piece = b"10000\r\n".to_vec();
    piece.extend(std::iter::repeat_n(b'x', 0x10000));
    piece.extend(b"\r\n");
    let head = "POST /slack/interactive HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    for (how, chunk) in [(format!("content-length: {SIZE}"), vec![b'x'; 0x10000]), ("transfer-encoding: chunked".into(), piece)] {
        let (taken, answer) = flood(&address, &format!("{head}{how}\r\n\r\n"), &chunk, SIZE / 0x10000).await;
        // What lies in the buffers of two sockets, and no more.
        assert!(taken < 32 << 20, "{how}: {taken} bytes were taken");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{how}: {answer}");
    }
    assert!(house.slack.slash("U0ANA", super::TALK, "mine").await.is_ok(), "and it goes on");
}

#[tokio::test]
async fn an_answer_goes_to_no_host_that_is_not_allowed_and_reaches_the_presser_all_the_same() {
    let house = House::asked(Way::Http).await;
    let elsewhere = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let mut press = house.payload("U0BEN", "looking");
    press["response_url"] = json!(format!("http://{}/answer", elsewhere.local_addr().unwrap()));
    house.sends("U0BEN", press).await;
    assert!(timeout(Duration::ZERO, elsewhere.accept()).await.is_err(), "nobody came");
    assert!(house.directs("U0BEN").contains("The others know that you are looking"), "{}", house.directs("U0BEN"));
    let press = house.payload("U0BEN", "approve");
    for (n, url) in ["", "no url", "http://127.0.0.1:1/", "file:///etc/passwd", "http://[::1"].into_iter().enumerate() {
        let mut press = press.clone();
        (press["response_url"], press["trigger_id"]) = (json!(url), json!(format!("odd-{n}")));
        house.sends("U0BEN", press).await;
    }
    assert_eq!(house.times("approved").await, 1);
}
