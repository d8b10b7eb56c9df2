//! `/jit stats`: how many asks there were, how fast they were answered, what came of them and when they come. Of resources, and of
//! nobody in particular.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{LATELY, carried};
use crate::{
    bot::{Answer, Bot, answers::Found, handle::Caller},
    domain::{
        decide::Sees,
        digest::Stats,
        event::Operation,
        ids::ResourceId,
        parse,
        policy::Catalogue,
        refusal::Refusal,
        time::{Instant, Span},
    },
    store::StoreError,
};

/// Resources that are named one by one.
const NAMED: usize = 10;
/// Nine of ten are no slower.
const SLOW: u32 = 90;

/// How it went since then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatesPage {
    pub since: Instant,
    pub until: Instant,
    /// None: of all that the asker may see.
    pub resource: Option<ResourceId>,
    /// They see everything.
    pub is_all: bool,
    /// All together. None: what they see is counted by resource alone.
    pub whole: Option<Rates>,
    /// By resource, most asked first.
    pub each: Vec<Rates>,
    pub more: usize,
    /// How many asks began in each quarter of an hour that had any.
    pub quarters: Vec<(Instant, u64)>,
}

/// The numbers of one resource, or of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    pub stats: Stats,
    /// Nine of ten decisions took no longer.
    pub slow: Option<Span>,
}

impl Bot {
    pub(in crate::bot) async fn stats(
        &self,
        caller: &Caller,
        (resource, since): (Option<ResourceId>, Option<Instant>),
        catalogue: &Catalogue,
    ) -> Found {
        // What happens at this very moment counts.
        let until = self.now() + Span::from_seconds(1);
        let since = since.unwrap_or(until - LATELY);
        let found = match &resource {
            Some(one) => match self.may_look(caller, one, catalogue).await {
                Ok(()) => self.of_one(one, since, until).await?,
                Err(refusal) => return Ok(Err(refusal)),
            },
            None => match self.sees(caller.presser(), catalogue).await {
                Ok(Sees::All) => self.of_all(since, until).await?,
                Ok(Sees::These(these)) if these.is_empty() => return Ok(Err(Refusal::NothingToSee { name: String::new() })),
                Ok(Sees::These(these)) => self.of_these(&these, since, until).await?,
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        let nothing = found.whole.as_ref().is_some_and(Rates::is_empty);
        if let Some(Err(refusal)) = resource.as_ref().filter(|_| nothing).map(|id| parse::resource(id.as_str(), catalogue)) {
            return Ok(Err(refusal));
        }
        let of = resource.as_ref().map_or("all", ResourceId::as_str);
        let looked = Operation::Looked { what: format!("stats {of} since {since}") };
        Ok(Ok((Answer::said("rates", carried(&found)), Some(looked))))
    }

    async fn rates(&self, resource: Option<&ResourceId>, since: Instant, until: Instant) -> Result<Rates, StoreError> {
        let stats = self.store.stats(resource, since, until).await?;
        Ok(Rates { stats, slow: self.store.decided_within(resource, (since, until), SLOW).await? })
    }

    async fn of_one(&self, resource: &ResourceId, since: Instant, until: Instant) -> Result<RatesPage, StoreError> {
        let whole = Some(self.rates(Some(resource), since, until).await?);
        let quarters = self.store.asked_by_quarter(Some(resource), (since, until)).await?;
        Ok(RatesPage { since, until, resource: Some(resource.clone()), is_all: false, whole, each: Vec::new(), more: 0, quarters })
    }

    async fn of_all(&self, since: Instant, until: Instant) -> Result<RatesPage, StoreError> {
        let whole = self.rates(None, since, until).await?;
        let (mut each, named) = (Vec::new(), &whole.stats.day.resources);
        for row in named.iter().take(NAMED) {
            each.push(self.rates(Some(&row.resource), since, until).await?);
        }
        let more = usize::try_from(whole.stats.day.more_resources).unwrap_or(usize::MAX).saturating_add(named.len() - each.len());
        let quarters = self.store.asked_by_quarter(None, (since, until)).await?;
        Ok(RatesPage { since, until, resource: None, is_all: true, whole: Some(whole), each, more, quarters })
    }

    /// Medians of several resources do not add up: each has its own.
    async fn of_these(&self, these: &BTreeSet<ResourceId>, since: Instant, until: Instant) -> Result<RatesPage, StoreError> {
        let mut busy: Vec<(ResourceId, u64)> = self.store.busy((since, until)).await?.into_iter().collect();
        busy.retain(|(resource, _)| these.contains(resource));
        busy.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
        let mut each = Vec::new();
        for (resource, _) in busy.iter().take(NAMED) {
            each.push(self.rates(Some(resource), since, until).await?);
        }
        let more = busy.len() - each.len();
        let asked: Vec<ResourceId> = busy.into_iter().filter(|(_, asked)| *asked > 0).map(|(resource, _)| resource).collect();
        let quarters = self.store.asked_by_quarter_of(&asked, (since, until)).await?;
        Ok(RatesPage { since, until, resource: None, is_all: false, whole: None, each, more, quarters })
    }
}

impl Rates {
    /// Nothing happened there and nothing is open.
    pub const fn is_empty(&self) -> bool {
        self.stats.day.is_empty()
    }
}
