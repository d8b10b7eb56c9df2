//! An adapter whose next answer is lost, as networks and processes lose them: before the call, after it, too late, as
//! garbage, or with the bot itself. Everything else it passes on unchanged.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::Notify;

use crate::{
    domain::{
        entitlement::{Handle, Order},
        event::Used,
        policy::{Person, Role},
        time::{Instant, Span},
    },
    provider::{Description, Fault, FaultKind, Holder, Provider, Resolved, Seen, Sighting, Step},
};

/// How the answer to the next change is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoil {
    /// The call never arrives, and nobody knows that.
    CutBefore,
    /// It takes effect; the answer is cut.
    CutAfter,
    /// It takes effect; the answer comes after the deadline.
    Slow,
    /// It takes effect; the answer makes no sense, nor do the next two looks.
    Garbage,
    /// It takes effect, and the bot is killed before the answer.
    Vanish,
}

/// The adapter under test, in bad company.
pub(super) struct Spoiled {
    inner: Arc<dyn Provider>,
    description: Description,
    state: Mutex<State>,
    /// Rung when the bot is to be killed.
    pub(super) vanished: Notify,
}

#[derive(Default)]
struct State {
    next: Option<Spoil>,
    blind: u32,
}

impl Spoiled {
    /// Of a role with this target; `deadline` instead of the adapter's own, so that nobody has to wait for that.
    pub(super) fn new(inner: Arc<dyn Provider>, target: &serde_json::Value, deadline: Span) -> Self {
        let description = Description { deadline, ..inner.describe_for(target).clone() };
        Self { inner, description, state: Mutex::default(), vanished: Notify::new() }
    }

    pub(super) fn spoil_next(&self, how: Spoil) {
        self.state().next = Some(how);
    }

    /// Has the last one been used up?
    pub(super) fn is_spent(&self) -> bool {
        self.state().next.is_none()
    }

    /// The adapter's own time: the shorter one is only what the core believes.
    fn whole(&self) -> Duration {
        self.inner.describe().deadline.std()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn change(&self, call: impl Future<Output = Result<Step, Fault>> + Send) -> Result<Step, Fault> {
        let lost = |why: &str| Err(Fault::new(FaultKind::Ambiguous, why));
        let next = self.state().next.take();
        let Some(spoil) = next else { return call.await };
        if spoil == Spoil::CutBefore {
            return lost("the connection was cut");
        }
        call.await?;
        match spoil {
            Spoil::Garbage => {
                self.state().blind = 2;
                lost("the answer makes no sense")
            }
            Spoil::CutBefore | Spoil::CutAfter => lost("the connection was cut"),
            Spoil::Vanish => {
                self.vanished.notify_one();
                std::future::pending().await
            }
            Spoil::Slow => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Provider for Spoiled {
    fn describe(&self) -> &Description {
        &self.description
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        self.inner.resolve(who, what).await
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        let blind = {
            let mut state = self.state();
            let blind = state.blind > 0;
            state.blind = state.blind.saturating_sub(1);
            blind
        };
        if blind { Ok(Seen::Unknown { why: "the answer makes no sense".into() }) } else { self.inner.observe(order, handle).await }
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, _: Duration) -> Result<Step, Fault> {
        self.change(self.inner.grant(order, handle, until, self.whole())).await
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, _: Duration) -> Result<Step, Fault> {
        self.change(self.inner.revoke(order, handle, self.whole())).await
    }

    async fn poll(&self, order: &Order, op: &str) -> Result<Step, Fault> {
        self.inner.poll(order, op).await
    }

    async fn extend(&self, order: &Order, handle: Option<&Handle>, until: Instant, _: Duration) -> Result<Step, Fault> {
        self.change(self.inner.extend(order, handle, until, self.whole())).await
    }

    async fn credential(&self, order: &Order, handle: Option<&Handle>) -> Result<SecretString, Fault> {
        self.inner.credential(order, handle).await
    }

    fn target_of(&self, role: &Role) -> Option<Value> {
        self.inner.target_of(role)
    }

    fn held_part(&self, target: &Value) -> Value {
        self.inner.held_part(target)
    }

    async fn sightings(&self, orders: &[Order]) -> Result<Vec<Vec<Sighting>>, Fault> {
        self.inner.sightings(orders).await
    }

    async fn holders(&self, target: &Value) -> Result<Vec<Holder>, Fault> {
        self.inner.holders(target).await
    }

    async fn uses(&self, order: &Order, handle: Option<&Handle>, since: Instant) -> Result<Used, Fault> {
        self.inner.uses(order, handle, since).await
    }

    async fn health(&self) -> Result<String, Fault> {
        self.inner.health().await
    }
}
