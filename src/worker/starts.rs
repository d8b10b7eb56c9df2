//! Makes scheduled starts, side by side and beside everything else: who keeps one waiting keeps no end and no alarm waiting.
//! Must not decide whether one may start.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::timeout};

use super::{Stop, Workers};
use crate::{bot::Start, domain::request::RequestId};

/// Between two looks at whether the bot is to stop.
const LOOK: Duration = Duration::from_secs(1);

impl Workers {
    /// Makes the starts that the ticks have found, and waits for them. Returns how many there were.
    pub(super) async fn make_starts(&self) -> Result<usize, Stop> {
        let starts = self.deps.bot.take_starts();
        let count = starts.len();
        for made in super::side::together(starts.iter().map(|start| self.make(start))).await {
            made?;
        }
        Ok(count)
    }

    pub(super) async fn run_starts(self: Arc<Self>) {
        let mut busy: BTreeMap<RequestId, JoinHandle<()>> = BTreeMap::new();
        while !self.deps.is_stopping() {
            let over: Vec<RequestId> = busy.iter().filter(|(_, task)| task.is_finished()).map(|(id, _)| id.clone()).collect();
            for id in over {
                if let Some(Err(error)) = async { Some(busy.remove(&id)?.await) }.await {
                    tracing::error!(request.id = %id, %error, "a start died");
                    self.mourn("a start").await;
                }
            }
            for start in self.deps.bot.take_starts() {
                // One that is still waiting for an answer is not begun twice.
                if let std::collections::btree_map::Entry::Vacant(free) = busy.entry(start.request.clone()) {
                    let this = self.clone();
                    free.insert(tokio::spawn(async move { drop(this.make(&start).await) }));
                }
            }
            drop(timeout(LOOK, self.deps.bot.starts_are_due()).await);
        }
        for task in busy.into_values() {
            drop(task.await);
        }
    }

    async fn make(&self, start: &Start) -> Result<(), Stop> {
        let gate = start.provider.as_ref().map(|provider| self.gates.of(provider, self.deps.at_once));
        let _one = match gate {
            Some(gate) => gate.acquire_owned().await.ok(),
            None => None,
        };
        if self.deps.is_stopping() {
            return Ok(());
        }
        let made = self.deps.bot.start(&start.request).await.map_err(Stop::from);
        if let Err(stop @ (Stop::Stale | Stop::Refused(_))) = &made {
            tracing::error!(request.id = %start.request, "a scheduled start could not be written down, and is tried again: {stop}");
            return Ok(());
        }
        self.noted(made.map(|()| 0)).map(drop)
    }
}
