//! The checks themselves, one function for each rule.
//! A check that fails half-way may leave something behind; its grant ids begin with `test-`.

use std::collections::BTreeSet;

use secrecy::ExposeSecret as _;

use super::{Bench, Outcome, Stop, failed, must, names_the_reason, said};
use crate::{
    domain::{
        entitlement::{Order, Ownership},
        policy::Person,
        time::Span,
    },
    provider::{Delivery, Done, Holder, Seen, Step},
};

/// What a person could try to be called.
const HOSTILE: [&str; 8] = [
    "o'brien\"; rm -rf /",
    "$(reboot)`reboot`",
    "two\nlines\r\n",
    "../../etc/passwd",
    "--help",
    "\u{202e}nana \u{1f600} \u{0}nul",
    "{\"grant\":\"x\",\"principal\":\"root\"}",
    "'; DROP TABLE users; --",
];

impl Bench<'_> {
    pub(super) fn description(&self) -> Outcome {
        let about = self.about();
        must(!about.name.is_empty(), "it has no name")?;
        must(about.settling.reads >= 1, "it settles after no read at all")?;
        must(about.deadline > Span::ZERO, "its deadline is zero")?;
        must(about.deadline <= Span::from_minutes(15), "its deadline is longer than 15 minutes")?;
        let extendable = about.native.as_ref().is_some_and(|native| native.extendable);
        must(!extendable || about.verbs.extend, "its expiry is extendable without the verb extend")?;
        must(about.delivery != Delivery::Secret || about.verbs.credential, "it delivers secrets without the verb credential")?;
        must(about.inputs.iter().all(|input| !input.key.is_empty() && !input.how.is_empty()), "an input does not say how to give it")
    }

    pub(super) async fn resolving(&self) -> Outcome {
        let first = self.resolve(&self.fixture.person).await?;
        let second = self.resolve(&self.fixture.person).await?;
        must(first == second, "two answers differ")?;
        must(!first.principal.is_empty(), "the principal is empty")?;
        must(!first.preview.trim().is_empty(), "approvers are told nothing")?;
        must(!first.by_hand.trim().is_empty(), "it does not say how to take it away by hand")?;
        let other = self.resolve(&self.fixture.other).await?;
        must(other.principal != first.principal, "two people are the same principal")?;
        let order = self.order_of(&self.fixture.person, first, "resolving");
        self.sees(&order, None, false).await
    }

    pub(super) async fn unknown_person(&self) -> Outcome {
        let Some(person) = &self.fixture.unknown_person else { return Err(Stop::Skipped("no unknown person was given")) };
        match self.timed("resolve", self.provider.resolve(person, &self.fixture.role)).await? {
            Err(fault) if names_the_reason(fault.kind) => Ok(()),
            Err(fault) => Err(said("resolve", &fault)),
            // A system that only looks when it grants must say it then.
            Ok(resolved) => self.must_refuse(&self.order_of(person, resolved, "unknown")).await,
        }
    }

    pub(super) async fn unknown_target(&self) -> Outcome {
        let Some(role) = &self.fixture.unknown_role else { return Err(Stop::Skipped("no unknown role was given")) };
        match self.timed("resolve", self.provider.resolve(&self.fixture.person, role)).await? {
            Err(fault) if names_the_reason(fault.kind) => Ok(()),
            Err(fault) => Err(said("resolve", &fault)),
            Ok(resolved) => self.must_refuse(&self.order_of(&self.fixture.person, resolved, "nowhere")).await,
        }
    }

    async fn must_refuse(&self, order: &Order) -> Outcome {
        match self.timed("grant", self.provider.grant(order, None, self.fixture.until, self.whole())).await? {
            Err(fault) if names_the_reason(fault.kind) => Ok(()),
            Err(fault) => Err(said("grant", &fault)),
            Ok(_) => {
                self.revoke(order, None).await?;
                Err(failed("it was resolved and granted"))
            }
        }
    }

    pub(super) async fn round_trip(&self) -> Outcome {
        let order = self.order(&self.fixture.person, "round").await?;
        self.there_and_gone(&order).await
    }

    async fn there_and_gone(&self, order: &Order) -> Outcome {
        self.sees(order, None, false).await?;
        let done = self.grant(order, None).await?;
        self.sees(order, done.handle.as_ref(), true).await?;
        self.can(order, &done, true).await?;
        self.revoke(order, done.handle.as_ref()).await?;
        self.sees(order, done.handle.as_ref(), false).await?;
        self.can(order, &done, false).await?;
        self.revoke(order, done.handle.as_ref()).await?;
        self.sees(order, done.handle.as_ref(), false).await
    }

    pub(super) async fn repeated(&self) -> Outcome {
        let order = self.order(&self.fixture.person, "twice").await?;
        let first = self.grant(&order, None).await?;
        let second = self.grant(&order, first.handle.as_ref()).await?;
        self.sees(&order, second.handle.as_ref(), true).await?;
        self.can(&order, &second, true).await?;
        self.revoke(&order, second.handle.as_ref()).await?;
        self.sees(&order, second.handle.as_ref(), false).await?;
        self.can(&order, &first, false).await?;
        self.can(&order, &second, false).await
    }

    pub(super) async fn without_handle(&self) -> Outcome {
        let order = self.order(&self.fixture.person, "bare").await?;
        let done = self.grant(&order, None).await?;
        self.revoke(&order, None).await?;
        self.sees(&order, done.handle.as_ref(), false).await?;
        self.sees(&order, None, false).await?;
        self.can(&order, &done, false).await
    }

    pub(super) async fn never_granted(&self) -> Outcome {
        let order = self.order(&self.fixture.person, "never").await?;
        self.revoke(&order, None).await?;
        self.sees(&order, None, false).await
    }

    pub(super) async fn two_people(&self) -> Outcome {
        let first = self.order(&self.fixture.person, "mine").await?;
        let second = self.order(&self.fixture.other, "theirs").await?;
        let (one, two) = (self.grant(&first, None).await?, self.grant(&second, None).await?);
        self.revoke(&first, one.handle.as_ref()).await?;
        self.sees(&first, one.handle.as_ref(), false).await?;
        self.sees(&second, two.handle.as_ref(), true).await?;
        self.can(&second, &two, true).await?;
        self.revoke(&second, two.handle.as_ref()).await?;
        self.sees(&second, two.handle.as_ref(), false).await
    }

    /// Only where each grant is an object of its own; else the core has one entitlement for both.
    pub(super) async fn overlapping(&self) -> Outcome {
        if self.about().ownership != Ownership::PerGrant {
            return Err(Stop::Skipped("the core sees to it where objects are not per grant"));
        }
        let first = self.order(&self.fixture.person, "first").await?;
        let second = self.order(&self.fixture.person, "second").await?;
        let (one, two) = (self.grant(&first, None).await?, self.grant(&second, None).await?);
        self.revoke(&first, one.handle.as_ref()).await?;
        self.sees(&second, two.handle.as_ref(), true).await?;
        self.can(&second, &two, true).await?;
        self.revoke(&second, two.handle.as_ref()).await?;
        self.sees(&first, one.handle.as_ref(), false).await?;
        self.sees(&second, two.handle.as_ref(), false).await?;
        self.can(&second, &two, false).await
    }

    /// As after a crash between the call and its record: the handle is not known, and it is granted again.
    pub(super) async fn lost_answer(&self) -> Outcome {
        let order = self.order(&self.fixture.person, "lost").await?;
        let lost = self.grant(&order, None).await?;
        let again = self.grant(&order, None).await?;
        self.sees(&order, again.handle.as_ref(), true).await?;
        self.revoke(&order, again.handle.as_ref()).await?;
        self.sees(&order, again.handle.as_ref(), false).await?;
        self.sees(&order, lost.handle.as_ref(), false).await?;
        self.can(&order, &lost, false).await?;
        self.can(&order, &again, false).await
    }

    pub(super) async fn extended(&self) -> Outcome {
        if !self.about().verbs.extend {
            return Err(Stop::Skipped("it does not extend"));
        }
        let order = self.order(&self.fixture.person, "longer").await?;
        let done = self.grant(&order, None).await?;
        let step = self.timed("extend", self.provider.extend(&order, done.handle.as_ref(), self.fixture.later, self.whole())).await?;
        let longer = self.finish("extend", &order, step).await?;
        let moved = longer.native_expiry > done.native_expiry;
        let longer = if longer.handle.is_some() { longer } else { done };
        self.sees(&order, longer.handle.as_ref(), true).await?;
        self.can(&order, &longer, true).await?;
        self.revoke(&order, longer.handle.as_ref()).await?;
        self.sees(&order, longer.handle.as_ref(), false).await?;
        self.can(&order, &longer, false).await?;
        must(moved, "it does not say that the native end moved on")
    }

    pub(super) async fn credential(&self) -> Outcome {
        if !self.about().verbs.credential {
            return Err(Stop::Skipped("it has no credentials"));
        }
        let order = self.order(&self.fixture.person, "secret").await?;
        let Done { handle, .. } = self.grant(&order, None).await?;
        let mut shown = Vec::new();
        for _ in 0..2 {
            let made = self.timed("credential", self.provider.credential(&order, handle.as_ref())).await?;
            shown.push(made.map_err(|fault| said("credential", &fault))?);
        }
        self.revoke(&order, handle.as_ref()).await?;
        must(!shown[0].expose_secret().is_empty(), "the credential is empty")?;
        must(shown[0].expose_secret() != shown[1].expose_secret(), "the second credential is the first one again")
    }

    pub(super) async fn holders(&self) -> Outcome {
        if !self.about().verbs.holders {
            return Err(Stop::Skipped("it does not list holders"));
        }
        let order = self.order(&self.fixture.person, "listed").await?;
        let Done { handle, .. } = self.grant(&order, None).await?;
        let during = self.list(&order).await?;
        self.revoke(&order, handle.as_ref()).await?;
        let after = self.list(&order).await?;
        let about = |holder: &Holder| holder.grant.as_ref().map_or(holder.principal == order.principal, |grant| *grant == order.grant);
        must(during.iter().any(about), "who holds it is not in the list")?;
        let says_so = |holder: &Holder| match self.about().ownership {
            Ownership::PerGrant => holder.grant.is_some(),
            Ownership::Ours => holder.grant.is_some() || holder.ours,
            Ownership::Shared => true,
        };
        must(during.iter().any(|holder| about(holder) && says_so(holder)), "what was given is in the list, and not as ours")?;
        must(
            during.iter().any(|holder| about(holder) && holder.through.is_none()),
            "what was given is in the list only by another target",
        )?;
        must(!after.iter().any(about), "who no longer holds it is still in the list")
    }

    async fn list(&self, order: &Order) -> Result<Vec<Holder>, Stop> {
        self.timed("list", self.provider.holders(&order.target)).await?.map_err(|fault| said("list", &fault))
    }

    /// Nobody has to work there to be asked about.
    pub(super) async fn sightings(&self) -> Outcome {
        if !self.about().verbs.sightings {
            return Err(Stop::Skipped("it does not see sessions"));
        }
        let order = self.order(&self.fixture.person, "seen").await?;
        let never = self.order(&self.fixture.other, "unseen").await?;
        let done = self.grant(&order, None).await?;
        let orders = [never.clone(), order.clone()];
        let during = self.timed("sightings", self.provider.sightings(&orders)).await;
        self.revoke(&order, done.handle.as_ref()).await?;
        let after = self.timed("sightings", self.provider.sightings(&orders)).await?;
        for answer in [during?, after] {
            let seen = answer.map_err(|fault| said("sightings", &fault))?;
            must(seen.len() == orders.len(), "it does not answer for each order")?;
            for sessions in &seen {
                let names: BTreeSet<&str> = sessions.iter().map(|session| session.session.as_str()).collect();
                must(names.len() == sessions.len() && !names.contains(""), "two sessions of one order have one name, or one has none")?;
            }
        }
        self.sees(&never, None, false).await?;
        self.sees(&order, done.handle.as_ref(), false).await
    }

    /// Refused or taken, but never obeyed, and never the end of the adapter: afterwards everything works as before.
    pub(super) async fn hostile(&self) -> Outcome {
        for (number, name) in HOSTILE.into_iter().enumerate() {
            let logins = self.fixture.person.logins.keys().map(|key| (key.clone(), name.to_owned())).collect();
            let person = Person { name: name.to_owned(), email: Some(name.to_owned()), logins, ..self.fixture.person.clone() };
            let resolved = match self.timed("resolve", self.provider.resolve(&person, &self.fixture.role)).await? {
                Ok(resolved) => resolved,
                Err(fault) if names_the_reason(fault.kind) => continue,
                Err(fault) => return Err(said(&format!("for the name {name:?}, resolve"), &fault)),
            };
            let order = self.order_of(&person, resolved, &format!("hostile{number}"));
            match self.timed("grant", self.provider.grant(&order, None, self.fixture.until, self.whole())).await? {
                Ok(Step::Done(_) | Step::Wait { .. }) => {
                    self.revoke(&order, None).await?;
                    self.sees(&order, None, false).await?;
                }
                Err(fault) if names_the_reason(fault.kind) => {}
                Err(fault) => return Err(said(&format!("for the name {name:?}, grant"), &fault)),
            }
        }
        let order = self.order(&self.fixture.person, "unharmed").await?;
        self.there_and_gone(&order).await
    }

    pub(super) async fn health(&self) -> Outcome {
        if !self.about().verbs.health {
            return Err(Stop::Skipped("it has no health"));
        }
        let line = self.timed("health", self.provider.health()).await?.map_err(|fault| said("health", &fault))?;
        must(!line.trim().is_empty() && !line.contains('\n'), "its health is not one line")?;
        let order = self.order(&self.fixture.person, "health").await?;
        must(self.look(&order, None).await? == Seen::Absent, "looking at its health changed something")
    }
}
