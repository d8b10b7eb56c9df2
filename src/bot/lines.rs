//! What was typed, pressed or filled in, as asks, acts and questions. Translates; decides nothing.

use super::{
    Bot,
    command::Filled,
    handle::{Caller, Decided},
};
use crate::domain::{
    command::{Act, Less, NewAsk},
    ids::{ResourceId, RoleName},
    parse::{self, Draft, Parsed, RevokeTarget},
    policy::Catalogue,
    pressed::Pressed,
    refusal::Refusal,
    request::RequestId,
    words::Words,
};

impl Bot {
    /// What a line is read against.
    fn reading<'c>(&self, caller: &Caller, catalogue: &'c Catalogue) -> parse::Context<'c> {
        let zone = catalogue.people.get(&caller.person).and_then(|p| p.time_zone).unwrap_or(catalogue.time_zone);
        parse::Context { now: self.now(), time_zone: zone, catalogue, platform: caller.platform }
    }

    fn words(&self, text: impl Into<String>) -> Words {
        Words::new(text, self.random())
    }

    /// A typed line.
    pub(super) async fn line(&self, caller: &Caller, text: &str, catalogue: &Catalogue) -> Decided {
        let parsed = match parse::parse(text, &self.reading(caller, catalogue)) {
            Ok(parsed) => parsed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match parsed {
            Parsed::Request(draft) => self.draft(caller, draft, catalogue).await,
            Parsed::Revoke(RevokeTarget::Person(person), reason) => self.revoke_all(caller, &person, &reason, catalogue).await,
            Parsed::Key(key) => self.keep_key(caller, &key).await,
            Parsed::Credential(id) => self.fetch(caller, &id, catalogue).await,
            Parsed::Link(None) => self.offer_link(caller, catalogue).await,
            Parsed::Link(Some(_)) => Ok(Err(Refusal::LinkedAlready)),
            Parsed::Unlink(person, platform) => self.unlink(caller, &person, platform, catalogue).await,
            Parsed::Quiet(to) => self.turn_quiet(caller, to).await,
            Parsed::Clock { confirm } => self.show_clock(caller, confirm, catalogue).await,
            Parsed::Extend(id, length, reason) => {
                let reason = reason.map(|text| self.words(text));
                match self.more_time(&id, length).await? {
                    Ok(by) => self.act(caller, &id, &Act::Extend { by, reason }, catalogue).await,
                    Err(refusal) => Ok(Err(refusal)),
                }
            }
            other => match self.act_of(other) {
                Ok((id, act)) => self.act(caller, &id, &act, catalogue).await,
                Err(question) => self.look(caller, *question, catalogue).await,
            },
        }
    }

    /// The act on one request that this is; else a question.
    fn act_of(&self, parsed: Parsed) -> Result<(RequestId, Act), Box<Parsed>> {
        let some = |text: Option<String>| text.map(|text| self.words(text));
        Ok(match parsed {
            Parsed::Cancel(id, reason) => (id, Act::Cancel { reason: some(reason) }),
            Parsed::Return(id) => (id, Act::Return),
            Parsed::Settle(id, reason) => (id, Act::Settle { reason: self.words(reason) }),
            Parsed::Revoke(RevokeTarget::Request(id), reason) => (id, Act::Revoke { reason: self.words(reason) }),
            Parsed::Approve(id, comment) => (id, Act::Approve { comment: some(comment) }),
            Parsed::Deny(id, reason) => (id, Act::Deny { reason: self.words(reason) }),
            Parsed::TakeBack(id) => (id, Act::TakeBack),
            Parsed::Offer(id, less, comment) => (id, Act::Offer { less, comment: some(comment) }),
            Parsed::Accept(id) => (id, Act::AcceptOffer),
            Parsed::Decline(id) => (id, Act::DeclineOffer),
            Parsed::Looking(id) => (id, Act::Looking),
            Parsed::PassOn(id, to) => (id, Act::PassOn { to }),
            question => return Err(Box::new(question)),
        })
    }

    /// A typed ask: what is missing is named, with the line that would be whole.
    async fn draft(&self, caller: &Caller, draft: Draft, catalogue: &Catalogue) -> Decided {
        let pieces = draft.missing(catalogue);
        if !pieces.is_empty() {
            let line = draft.line(&pieces, self.reading(caller, catalogue).time_zone);
            return Ok(Err(Refusal::Missing { pieces, line }));
        }
        match self.whole(draft, catalogue) {
            Ok(new) => self.ask(caller, &new, catalogue).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn whole(&self, draft: Draft, catalogue: &Catalogue) -> Result<NewAsk, Refusal> {
        let resource = draft.resource.ok_or_else(|| Refusal::NoSuchResource { name: String::new(), near: Vec::new() })?;
        let role = draft.role.or_else(|| only_role(catalogue, &resource)).ok_or_else(|| no_role(catalogue, &resource))?;
        let Draft { length, start, subject, reason, ticket, .. } = draft;
        Ok(NewAsk { resource, role, length, start, subject, reason: self.words(reason), ticket, about: None })
    }

    /// A filled form; a refusal belongs to the field that `Refusal::field` names.
    pub(super) async fn filled(&self, caller: &Caller, filled: &Filled, catalogue: &Catalogue) -> Decided {
        let context = self.reading(caller, catalogue);
        match read(filled, &context).and_then(|draft| self.whole(draft, catalogue)) {
            Ok(new) => {
                let about = Some(filled.about.trim().to_owned()).filter(|link| !link.is_empty());
                self.ask(caller, &NewAsk { about, ..new }, catalogue).await
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// A pressed button, with the words of the form that it opened.
    pub(super) async fn press(&self, caller: &Caller, action: &str, request: &str, words: Option<&str>, catalogue: &Catalogue) -> Decided {
        if let Some(to) = action.strip_prefix("quiet:") {
            return self.press_quiet(caller, to).await;
        }
        let Pressed { request: id, about } = match request.parse() {
            Ok(pressed) => pressed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if action == "again" {
            return self.ask_again(caller, &id, catalogue).await;
        }
        if action == "credential" {
            return self.fetch(caller, &id, catalogue).await;
        }
        match self.pressed(caller, action, words, catalogue) {
            Ok(act) => self.act_about(caller, &id, &act, about, catalogue).await,
            // Whoever may not do it at all is told so, rather than what is missing.
            Err(refusal) if matches!(action, "less" | "pass") => {
                Ok(Err(self.could_by(caller.presser(), action, request).await?.err().unwrap_or(refusal)))
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn pressed(&self, caller: &Caller, action: &str, words: Option<&str>, catalogue: &Catalogue) -> Result<Act, Refusal> {
        let typed = words.map(parse::reason).transpose()?.filter(|text| !text.is_empty());
        let some = || typed.clone().map(|text| self.words(text));
        let reason = || self.words(typed.clone().unwrap_or_default());
        let (verb, chosen) = action.split_once(':').map_or((action, None), |(verb, chosen)| (verb, Some(chosen)));
        let argument = chosen.unwrap_or_default();
        Ok(match verb {
            "approve" => Act::Approve { comment: some() },
            "takeback" => Act::TakeBack,
            "deny" => Act::Deny { reason: reason() },
            "less" => {
                let (less, comment) = offered(chosen, words, typed.as_deref(), catalogue)?;
                Act::Offer { less, comment: comment.map(|text| self.words(text)) }
            }
            "looking" => Act::Looking,
            "pass" => {
                let to = if argument.is_empty() { words } else { Some(argument) };
                // To nobody is as to oneself: refused, and first of all to those who may not decide it.
                let to = to.map_or(Ok(caller.person.clone()), |to| parse::person(to, catalogue, caller.platform))?;
                Act::PassOn { to }
            }
            "accept" => Act::AcceptOffer,
            "decline" => Act::DeclineOffer,
            "cancel" => Act::Cancel { reason: some() },
            "return" => Act::Return,
            "extend" => Act::Extend { by: Some(parse::duration(argument)?), reason: some() },
            "revoke" => Act::Revoke { reason: reason() },
            _ => {
                return Err(Refusal::Grammar { expected: "a button".into(), found: action.chars().take(20).collect(), near: Vec::new() });
            }
        })
    }
}

/// What a press offers, and the comment: chosen in a form, with the words beside it as the comment and never as the offer, also
/// where nothing was chosen; or, without a form, all of it in words.
fn offered(
    chosen: Option<&str>,
    words: Option<&str>,
    typed: Option<&str>,
    catalogue: &Catalogue,
) -> Result<(Less, Option<String>), Refusal> {
    let Some(chosen) = chosen else {
        // Without a word it offers nothing, which whoever may offer at all is told, and everybody else that they may not.
        let nothing = Less { role: None, duration: None };
        return words.map_or(Ok((nothing, None)), |words| parse::less(words, catalogue));
    };
    match parse::less(chosen, catalogue)? {
        (less, None) => Ok((less, typed.map(str::to_owned))),
        (_, Some(more)) => {
            let found = more.chars().take(20).collect();
            Err(Refusal::Grammar { expected: "a shorter duration, a lower role, or both".into(), found, near: Vec::new() })
        }
    }
}

/// The fields of a form as a draft.
fn read(filled: &Filled, context: &parse::Context<'_>) -> Result<Draft, Refusal> {
    let filled_in = |text: &str| !text.trim().is_empty();
    let resource = parse::resource(&filled.resource, context.catalogue)?;
    let some = |text: &str| filled_in(text).then(|| text.trim().to_owned());
    let start = some(&filled.start).map(|text| parse::moment(&text, context)).transpose()?;
    Ok(Draft {
        role: some(&filled.role).map(|text| parse::role(&text, &resource, context.catalogue)).transpose()?,
        length: parse::length(&filled.length, start, context)?,
        start,
        subject: some(&filled.subject).map(|text| parse::person(&text, context.catalogue, context.platform)).transpose()?,
        reason: parse::reason(&filled.reason)?,
        ticket: some(&filled.ticket).map(|text| text.chars().take(60).collect()),
        resource: Some(resource),
    })
}

fn only_role(catalogue: &Catalogue, resource: &ResourceId) -> Option<RoleName> {
    match catalogue.resources.get(resource)?.roles.as_slice() {
        [role] => Some(role.name.clone()),
        _ => None,
    }
}

fn no_role(catalogue: &Catalogue, resource: &ResourceId) -> Refusal {
    let roles = catalogue.resources.get(resource).map(|r| r.roles.iter().map(|r| r.name.clone()).collect()).unwrap_or_default();
    Refusal::NoSuchRole { resource: resource.clone(), name: String::new(), near: Vec::new(), roles }
}
