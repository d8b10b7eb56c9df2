//! Fetches a credential for somebody who waits for it: under the entitlement's lease and with its intent, like any other call,
//! so that no end crosses it. Must not keep the credential, print it, or decide whose it is.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Deps, entitlements::entry, lifeline::Lifeline};
use crate::{
    bot::{Fetch, Fetched, Hands},
    domain::{
        entitlement::{Claim, Entitlement, EntitlementKey},
        event::{Effect, Outcome, Verb},
        limits,
        plan::{holds, learn},
        refusal::Refusal,
        request::{Grant, State},
        time::{Instant, Span},
    },
    provider::{Fault, FaultKind, Provider},
    store::{Commit, CommitError, EntitlementWrite, Fence, Leased, NewEntry},
};

/// Whoever waits for it waits for a worker that is at the same entitlement: so many looks whether it is free, so far apart.
const LOOKS: usize = 40;
const APART: Duration = Duration::from_millis(50);
/// Between the intent and the call: the call is over by the deadline that was committed, also in another process.
const BEFORE: Span = Span::from_seconds(5);
/// A lease outlasts the call by this much.
const MARGIN: Span = Span::from_seconds(30);

/// What the workers do for somebody who waits.
pub(super) struct Hand {
    pub deps: Weak<Deps>,
    pub lifeline: Arc<Lifeline>,
}

#[async_trait]
impl Hands for Hand {
    async fn fetch(&self, fetch: &Fetch) -> Result<Fetched, CommitError> {
        let State::Active { grant, .. } = &fetch.request.state else { return Err(CommitError::Stale) };
        let Some(deps) = self.deps.upgrade().filter(|deps| !deps.is_stopping()) else { return Ok(busy()) };
        let Some(leased) = lease(&deps, &grant.entitlement).await? else { return Ok(busy()) };
        let (key, fence) = (leased.row.key.clone(), leased.fence);
        self.lifeline.leased(&key, fence);
        let fetched = Errand { deps: &deps, lifeline: &self.lifeline, fetch, grant, leased }.run().await;
        self.lifeline.released(&key, fence);
        if fetched.is_err() {
            deps.store.owe_free(key, Some(fence), deps.bot.now());
            deps.store.pay().await?;
        }
        fetched
    }
}

/// The lease, as soon as no worker has it.
async fn lease(deps: &Deps, key: &EntitlementKey) -> Result<Option<Leased>, CommitError> {
    for _ in 0..LOOKS {
        let Some(row) = deps.store.entitlement(key).await? else { return Ok(None) };
        let Some(provider) = deps.bot.providers().get(&row.order.provider).cloned() else { return Ok(None) };
        let (now, span) = (deps.bot.now(), span(deps, &*provider));
        let leased = deps.store.lease_entitlement(key, now, now + span + span + MARGIN).await?;
        if leased.is_some() {
            return Ok(leased);
        }
        tokio::time::sleep(APART).await;
    }
    Ok(None)
}

/// How long a call may take on the bot's clock.
fn span(deps: &Deps, provider: &dyn Provider) -> Span {
    Span::from_seconds(provider.describe().deadline.seconds().max(1) * i64::from(deps.pace.max(1)))
}

fn busy() -> Fetched {
    Fetched::NotBegun(Refusal::CredentialFailed { why: "something else is being done there just now".into(), unknown: false })
}

/// One credential that is being fetched.
struct Errand<'a> {
    deps: &'a Deps,
    lifeline: &'a Lifeline,
    fetch: &'a Fetch,
    grant: &'a Grant,
    leased: Leased,
}

