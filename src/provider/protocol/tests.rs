//! What is said, without anybody who carries it.

use serde_json::json;

use super::{
    wire::{PROTOCOLS, Status},
    *,
};
use crate::{
    domain::time::Span,
    provider::{Done, Step},
};

fn ended(fits: Fits, reply: &str) -> Result<wire::Reply, Fault> {
    let answer = Answer { bytes: reply.into(), fits, ended: "a nod".into(), otherwise: FaultKind::Ambiguous, retry_after: None };
    read(&answer, PROTOCOLS[0], &Secrets::default())
}

fn said(reply: &str) -> Result<wire::Reply, Fault> {
    ended(Fits::Answer, reply)
}

fn refused(reply: &str) -> Result<wire::Reply, Fault> {
    ended(Fits::Error, reply)
}

fn kind(reply: &str) -> FaultKind {
    refused(reply).err().unwrap().kind
}

#[test]
fn errors_keep_their_kind_and_lose_what_could_mislead() {
    let fault = refused(r#"{"error":{"code":"rate_limited","message":"too\n\u001b[31mmany \u202egnp","retry_after_s":30}}"#).err().unwrap();
    assert_eq!(
        fault,
        Fault { kind: FaultKind::RateLimited, message: "too [31mmany gnp".into(), retry_after: Some(Span::from_seconds(30)) }
    );
    assert_eq!(kind(r#"{"error":{"code":"no_such_target"}}"#), FaultKind::NoSuchTarget);
}

#[test]
fn a_change_that_does_not_say_that_it_worked_did_not() {
    let step = |reply: &str, wanted| said(reply).unwrap().step(wanted);
    assert_eq!(step(r#"{"status":"active"}"#, &[Status::Active]), Ok(Step::Done(Done::default())));
    for reply in [r#"{"status":"absent"}"#, r#"{"status":"unknown"}"#, "{}", r#"{"status":"pending"}"#] {
        assert_eq!(step(reply, &[Status::Active]).unwrap_err().kind, FaultKind::Ambiguous, "{reply}");
    }
    let waiting = step(r#"{"status":"pending","op_token":"7","retry_after_s":2}"#, &[Status::Active]);
    assert_eq!(waiting, Ok(Step::Wait { op: "7".into(), handle: None, again_in: Span::from_seconds(2) }));
    let large = json!({ "status": "active", "handle": "x".repeat(9000) }).to_string();
    assert_eq!(step(&large, &[Status::Active]).unwrap_err().kind, FaultKind::Ambiguous);
}

#[test]
fn how_it_was_used_is_clean_and_of_bounded_length() {
    let from: Vec<String> = (0..6_000).map(|n| format!("10.0.0.{n}\n\u{202e}{}", "x".repeat(100))).collect();
    let reply = json!({ "used": { "sessions": 1, "first": null, "last": null, "from": from } }).to_string();
    let used = said(&reply).unwrap().used().unwrap();
    assert_eq!((used.from.len(), used.from.last().unwrap().as_str()), (21, "and 5980 more"));
    assert_eq!(used.from[7], format!("10.0.0.7 {}", "x".repeat(55)));
    assert!(serde_json::to_vec(&used).unwrap().len() < 2_048);
}

#[test]
fn what_could_not_be_kept_is_refused() {
    let long = "x".repeat(17_000);
    for reply in [json!({ "target": { "name": long } }), json!({ "principal": long }), json!({ "inputs": { "key": long } })] {
        assert_eq!(said(&reply.to_string()).unwrap().resolved().err().unwrap().kind, FaultKind::Invalid);
    }
    let token = json!({ "status": "pending", "op_token": long }).to_string();
    assert_eq!(said(&token).unwrap().step(&[Status::Active]).unwrap_err().kind, FaultKind::Ambiguous);
}
