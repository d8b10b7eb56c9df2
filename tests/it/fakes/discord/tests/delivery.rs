//! What people do reaches the interactions endpoint whole and signed, and what it answers counts as a first answer.

use serde_json::json;

use super::{
    super::{Forgery, Stamp},
    app::App,
    *,
};

fn says(text: &str) -> Value {
    json!({"type": 4, "data": {"content": text, "flags": 64, "allowed_mentions": {"parse": []}}})
}

#[tokio::test]
async fn an_endpoint_is_asked_whether_it_is_there_and_whether_it_checks_signatures() {
    let (discord, card) = card().await;
    let app = App::start(&discord, Some(json!({"type": 6}))).await;
    assert_eq!(discord.ping().await, (200, Some(json!({"type": 1}))));
    assert_eq!(get(&discord, "/applications/@me").await.1["interactions_endpoint_url"], discord.address().unwrap());
    let payload = discord.press_payload(BEN, &card, "approve");
    for forgery in Forgery::ALL {
        let stays_signed = matches!(forgery, Forgery::Stale | Forgery::FromTheFuture);
        assert_eq!(discord.forge(forgery, &payload).await.0, if stays_signed { 200 } else { 401 }, "{forgery:?}");
    }
    assert_eq!(app.heard().len(), 3);
}

#[tokio::test]
async fn the_endpoints_answer_is_the_first_answer_and_is_held_to_the_same() {
    let (discord, card) = card().await;
    let app = App::start(&discord, Some(says("Your approval counts"))).await;
    let reply = discord.stamp_with(Stamp::Own).press(BEN, &card, "approve").await;
    assert!(reply.is_ok() && reply.kind() == Some(4), "{reply:?}");
    assert_eq!(discord.ephemerals(BEN)[0]["content"], "Your approval counts");
    assert!(discord.ephemerals(ANA).is_empty());
    let heard = &app.heard()[0];
    assert_eq!((&heard["member"]["user"]["id"], &heard["message"]["id"]), (&json!(BEN), &json!(card)));
    assert!(discord.replay_last().await.answer.is_some());
    assert_eq!(discord.refusals().len(), 1, "the second answer to one interaction: {:?}", discord.refusals());
    assert!(discord.refusals()[0].contains("40060"));
    App::start(&discord, Some(json!({"type": 4, "data": {"content": "x"}}))).await;
    drop(discord.press(ANA, &card, "approve").await);
    assert!(discord.refusals()[1].contains("MENTIONS_LEFT_TO_DEFAULT"), "{:?}", discord.refusals());
    let unfit = discord.take_unfit();
    assert!(unfit.len() == 1 && unfit[0].contains("MENTIONS_LEFT_TO_DEFAULT"), "what nobody takes makes the test fail: {unfit:?}");
}

#[tokio::test]
async fn an_endpoint_that_accepts_answers_by_a_call() {
    let (discord, card) = card().await;
    App::start(&discord, None).await;
    let pressing = discord.clone();
    let press = tokio::spawn(async move { pressing.press(BEN, &card, "approve").await });
    discord.until("a press", |state| !state.interactions.is_empty()).await;
    let (id, token) = {
        let state = discord.state();
        (state.interactions[0].text("id").to_owned(), state.interactions[0].text("token").to_owned())
    };
    assert_eq!(post(&discord, &format!("/interactions/{id}/{token}/callback"), json!({"type": 6})).await.0, 204);
    let reply = press.await.unwrap();
    assert_eq!((reply.status, reply.kind()), (202, Some(6)));
}

#[tokio::test]
async fn the_same_interaction_is_delivered_twice_with_another_signature() {
    let (discord, card) = card().await;
    let app = App::start(&discord, Some(json!({"type": 6}))).await;
    drop(discord.stamp_with(Stamp::At(1_795_528_800)).press(BEN, &card, "approve").await);
    drop(discord.stamp_with(Stamp::At(1_795_528_801)).redeliver_last().await);
    let heard = app.heard();
    assert_eq!((heard.len(), &heard[0]), (2, &heard[1]));
    assert_eq!(discord.deliver_bytes(b"no json".to_vec()).await.0, 0, "this small endpoint falls over such a body");
}

#[tokio::test]
#[should_panic(expected = "what no application may send was sent")]
async fn what_no_application_may_send_makes_a_test_fail_that_did_not_take_it() {
    let (discord, _) = card().await;
    let (client, address) = (Client::builder().no_proxy().build().unwrap(), discord.api_url());
    drop(client.get(format!("{address}/api/v10/no/such/thing")).send().await);
}
