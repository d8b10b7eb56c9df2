//! On whom and what the suite tries an adapter: from bot.toml and flags, or from a file of its own.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::{Context as _, anyhow, bail};
use serde::Deserialize;

use super::Test;
use crate::{
    clock::{Clock, SystemClock},
    config::{self, Config},
    domain::{
        ids::PersonId,
        policy::{Person, Role},
        time::Span,
    },
    provider::{
        Provider,
        build::build,
        conformance::Fixture,
        exec::{Environment, Exec, Settings},
    },
};

/// Until what the suite gives would end by itself, if the system can do that.
const LENGTH: Span = Span::from_minutes(20);

/// An adapter, started, and what to try on it.
pub(super) struct Chosen {
    pub(super) provider: Arc<dyn Provider>,
    /// Of an adapter outside.
    pub(super) exec: Option<Settings>,
    pub(super) fixture: Fixture,
}

/// A fixture file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    environment: Environment,
    #[serde(default)]
    config: toml::Table,
    role: RoleTable,
    person: PersonTable,
    other: PersonTable,
    unknown_person: Option<PersonTable>,
    unknown_role: Option<RoleTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleTable {
    #[serde(default = "role_name")]
    name: String,
    target: serde_json::Value,
}

fn role_name() -> String {
    "role".into()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonTable {
    id: PersonId,
    email: Option<String>,
    #[serde(default)]
    logins: BTreeMap<String, String>,
}

impl PersonTable {
    fn person(self) -> Person {
        let (name, identities) = (self.id.to_string(), BTreeMap::new());
        Person { id: self.id, name, email: self.email, time_zone: None, active: true, identities, logins: self.logins }
    }
}

impl RoleTable {
    fn role(self) -> anyhow::Result<Role> {
        let (title, policy) = (self.name.clone(), "suite".parse()?);
        Ok(Role { name: self.name.parse()?, title, policy, target: self.target })
    }
}

/// Starts the adapter that the flags name.
/// # Errors
/// Something is not there, or not said.
pub(super) async fn choose(flags: &Test) -> anyhow::Result<Chosen> {
    let file = flags.fixture.as_deref().map(read).transpose()?;
    match file {
        Some(file) if flags.adapter.contains('/') => program(flags, file).await,
        None if flags.adapter.contains('/') => {
            bail!("a program needs --fixture FILE, which says on whom and what to try it: docs/adapters.md")
        }
        file => named(flags, file).await,
    }
}

async fn program(flags: &Test, file: File) -> anyhow::Result<Chosen> {
    let settings = Settings {
        program: std::path::absolute(&flags.adapter)?,
        arguments: file.arguments.clone(),
        environment: file.environment.clone(),
        config: file.config.clone(),
    };
    let exec = Exec::start(settings.clone()).await.map_err(|fault| anyhow!(fault.message))?;
    Ok(Chosen { provider: Arc::new(exec), exec: Some(settings), fixture: from_file("under-test", file)? })
}

async fn named(flags: &Test, file: Option<File>) -> anyhow::Result<Chosen> {
    let config = config::load(&flags.config)?;
    let all = || config.providers.iter().map(|provider| provider.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = config.providers.iter().find(|provider| provider.name.as_str() == flags.adapter);
    let found = found.ok_or_else(|| anyhow!("{} names no provider {}; it has {}", flags.config.display(), flags.adapter, all()))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let provider = build(&found.kind, &found.settings, clock).await.map_err(|why| anyhow!("provider {}: {why}", found.name))?;
    let exec = if found.kind == "exec" { Some(found.settings.clone().try_into().context("its settings")?) } else { None };
    let fixture = match file {
        Some(file) => from_file(&flags.adapter, file)?,
        None => from_config(flags, &config)?,
    };
    Ok(Chosen { provider, exec, fixture })
}

fn read(path: &Path) -> anyhow::Result<File> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| shown.to_string())?;
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(&text).map_err(|error| anyhow!("{shown}:{}:{}: {error}", error.line(), error.column()));
    }
    toml::from_str(&text).map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        anyhow!("{shown}:{line}: {}", error.message())
    })
}

fn from_file(provider: &str, file: File) -> anyhow::Result<Fixture> {
    let unknown_role = file.unknown_role.map(RoleTable::role).transpose()?;
    let unknown_person = file.unknown_person.map(PersonTable::person);
    Ok(Fixture { unknown_person, unknown_role, ..fixture(provider, file.person.person(), file.other.person(), file.role.role()?)? })
}

fn from_config(flags: &Test, config: &Config) -> anyhow::Result<Fixture> {
    let resources = config.catalogue.resources.values().filter(|resource| resource.provider.as_str() == flags.adapter);
    let mut resources = resources.filter(|resource| flags.resource.as_deref().is_none_or(|name| resource.id.as_str() == name));
    let resource = resources.next().ok_or_else(|| anyhow!("no such resource is given by {}: name one with --resource", flags.adapter))?;
    let role = resource.roles.iter().find(|role| flags.role.as_deref().is_none_or(|name| role.name.as_str() == name));
    let role = role.ok_or_else(|| anyhow!("{} has no such role", resource.id))?.clone();
    let person = |flag: &str, id: Option<&String>| {
        let id = id.ok_or_else(|| anyhow!("whom shall it be tried on? Write --{flag} ID: somebody who holds nothing in that system"))?;
        let id: PersonId = id.parse().with_context(|| format!("--{flag} {id}"))?;
        config.catalogue.people.get(&id).cloned().ok_or_else(|| anyhow!("{id} is nobody in {}", flags.config.display()))
    };
    let (one, other) = (person("person", flags.person.as_ref())?, person("other", flags.other.as_ref())?);
    let nobody = flags.unknown_login.as_ref().map(|login| {
        let logins = one.logins.keys().map(|key| (key.clone(), login.clone())).collect();
        Person { logins, ..one.clone() }
    });
    let nowhere = flags.unknown_target.as_ref().map(|text| {
        let parsed: toml::Table =
            format!("target = {text}").parse().map_err(|_| anyhow!("--unknown-target is a table: {{ name = \"nowhere\" }}"))?;
        Ok::<_, anyhow::Error>(Role { target: serde_json::to_value(&parsed["target"])?, ..role.clone() })
    });
    Ok(Fixture { unknown_person: nobody, unknown_role: nowhere.transpose()?, ..fixture(&flags.adapter, one, other, role)? })
}

fn fixture(provider: &str, person: Person, other: Person, role: Role) -> anyhow::Result<Fixture> {
    if person.id == other.id {
        bail!("{} cannot stand for two people", person.id);
    }
    let now = SystemClock.now();
    Ok(Fixture {
        provider: provider.parse()?,
        person,
        other,
        role,
        unknown_person: None,
        unknown_role: None,
        until: now + LENGTH,
        later: now + LENGTH + LENGTH,
        run: format!("{:x}", now.seconds()),
    })
}
