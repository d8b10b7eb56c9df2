//! Deciding in Slack: the pages behind Deny…, Approve less…, Pass on… and Revoke…, and what everybody then sees.

use hallpass::{
    domain::{policy::Who, time::Span},
    provider::{FaultKind, pretend::Temper},
};
use serde_json::Value;

use super::{CARDS, House, TALK, Way, attacks::ASK, rules, workspace};
use crate::fakes::slack::{
    Ack, Fault,
    reading::{live_markup, text_of},
};

const ADMIN: &str = "request prod-db admin 1h Move the tables";

impl House {
    /// Fills the open page and sends it, and it is taken; all that follows is done.
    pub(super) async fn fills(&self, user: &str, fields: &[(&str, &str)]) {
        let ack = self.tries(user, fields).await;
        assert!(ack.body.as_ref().is_none_or(|body| body["errors"].is_null()), "{ack:?}");
    }

    /// The same, taken or not.
    pub(super) async fn tries(&self, user: &str, fields: &[(&str, &str)]) -> Ack {
        for (field, value) in fields {
            self.slack.fill(user, field, value);
        }
        let ack = self.slack.submit(user).await;
        assert!(ack.is_ok(), "{ack:?}");
        self.settle().await;
        ack
    }

    /// Presses a button of the newest direct message that has it.
    pub(super) async fn press_direct(&self, user: &str, action: &str) -> String {
        let all = self.slack.directs(user);
        let message = all.iter().rev().find(|message| message["blocks"].to_string().contains(&format!("\"action_id\":\"{action}\"")));
        let ts = message.unwrap_or_else(|| panic!("no {action} for {user}: {}", self.directs(user)))["ts"].as_str().unwrap().to_owned();
        self.press_on(user, &self.slack.im(user), &ts, action).await
    }

    /// What in the messages of the cards' channel calls somebody, message by message.
    pub(super) fn calls(&self) -> Vec<String> {
        let card = self.card();
        let thread = self.slack.thread(CARDS, card["ts"].as_str().unwrap());
        let calls = |message: &Value| live_markup(message).into_iter().filter(|live| live.starts_with("user")).collect::<Vec<_>>();
        std::iter::once(&card).chain(&thread).flat_map(calls).collect()
    }
}

