//! The verbs of the core as operations of the protocol, and what is answered as what the core understands.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    Carrier, Outside,
    wire::{Reply, Status, line},
};
use crate::{
    domain::{
        entitlement::{Handle, Order},
        event::Used,
        policy::{Person, Role},
        time::Instant,
    },
    provider::{Description, Fault, FaultKind, Holder, Provider, Resolved, Seen, Sighting, Step},
};

/// Why an order is not taken.
pub(in super::super) const NAMED: &str = "the adapter names one of its secrets in what it resolved: what is no secret belongs into config";

fn about(order: &Order, handle: Option<&Handle>) -> Value {
    json!({
        "grant": order.grant,
        "person": order.person,
        "principal": order.principal,
        "target": order.target,
        "inputs": order.inputs,
        "handle": handle.map(|handle| &handle.0),
    })
}

fn with(mut request: Value, key: &str, value: Value) -> Value {
    request[key] = value;
    request
}

#[async_trait]
impl<C: Carrier> Provider for Outside<C> {
    fn describe(&self) -> &Description {
        self.known.get().map_or(&self.stranger, |known| &known.description)
    }

    fn is_known(&self) -> bool {
        self.known.get().is_some()
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        let known = self.known(self.patience()).await?;
        let description = &known.description;
        for input in &description.inputs {
            if !who.logins.contains_key(&input.key) {
                return Err(Fault::new(FaultKind::NoSuchPrincipal, format!("{} is not known: {}", input.key, input.how)));
            }
        }
        let named = match &known.described.principal {
            None => Some(who.id.to_string()),
            Some(key) => who.logins.get(key).cloned(),
        };
        let inputs = |inputs: Option<BTreeMap<String, String>>| {
            let keys = description.inputs.iter().map(|input| &input.key);
            inputs.unwrap_or_else(|| keys.filter_map(|key| Some((key.clone(), who.logins.get(key)?.clone()))).collect())
        };
        let reply = if known.described.has("resolve") {
            let person = json!({ "id": who.id, "email": who.email, "logins": who.logins });
            let role = json!({ "name": what.name, "target": what.target });
            let question = json!({ "person": person, "role": role });
            let reply = self.look(known, "resolve", question.clone()).await?.resolved()?;
            let named = json!([reply.target, reply.principal, reply.inputs]);
            if self.secrets.are_told_by(&named, &json!([question, self.config])) {
                return Err(Fault::new(FaultKind::Invalid, NAMED));
            }
            reply
        } else {
            Reply::default()
        };
        let nobody = || Fault::new(FaultKind::NoSuchPrincipal, "the person has no name in this system");
        let principal = reply.principal.or(named).filter(|name| !name.is_empty()).ok_or_else(nobody)?;
        let target = reply.target.unwrap_or_else(|| what.target.clone());
        let by_hand = reply.by_hand.or_else(|| known.described.by_hand.clone());
        Ok(Resolved {
            preview: line(&reply.preview.unwrap_or_else(|| format!("{} for {principal}: {target}", description.name))),
            by_hand: by_hand.map_or_else(|| format!("remove {principal} from {target} in {}", description.name), |text| line(&text)),
            inputs: inputs(reply.inputs),
            target,
            principal,
        })
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        let left = self.patience();
        let known = self.known_before(left).await?;
        match self.ask(known, "observe", about(order, handle), left).await {
            Ok(reply) => Ok(reply.seen()),
            Err(fault) if fault.kind == FaultKind::Ambiguous => Ok(Seen::Unknown { why: fault.message }),
            Err(fault) => Err(fault),
        }
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        let known = self.known_before(left).await?;
        self.ask(known, "grant", with(about(order, handle), "until", json!(until)), left).await?.step(&[Status::Active])
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault> {
        let known = self.known_before(left).await?;
        self.ask(known, "revoke", about(order, handle), left).await?.step(&[Status::Absent])
    }

    async fn poll(&self, order: &Order, op: &str) -> Result<Step, Fault> {
        let left = self.patience();
        let known = self.known_before(left).await?;
        known.must_have("poll")?;
        self.ask(known, "poll", with(about(order, None), "op_token", op.into()), left).await?.step(&[Status::Active, Status::Absent])
    }

    async fn extend(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        let known = self.known_before(left).await?;
        known.must_have("extend")?;
        self.ask(known, "extend", with(about(order, handle), "until", json!(until)), left).await?.step(&[Status::Active])
    }

    async fn credential(&self, order: &Order, handle: Option<&Handle>) -> Result<SecretString, Fault> {
        let left = self.patience();
        let known = self.known(left).await?;
        known.must_have("credential")?;
        let reply = self.ask(known, "credential", about(order, handle), left).await?;
        reply.credential.map(SecretString::from).ok_or_else(|| Fault::new(FaultKind::Ambiguous, "the adapter gave no credential"))
    }

    fn target_of(&self, role: &Role) -> Option<Value> {
        let known = self.known.get()?;
        (!known.described.has("resolve")).then(|| role.target.clone())
    }

    async fn holders(&self, target: &Value) -> Result<Vec<Holder>, Fault> {
        let known = self.known(self.patience()).await?;
        known.must_have("list")?;
        let reply = self.look(known, "list", json!({ "target": target })).await?;
        let holders = reply.holders.ok_or_else(|| Fault::new(FaultKind::Transient, "the adapter gave no holders"))?;
        Ok(holders.into_iter().map(Holder::from).collect())
    }

    async fn uses(&self, order: &Order, handle: Option<&Handle>, since: Instant) -> Result<Used, Fault> {
        let known = self.known(self.patience()).await?;
        known.must_have("uses")?;
        let reply = self.look(known, "uses", with(about(order, handle), "since", json!(since))).await?;
        reply.used().ok_or_else(|| Fault::new(FaultKind::Transient, "the adapter does not say how it was used"))
    }

    async fn sightings(&self, orders: &[Order]) -> Result<Vec<Vec<Sighting>>, Fault> {
        let known = self.known(self.patience()).await?;
        known.must_have("sightings")?;
        let about: Vec<Value> = orders.iter().map(|order| about(order, None)).collect();
        let reply = self.look(known, "sightings", json!({ "orders": about })).await?;
        reply.sighted().ok_or_else(|| Fault::new(FaultKind::Transient, "the adapter does not say what is open"))
    }

    async fn health(&self) -> Result<String, Fault> {
        let known = self.known(self.patience()).await?;
        known.must_have("health")?;
        let reply = self.look(known, "health", json!({})).await?;
        Ok(line(reply.message.as_deref().unwrap_or("ok")))
    }
}
