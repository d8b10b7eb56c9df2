//! Adapters in any language: a program that is started once per call, with one JSON object in and one out.
//! Translates and bounds; decides nothing. The protocol is described in docs/adapters.md.

mod environment;
mod keeper;
mod process;
mod redact;
mod wire;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

pub use self::{
    environment::Environment,
    keeper::{VERB, keep, kept_by},
};
use self::{
    process::{Launch, Lost, TALK_MAX},
    redact::Secrets,
    wire::{Described, PROTOCOLS, Reply, Status},
};
use super::{Description, Fault, FaultKind, Holder, Provider, Resolved, Seen, Sighting, Step};
use crate::domain::{
    entitlement::{Handle, Order},
    event::Used,
    policy::{Person, Role},
    time::{Instant, Span},
};

/// From asking a program to end until it is forced.
const GRACE: Span = Span::from_seconds(5);
/// Until everything of a run that was forced to end is gone and its answer is here.
const SLACK: Span = Span::from_seconds(2);
/// What the commit of a call's deadline may take before the program's own time gets shorter.
const COMMIT: Span = Span::from_seconds(1);
/// For `describe`, before the adapter has said how long it may take.
const FIRST: Duration = Duration::from_secs(30);
/// A run is not begun with less.
const LEAST: Duration = Duration::from_millis(200);
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What bot.toml says of such a provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Absolute path; it and its folders writable by root and the bot only.
    pub program: PathBuf,
    #[serde(default)]
    pub arguments: Vec<String>,
    /// What the program gets beside PATH and LANG; the place for secrets.
    #[serde(default)]
    pub environment: Environment,
    /// Sent along with every request but `describe`. Not for secrets.
    #[serde(default)]
    pub config: toml::Table,
}

/// An adapter outside this process.
pub struct Exec {
    description: Description,
    described: Described,
    protocol: &'static str,
    limit: Duration,
    launch: Launch,
    config: Value,
    secrets: Secrets,
}

/// Whether nobody but root and us can change what would be run.
pub(super) fn runnable(program: &std::path::Path) -> Result<(), String> {
    process::check(program).map(drop)
}

impl Exec {
    /// Asks the program what it is, and agrees on a version of the protocol.
    pub async fn start(settings: Settings) -> Result<Self, Fault> {
        let invalid = |why: String| Fault::new(FaultKind::Invalid, why);
        let config = serde_json::to_value(&settings.config).map_err(|error| invalid(format!("config: {error}")))?;
        process::check(&settings.program).map_err(invalid)?;
        let mut environment = BTreeMap::from([("LANG".to_owned(), "C.UTF-8".into())]);
        environment.insert("PATH".into(), std::env::var_os("PATH").unwrap_or_else(|| PATH.into()));
        let mut values = Vec::new();
        for (name, secret) in &settings.environment.0 {
            let value = secret.read().map_err(invalid)?.expose_secret().to_owned();
            environment.insert(name.clone(), value.clone().into());
            values.push(value);
        }
        let secrets = Secrets::new(values);
        let launch = Launch { program: settings.program, arguments: settings.arguments, environment, grace: GRACE.std() };
        let request = json!({ "protocol": PROTOCOLS[0], "protocols": PROTOCOLS, "op": "describe" });
        let ran = launch.run(bytes(&request)?, FIRST).await.map_err(|lost| harmless(fault(lost)))?;
        log(&launch, "describe", &ran.log, &secrets);
        if ran.code != Some(0) {
            let why = wire::read(&ran, PROTOCOLS[0], &secrets).err().map_or_else(String::new, |fault| format!(": {fault}"));
            return Err(invalid(format!("the adapter does not answer describe with exit code 0{why}")));
        }
        let described: Described = serde_json::from_slice(&ran.reply)
            .and_then(|said| serde_json::from_value(secrets.out_of_description(said)))
            .map_err(|error| invalid(wire::line(&format!("the adapter's answer to describe: {error}"))))?;
        let protocol = described.protocol()?;
        let description = described.description(COMMIT + GRACE + SLACK)?;
        Ok(Self { description, limit: described.limit().std(), described, protocol, launch, config, secrets })
    }

