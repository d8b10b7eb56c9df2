//! Whether `/jit` is there once: the bot registers it in its server at a start, and what is registered for all servers besides
//! would stand there twice.

use serde_json::Value;

use super::{Asks, Report, unanswered};
use crate::config::DiscordConfig;

const COMMAND: &str = "jit";

pub(super) async fn look(asks: &Asks, discord: &DiscordConfig, report: &mut Report) {
    let (application, guild) = (&discord.application_id, &discord.guild);
    let everywhere = asks.ask(&format!("/applications/{application}/commands")).await;
    let here = asks.ask(&format!("/applications/{application}/guilds/{guild}/commands")).await;
    let before = report.wrong();
    match everywhere {
        Ok(answer) if has_ours(&answer.body) => report.broken(
            format!("/{COMMAND} is registered for all servers too, so that people see it twice"),
            format!(
                "curl -X PUT -H \"Authorization: Bot $DISCORD_BOT_TOKEN\" -H 'Content-Type: application/json' -d '[]' {}/api/v10/applications/{application}/commands",
                discord.api_url
            ),
        ),
        Ok(_) => {}
        Err(fault) => unanswered(report, "the commands of all servers", &fault),
    }
    match here {
        Ok(answer) if !has_ours(&answer.body) => report.note(format!("/{COMMAND} is not registered yet: the bot does it when it starts")),
        Ok(_) if report.wrong() == before => report.fine(format!("/{COMMAND}: it is registered, once")),
        Ok(_) => {}
        // No access: the scope is missing.
        Err(fault) if fault.code() == 50001 => report.broken(
            "the bot may not have commands in its server",
            "open the link of hallpass discord invite again: it asks for applications.commands",
        ),
        Err(fault) => unanswered(report, "the server's commands", &fault),
    }
}

fn has_ours(commands: &Value) -> bool {
    commands.as_array().into_iter().flatten().any(|command| command["name"] == COMMAND)
}
