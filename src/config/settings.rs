//! `[store]`, `[ledger]`, `[alarm]`, `[templates]` and `[providers]`: what the bot runs on and with.

use std::{collections::BTreeSet, path::PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use toml::{Spanned, de::DeValue};

use super::{
    ProviderConfig,
    node::{self, Table},
    notes::{At, Reading, TEXT_MAX, TITLE_MAX, near, short, unknown},
    people::id,
    resources::{channels, kinds},
};
use crate::{
    domain::{ids::ProviderName, policy::Channel},
    provider::build,
    secret::Secret,
};

/// Whole numbers below this are read alike by every JSON reader, and are all that the ledger holds.
const NUMBER_LIMIT: u64 = 1 << 53;

/// Which store, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// `sqlite:FILE` or `postgres://user@host/database`; never with a password in it.
    pub url: String,
    /// Of the database's user.
    pub password: Option<Secret>,
}

impl StoreConfig {
    /// What the store is opened with: the URL, with the password if there is one.
    /// # Errors
    /// The secret cannot be read.
    pub fn open_with(&self) -> Result<SecretString, String> {
        let Some(password) = &self.password else { return Ok(self.url.clone().into()) };
        let password = password.read()?;
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("postgres", &self.url));
        let (user, place) = rest.split_once('@').unwrap_or(("postgres", rest));
        Ok(format!("{scheme}://{user}:{}@{place}", percent(password.expose_secret())).into())
    }
}

/// For a URL: everything but letters and digits is written as `%41`.
fn percent(text: &str) -> String {
    let byte = |b: u8| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") };
    text.bytes().map(byte).collect()
}

/// The key that signs the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerKey {
    /// Made on the first start, unless the key is given. What was signed last stands beside it, in `FILE.last`.
    pub file: PathBuf,
    /// Instead of the file's content.
    pub given: Option<Secret>,
}

pub(super) fn store(file: &Table<'_>) -> Option<StoreConfig> {
    let Some(table) = file.table("store") else {
        file.refuse(file.at, "[store] is missing: write [store] and below it url = \"sqlite:hallpass.db\"");
        return None;
    };
    let password = table.secret("password");
    let url = table.need_text("url", TEXT_MAX, "\"sqlite:hallpass.db\"")?;
    if let Some(path) = url.value.strip_prefix("sqlite:") {
        if let Some(password) = password {
            table.refuse(password.at, "SQLite has no password: leave it out");
        }
        let path = table.reading.path(path.trim_start_matches("//"));
        return Some(StoreConfig { url: format!("sqlite:{}", path.display()), password: None });
    }
    let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| url.value.strip_prefix(scheme));
    let Some(rest) = rest else {
        table.refuse(url.at, "a store is \"sqlite:FILE\" or \"postgres://user@host/database\"");
        return None;
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let user = rest.rsplit_once('@').map(|(user, _)| user);
    if user.is_some_and(|user| user.contains(':')) || rest.contains("password=") {
        let how = "password = { env = \"NAME\" } or { file = \"PATH\" }";
        table.refuse(url.at, format!("a secret never stands in the file: take the password out of the URL and write {how} beside it"));
        return None;
    }
    if let (Some(password), false) = (&password, authority.contains('@')) {
        table.refuse(password.at, "a password needs a user: write url = \"postgres://user@host/database\"");
    }
    Some(StoreConfig { url: url.value, password: password.map(|password| password.value) })
}

pub(super) fn ledger(file: &Table<'_>) -> (LedgerKey, String) {
    let table = file.table("ledger");
    let table = table.as_ref();
    let origin =
        table.and_then(|table| table.text("origin", TITLE_MAX)).map_or_else(|| "hallpass.local/ledger".into(), |origin| origin.value);
    let (key_file, given) = (table.and_then(|table| table.path("key_file")), table.and_then(|table| table.secret("key")));
    if let (Some(table), Some(_), Some(given)) = (table, &key_file, &given) {
        table.refuse(given.at, "key and key_file are two ways to say the same: leave one out");
    }
    let key_file = key_file.map_or_else(|| file.reading.path("hallpass.ledger-key"), |key_file| key_file.value);
    (LedgerKey { file: key_file, given: given.map(|given| given.value) }, origin)
}

/// Where alarms go.
#[derive(Default)]
pub(super) struct Alarm {
    pub(super) channels: Vec<Channel>,
    pub(super) run: Vec<String>,
    pub(super) heartbeat: Option<PathBuf>,
}

