//! The same ask once more, for `Try again`: what was asked first, as a new ask that is judged like any other.

use super::{
    Bot,
    handle::{Caller, Decided},
};
use crate::domain::{
    command::{Length, NewAsk},
    decide,
    ids::PersonId,
    policy::Catalogue,
    refusal::Refusal,
    request::{Request, RequestId, State},
    time::Instant,
    words::{self, Texts, Words},
};

impl Bot {
    /// `Try again` on a request that is over.
    pub(super) async fn ask_again(&self, caller: &Caller, id: &RequestId, catalogue: &Catalogue) -> Decided {
        let Some(before) = self.store.request(id).await? else {
            return Ok(Err(Refusal::NoSuchRequest { text: id.to_string() }));
        };
        let texts = self.store.texts(&words::of(&before)).await?;
        match same(&before, &caller.person, &texts, self.now(), self.random()) {
            Ok(new) => self.ask(caller, &new, catalogue).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }
}

/// What this person asked for. Only whoever asked may ask again, and only once it is over.
fn same(request: &Request, by: &PersonId, texts: &Texts, now: Instant, salt: u128) -> Result<NewAsk, Refusal> {
    if request.requester != *by {
        return Err(Refusal::NotHolder);
    }
    if !matches!(request.state, State::Closed { .. }) {
        return Err(decide::not_open(request));
    }
    let ask = request.main_ask();
    // A reason that was erased has to be given anew: the rule says whether one is needed.
    let reason = ask.reason.as_ref().and_then(|id| texts.get(id)).cloned().unwrap_or_default();
    Ok(NewAsk {
        resource: ask.resource.clone(),
        role: ask.role.clone(),
        // An end that is over can only be refused: the rule's own length then.
        length: Some(ask.length).filter(|length| !matches!(length, Length::Until(end) if *end <= now)),
        start: ask.start.filter(|start| *start > now),
        subject: Some(request.subject.clone()),
        reason: Words::new(reason, salt),
        ticket: ask.ticket.clone(),
        about: ask.about.clone(),
    })
}
