//! `[discord]`: which application the bot is, in which guild, by which door Discord reaches it, and where it may send.
//! Connects to nothing.

pub(super) mod ids;
mod uses;

use std::net::SocketAddr;

use ed25519_dalek::VerifyingKey;

use self::ids::Kind;
pub(super) use self::uses::judge;
use super::{
    doors, hosts,
    node::Table,
    notes::{At, TEXT_MAX, TITLE_MAX},
};
use crate::secret::Secret;

/// Where Discord is, unless the file says otherwise.
const API_URL: &str = "https://discord.com";
const API_FORM: hosts::Form = hosts::Form { tls: "https", clear: "http", may_have_path: false, example: API_URL };
/// The gateway's address is learnt from the API; this is only how one is written.
const GATEWAY_FORM: hosts::Form = hosts::Form { tls: "wss", clear: "ws", may_have_path: false, example: "wss://gateway.discord.gg" };
const PORTAL: &str = "at discord.com/developers/applications, your application, General Information";

/// The bot's application in Discord. Holds no secret, only where each is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscordConfig {
    /// What the bot does its work with.
    pub bot_token: Secret,
    /// What comes for another application is refused.
    pub application_id: String,
    /// The server; what comes from another one is refused.
    pub guild: String,
    pub door: DiscordDoor,
    /// Scheme and host, without a slash at its end. https, or http on a loopback address.
    pub api_url: String,
    /// Scheme and host, without a slash at its end; wss, or ws on a loopback address. None: the one that the API names.
    pub gateway_url: Option<String>,
}

/// How what people do reaches the bot. Discord knows one of them at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiscordDoor {
    /// The bot dials out: no public address.
    Gateway,
    /// Discord calls: plain HTTP on this address, behind something that speaks TLS. The key checks that it was Discord.
    Http { public_key: [u8; 32], listen: SocketAddr },
}

pub(super) fn discord(file: &Table<'_>) -> Option<DiscordConfig> {
    let table = file.table("discord")?;
    let bot_token = doors::need_secret(&table, "bot_token", "DISCORD_BOT_TOKEN");
    let application_id = need_id(&table, "application_id", Kind::Application);
    let guild = need_id(&table, "guild", Kind::Guild);
    let door = door(&table);
    let api_url = address(&table, "api_url", &API_FORM);
    let gateway_url = address(&table, "gateway_url", &GATEWAY_FORM);
    if let Some(gateway) = &gateway_url {
        belongs(&table, gateway, api_url.as_ref(), door.as_ref());
    }
    let api_url = api_url.map_or_else(|| API_URL.to_owned(), |url| url.value);
    let gateway_url = gateway_url.map(|url| url.value);
    Some(DiscordConfig { bot_token: bot_token?, application_id: application_id?, guild: guild?, door: door?, api_url, gateway_url })
}

/// An id of this section. What stands there instead is never quoted: tokens lie beside it where it is copied.
fn need_id(table: &Table<'_>, key: &'static str, kind: Kind) -> Option<String> {
    let how = || ids::how(kind);
    if !table.raw().contains_key(key) {
        table.refuse(table.at, format!("{key} is missing: it is {}", how()));
    }
    let id = table.text(key, TITLE_MAX)?;
    if ids::wrong(&id.value, kind).is_some() {
        table.refuse(id.at, format!("{key} is {}", how()));
        return None;
    }
    Some(id.value)
}

fn door(table: &Table<'_>) -> Option<DiscordDoor> {
    let (key, listen) = (table.text("public_key", TEXT_MAX), table.text("listen", TITLE_MAX));
    let is_there = |key: &str| table.raw().contains_key(key);
    let missing = |key: &str, how: &str| {
        table.refuse(table.at, format!("{key} is missing: write {key} = {how}, or leave out both for the gateway"));
        None
    };
    match (is_there("public_key"), is_there("listen")) {
        (false, false) => Some(DiscordDoor::Gateway),
        (false, true) => missing("public_key", &format!("\"..\" ({PORTAL})")),
        (true, false) => missing("listen", "\"127.0.0.1:8080\""),
        (true, true) => {
            let listen = listen.and_then(|listen| doors::address(table, &listen));
            Some(DiscordDoor::Http { public_key: public_key(table, &key?)?, listen: listen? })
        }
    }
}

/// The first test of RFC 8032, which is copied from place to place. Its other half is published beside it.
const EVERYBODYS: [u8; 32] = [
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
    0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];

/// Never quoted: a token may have been pasted in its place.
fn public_key(table: &Table<'_>, text: &At<String>) -> Option<[u8; 32]> {
    let Some(bytes) = from_hex(&text.value) else {
        table.refuse(text.at, format!("public_key is 64 hexadecimal digits: copy it {PORTAL}"));
        return None;
    };
    if bytes == EVERYBODYS {
        table.refuse(text.at, format!("public_key is an example's, with which anybody can sign: copy your application's {PORTAL}"));
        return None;
    }
    // A weak key would take signatures that nobody made.
    if VerifyingKey::from_bytes(&bytes).is_ok_and(|key| !key.is_weak()) {
        return Some(bytes);
    }
    table.refuse(text.at, format!("public_key is no Ed25519 key: copy it again {PORTAL}"));
    None
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1]).collect();
    bytes.try_into().ok().filter(|_| digits.len() == 64)
}

fn address(table: &Table<'_>, key: &'static str, form: &hosts::Form) -> Option<At<String>> {
    let text = table.text(key, TEXT_MAX)?;
    match hosts::address(&text.value, form) {
        Ok(value) => Some(At { at: text.at, value }),
        Err(why) => {
            table.refuse(text.at, format!("{key} {why}"));
            None
        }
    }
}

/// The token goes to both: what is tried out on this machine must never hand it to the real one, nor the other way round.
fn belongs(table: &Table<'_>, gateway: &At<String>, api: Option<&At<String>>, door: Option<&DiscordDoor>) {
    if matches!(door, Some(DiscordDoor::Http { .. })) {
        table.refuse(gateway.at, "gateway_url belongs to the gateway: leave it out, or public_key and listen");
    }
    let api_is_wrong = api.is_none() && table.raw().contains_key("api_url");
    let local = |url: &str| hosts::is_on_this_machine(url);
    let api = api.map_or(API_URL, |api| &api.value);
    if !api_is_wrong && local(api) != local(&gateway.value) {
        table.refuse(gateway.at, "gateway_url and api_url are both on this machine or both are not: the token goes to each of them");
    }
}
