//! The real program before a real PostgreSQL, killed while a message to the server is under way: each one of a grant and of
//! a revoke, which then still arrives, or is lost with the program. Afterwards there is exactly one live grant or none, and
//! it ends on time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use hallpass::domain::{
    event::Event,
    request::State,
    time::{Instant, Span},
};
use rustix::process::{Signal, kill_process};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    drive::{Armed, Drive},
    house::{House, PACE},
};
use crate::{
    checker::{Evidence, check},
    fakes::proxy::{Fault, Proxy},
    postgresql::{
        client::Session,
        cluster::{Cluster, Form},
        server::{Server, Version},
    },
};

/// Cases at the same time: most of their time is waiting for the deadline of a call that nobody answered.
const AT_ONCE: usize = 12;
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// Beyond its end: what the rules allow, and what a busy machine takes.
const LATE: Span = Span::from_seconds(30 + 2 * PACE);
/// The longest that one call to the server may take.
const DEADLINE: Span = Span::from_seconds(30 * PACE);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum During {
    Grant,
    Revoke,
}

/// When it is killed, and what becomes of the message.
#[derive(Debug, Clone, Copy)]
struct Case {
    form: Form,
    during: During,
    /// From one; beyond the last message nothing happens.
    nth: usize,
    arrives: bool,
}

/// What a case showed.
struct Shown {
    /// The message came by, and it was killed.
    killed: bool,
    /// Messages of the part in which it was to be killed.
    messages: usize,
}

impl Case {
    async fn judged(self, server: &Server) -> Result<Shown, String> {
        let cluster = Cluster::of(server).await;
        let proxy = Proxy::before(server.address()).await;
        let house = House::build(None, "per_grant", false);
        house.gives_postgresql(&cluster.settings(Some(proxy.port())), &cluster.target_toml(self.form), &cluster.named("ana"));
        let before = cluster.named_lines().await;
        let watch = Watch::default();
        let lived = tokio::select! {
            lived = self.lived(&house, &cluster, &proxy) => lived,
            () = watch.looks(&house, &cluster) => unreachable!("it looks for ever"),
        };
        let (shown, drive) = lived.map_err(|why| format!("{why}\n{}", house.log()))?;
        let mut findings = watch.findings();
        if cluster.holders().await != 0 || cluster.named_lines().await != before {
            findings.push(format!("left behind or touched: {before:?}, {:?}", cluster.named_lines().await));
        }
        findings.extend(self.told(&house, drive, &watch).await);
        findings.extend(house.audit().await);
        if findings.is_empty() { Ok(shown) } else { Err(findings.join("\n")) }
    }

    async fn lived<'h>(self, house: &'h House, cluster: &Cluster, proxy: &Proxy) -> Result<(Shown, Drive<'h>), String> {
        let mut drive = Drive::start(house, Armed::default()).await?;
        let length = if self.during == During::Grant { "1m" } else { "20m" };
        drive.types("ana", &format!("/jit request gate open {length} look at it")).await?;
        let mut messages = 0;
        let killed = AtomicBool::new(false);
        for part in [During::Grant, During::Revoke] {
            let meant = part == self.during;
            if meant {
                proxy.at(self.nth, Fault::Hold);
            }
            let process = drive.process();
            let living = async {
                if part == During::Grant {
                    drive.presses("ben", "approve", None).await?;
                    drive.until("active", |request| matches!(request.state, State::Active { .. })).await?;
                    let held = cluster.holders().await;
                    return if held == 1 { Ok(()) } else { Err(format!("{held} live grants")) };
                }
                if self.during == During::Revoke {
                    drive.presses("ana", "return", None).await?;
                }
                drive.quiet().await
            };
            let killing = async {
                proxy.holds().await;
                killed.store(true, Ordering::Relaxed);
                kill_process(process.unwrap(), Signal::KILL).unwrap();
                if self.arrives {
                    proxy.let_go().await;
                } else {
                    proxy.lose();
                }
                std::future::pending().await
            };
            tokio::select! {
                lived = living => lived?,
                () = killing, if meant => unreachable!("it goes on for ever"),
            }
            if meant {
                messages = proxy.mend().0.len();
            }
        }
        drive.stop().await?;
        let killed = killed.into_inner();
        if drive.deaths() != usize::from(killed) {
            return Err(format!("it died {} times", drive.deaths()));
        }
        Ok((Shown { killed, messages }, drive))
    }

    /// What the bot itself says of it, held against the rules and against what was seen at the server.
    async fn told(self, house: &House, drive: Drive<'_>, watch: &Watch) -> Vec<String> {
        let back = drive.down.last().map(|(_, back)| *back);
        let evidence = house.evidence(drive.down, drive.said).await;
        // The server keeps no record of looks and changes.
        let evidence = Evidence { looks: None, ..evidence };
        let mut findings = check(&evidence);
        let Some(last) = watch.last() else { return vec!["it was never there".into()] };
        match gone(&evidence) {
            Some(at) if at < last => findings.push(format!("said to be gone at {at}, and seen at {last}")),
            Some(_) => {}
            None => findings.push("never said to be gone".into()),
        }
        let end = until(&evidence).unwrap_or(last);
        let by = match self.during {
            // It runs out while the bot is there.
            During::Grant => end + LATE,
            // A call that nobody answered is waited for.
            During::Revoke => back.map_or(end, |back| back + DEADLINE) + LATE,
        };
        if last > by {
            findings.push(format!("it was to end by {by}, and was seen at {last}"));
        }
        findings
    }
}

