//! Every place to die at, in the life in which it comes by. A case that did not die where it should is a failed case.

use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    drive::{Armed, Drive},
    house::House,
    stories::Story::{self, Away, Back, Cancelled, Expired, Left, MoreAsked, Morning, Reloaded, Returned, Stuck},
};
use crate::checker::check;

/// Cases at the same time: most of their time is waiting.
const AT_ONCE: usize = 6;

/// One row of the matrix.
#[derive(Clone)]
struct Case {
    story: Story,
    armed: Armed,
    /// What the provider does once: operation and temper.
    temper: Option<(&'static str, &'static str)>,
    ownership: &'static str,
    before: bool,
    deaths: usize,
}

impl Case {
    fn of(story: Story) -> Self {
        let deaths = usize::from(story == Away);
        Self { story, armed: Armed::default(), temper: None, ownership: "shared", before: false, deaths }
    }

    /// Dies there by itself: in the first start, or in the one after it was away.
    fn at(story: Story, point: &str) -> Self {
        let case = Self::of(story);
        let armed = Armed { crash: Some(point.to_owned()), start: if story == Away { 2 } else { 1 }, ..Armed::default() };
        Self { armed, deaths: case.deaths + 1, ..case }
    }

    /// The provider behaves like this; `kill..` kills the bot in the middle of its call.
    fn temper(story: Story, op: &'static str, how: &'static str) -> Self {
        let case = Self::of(story);
        Self { temper: Some((op, how)), deaths: case.deaths + usize::from(how.starts_with("kill")), ..case }
    }

    fn name(&self) -> String {
        let crash = self.armed.crash.as_deref().unwrap_or("-");
        let temper = self.temper.map_or_else(String::new, |(op, how)| format!(" {op} {how}"));
        let fault = self.armed.fault.map_or_else(String::new, |fault| format!(" planted {fault}"));
        let (story, ownership, before) = (self.story, self.ownership, if self.before { " before" } else { "" });
        let chat = if self.armed.forgetful { " forgetful" } else { "" };
        format!("{story:?} {ownership}{before} {crash}{temper}{fault}{chat}")
    }
}

fn cases() -> Vec<Case> {
    let all = |story: Story, points: &'static [&'static str]| points.iter().map(move |point| Case::at(story, point));
    let mut cases: Vec<Case> = [Returned, Expired, MoreAsked, Stuck, Away, Reloaded, Cancelled, Left].map(Case::of).into();
    cases.extend(all(Returned, &["migration.due", "migration.done", "start.drained"]));
    cases.extend(all(Returned, &["inbox.written:1", "inbox.written:2", "inbox.written:4"]));
    cases.extend(all(
        Returned,
        &["inbox.acknowledged:1", "inbox.acknowledged:2", "inbox.acknowledged:4", "door.answered:1", "door.answered:2"],
    ));
    cases.extend(all(Returned, &["decision.deciding:1", "decision.deciding:2", "decision.deciding:3", "decision.deciding:4"]));
    cases.extend(all(Returned, &["decision.decided:1", "decision.decided:2", "decision.decided:3", "decision.decided:4"]));
    cases.extend(all(Returned, &["entitlement.leased:1", "observe.answered:1", "observe.written:1", "observe.answered:2"]));
    cases.extend(all(Returned, &["grant.begun", "grant.intended", "grant.answered", "grant.written"]));
    cases.extend(all(Returned, &["news.deciding:1", "news.decided:1", "news.deciding:2", "news.decided:2"]));
    cases.extend(all(Returned, &["extend.begun", "extend.intended", "extend.answered", "extend.written"]));
    cases.extend(all(Returned, &["revoke.begun", "revoke.intended", "revoke.answered", "revoke.written"]));
    cases.extend(all(Returned, &["observe.answered:3", "observe.written:3", "news.deciding:3", "news.decided:3"]));
    cases.extend(all(Returned, &["card.posted:1", "card.posted:3", "reply.posted:1", "reply.posted:3", "direct.posted:1"]));
    cases.extend(all(Returned, &["seal.placing:1", "seal.placed:1", "seal.marked:1", "seal.signed:1", "seal.marked:2"]));
    cases.extend(all(Expired, &["tick.deciding:2", "tick.decided:2"]));
    cases.extend(all(MoreAsked, &["decision.deciding:3", "decision.decided:3", "decision.decided:4", "extend.answered"]));
    cases.extend(all(Stuck, &["alarm.raised", "alarm.told:1", "alarm.told:2", "revoke.answered:2"]));
    cases.extend(all(Away, &["tick.decided:1", "revoke.intended", "revoke.answered", "news.decided:1"]));
    cases.extend(all(Reloaded, &["reload.read", "reload.kept", "reload.done"]));
    cases.extend(all(Cancelled, &["revoke.intended"]));
    cases.extend(all(Left, &["revoke.intended:2", "revoke.answered:2", "revoke.written:2", "news.deciding:3", "news.decided:3"]));
    let back = ["drift.deciding:1", "drift.wanted", "drift.taken", "revoke.intended:2"].map(|point| Case::at(Back, point));
    cases.extend(back.into_iter().chain([Case::of(Back)]).map(|case| Case { ownership: "per_grant", ..case }));
    cases.extend(all(Morning, &["digest.computed", "digest.made", "digest.posted"]));
    let sent = ["card.noted:1", "card.posted:1", "reply.noted:1", "reply.posted:1", "reply.posted:3", "direct.posted:1"];
    cases.extend(sent.map(|point| {
        let mut case = Case::at(Returned, point);
        case.armed.forgetful = true;
        case
    }));
    cases.extend(["digest.noted", "digest.posted"].map(|point| {
        let mut case = Case::at(Morning, point);
        case.armed.forgetful = true;
        case
    }));
    for op in ["grant", "extend", "revoke", "observe"] {
        cases.extend(["kill_before", "kill_after", "silent"].map(|how| Case::temper(Returned, op, how)));
    }
    let standing = [Case::of(Returned), Case::at(Returned, "observe.written:1"), Case::at(Returned, "news.deciding:1")];
    cases.extend(standing.map(|case| Case { before: true, ..case }));
    let own = [Case::of(Returned), Case::at(Returned, "grant.answered"), Case::temper(Returned, "grant", "kill_before")];
    cases.extend(own.map(|case| Case { ownership: "per_grant", ..case }));
    cases
}

