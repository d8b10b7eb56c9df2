//! A PostgreSQL server: a login of its own for each grant, or a role for a person's own login.
//! Translates only. What a server is sent is put together in `sql`, `quote` and the files of each form, and sent by `link` alone.

mod connect;
mod cut;
mod fault;
mod holders;
mod link;
mod login;
mod look;
mod member;
mod message;
mod names;
mod quote;
mod remains;
mod resolve;
mod rights;
mod rows;
mod settings;
mod sql;
mod starting;
#[cfg(test)]
mod tests;
mod tidy;

use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::Value;

pub use self::settings::Settings;
pub(super) use self::settings::check_target;
use self::{
    link::{Deadline, Link},
    settings::{Form, Target},
};
use super::{
    Delivery, Description, Fault, FaultKind, Holder, Input, NativeExpiry, Provider, Resolved, Right, RightState, Seen, Sessions, Settling,
    Sighting, Step, Verbs,
};
use crate::domain::{
    entitlement::{Handle, Order, Ownership},
    policy::{Person, Role},
    time::{Instant, Span},
};

/// Key of `Person::logins` with the name of the person's own login.
pub const LOGIN: &str = "postgresql";

/// Longest that one call takes.
const DEADLINE: Span = Span::from_seconds(20);

/// A server.
pub struct Postgresql {
    login: Description,
    /// From 16 on, and up to 15.
    ours: Description,
    shared: Description,
    link: Link,
}

impl Postgresql {
    /// Connects to nothing yet: a server that is away keeps no bot from starting.
    /// # Errors
    /// The settings name a file that cannot be used.
    pub fn open(settings: Settings) -> Result<Self, String> {
        let link = Link::new(settings)?;
        Ok(Self { login: login(), ours: membership(Ownership::Ours), shared: membership(Ownership::Shared), link })
    }

    /// A server that was never asked is taken for an old one: then nothing that was there before is ever touched.
    fn about(&self, form: Form) -> &Description {
        match form {
            Form::Login => &self.login,
            Form::Membership if self.link.version().is_some_and(|version| version >= 16) => &self.ours,
            Form::Membership => &self.shared,
        }
    }
}

/// A login of a grant's own. Revoke ends its sessions.
fn login() -> Description {
    Description {
        name: "postgresql".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        ownership: Ownership::PerGrant,
        native: Some(NativeExpiry { grain: Span::from_seconds(1), extendable: true }),
        sessions: Sessions::Cut,
        delivery: Delivery::Secret,
        evidence: false,
        settling: Settling { reads: 1, apart: Span::ZERO },
        inputs: Vec::new(),
        deadline: DEADLINE,
        verbs: Verbs { extend: true, credential: true, holders: true, sightings: true, health: true, ..Verbs::default() },
    }
}

/// The role for a person's own login. Nobody can see which of its sessions are in the role: revoke ends all of them, unless the login
/// has the role by other means too.
fn membership(ownership: Ownership) -> Description {
    Description {
        ownership,
        native: None,
        delivery: Delivery::None,
        inputs: vec![Input { key: LOGIN.into(), how: "have your login at the database server entered under logins".into() }],
        verbs: Verbs { holders: true, sightings: true, health: true, ..Verbs::default() },
        ..login()
    }
}

fn target(value: &Value) -> Result<Target, Fault> {
    serde_json::from_value(value.clone()).map_err(|error| Fault::new(FaultKind::Invalid, format!("the role's target: {error}")))
}

#[async_trait]
impl Provider for Postgresql {
    fn describe(&self) -> &Description {
        &self.login
    }

    fn describe_for(&self, value: &Value) -> &Description {
        self.about(target(value).map_or(Form::Login, |target| target.form))
    }

    fn at_once(&self) -> Option<u32> {
        Some(self.link.settings().connections)
    }

    fn target_of(&self, role: &Role) -> Option<Value> {
        Some(target(&role.target).map_or_else(|_| role.target.clone(), |target| resolve::target_of(&target)))
    }

