//! Which addresses may be connected to: public ones, and what bot.toml allows by name. Asked with every address that a name
//! has, at the moment of the connection, so that a name that means something else by then is refused.

use std::{fmt, net::IpAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::Deserialize;
use url::Host;

use super::ranges::{Kind, embedded, kind};

/// One entry of `allow`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// All addresses that begin with these bits.
    Range { first: IpAddr, bits: u8 },
    /// The addresses that this name has, where they are of a private network or this machine.
    Name(String),
}

/// What is allowed beside public addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Allow(Vec<Entry>);

impl<'de> Deserialize<'de> for Allow {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(Vec::deserialize(from)?))
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        entry(&text).map_err(serde::de::Error::custom)
    }
}

/// Shortest ranges that can be meant: a whole network of its class.
const BITS_LEAST: (u8, u8) = (8, 7);

fn entry(text: &str) -> Result<Entry, String> {
    const HOW: &str = "write an address, a range such as 10.0.0.0/8, or the name of a host";
    if let Some((first, bits)) = text.split_once('/') {
        let first: IpAddr = first.parse().map_err(|_| format!("that is no range of addresses: {HOW}"))?;
        let bits = bits.parse().map_err(|_| format!("that is no range of addresses: {HOW}"))?;
        let (least, most) = if first.is_ipv4() { (BITS_LEAST.0, 32) } else { (BITS_LEAST.1, 128) };
        if !(least..=most).contains(&bits) {
            return Err(format!("a range has between {least} and {most} bits here: name what is meant"));
        }
        return Ok(Entry::Range { first, bits });
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Entry::Range { first: address, bits: if address.is_ipv4() { 32 } else { 128 } });
    }
    match Host::parse(text) {
        Ok(Host::Domain(name)) if name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) => Ok(Entry::Name(plain(&name))),
        _ => Err(format!("that is no host: {HOW}")),
    }
}

/// A name in its one spelling.
fn plain(name: &str) -> String {
    let name = Host::parse(name).map_or_else(|_| name.to_lowercase(), |host| host.to_string());
    name.strip_suffix('.').unwrap_or(&name).to_owned()
}

impl Allow {
    fn holds(&self, address: IpAddr) -> bool {
        self.0.iter().any(|entry| matches!(entry, Entry::Range { first, bits } if begins(address, *first, *bits)))
    }

    /// This very address is an entry.
    fn is(&self, address: IpAddr) -> bool {
        let width = if address.is_ipv4() { 32 } else { 128 };
        self.0.iter().any(|entry| matches!(entry, Entry::Range { first, bits } if *first == address && *bits == width))
    }

    fn names(&self, host: &str) -> bool {
        let host = plain(host);
        self.0.iter().any(|entry| matches!(entry, Entry::Name(name) if *name == host))
    }
}

fn begins(address: IpAddr, first: IpAddr, bits: u8) -> bool {
    let (address, first, width) = match (address, first) {
        (IpAddr::V4(address), IpAddr::V4(first)) => (u128::from(address.to_bits()), u128::from(first.to_bits()), 32),
        (IpAddr::V6(address), IpAddr::V6(first)) => (address.to_bits(), first.to_bits(), 128),
        _ => return false,
    };
    bits == 0 || (address ^ first) >> (width - u32::from(bits)) == 0
}

/// An address that is not connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    host: String,
    address: IpAddr,
    kind: Kind,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, address, kind } = self;
        let is = if *host == address.to_string() { host.clone() } else { format!("{host} is {address}, and that") };
        write!(f, "{is} is {}, which is connected to only if \"allow\" names it", kind.words())
    }
}

impl std::error::Error for Refused {}

/// Stands before every connection.
pub(super) struct Guard {
    allow: Allow,
    /// Who knows the addresses of names.
    names: Arc<dyn Resolve>,
}

impl Guard {
    pub(super) const fn new(allow: Allow, names: Arc<dyn Resolve>) -> Self {
        Self { allow, names }
    }
}

/// May this address of this host be connected to?
/// # Errors
/// What it is.
pub(super) fn may(allow: &Allow, host: &str, address: IpAddr) -> Result<(), Refused> {
    let address = address.to_canonical();
    let one = |one: IpAddr| {
        let kind = kind(one);
        let is_allowed = match kind {
            Kind::Public => true,
            // What a name may be allowed to be; anything stranger must be named itself.
            Kind::Loopback | Kind::Private => allow.names(host) || allow.holds(one),
            // No range is written down for its sake.
            Kind::Metadata => allow.is(one),
            _ => allow.holds(one),
        };
        if is_allowed { Ok(()) } else { Err(Refused { host: host.to_owned(), address, kind }) }
    };
    // A range that stands for others is no word for what lies behind it.
    let behind = embedded(address);
    let is_far = |one: &IpAddr| !matches!(kind(*one), Kind::Metadata | Kind::LinkLocal);
    if allow.holds(address) && kind(address) != Kind::Metadata && behind.iter().all(is_far) {
        return Ok(());
    }
    one(address)?;
    behind.into_iter().try_for_each(one)
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, allow) = (name.as_str().to_owned(), self.allow.clone());
        let found = self.names.resolve(name);
        Box::pin(async move {
            let found: Vec<_> = found.await?.collect();
            // One that is refused makes the whole answer suspect.
            found.iter().try_for_each(|address| may(&allow, &host, address.ip()))?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The machine's own way to look names up.
pub(super) struct Machine;

impl Resolve for Machine {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}
