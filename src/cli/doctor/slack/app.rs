//! The app itself: whether its tokens work, what it may do, which app and workspace it is, and whether its door opens.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    super::super::slack::scopes::needed_scopes,
    Report,
    asks::{Asks, Fault},
    shown, unanswered,
};
use crate::config::{Config, SlackConfig, SlackDoor};

const REINSTALL: &str = "under OAuth & Permissions, then reinstall the app";

/// Who the bot is in Slack.
pub(super) struct Bot {
    /// As in `@hallpass`.
    pub(super) name: String,
    pub(super) team: String,
    /// Of an organisation with several workspaces.
    pub(super) enterprise: Option<String>,
    app_id: Option<String>,
    /// Installed for the whole organisation.
    is_org_wide: bool,
}

impl Bot {
    /// What methods about one workspace want to be told by a token of a whole organisation.
    pub(super) fn team_id(&self) -> Option<(&'static str, &str)> {
        self.is_org_wide.then_some(("team_id", self.team.as_str()))
    }
}

/// Whether the bot's token works, and what it may do.
pub(super) async fn bot(asks: &Asks, config: &Config, slack: &SlackConfig, token: &SecretString, report: &mut Report) -> Option<Bot> {
    let answer = match asks.ask(token, "auth.test", &[]).await {
        Ok(answer) => answer,
        Err(fault) => {
            refused(&fault, "bot token", "Bot User OAuth Token under OAuth & Permissions", report);
            return None;
        }
    };
    let text = |key: &str| answer.body[key].as_str().map(str::to_owned);
    let name = shown(&text("user").unwrap_or_else(|| "hallpass".to_owned()));
    let team = text("team_id").unwrap_or_default();
    report.fine(format!("bot token: @{name} in {} ({team})", shown(&text("team").unwrap_or_default())));
    scopes(config, answer.scopes.as_ref(), report);
    let app_id = match &text("bot_id") {
        Some(bot_id) => app_of(asks, token, bot_id, report).await,
        None => None,
    };
    let is_org_wide = answer.body["is_enterprise_install"] == true;
    let bot = Bot { name, team, enterprise: text("enterprise_id"), app_id, is_org_wide };
    is_the_configured_one(slack, &bot, report);
    Some(bot)
}

/// Why a token is not taken.
fn refused(fault: &Fault, what: &str, found: &str, report: &mut Report) {
    let Fault::Refused { error, .. } = fault else { return unanswered(report, &format!("the {what}"), fault) };
    match error.as_str() {
        "invalid_auth" | "not_authed" => report.broken(format!("Slack does not know the {what}"), format!("copy it again: {found}")),
        "account_inactive" | "token_revoked" => report.broken(
            format!("the {what} was revoked, or the app was taken out of the workspace"),
            format!("install the app again, then copy the {found}"),
        ),
        "token_expired" => report.broken(
            format!("the {what} has expired: the bot does not renew tokens"),
            "make the app anew from hallpass slack manifest: token rotation cannot be switched off once it is on",
        ),
        "not_allowed_token_type" => report.broken(format!("the {what} is of another kind"), format!("copy the right one: {found}")),
        _ => unanswered(report, &format!("the {what}"), fault),
    }
}

fn scopes(config: &Config, granted: Option<&BTreeSet<String>>, report: &mut Report) {
    let Some(granted) = granted else { return report.note("Slack did not say which scopes the bot token has") };
    let needed = needed_scopes(config);
    let missing: Vec<_> = needed.iter().filter(|scope| !granted.contains(scope.name)).collect();
    for scope in &missing {
        report.broken(format!("the scope {} is missing: {}", scope.name, scope.why), format!("add the scope {} {REINSTALL}", scope.name));
    }
    if missing.is_empty() {
        report.fine(format!("scopes: all {} that are needed", needed.len()));
    }
    let more: Vec<String> =
        granted.iter().filter(|name| !needed.iter().any(|scope| scope.name == **name)).map(|name| shown(name)).collect();
    if !more.is_empty() {
        report.note(format!("the bot token may do more than it needs: {}", more.join(", ")));
    }
}

async fn app_of(asks: &Asks, token: &SecretString, bot_id: &str, report: &mut Report) -> Option<String> {
    match asks.ask(token, "bots.info", &[("bot", bot_id)]).await {
        Ok(answer) => answer.body["bot"]["app_id"].as_str().map(shown),
        Err(fault) => {
            unanswered(report, "which app the bot token is of", &fault);
            None
        }
    }
}

fn is_the_configured_one(slack: &SlackConfig, bot: &Bot, report: &mut Report) {
    if let Some(found) = &bot.app_id {
        match &slack.app_id {
            Some(wanted) if wanted != found => {
                report.broken(
                    format!("the bot token is of the app {found}, and slack.app_id is {wanted}"),
                    format!("write app_id = \"{found}\", or take that app's token"),
                );
            }
            _ => report.fine(format!("app: {found}")),
        }
    }
    let found = bot.enterprise.as_ref().filter(|_| bot.is_org_wide).unwrap_or(&bot.team);
    match &slack.workspace {
        Some(wanted) if wanted != found => report.broken(
            format!("the app is installed in {found}, and slack.workspace is {wanted}"),
            format!("write workspace = \"{found}\", or take the token of the app that is installed in {wanted}"),
        ),
        _ => report.fine(format!("installed in: {found}{}", if bot.is_org_wide { ", the whole organisation" } else { "" })),
    }
}

/// Whether what people do can reach the bot.
pub(super) async fn door(asks: &Asks, slack: &SlackConfig, app: Option<&SecretString>, bot: Option<&Bot>, report: &mut Report) {
    match &slack.door {
        SlackDoor::Http { listen, .. } => {
            report.note(format!("HTTP requests come in at {listen}: whether Slack reaches it is seen only from outside"));
        }
        SlackDoor::Socket { .. } => {
            if let Some(app) = app {
                socket(asks, app, bot, report).await;
            }
        }
    }
}

async fn socket(asks: &Asks, token: &SecretString, bot: Option<&Bot>, report: &mut Report) {
    // xapp-1-A0123-..: it names its app.
    let of = token.expose_secret().split('-').nth(2).map(shown);
    if let (Some(of), Some(app)) = (of, bot.and_then(|bot| bot.app_id.as_ref()))
        && of != *app
    {
        report.broken(format!("the app token is of the app {of}, and the bot token of {app}"), "take both tokens from the same app");
    }
    // Opening gives an address and nothing else: nobody dials it, and it lapses.
    let Err(fault) = asks.ask(token, "apps.connections.open", &[]).await else {
        return report.fine("app token: it opens connections (Socket Mode)");
    };
    let what = "app token";
    match &fault {
        Fault::Refused { error, .. } if error == "missing_scope" => report.broken(
            "the app token has no scope connections:write",
            "make an app-level token with connections:write under Basic Information, App-Level Tokens, and use that one",
        ),
        Fault::Refused { error, .. }
            if matches!(
                error.as_str(),
                "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" | "not_allowed_token_type"
            ) =>
        {
            refused(&fault, what, "app-level token under Basic Information, App-Level Tokens", report);
        }
        Fault::Refused { error, .. } if error == "too_many_websockets" => {
            report.note("app token: all ten connections that an app may have are open now");
        }
        Fault::Refused { error, .. } => {
            report.broken(
                format!("the app token opens no connection: Slack says {}", shown(error)),
                "switch on Socket Mode under Settings, Socket Mode",
            );
        }
        Fault::Unreachable(_) => unanswered(report, "the app token", &fault),
    }
}
