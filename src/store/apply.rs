//! Commits as statements, in lock order: inbox, requests with their history, entitlements, claims, tasks, the rest, ledger; fence last.
//! One commit or many in one transaction: each statement carries the rows of all of them. Every guard is a write, and every
//! write asserts how many rows it changed; when one does not, nothing of the transaction may stand.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ClaimWrite, Commit, CommitError, EntitlementWrite, Past, RequestWrite,
    db::Value::{self, Bool, Int, IntOr, Text, TextOr},
    entries, history, posts,
    tx::{Tx, Wanted},
};
use crate::{
    domain::{entitlement::Entitlement, time::Instant},
    faults,
};

/// Microseconds, or NULL.
pub(super) fn micros(at: Option<Instant>) -> Option<i64> {
    at.map(Instant::micros)
}

/// A commit, and the first of as many ids as it has ledger entries.
pub(super) type Numbered<'a> = (&'a Commit, i64);

/// Applies them all inside a transaction that the caller began, and will commit or roll back. What is last may still wait in it.
pub(super) async fn apply(tx: &mut Tx<'_>, commits: &[Numbered<'_>]) -> Result<(), CommitError> {
    let all = || commits.iter().map(|(commit, _)| *commit);
    if faults::is_planted("unfenced") {
        plant(tx, all()).await?;
    }
    inbox(tx, all());
    requests(tx, all()).await?;
    history::rows::apply(tx, all().flat_map(|commit| &commit.requests).map(|write| &write.request));
    entitlements(tx, all())?;
    claims(tx, all());
    tasks(tx, all());
    rest(tx, all()).await?;
    entries::append(tx, commits).await?;
    fences(tx, all());
    Ok(())
}

pub(super) const fn must_change(rows: u64) -> Result<(), CommitError> {
    if rows == 1 { Ok(()) } else { Err(CommitError::Stale) }
}

fn document(value: &impl serde::Serialize) -> Result<String, CommitError> {
    serde_json::to_string(value).map_err(|error| CommitError::Unavailable(error.to_string()))
}

/// One statement over many rows waits in the transaction; with a meaning if not each of them is changed.
pub(super) fn exec<const WIDTH: usize>(tx: &mut Tx<'_>, sql: &'static str, rows: Vec<[Value; WIDTH]>, otherwise: Option<CommitError>) {
    let wanted = otherwise.map(|otherwise| Wanted { rows: rows.len(), otherwise });
    tx.later(sql, WIDTH, rows.into_iter().flatten().collect(), wanted);
}

fn inbox<'a>(tx: &mut Tx<'_>, commits: impl Iterator<Item = &'a Commit>) {
    let done = commits.filter_map(|commit| commit.inbox_done.as_ref());
    let rows: Vec<_> = done.map(|id| [Text(id.platform.name().into()), Text(id.interaction.clone())]).collect();
    let sql = "WITH v (platform, interaction) AS (VALUES {rows}) UPDATE inbox SET open = FALSE FROM v \
               WHERE inbox.platform = v.platform AND inbox.interaction = v.interaction AND inbox.open";
    exec(tx, sql, rows, Some(CommitError::Stale));
}

async fn requests<'a>(tx: &mut Tx<'_>, commits: impl Iterator<Item = &'a Commit>) -> Result<(), CommitError> {
    let mut writes: Vec<&RequestWrite> = commits.flat_map(|commit| &commit.requests).collect();
    writes.sort_by(|a, b| a.request.id.cmp(&b.request.id));
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for RequestWrite { request, expected, wake_at } in writes {
        let (id, n, wake) = (Text(request.id.to_string()), Int(i64::try_from(request.n).unwrap_or(i64::MAX)), IntOr(micros(*wake_at)));
        let (open, document) = (Bool(request.is_open()), Text(document(request)?));
        match expected {
            None => new.push([
                id,
                n,
                Text(request.requester.to_string()),
                Text(request.subject.to_string()),
                Text(request.main_ask().resource.to_string()),
                open,
                Int(request.opened_at.micros()),
                wake,
                document,
            ]),
            Some(expected) => changed.push([id, n, open, wake, document, Int(i64::try_from(*expected).unwrap_or(i64::MAX))]),
        }
    }
    let sql = "INSERT INTO requests (id, n, requester, subject, resource, open, opened_at, wake_at, document) VALUES {rows} \
               ON CONFLICT DO NOTHING";
    exec(tx, sql, new, Some(CommitError::Stale));
    if faults::is_planted("deny_loses") {
        for [id, _, _, _, _, expected] in &changed {
            tx.exec("UPDATE requests SET n = $1 WHERE id = $2", &[expected.clone(), id.clone()]).await?;
        }
    }
    let sql = "WITH v (id, n, open, wake_at, document, expected) AS (VALUES {rows}) UPDATE requests \
               SET n = v.n, open = v.open, wake_at = v.wake_at, document = v.document FROM v \
               WHERE requests.id = v.id AND requests.n = v.expected";
    exec(tx, sql, changed, Some(CommitError::Stale));
    Ok(())
}