impl Errand<'_> {
    async fn run(mut self) -> Result<Fetched, CommitError> {
        let deps = self.deps;
        let claims = deps.store.claims(std::slice::from_ref(&self.leased.row.key)).await?;
        let Some(provider) = deps.bot.providers().get(&self.leased.row.order.provider).cloned() else { return Ok(busy()) };
        let now = deps.bot.now();
        let deadline = now + span(deps, &*provider) + Span::from_seconds(BEFORE.seconds() * i64::from(deps.pace.max(1)));
        if let Err(refused) = self.may_begin(&*provider, &claims, deadline) {
            self.save(&claims, now, true, Vec::new()).await?;
            return refused;
        }
        let Some(here) = self.lifeline.call(&self.leased.row.key) else {
            self.save(&claims, now, true, Vec::new()).await?;
            return Ok(busy());
        };
        learn::begin_credential(&mut self.leased.row, now, deadline);
        let intent = self.intent(&claims, deadline);
        let begin = Commit { inbox_done: Some(self.fetch.inbox.clone()), ..self.commit(&claims, deadline, false, vec![intent]) };
        deps.store.commit(begin).await?;
        let answer = if deps.bot.now() + span(deps, &*provider) > deadline {
            Err(Fault::new(FaultKind::Transient, "the store was too slow: the target was not asked"))
        } else {
            self.ask(&*provider).await
        };
        drop(here);
        Ok(self.answered(&claims, answer).await)
    }

    /// Only for access that is there by this grant, while nothing else is being done to it. Stale: it has just been ended.
    fn may_begin(&self, provider: &dyn Provider, claims: &[Claim], deadline: Instant) -> Result<(), Result<Fetched, CommitError>> {
        let row = &self.leased.row;
        let Some(claim) = claims.iter().find(|claim| claim.grant == self.grant.id && claim.wanted) else {
            return Err(Err(CommitError::Stale));
        };
        let not = |refusal| Err(Ok(Fetched::NotBegun(refusal)));
        if claim.until.is_none_or(|until| until <= deadline) {
            return not(Refusal::NoTimeLeft);
        }
        let hands_over = provider.describe_for(&row.order.target).hands_over();
        if !hands_over || !row.given || row.had_before == Some(true) {
            return not(Refusal::NoCredential);
        }
        let at_work = row.call.is_some() || row.waiting.is_some() || !row.progress.overtaken.is_empty();
        if at_work || self.lifeline.taken(&row.key).is_some() { Err(Ok(busy())) } else { Ok(()) }
    }

    async fn ask(&self, provider: &dyn Provider) -> Result<SecretString, Fault> {
        let row = &self.leased.row;
        let most = provider.describe_for(&row.order.target).deadline.std().max(Duration::from_secs(1));
        let secret = match tokio::time::timeout(most, provider.credential(&row.order, row.handle.as_ref())).await {
            Ok(answer) => answer?,
            Err(_) => return Err(Fault::new(FaultKind::Ambiguous, "no answer in time")),
        };
        if can_be_shown(secret.expose_secret()) {
            return Ok(secret);
        }
        let why = "what it made cannot be shown in a chat: it is empty, too long, or has characters that nobody sees, or three backticks in a row";
        Err(Fault::new(FaultKind::Invalid, why))
    }

    /// Written down before it is answered: what cannot be written down is not shown.
    async fn answered(mut self, claims: &[Claim], answer: Result<SecretString, Fault>) -> Fetched {
        let (now, until) = (self.deps.bot.now(), self.leased.row.call.as_ref().map(|call| call.deadline));
        let unknown = matches!(&answer, Err(fault) if fault.kind == FaultKind::Ambiguous);
        let (outcome, detail) = match &answer {
            Ok(_) => (Outcome::Ok, String::new()),
            Err(fault) if unknown => (Outcome::Unknown, fault.message.clone()),
            Err(fault) => (Outcome::Failed, fault.message.clone()),
        };
        learn::credential(&mut self.leased.row, !unknown);
        let entry = self.entry(&Effect::Outcome { verb: Verb::Credential, outcome, tries: 1, detail });
        let due = until.filter(|_| unknown).unwrap_or(now);
        let lost = |why: &str| Fetched::Failed(Refusal::CredentialFailed { why: why.to_owned(), unknown: true });
        match answer {
            Ok(secret) => match self.deps.bot.is_shown(self.fetch, &self.grant.id, &self.commit(claims, due, true, vec![entry])).await {
                Ok(true) => Fetched::Secret(secret),
                Ok(false) => lost("the access ended meanwhile"),
                Err(error) => self.unwritten(&error, lost("our own store does not answer")),
            },
            Err(fault) => {
                let unknown = unknown || fault.kind == FaultKind::Invalid;
                let failed = Fetched::Failed(Refusal::CredentialFailed { why: fault.message, unknown });
                match self.save(claims, due, true, vec![entry]).await {
                    Ok(()) => failed,
                    Err(error) => self.unwritten(&error, failed),
                }
            }
        }
    }

    /// The call stays in its row, and is over with its deadline; the lease goes back as soon as that can be written.
    fn unwritten(&self, error: &CommitError, fetched: Fetched) -> Fetched {
        tracing::error!(entitlement = %self.leased.row.key.0, %error, "what came of fetching a credential cannot be written down");
        self.deps.store.owe_free(self.leased.row.key.clone(), Some(self.leased.fence), self.deps.bot.now());
        fetched
    }

    fn intent(&self, claims: &[Claim], deadline: Instant) -> NewEntry {
        let Entitlement { order, had_before, .. } = &self.leased.row;
        self.entry(&Effect::Intent {
            verb: Verb::Credential,
            deadline,
            had_before: *had_before,
            grants: claims.iter().filter(|claim| claim.grant == self.grant.id).map(|claim| claim.grant.to_string()).collect(),
            provider: order.provider.to_string(),
            target: order.target.to_string(),
            principal: order.principal.clone(),
        })
    }

    fn entry(&self, effect: &Effect) -> NewEntry {
        entry(self.deps, &self.leased.row.key, effect)
    }

    fn commit(&self, claims: &[Claim], due_at: Instant, release: bool, entries: Vec<NewEntry>) -> Commit {
        let urgent = claims.iter().any(|claim| !holds(claim, self.deps.bot.now()));
        let (row, seen_gen) = (self.leased.row.clone(), self.leased.generation);
        let fence = Some(Fence { key: row.key.clone(), fence: self.leased.fence });
        let save = EntitlementWrite::Save { row, due_at: Some(due_at), urgent, seen_gen, release };
        Commit { entitlements: vec![save], entries, fence, ..Commit::default() }
    }

    /// What depends on nothing but the lease: when a deadlock stops it, it is written again as it is.
    async fn save(&self, claims: &[Claim], due_at: Instant, release: bool, entries: Vec<NewEntry>) -> Result<(), CommitError> {
        let commit = self.commit(claims, due_at, release, entries);
        match self.deps.store.commit(commit.clone()).await {
            Err(CommitError::Stale) => self.deps.store.commit(commit).await,
            done => done,
        }
    }
}

