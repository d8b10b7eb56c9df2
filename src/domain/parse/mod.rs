//! One grammar for every chat. Turns a line into a command or a refusal that points at the word; never judges rights.

mod ask;
mod line;
mod names;
mod past;

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

pub use ask::{Draft, Missing, Piece, quoted};
use line::Words;
use names::{cut, grammar, near};
pub use names::{person, resource, role};
pub use past::Day;

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
    Request(Draft),
    Mine,
    Show(RequestId),
    Cancel(RequestId, Option<String>),
    Return(RequestId),
    Credential(RequestId),
    /// More time, or a later end.
    Extend(RequestId, Option<Length>, Option<String>),
    Revoke(RevokeTarget, String),
    Settle(RequestId, String),
    /// Who has it, or had it at a moment that has been. The resource need not exist.
    Who {
        resource: ResourceId,
        at: Option<Instant>,
        page: u32,
    },
    /// What somebody asked for, held and decided; None: the asker themselves. The person need not exist.
    Find {
        person: Option<PersonId>,
        since: Option<Instant>,
        page: u32,
    },
    /// How it went, of one resource or of all that the asker may see. The resource need not exist.
    Stats {
        resource: Option<ResourceId>,
        since: Option<Instant>,
    },
    /// The digest of a day; None: since the last one.
    Digest(Option<Day>),
    Explain {
        resource: ResourceId,
        role: Option<RoleName>,
        length: Option<Length>,
        person: Option<PersonId>,
    },
    Resources,
    Inbox,
    /// Join another platform's account: without a code, one is made; with one, this account is joined.
    Link(Option<String>),
    /// Part an account from its person.
    Unlink(PersonId, Platform),
    /// Turn one's own direct messages down, or up again; None: how they are.
    Quiet(Option<bool>),
    /// How the clock stands; or, after a jump, that it is right.
    Clock {
        confirm: bool,
    },
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

/// Every command's word, for "did you mean" and for help.
pub const COMMANDS: [&str; 30] = [
    "request",
    "mine",
    "show",
    "cancel",
    "return",
    "credential",
    "extend",
    "revoke",
    "settle",
    "who",
    "find",
    "stats",
    "digest",
    "explain",
    "resources",
    "inbox",
    "link",
    "unlink",
    "quiet",
    "clock",
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
];

