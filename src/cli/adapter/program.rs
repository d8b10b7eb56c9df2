//! Programs of the suite: one that stands before an adapter's own and breaks its answers, and one of the operator's that
//! tries whether a person really gets in.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use async_trait::async_trait;
use rustix::process::{Pid, test_kill_process};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::{
    domain::{entitlement::Order, time::Span},
    provider::{
        Done,
        conformance::Access,
        exec::{Exec, Settings},
    },
};

/// How the answer to the next change is broken; the change itself is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Break {
    /// Half an object.
    Garbage,
    /// The right answer, and an exit code that means nothing.
    Code,
    /// Larger than any answer may be.
    Long,
    /// None, and something is left running.
    Hang,
    /// Not at all; but something is left running that nobody hears of.
    Leave,
}

impl Break {
    const fn name(self) -> &'static str {
        match self {
            Self::Garbage => "garbage",
            Self::Code => "code",
            Self::Long => "long",
            Self::Hang => "hang",
            Self::Leave => "leave",
        }
    }
}

/// An adapter's program behind one that can break its answers.
pub(super) struct Broken {
    folder: tempfile::TempDir,
    settings: Settings,
}

impl Broken {
    /// `deadline`: what the program then says of its own, so that hanging does not take long.
    pub(super) fn new(settings: &Settings, deadline: Span) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let program = folder.path().join("adapter");
        let script = script(&settings.program, folder.path(), deadline);
        let written = fs::write(&program, script).and_then(|()| fs::set_permissions(&program, fs::Permissions::from_mode(0o700)));
        written.map_err(|error| error.to_string())?;
        Ok(Self { settings: Settings { program, ..settings.clone() }, folder })
    }

    pub(super) async fn start(&self) -> Result<Exec, String> {
        Exec::start(self.settings.clone()).await.map_err(|fault| fault.message)
    }

    pub(super) fn break_next(&self, how: Break) -> Result<(), String> {
        fs::write(self.folder.path().join("how"), how.name()).map_err(|error| error.to_string())
    }

    /// It came to it, and nothing that was started then still runs.
    pub(super) async fn was_broken(&self) -> Result<(), String> {
        if self.folder.path().join("how").exists() {
            return Err("its program was not called".into());
        }
        let Ok(text) = fs::read_to_string(self.folder.path().join("left")) else { return Ok(()) };
        let left = text.trim().parse().ok().and_then(Pid::from_raw).ok_or("what was left running gave no process id")?;
        for _ in 0..LOOKS {
            if is_gone(left) {
                return fs::remove_file(self.folder.path().join("left")).map_err(|error| error.to_string());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err("what its program left running is still there after the deadline".into())
    }
}

/// Looks for a process that was killed and is about to be gone.
const LOOKS: usize = 200;

/// Gone, or dead and not yet reaped by whoever inherited it.
fn is_gone(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    test_kill_process(process).is_err() || stat.is_ok_and(|stat| stat.contains(") Z ") || stat.contains(") X "))
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

/// POSIX shell; `how` is used up by the first change after it was written.
fn script(program: &Path, folder: &Path, deadline: Span) -> String {
    let home = program.parent().unwrap_or(Path::new("/"));
    format!(
        r#"#!/bin/sh
request=$(cat)
cd {home} || exit 70
real() {{ printf '%s\n' "$request" | {program} "$@"; }}
how=
case $request in
*'"op":"describe"'*)
    said=$(real "$@") || exit $?
    printf '%s\n' "$said" | sed -e 's/"deadline_s" *: *[0-9]* *,//' -e 's/, *"deadline_s" *: *[0-9]*//' -e '1s/{{/{{"deadline_s":{seconds},/'
    exit 0
    ;;
*'"op":"grant"'* | *'"op":"revoke"'*)
    if mv {folder}/how {folder}/was 2>/dev/null; then how=$(cat {folder}/was); fi
    ;;
esac
case $how in
garbage) real "$@" >/dev/null; printf '{{"status":"acti'; exit 0 ;;
code) real "$@"; exit 3 ;;
long) real "$@" >/dev/null; printf '{{"message":"'; head -c 2000000 /dev/zero | tr '\0' x; exit 0 ;;
hang) real "$@" >/dev/null; tail -f /dev/null & echo $! >{folder}/left; wait; exit 0 ;;
leave) real "$@"; code=$?; tail -f /dev/null </dev/null >/dev/null 2>&1 & echo $! >{folder}/left; exit $code ;;
esac
real "$@"
"#,
        home = quoted(home),
        program = quoted(program),
        folder = quoted(folder),
        seconds = deadline.seconds().clamp(1, 600),
    )
}

/// The operator's way to try whether the person gets in: a program that gets the order, and what the grant brought, as one
/// JSON object on standard input. Exit code 0: gets in; 1: is refused; anything else: it could not be tried.
pub(super) struct Try(pub(super) PathBuf);

#[async_trait]
impl Access for Try {
    async fn can(&self, order: &Order, brought: &Done) -> Result<bool, String> {
        let handle = brought.handle.as_ref().map(|handle| &handle.0);
        let about = json!({ "order": order, "handle": handle, "how_to_connect": brought.how_to_connect });
        let mut command = tokio::process::Command::new(&self.0);
        let shown = self.0.display();
        let failed = |error: std::io::Error| format!("{shown}: {error}");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true).spawn().map_err(failed)?;
        if let Some(mut pipe) = child.stdin.take() {
            // A program that does not want to know is free not to read.
            pipe.write_all(about.to_string().as_bytes()).await.ok();
        }
        let ended = tokio::time::timeout(Duration::from_mins(1), child.wait()).await;
        match ended.map_err(|_| format!("{shown} gave no answer within a minute"))?.map_err(failed)?.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            other => Err(format!("{shown} ended with {other:?}; 0 says that the person gets in, 1 that they are refused")),
        }
    }
}
