//! One command of a person, from the inbox to the answer: durable, decided, committed, answered.

use std::time::Duration;

use serde_json::json;

use super::{Answer, Body, Bot, Incoming, Unread};
use crate::{
    domain::{
        command::{Actor, Door},
        event::Operation,
        ids::PersonId,
        policy::{Catalogue, Platform},
        refusal::Refusal,
    },
    faults,
    store::{Commit, CommitError, InboxId, InboxRow, Received},
};

/// The row must be durable within this, or the presser is told to press again.
const RECEIVE: Duration = Duration::from_secs(2);
/// Loads and decides again this often when somebody else was faster.
const TRIES: usize = 50;

/// The command is not durable: "not recorded, press again".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not recorded: {0}")]
pub struct NotRecorded(pub String);

impl NotRecorded {
    /// What the presser is told: nothing was done, press again.
    pub const fn answer() -> Answer {
        Answer::Refused(Refusal::NotRecorded)
    }
}

/// What a person is told, or why not; the error is the store's.
pub(super) type Decided = Result<Result<Answer, Refusal>, CommitError>;

/// Who acts, and through which row of the inbox.
pub(super) struct Caller {
    pub person: PersonId,
    pub actor: Actor,
    pub platform: Platform,
    pub inbox: InboxId,
}

impl Caller {
    /// Who acts, and through which platform.
    pub(super) const fn presser(&self) -> (&PersonId, Platform) {
        (&self.person, self.platform)
    }
}

impl Bot {
    /// Makes a verified command durable. After this it may be acknowledged; a start handles what is left.
    pub async fn receive(&self, incoming: &Incoming) -> Result<Received, NotRecorded> {
        let incoming = &incoming.bounded();
        let body = incoming.to_stored().map_err(NotRecorded)?;
        let row = InboxRow { id: inbox_id(incoming), at: self.now(), body };
        match tokio::time::timeout(RECEIVE, self.store.receive(row)).await {
            Ok(Ok(received)) => {
                faults::point("inbox.written");
                Ok(received)
            }
            Ok(Err(error)) => Err(NotRecorded(error.to_string())),
            Err(_) => Err(NotRecorded("the store did not answer in time".into())),
        }
    }

    /// Receives and handles: for doors that answer in one go. None: it was seen before.
    pub async fn take(&self, incoming: &Incoming) -> Result<Option<Answer>, NotRecorded> {
        match self.receive(incoming).await? {
            Received::Duplicate => Ok(None),
            Received::New => Ok(Some(self.handle(incoming).await.unwrap_or_else(|error| {
                // It is durable, and handled as soon as it can be: to press again would ask for it twice.
                tracing::error!(%error, "a command was received and could not be handled yet");
                Answer::said("later", json!({}))
            }))),
        }
    }

    /// Handles what was received before a stop or a crash. A row that fails keeps no other waiting; only a store that is
    /// unavailable ends it. Returns how many were handled.
    pub async fn handle_left(&self) -> Result<usize, CommitError> {
        let mut handled = 0;
        for row in self.store.inbox_open(1_000).await? {
            match self.handle_row(&row).await {
                Ok(()) => handled += 1,
                Err(error @ CommitError::Unavailable(_)) => return Err(error),
                Err(error) => {
                    tracing::error!(inbox.interaction = %row.id.interaction, "an inbox row is left for another time: {error}");
                }
            }
        }
        Ok(handled)
    }

    async fn handle_row(&self, row: &InboxRow) -> Result<(), CommitError> {
        match Incoming::from_stored(&row.body) {
            // Whoever waited for it is gone: it would end the one before, and nobody would see the new one.
            Ok(incoming) if incoming.fetches() => {
                tracing::info!(inbox.interaction = %row.id.interaction, "a credential was asked for and not handed over: it is to be asked for again");
                self.store.commit(Commit { inbox_done: Some(row.id.clone()), ..Commit::default() }).await
            }
            Ok(incoming) => self.handle(&incoming).await.map(drop),
            Err(error @ Unread::Newer(_)) => {
                tracing::error!(inbox.interaction = %row.id.interaction, "an inbox row is left for a newer hallpass: {error}");
                Ok(())
            }
            Err(error) => {
                tracing::error!(inbox.interaction = %row.id.interaction, "an inbox row cannot be read: {error}");
                self.store.commit(Commit { inbox_done: Some(row.id.clone()), ..Commit::default() }).await
            }
        }
    }

