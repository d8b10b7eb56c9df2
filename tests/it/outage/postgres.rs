//! A PostgreSQL of the test's own that is stopped under the bot: killed, and frozen so that it answers nothing at all.
//! The bot runs as `run` runs it, with all its loops.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use hallpass::domain::{entitlement::Ownership, time::Span};
use rustix::process::{Pid, Signal, kill_process};

use super::{ASK, Log, granted, is_over_rightly, is_told_to_press_again};
use crate::world::World;

/// How late an end may be while the server is away: "a few seconds".
const LATE: Duration = Duration::from_secs(8);

struct Server {
    folder: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
}

impl Server {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("hallpass-pg").tempdir_in("/tmp").unwrap();
        let versions = fs::read_dir("/usr/lib/postgresql").unwrap().map(|entry| entry.unwrap().path().join("bin"));
        let bin = versions.filter(|bin| bin.join("initdb").exists()).max().unwrap();
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let server = Self { folder, bin, port };
        if rustix::process::geteuid().is_root() {
            assert!(Command::new("chown").arg("postgres").arg(server.folder.path()).status().unwrap().success());
        }
        server.run("initdb", &["-A", "trust", "-U", "postgres", "--no-sync"]);
        server.start();
        server
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// As somebody else than root, which PostgreSQL refuses.
    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.bin.join(program);
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let quiet = fs::File::create(self.folder.path().join("said")).unwrap();
        command.arg("-D").arg(self.data()).args(arguments).stdout(quiet.try_clone().unwrap()).stderr(quiet);
        let done = command.current_dir("/").status().unwrap();
        assert!(done.success(), "{}", fs::read_to_string(self.folder.path().join("said")).unwrap());
    }

    fn start(&self) {
        let folder = self.folder.path().display();
        let options = format!("-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off", self.port);
        self.run("pg_ctl", &["-w", "-l", &format!("{folder}/log"), "-o", &options, "start"]);
    }

    fn stop(&self) {
        self.run("pg_ctl", &["-w", "-m", "immediate", "stop"]);
    }

    /// The postmaster and everything that it started.
    fn processes(&self) -> Vec<Pid> {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let main: i32 = file.lines().next().unwrap().trim().parse().unwrap();
        let parent = |pid: i32| -> Option<i32> {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
        };
        let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<i32>().ok());
        all.filter(|pid| *pid == main || parent(*pid) == Some(main)).filter_map(Pid::from_raw).collect()
    }

    fn signal(&self, signal: Signal) {
        for pid in self.processes() {
            kill_process(pid, signal).ok();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if Path::new(&self.data().join("postmaster.pid")).exists() {
            self.signal(Signal::CONT);
            self.stop();
        }
    }
}

/// Waits for something that another process brings about; the bot's clock goes on meanwhile, four times as fast as the machine's,
/// by which a database is waited for: faster, a slow machine would look like a late bot.
async fn until(world: &World, what: &str, at_most: Duration, mut done: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < at_most, "{what}: not after {at_most:?}");
        tokio::time::sleep(Duration::from_millis(250)).await;
        world.clock.advance(Span::from_seconds(1));
    }
    begun.elapsed()
}

async fn story(server: &Server, away: impl Fn(), back: impl Fn()) {
    let log = Log::listen();
    let world = World::on(&server.url(), Ownership::Shared).await;
    let id = granted(&world).await;
    world.advance(Span::from_minutes(59)).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(Arc::clone(&world.workers).run(async move { drop(stopped.await) }));
    away();
    world.clock.advance(Span::from_seconds(62));
    until(&world, "it ends on time", LATE, async || !world.holds("ana", "write")).await;
    is_told_to_press_again(&world, ASK).await;
    until(&world, "it is read as gone", LATE, async || log.count("ERROR", "detail=absent") == 1).await;
    let ended = world.now();
    assert_eq!(log.count("ERROR", "the store refuses writes: "), 1);
    back();
    let closed = async || world.store.request(&id.parse().unwrap()).await.is_ok_and(|request| !request.unwrap().is_open());
    until(&world, "it closes when the server is back", Duration::from_mins(2), closed).await;
    drop(stop);
    running.await.unwrap();
    is_over_rightly(&world, &id, &log, ended).await;
    assert!(!world.holds("finn", "write"), "nothing new was granted");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_postgresql_that_is_down_grants_nothing_and_ends_on_time() {
    let server = Server::new();
    story(&server, || server.stop(), || server.start()).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn a_postgresql_that_answers_nothing_grants_nothing_and_ends_on_time() {
    let server = Server::new();
    story(&server, || server.signal(Signal::STOP), || server.signal(Signal::CONT)).await;
}
