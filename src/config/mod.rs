//! bot.toml: read, checked, and turned into the catalogue and the settings. All problems of a file are found at once, and
//! each names file, line and column and says what to write instead. Reads files and the environment, and nothing else.

mod chains;
mod digest;
mod discord;
mod doors;
mod hosts;
mod ids;
mod node;
mod notes;
mod people;
mod policies;
mod resources;
mod settings;
mod slack;
mod uses;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use toml::de::DeTable;

pub use self::{
    discord::{DiscordConfig, DiscordDoor},
    settings::{LedgerKey, StoreConfig},
    slack::{SlackConfig, SlackDoor},
};
use self::{
    node::Table,
    notes::{At, Log, Reading, folder_of, line_and_column},
    people::Names,
    resources::Known,
};
use crate::domain::policy::{Catalogue, Channel};

/// Largest file that is read, in bytes.
const FILE_MAX: usize = 4 * 1024 * 1024;

/// A bot.toml that may be put in force. Holds no secret, only where each is found. All paths are absolute.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file as it was read: what is kept of it once it counts as loaded.
    pub text: String,
    pub catalogue: Catalogue,
    /// The bot's app in Slack, if it has one.
    pub slack: Option<SlackConfig>,
    /// The bot's application in Discord, if it has one.
    pub discord: Option<DiscordConfig>,
    pub store: StoreConfig,
    pub providers: Vec<ProviderConfig>,
    pub ledger_key: LedgerKey,
    pub ledger_origin: String,
    /// Folder whose templates replace ours.
    pub templates: Option<PathBuf>,
    /// Where alarms are posted.
    pub alarm_channels: Vec<Channel>,
    /// Program and arguments that get each alarm as JSON on standard input.
    pub alarm_run: Vec<String>,
    /// Touched while nothing overdue is unreported.
    pub heartbeat: Option<PathBuf>,
    /// What is allowed and yet hardly meant, one line each, with its place.
    pub warnings: Vec<String>,
}

/// One configured real system; its settings are the adapter's own.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    pub name: crate::domain::ids::ProviderName,
    pub kind: String,
    pub settings: toml::Table,
}

/// Everything that is wrong with a file, in its order, one line each: `bot.toml:12:5: ...`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Problems(pub Vec<String>);

/// Reads and checks a file, and that what it refers to (secrets, programs, folders) is there.
pub fn load(path: &Path) -> Result<Config, Problems> {
    read(path).and_then(|text| parsed(&text, path, true))
}

/// Reads a file that loaded before. What it refers to may be gone: whatever needs it fails then, and nothing else.
pub fn load_kept(path: &Path) -> Result<Config, Problems> {
    read(path).and_then(|text| parsed(&text, path, false))
}

/// Where the last file that loaded is kept, beside the file itself.
pub fn last_good(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".last-good");
    name.into()
}

/// Checks a text. `name` is the file's name in refusals, and its folder is where relative paths begin.
pub fn parse(text: &str, name: &str) -> Result<Config, Problems> {
    parsed(text, Path::new(name), true)
}

fn read(path: &Path) -> Result<String, Problems> {
    std::fs::read_to_string(path).map_err(|error| Problems(vec![format!("{}: {error}", path.display())]))
}

fn parsed(text: &str, path: &Path, strict: bool) -> Result<Config, Problems> {
    let name = path.display().to_string();
    if text.len() > FILE_MAX {
        return Err(Problems(vec![format!("{name}: larger than 4 MiB")]));
    }
    let placed = |notes: Vec<At<String>>| -> Vec<String> {
        let mut notes = notes;
        notes.sort_by(|a, b| (a.at, &a.value).cmp(&(b.at, &b.value)));
        notes.dedup();
        let line = |note: &At<String>| {
            let (line, column) = line_and_column(text, note.at);
            format!("{name}:{line}:{column}: {}", note.value)
        };
        notes.iter().map(line).collect()
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let note =
            |error: &toml::de::Error| At { at: error.span().map_or(0, |span| span.start), value: error.message().replace('\n', " ") };
        return Err(Problems(placed(errors.iter().map(note).collect())));
    }
    let reading = Reading { log: Log::default(), folder: folder_of(path), strict };
    let config = file(document.get_ref(), &reading, format!("sha256:{:x}", Sha256::digest(text.as_bytes())));
    let problems = reading.log.problems.into_inner();
    match config {
        Some(config) if problems.is_empty() => {
            Ok(Config { text: text.to_owned(), warnings: placed(reading.log.warnings.into_inner()), ..config })
        }
        _ => Err(Problems(placed(problems))),
    }
}

fn file(document: &DeTable<'_>, reading: &Reading, digest: String) -> Option<Config> {
    let file = Table::new(document, 0, reading);
    let log = &reading.log;
    let (names, known) = (Names::of(&file), Known::of(&file));
    let store = settings::store(&file);
    let members = people::members(&file);
    let slack = slack::slack(&file);
    slack::judge(&file, slack.as_ref());
    let discord = discord::discord(&file);
    discord::judge(&file, discord.as_ref(), slack.as_ref());
    let (people, groups) = (people::people(&file, members), people::groups(&file, &names));
    let policies = policies::policies(&file, &names);
    let resources = resources::resources(&file, &names, &known);
    let providers = settings::providers(&file);
    let administrators = names.deciders(log, &file.texts("administrators"));
    let auditors = names.deciders(log, &file.texts("auditors"));
    if administrators.is_empty() {
        log.warn(file.place("administrators"), "nobody could settle what cannot be read back: write administrators = [\"..\"]");
    }
    let time_zone = people::zone(&file).unwrap_or(chrono_tz::UTC);
    let (ledger_key, ledger_origin) = settings::ledger(&file);
    let alarm = settings::alarm(&file);
    let digests = digest::digest(&file, &names, time_zone);
    let templates = settings::templates(&file);
    let who = chains::Company { people: &people, groups: &groups, more: members.people_from.is_some() };
    chains::judge(log, &who, &policies);
    let readers = digests.iter().flat_map(|digests| &digests.may_read);
    let everywhere: Vec<_> = administrators.iter().chain(&auditors).chain(readers).cloned().collect();
    chains::look_round(&file, &who, &policies, &resources, &everywhere, &providers);
    let catalogue = Catalogue {
        people,
        members,
        groups,
        resources: resources.into_iter().map(|(id, (_, resource))| (id, resource)).collect(),
        policies: policies.into_iter().map(|(name, placed)| (name, placed.policy)).collect(),
        administrators,
        auditors,
        digests,
        digest,
        frozen: false,
        time_zone,
    };
    Some(Config {
        text: String::new(),
        catalogue,
        slack,
        discord,
        store: store?,
        providers,
        ledger_key,
        ledger_origin,
        templates,
        alarm_channels: alarm.channels,
        alarm_run: alarm.run,
        heartbeat: alarm.heartbeat,
        warnings: Vec::new(),
    })
}
