//! Questions about who has and had what: `who`, `find`, `stats`, `digest`. None of them takes free text, so whatever begins with
//! a dash is an option, however a phone wrote it. Names are read as ids and not looked up: whether somebody may know that there
//! is such a thing is judged later, and the answer is the same.

use super::{
    Context, Instant, PersonId, Refusal, ResourceId, cut, grammar,
    line::{Words, flag},
    near, spans,
};

/// A day of which the digest is asked for, in the digest's own zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    Yesterday,
    /// Begun in the reader's zone.
    On(chrono::NaiveDate),
}

/// Most pages that are turned to; nobody reads so far.
const PAGES: u32 = 100_000;

/// What was typed behind a question, unread.
#[derive(Default)]
struct Said {
    name: Option<String>,
    at: Option<String>,
    since: Option<String>,
    page: Option<String>,
}

pub(super) fn who(words: &mut Words<'_>, context: &Context<'_>) -> Result<(ResourceId, Option<Instant>, u32), Refusal> {
    let said = said(words, &["at", "page"])?;
    let Some(name) = &said.name else { return Err(grammar("a resource", "", Vec::new())) };
    Ok((resource(name)?, said.at(context)?, said.page()?))
}

pub(super) fn find(words: &mut Words<'_>, context: &Context<'_>) -> Result<(Option<PersonId>, Option<Instant>, u32), Refusal> {
    let said = said(words, &["since", "page"])?;
    let person = said.name.as_deref().map(|name| person(name, context)).transpose()?;
    Ok((person, said.since(context)?, said.page()?))
}

pub(super) fn stats(words: &mut Words<'_>, context: &Context<'_>) -> Result<(Option<ResourceId>, Option<Instant>), Refusal> {
    let said = said(words, &["since"])?;
    let resource = said.name.as_deref().map(resource).transpose()?;
    Ok((resource, said.since(context)?))
}

pub(super) fn digest(words: &mut Words<'_>, context: &Context<'_>) -> Result<Option<Day>, Refusal> {
    let day = match words.value() {
        None => return Ok(None),
        Some(word) if word.eq_ignore_ascii_case("yesterday") => Day::Yesterday,
        Some(word) => {
            spans::past_day(&word, context.now, context.time_zone).map(Day::On).map_err(|why| Refusal::BadPast { text: cut(&word), why })?
        }
    };
    match words.peek() {
        None => Ok(Some(day)),
        Some(more) => Err(grammar("nothing after the day", more, Vec::new())),
    }
}

/// One name and options, in any order.
fn said(words: &mut Words<'_>, takes: &[&str]) -> Result<Said, Refusal> {
    let mut said = Said::default();
    while let Some(word) = words.peek() {
        let Some(name) = flag(word) else {
            if said.name.is_some() {
                let bare = takes.iter().find(|name| word.eq_ignore_ascii_case(name)).map(|name| format!("--{name}"));
                return Err(grammar(&format!("{}, or nothing more", listed(takes)), word, bare.into_iter().collect()));
            }
            said.name = words.value();
            continue;
        };
        let name = name.to_lowercase();
        if !takes.contains(&name.as_str()) {
            let near = near(&name, takes.iter().copied()).iter().map(|name| format!("--{name}")).collect();
            return Err(grammar(&listed(takes), word, near));
        }
        words.flag();
        // Before the name has been said, it may follow the value; after it, the value is all up to the next option.
        let value = if said.name.is_none() && name != "page" { words.past_text() } else { words.until_flag() };
        if value.is_empty() {
            return Err(grammar(&format!("a value after --{name}"), "", Vec::new()));
        }
        let place = match name.as_str() {
            "at" => &mut said.at,
            "since" => &mut said.since,
            _ => &mut said.page,
        };
        if place.replace(value.clone()).is_some() {
            return Err(grammar(&format!("--{name} once"), &value, Vec::new()));
        }
    }
    Ok(said)
}

fn listed(takes: &[&str]) -> String {
    takes.iter().map(|name| format!("--{name}")).collect::<Vec<_>>().join(" or ")
}

impl Said {
    fn at(&self, context: &Context<'_>) -> Result<Option<Instant>, Refusal> {
        self.at.as_deref().map(|text| super::past(text, context)).transpose()
    }

    fn since(&self, context: &Context<'_>) -> Result<Option<Instant>, Refusal> {
        self.since.as_deref().map(|text| super::since(text, context)).transpose()
    }

    fn page(&self) -> Result<u32, Refusal> {
        let Some(text) = &self.page else { return Ok(1) };
        let page = text.parse().ok().filter(|page| (1..=PAGES).contains(page));
        page.ok_or_else(|| grammar("the number of a page, such as --page 2", text, Vec::new()))
    }
}

/// A resource's id, in any case; what can be none is refused like one that there is not.
fn resource(text: &str) -> Result<ResourceId, Refusal> {
    text.trim().to_lowercase().parse().map_err(|_| Refusal::NothingToSee { name: cut(text) })
}

/// A person, known or not: `@ana`, `ana`, a mention. An account that is nobody's is read as its id.
fn person(text: &str, context: &Context<'_>) -> Result<PersonId, Refusal> {
    if let Ok(person) = super::person(text, context.catalogue, context.platform) {
        return Ok(person);
    }
    let name = text.trim().trim_start_matches('@').trim_start_matches("<@").trim_start_matches('!');
    let name = name.split(['|', '>']).next().unwrap_or_default();
    name.to_lowercase().parse().map_err(|_| Refusal::NothingToSee { name: cut(text) })
}
