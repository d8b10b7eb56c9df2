//! The suite that every adapter passes, on both versions and in both forms, with a look whether the person really gets in.
//! Each on a server of its own, so that nothing at all may be left of it.

use hallpass::cli::adapter;

use super::{
    access::Tries,
    cluster::{Cluster, Form},
    server::{Server, Version},
};

/// Runs it; the report, once nothing is left behind.
async fn passes(version: Version, form: Form) -> String {
    let server = Server::start(version, &[]);
    let cluster = Cluster::of(&server).await;
    let provider = cluster.provider(None).await;
    let tries = Tries::new(&cluster, provider.clone(), form);
    let before = cluster.snapshot().await;
    let report = adapter::test(&provider, None, &cluster.fixture(form), Some(&tries)).await;
    assert!(report.is_passed(), "{report}");
    differences(&before, &cluster.snapshot().await).unwrap();
    report.to_string().replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// Two snapshots are the same, or these lines differ.
pub(super) fn differences(before: &[String], after: &[String]) -> Result<(), String> {
    let lost: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    let left: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    if lost.is_empty() && left.is_empty() { Ok(()) } else { Err(format!("touched or gone: {lost:#?}, left behind: {left:#?}")) }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn generated_logins_on_15_pass_the_suite_and_leave_nothing() {
    insta::assert_snapshot!(passes(Version::V15, Form::Login).await, @r#"
    postgresql VERSION
      pass  its description is sound
      pass  resolving changes nothing and answers the same twice
      skip  a person who is not there is named as such: no unknown person was given
      pass  a target that is not there is named as such
      pass  granted is there, and gone after revoke
      pass  granting twice is as granting once
      pass  revoking works without a handle
      pass  revoking what was never granted succeeds
      pass  two people do not disturb each other
      pass  two grants of one person do not cut each other
      pass  what was granted again after a lost answer is gone after one revoke
      pass  extending moves the native end
      pass  a credential is made when fetched
      pass  holders are listed
      pass  open sessions are told for each order
      pass  hostile names are data
      pass  health answers
      pass  standing access survives a grant and its end
      pass  two grants overlap, and both end
      pass  killed after the call took effect, overlapped and ended: nothing is left
      pass  cut answers leave nothing behind
      pass  slow answers leave nothing behind
      pass  garbage answers leave nothing behind
      skip  garbage on standard output is not taken for an answer: it is no program
      skip  an exit code that means nothing is not taken for an answer: it is no program
      skip  an answer that is too long is not taken for one: it is no program
      skip  at the deadline the program's whole group is killed: it is no program
      skip  what the program leaves behind is killed when it ends: it is no program
    22 passed, 0 failed, 6 skipped
    "#);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn generated_logins_on_18_pass_the_suite_and_leave_nothing() {
    insta::assert_snapshot!(passes(Version::V18, Form::Login).await, @r#"
    postgresql VERSION
      pass  its description is sound
      pass  resolving changes nothing and answers the same twice
      skip  a person who is not there is named as such: no unknown person was given
      pass  a target that is not there is named as such
      pass  granted is there, and gone after revoke
      pass  granting twice is as granting once
      pass  revoking works without a handle
      pass  revoking what was never granted succeeds
      pass  two people do not disturb each other
      pass  two grants of one person do not cut each other
      pass  what was granted again after a lost answer is gone after one revoke
      pass  extending moves the native end
      pass  a credential is made when fetched
      pass  holders are listed
      pass  open sessions are told for each order
      pass  hostile names are data
      pass  health answers
      pass  standing access survives a grant and its end
      pass  two grants overlap, and both end
      pass  killed after the call took effect, overlapped and ended: nothing is left
      pass  cut answers leave nothing behind
      pass  slow answers leave nothing behind
      pass  garbage answers leave nothing behind
      skip  garbage on standard output is not taken for an answer: it is no program
      skip  an exit code that means nothing is not taken for an answer: it is no program
      skip  an answer that is too long is not taken for one: it is no program
      skip  at the deadline the program's whole group is killed: it is no program
      skip  what the program leaves behind is killed when it ends: it is no program
    22 passed, 0 failed, 6 skipped
    "#);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn memberships_on_15_pass_the_suite_and_leave_nothing() {
    insta::assert_snapshot!(passes(Version::V15, Form::Membership).await, @r#"
    postgresql VERSION
      pass  its description is sound
      pass  resolving changes nothing and answers the same twice
      pass  a person who is not there is named as such
      pass  a target that is not there is named as such
      pass  granted is there, and gone after revoke
      pass  granting twice is as granting once
      pass  revoking works without a handle
      pass  revoking what was never granted succeeds
      pass  two people do not disturb each other
      skip  two grants of one person do not cut each other: the core sees to it where objects are not per grant
      pass  what was granted again after a lost answer is gone after one revoke
      skip  extending moves the native end: it does not extend
      skip  a credential is made when fetched: it has no credentials
      pass  holders are listed
      pass  open sessions are told for each order
      pass  hostile names are data
      pass  health answers
      pass  standing access survives a grant and its end
      pass  two grants overlap, and both end
      pass  killed after the call took effect, overlapped and ended: nothing is left
      pass  cut answers leave nothing behind
      pass  slow answers leave nothing behind
      pass  garbage answers leave nothing behind
      skip  garbage on standard output is not taken for an answer: it is no program
      skip  an exit code that means nothing is not taken for an answer: it is no program
      skip  an answer that is too long is not taken for one: it is no program
      skip  at the deadline the program's whole group is killed: it is no program
      skip  what the program leaves behind is killed when it ends: it is no program
    20 passed, 0 failed, 8 skipped
    "#);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn memberships_on_18_pass_the_suite_and_leave_nothing() {
    insta::assert_snapshot!(passes(Version::V18, Form::Membership).await, @r#"
    postgresql VERSION
      pass  its description is sound
      pass  resolving changes nothing and answers the same twice
      pass  a person who is not there is named as such
      pass  a target that is not there is named as such
      pass  granted is there, and gone after revoke
      pass  granting twice is as granting once
      pass  revoking works without a handle
      pass  revoking what was never granted succeeds
      pass  two people do not disturb each other
      skip  two grants of one person do not cut each other: the core sees to it where objects are not per grant
      pass  what was granted again after a lost answer is gone after one revoke
      skip  extending moves the native end: it does not extend
      skip  a credential is made when fetched: it has no credentials
      pass  holders are listed
      pass  open sessions are told for each order
      pass  hostile names are data
      pass  health answers
      skip  standing access survives a grant and its end: its one object is the bot's own: nothing of others can be in it
      pass  two grants overlap, and both end
      pass  killed after the call took effect, overlapped and ended: nothing is left
      pass  cut answers leave nothing behind
      pass  slow answers leave nothing behind
      pass  garbage answers leave nothing behind
      skip  garbage on standard output is not taken for an answer: it is no program
      skip  an exit code that means nothing is not taken for an answer: it is no program
      skip  an answer that is too long is not taken for one: it is no program
      skip  at the deadline the program's whole group is killed: it is no program
      skip  what the program leaves behind is killed when it ends: it is no program
    19 passed, 0 failed, 9 skipped
    "#);
}
