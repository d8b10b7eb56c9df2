//! What bot.toml says of a receiver. Errors quote no value: an address may hold a password.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf};

use reqwest::{
    Certificate,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde::{Deserialize, Deserializer, de::Error as _};
use url::{Host, Url};

use super::{
    guard::{Allow, may},
    sign,
};
use crate::secret::Secret;

/// Of a provider of the kind `webhook`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Settings {
    pub(super) url: Url,
    /// What requests are signed with, newest first; never empty.
    pub(super) secrets: Vec<Secret>,
    pub(super) headers: BTreeMap<String, Secret>,
    pub(super) allow: Allow,
    /// The authorities that are trusted instead of the machine's.
    pub(super) ca_file: Option<PathBuf>,
    /// Sent along with every request but `describe`. Not for secrets.
    pub(super) config: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    url: Address,
    secret: Option<Secret>,
    #[serde(default)]
    secrets: Vec<Secret>,
    #[serde(default)]
    headers: BTreeMap<Header, Secret>,
    #[serde(default)]
    allow: Allow,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    config: toml::Table,
}

/// Most keys that sign at the same time.
const KEYS_MAX: usize = 4;

impl TryFrom<Written> for Settings {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { url: Address(url), secret, mut secrets, headers, allow, ca_file, config } = written;
        match (secret, secrets.is_empty()) {
            (Some(secret), true) => secrets.push(secret),
            (None, false) if secrets.len() <= KEYS_MAX => {}
            (None, false) => return Err(format!("secrets are at most {KEYS_MAX}: the new one first, then those that still count")),
            (None, true) => return Err("secret is missing: write secret = { env = \"NAME\" }, or { file = \"PATH\" }".into()),
            (Some(_), false) => return Err("secret and secrets are two ways to say the same: leave one out".into()),
        }
        if let Some(address) = literal(&url) {
            may(&allow, &address.to_string(), address).map_err(|refused| format!("url: {refused}"))?;
        }
        let headers = headers.into_iter().map(|(Header(name), secret)| (name, secret)).collect();
        Ok(Self { url, secrets, headers, allow, ca_file, config })
    }
}

/// The address that stands in a URL instead of a name, whatever spelling it had there.
pub(super) fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
    }
}

/// Where requests go.
struct Address(Url);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        address(&text).map(Self).map_err(D::Error::custom)
    }
}

fn address(text: &str) -> Result<Url, &'static str> {
    const HOW: &str = "that is no address of a receiver: write \"https://access.example.org/hallpass\"";
    let url = Url::parse(text).ok().filter(Url::has_host).ok_or(HOW)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a name or a password in an address is sent to nobody: write headers = { Authorization = { env = \"NAME\" } }");
    }
    if url.fragment().is_some() {
        return Err("what stands behind # is sent to nobody: leave it out");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if literal(&url).is_some_and(|address| address.to_canonical().is_loopback()) => Ok(url),
        "http" => Err("what is sent would be in clear on a network: write https (http only to a loopback address that \"allow\" names)"),
        _ => Err(HOW),
    }
}

/// A header of the operator's own.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Header(String);

/// Headers that are ours, or that say how a message is sent.
const OURS: [&str; 12] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?.to_lowercase();
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(D::Error::custom("that is no name of a header"));
        }
        if OURS.contains(&name.as_str()) || name.starts_with("webhook-") {
            return Err(D::Error::custom("this header is written by the bot itself: leave it out"));
        }
        Ok(Self(name))
    }
}

/// What the settings refer to, read.
pub(super) struct Read {
    pub(super) keys: Vec<SecretSlice<u8>>,
    pub(super) headers: HeaderMap,
    pub(super) authorities: Option<Vec<Certificate>>,
    /// Everything of it that must not be told.
    pub(super) untold: Vec<String>,
}

impl Settings {
    /// Reads secrets and certificates.
    /// # Errors
    /// Which key, and what is wrong with what it names.
    pub(super) fn read(&self) -> Result<Read, (&'static str, String)> {
        let mut untold = Vec::new();
        let mut keys = Vec::new();
        for secret in &self.secrets {
            let of_it = |why: String| (if self.secrets.len() == 1 { "secret" } else { "secrets" }, why);
            let text = secret.read().map_err(of_it)?;
            keys.push(sign::key(text.expose_secret()).map_err(|why| of_it(format!("{secret} {why}")))?);
            untold.push(text.expose_secret().trim().to_owned());
        }
        let mut headers = HeaderMap::new();
        for (name, secret) in &self.headers {
            let text = secret.read().map_err(|why| ("headers", why))?;
            let odd = || ("headers", format!("{secret} cannot stand in a header"));
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| odd())?;
            let mut value = HeaderValue::from_str(text.expose_secret()).map_err(|_| odd())?;
            value.set_sensitive(true);
            headers.insert(name, value);
            // "Bearer TOKEN": the token is a secret by itself.
            untold.extend(text.expose_secret().split_whitespace().skip(1).map(str::to_owned));
            untold.push(text.expose_secret().to_owned());
        }
        let authorities = self.ca_file.as_deref().map(|file| certificates(file).map_err(|why| ("ca_file", why))).transpose()?;
        Ok(Read { keys, headers, authorities, untold })
    }
}

fn certificates(file: &std::path::Path) -> Result<Vec<Certificate>, String> {
    let shown = file.display();
    let text = std::fs::read(file).map_err(|error| format!("{shown}: {error}"))?;
    let found = Certificate::from_pem_bundle(&text).map_err(|_| format!("{shown} is no list of certificates (PEM)"))?;
    if found.is_empty() { Err(format!("{shown} has no certificate (PEM)")) } else { Ok(found) }
}
