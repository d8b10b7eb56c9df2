//! Who holds a role at its target, against what was given: what is ours and gone, what is there and not ours, what is ours
//! after its end. Must not decide whose something is by anything but the records and the object itself.

mod compare;
#[cfg(test)]
mod tests;
mod words;

use serde::{Deserialize, Serialize};

pub use self::{
    compare::{Compared, Places, compare},
    words::said,
};
use super::{
    entitlement::{Claim, Entitlement, EntitlementKey, Ownership},
    evidence::inert,
    ids::{ProviderName, ResourceId, RoleName},
    plan::is_live,
    request::RequestId,
    time::Instant,
};

/// Longest name of a target's that is kept, in characters.
const NAME_MAX: usize = 200;

/// How a holder differs from what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// Somebody holds it whom we did not give it. Told, and never taken away.
    NotOurs,
    /// A live grant whose access is not there. Told, and never given again.
    OursAndGone,
    /// What we gave is there, and its end was said. Taken away again.
    OursAfterEnd,
}

impl DriftKind {
    pub const ALL: [Self; 3] = [Self::NotOurs, Self::OursAndGone, Self::OursAfterEnd];

    /// Its name in the store and in templates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotOurs => "not_ours",
            Self::OursAndGone => "ours_and_gone",
            Self::OursAfterEnd => "ours_after_end",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One difference, from when it was first seen until it was gone or not looked at any more; kept afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftRow {
    pub provider: ProviderName,
    /// What an adapter made of a role, as far as it says who holds it: canonical JSON.
    pub target: String,
    /// As the target names who holds it. Text of others: shown as it is, and cut.
    pub principal: String,
    /// Our grant id, where the object carries it.
    pub grant: Option<String>,
    pub kind: DriftKind,
    pub first_seen: Instant,
    pub last_seen: Instant,
    /// Seen twice, and told then; what was seen only once is not told and not kept.
    pub found_at: Option<Instant>,
    pub gone_at: Option<Instant>,
    /// Nobody looks at this target any more, and nobody knows whether it is there; never with `gone_at`.
    pub unwatched_at: Option<Instant>,
    /// What bot.toml called this target when it was seen: resource and role, in the same order.
    pub resources: Vec<ResourceId>,
    pub roles: Vec<RoleName>,
    /// Whose access it is or was, where it is ours.
    pub request: Option<RequestId>,
}

/// A difference that is looked at, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    pub id: String,
    pub row: DriftRow,
    /// The newest look did not show it.
    pub doubted: bool,
    /// The alarm that speaks of it.
    pub alarm: Option<String>,
}

/// Somebody whom a look showed at a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holds {
    pub principal: String,
    /// The name by which the object carries our grant.
    pub grant: Option<String>,
    /// The object says that it is ours.
    pub ours: bool,
    /// What the other target is called by which they hold this one; None: they hold it themselves.
    pub through: Option<String>,
}

/// What we know of an entitlement at this target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    pub key: EntitlementKey,
    pub ownership: Ownership,
    pub principal: String,
    /// The name by which its object carries it.
    pub object: String,
    /// It was there before the first grant: what is there is somebody else's, whoever claims it.
    pub before: bool,
    /// Somebody claims it, or an end of it is on its way: the workers see to it.
    pub claimed: bool,
    /// Whose access works, when nothing is being done to it just now.
    pub works: Option<RequestId>,
    /// Something of ours may be there.
    pub ours: bool,
    /// Whose access it is, or was last.
    pub request: Option<RequestId>,
}

impl Given {
    pub fn of(row: &Entitlement, claims: &[Claim], now: Instant) -> Self {
        let ours = row.given && row.had_before != Some(true);
        let still = row.call.is_none() && row.waiting.is_none();
        let live = claims.iter().find(|claim| is_live(claim, now) && claim.until.is_some());
        let left = row.leftover.as_ref().filter(|left| left.found).and_then(|left| left.requests.last());
        Self {
            key: row.key.clone(),
            ownership: row.ownership,
            principal: row.order.principal.clone(),
            object: row.order.grant.clone(),
            before: row.had_before == Some(true),
            claimed: !claims.is_empty(),
            works: live.filter(|_| ours && still).map(|claim| claim.request.clone()),
            ours,
            request: left.or(row.last.as_ref()).cloned(),
        }
    }

