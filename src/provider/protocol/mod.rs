//! The protocol `hallpass-adapter/1` as the core sees it: an adapter outside this process, whatever carries what is said to
//! it and what it answers. Translates and bounds; decides nothing. Described in docs/adapters.md.

mod redact;
mod verbs;
mod wire;

#[cfg(test)]
mod tests;

use std::{sync::OnceLock, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};

use self::wire::{Described, Status};
pub(super) use self::{
    redact::Secrets,
    wire::{Answer, Fits, line, read},
};
#[cfg(test)]
pub(super) use self::{
    verbs::NAMED,
    wire::{PROTOCOLS, Reply},
};
use super::{Delivery, Description, Fault, FaultKind, Sessions, Settling, Verbs};
use crate::domain::{entitlement::Ownership, time::Span};

/// Longest request and longest reply, in bytes.
pub(super) const TALK_MAX: usize = 1024 * 1024;
/// What the commit of a call's deadline may take before the adapter's own time gets shorter.
const COMMIT: Span = Span::from_seconds(1);
/// For `describe`, before the adapter has said how long it may take.
const FIRST: Duration = Duration::from_secs(30);
/// A way to an adapter outside: brings one request there and one answer back, and bounds both.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// What a call takes beside the adapter's own time, until nothing of it can take effect any more.
    const SLACK: Span;
    /// The end that goes with an answer, in words.
    const WELL: &'static str;
    /// A call is not begun with less.
    const LEAST: Duration;
    /// What came without being an object at all may come from somebody on the way, who stands in for the adapter for a while.
    const MAY_BE_ANOTHERS: bool;

    /// The whole seconds that an adapter is told of for a call that has so long. Where nothing ends it from outside, no more
    /// than that.
    fn seconds(limit: Duration) -> u64;

    /// The request as it is, and whatever came back within `limit`. A fault is `Ambiguous` unless it is certain that
    /// nothing was changed.
    async fn call(&self, op: &str, request: &Value, limit: Duration) -> Result<Answer, Fault>;

    /// What this request asked has been answered for good: asked once more, it is another one.
    fn settled(&self, _op: &str, _request: &Value) {}
}

/// An adapter outside this process.
pub struct Outside<C> {
    pub(super) carrier: C,
    /// Goes with every request but `describe`.
    config: Value,
    secrets: Secrets,
    pub(super) known: OnceLock<Known>,
    /// What stands for its description until it has given one. Nothing is granted by it: that begins with `resolve`.
    stranger: Description,
}

/// What it said of itself.
pub(super) struct Known {
    description: Description,
    described: Described,
    protocol: &'static str,
    pub(super) limit: Duration,
}

impl Known {
    fn must_have(&self, op: &str) -> Result<(), Fault> {
        if self.described.has(op) { Ok(()) } else { Err(Fault::unsupported(op)) }
    }
}

impl<C: Carrier> Outside<C> {
    /// Asks the adapter what it is, and agrees on a version of the protocol.
    /// # Errors
    /// It could not be asked, or what it is cannot be used.
    pub(super) async fn met(kind: &str, carrier: C, config: Value, secrets: Secrets) -> Result<Self, Fault> {
        let outside = Self::new(kind, carrier, config, secrets);
        outside.ask_what_it_is(FIRST).await?;
        Ok(outside)
    }

    /// The same, for an adapter that may be away just now: it is asked again with the first call that reaches it.
    /// # Errors
    /// What it is cannot be used.
    pub(super) async fn met_or_later(kind: &str, carrier: C, config: Value, secrets: Secrets) -> Result<Self, Fault> {
        let outside = Self::new(kind, carrier, config, secrets);
        match outside.ask_what_it_is(FIRST).await {
            Err(fault) if matches!(fault.kind, FaultKind::Invalid | FaultKind::Unsupported) => Err(fault),
            Err(fault) => {
                tracing::warn!("an adapter could not be asked what it is, and is asked again when it is needed: {fault}");
                Ok(outside)
            }
            Ok(_) => Ok(outside),
        }
    }

    fn new(kind: &str, carrier: C, config: Value, secrets: Secrets) -> Self {
        let stranger = Description {
            name: kind.to_owned(),
            version: String::new(),
            // Rows that exist carry their own ownership.
            ownership: Ownership::Shared,
            native: None,
            sessions: Sessions::LiveOn { at_most: None },
            delivery: Delivery::None,
            evidence: false,
            settling: Settling { reads: 1, apart: Span::ZERO },
            inputs: Vec::new(),
            deadline: Span::from_seconds(30) + COMMIT + C::SLACK,
            verbs: Verbs::default(),
        };
        Self { carrier, config, secrets, known: OnceLock::new(), stranger }
    }

