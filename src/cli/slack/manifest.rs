//! The app manifest: what the app is called, what it offers, by which door Slack reaches it, and the least it may do.

use std::fmt::Write as _;

use serde_json::{Value, json};
use url::Url;

use super::{scopes::needed_scopes, yaml};
use crate::config::{Config, SlackConfig, SlackDoor};

/// The slash command.
pub(in super::super) const COMMAND: &str = "/jit";
/// What the shortcuts are called in payloads: of the whole workspace, and of one message.
pub(in super::super) const REQUEST: &str = "hallpass_request";
pub(in super::super) const REQUEST_ABOUT: &str = "hallpass_request_about";
/// Stands where the person has to write their own host.
const YOUR_HOST: &str = "https://YOUR-HOST";

/// Where Slack delivers what people do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    Socket,
    /// Without a slash at its end.
    Http(String),
}

impl Address {
    /// # Errors
    /// The URL is none that Slack would call, or the file takes no HTTP requests.
    pub(super) fn of(slack: &SlackConfig, url: Option<&str>) -> Result<Self, String> {
        match (&slack.door, url) {
            (SlackDoor::Socket { .. }, None) => Ok(Self::Socket),
            (SlackDoor::Socket { .. }, Some(_)) => {
                Err("--url is for HTTP requests, and with app_token the bot dials out: leave --url out".to_owned())
            }
            (SlackDoor::Http { .. }, None) => Ok(Self::Http(YOUR_HOST.to_owned())),
            (SlackDoor::Http { .. }, Some(text)) => {
                let how = "--url is where Slack reaches the bot: https, a host and at most a path, such as https://hallpass.example.org";
                let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" && url.has_host()).ok_or(how)?;
                let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
                if bare { Ok(Self::Http(url.as_str().trim_end_matches('/').to_owned())) } else { Err(how.to_owned()) }
            }
        }
    }

    fn to(&self, path: &str) -> Option<String> {
        match self {
            Self::Socket => None,
            Self::Http(host) => Some(format!("{host}/slack/{path}")),
        }
    }
}

/// The manifest with what a person must know of it before.
pub(super) fn text(config: &Config, slack: &SlackConfig, address: &Address) -> String {
    let mut out = String::from("# Slack app manifest, printed by hallpass for this bot.toml. At https://api.slack.com/apps:\n");
    out.push_str("# Create New App, From a manifest, choose the workspace, YAML. Of an app that is there: App Manifest.\n");
    if *address == Address::Http(YOUR_HOST.to_owned()) {
        out.push_str("# Write your own host for YOUR-HOST, or print this again with --url https://..\n");
    }
    out.push_str("# What each scope is for:\n");
    for scope in needed_scopes(config) {
        let _infallible = writeln!(out, "#   {:<17} {}", scope.name, scope.why);
    }
    out.push_str(&yaml::written(&value(config, slack, address)));
    out
}

fn value(config: &Config, slack: &SlackConfig, address: &Address) -> Value {
    let scopes: Vec<&str> = needed_scopes(config).iter().map(|scope| scope.name).collect();
    json!({
        "_metadata": { "major_version": 1, "minor_version": 1 },
        "display_information": {
            "name": "Hallpass",
            "description": "Access for an hour instead of for ever: asked for here, approved here, verified gone.",
            "background_color": "#1f3a5f",
        },
        "features": features(address),
        "oauth_config": { "scopes": { "bot": scopes } },
        "settings": settings(slack, address),
    })
}

fn features(address: &Address) -> Value {
    let mut command = json!({
        "command": COMMAND,
        "description": "Ask for access, decide, give it back",
        "usage_hint": "[request RESOURCE [ROLE] [30m] REASON | mine | inbox | help]",
        "should_escape": true,
    });
    if let Some(url) = address.to("commands") {
        command["url"] = url.into();
    }
    json!({
        "app_home": { "home_tab_enabled": true, "messages_tab_enabled": true, "messages_tab_read_only_enabled": true },
        "bot_user": { "display_name": "hallpass", "always_online": true },
        "shortcuts": [
            {
                "name": "Request access",
                "type": "global",
                "callback_id": REQUEST,
                "description": "Opens the form in which you ask for access",
            },
            {
                "name": "Request access for this",
                "type": "message",
                "callback_id": REQUEST_ABOUT,
                "description": "Asks for access, with a link to this message for whoever decides",
            },
        ],
        "slash_commands": [command],
    })
}

fn settings(slack: &SlackConfig, address: &Address) -> Value {
    let mut events = json!({ "bot_events": ["app_home_opened"] });
    let mut interactivity = json!({ "is_enabled": true });
    if let (Some(event), Some(press)) = (address.to("events"), address.to("interactive")) {
        events["request_url"] = event.into();
        // What is typed into a list that Slack fills from us.
        interactivity["message_menu_options_url"] = press.clone().into();
        interactivity["request_url"] = press.into();
    }
    json!({
        "event_subscriptions": events,
        "interactivity": interactivity,
        "org_deploy_enabled": slack.is_org_wide(),
        "socket_mode_enabled": *address == Address::Socket,
        "token_rotation_enabled": false,
    })
}
