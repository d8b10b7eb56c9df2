//! The digest as people get it: when and where, once, in which words, within which limits, and who may read it at any time.

mod answered;
mod discord;
mod made;
mod named;
mod once;
mod sample;
mod seasons;
mod shown;
mod slack;

use hallpass::{
    domain::{
        digest::{Made, Rules, Schedule},
        policy::{Catalogue, Channel, Platform},
    },
    store::{Commit, DigestWrite, Store, TaskKind, TaskWant},
};

use crate::world;

/// Where digests go at the console.
const PLACE: &str = "#security";

/// At nine in the morning, UTC, in these channels.
fn rules_in(platform: Platform, channels: &[&str]) -> Rules {
    let channels = channels.iter().map(|id| Channel { platform, id: (*id).to_owned() }).collect();
    Rules { channels, ..Rules::default() }
}

/// The small company with a digest at the console.
fn company() -> Catalogue {
    Catalogue { digests: Some(rules_in(Platform::Console, &[PLACE])), ..world::catalogue() }
}

fn weekdays(rules: Catalogue) -> Catalogue {
    let digests = rules.digests.map(|digests| Rules { schedule: Schedule { weekdays_only: true, ..digests.schedule }, ..digests });
    Catalogue { digests, ..rules }
}

/// Puts a digest there as if it had just been made.
async fn put(store: &Store, made: &Made, platform: Platform, channel: &str) {
    let queue = format!("{}/{channel}", platform.name());
    let due_at = made.digest.made_at;
    let task = TaskWant { kind: TaskKind::Digest, key: format!("{}/{queue}", made.n.unwrap()), queue, due_at };
    let digests = vec![DigestWrite::Made(Box::new(made.clone()))];
    store.commit(Commit { digests, tasks: vec![task], ..Commit::default() }).await.unwrap();
}
