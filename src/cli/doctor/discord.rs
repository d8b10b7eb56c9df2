//! The doctor in Discord: token, application, door, server, people, roles, channels and commands. Asks only what reads.

mod app;
mod asks;
mod channels;
mod commands;
mod people;
mod roles;
mod server;

use self::asks::{Asks, Fault};
use super::{report::Report, words::shown};
use crate::config::{Config, DiscordConfig};

/// Looks at everything that this file expects of Discord.
/// # Errors
/// Nothing can be printed.
pub(super) async fn look(config: &Config, discord: &DiscordConfig, report: &mut Report) -> anyhow::Result<()> {
    let Some(token) = app::token(discord, report) else { return Ok(()) };
    let asks = match Asks::new(&discord.api_url, &token) {
        Ok(asks) => asks,
        Err(why) => {
            report.broken(format!("Discord cannot be asked: {why}"), "see that discord.bot_token holds the token alone, on one line");
            return Ok(());
        }
    };
    let Some(bot) = app::look(&asks, discord, report).await else { return Ok(()) };
    report.tell()?;
    let Some(server) = server::read(&asks, discord, &bot, report).await else { return Ok(()) };
    report.tell()?;
    people::look(&asks, config, &server, report).await;
    report.tell()?;
    roles::look(&asks, config, &server, report).await;
    channels::look(&asks, config, &server, report).await;
    commands::look(&asks, discord, report).await;
    Ok(())
}

/// A question that was not answered, in the words of a finding.
fn unanswered(report: &mut Report, about: &str, fault: &Fault) {
    let (why, how) = match fault {
        Fault::Refused { status, code, message } => {
            let code = if *code == 0 { format!("HTTP status {status}") } else { format!("{code}") };
            (format!("Discord says {code}, {}", shown(message)), "look the number up in docs/discord.md, then run this again")
        }
        Fault::Limited(pause) => (
            format!("Discord wants no questions for {} s", pause.as_secs().max(1)),
            "wait so long, then run this again; a running bot has the same limit",
        ),
        Fault::Unreachable(why) => (why.clone(), "see that this machine reaches discord.api_url, then run this again"),
    };
    report.broken(format!("{about} could not be looked at: {why}"), how);
}
