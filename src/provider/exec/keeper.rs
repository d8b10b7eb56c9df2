//! Stands between the bot and an adapter's program, as a process of its own that leads the program's group: when the bot
//! dies, or does not end the call in time, nothing of it runs on. Knows nothing of what is said.

use std::{
    ffi::OsString,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::OnceLock,
    time::Duration,
};

use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process, kill_process_group};
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    GRACE,
    process::{feed, spawn},
};

/// The subcommand that keeps.
pub const VERB: &str = "keep";

static KEEPER: OnceLock<PathBuf> = OnceLock::new();

/// Says which program has that subcommand: `main` names itself. Until then programs are started directly, and nobody ends
/// them if this process is killed. Said again, it changes nothing.
pub fn kept_by(program: impl Into<PathBuf>) {
    KEEPER.get_or_init(|| program.into());
}

pub(super) fn keeper() -> Option<&'static Path> {
    KEEPER.get().map(PathBuf::as_path)
}

/// Runs the program with one line of standard input, and ends as it ends. Standard input is the bot's sign of life: at
/// its end the whole group is asked to end, and forced to after a grace; after `most` it is forced at once.
/// # Errors
/// This process does not lead its group, or cannot see to it.
pub async fn keep(most: Duration, program: &Path, arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let end = Instant::now() + most;
    anyhow::ensure!(getpgrp() == getpid(), "this is for the bot's own use, as the leader of a group of processes");
    // Its group is asked to end by that signal; the keeper stays until nobody else is left.
    let _asked = signal(SignalKind::terminate())?;
    let (request, parted) = from_bot();
    // Without a whole request nothing was asked.
    let Ok(request) = request.await else { return Ok(ExitCode::FAILURE) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(std::process::Stdio::piped());
    let mut child = match spawn(&mut command).await {
        Ok(child) => child,
        Err(error) => return not_started(program, &error),
    };
    let feeding = child.stdin.take().map(|pipe| tokio::spawn(feed(pipe, request, false)));
    let status = tokio::select! {
        status = child.wait() => status?,
        () = sleep_until(end) => return force(),
        _ = parted => {
            kill_process_group(getpid(), Signal::TERM)?;
            // Its ending makes no difference: what it started must end too.
            timeout_at(end.min(Instant::now() + GRACE.std()), child.wait()).await.ok();
            return force();
        }
    };
    drop(feeding);
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(code) => Ok(ExitCode::from(code)),
        None => ended_by_signal(),
    }
}

/// The request, and then the end of what the bot says.
fn from_bot() -> (oneshot::Receiver<Vec<u8>>, oneshot::Receiver<()>) {
    let (request, wanted) = oneshot::channel();
    let (parting, parted) = oneshot::channel();
    std::thread::spawn(move || {
        let mut pipe = std::io::BufReader::new(std::io::stdin());
        let mut line = Vec::new();
        let read = std::io::BufRead::read_until(&mut pipe, b'\n', &mut line);
        if read.is_ok() && line.last() == Some(&b'\n') && request.send(line).is_ok() {
            std::io::copy(&mut pipe.by_ref(), &mut std::io::sink()).ok();
        }
        parting.send(()).ok();
    });
    (wanted, parted)
}

/// Nothing can have been changed, which only an answer of the protocol says.
fn not_started(program: &Path, error: &str) -> anyhow::Result<ExitCode> {
    let message = format!("{} {error}", program.display());
    let reply = serde_json::json!({ "error": { "code": "transient", "message": message } });
    writeln!(std::io::stdout(), "{reply}")?;
    Ok(ExitCode::from(1))
}

/// Ends the whole group, and this process in it.
fn force() -> anyhow::Result<ExitCode> {
    kill_process_group(getpid(), Signal::KILL)?;
    Ok(ExitCode::FAILURE)
}

fn ended_by_signal() -> anyhow::Result<ExitCode> {
    let us: Pid = getpid();
    kill_process(us, Signal::KILL)?;
    Ok(ExitCode::FAILURE)
}