/// Every chat shows it whole, and as it is: each line begins and ends with something that is seen, and nothing in it ends the code
/// that it stands in. The strictest counts UTF-16 units.
fn can_be_shown(secret: &str) -> bool {
    let seen = |c: char| c == ' ' || c.is_ascii_graphic() || (!c.is_ascii() && c.is_alphanumeric());
    let fits = secret.encode_utf16().count() <= limits::SECRET && !secret.contains("```");
    let line = |line: &str| !line.is_empty() && line.trim() == line && line.chars().all(seen);
    !secret.is_empty() && fits && secret.strip_suffix('\n').unwrap_or(secret).split('\n').all(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_chat_shows_as_it_is_can_be_shown() {
        for fine in [
            "hunter2",
            "-----BEGIN KEY-----\nabc=\n-----END KEY-----\n",
            "with a  gap",
            "pässwörd",
            "{{x}} <!channel> *b* `c`",
            "`",
            "``a``",
        ] {
            assert!(can_be_shown(fine), "{fine}");
        }
        for not in [
            "",
            "\n",
            "a```b",
            " hunter2",
            "hunter2 ",
            "a\n\nb",
            "tab\there",
            "zero\u{200b}width",
            "\u{202e}rtl",
            "bell\u{7}",
            &"x".repeat(3_501),
            &"\u{20000}".repeat(1_751),
        ] {
            assert!(!can_be_shown(not), "{not:?}");
        }
    }
}
