//! A new ask: judged, resolved at its provider, opened.

use super::{
    Answer, Bot,
    answers::summary_with,
    changes::Step,
    facts::{Fresh, Whom},
    handle::{Caller, Decided},
    reports::fold,
};
use crate::{
    domain::{
        asking,
        command::NewAsk,
        decide::{self, Context},
        event::Event,
        facts::{Facts, Groups},
        ids::PersonId,
        policy::{Catalogue, Policy, Who},
        refusal::Refusal,
        request::{GrantId, Preview, Request, RequestId},
    },
    store::{Commit, CommitError, Filter},
};

/// An ask that may be opened, with what follows from it at once.
struct Opening<'a> {
    after: Request,
    events: Vec<Event>,
    context: Context<'a>,
}

impl Bot {
    pub(super) async fn ask(&self, caller: &Caller, new: &NewAsk, catalogue: &Catalogue) -> Decided {
        let subject = new.subject.as_ref().unwrap_or(&caller.person);
        let policy = catalogue.role(&new.resource, &new.role).map(|(_, _, policy)| policy);
        let among: Vec<Who> = policy.into_iter().flat_map(askers).cloned().collect();
        let chain: Vec<Who> = policy.into_iter().flat_map(approvers).cloned().collect();
        let called: Vec<&PersonId> = policy.into_iter().flat_map(Policy::called_by_name).collect();
        let whom =
            Whom { presser: Some(caller.presser()), others: &[subject], among: &among, chain: &chain, called: &called, listed: false };
        let groups = self.gather(catalogue, None, whom, Fresh::Now).await;
        let opening = match self.opening(caller, new, catalogue, &groups).await? {
            Ok(opening) => opening,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Opening { after, events, context } = opening;
        let mut commit = Commit { inbox_done: Some(caller.inbox.clone()), words: vec![new.reason.clone()], ..Commit::default() };
        let step = Step { before: None, after: &after, events: &events, actor: &caller.actor, order: context.order.clone() };
        self.changes(&mut commit, step, catalogue, &groups, context.now).await?;
        self.decided(commit).await?;
        // Its only text is the one that was just written.
        let texts = [(new.reason.id.clone(), new.reason.text.clone())].into();
        Ok(Ok(Answer::said("asked", summary_with(&after, &texts, &caller.person, context.now))))
    }

    /// Judged twice: before the provider is asked anything, and with its answer.
    async fn opening<'a>(
        &self,
        caller: &Caller,
        new: &NewAsk,
        catalogue: &'a Catalogue,
        groups: &'a Groups,
    ) -> Result<Result<Opening<'a>, Refusal>, CommitError> {
        if self.is_frozen() {
            return Ok(Err(Refusal::Frozen));
        }
        let subject = new.subject.as_ref().unwrap_or(&caller.person);
        let held = Filter { person: Some(subject.clone()), open: Some(true), limit: 1_000, ..Filter::default() };
        let held = self.store.requests(&held).await?;
        let (facts, now) = (Facts { catalogue, groups }, self.now());
        let judge = |preview| asking::judge(new, &caller.person, preview, &held, &facts, now);
        if let Err(refusal) = judge(Preview::default()) {
            return Ok(Err(refusal));
        }
        let (order, ownership, preview) = match self.resolve(catalogue, subject, &new.resource, &new.role).await {
            Ok(resolved) => resolved,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let ask = match judge(preview) {
            Ok(ask) => ask,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let id = RequestId::new(u64::try_from(self.random() >> 64).unwrap_or_default());
        let opened = Request::open(id, ask.clone(), now);
        let context = Context { facts, now, grant: GrantId::new(self.random()), order: Some((order, ownership)), preview: None };
        let more = asking::someone_can_approve(&opened, &facts, now).and_then(|()| decide::advance(&opened, &context));
        let more = match more {
            Ok(more) => more,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(after) = fold(&opened, &more, now) else { return Err(CommitError::Stale) };
        let events = std::iter::once(Event::Asked { ask }).chain(more).collect();
        Ok(Ok(Opening { after, events, context }))
    }
}

/// Everybody whom a policy's rules for asking name.
pub(super) fn askers(policy: &Policy) -> impl Iterator<Item = &Who> {
    policy.may_ask.iter().chain(&policy.on_behalf_of)
}

/// Everybody whom its rules for deciding name.
pub(super) fn approvers(policy: &Policy) -> impl Iterator<Item = &Who> {
    policy.stages.iter().flat_map(|stage| stage.approvers_at(u32::MAX))
}
