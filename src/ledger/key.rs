//! The signing key, in a file that only the bot can read or given by the configuration, and the mark beside it: the newest
//! head that was signed. A log must never sign a smaller or a different tree than before, whatever the database says, so
//! the mark is durable before its head is signed.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::SigningKey;

use super::{checkpoint::Head, tree::Hash};

/// The key and what it signed last.
pub struct Key {
    pub signing: SigningKey,
    mark: MarkFile,
}

/// Size and root of the newest head that was signed, or was about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub size: u64,
    pub root: Hash,
}

impl From<&Head> for Mark {
    fn from(head: &Head) -> Self {
        Self { size: head.size, root: head.root }
    }
}

impl Key {
    /// Reads the key's file, or makes it from `seed`. The mark lies beside it as `FILE.last`.
    pub fn open(path: &Path, seed: impl FnOnce() -> [u8; 32]) -> Result<Self, String> {
        if !path.exists() {
            make(path, &BASE64.encode(seed())).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let shown = path.display();
        let failed = |error: std::io::Error| format!("{shown}: {error}");
        if std::fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(format!("{shown} can be read by others: chmod 600 it"));
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        Self::given(&text, MarkFile::beside(path)).map_err(|why| format!("{shown} {why}"))
    }

    /// A key that came from elsewhere: base64 of its 32 bytes. The mark needs a file of its own.
    pub fn given(text: &str, mark: MarkFile) -> Result<Self, String> {
        let bytes = BASE64.decode(text.trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let signing = SigningKey::from_bytes(&bytes.ok_or("is not a ledger key")?);
        Ok(Self { signing, mark })
    }

    /// What was signed last.
    pub const fn mark(&self) -> &MarkFile {
        &self.mark
    }
}

/// Written whole beside its name and then given it, so that a crash never leaves half a key.
fn make(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder(path))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        // Another process made it first: theirs is the key.
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
        Ok(_) => File::open(folder(path))?.sync_all(),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file that holds the mark: `SIZE ROOT`, the root in base64.
#[derive(Debug, Clone)]
pub struct MarkFile(PathBuf);

impl MarkFile {
    /// The one that belongs to a key's file.
    pub fn beside(key: &Path) -> Self {
        Self(ended(key, ".last"))
    }

    /// None: nothing was signed yet.
    pub fn read(&self) -> Result<Option<Mark>, String> {
        let shown = self.0.display();
        let text = match std::fs::read_to_string(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| format!("{shown}: {error}"))?,
        };
        let mark = text.trim().split_once(' ').and_then(|(size, root)| {
            let root = BASE64.decode(root).ok()?.try_into().ok()?;
            Some(Mark { size: size.parse().ok()?, root })
        });
        mark.map(Some).ok_or_else(|| format!("{shown} cannot be read"))
    }

    /// Keeps other processes that share the file from signing; None: one of them is at it.
    pub(super) fn lock(&self) -> Result<Option<File>, String> {
        let path = ended(&self.0, ".lock");
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Durable when this returns. To be called under the lock, with a head that continues the mark.
    pub(super) fn write(&self, mark: &Mark) -> Result<(), String> {
        let beside = ended(&self.0, ".new");
        let written = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
            file.write_all(format!("{} {}\n", mark.size, BASE64.encode(mark.root)).as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, &self.0)?;
            File::open(folder(&self.0))?.sync_all()
        };
        written().map_err(|error| format!("{}: {error}", self.0.display()))
    }
}

fn ended(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made = Key::open(&path, || [7; 32]).unwrap();
        let read = Key::open(&path, || [8; 32]).unwrap();
        assert_eq!(made.signing.to_bytes(), read.signing.to_bytes());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Key::open(&path, || [7; 32]).is_err_and(|why| why.contains("chmod 600")));
    }

    #[test]
    fn a_mark_reads_back_and_garbage_is_not_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = MarkFile::beside(&folder.path().join("key"));
        assert_eq!(file.read(), Ok(None));
        let mark = Mark { size: 48_213, root: [9; 32] };
        file.write(&mark).unwrap();
        assert_eq!(file.read(), Ok(Some(mark)));
        for garbage in ["", "5", "5 x", "-1 CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk="] {
            std::fs::write(folder.path().join("key.last"), garbage).unwrap();
            assert!(file.read().is_err(), "{garbage}");
        }
    }

    #[test]
    fn one_signs_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = MarkFile::beside(&folder.path().join("key"));
        let held = file.lock().unwrap();
        assert!(held.is_some() && file.lock().unwrap().is_none());
        drop(held);
        assert!(file.lock().unwrap().is_some());
    }
}
