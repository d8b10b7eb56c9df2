//! The doctor in Slack: tokens, scopes, the app, the door, people, groups and channels. Asks only what reads.

mod app;
mod asks;
mod channels;
mod groups;
mod people;
mod tokens;
mod users;

use self::{
    asks::{Asks, Fault},
    users::Users,
};
use super::{report::Report, words::shown};
use crate::config::{Config, SlackConfig};

/// Looks at everything that this file expects of Slack.
/// # Errors
/// Nothing can be printed.
pub(super) async fn look(config: &Config, slack: &SlackConfig, report: &mut Report) -> anyhow::Result<()> {
    let tokens = tokens::read(slack, report);
    let asks = match Asks::new(&slack.api_url) {
        Ok(asks) => asks,
        Err(why) => {
            report.broken(format!("Slack cannot be asked: {why}"), "install the system's certificates (ca-certificates)");
            return Ok(());
        }
    };
    let bot = match &tokens.bot {
        Some(token) => app::bot(&asks, config, slack, token, report).await,
        None => None,
    };
    app::door(&asks, slack, tokens.app.as_ref(), bot.as_ref(), report).await;
    report.tell()?;
    let (Some(bot), Some(token)) = (bot, &tokens.bot) else { return Ok(()) };
    let mut users = Users::new(&asks, token, &bot);
    people::look(config, &mut users, report).await;
    report.tell()?;
    groups::look(&asks, token, config, &bot, &mut users, report).await;
    report.tell()?;
    channels::look(&asks, token, (config, slack), &bot, &mut users, report).await;
    users.tell_of_the_rest(report);
    Ok(())
}

/// A question that was not answered, in the words of a finding.
fn unanswered(report: &mut Report, about: &str, fault: &Fault) {
    match fault {
        // The scope itself was found missing before, with the line that mends it.
        Fault::Refused { error, needed: Some(scope) } if error == "missing_scope" => {
            report.note(format!("{about} could not be looked at without the scope {scope}"));
        }
        Fault::Refused { error, .. } => {
            report.broken(
                format!("{about} could not be looked at: Slack says {}", shown(error)),
                "see docs.slack.dev for this error, then run this again",
            );
        }
        Fault::Unreachable(why) => {
            report.broken(
                format!("{about} could not be looked at: {why}"),
                "see that this machine reaches slack.api_url, then run this again",
            );
        }
    }
}
