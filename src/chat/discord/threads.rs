//! Threads under cards: made from the card, whose id they have, opened again for what comes late, and put away in the end.

use std::{collections::BTreeMap, sync::PoisonError};

use serde_json::{Value, json};
use serenity::http::{LightMethod, Route};

use super::{
    Discord, Trouble,
    api::{Call, id},
    limits,
    markdown::cut_at,
    standing::Known,
};
use crate::chat::{ChatFault, Once, Posted};

/// Discord puts a thread away itself after a day without a message, in minutes.
const AUTO_ARCHIVE: u32 = 1440;
/// Names that are kept until the thread is made.
const NAMES: usize = 1_000;

const NO_CHANNEL: u32 = 10003;
const NO_MESSAGE: u32 = 10008;
const NOT_PERMITTED: u32 = 50013;
/// The thread was put away, or locked.
const PUT_AWAY: [u32; 2] = [50083, 160_005];
/// The thread is there already.
const IS_MADE: u32 = 160_004;

/// By card, what its thread is to be called.
pub(super) type Names = BTreeMap<String, String>;

/// What refuses when a thread under this card does: all threads of the channel need the same permission, which its cards do not.
pub(super) fn place(card: &Posted) -> String {
    format!("{}/threads", card.channel)
}

impl Discord {
    /// Makes the thread of a card that was just posted. What does not work now is made up for when something is first told there:
    /// the card itself stands.
    pub(super) async fn begin_thread(&self, card: &Posted, name: String) {
        if let Err(trouble) = self.make_thread(card, &name).await {
            tracing::warn!(%trouble, "a card's thread could not be made yet");
            let mut unmade = self.unmade.lock().unwrap_or_else(PoisonError::into_inner);
            if unmade.len() < NAMES {
                unmade.insert(card.message.clone(), name);
            }
        }
    }