/// Reads one line.
pub fn parse(line: &str, context: &Context<'_>) -> Result<Parsed, Refusal> {
    check_text(line, "command")?;
    let mut words = Words::new(line);
    if words.peek().is_some_and(|word| matches!(word.to_lowercase().as_str(), "/jit" | "jit")) {
        words.next();
    }
    let Some(command) = words.next() else { return Ok(Parsed::Form) };
    Ok(match command.to_lowercase().as_str() {
        "request" => Parsed::Request(ask::request(&mut words, context)?),
        "mine" => Parsed::Mine,
        "show" => Parsed::Show(words.id()?),
        "cancel" => Parsed::Cancel(words.id()?, words.some_rest()?),
        "return" => Parsed::Return(words.id()?),
        "credential" => Parsed::Credential(words.id()?),
        "extend" => {
            let id = words.id()?;
            let by = words.any_length(context)?;
            Parsed::Extend(id, by, words.some_rest()?)
        }
        "revoke" => {
            let is_person = words.peek().is_some_and(|word| word.starts_with('@') || word.starts_with("<@"));
            let target = if is_person { RevokeTarget::Person(words.person(context)?) } else { RevokeTarget::Request(words.id()?) };
            Parsed::Revoke(target, words.rest()?)
        }
        "settle" => Parsed::Settle(words.id()?, words.rest()?),
        "who" => {
            let (resource, at, page) = past::who(&mut words, context)?;
            Parsed::Who { resource, at, page }
        }
        "find" => {
            let (person, since, page) = past::find(&mut words, context)?;
            Parsed::Find { person, since, page }
        }
        "stats" => {
            let (resource, since) = past::stats(&mut words, context)?;
            Parsed::Stats { resource, since }
        }
        "digest" => Parsed::Digest(past::digest(&mut words, context)?),
        "explain" => explain(&mut words, context)?,
        "resources" => Parsed::Resources,
        "inbox" => Parsed::Inbox,
        "link" => Parsed::Link(words.some_rest()?),
        "unlink" => Parsed::Unlink(words.person(context)?, platform(&mut words)?),
        "quiet" => quiet(&mut words)?,
        "clock" => clock(&mut words)?,
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

fn explain(words: &mut Words<'_>, context: &Context<'_>) -> Result<Parsed, Refusal> {
    let is_person = words.peek().is_some_and(|word| word.starts_with('@') || word.starts_with("<@"));
    let person = if is_person { Some(words.person(context)?) } else { None };
    let resource = words.resource(context)?;
    let role = words.role(&resource, context)?;
    let length = words.any_length(context)?;
    match words.peek() {
        None => Ok(Parsed::Explain { resource, role, length, person }),
        Some(more) if length.is_some() => Err(grammar("nothing after the length", more, Vec::new())),
        Some(more) => Err(grammar("a length such as 1h, or nothing more", more, Vec::new())),
    }
}

fn clock(words: &mut Words<'_>) -> Result<Parsed, Refusal> {
    match words.next() {
        None => Ok(Parsed::Clock { confirm: false }),
        Some(word) if word.eq_ignore_ascii_case("confirm") => Ok(Parsed::Clock { confirm: true }),
        Some(word) => Err(grammar("confirm, or nothing", word, near(word, std::iter::once("confirm")))),
    }
}

fn quiet(words: &mut Words<'_>) -> Result<Parsed, Refusal> {
    match words.next().map(str::to_lowercase).as_deref() {
        None => Ok(Parsed::Quiet(None)),
        Some("on") => Ok(Parsed::Quiet(Some(true))),
        Some("off") => Ok(Parsed::Quiet(Some(false))),
        Some(word) => Err(grammar("on, off, or nothing", word, Vec::new())),
    }
}

fn platform(words: &mut Words<'_>) -> Result<Platform, Refusal> {
    let word = words.next().unwrap_or_default();
    let names = Platform::ALL.map(Platform::name);
    Platform::named(&word.to_lowercase())
        .ok_or_else(|| grammar("a platform: console, slack or discord", word, near(word, names.into_iter())))
}

/// Reads what is offered instead: a duration, a role, or both in any order, and a comment.
pub fn less(text: &str, catalogue: &Catalogue) -> Result<(Less, Option<String>), Refusal> {
    check_text(text, "offer")?;
    let mut words = Words::new(text);
    let is_role = |word: &str| catalogue.resources.values().any(|r| r.roles.iter().any(|role| role.name.as_str() == word));
    let mut less = Less { role: None, duration: words.length()? };
    if let Some(word) = words.peek().map(str::to_lowercase).filter(|word| is_role(word)) {
        less.role = word.parse().ok();
        words.next();
    }
    if less.duration.is_none() {
        less.duration = words.length()?;
    }
    if less.role.is_none() && less.duration.is_none() {
        return Err(grammar("a shorter duration or a lower role", words.peek().unwrap_or(""), Vec::new()));
    }
    Ok((less, words.some_rest()?))
}

/// Reads a duration such as `30m`.
pub fn duration(text: &str) -> Result<Span, Refusal> {
    spans::parse(text).map_err(|why| Refusal::BadDuration { text: cut(text), why })
}

/// Reads how long: `30m`, or `until 18:00`, for access that begins now or at its start. None for nothing.
pub fn length(text: &str, start: Option<Instant>, context: &Context<'_>) -> Result<Option<Length>, Refusal> {
    check_text(text, "length")?;
    let mut words = Words::new(text);
    let until = words.until_text();
    let length = words.any_length(context).map_err(|refusal| match refusal {
        Refusal::BadTime { text, why } => Refusal::BadDuration { text, why },
        other => other,
    })?;
    match words.peek() {
        None => match until {
            Some(until) => Ok(Some(Length::Until(end(&until, start, context)?))),
            None => Ok(length),
        },
        Some(_) => Err(Refusal::BadDuration { text: cut(text), why: "more words than a length has".into() }),
    }
}

/// Reads a moment such as `18:00` or `2026-11-25 18:00`.
pub fn moment(text: &str, context: &Context<'_>) -> Result<Instant, Refusal> {
    spans::moment(text, context.now, context.time_zone).map_err(|why| Refusal::BadTime { text: cut(text), why })
}

/// Reads a moment that has been, such as `14:05` or `2026-11-20 14:05:30`.
pub fn past(text: &str, context: &Context<'_>) -> Result<Instant, Refusal> {
    spans::past(text, context.now, context.time_zone).map_err(|why| Refusal::BadPast { text: cut(text), why })
}

/// Reads how far back: `7d`, `yesterday`, or a moment that has been.
pub fn since(text: &str, context: &Context<'_>) -> Result<Instant, Refusal> {
    spans::since(text, context.now, context.time_zone).map_err(|why| Refusal::BadPast { text: cut(text), why })
}

/// The same for the end of access that begins at `start`: a bare time is its next occurrence after that.
fn end(text: &str, start: Option<Instant>, context: &Context<'_>) -> Result<Instant, Refusal> {
    let after = start.filter(|start| *start > context.now && spans::is_bare(text)).unwrap_or(context.now);
    moment(text, &Context { now: after, ..*context })
}

/// Reads a reason or a comment as a form hands it in: as it is, if it can be kept and shown.
pub fn reason(text: &str) -> Result<String, Refusal> {
    check_text(text, "reason")?;
    let text = text.trim();
    if text.chars().count() > limits::WORDS {
        return Err(Refusal::BadText { what: "reason".into(), why: format!("it is longer than {} characters", limits::WORDS) });
    }
    Ok(text.to_owned())
}

/// Text that can be neither shown nor kept is refused as a whole.
fn check_text(text: &str, what: &str) -> Result<(), Refusal> {
    let bad = |why: &str| Err(Refusal::BadText { what: what.into(), why: why.into() });
    if text.len() > limits::LINE {
        return bad("it is longer than 8 KiB");
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
        return bad("it holds a control character");
    }
    Ok(())
}
