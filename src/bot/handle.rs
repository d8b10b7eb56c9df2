//! One command of a person, from the inbox to the answer.

use std::time::Duration;

use serde_json::json;

use super::{Answer, Body, Bot, Incoming, changes::Step, reports::fold};
use crate::{
    domain::{
        asking,
        command::{Act, Actor, Door, NewAsk},
        decide::{self, Context},
        event::{Event, Operation},
        facts::Facts,
        ids::{PersonId, ResourceId, RoleName},
        parse::{self, Parsed, RevokeTarget},
        policy::{Catalogue, Platform, Who},
        refusal::Refusal,
        request::{GrantId, Request, RequestId, State},
        time::Instant,
        words::Words,
    },
    store::{Commit, CommitError, Filter, InboxId, InboxRow, Received},
};

/// The row must be durable within this, or the presser is told to press again.
const RECEIVE: Duration = Duration::from_secs(2);
/// Loads and decides again this often when somebody else was faster.
const TRIES: usize = 50;

/// The command is not durable: "not recorded, press again".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not recorded: {0}")]
pub struct NotRecorded(pub String);

/// Who acts, with everything that was found out about them.
struct Caller {
    person: PersonId,
    actor: Actor,
    platform: Platform,
    inbox: InboxId,
}

impl Bot {
    /// Makes a verified command durable. After this it may be acknowledged; a start handles what is left.
    pub async fn receive(&self, incoming: &Incoming) -> Result<Received, NotRecorded> {
        let body = serde_json::to_string(incoming).map_err(|e| NotRecorded(e.to_string()))?;
        let row = InboxRow { id: inbox_id(incoming), at: self.now(), body };
        match tokio::time::timeout(RECEIVE, self.store.receive(row)).await {
            Ok(Ok(received)) => Ok(received),
            Ok(Err(error)) => Err(NotRecorded(error.to_string())),
            Err(_) => Err(NotRecorded("the store did not answer in time".into())),
        }
    }

    /// Receives and handles: for doors that answer in one go. None: it was seen before.
    pub async fn take(&self, incoming: &Incoming) -> Result<Option<Answer>, NotRecorded> {
        match self.receive(incoming).await? {
            Received::Duplicate => Ok(None),
            Received::New => Ok(Some(self.handle(incoming).await.map_err(|e| NotRecorded(e.to_string()))?)),
        }
    }

    /// Handles what was received before a stop or a crash.
    pub async fn handle_left(&self) -> Result<usize, CommitError> {
        let rows = self.store.inbox_open(1_000).await?;
        let count = rows.len();
        for row in rows {
            match serde_json::from_str::<Incoming>(&row.body) {
                Ok(incoming) => drop(self.handle(&incoming).await?),
                Err(error) => {
                    tracing::error!(inbox.interaction = %row.id.interaction, "an inbox row cannot be read: {error}");
                    self.store.commit(Commit { inbox_done: Some(row.id), ..Commit::default() }).await?;
                }
            }
        }
        Ok(count)
    }

    /// Decides a received command, commits, and answers its sender. Retried while others are faster.
    pub async fn handle(&self, incoming: &Incoming) -> Result<Answer, CommitError> {
        for _ in 0..TRIES {
            match self.attempt(incoming).await {
                Err(CommitError::Stale) if self.is_done(incoming).await? => {
                    return Ok(Answer::said("done_before", json!({})));
                }
                Err(CommitError::Stale) => {}
                done => {
                    self.wake.notify_waiters();
                    return done;
                }
            }
        }
        Err(CommitError::Stale)
    }

    async fn is_done(&self, incoming: &Incoming) -> Result<bool, CommitError> {
        Ok(!self.store.inbox_is_open(&inbox_id(incoming)).await?)
    }

    async fn attempt(&self, incoming: &Incoming) -> Result<Answer, CommitError> {
        let catalogue = self.catalogue();
        let Some(caller) = self.caller(incoming, &catalogue).await? else {
            return self.refuse(incoming, None, &Refusal::NotLinked).await;
        };
        let done = match &incoming.body {
            Body::Line { text } => self.line(&caller, text, &catalogue).await?,
            Body::Press { action, request, words } => self.press(&caller, action, request, words.as_deref(), &catalogue).await?,
        };
        match done {
            Ok(answer) => Ok(answer),
            Err(refusal) => self.refuse(incoming, Some(&caller), &refusal).await,
        }
    }