    async fn make_thread(&self, card: &Posted, name: &str) -> Result<(), Trouble> {
        let body = json!({ "name": name, "auto_archive_duration": AUTO_ARCHIVE });
        let route = Route::ChannelMessageThreads { channel_id: id(&card.channel, "channel")?, message_id: id(&card.message, "message")? };
        let place = place(card);
        let call = Call::new(LightMethod::Post, route).body(&body).at(&place).because("Hallpass: what happens to a request is told here");
        match self.api.call(call).await {
            Ok(_) => Ok(()),
            Err(trouble) if trouble.is_one_of(&[IS_MADE]) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    /// Tells something in the thread of a card, whatever became of the thread. `Gone`: the card is.
    pub(super) async fn tell_under(&self, card: &Posted, body: Value, once: Once<'_>) -> Result<Posted, ChatFault> {
        let thread = &card.message;
        if once.may_stand {
            match self.standing(thread, &Known::Words(&body), once).await {
                Ok(Some(posted)) => return Ok(posted),
                // What a human must mend, such as a thread that is not there, sending says or makes up for.
                Ok(None) | Err(ChatFault::Permanent { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        let place = place(card);
        let trouble = match self.send(&place, thread, body.clone(), once).await {
            Ok(posted) => return Ok(posted),
            Err(trouble) => trouble,
        };
        match trouble.code() {
            Some(NO_CHANNEL | NO_MESSAGE) => self.make_up(card).await?,
            Some(code) if PUT_AWAY.contains(&code) => self.reopen(card).await?,
            _ => return Err(trouble.into()),
        }
        match self.send(&place, thread, body, once).await {
            Err(trouble) if trouble.is_one_of(&[NO_CHANNEL]) => Err(self.take_away(card).await?),
            sent => Ok(sent?),
        }
    }

    /// Its thread was deleted, and Discord makes no other from it: the card is taken away with its buttons, and posted anew.
    async fn take_away(&self, card: &Posted) -> Result<ChatFault, Trouble> {
        let route = Route::ChannelMessage { channel_id: id(&card.channel, "channel")?, message_id: id(&card.message, "message")? };
        tracing::info!(card = %card.message, "the thread of a card was deleted: the card is posted anew");
        let call = Call::new(LightMethod::Delete, route).at(&card.channel).because("Hallpass: its thread was deleted, it is posted anew");
        match self.api.call(call).await {
            Err(trouble) if !trouble.is_one_of(&[NO_CHANNEL, NO_MESSAGE]) => Err(trouble),
            _ => Ok(ChatFault::Gone),
        }
    }

    /// Makes the thread that is not there, if the card is.
    async fn make_up(&self, card: &Posted) -> Result<(), ChatFault> {
        let route = Route::ChannelMessage { channel_id: id(&card.channel, "channel")?, message_id: id(&card.message, "message")? };
        let standing = match self.api.call(Call::new(LightMethod::Get, route).at(&card.channel)).await {
            Err(trouble) if trouble.is_one_of(&[NO_CHANNEL, NO_MESSAGE]) => return Err(ChatFault::Gone),
            answer => answer?,
        };
        let kept = self.unmade.lock().unwrap_or_else(PoisonError::into_inner).get(&card.message).cloned();
        self.make_thread(card, &kept.unwrap_or_else(|| name_of(&standing))).await?;
        self.unmade.lock().unwrap_or_else(PoisonError::into_inner).remove(&card.message);
        Ok(())
    }

    /// Something comes late: the thread is open again until it is put away anew.
    async fn reopen(&self, card: &Posted) -> Result<(), Trouble> {
        match self.change(card, "", &json!({ "archived": false, "locked": false })).await {
            // What was never locked needs no permission to be unlocked.
            Err(trouble) if trouble.is_one_of(&[NOT_PERMITTED]) => self.change(card, &place(card), &json!({ "archived": false })).await,
            done => done,
        }
    }

    /// Puts the thread away, and locks it where the bot may.
    pub(super) async fn archive(&self, card: &Posted) -> Result<(), Trouble> {
        let done = match self.change(card, "", &json!({ "archived": true, "locked": true })).await {
            Err(trouble) if trouble.is_one_of(&[NOT_PERMITTED]) => self.change(card, &place(card), &json!({ "archived": true })).await,
            done => done,
        };
        match done {
            // It is put away already, or not there.
            Err(trouble) if trouble.is_one_of(&PUT_AWAY) || trouble.is_one_of(&[NO_CHANNEL]) => Ok(()),
            done => done,
        }
    }

    async fn change(&self, card: &Posted, place: &str, body: &Value) -> Result<(), Trouble> {
        let route = Route::Channel { channel_id: id(&card.message, "thread")? };
        let call = Call::new(LightMethod::Patch, route).body(body).at(place).because("Hallpass: everything about the request is told");
        self.api.call(call).await.map(drop)
    }
}

/// A name for the thread of a card that stands there: the id under it, and its first line.
fn name_of(card: &Value) -> String {
    let id = card["embeds"][0]["footer"]["text"].as_str().unwrap_or_default();
    let line = card["content"].as_str().unwrap_or_default().lines().next().unwrap_or_default();
    // As it is read: without the marks of its layout.
    let mut plain = String::new();
    let mut escaped = false;
    for c in line.chars() {
        if c == '\\' && !escaped {
            escaped = true;
            continue;
        }
        if escaped || !matches!(c, '*' | '_' | '`' | '~' | '|') {
            plain.push(c);
        }
        escaped = false;
    }
    let mut name = format!("{id} {plain}").trim().to_owned();
    cut_at(&mut name, limits::THREAD_NAME, true);
    if name.is_empty() { "Request".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_is_made_later_is_called_by_its_cards_id_and_first_line_as_they_are_read() {
        let card =
            json!({ "content": "**Ana Reyes** asks for write on prod\\-db\nMore", "embeds": [{ "footer": { "text": "R-7K3QD2" } }] });
        assert_eq!(name_of(&card), "R-7K3QD2 Ana Reyes asks for write on prod-db");
        assert_eq!(name_of(&json!({ "content": "" })), "Request");
    }

    #[test]
    fn a_threads_name_is_cut_within_the_limit() {
        let name = name_of(&json!({ "content": "é".repeat(120) }));
        assert!(name.chars().count() <= 100 && name.ends_with('…'), "{name}");
    }
}
