//! bot.toml: read, checked, and turned into the catalogue and the settings. Unknown keys are refused; every refusal names
//! file, line and column, or the section it is about. Reads files and nothing else.

mod check;
mod raw;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::domain::policy::{Catalogue, Channel};

/// A bot.toml that may be put in force.
#[derive(Debug, Clone)]
pub struct Config {
    pub catalogue: Catalogue,
    /// `sqlite:FILE` or `postgres://..`
    pub store: String,
    pub providers: Vec<ProviderConfig>,
    pub ledger_key: PathBuf,
    pub ledger_origin: String,
    /// Where alarms are posted.
    pub alarm_channels: Vec<Channel>,
    /// Program and arguments that get each alarm as JSON on standard input.
    pub alarm_run: Vec<String>,
    /// Touched while nothing overdue is unreported.
    pub heartbeat: Option<PathBuf>,
}

/// One configured real system; its settings are the adapter's own.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    pub name: crate::domain::ids::ProviderName,
    pub kind: String,
    pub settings: toml::Table,
}

/// Everything that is wrong with a file, one line each: `bot.toml:12:5: ...`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Problems(pub Vec<String>);

/// Reads and checks a file.
pub fn load(path: &Path) -> Result<Config, Problems> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Problems(vec![format!("{name}: {error}")]))?;
    parse(&text, &name)
}

/// Checks a text. `name` is the file's name in refusals.
pub fn parse(text: &str, name: &str) -> Result<Config, Problems> {
    let file: raw::File = toml::from_str(text).map_err(|error| {
        let (line, column) = error.span().map_or((1, 1), |span| place(text, span.start));
        Problems(vec![format!("{name}:{line}:{column}: {}", error.message().replace('\n', " "))])
    })?;
    let digest = format!("sha256:{:x}", Sha256::digest(text.as_bytes()));
    check::check(file, digest).map_err(|problems| {
        let located = |(key, why): (String, String)| {
            let (line, column) = find(text, &key).map_or((1, 1), |at| place(text, at));
            format!("{name}:{line}:{column}: {why}")
        };
        Problems(problems.into_iter().map(located).collect())
    })
}

/// Line and column, from one.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Where a table such as `policies.hosts` begins.
fn find(text: &str, table: &str) -> Option<usize> {
    text.find(&format!("[{table}]")).or_else(|| text.find(table.rsplit('.').next().unwrap_or(table)))
}