pub(super) fn alarm(file: &Table<'_>) -> Alarm {
    let Some(table) = file.table("alarm") else {
        file.warn(file.at, "alarms would stand in the log only: write [alarm] with channels = [..] or run = [..]");
        return Alarm::default();
    };
    let mut run = table.words("run");
    if let Some(program) = run.first_mut() {
        if program.is_empty() {
            table.refuse(table.place("run"), "the program has no name: write run = [\"/path/to/program\"]");
        } else if program.contains('/') {
            // A bare name is looked up in PATH.
            *program = table.reading.path(program).display().to_string();
        }
    }
    let alarm = Alarm { channels: channels(&table, "channels"), run, heartbeat: table.path("heartbeat").map(|file| file.value) };
    if alarm.channels.is_empty() && alarm.run.is_empty() {
        table.warn(table.at, "alarms would stand in the log only: write channels = [..] or run = [..]");
    }
    alarm
}

/// The folder of overrides.
pub(super) fn templates(file: &Table<'_>) -> Option<PathBuf> {
    let table = file.table("templates")?;
    let folder = table.path("folder")?;
    if file.reading.strict && !folder.value.is_dir() {
        table.refuse(folder.at, format!("{} is not a folder", folder.value.display()));
    }
    Some(folder.value)
}

pub(super) fn providers(file: &Table<'_>) -> Vec<ProviderConfig> {
    let mut providers = Vec::new();
    for (name, table) in file.named("providers") {
        let Some(kind) = table.need_text("kind", TITLE_MAX, &format!("one of {}", kinds())) else {
            drop(table.opened());
            continue;
        };
        let entries = table.raw();
        let reading = table.reading;
        let at = table.at;
        let table = table.opened();
        if !build::KINDS.contains(&kind.value.as_str()) {
            let hint = near(&kind.value, build::KINDS);
            table.refuse(kind.at, format!("\"{}\" is not a kind of provider: {}{hint}", short(&kind.value), kinds()));
            continue;
        }
        let settings: toml::de::DeTable<'_> =
            entries.iter().filter(|(key, _)| key.get_ref() != "kind").map(|(k, v)| (k.clone(), v.clone())).collect();
        if let Err(error) = build::check(&kind.value, Spanned::new(at..at, DeValue::Table(settings.clone()))) {
            table.refuse(error.span().map_or(at, |span| span.start.max(at)), told(&error));
            continue;
        }
        let problems = || reading.log.problems.borrow().len();
        let before = problems();
        for (key, found) in build::secrets(&kind.value).iter().filter_map(|key| Some((key, entries.get(*key)?))) {
            secrets_are_there(key, found, reading);
        }
        let are_there = problems() == before;
        let settings = absolute(&kind.value, settings, reading);
        if reading.strict
            && let Err((key, why)) = build::look(&kind.value, &settings)
            && (are_there || !build::secrets(&kind.value).contains(&key))
        {
            table.refuse(entries.get(key).map_or(at, |found| found.span().start), why);
        }
        if let Some(name) = id::<ProviderName>(&reading.log, &name, "a provider") {
            providers.push(ProviderConfig { name, kind: kind.value, settings });
        }
    }
    providers
}

/// What serde says, without the value that it quotes: that may be a secret.
fn told(error: &toml::de::Error) -> String {
    let message = error.message().replace('\n', " ");
    let Some((found, expected)) = message.split_once(", expected ") else { return message.replace('`', "\"") };
    let Some(key) = found.strip_prefix("unknown field `").and_then(|rest| rest.strip_suffix('`')) else {
        let plain = [("a sequence", "a list"), ("a map", "a table"), ("a string", "a text in quotes"), ("`", "\"")];
        return plain.iter().fold(format!("expected {expected}"), |text, (theirs, ours)| text.replace(theirs, ours));
    };
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    unknown(key, &known)
}

/// Refuses what cannot be read of a setting's secrets: one reference, or a list or a table of them. In a list a name alone is
/// a variable.
fn secrets_are_there(key: &str, value: &Spanned<DeValue<'_>>, reading: &Reading) {
    match value.get_ref() {
        DeValue::String(name) => reading.must_be_there(&At { at: value.span().start, value: Secret::Env(name.to_string()) }),
        DeValue::Array(items) => items.iter().for_each(|item| secrets_are_there(key, item, reading)),
        DeValue::Table(entries) if !is_reference(entries.iter().map(|(key, value)| (key.get_ref().as_ref(), value.get_ref().is_str()))) => {
            entries.iter().for_each(|(key, value)| secrets_are_there(key.get_ref(), value, reading));
        }
        _ => node::secret(value, key, reading).iter().for_each(|secret| reading.must_be_there(secret)),
    }
}

/// `{ env = ".." }` or `{ file = ".." }`.
fn is_reference<'a>(mut entries: impl Iterator<Item = (&'a str, bool)>) -> bool {
    matches!((entries.next(), entries.next()), (Some(("env" | "file", true)), None))
}

