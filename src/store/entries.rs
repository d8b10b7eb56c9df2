//! Appending to the ledger: numbers each entry within its stream, makes its canonical bytes, and queues it for sealing.

use std::collections::BTreeMap;

use super::{
    CommitError, NewEntry,
    apply::Numbered,
    db::Value::{Int, Text},
    entry::encode,
    tx::Tx,
};
use crate::domain::time::Instant;

/// Entries of one stream with one time, in order, each with its id.
struct Run<'a> {
    stream: &'a str,
    at: Instant,
    entries: Vec<(i64, &'a NewEntry)>,
}

/// The entries of all commits, in order.
pub(super) async fn append(tx: &mut Tx<'_>, commits: &[Numbered<'_>]) -> Result<(), CommitError> {
    let (mut rows, mut ids) = (Vec::new(), Vec::new());
    for round in rounds(commits) {
        for (run, last, at) in numbered(tx, round).await? {
            let first = last - i64::try_from(run.entries.len()).unwrap_or(0);
            for ((id, entry), n) in run.entries.into_iter().zip(first..) {
                rows.extend([
                    Int(id),
                    Text(entry.stream.clone()),
                    Int(n),
                    Int(at),
                    Text(encode(entry, n, Instant::from_micros(at)).map_err(CommitError::Refused)?),
                ]);
                ids.push(Int(id));
            }
        }
    }
    tx.later("INSERT INTO entries (id, stream, n, at, bytes) VALUES {rows}", 5, rows, None);
    tx.later("INSERT INTO unsealed (entry) VALUES {rows}", 1, ids, None);
    Ok(())
}

/// Rounds in which each stream occurs once: a stream's time moves only between statements.
fn rounds<'a>(commits: &[Numbered<'a>]) -> Vec<Vec<Run<'a>>> {
    let mut streams: BTreeMap<&str, Vec<Run<'a>>> = BTreeMap::new();
    for (commit, first) in commits {
        for (id, entry) in (*first..).zip(&commit.entries) {
            let runs = streams.entry(&entry.stream).or_default();
            match runs.last_mut() {
                Some(run) if run.at == entry.at => run.entries.push((id, entry)),
                _ => runs.push(Run { stream: &entry.stream, at: entry.at, entries: vec![(id, entry)] }),
            }
        }
    }
    let mut rounds: Vec<Vec<Run<'a>>> = Vec::new();
    for runs in streams.into_values() {
        for (round, run) in runs.into_iter().enumerate() {
            if rounds.len() <= round {
                rounds.push(Vec::new());
            }
            rounds[round].push(run);
        }
    }
    rounds
}

/// Takes the streams' next numbers; each run with the number after its last entry, and its time.
async fn numbered<'a>(tx: &mut Tx<'_>, round: Vec<Run<'a>>) -> Result<Vec<(Run<'a>, i64, i64)>, CommitError> {
    let sql = "INSERT INTO streams (stream, n, at) VALUES {rows} ON CONFLICT (stream) DO UPDATE SET n = streams.n + excluded.n, \
               at = CASE WHEN excluded.at > streams.at THEN excluded.at ELSE streams.at END RETURNING stream, n, at";
    let count = |run: &Run<'_>| i64::try_from(run.entries.len()).unwrap_or(0);
    let values: Vec<_> = round.iter().flat_map(|run| [Text(run.stream.to_owned()), Int(count(run)), Int(run.at.micros())]).collect();
    let mut found = BTreeMap::new();
    for row in tx.rows_many(sql, 3, values).await? {
        found.insert(row.text(0)?, (row.int(1)?, row.int(2)?));
    }
    let number = |run: Run<'a>| {
        let (n, at) = found.get(run.stream).copied().ok_or_else(|| CommitError::Unavailable("no number for a ledger entry".into()))?;
        Ok((run, n, at))
    };
    round.into_iter().map(number).collect()
}