#[tokio::test]
async fn a_denial_says_why_and_the_card_keeps_what_was_asked_and_loses_its_buttons() {
    let house = House::asked(Way::Http).await;
    assert_eq!(house.press("U0BEN", "deny").await, "");
    assert!(house.page("U0BEN").contains("Ana Reyes asks for write on prod-db"), "{}", house.page("U0BEN"));
    assert!(house.page("U0BEN").contains("Why? The asker reads it"), "{}", house.page("U0BEN"));
    assert_eq!(house.press("U0FINN", "deny").await, "");
    let no = house.page("U0FINN");
    assert!(
        no.contains("You can't decide this one: it is for @db-leads") && !no.contains("[Deny]"),
        "told before anything is written: {no}"
    );
    house.fills("U0BEN", &[("words", "use the read replica")]).await;
    assert!(house.page("U0BEN").contains("Denied by "), "the page says so: {}", house.page("U0BEN"));
    let card = house.reads();
    for part in ["Denied by Ben Okafor", "\"use the read replica\"", "“Unblock the stuck import”"] {
        assert!(card.contains(part), "{part}: {card}");
    }
    assert!(!card.contains("[Approve]") && !card.contains("[Deny…]"), "{card}");
    assert!(house.thread().contains("Denied by Ben Okafor"), "{}", house.thread());
    assert!(house.directs("U0ANA").contains("Ben Okafor says: \"use the read replica\""), "{}", house.directs("U0ANA"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn less_is_offered_by_its_fields_and_taken_or_declined_in_a_direct_message() {
    let house = House::asked(Way::Sockets).await;
    house.press("U0BEN", "less").await;
    let nothing = house.tries("U0BEN", &[("words", "2h is too long")]).await;
    assert!(nothing.body.unwrap()["errors"].to_string().contains("Something is missing"), "a comment is no offer");
    let more = house.tries("U0BEN", &[("length", "2h")]).await;
    assert!(more.body.unwrap()["errors"].to_string().contains("That is not less than what was asked"));
    assert!(!house.reads().contains("offers"), "{}", house.reads());
    house.fills("U0BEN", &[("length", "30m"), ("role", "read")]).await;
    let card = house.reads();
    assert!(card.contains("Ben Okafor offers read for 30 min instead: “2h is too long”"), "{card}");
    assert!(house.directs("U0ANA").contains("Ben Okafor offers read for 30 min instead of write on prod-db"), "{}", house.directs("U0ANA"));
    house.press_direct("U0ANA", "decline").await;
    assert!(house.thread().contains("Ana Reyes declined the offer"), "{}", house.thread());
    house.press("U0BEN", "less").await;
    house.fills("U0BEN", &[("length", "30m")]).await;
    house.press_direct("U0ANA", "accept").await;
    assert!(house.reads().contains("Ana Reyes asks for write on prod-db (Orders database) for 30 min"), "{}", house.reads());
    house.press("U0BEN", "approve").await;
    assert!(house.holds("ana", "write"));
    house.assert_nothing_refused();
}

#[tokio::test]
async fn it_is_passed_on_to_one_of_those_who_may_decide() {
    let house = House::asked(Way::Http).await;
    house.press("U0BEN", "pass").await;
    let wrong = house.tries("U0BEN", &[("person", "U0CLEO")]).await;
    assert!(wrong.error_on("person").unwrap().contains("Cleo Marsh may not decide this"), "{wrong:?}");
    house.fills("U0BEN", &[("person", "U0DORA")]).await;
    assert!(house.thread().contains("Ben Okafor passed it on to Dora Lind"), "{}", house.thread());
    assert!(house.calls().contains(&"user U0DORA".to_owned()), "{:?}", house.calls());
    assert!(house.reads().contains("passed on to Dora Lind"), "{}", house.reads());
    house.assert_nothing_refused();
}

#[tokio::test]
async fn who_may_not_decide_is_told_that_before_they_choose_anything_and_it_is_recorded() {
    let house = House::asked(Way::Http).await;
    for action in ["less", "pass"] {
        house.press("U0CLEO", action).await;
        let page = house.page("U0CLEO");
        assert!(page.contains("You can't decide this one: it is for @db-leads") && !page.contains("[Cancel]"), "{action}: {page}");
        drop(house.slack.close("U0CLEO").await);
    }
    let refused = house.all_events().await.into_iter().filter(|(stream, kind)| stream == "bot" && kind == "refused").count();
    assert_eq!(refused, 2);
}

#[tokio::test]
async fn who_looks_is_on_the_card_and_nobody_else_is_called_meanwhile() {
    let house = House::asked(Way::Http).await;
    assert!(house.press("U0BEN", "looking").await.contains("The others know that you are looking"));
    assert!(house.reads().contains("Ben Okafor is looking"), "{}", house.reads());
    assert!(house.press("U0DORA", "looking").await.contains("Ben Okafor is looking already"));
}

#[tokio::test]
async fn two_stages_are_told_in_order_and_an_approval_is_taken_back_by_command() {
    let house = House::new(Way::Http).await;
    house.say("U0ANA", ADMIN).await;
    let id = house.newest().await.id.to_string();
    house.press("U0BEN", "approve").await;
    assert!(house.reads().starts_with("Ana Reyes asks for admin on prod-db for 1 h · 1 of 2 approvals"), "{}", house.reads());
    assert!(house.press("U0BEN", "approve").await.contains("You approved this already"));
    assert!(house.say("U0BEN", &format!("takeback {id}")).await.contains("Your approval is taken back"));
    assert!(house.thread().contains("Ben Okafor took the approval back"), "{}", house.thread());
    assert!(house.press("U0CLEO", "approve").await.contains("You are in @security, which comes next"));
    house.press("U0BEN", "approve").await;
    house.press("U0CLEO", "approve").await;
    assert!(house.holds("ana", "admin"));
    assert!(house.reads().contains("pproved by Ben Okafor and Cleo Marsh"), "{}", house.reads());
    house.assert_nothing_refused();
}

#[tokio::test]
async fn an_escalation_calls_its_rung_and_nobody_else() {
    let house = House::asked(Way::Http).await;
    let before = house.calls();
    house.advance(Span::from_minutes(10)).await;
    assert!(house.thread().contains("No answer yet: @oncall may decide now too"), "{}", house.thread());
    let thread = house.slack.thread(CARDS, house.card()["ts"].as_str().unwrap());
    let called: Vec<String> = thread.iter().flat_map(live_markup).filter(|live| live.starts_with("user")).collect();
    assert_eq!(called, ["usergroup S0ONCALL"]);
    assert!(before.iter().all(|call| call != "usergroup S0ONCALL"), "{before:?}");
    house.press("U0EVE", "approve").await;
    assert!(house.holds("ana", "write"));
}

#[tokio::test]
async fn nobody_who_may_only_approve_silently_is_called_by_any_message() {
    let mut quiet = rules();
    for policy in quiet.policies.values_mut() {
        policy.stages[0].notify = vec![Who::Person("ben".parse().unwrap())];
        for stage in policy.stages.iter_mut().skip(1) {
            stage.notify.clear();
        }
    }
    let house = House::with(Way::Http, workspace().await, quiet).await;
    house.say("U0ANA", ADMIN).await;
    assert_eq!(house.calls(), ["user U0ANA", "user U0BEN"], "who asks, and who is told");
    house.press("U0BEN", "approve").await;
    house.press("U0CLEO", "approve").await;
    house.advance(Span::from_minutes(54)).await;
    house.press("U0ANA", "extend:1h").await;
    house.press("U0ANA", "return").await;
    house.settle().await;
    let names = ["user U0ANA", "user U0BEN"];
    assert!(house.calls().iter().all(|call| names.contains(&call.as_str())), "{:?}", house.calls());
}

#[tokio::test]
async fn access_is_revoked_with_a_reason_by_those_who_may() {
    let house = House::granted(Way::Http).await;
    house.press("U0CLEO", "revoke").await;
    assert!(house.page("U0CLEO").contains("Only its approvers, the owner or an administrator may revoke this"), "{}", house.page("U0CLEO"));
    house.press("U0FINN", "revoke").await;
    house.fills("U0FINN", &[("words", "enough for today")]).await;
    assert!(!house.holds("ana", "write"));
    let card = house.reads();
    assert!(card.contains("Ended: Ana Reyes had write on prod-db") && card.contains("Finn Ward"), "{card}");
    assert!(house.thread().contains("enough for today"), "{}", house.thread());
    assert!(!card.contains("[I'm done]") && !card.contains("[Revoke…]"), "{card}");
}

#[tokio::test]
async fn more_time_is_asked_by_a_button_and_decided_on_the_same_card() {
    let house = House::granted(Way::Sockets).await;
    assert!(house.press("U0ANA", "extend:30m").await.contains("ore time"), "within what the rule gives at once");
    assert!(house.thread().contains("Extended: now until"), "{}", house.thread());
    house.press("U0ANA", "extend:1h").await;
    let card = house.reads();
    assert!(card.contains("1 h more") && card.contains("[Approve]") && card.contains("[I'm done]"), "{card}");
    assert!(house.press("U0ANA", "approve").await.contains("somebody else has to approve it"));
    house.press("U0BEN", "approve").await;
    assert!(!house.reads().contains("[Approve]"), "{}", house.reads());
    assert_eq!(house.thread().matches("Extended: now until").count(), 2, "{}", house.thread());
    house.assert_nothing_refused();
}

#[tokio::test]
async fn what_could_not_be_granted_is_tried_again_from_its_card() {
    let house = House::asked(Way::Http).await;
    house.pretend.set_temper(Temper { fails: Some((FaultKind::Denied, "permission denied".into())), ..Temper::default() });
    house.press("U0BEN", "approve").await;
    house.pretend.set_temper(Temper::default());
    house.advance(Span::from_minutes(1)).await;
    assert!(house.reads().starts_with("Could not grant write on prod-db to Ana Reyes: permission denied"), "{}", house.reads());
    let failed = house.card();
    house.press("U0ANA", "again").await;
    assert_ne!(house.card()["ts"], failed["ts"]);
    assert!(house.reads().starts_with("Ana Reyes asks for write on prod-db"), "{}", house.reads());
}

#[tokio::test]
async fn every_wrong_press_gets_its_own_private_answer() {
    let house = House::asked(Way::Http).await;
    let asked = house.card();
    assert!(house.press("U0ANA", "approve").await.contains("You asked for this yourself"));
    assert!(house.press("U0CLEO", "approve").await.contains("You can't decide this one: it is for @db-leads"));
    let (old, ts) = (house.slack.press_payload("U0DORA", CARDS, asked["ts"].as_str().unwrap(), "approve"), asked["ts"].clone());
    house.press("U0BEN", "approve").await;
    house.pass(4);
    assert!(house.sends("U0DORA", old.clone()).await.contains("Ben Okafor approved it 4 s ago; the access is there"));
    assert!(house.press("U0FINN", "return").await.contains("Only whoever asked for this, or holds it, can do that"));
    house.press("U0ANA", "return").await;
    let mut late = old;
    late["trigger_id"] = "another".into();
    assert!(house.sends("U0DORA", late).await.starts_with("Too late: this"));
    let told: String = house.slack.messages(CARDS).iter().chain(&house.slack.thread(CARDS, ts.as_str().unwrap())).map(text_of).collect();
    assert!(!told.contains("You ") && !told.contains("Too late"), "only the presser reads it: {told}");
}

#[tokio::test]
async fn a_card_that_is_sent_to_somebody_is_a_card_there_too_and_both_follow() {
    let mut direct = rules();
    let stages = &mut direct.policies.get_mut(&"prod-data".parse().unwrap()).unwrap().stages;
    stages[0].direct = vec![Who::Person("ben".parse().unwrap())];
    let house = House::with(Way::Http, workspace().await, direct).await;
    house.say("U0ANA", ASK).await;
    assert!(house.directs("U0BEN").contains("Ana Reyes asks for write on prod-db") && house.directs("U0BEN").contains("[Approve]"));
    let voted = house.press_direct("U0BEN", "approve").await;
    assert!(voted.contains("Your approval counts"), "{voted}");
    for card in [house.reads(), house.directs("U0BEN")] {
        assert!(card.contains("Ana Reyes has write on prod-db until") && !card.contains("[Approve]"), "{card}");
    }
    house.assert_nothing_refused();
}

#[tokio::test]
async fn a_page_that_did_not_open_is_said_and_the_line_is_typed_instead() {
    let house = House::asked(Way::Http).await;
    house.slack.fail("views.open", Fault::Error("expired_trigger_id"), 2);
    let told = house.press("U0BEN", "deny").await;
    let id = house.newest().await.id;
    assert_eq!(told, format!("The page did not open in time, so nothing was done. Press again, or type it: /jit deny {id} why"));
    assert!(house.press("U0CLEO", "deny").await.contains("You can't decide this one"));
    let ack = house.slack.slash("U0BEN", TALK, &format!("deny {id} use the read replica")).await;
    assert!(ack.is_ok());
    house.settle().await;
    assert!(house.reads().contains("Denied by Ben Okafor"), "{}", house.reads());
}
