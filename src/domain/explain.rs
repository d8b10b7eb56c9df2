//! How an ask would go: which rule, who would be asked, when it escalates, what would be approved at once. Asks nobody,
//! changes nothing; the ask itself is judged again.

use std::fmt;

use chrono::Timelike as _;
use serde::{Deserialize, Serialize};

use super::{
    asking,
    command::Length,
    decide::name_of,
    facts::Facts,
    ids::{PersonId, PolicyName, ResourceId, RoleName},
    policy::{Policy, Stage, Who},
    refusal::Refusal,
    request::{Ending, Request, State},
    rounds,
    spans::words,
    time::{Instant, Span},
};

/// Fewer answers than this say nothing about what is usual.
const ENOUGH: usize = 3;
/// Lengths that people pick; those within the cap are offered.
const USUAL: [i64; 8] = [15, 30, 60, 120, 240, 480, 1_440, 10_080];

/// How an ask of this length would go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlook {
    pub person: PersonId,
    pub resource: ResourceId,
    pub role: RoleName,
    pub rule: PolicyName,
    pub length: Span,
    pub cap: Span,
    pub within_cap: bool,
    /// None: a chat could not say.
    pub may_ask: Option<bool>,
    /// Nobody is left who could approve: it would be refused.
    pub nobody: bool,
    /// The other roles there, where none was named and this one was taken.
    pub others: Vec<RoleName>,
    /// Empty: approved at once.
    pub stages: Vec<Asked>,
    /// Lengths up to this are approved at once.
    pub at_once: Option<Span>,
    /// May be extended to this without being approved again; None where that is no more than what is asked.
    pub extend_to: Option<Span>,
    pub patience: Span,
    /// The median wait of past answers; None: too few to say.
    pub usual: Option<Span>,
}

/// One stage, and whom it would ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub names: Vec<String>,
    pub needed: usize,
    /// Everybody in it who is known now, but for the one who asks.
    pub people: Vec<Approver>,
    /// A chat knows of more: it does not name them, was not asked or did not answer.
    pub more: bool,
    pub ladder: Vec<Then>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approver {
    pub id: PersonId,
    /// Their wall clock now, `02:10`.
    pub clock: String,
    /// It is between 22:00 and 06:00 there.
    pub night: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Then {
    pub after: Span,
    pub names: Vec<String>,
}

/// Looks ahead. None for `length`: the policy's default; None for `start`: at once.
pub fn outlook(
    facts: &Facts<'_>,
    person: &PersonId,
    (resource, role): (&ResourceId, &RoleName),
    (length, start): (Option<Length>, Option<Instant>),
    now: Instant,
) -> Result<Outlook, Refusal> {
    let (_, _, policy) = facts.catalogue.role(resource, role).ok_or_else(|| Refusal::NoSuchRole {
        resource: resource.clone(),
        name: role.to_string(),
        near: Vec::new(),
        roles: facts.catalogue.resources.get(resource).map(|r| r.roles.iter().map(|r| r.name.clone()).collect()).unwrap_or_default(),
    })?;
    let length = match length {
        None => policy.default,
        Some(length) => asking::span_of(length, start.unwrap_or(now).max(now), now)?,
    };
    let stages = rounds::chain(policy, length);
    Ok(Outlook {
        person: person.clone(),
        resource: resource.clone(),
        role: role.clone(),
        rule: policy.name.clone(),
        length,
        cap: policy.cap,
        within_cap: length <= policy.cap,
        may_ask: facts.includes(&policy.may_ask, person).ok(),
        nobody: !rounds::can_be_climbed([person, person], stages, facts),
        others: Vec::new(),
        stages: stages.iter().map(|stage| asked(stage, facts, person, now)).collect(),
        at_once: policy.at_once_up_to,
        extend_to: policy.extend_to.map(|most| most.min(policy.cap)).filter(|most| *most > length),
        patience: policy.patience,
        usual: None,
    })
}

fn asked(stage: &Stage, facts: &Facts<'_>, person: &PersonId, now: Instant) -> Asked {
    let names = |whos: &[Who]| whos.iter().map(name_of).collect();
    let people = facts.people(&stage.approvers).into_iter().filter(|id| id != person);
    Asked {
        names: names(&stage.approvers),
        needed: stage.needed,
        people: people.map(|id| approver(id, facts, now)).collect(),
        more: !facts.unnamed(&stage.approvers).is_empty(),
        ladder: stage.ladder.iter().map(|rung| Then { after: rung.after, names: names(&rung.to) }).collect(),
    }
}

fn approver(id: PersonId, facts: &Facts<'_>, now: Instant) -> Approver {
    let zone = facts.catalogue.people.get(&id).and_then(|person| person.time_zone).unwrap_or(facts.catalogue.time_zone);
    let here = now.utc().with_timezone(&zone);
    Approver { id, clock: here.format("%H:%M").to_string(), night: !(6..22).contains(&here.hour()) }
}

/// Lengths to choose from, shortest first: the usual ones within the cap, the default, the cap.
pub fn lengths(policy: &Policy) -> Vec<Span> {
    let usual = USUAL.into_iter().map(Span::from_minutes).filter(|span| *span <= policy.cap);
    let mut all: Vec<Span> = usual.chain([policy.default, policy.cap]).collect();
    all.sort();
    all.dedup();
    all
}

/// The median wait for an answer among past requests; None when there were too few.
pub fn usual_wait<'r>(past: impl IntoIterator<Item = &'r Request>) -> Option<Span> {
    let mut waits: Vec<Span> = past.into_iter().filter_map(wait).collect();
    waits.sort();
    (waits.len() >= ENOUGH).then(|| waits[waits.len() / 2])
}

