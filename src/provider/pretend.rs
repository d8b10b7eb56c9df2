//! An adapter that says what it would do: for a first bot.toml, and for tests that need a provider with a memory and a temper.
//! Touches nothing outside itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use secrecy::SecretString;

use super::{Delivery, Description, Done, Fault, FaultKind, Holder, Provider, Resolved, Seen, Sessions, Settling, Sighting, Step, Verbs};
use crate::domain::{
    entitlement::{Handle, Order, Ownership},
    policy::{Person, Role},
    time::{Instant, Span},
};

/// How it shall behave at the next calls.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "faults of a target, each on its own")]
pub struct Temper {
    /// Every call fails with this.
    pub fails: Option<(FaultKind, String)>,
    /// Changing calls take effect and then answer that nobody knows.
    pub cut_after_effect: bool,
    /// Changing calls change nothing and answer that nobody knows.
    pub cut_before_effect: bool,
    /// A credential is never answered.
    pub is_silent: bool,
    /// What the next credential is, instead of one of its own making.
    pub credential: Option<String>,
    /// What each taking away leaves behind.
    pub leaves: Vec<String>,
    /// Who holds what is never answered.
    pub hides_holders: bool,
    /// Who holds these targets is answered with a failure.
    pub hides: Vec<String>,
    /// Who holds what, and which sessions are open, is answered with this.
    pub is_blind: Option<String>,
}

/// A real change: what was on is off, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub target: String,
    pub principal: String,
    pub on: bool,
    /// Not by a call of the bot.
    pub by_hand: bool,
}

/// The newest credential of each target and holder, of which all older ones are dead; and how many were made.
#[derive(Default)]
struct Credentials {
    newest: BTreeMap<(String, String), String>,
    made: u64,
}

/// Remembers who has what, in this process only.
pub struct Pretend {
    description: Description,
    held: Mutex<BTreeSet<(String, String)>>,
    made: Mutex<Vec<Made>>,
    temper: Mutex<Temper>,
    credentials: Mutex<Credentials>,
    /// Of what is held: what the bot did not give.
    foreign: Mutex<BTreeSet<(String, String)>>,
    sessions: Mutex<BTreeMap<(String, String), Vec<Sighting>>>,
    /// Targets, and others that are in them.
    nested: Mutex<BTreeMap<String, String>>,
}

impl Pretend {
    /// Plays an adapter of this ownership.
    pub fn new(ownership: Ownership) -> Self {
        Self {
            description: Description {
                name: "pretend".into(),
                version: env!("CARGO_PKG_VERSION").into(),
                ownership,
                native: None,
                sessions: Sessions::Cut,
                delivery: Delivery::None,
                evidence: false,
                settling: Settling { reads: 1, apart: Span::ZERO },
                inputs: Vec::new(),
                deadline: Span::from_seconds(10),
                verbs: Verbs::default(),
            },
            held: Mutex::default(),
            made: Mutex::default(),
            temper: Mutex::default(),
            credentials: Mutex::default(),
            foreign: Mutex::default(),
            sessions: Mutex::default(),
            nested: Mutex::default(),
        }
    }

    /// Tells who holds what, and which sessions are open.
    #[must_use]
    pub fn telling(mut self) -> Self {
        let verbs = &mut self.description.verbs;
        (verbs.holders, verbs.sightings) = (true, true);
        self
    }

    /// The same, of one that hands out credentials: as good as what it pretends to give.
    pub fn with_credentials(ownership: Ownership) -> Self {
        let mut pretend = Self::new(ownership);
        pretend.description.delivery = Delivery::Secret;
        pretend.description.verbs.credential = true;
        pretend
    }

    /// Gives up a call after this long.
    #[must_use]
    pub fn answering_within(mut self, deadline: Span) -> Self {
        self.description.deadline = deadline;
        self
    }

    /// Would this credential let somebody in?
    pub fn lets_in(&self, secret: &str) -> bool {
        let held = self.held();
        let credentials = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        credentials.newest.iter().any(|(key, newest)| newest == secret && held.contains(key))
    }

    pub fn set_temper(&self, temper: Temper) {
        *self.temper.lock().unwrap_or_else(PoisonError::into_inner) = temper;
    }

    /// Everything that is switched on, as target and holder (and grant, where per grant).
    pub fn held(&self) -> BTreeSet<(String, String)> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What has changed since this was asked last.
    pub fn take_made(&self) -> Vec<Made> {
        std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// As if somebody had done it by hand.
    pub fn set(&self, target: &str, principal: &str, on: bool) {
        self.switch(target, principal, on, true);
    }

    /// Whoever holds `inner` holds `outer` by it, from now on.
    pub fn nest(&self, inner: &str, outer: &str) {
        self.nested.lock().unwrap_or_else(PoisonError::into_inner).insert(outer.to_owned(), inner.to_owned());
    }

    /// Somebody works there with what they hold, from now on; or does so no longer.
    pub fn set_sessions(&self, target: &str, principal: &str, sessions: Vec<Sighting>) {
        let key = (target.to_owned(), principal.to_owned());
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(key, sessions);
    }

    fn switch(&self, target: &str, principal: &str, on: bool, by_hand: bool) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (target.to_owned(), principal.to_owned());
        let mut foreign = self.foreign.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = if on { held.insert(key.clone()) } else { held.remove(&key) };
        if changed && on && by_hand {
            foreign.insert(key);
        } else if changed {
            foreign.remove(&key);
        }
        if changed {
            let made = Made { target: target.to_owned(), principal: principal.to_owned(), on, by_hand };
            self.made.lock().unwrap_or_else(PoisonError::into_inner).push(made);
        }
    }

