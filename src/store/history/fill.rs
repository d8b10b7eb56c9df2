//! Reads what an older hallpass wrote into the history, once, in batches beside everything else: ends that are due do not wait
//! for it. How far it has come is kept, so that a stop only interrupts it.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::sync::watch;

use super::rows;
use crate::{
    domain::{request::Request, time::Instant},
    store::{
        CommitError, Store, StoreError,
        db::Value::{Int, Text},
        document::parsed,
        jobs::Job,
        open::{Inner, SILENCE},
        tx::Tx,
    },
};

/// Documents in one transaction.
const BATCH: i64 = 200;
/// Until a store that refused is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// All of it.
const WHOLE: i64 = i64::MAX;

/// A batch: what is older than `to` is in the history once it is written.
pub(in crate::store) struct Older {
    requests: Vec<Request>,
    to: i64,
}

impl Older {
    pub(in crate::store) fn apply(&self, tx: &mut Tx<'_>) {
        rows::apply_older(tx, &self.requests);
        let sql = "INSERT INTO marks (name, value) VALUES {rows} ON CONFLICT (name) DO UPDATE SET value = excluded.value \
                   WHERE excluded.value > marks.value";
        tx.later(sql, 2, vec![Text("history".into()), Int(self.to)], None);
    }
}

impl Store {
    /// The history is whole, or will be soon: a moment after an upgrade is waited for.
    pub(super) async fn whole_history(&self) -> Result<(), StoreError> {
        let mut whole = self.0.whole.subscribe();
        let done = tokio::time::timeout(SILENCE, whole.wait_for(|whole| *whole)).await;
        let late = || StoreError::Unavailable("what an older version wrote is still being read in: ask again in a few minutes".into());
        done.map_err(|_| late())?.map(drop).map_err(|_| late())
    }

    /// How far it has come; `WHOLE`: to the end.
    async fn read_in(&self) -> Result<i64, StoreError> {
        let rows = self.read("SELECT value FROM marks WHERE name = 'history'", &[]).await?;
        Ok(rows.first().map(|row| row.int(0)).transpose()?.unwrap_or(i64::MIN))
    }

    /// The batch behind a request, and where the next one begins; None: there are no more.
    async fn older(&self, (opened_at, id): &(i64, String)) -> Result<(Older, Option<(i64, String)>), StoreError> {
        let sql = "SELECT opened_at, id, document FROM requests WHERE (opened_at, id) > ($1, $2) ORDER BY opened_at, id LIMIT $3";
        let rows = self.read(sql, &[Int(*opened_at), Text(id.clone()), Int(BATCH)]).await?;
        let mut requests = Vec::with_capacity(rows.len());
        for row in &rows {
            match parsed(&row.text(2)?) {
                Ok(request) => requests.push(request),
                // Whoever opens it is told; all others have a history all the same.
                Err(error) => tracing::error!(request.id = %row.text(1)?, "it has no history: {error}"),
            }
        }
        let last = rows.last().map(|row| Ok::<_, StoreError>((row.int(0)?, row.text(1)?))).transpose()?;
        let to = last.as_ref().map_or(WHOLE, |(at, _)| *at);
        Ok((Older { requests, to }, last))
    }
}

/// Begins to read in what is missing, if anything is.
pub(in crate::store) async fn begin(store: &Store) -> Result<(), StoreError> {
    let from = store.read_in().await?;
    if from == WHOLE {
        store.0.whole.send_replace(true);
        return Ok(());
    }
    tokio::spawn(run(Arc::downgrade(&store.0), from));
    Ok(())
}

/// Goes on until all is read in, or nobody has the store open any more. What has the last instant of a batch that was written
/// before a stop is read again, which changes nothing.
async fn run(store: Weak<Inner>, from: i64) {
    let mut place = (from.saturating_sub(1), String::new());
    let mut count = 0;
    loop {
        let Some(store) = store.upgrade().filter(|store| !store.is_closed()).map(Store) else { return };
        match step(&store, &place).await {
            Ok((read, Some(next))) => (count, place) = (count + read, next),
            Ok((_, None)) => {
                tracing::info!(requests = count, "what an older version wrote is in the history");
                store.0.whole.send_replace(true);
                return;
            }
            Err(error) => {
                drop(store);
                tracing::warn!(%error, "what an older version wrote cannot be read in now: it is tried again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

async fn step(store: &Store, place: &(i64, String)) -> Result<(usize, Option<(i64, String)>), CommitError> {
    let unavailable = |error: StoreError| CommitError::Unavailable(error.to_string());
    let (older, next) = store.older(place).await.map_err(unavailable)?;
    let read = older.requests.len();
    store.write(Job::Older(older)).await?;
    Ok((read, next))
}

/// Whether the history is whole; who asks it waits for that.
pub(in crate::store) fn whole() -> watch::Sender<bool> {
    watch::Sender::new(false)
}

/// An instant for a query: the beginning of time where there is none.
pub(super) fn since(at: Option<Instant>) -> i64 {
    at.map_or(i64::MIN, Instant::micros)
}
