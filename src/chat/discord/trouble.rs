//! Why Discord did not do something: its own codes sorted into what is gone, what is worth another try and what a human must
//! mend, with words that say how. Must not call anything, and never quotes a token or a URL.

use std::{fmt, time::Duration};

use serde_json::Value;

use crate::{chat::ChatFault, domain::time::Span};

/// Codes that mean: the message is not there any more, or is no message of this bot.
const GONE: [u32; 2] = [10008, 50005];
/// Codes that mean: this person takes no direct messages.
const CLOSED: [u32; 2] = [50007, 50278];
/// Codes that mean: later.
const LATER: [u32; 8] = [20016, 20022, 20028, 20029, 30046, 40006, 40062, 130_000];
/// Longest piece of what Discord says that is quoted, in characters.
const QUOTED: usize = 300;

/// Why Discord did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::chat) enum Trouble {
    /// Its own code, such as 50013, with what it says about it; `errors` are those of single fields, in one line.
    Said { status: u16, code: u32, message: String, errors: String },
    /// Too much at once, or our own pacing says so: not before this.
    Limited { after: Duration, global: bool },
    /// Nothing is sent, because it could only be refused: a token that Discord does not accept, an id that is none.
    Stopped(String),
    /// No answer, or none that means anything: it may have happened or not.
    Unanswered(String),
}

impl Trouble {
    /// What Discord answered with a status that is no success.
    pub(super) fn said(status: u16, body: &Value) -> Self {
        let code = body["code"].as_u64().and_then(|code| u32::try_from(code).ok()).unwrap_or_default();
        let message = body["message"].as_str().unwrap_or_default().chars().take(QUOTED).collect();
        let mut fields = Vec::new();
        flatten(&body["errors"], &mut String::new(), &mut fields);
        Self::Said { status, code, message, errors: fields.join("; ").chars().take(QUOTED).collect() }
    }

    pub(in crate::chat) const fn code(&self) -> Option<u32> {
        match self {
            Self::Said { code, .. } => Some(*code),
            _ => None,
        }
    }

    pub(in crate::chat) fn is_one_of(&self, codes: &[u32]) -> bool {
        self.code().is_some_and(|code| codes.contains(&code))
    }
}

/// `embeds[0].title: Must be 256 or fewer in length.`, for each field that Discord refuses.
fn flatten(errors: &Value, path: &mut String, lines: &mut Vec<String>) {
    let Some(fields) = errors.as_object() else { return };
    for (key, value) in fields {
        if key == "_errors" {
            let said = value.as_array().into_iter().flatten().filter_map(|error| error["message"].as_str()).collect::<Vec<_>>();
            let place = if path.is_empty() { "message" } else { path.as_str() };
            lines.push(format!("{place}: {}", said.join(" ")));
            continue;
        }
        let before = path.len();
        match (key.parse::<usize>(), path.is_empty()) {
            (Ok(n), _) => path.extend([format!("[{n}]")]),
            (Err(_), true) => path.push_str(key),
            (Err(_), false) => path.extend([".", key.as_str()]),
        }
        flatten(value, path, lines);
        path.truncate(before);
    }
}

/// What to do about a code, for whoever runs the bot.
const fn advice(code: u32) -> &'static str {
    match code {
        10003 => "the channel is not there, or the bot cannot see it: look at its id in bot.toml, and let the bot's role view it",
        10004 => "the bot is not in the guild: invite it with the link of `hallpass discord invite`",
        10007 | 10013 => "there is no such person in the guild: they left, or the id in bot.toml is not theirs",
        10011 => "there is no such role in the guild: look at its id in bot.toml",
        10062 | 50027 => "it is answered too late: Discord waits 3 s for a first answer and 15 min for others",
        20026 => "Discord has flagged the bot: look at its page in the developer portal",
        40060 => "it was answered already",
        50001 => "let the bot's role view this channel and read its history",
        50007 | 50278 => {
            "this person takes no direct messages from the bot: they can allow them in the privacy settings of the server, if they share one \
             with the bot"
        }
        50008 | 50024 => "this is no text channel: name one in bot.toml",
        50013 => {
            "give the bot's role what it lacks in this channel: View Channel, Send Messages, Embed Links, Read Message History, Create Public \
             Threads, Send Messages in Threads; Manage Threads is optional"
        }
        50035 => "if its template is overridden, look at it with `hallpass check`",
        160_002 => "let the bot's role read this channel's history",
        160_006 => "the guild has as many active threads as Discord allows: archive some",
        200_000 | 200_001 => "the guild's AutoMod blocked it: exempt the bot's role",
        _ => "",
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said { status, code, message, errors } => {
                if *code == 0 {
                    write!(f, "Discord answers with status {status}")?;
                } else {
                    write!(f, "Discord says {code}")?;
                }
                if !message.is_empty() {
                    write!(f, " ({message})")?;
                }
                for more in [errors.as_str(), advice(*code)].into_iter().filter(|more| !more.is_empty()) {
                    write!(f, "; {more}")?;
                }
                Ok(())
            }
            Self::Limited { .. } => f.write_str("Discord asks for a pause"),
            Self::Stopped(why) => f.write_str(why),
            Self::Unanswered(why) => write!(f, "Discord does not answer: {why}"),
        }
    }
}

