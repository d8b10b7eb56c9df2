//! The daily digest, computed from what the store knows. Changes nothing, words nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use super::Bot;
use crate::{
    domain::{
        command::Length,
        digest::{DIGEST_VERSION, Day, Digest, Exception, Given, Kind, LINES, Moments, NAMED, Quality, Thresholds, What, Window, quality},
        event::Operation,
        ids::PersonId,
        request::{AskKind, Request, RequestId, State},
        time::{Instant, Span},
    },
    store::{Audits, Store, StoreError, Troubled, entry},
};

/// Settled this long before the window's end is said once more each day.
const SETTLED_FOR: Span = Span::from_seconds(7 * 86_400);
const DAY: i64 = 86_400;
/// Lines about approvals whose requests are looked up.
const LOOKED_UP: usize = 100;
/// Requests that a line about a leaver names.
const LOST: usize = 100;
/// Requests read at a time.
const BATCH: usize = 500;

/// The bot's own operations that stand out, by the names that they have in the ledger.
const OPERATIONS: [(&str, Kind); 8] = [
    ("policy_loaded", Kind::PolicyChanged),
    ("policy_refused", Kind::PolicyRefused),
    ("clock_jumped", Kind::ClockJumped),
    ("clock_confirmed", Kind::ClockConfirmed),
    ("linked", Kind::Linked),
    ("unlinked", Kind::Unlinked),
    ("store_was_down", Kind::StoreDown),
    ("left", Kind::Left),
];

/// Processes that go by another file within this time do so for the same reason.
const TOGETHER: Span = Span::from_minutes(10);

/// Alarms about requests begin so.
const STILL_OPEN: &str = "still_open/";
const RESIDUE: &str = "residue/";
const GRANT_FAILED: &str = "grant_failed/";
/// Alarms that the digest tells of in other lines: these, and what repeats what it says of holders by itself.
const TOLD: [&str; 4] = [STILL_OPEN, RESIDUE, GRANT_FAILED, "drift/"];

/// What stands out, and what was too much of it.
#[derive(Default)]
struct Found {
    exceptions: Vec<Exception>,
    more: Vec<(Kind, u64)>,
}

impl Found {
    fn add(&mut self, kind: Kind, more: u64, exceptions: impl IntoIterator<Item = Exception>) {
        let lines = usize::try_from(LINES).unwrap_or(usize::MAX);
        let mut exceptions: Vec<Exception> = exceptions.into_iter().collect();
        let more = more + u64::try_from(exceptions.len().saturating_sub(lines)).unwrap_or(0);
        exceptions.truncate(lines);
        self.exceptions.extend(exceptions);
        if more > 0 {
            self.more.push((kind, more));
        }
    }
}

impl Bot {
    /// From now on this says what is to be believed of the ledger's check; without it nothing is.
    pub fn is_audited_by(&self, audits: Arc<dyn Audits>) {
        *self.audits.write().unwrap_or_else(PoisonError::into_inner) = Some(audits);
    }

    /// What a digest over this window says now. What is open is open now; the rest happened in the window, which should be
    /// over for `digest::AFTER`.
    /// # Errors
    /// The store does not answer, or is still reading in what an older version wrote.
    pub async fn digest(&self, window: Window, thresholds: &Thresholds) -> Result<Digest, StoreError> {
        let (store, now, Window { from, to, .. }) = (self.store(), self.now(), window);
        let mut found = Found::default();
        troubles(store, now, &mut found).await?;
        over(store, window, &mut found).await?;
        closed(store, window, &mut found).await?;
        drift(store, from, to, &mut found).await?;
        operations(store, from, to, &mut found).await?;
        found.exceptions.sort_by_key(Exception::kind);
        let tallies = store.tallies(from, to, None).await?;
        let (longest, unused) = (store.longest(from, to, None).await?, store.unused(from, to, None).await?);
        let day = Day::new(&tallies, longest, unused, store.open_now(None).await?);
        let quality = approvals(store, window, thresholds).await?;
        let audits = self.audits.read().unwrap_or_else(PoisonError::into_inner).clone();
        let ledger = store.ledger_now(now, audits.as_deref()).await?;
        Ok(Digest { v: DIGEST_VERSION, window, made_at: now, exceptions: found.exceptions, more: found.more, day, quality, ledger })
    }
}