    /// Nothing of it is left when `left` has passed: the program gets what remains after the time that forcing it takes.
    async fn ask(&self, op: &str, mut request: Value, left: Duration) -> Result<Reply, Fault> {
        let limit = self.limit.min(left.saturating_sub((GRACE + SLACK).std()));
        if limit < LEAST {
            return Err(Fault::new(FaultKind::Transient, "no time was left for the adapter: it was not called"));
        }
        if let Some(fields) = request.as_object_mut() {
            fields.insert("protocol".into(), self.protocol.into());
            fields.insert("op".into(), op.into());
            fields.insert("deadline_s".into(), (limit.as_secs() + u64::from(limit.subsec_nanos() > 0)).into());
            fields.insert("config".into(), self.config.clone());
        }
        let ran = self.launch.run(bytes(&request)?, limit).await.map_err(fault)?;
        log(&self.launch, op, &ran.log, &self.secrets);
        wire::read(&ran, self.protocol, &self.secrets)
    }

    /// For what changes nothing, where a lost answer is only worth another try.
    async fn look(&self, op: &str, request: Value) -> Result<Reply, Fault> {
        self.ask(op, request, self.whole()).await.map_err(harmless)
    }

    /// For calls without a committed deadline.
    fn whole(&self) -> Duration {
        self.description.deadline.std()
    }

    fn must_have(&self, op: &str) -> Result<(), Fault> {
        if self.described.has(op) { Ok(()) } else { Err(Fault::unsupported(op)) }
    }
}

fn harmless(fault: Fault) -> Fault {
    let kind = if fault.kind == FaultKind::Ambiguous { FaultKind::Transient } else { fault.kind };
    Fault { kind, ..fault }
}

fn fault(lost: Lost) -> Fault {
    match lost {
        Lost::NotStarted(why) => Fault::new(FaultKind::Transient, why),
        Lost::NoAnswer(why) => Fault::new(FaultKind::Ambiguous, why),
    }
}

/// Compact, on one line.
fn bytes(request: &Value) -> Result<Vec<u8>, Fault> {
    let mut bytes = request.to_string().into_bytes();
    bytes.push(b'\n');
    if bytes.len() > TALK_MAX {
        return Err(Fault::new(FaultKind::Invalid, "the request to the adapter would be larger than 1 MiB"));
    }
    Ok(bytes)
}

/// Why an order is not taken.
const NAMED: &str = "the adapter names a value of its environment in what it resolved: what is no secret belongs into config";