/// Lives it; what is wrong with it afterwards.
async fn judged(case: &Case, store: Option<String>) -> Result<(), String> {
    let house = House::build(store, case.ownership, case.before);
    if let Some((op, how)) = case.temper {
        house.temper(op, how);
    }
    if case.story == Morning {
        house.expects_a_morning();
    }
    lived(case, &house).await.map_err(|why| format!("{why}\n{}", house.log()))
}

async fn lived(case: &Case, house: &House) -> Result<(), String> {
    let mut drive = Drive::start(house, case.armed.clone()).await?;
    case.story.live(&mut drive).await?;
    drive.stop().await?;
    if drive.deaths() != case.deaths {
        return Err(format!("it should have died {} times and died {} times", case.deaths, drive.deaths()));
    }
    let mut findings = check(&house.evidence(drive.down, drive.said).await);
    findings.extend(house.audit().await);
    findings.extend(house.doubled());
    if findings.is_empty() { Ok(()) } else { Err(findings.join("\n")) }
}

/// All of them, some at a time; the ones that failed, with what was found.
async fn run(cases: Vec<Case>, postgres: bool) -> Vec<String> {
    let only = std::env::var("HALLPASS_TEST_CASE").unwrap_or_default();
    /// Shared by both databases.
    static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);
    let mut running = JoinSet::new();
    for case in cases.into_iter().filter(|case| case.name().contains(&only)) {
        running.spawn(async move {
            let _turn = TURNS.acquire().await.unwrap();
            let began = tokio::time::Instant::now();
            let store = if postgres { Some(database().await) } else { None };
            let result = judged(&case, store).await;
            let (taken, came) = (began.elapsed().as_secs_f32(), result.as_ref().map_or_else(String::as_str, |()| "ok"));
            println!("{taken:>5.1} s  {}: {came}", case.name());
            result.map_err(|why| format!("{}: {why}", case.name()))
        });
    }
    let mut failed = Vec::new();
    assert!(!running.is_empty(), "no case is called {only}");
    while let Some(done) = running.join_next().await {
        failed.extend(done.map_err(|error| error.to_string()).and_then(|result| result).err());
    }
    failed
}

/// A fresh one on the server that scripts/test started.
async fn database() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let server = std::env::var("HALLPASS_TEST_POSTGRES").unwrap();
    let name = format!("crash_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut conn = PgConnection::connect(&server).await.unwrap();
    for statement in ["DROP DATABASE IF EXISTS", "CREATE DATABASE"] {
        sqlx::query(AssertSqlSafe(format!("{statement} {name}"))).execute(&mut conn).await.unwrap();
    }
    conn.close().await.unwrap();
    format!("{}/{name}", server.rsplit_once('/').unwrap().0)
}

#[tokio::test]
async fn wherever_it_dies_on_sqlite_nothing_is_left_behind_or_lost() {
    let failed = run(cases(), false).await;
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn wherever_it_dies_on_postgresql_nothing_is_left_behind_or_lost() {
    let failed = run(cases(), true).await;
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// The same deaths as in the matrix, with a mistake: what the checker must say then.
#[tokio::test]
async fn mistakes_that_show_only_after_a_death_are_found() {
    for (fault, point, rule) in [("effect_first", "grant.begun", "R1"), ("answer_first", "door.answered:1", "R14")] {
        let mut case = Case::at(Returned, point);
        case.armed.fault = Some(fault);
        let findings = run(vec![case], false).await.join("\n");
        assert!(findings.contains(&format!(": {rule} ")) || findings.contains(&format!("\n{rule} ")), "{fault}: {findings}");
    }
}

/// What dies on demand must never run for real.
#[tokio::test]
async fn a_build_with_crash_points_refuses_to_run() {
    let house = House::build(None, "shared", false);
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_hallpass"));
    let ended = command.arg("run").arg("--config").arg(house.path("bot.toml")).output().await.unwrap();
    assert!(!ended.status.success());
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("for tests only"), "{said}");
    assert!(!house.path("hallpass.db").exists());
}