/// What is open now and should not be. An alarm whose request no line can be made of is told by its id: it never disappears.
async fn troubles(store: &Store, now: Instant, found: &mut Found) -> Result<(), StoreError> {
    let (open, more) = store.troubled(STILL_OPEN).await?;
    let documents = self::documents(store, about(&open)).await?;
    let (still, mut bare) = lines(open, |given, (began, since)| {
        let end = documents.get(&given.request).and_then(ends).or(began).unwrap_or(since);
        Exception::StillOpen { given, end, past: now.since(end) }
    });
    found.add(Kind::StillOpen, more, still);
    let (left, more) = store.troubled(RESIDUE).await?;
    let documents = self::documents(store, about(&left)).await?;
    let (residue, others) = lines(left, |given, (_, since)| {
        let things = documents.get(&given.request).map_or(0, remaining);
        Exception::Residue { given, since, things }
    });
    bare.extend(others);
    found.add(Kind::Residue, more, residue);
    let (stuck, more) = store.troubled(GRANT_FAILED).await?;
    let (stuck, others) = lines(stuck, |given, (_, since)| Exception::GrantStuck { given, since });
    bare.extend(others);
    found.add(Kind::GrantStuck, more, stuck);
    let (own, more) = store.own_alarms(TOLD).await?;
    bare.extend(own.into_iter().map(|(alarm, since)| Exception::Alarm { alarm, since }));
    found.add(Kind::Alarm, more, bare);
    Ok(())
}

/// What was open and should not have been, and is over since; also what began and was over between two digests.
async fn over(store: &Store, Window { from, to, .. }: Window, found: &mut Found) -> Result<(), StoreError> {
    let [_, others @ ..] = TOLD;
    let (over, more) = store.alarms_over((from, to), others).await?;
    let line = |(Troubled { alarm, since, about }, at): (Troubled, Instant)| {
        let given = about.map(|(given, _)| given).filter(|_| alarm.starts_with(STILL_OPEN));
        Exception::Over { alarm, given, since, at }
    };
    found.add(Kind::Over, more, over.into_iter().map(line));
    Ok(())
}

/// A line for each alarm about a request, and alarms alone for those of which nothing more is known.
fn lines(troubled: Vec<Troubled>, line: impl Fn(Given, (Option<Instant>, Instant)) -> Exception) -> (Vec<Exception>, Vec<Exception>) {
    let (mut lines, mut bare) = (Vec::new(), Vec::new());
    for Troubled { alarm, since, about } in troubled {
        match about {
            Some((given, began)) => lines.push(line(given, (began, since))),
            None => bare.push(Exception::Alarm { alarm, since }),
        }
    }
    (lines, bare)
}

fn about(troubled: &[Troubled]) -> Vec<RequestId> {
    troubled.iter().filter_map(|row| Some(row.about.as_ref()?.0.request.clone())).collect()
}

/// The documents of these, by id.
async fn documents(store: &Store, ids: Vec<RequestId>) -> Result<BTreeMap<RequestId, Request>, StoreError> {
    let mut documents = BTreeMap::new();
    for batch in ids.chunks(BATCH) {
        documents.extend(store.requests_by_id(batch).await?.into_iter().map(|request| (request.id.clone(), request)));
    }
    Ok(documents)
}

/// When it should have been over: a bot that was down begins an end late.
fn ends(request: &Request) -> Option<Instant> {
    match &request.state {
        State::Revoking { work: Some(work), since, .. } => Some(work.until.min(*since)),
        State::Revoking { since, .. } => Some(*since),
        State::Active { work, .. } => Some(work.until),
        // It came back after its end.
        State::Closed { held: Some(held), .. } => Some(held.ended_at),
        _ => None,
    }
}

