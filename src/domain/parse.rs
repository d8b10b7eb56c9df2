//! One grammar for every chat. Turns a line into a command or a refusal that points at the word; never judges rights.

use super::{
    command::{Length, Less},
    ids::{PersonId, ResourceId, RoleName},
    limits,
    policy::{Catalogue, Platform},
    refusal::Refusal,
    request::RequestId,
    spans,
    time::{Instant, Span},
};

/// What a line is read against.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub now: Instant,
    pub time_zone: chrono_tz::Tz,
    pub catalogue: &'a Catalogue,
    pub platform: Platform,
}

/// Whose access is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevokeTarget {
    Request(RequestId),
    Person(PersonId),
}

/// A command that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// Just `/jit`.
    Form,
    Request {
        resource: ResourceId,
        role: Option<RoleName>,
        length: Option<Length>,
        start: Option<Instant>,
        subject: Option<PersonId>,
        reason: String,
        ticket: Option<String>,
    },
    Mine,
    Show(RequestId),
    Cancel(RequestId, Option<String>),
    Return(RequestId),
    Extend(RequestId, Option<Span>, Option<String>),
    Revoke(RevokeTarget, String),
    Settle(RequestId, String),
    Who(ResourceId, Option<Instant>),
    Explain {
        resource: ResourceId,
        role: Option<RoleName>,
        length: Option<Length>,
        person: Option<PersonId>,
    },
    Resources,
    Inbox,
    Link(Option<String>),
    /// One's SSH public key.
    Key(String),
    Help(Option<String>),
    Approve(RequestId, Option<String>),
    Deny(RequestId, String),
    TakeBack(RequestId),
    Offer(RequestId, Less, Option<String>),
    Accept(RequestId),
    Decline(RequestId),
    Looking(RequestId),
    PassOn(RequestId, PersonId),
}

const COMMANDS: [&str; 24] = [
    "request",
    "mine",
    "show",
    "cancel",
    "return",
    "extend",
    "revoke",
    "settle",
    "who",
    "explain",
    "resources",
    "inbox",
    "link",
    "key",
    "help",
    "approve",
    "deny",
    "takeback",
    "offer",
    "accept",
    "decline",
    "looking",
    "pass",
    "jit",
];

/// Reads one line.
pub fn parse(line: &str, context: &Context<'_>) -> Result<Parsed, Refusal> {
    check_text(line)?;
    let mut words = Words::new(line);
    if words.peek().is_some_and(|word| word == "/jit" || word == "jit") {
        words.next();
    }
    let Some(command) = words.next() else { return Ok(Parsed::Form) };
    Ok(match command.to_lowercase().as_str() {
        "request" => return request(&mut words, context),
        "mine" => Parsed::Mine,
        "show" => Parsed::Show(words.id()?),
        "cancel" => Parsed::Cancel(words.id()?, words.some_rest()?),
        "return" => Parsed::Return(words.id()?),
        "extend" => {
            let id = words.id()?;
            let by = words.length()?;
            Parsed::Extend(id, by, words.some_rest()?)
        }
        "revoke" => {
            let target = match words.peek() {
                Some(word) if word.parse::<RequestId>().is_err() && (word.starts_with('@') || word.starts_with('<')) => {
                    RevokeTarget::Person(words.person(context)?)
                }
                _ => RevokeTarget::Request(words.id()?),
            };
            Parsed::Revoke(target, words.rest()?)
        }
        "settle" => Parsed::Settle(words.id()?, words.rest()?),
        "who" => Parsed::Who(words.resource(context)?, None),
        "explain" => explain(&mut words, context)?,
        "resources" => Parsed::Resources,
        "inbox" => Parsed::Inbox,
        "link" => Parsed::Link(words.some_rest()?),
        "key" => Parsed::Key(words.rest()?),
        "help" => Parsed::Help(words.some_rest()?),
        "approve" => Parsed::Approve(words.id()?, words.some_rest()?),
        "deny" => Parsed::Deny(words.id()?, words.rest()?),
        "takeback" => Parsed::TakeBack(words.id()?),
        "offer" => {
            let id = words.id()?;
            let (less, comment) = less(&words.rest()?, context.catalogue)?;
            Parsed::Offer(id, less, comment)
        }
        "accept" => Parsed::Accept(words.id()?),
        "decline" => Parsed::Decline(words.id()?),
        "looking" => Parsed::Looking(words.id()?),
        "pass" => Parsed::PassOn(words.id()?, words.person(context)?),
        other => return Err(grammar("a command", other, near(other, COMMANDS.iter().copied()))),
    })
}

