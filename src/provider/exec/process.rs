//! One run of an adapter's program: request in, reply out, everything bounded. No shell, no inherited environment.
//! Knows bytes, limits and exit codes; what they mean is for `wire`.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, Command},
    task::JoinHandle,
    time::timeout,
};

/// Longest request and longest reply, in bytes.
pub(super) const TALK_MAX: usize = 1024 * 1024;
/// Of what the program logs, this much is kept, in bytes.
const LOG_MAX: usize = 64 * 1024;
/// After the program ended, for what it started to let go of its output.
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

/// Whether nobody but root and us can change what would be run.
pub(super) fn check(program: &Path) -> Result<(), String> {
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
    Ok(())
}

impl Launch {
    /// Runs it once. When `limit` passes, its whole process group is asked to end, and after `grace` forced to.
    /// Goes on by itself if the caller stops waiting, so that nothing is left running past the limit.
    pub(super) async fn run(&self, request: Vec<u8>, limit: Duration) -> Result<Ran, Lost> {
        let launch = self.clone();
        let run = tokio::spawn(async move { launch.run_here(request, limit).await });
        run.await.unwrap_or_else(|_| Err(Lost::NoAnswer("the run was given up".into())))
    }

    async fn run_here(&self, request: Vec<u8>, limit: Duration) -> Result<Ran, Lost> {
        check(&self.program).map_err(Lost::NotStarted)?;
        let mut child = self.start().await.map_err(Lost::NotStarted)?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let feeding = child.stdin.take().map(|pipe| tokio::spawn(feed(pipe, request)));
        let reply = keep(child.stdout.take(), TALK_MAX + 1, false);
        let log = keep(child.stderr.take(), LOG_MAX, true);
        let ended = timeout(limit, child.wait()).await;
        let answer = match ended {
            Ok(Ok(status)) => collect(status, reply, log, group).await,
            Ok(Err(error)) => Err(Lost::NoAnswer(format!("it could not be waited for: {error}"))),
            Err(_) => {
                self.put_down(&mut child, group, reply, log).await;
                Err(Lost::NoAnswer(format!("no answer within {} s", limit.as_secs_f32())))
            }
        };
        if let Some(feeding) = feeding {
            feeding.abort();
        }
        answer
    }

    async fn start(&self) -> Result<Child, String> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(&self.environment).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.current_dir(self.program.parent().unwrap_or(Path::new("/")));
        let mut tries = 0;
        loop {
            match command.spawn() {
                Ok(child) => return Ok(child),
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && tries < BUSY.1 => {
                    tries += 1;
                    tokio::time::sleep(BUSY.0).await;
                }
                Err(error) => return Err(format!("{} cannot be started: {error}", self.program.display())),
            }
        }
    }

    /// The leader is reaped last, so that the group's number cannot mean anything else meanwhile.
    async fn put_down(&self, child: &mut Child, group: Option<Pid>, reply: JoinHandle<Vec<u8>>, log: JoinHandle<Vec<u8>>) {
        signal(group, Signal::TERM);
        let quiet = async { tokio::join!(reply, log) };
        if timeout(self.grace, quiet).await.is_err() {
            tracing::warn!(program = %self.program.display(), "an adapter did not end when asked; it is killed");
        }
        signal(group, Signal::KILL);
        if let Err(error) = child.wait().await {
            tracing::error!(program = %self.program.display(), %error, "an adapter that was killed cannot be waited for");
        }
    }
}

/// What was said by a program that ended by itself. What it left running is killed if it holds on to the output.
async fn collect(status: ExitStatus, reply: JoinHandle<Vec<u8>>, log: JoinHandle<Vec<u8>>, group: Option<Pid>) -> Result<Ran, Lost> {
    let mut both = Box::pin(async { tokio::join!(reply, log) });
    let said = if let Ok(said) = timeout(LINGER, &mut both).await {
        said
    } else {
        signal(group, Signal::KILL);
        timeout(LINGER, both).await.map_err(|_| Lost::NoAnswer("something that it started keeps its output open".into()))?
    };
    let (Ok(reply), Ok(log)) = said else {
        return Err(Lost::NoAnswer("its output could not be read".into()));
    };
    Ok(Ran { code: status.code(), reply, log })
}

fn signal(group: Option<Pid>, signal: Signal) {
    // An error means that nobody is left in it.
    if let Some(group) = group {
        kill_process_group(group, signal).ok();
    }
}

/// A program that does not read its request is free to: the error is not interesting.
async fn feed(mut pipe: ChildStdin, request: Vec<u8>) {
    pipe.write_all(&request).await.ok();
    pipe.shutdown().await.ok();
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
