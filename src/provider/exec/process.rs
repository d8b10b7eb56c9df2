//! One run of an adapter's program: request in, reply out, everything bounded. No shell, no inherited environment. It
//! leads a process group, or its keeper does, and nothing of that group outlives the run.
//! Knows bytes, limits and exit codes; what they mean is for `protocol`.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, Command},
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

use super::{
    super::protocol::TALK_MAX,
    keeper::{VERB, keeper},
};

/// Of what the program logs, this much is kept, in bytes.
const LOG_MAX: usize = 64 * 1024;
/// After a run, for the last of its output to be read; longer only if something left its group and holds on to it.
const LINGER: Duration = Duration::from_secs(1);
/// Between two tries to start a program that is being replaced at this moment, and how many.
const BUSY: (Duration, u32) = (Duration::from_millis(50), 20);

/// What to run, and with what.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: BTreeMap<String, OsString>,
    /// From the ask to end until it is forced.
    pub(super) grace: Duration,
}

/// What came of a run that was started and ended in time.
#[derive(Debug)]
pub(super) struct Ran {
    /// None when a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) reply: Vec<u8>,
    pub(super) log: Vec<u8>,
}

/// Why there is no reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// It was never started: nothing can have changed.
    NotStarted(String),
    /// It was started and may have done anything.
    NoAnswer(String),
}

/// The real path of a program that nobody but root and us can change: that path is what must be run.
pub(super) fn check(program: &Path) -> Result<PathBuf, String> {
    let shown = program.display();
    if !program.is_absolute() {
        return Err(format!("{shown}: the program must be an absolute path"));
    }
    let real = program.canonicalize().map_err(|error| format!("{shown}: {error}"))?;
    let file = real.metadata().map_err(|error| format!("{shown}: {error}"))?;
    if !file.is_file() || file.mode() & 0o111 == 0 {
        return Err(format!("{shown} is not a program: chmod +x it"));
    }
    let us = rustix::process::geteuid().as_raw();
    for path in real.ancestors() {
        let meta = path.metadata().map_err(|error| format!("{}: {error}", path.display()))?;
        let sticky = meta.is_dir() && meta.mode() & 0o1000 != 0;
        if ![0, us].contains(&meta.uid()) {
            return Err(format!("{} belongs to somebody else than root or this bot", path.display()));
        }
        if meta.mode() & 0o022 != 0 && !sticky {
            return Err(format!("{} can be written by others: chmod go-w it", path.display()));
        }
    }
    Ok(real)
}

impl Launch {
    /// Runs it once. When `limit` passes, its whole process group is asked to end, and after `grace` forced to.
    /// Goes on by itself if the caller stops waiting, so that nothing is left running past the limit.
    pub(super) async fn run(&self, request: Vec<u8>, limit: Duration) -> Result<Ran, Lost> {
        let (launch, end) = (self.clone(), Instant::now() + limit);
        let run = tokio::spawn(async move { launch.run_here(request, limit, end).await });
        run.await.unwrap_or_else(|_| Err(Lost::NoAnswer("the run was given up".into())))
    }

    async fn run_here(&self, request: Vec<u8>, limit: Duration, end: Instant) -> Result<Ran, Lost> {
        let program = check(&self.program).map_err(Lost::NotStarted)?;
        let kept = keeper();
        let mut child = self.start(&program, kept, end).await.map_err(Lost::NotStarted)?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let sign_of_life = child.stdin.take().map(|pipe| tokio::spawn(feed(pipe, request, kept.is_some())));
        let reply = keep(child.stdout.take(), TALK_MAX + 1, false);
        let log = keep(child.stderr.take(), LOG_MAX, true);
        let in_time = timeout_at(end, ended(group)).await.is_ok();
        if !in_time {
            self.ask_to_end(group).await;
        }
        // The leader is reaped last, so that the group's number cannot mean anything else meanwhile.
        send(group, Signal::KILL);
        let status = child.wait().await;
        if let Some(pipe) = sign_of_life {
            pipe.abort();
        }
        if !in_time {
            return Err(Lost::NoAnswer(format!("no answer within {} s", limit.as_secs_f32())));
        }
        let status = status.map_err(|error| Lost::NoAnswer(format!("it could not be waited for: {error}")))?;
        let said = timeout(LINGER, async { tokio::join!(reply, log) }).await;
        let (reply, log) = said.map_err(|_| Lost::NoAnswer("something that it started keeps its output open".into()))?;
        let (Ok(reply), Ok(log)) = (reply, log) else {
            return Err(Lost::NoAnswer("its output could not be read".into()));
        };
        Ok(Ran { code: status.code(), reply, log })
    }

