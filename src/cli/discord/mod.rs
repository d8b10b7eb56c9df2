//! `hallpass discord`: the link by which the bot is brought into its server. Connects to nothing and reads no secret: the link
//! holds none.

pub(super) mod rights;

use std::{fmt::Write as _, path::PathBuf};

use anyhow::anyhow;
use clap::Subcommand;

use self::rights::{NEEDED, needed};
use super::say;
use crate::config::{self, DiscordConfig};

#[derive(Debug, Subcommand)]
pub enum Discord {
    /// Print the link that brings the bot into its server, with the least it may do there, and what each right is for.
    Invite {
        #[arg(long, default_value = "bot.toml")]
        config: PathBuf,
    },
}

/// `hallpass discord`.
/// # Errors
/// The file cannot be read, or has no `[discord]`.
pub(super) fn discord(what: &Discord) -> anyhow::Result<()> {
    let Discord::Invite { config: path } = what;
    // The token that the file names may come later.
    let config = config::load_kept(path)?;
    let shown = path.display();
    let how = "write [discord] with bot_token, application_id and guild (bot.toml.example has every key); the token may still be missing";
    let discord = config.discord.as_ref().ok_or_else(|| anyhow!("{shown} has no [discord]: {how}"))?;
    say(text(discord, &shown.to_string()).trim_end())
}

/// Where the application is brought into its server.
pub(super) fn link(discord: &DiscordConfig) -> String {
    let DiscordConfig { application_id, guild, .. } = discord;
    format!(
        "https://discord.com/oauth2/authorize?client_id={application_id}&scope=bot+applications.commands&permissions={}\
         &guild_id={guild}&disable_guild_select=true",
        needed().0
    )
}

fn text(discord: &DiscordConfig, file: &str) -> String {
    let mut out = format!(
        "Open this in a browser, as the application's owner or one of its team, with the right Manage Server in {}\n\
         (while Public Bot is on, anybody with that right can):\n\n{}\n\nWhat it asks for, and what each is for:\n",
        discord.guild,
        link(discord)
    );
    for (name, why) in NEEDED.iter().map(|right| (right.name, right.why)).chain([("/jit", "its commands (applications.commands)")]) {
        let _infallible = writeln!(out, "  {name:<25} {why}");
    }
    for right in &NEEDED {
        if let Some(without) = right.without {
            let _infallible = writeln!(out, "\n{} may be left out: then {without}.", right.name);
        }
    }
    out.push_str("\nIn a channel that not everybody sees, give these rights to the bot's own role as well: Edit Channel, Permissions.\n");
    let _infallible = writeln!(out, "Next: hallpass doctor --config {file}");
    out
}
