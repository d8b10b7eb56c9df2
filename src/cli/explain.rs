//! `hallpass explain PERSON RESOURCE ROLE DURATION`: how an ask would go by this file. Asks nobody, changes nothing.

use std::path::Path;

use anyhow::anyhow;

use crate::{
    config,
    domain::{explain, spans},
};

/// Prints the explanation.
pub(super) fn explain(path: &Path, person: &str, resource: &str, role: &str, length: Option<&str>) -> anyhow::Result<()> {
    let catalogue = config::load(path)?.catalogue;
    let length = length.map(|text| spans::parse(text).map_err(|why| anyhow!("{text}: {why}"))).transpose()?;
    let person = person.trim_start_matches('@').parse()?;
    if !catalogue.people.contains_key(&person) {
        return Err(anyhow!("{person} is nobody in {}", path.display()));
    }
    println!("{}", explain::explain(&catalogue, &person, &resource.parse()?, &role.parse()?, length));
    Ok(())
}
