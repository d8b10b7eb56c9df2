//! Who left loses what they hold (R18): everybody who holds or waits for something is looked at, again and again, whoever was
//! looked at longest ago first. Whom nobody can say anything about for long is an alarm. Must not take anything from somebody
//! only because a chat is silent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures_util::{StreamExt as _, stream};

use super::{
    Bot,
    facts::{Fresh, There},
    in_force::InForce,
};
use crate::{
    domain::{
        due,
        facts::Groups,
        ids::PersonId,
        policy::Catalogue,
        time::{Instant, Span},
    },
    store::{Commit, CommitError, Filter},
};

const ALARM: &str = "leavers";
/// So long nobody may be able to say of somebody whether they are still there.
const UNSEEN: Span = Span::from_minutes(15);
/// People who are looked at beside each other: a chat that is slow about one does not keep the others waiting, and few enough
/// to leave it time for what decides.
const SIDE_BY_SIDE: usize = 4;
/// People whom the alarm names.
const NAMED: usize = 5;

/// Whom this process looked at, and when.
#[derive(Default)]
pub(super) struct Looks(Mutex<Known>);

#[derive(Default)]
struct Known {
    people: BTreeMap<PersonId, Look>,
    /// Nothing is open: what an earlier run raised is over, too.
    is_over: bool,
}

struct Look {
    /// When it was tried last; None: not yet.
    tried: Option<Instant>,
    /// When a chat said last that they are there; at first, when they were first to be looked at.
    seen: Instant,
    /// Why nobody said anything the last time.
    why: Option<String>,
}

impl Looks {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These people and no others are to be looked at; whoever was longest ago comes first.
    fn in_order(&self, people: &BTreeSet<PersonId>, now: Instant) -> Vec<PersonId> {
        let known = &mut self.known().people;
        known.retain(|person, _| people.contains(person));
        for person in people {
            known.entry(person.clone()).or_insert(Look { tried: None, seen: now, why: None });
        }
        let mut order: Vec<_> = known.iter().map(|(person, look)| (look.tried, person.clone())).collect();
        order.sort();
        order.into_iter().map(|(_, person)| person).collect()
    }

    fn note(&self, person: &PersonId, there: &Result<There, String>, now: Instant) {
        if let Some(look) = self.known().people.get_mut(person) {
            look.tried = Some(now);
            look.why = there.as_ref().err().cloned();
            if there.is_ok() {
                look.seen = now;
            }
        }
    }

    /// Of whom nothing was said for long, in words.
    fn unseen(&self, now: Instant) -> Option<String> {
        let known = self.known();
        let unseen: Vec<_> = known.people.iter().filter(|(_, look)| now.since(look.seen) >= UNSEEN).collect();
        let why = unseen.iter().find_map(|(_, look)| look.why.as_deref())?;
        let names = unseen.iter().take(NAMED).map(|(person, _)| person.as_str()).collect::<Vec<_>>().join(", ");
        let more = match unseen.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let minutes = UNSEEN.seconds() / 60;
        Some(format!(
            "for {minutes} minutes it could not be seen whether {names}{more} left, and whoever did keeps what they hold until its end: {why}"
        ))
    }
}

impl Bot {
    /// Looks at everybody who holds or waits for something; who left loses it at once. Returns how many requests that ended.
    /// # Errors
    /// The store does not answer; whoever was not looked at yet comes first the next time.
    pub async fn leavers(&self) -> Result<usize, CommitError> {
        let people = self.store.people_with_open().await?.into_iter().collect::<BTreeSet<_>>();
        let catalogue = self.catalogue_knowing(&people).await?;
        let order = self.looks.in_order(&people, self.now());
        let looks: Vec<_> = order.iter().map(|person| self.look_at(person, &catalogue)).collect();
        let mut looks = stream::iter(looks).buffer_unordered(SIDE_BY_SIDE);
        let (mut gone, mut told) = (0, false);
        while let Some((person, there)) = looks.next().await {
            self.looks.note(person, &there, self.now());
            if there == Ok(There::No) {
                gone += self.ends_all_of(person).await?;
            }
            // Where nobody answers, looking at everybody takes long.
            if !told && let Some(what) = self.looks.unseen(self.now()) {
                self.raise(ALARM, what, None).await?;
                self.looks.known().is_over = false;
                told = true;
            }
        }
        self.tell_unseen().await?;
        Ok(gone)
    }

    async fn look_at<'p>(&self, person: &'p PersonId, catalogue: &Catalogue) -> (&'p PersonId, Result<There, String>) {
        let there = match catalogue.people.get(person) {
            Some(known) if known.active => self.is_there(known, None, Fresh::Spare).await.1,
            None if self.in_force(InForce::is_unread) => Err("nobody has said yet who its members are".to_owned()),
            Some(_) | None => Ok(There::No),
        };
        (person, there)
    }

    async fn ends_all_of(&self, person: &PersonId) -> Result<usize, CommitError> {
        let groups = Groups { inactive: [person.clone()].into(), ..Groups::default() };
        let theirs = Filter { person: Some(person.clone()), open: Some(true), limit: u32::MAX, ..Filter::default() };
        let mut gone = 0;
        for request in self.store.requests(&theirs).await? {
            let events = due::left(&request, person);
            if events.is_empty() {
                continue;
            }
            match self.commit_step(&request, &events, &groups, Commit::default()).await {
                Ok(()) => gone += 1,
                Err(CommitError::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(gone)
    }

    async fn tell_unseen(&self) -> Result<(), CommitError> {
        let unseen = self.looks.unseen(self.now());
        let was_over = std::mem::replace(&mut self.looks.known().is_over, unseen.is_none());
        match unseen {
            Some(what) => self.raise(ALARM, what, None).await,
            // Another process may see less: what it raises is its own to end.
            None if was_over => Ok(()),
            None => self.clear(ALARM).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn people(names: &[&str]) -> BTreeSet<PersonId> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn order(looks: &Looks, names: &[&str], seconds: i64) -> String {
        looks.in_order(&people(names), at(seconds)).iter().map(PersonId::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn whoever_was_looked_at_longest_ago_or_never_comes_first() {
        let looks = Looks::default();
        assert_eq!(order(&looks, &["ana", "ben", "cleo"], 0), "ana ben cleo");
        looks.note(&"ana".parse().unwrap(), &Ok(There::Yes), at(2));
        looks.note(&"ben".parse().unwrap(), &Err("silent".into()), at(1));
        assert_eq!(order(&looks, &["ana", "ben", "cleo", "dora"], 3), "cleo dora ben ana");
        assert_eq!(order(&looks, &["ana", "dora"], 3), "dora ana", "who holds nothing is not looked at");
    }

    #[test]
    fn whom_nobody_can_see_for_long_is_said_and_who_was_seen_meanwhile_is_not() {
        let (looks, minutes) = (Looks::default(), |minutes: i64| at(minutes * 60));
        order(&looks, &["ana", "ben", "c1", "c2", "c3", "c4", "c5"], 0);
        assert_eq!(looks.unseen(minutes(60)), None, "it was not even tried");
        for name in ["ben", "c1", "c2", "c3", "c4", "c5"] {
            looks.note(&name.parse().unwrap(), &Err("discord is down".into()), minutes(14));
        }
        looks.note(&"ana".parse().unwrap(), &Ok(There::Yes), minutes(14));
        assert_eq!(looks.unseen(minutes(14)), None);
        insta::assert_snapshot!(looks.unseen(minutes(15)).unwrap(), @"for 15 minutes it could not be seen whether ben, c1, c2, c3, c4 and 1 more left, and whoever did keeps what they hold until its end: discord is down");
    }
}
