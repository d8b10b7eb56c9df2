//! What a person may ask for, narrowed by a few typed letters: for lists and for typing ahead. Judges by `may_ask` only;
//! the ask itself is judged again.

use super::{
    facts::Facts,
    ids::PersonId,
    policy::{Resource, Role},
};

/// The best `limit` of what fits the query, best first, and how many fit.
pub fn resources<'a>(facts: &Facts<'a>, person: &PersonId, query: &str, limit: usize) -> (Vec<&'a Resource>, usize) {
    let query = query.trim().to_lowercase();
    let open = || facts.catalogue.resources.values().filter(|resource| roles(facts, person, resource).next().is_some());
    let mut found: Vec<(u8, &Resource)> = open().filter_map(|resource| Some((rank(resource, &query)?, resource))).collect();
    if found.is_empty() {
        found = open().filter(|resource| is_near(resource, &query)).map(|resource| (0, resource)).collect();
    }
    let count = found.len();
    found.sort_by(|(a, first), (b, second)| a.cmp(b).then_with(|| first.id.cmp(&second.id)));
    (found.into_iter().take(limit).map(|(_, resource)| resource).collect(), count)
}

/// Roles that this person may ask for. A chat that cannot say leaves a role in: asking will say why not.
pub fn roles<'a>(facts: &Facts<'a>, person: &PersonId, resource: &'a Resource) -> impl Iterator<Item = &'a Role> {
    resource.roles.iter().filter(move |role| {
        let policy = facts.catalogue.policies.get(&role.policy);
        policy.is_some_and(|policy| facts.includes(&policy.may_ask, person).unwrap_or(true))
    })
}

fn words<'r>(resource: &'r Resource, title: &'r str) -> impl Iterator<Item = &'r str> {
    resource.id.as_str().split(['-', '_', '.']).chain(title.split_whitespace())
}

/// Smaller is better: the id's beginning, a word's beginning, anywhere.
fn rank(resource: &Resource, query: &str) -> Option<u8> {
    let (id, title) = (resource.id.as_str(), resource.title.to_lowercase());
    let tagged = || resource.tags.iter().any(|tag| tag.to_lowercase().starts_with(query));
    if id.starts_with(query) {
        Some(0)
    } else if words(resource, &title).any(|word| word.starts_with(query)) || tagged() {
        Some(1)
    } else {
        let anywhere = id.contains(query) || title.contains(query) || resource.description.to_lowercase().contains(query);
        anywhere.then_some(2)
    }
}

/// A slip of the finger, where nothing fits; only worth it for a word that is long enough to have one.
fn is_near(resource: &Resource, query: &str) -> bool {
    let title = resource.title.to_lowercase();
    let near = |word: &str| strsim::jaro_winkler(word, query) >= 0.9;
    query.chars().count() >= 4 && (near(resource.id.as_str()) || words(resource, &title).any(near))
}
