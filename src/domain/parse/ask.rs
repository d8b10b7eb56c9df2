//! The ask as it was typed, whole or not: its pieces, which of them are missing, and the line that would be whole.

use serde::{Deserialize, Serialize};

use super::{
    Catalogue, Context, Instant, Length, PersonId, Refusal, ResourceId, RoleName, cut, grammar, limits,
    line::{OPTIONS, Words},
    near, person, spans,
};

/// What was typed of an ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    pub resource: Option<ResourceId>,
    pub role: Option<RoleName>,
    pub length: Option<Length>,
    pub start: Option<Instant>,
    pub subject: Option<PersonId>,
    pub reason: String,
    pub ticket: Option<String>,
}

/// A piece of an ask; also the name of a form's field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    Resource,
    Role,
    Length,
    Start,
    Subject,
    Reason,
    Ticket,
}

/// A piece that is needed and was not typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    pub piece: Piece,
    /// What would do: the roles, the ticket's projects; for a reason the number of characters.
    pub choices: Vec<String>,
}

pub(super) fn request(words: &mut Words<'_>, context: &Context<'_>) -> Result<Draft, Refusal> {
    let mut draft = Draft::default();
    options(&mut draft, words, context)?;
    if words.peek().is_none() {
        return Ok(draft);
    }
    let resource = words.resource(context)?;
    options(&mut draft, words, context)?;
    draft.role = words.role(&resource, context)?;
    draft.resource = Some(resource);
    options(&mut draft, words, context)?;
    let end = words.until_text();
    draft.length = words.any_length(context)?;
    reason(&mut draft, words, context)?;
    if let Some(end) = end {
        draft.length = Some(Length::Until(super::end(&end, draft.start, context)?));
    }
    Ok(draft)
}

/// Takes the options that stand here: `--at`, `--for`, `--ticket`, with dashes of every length; each once.
fn options(draft: &mut Draft, words: &mut Words<'_>, context: &Context<'_>) -> Result<(), Refusal> {
    while let Some(name) = words.option() {
        let name = name.to_lowercase();
        if !OPTIONS.contains(&name.as_str()) {
            let expected = "--at, --for or --ticket (if it belongs to the reason, put the reason in quotes)";
            return Err(grammar(expected, &format!("--{name}"), near(&name, OPTIONS.into_iter())));
        }
        let value = if name == "at" { words.moment_text() } else { words.value().unwrap_or_default() };
        if value.is_empty() {
            return Err(grammar(&format!("a value after --{name}"), "", Vec::new()));
        }
        let again = match name.as_str() {
            "at" => draft.start.replace(super::moment(&value, context)?).is_some(),
            "for" => draft.subject.replace(person(&value, context.catalogue, context.platform)?).is_some(),
            _ => draft.ticket.replace(cut(&value)).is_some(),
        };
        if again {
            return Err(grammar(&format!("--{name} once"), &value, Vec::new()));
        }
    }
    Ok(())
}

/// Words up to the next option are the reason; a quoted reason ends at its quote.
fn reason(draft: &mut Draft, words: &mut Words<'_>, context: &Context<'_>) -> Result<(), Refusal> {
    options(draft, words, context)?;
    let mut pieces = Vec::new();
    while words.peek().is_some() {
        pieces.push(words.quoted().unwrap_or_else(|| words.until_option()));
        options(draft, words, context)?;
    }
    pieces.join(" ").trim().clone_into(&mut draft.reason);
    if draft.reason.chars().count() > limits::WORDS {
        return Err(Refusal::BadText { what: "reason".into(), why: format!("it is longer than {} characters", limits::WORDS) });
    }
    Ok(())
}

impl Draft {
    /// What is needed by the policy of what was named, and not there. Empty: whole.
    pub fn missing(&self, catalogue: &Catalogue) -> Vec<Missing> {
        let resource = self.resource.as_ref().and_then(|id| catalogue.resources.get(id));
        let role = resource.and_then(|resource| match (&self.role, resource.roles.as_slice()) {
            (Some(name), roles) => roles.iter().find(|role| role.name == *name),
            (None, [only]) => Some(only),
            (None, _) => None,
        });
        let policy = role.and_then(|role| catalogue.policies.get(&role.policy));
        let mut missing = Vec::new();
        let mut need = |piece, choices: Vec<String>| missing.push(Missing { piece, choices });
        if resource.is_none() {
            need(Piece::Resource, Vec::new());
        }
        if role.is_none() {
            need(Piece::Role, resource.map(|r| r.roles.iter().map(|role| role.name.to_string()).collect()).unwrap_or_default());
        }
        // Before the role is known, so is the rule: a reason is needed almost everywhere.
        let least = policy.map_or(1, |policy| policy.reason.min_chars);
        if self.reason.is_empty() && least > 0 {
            need(Piece::Reason, if policy.is_some() { vec![least.to_string()] } else { Vec::new() });
        }
        if let Some(rule) = policy.and_then(|policy| policy.ticket.as_ref()).filter(|rule| rule.required && self.ticket.is_none()) {
            need(Piece::Ticket, rule.projects.clone());
        }
        missing
    }

    /// The line that this is, with a word in capitals for each missing piece. Reads back as itself once those are filled in.
    pub fn line(&self, missing: &[Missing], zone: chrono_tz::Tz) -> String {
        let lacks = |piece| missing.iter().any(|missing| missing.piece == piece);
        let mut pieces = vec!["/jit request".to_owned()];
        pieces.push(self.resource.as_ref().map_or_else(|| "RESOURCE".to_owned(), ToString::to_string));
        match &self.role {
            Some(role) => pieces.push(role.to_string()),
            None if lacks(Piece::Role) => pieces.push("ROLE".to_owned()),
            None => {}
        }
        match self.length {
            Some(Length::For(span)) => pieces.push(spans::short(span)),
            Some(Length::Until(end)) => pieces.push(format!("until {}", spans::typed(end, zone))),
            None => {}
        }
        if lacks(Piece::Reason) {
            pieces.push("WHY".to_owned());
        } else if !self.reason.is_empty() {
            pieces.push(quoted(&self.reason));
        }
        match &self.ticket {
            Some(ticket) => pieces.push(format!("--ticket {ticket}")),
            None if lacks(Piece::Ticket) => pieces.push("--ticket TICKET".to_owned()),
            None => {}
        }
        pieces.extend(self.start.map(|start| format!("--at {}", spans::typed(start, zone))));
        pieces.extend(self.subject.as_ref().map(|subject| format!("--for @{subject}")));
        pieces.join(" ")
    }
}

/// The reason in the first pair of quotes that reads back as itself.
pub fn quoted(reason: &str) -> String {
    let pairs = [('"', '"'), ('“', '”'), ('\'', '\'')];
    let all = pairs.map(|(open, close)| format!("{open}{reason}{close}"));
    let reads_back = |text: &&String| Words::new(text).quoted().as_deref() == Some(reason);
    all.iter().find(reads_back).unwrap_or(&all[0]).clone()
}