/// Several raises of one row count as many.
#[derive(Default)]
struct Raised(BTreeMap<String, (i64, Instant, bool)>);

impl Raised {
    fn add(&mut self, key: &str, due_at: Instant, urgent: bool) {
        let known = self.0.entry(key.to_owned()).or_insert((0, due_at, false));
        *known = (known.0 + 1, known.1.min(due_at), known.2 || urgent);
    }
}

fn entitlements<'a>(tx: &mut Tx<'_>, commits: impl Iterator<Item = &'a Commit>) -> Result<(), CommitError> {
    let mut wanted: BTreeMap<&str, (&Entitlement, Instant, bool)> = BTreeMap::new();
    let (mut raised, mut saved, mut dropped) = (Raised::default(), BTreeMap::new(), BTreeMap::new());
    let mut freed = BTreeMap::new();
    for commit in commits {
        let fence = commit.fence.as_ref().map_or(-1, |f| f.fence);
        for write in &commit.entitlements {
            match write {
                EntitlementWrite::Want { row, due_at, urgent } if wanted.contains_key(row.key.0.as_str()) => {
                    raised.add(&row.key.0, *due_at, *urgent);
                }
                EntitlementWrite::Want { row, due_at, urgent } => {
                    wanted.insert(&row.key.0, (row, *due_at, *urgent));
                }
                EntitlementWrite::Raise { key, due_at, urgent } => raised.add(&key.0, *due_at, *urgent),
                EntitlementWrite::Save { row, due_at, urgent, seen_gen, release } => {
                    let (due, document) = (IntOr(micros(*due_at)), Text(document(row)?));
                    let values = [Text(row.key.0.clone()), Int(fence), Int(*seen_gen), Bool(*urgent), due, Bool(*release), document];
                    saved.insert(&row.key.0, values);
                }
                EntitlementWrite::Free { key, fence, at } => {
                    freed.insert(&key.0, [Text(key.0.clone()), Int(fence.unwrap_or(-1)), Int(at.micros())]);
                }
                EntitlementWrite::Drop { key, seen_gen, past } => {
                    dropped.insert(&key.0, (*seen_gen, fence, past.as_ref()));
                }
            }
        }
    }
    let touched = wanted.keys().copied().chain(raised.0.keys().map(String::as_str)).chain(saved.keys().map(|key| key.as_str()));
    lock(tx, touched.chain(freed.keys().map(|key| key.as_str())).chain(dropped.keys().map(|key| key.as_str())).collect());
    want(tx, wanted.into_values())?;
    save(tx, saved.into_values().collect());
    let sql = "WITH v (id, fence, at) AS (VALUES {rows}) UPDATE entitlements SET fence = entitlements.fence + 1, gen = gen + 1, \
               leased_until = v.at, due_at = v.at FROM v WHERE entitlements.id = v.id AND (v.fence < 0 OR entitlements.fence = v.fence)";
    exec(tx, sql, freed.into_values().collect(), None);
    drop_all(tx, &dropped);
    raise(tx, raised);
    Ok(())
}

/// PostgreSQL locks rows as statements come to them, and there is one statement for each kind of write: two transactions
/// that cross would wait for each other. So all rows are locked first, in one order.
fn lock(tx: &mut Tx<'_>, keys: BTreeSet<&str>) {
    if tx.has_row_locks() && keys.len() > 1 {
        let rows = keys.into_iter().map(|key| [Text(key.to_owned())]).collect();
        exec(tx, "SELECT 1 FROM entitlements WHERE id IN (VALUES {rows}) ORDER BY id FOR UPDATE", rows, None);
    }
}

