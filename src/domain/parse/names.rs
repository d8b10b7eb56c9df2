//! Reading the names of people, resources and roles: ids only, never display names. A wrong one is answered with the nearest.

use super::{Catalogue, PersonId, Platform, Refusal, ResourceId, RoleName};

/// Reads a person: `@ana`, `ana`, or the platform's mention `<@U123>`. Never a display name.
pub fn person(text: &str, catalogue: &Catalogue, platform: Platform) -> Result<PersonId, Refusal> {
    let text = text.trim();
    if let Some(mention) = text.strip_prefix("<@").and_then(|t| t.trim_end_matches(AFTER).strip_suffix('>')) {
        let id = mention.trim_start_matches('!').split('|').next().unwrap_or_default();
        return catalogue.person_at(platform, id).map(|p| p.id.clone()).ok_or_else(|| no_person(text, catalogue));
    }
    let name = text.strip_prefix('@').unwrap_or(text);
    let known = |name: &str| name.parse::<PersonId>().ok().filter(|id| catalogue.people.contains_key(id));
    known(name).or_else(|| known(name.trim_end_matches(AFTER))).ok_or_else(|| no_person(name, catalogue))
}

/// What a sentence leaves behind a name.
const AFTER: &[char] = &[',', '.', ';', ':', '!', '?', ')'];

fn no_person(name: &str, catalogue: &Catalogue) -> Refusal {
    let near = near(name, catalogue.people.keys().map(PersonId::as_str));
    Refusal::NoSuchPerson { name: cut(name), near: near.iter().filter_map(|n| n.parse().ok()).collect() }
}

/// Reads a resource's id, in any case.
pub fn resource(text: &str, catalogue: &Catalogue) -> Result<ResourceId, Refusal> {
    let known = text.trim().to_lowercase().parse::<ResourceId>().ok().filter(|id| catalogue.resources.contains_key(id));
    known.ok_or_else(|| {
        let near = near(text, catalogue.resources.keys().map(ResourceId::as_str));
        Refusal::NoSuchResource { name: cut(text), near: near.iter().filter_map(|n| n.parse().ok()).collect() }
    })
}

/// Reads a role of a resource, in any case.
pub fn role(text: &str, resource: &ResourceId, catalogue: &Catalogue) -> Result<RoleName, Refusal> {
    let roles = catalogue.resources.get(resource).map(|r| r.roles.as_slice()).unwrap_or_default();
    let word = text.trim().to_lowercase();
    if let Some(role) = roles.iter().find(|role| role.name.as_str() == word) {
        return Ok(role.name.clone());
    }
    let near = near(text, roles.iter().map(|role| role.name.as_str()));
    Err(Refusal::NoSuchRole {
        resource: resource.clone(),
        name: cut(text),
        near: near.iter().filter_map(|n| n.parse().ok()).collect(),
        roles: roles.iter().map(|role| role.name.clone()).collect(),
    })
}

pub(super) fn grammar(expected: &str, found: &str, near: Vec<String>) -> Refusal {
    Refusal::Grammar { expected: expected.into(), found: cut(found), near }
}

/// For a refusal: enough to recognise, never a page.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The most similar names, best first.
pub(super) fn near<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let word: String = word.chars().take(60).collect::<String>().to_lowercase();
    let mut scored: Vec<(f64, &str)> = names.map(|name| (strsim::jaro_winkler(&word, name), name)).filter(|(s, _)| *s >= 0.75).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}
