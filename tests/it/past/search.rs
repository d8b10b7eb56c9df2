//! Finding requests: every page follows the one before it, and together they are what the lives say.

use hallpass::{
    domain::{
        event::Event,
        ids::PersonId,
        request::{Ending, RequestId},
        time::Instant,
    },
    store::{Search, Store},
};

use super::{
    lived,
    lives::{BEGIN, Life, Lives, OVER, person, second},
};
use crate::ledger::on_both;

on_both![all_pages_together_are_what_the_lives_say];

/// The person decided something about it at or after an instant.
fn decided(life: &Life, who: &PersonId, since: Instant) -> bool {
    let fact = life.fact();
    life.events.iter().any(|(event, at)| {
        let by = match event {
            // Approvals count from when what they were part of was decided.
            Event::Approved { person, .. } if fact.decided.is_some() => person,
            Event::Denied { person, .. }
            | Event::Settled { person, .. }
            | Event::Revoking { cause: Ending::Revoked { by: Some(person), .. } } => person,
            _ => return false,
        };
        let ends = matches!(event, Event::Revoking { .. });
        let at = if ends { fact.over } else { Some(*at) };
        by == who && at.is_some_and(|at| at >= since)
    })
}

fn wanted(lives: &Lives, search: &Search) -> Vec<(Instant, RequestId)> {
    let since = search.since.unwrap_or(second(-1));
    let until = search.until.unwrap_or(second(OVER * 9));
    let mut all: Vec<(Instant, RequestId)> = lives
        .0
        .iter()
        .filter(|life| {
            let (ask, fact) = (life.ask(), life.fact());
            let lived = fact.over.is_none_or(|over| over >= since);
            let is_theirs = |who: &PersonId| ask.by == *who || ask.subject == *who;
            let of = search.person.as_ref().is_none_or(|who| (is_theirs(who) && lived) || decided(life, who, since));
            of && lived && fact.asked.unwrap() < until && search.resource.as_ref().is_none_or(|resource| ask.resource == *resource)
        })
        .map(|life| (life.fact().asked.unwrap(), life.id.clone()))
        .collect();
    all.sort_by(|a, b| (b.0, &a.1).cmp(&(a.0, &b.1)));
    all
}

async fn found(store: &Store, search: &Search) -> Vec<(Instant, RequestId)> {
    let (mut all, mut search) = (Vec::new(), search.clone());
    loop {
        let page = store.history(&search).await.unwrap();
        assert!(page.requests.len() <= usize::try_from(search.limit).unwrap());
        all.extend(page.requests.into_iter().map(|request| (request.opened_at, request.id)));
        if page.next.is_none() {
            return all;
        }
        search.after = page.next;
    }
}

async fn all_pages_together_are_what_the_lives_say(url: &str) {
    let (store, lives) = lived(url, 31, 255).await;
    let resource = || Some("bastion".parse().unwrap());
    let whole = Search { limit: 7, ..Search::default() };
    let searches = [
        whole.clone(),
        Search { resource: resource(), ..whole.clone() },
        Search { resource: resource(), since: Some(second(BEGIN)), ..whole.clone() },
        Search { since: Some(second(BEGIN * 2)), ..whole.clone() },
        Search { since: Some(second(1_000)), until: Some(second(90_000)), limit: 500, ..whole.clone() },
    ];
    let mut total = 0;
    for search in searches {
        let all = found(&store, &search).await;
        assert_eq!(all, wanted(&lives, &search), "{search:?}");
        total += all.len();
    }
    for who in ["ana", "ben", "eve", "finn", "nobody"] {
        for (since, resource) in [(None, None), (Some(second(BEGIN)), None), (None, resource()), (Some(second(BEGIN * 2)), resource())] {
            let search = Search { person: Some(person(who)), since, resource, ..whole.clone() };
            let (all, model) = (found(&store, &search).await, wanted(&lives, &search));
            assert!(all.is_sorted_by(|a, b| (b.0, &a.1) <= (a.0, &b.1)), "newest first");
            assert_eq!(all, model, "{search:?}");
            total += all.len();
        }
    }
    assert!(total > 500, "{total}");
}
