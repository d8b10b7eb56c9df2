//! A secret in configuration: only where it is found, never what it is. It is read when it is used, so nothing that is
//! kept, printed or compared can hold one.

use std::{
    fmt,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};

/// How a secret is written in bot.toml.
pub const HOW: &str = "{ env = \"NAME\" } or { file = \"PATH\" }";

/// Longest secret that is read from a file, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Where a secret is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// In one of the bot's own environment variables.
    Env(String),
    /// In a file that only the bot can read. One line break at its end does not count.
    File(PathBuf),
}

impl Secret {
    /// The secret itself.
    /// # Errors
    /// It is missing, empty, longer than 64 KiB, not UTF-8, or in a file that others can read. Says where, never what.
    pub fn read(&self) -> Result<SecretString, String> {
        let text = match self {
            Self::Env(name) => from_environment(name)?,
            Self::File(path) => from_file(path)?,
        };
        if text.trim().is_empty() { Err(format!("{self} is empty")) } else { Ok(text.into()) }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

fn from_environment(name: &str) -> Result<String, String> {
    match std::env::var(name) {
        Ok(text) => Ok(text),
        Err(std::env::VarError::NotPresent) => Err(format!("the environment variable {name} is not set")),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("the environment variable {name} is not UTF-8")),
    }
}

fn from_file(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let failed = |error: std::io::Error| format!("{shown}: {error}");
    let file = std::fs::File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(format!("{shown} is not a file"));
    }
    if about.permissions().mode() & 0o077 != 0 {
        return Err(format!("{shown} can be read by others: chmod 600 it"));
    }
    if about.len() > LONGEST {
        return Err(format!("{shown} is longer than 64 KiB"));
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => format!("{shown} is not UTF-8"),
        _ => failed(error),
    })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// Errors never quote what stands there: it may be the secret.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reference;
        impl<'de> Visitor<'de> for Reference {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{HOW}")
            }

            fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Secret, E> {
                Err(E::custom(format!("a secret never stands in the file: write {HOW}")))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
                let found = match map.next_entry::<String, String>() {
                    Ok(Some((key, name))) if key == "env" => Some(Secret::Env(name)),
                    Ok(Some((key, path))) if key == "file" => Some(Secret::File(path.into())),
                    _ => None,
                };
                let more = found.is_some() && map.next_key::<String>()?.is_some();
                found.filter(|_| !more).ok_or_else(|| A::Error::custom(format!("a secret is written {HOW}")))
            }
        }
        from.deserialize_any(Reference)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use secrecy::ExposeSecret as _;

    use super::*;

    fn file(text: &[u8], mode: u32) -> (tempfile::TempDir, Secret) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, Secret::File(path))
    }

    fn refused(text: &[u8], mode: u32) -> String {
        file(text, mode).1.read().err().unwrap()
    }

    #[test]
    fn a_file_is_read_without_its_last_line_break() {
        let (_folder, secret) = file(b"hunter2\n", 0o600);
        assert_eq!(secret.read().unwrap().expose_secret(), "hunter2");
    }

    #[test]
    fn what_is_missing_empty_or_readable_by_others_is_refused() {
        assert!(Secret::File("/nowhere/secret".into()).read().err().unwrap().contains("/nowhere/secret"));
        assert!(Secret::Env("HALLPASS_NO_SUCH_VARIABLE".into()).read().err().unwrap().contains("is not set"));
        let (_kept, secret) = file(b"\n", 0o600);
        assert!(secret.read().err().unwrap().contains("is empty"));
        let (_kept, secret) = file(b"hunter2", 0o640);
        assert!(secret.read().err().unwrap().contains("chmod 600"));
        let (_kept, secret) = file(&[0xff, 0xfe], 0o600);
        assert!(secret.read().err().unwrap().contains("not UTF-8"));
        let (_kept, secret) = file(&vec![b'x'; 70_000], 0o600);
        assert!(secret.read().err().unwrap().contains("64 KiB"));
        assert_eq!(Secret::Env("PATH".into()).read().is_ok(), std::env::var("PATH").is_ok());
    }

    #[test]
    fn neither_debug_nor_an_error_shows_it() {
        let (_kept, secret) = file(b"hunter2", 0o600);
        assert!(!format!("{secret:?} {secret}").contains("hunter2"));
        assert!(!refused(b"hunter2", 0o644).contains("hunter2"));
    }

    #[test]
    fn it_is_written_as_one_reference_and_nothing_else_is_quoted() {
        #[derive(Debug, Deserialize)]
        struct Holder {
            it: Secret,
        }
        let read = |text: &str| toml::from_str::<Holder>(text).map(|holder| holder.it);
        assert_eq!(read("it = { env = \"TOKEN\" }"), Ok(Secret::Env("TOKEN".into())));
        assert_eq!(read("it = { file = \"/a\" }"), Ok(Secret::File("/a".into())));
        for wrong in ["\"hunter2\"", "{ env = \"hunter2\", file = \"/a\" }", "{ value = \"hunter2\" }", "{}", "[\"hunter2\"]"] {
            let error = read(&format!("it = {wrong}")).unwrap_err();
            assert!(error.message().contains("{ env") && !error.message().contains("hunter2"), "{wrong}: {error}");
        }
    }
}
