//! The variables that an adapter's program gets: each a reference to a secret. Errors quote no value.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use crate::secret::{HOW, Secret};

/// Name of a variable and where its value is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(pub BTreeMap<String, Secret>);

/// `{ TOKEN = { env = "DIRECTORY_TOKEN" } }`, or `["TOKEN"]` for the bot's own variable of that name.
impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Variables;
        impl<'de> Visitor<'de> for Variables {
            type Value = Environment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{{ NAME = {HOW} }}")
            }

            fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Environment, E> {
                Err(E::custom(format!("a secret never stands in the file: write {{ NAME = {HOW} }}")))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Environment, A::Error> {
                let mut all = BTreeMap::new();
                while let Some(name) = names.next_element::<String>()? {
                    all.insert(checked::<A::Error>(name.clone())?, Secret::Env(name));
                }
                Ok(Environment(all))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Environment, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((name, secret)) = map.next_entry::<String, Secret>()? {
                    all.insert(checked::<A::Error>(name)?, secret);
                }
                Ok(Environment(all))
            }
        }
        from.deserialize_any(Variables)
    }
}

fn checked<E: serde::de::Error>(name: String) -> Result<String, E> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.is_empty() && name.chars().all(good) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(name);
    }
    Err(E::custom("the name of a variable has letters, digits and _ only"))
}
