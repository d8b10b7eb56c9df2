//! Questions about what others have, had and did: who may ask them is judged in `decide`, and each look is recorded before it is
//! answered. What is found is plain data; words are a chat's. Changes nothing.

mod found;
mod rates;
mod then;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use self::{
    found::{Did, FoundPage},
    rates::{Rates, RatesPage},
    then::{Had, ThenPage},
};
use super::{
    Bot,
    facts::{Fresh, Whom},
    handle::Caller,
};
use crate::{
    domain::{
        decide::{self, Sees},
        facts::{Facts, Groups},
        ids::{PersonId, ResourceId},
        policy::{Catalogue, Platform, Resource},
        refusal::Refusal,
        request::RequestId,
        time::Span,
    },
    store::StoreError,
};

/// Lines of one page: what every chat shows in one private message.
const PAGE: usize = 10;
/// How far back a question looks that does not say.
const LATELY: Span = Span::from_seconds(30 * 86_400);

impl Bot {
    /// May they look at this resource? A "no" is the same for what is not there.
    pub(super) async fn may_look(&self, caller: &Caller, resource: &ResourceId, catalogue: &Catalogue) -> Result<(), Refusal> {
        let among = decide::lookers(resource, catalogue);
        let presser = caller.presser();
        let whom = Whom { presser: Some(presser), among: &among, listed: true, ..Whom::default() };
        let groups = self.gather(catalogue, None, whom, Fresh::Now).await;
        match decide::may_look(resource, &caller.person, &Facts { catalogue, groups: &groups }) {
            Ok(()) => Ok(()),
            // What a chat said a minute ago will do, as for everything that is only shown.
            Err(Refusal::CannotAskGroup { .. }) => {
                let groups = self.all_groups(presser, catalogue).await;
                let facts = Facts { catalogue, groups: &groups };
                let again = decide::may_look(resource, &caller.person, &facts);
                again.map_err(|_| decide::nothing_to_see(resource.as_str(), &caller.person, &facts))
            }
            // All groups that there are count for a "no", so that it tells nothing of what there is.
            Err(Refusal::NothingToSee { name }) => {
                let groups = self.all_groups(presser, catalogue).await;
                Err(decide::nothing_to_see(&name, &caller.person, &Facts { catalogue, groups: &groups }))
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// All that they may look at.
    async fn sees(&self, presser: (&PersonId, Platform), catalogue: &Catalogue) -> Result<Sees, Refusal> {
        let groups = self.all_groups(presser, catalogue).await;
        decide::sees(presser.0, &Facts { catalogue, groups: &groups })
    }

    /// With answers that may be a minute old: so many questions, asked anew each time, would keep decisions waiting.
    async fn all_groups(&self, presser: (&PersonId, Platform), catalogue: &Catalogue) -> Groups {
        let among = decide::all_lookers(catalogue);
        let whom = Whom { presser: Some(presser), among: &among, listed: true, ..Whom::default() };
        self.gather(catalogue, None, whom, Fresh::Lately).await
    }

    /// Resources of bot.toml that this account may look at and that fit the letters: their ids and titles.
    /// # Errors
    /// The store cannot be read.
    pub async fn seen(&self, platform: Platform, user: &str, letters: &str) -> Result<Vec<(ResourceId, String)>, StoreError> {
        let Ok(person) = self.somebody(platform, user).await? else { return Ok(Vec::new()) };
        let catalogue = self.catalogue();
        let Ok(sees) = self.sees((&person, platform), &catalogue).await else { return Ok(Vec::new()) };
        let letters = letters.trim().to_lowercase();
        let fits = |resource: &&Resource| resource.id.as_str().contains(&letters) || resource.title.to_lowercase().contains(&letters);
        let seen = catalogue.resources.values().filter(|resource| sees.has(&resource.id)).filter(fits);
        Ok(seen.map(|resource| (resource.id.clone(), resource.title.clone())).collect())
    }

    /// Where these requests are told on this platform: the addresses of their cards in channels, never of a private copy.
    async fn addresses(&self, platform: Platform, ids: Vec<RequestId>) -> Result<BTreeMap<RequestId, String>, StoreError> {
        let mut found = BTreeMap::new();
        for (id, at) in self.store.cards_of(platform, ids.iter()).await? {
            if let Some(address) = self.facts.link(platform, &at).await {
                found.insert(id, address);
            }
        }
        Ok(found)
    }
}

/// A person, and whom the accounts joined to them were before: a member of a chat is somebody of their own until then.
fn whole(person: &PersonId, catalogue: &Catalogue) -> BTreeSet<PersonId> {
    let known = catalogue.people.get(person);
    let accounts = known.zip(catalogue.members.people_from).and_then(|(known, platform)| known.identities.get(&platform));
    let before = accounts.and_then(|account| account.to_lowercase().parse::<PersonId>().ok());
    let before = before.filter(|before| !catalogue.people.contains_key(before));
    before.into_iter().chain([person.clone()]).collect()
}

/// What is recorded of a name that somebody typed: itself where it is the name of something, nothing where it is just text.
fn recorded(name: &str, is_known: bool) -> &str {
    if is_known { name } else { "(unknown)" }
}

/// The number of pages, and this one of them.
fn paged(count: usize, page: u32) -> (usize, usize) {
    let pages = count.div_ceil(PAGE).max(1);
    (usize::try_from(page).unwrap_or(usize::MAX).clamp(1, pages), pages)
}

/// As an answer carries it.
fn carried(data: &impl serde::Serialize) -> Value {
    serde_json::to_value(data).unwrap_or_default()
}