/// How many things are left of it.
fn remaining(request: &Request) -> u32 {
    match &request.state {
        State::Closed { held: Some(held), .. } => u32::try_from(held.residue.len()).unwrap_or(u32::MAX),
        _ => 0,
    }
}

/// What ended otherwise than it should.
async fn closed(store: &Store, Window { from, to, .. }: Window, found: &mut Found) -> Result<(), StoreError> {
    let at = |row: &Moments| row.closed_at.unwrap_or(to);
    let (settled, more) = store.settled(from.min(to - SETTLED_FOR), to).await?;
    let line = |(given, row): (Given, Moments)| row.settled.map(|(by, at)| Exception::Settled { given, by, at });
    found.add(Kind::Settled, more, settled.into_iter().filter_map(line));
    let (unanswered, more) = store.closed_so(What::Unanswered, from, to).await?;
    let line = |(given, row): (Given, Moments)| Exception::Unanswered { at: at(&row), asked_at: row.opened_at, given, more: None };
    let (longer, others) = store.unanswered_more(from, to).await?;
    let documents = self::documents(store, longer.iter().map(|(given, ..)| given.request.clone()).collect()).await?;
    let longer = longer.into_iter().map(|(given, asked_at, at)| {
        let more = documents.get(&given.request).and_then(|request| more_asked(request, at));
        Exception::Unanswered { given, asked_at, at, more }
    });
    found.add(Kind::Unanswered, more + others, unanswered.into_iter().map(line).chain(longer));
    let (failed, more) = store.closed_so(What::Failed, from, to).await?;
    found.add(Kind::GrantFailed, more, failed.into_iter().map(|(given, row)| Exception::GrantFailed { at: at(&row), given }));
    let (left, more) = store.closed_so(What::Left, from, to).await?;
    found.add(Kind::Left, more, leavers(left.into_iter().map(|(given, row)| (given, at(&row)))));
    Ok(())
}

/// How much more time was asked for last before that.
fn more_asked(request: &Request, before: Instant) -> Option<Length> {
    let asks = request.asks.iter().rev().filter(|ask| ask.kind == AskKind::Extension && ask.at <= before);
    asks.map(|ask| ask.length).next()
}

/// Each leaver once, with what they lost.
fn leavers(left: impl Iterator<Item = (Given, Instant)>) -> Vec<Exception> {
    let mut people: BTreeMap<PersonId, (Instant, Vec<RequestId>)> = BTreeMap::new();
    for (given, at) in left {
        let (first, requests) = people.entry(given.person).or_insert_with(|| (at, Vec::new()));
        *first = at.min(*first);
        if requests.len() < LOST {
            requests.push(given.request);
        }
    }
    people.into_iter().map(|(person, (at, requests))| Exception::Left { at, person, requests }).collect()
}

/// Holders that are not as granted: what is there still, and what was put right, or given up to look at, in the window.
async fn drift(store: &Store, from: Instant, to: Instant, found: &mut Found) -> Result<(), StoreError> {
    let rows =
        store.drift(from).await?.into_iter().filter(|row| row.first_seen < to || (row.gone_at.is_none() && row.unwatched_at.is_none()));
    let line = |row: crate::domain::drift::DriftRow| Exception::Drift {
        provider: row.provider,
        principal: row.principal,
        drift: row.kind,
        resources: row.resources,
        roles: row.roles,
        requests: row.request.into_iter().collect(),
        first_seen: row.first_seen,
        last_seen: row.last_seen,
        gone_at: row.gone_at,
        unwatched_at: row.unwatched_at,
    };
    found.add(Kind::Drift, 0, rows.map(line));
    Ok(())
}

