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
    let cluster = Cluster::on(&server.url()).await;
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
    insta::assert_snapshot!(passes(Version::V15, Form::Login).await, @"");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn generated_logins_on_18_pass_the_suite_and_leave_nothing() {
    insta::assert_snapshot!(passes(Version::V18, Form::Login).await, @"");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn memberships_on_15_pass_the_suite_and_leave_nothing() {
    insta::assert_snapshot!(passes(Version::V15, Form::Membership).await, @"");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn memberships_on_18_pass_the_suite_and_leave_nothing() {
    insta::assert_snapshot!(passes(Version::V18, Form::Membership).await, @"");
}
