//! `/jit who RESOURCE --at MOMENT`: who had access at a second, and how sure that is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{PAGE, carried, paged, whole};
use crate::{
    bot::{Answer, Bot, answers::Found, handle::Caller},
    domain::{
        digest::{self, HeldAt},
        event::Operation,
        ids::{PersonId, ResourceId},
        parse,
        policy::{Catalogue, Platform},
        refusal::Refusal,
        request::Request,
        time::Instant,
    },
    store::{HeldThen, StoreError},
};

/// A page of those who had something at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThenPage {
    pub resource: ResourceId,
    pub at: Instant,
    pub rows: Vec<Had>,
    /// Of all pages.
    pub count: u64,
    /// There are others, which are on no page.
    #[serde(default)]
    pub more: bool,
    pub page: usize,
    pub pages: usize,
    /// Only what concerns the asker: more may have been there.
    pub only_own: bool,
    /// Why it is only that, where nobody could say what else they may see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unasked: Option<Unasked>,
    /// It is not in bot.toml any more.
    pub is_gone: bool,
    /// Where the records begin, if that is after the moment.
    pub begins: Option<Instant>,
}

/// A group whose chat did not say who is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unasked {
    pub group: String,
    pub platform: Option<Platform>,
}

/// One grant that was there, or may have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Had {
    pub held: HeldAt,
    /// As it is now.
    pub request: Option<Request>,
    /// The address of its card.
    pub url: Option<String>,
}

impl Bot {
    pub(in crate::bot) async fn then(
        &self,
        caller: &Caller,
        (resource, at, page): (ResourceId, Instant, u32),
        catalogue: &Catalogue,
    ) -> Found {
        let judged = self.may_look(caller, &resource, catalogue).await;
        if let Err(refusal) = &judged
            && !matches!(refusal, Refusal::NothingToSee { .. } | Refusal::CannotAskGroup { .. })
        {
            return Ok(Err(refusal.clone()));
        }
        let held = match &judged {
            Ok(()) => self.store.held_within(&resource, digest::meant(at), None).await?,
            Err(_) => self.own_within(&whole(&caller.person, catalogue), &resource, digest::meant(at)).await?,
        };
        if let (true, Err(refusal)) = (held.grants.is_empty(), &judged) {
            return Ok(Err(refusal.clone()));
        }
        if let (true, Err(refusal)) = (held.grants.is_empty(), parse::resource(resource.as_str(), catalogue)) {
            return Ok(Err(refusal));
        }
        let (page, pages) = paged(held.grants.len(), page);
        let (count, more) = (u64::try_from(held.grants.len()).unwrap_or(u64::MAX), held.more);
        let shown: Vec<HeldAt> = held.grants.into_iter().skip((page - 1) * PAGE).take(PAGE).collect();
        let addresses = self.addresses(caller.platform, shown.iter().map(|held| held.request.clone()).collect()).await?;
        let mut rows = Vec::new();
        for held in shown {
            let request = self.store.request(&held.request).await?;
            rows.push(Had { url: addresses.get(&held.request).cloned(), held, request });
        }
        let begins = self.store.first_entry_at().await?.filter(|first| *first > at);
        let is_gone = !catalogue.resources.contains_key(&resource);
        // Their own needs nobody's word.
        let unasked = match &judged {
            Err(Refusal::CannotAskGroup { group, platform, .. }) => Some(Unasked { group: group.clone(), platform: *platform }),
            _ => None,
        };
        let looked = Operation::Looked { what: format!("who {resource} at {at}") };
        let found = ThenPage { resource, at, rows, count, more, page, pages, only_own: judged.is_err(), unasked, is_gone, begins };
        Ok(Ok((Answer::said("then", carried(&found)), Some(looked))))
    }

    /// What these have or asked for, however much there is of others.
    async fn own_within(&self, me: &BTreeSet<PersonId>, resource: &ResourceId, within: (Instant, Instant)) -> Result<HeldThen, StoreError> {
        let mut all = HeldThen::default();
        for person in me {
            let HeldThen { grants, more } = self.store.held_within(resource, within, Some(person)).await?;
            all.grants.extend(grants);
            all.more |= more;
        }
        // One that an account asked for and its person has is found by both.
        all.grants.sort_by(|a, b| (a.not_before, &a.request, a.sure).cmp(&(b.not_before, &b.request, b.sure)));
        all.grants.dedup();
        Ok(all)
    }
}
