//! The terminal as the chat of a real `run`, for tests of the whole program: commands come in on standard input and answers
//! go out on standard output, one JSON object a line. Only in builds with the feature `faults`. Decides nothing.

mod kept;

use std::{io::Write as _, path::Path, sync::Arc};

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::run::Chats;
use crate::{
    bot::{Answer, Body, Bot, Incoming},
    chat::Chat,
    domain::{policy::Platform, time::Span},
    faults,
    store::{Filter, Received},
};

/// What is due within this is being done.
const SOON: Span = Span::from_minutes(1);

/// One line of standard input.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, untagged)]
enum Line {
    Typed {
        interaction: String,
        user: String,
        line: String,
    },
    Pressed {
        interaction: String,
        user: String,
        press: String,
        request: String,
        words: Option<String>,
    },
    /// Every request as it is stored, newest first.
    Show {
        show: String,
    },
}

/// The chat that keeps what it was sent in this file; without one there is no chat.
pub(super) fn chats(file: Option<&Path>) -> anyhow::Result<Chats> {
    let Some(file) = file else { return Ok(Chats::new()) };
    let kept = kept::Kept::open(file, faults::clock().0, std::env::var_os("HALLPASS_FORGETFUL_CHAT").is_some())
        .with_context(|| format!("{}", file.display()))?;
    Ok(Chats::from([(Platform::Console, Arc::new(kept) as Arc<dyn Chat>)]))
}

/// Hears from now on. Each line is handled by itself, so that presses can race.
pub(super) fn listen(bot: Arc<Bot>) {
    say(&json!({ "listening": true }));
    std::thread::spawn({
        let runtime = tokio::runtime::Handle::current();
        move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                let bot = bot.clone();
                runtime.spawn(async move {
                    match serde_json::from_str(&line) {
                        Ok(line) => hear(&bot, line).await,
                        Err(error) => say(&json!({ "error": error.to_string() })),
                    }
                });
            }
        }
    });
}

async fn hear(bot: &Bot, line: Line) {
    let (interaction, user, body) = match line {
        Line::Typed { interaction, user, line } => (interaction, user, Body::Line { text: line }),
        Line::Pressed { interaction, user, press, request, words } => (interaction, user, Body::Press { action: press, request, words }),
        Line::Show { show } => return say(&json!({ "show": show, "seen": seen(bot).await })),
    };
    let incoming = Incoming { platform: Platform::Console, user, interaction: interaction.clone(), body };
    match bot.receive(&incoming).await {
        Err(why) => return say(&json!({ "interaction": interaction, "error": why.to_string() })),
        Ok(Received::Duplicate) => return say(&json!({ "interaction": interaction, "acknowledged": "before" })),
        Ok(Received::New) => say(&json!({ "interaction": interaction, "acknowledged": "now" })),
    }
    faults::point("inbox.acknowledged");
    let answer = match bot.handle(&incoming).await {
        Ok(Answer::Said { name, data }) => json!({ "interaction": interaction, "answer": name, "data": data }),
        // To whoever asked for it, and nowhere else.
        Ok(Answer::Handed(handed)) => {
            json!({ "interaction": interaction, "answer": "credential", "data": { "id": handed.request.id, "secret": handed.secret.expose_secret() } })
        }
        Ok(Answer::Refused(refusal)) => json!({ "interaction": interaction, "refused": refusal }),
        Err(error) => json!({ "interaction": interaction, "error": error.to_string() }),
    };
    say(&answer);
    faults::point("door.answered");
}

/// Requests, whether anything is due within the next minute, and the policy in force.
async fn seen(bot: &Bot) -> Value {
    let requests = bot.store().requests(&Filter { limit: 100, ..Filter::default() }).await;
    let due = bot.store().next_due().await;
    match (requests, due) {
        (Ok(requests), Ok(due)) => {
            json!({ "requests": requests, "busy": due.is_some_and(|at| at <= bot.now() + SOON), "policy": bot.catalogue().digest })
        }
        (Err(error), _) | (_, Err(error)) => json!({ "error": error.to_string() }),
    }
}

/// Whoever listened may be gone: that is no reason to stop.
fn say(value: &Value) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{value}").and_then(|()| out.flush()).is_err() {
        tracing::error!("nobody reads the answers");
    }
}
