//! What a look changes in what is tracked: seen twice is found, missed twice is gone. A target that was not read changes
//! nothing. Must not decide what is told.

use std::collections::{BTreeMap, BTreeSet};

use super::{DriftKind, DriftRow, Finding, Tracked};
use crate::domain::{
    ids::{ProviderName, ResourceId, RoleName},
    time::Instant,
};

/// What became of everything at one provider.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Seen for the first time: to be looked at once more before anything is said.
    pub suspected: Vec<Tracked>,
    /// Seen for the second time, with what it is.
    pub confirmed: Vec<(Tracked, Finding)>,
    /// Known and still there.
    pub seen: Vec<Tracked>,
    /// Known, and its target could not be read: as it was.
    pub unread: Vec<Tracked>,
    /// Not shown by this look.
    pub doubted: Vec<Tracked>,
    /// Told, and gone; also if it is there again by now, which is then suspected anew.
    pub gone: Vec<Tracked>,
    /// Told, and its target is not looked at any more.
    pub unwatched: Vec<Tracked>,
    /// Never told, and not there any more: as if it had never been.
    pub forgotten: Vec<String>,
}

impl Compared {
    /// Another look soon says more.
    pub fn is_unsure(&self) -> bool {
        !self.suspected.is_empty() || !self.doubted.is_empty()
    }
}

/// What bot.toml calls a target.
pub type Places = BTreeMap<String, Vec<(ResourceId, RoleName)>>;

/// `findings`: of each target that was read. `unread`: those that could not be. What is tracked of any other target is not
/// looked at any more: nobody knows what became of it.
pub fn compare(
    provider: &ProviderName,
    tracked: Vec<Tracked>,
    findings: &BTreeMap<String, Vec<Finding>>,
    unread: &BTreeSet<String>,
    places: &Places,
    now: Instant,
) -> Compared {
    let mut compared = Compared::default();
    let mut known = BTreeSet::new();
    for mut it in tracked {
        let row = &mut it.row;
        if unread.contains(&row.target) {
            compared.unread.push(it);
            continue;
        }
        let here = findings.get(&row.target);
        let same = |found: &&Finding| found.kind == row.kind && found.principal == row.principal && found.grant == row.grant;
        match here.into_iter().flatten().find(same) {
            // It was taken away since it was told, and put back: that is to be told, and taken away, like the first time.
            Some(found) if row.kind == DriftKind::OursAfterEnd && row.found_at.is_some() && found.anew => {
                row.gone_at = Some(now);
                compared.gone.push(it);
            }
            Some(found) => {
                known.insert((row.target.clone(), row.kind, row.principal.clone(), row.grant.clone()));
                (row.last_seen, it.doubted) = (now, false);
                if row.found_at.is_some() {
                    compared.seen.push(it);
                } else {
                    compared.confirmed.push((it, found.clone()));
                }
            }
            None if row.found_at.is_none() => compared.forgotten.push(it.id),
            None if here.is_none() => {
                row.unwatched_at = Some(now);
                compared.unwatched.push(it);
            }
            None if it.doubted => {
                row.gone_at = Some(now);
                compared.gone.push(it);
            }
            None => {
                it.doubted = true;
                compared.doubted.push(it);
            }
        }
    }
    for (target, found) in findings.iter().flat_map(|(target, all)| all.iter().map(move |found| (target, found))) {
        if known.insert((target.clone(), found.kind, found.principal.clone(), found.grant.clone())) {
            compared.suspected.push(first(provider, target, found, places, now));
        }
    }
    compared
}

fn first(provider: &ProviderName, target: &str, found: &Finding, places: &Places, now: Instant) -> Tracked {
    let (resources, roles) = places.get(target).into_iter().flatten().cloned().unzip();
    let row = DriftRow {
        provider: provider.clone(),
        target: target.to_owned(),
        principal: found.principal.clone(),
        grant: found.grant.clone(),
        kind: found.kind,
        first_seen: now,
        last_seen: now,
        found_at: None,
        gone_at: None,
        unwatched_at: None,
        resources,
        roles,
        request: found.request.clone(),
    };
    Tracked { id: id(&row), row, doubted: false, alarm: None }
}

/// The same difference at another time is another row.
fn id(row: &DriftRow) -> String {
    use sha2::{Digest, Sha256};
    let parts = [row.provider.as_str(), &row.target, &row.principal, row.grant.as_deref().unwrap_or_default(), row.kind.name()];
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.update(row.first_seen.micros().to_be_bytes());
    format!("{:x}", hash.finalize())
}
