//! `/jit find`: what somebody asked for, held and decided, newest first. How much of it somebody else does not see is not said: it
//! would tell that there is something.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{LATELY, PAGE, carried, recorded, whole};
use crate::{
    bot::{Answer, Bot, answers::Found, handle::Caller},
    domain::{
        decide::{self, Sees},
        digest::{self, ActKind},
        event::Operation,
        ids::PersonId,
        parse,
        policy::Catalogue,
        refusal::Refusal,
        request::Request,
        time::Instant,
    },
    store::{Search, StoreError},
};

/// Requests that are read at once.
const READ: u32 = 200;
/// Requests that are looked through for one question, of all that it asks for.
const THROUGH: usize = 4_000;

/// A page of what somebody did.
#[expect(clippy::struct_excessive_bools, reason = "four independent facts that its reader is told")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundPage {
    pub person: PersonId,
    pub since: Instant,
    pub rows: Vec<Did>,
    pub page: usize,
    /// There is another page.
    pub has_more: bool,
    /// They asked about themselves.
    pub is_own: bool,
    /// The asker sees everything.
    pub is_all: bool,
    /// There was too much to look through.
    pub is_cut: bool,
}

/// A request, and what the person decided about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Did {
    pub request: Request,
    /// What, and when.
    pub decided: Vec<(ActKind, Instant)>,
    /// The address of its card.
    pub url: Option<String>,
}

impl Bot {
    pub(in crate::bot) async fn find(
        &self,
        caller: &Caller,
        (person, since, page): (Option<PersonId>, Option<Instant>, u32),
        catalogue: &Catalogue,
    ) -> Found {
        let person = person.unwrap_or_else(|| caller.person.clone());
        let (me, them) = (whole(&caller.person, catalogue), whole(&person, catalogue));
        let is_own = me.contains(&person);
        let sees = if is_own { Ok(Sees::All) } else { self.sees(caller.presser(), catalogue).await };
        let sees = match sees {
            Ok(sees) => sees,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let since = since.unwrap_or_else(|| self.now() - LATELY);
        let page = usize::try_from(page.max(1)).unwrap_or(usize::MAX);
        let is_mine = |request: &Request| me.iter().any(|me| decide::is_own(request, me));
        let shown = |request: &Request| sees.has(&request.main_ask().resource) || is_mine(request);
        let (mut found, is_cut) = self.search(&them, since, page.saturating_mul(PAGE) + 1, &shown).await?;
        if found.is_empty() && sees == Sees::These(BTreeSet::new()) {
            // Not even their name: whether there is such a person is not said.
            return Ok(Err(Refusal::NothingToSee { name: String::new() }));
        }
        let has_more = found.len() > page * PAGE;
        found.truncate(page * PAGE);
        let found = found.split_off(found.len().min((page - 1) * PAGE));
        let addresses = self.addresses(caller.platform, found.iter().map(|request| request.id.clone()).collect()).await?;
        if let (true, Sees::All, Err(refusal)) = (found.is_empty(), &sees, parse::person(person.as_str(), catalogue, caller.platform)) {
            return Ok(Err(refusal));
        }
        let known = recorded(person.as_str(), catalogue.people.contains_key(&person) || !found.is_empty());
        let looked = (!is_own).then(|| Operation::Looked { what: format!("find {known} since {since}") });
        let row = |request: Request| {
            let acts = digest::acts(&request).into_iter().filter(|act| them.contains(&act.person) && act.kind != ActKind::Unanswered);
            Did { decided: acts.map(|act| (act.kind, act.at)).collect(), url: addresses.get(&request.id).cloned(), request }
        };
        let rows: Vec<Did> = found.into_iter().map(row).collect();
        let found = FoundPage { person, since, rows, page, has_more, is_own, is_all: sees == Sees::All, is_cut };
        Ok(Ok((Answer::said("found", carried(&found)), looked)))
    }

    /// So many of what these did since then, newest first; and whether there was more than is looked through.
    async fn search(
        &self,
        people: &BTreeSet<PersonId>,
        since: Instant,
        most: usize,
        shown: &impl Fn(&Request) -> bool,
    ) -> Result<(Vec<Request>, bool), StoreError> {
        let (mut found, mut is_cut, mut through) = (Vec::<Request>::new(), false, 0);
        for person in people {
            let mut search = Search { person: Some(person.clone()), since: Some(since), limit: READ, ..Search::default() };
            let mut taken = 0;
            loop {
                let page = self.store.history(&search).await?;
                through += page.requests.len();
                let before = found.len();
                found.extend(page.requests.into_iter().filter(shown));
                taken += found.len() - before;
                match page.next {
                    Some(next) if taken < most && through < THROUGH => search.after = Some(next),
                    next => {
                        is_cut |= next.is_some() && taken < most;
                        break;
                    }
                }
            }
        }
        found.sort_by(|a, b| (b.opened_at, &a.id).cmp(&(a.opened_at, &b.id)));
        found.dedup_by(|a, b| a.id == b.id);
        found.truncate(most);
        Ok((found, is_cut))
    }
}
