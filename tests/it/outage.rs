//! R12: while the store refuses writes nothing is granted, and what ends goes on ending. Here the ledger's table is renamed
//! under the bot: a real failure of every commit that anybody can make anywhere. Disks and servers are in the folder.

mod disk;
mod postgres;
mod slow;

use std::{
    cell::RefCell,
    sync::{Arc, Mutex},
};

use hallpass::{
    bot::{Body, Incoming, NotRecorded},
    domain::{
        entitlement::Ownership,
        policy::Platform,
        request::{Ending, Held, Remains, State},
        time::Span,
    },
    ledger::{key::Key, seal::Sealer, verify::verify},
    provider::{FaultKind, pretend::Temper},
    store::Entry,
};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::world::World;

const ASK: &str = "/jit request prod-db write 1h Unblock the stuck import";

/// What is logged on this thread from its making on.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

thread_local! {
    static LISTENS: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// Where the one subscriber of this process writes: to the log of the thread that speaks, if it listens.
struct Here;

impl Log {
    pub(crate) fn listen() -> Self {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::INFO).with_writer(|| Here).init();
        });
        let log = Self::default();
        LISTENS.set(Some(log.clone()));
        log
    }

    /// Lines of this level that hold this text.
    pub(crate) fn count(&self, level: &str, text: &str) -> usize {
        let all = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        all.lines().filter(|line| line.contains(level) && line.contains(text)).count()
    }
}