fn want<'a>(tx: &mut Tx<'_>, wanted: impl Iterator<Item = (&'a Entitlement, Instant, bool)>) -> Result<(), CommitError> {
    let mut rows = Vec::new();
    for (row, due_at, urgent) in wanted {
        // Fences of a row that is made anew begin beyond all of the one before: its last holder stays fenced out.
        let (provider, fence) = (Text(row.order.provider.to_string()), Int(due_at.micros()));
        rows.push([Text(row.key.0.clone()), provider, Int(1), Int(due_at.micros()), Bool(urgent), Int(0), fence, Text(document(row)?)]);
    }
    let sql = "INSERT INTO entitlements (id, provider, gen, due_at, urgent, leased_until, fence, document) VALUES {rows} \
               ON CONFLICT (id) DO UPDATE SET gen = entitlements.gen + 1, \
               due_at = CASE WHEN entitlements.due_at IS NULL OR excluded.due_at < entitlements.due_at \
               THEN excluded.due_at ELSE entitlements.due_at END, urgent = entitlements.urgent OR excluded.urgent";
    exec(tx, sql, rows, None);
    Ok(())
}

fn save(tx: &mut Tx<'_>, rows: Vec<[Value; 7]>) {
    // What was raised meanwhile is due at once: the row says so by its own due time, which stays.
    let sql = "WITH v (id, fence, seen_gen, urgent, due_at, release, document) AS (VALUES {rows}) UPDATE entitlements \
               SET document = v.document, urgent = CASE WHEN gen = v.seen_gen THEN v.urgent ELSE entitlements.urgent OR v.urgent END, \
               due_at = CASE WHEN gen = v.seen_gen OR entitlements.due_at IS NULL THEN v.due_at \
               WHEN v.due_at IS NULL OR entitlements.due_at < v.due_at THEN entitlements.due_at ELSE v.due_at END, \
               leased_until = CASE WHEN v.release THEN 0 ELSE leased_until END FROM v \
               WHERE entitlements.id = v.id AND entitlements.fence = v.fence";
    exec(tx, sql, rows, Some(CommitError::Fenced));
}

/// All are given back; of these, rows that may go, go.
fn drop_all(tx: &mut Tx<'_>, dropped: &BTreeMap<&String, (i64, i64, Option<&Past>)>) {
    let rows: Vec<_> = dropped.iter().map(|(key, (_, fence, _))| [Text((*key).clone()), Int(*fence)]).collect();
    let sql = "WITH v (id, fence) AS (VALUES {rows}) UPDATE entitlements SET leased_until = 0 FROM v \
               WHERE entitlements.id = v.id AND entitlements.fence = v.fence";
    exec(tx, sql, rows, Some(CommitError::Fenced));
    let past = dropped.iter().filter_map(|(key, (seen_gen, _, past))| {
        let Past { object, at } = (*past)?;
        Some([Text((*key).clone()), Int(*seen_gen), Text(object.clone()), Int(at.micros())])
    });
    let sql = "WITH v (id, gen, object, at) AS (VALUES {rows}) INSERT INTO past_entitlements (id, provider, object, ended_at, document) \
               SELECT e.id, e.provider, v.object, v.at, e.document FROM entitlements e JOIN v ON v.id = e.id AND v.gen = e.gen \
               WHERE NOT EXISTS (SELECT 1 FROM claims WHERE claims.entitlement = e.id) \
               ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, document = excluded.document";
    exec(tx, sql, past.collect(), None);
    let rows: Vec<_> = dropped.iter().map(|(key, (seen_gen, _, _))| [Text((*key).clone()), Int(*seen_gen)]).collect();
    let sql = "WITH v (id, gen) AS (VALUES {rows}) DELETE FROM entitlements WHERE id IN (SELECT id FROM v) \
               AND EXISTS (SELECT 1 FROM v WHERE v.id = entitlements.id AND v.gen = entitlements.gen) \
               AND NOT EXISTS (SELECT 1 FROM claims WHERE entitlement = entitlements.id)";
    exec(tx, sql, rows, None);
}