/// What the bot's own stream says. What cannot be read any more is for the ledger's verification to say.
async fn operations(store: &Store, from: Instant, to: Instant, found: &mut Found) -> Result<(), StoreError> {
    let most = usize::try_from(LINES).unwrap_or(usize::MAX);
    let all = store.operations((from, to), OPERATIONS.map(|(name, _)| name), most).await?;
    let mut loaded: Vec<Instant> = Vec::new();
    for ((_, kind), (entries, more)) in OPERATIONS.into_iter().zip(all) {
        let mut told: Vec<Exception> = Vec::new();
        for stored in &entries {
            let Ok(said) = entry::decode(stored) else { continue };
            let Ok(operation) = serde_json::from_value(said.event) else { continue };
            if matches!(operation, Operation::PolicyLoaded { .. }) {
                loaded.push(said.at);
            }
            let exception = exception(operation, said.at, said.actor.person).map(|exception| ended(exception, &loaded));
            // With the last one only: a file that is in force once more is told once more.
            told.extend(exception.filter(|exception| !told.last().is_some_and(|last| is_same_change(last, exception))));
        }
        found.add(kind, more, told);
    }
    Ok(())
}

/// A file that is refused at a start keeps everything from being granted until another one loads.
fn ended(exception: Exception, loaded: &[Instant]) -> Exception {
    match exception {
        Exception::PolicyRefused { at, digest, at_start: true, .. } => {
            let until = loaded.iter().find(|loaded| **loaded > at).copied();
            Exception::PolicyRefused { at, digest, at_start: true, until }
        }
        other => other,
    }
}

/// Each of several processes says that it goes by the other file.
fn is_same_change(one: &Exception, other: &Exception) -> bool {
    match (one, other) {
        (
            Exception::PolicyChanged { at, digest, before, .. },
            Exception::PolicyChanged { at: then, digest: same_digest, before: same_before, .. },
        ) => digest == same_digest && before == same_before && then.since(*at) < TOGETHER,
        _ => false,
    }
}

fn exception(operation: Operation, at: Instant, by: Option<PersonId>) -> Option<Exception> {
    Some(match operation {
        // Read once more, and nothing in it is different.
        Operation::PolicyLoaded { digest, before: Some(before), .. } if before == digest => return None,
        Operation::PolicyLoaded { digest, before, changes, more, by } => Exception::PolicyChanged { at, digest, before, changes, more, by },
        Operation::PolicyRefused { digest, at_start, .. } => Exception::PolicyRefused { at, digest, at_start, until: None },
        Operation::ClockJumped { from, to } => Exception::ClockJumped { at, from, to },
        Operation::ClockConfirmed { by } => Exception::ClockConfirmed { at, by },
        Operation::Linked { person, what } => Exception::Linked { at, person, what, by },
        Operation::Unlinked { person, what } => Exception::Unlinked { at, person, what, by },
        Operation::StoreWasDown { since, for_ } => Exception::StoreDown { since, lasted: for_ },
        Operation::Left { person } => Exception::Left { at, person, requests: Vec::new() },
        _ => return None,
    })
}

/// What stands out among the approvals, with some of the requests that each line is about.
async fn approvals(store: &Store, Window { from, to, .. }: Window, thresholds: &Thresholds) -> Result<Vec<Quality>, StoreError> {
    let lately = to - Span::from_seconds(i64::from(thresholds.pair_days) * DAY);
    let (given, pairs) = store.approvals(lately, (from, to), thresholds.fast).await?;
    let mut lines = quality(&given, &pairs, thresholds);
    lines.truncate(usize::try_from(LINES).unwrap_or(usize::MAX));
    for line in lines.iter_mut().take(LOOKED_UP) {
        match line {
            Quality::Fast { person, requests, .. } => {
                *requests = store.approved(person, None, (from, to), Some(thresholds.fast), NAMED).await?;
            }
            Quality::Most { person, requests, .. } => *requests = store.approved(person, None, (from, to), None, NAMED).await?,
            Quality::Pair { people: [one, other], requests, .. } => {
                *requests = store.approved(one, Some(other), (lately, to), None, NAMED / 2).await?;
                requests.extend(store.approved(other, Some(one), (lately, to), None, NAMED / 2).await?);
            }
        }
    }
    Ok(lines)
}
