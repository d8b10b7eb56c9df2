//! The copy of the last file that loaded, beside the file itself: what a start goes by when the file is broken (R15).
//! Holds exactly the text that was put in force, whatever stands in the file by then.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use crate::config::{Config, last_good};

/// Keeps the text of what is in force, or is about to be: whole or not at all, whenever the machine stops.
/// # Errors
/// The folder or the disk does not take it. What was kept before is still there.
pub(super) fn keep(path: &Path, config: &Config) -> std::io::Result<()> {
    let (kept, mut new) = (last_good(path), last_good(path).into_os_string());
    new.push(".new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
    if let Ok(original) = fs::metadata(path) {
        file.set_permissions(original.permissions())?;
    }
    file.write_all(config.text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, &kept)?;
    let folder = kept.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Whether this older copy may stay although it is not what is in force: a start that goes by it would still take away
/// where it was given. What it does not name alarms by itself.
pub(super) fn may_stay(copy: &Config, in_force: &Config) -> bool {
    let reaches_another = |was: &crate::config::ProviderConfig| {
        in_force.providers.iter().any(|now| now.name == was.name && (now.kind != was.kind || now.settings != was.settings))
    };
    copy.store.url == in_force.store.url && !copy.providers.iter().any(reaches_another)
}