    fn key(&self, order: &Order) -> (String, String) {
        let target = order.target.get("name").and_then(|n| n.as_str()).unwrap_or_default().to_owned();
        match self.description.ownership {
            Ownership::PerGrant => (target, format!("{} {}", order.principal, order.grant)),
            Ownership::Ours | Ownership::Shared => (target, order.principal.clone()),
        }
    }

    /// As each ownership tells whose it is: by the grant that it carries, by a mark, or not at all.
    fn holder(&self, ours: bool, who: &str) -> Holder {
        match (self.description.ownership, who.split_once(' ')) {
            (Ownership::PerGrant, Some((principal, grant))) => {
                Holder { principal: principal.to_owned(), grant: Some(grant.to_owned()), ours: true, through: None }
            }
            (ownership, _) => Holder { principal: who.to_owned(), grant: None, ours: ours && ownership == Ownership::Ours, through: None },
        }
    }

    fn change(&self, order: &Order, on: bool) -> Result<Step, Fault> {
        let temper = self.temper.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if temper.cut_before_effect {
            return Err(Fault::new(FaultKind::Ambiguous, "the connection was cut"));
        }
        if let Some((kind, message)) = temper.fails {
            return Err(Fault::new(kind, message));
        }
        let (target, principal) = self.key(order);
        self.switch(&target, &principal, on, false);
        if temper.cut_after_effect {
            return Err(Fault::new(FaultKind::Ambiguous, "the connection was cut"));
        }
        let residue = if on { Vec::new() } else { temper.leaves };
        Ok(Step::Done(Done {
            how_to_connect: on.then(|| format!("nothing to connect to: {target} is pretended")),
            residue,
            ..Done::default()
        }))
    }
}

fn name_of(role: &Role) -> String {
    role.target.get("name").and_then(|n| n.as_str()).unwrap_or(role.name.as_str()).to_owned()
}

#[async_trait]
impl Provider for Pretend {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn at_once(&self) -> Option<u32> {
        Some(256)
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        let name = name_of(what);
        Ok(Resolved {
            target: serde_json::json!({ "name": name }),
            principal: who.id.to_string(),
            inputs: BTreeMap::new(),
            preview: format!("nothing real: \"{name}\" is pretended"),
            by_hand: "nothing to do: it is pretended".into(),
        })
    }

    async fn observe(&self, order: &Order, _handle: Option<&Handle>) -> Result<Seen, Fault> {
        if let Some((kind, message)) = self.temper.lock().unwrap_or_else(PoisonError::into_inner).fails.clone() {
            return Err(Fault::new(kind, message));
        }
        let here = self.held.lock().unwrap_or_else(PoisonError::into_inner).contains(&self.key(order));
        Ok(if here { Seen::Present { native_expiry: None, detail: None } } else { Seen::Absent })
    }

    async fn grant(&self, order: &Order, _handle: Option<&Handle>, _until: Instant, _left: Duration) -> Result<Step, Fault> {
        self.change(order, true)
    }

    async fn revoke(&self, order: &Order, _handle: Option<&Handle>, _left: Duration) -> Result<Step, Fault> {
        self.change(order, false)
    }

    fn target_of(&self, role: &Role) -> Option<serde_json::Value> {
        Some(serde_json::json!({ "name": name_of(role) }))
    }

    async fn holders(&self, target: &serde_json::Value) -> Result<Vec<Holder>, Fault> {
        let temper = self.temper.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if temper.hides_holders {
            std::future::pending::<()>().await;
        }
        if let Some(why) = temper.is_blind {
            return Err(Fault::new(FaultKind::Transient, why));
        }
        let name = target.get("name").and_then(|n| n.as_str()).unwrap_or_default();
        if temper.hides.iter().any(|hidden| hidden == name) {
            return Err(Fault::new(FaultKind::Transient, "permission denied"));
        }
        let inner = self.nested.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let foreign = self.foreign.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let of = |target: &str| self.held().into_iter().filter(move |key| key.0 == target).collect::<Vec<_>>();
        let mut holders: Vec<Holder> = of(name).iter().map(|key| self.holder(!foreign.contains(key), &key.1)).collect();
        if let Some(inner) = inner {
            let through = Some(serde_json::json!({ "name": inner }));
            let all = of(&inner);
            holders.push(Holder { principal: inner, ..Holder::default() });
            holders.extend(all.iter().map(|key| Holder { ours: false, through: through.clone(), ..self.holder(false, &key.1) }));
        }
        Ok(holders)
    }

    async fn sightings(&self, orders: &[Order]) -> Result<Vec<Vec<Sighting>>, Fault> {
        if let Some(why) = self.temper.lock().unwrap_or_else(PoisonError::into_inner).is_blind.clone() {
            return Err(Fault::new(FaultKind::Transient, why));
        }
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(orders.iter().map(|order| sessions.get(&self.key(order)).cloned().unwrap_or_default()).collect())
    }

    async fn credential(&self, order: &Order, _handle: Option<&Handle>) -> Result<SecretString, Fault> {
        if !self.description.verbs.credential {
            return Err(Fault::unsupported("credential"));
        }
        let temper = self.temper.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if temper.is_silent {
            std::future::pending::<()>().await;
        }
        if let Some((kind, message)) = temper.fails {
            return Err(Fault::new(kind, message));
        }
        let key = self.key(order);
        if !self.held().contains(&key) {
            return Err(Fault::new(FaultKind::NoSuchPrincipal, "nothing is held there"));
        }
        let mut credentials = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        credentials.made += 1;
        let secret = temper.credential.unwrap_or_else(|| format!("pretended-secret-{}", credentials.made));
        credentials.newest.insert(key, secret.clone());
        Ok(secret.into())
    }
}