fn request(words: &mut Words<'_>, context: &Context<'_>) -> Result<Parsed, Refusal> {
    let resource = words.resource(context)?;
    let mut options = Options::default();
    options.take(words, context)?;
    let role = words.role(&resource, context)?;
    options.take(words, context)?;
    let length = words.any_length(context)?;
    let reason = options.reason(words, context)?;
    let Options { start, subject, ticket } = options;
    Ok(Parsed::Request { resource, role, length, start, subject, reason, ticket })
}

fn explain(words: &mut Words<'_>, context: &Context<'_>) -> Result<Parsed, Refusal> {
    let person = if words.peek().is_some_and(|w| w.starts_with('@')) { Some(words.person(context)?) } else { None };
    let resource = words.resource(context)?;
    let role = words.role(&resource, context)?;
    Ok(Parsed::Explain { resource, role, length: words.any_length(context)?, person })
}

/// Reads what is offered instead: a duration, a role, or both, and a comment.
pub fn less(text: &str, catalogue: &Catalogue) -> Result<(Less, Option<String>), Refusal> {
    check_text(text)?;
    let mut words = Words::new(text);
    let is_role = |word: &str| catalogue.resources.values().any(|r| r.roles.iter().any(|role| role.name.as_str() == word));
    let mut less = Less { role: None, duration: None };
    if let Some(word) = words.peek().filter(|word| is_role(word)) {
        less.role = word.parse().ok();
        words.next();
    }
    less.duration = words.length()?;
    if less.role.is_none() && less.duration.is_none() {
        return Err(grammar("a shorter duration or a lower role", words.peek().unwrap_or(""), Vec::new()));
    }
    Ok((less, words.some_rest()?))
}

/// Reads a person: `@ana`, `ana`, or the platform's mention `<@U123>`. Never a display name.
pub fn person(text: &str, catalogue: &Catalogue, platform: Platform) -> Result<PersonId, Refusal> {
    let text = text.trim();
    if let Some(mention) = text.strip_prefix("<@").and_then(|t| t.strip_suffix('>')) {
        let id = mention.trim_start_matches('!').split('|').next().unwrap_or_default();
        return catalogue.person_at(platform, id).map(|p| p.id.clone()).ok_or_else(|| no_person(text, catalogue));
    }
    let name = text.trim_start_matches('@');
    let known = name.parse::<PersonId>().ok().filter(|id| catalogue.people.contains_key(id));
    known.ok_or_else(|| no_person(name, catalogue))
}

/// Reads a duration such as `30m`.
pub fn duration(text: &str) -> Result<Span, Refusal> {
    spans::parse(text).map_err(|why| Refusal::BadDuration { text: cut(text), why })
}

fn no_person(name: &str, catalogue: &Catalogue) -> Refusal {
    let near = near(name, catalogue.people.keys().map(PersonId::as_str));
    Refusal::NoSuchPerson { name: cut(name), near: near.iter().filter_map(|n| n.parse().ok()).collect() }
}

/// Words that came with a button: they are kept as they are, or refused as a whole.
pub fn words(text: &str) -> Result<&str, Refusal> {
    let bad = |why: String| Refusal::BadText { what: "text".into(), why };
    if text.len() > limits::LINE || text.chars().count() > limits::WORDS {
        return Err(bad(format!("it is longer than {} characters", limits::WORDS)));
    }
    if text.chars().any(is_unkept) {
        return Err(bad("it holds a control character".into()));
    }
    Ok(text)
}

fn is_unkept(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t' | '\r')
}

/// Text that can be neither shown nor kept is refused as a whole.
fn check_text(text: &str) -> Result<(), Refusal> {
    let bad = |why: &str| Err(Refusal::BadText { what: "command".into(), why: why.into() });
    if text.len() > limits::LINE {
        return bad("it is longer than 8 KiB");
    }
    if text.chars().any(is_unkept) {
        return bad("it holds a control character");
    }
    Ok(())
}

fn grammar(expected: &str, found: &str, near: Vec<String>) -> Refusal {
    Refusal::Grammar { expected: expected.into(), found: cut(found), near }
}