impl From<Trouble> for ChatFault {
    fn from(trouble: Trouble) -> Self {
        let why = trouble.to_string();
        match trouble {
            Trouble::Limited { after, .. } => Self::Transient { why, retry_after: Some(whole_seconds(after)) },
            Trouble::Unanswered(_) => Self::Transient { why, retry_after: None },
            Trouble::Said { code, .. } if GONE.contains(&code) => Self::Gone,
            Trouble::Said { code, .. } if LATER.contains(&code) => Self::Transient { why, retry_after: None },
            Trouble::Said { code, .. } if CLOSED.contains(&code) => Self::Closed { why },
            Trouble::Said { .. } | Trouble::Stopped(_) => Self::Permanent { why },
        }
    }
}

/// Rounded up, so that nothing is tried too early.
fn whole_seconds(after: Duration) -> Span {
    Span::from_seconds(i64::try_from(after.as_millis().div_ceil(1000)).unwrap_or(i64::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(code: u32) -> Trouble {
        Trouble::said(400, &json!({ "code": code, "message": "Words of Discord" }))
    }

    #[test]
    fn a_message_that_is_gone_is_gone_and_a_server_in_trouble_is_tried_again() {
        assert_eq!(ChatFault::from(said(10008)), ChatFault::Gone);
        for code in [30046, 40062, 130_000] {
            assert!(matches!(ChatFault::from(said(code)), ChatFault::Transient { .. }), "{code}");
        }
        let late = Trouble::Unanswered("status 503".to_owned());
        assert_eq!(
            ChatFault::from(late),
            ChatFault::Transient { why: "Discord does not answer: status 503".to_owned(), retry_after: None }
        );
    }

    #[test]
    fn what_a_human_must_mend_says_how() {
        for (code, words) in [
            (10003, "bot.toml"),
            (50001, "view this channel"),
            (50013, "Send Messages"),
            (50035, "hallpass check"),
            (160_006, "archive some"),
            (200_000, "AutoMod"),
        ] {
            let ChatFault::Permanent { why } = said(code).into() else { panic!("{code} is not permanent") };
            assert!(why.starts_with(&format!("Discord says {code} (Words of Discord); ")) && why.contains(words), "{why}");
        }
    }

    #[test]
    fn who_takes_no_direct_messages_is_nothing_that_an_operator_mends() {
        for code in [50007, 50278] {
            let ChatFault::Closed { why } = said(code).into() else { panic!("{code} is not theirs to decide") };
            assert!(why.contains("direct messages"), "{why}");
        }
    }

    #[test]
    fn a_pause_is_rounded_up() {
        for (millis, seconds) in [(1, 1), (1000, 1), (1001, 2), (65_500, 66)] {
            let trouble = Trouble::Limited { after: Duration::from_millis(millis), global: false };
            let ChatFault::Transient { retry_after, .. } = trouble.into() else { panic!("a pause is no end") };
            assert_eq!(retry_after, Some(Span::from_seconds(seconds)), "{millis} ms");
        }
    }

    #[test]
    fn the_errors_of_fields_are_one_line_that_names_each_field() {
        let body = json!({ "code": 50035, "message": "Invalid Form Body", "errors": {
            "content": { "_errors": [{ "code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 2000 or fewer in length." }] },
            "embeds": { "0": { "fields": { "2": { "value": { "_errors": [{ "code": "BASE_TYPE_REQUIRED", "message": "This field is required" }] } } } } },
        } });
        let Trouble::Said { errors, .. } = Trouble::said(400, &body) else { panic!("it was said") };
        assert_eq!(errors, "content: Must be 2000 or fewer in length.; embeds[0].fields[2].value: This field is required");
        let whole = json!({ "code": 50035, "message": "Invalid Form Body", "errors": { "_errors": [{ "message": "Too large." }] } });
        assert!(Trouble::said(400, &whole).to_string().contains("; message: Too large.; "));
    }
}