    async fn resolve(&self, who: &Person, what: &Role) -> Result<Resolved, Fault> {
        resolve::resolve(&self.link, who, &target(&what.target)?, Deadline::after(DEADLINE.std())).await
    }

    async fn observe(&self, order: &Order, handle: Option<&Handle>) -> Result<Seen, Fault> {
        let (target, deadline) = (target(&order.target)?, Deadline::after(DEADLINE.std()));
        let seen = match target.form {
            Form::Login => login::observe(&self.link, order, &target, handle, deadline).await,
            Form::Membership => member::observe(&self.link, order, &target, deadline).await,
        };
        seen.or_else(|fault| if fault.kind.is_permanent() { Err(fault) } else { Ok(Seen::Unknown { why: fault.message }) })
    }

    async fn grant(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        let (target, deadline) = (target(&order.target)?, Deadline::after(left));
        let done = match target.form {
            Form::Login => login::grant(&self.link, order, &target, handle, until, deadline).await,
            Form::Membership => member::grant(&self.link, order, &target, deadline).await,
        };
        done.map(Step::Done)
    }

    async fn revoke(&self, order: &Order, handle: Option<&Handle>, left: Duration) -> Result<Step, Fault> {
        let (target, deadline) = (target(&order.target)?, Deadline::after(left));
        let done = match target.form {
            Form::Login => login::revoke(&self.link, order, &target, handle, deadline).await,
            Form::Membership => member::revoke(&self.link, order, &target, deadline).await,
        };
        done.map(Step::Done)
    }

    async fn extend(&self, order: &Order, handle: Option<&Handle>, until: Instant, left: Duration) -> Result<Step, Fault> {
        let target = target(&order.target)?;
        match target.form {
            Form::Login => login::extend(&self.link, order, &target, handle, until, Deadline::after(left)).await.map(Step::Done),
            Form::Membership => Err(Fault::unsupported("extend")),
        }
    }

    async fn credential(&self, order: &Order, handle: Option<&Handle>) -> Result<SecretString, Fault> {
        let target = target(&order.target)?;
        match target.form {
            Form::Login => login::credential(&self.link, order, &target, handle, Deadline::after(DEADLINE.std())).await,
            Form::Membership => Err(Fault::unsupported("credential")),
        }
    }

    /// However a role is given, it has the same members.
    fn held_part(&self, value: &Value) -> Value {
        target(value).map_or_else(|_| value.clone(), |target| holders::held_part(&target.role))
    }

    async fn holders(&self, value: &Value) -> Result<Vec<Holder>, Fault> {
        holders::holders(&self.link, &target(value)?, Deadline::after(DEADLINE.std())).await
    }

    async fn sightings(&self, orders: &[Order]) -> Result<Vec<Vec<Sighting>>, Fault> {
        let orders: Vec<(Target, &Order)> = orders.iter().map(|order| Ok((target(&order.target)?, order))).collect::<Result<_, Fault>>()?;
        holders::sightings(&self.link, &orders, Deadline::after(DEADLINE.std())).await
    }

    async fn rights(&self, targets: &[Value]) -> Result<Vec<Right>, Fault> {
        let targets: Vec<Target> = targets.iter().map(target).collect::<Result<_, _>>()?;
        let deadline = Deadline::after(DEADLINE.std());
        let mut all = rights::rights(&self.link, &targets, deadline).await?;
        let anybody = self.link.lets_anybody_in(deadline).await;
        all.extend(anybody.map(|anybody| rights::password(anybody, &self.link.settings().user)));
        Ok(all)
    }

    async fn health(&self) -> Result<String, Fault> {
        let all = rights::rights(&self.link, &[], Deadline::after(DEADLINE.std())).await?;
        let lacks: Vec<&str> = all.iter().filter(|right| right.state == RightState::Lacks).map(|right| right.what.as_str()).collect();
        let version = self.link.version().unwrap_or_default();
        let lacks = if lacks.is_empty() { String::new() } else { format!("; the bot's own login lacks: {}", lacks.join(", ")) };
        Ok(format!("PostgreSQL {version}{lacks}"))
    }
}
