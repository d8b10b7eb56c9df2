//! Which token stands where: Slack's tokens say by their beginning what they are. None is ever printed.

use secrecy::{ExposeSecret as _, SecretString};

use super::Report;
use crate::{
    config::{SlackConfig, SlackDoor},
    secret::Secret,
};

const BOT_HOW: &str = "take the Bot User OAuth Token, xoxb-.., under OAuth & Permissions";
const APP_HOW: &str = "make an app-level token, xapp-.., with connections:write under Basic Information, App-Level Tokens";

/// What can be asked with.
pub(super) struct Tokens {
    pub(super) bot: Option<SecretString>,
    /// Of Socket Mode.
    pub(super) app: Option<SecretString>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bot,
    App,
    User,
    Rotated,
    Unknown,
}

fn kind(token: &SecretString) -> Kind {
    let starts = |with: &str| token.expose_secret().starts_with(with);
    match () {
        () if starts("xoxb-") => Kind::Bot,
        () if starts("xapp-") => Kind::App,
        () if starts("xoxp-") => Kind::User,
        () if starts("xoxe") => Kind::Rotated,
        () => Kind::Unknown,
    }
}

impl Kind {
    const fn words(self) -> &'static str {
        match self {
            Self::Bot => "a bot's token (xoxb-)",
            Self::App => "an app-level token (xapp-)",
            Self::User => "a user's token (xoxp-)",
            Self::Rotated => "a token that expires (xoxe)",
            Self::Unknown => "no token of Slack's",
        }
    }
}

/// Reads both and says what is wrong with them; a pair in each other's place is used as it should have stood.
pub(super) fn read(slack: &SlackConfig, report: &mut Report) -> Tokens {
    let bot = secret("bot_token", &slack.bot_token, report);
    let app = match &slack.door {
        SlackDoor::Socket { app_token, .. } => secret("app_token", app_token, report),
        SlackDoor::Http { signing_secret, .. } => {
            signing(signing_secret, report);
            None
        }
    };
    let kinds = (bot.as_ref().map(kind), app.as_ref().map(kind));
    if kinds == (Some(Kind::App), Some(Kind::Bot)) {
        report.broken("slack.bot_token and slack.app_token stand in each other's place", "write each where the other stands");
        return Tokens { bot: app, app: bot };
    }
    Tokens {
        bot: bot.filter(|token| is(token, Kind::Bot, "bot_token", report)),
        app: app.filter(|token| is(token, Kind::App, "app_token", report)),
    }
}

fn is(token: &SecretString, wanted: Kind, key: &str, report: &mut Report) -> bool {
    let found = kind(token);
    let how = if wanted == Kind::Bot { BOT_HOW } else { APP_HOW };
    match found {
        _ if found == wanted => return true,
        Kind::Rotated => report.broken(
            format!("slack.{key} is {}: the bot does not renew tokens", found.words()),
            "make the app anew from hallpass slack manifest: token rotation cannot be switched off once it is on",
        ),
        _ => report.broken(format!("slack.{key} is {}, and not {}", found.words(), wanted.words()), how),
    }
    false
}

/// A signing secret has no beginning of its own; that of a token is wrong.
fn signing(secret_of: &Secret, report: &mut Report) {
    let Some(text) = secret("signing_secret", secret_of, report) else { return };
    let found = kind(&text);
    if found != Kind::Unknown {
        report.broken(
            format!("slack.signing_secret is {}", found.words()),
            "take the Signing Secret under Basic Information, App Credentials",
        );
    }
}

fn secret(key: &str, reference: &Secret, report: &mut Report) -> Option<SecretString> {
    let read = reference.read();
    if let Err(why) = &read {
        // The file was refused for it, with its place.
        report.note(format!("without slack.{key} some of Slack was not looked at: {why}"));
    }
    read.ok()
}
