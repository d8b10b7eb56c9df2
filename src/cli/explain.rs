//! `hallpass explain PERSON RESOURCE ROLE DURATION`: how an ask would go by this file. Asks nobody, changes nothing.

use std::path::Path;

use anyhow::anyhow;

use super::say;
use crate::{
    clock::{Clock as _, SystemClock},
    config,
    domain::{
        command::Length,
        explain,
        facts::{Facts, Groups},
        refusal::Refusal,
        spans,
    },
};

/// Prints the explanation.
pub(super) fn explain(path: &Path, person: &str, resource: &str, role: &str, length: Option<&str>) -> anyhow::Result<()> {
    let catalogue = config::load(path)?.catalogue;
    let length = length.map(|text| spans::parse(text).map_err(|why| anyhow!("{text}: {why}"))).transpose()?;
    let person = person.trim_start_matches('@').parse()?;
    if !catalogue.people.contains_key(&person) {
        return Err(anyhow!("{person} is nobody in {}", path.display()));
    }
    let facts = Facts { catalogue: &catalogue, groups: &Groups::default() };
    let (what, length) = ((&resource.parse()?, &role.parse()?), length.map(Length::For));
    let outlook = explain::outlook(&facts, &person, what, (length, None), SystemClock.now());
    match outlook {
        Ok(outlook) => say(outlook),
        Err(Refusal::BadDuration { text, why }) => Err(anyhow!("{text}: {why}")),
        Err(_) => Err(anyhow!("{role} is not a role of {resource}")),
    }
}
