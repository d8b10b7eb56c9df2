//! The signing key, in a file that only the bot can read, and beside it the last head it signed: a log must never sign
//! a smaller or a different tree than before, whatever the database says.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::SigningKey;

use super::checkpoint::Head;

/// The key and what it signed last.
pub struct Key {
    pub signing: SigningKey,
    last: PathBuf,
}

impl Key {
    /// Reads the key, or makes it from `seed`.
    pub fn open(path: &Path, seed: impl FnOnce() -> [u8; 32]) -> Result<Self, String> {
        let shown = path.display();
        let failed = |error: std::io::Error| format!("{shown}: {error}");
        if !path.exists() {
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map_err(failed)?;
            file.write_all(BASE64.encode(seed()).as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        if std::fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(format!("{shown} can be read by others: chmod 600 it"));
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        Self::given(&text, path).map_err(|why| format!("{shown}: {why}"))
    }

    /// The key itself, as a key file has it; what was signed last stands beside `path`, in `PATH.last`.
    /// # Errors
    /// It is not 32 bytes in base64.
    pub fn given(text: &str, path: &Path) -> Result<Self, String> {
        let bytes = BASE64.decode(text.trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let signing = SigningKey::from_bytes(&bytes.ok_or("this is not a ledger key, which is 32 bytes in base64")?);
        let mut last = path.as_os_str().to_owned();
        last.push(".last");
        Ok(Self { signing, last: last.into() })
    }

    /// Size and root (base64) of what was signed last; None: nothing yet.
    pub fn last(&self) -> Result<Option<(u64, String)>, String> {
        let shown = self.last.display();
        if !self.last.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&self.last).map_err(|error| format!("{shown}: {error}"))?;
        let (size, root) = text.trim().split_once(' ').ok_or_else(|| format!("{shown} cannot be read"))?;
        let size = size.parse().map_err(|_| format!("{shown} cannot be read"))?;
        Ok(Some((size, root.to_owned())))
    }

    /// May this head be signed? It must continue what was signed before.
    pub fn check(&self, head: &Head) -> Result<(), String> {
        let Some((size, root)) = self.last()? else { return Ok(()) };
        if size > head.size || (size == head.size && root != BASE64.encode(head.root)) {
            return Err(format!("the ledger has {} entries, and {size} were signed before: refusing to sign", head.size));
        }
        Ok(())
    }

    /// Remembers durably what was signed and stored.
    pub fn remember(&self, head: &Head) -> Result<(), String> {
        let beside = self.last.with_extension("new");
        let written = || -> std::io::Result<()> {
            let mut file = File::create(&beside)?;
            file.write_all(line(head).as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, &self.last)
        };
        written().map_err(|error| format!("{}: {error}", self.last.display()))
    }
}

fn line(head: &Head) -> String {
    format!("{} {}", head.size, BASE64.encode(head.root))
}
