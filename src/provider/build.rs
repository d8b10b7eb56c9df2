//! Makes the adapter that bot.toml names. The list of kinds is closed.

use std::sync::Arc;

use super::{Provider, pretend::Pretend, ssh};
use crate::{clock::Clock, domain::entitlement::Ownership};

/// Makes one adapter from its settings; says what is wrong with them otherwise.
pub fn build(kind: &str, settings: &toml::Table, clock: Arc<dyn Clock>) -> Result<Arc<dyn Provider>, String> {
    match kind {
        "pretend" if settings.is_empty() => Ok(Arc::new(Pretend::new(Ownership::PerGrant))),
        "pretend" => Err("a pretend provider has no settings".into()),
        "ssh" => {
            let settings: ssh::Settings = settings.clone().try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
            Ok(Arc::new(ssh::Ssh::open(settings, clock)?))
        }
        other => Err(format!("\"{other}\" is not a kind of provider: ssh, pretend")),
    }
}
