//! Whether `/jit` is there once: the bot registers it in its server at a start, and what is registered for all servers besides
//! would stand there twice.

use super::{Asks, Report, unanswered};
use crate::{
    chat::discord::{are_current, has_ours},
    config::DiscordConfig,
};

pub(super) async fn look(asks: &Asks, discord: &DiscordConfig, report: &mut Report) {
    let (application, guild) = (&discord.application_id, &discord.guild);
    let everywhere = asks.ask(&format!("/applications/{application}/commands")).await;
    let here = asks.ask(&format!("/applications/{application}/guilds/{guild}/commands")).await;
    let before = report.wrong();
    match everywhere {
        Ok(answer) if has_ours(&answer.body) => report.broken(
            "/jit is registered for all servers too, so that people see it twice",
            format!(
                "curl -X PUT -H \"Authorization: Bot $DISCORD_BOT_TOKEN\" -H 'Content-Type: application/json' -d '[]' {}/api/v10/applications/{application}/commands",
                discord.api_url
            ),
        ),
        Ok(_) => {}
        Err(fault) => unanswered(report, "the commands of all servers", &fault),
    }
    match here {
        Ok(answer) if !has_ours(&answer.body) => report.note("/jit is not registered yet: the bot does it when it starts"),
        Ok(answer) if !are_current(&answer.body) => {
            report.note("/jit is another version's: the bot brings it up to date when it starts");
        }
        Ok(_) if report.wrong() == before => report.fine("/jit: it is registered, once, and is this version's"),
        Ok(_) => {}
        // No access: the scope is missing.
        Err(fault) if fault.code() == 50001 => report.broken(
            "the bot may not have commands in its server",
            "open the link of hallpass discord invite again: it asks for applications.commands",
        ),
        Err(fault) => unanswered(report, "the server's commands", &fault),
    }
}
