//! Makes the adapter that bot.toml names. The list of kinds is closed.

use std::{path::Path, sync::Arc};

use serde::{Deserialize as _, de::DeserializeOwned};
use toml::{
    Spanned,
    de::{DeValue, Error, ValueDeserializer},
};

use super::{Provider, exec, postgresql, pretend::Pretend, ssh, webhook};
use crate::{clock::Clock, domain::entitlement::Ownership};

/// Every kind.
pub const KINDS: [&str; 5] = ["ssh", "exec", "webhook", "postgresql", "pretend"];

/// Is the shape of these settings right? Starts and opens nothing. The error knows its place in the file.
/// # Errors
/// An unknown key, a missing one, or a value of another type.
pub fn check(kind: &str, settings: Spanned<DeValue<'_>>) -> Result<(), Error> {
    match kind {
        "ssh" => ssh::Settings::deserialize(ValueDeserializer::from(settings)).map(drop),
        "exec" => exec::Settings::deserialize(ValueDeserializer::from(settings)).map(drop),
        "postgresql" => postgresql::Settings::deserialize(ValueDeserializer::from(settings)).map(drop),
        "webhook" => webhook::Settings::deserialize(ValueDeserializer::from(settings)).map(drop),
        _ => Nothing::deserialize(ValueDeserializer::from(settings)).map(drop),
    }
}

/// A provider without settings.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Is this what a role of such a provider is? What an adapter outside wants only it can say.
/// # Errors
/// As for `check`.
pub fn check_target(kind: &str, target: Spanned<DeValue<'_>>) -> Result<(), Error> {
    match kind {
        "ssh" => ssh::check_target(ValueDeserializer::from(target)),
        "postgresql" => postgresql::check_target(ValueDeserializer::from(target)),
        _ => Ok(()),
    }
}

/// Settings of this kind that are paths.
pub fn paths(kind: &str) -> &'static [&'static str] {
    match kind {
        "ssh" => &["ca_key_file", "revocation_list"],
        "exec" => &["program"],
        "postgresql" | "webhook" => &["ca_file"],
        _ => &[],
    }
}

/// Those of them that making the adapter makes, when they are not there yet.
pub fn makes(kind: &str) -> &'static [&'static str] {
    if kind == "ssh" { &["ca_key_file"] } else { &[] }
}

/// Settings of this kind that are a secret, a list of secrets, or a table of them.
pub fn secrets(kind: &str) -> &'static [&'static str] {
    match kind {
        "exec" => &["environment"],
        "postgresql" => &["password"],
        "webhook" => &["secret", "secrets", "headers"],
        _ => &[],
    }
}

/// Looks at what right settings refer to: a program that nobody else can change, keys and certificates that can be used.
/// Secrets that are not there at all are not its business.
/// # Errors
/// The setting, what is wrong with what it names, and how to mend it.
pub fn look(kind: &str, settings: &toml::Table) -> Result<(), (&'static str, String)> {
    let program = || settings.get("program").and_then(toml::Value::as_str);
    match kind {
        "exec" => program().map_or(Ok(()), |program| exec::runnable(Path::new(program)).map_err(|why| ("program", why))),
        "webhook" => read(settings).map_or(Ok(()), |settings| webhook::look(&settings)),
        _ => Ok(()),
    }
}

/// Makes one adapter from its settings; says what is wrong with them otherwise, naming the key.
pub async fn build(kind: &str, settings: &toml::Table, clock: Arc<dyn Clock>) -> Result<Arc<dyn Provider>, String> {
    match kind {
        "pretend" => match settings.keys().next() {
            None => Ok(Arc::new(Pretend::with_credentials(Ownership::PerGrant))),
            Some(key) => Err(format!("unknown key \"{key}\": a pretend provider has no settings")),
        },
        "ssh" => Ok(Arc::new(ssh::Ssh::open(read(settings)?, clock)?)),
        "exec" => Ok(Arc::new(exec::Exec::start(read(settings)?).await.map_err(|fault| fault.message)?)),
        "webhook" => Ok(Arc::new(webhook::Webhook::start(read(settings)?, clock).await.map_err(|fault| fault.message)?)),
        "postgresql" => Ok(Arc::new(postgresql::Postgresql::open(read(settings)?)?)),
        other => Err(format!("\"{other}\" is not a kind of provider: {}", KINDS.join(", "))),
    }
}

fn read<T: DeserializeOwned>(settings: &toml::Table) -> Result<T, String> {
    settings.clone().try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::ManualClock, domain::time::Instant};

    async fn refused(kind: &str, settings: &str) -> String {
        let clock = Arc::new(ManualClock::new(Instant::from_micros(0)));
        build(kind, &settings.parse().unwrap(), clock).await.err().unwrap()
    }

    #[tokio::test]
    async fn an_unknown_kind_or_key_is_refused_by_name() {
        assert!(refused("carrier_pigeon", "").await.contains("\"carrier_pigeon\" is not a kind"));
        assert!(refused("pretend", "wings = 2").await.contains("wings"));
        assert!(refused("ssh", "ca_key_file = 'a'\nrevocation_list = 'b'\nwings = 2").await.contains("wings"));
        assert!(refused("exec", "program = '/bin/true'\nwings = 2").await.contains("wings"));
        assert!(refused("exec", "program = 'bin/true'").await.contains("absolute"));
        assert!(refused("webhook", "url = 'https://a.example'\nwings = 2").await.contains("wings"));
    }
}
