//! The doors that are measured, each a process of its own: the real bot, and the bare handler where `scripts/bench` could fetch
//! what it needs.

use std::{fmt::Write as _, net::SocketAddr, path::Path, process::Command};

use ed25519_dalek::{Signer as _, SigningKey};

use super::guild::{APPLICATION, BOSS, GUILD, Guild, LEADS, asker, channel};
use crate::doors::{
    load::{Signature, Way},
    server::{Server, free, script},
};

/// Requests that wait for an answer, each by another person for another resource with a channel of its own.
pub(crate) const REQUESTS: usize = 200;
pub(crate) const INTERACTIONS: Way = Way { path: "/discord/interactions", content_type: "application/json", sign };
/// Nobody's: every door verifies with its public half.
const KEY: [u8; 32] = [7; 32];
const TOKEN: (&str, &str) = ("DISCORD_BOT_TOKEN", "a-token-of-nobody");

fn sign(stamp: &str, body: &str) -> anyhow::Result<Signature> {
    let signature = SigningKey::from_bytes(&KEY).sign(format!("{stamp}{body}").as_bytes());
    Ok([("x-signature-ed25519", hex(&signature.to_bytes())?), ("x-signature-timestamp", stamp.to_owned())])
}

fn public_key() -> anyhow::Result<String> {
    hex(SigningKey::from_bytes(&KEY).verifying_key().as_bytes())
}

fn hex(bytes: &[u8]) -> anyhow::Result<String> {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}

/// `hallpass run`, with its store in this folder.
pub(crate) fn hallpass(folder: &Path, guild: &Guild) -> anyhow::Result<Server> {
    let door = free()?;
    Server::hallpass(folder, door, &bot_toml(door, guild)?, &[TOKEN])
}

/// None: it is not on this machine.
pub(crate) fn bare_javascript() -> anyhow::Result<Option<Server>> {
    let Ok(modules) = std::env::var("HALLPASS_BENCH_NODE_MODULES") else { return Ok(None) };
    if !Path::new(&modules).join("discord-interactions").is_dir() {
        return Ok(None);
    }
    let (door, mut node) = (free()?, Command::new("node"));
    node.env("NODE_PATH", modules).env("NODE_ENV", "production");
    node.arg(script("discord/bare.js")).args([door.port().to_string(), public_key()?]);
    Server::other(node, door).map(Some)
}

fn bot_toml(door: SocketAddr, guild: &Guild) -> anyhow::Result<String> {
    let key = public_key()?;
    let mut text = format!(
        "[store]\nurl = \"sqlite:hallpass.db\"\n[discord]\nbot_token = {{ env = \"{}\" }}\napplication_id = \"{APPLICATION}\"\n\
         guild = \"{GUILD}\"\npublic_key = \"{key}\"\nlisten = \"{door}\"\napi_url = \"{}\"\n[groups.leads]\ndiscord = \"{LEADS}\"\n\
         [providers.bench]\nkind = \"pretend\"\n[policies.usual]\ncap = \"8h\"\ndefault = \"1h\"\nmay_ask = [\"everyone\"]\n\
         stages = [{{ approvers = [\"@leads\"] }}]\n[people.boss]\nname = \"Ben Okafor\"\ndiscord = \"{BOSS}\"\n",
        TOKEN.0,
        guild.api()
    );
    for n in 0..REQUESTS {
        let (asker, channel) = (asker(n), channel(n));
        writeln!(
            text,
            "[people.p{n}]\nname = \"Ana Reyes {n}\"\ndiscord = \"{asker}\"\n[resources.r{n}]\nprovider = \"bench\"\npolicy = \"usual\"\n\
             channels = [\"discord:{channel}\"]\nroles = [{{ name = \"use\", target = {{ name = \"r{n}\" }} }}]"
        )?;
    }
    Ok(text)
}
