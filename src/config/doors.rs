//! What the ways into the bot have in common: the secret that must be there, and the address that is listened on.

use std::net::SocketAddr;

use super::{
    node::Table,
    notes::{At, short},
};
use crate::secret::Secret;

/// A secret that must be there; `example` is a variable's name.
pub(super) fn need_secret(table: &Table<'_>, key: &'static str, example: &str) -> Option<Secret> {
    if !table.raw().contains_key(key) {
        table.refuse(table.at, format!("{key} is missing: write {key} = {{ env = \"{example}\" }}"));
    }
    table.secret(key).map(|secret| secret.value)
}

/// What `listen` says; anything that a network reaches is warned of.
pub(super) fn address(table: &Table<'_>, listen: &At<String>) -> Option<SocketAddr> {
    let Ok(address) = listen.value.parse::<SocketAddr>() else {
        table.refuse(listen.at, format!("\"{}\" is not an address and a port: write listen = \"127.0.0.1:8080\"", short(&listen.value)));
        return None;
    };
    if !address.ip().is_loopback() {
        table.warn(listen.at, "what people write would pass this network in clear: let only something that speaks TLS reach this address");
    }
    Some(address)
}