    async fn start(&self, program: &Path, kept: Option<&Path>, end: Instant) -> Result<Child, String> {
        let mut command = match kept {
            None => Command::new(program),
            Some(keeper) => {
                let most = end.saturating_duration_since(Instant::now()) + self.grace;
                let mut command = Command::new(keeper);
                command.arg(VERB).arg(most.as_millis().to_string()).arg("--").arg(program);
                command
            }
        };
        command.args(&self.arguments).env_clear().envs(&self.environment).process_group(0);
        // A keeper that is let go sees to the whole group.
        command.kill_on_drop(kept.is_none());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.current_dir(program.parent().unwrap_or(Path::new("/")));
        spawn(&mut command).await.map_err(|error| format!("{} {error}", self.program.display()))
    }

    async fn ask_to_end(&self, group: Option<Pid>) {
        send(group, Signal::TERM);
        if timeout(self.grace, ended(group)).await.is_err() {
            tracing::warn!(program = %self.program.display(), "an adapter did not end when asked; it is killed");
        }
    }
}

/// Starts it; tries again for a moment if its file is being replaced.
pub(super) async fn spawn(command: &mut Command) -> Result<Child, String> {
    let mut tries = 0;
    loop {
        match command.spawn() {
            Ok(child) => return Ok(child),
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && tries < BUSY.1 => {
                tries += 1;
                tokio::time::sleep(BUSY.0).await;
            }
            Err(error) => return Err(format!("cannot be started: {error}")),
        }
    }
}

/// Waits until the leader of this group has ended, and leaves it unreaped.
async fn ended(leader: Option<Pid>) {
    let Some(leader) = leader else { return };
    // Listened for before looking, so that no end is missed.
    let Ok(mut ends) = signal(SignalKind::child()) else { return };
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    while let Ok(None) = waitid(WaitId::Pid(leader), look) {
        ends.recv().await;
    }
}

fn send(group: Option<Pid>, signal: Signal) {
    // An error means that nobody is left in it.
    if let Some(group) = group {
        kill_process_group(group, signal).ok();
    }
}

/// A program that does not read its request is free to: the error is not interesting. `open`: until this is dropped the
/// pipe stays open, and its end says that this process is gone.
pub(super) async fn feed(mut pipe: ChildStdin, request: Vec<u8>, open: bool) {
    pipe.write_all(&request).await.ok();
    if open {
        std::future::pending::<()>().await;
    }
}

/// Reads up to `most` bytes; `drain` goes on reading without keeping, else the pipe is closed there.
fn keep(pipe: Option<impl AsyncRead + Unpin + Send + 'static>, most: usize, drain: bool) -> JoinHandle<Vec<u8>> {
    tokio::spawn(async move {
        let mut kept = Vec::new();
        let Some(mut pipe) = pipe else { return kept };
        let limit = u64::try_from(most).unwrap_or(u64::MAX);
        // What was read before an error stands; a cut reply is found when it is parsed.
        (&mut pipe).take(limit).read_to_end(&mut kept).await.ok();
        if drain {
            tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await.ok();
        }
        kept
    })
}
