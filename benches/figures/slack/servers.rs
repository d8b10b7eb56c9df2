//! The doors that are measured, each a process of its own: the real bot, and Bolt in both languages where `scripts/bench` could
//! fetch it.

use std::{fmt::Write as _, net::SocketAddr, path::Path, process::Command};

use anyhow::Context as _;
use hmac_fakes::{Hmac, KeyInit as _, Mac as _};
use sha2_oracle::Sha256;

use super::workspace::{APP, LEADS, TEAM, Workspace};
use crate::doors::{
    load::{Signature, Way},
    server::{Server, free, script},
};

/// Requests that wait for an answer, each by another person for another resource with a channel of its own.
pub(crate) const REQUESTS: usize = 200;
pub(crate) const INTERACTIVE: Way = way("/slack/interactive");
pub(crate) const COMMANDS: Way = way("/slack/commands");
/// What every door verifies with.
const SECRET: &str = "a-signing-secret-of-nobody";
const TOKEN: &str = "xoxb-of-nobody";

const fn way(path: &'static str) -> Way {
    Way { path, content_type: "application/x-www-form-urlencoded", sign }
}

fn sign(stamp: &str, body: &str) -> anyhow::Result<Signature> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).ok().context("a secret of this length")?;
    for part in ["v0:", stamp, ":", body] {
        mac.update(part.as_bytes());
    }
    let mut signature = String::from("v0=");
    for byte in mac.finalize().into_bytes() {
        write!(signature, "{byte:02x}")?;
    }
    Ok([("x-slack-signature", signature), ("x-slack-request-timestamp", stamp.to_owned())])
}

/// `hallpass run`, with its store in this folder.
pub(crate) fn hallpass(folder: &Path, workspace: &Workspace) -> anyhow::Result<Server> {
    let door = free()?;
    Server::hallpass(folder, door, &bot_toml(door, workspace)?, &secrets())
}

/// None: it is not on this machine.
pub(crate) fn bolt_for_javascript(workspace: &Workspace) -> anyhow::Result<Option<Server>> {
    let Ok(modules) = std::env::var("HALLPASS_BENCH_NODE_MODULES") else { return Ok(None) };
    let mut node = Command::new("node");
    node.env("NODE_PATH", modules).env("NODE_ENV", "production");
    bolt(node, "bolt.js", workspace).map(Some)
}

/// None: it is not on this machine.
pub(crate) fn bolt_for_python(workspace: &Workspace) -> anyhow::Result<Option<Server>> {
    let Ok(python) = std::env::var("HALLPASS_BENCH_PYTHON") else { return Ok(None) };
    bolt(Command::new(python), "bolt.py", workspace).map(Some)
}

fn bolt(mut program: Command, name: &str, workspace: &Workspace) -> anyhow::Result<Server> {
    let door = free()?;
    program.arg(script(&format!("slack/{name}"))).args([door.port().to_string(), format!("{}/", workspace.api())]).envs(secrets());
    Server::other(program, door)
}

const fn secrets() -> [(&'static str, &'static str); 2] {
    [("SLACK_BOT_TOKEN", TOKEN), ("SLACK_SIGNING_SECRET", SECRET)]
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
