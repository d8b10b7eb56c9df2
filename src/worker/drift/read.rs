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
    provider::{FaultKind, Holder, Provider},
};

/// So many targets of what is over are asked about, at most.
const MOST_PAST: usize = 100;

/// What a look showed.
#[derive(Default)]
pub(super) struct Read {
    /// By what targets have in common (`held_part`); of each that could be read.
    pub findings: BTreeMap<String, Vec<Finding>>,
    pub unread: BTreeSet<String>,
    /// Why something is unread.
    pub why: Option<String>,
    /// The adapter was never reached: nobody knows whether it can say who holds what, and nothing that is known changes.
    pub is_stranger: bool,
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
    let Some(provider) = deps.bot.providers().get(name).cloned() else { return Ok(read) };
    if let Some(why) = stranger(&*provider).await {
        (read.why, read.is_stranger) = (Some(why), true);
        return Ok(read);
    }
    if !provider.describe().verbs.holders {
        return Ok(read);
    }
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

/// Why an adapter has not said what it is, though it was asked once more; None: it has.
async fn stranger(provider: &dyn Provider) -> Option<String> {
    if provider.is_known() {
        return None;
    }
    // Any call would do; this one changes nothing and needs nothing.
    let answer = timeout(provider.describe().deadline.std(), provider.health()).await;
    let why = match answer {
        Ok(Ok(_)) => "it does not say what it is".to_owned(),
        Ok(Err(fault)) => fault.message,
        Err(_) => "no answer in time".to_owned(),
    };
    (!provider.is_known()).then_some(why)
}

/// By what they have in common: all targets that have the same holders.
type Targets = BTreeMap<String, Asked>;

#[derive(Default)]
struct Asked {
    targets: Vec<Value>,
    /// A role of bot.toml, or held by a claim: that it is not there is no answer.
    must_be: bool,
}

fn part_of(provider: &dyn Provider, target: &Value) -> String {
    name_of(&provider.held_part(target))
}

/// Of every role that bot.toml has there, and of what is held there by any other name. Where what a role is depends on who
/// asks, also of what differs already and of what was held last.
async fn targets(deps: &Deps, name: &ProviderName, provider: &dyn Provider, places: &mut Places) -> Result<Targets, Stop> {
    let mut targets = Targets::new();
    let mut add = |target: Value, must_be: bool| {
        let same = targets.entry(part_of(provider, &target)).or_default();
        same.must_be |= must_be;
        if !same.targets.contains(&target) {
            same.targets.push(target);
        }
    };
    let mut depends = false;
    let catalogue = deps.bot.catalogue();
    for resource in catalogue.resources.values().filter(|resource| resource.provider == *name) {
        for role in &resource.roles {
            let Some(target) = provider.target_of(role) else {
                depends = true;
                continue;
            };
            places.entry(part_of(provider, &target)).or_default().push((resource.id.clone(), role.name.clone()));
            add(target, true);
        }
    }
    for (row, claims) in deps.store.entitlements_of(name).await.map_err(Stop::read)? {
        add(row.order.target, !claims.is_empty());
    }
    if depends {
        let tracked = deps.store.tracked(name).await.map_err(Stop::read)?;
        let known = tracked.iter().filter_map(|it| serde_json::from_str(&it.row.target).ok());
        let past = deps.store.past_targets(name, MOST_PAST).await.map_err(Stop::read)?;
        known.chain(past).for_each(|target| add(target, false));
    }
    Ok(targets)
}

/// One after the other, to be no burden. Who does not answer one question is not asked another.
async fn holders(provider: &dyn Provider, targets: Targets, read: &mut Read) -> Vec<(String, Vec<Value>, Vec<Holds>)> {
    let mut held = Vec::new();
    let mut silent = false;
    for (part, Asked { targets, must_be }) in targets {
        let answer = match targets.first().filter(|_| !silent) {
            Some(target) => Some(timeout(provider.describe().deadline.std(), provider.holders(target)).await),
            None => None,
        };
        let why = match answer {
            Some(Ok(Ok(holders))) => {
                held.push((part, targets, holders.into_iter().map(|holder| holds(provider, holder)).collect()));
                continue;
            }
            // It was deleted, with whatever was left of it.
            Some(Ok(Err(fault))) if fault.kind == FaultKind::NoSuchTarget && !must_be => {
                held.push((part, targets, Vec::new()));
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
