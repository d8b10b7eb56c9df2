//! `hallpass slack`: what Slack is told of the app. Connects to nothing and reads no secret: before there is an app there is
//! no token.

pub(super) mod manifest;
pub(super) mod scopes;
mod yaml;

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Subcommand;

use super::say;
use crate::config;

#[derive(Debug, Subcommand)]
pub enum Slack {
    /// Print the app manifest (YAML) for exactly what this bot.toml uses: paste it at api.slack.com/apps, Create New App.
    Manifest {
        #[arg(long, default_value = "bot.toml")]
        config: PathBuf,
        /// For HTTP requests: where Slack reaches the bot, such as <https://hallpass.example.org>
        #[arg(long)]
        url: Option<String>,
    },
}

/// `hallpass slack`.
/// # Errors
/// The file cannot be read, has no `[slack]`, or the URL does not go with it.
pub(super) fn slack(what: &Slack) -> anyhow::Result<()> {
    let Slack::Manifest { config: path, url } = what;
    // The tokens that the file names come from the app that is about to be made.
    let config = config::load_kept(path)?;
    let shown = path.display();
    let how = "write [slack] with bot_token and app_token (bot.toml.example has every key); the tokens may still be missing";
    let slack = config.slack.as_ref().ok_or_else(|| anyhow!("{shown} has no [slack]: {how}"))?;
    let address = manifest::Address::of(slack, url.as_deref()).map_err(|why| anyhow!(why))?;
    say(manifest::text(&config, slack, &address).trim_end())
}
