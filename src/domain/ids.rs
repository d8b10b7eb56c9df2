//! The names of things, each parsed once at the edge. Inside, an id is valid by construction.
//! Must not hold display names: identity comes from ids only.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("empty")]
    Empty,
    #[error("longer than {0} characters")]
    TooLong(usize),
    #[error("only a-z, 0-9, '.', '_' and '-' are allowed, starting with a letter or digit")]
    Characters,
    #[error("not an id such as R-7K3QD2: a character is wrong")]
    Checksum,
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> { valid_name(text).map(|()| Self(text.to_owned())) }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> { valid_name(&text).map(|()| Self(text)) }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String { id.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    };
}

name_id!(
    /// A human or a service, as bot.toml (or the directory it names) knows it.
    PersonId
);
name_id!(
    /// A set of people: listed in bot.toml, or asked of a chat.
    GroupId
);
name_id!(
    /// Something that can be asked for, from the catalogue.
    ResourceId
);
name_id!(
    /// One kind of access to a resource.
    RoleName
);
name_id!(
    /// A rule set of bot.toml.
    PolicyName
);
name_id!(
    /// A configured real system.
    ProviderName
);

/// Longest name that bot.toml may give to anything.
const NAME_MAX: usize = 64;

fn valid_name(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > NAME_MAX {
        return Err(IdError::TooLong(NAME_MAX));
    }
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let first = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if first && text.chars().all(ok) { Ok(()) } else { Err(IdError::Characters) }
}
