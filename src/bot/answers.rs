//! Answers to questions: what do I have, who holds what, how would it go. Looking at others' access is itself recorded.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Bot;
use crate::{
    domain::{
        command::Actor,
        event::Operation,
        facts::Facts,
        ids::PersonId,
        parse::Parsed,
        policy::{Catalogue, Who},
        refusal::Refusal,
        request::{Request, State},
        rounds,
    },
    store::{Commit, CommitError, Filter, InboxId},
};

use super::Answer;

impl Bot {
    /// Answers a question and closes its inbox row.
    pub(super) async fn look(
        &self,
        person: PersonId,
        actor: Actor,
        inbox: InboxId,
        question: Parsed,
        catalogue: &Catalogue,
    ) -> Result<Result<Answer, Refusal>, CommitError> {
        let mut commit = Commit { inbox_done: Some(inbox), ..Commit::default() };
        let answer = match question {
            Parsed::Mine => self.mine(&person).await?,
            Parsed::Inbox => self.inbox(&person, catalogue).await?,
            Parsed::Resources => resources(&person, catalogue),
            Parsed::Help(topic) => Answer::said("help", json!({ "topic": topic })),
            Parsed::Form => Answer::said("form", json!({ "resources": catalogue.resources.keys().collect::<Vec<_>>() })),
            Parsed::Link(_) => Answer::said("link", json!({})),
            Parsed::Show(id) => match self.store.request(&id).await? {
                Some(request) if self.may_see(&request, &person, catalogue).await => {
                    if request.requester != person && request.subject != person {
                        commit.entries.push(self.entry("bot", actor, &Operation::Looked { what: id.to_string() }));
                    }
                    Answer::said("show", self.summary(&request, &person, self.now()).await?)
                }
                _ => return Ok(Err(Refusal::NoSuchRequest { text: id.to_string() })),
            },
            Parsed::Who(resource, _) => {
                let held = Filter { resource: Some(resource.clone()), open: Some(true), limit: 10_000, ..Filter::default() };
                let held = self.store.requests(&held).await?;
                let mut rows = Vec::new();
                for request in held {
                    if has_access(&request) && self.may_see(&request, &person, catalogue).await {
                        rows.push(self.summary(&request, &person, self.now()).await?);
                    }
                }
                commit.entries.push(self.entry("bot", actor, &Operation::Looked { what: format!("who {resource}") }));
                Answer::said("who", json!({ "resource": resource, "rows": rows }))
            }
            Parsed::Explain { resource, role, length, person: other } => {
                let Some(role) = role.or_else(|| catalogue.resources.get(&resource).and_then(|r| r.roles.first()).map(|r| r.name.clone()))
                else {
                    return Ok(Err(Refusal::NoSuchResource { name: resource.to_string(), near: Vec::new() }));
                };
                let other = other.unwrap_or_else(|| person.clone());
                let length = match length {
                    Some(crate::domain::command::Length::For(span)) => Some(span),
                    Some(crate::domain::command::Length::Until(end)) => Some(end.since(self.now())),
                    None => None,
                };
                let text = crate::domain::explain::explain(catalogue, &other, &resource, &role, length);
                Answer::said("explain", json!({ "text": text }))
            }
            _ => return Ok(Err(Refusal::Grammar { expected: "a command".into(), found: String::new(), near: vec!["help".into()] })),
        };
        self.store.commit(commit).await?;
        Ok(Ok(answer))
    }

    async fn mine(&self, person: &PersonId) -> Result<Answer, CommitError> {
        let all = self.store.requests(&Filter { person: Some(person.clone()), limit: 50, ..Filter::default() }).await?;
        let (open, closed): (Vec<_>, Vec<_>) = all.into_iter().partition(Request::is_open);
        Ok(Answer::said(
            "mine",
            json!({ "open": open, "closed": closed.iter().take(10).collect::<Vec<_>>(), "now": self.now(), "reader": person }),
        ))
    }

    /// Open asks that this person could decide now.
    async fn inbox(&self, person: &PersonId, catalogue: &Catalogue) -> Result<Answer, CommitError> {
        let open = self.store.requests(&Filter { open: Some(true), limit: 1_000, ..Filter::default() }).await?;
        let mut waiting = Vec::new();
        for request in open {
            let Some(round) = request.round() else { continue };
            let groups = self.gather(catalogue, Some(&request), &[person], &[]).await;
            let facts = Facts { catalogue, groups: &groups };
            let Some(policy) = crate::domain::decide::policy_of(&request, &facts) else { continue };
            let stage = usize::try_from(round.stage).ok().and_then(|stage| policy.stages.get(stage));
            let mine = stage.is_some_and(|s| facts.includes(s.approvers_at(round.rung), person).unwrap_or(false));
            if mine && rounds::may_ever_decide(&request, person, &facts) && !round.votes.iter().any(|v| v.person == *person) {
                waiting.push(request);
            }
        }
        Ok(Answer::said("inbox", json!({ "waiting": waiting, "now": self.now(), "reader": person })))
    }

    /// Requester, subject, whoever may approve it, the owner, administrators, auditors.
    async fn may_see(&self, request: &Request, person: &PersonId, catalogue: &Catalogue) -> bool {
        if request.requester == *person || request.subject == *person {
            return true;
        }
        let groups = self.gather(catalogue, Some(request), &[], &catalogue.auditors).await;
        let facts = Facts { catalogue, groups: &groups };
        let owner = catalogue.resources.get(&request.main_ask().resource).and_then(|r| r.owner.as_ref());
        let policy = crate::domain::decide::policy_of(request, &facts);
        let approvers = policy.into_iter().flat_map(|p| p.stages.iter().flat_map(|s| s.approvers_at(u32::MAX)));
        let whos: BTreeSet<&Who> = approvers.chain(owner).chain(&catalogue.administrators).chain(&catalogue.auditors).collect();
        facts.includes(whos, person).unwrap_or(false)
    }
}

const fn has_access(request: &Request) -> bool {
    matches!(request.state, State::Granting { .. } | State::Active { .. } | State::Revoking { .. })
}

/// What this person may ask for.
fn resources(person: &PersonId, catalogue: &Catalogue) -> Answer {
    let groups = crate::domain::facts::Groups::default();
    let facts = Facts { catalogue, groups: &groups };
    let rows: Vec<Value> = catalogue
        .resources
        .values()
        .filter_map(|resource| {
            let roles: Vec<&str> = resource
                .roles
                .iter()
                .filter(|role| {
                    let policy = catalogue.policies.get(&role.policy);
                    policy.is_some_and(|p| facts.includes(&p.may_ask, person).unwrap_or(true))
                })
                .map(|role| role.name.as_str())
                .collect();
            (!roles.is_empty())
                .then(|| json!({ "id": resource.id, "title": resource.title, "roles": roles, "description": resource.description }))
        })
        .collect();
    Answer::said("resources", json!({ "rows": rows }))
}
