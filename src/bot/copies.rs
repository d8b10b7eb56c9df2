//! Copies of a card for people whom policy calls directly: whom they go to, and that each follows every later change. A row in
//! `posts` is written with the call itself, so that none is forgotten that is still being sent.

use std::collections::BTreeSet;

use super::{Bot, changes::Step};
use crate::{
    domain::{
        copies, decide,
        facts::Facts,
        ids::PersonId,
        policy::{Platform, Policy},
        request::Request,
        time::Instant,
    },
    store::{Commit, Post, PostWrite, StoreError, TaskKind, TaskWant},
};

/// People of one stage who get its card directly; of more than that, nobody does.
const MOST: usize = 20;

/// Where a copy stands, or is to stand.
type Place = (Platform, PersonId);

impl Bot {
    /// Adds the copies to the transaction: those there are, and those of a stage or rung that opens with it.
    pub(super) async fn copies(&self, commit: &mut Commit, step: &Step<'_>, facts: &Facts<'_>, now: Instant) -> Result<(), StoreError> {
        let request = step.after;
        let sends = decide::policy_of(request, facts).is_some_and(Policy::sends_directly);
        if !sends && !request.asks.iter().any(|ask| ask.direct) {
            return Ok(());
        }
        let posts = if step.before.is_some() { self.store.posts(&request.id).await? } else { Vec::new() };
        let mut places: BTreeSet<Place> = posts.iter().filter_map(|post| copy(post, request)).collect();
        if step.events.iter().any(copies::calls) {
            for place in called(request, facts, now) {
                if places.insert(place.clone()) {
                    commit.posts.push(PostWrite::Card(empty(request, &place)));
                }
            }
        }
        commit.tasks.extend(places.iter().map(|place| card(request, place, now)));
        Ok(())
    }
}

/// Wherever those who are called can be reached.
fn called(request: &Request, facts: &Facts<'_>, now: Instant) -> Vec<Place> {
    let people = copies::called(request, facts, now);
    if people.len() > MOST {
        let (all, most) = (people.len(), MOST);
        tracing::warn!(request.id = %request.id, people = all, most, "too many people would get the card directly: nobody does");
        return Vec::new();
    }
    let identities = people.into_iter().filter_map(|person| Some((facts.catalogue.people.get(&person)?, person)));
    identities.flat_map(|(known, person)| known.identities.keys().map(move |platform| (*platform, person.clone()))).collect()
}

/// The place of a copy. What requester and subject are told privately has a row of the same kind.
fn copy(post: &Post, request: &Request) -> Option<Place> {
    let person: PersonId = post.place.strip_prefix('@')?.parse().ok()?;
    (person != request.requester && person != request.subject).then_some((post.platform, person))
}

fn empty(request: &Request, (platform, person): &Place) -> Post {
    let place = format!("@{person}");
    Post { request: request.id.clone(), platform: *platform, place, posted: None, shown: None, sending: None, telling: None, cursor: 0 }
}

fn card(request: &Request, (platform, person): &Place, now: Instant) -> TaskWant {
    let queue = format!("{}/@{person}", platform.name());
    TaskWant { kind: TaskKind::Card, key: format!("{}/{queue}", request.id), queue, due_at: now }
}
