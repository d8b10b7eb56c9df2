//! Free words that people typed. The ledger holds only their salted hash, so the text beside it can be erased
//! without breaking a proof. Text from people is data: nothing may parse it, render it as a template or log it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The salted hash by which documents and ledger entries refer to a text: `w:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WordId(String);

impl WordId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As read back from the store; the text it names is looked up, never trusted.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

/// A text with the salt that hides it from guessing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub id: WordId,
    /// 32 hexadecimal digits.
    pub salt: String,
    pub text: String,
}

impl Words {
    /// `salt` comes from the caller: chance is an argument.
    pub fn new(text: impl Into<String>, salt: u128) -> Self {
        let (salt, text) = (format!("{salt:032x}"), text.into());
        let hash = Sha256::new().chain_update(salt.as_bytes()).chain_update(text.as_bytes()).finalize();
        Self { id: WordId(format!("w:{hash:x}")), salt, text }
    }
}

/// The texts that belong to a document, by id. An erased text is absent.
pub type Texts = BTreeMap<WordId, String>;

/// Every text that a document refers to.
pub fn of(document: &impl Serialize) -> Vec<WordId> {
    fn walk(value: &serde_json::Value, found: &mut Vec<WordId>) {
        match value {
            serde_json::Value::String(text) if text.starts_with("w:") && text.len() == 66 => found.push(WordId(text.clone())),
            serde_json::Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            serde_json::Value::Object(fields) => fields.values().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(&serde_json::to_value(document).unwrap_or_default(), &mut found);
    found.sort();
    found.dedup();
    found
}
