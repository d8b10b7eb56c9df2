//! Many jobs side by side in one task, and what else that task waits for meanwhile; tasks that end with whoever waits for
//! them. Must not know what the jobs do.

use std::{future::Future, pin::pin};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::task::JoinHandle;

use super::Stop;

/// What came of the jobs that are done.
#[derive(Default)]
pub(super) struct Tally {
    pub handled: usize,
    /// The store went away: nothing more is begun.
    pub stop: Option<Stop>,
}

impl Tally {
    pub(super) fn note(&mut self, done: Result<(), Stop>) {
        match done {
            Ok(()) | Err(Stop::Fenced | Stop::Stale | Stop::Refused(_)) => self.handled += 1,
            Err(error @ Stop::Unavailable(_)) => self.stop = Some(error),
        }
    }

    pub(super) fn end(self) -> Result<usize, Stop> {
        self.stop.map_or(Ok(self.handled), Err)
    }
}

/// Waits for `wanted`, and lets the jobs go on: one that nobody polls may hold the very connection that `wanted` waits for.
pub(super) async fn beside<W: Future, J>(wanted: W, jobs: &mut FuturesUnordered<J>, tally: &mut Tally) -> W::Output
where
    J: Future<Output = Result<(), Stop>>,
{
    let mut wanted = pin!(wanted);
    loop {
        tokio::select! {
            done = &mut wanted => return done,
            Some(done) = jobs.next(), if !jobs.is_empty() => tally.note(done),
        }
    }
}

/// Runs futures side by side in this task and gives their results in order.
pub(super) async fn together<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut open = false;
        for (future, result) in &mut running {
            if result.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(done) => *result = Some(done),
                    std::task::Poll::Pending => open = true,
                }
            }
        }
        if open { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, result)| result).collect()
}

/// A task that ends when nobody waits for it any more.
pub(super) struct AbortOnDrop(pub JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Future for AbortOnDrop {
    type Output = Result<(), tokio::task::JoinError>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn a_job_that_holds_what_is_waited_for_goes_on() {
        let connections = Semaphore::new(1);
        let (mut jobs, mut tally) = (FuturesUnordered::new(), Tally::default());
        jobs.push(async {
            let _held = connections.acquire().await;
            tokio::task::yield_now().await;
            Ok(())
        });
        assert!(futures_util::FutureExt::now_or_never(jobs.next()).is_none(), "it holds the only one");
        assert!(beside(connections.acquire(), &mut jobs, &mut tally).await.is_ok());
        assert_eq!(tally.handled, 1);
    }
}
