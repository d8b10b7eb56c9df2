//! Finds a message that may have been sent before: Discord recognises a repeated nonce for a few minutes only and never shows it
//! again, so later it is known by what it says. A card changes between two tries, and is known by its request's id instead, which
//! stands under it whatever its state. Reads; must not send.

use serde_json::Value;
use serenity::{
    http::{LightMethod, Route},
    model::id::ChannelId,
};

use super::{
    Discord, Trouble,
    api::{Call, id},
    limits::nested,
};
use crate::{
    chat::{ChatFault, Once, Posted},
    domain::time::{Instant, Span},
};

/// Messages in one answer, and answers that are looked through, newest first.
const PAGE: usize = 100;
const PAGES: usize = 5;
/// Discord's clock and ours may differ by this.
const SKEW: Span = Span::from_minutes(1);
/// When Discord's time begins, in milliseconds since 1970.
const EPOCH: i64 = 1_420_070_400_000;
/// Kinds of messages that people and bots write: plain ones, and answers to others.
const WRITTEN: [u64; 2] = [0, 19];

/// The key of a message under which the line stands that says it is told late; it never leaves the process.
pub(super) const LATE: &str = "late";

/// How a message is known again.
pub(super) enum Known<'a> {
    /// It is a card of this request, or says just this: a team's own template may leave the footer out.
    Card(&'a str, &'a Value),
    /// It says this.
    Words(&'a Value),
}

impl Known<'_> {
    fn is(&self, message: &Value) -> bool {
        match self {
            Self::Card(request, body) => is_card(message, request) || says_the_same(message, body),
            Self::Words(body) => says_the_same(message, body),
        }
    }
}

impl Discord {
    /// Where it stands in this channel (a thread and direct messages are channels too), if it does.
    pub(super) async fn standing(&self, channel: &str, known: &Known<'_>, once: Once<'_>) -> Result<Option<Posted>, ChatFault> {
        let (bot, since) = (self.home().await?.bot_user, self.clock.real(once.since));
        let mut before = None::<String>;
        for _ in 0..PAGES {
            let page = self.page(channel, before.as_deref()).await?;
            let recent = || page.iter().filter(|message| sent_at(message) >= millis(since) - SKEW.seconds() * 1000);
            let ours = |message: &&Value| message["author"]["id"] == *bot && is_written(message) && known.is(message);
            if let Some(id) = recent().find(ours).and_then(|found| found["id"].as_str()) {
                return Ok(Some(Posted { channel: channel.to_owned(), message: id.to_owned() }));
            }
            if page.len() < PAGE || recent().count() < page.len() {
                break;
            }
            before = page.last().and_then(|oldest| oldest["id"].as_str()).map(str::to_owned);
        }
        Ok(None)
    }

    async fn page(&self, channel: &str, before: Option<&str>) -> Result<Vec<Value>, Trouble> {
        let channel_id: ChannelId = id(channel, "channel")?;
        let mut call = Call::new(LightMethod::Get, Route::ChannelMessages { channel_id }).param("limit", &PAGE.to_string());
        if let Some(before) = before {
            call = call.param("before", before);
        }
        match self.api.call(call).await? {
            Value::Array(messages) => Ok(messages),
            _ => Err(Trouble::Unanswered("no messages of a channel".to_owned())),
        }
    }
}

fn is_written(message: &Value) -> bool {
    message["type"].as_u64().is_some_and(|kind| WRITTEN.contains(&kind))
}

const fn millis(at: Instant) -> i64 {
    at.micros() / 1000
}

/// When a message was sent, as its id says; in milliseconds since 1970.
fn sent_at(message: &Value) -> i64 {
    message["id"].as_str().and_then(|id| id.parse::<i64>().ok()).map_or(0, |id| (id >> 22) + EPOCH)
}

