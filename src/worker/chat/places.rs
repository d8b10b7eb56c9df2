//! What this process knows of the places that it sends to: those that must wait for their turn, and those that refuse what is
//! sent until a human mends it, of which operators hear once. Must not decide what is sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Deps, Stop};
use crate::{
    domain::{ids::PersonId, policy::Platform, time::Instant},
    store::CommitError,
};

/// Begins the ids of alarms about places; the rest is `<platform>/<channel, or @ and a person>`.
const ALARM: &str = "chat/";

#[derive(Default)]
pub(in crate::worker) struct Places {
    /// Queues of which nothing is begun before then.
    held: Mutex<BTreeMap<String, Instant>>,
    /// Open alarms about places; None: not looked up since the start. Held over a change, so that none is raised twice.
    refusing: tokio::sync::Mutex<Option<BTreeSet<String>>>,
}

impl Places {
    /// Nothing of this queue is begun before then.
    pub(super) fn hold(&self, queue: &str, until: Instant) {
        let mut queues = self.queues();
        let at = queues.entry(queue.to_owned()).or_insert(until);
        *at = until.max(*at);
    }

    /// The queues that are held now.
    pub(in crate::worker) fn held(&self, now: Instant) -> Vec<String> {
        let mut queues = self.queues();
        queues.retain(|_, until| *until > now);
        queues.keys().cloned().collect()
    }

    fn queues(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Once after a start: which places refused what was sent. What is not sent to any more has nothing to be mended.
    pub(super) async fn look_up(&self, deps: &Deps) -> Result<(), Stop> {
        let mut refusing = self.refusing.lock().await;
        if refusing.is_some() {
            return Ok(());
        }
        let mut known = BTreeSet::new();
        for alarm in deps.store.open_alarms().await.map_err(Stop::read)? {
            match alarm.id.strip_prefix(ALARM) {
                Some(place) if is_named(deps, place) => drop(known.insert(alarm.id)),
                Some(_) => deps.bot.clear(&alarm.id).await?,
                None => {}
            }
        }
        *refusing = Some(known);
        Ok(())
    }

    /// This place refuses: operators hear of it, and why. False: nothing is sent there any more, so there is nothing to mend.
    pub(super) async fn refused(&self, deps: &Deps, place: &str, why: &str) -> Result<bool, CommitError> {
        if !is_named(deps, place) {
            self.clear(deps, place, true).await?;
            return Ok(false);
        }
        let mut refusing = self.refusing.lock().await;
        let id = format!("{ALARM}{place}");
        deps.bot.raise(&id, format!("{}: {why}", place.replacen('/', " ", 1)), None).await?;
        refusing.get_or_insert_default().insert(id);
        Ok(true)
    }

    /// This place took something, after so many tries. Another process may have heard of a refusal.
    pub(super) async fn took(&self, deps: &Deps, place: &str, tries: u32) -> Result<(), CommitError> {
        self.clear(deps, place, tries > 0).await
    }

    /// `look`: whatever this process knows of it.
    async fn clear(&self, deps: &Deps, place: &str, look: bool) -> Result<(), CommitError> {
        let mut refusing = self.refusing.lock().await;
        let id = format!("{ALARM}{place}");
        if look || refusing.as_ref().is_some_and(|known| known.contains(&id)) {
            deps.bot.clear(&id).await?;
            refusing.as_mut().map(|known| known.remove(&id));
        }
        Ok(())
    }
}

/// Is it a place that bot.toml names, or a person with an account there?
fn is_named(deps: &Deps, place: &str) -> bool {
    let Some((platform, name)) = place.split_once('/').and_then(|(platform, name)| Some((Platform::named(platform)?, name))) else {
        return false;
    };
    let catalogue = deps.bot.catalogue();
    match name.strip_prefix('@').map(str::parse::<PersonId>) {
        Some(person) => {
            person.ok().and_then(|person| catalogue.people.get(&person)).is_some_and(|person| person.identities.contains_key(&platform))
        }
        None => {
            let channels = catalogue.resources.values().flat_map(|resource| &resource.channels);
            deps.ops.iter().chain(channels).any(|channel| channel.platform == platform && channel.id == name)
        }
    }
}