fn raise(tx: &mut Tx<'_>, raised: Raised) {
    let row = |(key, (times, due_at, urgent)): (String, (i64, Instant, bool))| [Text(key), Int(times), Int(due_at.micros()), Bool(urgent)];
    let sql = "WITH v (id, times, due_at, urgent) AS (VALUES {rows}) UPDATE entitlements SET gen = gen + v.times, \
               urgent = entitlements.urgent OR v.urgent, \
               due_at = CASE WHEN entitlements.due_at IS NULL OR v.due_at < entitlements.due_at THEN v.due_at \
               ELSE entitlements.due_at END FROM v WHERE entitlements.id = v.id";
    exec(tx, sql, raised.0.into_iter().map(row).collect(), None);
}

fn claims<'a>(tx: &mut Tx<'_>, commits: impl Iterator<Item = &'a Commit>) {
    let (mut put, mut removed) = (BTreeMap::new(), Vec::new());
    for write in commits.flat_map(|commit| &commit.claims) {
        match write {
            ClaimWrite::Put(claim) => drop(put.insert((&claim.entitlement, &claim.grant), claim)),
            ClaimWrite::Remove { entitlement, grant } => removed.push([Text(entitlement.0.clone()), Text(grant.to_string())]),
        }
    }
    let rows = put.into_values().map(|claim| {
        [
            Text(claim.entitlement.0.clone()),
            Text(claim.grant.to_string()),
            Text(claim.request.to_string()),
            Bool(claim.wanted),
            IntOr(micros(claim.until)),
            IntOr(micros(claim.extend_to)),
            Int(claim.latest.micros()),
            Int(claim.give_up_at.micros()),
            Int(claim.duration.seconds()),
        ]
    });
    let sql = "INSERT INTO claims (entitlement, grant_id, request, wanted, until, extend_to, latest, give_up_at, duration) \
               VALUES {rows} ON CONFLICT (entitlement, grant_id) DO UPDATE SET \
               wanted = excluded.wanted, until = excluded.until, extend_to = excluded.extend_to, latest = excluded.latest, \
               give_up_at = excluded.give_up_at, duration = excluded.duration";
    exec(tx, sql, rows.collect(), None);
    let sql = "WITH v (entitlement, grant_id) AS (VALUES {rows}) DELETE FROM claims WHERE entitlement IN (SELECT entitlement FROM v) \
               AND EXISTS (SELECT 1 FROM v WHERE v.entitlement = claims.entitlement AND v.grant_id = claims.grant_id)";
    exec(tx, sql, removed, None);
}

fn tasks<'a>(tx: &mut Tx<'_>, commits: impl Iterator<Item = &'a Commit>) {
    let mut wanted = BTreeMap::new();
    for task in commits.flat_map(|commit| &commit.tasks) {
        let known = wanted.entry((task.kind, &task.key)).or_insert((&task.queue, task.due_at));
        known.1 = known.1.min(task.due_at);
    }
    let row = |((kind, key), (queue, due_at)): ((super::TaskKind, &String), (&String, Instant))| {
        [Text(kind.name().into()), Text(key.clone()), Text(queue.clone()), Int(1), Int(due_at.micros()), Int(0), Int(0), Int(0)]
    };
    let sql = "INSERT INTO tasks (kind, id, queue, wanted, due_at, leased_until, fence, tries) VALUES {rows} \
               ON CONFLICT (kind, id) DO UPDATE SET wanted = tasks.wanted + 1, \
               due_at = CASE WHEN tasks.due_at IS NULL OR excluded.due_at < tasks.due_at THEN excluded.due_at ELSE tasks.due_at END";
    exec(tx, sql, wanted.into_iter().map(row).collect(), None);
}