/// Its footer is the request's id: that of an alarm or another line about the request is not.
fn is_card(message: &Value, request: &str) -> bool {
    let mut footers = message["embeds"].as_array().into_iter().flatten().filter_map(|embed| embed["footer"]["text"].as_str());
    footers.any(|footer| footer.split_whitespace().next() == Some(request))
}

/// Of a message that says nothing, nothing is known. What is told late now may have been told in time before.
fn says_the_same(message: &Value, body: &Value) -> bool {
    let (words, said) = (words(body), words(message));
    let in_time = || {
        let late: String = body[LATE].as_str()?.split_whitespace().collect();
        let (before, after) = words.rsplit_once(&late)?;
        Some(said == format!("{before}{after}"))
    };
    !said.is_empty() && (words == said || in_time() == Some(true))
}

/// What a message says, without its layout: Discord adds to that, and trims.
fn words(message: &Value) -> String {
    let mut words = message["content"].as_str().unwrap_or_default().to_owned();
    for embed in message["embeds"].as_array().into_iter().flatten() {
        let fields = embed["fields"].as_array().into_iter().flatten().flat_map(|field| [&field["name"], &field["value"]]);
        let texts = [&embed["title"], &embed["description"], &embed["footer"]["text"]].into_iter().chain(fields);
        texts.filter_map(Value::as_str).for_each(|text| words.push_str(text));
    }
    let texts = nested(message["components"].as_array().map_or(&[], Vec::as_slice));
    texts.iter().filter_map(|component| component["content"].as_str()).for_each(|text| words.push_str(text));
    words.retain(|c| !c.is_whitespace());
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_known_by_what_it_says_whatever_discord_adds() {
        let sent = json!({ "content": "Ben Okafor approved\n", "embeds": [{ "title": "A", "fields": [{ "name": "B", "value": "C" }] }] });
        let stands = json!({ "content": "Ben Okafor approved", "tts": false,
            "embeds": [{ "type": "rich", "title": "A", "fields": [{ "name": "B", "value": "C", "inline": false }] }] });
        assert!(Known::Words(&sent).is(&stands));
        for other in [json!({ "content": "Ben Okafor approves" }), json!({ "content": "Ben Okafor approved" })] {
            assert!(!Known::Words(&sent).is(&other), "{other}");
        }
        let display =
            |text: &str| json!({ "content": "", "components": [{ "type": 17, "components": [{ "type": 10, "content": text }] }] });
        assert!(Known::Words(&display("A")).is(&display("A")) && !Known::Words(&display("A")).is(&display("B")));
        assert!(!Known::Words(&json!({ "content": "" })).is(&json!({ "content": "" })), "what says nothing is not known");
    }

    #[test]
    fn what_is_told_late_is_known_also_as_it_was_told_in_time() {
        let late = json!({ "content": "Ben approved\n\\(told late\\)", "late": "\\(told late\\)" });
        for stands in ["Ben approved", "Ben approved\n\\(told late\\)"] {
            assert!(Known::Words(&late).is(&json!({ "content": stands })), "{stands}");
        }
        assert!(!Known::Words(&late).is(&json!({ "content": "\\(told late\\)" })));
        assert!(!Known::Words(&late).is(&json!({ "content": "" })));
    }

    #[test]
    fn a_card_is_known_in_any_state_by_the_id_under_it() {
        let card = |footer: &str| json!({ "content": "Ended", "embeds": [{ "description": "…", "footer": { "text": footer } }] });
        let asked = json!({ "content": "Asked" });
        let known = Known::Card("R-7K3QD2", &asked);
        assert!(known.is(&card("R-7K3QD2")) && known.is(&card("R-7K3QD2 · prod-db")) && known.is(&asked));
        for other in [card("R-7K3QD3"), card("Alarm · R-7K3QD2"), json!({ "content": "R-7K3QD2" })] {
            assert!(!known.is(&other), "{other}");
        }
    }

    #[test]
    fn an_id_says_when_a_message_was_sent() {
        assert_eq!(sent_at(&json!({ "id": "175928847299117063" })), 1_462_015_105_796);
    }
}
