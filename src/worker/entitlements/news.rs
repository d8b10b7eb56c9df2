//! What an entitlement's requests are told, with what the target can say of the access's use. An end is told whatever that is.
//! Must not decide what the news are.

use std::time::Duration;

use tokio::time::timeout;

use super::{Done, Job, News, RequestId, Span, Stop, learn};
use crate::domain::{event::Used, evidence, request::State};

/// A provider has this long to say how the access was used: "gone" waits for it.
const EVIDENCE: Duration = Duration::from_secs(2);

impl Job<'_> {
    pub(super) async fn tell(&mut self, mut news: Vec<(RequestId, News)>) -> Done<()> {
        let without_call = news.iter().any(|(_, n)| matches!(n, News::Working { had_before: true, .. }));
        if without_call && !self.may_grant().await? {
            return self.not_now().await;
        }
        let ends = news.iter().filter(|(_, n)| matches!(n, News::Gone { .. })).count();
        if ends > 0 {
            self.evidence(&mut news).await;
        }
        learn::told(&mut self.leased.row, &news, self.claims.len().saturating_sub(ends), self.deps.bot.now());
        match self.save(news.clone(), Vec::new()).await {
            // An end is told, whatever the target says of its use.
            Err(Stop::Refused(why)) if lessen(&mut news) => {
                tracing::error!(entitlement = %self.leased.row.key.0, "what a target said of an end cannot be written down, and is left out: {why}");
                self.save(news, Vec::new()).await
            }
            done => done,
        }
    }

    /// How the access was used: as the target counted it, and as it was seen. Neither keeps an end waiting for long.
    async fn evidence(&self, news: &mut [(RequestId, News)]) {
        let description = self.provider.describe_for(&self.leased.row.order.target);
        if description.evidence {
            drop(timeout(EVIDENCE, self.counted(news)).await);
        }
        for (request, news) in news.iter_mut().filter(|_| description.verbs.sightings) {
            if let News::Gone { used, .. } = news {
                *used = evidence::merged(used.take(), self.seen(request).await);
            }
        }
    }

    /// Asks how the access was used. May be dropped at any point: what was answered by then is kept.
    async fn counted(&self, news: &mut [(RequestId, News)]) {
        for (request, news) in news {
            let News::Gone { used, .. } = news else { continue };
            let Some(claim) = self.claims.iter().find(|c| c.request == *request) else { continue };
            let since = claim.latest - claim.duration - Span::from_minutes(60);
            let row = &self.leased.row;
            *used = self.provider.uses(&row.order, row.handle.as_ref(), since).await.ok();
        }
    }

    /// What was seen of its sessions while it worked. A store that does not answer keeps no end waiting.
    async fn seen(&self, id: &RequestId) -> Option<Used> {
        let request = self.deps.store.request(id).await.ok()??;
        let State::Revoking { work: Some(work), since: until, .. } = request.state else { return None };
        let sampled = self.deps.store.sampled(&self.leased.row.key, work.since).await.ok()??;
        sampled.used(work.since, until)
    }
}

/// Leaves out what a target said at too great a length. False: there is nothing to leave out.
fn lessen(news: &mut [(RequestId, News)]) -> bool {
    let mut lessened = false;
    for (_, news) in news {
        if let News::Gone { used, .. } = news {
            lessened |= used.take().is_some();
        }
    }
    lessened
}
