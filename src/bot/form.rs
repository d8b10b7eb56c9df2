//! The form behind a bare `/jit`: what this person may choose, and how the ask would go. Reads only: opening a form needs
//! no inbox row; what is sent is judged like any ask.

use super::{
    Bot,
    asks::{approvers, askers},
    facts::{Fresh, Whom},
};
use crate::{
    domain::{
        asking, choices,
        command::Length,
        explain::{self, Outlook},
        facts::Facts,
        ids::{PersonId, ResourceId, RoleName},
        parse,
        policy::{Catalogue, Platform, Resource, Who},
        refusal::Refusal,
        time::{Instant, Span},
    },
    store::{Filter, StoreError},
};

/// Past requests that tell how long an answer usually takes.
const PAST: u32 = 200;

/// What is chosen in the form so far, as typed.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// Letters typed to find a resource.
    pub query: String,
    /// Most resources to list.
    pub limit: usize,
    pub resource: Option<String>,
    pub role: Option<String>,
    /// `1h`, `until 18:00`; None: the policy's default.
    pub length: Option<String>,
    /// `tomorrow 09:00`; None: at once.
    pub start: Option<String>,
    /// `@cleo`; None: themselves.
    pub subject: Option<String>,
    /// A link to the message that it is about, made by the platform; None: none.
    pub about: Option<String>,
}

/// A line to choose: the id, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    pub id: String,
    pub title: String,
}

/// What the form offers and needs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub resources: Vec<Pick>,
    /// How many fit the query; the rest is reached by typing.
    pub fitting: usize,
    /// Of the chosen resource, least first.
    pub roles: Vec<Pick>,
    /// What the chosen role asks for; None until there is one.
    pub needs: Option<Needs>,
}

/// What an ask for the chosen role needs and allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    pub role: RoleName,
    /// To choose from, shortest first.
    pub lengths: Vec<Span>,
    pub default: Span,
    /// Characters that the reason needs; zero: optional.
    pub reason_chars: usize,
    pub ticket: Ticket,
    /// May they ask for somebody else?
    pub on_behalf: bool,
    /// How it would go, to be shown before it is sent.
    pub before: Outlook,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ticket {
    Optional { projects: Vec<String> },
    Required { projects: Vec<String> },
}