impl std::io::Write for Here {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LISTENS.with_borrow(|log| {
            if let Some(log) = log {
                log.0.lock().unwrap().extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A world on a file, and a second connection to break and mend the store with.
pub(crate) struct Broken {
    pub world: World,
    conn: SqliteConnection,
    _folder: tempfile::TempDir,
}

impl Broken {
    pub(crate) async fn new(ownership: Ownership) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hallpass.db").display().to_string();
        let world = World::on(&format!("sqlite:{file}"), ownership).await;
        let conn = SqliteConnection::connect(&format!("sqlite:{file}")).await.unwrap();
        Self { world, conn, _folder: folder }
    }

    async fn run(&mut self, sql: &str) {
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut self.conn).await.unwrap();
    }

    pub(crate) async fn refuse(&mut self) {
        self.run("ALTER TABLE entries RENAME TO away").await;
    }

    pub(crate) async fn mend(&mut self) {
        self.run("ALTER TABLE away RENAME TO entries").await;
    }
}

/// Ana holds `write`; the request's id.
pub(crate) async fn granted(world: &World) -> String {
    world.clock.advance(Span::from_seconds(1));
    world.say("ana", ASK).await;
    let id = world.newest().await;
    world.press("ben", "approve", &id, None).await;
    assert!(world.holds("ana", "write"));
    id
}

/// What somebody is answered while the store is away: refused, and told to press again.
pub(crate) async fn is_told_to_press_again(world: &World, line: &str) {
    let interaction = format!("away-{}", world.now());
    let body = Body::Line { text: line.into() };
    let incoming = Incoming { platform: Platform::Console, user: "finn".into(), interaction, body };
    match world.bot.take(&incoming).await {
        Err(_) => {
            let said = world.say_of(&NotRecorded::answer()).await;
            assert!(said.contains("not recorded") && said.contains("again"), "{said}");
        }
        Ok(answer) => {
            // Where the inbox could still be written, it is kept and done when the rest can be.
            let said = world.say_of(&answer.unwrap()).await;
            assert_eq!(
                said,
                "I have this, but my records cannot be written just now. I go on with it as soon as they can; there is no need to do \
                 it again."
            );
        }
    }
}

pub(crate) async fn held(world: &World, id: &str) -> (Ending, Held) {
    match world.state(id).await.state {
        State::Closed { ending, held: Some(held), .. } => (ending, held),
        other => panic!("{other:?}"),
    }
}

/// All entries of the ledger, in the order in which they were appended.
pub(crate) async fn entries(world: &World) -> Vec<(Entry, serde_json::Value)> {
    let all = world.store.all_entries(0, 10_000).await.unwrap();
    all.into_iter().map(|entry| (entry.clone(), serde_json::from_slice(&entry.bytes).unwrap())).collect()
}

pub(crate) async fn is_sound(world: &World) {
    assert_eq!(audited(world).await, Vec::<String>::new());
}

/// What an audit finds, after everything was sealed.
pub(crate) async fn audited(world: &World) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::open(&folder.path().join("key"), || [3; 32]).unwrap();
    let public = key.signing.verifying_key();
    let mut sealer = Sealer::new(world.store.clone(), key, "example.com/ledger".into());
    while sealer.seal_once(world.now()).await.unwrap() > 0 {}
    verify(&world.store, "example.com/ledger", &public, None).await.unwrap().findings
}

fn kind(value: &serde_json::Value) -> &str {
    value["event"]["type"].as_str().unwrap()
}

/// The story that every kind of outage tells: over an end, and back.
pub(crate) async fn is_over_rightly(world: &World, id: &str, log: &Log, ended: hallpass::domain::time::Instant) {
    world.workers.drain().await.unwrap();
    let (ending, held) = held(world, id).await;
    assert_eq!((ending, held.remains), (Ending::Expired, Remains::Nothing));
    assert!(held.ended_at <= ended && held.gone_at.unwrap() <= ended, "it closes with the time at which it was gone");
    let all = entries(world).await;
    let first = all.iter().position(|(_, value)| kind(value) == "unwritten").unwrap();
    let down = all.iter().position(|(_, value)| kind(value) == "store_was_down").unwrap();
    let revoking = all.iter().position(|(_, value)| kind(value) == "revoking").unwrap();
    let order: Vec<_> = all.iter().map(|(entry, value)| (entry.id, kind(value).to_owned())).collect();
    assert!(first < revoking && down > 0, "what was done comes first: {order:?}");
    assert!(all[first].1["event"]["verb"] == "revoke" && all[first].1["event"]["outcome"] == "ok");
    assert!(log.count("ERROR", "an end without the store") >= 2, "the revoke and the reading");
    assert!(log.count("WARN", "the store takes writes again") == 1);
    assert!(world.store.open_alarms().await.unwrap().is_empty());
    is_sound(world).await;
}

#[tokio::test]
async fn an_end_while_the_store_refuses_writes_is_on_time_and_written_first_afterwards() {
    let log = Log::listen();
    let mut broken = Broken::new(Ownership::Shared).await;
    let id = granted(&broken.world).await;
    broken.world.advance(Span::from_minutes(50)).await;
    broken.world.advance(Span::from_minutes(9)).await;
    broken.refuse().await;
    broken.world.clock.advance(Span::from_seconds(62));
    broken.world.workers.drain().await.unwrap_err();
    let ended = broken.world.now();
    assert!(!broken.world.holds("ana", "write"), "it ends on time");
    is_told_to_press_again(&broken.world, ASK).await;
    broken.world.clock.advance(Span::from_minutes(20));
    broken.world.workers.drain().await.unwrap_err();
    for _ in 0..20 {
        broken.world.workers.drain().await.unwrap_err();
    }
    assert_eq!(log.count("ERROR", "the store refuses writes: "), 2, "at its start, and a minute later at most once more");
    broken.mend().await;
    is_over_rightly(&broken.world, &id, &log, ended).await;
    assert!(!broken.world.holds("finn", "write"), "nothing new was granted");
}

#[tokio::test]
async fn while_reads_fail_too_what_is_remembered_ends() {
    let log = Log::listen();
    let mut broken = Broken::new(Ownership::PerGrant).await;
    let id = granted(&broken.world).await;
    broken.world.advance(Span::from_minutes(50)).await;
    broken.refuse().await;
    broken.run("ALTER TABLE claims RENAME TO claims_away").await;
    broken.world.clock.advance(Span::from_seconds(610));
    broken.world.workers.drain().await.unwrap_err();
    let ended = broken.world.now();
    assert!(!broken.world.holds("ana", "write"));
    broken.run("ALTER TABLE claims_away RENAME TO claims").await;
    broken.mend().await;
    is_over_rightly(&broken.world, &id, &log, ended).await;
}

#[tokio::test]
async fn access_that_another_grant_still_wants_is_not_cut_without_the_store() {
    let mut broken = Broken::new(Ownership::Shared).await;
    granted(&broken.world).await;
    broken.world.advance(Span::from_minutes(30)).await;
    granted(&broken.world).await;
    broken.world.advance(Span::from_minutes(29)).await;
    broken.refuse().await;
    broken.world.clock.advance(Span::from_minutes(5));
    broken.world.workers.drain().await.unwrap_err();
    assert!(broken.world.holds("ana", "write"));
    broken.world.clock.advance(Span::from_minutes(27));
    broken.world.workers.drain().await.unwrap_err();
    assert!(!broken.world.holds("ana", "write"), "until the last of them ends");
}

#[tokio::test]
async fn an_extension_that_was_written_before_is_kept_without_the_store() {
    let mut broken = Broken::new(Ownership::PerGrant).await;
    let id = granted(&broken.world).await;
    broken.world.advance(Span::from_minutes(50)).await;
    broken.world.press("ana", "extend:30m", &id, None).await;
    broken.refuse().await;
    broken.world.clock.advance(Span::from_minutes(15));
    broken.world.workers.drain().await.ok();
    assert!(broken.world.holds("ana", "write"));
    broken.world.clock.advance(Span::from_minutes(26));
    broken.world.workers.drain().await.unwrap_err();
    assert!(!broken.world.holds("ana", "write"), "to its new end");
}

#[tokio::test]
async fn what_was_there_before_stays_without_the_store() {
    let mut broken = Broken::new(Ownership::Shared).await;
    broken.world.pretend.set("write", "ana", true);
    granted(&broken.world).await;
    broken.world.advance(Span::from_minutes(59)).await;
    broken.refuse().await;
    broken.world.clock.advance(Span::from_minutes(5));
    broken.world.workers.drain().await.unwrap_err();
    assert!(broken.world.holds("ana", "write"));
}

#[tokio::test]
async fn a_grant_whose_answer_could_not_be_written_is_undone_when_its_time_to_work_is_over() {
    let mut broken = Broken::new(Ownership::PerGrant).await;
    broken.world.pretend.set_temper(Temper { cut_after_effect: true, ..Temper::default() });
    let id = granted(&broken.world).await;
    assert!(matches!(broken.world.state(&id).await.state, State::Granting { .. }));
    broken.refuse().await;
    broken.world.pretend.set_temper(Temper::default());
    broken.world.clock.advance(Span::from_minutes(14));
    broken.world.workers.drain().await.unwrap_err();
    assert!(broken.world.holds("ana", "write"), "it may still become what was approved");
    broken.world.clock.advance(Span::from_seconds(62));
    broken.world.workers.drain().await.unwrap_err();
    assert!(!broken.world.holds("ana", "write"));
    broken.mend().await;
    broken.world.workers.drain().await.unwrap();
    let (ending, held) = held(&broken.world, &id).await;
    assert!(matches!(ending, Ending::Failed { .. }), "{ending:?}");
    assert_eq!(held.remains, Remains::Nothing);
    is_sound(&broken.world).await;
}

#[tokio::test]
async fn a_target_that_fails_without_the_store_is_tried_until_it_works_and_operators_hear_of_it() {
    let log = Log::listen();
    let mut broken = Broken::new(Ownership::PerGrant).await;
    let id = granted(&broken.world).await;
    broken.world.advance(Span::from_minutes(59)).await;
    broken.refuse().await;
    broken.world.pretend.set_temper(Temper { fails: Some((FaultKind::Transient, "connection refused".into())), ..Temper::default() });
    for _ in 0..20 {
        broken.world.clock.advance(Span::from_seconds(30));
        broken.world.workers.drain().await.ok();
    }
    assert!(broken.world.holds("ana", "write"));
    assert_eq!(log.count("ERROR", "connection refused"), 1, "once, not at each try");
    let told = broken.world.console.channel("#ops");
    insta::assert_snapshot!(told, @r"
    NOTHING CAN BE RECORDED since 15:00: the store refuses writes since 2026-11-24T15:00:01.000000Z: nothing is granted, what ends goes on ending; some access is past its end and could not be taken away
    Look at the disk, the file's rights, or the database server.
    ");
    broken.world.pretend.set_temper(Temper::default());
    broken.world.clock.advance(Span::from_seconds(90));
    broken.world.workers.drain().await.unwrap_err();
    let ended = broken.world.now();
    assert!(!broken.world.holds("ana", "write"));
    broken.mend().await;
    broken.world.workers.drain().await.unwrap();
    assert_eq!(held(&broken.world, &id).await.1.gone_at, Some(ended));
    assert!(broken.world.store.open_alarms().await.unwrap().is_empty());
    let told = broken.world.console.channel("#ops");
    assert!(told.starts_with("Over at") && told.lines().count() == 1, "edited, not repeated: {told}");
    is_sound(&broken.world).await;
}

#[tokio::test]
async fn a_short_outage_that_kept_nothing_from_ending_is_written_down_and_no_alarm() {
    let mut broken = Broken::new(Ownership::PerGrant).await;
    granted(&broken.world).await;
    broken.world.advance(Span::from_minutes(53)).await;
    broken.refuse().await;
    broken.world.clock.advance(Span::from_minutes(1));
    is_told_to_press_again(&broken.world, ASK).await;
    broken.world.workers.drain().await.unwrap_err();
    broken.world.clock.advance(Span::from_seconds(5));
    broken.mend().await;
    broken.world.workers.drain().await.unwrap();
    assert_eq!(broken.world.console.channel("#ops"), "");
    let all = entries(&broken.world).await;
    let down = all.iter().find(|(_, value)| kind(value) == "store_was_down").unwrap();
    assert_eq!(down.1["event"]["for_"], 5, "{}", down.1);
}