/// Paths of a provider's settings, from the file's folder.
fn absolute(kind: &str, settings: toml::de::DeTable<'_>, reading: &Reading) -> toml::Table {
    let mut settings: toml::Table =
        settings.into_iter().map(|(key, value)| (key.into_inner().into_owned(), plain(value.into_inner()))).collect();
    let made = |value: &mut toml::Value| {
        if let Some(text) = value.as_str() {
            *value = reading.path(text).display().to_string().into();
        }
    };
    for key in build::paths(kind) {
        settings.get_mut(*key).into_iter().for_each(made);
    }
    for key in build::secrets(kind) {
        settings.get_mut(*key).into_iter().for_each(|secrets| files(secrets, &made));
    }
    settings
}

/// Does it to the path of every secret that lies in a file.
fn files(secrets: &mut toml::Value, made: &impl Fn(&mut toml::Value)) {
    match secrets {
        toml::Value::Array(items) => items.iter_mut().for_each(|item| files(item, made)),
        toml::Value::Table(table) if is_reference(table.iter().map(|(key, value)| (key.as_str(), value.is_str()))) => {
            table.get_mut("file").into_iter().for_each(made);
        }
        toml::Value::Table(table) => table.iter_mut().for_each(|(_, value)| files(value, made)),
        _ => {}
    }
}

/// Without places.
pub(super) fn plain(value: DeValue<'_>) -> toml::Value {
    match value {
        DeValue::String(text) => toml::Value::String(text.into_owned()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(toml::Value::Integer(0), toml::Value::Integer)
        }
        DeValue::Float(number) => number.as_str().parse().map_or(toml::Value::Float(0.0), toml::Value::Float),
        DeValue::Boolean(flag) => toml::Value::Boolean(flag),
        DeValue::Datetime(at) => toml::Value::Datetime(at),
        DeValue::Array(items) => toml::Value::Array(items.into_iter().map(|item| plain(item.into_inner())).collect()),
        DeValue::Table(table) => {
            toml::Value::Table(table.into_iter().map(|(key, value)| (key.into_inner().into_owned(), plain(value.into_inner()))).collect())
        }
    }
}

/// What a role tells its adapter; of kinds that are ours it is checked here.
pub(super) fn target(role: &Table<'_>, kind: Option<&str>) -> Value {
    let empty = || Value::Object(serde_json::Map::new());
    let Some(table) = role.table("target").map(Table::opened) else { return empty() };
    let entries = table.raw().clone();
    if let Err(error) = build::check_target(kind.unwrap_or_default(), Spanned::new(table.at..table.at, DeValue::Table(entries.clone()))) {
        table.refuse(error.span().map_or(table.at, |span| span.start.max(table.at)), told(&error));
    }
    if table.reading.strict {
        entries.iter().for_each(|(key, value)| exact(key.get_ref(), value, &table));
    }
    serde_json::to_value(plain(DeValue::Table(entries))).unwrap_or_else(|_| empty())
}

/// A target stands in the ledger and goes to adapters of any language: every reader must read its numbers alike.
fn exact(key: &str, value: &Spanned<DeValue<'_>>, table: &Table<'_>) {
    let (at, key) = (value.span().start, short(key));
    match value.get_ref() {
        DeValue::Integer(number) => {
            let whole = i64::from_str_radix(number.as_str(), number.radix()).ok();
            if whole.is_none_or(|whole| whole.unsigned_abs() >= NUMBER_LIMIT) {
                table.refuse(at, format!("{key} is a number beyond 2^53, which not every program reads alike: write it in quotes"));
            }
        }
        DeValue::Float(_) => table.refuse(at, format!("{key} must be a whole number: write it without a point, or in quotes")),
        DeValue::Datetime(_) => table.refuse(at, format!("{key} is a date: write it in quotes")),
        DeValue::Array(items) => items.iter().for_each(|item| exact(&key, item, table)),
        DeValue::Table(entries) => entries.iter().for_each(|(key, value)| exact(key.get_ref(), value, table)),
        DeValue::String(_) | DeValue::Boolean(_) => {}
    }
}

/// Kinds that are used by nobody are said by their name.
pub(super) fn unused(file: &Table<'_>, providers: &[ProviderConfig], used: &BTreeSet<ProviderName>) {
    let places = file.raw().get("providers").and_then(|value| value.get_ref().as_table());
    for provider in providers.iter().filter(|provider| !used.contains(&provider.name)) {
        let at = places.and_then(|table| table.get_key_value(provider.name.as_str())).map_or(file.at, |(key, _)| key.span().start);
        file.warn(at, format!("no resource uses the provider {}", provider.name));
    }
}
