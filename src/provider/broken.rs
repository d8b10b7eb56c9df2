//! Stands in for an adapter that could not be made, so that the bot can start and go on ending everything else (R15).
//! Every call fails and is tried again, so what it holds becomes an alarm; nothing is ever said to be gone.

use std::time::Duration;

use async_trait::async_trait;

use super::{Delivery, Description, Fault, FaultKind, Provider, Resolved, Seen, Sessions, Settling, Step, Verbs};
use crate::domain::{
    entitlement::{Handle, Order, Ownership},
    policy::{Person, Role},
    time::{Instant, Span},
};

/// An adapter that is not there, and why.
pub struct Broken {
    description: Description,
    why: String,
}

impl Broken {
    pub fn new(kind: &str, why: String) -> Self {
        Self {
            description: Description {
                name: kind.to_owned(),
                version: String::new(),
                // Never granted through: rows that exist carry their own ownership.
                ownership: Ownership::Shared,
                native: None,
                sessions: Sessions::LiveOn { at_most: None },
                delivery: Delivery::None,
                evidence: false,
                settling: Settling { reads: 1, apart: Span::ZERO },
                inputs: Vec::new(),
                deadline: Span::from_seconds(10),
                verbs: Verbs::default(),
            },
            why,
        }
    }

    fn fault(&self) -> Fault {
        Fault::new(FaultKind::Transient, format!("the adapter could not be started: {}", self.why))
    }
}

#[async_trait]
impl Provider for Broken {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn is_known(&self) -> bool {
        false
    }

    async fn resolve(&self, _who: &Person, _what: &Role) -> Result<Resolved, Fault> {
        Err(self.fault())
    }

    async fn observe(&self, _order: &Order, _handle: Option<&Handle>) -> Result<Seen, Fault> {
        Ok(Seen::Unknown { why: self.fault().message })
    }

    async fn grant(&self, _order: &Order, _handle: Option<&Handle>, _until: Instant, _left: Duration) -> Result<Step, Fault> {
        Err(self.fault())
    }

    async fn revoke(&self, _order: &Order, _handle: Option<&Handle>, _left: Duration) -> Result<Step, Fault> {
        Err(self.fault())
    }

    async fn health(&self) -> Result<String, Fault> {
        Err(self.fault())
    }
}