async fn rest<'a>(tx: &mut Tx<'_>, commits: impl Iterator<Item = &'a Commit>) -> Result<(), CommitError> {
    let (mut written, mut alarms, mut inputs, mut words) = (Vec::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let (mut highest, mut told, mut links, mut members) = (None, Vec::new(), Vec::new(), Vec::new());
    let (mut drift, mut looks, mut sightings) = (Vec::new(), Vec::new(), Vec::new());
    let mut digests = Vec::new();
    for commit in commits {
        written.extend(&commit.posts);
        alarms.extend(commit.alarms.iter().map(|super::AlarmWrite(alarm)| (&alarm.id, alarm)));
        inputs.extend(commit.inputs.iter().map(|input| ((&input.person, &input.key), input)));
        told.extend(&commit.alarms_told);
        links.extend(&commit.links);
        members.extend(&commit.members);
        drift.extend(&commit.drift);
        looks.extend(&commit.looks);
        sightings.extend(&commit.sightings);
        digests.extend(&commit.digests);
        words.extend(commit.words.iter().map(|words| (&words.id, words)));
        highest = highest.max(commit.now);
    }
    posts::apply(tx, &written);
    let rows = alarms.into_values().map(|alarm| {
        let request = TextOr(alarm.request.as_ref().map(ToString::to_string));
        let (raised, cleared) = (Int(alarm.raised_at.micros()), IntOr(micros(alarm.cleared_at)));
        [Text(alarm.id.clone()), request, raised, cleared, Text(alarm.what.clone()), Text(alarm.told.clone())]
    });
    let sql = "INSERT INTO alarms (id, request, raised_at, cleared_at, what, told) VALUES {rows} \
               ON CONFLICT (id) DO UPDATE SET raised_at = excluded.raised_at, cleared_at = excluded.cleared_at, \
               what = excluded.what";
    exec(tx, sql, rows.collect(), None);
    for (id, told) in told {
        tx.exec("UPDATE alarms SET told = $1 WHERE id = $2", &[Text(told.clone()), Text(id.clone())]).await?;
    }
    let rows = inputs.into_values().map(|i| [Text(i.person.to_string()), Text(i.key.clone()), Text(i.value.clone()), Int(i.at.micros())]);
    let sql = "INSERT INTO inputs (person, name, value, at) VALUES {rows} \
               ON CONFLICT (person, name) DO UPDATE SET value = excluded.value, at = excluded.at";
    exec(tx, sql, rows.collect(), None);
    for link in links {
        super::links::apply(tx, link).await?;
    }
    super::members::apply(tx, members.into_iter());
    super::drift::looks(tx, looks.into_iter());
    super::drift::apply(tx, drift.into_iter())?;
    super::sightings::apply(tx, sightings.into_iter());
    super::digests::apply(tx, &digests)?;
    let rows = words.into_values().map(|w| [Text(w.id.as_str().into()), Text(w.salt.clone()), Text(w.text.clone())]);
    exec(tx, "INSERT INTO words (id, salt, body) VALUES {rows} ON CONFLICT (id) DO NOTHING", rows.collect(), None);
    let sql = "INSERT INTO marks (name, value) VALUES {rows} \
               ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE excluded.value > marks.value";
    exec(tx, sql, highest.into_iter().map(|now| [Text("now".into()), Int(now.micros())]).collect(), None);
    Ok(())
}

/// A row that this transaction saved or dropped was checked then, and nobody can lease it before the transaction ends.
fn fences<'a>(tx: &mut Tx<'_>, commits: impl Iterator<Item = &'a Commit>) {
    let unchecked = commits.filter_map(|commit| {
        let fence = commit.fence.as_ref()?;
        let checked = commit.entitlements.iter().any(|write| match write {
            EntitlementWrite::Save { row, .. } => row.key == fence.key,
            EntitlementWrite::Drop { key, .. } => *key == fence.key,
            EntitlementWrite::Want { .. } | EntitlementWrite::Raise { .. } | EntitlementWrite::Free { .. } => false,
        });
        (!checked).then(|| [Text(fence.key.0.clone()), Int(fence.fence)])
    });
    let sql = "WITH v (id, fence) AS (VALUES {rows}) UPDATE entitlements SET fence = v.fence FROM v \
               WHERE entitlements.id = v.id AND entitlements.fence = v.fence";
    exec(tx, sql, unchecked.collect(), Some(CommitError::Fenced));
}

/// A planted mistake: whoever commits holds the lease.
async fn plant<'a>(tx: &mut Tx<'_>, commits: impl Iterator<Item = &'a Commit>) -> Result<(), CommitError> {
    for fence in commits.filter_map(|commit| commit.fence.as_ref()) {
        tx.exec("UPDATE entitlements SET fence = $1 WHERE id = $2", &[Int(fence.fence), Text(fence.key.0.clone())]).await?;
    }
    Ok(())
}