impl Bot {
    /// The form as it stands for this person. A wrong choice is a refusal whose `field` says where.
    pub async fn form(&self, platform: Platform, user: &str, chosen: &Chosen) -> Result<Result<Form, Refusal>, StoreError> {
        let person = match self.somebody(platform, user).await? {
            Ok(person) => person,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let catalogue = self.catalogue();
        if let Err(refusal) = self.is_here((&person, platform), &catalogue, Fresh::Lately).await {
            return Ok(Err(refusal));
        }
        let zone = catalogue.people.get(&person).and_then(|p| p.time_zone).unwrap_or(catalogue.time_zone);
        let context = parse::Context { now: self.now(), time_zone: zone, catalogue: &catalogue, platform };
        match read(chosen, &context) {
            Ok(read) => self.offers(&person, chosen, read, &catalogue).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    async fn offers(
        &self,
        person: &PersonId,
        chosen: &Chosen,
        (resource, role, when): Read<'_>,
        catalogue: &Catalogue,
    ) -> Result<Result<Form, Refusal>, StoreError> {
        let mut among: Vec<Who> = catalogue.policies.values().flat_map(|policy| policy.may_ask.iter().cloned()).collect();
        let roles = resource.into_iter().flat_map(|resource| &resource.roles);
        let policies: Vec<_> = roles.filter_map(|role| catalogue.policies.get(&role.policy)).collect();
        among.extend(policies.iter().flat_map(|policy| askers(policy)).cloned());
        let chain: Vec<Who> = policies.iter().flat_map(|policy| approvers(policy)).cloned().collect();
        let whom = Whom { others: &[person], among: &among, chain: &chain, ..Whom::default() };
        let groups = self.gather(catalogue, None, whom, Fresh::Lately).await;
        let facts = Facts { catalogue, groups: &groups };
        let (resources, fitting) = choices::resources(&facts, person, &chosen.query, chosen.limit);
        let roles: Vec<_> = resource.into_iter().flat_map(|resource| choices::roles(&facts, person, resource)).collect();
        let role = role.or_else(|| if let [only] = roles[..] { Some(only.name.clone()) } else { None });
        let needs = match (resource, role) {
            (Some(resource), Some(role)) => match self.needs(person, (resource, role), when, &facts).await? {
                Ok(needs) => Some(needs),
                Err(refusal) => return Ok(Err(refusal)),
            },
            _ => None,
        };
        Ok(Ok(Form {
            resources: resources.into_iter().map(|r| Pick { id: r.id.to_string(), title: r.title.clone() }).collect(),
            fitting,
            roles: roles.into_iter().map(|r| Pick { id: r.name.to_string(), title: r.title.clone() }).collect(),
            needs,
        }))
    }

    async fn needs(
        &self,
        person: &PersonId,
        (resource, role): (&Resource, RoleName),
        when: When,
        facts: &Facts<'_>,
    ) -> Result<Result<Needs, Refusal>, StoreError> {
        let Some((_, _, policy)) = facts.catalogue.role(&resource.id, &role) else {
            return Ok(Err(Refusal::NoSuchResource { name: resource.id.to_string(), near: Vec::new() }));
        };
        let before = match self.before(person, (&resource.id, &role), when, facts).await? {
            Ok(before) => before,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let projects = policy.ticket.as_ref().map(|rule| rule.projects.clone()).unwrap_or_default();
        let required = policy.ticket.as_ref().is_some_and(|rule| rule.required);
        Ok(Ok(Needs {
            lengths: explain::lengths(policy),
            default: policy.default,
            reason_chars: policy.reason.min_chars,
            ticket: if required { Ticket::Required { projects } } else { Ticket::Optional { projects } },
            on_behalf: facts.includes(&policy.on_behalf_of, person).unwrap_or(false),
            before,
            role,
        }))
    }

    /// How an ask would go, with how long answers took so far.
    pub(super) async fn before(
        &self,
        person: &PersonId,
        what: (&ResourceId, &RoleName),
        when: When,
        facts: &Facts<'_>,
    ) -> Result<Result<Outlook, Refusal>, StoreError> {
        let mut outlook = match explain::outlook(facts, person, what, when, self.now()) {
            Ok(outlook) => outlook,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let past = self.store.requests(&Filter { resource: Some(what.0.clone()), limit: PAST, ..Filter::default() }).await?;
        outlook.usual = explain::usual_wait(past.iter().filter(|request| request.main_ask().role == *what.1));
        Ok(Ok(outlook))
    }
}

/// How long, and from when.
type When = (Option<Length>, Option<Instant>);
/// What is chosen: resource, role, how long and from when.
type Read<'c> = (Option<&'c Resource>, Option<RoleName>, When);

/// The choices, read by the one grammar.
fn read<'c>(chosen: &Chosen, context: &parse::Context<'c>) -> Result<Read<'c>, Refusal> {
    let filled = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let start = filled(&chosen.start).map(|text| parse::moment(&text, context)).transpose()?;
    let length = filled(&chosen.length).map_or(Ok(None), |text| parse::length(&text, start, context))?;
    filled(&chosen.subject).map(|text| parse::person(&text, context.catalogue, context.platform)).transpose()?;
    filled(&chosen.about).map_or(Ok(()), |link| asking::check_link(&link))?;
    let Some(resource) = filled(&chosen.resource) else { return Ok((None, None, (length, start))) };
    let resource = parse::resource(&resource, context.catalogue)?;
    let role = filled(&chosen.role).map(|text| parse::role(&text, &resource, context.catalogue)).transpose()?;
    Ok((context.catalogue.resources.get(&resource), role, (length, start)))
}