/// From the ask to the decision, where people decided.
fn wait(request: &Request) -> Option<Span> {
    let grant = match &request.state {
        State::Granting { grant } | State::Active { grant, .. } | State::Revoking { grant, .. } => Some(grant),
        State::Closed { held: Some(held), .. } => Some(&held.grant),
        State::Closed { ending: Ending::Denied { .. }, at, .. } => return Some(at.since(request.opened_at)),
        _ => None,
    }?;
    grant.votes.last().map(|vote| vote.at.since(request.opened_at))
}

impl fmt::Display for Outlook {
    /// For the command line; chats have templates.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let may = match self.may_ask {
            Some(true) => "may ask",
            Some(false) => "may not ask",
            None => "may ask if a chat group has them",
        };
        let Self { person, resource, role, rule, .. } = self;
        writeln!(f, "{person} asks for {role} on {resource} for {}: rule {rule}", words(self.length))?;
        let fits = if self.within_cap { "within" } else { "over" };
        writeln!(f, "{person} {may}; {} is {fits} the cap of {}", words(self.length), words(self.cap))?;
        if !self.within_cap {
            writeln!(f, "it would be refused: ask for {} or less", words(self.cap))?;
        }
        if self.nobody {
            writeln!(f, "it would be refused: nobody is left who could approve it for {person}")?;
        }
        if self.stages.is_empty() {
            writeln!(f, "approved at once: nobody is asked")?;
        }
        for (index, stage) in self.stages.iter().enumerate() {
            writeln!(f, "stage {}: {} of {} ({stage})", index + 1, stage.needed, stage.names.join(", "))?;
            for then in &stage.ladder {
                writeln!(f, "  after {}: also {}", words(then.after), then.names.join(", "))?;
            }
        }
        if let Some(most) = self.at_once {
            writeln!(f, "up to {} would be approved at once", words(most))?;
        }
        if let Some(most) = self.extend_to {
            writeln!(f, "may be extended to {}", words(most))?;
        }
        write!(f, "unanswered after {}", words(self.patience))
    }
}

impl fmt::Display for Asked {
    /// Who that is, by their ids.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = self.more.then_some("whoever the chat has in it");
        let people: Vec<&str> = self.people.iter().map(|who| who.id.as_str()).chain(more).collect();
        if people.is_empty() { write!(f, "nobody else") } else { write!(f, "{}", people.join(", ")) }
    }
}
