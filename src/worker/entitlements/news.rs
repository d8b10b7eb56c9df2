//! What an entitlement's requests are told, with what the target can say of the access's use. An end is told whatever that is.
//! Must not decide what the news are.

use std::time::Duration;

use tokio::time::timeout;

use super::{Done, Job, News, RequestId, Span, Stop, learn};

/// A provider has this long to say how the access was used: "gone" waits for it.
const EVIDENCE: Duration = Duration::from_secs(2);
/// Where all of it cannot be written: so many lines of what remains, and so many characters of each.
const RESIDUE_MAX: (usize, usize) = (20, 200);

impl Job<'_> {
    pub(super) async fn tell(&mut self, mut news: Vec<(RequestId, News)>) -> Done<()> {
        let without_call = news.iter().any(|(_, n)| matches!(n, News::Working { had_before: true, .. }));
        if without_call && !self.may_grant().await? {
            return self.not_now().await;
        }
        let ends = news.iter().filter(|(_, n)| matches!(n, News::Gone { .. })).count();
        if ends > 0 && self.provider.describe_for(&self.leased.row.order.target).evidence {
            drop(timeout(EVIDENCE, self.evidence(&mut news)).await);
        }
        learn::told(&mut self.leased.row, &news, self.claims.len().saturating_sub(ends));
        match self.save(news.clone(), Vec::new()).await {
            // An end is told, whatever the target says of its use.
            Err(Stop::Refused(why)) if lessen(&mut news) => {
                tracing::error!(entitlement = %self.leased.row.key.0, "what a target said of an end cannot be written down, and is left out: {why}");
                self.save(news, Vec::new()).await
            }
            done => done,
        }
    }

    /// Asks how the access was used. May be dropped at any point: what was answered by then is kept.
    async fn evidence(&self, news: &mut [(RequestId, News)]) {
        for (request, news) in news {
            let News::Gone { used, .. } = news else { continue };
            let Some(claim) = self.claims.iter().find(|c| c.request == *request) else { continue };
            let since = claim.latest - claim.duration - Span::from_minutes(60);
            let row = &self.leased.row;
            *used = self.provider.uses(&row.order, row.handle.as_ref(), since).await.ok();
        }
    }
}

/// Leaves out what a target said at too great a length. False: there is nothing to leave out.
fn lessen(news: &mut [(RequestId, News)]) -> bool {
    let mut lessened = false;
    for (_, news) in news {
        let News::Gone { used, residue, .. } = news else { continue };
        let long = residue.len() > RESIDUE_MAX.0 || residue.iter().any(|line| line.chars().nth(RESIDUE_MAX.1).is_some());
        lessened |= long | used.take().is_some();
        residue.truncate(RESIDUE_MAX.0);
        for line in residue {
            *line = line.chars().take(RESIDUE_MAX.1).collect();
        }
    }
    lessened
}
