//! Runs the operators' program for alarms: a process group of its own, an empty environment, and a limit. It gets no secret
//! of the bot's; what it needs it keeps itself.

use std::{process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    time::timeout,
};

use crate::store::Alarm;

/// Longest that it may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Where programs are found when the bot itself was told nothing.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Runs it with the alarm as one JSON object on standard input. When the limit passes, or nobody waits for it any more, it is
/// killed with everything that it started.
pub(super) async fn run(program: &[String], alarm: &Alarm) -> Result<(), String> {
    let Some((program, arguments)) = program.split_first() else { return Ok(()) };
    let body = serde_json::json!({
        "id": alarm.id,
        "request": alarm.request,
        "raised_at": alarm.raised_at,
        "cleared_at": alarm.cleared_at,
        "what": alarm.what,
    });
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_else(|| PATH.into())).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
    let mut running = Running::new(command.spawn().map_err(|error| error.to_string())?);
    let work = async {
        if let Some(mut input) = running.child.stdin.take() {
            // A program that does not read its input has been told all the same.
            drop(input.write_all(body.to_string().as_bytes()).await);
        }
        running.child.wait().await
    };
    let status = timeout(LIMIT, work).await.map_err(|_| "it took too long".to_owned())?.map_err(|error| error.to_string())?;
    // Once it was waited for, its number may be somebody else's. What it left running on purpose goes on.
    running.group = None;
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

/// The program while it was not waited for: dropped, its whole group is killed.
struct Running {
    child: Child,
    group: Option<Pid>,
}

impl Running {
    fn new(child: Child) -> Self {
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { child, group }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Before the child itself is dropped and waited for. An error means that nobody is left in it.
        if let Some(group) = self.group {
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}
