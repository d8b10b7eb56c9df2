//! Ids of requests and grants: printed for people, typed by people.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::ids::IdError;

/// `R-` and six characters; the last one catches every single wrong character and every swap of neighbours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(String);

impl RequestId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `random` comes from the caller: chance is an argument. The caller tries another when the id is taken.
    pub fn new(_random: u64) -> Self {
        unimplemented!()
    }
}

impl FromStr for RequestId {
    type Err = IdError;
    fn from_str(_text: &str) -> Result<Self, IdError> {
        unimplemented!()
    }
}

impl TryFrom<String> for RequestId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a grant at providers for ever: 26 characters of a-z and 0-9, from 128 bits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrantId(String);

impl GrantId {
    /// `random` comes from the caller: chance is an argument.
    pub fn new(mut random: u128) -> Self {
        const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut text = [b'0'; 26];
        for place in text.iter_mut().rev() {
            *place = LETTERS[usize::try_from(random & 31).unwrap_or(0)];
            random >>= 5;
        }
        Self(String::from_utf8_lossy(&text).into_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As read back from the store.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