    /// One that is over: what is there is ours only if the object says so.
    pub fn past(row: &Entitlement) -> Self {
        Self { ours: false, ..Self::of(row, &[], Instant::from_micros(0)) }
    }

    fn is_of(&self, holds: &Holds) -> bool {
        let is_named = holds.principal == self.principal && holds.through.is_none();
        match (&holds.grant, self.ownership) {
            (Some(grant), _) => *grant == self.object,
            (None, Ownership::PerGrant) => false,
            // What does not say that it is ours is somebody else's, beside ours.
            (None, Ownership::Ours) => holds.ours && is_named,
            (None, Ownership::Shared) => is_named,
        }
    }
}

/// What a target is called where it is kept: canonical JSON.
pub fn name_of(target: &serde_json::Value) -> String {
    serde_json_canonicalizer::to_string(target).unwrap_or_default()
}

/// What differs at one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub kind: DriftKind,
    pub principal: String,
    pub grant: Option<String>,
    pub request: Option<RequestId>,
    /// Of what is ours.
    pub entitlement: Option<EntitlementKey>,
    /// Its access was read as gone before this, with nothing of it known to be there since: it came back, however often it did.
    pub anew: bool,
}

/// Those who are to be judged here: who holds a target through another one that is looked at is judged there, by what was given
/// there, and what lets all of them in is itself a holder here.
pub fn judged_here(holders: Vec<Holds>, is_looked_at: impl Fn(&str) -> bool) -> Vec<Holds> {
    holders.into_iter().filter(|holds| !holds.through.as_deref().is_some_and(&is_looked_at)).collect()
}

/// Those that say they are ours, and that no entitlement is known for: whether they were ours once must be looked up.
pub fn unknown<'h>(holders: &'h [Holds], given: &[Given]) -> Vec<&'h Holds> {
    let is_unknown = |holds: &&Holds| (holds.ours || holds.grant.is_some()) && !given.iter().any(|given| given.is_of(holds));
    holders.iter().filter(is_unknown).collect()
}

/// What differs at one target. `given` was read after the holders, and what is over was added for those `unknown` before.
pub fn judge(holders: &[Holds], given: &[Given]) -> Vec<Finding> {
    let there = holders.iter().filter_map(|holds| present(holds, given));
    let gone = given.iter().filter_map(|given| absent(given, holders));
    there.chain(gone).collect()
}

fn present(holds: &Holds, given: &[Given]) -> Option<Finding> {
    let known = given.iter().find(|given| given.is_of(holds));
    let (kind, known) = match known {
        Some(known) if known.before => (DriftKind::NotOurs, None),
        Some(known) if known.claimed => return None,
        // An object that is nobody's in particular is ours only as long as our own records say so.
        Some(known) if known.ours || (known.ownership != Ownership::Shared && (holds.ours || holds.grant.is_some())) => {
            (DriftKind::OursAfterEnd, Some(known))
        }
        // Also what another bot calls its own.
        _ => (DriftKind::NotOurs, None),
    };
    Some(Finding {
        kind,
        principal: inert(&holds.principal, NAME_MAX),
        grant: holds.grant.as_deref().map(|grant| inert(grant, NAME_MAX)),
        request: known.and_then(|known| known.request.clone()),
        entitlement: known.map(|known| known.key.clone()),
        // What was settled by a person stays known as there, and so does what is being taken away just now.
        anew: known.is_some_and(|known| known.request.is_some() && known.ownership != Ownership::Shared && !known.ours),
    })
}

fn absent(given: &Given, holders: &[Holds]) -> Option<Finding> {
    let request = given.works.clone().filter(|_| !holders.iter().any(|holds| given.is_of(holds)))?;
    Some(Finding {
        kind: DriftKind::OursAndGone,
        principal: given.principal.clone(),
        grant: (given.ownership == Ownership::PerGrant).then(|| given.object.clone()),
        request: Some(request),
        entitlement: Some(given.key.clone()),
        anew: false,
    })
}
