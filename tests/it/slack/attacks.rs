//! Requests that Slack did not send, sent before, or sent for somebody else: refused, and nothing is recorded.

use futures_util::future::join_all;
use hallpass::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::{CARDS, House, TALK, Way};
use crate::fakes::slack::{Ack, Forgery, Kind, Stamp};

/// By the machine's clock, which signatures go by.
fn now_seconds() -> i64 {
    SystemClock.now().seconds()
}

pub(super) const ASK: &str = "request prod-db write 1h Unblock the stuck import";

impl House {
    /// Ana asked, and her card stands.
    pub(super) async fn asked(way: Way) -> Self {
        let house = Self::new(way).await;
        house.say("U0ANA", ASK).await;
        house
    }

    /// Ben approved what Ana asked for.
    pub(super) async fn granted(way: Way) -> Self {
        let house = Self::asked(way).await;
        house.press("U0BEN", "approve").await;
        assert!(house.holds("ana", "write"));
        house
    }

    /// What happened to the newest request, event by event.
    pub(super) async fn events(&self) -> Vec<String> {
        let stream = format!("request/{}", self.newest().await.id);
        self.all_events().await.into_iter().filter_map(|(of, kind)| (of == stream).then_some(kind)).collect()
    }

    /// How often something happened to the newest request.
    pub(super) async fn times(&self, kind: &str) -> usize {
        self.events().await.iter().filter(|event| *event == kind).count()
    }

    /// Everything that was ever recorded: stream and kind.
    pub(super) async fn all_events(&self) -> Vec<(String, String)> {
        let kind = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap()["event"]["type"].as_str().unwrap().to_owned();
        let all = self.store.all_entries(0, 10_000).await.unwrap();
        all.into_iter().map(|entry| (entry.stream, kind(&entry.bytes))).collect()
    }

    /// The payload of a press of the newest card's button.
    pub(super) fn payload(&self, user: &str, action: &str) -> Value {
        self.slack.press_payload(user, CARDS, self.card()["ts"].as_str().unwrap(), action)
    }

    /// Delivers it; what the presser alone reads then.
    pub(super) async fn sends(&self, user: &str, payload: Value) -> String {
        let before = self.slack.ephemerals(user).len();
        let ack = self.slack.deliver_raw(Kind::Interactive, payload).await;
        assert!(ack.is_ok(), "{ack:?}");
        self.settle().await;
        let said = self.slack.ephemerals(user);
        said[before..].iter().map(crate::fakes::slack::reading::text_of).collect::<Vec<_>>().join("\n")
    }
}

#[tokio::test]
async fn a_request_that_slack_did_not_sign_just_now_is_refused_and_leaves_nothing() {
    let house = House::asked(Way::Http).await;
    let before = house.all_events().await;
    let payloads = [
        (Kind::Interactive, house.payload("U0BEN", "approve")),
        (Kind::Command, json!({ "user_id": "U0BEN", "team_id": "T0HOME", "command": "/jit", "text": ASK, "trigger_id": "1.1" })),
        (Kind::Event, json!({ "type": "url_verification", "challenge": "secret" })),
    ];
    for (kind, payload) in &payloads {
        for forgery in Forgery::ALL {
            let ack = house.slack.forge(forgery, *kind, payload).await;
            assert_eq!((ack.status, ack.body), (401, None), "{kind:?} {forgery:?}: it does not say what is wrong");
        }
    }
    house.settle().await;
    assert_eq!(house.all_events().await, before);
    assert!(house.press("U0BEN", "approve").await.contains("Your approval counts"), "the button itself works");
}

#[tokio::test]
async fn a_signature_counts_from_five_minutes_before_to_five_minutes_after() {
    let house = House::asked(Way::Http).await;
    let now = now_seconds();
    for (seconds, status) in [(-330, 401), (330, 401), (-270, 200), (270, 200)] {
        house.slack.stamp_with(Stamp::At(now + seconds));
        assert_eq!(house.slack.slash("U0ANA", TALK, "mine").await.status, status, "{seconds} s");
    }
}

/// Everything that can be sent, sent once, and the same bytes once more.
#[tokio::test]
async fn a_request_that_was_made_before_is_refused_whatever_it_was() {
    let house = House::asked(Way::Http).await;
    let mut replayed = Vec::new();
    for what in ["command", "press", "page", "form", "shortcut", "home"] {
        let ack = match what {
            "command" => house.slack.slash("U0ANA", TALK, "mine").await,
            "press" => house.slack.deliver_raw(Kind::Interactive, house.payload("U0BEN", "looking")).await,
            "page" => house.slack.deliver_raw(Kind::Interactive, house.payload("U0BEN", "deny")).await,
            "form" => {
                house.settle().await;
                house.slack.fill("U0BEN", "words", "Use the replica").submit("U0BEN").await
            }
            "shortcut" => house.slack.shortcut("U0ANA", "request").await,
            _ => house.slack.open_home("U0ANA").await,
        };
        assert!(ack.is_ok(), "{what}: {ack:?}");
        house.settle().await;
        let (events, calls) = (house.all_events().await, house.slack.calls().len());
        replayed.push((what, house.slack.replay_last().await.status));
        house.settle().await;
        assert_eq!((house.all_events().await, house.slack.calls().len()), (events, calls), "{what}");
    }
    assert!(replayed.iter().all(|(_, status)| *status == 401), "{replayed:?}");
}

