//! The doors that are measured, each a process of its own: the real bot, and Bolt in both languages where `scripts/bench` could
//! fetch it.

use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use super::{
    load::SECRET,
    workspace::{APP, LEADS, TEAM, Workspace},
};
use crate::process::{Running, resident, started};

/// Requests that wait for an answer, each by another person for another resource with a channel of its own.
pub(crate) const REQUESTS: usize = 200;
const TOKEN: &str = "xoxb-of-nobody";
const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// One that listens; stopped when dropped.
pub(crate) struct Server {
    pub(crate) door: SocketAddr,
    running: Running,
}

impl Server {
    /// Resident memory now, in MiB.
    pub(crate) fn memory(&self) -> anyhow::Result<f64> {
        resident(&self.running.id(), "VmRSS")
    }

    /// `hallpass run`, the program as it is shipped, with its store in this folder.
    pub(crate) fn hallpass(folder: &Path, workspace: &Workspace) -> anyhow::Result<Self> {
        let door = free()?;
        let config = folder.join("bot.toml");
        std::fs::write(&config, bot_toml(door, workspace)?)?;
        let (running, _) = started(&config, &secrets())?;
        Self { door, running }.listens()
    }

    /// None: it is not on this machine.
    pub(crate) fn bolt_for_javascript(workspace: &Workspace) -> anyhow::Result<Option<Self>> {
        let Ok(modules) = std::env::var("HALLPASS_BENCH_NODE_MODULES") else { return Ok(None) };
        let mut node = Command::new("node");
        node.env("NODE_PATH", modules).env("NODE_ENV", "production");
        Self::bolt(node, "bolt.js", workspace).map(Some)
    }

    /// None: it is not on this machine.
    pub(crate) fn bolt_for_python(workspace: &Workspace) -> anyhow::Result<Option<Self>> {
        let Ok(python) = std::env::var("HALLPASS_BENCH_PYTHON") else { return Ok(None) };
        Self::bolt(Command::new(python), "bolt.py", workspace).map(Some)
    }

    fn bolt(mut program: Command, script: &str, workspace: &Workspace) -> anyhow::Result<Self> {
        let door = free()?;
        program
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/figures/slack").join(script))
            .args([door.port().to_string(), format!("{}/", workspace.api())])
            .envs(secrets())
            .stdout(Stdio::null());
        let running = Running::new(program.spawn().with_context(|| format!("{program:?}"))?);
        Self { door, running }.listens()
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

const fn secrets() -> [(&'static str, &'static str); 2] {
    [("SLACK_BOT_TOKEN", TOKEN), ("SLACK_SIGNING_SECRET", SECRET)]
}

/// Nobody listens there now.
fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn bot_toml(door: SocketAddr, workspace: &Workspace) -> anyhow::Result<String> {
    let (api, host) = (workspace.api(), &workspace.host);
    let mut text = format!(
        "[store]\nurl = \"sqlite:hallpass.db\"\n[slack]\nbot_token = {{ env = \"SLACK_BOT_TOKEN\" }}\n\
         signing_secret = {{ env = \"SLACK_SIGNING_SECRET\" }}\nlisten = \"{door}\"\napp_id = \"{APP}\"\nworkspace = \"{TEAM}\"\n\
         api_url = \"{api}\"\nresponse_hosts = [\"{host}\"]\n[groups.leads]\nslack = \"{LEADS}\"\n[providers.bench]\n\
         kind = \"pretend\"\n[policies.usual]\ncap = \"8h\"\ndefault = \"1h\"\nmay_ask = [\"everyone\"]\n\
         stages = [{{ approvers = [\"@leads\"] }}]\n[people.boss]\nname = \"Ben Okafor\"\nslack = \"{}\"\n",
        super::workspace::BOSS
    );
    for n in 0..REQUESTS {
        writeln!(
            text,
            "[people.p{n}]\nname = \"Ana Reyes {n}\"\nslack = \"U0P{n}\"\n[resources.r{n}]\nprovider = \"bench\"\npolicy = \"usual\"\n\
             channels = [\"slack:C0R{n}\"]\nroles = [{{ name = \"use\", target = {{ name = \"r{n}\" }} }}]"
        )?;
    }
    Ok(text)
}
