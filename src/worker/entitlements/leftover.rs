//! What outlives an end: who still waits for the clean-up of an entitlement, and what its row leaves when it goes.
//! Must not decide when to clean up: `plan` does.

use super::{Done, EntitlementWrite, Job, Stop, learn};
use crate::{
    domain::{entitlement::Ownership, request::Request},
    store::Past,
};

impl Job<'_> {
    /// What an administrator has settled meanwhile is nobody's business any more.
    pub(super) async fn forget_settled(&mut self) -> Done<()> {
        let Some(left) = self.leased.row.leftover.as_ref().filter(|_| self.claims.is_empty()) else { return Ok(()) };
        let requests = self.deps.store.requests_by_id(&left.requests).await.map_err(Stop::read)?;
        let open: Vec<_> = requests.into_iter().filter(Request::leaves_something).map(|request| request.id).collect();
        learn::settled(&mut self.leased.row, &open);
        Ok(())
    }

    /// The row goes. Where the target itself says what is ours, it is kept aside: what comes back there is known by it.
    pub(super) async fn discard(&self) -> Done<()> {
        let row = &self.leased.row;
        let told_apart = self.provider.describe_for(&row.order.target).verbs.holders && row.ownership != Ownership::Shared;
        let past = row.last.as_ref().filter(|_| told_apart).map(|_| Past { object: row.order.grant.clone(), at: self.deps.bot.now() });
        let write = EntitlementWrite::Drop { key: row.key.clone(), seen_gen: self.leased.generation, past };
        self.commit(Vec::new(), write, Vec::new()).await
    }
}
