//! A door that is measured, as a process of its own. Must not know which chat is behind it.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::process::{Running, resident, started};

const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// One that listens; stopped when dropped.
pub(crate) struct Server {
    pub(crate) door: SocketAddr,
    running: Running,
}

impl Server {
    /// `hallpass run`, the program as it is shipped, with this bot.toml in this folder.
    pub(crate) fn hallpass(folder: &Path, door: SocketAddr, bot_toml: &str, secrets: &[(&str, &str)]) -> anyhow::Result<Self> {
        let config = folder.join("bot.toml");
        std::fs::write(&config, bot_toml)?;
        let (running, _) = started(&config, secrets)?;
        Self { door, running }.listens()
    }

    /// Another program that takes the same requests.
    pub(crate) fn other(mut program: Command, door: SocketAddr) -> anyhow::Result<Self> {
        program.stdout(Stdio::null());
        let running = Running::new(program.spawn().with_context(|| format!("{program:?}"))?);
        Self { door, running }.listens()
    }

    /// Resident memory now, in MiB.
    pub(crate) fn memory(&self) -> anyhow::Result<f64> {
        resident(&self.running.id(), "VmRSS")
    }

    fn listens(mut self) -> anyhow::Result<Self> {
        let start = Instant::now();
        while TcpStream::connect(self.door).is_err() {
            if self.running.is_over()? || start.elapsed() > STARTS_WITHIN {
                bail!("a server does not listen on {}", self.door);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(self)
    }
}

/// Nobody listens there now.
pub(crate) fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// A script beside the figures, such as `slack/bolt.js`.
pub(crate) fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/figures").join(name)
}
