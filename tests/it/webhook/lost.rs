//! Answers that are lost, spoiled or not the receiver's own: what was changed is never taken for unchanged.

use std::time::Duration;

use hallpass::{
    domain::time::Span,
    provider::{FaultKind, Seen, Step},
};

use super::{House, LEFT, UNTIL, order};

/// Each with what it is said to be.
const UNKNOWN: [(&str, &str); 9] = [
    ("cut", "gave no answer"),
    ("half", "an answer that was cut"),
    ("garbage", "no answer that can be read"),
    ("large", "more than 1 MiB"),
    ("page", "not of the type application/json"),
    ("packed", "compressed"),
    ("redirect", "redirects are not followed"),
    ("gateway", "status 503"),
    ("error", "status 500"),
];

#[tokio::test]
async fn an_answer_that_is_lost_after_the_change_is_unknown_and_its_repeat_has_the_same_name() {
    let house = House::new();
    let receiver = house.receiver(0);
    let provider = house.provider(&receiver).await;
    for (how, said) in UNKNOWN {
        let order = order(&format!("G-{how}"));
        house.spoil_next(how);
        let fault = provider.grant(&order, None, UNTIL, LEFT).await.unwrap_err();
        assert!(house.was_spoiled(), "{how}");
        assert_eq!(fault.kind, FaultKind::Ambiguous, "{how}: {fault}");
        assert!(fault.message.contains(said), "{how}: {fault}");
        assert_eq!(house.keys(), std::slice::from_ref(&order.grant), "{how}: the change was made");
        assert!(matches!(provider.observe(&order, None).await, Ok(Seen::Present { .. })), "{how}");
        let Step::Done(done) = provider.grant(&order, None, UNTIL, LEFT).await.unwrap() else { panic!("no waiting") };
        assert!(done.handle.is_some(), "{how}");
        house.spoil_next(how);
        assert_eq!(provider.revoke(&order, done.handle.as_ref(), LEFT).await.unwrap_err().kind, FaultKind::Ambiguous, "{how}");
        provider.revoke(&order, done.handle.as_ref(), LEFT).await.unwrap();
        assert_eq!(house.keys(), Vec::<String>::new(), "{how}");
    }
    for op in ["grant", "revoke"] {
        let ids = house.ids(op);
        let pairs: Vec<_> = ids.chunks(2).collect();
        assert!(pairs.len() == UNKNOWN.len() && pairs.iter().all(|pair| pair[0] == pair[1]), "{op}: {ids:?}");
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), UNKNOWN.len(), "{op}: {ids:?}");
    }
    assert!(house.heard().iter().all(|heard| heard["path"] == "/hallpass"), "a redirect was followed");
}

#[tokio::test]
async fn no_answer_in_time_is_unknown() {
    let house = House::new();
    let receiver = house.receiver(0);
    let provider = house.provider(&receiver).await;
    house.spoil_next("late");
    let left = Duration::from_secs(5) + Duration::from_secs(2);
    let fault = provider.grant(&order("G-1"), None, UNTIL, left).await.unwrap_err();
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Ambiguous, "no answer within 2 s"));
    assert_eq!(house.keys(), ["G-1"]);
    let told: serde_json::Value = serde_json::from_str(house.heard().last().unwrap()["body"].as_str().unwrap()).unwrap();
    assert_eq!(told["deadline_s"], 2);
    assert_eq!(provider.grant(&order("G-2"), None, UNTIL, Duration::from_secs(5)).await.unwrap_err().kind, FaultKind::Transient);
    assert_eq!(house.keys(), ["G-1"], "without time left it is not called");
}

#[tokio::test]
async fn what_was_answered_for_good_is_asked_under_another_name() {
    let house = House::new();
    let receiver = house.receiver(0);
    let provider = house.provider(&receiver).await;
    for _ in 0..2 {
        provider.grant(&order("G-1"), None, UNTIL, LEFT).await.unwrap();
        provider.revoke(&order("G-1"), None, LEFT).await.unwrap();
        assert_eq!(house.keys(), Vec::<String>::new(), "an old answer is not taken for a new one");
    }
    let mut ids = [house.ids("grant"), house.ids("revoke")].concat();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn an_error_of_the_protocol_is_that_error_and_tells_no_secret() {
    let house = House::new();
    let receiver = house.receiver(0);
    let provider = house.provider(&receiver).await;
    house.spoil_next("tell");
    let fault = provider.revoke(&order("G-1"), None, LEFT).await.unwrap_err();
    assert_eq!((fault.kind, fault.retry_after), (FaultKind::Conflict, Some(Span::from_seconds(3))));
    assert_eq!(fault.message, "you sent [redacted]");
}