/// Lines that speak of secrets are left out altogether.
fn log(launch: &Launch, op: &str, said: &[u8], secrets: &Secrets) {
    const TELLING: [&str; 5] = ["password", "secret", "token", "private key", "authorization"];
    for said in secrets.out_of(&String::from_utf8_lossy(said)).lines() {
        let lower = said.to_lowercase();
        let said = if TELLING.iter().any(|word| lower.contains(word)) { "[a line that speaks of a secret]" } else { said };
        tracing::info!(program = %launch.program.display(), op, said = wire::line(said), "an adapter says");
    }
}

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
impl Provider for Exec {
    fn describe(&self) -> &Description {
        &self.description
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        for input in &self.description.inputs {
            if !who.logins.contains_key(&input.key) {
                return Err(Fault::new(FaultKind::NoSuchPrincipal, format!("{} is not known: {}", input.key, input.how)));
            }
        }
        let named = match &self.described.principal {
            None => Some(who.id.to_string()),
            Some(key) => who.logins.get(key).cloned(),
        };
        let inputs = |inputs: Option<BTreeMap<String, String>>| {
            let keys = self.description.inputs.iter().map(|input| &input.key);
            inputs.unwrap_or_else(|| keys.filter_map(|key| Some((key.clone(), who.logins.get(key)?.clone()))).collect())
        };
        let reply = if self.described.has("resolve") {
            let person = json!({ "id": who.id, "email": who.email, "logins": who.logins });
            let role = json!({ "name": what.name, "target": what.target });
            let question = json!({ "person": person, "role": role });
            let reply = self.look("resolve", question.clone()).await?.resolved()?;
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
        let by_hand = reply.by_hand.or_else(|| self.described.by_hand.clone());
        Ok(Resolved {
            preview: wire::line(&reply.preview.unwrap_or_else(|| format!("{} for {principal}: {target}", self.description.name))),
            by_hand: by_hand
                .map_or_else(|| format!("remove {principal} from {target} in {}", self.description.name), |text| wire::line(&text)),
            inputs: inputs(reply.inputs),
            target,
            principal,
        })
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        match self.ask("observe", about(order, handle), self.whole()).await {
            Ok(reply) => Ok(reply.seen()),
            Err(fault) if fault.kind == FaultKind::Ambiguous => Ok(Seen::Unknown { why: fault.message }),
            Err(fault) => Err(fault),
        }
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        self.ask("grant", with(about(order, handle), "until", json!(until)), left).await?.step(&[Status::Active])
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault> {
        self.ask("revoke", about(order, handle), left).await?.step(&[Status::Absent])
    }

    async fn poll(&self, order: &Order, op: &str) -> Result<Step, Fault> {
        self.must_have("poll")?;
        self.ask("poll", with(about(order, None), "op_token", op.into()), self.whole()).await?.step(&[Status::Active, Status::Absent])
    }

    async fn extend(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        self.must_have("extend")?;
        self.ask("extend", with(about(order, handle), "until", json!(until)), left).await?.step(&[Status::Active])
    }

    async fn credential(&self, order: &Order, handle: Option<&Handle>) -> Result<SecretString, Fault> {
        self.must_have("credential")?;
        let reply = self.ask("credential", about(order, handle), self.whole()).await?;
        reply.credential.map(SecretString::from).ok_or_else(|| Fault::new(FaultKind::Ambiguous, "the adapter gave no credential"))
    }

    fn target_of(&self, role: &Role) -> Option<Value> {
        (!self.described.has("resolve")).then(|| role.target.clone())
    }

    async fn holders(&self, target: &Value) -> Result<Vec<Holder>, Fault> {
        self.must_have("list")?;
        let reply = self.look("list", json!({ "target": target })).await?;
        let holders = reply.holders.ok_or_else(|| Fault::new(FaultKind::Transient, "the adapter gave no holders"))?;
        Ok(holders.into_iter().map(Holder::from).collect())
    }

    async fn uses(&self, order: &Order, handle: Option<&Handle>, since: Instant) -> Result<Used, Fault> {
        self.must_have("uses")?;
        let reply = self.look("uses", with(about(order, handle), "since", json!(since))).await?;
        reply.used().ok_or_else(|| Fault::new(FaultKind::Transient, "the adapter does not say how it was used"))
    }

    async fn sightings(&self, orders: &[Order]) -> Result<Vec<Vec<Sighting>>, Fault> {
        self.must_have("sightings")?;
        let about: Vec<Value> = orders.iter().map(|order| about(order, None)).collect();
        let reply = self.look("sightings", json!({ "orders": about })).await?;
        let seen = reply.sightings.ok_or_else(|| Fault::new(FaultKind::Transient, "the adapter does not say what is open"))?;
        Ok(seen.into_iter().map(|sessions| sessions.into_iter().map(Sighting::from).collect()).collect())
    }

    async fn health(&self) -> Result<String, Fault> {
        self.must_have("health")?;
        let reply = self.look("health", json!({})).await?;
        Ok(wire::line(reply.message.as_deref().unwrap_or("ok")))
    }
}