    async fn ask_what_it_is(&self, limit: Duration) -> Result<&Known, Fault> {
        let invalid = |why: String| Fault::new(FaultKind::Invalid, why);
        let request = json!({ "protocol": wire::PROTOCOLS[0], "protocols": wire::PROTOCOLS, "op": "describe" });
        let answer = self.carrier.call("describe", &request, limit).await.map_err(harmless)?;
        if answer.fits != Fits::Answer {
            let why = read(&answer, wire::PROTOCOLS[0], &self.secrets).err().map_or_else(String::new, |fault| format!(": {fault}"));
            let message = format!("the adapter does not answer describe with {}{why}", C::WELL);
            return Err(Fault::new(FaultKind::Transient, message));
        }
        let unfit = |error: serde_json::Error| line(&format!("the adapter's answer to describe: {error}"));
        let said: Value = match serde_json::from_slice(&answer.bytes) {
            Ok(said @ Value::Object(_)) => said,
            Ok(_) if C::MAY_BE_ANOTHERS => return Err(not_an_object(&answer, "it is no object")),
            Err(error) if C::MAY_BE_ANOTHERS => return Err(not_an_object(&answer, &error.to_string())),
            Ok(other) => other,
            Err(error) => return Err(invalid(unfit(error))),
        };
        let described: Described = serde_json::from_value(self.secrets.out_of_description(said)).map_err(|error| invalid(unfit(error)))?;
        let protocol = described.protocol()?;
        let description = described.description(COMMIT + C::SLACK)?;
        let known = Known { description, limit: described.limit().std(), described, protocol };
        Ok(self.known.get_or_init(|| known))
    }

    /// What it is, asked now if that is not known yet.
    async fn known(&self, left: Duration) -> Result<&Known, Fault> {
        match self.known.get() {
            Some(known) => Ok(known),
            None => self.ask_what_it_is(time_within::<C>(FIRST, left)?).await,
        }
    }

    /// For what the core plans by the description: one that was only learnt now was not planned by.
    async fn known_before(&self, left: Duration) -> Result<&Known, Fault> {
        let is_new = self.known.get().is_none();
        let known = self.known(left).await?;
        if is_new {
            Err(Fault::new(FaultKind::Transient, "the adapter has only now said what it is: it is asked again"))
        } else {
            Ok(known)
        }
    }

    /// Nothing of it takes effect when `left` has passed: the adapter gets what remains after the carrier's own time.
    async fn ask(&self, known: &Known, op: &str, mut request: Value, left: Duration) -> Result<wire::Reply, Fault> {
        let limit = time_within::<C>(known.limit, left)?;
        if let Some(fields) = request.as_object_mut() {
            fields.insert("protocol".into(), known.protocol.into());
            fields.insert("op".into(), op.into());
            fields.insert("deadline_s".into(), C::seconds(limit).into());
            fields.insert("config".into(), self.config.clone());
        }
        let answer = self.carrier.call(op, &request, limit).await?;
        let reply = read(&answer, known.protocol, &self.secrets);
        if is_settled(&reply) {
            self.carrier.settled(op, &request);
        }
        reply
    }

    /// For what changes nothing, where a lost answer is only worth another try.
    async fn look(&self, known: &Known, op: &str, request: Value) -> Result<wire::Reply, Fault> {
        self.ask(known, op, request, whole(known)).await.map_err(harmless)
    }

    /// For calls without a committed deadline.
    fn patience(&self) -> Duration {
        self.known.get().map_or_else(|| self.stranger.deadline.std(), whole)
    }
}

/// Nothing that an adapter says of itself: it is asked again.
fn not_an_object(answer: &Answer, why: &str) -> Fault {
    let message = line(&format!("the adapter's answer to describe is not JSON of an adapter ({}): {why}", answer.ended));
    Fault::new(FaultKind::Transient, message)
}

fn whole(known: &Known) -> Duration {
    known.description.deadline.std()
}

pub(super) fn time_within<C: Carrier>(most: Duration, left: Duration) -> Result<Duration, Fault> {
    let limit = most.min(left.saturating_sub(C::SLACK.std()));
    if limit < C::LEAST {
        return Err(Fault::new(FaultKind::Transient, "no time was left for the adapter: it was not called"));
    }
    Ok(limit)
}

/// Neither unknown nor worth the same question again.
fn is_settled(reply: &Result<wire::Reply, Fault>) -> bool {
    match reply {
        Ok(reply) => reply.status != Some(Status::Unknown),
        Err(fault) => fault.kind.is_permanent(),
    }
}

fn harmless(fault: Fault) -> Fault {
    let kind = if fault.kind == FaultKind::Ambiguous { FaultKind::Transient } else { fault.kind };
    Fault { kind, ..fault }
}

/// A request on one line.
/// # Errors
/// It is larger than any may be.
pub(super) fn compact(request: &Value) -> Result<Vec<u8>, Fault> {
    let bytes = request.to_string().into_bytes();
    if bytes.len() >= TALK_MAX {
        return Err(Fault::new(FaultKind::Invalid, "the request to the adapter would be larger than 1 MiB"));
    }
    Ok(bytes)
}
