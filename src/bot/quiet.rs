//! Turning one's own direct messages down: kept with what a person gave once, and asked before each private line.

use serde_json::json;

use super::{
    Answer, Bot,
    handle::{Caller, Decided},
};
use crate::{
    domain::{event::Event, ids::PersonId, quiet, refusal::Refusal, request::Request},
    store::{Commit, InputWrite, StoreError},
};

/// What begins so is the bot's own, and no adapter's.
pub(super) const OWN: &str = "hallpass/";
pub(super) const QUIET: &str = "hallpass/quiet";
pub(super) const ON: &str = "on";
const OFF: &str = "off";

impl Bot {
    /// Turns one's own direct messages down or up again; None: says how they are.
    pub(super) async fn turn_quiet(&self, caller: &Caller, to: Option<bool>) -> Decided {
        let before = self.is_quiet(&caller.person).await?;
        let after = to.unwrap_or(before);
        let value = if after { ON } else { OFF };
        let write = InputWrite { person: caller.person.clone(), key: QUIET.into(), value: value.into(), at: self.now() };
        let inputs = (after != before).then_some(write).into_iter().collect();
        self.store.commit(Commit { inbox_done: Some(caller.inbox.clone()), inputs, ..Commit::default() }).await?;
        Ok(Ok(Answer::said("quiet", json!({ "quiet": after, "asked": to.is_none() }))))
    }

    /// The button of the home page: `on` or `off`.
    pub(super) async fn press_quiet(&self, caller: &Caller, to: &str) -> Decided {
        match to {
            ON => self.turn_quiet(caller, Some(true)).await,
            OFF => self.turn_quiet(caller, Some(false)).await,
            other => Ok(Err(Refusal::Grammar { expected: "on or off".into(), found: other.chars().take(20).collect(), near: Vec::new() })),
        }
    }

    pub(super) async fn is_quiet(&self, person: &PersonId) -> Result<bool, StoreError> {
        Ok(self.store.inputs(person).await?.get(QUIET).is_some_and(|value| value == ON))
    }

    /// Is this person to be told of this privately? Some of it is, whatever they turned down.
    pub async fn tells(&self, person: &PersonId, event: &Event, request: &Request) -> Result<bool, StoreError> {
        Ok(quiet::is_always_told(event, person, request) || !self.is_quiet(person).await?)
    }
}
