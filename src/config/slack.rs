//! `[slack]`: which app the bot is, by which door Slack reaches it, and where it may send. Connects to nothing.

pub(super) mod ids;
mod uses;

use std::net::SocketAddr;

use url::Url;

use self::ids::Kind;
pub(super) use self::uses::judge;
use super::{
    doors, hosts,
    node::Table,
    notes::{At, TEXT_MAX, TITLE_MAX, short},
};
use crate::secret::Secret;

/// Where Slack's methods are, unless the file says otherwise.
const API_URL: &str = "https://slack.com/api";
const API_FORM: hosts::Form = hosts::Form { tls: "https", clear: "http", may_have_path: true, example: API_URL };
/// Where Slack takes answers to commands and presses, unless the file says otherwise.
const RESPONSE_HOST: &str = "hooks.slack.com";
/// Open sockets: Slack takes ten of an app, and with fewer than two a refresh leaves none.
const CONNECTIONS: (usize, usize, u32) = (2, 10, 4);

/// The bot's app in Slack. Holds no secret, only where each is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackConfig {
    /// `xoxb-..`: what the bot does its work with.
    pub bot_token: Secret,
    pub door: SlackDoor,
    /// `A0123`; None: learnt at the start.
    pub app_id: Option<String>,
    /// `T0123`, or `E0123` of an org-wide install; None: learnt at the start.
    pub workspace: Option<String>,
    /// Team ids of other organisations whose people may act.
    pub tenants: Vec<String>,
    /// Ids of channels that may have guests and people of other organisations in them.
    pub shared_channels: Vec<String>,
    /// Without a slash at its end. https, or http on a loopback address.
    pub api_url: String,
    /// Hosts that answers may be sent to; `HOST:PORT` on a loopback address.
    pub response_hosts: Vec<String>,
}

/// How what people do reaches the bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlackDoor {
    /// The bot dials out: no public address. `app_token` is `xapp-..`; 2 to 10 connections.
    Socket { app_token: Secret, connections: u32 },
    /// Slack calls: plain HTTP on this address, behind something that speaks TLS.
    Http { signing_secret: Secret, listen: SocketAddr },
}

impl SlackConfig {
    /// Whether an answer may be sent to this URL: https to one of `response_hosts`, or a local server named there.
    pub fn may_answer_at(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| hosts::listed(&url, &self.response_hosts))
    }

    /// Installed for a whole organisation, not for one workspace.
    pub fn is_org_wide(&self) -> bool {
        self.workspace.as_ref().is_some_and(|workspace| workspace.starts_with('E'))
    }
}

pub(super) fn slack(file: &Table<'_>) -> Option<SlackConfig> {
    let table = file.table("slack")?;
    let bot_token = doors::need_secret(&table, "bot_token", "SLACK_BOT_TOKEN");
    let door = door(&table);
    let one = |key: &'static str, kind: Kind| table.text(key, TITLE_MAX).filter(|id| ids::is(&table, id, kind)).map(|id| id.value);
    let many = |key: &'static str, kind: Kind| -> Vec<String> {
        table.texts(key).into_iter().filter(|id| ids::is(&table, id, kind)).map(|id| id.value).collect()
    };
    let (app_id, workspace) = (one("app_id", Kind::App), one("workspace", Kind::Team));
    let (tenants, shared_channels) = (many("tenants", Kind::Team), many("shared_channels", Kind::Channel));
    let (api_url, response_hosts) = (api_url(&table), response_hosts(&table));
    if let Some(own) = workspace.as_ref().filter(|own| tenants.contains(own)) {
        table.warn(table.place("tenants"), format!("{own} is the bot's own workspace: tenants are other organisations"));
    }
    Some(SlackConfig { bot_token: bot_token?, door: door?, app_id, workspace, tenants, shared_channels, api_url, response_hosts })
}

fn door(table: &Table<'_>) -> Option<SlackDoor> {
    let (app_token, signing_secret) = (table.secret("app_token"), table.secret("signing_secret"));
    let listen = table.text("listen", TITLE_MAX);
    let (least, most, usual) = CONNECTIONS;
    let connections = table.count("connections", least, most);
    let is_there = |key: &str| table.raw().contains_key(key);
    match (is_there("app_token"), is_there("signing_secret") || is_there("listen")) {
        (true, true) => {
            let at = table.place(if is_there("signing_secret") { "signing_secret" } else { "listen" });
            table.refuse(
                at,
                "two ways in, and one is enough: leave out signing_secret and listen for Socket Mode, or app_token for HTTP requests",
            );
            None
        }
        (false, false) => {
            table.refuse(
                table.at,
                "no way in: write app_token = { env = \"SLACK_APP_TOKEN\" } for Socket Mode, or signing_secret and listen for HTTP requests",
            );
            None
        }
        (true, false) => {
            let connections = connections.and_then(|count| u32::try_from(count.value).ok()).unwrap_or(usual);
            Some(SlackDoor::Socket { app_token: app_token?.value, connections })
        }
        (false, true) => {
            if is_there("connections") {
                table.refuse(table.place("connections"), "connections belong to Socket Mode: leave them out, or write app_token");
            }
            http(table, signing_secret, listen)
        }
    }
}

fn http(table: &Table<'_>, signing_secret: Option<At<Secret>>, listen: Option<At<String>>) -> Option<SlackDoor> {
    for (key, how) in [("signing_secret", "{ env = \"SLACK_SIGNING_SECRET\" }"), ("listen", "\"127.0.0.1:8080\"")] {
        if !table.raw().contains_key(key) {
            table.refuse(table.at, format!("{key} is missing: write {key} = {how}"));
        }
    }
    let listen = doors::address(table, &listen?)?;
    Some(SlackDoor::Http { signing_secret: signing_secret?.value, listen })
}

fn api_url(table: &Table<'_>) -> String {
    let Some(text) = table.text("api_url", TEXT_MAX) else { return API_URL.to_owned() };
    match hosts::address(&text.value, &API_FORM) {
        Ok(url) => url,
        Err(why) => {
            table.refuse(text.at, format!("api_url {why}"));
            API_URL.to_owned()
        }
    }
}

fn response_hosts(table: &Table<'_>) -> Vec<String> {
    let listed = table.texts("response_hosts");
    if !table.raw().contains_key("response_hosts") {
        return vec![RESPONSE_HOST.to_owned()];
    }
    if table.raw()["response_hosts"].get_ref().as_array().is_some_and(|list| list.is_empty()) {
        table.refuse(table.place("response_hosts"), format!("nobody could be answered: leave it out for [\"{RESPONSE_HOST}\"]"));
    }
    let host = |text: &At<String>| match hosts::host(&text.value) {
        Ok(host) => Some(host),
        Err(why) => {
            table.refuse(text.at, format!("\"{}\" {why}", short(&text.value)));
            None
        }
    };
    listed.iter().filter_map(host).collect()
}