/// The events of the request, with their moments.
fn events(evidence: &Evidence) -> impl Iterator<Item = (Instant, Event)> {
    evidence.entries.iter().filter(|entry| entry.stream.starts_with("request/")).filter_map(|entry| {
        let mut value: serde_json::Value = serde_json::from_slice(&entry.bytes).ok()?;
        Some((entry.at, serde_json::from_value(value["event"].take()).ok()?))
    })
}

fn gone(evidence: &Evidence) -> Option<Instant> {
    events(evidence).filter(|(_, event)| matches!(event, Event::Gone { .. })).map(|(at, _)| at).last()
}

/// The end that it had when it worked.
fn until(evidence: &Evidence) -> Option<Instant> {
    events(evidence).find_map(|(_, event)| match event {
        Event::Working { work } => Some(work.until),
        _ => None,
    })
}

/// Looks at the server all the time: how many live grants there are, and when one was seen last.
#[derive(Default)]
struct Watch {
    most: AtomicUsize,
    last: std::sync::Mutex<Option<Instant>>,
}

impl Watch {
    async fn looks(&self, house: &House, cluster: &Cluster) {
        let admin = cluster.admin().await;
        loop {
            let at = house.now();
            let held = cluster.held(&admin).await;
            self.most.fetch_max(held, Ordering::Relaxed);
            if held > 0 {
                *self.last.lock().unwrap() = Some(at);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn last(&self) -> Option<Instant> {
        *self.last.lock().unwrap()
    }

    fn findings(&self) -> Vec<String> {
        let most = self.most.load(Ordering::Relaxed);
        if most > 1 { vec![format!("{most} live grants at the same time")] } else { Vec::new() }
    }
}

impl Cluster {
    /// The same in bot.toml.
    fn target_toml(&self, form: Form) -> String {
        let target = self.target(form);
        let pairs = target.as_object().unwrap().iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>();
        format!("{{ {} }}", pairs.join(", "))
    }

    /// How many hold the role now because of a grant of this test, and have a way in.
    async fn holders(&self) -> usize {
        self.held(&self.admin().await).await
    }

    /// The same, asked on this connection.
    async fn held(&self, admin: &Session) -> usize {
        let sql = format!(
            "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE m.roleid = '{}'::regrole AND r.rolcanlogin \
             AND r.rolname NOT IN ('{}', '{}')",
            self.role(),
            self.named("zoe"),
            self.bot()
        );
        admin.asks(&sql).await.parse().unwrap()
    }
}

/// Each message of one part, on one version and in one form, in turn.
async fn everywhere(version: Version, form: Form, arrives: bool) {
    let server = Arc::new(Server::start(version, &[]));
    // Shared by all of them.
    static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);
    let (mut running, mut failed) = (JoinSet::new(), Vec::new());
    for during in [During::Grant, During::Revoke] {
        let turn = TURNS.acquire().await.unwrap();
        let undisturbed = Case { form, during, nth: usize::MAX, arrives }.judged(&server).await;
        drop(turn);
        let messages = match undisturbed {
            Ok(shown) => shown.messages,
            Err(why) => panic!("undisturbed, {during:?}: {why}"),
        };
        assert!(messages >= 2, "{during:?} has {messages} messages");
        for nth in 1..=messages {
            let server = server.clone();
            let case = Case { form, during, nth, arrives };
            running.spawn(async move {
                let _turn = TURNS.acquire().await.unwrap();
                (case, case.judged(&server).await)
            });
        }
    }
    let (mut killed, mut all) = (0, 0);
    while let Some(done) = running.join_next().await {
        let (case, judged) = done.unwrap();
        all += 1;
        match judged {
            Ok(shown) => killed += usize::from(shown.killed),
            Err(why) => failed.push(format!("{case:?}: {why}")),
        }
    }
    println!("killed at {killed} of {all} messages");
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    // One message more or less is a look that comes by in some lives only.
    assert!(killed + 3 >= all, "killed at {killed} of {all} messages only");
    let admin = server.url().parse().unwrap();
    let left = Session::open(&admin).await.unwrap().reads("SELECT rolname FROM pg_roles WHERE rolname ~ '^hp_'").await;
    assert_eq!(left.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn killed_at_each_message_that_arrives_a_login_on_15_is_there_once_or_not_at_all() {
    everywhere(Version::V15, Form::Login, true).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn killed_at_each_message_that_is_lost_a_login_on_18_is_there_once_or_not_at_all() {
    everywhere(Version::V18, Form::Login, false).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn killed_at_each_message_that_is_lost_a_membership_on_15_is_there_once_or_not_at_all() {
    everywhere(Version::V15, Form::Membership, false).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn killed_at_each_message_that_arrives_a_membership_on_18_is_there_once_or_not_at_all() {
    everywhere(Version::V18, Form::Membership, true).await;
}