    /// Decides a received command, commits, and answers its sender. Retried while others are faster.
    pub async fn handle(&self, incoming: &Incoming) -> Result<Answer, CommitError> {
        let incoming = &incoming.bounded();
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
        // A provider may take its time with a credential, and nothing is granted with it: a reload does not wait for that.
        let _decision = if incoming.fetches() { None } else { Some(self.decisions.read().await) };
        let caller = match self.caller(incoming).await? {
            Ok(caller) => caller,
            Err(refusal) => return self.refuse(incoming, None, &refusal).await,
        };
        let catalogue = self.catalogue();
        match self.judged(incoming, caller.as_ref(), &catalogue).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(refusal)) => self.refuse(incoming, caller.as_ref(), &refusal).await,
            // It can never be written: a row that stays open would be tried for ever.
            Err(CommitError::Refused(why)) => {
                tracing::error!(inbox.interaction = %incoming.interaction, "a command cannot be written down and is refused: {why}");
                self.refuse(incoming, caller.as_ref(), &Refusal::Unwritable).await
            }
            Err(error) => Err(error),
        }
    }

    async fn judged(&self, incoming: &Incoming, caller: Option<&Caller>, catalogue: &Catalogue) -> Decided {
        match (caller, &incoming.body) {
            (Some(caller), Body::Line { text }) => self.line(caller, text, catalogue).await,
            (Some(caller), Body::Press { action, request, words }) => {
                self.press(caller, action, request, words.as_deref(), catalogue).await
            }
            (Some(caller), Body::Form(filled)) => self.filled(caller, filled, catalogue).await,
            (None, Body::Line { text }) => self.stranger(incoming, text, catalogue).await,
            (None, _) => Ok(Err(Refusal::NotLinked)),
        }
    }

    /// From ids only, never from names. A chat that must say who this is and does not answer is a refusal.
    async fn caller(&self, incoming: &Incoming) -> Result<Result<Option<Caller>, Refusal>, CommitError> {
        let person = self.person_behind(incoming.platform, &incoming.user).await?;
        let caller = |person: PersonId| Caller {
            actor: Actor { person: Some(person.clone()), door: Some(door(incoming)) },
            person,
            platform: incoming.platform,
            inbox: inbox_id(incoming),
        };
        Ok(person.map(|person| person.map(caller)))
    }

    /// Closes the inbox row with a "no"; refused rights go into the ledger.
    async fn refuse(&self, incoming: &Incoming, caller: Option<&Caller>, refusal: &Refusal) -> Result<Answer, CommitError> {
        let mut commit = Commit { inbox_done: Some(inbox_id(incoming)), now: Some(self.guard.highest()), ..Commit::default() };
        if is_right(refusal) {
            let actor = caller.map_or_else(|| Actor { person: None, door: Some(door(incoming)) }, |c| c.actor.clone());
            let refused = Operation::Refused { act: tried(&incoming.body), why: refusal.name() };
            commit.entries.push(self.entry("bot", actor, &refused));
        }
        self.store.commit(commit).await?;
        Ok(Answer::Refused(refusal.clone()))
    }

    /// What was decided becomes true; the answer comes after.
    pub(super) async fn decided(&self, commit: Commit) -> Result<(), CommitError> {
        faults::point("decision.deciding");
        if faults::is_planted("answer_first") {
            let store = self.store.clone();
            tokio::spawn(async move {
                tokio::time::sleep(RECEIVE).await;
                store.commit(commit).await
            });
            return Ok(());
        }
        self.store.commit(commit).await?;
        faults::point("decision.decided");
        Ok(())
    }
}

pub(super) fn inbox_id(incoming: &Incoming) -> InboxId {
    InboxId { platform: incoming.platform, interaction: incoming.interaction.clone() }
}

pub(super) fn door(incoming: &Incoming) -> Door {
    Door { platform: incoming.platform, user: incoming.user.clone(), interaction: incoming.interaction.clone() }
}

/// What was tried, for the ledger: the command's word or the button and its request; never free text, never a code.
fn tried(body: &Body) -> String {
    let (act, most) = match body {
        Body::Line { text } => (text.split_whitespace().find(|word| *word != "/jit").unwrap_or_default().to_owned(), 20),
        Body::Press { action, request, .. } => (format!("{} {request}", action.split(':').next().unwrap_or_default()), 60),
        Body::Form(_) => ("form".to_owned(), 20),
    };
    act.chars().take(most).filter(|c| c.is_ascii_graphic() || *c == ' ').collect()
}

/// A refused right is recorded; a typing mistake is not.
const fn is_right(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::NotLinked
            | Refusal::Inactive
            | Refusal::TimedOut { .. }
            | Refusal::RulesUnread { .. }
            | Refusal::NotAdministrator
            | Refusal::NotAuditor
            | Refusal::NotDigestReader
            | Refusal::NothingToSee { .. }
            | Refusal::MayNotAsk { .. }
            | Refusal::MayNotAskFor { .. }
            | Refusal::OwnRequest
            | Refusal::NotApprover { .. }
            | Refusal::CannotPassTo { .. }
            | Refusal::NotRequester
            | Refusal::NotHolder
            | Refusal::NotSubject
            | Refusal::MayNotRevoke
            | Refusal::OwnSettle
            | Refusal::LinkCode
            | Refusal::LinkLocked { .. }
    )
}
