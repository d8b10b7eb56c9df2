//! The real binary, `hallpass run`, on the README's bot.toml: memory when idle and with 100,000 live grants, and how long a
//! start takes, beside the start of a process that does nothing.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use hallpass::{
    clock::{Clock, SystemClock},
    domain::time::Span,
};

use crate::{
    ends::filled,
    fill::{LIVE, Plan},
    place::Kind,
    table::{self, Peer, Rounds},
};

pub(crate) async fn run(rounds: u32) -> anyhow::Result<()> {
    cold(rounds)?;
    let mut idle = Rounds::default();
    for _ in 0..rounds {
        let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        idle.push(settled(&readme(folder.path())?, Duration::from_secs(3))?);
    }
    table::line("memory of `hallpass run`, idle", "MiB", &idle, None, "under 25");
    let ends_at = SystemClock.now() + Span::from_minutes(120);
    let full = filled(&Kind::Sqlite, Plan { count: LIVE, ends_at, soon: 0, looked_at: SystemClock.now() }).await?;
    full.closed().await?;
    let mut live = Rounds::default();
    for _ in 0..rounds {
        let place = full.copy().await?;
        live.push(settled(&crowded(place.folder.path())?, Duration::from_secs(15))?);
    }
    table::line(&format!("memory of `hallpass run`, {LIVE} live"), "MiB", &live, None, "");
    Ok(())
}

/// The first bot.toml that the README shows, in a folder of its own.
fn readme(folder: &Path) -> anyhow::Result<PathBuf> {
    let text = include_str!("../../README.md");
    let toml = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).context("the README shows no bot.toml")?;
    let path = folder.join("bot.toml");
    std::fs::write(&path, toml)?;
    Ok(path)
}

/// A catalogue that knows what the store was filled with.
fn crowded(folder: &Path) -> anyhow::Result<PathBuf> {
    use std::fmt::Write as _;
    let mut text = String::from("[store]\nurl = \"sqlite:hallpass.db\"\n[providers.bench]\nkind = \"pretend\"\n");
    for person in (0..crate::house::PEOPLE).map(|n| format!("p{n}")).chain(["boss".to_owned()]) {
        writeln!(text, "[people.{person}]\nname = \"{person}\"\nconsole = \"{person}\"")?;
    }
    text.push_str("[policies.usual]\ncap = \"8h\"\ndefault = \"1h\"\nmay_ask = [\"everyone\"]\nstages = [{ approvers = [\"boss\"] }]\n");
    for n in 0..crate::house::RESOURCES {
        writeln!(
            text,
            "[resources.r{n}]\nprovider = \"bench\"\npolicy = \"usual\"\nchannels = [\"console:#approvers\"]\n\
             roles = [{{ name = \"use\", target = {{ name = \"r{n}\" }} }}]"
        )?;
    }
    let path = folder.join("bot.toml");
    std::fs::write(&path, text)?;
    Ok(path)
}

/// A started program; stopped when dropped.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) const fn new(child: Child) -> Self {
        Self(child)
    }

    pub(crate) fn id(&self) -> String {
        self.0.id().to_string()
    }

    /// Has it stopped by itself?
    pub(crate) fn is_over(&mut self) -> anyhow::Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        let told = rustix::process::Pid::from_raw(i32::try_from(self.0.id()).unwrap_or_default())
            .map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
        if told.is_none_or(|told| told.is_err()) {
            drop(self.0.kill());
        }
        drop(self.0.wait());
    }
}

/// Runs it until it says that it runs; how long that took.
pub(crate) fn started(config: &Path, secrets: &[(&str, &str)]) -> anyhow::Result<(Running, Duration)> {
    let folder = config.parent().context("a file lies in a folder")?;
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_hallpass"))
        .args(["run", "--config", "bot.toml"])
        .current_dir(folder)
        .env("HALLPASS_LOG", "hallpass=info")
        .envs(secrets.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let errors = child.stderr.take().context("no standard error")?;
    let running = Running(child);
    let mut lines = BufReader::new(errors);
    let mut said = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            bail!("hallpass stopped: {said}");
        }
        if line.contains("hallpass runs") {
            let took = start.elapsed();
            std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
            return Ok((running, took));
        }
        said.push_str(&line);
    }
}

/// Resident memory in MiB after it has run for a while.
fn settled(config: &Path, after: Duration) -> anyhow::Result<f64> {
    let (running, _) = started(config, &[])?;
    std::thread::sleep(after);
    resident(&running.id(), "VmRSS")
}

/// A line of `/proc/PID/status` in MiB.
pub(crate) fn resident(pid: &str, what: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)).context("no such line in status")?;
    let kib: f64 = line.trim_matches([':', '\t', ' ', 'k', 'B']).parse()?;
    Ok(kib / 1024.0)
}

fn cold(rounds: u32) -> anyhow::Result<()> {
    let (mut first, mut again) = (Rounds::default(), Rounds::default());
    let (mut nothing, mut first_ratio, mut again_ratio) = (Rounds::default(), Rounds::default(), Rounds::default());
    for _ in 0..rounds.max(5) {
        let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        let config = readme(folder.path())?;
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        let start = Instant::now();
        Command::new("/bin/true").status()?;
        let empty = ms(start.elapsed());
        let fresh = ms(started(&config, &[])?.1);
        let warm = ms(started(&config, &[])?.1);
        nothing.push(empty);
        first.push(fresh);
        again.push(warm);
        first_ratio.push(fresh / empty);
        again_ratio.push(warm / empty);
    }
    let peer = |ratio| Peer { name: "an empty process", rounds: &nothing, ratio };
    table::line("first start: exec to \"hallpass runs\" (makes its files)", "ms", &first, Some(&peer(&first_ratio)), "under 100");
    table::line("later start", "ms", &again, Some(&peer(&again_ratio)), "under 100");
    Ok(())
}
