//! What the bot has on this machine: its file with templates and secrets, its store, its ledger key. Makes nothing.

use std::path::Path;

use secrecy::ExposeSecret as _;

use super::{super::check, report::Report};
use crate::{
    config::{self, Config},
    ledger::key::{Key, MarkFile},
    store::{Snapshot, StoreError},
};

/// The file, as `check` reads it; None when too little of it is right to go on.
pub(super) fn file(path: &Path, report: &mut Report) -> Option<Config> {
    let shown = path.display();
    let config = match config::load(path) {
        Ok(config) => {
            report.fine(format!("{shown}: nothing is wrong with it ({})", config.catalogue.digest));
            config.warnings.iter().for_each(|warning| report.note(warning));
            config
        }
        Err(problems) => {
            for problem in problems.0 {
                report.broken(problem, "mend this line; a secret is set where the bot runs and where this is run");
            }
            // Without its secrets there is still something to look at.
            config::load_kept(path).ok()?
        }
    };
    if let Err(why) = check::templates(&config) {
        report.broken(format!("{why:#}"), "mend the template, or take it out of its folder: then ours is used");
    }
    Some(config)
}

/// Whether the store opens; read only, beside whoever uses it.
pub(super) async fn store(config: &Config, report: &mut Report) {
    let url = &config.store.url;
    let open_with = match config.store.open_with() {
        Ok(open_with) => open_with,
        Err(why) => return report.broken(format!("store: its password cannot be read: {why}"), "set it, or correct store.password"),
    };
    if let Some(file) = url.strip_prefix("sqlite:").map(Path::new).filter(|file| !file.exists()) {
        let folder = folder_of(file);
        return if folder.is_dir() {
            report.fine(format!("store: {} is made at the first start", file.display()));
        } else {
            report.broken(format!("store: there is no folder {}", folder.display()), format!("mkdir -p {}", folder.display()));
        };
    }
    match Snapshot::open(open_with.expose_secret()).await {
        Ok(_) => report.fine(format!("store: {url} opens")),
        Err(StoreError::Corrupt(why)) => report.broken(
            format!("store: {url}: {why}"),
            "if it is new or older, start the bot once: it makes its tables and brings them up to date; else write another store.url",
        ),
        Err(why) => report.broken(format!("store: {url}: {why}"), "see that the database runs, and that its user may read and write it"),
    }
}

/// Whether the ledger's key can be used, and what was signed last be read.
pub(super) fn ledger_key(config: &Config, report: &mut Report) {
    let file = &config.ledger_key.file;
    let key = match &config.ledger_key.given {
        Some(given) => {
            given.read().and_then(|text| Key::given(text.expose_secret(), MarkFile::beside(file)).map_err(|why| format!("{given} {why}")))
        }
        None if file.exists() => Key::open(file, || [0; 32]),
        None if folder_of(file).is_dir() => return report.fine(format!("ledger key: {} is made at the first start", file.display())),
        None => {
            let folder = folder_of(file).display();
            return report.broken(format!("ledger key: there is no folder {folder}"), format!("mkdir -p {folder}"));
        }
    };
    match key.and_then(|key| key.mark().read()) {
        Ok(_) => report.fine("ledger key: it can be used"),
        Err(why) => report.broken(
            format!("ledger key: {why}"),
            "mend what this line says, or put the key back from its backup: with another one an audit fails",
        ),
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
