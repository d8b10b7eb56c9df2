//! One reading of a provider: who holds each role, then what was given. In this order, so that what was given before the
//! reading is known after it. A role that cannot be read changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio::time::timeout;

use super::{Deps, Stop};
use crate::{
    domain::{
        drift::{Finding, Given, Holds, Places, judge, judged_here, name_of, unknown},
        entitlement::{Entitlement, EntitlementKey, Ownership},
        ids::ProviderName,
    },
    provider::{Holder, Provider},
};

/// What a look showed.
#[derive(Default)]
pub(super) struct Read {
    /// By what targets have in common (`held_part`); of each that could be read.
    pub findings: BTreeMap<String, Vec<Finding>>,
    pub unread: BTreeSet<String>,
    /// Why something is unread.
    pub why: Option<String>,
    pub places: Places,
    /// What is over, and was looked up.
    pub past: BTreeMap<EntitlementKey, Entitlement>,
    ownership: BTreeMap<EntitlementKey, Ownership>,
}

impl Read {
    pub(super) fn ownership_of(&self, key: &EntitlementKey) -> Option<Ownership> {
        self.ownership.get(key).copied()
    }
}

pub(super) async fn everything(deps: &Deps, name: &ProviderName) -> Result<Read, Stop> {
    let mut read = Read::default();
    let Some(provider) = deps.bot.providers().get(name).filter(|provider| provider.describe().verbs.holders).cloned() else {
        return Ok(read);
    };
    let targets = targets(deps, name, &*provider, &mut read.places).await?;
    let mut looked_at: BTreeSet<String> = targets.keys().cloned().collect();
    let held = holders(&*provider, targets, &mut read).await;
    let mut given: BTreeMap<String, Vec<Given>> = BTreeMap::new();
    let now = deps.bot.now();
    for (row, claims) in deps.store.entitlements_of(name).await.map_err(Stop::read)? {
        read.ownership.insert(row.key.clone(), row.ownership);
        given.entry(part_of(&*provider, &row.order.target)).or_default().push(Given::of(&row, &claims, now));
    }
    looked_at.extend(given.keys().cloned());
    for (part, targets, holders) in held {
        let holders = judged_here(holders, |other| other != part && looked_at.contains(other));
        let mut given = given.remove(&part).unwrap_or_default();
        for row in past(deps, name, &targets, &unknown(&holders, &given)).await? {
            // The same name elsewhere is another object.
            if part_of(&*provider, &row.order.target) == part {
                given.push(Given::past(&row));
                read.ownership.insert(row.key.clone(), row.ownership);
                read.past.insert(row.key.clone(), row);
            }
        }
        read.findings.insert(part, judge(&holders, &given));
    }
    Ok(read)
}

/// By what they have in common: all targets that have the same holders.
type Targets = BTreeMap<String, Vec<Value>>;

fn part_of(provider: &dyn Provider, target: &Value) -> String {
    name_of(&provider.held_part(target))
}

/// Of every role that bot.toml has there, and of what is held there by any other name.
async fn targets(deps: &Deps, name: &ProviderName, provider: &dyn Provider, places: &mut Places) -> Result<Targets, Stop> {
    let mut targets = Targets::new();
    let mut add = |target: Value| {
        let same = targets.entry(part_of(provider, &target)).or_default();
        if !same.contains(&target) {
            same.push(target);
        }
    };
    let catalogue = deps.bot.catalogue();
    for resource in catalogue.resources.values().filter(|resource| resource.provider == *name) {
        for role in &resource.roles {
            let Some(target) = provider.target_of(role) else { continue };
            places.entry(part_of(provider, &target)).or_default().push((resource.id.clone(), role.name.clone()));
            add(target);
        }
    }
    for (row, _) in deps.store.entitlements_of(name).await.map_err(Stop::read)? {
        add(row.order.target);
    }
    Ok(targets)
}

/// One after the other, to be no burden. Who does not answer one question is not asked another.
async fn holders(provider: &dyn Provider, targets: Targets, read: &mut Read) -> Vec<(String, Vec<Value>, Vec<Holds>)> {
    let mut held = Vec::new();
    let mut silent = false;
    for (part, targets) in targets {
        let answer = match targets.first().filter(|_| !silent) {
            Some(target) => Some(timeout(provider.describe().deadline.std(), provider.holders(target)).await),
            None => None,
        };
        let why = match answer {
            Some(Ok(Ok(holders))) => {
                held.push((part, targets, holders.into_iter().map(|holder| holds(provider, holder)).collect()));
                continue;
            }
            Some(Ok(Err(fault))) => fault.message,
            Some(Err(_)) | None => {
                silent = true;
                "no answer in time".to_owned()
            }
        };
        read.unread.insert(part);
        read.why.get_or_insert(why);
    }
    held
}

fn holds(provider: &dyn Provider, holder: Holder) -> Holds {
    let through = holder.through.map(|other| part_of(provider, &other));
    Holds { principal: holder.principal, grant: holder.grant, ours: holder.ours, through }
}

/// What is over, of those that say that they are ours.
async fn past(deps: &Deps, name: &ProviderName, targets: &[Value], unknown: &[&Holds]) -> Result<Vec<Entitlement>, Stop> {
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    let objects: Vec<String> = unknown.iter().filter_map(|holds| holds.grant.clone()).collect();
    let key = |target, holds: &&Holds| EntitlementKey::for_all(name, target, &holds.principal);
    let keys: Vec<_> = targets.iter().flat_map(|target| unknown.iter().map(move |holds| key(target, holds))).collect();
    deps.store.past_entitlements(name, &objects, &keys).await.map_err(Stop::read)
}