/// For a refusal: enough to recognise, never a page.
fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The most similar names, best first.
fn near<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let word: String = word.chars().take(60).collect::<String>().to_lowercase();
    let mut scored: Vec<(f64, &str)> = names.map(|name| (strsim::jaro_winkler(&word, name), name)).filter(|(s, _)| *s >= 0.75).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

/// `--at`, `--for`, `--ticket`; dashes of every length.
#[derive(Default)]
struct Options {
    start: Option<Instant>,
    subject: Option<PersonId>,
    ticket: Option<String>,
}

impl Options {
    /// Takes the options that stand here.
    fn take(&mut self, words: &mut Words<'_>, context: &Context<'_>) -> Result<(), Refusal> {
        while let Some(option) = words.peek().and_then(option_name) {
            let (name, value) = option.split_once('=').map_or((option, None), |(n, v)| (n, Some(v.to_owned())));
            let name = name.to_owned();
            if !matches!(name.as_str(), "at" | "for" | "ticket") {
                return Err(grammar("--at, --for or --ticket", &format!("--{name}"), near(&name, ["at", "for", "ticket"].into_iter())));
            }
            words.next();
            let value = match value {
                Some(value) => value,
                None => words.next().ok_or_else(|| grammar(&format!("a value after --{name}"), "", Vec::new()))?.to_owned(),
            };
            let value = match words.peek() {
                Some(clock) if name == "at" && !value.contains(':') => {
                    words.next();
                    format!("{value} {clock}")
                }
                _ => value,
            };
            match name.as_str() {
                "at" => {
                    let time = spans::time_of_day(&value, context.now, context.time_zone);
                    self.start = Some(time.map_err(|why| Refusal::BadTime { text: cut(&value), why })?);
                }
                "for" => self.subject = Some(person(&value, context.catalogue, context.platform)?),
                _ => self.ticket = Some(cut(&value)),
            }
        }
        Ok(())
    }

    /// Words up to the next option are the reason; a quoted reason ends at its quote.
    fn reason(&mut self, words: &mut Words<'_>, context: &Context<'_>) -> Result<String, Refusal> {
        self.take(words, context)?;
        let mut reason = words.quoted().unwrap_or_else(|| words.until_option());
        self.take(words, context)?;
        if let Some(rest) = Some(words.until_option()).filter(|rest| !rest.is_empty()) {
            format!("{reason} {rest}").trim().clone_into(&mut reason);
            self.take(words, context)?;
        }
        if reason.chars().count() > limits::WORDS {
            return Err(Refusal::BadText { what: "reason".into(), why: format!("it is longer than {} characters", limits::WORDS) });
        }
        Ok(reason)
    }
}

fn option_name(word: &str) -> Option<&str> {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('—')).or_else(|| word.strip_prefix('–'))?;
    name.starts_with(|c: char| c.is_ascii_alphabetic()).then_some(name)
}

/// The words of a line, in order, with the text that is left.
struct Words<'l> {
    left: &'l str,
}

impl<'l> Words<'l> {
    fn new(line: &'l str) -> Self {
        Self { left: line.trim() }
    }