#[tokio::test]
async fn the_same_press_or_command_signed_anew_counts_once() {
    let house = House::new(Way::Http).await;
    assert!(house.slack.slash("U0ANA", TALK, ASK).await.is_ok());
    let payload =
        json!({ "user_id": "U0ANA", "team_id": "T0HOME", "text": "request prod-db read 1h Look at the table", "trigger_id": "7.7.x" });
    house.settle().await;
    let press = house.payload("U0BEN", "approve");
    for second in 0..3 {
        // Another second, another signature.
        house.slack.stamp_with(Stamp::At(now_seconds() - second));
        assert!(house.slack.deliver_raw(Kind::Interactive, press.clone()).await.is_ok());
    }
    house.settle().await;
    assert_eq!((house.times("approved").await, house.times("working").await), (1, 1));
    assert_eq!(house.slack.ephemerals("U0BEN").len(), 1, "and it is answered once");
    for second in 0..3 {
        house.slack.stamp_with(Stamp::At(now_seconds() - second));
        assert!(house.slack.deliver_raw(Kind::Command, payload.clone()).await.is_ok());
    }
    house.settle().await;
    assert_eq!(house.slack.messages(CARDS).len(), 2);
}

#[tokio::test]
async fn what_was_sent_to_another_app_is_refused_and_leaves_nothing() {
    let house = House::asked(Way::Http).await;
    let before = house.all_events().await;
    let mut press = house.payload("U0BEN", "approve");
    press["api_app_id"] = json!("A0OTHER");
    let command = json!({ "user_id": "U0ANA", "team_id": "T0HOME", "text": "mine", "trigger_id": "9.9", "api_app_id": "A0OTHER" });
    let home = json!({ "type": "event_callback", "team_id": "T0HOME", "api_app_id": "A0OTHER", "event_id": "Ev9",
        "event": { "type": "app_home_opened", "user": "U0ANA", "tab": "home" } });
    for (kind, payload) in [(Kind::Interactive, press), (Kind::Command, command), (Kind::Event, home)] {
        assert_eq!(house.slack.deliver_raw(kind, payload).await.status, 403, "{kind:?}");
    }
    house.settle().await;
    assert_eq!(house.all_events().await, before);
    assert!(house.slack.calls_of("views.publish").is_empty() && house.slack.ephemerals("U0ANA").len() == 1);
}

/// The same user id in another workspace is somebody else, whoever has it here.
#[tokio::test]
async fn somebody_of_another_workspace_or_organisation_is_never_the_person_with_the_same_user_id() {
    let house = House::asked(Way::Http).await;
    let before = house.events().await;
    for (team, enterprise) in
        [(json!("T0OTHER"), Value::Null), (json!("T0OTHER"), json!("E0OTHER")), (Value::Null, json!("E0OTHER")), (Value::Null, Value::Null)]
    {
        let mut press = house.payload("U0BEN", "approve");
        press["user"]["team_id"] = team.clone();
        press["team"] = if team.is_null() { Value::Null } else { json!({ "id": team }) };
        press["enterprise"] = if enterprise.is_null() { Value::Null } else { json!({ "id": enterprise }) };
        let said = house.sends("U0BEN", press).await;
        assert!(said.contains("I don't know who you are here"), "{team} {enterprise}: {said}");
        let command = json!({ "user_id": "U0BEN", "team_id": team, "enterprise_id": enterprise, "text": "approve", "trigger_id": format!("{team}{enterprise}") });
        assert!(house.slack.deliver_raw(Kind::Command, command).await.is_ok());
        house.settle().await;
        assert_eq!(house.events().await, before, "{team} {enterprise}");
    }
    assert!(
        house.directs("U0BEN").is_empty(),
        "what a stranger did is not told to the person with the same id: {}",
        house.directs("U0BEN")
    );
}

#[tokio::test]
async fn two_approvers_and_one_of_them_twice_at_the_same_instant_are_one_approval_each_and_one_grant() {
    let house = House::asked(Way::Http).await;
    let presses = ["U0BEN", "U0DORA", "U0BEN"].map(|user| house.slack.deliver_raw(Kind::Interactive, house.payload(user, "approve")));
    let acks: Vec<Ack> = join_all(presses).await;
    assert!(acks.iter().all(Ack::is_ok), "{acks:?}");
    house.settle().await;
    assert!(house.holds("ana", "write"));
    assert_eq!((house.times("approved").await, house.times("granting").await, house.times("working").await), (1, 1, 1));
    assert_eq!(house.slack.messages(CARDS).len(), 1);
    for user in ["U0BEN", "U0DORA"] {
        assert!(!house.slack.ephemerals(user).is_empty(), "{user} was answered");
    }
}

#[tokio::test]
async fn fifty_presses_at_once_are_one_vote_and_each_is_answered_within_slacks_three_seconds() {
    let house = House::asked(Way::Http).await;
    let presses = (0..50).map(|_| house.slack.deliver_raw(Kind::Interactive, house.payload("U0BEN", "approve")));
    let acks: Vec<Ack> = join_all(presses).await;
    let slowest = acks.iter().map(|ack| ack.took).max().unwrap();
    assert!(acks.iter().all(Ack::is_ok) && slowest.as_millis() < 2_500, "{slowest:?}: {acks:?}");
    house.settle().await;
    assert_eq!((house.times("approved").await, house.times("granting").await, house.times("working").await), (1, 1, 1));
    assert_eq!(house.slack.ephemerals("U0BEN").len(), 50, "everybody who presses reads what came of it");
    assert_eq!(house.store.inbox_open(100).await.unwrap().len(), 0);
    house.assert_nothing_refused();
}
