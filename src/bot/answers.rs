//! Answers to questions: what do I have, who holds what, how would it go. Looking at others' access is itself recorded.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Answer, Bot,
    asks::{approvers, askers},
    facts::{Fresh, Whom},
    handle::{Caller, Decided},
};
use crate::{
    domain::{
        choices,
        command::Length,
        decide,
        event::Operation,
        facts::Facts,
        ids::{PersonId, ResourceId, RoleName},
        parse::{self, Parsed},
        policy::{Catalogue, Who},
        refusal::Refusal,
        request::{Request, RequestId, State},
        time::Instant,
        words::{self, Texts},
    },
    store::{Commit, CommitError, Filter},
};

/// Closed requests that `mine` lists.
const CLOSED: u32 = 10;
/// Open requests of one person that are looked through; nobody has so many.
const OPEN: u32 = 1_000;

/// What a question finds: the answer, and what is recorded of the look.
pub(super) type Found = Result<Result<(Answer, Option<Operation>), Refusal>, CommitError>;

impl Bot {
    /// Answers a question and closes its inbox row.
    pub(super) async fn look(&self, caller: &Caller, question: Parsed, catalogue: &Catalogue) -> Decided {
        let person = &caller.person;
        let found = match question {
            Parsed::Mine => Ok((self.mine(person).await?, None)),
            Parsed::Inbox => Ok((self.inbox(caller, catalogue).await?, None)),
            Parsed::Resources | Parsed::Form => Ok((self.resources(person, &question, catalogue).await, None)),
            Parsed::Help(topic) => Ok((Answer::said("help", json!({ "topic": topic })), None)),
            Parsed::Show(id) => self.show(caller, &id, catalogue).await?,
            Parsed::Who { resource, at: None, .. } => self.who(caller, resource, catalogue).await?,
            Parsed::Who { resource, at: Some(at), page } => self.then(caller, (resource, at, page), catalogue).await?,
            Parsed::Find { person, since, page } => self.find(caller, (person, since, page), catalogue).await?,
            Parsed::Stats { resource, since } => self.stats(caller, (resource, since), catalogue).await?,
            Parsed::Digest(day) => self.look_at_digest(caller, day, catalogue).await?,
            Parsed::Explain { resource, role, length, person: other } => {
                self.explain(other.as_ref().unwrap_or(person), (&resource, role), length, catalogue).await?
            }
            _ => Err(Refusal::Grammar { expected: "a command".into(), found: String::new(), near: vec!["help".into()] }),
        };
        let (answer, looked) = match found {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let entries = looked.map(|looked| self.entry("bot", caller.actor.clone(), &looked)).into_iter().collect();
        self.store.commit(Commit { inbox_done: Some(caller.inbox.clone()), entries, ..Commit::default() }).await?;
        Ok(Ok(answer))
    }

    async fn show(&self, caller: &Caller, id: &RequestId, catalogue: &Catalogue) -> Found {
        let person = &caller.person;
        let request = self.store.request(id).await?;
        let Some(request) = request else { return Ok(Err(Refusal::NoSuchRequest { text: id.to_string() })) };
        let groups = self.gather(catalogue, [&request], looks(caller, catalogue), Fresh::Now).await;
        if !may_see(&request, person, &Facts { catalogue, groups: &groups }) {
            // Outwards there is no such request; the ledger keeps that somebody tried to see it.
            let tried = Operation::Refused { act: format!("show {id}"), why: "may_not_see".into() };
            return Ok(Ok((Answer::Refused(Refusal::NoSuchRequest { text: id.to_string() }), Some(tried))));
        }
        let own = request.requester == *person || request.subject == *person;
        let looked = (!own).then(|| Operation::Looked { what: id.to_string() });
        Ok(Ok((Answer::said("show", self.summary(&request, person, self.now()).await?), looked)))
    }

    /// Who holds something of a resource now. Whoever may not look at it sees what is their own.
    async fn who(&self, caller: &Caller, resource: ResourceId, catalogue: &Catalogue) -> Found {
        let person = &caller.person;
        let judged = self.may_look(caller, &resource, catalogue).await;
        let held = Filter { resource: Some(resource.clone()), open: Some(true), limit: 10_000, ..Filter::default() };
        let mut held = self.store.requests(&held).await?;
        held.retain(has_access);
        if let Err(refusal) = &judged {
            held.retain(|request| decide::is_own(request, person));
            if held.is_empty() || !matches!(refusal, Refusal::NothingToSee { .. }) {
                return Ok(Err(refusal.clone()));
            }
        }
        if let (true, Err(refusal)) = (held.is_empty(), parse::resource(resource.as_str(), catalogue)) {
            return Ok(Err(refusal));
        }
        let mut rows = Vec::new();
        for request in &held {
            rows.push(self.summary(request, person, self.now()).await?);
        }
        let looked = Operation::Looked { what: format!("who {resource}") };
        let data = json!({ "resource": resource, "rows": rows, "only_own": judged.is_err() });
        Ok(Ok((Answer::said("who", data), Some(looked))))
    }

    async fn explain(
        &self,
        person: &PersonId,
        (resource, role): (&ResourceId, Option<RoleName>),
        length: Option<Length>,
        catalogue: &Catalogue,
    ) -> Found {
        let Some(known) = catalogue.resources.get(resource) else {
            return Ok(Err(Refusal::NoSuchResource { name: resource.to_string(), near: Vec::new() }));
        };
        let policies: Vec<_> = known.roles.iter().filter_map(|r| catalogue.policies.get(&r.policy)).collect();
        let among: Vec<Who> = policies.iter().flat_map(|policy| askers(policy)).cloned().collect();
        let chain: Vec<Who> = policies.iter().flat_map(|policy| approvers(policy)).cloned().collect();
        let whom = Whom { others: &[person], among: &among, chain: &chain, ..Whom::default() };
        let groups = self.gather(catalogue, None, whom, Fresh::Lately).await;
        let facts = Facts { catalogue, groups: &groups };
        let first = || choices::roles(&facts, person, known).chain(&known.roles).next().map(|role| role.name.clone());
        let named = role.is_some();
        let Some(role) = role.or_else(first) else {
            return Ok(Err(Refusal::NoSuchResource { name: resource.to_string(), near: Vec::new() }));
        };
        let mut outlook = match self.before(person, (resource, &role), (length, None), &facts).await? {
            Ok(outlook) => outlook,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if !named {
            outlook.others = known.roles.iter().map(|other| other.name.clone()).filter(|other| *other != role).collect();
        }
        Ok(Ok((Answer::said("explain", json!({ "outlook": outlook })), None)))
    }

    async fn mine(&self, person: &PersonId) -> Result<Answer, CommitError> {
        let filter = |open, limit| Filter { person: Some(person.clone()), open: Some(open), limit, ..Filter::default() };
        let open = self.store.requests(&filter(true, OPEN)).await?;
        let closed = self.store.requests(&filter(false, CLOSED)).await?;
        Ok(Answer::said("mine", json!({ "open": open, "closed": closed, "now": self.now(), "reader": person })))
    }

    /// Open asks, and asks for more time, that this person could decide now.
    async fn inbox(&self, caller: &Caller, catalogue: &Catalogue) -> Result<Answer, CommitError> {
        let person = &caller.person;
        let mut open = self.store.requests(&Filter { open: Some(true), limit: 1_000, ..Filter::default() }).await?;
        open.retain(|request| request.round().is_some());
        let groups =
            self.gather(catalogue, &open, Whom { presser: Some(caller.presser()), listed: true, ..Whom::default() }, Fresh::Now).await;
        let facts = Facts { catalogue, groups: &groups };
        let now = self.now();
        open.retain(|request| decide::may_decide(request, person, &facts, now));
        Ok(Answer::said("inbox", json!({ "waiting": open, "now": now, "reader": person })))
    }

    /// What this person may ask for.
    async fn resources(&self, person: &PersonId, question: &Parsed, catalogue: &Catalogue) -> Answer {
        let among: Vec<Who> = catalogue.policies.values().flat_map(|policy| policy.may_ask.iter().cloned()).collect();
        let whom = Whom { others: &[person], among: &among, ..Whom::default() };
        let groups = self.gather(catalogue, None, whom, Fresh::Lately).await;
        let facts = Facts { catalogue, groups: &groups };
        let (found, _) = choices::resources(&facts, person, "", usize::MAX);
        if matches!(question, Parsed::Form) {
            let ids: Vec<_> = found.iter().map(|resource| &resource.id).collect();
            return Answer::said("form", json!({ "resources": ids }));
        }
        let row = |resource: &crate::domain::policy::Resource| -> Value {
            let roles: Vec<&str> = choices::roles(&facts, person, resource).map(|role| role.name.as_str()).collect();
            json!({ "id": resource.id, "title": resource.title, "roles": roles, "description": resource.description })
        };
        Answer::said("resources", json!({ "rows": found.into_iter().map(row).collect::<Vec<_>>() }))
    }

    /// `/jit clock`, for administrators: what it shows; after a jump, that it is right.
    pub(super) async fn show_clock(&self, caller: &Caller, confirm: bool, catalogue: &Catalogue) -> Decided {
        if let Err(refusal) = self.is_administrator(caller, catalogue).await {
            return Ok(Err(refusal));
        }
        let jump = self.guard.jump();
        if let (Some(_), true) = (jump, confirm) {
            self.confirm_clock(Some(caller.person.clone())).await?;
        }
        let (from, to) = jump.unzip();
        self.store.commit(Commit { inbox_done: Some(caller.inbox.clone()), ..Commit::default() }).await?;
        let confirmed = confirm && jump.is_some();
        Ok(Ok(Answer::said("clock", json!({ "clock": self.now(), "from": from, "to_time": to, "confirmed": confirmed }))))
    }

    /// What an answer about one request shows.
    pub(super) async fn summary(&self, request: &Request, reader: &PersonId, now: Instant) -> Result<Value, CommitError> {
        Ok(summary_with(request, &self.store.texts(&words::of(request)).await?, reader, now))
    }
}

/// A request as answers need it, with the texts that belong to it.
pub(super) fn summary_with(request: &Request, texts: &Texts, reader: &PersonId, now: Instant) -> Value {
    json!({ "id": request.id, "request": request, "texts": texts, "reader": reader, "now": now })
}

/// Whoever looks at what others have may be an auditor.
fn looks<'a>(caller: &'a Caller, catalogue: &'a Catalogue) -> Whom<'a> {
    Whom { presser: Some(caller.presser()), among: &catalogue.auditors, listed: true, ..Whom::default() }
}

/// Requester, subject, whoever may approve it, the owner, administrators, auditors.
fn may_see(request: &Request, person: &PersonId, facts: &Facts<'_>) -> bool {
    if request.requester == *person || request.subject == *person {
        return true;
    }
    let catalogue = facts.catalogue;
    let owner = catalogue.resources.get(&request.main_ask().resource).and_then(|r| r.owner.as_ref());
    let policy = decide::policy_of(request, facts);
    let approvers = policy.into_iter().flat_map(|p| p.stages.iter().flat_map(|s| s.approvers_at(u32::MAX)));
    let whos: BTreeSet<&Who> = approvers.chain(owner).chain(&catalogue.administrators).chain(&catalogue.auditors).collect();
    facts.may_act(person) && facts.includes(whos, person).unwrap_or(false)
}

pub(super) const fn has_access(request: &Request) -> bool {
    matches!(request.state, State::Granting { .. } | State::Active { .. } | State::Revoking { .. })
}