    fn peek(&self) -> Option<&'l str> {
        self.left.split_whitespace().next()
    }

    fn next(&mut self) -> Option<&'l str> {
        let word = self.peek()?;
        self.left = self.left[word.len()..].trim_start();
        Some(word)
    }

    fn id(&mut self) -> Result<RequestId, Refusal> {
        let word = self.next().ok_or_else(|| grammar("a request's id, such as R-7K3QD2", "", Vec::new()))?;
        word.parse().map_err(|_| Refusal::NoSuchRequest { text: cut(word) })
    }

    fn person(&mut self, context: &Context<'_>) -> Result<PersonId, Refusal> {
        let word = self.next().ok_or_else(|| grammar("a person, such as @ana", "", Vec::new()))?;
        person(word, context.catalogue, context.platform)
    }

    fn resource(&mut self, context: &Context<'_>) -> Result<ResourceId, Refusal> {
        let word = self.next().ok_or_else(|| grammar("a resource", "", Vec::new()))?;
        let known = word.to_lowercase().parse::<ResourceId>().ok().filter(|id| context.catalogue.resources.contains_key(id));
        known.ok_or_else(|| {
            let near = near(word, context.catalogue.resources.keys().map(ResourceId::as_str));
            Refusal::NoSuchResource { name: cut(word), near: near.iter().filter_map(|n| n.parse().ok()).collect() }
        })
    }

    /// The role, if the next word is one. A word that is neither a role nor a length nor the reason's start is refused.
    fn role(&mut self, resource: &ResourceId, context: &Context<'_>) -> Result<Option<RoleName>, Refusal> {
        let Some(resource) = context.catalogue.resources.get(resource) else { return Ok(None) };
        let Some(word) = self.peek() else { return Ok(None) };
        if let Some(role) = resource.roles.iter().find(|role| role.name.as_str() == word.to_lowercase()) {
            self.next();
            return Ok(Some(role.name.clone()));
        }
        let elsewhere = word.starts_with(|c: char| c.is_ascii_digit() || is_quote(c)) || word == "until" || option_name(word).is_some();
        if elsewhere || resource.roles.len() == 1 {
            return Ok(None);
        }
        let near = near(word, resource.roles.iter().map(|role| role.name.as_str()));
        Err(Refusal::NoSuchRole {
            resource: resource.id.clone(),
            name: cut(word),
            near: near.iter().filter_map(|n| n.parse().ok()).collect(),
            roles: resource.roles.iter().map(|role| role.name.clone()).collect(),
        })
    }

    /// A length, if the next words are one: `30m`, `1 h 30 min`.
    fn length(&mut self) -> Result<Option<Span>, Refusal> {
        let starts = |word: &str| word.starts_with(|c: char| c.is_numeric() || c == '-' || c == '+');
        let mut taken = String::new();
        while let Some(word) = self.peek().filter(|word| starts(word)) {
            // A bare number belongs together with the unit after it.
            let bare = word.chars().all(|c| c.is_ascii_digit());
            let unit = self.left[word.len()..].split_whitespace().next().filter(|_| bare);
            let piece = unit.map_or_else(|| word.to_owned(), |unit| format!("{word} {unit}"));
            let longer = format!("{taken} {piece}").trim().to_owned();
            if !taken.is_empty() && spans::parse(&longer).is_err() {
                break;
            }
            taken = longer;
            self.next();
            if unit.is_some() {
                self.next();
            }
        }
        if taken.is_empty() { Ok(None) } else { duration(taken.trim_start_matches('+')).map(Some) }
    }

    /// A length or `until 18:00`.
    fn any_length(&mut self, context: &Context<'_>) -> Result<Option<Length>, Refusal> {
        if self.peek() != Some("until") {
            return Ok(self.length()?.map(Length::For));
        }
        self.next();
        let mut text = self.next().unwrap_or_default().to_owned();
        if text.contains('-') && !text.contains(':') {
            text = format!("{text} {}", self.next().unwrap_or_default());
        }
        let end = spans::time_of_day(&text, context.now, context.time_zone);
        end.map(|end| Some(Length::Until(end))).map_err(|why| Refusal::BadTime { text: cut(&text), why })
    }

    /// All that is left, without its quotes.
    fn rest(&mut self) -> Result<String, Refusal> {
        let text = self.left.trim();
        self.left = "";
        if text.chars().count() > limits::WORDS {
            return Err(Refusal::BadText { what: "text".into(), why: format!("it is longer than {} characters", limits::WORDS) });
        }
        let bare = text.strip_prefix(is_quote).and_then(|t| t.strip_suffix(is_quote));
        Ok(bare.unwrap_or(text).to_owned())
    }

    fn some_rest(&mut self) -> Result<Option<String>, Refusal> {
        Ok(Some(self.rest()?).filter(|text| !text.is_empty()))
    }

    /// A text in quotes, straight or curly.
    fn quoted(&mut self) -> Option<String> {
        let inside = self.left.strip_prefix(is_quote)?;
        let ends = |(at, quote): &(usize, &str)| {
            let after = &inside[at + quote.len()..];
            after.trim().is_empty()
                || (after.starts_with(char::is_whitespace) && after.split_whitespace().next().is_some_and(|w| option_name(w).is_some()))
        };
        let (end, _) = inside.match_indices(is_quote).find(ends)?;
        let text = inside[..end].to_owned();
        self.left = inside[end..].trim_start_matches(is_quote).trim_start();
        Some(text)
    }

    fn until_option(&mut self) -> String {
        let start = self.left;
        while self.peek().is_some_and(|word| option_name(word).is_none()) {
            self.next();
        }
        start[..start.len() - self.left.len()].trim().to_owned()
    }
}

const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '«' | '»')
}
