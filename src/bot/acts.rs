//! An act of a person on one request, or on all that somebody holds.

use serde_json::json;

use super::{
    Answer, Bot,
    asks::{approvers, askers},
    changes::Step,
    facts::{Fresh, Whom},
    handle::{Caller, Decided},
    reports::fold,
};
use crate::{
    domain::{
        asking,
        command::{Act, Length},
        decide::{self, Context},
        entitlement::{Order, Ownership},
        event::Event,
        facts::Facts,
        ids::PersonId,
        policy::{Catalogue, Who},
        pressed::About,
        refusal::Refusal,
        request::{GrantId, Preview, Request, RequestId, State},
        time::{Instant, Span},
        words::Words,
    },
    store::{Commit, CommitError, Filter, InboxId},
};

/// Decides again this often when somebody else changed a request that is ended among others.
const TRIES: usize = 20;

impl Bot {
    /// On whatever is open of it.
    pub(super) async fn act(&self, caller: &Caller, id: &RequestId, act: &Act, catalogue: &Catalogue) -> Decided {
        self.act_about(caller, id, act, About::default(), catalogue).await
    }

    /// `about`: what it has to be that is open, for a button was pressed that was shown for it.
    pub(super) async fn act_about(&self, caller: &Caller, id: &RequestId, act: &Act, about: About, catalogue: &Catalogue) -> Decided {
        let Some(before) = self.store.request(id).await? else {
            return Ok(Err(Refusal::NoSuchRequest { text: id.to_string() }));
        };
        if let Err(refusal) = about.check(&before) {
            return Ok(Err(refusal));
        }
        let done = match self.act_on(caller, &before, act, catalogue, Some(caller.inbox.clone())).await? {
            Ok(done) => done,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut data = self.summary(&done.after, &caller.person, done.now).await?;
        data["act"] = json!(act_name(act));
        data["events"] = json!(done.events.iter().map(Event::name).collect::<Vec<_>>());
        Ok(Ok(Answer::said("acted", data)))
    }

    /// Asks the facts, decides and commits. `inbox`: the row that this closes.
    async fn act_on(
        &self,
        caller: &Caller,
        before: &Request,
        act: &Act,
        catalogue: &Catalogue,
        inbox: Option<InboxId>,
    ) -> Result<Result<Done, Refusal>, CommitError> {
        let to = match act {
            Act::PassOn { to } => Some(to),
            _ => None,
        };
        let people: Vec<&PersonId> = [&caller.person, &before.subject].into_iter().chain(to).collect();
        let voters = before.round().into_iter().flat_map(|round| round.votes.iter().map(|vote| &vote.person));
        self.must_know(people.iter().copied().chain(voters).collect::<Vec<_>>(), catalogue).await?;
        let (among, chain) = asked_anew(before, act, catalogue);
        let whom = Whom { presser: Some(caller.presser()), others: &people, among: &among, chain: &chain, called: &[], listed: false };
        let groups = self.gather(catalogue, Some(before), whom, Fresh::Now).await;
        let (order, preview) = self.resolved_for(before, act, catalogue).await.unzip();
        let now = self.now();
        if self.is_frozen() && matches!(act, Act::Approve { .. } | Act::AcceptOffer | Act::Extend { .. }) {
            return Ok(Err(Refusal::Frozen));
        }
        if let Err(refusal) = self.reason_suffices(before, act, catalogue).await? {
            return Ok(Err(refusal));
        }
        let facts = Facts { catalogue, groups: &groups };
        let context = Context { facts, now, grant: GrantId::new(self.random()), order: order.clone(), preview };
        let events = match decide::act(before, &caller.person, act, &context) {
            Ok(events) => events,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(after) = fold(before, &events, now) else { return Err(CommitError::Stale) };
        let mut commit = Commit { inbox_done: inbox, words: words_of(act), ..Commit::default() };
        let step = Step { before: Some(before), after: &after, events: &events, actor: &caller.actor, order };
        self.changes(&mut commit, step, catalogue, &groups, now).await?;
        self.decided(commit).await?;
        Ok(Ok(Done { after, events, now }))
    }

    /// Only what may grant needs to ask the provider again.
    async fn resolved_for(&self, request: &Request, act: &Act, catalogue: &Catalogue) -> Option<((Order, Ownership), Preview)> {
        let State::Pending { round } = &request.state else { return None };
        let ask = request.main_ask();
        let role = match act {
            Act::Approve { .. } => ask.role.clone(),
            Act::AcceptOffer => round.offer.as_ref()?.less.role.clone().unwrap_or_else(|| ask.role.clone()),
            _ => return None,
        };
        let (order, ownership, preview) = self.resolve(catalogue, &request.subject, &ask.resource, &role).await.ok()?;
        Some(((order, ownership), preview))
    }

    /// The role that is offered may want a longer reason than the one that was asked for.
    async fn reason_suffices(&self, request: &Request, act: &Act, catalogue: &Catalogue) -> Result<Result<(), Refusal>, CommitError> {
        let State::Pending { round } = &request.state else { return Ok(Ok(())) };
        let (Act::AcceptOffer, Some(offer)) = (act, &round.offer) else { return Ok(Ok(())) };
        let ask = request.main_ask();
        let role = offer.less.role.as_ref().unwrap_or(&ask.role);
        let Some((_, _, policy)) = catalogue.role(&ask.resource, role) else { return Ok(Ok(())) };
        let Some(reason) = &ask.reason else { return Ok(Ok(())) };
        let texts = self.store.texts(std::slice::from_ref(reason)).await?;
        // An erased reason was long enough once.
        Ok(texts.get(reason).map_or(Ok(()), |text| asking::check_reason(text, policy)))
    }

    /// How much more time a length means for a grant that runs; a later end is counted from the one it has.
    pub(super) async fn more_time(&self, id: &RequestId, length: Option<Length>) -> Result<Result<Option<Span>, Refusal>, CommitError> {
        let end = match length {
            None => return Ok(Ok(None)),
            Some(Length::For(span)) => return Ok(Ok(Some(span))),
            Some(Length::Until(end)) => end,
        };
        Ok(match self.store.request(id).await?.map(|request| request.state) {
            Some(State::Active { work, .. }) if end <= work.until => Err(Refusal::EndsLater { until: work.until }),
            Some(State::Active { work, .. }) => Ok(Some(end.since(work.until))),
            // It is refused for another reason.
            _ => Ok(None),
        })
    }

    /// Everything that a person holds or was approved for, one request at a time; each with its own right, each told.
    pub(super) async fn revoke_all(&self, caller: &Caller, person: &PersonId, reason: &str, catalogue: &Catalogue) -> Decided {
        let open = Filter { person: Some(person.clone()), open: Some(true), limit: 1_000, ..Filter::default() };
        let open = self.store.requests(&open).await?;
        let held = open.iter().filter(|request| request.subject == *person && is_given(&request.state));
        let (mut ended, mut kept, mut why) = (Vec::new(), Vec::new(), None);
        for request in held {
            let act = Act::Revoke { reason: Words::new(reason, self.random()) };
            match self.act_until_fresh(caller, &request.id, &act, catalogue).await? {
                Ok(()) => ended.push(request.id.to_string()),
                Err(refusal) => {
                    kept.push(request.id.to_string());
                    why = Some(refusal);
                }
            }
        }
        if let (true, Some(refusal)) = (ended.is_empty(), why) {
            return Ok(Err(refusal));
        }
        self.store.commit(Commit { inbox_done: Some(caller.inbox.clone()), ..Commit::default() }).await?;
        Ok(Ok(Answer::said("revoked_all", json!({ "person": person, "ended": ended, "kept": kept }))))
    }

    async fn act_until_fresh(
        &self,
        caller: &Caller,
        id: &RequestId,
        act: &Act,
        catalogue: &Catalogue,
    ) -> Result<Result<(), Refusal>, CommitError> {
        for _ in 0..TRIES {
            let Some(before) = self.store.request(id).await? else { break };
            match self.act_on(caller, &before, act, catalogue, None).await {
                Err(CommitError::Stale) => {}
                done => return done.map(|done| done.map(drop)),
            }
        }
        Err(CommitError::Stale)
    }
}

/// What became of an act.
struct Done {
    after: Request,
    events: Vec<Event>,
    now: Instant,
}

/// Approved: there, on its way, or waiting for its start.
const fn is_given(state: &State) -> bool {
    matches!(state, State::Scheduled { .. } | State::Granting { .. } | State::Active { .. })
}

/// Accepting an offer is asking anew: who may ask, and who could approve it, is looked up again.
fn asked_anew(request: &Request, act: &Act, catalogue: &Catalogue) -> (Vec<Who>, Vec<Who>) {
    if !matches!(act, Act::AcceptOffer) {
        return Default::default();
    }
    let roles = catalogue.resources.get(&request.main_ask().resource).into_iter().flat_map(|resource| &resource.roles);
    let policies: Vec<_> = roles.filter_map(|role| catalogue.policies.get(&role.policy)).collect();
    (policies.iter().flat_map(|p| askers(p)).cloned().collect(), policies.iter().flat_map(|p| approvers(p)).cloned().collect())
}

fn words_of(act: &Act) -> Vec<Words> {
    let words = match act {
        Act::Approve { comment } | Act::Offer { comment, .. } => comment.as_ref(),
        Act::Cancel { reason } | Act::Extend { reason, .. } => reason.as_ref(),
        Act::Deny { reason } | Act::Revoke { reason } | Act::Settle { reason } => Some(reason),
        Act::TakeBack | Act::AcceptOffer | Act::DeclineOffer | Act::Looking | Act::PassOn { .. } | Act::Return => None,
    };
    words.into_iter().cloned().collect()
}

const fn act_name(act: &Act) -> &'static str {
    match act {
        Act::Approve { .. } => "approve",
        Act::TakeBack => "takeback",
        Act::Deny { .. } => "deny",
        Act::Offer { .. } => "offer",
        Act::AcceptOffer => "accept",
        Act::DeclineOffer => "decline",
        Act::Looking => "looking",
        Act::PassOn { .. } => "pass",
        Act::Cancel { .. } => "cancel",
        Act::Return => "return",
        Act::Extend { .. } => "extend",
        Act::Revoke { .. } => "revoke",
        Act::Settle { .. } => "settle",
    }
}