    async fn caller(&self, incoming: &Incoming, catalogue: &Catalogue) -> Result<Option<Caller>, CommitError> {
        let person = match catalogue.person_at(incoming.platform, &incoming.user) {
            Some(person) => Some(person.id.clone()),
            None => self.store.person_linked(incoming.platform, &incoming.user).await?,
        };
        let door = Door { platform: incoming.platform, user: incoming.user.clone(), interaction: incoming.interaction.clone() };
        Ok(person.map(|person| Caller {
            actor: Actor { person: Some(person.clone()), door: Some(door) },
            person,
            platform: incoming.platform,
            inbox: inbox_id(incoming),
        }))
    }

    /// Closes the inbox row with a "no"; refused rights go into the ledger.
    async fn refuse(&self, incoming: &Incoming, caller: Option<&Caller>, refusal: &Refusal) -> Result<Answer, CommitError> {
        let mut commit = Commit { inbox_done: Some(inbox_id(incoming)), now: Some(self.guard.highest()), ..Commit::default() };
        if is_right(refusal) {
            let door = Door { platform: incoming.platform, user: incoming.user.clone(), interaction: incoming.interaction.clone() };
            let actor = caller.map_or(Actor { person: None, door: Some(door) }, |c| c.actor.clone());
            let act = match &incoming.body {
                Body::Line { text } => text.split_whitespace().find(|w| *w != "/jit").unwrap_or("").chars().take(20).collect(),
                Body::Press { action, request, .. } => format!("{action} {request}").chars().take(60).collect(),
            };
            let act: String = act;
            let safe = act.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
            commit.entries.push(self.entry("bot", actor, &Operation::Refused { act: safe, why: refusal_name(refusal) }));
        }
        self.store.commit(commit).await?;
        Ok(Answer::Refused(refusal.clone()))
    }

