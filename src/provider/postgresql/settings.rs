//! What bot.toml says of a PostgreSQL server, and of a role there. Checked when it is read; opens nothing.

use std::{net::IpAddr, path::PathBuf};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use tokio_postgres::config::Host;

use crate::secret::Secret;

/// Longest name of a role or database that a server keeps whole, in bytes.
pub(super) const NAME_MAX: usize = 63;
const PORT: u16 = 5432;
const CONNECTIONS: u32 = 4;
const CONNECTIONS_MAX: u32 = 64;
const LOGIN_CONNECTIONS: u16 = 5;
const LOGIN_CONNECTIONS_MAX: u16 = 1000;

/// How a server is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(super) place: Place,
    pub(super) user: String,
    /// The database that is connected to first; roles are of the whole cluster.
    pub(super) database: String,
    pub(super) password: Option<Secret>,
    pub(super) tls: Tls,
    pub(super) ca_file: Option<PathBuf>,
    /// Most connections at the same time.
    pub(super) connections: u32,
    /// Where people connect to.
    pub(super) shown: Place,
}

/// A host name, an address or the folder of a socket; and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Whether what is said to the server can be read on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Tls {
    /// Encrypted, the certificate and the host's name in it checked.
    #[default]
    VerifyFull,
    /// Only on this machine.
    Off,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    url: String,
    password: Option<Secret>,
    #[serde(default)]
    tls: Tls,
    ca_file: Option<PathBuf>,
    connections: Option<u32>,
    host: Option<String>,
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::checked(Raw::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl Settings {
    fn checked(raw: Raw) -> Result<Self, String> {
        let (place, user, database) = parts(&raw.url)?;
        if raw.tls == Tls::Off && !place.is_here() {
            return Err("tls = \"off\" is only for a loopback address or a socket: what is sent elsewhere can be read on the way".into());
        }
        if raw.tls == Tls::Off && raw.ca_file.is_some() {
            return Err("ca_file has no use with tls = \"off\": leave one out".into());
        }
        let connections = raw.connections.unwrap_or(CONNECTIONS);
        if !(1..=CONNECTIONS_MAX).contains(&connections) {
            return Err(format!("connections is a number from 1 to {CONNECTIONS_MAX}"));
        }
        let shown = raw.host.as_deref().map(Place::read).transpose()?.unwrap_or_else(|| place.clone());
        Ok(Self { place, user, database, password: raw.password, tls: raw.tls, ca_file: raw.ca_file, connections, shown })
    }
}

fn parts(url: &str) -> Result<(Place, String, String), String> {
    const HOW: &str = "url is \"postgres://user@host:5432/database\"";
    let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| url.strip_prefix(scheme)).ok_or(HOW)?;
    let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
    let names_a_password = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) || query.contains("password=");
    if names_a_password {
        return Err(format!("a secret never stands in the file: take it out of url and write password = {} beside it", crate::secret::HOW));
    }
    if !query.is_empty() && (query.contains('&') || !query.starts_with("host=")) {
        return Err("after the \"?\" of url only host=/FOLDER of a socket may stand: everything else has a key of its own".into());
    }
    let config: tokio_postgres::Config = url.parse().map_err(|_| HOW)?;
    let host = match config.get_hosts() {
        [Host::Tcp(host)] => host.clone(),
        [Host::Unix(folder)] => folder.to_str().ok_or(HOW)?.to_owned(),
        [] => return Err(format!("url names no host: {HOW}")),
        _ => return Err("url names several hosts: write the name that leads to the one that is written to".into()),
    };
    let user = config.get_user().filter(|user| !user.is_empty()).ok_or_else(|| format!("url names no user: {HOW}"))?;
    let database = config.get_dbname().filter(|name| !name.is_empty()).ok_or_else(|| format!("url names no database: {HOW}"))?;
    let port = config.get_ports().first().copied().unwrap_or(PORT);
    Ok((Place { host, port }, name(user, "url's user")?, name(database, "url's database")?))
}

impl Place {
    /// Nobody between us and it.
    fn is_here(&self) -> bool {
        self.host.starts_with('/') || self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// `db.example.org:6432`, with or without a port; an IPv6 address with one stands in brackets.
    fn read(text: &str) -> Result<Self, String> {
        let how = || "host is a name or an address, with or without a port: \"db.example.org:6432\"".to_owned();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if text.parse::<IpAddr>().is_err() => (host, port.parse().map_err(|_| how())?),
            _ => (text, PORT),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let good = |c: char| c.is_ascii_alphanumeric() || "-._:/".contains(c);
        if host.is_empty() || port == 0 || !host.chars().all(good) || host.starts_with('-') {
            return Err(how());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

/// What somebody who holds a role gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// A login of the grant's own, which is a member of the role.
    #[default]
    Login,
    /// The role, for the person's own login.
    Membership,
}

/// What a role of this provider is. As configured and as resolved it is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Target {
    pub(super) role: String,
    pub(super) form: Form,
    /// Most sessions of a generated login at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connections: Option<u16>,
    /// Who gets what a generated login has made and leaves behind; None: the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reassign_to: Option<String>,
    /// For the line that says how to connect; None: the one that the bot connects to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) database: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTarget {
    role: String,
    #[serde(default)]
    form: Form,
    connections: Option<u16>,
    reassign_to: Option<String>,
    database: Option<String>,
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::checked(RawTarget::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl Target {
    fn checked(raw: RawTarget) -> Result<Self, String> {
        let RawTarget { role, form, mut connections, reassign_to, database } = raw;
        if form == Form::Membership && (connections.is_some() || reassign_to.is_some()) {
            return Err("connections and reassign_to are for form = \"login\": a person's own login is left as it is".into());
        }
        if form == Form::Login {
            let most = connections.unwrap_or(LOGIN_CONNECTIONS);
            if !(1..=LOGIN_CONNECTIONS_MAX).contains(&most) {
                return Err(format!("connections is a number from 1 to {LOGIN_CONNECTIONS_MAX}"));
            }
            connections = Some(most);
        }
        let reassign_to = reassign_to.map(|to| name(&to, "reassign_to")).transpose()?;
        let database = database.map(|database| name(&database, "database")).transpose()?;
        Ok(Self { role: name(&role, "role")?, form, connections, reassign_to, database })
    }
}

/// A server cuts what is too long, and then it would be another one's name.
fn name(text: &str, what: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > NAME_MAX || text.contains('\0') {
        return Err(format!("{what} is a name of 1 to {NAME_MAX} bytes"));
    }
    Ok(text.to_owned())
}

/// Whether this says what a role is.
pub(in crate::provider) fn check_target<'de, D: Deserializer<'de>>(target: D) -> Result<(), D::Error> {
    Target::deserialize(target).map(drop)
}