    async fn line(&self, caller: &Caller, text: &str, catalogue: &Catalogue) -> Result<Result<Answer, Refusal>, CommitError> {
        let zone = catalogue.people.get(&caller.person).and_then(|p| p.time_zone).unwrap_or(catalogue.time_zone);
        let context = parse::Context { now: self.now(), time_zone: zone, catalogue, platform: caller.platform };
        let parsed = match parse::parse(text, &context) {
            Ok(parsed) => parsed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let words = |text: String| Words::new(text, self.random());
        let some = |text: Option<String>| text.map(&words);
        match parsed {
            Parsed::Request { resource, role, length, start, subject, reason, ticket } => {
                let Some(role) = role.or_else(|| only_role(catalogue, &resource)) else {
                    return Ok(Err(no_role(catalogue, &resource)));
                };
                let new = NewAsk { resource, role, length, start, subject, reason: words(reason), ticket };
                self.ask(caller, &new, catalogue).await
            }
            Parsed::Cancel(id, reason) => self.act(caller, &id, &Act::Cancel { reason: some(reason) }, catalogue).await,
            Parsed::Return(id) => self.act(caller, &id, &Act::Return, catalogue).await,
            Parsed::Extend(id, by, reason) => self.act(caller, &id, &Act::Extend { by, reason: some(reason) }, catalogue).await,
            Parsed::Settle(id, reason) => self.act(caller, &id, &Act::Settle { reason: words(reason) }, catalogue).await,
            Parsed::Revoke(RevokeTarget::Request(id), reason) => {
                self.act(caller, &id, &Act::Revoke { reason: words(reason) }, catalogue).await
            }
            Parsed::Revoke(RevokeTarget::Person(person), reason) => self.revoke_all(caller, &person, &reason, catalogue).await,
            Parsed::Approve(id, comment) => self.act(caller, &id, &Act::Approve { comment: some(comment) }, catalogue).await,
            Parsed::Deny(id, reason) => self.act(caller, &id, &Act::Deny { reason: words(reason) }, catalogue).await,
            Parsed::TakeBack(id) => self.act(caller, &id, &Act::TakeBack, catalogue).await,
            Parsed::Offer(id, less, comment) => self.act(caller, &id, &Act::Offer { less, comment: some(comment) }, catalogue).await,
            Parsed::Accept(id) => self.act(caller, &id, &Act::AcceptOffer, catalogue).await,
            Parsed::Decline(id) => self.act(caller, &id, &Act::DeclineOffer, catalogue).await,
            Parsed::Looking(id) => self.act(caller, &id, &Act::Looking, catalogue).await,
            Parsed::PassOn(id, to) => self.act(caller, &id, &Act::PassOn { to }, catalogue).await,
            Parsed::Key(key) => self.keep_key(caller, key).await,
            other => self.look(caller.person.clone(), caller.actor.clone(), caller.inbox.clone(), other, catalogue).await,
        }
    }

    async fn press(
        &self,
        caller: &Caller,
        action: &str,
        request: &str,
        words: Option<&str>,
        catalogue: &Catalogue,
    ) -> Result<Result<Answer, Refusal>, CommitError> {
        let Ok(id) = request.parse::<RequestId>() else {
            return Ok(Err(Refusal::NoSuchRequest { text: request.chars().take(40).collect() }));
        };
        let typed = words.map(|text| Words::new(text, self.random()));
        let reason = || typed.clone().unwrap_or_else(|| Words::new("", self.random()));
        let (verb, argument) = action.split_once(':').unwrap_or((action, ""));
        let act = match verb {
            "approve" => Act::Approve { comment: typed.clone() },
            "takeback" => Act::TakeBack,
            "deny" => Act::Deny { reason: reason() },
            "less" => match parse::less(words.unwrap_or(argument), catalogue) {
                Ok((less, comment)) => Act::Offer { less, comment: comment.map(|c| Words::new(c, self.random())) },
                Err(refusal) => return Ok(Err(refusal)),
            },
            "looking" => Act::Looking,
            "pass" => match parse::person(words.unwrap_or(argument), catalogue, caller.platform) {
                Ok(to) => Act::PassOn { to },
                Err(refusal) => return Ok(Err(refusal)),
            },
            "accept" => Act::AcceptOffer,
            "decline" => Act::DeclineOffer,
            "cancel" => Act::Cancel { reason: typed.clone() },
            "return" => Act::Return,
            "extend" => match parse::duration(argument) {
                Ok(by) => Act::Extend { by: Some(by), reason: typed.clone() },
                Err(refusal) => return Ok(Err(refusal)),
            },
            "revoke" => Act::Revoke { reason: reason() },
            _ => {
                return Ok(Err(Refusal::Grammar {
                    expected: "a button".into(),
                    found: action.chars().take(20).collect(),
                    near: Vec::new(),
                }));
            }
        };
        self.act(caller, &id, &act, catalogue).await
    }

    async fn ask(&self, caller: &Caller, new: &NewAsk, catalogue: &Catalogue) -> Result<Result<Answer, Refusal>, CommitError> {
        let subject = new.subject.as_ref().unwrap_or(&caller.person);
        let open =
            self.store.requests(&Filter { person: Some(subject.clone()), open: Some(true), limit: 1_000, ..Filter::default() }).await?;
        let policy = catalogue.role(&new.resource, &new.role).map(|(_, _, policy)| policy);
        let whos: Vec<Who> = policy.iter().flat_map(|p| p.may_ask.iter().chain(&p.on_behalf_of).chain(approvers(p)).cloned()).collect();
        let groups = self.gather(catalogue, None, &[&caller.person, subject], &whos).await;
        let facts = Facts { catalogue, groups: &groups };
        let now = self.now();
        if self.is_frozen() {
            return Ok(Err(Refusal::Frozen));
        }
        let blank = crate::domain::request::Preview::default();
        if let Err(refusal) = asking::judge(new, &caller.person, blank, &open, &facts, now) {
            return Ok(Err(refusal));
        }
        let (order, ownership, preview) = match self.resolve(catalogue, subject, &new.resource, &new.role).await {
            Ok(resolved) => resolved,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let ask = match asking::judge(new, &caller.person, preview, &open, &facts, now) {
            Ok(ask) => ask,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let id = RequestId::new(u64::try_from(self.random() >> 64).unwrap_or_default());
        let opened = Request::open(id, ask.clone(), now);
        let context = Context { facts, now, grant: GrantId::new(self.random()), order: Some((order, ownership)) };
        if let Some(policy) = policy
            && !crate::domain::rounds::can_be_satisfied(
                &opened,
                crate::domain::rounds::chain(policy, asking::duration_from(&ask, ask.start.unwrap_or(now))),
                &facts,
            )
        {
            return Ok(Err(Refusal::NobodyCanApprove { resource: new.resource.clone(), role: new.role.clone() }));
        }
        let more = match decide::advance(&opened, &context) {
            Ok(more) => more,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(after) = fold(&opened, &more, now) else { return Err(CommitError::Stale) };
        let mut events = vec![Event::Asked { ask }];
        events.extend(more);
        let mut commit = Commit { inbox_done: Some(caller.inbox.clone()), words: vec![new.reason.clone()], ..Commit::default() };
        let step = Step { before: None, after: &after, events: &events, actor: &caller.actor, order: context.order.clone() };
        self.changes(&mut commit, step, catalogue, &groups, now).await?;
        self.store.commit(commit).await?;
        Ok(Ok(Answer::said("asked", self.summary(&after, &caller.person, now).await?)))
    }

    async fn act(&self, caller: &Caller, id: &RequestId, act: &Act, catalogue: &Catalogue) -> Result<Result<Answer, Refusal>, CommitError> {
        let Some(before) = self.store.request(id).await? else {
            return Ok(Err(Refusal::NoSuchRequest { text: id.to_string() }));
        };
        let to = match act {
            Act::PassOn { to } => Some(to),
            _ => None,
        };
        let people: Vec<&PersonId> = [&caller.person, &before.subject].into_iter().chain(to).collect();
        let groups = self.gather(catalogue, Some(&before), &people, &[]).await;
        let order = self.order_for(&before, act, catalogue).await;
        let now = self.now();
        if self.is_frozen() && matches!(act, Act::Approve { .. } | Act::AcceptOffer | Act::Extend { .. }) {
            return Ok(Err(Refusal::Frozen));
        }
        let context =
            Context { facts: Facts { catalogue, groups: &groups }, now, grant: GrantId::new(self.random()), order: order.clone() };
        let events = match decide::act(&before, &caller.person, act, &context) {
            Ok(events) => events,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(after) = fold(&before, &events, now) else { return Err(CommitError::Stale) };
        let mut commit = Commit { inbox_done: Some(caller.inbox.clone()), words: words_of(act), ..Commit::default() };
        let step = Step { before: Some(&before), after: &after, events: &events, actor: &caller.actor, order };
        self.changes(&mut commit, step, catalogue, &groups, now).await?;
        self.store.commit(commit).await?;
        let mut data = self.summary(&after, &caller.person, now).await?;
        data["act"] = json!(act_name(act));
        data["events"] = json!(events.iter().map(Event::name).collect::<Vec<_>>());
        Ok(Ok(Answer::said("acted", data)))
    }

    /// Only what may grant needs to ask the provider again.
    async fn order_for(
        &self,
        request: &Request,
        act: &Act,
        catalogue: &Catalogue,
    ) -> Option<(crate::domain::entitlement::Order, crate::domain::entitlement::Ownership)> {
        let State::Pending { round } = &request.state else { return None };
        let ask = request.main_ask();
        let role = match act {
            Act::Approve { .. } => ask.role.clone(),
            Act::AcceptOffer => round.offer.as_ref()?.less.role.clone().unwrap_or_else(|| ask.role.clone()),
            _ => return None,
        };
        let resolved = self.resolve(catalogue, &request.subject, &ask.resource, &role).await.ok()?;
        Some((resolved.0, resolved.1))
    }

    /// Everything that a person holds, one request at a time; each with its own right.
    async fn revoke_all(
        &self,
        caller: &Caller,
        person: &PersonId,
        reason: &str,
        catalogue: &Catalogue,
    ) -> Result<Result<Answer, Refusal>, CommitError> {
        let open =
            self.store.requests(&Filter { person: Some(person.clone()), open: Some(true), limit: 1_000, ..Filter::default() }).await?;
        let groups = self.gather(catalogue, None, &[&caller.person], &[]).await;
        let (mut ended, mut refused) = (Vec::new(), None);
        for request in open.iter().filter(|r| r.subject == *person) {
            let mut groups = groups.clone();
            groups.asked.extend(self.gather(catalogue, Some(request), &[], &[]).await.asked);
            let words = Words::new(reason, self.random());
            let act = Act::Revoke { reason: words.clone() };
            let now = self.now();
            let facts = Facts { catalogue, groups: &groups };
            let context = Context { facts, now, grant: GrantId::new(self.random()), order: None };
            match decide::act(request, &caller.person, &act, &context) {
                Err(refusal) => refused = Some(refusal),
                Ok(events) => {
                    let Some(after) = fold(request, &events, now) else { continue };
                    let mut commit = Commit { words: vec![words], ..Commit::default() };
                    let step = Step { before: Some(request), after: &after, events: &events, actor: &caller.actor, order: None };
                    self.changes(&mut commit, step, catalogue, &groups, now).await?;
                    self.store.commit(commit).await?;
                    ended.push(request.id.to_string());
                }
            }
        }
        if let (true, Some(refusal)) = (ended.is_empty(), refused) {
            return Ok(Err(refusal));
        }
        self.store.commit(Commit { inbox_done: Some(caller.inbox.clone()), ..Commit::default() }).await?;
        Ok(Ok(Answer::said("revoked_all", json!({ "person": person, "ended": ended }))))
    }

    async fn keep_key(&self, caller: &Caller, key: String) -> Result<Result<Answer, Refusal>, CommitError> {
        let Ok(public) = ssh_key::PublicKey::from_openssh(key.trim()) else {
            return Ok(Err(Refusal::BadText {
                what: "key".into(),
                why: "it is not an OpenSSH public key such as `ssh-ed25519 AAAA…`".into(),
            }));
        };
        let fingerprint = public.fingerprint(ssh_key::HashAlg::Sha256).to_string();
        let value = ssh_key::PublicKey::new(public.key_data().clone(), "").to_openssh().unwrap_or_default();
        let person = caller.person.clone();
        let linked = Operation::Linked { person: person.clone(), what: format!("ssh_public_key {fingerprint}") };
        self.store
            .commit(Commit {
                inbox_done: Some(caller.inbox.clone()),
                inputs: vec![crate::store::InputWrite { person, key: "ssh_public_key".into(), value, at: self.now() }],
                entries: vec![self.entry("bot", caller.actor.clone(), &linked)],
                ..Commit::default()
            })
            .await?;
        Ok(Ok(Answer::said("key_kept", json!({ "fingerprint": fingerprint }))))
    }

    /// What an answer about one request shows.
    pub(super) async fn summary(&self, request: &Request, reader: &PersonId, now: Instant) -> Result<serde_json::Value, CommitError> {
        let texts = self.store.texts(&crate::domain::words::of(request)).await?;
        Ok(json!({ "id": request.id, "request": request, "texts": texts, "reader": reader, "now": now }))
    }
}

fn inbox_id(incoming: &Incoming) -> InboxId {
    InboxId { platform: incoming.platform, interaction: incoming.interaction.clone() }
}

fn approvers(policy: &crate::domain::policy::Policy) -> impl Iterator<Item = &Who> {
    policy.stages.iter().flat_map(|stage| stage.approvers_at(u32::MAX))
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

/// A refused right is recorded; a typing mistake is not.
const fn is_right(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::NotLinked
            | Refusal::Inactive
            | Refusal::NotAdministrator
            | Refusal::NotAuditor
            | Refusal::MayNotAsk { .. }
            | Refusal::MayNotAskFor { .. }
            | Refusal::OwnRequest
            | Refusal::NotApprover { .. }
            | Refusal::CannotPassTo { .. }
            | Refusal::NotHolder
            | Refusal::MayNotRevoke
            | Refusal::OwnSettle
    )
}

fn refusal_name(refusal: &Refusal) -> String {
    let value = serde_json::to_value(refusal).unwrap_or_default();
    value.get("refusal").and_then(|r| r.as_str()).unwrap_or("refused").to_owned()
}
